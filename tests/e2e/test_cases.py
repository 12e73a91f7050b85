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


def gemini_piece(text, reason=None, token=None, **counts):
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **({"finishReason": reason} if reason else {}),
                 **({"continuationToken": token} if token else {})}
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 2, "thoughtsTokenCount": 1, "totalTokenCount": 13, **counts}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


def ask(protocol, stream, model="m", **more):
    """(path, body) of a plain question in each protocol."""
    text = "hello there"
    body = {"openai-chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": text}], **({"stream_options": {"include_usage": True}} if stream else {})}),
            "openai-responses": ("/v1/responses", {"input": text}),
            "anthropic": ("/v1/messages", {"max_tokens": 99, "messages": [{"role": "user", "content": text}]})}[protocol]
    return body[0], {"model": model, **body[1], **more, **({"stream": True} if stream else {})}


def joined(protocol, stream, data):
    """(text, why it ended, tokens in, tokens out) of an answer."""
    if not stream:
        answer = json.loads(data)
    elif protocol == "openai-responses":
        answer = json.loads(data.split(b"data: ")[-1])["response"]
    else:
        events = [json.loads(line[6:]) for line in data.split(b"\n") if line.startswith(b"data: {")]
    if protocol == "openai-responses":
        texts = [p["text"] for i in answer["output"] if i["type"] == "message" for p in i["content"]]
        return "".join(texts), (answer["incomplete_details"] or {}).get("reason", answer["status"]), answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]
    if protocol == "openai-chat" and stream:
        choices = [c for e in events for c in e["choices"]]
        usage = events[-1]["usage"]
        return "".join(c["delta"].get("content") or "" for c in choices), choices[-1]["finish_reason"], usage["prompt_tokens"], usage["completion_tokens"]
    if protocol == "openai-chat":
        choice = answer["choices"][0]
        return choice["message"]["content"], choice["finish_reason"], answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]
    if stream:
        last = [e for e in events if e["type"] == "message_delta"][0]
        texts = [e["delta"]["text"] for e in events if e["type"] == "content_block_delta" and e["delta"]["type"] == "text_delta"]
        return "".join(texts), last["delta"]["stop_reason"], last["usage"]["input_tokens"], last["usage"]["output_tokens"]
    return "".join(b["text"] for b in answer["content"] if b["type"] == "text"), answer["stop_reason"], answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]


def test_C60_what_google_cuts_into_several_requests_is_one_answer(program):
    tokens = {None: "dG9rZW4x", "dG9rZW4x": "dG9rZW4y", "dG9rZW4y": None}

    def answer(request, connection):
        asked = json.loads(request.body)
        asked = asked.get("request", asked)
        given = asked.get("continuationToken")
        token = tokens[given]
        text = {None: "One, ", "dG9rZW4x": "two, ", "dG9rZW4y": "three."}[given]
        piece = gemini_piece(text, "CONTINUATION" if token else "STOP", token)
        piece = {"response": piece, "traceId": "t"} if "v1internal" in request.path else piece
        connection.sendall(streamed(sse(piece)) if "stream" in request.path else whole(piece))

    for wire in ("gemini", "cloudcode"):
        upstream = Upstream(answer)

        def check(gateway):
            for protocol in ("openai-chat", "openai-responses", "anthropic"):
                for stream in (False, True):
                    before = len(upstream.requests)
                    status, fields, data = gateway.call("POST", *ask(protocol, stream, "gemini-4-hydrogen"))
                    ended = {"openai-chat": "stop", "openai-responses": "completed", "anthropic": "end_turn"}[protocol]
                    assert status == 200 and joined(protocol, stream, data) == ("One, two, three.", ended, 30, 9), (protocol, stream, data)
                    assert fields["x-penstock-attempts"] == "1" and len(upstream.requests) == before + 3
                    bodies = [json.loads(r.body) for r in upstream.requests[before:]]
                    bodies = [b.get("request", b) for b in bodies]
                    assert [b.pop("continuationToken", None) for b in bodies] == list(tokens) and bodies[0] == bodies[1] == bodies[2], bodies
            rows = gateway.admin("GET", "/api/requests")[1]["requests"]
            assert {(r["tokens"]["in"], r["tokens"]["out"]) for r in rows} == {(30, 9)}, rows[0]
        run(program, [upstream], wire, check)


