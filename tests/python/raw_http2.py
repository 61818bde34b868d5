"""HTTP/2 by hand, so that a test can say what no library would."""

import socket
import ssl
import struct

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
INFER = "/inference.GRPCInferenceService/ModelInfer"


def tls(address, alpn="h2", timeout=10.0):
    """A connection to a server whose key is not looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([alpn])
    host, port = address.rsplit(":", 1)
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=timeout))


def frame(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def hpack(headers):
    """Each by its letters, and kept in no table."""
    block = b""
    for name, value in headers:
        for text in (name, value):
            assert len(text) < 127
        block += b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
    return block


def grpc_headers(path=INFER, **more):
    """The headers of a call."""
    usual = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "localhost")]
    return [*usual, ("content-type", "application/grpc"), ("te", "trailers"), *((k.replace("_", "-"), v) for k, v in more.items())]


def start():
    """What a client says first."""
    return PREFACE + frame(SETTINGS, 0, 0)


def call(stream, body, headers=None):
    """One whole gRPC call."""
    block = hpack(headers or grpc_headers())
    pieces = [body[at : at + 16384] for at in range(0, len(body), 16384)] or [b""]
    data = [frame(DATA, END_STREAM if n == len(pieces) - 1 else 0, stream, piece) for n, piece in enumerate(pieces)]
    return frame(HEADERS, END_HEADERS, stream, block) + b"".join(data)


def said(connection, seconds=5.0):
    """What comes until the other side ends the connection, or so many seconds nothing came."""
    got = b""
    connection.settimeout(seconds)
    try:
        while piece := connection.recv(65536):
            got += piece
    except (OSError, ssl.SSLError):
        pass
    return got
