import sys

try:
    from websockets.sync.client import connect
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
with connect(url.replace("https:", "wss:"), additional_headers={"Authorization": f"Bearer {token}"}) as socket:
    print(socket.recv())
