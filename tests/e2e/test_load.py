"""Sizes and numbers: large bodies, slow readers, many connections, many streams."""
import json
import pathlib
import resource
import socket
import threading
import time

from rig import STREAM_HEAD, TIMEOUT_S, Gateway, Upstream, chunk, until, whole
from wires import WIRES

CHAT = WIRES[0]
RESPONSES = WIRES[1]
MIB = 1 << 20


def peak_bytes(gateway):
    for line in pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_a_large_body_costs_little_more_than_its_size(program):
    hold = threading.Event()

    def answer(request, connection):
        hold.wait(TIMEOUT_S)
        connection.sendall(CHAT.whole())
    shapes = {
        "one text": b'{"model":"m-1","messages":[{"role":"user","content":"' + b"x" * (10 * MIB) + b'"}]}',
        "one text with escapes": b'{"model":"m-1","messages":[{"role":"user","content":"' + b"word\\n" * (10 * MIB // 6) + b'"}]}',
        "many messages": b'{"model":"m-1","messages":[' + b",".join([b'{"role":"user","content":"hello there, how are you today? here is some text"}'] * 130000) + b"]}",
    }
    for name, body in shapes.items():
        hold.clear()
        upstream = Upstream(answer)
        gateway = Gateway(program, {"workers": 1, "accounts": [CHAT.account(upstream)]})
        try:
            gateway.call("GET", "/health")
            before, result = peak_bytes(gateway), []
            client = threading.Thread(target=lambda: result.append(gateway.call("POST", "/v1/chat/completions", body)))
            client.start()
            until(lambda: upstream.requests, "the body has arrived", 60)
            cost = peak_bytes(gateway) - before
            hold.set()
            client.join(TIMEOUT_S)
            assert result[0][0] == 200 and upstream.requests[0].body == body
            assert cost <= 1.3 * len(body), (name, cost / len(body))
        finally:
            hold.set()
            gateway.clear()
            upstream.close()


def test_a_large_body_that_is_kept_is_not_copied(program):
    """Responses are kept with their requests, so that clients may go on from them: that takes the body over."""
    text = "x" * (10 * MIB)
    shapes = {"a text": text, "items": [{"role": "user", "content": text[:MIB]}] * 10}
    for wire, stream in ((RESPONSES, False), (RESPONSES, True), (CHAT, False), (CHAT, True)):
        said = STREAM_HEAD + chunk(wire.stream) + b"0\r\n\r\n" if stream else wire.whole()
        for name, given in shapes.items():
            case = (wire.name, stream, name)
            upstream = Upstream(lambda request, connection: connection.sendall(said))
            gateway = Gateway(program, {"workers": 1, "accounts": [wire.account(upstream, provider="compatible", wire=f"openai-{wire.name}")]})

            def ask(**body):
                status, _, answer = gateway.call("POST", "/v1/responses", json.dumps({"model": "m-1", **body}).encode())
                assert status == 200, (case, status, answer[:300])
                return answer
            try:
                gateway.call("GET", "/health")
                before = peak_bytes(gateway)
                answer = ask(input=given, stream=stream)
                cost = (peak_bytes(gateway) - before) / len(upstream.requests[0].body)
                assert cost <= 1.3, (case, cost)
                if wire is CHAT:  # which keeps nothing: it is told all of it again
                    first = json.loads(answer.decode().strip().split("data: ")[-1])["response"] if stream else json.loads(answer)
                    ask(previous_response_id=first["id"], input="And?", stream=stream)
                    again = json.dumps(json.loads(upstream.requests[1].body))
                    assert again.count("x") >= 10 * MIB and "And?" in again, (case, again[-300:])
            finally:
                gateway.clear()
                upstream.close()


def test_bodies_over_the_limit_are_refused_before_they_are_read(program):
    gateway = Gateway(program, {"limits": {"body_bytes": 1000}})
    try:
        ok = b'{"model":"simulator","messages":[{"role":"user","content":"' + b"x" * 937 + b'"}]}'
        for size, status in ((len(ok), 200), (1001, 413)):
            body = ok if status == 200 else ok[:-4] + b"x" * (1001 - len(ok)) + ok[-4:]
            got, fields, answer = gateway.call("POST", "/v1/chat/completions", body)
            assert got == status, (size, len(body), got, answer)
            # the log knows the one that was refused by the name it was answered with
            until(lambda: gateway.admin("GET", f"/api/requests/{fields['x-request-id']}")[0] == 200, "it is kept")
        _, fields, answer = gateway.call("POST", "/v1/messages", b"x" * 1001)
        assert json.loads(answer)["request_id"] == fields["x-request-id"], (fields, answer)
        connection = gateway.connect()
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n" % gateway.port)
        answer = connection.recv(65536)
        assert b" 413 " in answer.split(b"\r\n")[0] and b'"type":"error"' in answer, answer
    finally:
        gateway.clear()


def test_a_client_that_does_not_read_does_not_fill_memory(program):
    sent = {"bytes": 0}

    def answer(request, connection):
        connection.sendall(STREAM_HEAD)
        event = chunk(CHAT.stream.split(b"\n\n")[1] + b"\n\n") * 50
        end = time.monotonic() + 3
        connection.settimeout(1)
        try:
            while time.monotonic() < end and sent["bytes"] < 200 * MIB:
                connection.sendall(event)
                sent["bytes"] += len(event)
        except OSError:
            pass
        return False
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream)]})
    try:
        path, body = CHAT.request(stream=True)
        clients = []
        before = gateway.resident_bytes()
        for _ in range(8):
            client = gateway.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            clients.append(client)
        time.sleep(2)
        grown = gateway.resident_bytes() - before
        assert grown <= 32 * MIB, grown
        assert gateway.call("GET", "/health")[0] == 200
    finally:
        gateway.clear()


