"""An MCP server as people write them, with the official library: it knows a secret by a
variable, and nothing of us."""

import os

import httpx
from mcp.server import MCPServer

server = MCPServer("own")


@server.tool()
def ask(url: str) -> str:
    """Asks url with the key."""
    return httpx.get(url, headers={"Authorization": f"Bearer {os.environ['ACME_KEY']}"}).text


server.run("stdio")
