"""What a program on grpcio sees of a proxy that puts values in and takes echoes out.

usage: grpc_secrets.py HOST CERTIFICATE KEY < the proxy's URL and its CA file, one a line

The first line on standard output is the port of the server, the rest what each call
came to, one JSON object a line.
"""

import concurrent.futures
import json
import os
import queue
import sys

import grpc

PLAIN = lambda b: b


def sent(context):
    return dict(context.invocation_metadata()).get("authorization", "")


def unary(request, context):
    return b"you sent " + sent(context).encode()


def denied(request, context):
    context.set_trailing_metadata((("x-details-bin", b"\x01" + sent(context).encode() + b"\x02"), ("x-text", sent(context))))
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "50% no: " + sent(context))


def pairs(requests, context):
    for request in requests:
        yield request


class Service(grpc.GenericRpcHandler):
    def service(self, call):
        return {
            "/acme.Service/Unary": grpc.unary_unary_rpc_method_handler(unary, PLAIN, PLAIN),
            "/acme.Service/Denied": grpc.unary_unary_rpc_method_handler(denied, PLAIN, PLAIN),
            "/acme.Service/Pairs": grpc.stream_stream_rpc_method_handler(pairs, PLAIN, PLAIN),
        }.get(call.method)


def serve(certificate, key):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), handlers=(Service(),), compression=grpc.Compression.Gzip)
    with open(certificate, "rb") as c, open(key, "rb") as k:
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(k.read(), c.read())]))
    server.start()
    return server, port


def tell(name, **what):
    print(json.dumps({"call": name, **what}), flush=True)


def failed(name, error):
    metadata = {k: v.hex() if isinstance(v, bytes) else v for k, v in error.trailing_metadata() or ()}
    tell(name, code=error.code().name, details=error.details(), metadata=metadata)


def ask(channel, name, method, secret):
    call = channel.unary_unary("/acme.Service/" + method, PLAIN, PLAIN)
    try:
        tell(name, text=call(b"question", timeout=60, metadata=(("authorization", "Bearer AS_SECRET_" + secret),)).decode())
    except grpc.RpcError as error:
        failed(name, error)


def take_turns(channel, words):
    """Says each word when the one before has come back."""
    answers, answered = [], queue.Queue()

    def turns():
        for word in words:
            yield word.encode()
            answered.get(timeout=60)

    try:
        for answer in channel.stream_stream("/acme.Service/Pairs", PLAIN, PLAIN)(turns(), timeout=60):
            answers.append(answer.decode())
            answered.put(None)
        tell("turns", text=" ".join(answers))
    except grpc.RpcError as error:
        failed("turns", error)


def main():
    host, certificate, key = sys.argv[1:]
    server, port = serve(certificate, key)
    print(port, flush=True)
    os.environ["https_proxy"] = sys.stdin.readline().strip()
    os.environ["no_grpc_proxy"] = os.environ["no_proxy"] = ""
    with open(sys.stdin.readline().strip(), "rb") as roots:
        credentials = grpc.ssl_channel_credentials(roots.read())
    with grpc.secure_channel("%s:%d" % (host, port), credentials) as channel:
        ask(channel, "unary", "Unary", "KEY")
        ask(channel, "denied", "Denied", "KEY")
        ask(channel, "not stored", "Unary", "NOSUCH")
        take_turns(channel, ["word", "AS_SEC", "sk-live"])
    server.stop(None)


main()
sys.stdout.flush()
os._exit(0)  # grpcio may hang while the interpreter ends: see grpc_client.py
