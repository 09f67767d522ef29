"""Programs whose HTTP library is led to the proxy by the SDK: init() and credential."""

import functools
import json
import os
import subprocess
import sys

from kit import defect, works


@functools.lru_cache(maxsize=None)
def hooked(k):
    """The program with init(), through a proxy that is led to the API by flags: httpx
    keeps the API's name in Host, which is none of this machine's."""
    k.client().proxy.stop()
    k.cli("proxy", "start", "--port", str(k.port), *k.flags)
    return json.loads(k.program("client.py", "init", k.named))


@functools.lru_cache(maxsize=None)
def unhooked(k):
    """The program as anybody would write it, under a run."""
    return json.loads(k.program("client.py", "none", k.named, under=k.intercepted()))


@functools.lru_cache(maxsize=None)
def stubbed(k):
    """The program with init(), and a server of ten lines in place of the proxy."""
    server = subprocess.Popen([sys.executable, os.path.join(k.programs, "stub.py"), str(k.free)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout.readline() == "ready\n"
        with k.variable("AGENTSECRETS_PORT", str(k.free)):
            return json.loads(k.program("client.py", "init", k.named, "requests", "httpx-stream", "httpx-async-stream"))
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


def seen(result, method="GET", pay="<PAY_KEY>"):
    got = json.loads(result.get("text") or json.dumps(result))
    assert "headers" in got, got
    assert got["headers"]["Authorization"] == f"Bearer {pay}" and got["headers"]["X-Org-Id"] == "<ORG_KEY>" and got["method"] == method, got
    assert not [h for h in got["headers"] if h.lower().startswith("x-as-")], got
    assert method == "GET" or json.loads(got["body"]) == {"n": 1}, got
    return got["headers"]["Authorization"]


def streamed(result):
    assert result.get("text", "").count("Bearer <PAY_KEY>") == 3, result
    return result["text"].splitlines()[0]


@works("init(), credential: requests", "placeholders in header fields alone; `agentsecrets run --intercept` expands them in more places")
def _(k):
    seen(hooked(k)["requests-post"], method="POST")
    return seen(hooked(k)["requests"])


@works("init(), credential: requests, stream=True")
def _(k):
    return streamed(hooked(k)["requests-stream"])


@works("init(), credential: httpx")
def _(k):
    return seen(hooked(k)["httpx"])


@works("init(), credential: httpx.AsyncClient")
def _(k):
    return seen(hooked(k)["httpx-async"], method="POST")


@works("AgentSecrets(intercept=True)")
def _(k):
    return seen(json.loads(k.program("client.py", "constructor", k.named, "requests"))["requests"])


@works("init(environment=)")
def _(k):
    try:
        return seen(json.loads(k.program("client.py", "environment", k.named, "httpx"))["httpx"], pay="<PAY_KEY of staging>")
    finally:
        k.cli("environment", "switch", "development")


def stock(name):
    def check(k):
        assert stubbed(k)["requests"] == {"text": "ok"}, stubbed(k)
        return stubbed(k)[name].get("error")

    return check


NOTE = "the same program under `agentsecrets run --intercept`, without `init()`: after it httpx opens no stream at all"
defect("init(): httpx.stream()", NOTE, stock=stock("httpx-stream"), instead=lambda k: streamed(unhooked(k)["httpx-stream"]))(
    lambda k: hooked(k)["httpx-stream"].get("error"))
defect("init(): httpx.AsyncClient.stream()", NOTE, stock=stock("httpx-async-stream"), instead=lambda k: streamed(unhooked(k)["httpx-async-stream"]))(
    lambda k: hooked(k)["httpx-async-stream"].get("error"))


@works("the same programs under agentsecrets run --intercept", "without `init()`: [README](../README.md)")
def _(k):
    for name, result in unhooked(k).items():
        if name.endswith("stream"):
            streamed(result)
        else:
            seen(result, method="POST" if name in ("requests-post", "httpx-async") else "GET")
    return ", ".join(unhooked(k))
