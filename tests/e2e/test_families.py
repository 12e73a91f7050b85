"""Each provider that is signed in to, end to end: its addresses, heads and dialect. The accounts have an access token of the
user's own as key; how one is got is another test's business."""
import json

from rig import Gateway, Upstream, streamed, until, whole

CODEX_EVENTS = [
    ("response.created", {"type": "response.created", "sequence_number": 0,
                          "response": {"id": "resp_1", "object": "response", "status": "in_progress", "model": "gpt-5.3-codex", "output": []}}),
    ("response.output_item.added", {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0,
                                    "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}}),
    ("response.content_part.added", {"type": "response.content_part.added", "sequence_number": 2, "item_id": "msg_1", "output_index": 0,
                                     "content_index": 0, "part": {"type": "output_text", "text": "", "annotations": []}}),
    ("response.output_text.delta", {"type": "response.output_text.delta", "sequence_number": 3, "item_id": "msg_1", "output_index": 0,
                                    "content_index": 0, "delta": "Hello"}),
    ("response.output_text.done", {"type": "response.output_text.done", "sequence_number": 4, "item_id": "msg_1", "output_index": 0,
                                   "content_index": 0, "text": "Hello"}),
    ("response.content_part.done", {"type": "response.content_part.done", "sequence_number": 5, "item_id": "msg_1", "output_index": 0,
                                    "content_index": 0, "part": {"type": "output_text", "text": "Hello", "annotations": []}}),
    ("response.output_item.done", {"type": "response.output_item.done", "sequence_number": 6, "output_index": 0,
                                   "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                                            "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}}),
    ("codex.rate_limits", {"type": "codex.rate_limits", "plan_type": "plus",
                           "rate_limits": {"primary": {"used_percent": 12, "window_minutes": 300, "reset_at": 4102444800},
                                           "secondary": {"used_percent": 40, "window_minutes": 10080, "reset_at": 4102444900}}}),
    # the backend leaves `output` empty here: what was streamed counts
    ("response.completed", {"type": "response.completed", "sequence_number": 7,
                            "response": {"id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.3-codex", "output": [],
                                         "usage": {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}}}),
]
CODEX_STREAM = b"".join(f"event: {n}\ndata: {json.dumps(d)}\n\n".encode() for n, d in CODEX_EVENTS)
CODEX_ASK = {"model": "gpt-5.3-codex", "instructions": "You are Codex.", "store": False, "stream": True,
             "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hello there"}]}],
             "tools": [], "tool_choice": "auto", "parallel_tool_calls": False, "include": ["reasoning.encrypted_content"],
             "prompt_cache_key": "conversation-1"}
CHAT = {"model": "gpt-5.3-codex", "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello there"}]}


def codex(request, connection):
    body = json.loads(request.body)
    refused = [n for n in ("max_output_tokens", "temperature", "top_p", "user", "metadata", "previous_response_id") if n in body]
    if body.get("store") is not False or body.get("stream") is not True or not isinstance(body.get("instructions"), str) or refused:
        connection.sendall(whole({"detail": f"Unsupported parameter: {refused}"}, "400 Bad Request"))
        return
    connection.sendall(streamed(CODEX_STREAM))


def served(program, account, answer, test, **more):
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "api_key": "token-1", "base_url": upstream.url + more.pop("path", ""), **account}],
                                **more.pop("settings", {})})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


CODEX = {"provider": "codex", "headers": {"chatgpt-account-id": "account-1"}}


