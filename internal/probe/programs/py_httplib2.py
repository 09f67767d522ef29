import sys

try:
    import httplib2
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
response, body = httplib2.Http().request(url, headers={"Authorization": f"Bearer {token}"})
print(body.decode())
