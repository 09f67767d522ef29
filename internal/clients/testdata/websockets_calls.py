"""usage: websockets_calls.py URL TOKEN [REFUSED]: messages over WebSocket, by threads and by asyncio"""

import asyncio
import json
import sys

from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

url, token, *refused = sys.argv[1:]
url = url.replace("https:", "wss:") + "/socket"
bearer = {"Authorization": f"Bearer {token}"}
messages = [json.dumps({"auth": {"key": token}}), token, f"the key is {token}", "long " * 60_000]

with connect(url, additional_headers=bearer) as client:
    for message in messages:
        client.send(message)
        print(client.recv()[:200])
    client.send(["in ", "fragments"])
    print(client.recv())


async def main():
    async with connect_async(url, additional_headers=bearer) as client:
        for message in messages:
            await client.send(message)
            print((await client.recv())[:200])
        await (await client.ping())


asyncio.run(main())

for name in refused:
    with connect(url) as client:
        client.send(json.dumps({"auth": {"key": name}}))
        try:
            print(client.recv())
        except ConnectionClosed as closed:
            print("closed:", closed.rcvd.code, closed.rcvd.reason)
