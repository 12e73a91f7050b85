"""Upstreams that misbehave: another account serves unseen, or the client gets an honest error."""
import json
import socket
import struct
import time

from rig import STREAM_HEAD, Gateway, Upstream, chunk, streamed, until, whole
from wires import WIRES

ERROR = {"error": {"message": "no", "type": "x", "code": None}}


def pair(program, wire, first, settings=None, accounts=2):
    """Accounts one, two, … at one upstream; `first(request, connection)` answers for those that are not the last."""
    last = f"sk-upstream-{['one', 'two', 'three'][accounts - 1]}"

    def answer(request, connection):
        if request.key != last:
            return first(request, connection)
        streams = b'"stream" : true' in request.body or "alt=sse" in request.path
        connection.sendall(wire.streamed() if streams else wire.whole())
    upstream = Upstream(answer)
    labels = ["one", "two", "three"][:accounts]
    gateway = Gateway(program, {**(settings or {}), "accounts": [wire.account(upstream, label) for label in labels]})
    return gateway, upstream


def test_another_account_serves_unseen(program):
    faults = {
        "429": lambda c: c.sendall(whole(ERROR, "429 Too Many Requests", {"Retry-After": "60"})),
        "500": lambda c: c.sendall(whole(ERROR, "500 Internal Server Error")),
        "503": lambda c: c.sendall(whole(b"<html>busy</html>", "503 Service Unavailable", kind="text/html")),
        "401": lambda c: c.sendall(whole(ERROR, "401 Unauthorized")),
        "403": lambda c: c.sendall(whole(ERROR, "403 Forbidden")),
        "402": lambda c: c.sendall(whole(ERROR, "402 Payment Required")),
        "closed": lambda c: False,
        "garbage": lambda c: c.sendall(b"SSH-2.0-x\r\n") or False,
        "two lengths": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}") or False,
        "cut body": lambda c: c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{") or False,
        "not JSON": lambda c: c.sendall(whole(b"hello")),
        "redirect": lambda c: c.sendall(whole(b"", "302 Found", {"Location": "http://127.0.0.1:1/"})),
    }
    for wire in WIRES:
        for name, fault in faults.items():
            if wire.name != "chat" and name not in ("429", "500", "cut body"):
                continue
            gateway, upstream = pair(program, wire, lambda r, c, fault=fault: fault(c))
            try:
                status, fields, answer = gateway.call("POST", *wire.request())
                assert status == 200 and answer == wire.answer, (wire.name, name, status, answer)
                assert fields["x-account-email"] == "two", (name, fields)
                assert int(fields["x-penstock-attempts"]) >= 2, (name, fields)
            finally:
                gateway.clear()
                upstream.close()


def test_errors_inside_a_200_before_content_are_unseen(program):
    inside = {
        "chat": b'data: {"error":{"message":"slow down","type":"x","code":"rate_limit_exceeded"}}\n\n',
        "responses": b'event: response.failed\ndata: {"type":"response.failed","response":{"id":"r","error":{"code":"server_error","message":"x"}}}\n\n',
        "messages": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
        "gemini": b'data: {"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}\n\n',
    }
    for wire in WIRES:
        preamble = wire.stream.split(b"\n\n")[0] + b"\n\n" if wire.name != "gemini" else b""
        for data in (inside[wire.name], preamble + inside[wire.name], preamble, b""):
            def first(request, connection, data=data):
                connection.sendall(streamed(data) if data else STREAM_HEAD + b"0\r\n\r\n")
            gateway, upstream = pair(program, wire, first)
            try:
                status, fields, answer = gateway.call("POST", *wire.request(stream=True))
                assert status == 200 and fields["x-account-email"] == "two", (wire.name, data, answer)
                assert wire.success in answer and b"error" not in answer, (wire.name, answer)
            finally:
                gateway.clear()
                upstream.close()


def test_a_stream_is_known_without_a_type_and_with_a_bom(program):
    for wire in WIRES:
        plain = wire.streamed()
        bom = b"\xef\xbb\xbf"
        for body in (plain.replace(b"Content-Type: text/event-stream\r\n", b""), streamed(bom + wire.stream), streamed(bom + wire.stream, len(wire.stream))):
            upstream = Upstream(lambda r, c, body=body: c.sendall(body))
            gateway = Gateway(program, {"accounts": [wire.account(upstream, "one")]})
            try:
                status, fields, answer = gateway.call("POST", *wire.request(stream=True))
                assert status == 200 and fields["content-type"].startswith("text/event-stream"), (wire.name, status, fields)
                assert bom not in answer and wire.success in answer and wire.error_in not in answer, (wire.name, answer)
            finally:
                gateway.clear()
                upstream.close()


