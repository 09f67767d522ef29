"""One request: where values go, what comes back, and how it fails."""

import asyncio
import json
import os
import tempfile

from agentsecrets import (
    AgentSecrets,
    AgentSecretsNotRunning,
    AsyncAgentSecrets,
    CLIError,
    CLINotFound,
    DomainNotAllowed,
    ProxyConnectionError,
    SecretNotFound,
    UpstreamError,
)
from agentsecrets import auth, proxy

from kit import raises, works


def is_seen(response, **want):
    """Holds the origin's own account of the request against what was meant."""
    seen = response.json()
    for part, value in want.items():
        got = seen["headers"].get(value[0]) if part == "header" else seen[part]
        expected = value[1] if part == "header" else value
        assert got == expected, f"{part}: {got!r}, not {expected!r}"
    return seen


@works("call(bearer=)")
def _(k):
    return is_seen(k.call(bearer="PAY_KEY"), header=("Authorization", "Bearer <PAY_KEY>"), method="GET", path="/v1")["headers"]["Authorization"]


@works("call(basic=)", "the secret is `user:password`")
def _(k):
    return is_seen(k.call(basic="BASIC_CREDS"), header=("Authorization", "Basic <BASIC_CREDS>"))["headers"]["Authorization"]


@works("call(header=)")
def _(k):
    return is_seen(k.call(header={"X-Api-Key": "PAY_KEY"}), header=("X-Api-Key", "<PAY_KEY>"))["headers"]["X-Api-Key"]


@works("call(query=)", "what is no name of a secret is sent as it is: `\"address\": \"Lagos, Nigeria\"`")
def _(k):
    return is_seen(k.call(query={"key": "PAY_KEY", "address": "Lagos, Nigeria"}), query={"key": "<PAY_KEY>", "address": "Lagos, Nigeria"})["query"]


@works("call(body_field=)", "a path such as `auth.token` makes the objects that it needs")
def _(k):
    r = k.call(method="POST", body={"grant_type": "client_credentials"}, body_field={"client_secret": "PAY_KEY", "auth.token": "ORG_KEY"})
    sent = json.loads(is_seen(r, method="POST", header=("Content-Type", "application/json"))["body"])
    assert sent == {"grant_type": "client_credentials", "auth": {"token": "<ORG_KEY>"}, "client_secret": "<PAY_KEY>"}, sent
    return sent


@works("call(form_field=)")
def _(k):
    r = k.call(method="POST", form_field={"api_key": "PAY_KEY"})
    return is_seen(r, body="api_key=<PAY_KEY>", header=("Content-Type", "application/x-www-form-urlencoded"))["body"]


@works("call() with several styles at once")
def _(k):
    seen = is_seen(k.call(bearer="PAY_KEY", header={"X-Org-Id": "ORG_KEY"}, query={"version": "PAY_KEY"}),
                   header=("Authorization", "Bearer <PAY_KEY>"), query={"version": "<PAY_KEY>"})
    assert seen["headers"]["X-Org-Id"] == "<ORG_KEY>", seen
    return seen["query"]


@works("call(method=, body=) of a dict, text and bytes")
def _(k):
    for body, sent in (({"amount": 1000}, '{"amount": 1000}'), ("plain", "plain"), (b"bytes", "bytes")):
        for method in ("POST", "put", "PATCH"):
            is_seen(k.call(method=method, bearer="PAY_KEY", body=body), method=method.upper(), body=sent)
    return "POST, PUT, PATCH"


@works("response: status_code, headers, body, json(), duration_ms")
def _(k):
    r = k.call(bearer="PAY_KEY")
    assert r.status_code == 200 and r.headers["Content-Type"] == "application/json" and r.headers["X-Twice"] == "one, two", r
    assert isinstance(r.body, bytes) and r.text == r.body.decode() and r.json()["path"] == "/v1", r
    assert isinstance(r.duration_ms, int) and 0 <= r.duration_ms < 30000 and r.redacted is False, r
    return f"200, {len(r.headers)} headers"


@works("response.redacted, where the value came back")
def _(k):
    r = k.call("/echo", bearer="PAY_KEY")
    assert r.redacted is True and r.text.startswith("Bearer [REDACTED_BY_AGENTSECRETS]"), r
    return r.text


@works("async_call()")
def _(k):
    async def several():
        client = k.client()
        return await asyncio.gather(*[client.async_call(k.url(f"/{i}"), bearer="PAY_KEY") for i in range(3)])

    for i, r in enumerate(asyncio.run(several())):
        is_seen(k.keep(r), header=("Authorization", "Bearer <PAY_KEY>"), path=f"/{i}")
    return "3 at once"


@works("AsyncAgentSecrets: call(), async with")
def _(k):
    async def one():
        async with AsyncAgentSecrets(port=k.port) as client:
            return await client.call(k.url("/v1"), header={"X-Api-Key": "PAY_KEY"})

    return is_seen(k.keep(asyncio.run(one())), header=("X-Api-Key", "<PAY_KEY>"))["headers"]["X-Api-Key"]


@works("with AgentSecrets() as client, close()")
def _(k):
    with AgentSecrets(port=k.port) as client:
        k.call(client=client, bearer="PAY_KEY")
    return raises(RuntimeError, lambda: k.call(client=client, bearer="PAY_KEY")).args[0].splitlines()[0]


@works("DomainNotAllowed, with its domain")
def _(k):
    e = raises(DomainNotAllowed, lambda: k.client().call("https://evil.example/v1", bearer="PAY_KEY"))
    assert e.domain == "evil.example", e.domain
    return e.fix_hint


@works("SecretNotFound, with its key")
def _(k):
    e = raises(SecretNotFound, lambda: k.call(bearer="NO_SUCH_KEY"))
    assert e.key == "NO_SUCH_KEY", e.key
    return e.fix_hint


@works("UpstreamError, with status and body", "a status of 400 and above raises it, and so does an API that cannot be reached, with 502")
def _(k):
    e = raises(UpstreamError, lambda: k.call("/status/402", bearer="PAY_KEY"))
    assert e.status_code == 402 and e.body == '{"error":{"code":"card_declined"}}' and e.url == k.url("/status/402"), vars(e)
    return f"{e.status_code} {e.body}"


@works("AgentSecretsNotRunning, with the port")
def _(k):
    e = raises(AgentSecretsNotRunning, lambda: auth.resolve(k.free, auto_start_proxy=False))
    assert e.port == k.free
    return e.fix_hint


@works("ProxyConnectionError, with the port")
def _(k):
    e = raises(ProxyConnectionError, lambda: proxy.health_check(k.free))
    assert e.port == k.free
    return e.fix_hint


@works("CLINotFound")
def _(k):
    with k.path(k.none):
        return raises(CLINotFound, lambda: k.call(bearer="PAY_KEY")).message


@works("CLIError, with command, exit code and our message")
def _(k):
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as empty:
        os.chdir(empty)
        try:
            e = raises(CLIError, lambda: k.client().secrets.list())
        finally:
            os.chdir(before)
    assert e.command == "secrets list" and e.exit_code == 1 and "hint: agentsecrets init" in e.stderr, vars(e)
    return e.stderr.splitlines()[0]


@works("call(timeout=)")
def _(k):
    return raises(CLIError, lambda: k.call("/slow", bearer="PAY_KEY", timeout=1)).stderr
