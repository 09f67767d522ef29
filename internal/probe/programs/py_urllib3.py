import sys

try:
    import urllib3
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
response = urllib3.PoolManager().request("GET", url, headers={"Authorization": f"Bearer {token}"}, retries=False)
print(response.data.decode())
