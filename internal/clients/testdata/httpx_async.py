"""usage: httpx_async.py URL TOKEN [http2]: one call for each place, all at once"""

import asyncio
import sys

import httpx

url, token = sys.argv[1:3]
http2 = "http2" in sys.argv[3:]


async def main():
    bearer = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, http2=http2) as client:
        responses = await asyncio.gather(
            client.get("/header", headers=bearer | {"X-Api-Key": token}),
            client.get("/query", params={"key": token, "place": "Lagos, Nigeria"}),
            client.get("/basic", auth=("user", token)),
            client.post("/json", json={"auth": {"key": token}, "note": f"the key is {token}"}),
            client.post("/form", data={"key": token, "grant_type": "client_credentials"}),
            client.get("/gzip", headers=bearer),
        )
    for response in responses:
        response.raise_for_status()
        print(response.http_version, dict(response.headers))
        print(response.text)


asyncio.run(main())