def test_a_stream_cut_anywhere_is_never_a_success(program):
    for wire in WIRES:
        body = wire.streamed(3)
        state = {"cut": 0}

        def answer(request, connection):
            connection.sendall(body[:state["cut"]])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1 if state["cut"] % 2 else 0, 0))
            return False
        upstream = Upstream(answer)
        # no lockouts to wait for: each cut has an account of its own left
        gateway = Gateway(program, {"proxy": {"scheduling": {"queue_wait_seconds": 0}},
                                    "accounts": [wire.account(upstream, f"a{i}") for i in range(400)]})
        try:
            for cut in range(0, len(body) - 1, max(1, len(body) // 60)):
                state["cut"] = cut
                status, _, answer = gateway.call("POST", *wire.request(stream=True))
                if status == 200:
                    ended = wire.success in answer and wire.name != "gemini"
                    assert wire.error_in in answer or b'"error"' in answer or ended or wire.name == "gemini" and wire.success in answer, (wire.name, cut, answer)
                    assert not (ended and b"error" in answer), (wire.name, cut, answer)
                else:
                    assert status in (502, 503, 504, 529), (wire.name, cut, status, answer)
        finally:
            gateway.clear()
            upstream.close()


def test_when_all_are_limited_the_client_is_told_until_when(program):
    for wire in WIRES:
        gateway, upstream = pair(program, wire, None)
        upstream.answer = lambda r, c: c.sendall(whole(ERROR, "429 Too Many Requests", {"Retry-After": "90" if r.key.endswith("one") else "40"}))
        try:
            status, fields, answer = gateway.call("POST", *wire.request())
            assert status == 429 and 38 <= int(fields["retry-after"]) <= 40, (wire.name, status, fields, answer)
            error = json.loads(answer)["error"]
            assert "one" in error["message"] and "two" in error["message"], error
            calls = len(upstream.requests)
            status, _, _ = gateway.call("POST", *wire.request())
            assert status == 429 and len(upstream.requests) == calls, "locked-out accounts are left alone"
        finally:
            gateway.clear()
            upstream.close()


def test_a_wrong_request_is_the_clients_and_asks_nobody_else(program):
    texts = {
        "chat": {"error": {"message": "bad temperature", "type": "invalid_request_error", "param": "temperature", "code": "invalid_value"}},
        "responses": {"error": {"message": "bad temperature", "type": "invalid_request_error", "param": "temperature", "code": "invalid_value"}},
        "messages": {"type": "error", "error": {"type": "invalid_request_error", "message": "bad temperature"}},
        "gemini": {"error": {"code": 400, "message": "bad temperature", "status": "INVALID_ARGUMENT"}},
    }
    for wire in WIRES:
        gateway, upstream = pair(program, wire, None)
        upstream.answer = lambda r, c: c.sendall(whole(texts[wire.name], "400 Bad Request"))
        try:
            status, _, answer = gateway.call("POST", *wire.request())
            error = json.loads(answer)["error"]
            assert status == 400 and "bad temperature" in error["message"], (wire.name, status, answer)
            if wire.name == "chat":
                assert error["param"] == "temperature" and error["code"] == "invalid_value", error
            assert len(upstream.requests) == 1
        finally:
            gateway.clear()
            upstream.close()


def test_a_wrong_request_is_told_in_the_words_of_the_clients_protocol(program):
    wires = {"chat": "openai-chat", "responses": "openai-responses", "messages": "anthropic", "gemini": "gemini"}
    said = {
        "chat": {"error": {"message": "%s", "type": "invalid_request_error", "param": "max_tokens", "code": "invalid_value"}},
        "responses": {"error": {"message": "%s", "type": "invalid_request_error", "param": "max_tokens", "code": "invalid_value"}},
        "messages": {"type": "error", "error": {"type": "invalid_request_error", "message": "%s"}},
        "gemini": {"error": {"code": 400, "message": "%s", "status": "INVALID_ARGUMENT"}},
    }
    too_long = {"messages": "prompt is too long", "gemini": "exceeds the maximum number of tokens"}
    for served in WIRES:
        text = json.dumps(said[served.name])
        answers = {
            "400 Bad Request": (text % "a wrong field", "invalid_request_error", "INVALID_ARGUMENT"),
            "413 Payload Too Large": (text.replace("invalid_request_error", "request_too_large") % "too large", "request_too_large", "INVALID_ARGUMENT"),
        }
        upstream = Upstream(None)
        gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "compatible", "wire": wires[served.name], "api_key": "sk-upstream-one",
                                                  "base_url": upstream.url + served.base, "models": ["*"]}]})
        try:
            for client in WIRES:
                if client is served:
                    continue
                for status, (answer, anthropic, gemini) in answers.items():
                    upstream.answer = lambda r, c: c.sendall(whole(answer.encode(), status))
                    got, _, body = gateway.call("POST", *client.request())
                    error = json.loads(body)["error"]
                    assert got == int(status[:3]), (served.name, client.name, got, body)
                    if client.name == "gemini":
                        assert error["status"] == gemini and error["code"] == got, (served.name, body)
                    elif client.name == "messages":
                        assert error["type"] == anthropic, (served.name, body)
                    elif served.name in ("messages", "gemini"):
                        assert error["type"] == "invalid_request_error" and error["param"] is None, (served.name, body)
                upstream.answer = lambda r, c: c.sendall(whole((text % "prompt is too long: 9 tokens > 8 maximum").encode(), "400 Bad Request"))
                _, _, body = gateway.call("POST", *client.request())
                error = json.loads(body)["error"]
                assert too_long.get(client.name, "") in error["message"] and "9 tokens > 8" in error["message"], (served.name, client.name, body)
        finally:
            gateway.clear()
            upstream.close()


