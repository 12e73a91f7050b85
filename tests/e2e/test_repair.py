"""What an upstream refuses by name is left out on a second try, named as lost, and not sent again."""
import json

from rig import Gateway, Upstream, whole

CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Yes."}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
RESPONSE = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None,
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


def refusal(code, param, message):
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}).encode()


def refusing(member, body, message=None):
    """An upstream that takes no request with that member of the root."""
    def answer(request, connection):
        if member in json.loads(request.body):
            connection.sendall(whole(refusal("unsupported_parameter", member, message or f"Unsupported parameter: '{member}'"),
                                     "400 Bad Request"))
        else:
            connection.sendall(whole(json.dumps(body).encode()))
    return answer


def served(program, wire, answer, test):
    upstream = Upstream(answer)
    base = upstream.url + ("/v1" if wire.startswith("openai") else "")
    account = {"label": "a", "provider": "compatible", "wire": wire, "base_url": base, "api_key": "k"}
    gateway = Gateway(program, {"accounts": [account], "workers": 1})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def ask(gateway, path, body, headers=None):
    status, fields, text = gateway.call("POST", path, json.dumps(body).encode(), headers)
    return status, fields, json.loads(text)


def bodies(upstream):
    return [json.loads(r.body) for r in upstream.requests]


def test_a_refused_member_of_a_passing_request_goes_and_only_that(program):
    def check(gateway, upstream):
        body = '{"model":"m", "temperature" : 0.70,"messages":[{"role":"user","content":"hi \\u00e9"}],"n":1.0}'
        status, fields, text = gateway.call("POST", "/v1/chat/completions", body.encode())
        assert status == 200 and fields["x-penstock-dropped"] == "temperature", (status, fields, text)
        assert fields["x-penstock-attempts"] == "2", fields
        assert upstream.requests[1].body.decode() == body.replace('"temperature" : 0.70,', ""), upstream.requests[1].body
        # it is known now: the next request has no second try, and one without the member is not touched
        status, fields, _ = gateway.call("POST", "/v1/chat/completions", body.encode())
        assert status == 200 and fields["x-penstock-attempts"] == "1", fields
        plain = '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
        status, fields, _ = gateway.call("POST", "/v1/chat/completions", plain.encode())
        assert status == 200 and "x-penstock-dropped" not in fields, fields
        assert upstream.requests[-1].body.decode() == plain
        assert len(upstream.requests) == 4, len(upstream.requests)
    served(program, "openai-chat", refusing("temperature", CHAT), check)


def test_strict_clients_hear_the_refusal(program):
    def check(gateway, upstream):
        body = {"model": "m", "temperature": 1, "messages": [{"role": "user", "content": "hi"}]}
        status, _, answer = ask(gateway, "/v1/chat/completions", body, {"X-Penstock-Strict": "1"})
        assert status == 400 and answer["error"]["param"] == "temperature", (status, answer)
        assert len(upstream.requests) == 1
    served(program, "openai-chat", refusing("temperature", CHAT), check)


def test_what_cannot_be_mended_stays_a_400_and_locks_nobody_out(program):
    def check(gateway, upstream):
        body = {"model": "m", "foo": 1, "messages": [{"role": "user", "content": "hi"}]}
        status, _, answer = ask(gateway, "/v1/chat/completions", body)
        assert status == 400 and "foo" in answer["error"]["message"], (status, answer)
        assert len(upstream.requests) == 1
        del body["foo"]
        assert ask(gateway, "/v1/chat/completions", body)[0] == 200
    served(program, "openai-chat", refusing("foo", CHAT), check)


def test_a_limit_is_said_under_the_name_that_is_taken(program):
    def check(gateway, upstream):
        body = {"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
        for path in ("/v1/chat/completions", "/v1/messages"):
            status, _, answer = ask(gateway, path, body)
            assert status == 200, (path, answer)
            sent = bodies(upstream)[-1]
            assert sent.get("max_completion_tokens") == 50 and "max_tokens" not in sent, (path, sent)
    served(program, "openai-chat", refusing("max_tokens", CHAT), check)


def test_a_wish_for_usage_of_ours_is_not_repeated(program):
    def answer(request, connection):
        if "stream_options" in json.loads(request.body):
            connection.sendall(whole(refusal("unknown_parameter", "stream_options", "Unknown parameter: 'stream_options'"),
                                     "400 Bad Request"))
        else:
            data = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                    "choices": [{"index": 0, "delta": {"content": "Yes."}, "finish_reason": "stop"}]}
            text = f"data: {json.dumps(data)}\n\ndata: [DONE]\n\n".encode()
            connection.sendall(whole(text, kind="text/event-stream"))

    def check(gateway, upstream):
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        status, fields, text = gateway.call("POST", "/v1/chat/completions", json.dumps(body).encode())
        assert status == 200 and b"[DONE]" in text, (status, text)
        assert "x-penstock-dropped" not in fields, fields
        assert ["stream_options" in b for b in bodies(upstream)] == [True, False]
    served(program, "openai-chat", answer, check)


def test_encrypted_reasoning_that_is_refused_is_left_out_once(program):
    def answer(request, connection):
        if "encrypted_content" in request.body.decode().replace("reasoning.encrypted_content", ""):
            connection.sendall(whole(refusal("invalid_encrypted_content", None, "The encrypted content could not be verified."),
                                     "400 Bad Request"))
        else:
            connection.sendall(whole(json.dumps(RESPONSE).encode()))

    def check(gateway, upstream):
        thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAelsewhere"}
        body = {"model": "m", "store": False, "include": ["reasoning.encrypted_content"],
                "input": [{"role": "user", "content": "hi"}, thought, {"role": "assistant", "content": "ho"},
                          {"role": "user", "content": "and?"}]}
        status, fields, answer = ask(gateway, "/v1/responses", body)
        assert status == 200 and answer["output"][-1]["content"][0]["text"] == "Yes.", (status, answer)
        assert fields["x-penstock-attempts"] == "2", fields
        kinds = [item.get("type", "message") for item in bodies(upstream)[1]["input"]]
        assert "reasoning" not in kinds and len(kinds) == 3, kinds
        # the account is as it was: the next request goes to it at once
        assert ask(gateway, "/v1/responses", {"model": "m", "input": "hi"})[1]["x-penstock-attempts"] == "1"
    served(program, "openai-responses", answer, check)
