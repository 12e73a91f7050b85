"""A client of WebSockets that says exactly what it is told to (RFC 6455). Standard library only."""
import base64
import hashlib
import json
import os
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(op, data=b"", fin=True, masked=True, reserved=0):
    head = bytes([(0x80 if fin else 0) | reserved | op])
    bit = 0x80 if masked else 0
    if len(data) < 126:
        head += bytes([bit | len(data)])
    elif len(data) < 1 << 16:
        head += bytes([bit | 126]) + struct.pack(">H", len(data))
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", len(data))
    if not masked:
        return head + data
    mask = os.urandom(4)
    return head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))


class WebSocket:
    def __init__(self, gateway, path="/v1/responses", fields=None):
        self.socket = gateway.connect()
        self.stream = self.socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"127.0.0.1:{gateway.port}", "Upgrade": "websocket", "Connection": "keep-alive, Upgrade",
                 "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13", **(fields or {})}
        self.socket.sendall((f"GET {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items() if v is not None) + "\r\n").encode())
        self.status = int(self.stream.readline().split()[1])
        self.fields = {}
        while (line := self.stream.readline().decode().strip()):
            name, _, value = line.partition(":")
            self.fields[name.lower()] = value.strip()
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()
            assert self.fields["sec-websocket-accept"] == want and self.fields["connection"] == "Upgrade", self.fields

    def send(self, op, data=b"", **more):
        self.socket.sendall(frame(op, data, **more))

    def say(self, message):
        self.send(TEXT, json.dumps(message).encode())

    def receive(self):
        """The next frame: (op, bytes); None at the end."""
        head = self.stream.read(2)
        if len(head) < 2:
            return None
        assert head[0] & 0x70 == 0 and head[1] & 0x80 == 0, head
        size = head[1]
        if size == 126:
            size = struct.unpack(">H", self.stream.read(2))[0]
        elif size == 127:
            size = struct.unpack(">Q", self.stream.read(8))[0]
        return head[0] & 15, self.stream.read(size)

    def events(self):
        """The events of one answer, up to the last."""
        while True:
            got = self.receive()
            assert got is not None, "the connection ended"
            op, data = got
            if op in (PING, PONG):
                continue
            assert op == TEXT, got
            event = json.loads(data)
            yield event
            if event["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
                return

    def closed(self):
        """The reason for which the server closes; None when it gives none."""
        while (got := self.receive()) is not None:
            if got[0] == CLOSE:
                return struct.unpack(">H", got[1][:2])[0] if got[1] else None
        return "cut"

    def close(self):
        self.stream.close()
        self.socket.close()
