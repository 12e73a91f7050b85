"""What the answers say of the decision: the fields of ours on every answer that an upstream served."""
import re
import time
import urllib.parse

from rig import STREAM_HEAD, Gateway, Upstream, chunk, whole
from test_admin import traced
from wires import WIRES

CHAT = WIRES[0]
OURS = ("x-request-id", "x-account-email", "x-mapped-model", "x-penstock-provider", "x-penstock-attempts", "x-penstock-reason")
UNBOUND = {"scheduling": {"mode": "PerformanceFirst"}}
SLOW_DOWN = whole({"error": {"message": "slow down", "type": "rate_limit_error"}}, "429 Too Many Requests", {"Retry-After": "300"})


def serving(wire, refused=()):
    """Serves the wire, but for accounts whose key ends with one of these labels."""
    def answer(request, connection):
        if request.key.removeprefix("sk-upstream-") in refused:
            connection.sendall(SLOW_DOWN)
        else:
            connection.sendall(wire.streamed() if b'"stream"' in request.body or "stream" in request.path else wire.whole())
    return Upstream(answer)


def test_every_answer_says_who_served_and_why(program):
    for wire in WIRES:
        gateway = Gateway(program, {"accounts": [wire.account(serving(wire), "ada")], "proxy": {"custom_mapping": {"alias": "m-1"}, **UNBOUND}})
        try:
            for stream in (False, True):
                status, fields, _ = gateway.call("POST", *wire.request(stream, model="alias"))
                assert status == 200, (wire.name, stream)
                assert (fields["x-account-email"], fields["x-mapped-model"], fields["x-penstock-provider"], fields["x-penstock-attempts"], fields["x-penstock-reason"]) == \
                    ("ada", "m-1", wire.provider, "1", "only"), (wire.name, stream, fields)
                assert re.fullmatch(r"req_[0-9a-f]{24}", fields["x-request-id"]), fields
                assert traced(gateway, fields["x-request-id"])["account"] == "ada"
        finally:
            gateway.clear()


def test_those_passed_over_are_named_with_their_reasons_and_the_rest_counted(program):
    better = [f"better-{i}" for i in range(11)]
    upstream = serving(CHAT, better)
    accounts = [CHAT.account(upstream, label, tier="PRO") for label in better] + [CHAT.account(upstream, "plain"), CHAT.account(upstream, "off", disabled=True), CHAT.account(upstream, "other", models=["x"])]
    gateway = Gateway(program, {"accounts": accounts, "proxy": UNBOUND})
    try:
        for stream in (False, True):
            for attempts, word in ((12, "tried"), (1, "locked_out")):
                status, fields, _ = gateway.call("POST", *CHAT.request(stream))
                assert status == 200 and fields["x-account-email"] == "plain" and fields["x-penstock-attempts"] == str(attempts), fields
                reason, _, passed = fields["x-penstock-reason"].partition("; passed=")
                assert re.fullmatch(r"[a-z_]+", reason), fields
                named = passed.split(",")
                assert [n.partition(":")[0] for n in named[:8]] == better[:8] and {n.partition(":")[2] for n in named[:8]} == {word}, passed
                assert named[8:] == ["+4"], "three more of the better ones, and the disabled one"
            for label in better:
                assert gateway.admin("DELETE", f"/api/accounts/{label}/lockouts")[0] == 200
    finally:
        gateway.clear()


def test_labels_are_encoded_and_bounded(program):
    labels = ["ä" * 64, "a b,c;d%e", "x" * 128, "名" * 42]
    for label in labels:
        upstream = serving(CHAT)
        others = [CHAT.account(upstream, f"{i}{'ö' * 60}", tier="PRO", max_concurrency=1) for i in range(9)]
        for account in others:
            account["api_key"] = "sk-upstream-refused"
        upstream = serving(CHAT, ["refused"])
        for account in others:
            account["base_url"] = upstream.url + "/v1"
        serves = {**CHAT.account(upstream, label), "api_key": "sk-upstream-serves"}
        gateway = Gateway(program, {"accounts": others + [serves]})
        try:
            status, fields, _ = gateway.call("POST", *CHAT.request())
            assert status == 200, fields
            assert urllib.parse.unquote(fields["x-account-email"]) == label
            assert all(len(fields[name]) <= 1024 and re.fullmatch(r"[\x20-\x7e]*", fields[name]) for name in OURS), fields
            passed = fields["x-penstock-reason"].partition("; passed=")[2].split(",")
            assert len(passed) == 9 and passed[8] == "+1" and all(urllib.parse.unquote(p.rpartition(":")[0]).rstrip("ö") == str(i) for i, p in enumerate(passed[:8])), passed
        finally:
            gateway.clear()


def test_privacy_masks_accounts(program):
    upstream = serving(CHAT, ["ada@example.com"])
    gateway = Gateway(program, {"dashboard": {"privacy": True}, "accounts": [CHAT.account(upstream, "ada@example.com", tier="PRO"), CHAT.account(upstream, "ben@example.com")]})
    try:
        for stream in (False, True):
            _, fields, _ = gateway.call("POST", *CHAT.request(stream))
            assert fields["x-account-email"] == "b***" and "a***:" in fields["x-penstock-reason"], fields
            assert "example" not in str(fields)
    finally:
        gateway.clear()


def test_a_head_that_went_out_early_says_pending_and_names_nobody(program):
    for wire in WIRES:
        def answer(request, connection):
            connection.sendall(STREAM_HEAD)
            time.sleep(1.6)
            connection.sendall(chunk(wire.stream) + b"0\r\n\r\n")
        gateway = Gateway(program, {"proxy": {"stream_head_after_seconds": 1}, "accounts": [wire.account(Upstream(answer), "ada")]})
        try:
            status, fields, got = gateway.call("POST", *wire.request(stream=True))
            assert status == 200 and wire.success in got, (wire.name, got)
            assert fields["x-penstock-reason"] == "pending" and "x-request-id" in fields, fields
            assert not {"x-account-email", "x-mapped-model", "x-penstock-provider", "x-penstock-attempts"} & set(fields), fields
            trace = traced(gateway, fields["x-request-id"])
            assert trace["account"] == "ada" and trace["attempts"][0]["pick"]["reason"] == "only", "the trace knows"
        finally:
            gateway.clear()


def test_an_upstreams_own_refusal_names_its_account(program):
    upstream = Upstream(lambda r, c: c.sendall(whole({"error": {"message": "bad temperature", "type": "invalid_request_error", "param": "temperature"}}, "400 Bad Request")))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "ada")]})
    try:
        status, fields, _ = gateway.call("POST", *CHAT.request())
        assert status == 400 and fields["x-account-email"] == "ada" and fields["x-penstock-reason"] == "only" and fields["x-penstock-attempts"] == "1", fields
    finally:
        gateway.clear()
