"""What somebody on the network could do: see every byte, hold it back, or change it."""

import socket
import threading


class Proxy:
    """Passes bytes between whoever connects and a server, and keeps a copy of both directions.

    `flip` names a direction (`up` or `down`) and a place in it, at which one bit is changed: of the ciphertext, so the
    place moves behind the five bytes of a TLS record's head if it falls on them. `rate` limits the bytes a second that go
    up.
    """

    def __init__(self, url, flip=None, rate=None):
        host, port = url.removeprefix("https://").rsplit(":", 1)
        self.server, self.flip, self.rate = (host, int(port)), flip, rate
        self.seen = {"up": bytearray(), "down": bytearray()}
        self.flipped = False
        self.ending = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.ending.set()
        # Closing alone does not wake a thread that waits in `accept`.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.server)
            for direction, source, sink in (("up", client, server), ("down", server, client)):
                threading.Thread(target=self.pass_on, args=(direction, source, sink), daemon=True).start()

    def pass_on(self, direction, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(self.touched(direction, data))
                if self.rate and direction == "up":
                    self.ending.wait(len(data) / self.rate)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def touched(self, direction, data):
        seen = self.seen[direction]
        start = len(seen)
        seen += data
        where, place = self.flip or (None, 0)
        if where != direction or self.flipped:
            return data
        place = behind_heads(seen, place)
        if place is None or not start <= place < len(seen):
            return data
        self.flipped = True
        changed = bytearray(data)
        changed[place - start] ^= 0x10
        return bytes(changed)


def behind_heads(data, place):
    """The place, or the first behind the record's head that it falls on; none if that is not known yet."""
    at = 0
    while at + 5 <= len(data):
        if at <= place < at + 5:
            return at + 5
        end = at + 5 + int.from_bytes(data[at + 3 : at + 5], "big")
        if place < end:
            return place
        at = end
    return None


def tls_records(data):
    """The types of the TLS records that the bytes consist of, wholly; anything else is an error."""
    types, at = [], 0
    while at < len(data):
        kind, version, length = data[at], bytes(data[at + 1 : at + 3]), int.from_bytes(data[at + 3 : at + 5], "big")
        assert kind in (20, 21, 22, 23) and version in (b"\x03\x01", b"\x03\x03") and length <= 16384 + 256, (
            f"not a TLS record at byte {at}: {bytes(data[at : at + 5])!r}"
        )
        types.append(kind)
        at += 5 + length
    assert at == len(data), "the last record is not whole"
    return types
