# usage: hooked.py URL OTHER_CA: says in JSON what TLS clients trust here. Runs on every Python from 2.7.
import inspect
import json
import ssl
import sys

url, other = sys.argv[1:]


def roots(context):
    return [dict(x[0] for x in ca["subject"])["commonName"] for ca in context.get_ca_certs()]


def get(context):
    try:
        from urllib.request import urlopen
    except ImportError:
        from urllib2 import urlopen
    try:
        return urlopen(url, context=context).read().decode()
    except Exception as error:
        return "error " + str(error)


pinned = ssl.create_default_context(cafile=other)
server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=other)
said = {
    "pinned": get(pinned),
    "pinned roots": roots(pinned),
    "server roots": roots(server),
    "no verification": get(ssl._create_unverified_context()),
    "before": getattr(sys, "said_before", None),
    "sitecustomize": getattr(sys.modules.get("sitecustomize"), "__file__", ""),
    "loader": type(getattr(ssl, "__loader__", None)).__name__,
}
if sys.version_info >= (3, 6):
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare.load_default_certs()
    said["bare roots"] = roots(bare)
    try:
        bare.load_verify_locations()
    except TypeError as error:
        said["wrong use"] = str(error)
    said["loader of spec"] = type(ssl.__spec__.loader).__name__
print(json.dumps(said))