def test_C60_where_no_further_request_is_answered_it_is_a_limit(program):
    refusals = {"endless": None, "refused": whole({"error": {"code": 500, "message": "no", "status": "INTERNAL"}}, "500 Internal Server Error")}

    for name, refusal in refusals.items():
        def answer(request, connection):
            if refusal and "continuationToken" in json.loads(request.body):
                connection.sendall(refusal)
                return
            piece = gemini_piece("on and ", "CONTINUATION", "dG9rZW4x")
            connection.sendall(streamed(sse(piece)) if "stream" in request.path else whole(piece))
        upstream = Upstream(answer)

        def check(gateway):
            status, _, data = gateway.call("POST", *ask("openai-chat", True, "gemini-4-hydrogen"))
            text, ended, _, _ = joined("openai-chat", True, data)
            asked = 2 if refusal else 9
            assert status == 200 and ended == "length" and text == "on and " * (1 if refusal else 9) and len(upstream.requests) == asked, (name, data)
        run(program, [upstream], "gemini", check)


def claude(content, reason, stream):
    """A message of these blocks, whole or as events; `content` as in an answer."""
    usage = {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 3}
    if not stream:
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": content, "stop_reason": reason, "stop_sequence": None, "usage": usage}
    events = [{**CLAUDE[0], "message": {**CLAUDE[0]["message"], "usage": {**usage, "output_tokens": 1}}}]
    for i, block in enumerate(content):
        deltas, start = [], dict(block)
        if block["type"] == "text":
            start["text"] = ""
            deltas = [{"type": "text_delta", "text": block["text"]}]
            deltas += [{"type": "citations_delta", "citation": c} for c in start.pop("citations", [])]
        elif block["type"] == "thinking":
            start.update(thinking="", signature="")
            deltas = [{"type": "thinking_delta", "thinking": block["thinking"]}, {"type": "signature_delta", "signature": block["signature"]}]
        elif block["type"] == "server_tool_use":
            start["input"] = {}
            deltas = [{"type": "input_json_delta", "partial_json": json.dumps(block["input"])}]
        events += [{"type": "content_block_start", "index": i, "content_block": start}, *({"type": "content_block_delta", "index": i, "delta": d} for d in deltas),
                   {"type": "content_block_stop", "index": i}]
    return events + [{"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}, {"type": "message_stop"}]


SEARCHES = [{"type": "thinking", "thinking": "I look it up.", "signature": "EqQBsig"},
            {"type": "text", "text": "Let me look. "},
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1",
             "content": [{"type": "web_search_result", "url": "https://a.example", "title": "A", "encrypted_content": "abc", "page_age": None}]},
            {"type": "text", "text": "It says rain. ", "citations": [{"type": "web_search_result_location", "url": "https://a.example", "title": "A",
                                                                     "encrypted_index": "xyz", "cited_text": "rain"}]}]
SEARCH = {"openai-chat": {"web_search_options": {}}, "openai-responses": {"tools": [{"type": "web_search"}]},
          "anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}}


def test_a_turn_that_anthropic_pauses_is_gone_on_with_for_clients_that_cannot(program):
    def answer(request, connection):
        asked = json.loads(request.body)
        said = asked["messages"][-1]
        content, reason = (SEARCHES, "pause_turn") if said["role"] == "user" else ([{"type": "text", "text": "So it rains."}], "end_turn")
        stream = asked.get("stream") is True
        made = claude(content, reason, stream)
        connection.sendall(streamed(sse(*made, names=True)) if stream else whole(made))

    upstream = Upstream(answer)

    def check(gateway):
        for protocol in ("openai-chat", "openai-responses"):
            for stream in (False, True):
                before = len(upstream.requests)
                status, fields, data = gateway.call("POST", *ask(protocol, stream, **SEARCH[protocol]))
                text, ended, tokens_in, tokens_out = joined(protocol, stream, data)
                assert status == 200 and text == "Let me look. It says rain. So it rains.", (protocol, stream, data)
                assert (ended, tokens_in, tokens_out) == ({"openai-chat": "stop", "openai-responses": "completed"}[protocol], 28, 6), (protocol, ended, tokens_in, tokens_out)
                assert fields["x-penstock-attempts"] == "1" and len(upstream.requests) == before + 2
                first, second = [json.loads(r.body) for r in upstream.requests[before:]]
                assert second["messages"][:-1] == first["messages"] and second["messages"][-1] == {"role": "assistant", "content": SEARCHES}, second["messages"]
                assert {**second, "messages": 0} == {**first, "messages": 0}
        # who speaks the protocol goes on alone
        before = len(upstream.requests)
        assert b'"pause_turn"' in gateway.call("POST", *ask("anthropic", True, **SEARCH["anthropic"]))[2] and len(upstream.requests) == before + 1
    run(program, [upstream], "anthropic", check)


def test_a_turn_is_not_paused_for_ever_and_its_end_is_told_as_it_is(program):
    def answer(request, connection):
        if b"srvtoolu_1" in request.body and b"refuse" in request.body:
            connection.sendall(whole({"type": "error", "error": {"type": "api_error", "message": "no"}}, "500 Internal Server Error"))
        else:
            connection.sendall(streamed(sse(*claude(SEARCHES, "pause_turn", True), names=True)))

    upstream = Upstream(answer)

    def check(gateway):
        status, _, data = gateway.call("POST", *ask("openai-chat", True, **SEARCH["openai-chat"]))
        assert status == 200 and joined("openai-chat", True, data)[1] == "stop" and len(upstream.requests) == 6, data
        # half of a turn is no answer: its client hears of the failure
        path, body = ask("openai-chat", True, **SEARCH["openai-chat"])
        status, _, data = gateway.call("POST", path, {**body, "messages": [{"role": "user", "content": "refuse to go on"}]})
        assert status == 200 and b'"error"' in data and b"[DONE]" not in data, data
    run(program, [upstream], "anthropic", check)


def test_C58_codex_is_told_to_come_back_when_everybody_is_overloaded(program):
    created = {"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "model": "m", "output": []}}
    failed = {"type": "response.failed", "sequence_number": 1,
              "response": {"id": "resp_1", "status": "failed", "error": {"code": "server_is_overloaded", "message": "Selected model is at capacity."}}}
    full = [Upstream(lambda r, c: c.sendall(streamed(sse(created, failed, names=True)))) for _ in "ab"]

    def check(gateway):
        body = {"model": "m", "input": "hello there", "store": False, "stream": True}
        status, fields, text = gateway.call("POST", "/v1/responses", body)
        error = json.loads(text)["error"]
        assert status == 503 and error["code"] != "server_is_overloaded" and error["code"] != "slow_down" and "retry-after" in fields, (status, fields, text)
        assert all(u.requests for u in full)
    run(program, full, "openai-responses", check)

    # … and in a stream whose head is out already
    gate = threading.Event()

    def late(request, connection):
        connection.sendall(STREAM_HEAD + chunk(sse(created, names=True)))
        gate.wait(20)
        connection.sendall(chunk(sse(failed, names=True)) + b"0\r\n\r\n")

    slow = Upstream(late)

    def check_late(gateway):
        threading.Timer(1.5, gate.set).start()
        status, _, text = gateway.call("POST", "/v1/responses", {"model": "m", "input": "hello there", "store": False, "stream": True})
        last = json.loads(text.split(b"data: ")[-1])
        error = last.get("response", last).get("error") or last
        assert status == 200 and error["code"] in ("rate_limit_exceeded", "server_error"), text
        assert error["code"] != "rate_limit_exceeded" or "try again in" in error["message"], text
    run(program, [slow], "openai-responses", check_late, proxy={"stream_head_after_seconds": 1})
