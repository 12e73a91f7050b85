"""Conformance cases of docs/protocols/cases.md that need the whole gateway, by their ids."""
import json
import threading

from rig import STREAM_HEAD, Gateway, Upstream, chunk, streamed, whole
from wires import sse

CLAUDE = [{"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
                                                "usage": {"input_tokens": 1, "output_tokens": 1}}},
          {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
          {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}},
          {"type": "content_block_stop", "index": 0},
          {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
          {"type": "message_stop"}]
GEMINI = {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "Hi."}]}, "finishReason": "STOP"}],
          "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "m", "responseId": "r"}
HI = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}


def account(upstream, wire, label="a"):
    base = upstream.url + ("/v1" if wire.startswith("openai") else "")
    return {"label": label, "provider": "compatible", "wire": wire, "base_url": base, "api_key": f"k-{label}"}


def run(program, upstreams, wire, test, **settings):
    accounts = [account(u, wire, label) for u, label in zip(upstreams, "ab")]
    gateway = Gateway(program, {"accounts": accounts, "workers": 1, **settings})
    try:
        test(gateway)
    finally:
        gateway.clear()
        for u in upstreams:
            u.close()


def test_C41_overloaded_inside_of_a_200_is_tried_elsewhere(program):
    refused = Upstream(lambda r, c: c.sendall(streamed(sse({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, names=True))))
    served = Upstream(lambda r, c: c.sendall(streamed(sse(*CLAUDE, names=True))))

    def check(gateway):
        for n in range(2):  # one of them goes to the one that is overloaded
            body = {**HI, "stream": True, "messages": [{"role": "user", "content": f"hello there {n}"}]}
            status, fields, text = gateway.call("POST", "/v1/messages", body)
            assert status == 200 and b"error" not in text and b"Hi." in text and fields["x-account-email"] == "b", (fields, text)
        assert refused.requests
    run(program, [refused, served], "anthropic", check)


def test_C51_a_bad_key_never_reaches_the_client(program):
    bad = Upstream(lambda r, c: c.sendall(whole({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]}}, "400 Bad Request")))
    good = Upstream(lambda r, c: c.sendall(whole(GEMINI)))

    def check(gateway):
        body = {"contents": [{"role": "user", "parts": [{"text": "hello there"}]}]}
        for n in range(4):
            assert gateway.call("POST", "/v1beta/models/m:generateContent", {**body, "n": n})[0] == 200
        assert len(bad.requests) <= 1 and len(good.requests) == 4
    run(program, [bad, good], "gemini", check)


def quiet(request, connection, events, pause):
    """Begins a stream, is silent until told to go on, and ends it."""
    connection.sendall(STREAM_HEAD + chunk(events[0]))
    pause.wait(20)
    connection.sendall(b"".join(chunk(e) for e in events[1:]) + b"0\r\n\r\n")


def read_until(gateway, path, body, what, go):
    connection = gateway.http()
    connection.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = b""
    while what not in text:
        text += answer.read1(4096)
    go.set()
    text += answer.read()
    connection.close()
    return text


def test_C53_every_event_of_anthropic_has_its_name_and_silence_has_pings(program):
    go = threading.Event()
    events = [sse(e, names=True) for e in CLAUDE]
    upstream = Upstream(lambda r, c: quiet(r, c, [b"".join(events[:3]), *events[3:]], go))

    def check(gateway):
        text = read_until(gateway, "/v1/messages", {**HI, "stream": True}, b"event: ping", go)
        blocks = [b.split("\n") for b in text.decode().strip().split("\n\n")]
        assert all(b[0] == "event: " + json.loads(b[1][6:])["type"] for b in blocks), text
        assert blocks[-1][0] == "event: message_stop", text
    run(program, [upstream], "anthropic", check, timeouts={"keep_alive_event_ms": 50})


def test_C54_keep_alives_of_gemini_are_blocks_of_their_own(program):
    go = threading.Event()
    parts = [{**GEMINI, "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": t}]}, **({"finishReason": "STOP"} if last else {})}]}
             for t, last in (("Hi", False), (" there.", True))]
    upstream = Upstream(lambda r, c: quiet(r, c, [b"data: " + json.dumps(p).encode() + b"\r\n\r\n" for p in parts], go))

    def check(gateway):
        text = read_until(gateway, "/v1beta/models/m:streamGenerateContent?alt=sse", {"contents": [{"role": "user", "parts": [{"text": "hello there"}]}]},
                          b": keep-alive", go)
        # as the SDK reads: blocks end in a blank line, and only those that begin with `data:` count
        blocks = text.decode().replace("\r\n", "\n").split("\n\n")
        assert blocks[-1] == "", "bytes behind the last block"
        said = [json.loads(b[6:])["candidates"][0]["content"]["parts"][0]["text"] for b in blocks if b.startswith("data: ")]
        assert said == ["Hi", " there."] and all(b.startswith((":", "data: ")) and "\n" not in b for b in blocks[:-1]), text
    run(program, [upstream], "gemini", check, timeouts={"keep_alive_event_ms": 50})


def test_C56_an_unknown_response_has_the_code_at_which_clients_send_all(program):
    upstream = Upstream(lambda r, c: c.sendall(streamed(sse(*CLAUDE, names=True))))

    def check(gateway):
        status, _, text = gateway.call("POST", "/v1/responses", {"model": "m", "input": "hello", "previous_response_id": "resp_unknown"})
        error = json.loads(text)["error"]
        assert status == 400 and error["code"] == "previous_response_not_found" and error["param"] == "previous_response_id", error
        assert upstream.requests == []
    run(program, [upstream], "anthropic", check)


def test_C57_a_key_is_taken_where_each_sdk_puts_it(program):
    upstream = Upstream(lambda r, c: c.sendall(whole({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hi."}],
                                                      "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}})))
    key = "sk-right-00000000000000000000"

    def check(gateway):
        for fields, want in (({"Authorization": f"Bearer {key}"}, 200), ({"x-api-key": key}, 200), ({"x-goog-api-key": key}, 200),
                             ({"x-api-key": "sk-wrong-00000000000000000000"}, 401), ({}, 401)):
            assert gateway.call("POST", "/v1/messages", HI, fields)[0] == want, fields
        assert all(key not in str(r.fields) for r in upstream.requests)
    run(program, [upstream], "anthropic", check, client_keys=[{"name": "right", "key": key}])
