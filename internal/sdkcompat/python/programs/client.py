"""A program that calls an API by several HTTP libraries. With init it is led to the
proxy by the SDK's hooks; with none it knows nothing of AgentSecrets but the placeholder."""

import asyncio
import json
import sys

import httpx
import requests

hook, base, *libraries = sys.argv[1:]
if hook == "none":
    pay, org = "AS_SECRET_PAY_KEY", "AS_SECRET_ORG_KEY"
else:
    import agentsecrets
    from agentsecrets import credential

    pay, org = credential.PAY_KEY, credential["ORG_KEY"]
    if hook == "init":
        agentsecrets.init()
    elif hook == "constructor":
        agentsecrets.AgentSecrets(intercept=True)
    elif hook == "environment":
        agentsecrets.init(environment="staging")
    else:
        sys.exit(f"unknown hook {hook}")

headers = {"Authorization": f"Bearer {pay}", "X-Org-Id": org}


url, events = base + "/v1", base + "/stream"


async def httpx_async():
    async with httpx.AsyncClient() as client:
        return (await client.post(url, headers=headers, json={"n": 1})).text


async def httpx_async_stream():
    async with httpx.AsyncClient() as client, client.stream("GET", events, headers=headers) as r:
        return "".join([text async for text in r.aiter_text()])


def httpx_stream():
    with httpx.stream("GET", events, headers=headers) as r:
        return "".join(r.iter_text())


def requests_stream():
    with requests.get(events, headers=headers, stream=True) as r:
        return "".join(r.iter_content(chunk_size=None, decode_unicode=True))


def attempt(do):
    try:
        return {"text": do()}
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"}


all_of_them = {
    "requests": lambda: requests.get(url, headers=headers).text,
    "requests-post": lambda: requests.post(url, headers=headers, json={"n": 1}).text,
    "requests-stream": requests_stream,
    "httpx": lambda: httpx.get(url, headers=headers).text,
    "httpx-async": lambda: asyncio.run(httpx_async()),
    "httpx-stream": httpx_stream,
    "httpx-async-stream": lambda: asyncio.run(httpx_async_stream()),
}
print(json.dumps({name: attempt(all_of_them[name]) for name in libraries or all_of_them}))
