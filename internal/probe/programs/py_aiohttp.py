import asyncio
import sys

try:
    import aiohttp
except ImportError:
    sys.exit(77)


async def main(url, token):
    async with aiohttp.ClientSession() as session:
        async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
            response.raise_for_status()
            print(await response.text())


asyncio.run(main(*sys.argv[1:]))
