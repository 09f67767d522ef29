"""usage: aiohttp_calls.py URL TOKEN: one call for each place, all at once"""

import asyncio
import sys

import aiohttp

url, token = sys.argv[1:]


async def show(request):
    async with request as response:
        response.raise_for_status()
        return f"{dict(response.headers)}\n{await response.text()}"


async def main():
    bearer = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url) as client:
        print(
            *await asyncio.gather(
                show(client.get("/header", headers=bearer | {"X-Api-Key": token})),
                show(client.get("/query", params={"key": token, "place": "Lagos, Nigeria"})),
                show(client.get("/basic", auth=aiohttp.BasicAuth("me", token))),
                show(client.post("/json", json={"auth": {"key": token}, "note": f"the key is {token}"})),
                show(client.post("/form", data={"key": token, "grant_type": "client_credentials"})),
                show(client.get("/gzip", headers=bearer)),
            ),
            sep="\n",
        )


asyncio.run(main())