def test_codex_gets_the_bytes_of_a_codex_client(program):
    def check(gateway, upstream):
        text = json.dumps(CODEX_ASK, indent=1).encode()
        headers = {"session_id": "s-1", "x-codex-turn-state": "state-1", "originator": "codex_cli_rs", "version": "9.9", "Authorization": "Bearer any"}
        status, fields, answer = gateway.call("POST", "/v1/responses", text, headers)
        assert status == 200 and answer == CODEX_STREAM, (status, answer)
        sent = upstream.requests[-1]
        assert sent.body == text, "byte for byte"
        assert sent.path == "/backend-api/codex/responses", sent.path
        got = sent.fields
        assert got["authorization"] == "Bearer token-1" and got["chatgpt-account-id"] == "account-1", got
        assert got["session_id"] == "s-1" and got["x-codex-turn-state"] == "state-1", got
        assert got["originator"] == "penstock" and got["user-agent"].startswith("penstock/") and "version" not in got, got
    served(program, CODEX, codex, check, path="/backend-api/codex")


def test_codex_serves_every_protocol_streamed_and_not(program):
    asks = {"/v1/chat/completions": CHAT,
            "/v1/responses": {"model": "gpt-5.3-codex", "input": "hello there", "max_output_tokens": 50},
            "/v1/messages": {"model": "gpt-5.3-codex", "max_tokens": 50, "messages": [{"role": "user", "content": "hello there"}]},
            "/v1beta/models/gpt-5.3-codex:generateContent": {"contents": [{"parts": [{"text": "hello there"}]}]}}

    def check(gateway, upstream):
        keys = set()
        for path, body in asks.items():
            for stream in (False, True):
                at = path.replace("generateContent", "streamGenerateContent?alt=sse") if stream else path
                said = body if "v1beta" in path else {**body, "stream": stream}
                status, fields, text = gateway.call("POST", at, json.dumps(said).encode())
                assert status == 200 and b"Hello" in text, (at, status, text)
                assert fields["content-type"].startswith("text/event-stream" if stream else "application/json"), (at, fields)
                sent = json.loads(upstream.requests[-1].body)
                assert sent["stream"] is True and sent["store"] is False and "instructions" in sent, sent
                keys.add((sent["prompt_cache_key"], upstream.requests[-1].fields["session_id"]))
        assert len(keys) == 1 and all(k.startswith("sid-") for k in keys.pop()), "one conversation, one cache"
    served(program, CODEX, codex, check)


def test_codex_counts_are_estimated(program):
    def check(gateway, upstream):
        status, fields, text = gateway.call("POST", "/v1/messages/count_tokens",
                                            json.dumps({"model": "gpt-5.3-codex", "messages": [{"role": "user", "content": "hello there"}]}).encode())
        assert status == 200 and json.loads(text)["input_tokens"] > 0 and fields["x-penstock-estimated"] == "1", (status, fields, text)
        assert not upstream.requests
    served(program, CODEX, codex, check)


