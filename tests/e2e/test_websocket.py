"""OpenAI Responses over a WebSocket."""
import json
import struct

from rig import STREAM_HEAD, Gateway, Upstream, chunk, streamed, until
from websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, frame
from wires import sse

CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
STREAM = sse({**CHUNK, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Yes."}, "finish_reason": None}]},
             {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, end=b"data: [DONE]\n\n")


def chat(request, connection):
    connection.sendall(streamed(STREAM))


def account(upstream, wire="openai-chat", **more):
    return {"label": "a", "provider": "compatible", "wire": wire, "base_url": upstream.url + "/v1", "api_key": "k", **more}


def run(program, test, answer=chat, wire="openai-chat", **settings):
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [account(upstream, wire)], "workers": 1, **settings})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def create(text="one", **more):
    return {"type": "response.create", "model": "m", "input": text, **more}


def said(upstream):
    return [(m["role"], m["content"]) for m in json.loads(upstream.requests[-1].body)["messages"]]


def test_each_message_is_a_request_and_each_event_a_message(program):
    def check(gateway, upstream):
        socket = WebSocket(gateway, fields={"OpenAI-Beta": "responses_websockets=2026-02-06"})
        assert socket.status == 101 and socket.fields["x-request-id"].startswith("req_"), socket.fields
        last = None
        for n, text in enumerate(("one", "two", "three")):
            socket.say(create(text, store=False, **({"previous_response_id": last} if last else {})))
            events = list(socket.events())
            assert events[0]["type"] == "response.created" and events[-1]["type"] == "response.completed", events
            assert [e["sequence_number"] for e in events] == list(range(len(events)))
            last = events[-1]["response"]["id"]
        # what was said before goes along, though nothing is stored
        assert said(upstream) == [("user", "one"), ("assistant", "Yes."), ("user", "two"), ("assistant", "Yes."), ("user", "three")]
        assert "responses_websockets" not in str(upstream.requests[-1].fields)
        socket.say(create("four", store=False, previous_response_id="resp_unknown"))
        (event,) = socket.events()
        assert event["type"] == "error" and event["status"] == 400 and event["error"]["code"] == "previous_response_not_found" \
            or event["error"]["param"] == "previous_response_id", event
        socket.close()
        # … in this connection alone
        other = WebSocket(gateway)
        other.say(create("x", store=False, previous_response_id=last))
        assert next(other.events())["type"] == "error"
        assert gateway.call("GET", f"/v1/responses/{last}")[0] == 404
        other.close()
    run(program, check)


def test_what_is_only_told_is_gone_on_from(program):
    def check(gateway, upstream):
        socket = WebSocket(gateway)
        socket.say(create([{"role": "user", "content": "one"}], store=False, generate=False))
        events = list(socket.events())
        assert [e["type"] for e in events] == ["response.created", "response.completed"] and upstream.requests == [], events
        socket.say(create([{"role": "user", "content": "two"}], store=False, previous_response_id=events[-1]["response"]["id"]))
        assert list(socket.events())[-1]["type"] == "response.completed"
        assert said(upstream) == [("user", "one"), ("user", "two")]
        socket.close()
    run(program, check)


