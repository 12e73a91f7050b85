"""Pictures and recordings pass to accounts that take OpenAI's calls for them."""
import json

from rig import STREAM_HEAD, Gateway, Upstream, chunk, until, whole

PICTURE = {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}], "usage": {"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}}
EVENTS = b'event: image_generation.partial_image\ndata: {"b64_json":"aaaa"}\n\nevent: image_generation.completed\ndata: {"b64_json":"bbbb"}\n\n'
BOUNDARY = "----form-1"
FILE = b"RIFF\x00\xff\r\n--not-the-boundary\r\nend"


def form(model="whisper-1", extra=b""):
    return (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n".encode() + FILE
            + f"\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n".encode() + extra + f"--{BOUNDARY}--\r\n".encode())


FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def served(program, answer, test, account=None, **settings):
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "openai", "api_key": "sk-1", "base_url": upstream.url, **(account or {})}], **settings})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def test_a_picture_is_asked_for_byte_for_byte(program):
    def check(gateway, upstream):
        body = b'{ "prompt": "a gate", "model":"gpt-image-1", "n": 1, "size": "auto", "unknown": [1.0] }'
        status, fields, text = gateway.call("POST", "/v1/images/generations", body)
        assert status == 200 and json.loads(text) == PICTURE, (status, text)
        assert fields["content-type"] == "application/json" and fields["x-account-email"] == "one", fields
        sent = upstream.requests[-1]
        assert sent.path == "/v1/images/generations" and sent.body == body and sent.key == "sk-1", sent.path
        _, rows = gateway.admin("GET", "/api/requests?limit=1")
        assert rows["requests"][0]["tokens"]["out"] == 7, rows["requests"][0]["tokens"]
    served(program, lambda request, connection: connection.sendall(whole(PICTURE)), check)


def test_a_mapped_name_is_the_only_edit(program):
    def check(gateway, upstream):
        status, fields, _ = gateway.call("POST", "/v1/images/generations", b'{"prompt":"a", "model":"picture"}')
        assert status == 200 and fields["x-mapped-model"] == "gpt-image-1", fields
        assert upstream.requests[-1].body == b'{"prompt":"a", "model":"gpt-image-1"}'
        status, _, text = gateway.call("POST", "/v1/images/edits", form("picture"), FORM)
        assert status == 200, text
        sent = upstream.requests[-1]
        assert sent.path == "/v1/images/edits" and sent.body == form("gpt-image-1"), sent.body
        assert sent.fields["content-type"] == FORM["Content-Type"], sent.fields
    served(program, lambda request, connection: connection.sendall(whole(PICTURE)), check, proxy={"custom_mapping": {"picture": "gpt-image-1"}})


def test_a_picture_may_come_in_pieces(program):
    def answer(request, connection):
        connection.sendall(STREAM_HEAD + chunk(EVENTS[:40]) + chunk(EVENTS[40:]) + b"0\r\n\r\n")

    def check(gateway, upstream):
        status, fields, text = gateway.call("POST", "/v1/images/generations", b'{"prompt":"a","model":"gpt-image-1","stream":true}')
        assert status == 200 and text == EVENTS and fields["content-type"] == "text/event-stream", (status, fields, text)
    served(program, answer, check)


def test_a_stream_that_breaks_is_not_ended_as_if_it_were_whole(program):
    def answer(request, connection):
        connection.sendall(STREAM_HEAD + chunk(EVENTS[:40]))
        return False

    def check(gateway, upstream):
        connection = gateway.connect()
        body = b'{"prompt":"a","model":"gpt-image-1","stream":true}'
        connection.sendall(b"POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        got = b""
        try:
            while piece := connection.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        assert EVENTS[:40] in got and not got.endswith(b"0\r\n\r\n"), got
        until(lambda: gateway.admin("GET", "/api/requests?limit=1")[1]["requests"][0]["ending"] == "stream_cut", "its ending")
    served(program, answer, check)


def test_a_recording_is_written_down(program):
    def answer(request, connection):
        text = b"format" in request.body
        connection.sendall(whole(b"1\n00:00 hello\n", kind="text/plain") if text else whole({"text": "hello"}))

    def check(gateway, upstream):
        status, fields, text = gateway.call("POST", "/v1/audio/transcriptions", form(), FORM)
        assert status == 200 and json.loads(text) == {"text": "hello"}, (status, text)
        assert upstream.requests[-1].path == "/v1/audio/transcriptions" and upstream.requests[-1].body == form()
        srt = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"response_format\"\r\n\r\nsrt\r\n".encode()
        status, fields, text = gateway.call("POST", "/v1/audio/transcriptions", form(extra=srt), FORM)
        assert status == 200 and text == b"1\n00:00 hello\n" and fields["content-type"] == "text/plain", (fields, text)
    served(program, answer, check)


def test_what_is_wrong_with_a_form_is_named(program):
    again = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother\r\n".encode()
    cases = [(form(""), FORM, "model"), (form(extra=again), FORM, "more than once"), (form()[:-10], FORM, "form"), (b"{}", {}, "form")]

    def check(gateway, upstream):
        for body, headers, word in cases:
            status, _, text = gateway.call("POST", "/v1/audio/transcriptions", body, headers)
            assert status == 400 and word in json.loads(text)["error"]["message"], (status, text)
        assert not upstream.requests
    served(program, None, check)


def test_another_account_is_asked_when_one_is_out(program):
    def answer(request, connection):
        if request.key == "sk-1":
            connection.sendall(whole({"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}, "429 Too Many Requests"))
        else:
            connection.sendall(whole(PICTURE))

    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "openai", "api_key": "sk-1", "base_url": upstream.url, "tier": "PRO"},
                                             {"label": "two", "provider": "compatible", "wire": "openai-chat", "api_key": "sk-2", "base_url": upstream.url}]})
    try:
        status, fields, _ = gateway.call("POST", "/v1/images/generations", b'{"prompt":"a","model":"gpt-image-1"}')
        assert status == 200 and fields["x-account-email"] == "two" and fields["x-penstock-attempts"] == "2", fields
    finally:
        gateway.clear()
        upstream.close()


def test_accounts_that_have_no_such_call_say_so(program):
    def check(gateway, upstream):
        status, _, text = gateway.call("POST", "/v1/images/generations", b'{"prompt":"a","model":"claude-sonnet-4-5"}')
        assert status == 501 and json.loads(text)["error"]["code"] == "unsupported", (status, text)
        status, _, text = gateway.call("POST", "/v1/audio/transcriptions", form(), FORM)
        assert status == 501, (status, text)
        assert not upstream.requests
    served(program, None, check, {"provider": "anthropic"})
