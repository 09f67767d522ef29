import sys

try:
    import httpx
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
response = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
response.raise_for_status()
print(response.text)
