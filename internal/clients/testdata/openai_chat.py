"""usage: openai_chat.py URL TOKEN: a chat completion, then a streamed one"""

import sys

from openai import OpenAI

url, token = sys.argv[1:]
client = OpenAI(base_url=f"{url}/v1", api_key=token)
question = [{"role": "user", "content": "What did I send you?"}]

answer = client.chat.completions.create(model="gpt-4o-mini", messages=question)
print("plain:", answer.choices[0].message.content)

for chunk in client.chat.completions.create(model="gpt-4o-mini", messages=question, stream=True):
    if chunk.choices and chunk.choices[0].delta.content:
        print("chunk:", chunk.choices[0].delta.content, flush=True)
