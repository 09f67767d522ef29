"""usage: langchain_chat.py URL TOKEN: invoke, then stream"""

import sys

from langchain_openai import ChatOpenAI

url, token = sys.argv[1:]
model = ChatOpenAI(model="gpt-4o-mini", base_url=f"{url}/v1", api_key=token)

print("plain:", model.invoke("What did I send you?").content)

for chunk in model.stream("What did I send you?"):
    if chunk.content:
        print("chunk:", chunk.content, flush=True)
