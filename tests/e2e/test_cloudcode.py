"""An account that speaks Cloud Code serves the clients of every protocol."""
import json

from rig import Gateway, Upstream, streamed, whole

CHUNKS = [
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hel"}]}}]},
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
     "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}},
]
WHOLE = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
         "usageMetadata": CHUNKS[1]["usageMetadata"]}
ASKS = {
    "/v1/chat/completions": {"model": "g", "messages": [{"role": "user", "content": "hi"}]},
    "/v1/responses": {"model": "g", "input": "hi"},
    "/v1/messages": {"model": "g", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "/v1beta/models/g:generateContent": {"contents": [{"parts": [{"text": "hi"}]}]},
}


def wrapped(response):
    return json.dumps({"response": response, "traceId": "t-1"}).encode()


def answer(request, connection):
    if ":countTokens" in request.path:
        connection.sendall(whole(b'{"totalTokens":5}'))
    elif "alt=sse" in request.path:
        connection.sendall(streamed(b"".join(b"data: " + wrapped(c) + b"\r\n\r\n" for c in CHUNKS)))
    else:
        connection.sendall(whole(wrapped(WHOLE)))


def served(program, test):
    upstream = Upstream(answer)
    account = {"label": "cloud", "provider": "compatible", "wire": "cloudcode", "base_url": upstream.url + "/v1internal",
               "api_key": "token-1", "project": "p-1"}
    gateway = Gateway(program, {"accounts": [account]})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def sent(upstream):
    request = upstream.requests[-1]
    return request.path, json.loads(request.body)


def test_every_protocol_is_served_whole(program):
    def check(gateway, upstream):
        for path, body in ASKS.items():
            status, fields, text = gateway.call("POST", path, json.dumps(body).encode())
            assert status == 200 and b"Hello" in text, (path, status, text)
            assert "x-penstock-dropped" not in fields, (path, fields)
            method, request = sent(upstream)
            assert method == "/v1internal:generateContent", (path, method)
            assert request["model"] == "g" and request["project"] == "p-1", request
            assert set(request) == {"model", "project", "request"}, "nothing that differs from one attempt to the next"
            assert request["request"]["contents"] == [{"role": "user", "parts": [{"text": "hi"}]}], request
            assert upstream.requests[-1].fields["authorization"] == "Bearer token-1"
    served(program, check)


def test_every_protocol_is_served_as_a_stream(program):
    ends = {"/v1/chat/completions": b"data: [DONE]\n\n", "/v1/responses": b"response.completed", "/v1/messages": b"message_stop",
            "/v1beta/models/g:generateContent": b'"finishReason":"STOP"'}

    def check(gateway, upstream):
        for path, body in ASKS.items():
            gemini = "v1beta" in path
            asked = path.replace("generateContent", "streamGenerateContent?alt=sse") if gemini else path
            body = body if gemini else {**body, "stream": True}
            status, fields, text = gateway.call("POST", asked, json.dumps(body).encode())
            assert status == 200 and fields["content-type"].startswith("text/event-stream"), (path, status, text)
            assert b"Hel" in text and ends[path] in text, (path, text)
            assert sent(upstream)[0] == "/v1internal:streamGenerateContent?alt=sse", path
    served(program, check)


def test_without_alt_sse_a_gemini_client_gets_one_json_array(program):
    def check(gateway, upstream):
        body = json.dumps(ASKS["/v1beta/models/g:generateContent"]).encode()
        status, fields, text = gateway.call("POST", "/v1beta/models/g:streamGenerateContent", body)
        chunks = json.loads(text)
        assert status == 200 and fields["content-type"].startswith("application/json"), (status, fields)
        assert "".join(c["candidates"][0]["content"]["parts"][0]["text"] for c in chunks) == "Hello", chunks
        assert chunks[-1]["candidates"][0]["finishReason"] == "STOP" and chunks[-1]["modelVersion"] == "g", chunks
    served(program, check)


def test_tokens_are_counted_there(program):
    def check(gateway, upstream):
        body = {"model": "g", "system": "be kind", "messages": [{"role": "user", "content": "hi"}]}
        status, _, text = gateway.call("POST", "/v1/messages/count_tokens", json.dumps(body).encode())
        assert status == 200 and json.loads(text) == {"input_tokens": 5}, text
        path, request = sent(upstream)
        assert path == "/v1internal:countTokens" and request["request"]["model"] == "models/g", request
        assert [c["parts"][0]["text"] for c in request["request"]["contents"]] == ["be kind", "hi"], request
    served(program, check)


def test_what_it_does_not_get_is_named(program):
    def check(gateway, upstream):
        body = {**ASKS["/v1beta/models/g:generateContent"], "labels": {"a": "b"}, "newThing": 1}
        status, fields, _ = gateway.call("POST", "/v1beta/models/g:generateContent", json.dumps(body).encode())
        assert status == 200 and fields["x-penstock-dropped"] == "labels,newThing", fields
    served(program, check)