def test_a_stream_of_the_same_wire_passes_event_by_event(program):
    item = {"id": "msg_1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hé.", "annotations": []}]}
    events = [{"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "model": "m", "output": []}},
              {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {**item, "content": []}},
              {"type": "response.output_text.delta", "sequence_number": 2, "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hé."},
              {"type": "response.output_item.done", "sequence_number": 3, "output_index": 0, "item": item},
              {"type": "response.completed", "sequence_number": 4, "response": {"id": "resp_1", "object": "response", "status": "completed", "model": "m",
                                                                               "output": [], "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}}]

    def answer(request, connection):
        connection.sendall(streamed(sse(*events, names=True), 7))

    def check(gateway, upstream):
        socket = WebSocket(gateway)
        socket.say(create("hello there", store=False))
        assert list(socket.events()) == events
        sent = json.loads(upstream.requests[-1].body)
        assert sent == {"model": "m", "input": "hello there", "store": False, "stream": True}, sent
        # the last event left the items out: they are known all the same
        socket.say(create("and now", store=False, previous_response_id="resp_1"))
        list(socket.events())
        roles = [i["role"] for i in json.loads(upstream.requests[-1].body)["input"]]
        assert roles == ["user", "assistant", "user"], roles
        socket.close()
    run(program, check, answer, "openai-responses")


def test_pings_are_answered_also_while_an_answer_is_awaited_and_messages_wait(program):
    import threading
    go = threading.Event()

    def answer(request, connection):
        go.wait(20)
        chat(request, connection)

    def check(gateway, upstream):
        socket = WebSocket(gateway)
        socket.say(create("one"))
        until(lambda: upstream.requests, "the request arrives")
        socket.send(PING, b"still there?")
        assert socket.receive() == (PONG, b"still there?")
        socket.say(create("two"))
        socket.send(PING, b"behind")
        go.set()
        for _ in range(2):
            assert list(socket.events())[-1]["type"] == "response.completed"
        assert len(upstream.requests) == 2
        # a message in pieces, with a ping between them
        data = json.dumps(create("three" * 30000)).encode()
        socket.send(TEXT, data[:70000], fin=False)
        socket.send(PING, b"between")
        socket.send(0, data[70000:100000], fin=False)
        socket.send(0, data[100000:])
        assert list(socket.events())[-1]["type"] == "response.completed"
        assert said(upstream)[0][1] == "three" * 30000
        socket.send(CLOSE, struct.pack(">H", 1000) + b"bye")
        assert socket.closed() == 1000 and socket.receive() is None
        socket.close()
    run(program, check, answer)


def test_what_breaks_the_rules_closes_with_the_reason(program):
    cases = [("unmasked", frame(TEXT, b"{}", masked=False), 1002), ("an extension", frame(TEXT, b"{}", reserved=0x40), 1002),
             ("bytes", frame(BINARY, b"{}"), 1003), ("goes on from nothing", frame(0, b"{}"), 1002), ("a long ping", frame(PING, b"x" * 126), 1002),
             ("unknown kind", frame(3, b""), 1002), ("not UTF-8", frame(TEXT, b"\xff"), 1007), ("half a reason", frame(CLOSE, b"\x03"), 1002),
             ("a reason that is none", frame(CLOSE, struct.pack(">H", 1005)), 1002), ("no reason", frame(CLOSE), None),
             ("a message inside of another", frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002)]

    def check(gateway, upstream):
        for name, data, want in cases:
            socket = WebSocket(gateway)
            socket.socket.sendall(data)
            assert socket.closed() == want, name
            assert socket.receive() is None, name
            socket.close()
        socket = WebSocket(gateway)
        socket.socket.sendall(frame(TEXT, b"x" * 70000))
        assert socket.closed() == 1009
        socket.close()
        assert gateway.call("GET", "/health")[0] == 200
    run(program, check, limits={"body_bytes": 65536})


def test_errors_have_the_form_that_clients_read(program):
    def check(gateway, upstream):
        socket = WebSocket(gateway)
        for message, param in ((b"[]", None), (b"{", None), (b'{"type":"x"}', "type"), (b'{"type":"response.create","input":"x"}', "model")):
            socket.send(TEXT, message)
            (event,) = socket.events()
            assert event["type"] == "error" and event["status"] == 400 and event["error"]["param"] == param, (message, event)
        # … and the connection goes on
        socket.say(create())
        assert list(socket.events())[-1]["type"] == "response.completed"
        socket.close()
    run(program, check)


def test_a_client_that_leaves_takes_its_request_along(program):
    def answer(request, connection):
        connection.sendall(STREAM_HEAD + chunk(STREAM[:160]))
        connection.settimeout(20)
        assert connection.recv(1) == b""

    def check(gateway, upstream):
        for politely in (True, False):
            socket = WebSocket(gateway)
            closed = upstream.closed
            socket.say(create())
            until(lambda: len(upstream.requests) > closed, "the request arrives")
            if politely:
                socket.send(CLOSE, struct.pack(">H", 1000))
                assert socket.closed() == 1000
            socket.close()
            until(lambda: upstream.closed > closed, "the upstream's connection is given up")
    run(program, check, answer)


def test_the_door_is_the_same(program):
    def check(gateway, upstream):
        assert WebSocket(gateway).status == 401
        socket = WebSocket(gateway, fields={"Authorization": "Bearer sk-right-00000000000000000000"})
        assert socket.status == 101
        socket.say(create())
        assert list(socket.events())[-1]["type"] == "response.completed"
        for fields, status in (({"Sec-WebSocket-Version": "12"}, 426), ({"Sec-WebSocket-Key": "short"}, 400), ({"Upgrade": "h2c"}, 400),
                               ({"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}, 400), ({"sec-websocket-version": "13"}, 426)):
            socket = WebSocket(gateway, fields={"Authorization": "Bearer sk-right-00000000000000000000", **fields})
            assert socket.status == status, (fields, socket.status)
            assert status != 426 or (socket.fields["upgrade"], socket.fields["sec-websocket-version"]) == ("websocket", "13"), socket.fields
        assert WebSocket(gateway, "/v1/chat/completions", {"Authorization": "Bearer sk-right-00000000000000000000"}).status == 405
    run(program, check, client_keys=[{"name": "right", "key": "sk-right-00000000000000000000"}])

    def foreign(gateway, upstream):
        assert WebSocket(gateway, fields={"Origin": "https://evil.example"}).status == 403
    run(program, foreign)

    def off(gateway, upstream):
        socket = WebSocket(gateway)
        assert socket.status == 426 and socket.fields["upgrade"] == "websocket", socket.fields
        assert gateway.call("GET", "/v1/responses")[0] == 405
    run(program, off, proxy={"responses": {"websocket": False}})


def test_a_gateway_that_ends_says_so(program):
    def check(gateway, upstream):
        socket = WebSocket(gateway)
        assert gateway.stop() == 0
        assert socket.closed() == 1001
        socket.close()
    run(program, check)
