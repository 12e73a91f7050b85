"""What goes in comes out: bodies and streams of the same protocol, and the edits that are declared."""
import json

from rig import Gateway, Upstream, streamed, whole
from wires import MODEL, WIRES


def answering(wire, pieces=1):
    def answer(request, connection):
        streams = b'"stream" : true' in request.body or "alt=sse" in request.path
        connection.sendall(wire.streamed(pieces) if streams else wire.whole())
    return answer


def served(program, wire, test, settings=None, pieces=1, **account):
    upstream = Upstream(answering(wire, pieces))
    gateway = Gateway(program, {**(settings or {}), "accounts": [wire.account(upstream, **account)]})
    try:
        test(gateway, upstream)
    finally:
        gateway.clear()
        upstream.close()


def test_bodies_and_answers_pass_byte_for_byte(program):
    for wire in WIRES:
        def check(gateway, upstream):
            path, body = wire.request()
            status, fields, answer = gateway.call("POST", path, body)
            assert status == 200, (wire.name, status, answer)
            assert answer == wire.answer, (wire.name, answer)
            assert upstream.requests[-1].body == body, wire.name
            assert fields["x-account-email"] == "one" and fields["x-mapped-model"] == MODEL, fields
            assert fields["x-penstock-provider"] == wire.provider and fields["x-penstock-attempts"] == "1", fields
            assert fields["x-penstock-reason"] == "only" and fields["x-request-id"].startswith("req_"), fields
        served(program, wire, check)


def test_streams_pass_byte_for_byte_and_usage_is_asked_for(program):
    for wire in WIRES:
        for pieces in (1, 7, len(wire.stream)):
            def check(gateway, upstream):
                path, body = wire.request(stream=True)
                status, fields, answer = gateway.call("POST", path, body)
                assert status == 200 and fields["content-type"].startswith("text/event-stream"), (wire.name, status, answer)
                want, sent = wire.stream, body
                if wire.name == "chat":
                    want = b"".join(b"data: " + b for b in wire.stream.split(b"data: ")[1:] if b'"usage"' not in b)
                    sent = body[:-1] + b',"stream_options":{"include_usage":true}}'
                assert answer == want, (wire.name, pieces, answer)
                assert upstream.requests[-1].body == sent, (wire.name, upstream.requests[-1].body)
            served(program, wire, check, pieces=pieces)


def test_the_usage_chunk_reaches_a_client_that_asked_for_it(program):
    wire = WIRES[0]

    def check(gateway, upstream):
        path, body = wire.request(stream=True)
        body = body[:-1] + b', "stream_options": {"include_usage": true}}'
        _, _, answer = gateway.call("POST", path, body)
        assert answer == wire.stream and upstream.requests[-1].body == body
    served(program, wire, check)


def test_a_mapped_model_is_spliced_and_the_client_keeps_its_name(program):
    for wire in WIRES:
        for stream in (False, True):
            def check(gateway, upstream):
                path, body = wire.request(stream, model="alias-7")
                status, fields, answer = gateway.call("POST", path, body)
                assert status == 200, (wire.name, answer)
                got = upstream.requests[-1]
                if wire.name == "gemini":
                    assert "/models/m-1:" in got.path and got.body == body
                else:
                    assert got.body.startswith(body.replace(b'"alias-7"', b'"m-1"')[:-1]), (wire.name, got.body)
                assert b"m-1" not in answer and answer.count(b'"alias-7"') >= 1, (wire.name, answer)
                assert fields["x-mapped-model"] == "m-1"
            served(program, wire, check, {"proxy": {"custom_mapping": {"alias-*": "m-1"}}})


def test_credentials_of_the_client_stay_and_the_accounts_go(program):
    for wire in WIRES:
        def check(gateway, upstream):
            path, body = wire.request()
            gateway.call("POST", path, body, {"Authorization": "Bearer any-value", "Cookie": "a=b", "X-Forwarded-For": "1.2.3.4",
                                              "anthropic-beta": "x-2026-01-01,y-2026-01-01", "anthropic-version": "2026-10-21"})
            got = upstream.requests[-1]
            assert got.key == "sk-upstream-one" and "any-value" not in str(got.fields), got.fields
            assert "cookie" not in got.fields and "x-forwarded-for" not in got.fields
            assert got.fields["user-agent"].startswith("penstock/") and got.fields["accept-encoding"] == "identity"
            if wire.name == "messages":
                assert got.fields["anthropic-version"] == "2026-10-21" and got.fields["anthropic-beta"] == "x-2026-01-01,y-2026-01-01"
        served(program, wire, check)


def test_gemini_streams_without_sse_are_one_json_array(program):
    wire = WIRES[3]

    def check(gateway, upstream):
        _, body = wire.request(stream=True)
        status, fields, answer = gateway.call("POST", f"/v1beta/models/{MODEL}:streamGenerateContent", body)
        assert status == 200 and fields["content-type"].startswith("application/json")
        assert [c["modelVersion"] for c in json.loads(answer)] == [MODEL] * 3
        assert upstream.requests[-1].path.endswith(":streamGenerateContent?alt=sse")
    served(program, wire, check)


def test_response_fields_are_an_allow_list(program):
    wire = WIRES[0]

    def answer(request, connection):
        connection.sendall(whole(wire.answer, fields={"Set-Cookie": "a=b", "Server": "x", "x-ratelimit-remaining-requests": "9", "Access-Control-Allow-Origin": "*"}))
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [wire.account(upstream)]})
    try:
        _, fields, _ = gateway.call("POST", *wire.request())
        assert fields["x-ratelimit-remaining-requests"] == "9"
        assert not {"set-cookie", "server", "access-control-allow-origin"} & set(fields), fields
    finally:
        gateway.clear()


def test_lone_surrogates_are_mended_in_both_directions(program):
    wire = WIRES[0]

    def answer(request, connection):
        connection.sendall(whole(wire.answer.replace(b'"hi"', b'"\\ud83d"')))
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [wire.account(upstream)]})
    try:
        path, body = wire.request()
        _, _, got = gateway.call("POST", path, body.replace(b"world", b"\\udc00"))
        assert b"\\ufffd" in upstream.requests[-1].body and len(upstream.requests[-1].body) == len(body) + 1
        assert got == wire.answer.replace(b'"hi"', b'"\\ufffd"')
    finally:
        gateway.clear()
