import sys

try:
    import requests
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
response = requests.get(url, headers={"Authorization": f"Bearer {token}"})
response.raise_for_status()
print(response.text)
