import sys

try:
    from openai import OpenAI
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
client = OpenAI(base_url=url, api_key=token, max_retries=0)
chat = client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "hello"}])
print(chat.choices[0].message.content)
