import sys

try:
    from anthropic import Anthropic
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
client = Anthropic(base_url=url, api_key=token, max_retries=0)
message = client.messages.create(model="claude", max_tokens=9, messages=[{"role": "user", "content": "hello"}])
print(message.content[0].text)
