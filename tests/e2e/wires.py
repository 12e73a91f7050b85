"""The four protocols: how a client asks, and what an upstream answers, whole and as a stream."""
import json

from rig import streamed, whole


def sse(*events, names=False, end=b""):
    lines = []
    for event in events:
        name = b"event: %s\n" % event["type"].encode() if names else b""
        lines.append(name + b"data: " + json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n")
    return b"".join(lines) + end


MODEL = "m-1"
CHAT = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}


class Wire:
    def __init__(self, name, provider, path, stream_path, body, answer, stream, error_in, success, base=""):
        self.name, self.provider, self.path, self.stream_path = name, provider, path, stream_path
        self.body, self.answer, self.stream, self.error_in, self.success = body, answer, stream, error_in, success
        self.base = base

    def request(self, stream=False, model=MODEL):
        """The client's path and body bytes: odd blanks, number spellings and unknown members on purpose."""
        text = self.body.replace("MODEL", model)
        if stream and self.name != "gemini":
            text = text.rstrip()[:-1] + ' , "stream" : true}'
        path = (self.stream_path if stream else self.path).replace("MODEL", model)
        return path, text.encode()

    def account(self, upstream, label="one", **more):
        return {"label": label, "provider": self.provider, "base_url": upstream.url + self.base, "api_key": f"sk-upstream-{label}", **more}

    def whole(self, **more):
        return whole(self.answer, **more)

    def streamed(self, pieces=1):
        return streamed(self.stream, pieces)


WIRES = [
    Wire("chat", "openai", "/v1/chat/completions", "/v1/chat/completions",
         '{ "model" : "MODEL","messages":[ {"role":"user","content":"h\\u00e9llo world"} ], "temperature": 1.0, "x_unknown":[1e2 , 12345678901234567890]}',
         b'{ "id":"chatcmpl-1","object":"chat.completion","model":"m-1","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi","refusal":null}}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}, "extra":1.50}',
         sse({**CHAT, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}]},
             {**CHAT, "choices": [{"index": 0, "delta": {"content": "hé"}, "finish_reason": None}]},
             {**CHAT, "choices": [{"index": 0, "delta": {"content": "llo"}, "finish_reason": None}]},
             {**CHAT, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
             {**CHAT, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}},
             end=b"data: [DONE]\n\n"),
         b'"error":{"message"', b"[DONE]", base="/v1"),
    Wire("responses", "openai", "/v1/responses", "/v1/responses",
         '{"model":"MODEL", "input":"hello world", "store":false,"max_output_tokens":1E3}',
         b'{"id":"resp_1","object":"response","status":"completed","model":"m-1","error":null,"output":[{"type":"message","id":"msg_1","role":"assistant","content":[{"type":"output_text","text":"hi","annotations":[]}]}],"usage":{"input_tokens":10,"output_tokens":2,"total_tokens":12}}',
         sse({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "object": "response", "status": "in_progress", "model": MODEL, "output": []}},
             {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": {"id": "msg_1", "type": "message", "content": []}},
             {"type": "response.output_text.delta", "sequence_number": 2, "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "hé"},
             {"type": "response.output_text.delta", "sequence_number": 3, "output_index": 0, "content_index": 0, "item_id": "msg_1", "delta": "llo"},
             {"type": "response.output_item.done", "sequence_number": 4, "output_index": 0,
              "item": {"id": "msg_1", "type": "message", "content": [{"type": "output_text", "text": "héllo", "annotations": []}]}},
             {"type": "response.completed", "sequence_number": 5, "response": {"id": "resp_1", "status": "completed", "model": MODEL, "output": [], "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}},
             names=True),
         b"response.failed", b"response.completed", base="/v1"),
    Wire("messages", "anthropic", "/v1/messages", "/v1/messages",
         '{"model":"MODEL","max_tokens":100,\n "messages":[{"role":"user","content":[{"type":"text","text":"hello world","cache_control":{"type":"ephemeral"}}]}],"top_p":0.50}',
         b'{"id":"msg_1","type":"message","role":"assistant","model":"m-1","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":2}}',
         sse({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": [], "stop_reason": None, "usage": {"input_tokens": 10, "output_tokens": 1}}},
             {"type": "ping"},
             {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
             {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hé"}},
             {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "llo"}},
             {"type": "content_block_stop", "index": 0},
             {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
             {"type": "message_stop"}, names=True),
         b"event: error", b"message_stop"),
    Wire("gemini", "gemini", "/v1beta/models/MODEL:generateContent", "/v1beta/models/MODEL:streamGenerateContent?alt=sse",
         '{"contents":[{"role":"user","parts":[{"text":"hello world"}]}],"generationConfig":{"temperature":1.0}}',
         b'{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12},"modelVersion":"m-1"}',
         sse({"candidates": [{"content": {"role": "model", "parts": [{"text": "hé"}]}, "index": 0}], "modelVersion": MODEL},
             {"candidates": [{"content": {"role": "model", "parts": [{"text": "llo"}]}, "index": 0}], "modelVersion": MODEL},
             {"candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP", "index": 0}], "modelVersion": MODEL,
              "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12}}),
         b'"error":{"code"', b'"finishReason"'),
]
