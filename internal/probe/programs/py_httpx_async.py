import asyncio
import sys

try:
    import h2  # httpx[http2]
    import httpx
except ImportError:
    sys.exit(77)


async def main(url, token):
    async with httpx.AsyncClient(http2=True) as client:
        response = await client.get(url, headers={"Authorization": f"Bearer {token}"})
        response.raise_for_status()
        print(response.text)


asyncio.run(main(*sys.argv[1:]))
