"""The 14 cases of gRPC's interop tests that need no cloud account, with grpcio.

usage: grpc_client.py HOST:PORT NAME CASE

The cases are those of doc/interop-test-descriptions.md of gRPC, asked of the
suite's own server. NAME is what the server's certificate is made for.
"""

import os
import sys
import threading
import traceback

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

KINDS = descriptor_pb2.FieldDescriptorProto
SERVICE = "/grpc.testing.TestService/"

MESSAGES = {
    "Empty": [],
    "Payload": [("body", 2, KINDS.TYPE_BYTES)],
    "EchoStatus": [("code", 1, KINDS.TYPE_INT32), ("message", 2, KINDS.TYPE_STRING)],
    "SimpleRequest": [("response_size", 2, KINDS.TYPE_INT32), ("payload", 3, "Payload"), ("response_status", 7, "EchoStatus")],
    "SimpleResponse": [("payload", 1, "Payload")],
    "StreamingInputCallRequest": [("payload", 1, "Payload")],
    "StreamingInputCallResponse": [("aggregated_payload_size", 1, KINDS.TYPE_INT32)],
    "ResponseParameters": [("size", 1, KINDS.TYPE_INT32)],
    "StreamingOutputCallRequest": [("response_parameters", 2, "[ResponseParameters]"), ("payload", 3, "Payload"), ("response_status", 7, "EchoStatus")],
    "StreamingOutputCallResponse": [("payload", 1, "Payload")],
}


def messages():
    """Makes a class of each message."""
    file = descriptor_pb2.FileDescriptorProto(name="interop.proto", package="grpc.testing", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=KINDS.LABEL_OPTIONAL)
            if isinstance(kind, int):
                added.type = kind
                continue
            if kind.startswith("["):
                added.label = KINDS.LABEL_REPEATED
            added.type, added.type_name = KINDS.TYPE_MESSAGE, ".grpc.testing." + kind.strip("[]")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {n: message_factory.GetMessageClass(pool.FindMessageTypeByName("grpc.testing." + n)) for n in MESSAGES}


M = messages()
SIZES = [(27182, 31415), (8, 9), (1828, 2653), (45904, 58979)]  # of requests and responses, by the descriptions


class Client:
    def __init__(self, channel):
        empty, simple = (M["Empty"], M["Empty"]), (M["SimpleRequest"], M["SimpleResponse"])
        streaming = (M["StreamingOutputCallRequest"], M["StreamingOutputCallResponse"])
        self.empty = self.method(channel.unary_unary, SERVICE + "EmptyCall", *empty)
        self.unary = self.method(channel.unary_unary, SERVICE + "UnaryCall", *simple)
        self.missing = self.method(channel.unary_unary, SERVICE + "UnimplementedCall", *empty)
        self.nowhere = self.method(channel.unary_unary, "/grpc.testing.UnimplementedService/UnimplementedCall", *empty)
        self.up = self.method(channel.stream_unary, SERVICE + "StreamingInputCall", M["StreamingInputCallRequest"], M["StreamingInputCallResponse"])
        self.down = self.method(channel.unary_stream, SERVICE + "StreamingOutputCall", *streaming)
        self.duplex = self.method(channel.stream_stream, SERVICE + "FullDuplexCall", *streaming)

    @staticmethod
    def method(kind, path, request, response):
        return kind(path, request_serializer=request.SerializeToString, response_deserializer=response.FromString)


def payload(size):
    return M["Payload"](body=b"\0" * size)


def part(request, response):
    return M["StreamingOutputCallRequest"](response_parameters=[M["ResponseParameters"](size=response)], payload=payload(request))


def empty_unary(c):
    assert c.empty(M["Empty"]()) == M["Empty"]()


def large_unary(c):
    assert len(c.unary(M["SimpleRequest"](response_size=314159, payload=payload(271828))).payload.body) == 314159


def client_streaming(c):
    got = c.up(M["StreamingInputCallRequest"](payload=payload(up)) for up, _ in SIZES)
    assert got.aggregated_payload_size == 74922