class FewDescriptors(Gateway):
    prepare = staticmethod(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128)))


def test_idle_clients_leave_descriptors_for_upstreams(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = FewDescriptors(program, {"workers": 1, "accounts": [CHAT.account(upstream, "one")]})
    body = CHAT.request()[1]
    try:
        idle = [gateway.connect() for _ in range(100)]
        answers = [connection.recv(4096) for connection in idle[40:]]
        assert all(answer == b"" or answer.startswith(b"HTTP/1.1 503 ") and b"\r\nRetry-After: 1\r\n" in answer for answer in answers), answers
        assert any(answers)
        for connection in idle[:20]:
            connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (gateway.port, len(body), body))
        for connection in idle[:20]:
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 "), answer
    finally:
        gateway.clear()
        upstream.close()


def test_a_thousand_idle_connections_do_no_harm(program):
    gateway = Gateway(program)
    try:
        before = gateway.resident_bytes()
        idle = [gateway.connect() for _ in range(1000)]
        half = b"POST /v1/messages HTTP/1.1\r\nHost: "
        for connection in idle[::2]:
            connection.sendall(half)
        until(lambda: gateway.admin("GET", "/api/status")[1]["connections"] >= 1000, "all are accepted")
        grown = gateway.resident_bytes() - before
        assert grown <= 1000 * 16 * 1024, grown
        started = time.monotonic()
        status, _, _ = gateway.call("POST", *CHAT.request(model="simulator"))
        assert status == 200 and time.monotonic() - started < 2 * TIMEOUT_S
        for connection in idle:
            connection.close()
    finally:
        gateway.clear()


def test_a_long_stream_and_many_streams_leave_memory_flat(program):
    event = CHAT.stream.split(b"\n\n")[1] + b"\n\n"
    first, rest, last = CHAT.stream.split(b"\n\n")[0] + b"\n\n", event * 1000, b"\n\n".join(CHAT.stream.split(b"\n\n")[3:])

    def answer(request, connection):
        connection.sendall(STREAM_HEAD + chunk(first))
        if request.body.count(b"many"):
            for _ in range(3):
                connection.sendall(chunk(event))
                time.sleep(0.3)
        else:
            for _ in range(100):
                connection.sendall(chunk(rest))
        connection.sendall(chunk(last) + b"0\r\n\r\n")
    upstream = Upstream(answer)
    gateway = Gateway(program, {"workers": 1, "accounts": [CHAT.account(upstream)]})
    try:
        gateway.call("POST", *CHAT.request(stream=True))
        before = gateway.resident_bytes()
        status, _, answer_bytes = gateway.call("POST", *CHAT.request(stream=True))
        assert status == 200 and answer_bytes.count(b"\n\n") >= 100000 and answer_bytes.endswith(b"[DONE]\n\n")
        assert gateway.resident_bytes() - before < 2 * MIB, "100 000 events leave nothing behind"
        path, body = CHAT.request(stream=True)
        body = body.replace(b"world", b"many")
        request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        for round_number in range(4):
            clients = [gateway.connect() for _ in range(500)]
            for client in clients:
                client.sendall(request)
            for client in clients:
                data = b""
                client.settimeout(60)
                while piece := client.recv(65536):
                    data += piece
                assert b"[DONE]" in data, data[-300:]
                client.close()
            if round_number == 2:
                before = gateway.resident_bytes()
        assert (grown := gateway.resident_bytes() - before) < 2 * MIB, f"{grown}: a fourth round of 500 streams needs no more than the third"
    finally:
        gateway.clear()
