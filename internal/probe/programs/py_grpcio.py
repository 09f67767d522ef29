import sys
import urllib.parse

try:
    import grpc
except ImportError:
    sys.exit(77)

url, token = sys.argv[1:]
at = urllib.parse.urlsplit(url)
with grpc.secure_channel(at.netloc, grpc.ssl_channel_credentials()) as channel:
    show = channel.unary_unary(f"{at.path}/Show")
    print(show(b"", metadata=[("authorization", f"Bearer {token}")], timeout=20).decode())
