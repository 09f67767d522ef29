"""usage: aiohttp_socket.py URL TOKEN [REFUSED]: messages over WebSocket, with compression offered"""

import asyncio
import sys

import aiohttp

url, token, *refused = sys.argv[1:]


async def main():
    async with aiohttp.ClientSession(url, trust_env=True) as client:
        async with client.ws_connect("/socket", compress=15, headers={"Authorization": f"Bearer {token}"}) as socket:
            await socket.send_json({"auth": {"key": token}})
            print(await socket.receive_str())
            for message in [token, f"the key is {token}", "long " * 60_000]:
                await socket.send_str(message)
                print((await socket.receive_str())[:200])
        for name in refused:
            async with client.ws_connect("/socket") as socket:
                await socket.send_json({"auth": {"key": name}})
                print("closed:", (await socket.receive()).data, socket.close_code)


asyncio.run(main())
