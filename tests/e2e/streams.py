"""What the gateway's clients got as streams, judged by the grammar of their protocol: order of events, indexes, ids, one end and nothing
behind it. Every connection of a test is noted, whatever reads it; when the gateway is cleared, its streams go to
tests/unit/wire/check_streams.c. Bytes that an upstream of the same protocol made are held to what such servers keep to."""
import json
import pathlib
import re
import socket
import struct
import subprocess

SPOKEN = {"openai": {"openai-chat", "openai-responses"}, "codex": {"openai-responses"}, "anthropic": {"anthropic"}, "gemini": {"gemini"},
          "copilot": {"openai-chat", "openai-responses", "anthropic"}, "antigravity": set()}
EVERY = {"openai-chat", "openai-responses", "anthropic", "gemini"}


class Tap(socket.socket):
    """A connected socket that remembers what went over it."""

    def __init__(self, connected):
        timeout = connected.gettimeout()
        super().__init__(connected.family, connected.type, connected.proto, fileno=connected.detach())
        self.settimeout(timeout)
        self.sent, self.received = bytearray(), bytearray()

    def send(self, data, *flags):
        count = super().send(data, *flags)
        self.sent += memoryview(data).cast("B")[:count]
        return count

    def sendall(self, data, *flags):
        self.sent += data  # what does not arrive is no matter: its answer does not come
        super().sendall(data, *flags)

    def recv(self, size, flags=0):
        data = super().recv(size, flags)
        if not flags & socket.MSG_PEEK:
            self.received += data
        return data

    def recv_into(self, buffer, size=0, flags=0):
        count = super().recv_into(buffer, size, flags)
        self.received += memoryview(buffer).cast("B")[:count]
        return count


def head(data):
    """(first line, fields, rest) of a message; None while its head is not whole."""
    lines, end, rest = bytes(data).partition(b"\r\n\r\n")
    if not end:
        return None
    first, *fields = lines.decode("latin-1").split("\r\n")
    return first, {n.strip().lower(): v.strip() for n, _, v in (f.partition(":") for f in fields)}, rest


def chunked(data):
    """(body, rest, whole)"""
    body = bytearray()
    while True:
        line, end, after = data.partition(b"\r\n")
        if not end:
            return bytes(body), b"", False
        size = int(line.split(b";")[0], 16)
        if size == 0:
            trailers, end, rest = (b"\r\n" + after).partition(b"\r\n\r\n")
            return bytes(body), rest, bool(end)
        body += after[:size]
        if len(after) < size + 2:
            return bytes(body), b"", False
        data = after[size + 2:]


def body_of(fields, rest, without=False):
    if without:
        return b"", rest, True
    if "chunked" in fields.get("transfer-encoding", ""):
        return chunked(rest)
    size = int(fields.get("content-length", 0))
    return rest[:size], rest[size:], len(rest) >= size


def protocol_of(path):
    path = re.sub(r"^/v1(beta)?/", "/", path.split("?")[0])
    kinds = {"/chat/completions": ("openai-chat", ""), "/completions": ("openai-chat", "l"), "/responses": ("openai-responses", ""), "/messages": ("anthropic", "")}
    return ("gemini", "") if path.endswith(":streamGenerateContent") else kinds.get(path, (None, ""))


def exchanges(tap):
    """(path, request's body, fields of the answer, its body, is it whole) of each request on a connection."""
    sent, received = bytes(tap.sent), bytes(tap.received)
    while (asked := head(sent)) and (answer := head(received)):
        line, fields, rest = asked
        status = int(answer[0].split(" ")[1])
        if status == 100:
            received = answer[2]
            continue
        method, path = line.split(" ")[:2]
        body, sent, _ = body_of(fields, rest)
        if status == 101:
            yield path, None, rest, answer[2], True
            return
        told, received, whole = body_of(answer[1], answer[2], method == "HEAD" or status in (204, 304))
        yield path, body, answer[1], told, whole


