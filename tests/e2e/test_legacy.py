"""What clients of chat completions may still send: text completions, and `functions` in place of `tools`, over a chat and over another wire;
and pictures for those that know only text."""
import json

from rig import Gateway, Upstream, streamed, whole
from wires import sse

SAID = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1, "model": "up"}
CHAT_STREAM = sse({**SAID, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]},
                  {**SAID, "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]},
                  {**SAID, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}, end=b"data: [DONE]\n\n")
CHAT_WHOLE = {"id": "chatcmpl-9", "object": "chat.completion", "created": 1, "model": "up",
              "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
              "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
CLAUDE_STREAM = sse(
    {"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "up", "content": [],
                                          "stop_reason": None, "usage": {"input_tokens": 3, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"city":"Oslo"}'}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"}, names=True)


def answer(request, connection):
    stream = json.loads(request.body).get("stream")
    if request.path.endswith("/messages"):
        connection.sendall(streamed(CLAUDE_STREAM))
    elif stream:
        connection.sendall(streamed(CHAT_STREAM))
    else:
        connection.sendall(whole(CHAT_WHOLE))


def served(program, provider, test):
    upstream = Upstream(answer)
    base = upstream.url if provider == "anthropic" else upstream.url + "/v1"
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": provider, "base_url": base, "api_key": "sk-1"}]})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def data_of(stream):
    return [line.removeprefix("data: ") for line in stream.decode().split("\n\n") if line]


def test_a_text_completion_over_chat(program):
    def check(gateway, upstream):
        status, fields, text = gateway.call("POST", "/v1/completions", {"model": "m", "prompt": "Say hi", "max_tokens": 5})
        got = json.loads(text)
        assert status == 200 and got["object"] == "text_completion" and got["id"].startswith("cmpl-"), (status, got)
        assert got["model"] == "m" and "x-penstock-dropped" not in fields, (got, fields)
        assert got["choices"] == [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "stop"}], got
        assert got["usage"]["total_tokens"] == 5, got
        sent = json.loads(upstream.requests[0].body)
        assert upstream.requests[0].path == "/v1/chat/completions", upstream.requests[0].path
        assert sent["messages"] == [{"role": "user", "content": "Say hi"}], sent
    served(program, "openai", check)


def test_a_text_completion_streams(program):
    def check(gateway, _):
        status, _, text = gateway.call("POST", "/v1/completions", {"model": "m", "prompt": ["Say hi"], "stream": True, "echo": True})
        events = data_of(text)
        assert status == 200 and events[-1] == "[DONE]", events
        chunks = [json.loads(e) for e in events[:-1]]
        assert {c["object"] for c in chunks} == {"text_completion"} and len({c["id"] for c in chunks}) == 1, chunks
        assert "".join(c["choices"][0]["text"] for c in chunks) == "Say hiHello", chunks
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop", chunks
    served(program, "openai", check)


def test_a_text_completion_needs_a_prompt(program):
    def check(gateway, upstream):
        for body, param in (({"model": "m", "messages": [{"role": "user", "content": "hi"}]}, "prompt"), ({"model": "m", "prompt": [1, 2]}, "prompt"),
                            ({"model": "m", "prompt": "a", "suffix": "b"}, "suffix")):
            status, _, text = gateway.call("POST", "/v1/completions", body)
            assert status == 400 and json.loads(text)["error"]["param"] == param, (status, text)
        assert not upstream.requests
    served(program, "openai", check)


def test_functions_over_another_wire(program):
    def check(gateway, upstream):
        body = {"model": "m", "messages": [{"role": "user", "content": "weather?"}], "function_call": "auto",
                "functions": [{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}]}
        status, _, text = gateway.call("POST", "/v1/chat/completions", body)
        got = json.loads(text)["choices"][0]
        assert status == 200 and got["finish_reason"] == "function_call", got
        assert got["message"]["function_call"] == {"name": "weather", "arguments": '{"city":"Oslo"}'}, got
        body["messages"] += [{"role": "assistant", "content": None, "function_call": got["message"]["function_call"]},
                             {"role": "function", "name": "weather", "content": "rain"}]
        status, _, text = gateway.call("POST", "/v1/chat/completions", {**body, "stream": True})
        events = data_of(text)
        deltas = [json.loads(e)["choices"][0] for e in events[:-1]]
        assert status == 200 and events[-1] == "[DONE]" and deltas[-1]["finish_reason"] == "function_call", events
        assert "".join(d["delta"].get("function_call", {}).get("arguments", "") for d in deltas) == '{"city":"Oslo"}', deltas
        call, result = [m["content"][0] for m in json.loads(upstream.requests[1].body)["messages"][1:]]
        assert call["type"] == "tool_use" and result["type"] == "tool_result" and result["tool_use_id"] == call["id"], (call, result)
    served(program, "anthropic", check)


PICTURE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "See: "}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0K"}}]},
                           "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}}


def test_pictures_as_markdown_when_configured(program):
    url = "data:image/png;base64,iVBORw0K"
    for markdown, text in ((False, "See: "), (True, f"See: ![image]({url})")):
        upstream = Upstream(lambda request, connection: connection.sendall(whole(PICTURE)))
        gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "gemini", "base_url": upstream.url, "api_key": "k"}],
                                    "proxy": {"chat_image_markdown": markdown}})
        try:
            status, _, answer = gateway.call("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "draw"}]})
            message = json.loads(answer)["choices"][0]["message"]
            assert status == 200 and message["content"] == text, (status, message)
            assert message["images"] == [{"type": "image_url", "image_url": {"url": url}}], message
        finally:
            gateway.clear()
            upstream.close()
