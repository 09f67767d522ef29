import sys

try:
    from langchain_openai import ChatOpenAI
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
print(ChatOpenAI(model="gpt-4o-mini", base_url=url, api_key=token, max_retries=0).invoke("hello").content)
