"""The official MCP client: starts the first server of a file of entries, and uses a tool.

usage: mcp_entry.py FILE TOOL ARGUMENTS [PROJECT]

With PROJECT, a folder, the entry is changed as for a client that starts servers elsewhere:
it names the project, and the server's own file by its path.
"""

import json
import os
import sys

import anyio
from mcp import Client, StdioServerParameters


async def main(file, tool, arguments, folder=None):
    with open(file) as f:
        entry = next(iter(json.load(f)["mcpServers"].values()))
    args = entry["args"]
    if folder:
        at = args.index("--")
        args[at:at] = ["--project", os.path.basename(folder)]
        args[-1] = os.path.join(folder, args[-1])
    async with Client(StdioServerParameters(command=entry["command"], args=args, env=entry.get("env"))) as client:
        result = await client.call_tool(tool, json.loads(arguments))
        print("".join(part.text for part in result.content))


anyio.run(main, *sys.argv[1:])