def server_streaming(c):
    wanted = [M["ResponseParameters"](size=down) for _, down in SIZES]
    got = [len(r.payload.body) for r in c.down(M["StreamingOutputCallRequest"](response_parameters=wanted))]
    assert got == [down for _, down in SIZES]


class Turns:
    """Requests of a stream that are made one by one, and then end."""

    def __init__(self):
        self.ready, self.next, self.over = threading.Semaphore(0), [], False

    def say(self, message):
        self.next.append(message)
        self.ready.release()

    def end(self):
        self.over = True
        self.ready.release()

    def __iter__(self):
        while True:
            self.ready.acquire()
            if not self.next:
                return
            yield self.next.pop(0)


def ping_pong(c):
    turns = Turns()
    answers = c.duplex(iter(turns))
    for up, down in SIZES:
        turns.say(part(up, down))
        assert len(next(answers).payload.body) == down
    turns.end()
    assert list(answers) == []


def empty_stream(c):
    assert list(c.duplex(iter([]))) == []


def ends(code, call, *args, **options):
    """Sees that call ends with code."""
    try:
        result = call(*args, **options)
        for _ in result if hasattr(result, "__next__") else []:
            pass
    except grpc.RpcError as e:
        assert e.code() == code, f"{e.code()}: {e.details()}"
        return e
    raise AssertionError(f"it ended well, not with {code}")


def timeout_on_sleeping_server(c):
    turns = Turns()
    turns.say(M["StreamingOutputCallRequest"](payload=payload(27182)))
    ends(grpc.StatusCode.DEADLINE_EXCEEDED, c.duplex, iter(turns), timeout=0.001)
    turns.end()


def cancel_after_begin(c):
    turns = Turns()
    call = c.up.future(iter(turns))
    call.cancel()
    assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED
    turns.end()


def cancel_after_first_response(c):
    turns = Turns()
    answers = c.duplex(iter(turns))
    turns.say(part(*SIZES[0]))
    assert len(next(answers).payload.body) == SIZES[0][1]
    answers.cancel()
    ends(grpc.StatusCode.CANCELLED, lambda: next(answers))
    turns.end()


def status(c, code, message):
    wanted = M["EchoStatus"](code=2, message=message)
    got = ends(code, c.unary, M["SimpleRequest"](response_status=wanted))
    assert got.details() == message, got.details()
    got = ends(code, c.duplex, iter([M["StreamingOutputCallRequest"](response_status=wanted)]))
    assert got.details() == message, got.details()


def status_code_and_message(c):
    status(c, grpc.StatusCode.UNKNOWN, "test status message")


def special_status_message(c):
    status(c, grpc.StatusCode.UNKNOWN, "\t\ntest with whitespace\r\nand Unicode BMP \u263a and non-BMP \U0001f608\t\n")


def custom_metadata(c):
    first, last = ("x-grpc-test-echo-initial", "test_initial_metadata_value"), ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
    _, unary = c.unary.with_call(M["SimpleRequest"](response_size=1, payload=payload(1)), metadata=[first, last])
    duplex = c.duplex(iter([part(1, 1)]), metadata=[first, last])
    assert len(list(duplex)) == 1
    for call in unary, duplex:
        assert first in list(call.initial_metadata()), call.initial_metadata()
        assert last in list(call.trailing_metadata()), call.trailing_metadata()


def unimplemented_method(c):
    ends(grpc.StatusCode.UNIMPLEMENTED, c.missing, M["Empty"]())


def unimplemented_service(c):
    ends(grpc.StatusCode.UNIMPLEMENTED, c.nowhere, M["Empty"]())


def main():
    target, name, case = sys.argv[1:]
    options = [("grpc.ssl_target_name_override", name)] if not target.startswith(name) else []
    with grpc.secure_channel(target, grpc.ssl_channel_credentials(), options) as channel:
        globals()[case](Client(channel))


if __name__ == "__main__":
    code = 0
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        code = 1
    # Not sys.exit: a stream of requests that never ended would hold the program, and
    # so may grpcio itself. When the interpreter ends it stops threads that hold the
    # locks of calls, and then collects the calls, which wait for those.
    os._exit(code)
