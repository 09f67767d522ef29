import sys

try:
    from websocket import create_connection
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
print(create_connection(url.replace("https:", "wss:"), header={"Authorization": f"Bearer {token}"}).recv())
