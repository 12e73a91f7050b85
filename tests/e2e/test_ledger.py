"""Who minted which signature: nobody is sent another's, and clients that cannot give one back need not."""
import json

from rig import Gateway, Upstream, streamed, whole
from wires import sse

BLOB_A = "gAAAAAB" + "a" * 60 + "=="
THOUGHT, SIGNATURE = "Let me \"see\".", "EqQBCkYICBgCKkA" + "b" * 40
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}]


def reasoned(blob):
    return {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "error": None,
            "output": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob},
                       {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": "Hm.", "annotations": []}]}],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}


def account(upstream, wire, label, base="/v1", **more):
    return {"label": label, "provider": "compatible", "wire": wire, "base_url": upstream.url + base, "api_key": f"k-{label}", **more}


def ask(gateway, path, body, key=None):
    status, fields, text = gateway.call("POST", path, json.dumps(body).encode(), {"Authorization": f"Bearer {key}"} if key else {})
    return status, fields, text


def test_encrypted_reasoning_is_sent_to_its_account_alone_also_after_a_restart(program):
    one, two = (Upstream(lambda r, c: c.sendall(whole(reasoned(BLOB_A)))), Upstream(lambda r, c: c.sendall(whole(reasoned("gAAAAB" + "c" * 60)))))
    gateway = Gateway(program, {"accounts": [account(one, "openai-responses", "one"), account(two, "openai-responses", "two")]})
    try:
        gateway.command("fixed", "set", "one")
        status, _, text = ask(gateway, "/v1/responses", {"model": "m", "store": False, "input": "hello there"})
        assert status == 200, text
        gateway.command("fixed", "set", "two")
        assert ask(gateway, "/v1/responses", {"model": "m", "store": False, "input": "other words"})[0] == 200
        turns = [{"role": "user", "content": "hello there"}, *json.loads(text)["output"], {"role": "user", "content": "and now"}]
        body = {"model": "m", "store": False, "input": turns}
        for restarted in (False, True):
            if restarted:
                assert gateway.stop() == 0
                gateway.start()
            gateway.command("fixed", "set", "two")
            status, fields, text = ask(gateway, "/v1/responses", body)
            sent = json.loads(two.requests[-1].body)
            assert status == 200 and fields["x-penstock-attempts"] == "1" and fields["x-penstock-dropped"] == "input[1]", (restarted, fields, text)
            assert "reasoning" not in [i.get("type") for i in sent["input"]] and len(sent["input"]) == 3, sent
            # its own account gets it back, byte for byte
            gateway.command("fixed", "set", "one")
            status, fields, _ = ask(gateway, "/v1/responses", body)
            assert status == 200 and "x-penstock-dropped" not in fields and json.loads(one.requests[-1].body) == body, (restarted, fields)
        assert BLOB_A.encode() not in b"".join(p.read_bytes() for p in gateway.folder.iterdir() if p.is_file())
        assert oct((gateway.folder / "signatures.ledger").stat().st_mode & 0o777) == "0o600"
    finally:
        gateway.clear()
        one.close()
        two.close()


def thinking(request, connection):
    """Anthropic: thinks, then calls; answers when the result is there."""
    body = json.loads(request.body)
    result = any(b.get("type") == "tool_result" for m in body["messages"] for b in m["content"] if isinstance(b, dict))
    start = {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
                                                  "usage": {"input_tokens": 1, "output_tokens": 1}}}
    blocks = [({"type": "thinking", "thinking": "", "signature": ""}, [{"type": "thinking_delta", "thinking": THOUGHT}, {"type": "signature_delta", "signature": SIGNATURE}]),
              ({"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {}}, [{"type": "input_json_delta", "partial_json": '{"city":"Oslo"}'}])]
    if result:
        blocks = [({"type": "text", "text": ""}, [{"type": "text_delta", "text": "Rain."}])]
    events = [start]
    for i, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": i, "content_block": block})
        events += [{"type": "content_block_delta", "index": i, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": i})
    events += [{"type": "message_delta", "delta": {"stop_reason": "end_turn" if result else "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
    connection.sendall(streamed(sse(*events, names=True)))


def chat_loop(gateway, stream, key=None):
    """A tool loop of a client of OpenAI Chat that gives back nothing but what the protocol has a place for."""
    body = {"model": "claude-opus-4-6", "tools": TOOLS, "reasoning_effort": "high", "messages": [{"role": "user", "content": "Weather in Oslo?"}], "stream": stream}
    status, _, text = ask(gateway, "/v1/chat/completions", body, key)
    assert status == 200, text
    if stream:
        calls = [c for line in text.decode().split("\n\n") if line.startswith("data: {")
                 for choice in json.loads(line[6:])["choices"] for c in choice["delta"].get("tool_calls", [])]
        call = {"id": calls[0]["id"], "type": "function", "function": {"name": calls[0]["function"]["name"],
                                                                       "arguments": "".join(c["function"]["arguments"] for c in calls)}}
    else:
        call = json.loads(text)["choices"][0]["message"]["tool_calls"][0]
        call.pop("extra_content", None)
    body["messages"] += [{"role": "assistant", "content": None, "tool_calls": [call]}, {"role": "tool", "tool_call_id": call["id"], "content": "rain"}]
    return body


def test_a_chat_client_need_not_give_back_what_anthropic_signed(program):
    upstream = Upstream(thinking)
    keys = [{"name": "ada", "key": "sk-ada-000000000000000000000000"}, {"name": "ben", "key": "sk-ben-000000000000000000000000"}]
    gateway = Gateway(program, {"accounts": [account(upstream, "anthropic", "a", "")], "client_keys": keys, "workers": 1})
    try:
        for stream in (True, False):
            body = chat_loop(gateway, stream, keys[0]["key"])
            status, fields, text = ask(gateway, "/v1/chat/completions", body, keys[0]["key"])
            sent = json.loads(upstream.requests[-1].body)["messages"][1]["content"]
            assert status == 200 and b"Rain." in text, text
            assert sent[0] == {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE} and sent[1]["type"] == "tool_use", sent
            # thinking that comes back without its signature is the same, and not lost
            body["messages"][1]["reasoning_content"] = THOUGHT
            status, fields, _ = ask(gateway, "/v1/chat/completions", body, keys[0]["key"])
            assert json.loads(upstream.requests[-1].body)["messages"][1]["content"] == sent and "reasoning" not in fields.get("x-penstock-dropped", ""), fields
            # another key's client knows nothing of it
            assert ask(gateway, "/v1/chat/completions", body, keys[1]["key"])[0] == 200
            assert [b["type"] for b in json.loads(upstream.requests[-1].body)["messages"][1]["content"]] == ["tool_use"]
    finally:
        gateway.clear()
        upstream.close()


def test_what_a_chat_client_cannot_give_back_stands_before_the_text_it_stood_before(program):
    """Thinking, a text, a call: the message must begin with the thinking again, or it is switched off for the turn."""
    blocks = [{"type": "redacted_thinking", "data": "RWdhYmNk"}, {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
              {"type": "text", "text": "Let me look."}, {"type": "thinking", "thinking": "Outside.", "signature": SIGNATURE},
              {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Oslo"}}]

    def answer(request, connection):
        connection.sendall(whole({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": blocks, "stop_reason": "tool_use",
                                  "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}))
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [account(upstream, "anthropic", "a", "")], "workers": 1})
    try:
        body = {"model": "claude-opus-4-5", "tools": TOOLS, "reasoning_effort": "high", "messages": [{"role": "user", "content": "Weather in Oslo?"}]}
        status, _, text = ask(gateway, "/v1/chat/completions", body)
        assert status == 200, text
        said = json.loads(text)["choices"][0]["message"]
        given = {"role": "assistant", "content": said["content"], "tool_calls": said["tool_calls"]}
        body["messages"] += [given, {"role": "tool", "tool_call_id": "toolu_1", "content": "rain"}]
        status, fields, text = ask(gateway, "/v1/chat/completions", body)
        sent = json.loads(upstream.requests[-1].body)
        assert status == 200 and sent["messages"][1]["content"] == blocks, sent
        assert sent["thinking"]["type"] == "enabled" and "x-penstock-dropped" not in fields, (sent, fields)
    finally:
        gateway.clear()
        upstream.close()


def test_a_chat_client_need_not_give_back_what_gemini_signed(program):
    parts = [{"functionCall": {"name": "get_weather", "args": {"city": "Oslo"}}, "thoughtSignature": "Q2dBYWJjZGVmZ2hp"}]

    def answer(request, connection):
        said = [{"text": "Rain."}] if b"functionResponse" in request.body else parts
        chunk = {"candidates": [{"content": {"role": "model", "parts": said}, "finishReason": "STOP", "index": 0}],
                 "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "m", "responseId": "abc"}
        connection.sendall(streamed(sse(chunk)) if "stream" in request.path else whole(chunk))
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [account(upstream, "gemini", "g", "", models=["*"])], "workers": 1})
    try:
        body = chat_loop(gateway, True)
        body["model"] = "gemini-3-pro-preview"
        body["messages"] = body["messages"][:1]
        body = chat_loop(gateway, False)
        body["model"] = "gemini-3-pro-preview"
        status, _, text = ask(gateway, "/v1/chat/completions", {**body, "stream": False})
        call = json.loads(upstream.requests[-1].body)["contents"][1]["parts"][0]
        assert status == 200 and call["thoughtSignature"] == "Q2dBYWJjZGVmZ2hp" and "functionCall" in call, (text, call)
    finally:
        gateway.clear()
        upstream.close()