def frames(data):
    """The text messages of one side of a WebSocket."""
    messages, text = [], bytearray()
    while len(data) >= 2:
        size, at = data[1] & 0x7f, 2
        if size >= 126:
            form = ">H" if size == 126 else ">Q"
            if len(data) < at + struct.calcsize(form):
                break
            size, at = struct.unpack_from(form, data, at)[0], at + struct.calcsize(form)
        if data[1] & 0x80:
            at += 4
        if len(data) < at + size:
            break
        if data[0] & 15 in (0, 1):
            text += data[at:at + size]
            if data[0] & 0x80:
                messages.append(bytes(text))
                text.clear()
        data = data[at + size:]
    return messages


def of_websocket(data):
    """The streams in a WebSocket: each message is an event; an answer that is none is an error without a number."""
    stream, out = [], []
    for message in frames(data):
        event = json.loads(message)
        if event["type"] == "error" and not stream and "sequence_number" not in event:
            continue  # the refusal of a request
        stream.append(b"event: %s\ndata: %s\n\n" % (event["type"].encode(), message))
        if event["type"] in ("response.completed", "response.incomplete", "response.failed", "error"):
            out.append((b"".join(stream), True))
            stream = []
    return out + ([(b"".join(stream), False)] if stream else [])


def accounts_of(folder):
    try:
        return json.loads((pathlib.Path(folder) / "gui_config.json").read_text()).get("accounts") or []
    except (OSError, ValueError, AttributeError):
        return []


def passes(accounts, protocol, fields):
    """Did the bytes come from an upstream that speaks the client's protocol? Where it cannot be told, they may have."""
    label = fields.get("x-account-email")
    mine = [a for a in accounts if a.get("label") == label] or accounts
    return not mine or any(protocol in ({a["wire"]} if "wire" in a else SPOKEN.get(a.get("provider"), EVERY)) for a in mine)


def collect(taps, accounts):
    """(protocol, flags, bytes) of all streams."""
    for tap in taps:
        try:
            found = list(exchanges(tap))
        except (ValueError, IndexError):
            continue  # no HTTP, on purpose
        for path, body, fields, told, whole in found:
            protocol, flags = protocol_of(path)
            if protocol is None:
                continue
            if body is None:  # a WebSocket
                flags = "p" if passes(accounts, protocol, {}) else ""
                yield from ((protocol, flags + ("" if ended else "c"), stream) for stream, ended in of_websocket(told))
                continue
            array = protocol == "gemini" and "alt=sse" not in path
            kind = fields.get("content-type", "")
            if not kind.startswith("application/json; charset" if array else "text/event-stream"):
                continue
            asked = json.loads(body)
            if (asked.get("stream_options") or {}).get("include_usage") is True:
                flags += "u"
            flags += ("f" if "functions" in asked else "") + ("a" if array else "") + ("p" if passes(accounts, protocol, fields) else "")
            yield protocol, flags + ("" if whole else "c"), told


def judge(program, noted):
    """What the judge says in the end of these (name, protocol, flags, bytes); raises when a stream breaks a rule."""
    given = b"".join(b"%s %s %d %d\n%s%s" % (protocol.encode(), flags.encode() or b"-", len(name.encode()), len(data), name.encode(), data)
                     for name, protocol, flags, data in noted)
    checker = pathlib.Path(program).parent / "tests/unit/wire/check_streams"
    assert checker.exists(), f"{checker} is not built: `ninja -C {pathlib.Path(program).parent}` makes it"
    done = subprocess.run([checker], input=given, capture_output=True, timeout=60)
    said = done.stdout.decode(errors="replace")
    assert done.returncode == 0, said + done.stderr.decode(errors="replace")
    return said.rstrip().splitlines()[-1]


judged = 0


def check(program, taps, folder, name):
    """The streams of one gateway's clients."""
    global judged
    noted = [(name, *stream) for stream in collect(taps, accounts_of(folder))]
    judged += len(noted)
    if noted:
        judge(program, noted)
