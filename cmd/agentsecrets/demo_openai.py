"""The OpenAI SDK as anybody would use it; the key comes from its usual variable."""

import sys

from openai import OpenAI

client = OpenAI(base_url=sys.argv[1], max_retries=0, timeout=20)
question = {"model": "demo", "messages": [{"role": "user", "content": "What did I send you?"}]}

print(client.chat.completions.create(**question).choices[0].message.content)
for chunk in client.chat.completions.create(stream=True, **question):
    print(chunk.choices[0].delta.content or "", end="")
print("\x1e", flush=True)
sys.stdin.read()