def copilot(request, connection):
    body = json.loads(request.body)
    if request.path.endswith("/chat/completions"):
        # one answer, spread over two choices
        choices = [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Hello"}},
                   {"index": 1, "finish_reason": "tool_calls", "message": {"role": "assistant", "tool_calls": [
                       {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}}]
        if not body.get("tools"):
            choices = [{**choices[0], "finish_reason": "stop"}]
        connection.sendall(whole({"id": "", "model": body["model"], "choices": choices,
                                  "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}))
    else:
        connection.sendall(whole({"error": {"message": "no", "code": "unsupported_api_for_model"}}, "400 Bad Request"))


TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
USER = {"role": "user", "content": "hello there"}
CALLS = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "it rains"}
PICTURE = {"role": "user", "content": [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]}


def test_copilot_is_told_who_speaks_and_of_pictures(program):
    cases = [("a person", [USER], "user", False), ("a tool", [USER, CALLS, RESULT], "agent", False),
             ("a person again", [USER, CALLS, RESULT, USER], "user", False), ("a picture", [PICTURE], "user", True),
             ("a picture before", [PICTURE, CALLS, RESULT], "agent", True)]

    def check(gateway, upstream):
        for name, messages, initiator, vision in cases:
            status, _, text = gateway.call("POST", "/v1/chat/completions", json.dumps({"model": "gpt-5.4", "messages": messages, "tools": TOOLS}).encode(),
                                           {"X-Initiator": "user", "Editor-Version": "other/1"})
            assert status == 200, (name, status, text)
            got = upstream.requests[-1].fields
            assert got["x-initiator"] == initiator and ("copilot-vision-request" in got) == vision, (name, got)
            assert got["editor-version"].startswith("penstock/") and got["editor-plugin-version"].startswith("penstock/"), got
    served(program, {"provider": "copilot"}, copilot, check)


def test_copilots_answer_spread_over_choices_is_one(program):
    def check(gateway, upstream):
        status, _, text = gateway.call("POST", "/v1/chat/completions", json.dumps({"model": "gpt-5.4", "messages": [USER], "tools": TOOLS}).encode())
        choices = json.loads(text)["choices"]
        assert status == 200 and len(choices) == 1, text
        assert choices[0]["message"]["content"] == "Hello" and choices[0]["message"]["tool_calls"][0]["function"]["name"] == "look", text
        assert choices[0]["finish_reason"] == "tool_calls", text
        body = json.dumps({"model": "gpt-5.4", "messages": [USER], "unknown": 1}).encode()
        status, _, _ = gateway.call("POST", "/v1/chat/completions", body)
        assert status == 200 and upstream.requests[-1].body == body, "without tools its bytes pass"
    served(program, {"provider": "copilot"}, copilot, check)


def test_what_copilot_is_told_of_a_conversation_is_no_setting(program):
    upstream = Upstream(copilot)
    gateway = Gateway(program, {"accounts": []})
    try:
        status, answer = gateway.admin("POST", "/api/accounts", {"label": "x", "provider": "copilot", "api_key": "k", "base_url": upstream.url,
                                                                 "headers": {"X-Initiator": "agent"}})
        assert status == 400 and "X-Initiator" in json.dumps(answer), (status, answer)
    finally:
        gateway.clear()
        upstream.close()


def gemini_answer(request, connection):
    answer = {"response": {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
                           "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}}, "traceId": "t-1"}
    connection.sendall(whole(answer))


def test_the_next_address_is_asked_when_one_is_broken(program):
    def broken(request, connection):
        connection.sendall(whole({"error": {"code": 503, "message": "down", "status": "UNAVAILABLE"}}, "503 Service Unavailable"))

    first, second = Upstream(broken), Upstream(gemini_answer)
    gone = Upstream(broken)
    gone.close()
    settings = {"providers": {"antigravity": {"base_url": [gone.url, first.url, second.url]}},
                "accounts": [{"label": "one", "provider": "antigravity", "api_key": "token-1", "project": "p-1"}]}
    gateway = Gateway(program, settings)
    try:
        status, fields, text = gateway.call("POST", "/v1/messages", json.dumps(
            {"model": "gemini-3-flash", "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}).encode())
        assert status == 200 and b"Hello" in text, (status, text)
        assert fields["x-penstock-attempts"] == "1", fields
        asked = [json.loads(r.body) for r in first.requests if ":generateContent" in r.path]
        assert len(asked) == 1 and asked[0]["project"] == "p-1", asked
        status, view = gateway.admin("GET", "/api/accounts/one")
        assert view["lockouts"] == [], "the account is not to blame"
        last = [r for r in second.requests if ":generateContent" in r.path]
        assert len(last) == 1 and json.loads(last[0].body) == asked[0], "the same bytes"
    finally:
        gateway.clear()
        first.close()
        second.close()


def windows(gateway, label):
    _, view = gateway.admin("GET", f"/api/accounts/{label}")
    return {(q["group"], w["window"]): w["remaining_permille"] for q in view["quota"] for w in q["windows"]}


def test_what_answers_say_is_left_is_shown_at_once(program):
    chat = {"id": "c", "object": "chat.completion", "model": "m", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}]}
    left = {"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "40", "x-ratelimit-reset-requests": "20m",
            "x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "250", "x-ratelimit-reset-tokens": "10m"}
    used_up = {**left, "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30m"}

    def answer(request, connection):
        if len(upstream.requests) == 1:
            connection.sendall(whole(chat, fields=left))
        else:
            connection.sendall(whole({"error": {"message": "You exceeded your current quota", "type": "insufficient", "code": None}},
                                     "429 Too Many Requests", {**used_up, "retry-after": "1800"}))

    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "compatible", "wire": "openai-chat", "api_key": "k", "base_url": upstream.url}]})
    ask = json.dumps({"model": "m", "messages": [USER]}).encode()
    try:
        status, fields, _ = gateway.call("POST", "/v1/chat/completions", ask)
        assert status == 200 and fields["x-ratelimit-remaining-requests"] == "40", (status, fields)
        assert windows(gateway, "one") == {("m", "requests"): 400, ("m", "tokens"): 250}
        _, view = gateway.admin("GET", "/api/accounts/one")
        quota = view["quota"][0]
        assert quota["remaining_permille"] == 250 and quota["age_seconds"] <= 5, quota
        assert 590_000 < quota["reset_unix_ms"] - quota["seen_unix_ms"] <= 600_000, quota
        status, _, _ = gateway.call("POST", "/v1/chat/completions", ask)
        assert status == 429, status
        _, view = gateway.admin("GET", "/api/accounts/one")
        assert view["quota"][0]["remaining_permille"] == 0, view["quota"]
        assert 1790 <= view["lockouts"][0]["seconds_left"] <= 1800 and view["lockouts"][0]["named_by_provider"], view["lockouts"]
    finally:
        gateway.clear()
        upstream.close()


def test_codex_windows_come_with_each_answer(program):
    def answer(request, connection):
        fields = {"x-codex-primary-used-percent": "12", "x-codex-primary-window-minutes": "300", "x-codex-primary-reset-at": "4102444800",
                  "x-codex-secondary-used-percent": "40", "x-codex-secondary-window-minutes": "10080", "x-codex-secondary-reset-at": "4102444900"}
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()).encode()
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(CODEX_STREAM) + CODEX_STREAM)

    def check(gateway, upstream):
        status, fields, _ = gateway.call("POST", "/v1/responses", json.dumps(CODEX_ASK).encode())
        assert status == 200 and fields["x-codex-primary-used-percent"] == "12", fields
        until(lambda: windows(gateway, "one") == {("codex", "5h"): 880, ("codex", "weekly"): 600}, "the windows")
    served(program, CODEX, answer, check)


def test_codex_windows_come_in_an_event_of_the_stream_too(program):
    for stream in (True, False):  # passed on, and translated into one piece
        def check(gateway, upstream):
            status, _, _ = gateway.call("POST", "/v1/responses", json.dumps({**CODEX_ASK, "stream": stream}).encode())
            assert status == 200, status
            until(lambda: windows(gateway, "one") == {("codex", "5h"): 880, ("codex", "weekly"): 600}, "the windows")
        served(program, CODEX, codex, check)


def test_copilot_has_vectors_and_the_others_say_that_they_have_none(program):
    vectors = {"object": "list", "model": "embed-1", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
               "usage": {"prompt_tokens": 2, "total_tokens": 2}}
    ask = json.dumps({"model": "embed-1", "input": "hello there"}).encode()

    def answer(request, connection):
        connection.sendall(whole(vectors))

    def has(gateway, upstream):
        status, _, text = gateway.call("POST", "/v1/embeddings", ask)
        assert status == 200 and json.loads(text) == vectors, (status, text)
        assert upstream.requests[-1].path == "/embeddings" and upstream.requests[-1].body == ask, "as it came"
    served(program, {"provider": "copilot"}, answer, has)

    def has_none(gateway, upstream):
        status, _, text = gateway.call("POST", "/v1/embeddings", ask)
        assert status == 501 and json.loads(text)["error"]["code"] == "unsupported", (status, text)
        assert not upstream.requests
    for account in (CODEX, {"provider": "antigravity"}):
        served(program, account, answer, has_none)
