"""The official MCP client: starts a server, takes the steps that standard input
says, and prints what came of each as a line of JSON.

usage: mcp_calls.py MODE CMD...
"""

import json
import os
import sys

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import Implementation


def seen(result):
    text = "".join(part.text for part in result.content)
    return {"failed": result.is_error, "text": text, "structured": result.structured_content}


async def take(client, step):
    """A step is a tool and its arguments, several at once, or one that is given up."""
    if "together" in step:
        results = [None] * len(step["together"])

        async def one(i, s):
            results[i] = await take(client, s)

        async with anyio.create_task_group() as group:
            for i, s in enumerate(step["together"]):
                group.start_soon(one, i, s)
        return {"together": results}
    if "after" in step:
        with anyio.move_on_after(step["after"]):
            await client.call_tool(step["tool"], step.get("arguments", {}))
            return {"text": "it was not given up"}
        return {"text": "given up"}
    return seen(await client.call_tool(step["tool"], step.get("arguments", {})))


async def main(mode, command, steps):
    server = StdioServerParameters(command=command[0], args=command[1:], env=dict(os.environ))
    info = Implementation(name="test client", version="1")
    async with Client(server, mode=mode, client_info=info) as client:
        tools = await client.list_tools()
        print(json.dumps([t.model_dump(mode="json", by_alias=True) for t in tools.tools]), flush=True)
        for step in steps:
            print(json.dumps(await take(client, step)), flush=True)


anyio.run(main, sys.argv[1], sys.argv[2:], json.load(sys.stdin))