def test_a_refused_credential_is_no_401_for_the_client(program):
    wire = WIRES[2]
    gateway, upstream = pair(program, wire, None)
    upstream.answer = lambda r, c: c.sendall(whole({"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key sk-upstream-one"}}, "401 Unauthorized"))
    try:
        status, _, answer = gateway.call("POST", *wire.request())
        assert status == 503 and b"sk-upstream" not in answer, (status, answer)
        accounts = gateway.admin("GET", "/api/accounts")[1]["accounts"]
        assert all(a["disabled"] and a["disabled_reason"] for a in accounts), accounts
    finally:
        gateway.clear()


def test_a_dead_kept_connection_is_replaced_unseen(program):
    wire = WIRES[0]
    count = {"n": 0}

    def answer(request, connection):
        count["n"] += 1
        connection.sendall(wire.whole())
        return count["n"] != 1  # closes behind the first answer
    upstream = Upstream(answer)
    gateway = Gateway(program, {"workers": 1, "accounts": [wire.account(upstream)]})
    try:
        for _ in range(5):
            status, fields, _ = gateway.call("POST", *wire.request())
            assert status == 200 and fields["x-penstock-attempts"] == "1"
    finally:
        gateway.clear()


def test_a_client_that_leaves_ends_the_upstream_call(program):
    for wire in WIRES:
        left = {"at": None}

        def answer(request, connection):
            connection.sendall(STREAM_HEAD + chunk(wire.stream[:-100]))
            connection.settimeout(10)
            left["at"] = connection.recv(1)  # nothing: the gateway has closed
            return False
        upstream = Upstream(answer)
        gateway = Gateway(program, {"accounts": [wire.account(upstream)]})
        try:
            path, body = wire.request(stream=True)
            client = gateway.connect()
            client.sendall(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            client.recv(100)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            until(lambda: left["at"] == b"", f"{wire.name}: the upstream call is cancelled")
            until(lambda: "ending=\"client_left\"" in gateway.logged(), "the ending is logged")
        finally:
            gateway.clear()
            upstream.close()


def test_a_silent_upstream_gets_keep_alives_and_may_still_fail_over(program):
    for wire in WIRES:
        def first(request, connection):
            connection.sendall(STREAM_HEAD)
            time.sleep(2.5)
            return False
        gateway, upstream = pair(program, wire, first, {"proxy": {"stream_head_after_seconds": 1}, "timeouts": {"keep_alive_event_ms": 1000}})
        try:
            status, fields, answer = gateway.call("POST", *wire.request(stream=True))
            assert status == 200 and fields["x-penstock-reason"] == "pending" and "x-account-email" not in fields, fields
            sign = b"event: ping" if wire.name == "messages" else b": keep-alive"
            assert answer.startswith(sign) and wire.success in answer and b"error" not in answer, (wire.name, answer)
        finally:
            gateway.clear()
            upstream.close()


def test_a_deadline_ends_what_never_answers(program):
    wire = WIRES[0]
    upstream = Upstream(lambda r, c: time.sleep(30))
    gateway = Gateway(program, {"proxy": {"request_deadline_seconds": 1}, "accounts": [wire.account(upstream)]})
    try:
        status, _, answer = gateway.call("POST", *wire.request())
        assert status == 504 and json.loads(answer)["error"]["code"] == "timeout", answer
    finally:
        gateway.clear()


def test_answers_are_held_to_their_limit_to_the_byte(program):
    """A whole answer, and an event that cannot pass before it is whole: limit - 1, limit, limit + 1."""
    wire, limit = WIRES[0], 100000
    head, tail = json.dumps({"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "@"}}]}, separators=(",", ":")).encode().split(b"@")
    chunk_head = b'data: {"choices":[{"index":0,"delta":{"content":"h"}}]}\n\n'
    event_head, event_tail = b'data: {"x":[', b'"y"],"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'

    def filled(front, piece, back, size):
        room = size - len(front) - len(back)
        return front + piece * (room // len(piece)) + b" " * (room % len(piece)) + back

    for more in (-1, 0, 1):
        def answer(request, connection):
            if b'"stream" : true' in request.body:
                connection.sendall(streamed(chunk_head + filled(event_head, b'"zz",', event_tail, limit + more) + b"data: [DONE]\n\n", 7))
            else:
                connection.sendall(whole(filled(head, b"a", tail, limit + more)))
        upstream = Upstream(answer)
        gateway = Gateway(program, {"limits": {"answer_bytes": limit}, "accounts": [wire.account(upstream)]})
        try:
            status, _, got = gateway.call("POST", *wire.request())
            assert (status == 200 and len(got) == limit + more) if more <= 0 else status == 502, (more, status, got[:200])
            status, _, got = gateway.call("POST", *wire.request(stream=True))
            assert status == 200 and (got.endswith(b"[DONE]\n\n") if more <= 0 else b'"error"' in got), (more, status, got[-200:])
        finally:
            gateway.clear()
            upstream.close()
