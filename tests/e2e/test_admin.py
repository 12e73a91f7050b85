"""The admin API: each call and its errors, held against docs/openapi.json."""
import json
import pathlib

import schema
from rig import Gateway, Upstream, until, whole
from wires import WIRES

CHAT = WIRES[0]
MESSAGES = WIRES[2]


def admin(gateway, method, path, body=None, status=200):
    """A call that must end with this status and look as it is described."""
    got, answer = gateway.admin(method, path, body)
    assert got == status, (method, path, got, answer)
    schema.check(method, path, got, answer)
    return answer


def refusing(key, status="429 Too Many Requests", fields=None):
    """An upstream that refuses the account with this key and serves all others."""
    def answer(request, connection):
        if request.key == key:
            connection.sendall(whole({"error": {"message": "slow down", "type": "rate_limit_error"}}, status, fields))
        else:
            connection.sendall(CHAT.whole())
    return Upstream(answer)


def test_the_description_is_served_as_it_stands_in_the_repository(program):
    gateway = Gateway(program)
    try:
        assert gateway.admin("GET", "/api/openapi.json")[1] == schema.DOCUMENT
        assert gateway.call("GET", "/api/openapi.json")[0] == 401
    finally:
        gateway.clear()


def test_every_read_looks_as_it_is_described(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one"), CHAT.account(upstream, "two", tier="PRO")]})
    try:
        gateway.call("POST", *CHAT.request())
        for path, item in schema.DOCUMENT["paths"].items():
            if "get" in item and "{" not in path:
                admin(gateway, "GET", path)
        admin(gateway, "GET", "/api/accounts/two")
        admin(gateway, "GET", "/api/accounts/nobody", status=404)
    finally:
        gateway.clear()


def test_paths_and_methods_that_do_not_exist_say_so(program):
    gateway = Gateway(program)
    try:
        assert gateway.admin("GET", "/api/nothing")[0] == 404
        status, answer = gateway.admin("DELETE", "/api/scheduling")
        assert status == 405 and "GET, PATCH" in answer["error"]["message"], answer
        status, _, data = gateway.call("PATCH", "/api/scheduling", b"mode=Balance", {"Authorization": f"Bearer {gateway.token}", "Content-Type": "text/plain"})
        assert status == 415, data
        for body, path, word in (("{", None, "line 1"), ("[]", None, "object"), ('{"mood":1}', "mood", "no member"), ('{"mode":"Balance","mode":"Balance"}', "mode", "twice")):
            status, answer = gateway.admin("PATCH", "/api/scheduling", body.encode())
            assert status == 400 and word in answer["error"]["message"] and answer["error"].get("path") == path, (body, answer)
    finally:
        gateway.clear()


def test_scheduling_is_changed_whole_or_not_at_all_and_only_from_what_was_seen(program):
    gateway = Gateway(program)
    try:
        seen = admin(gateway, "GET", "/api/scheduling")
        wrong = admin(gateway, "PATCH", "/api/scheduling", {"mode": "CacheFirst", "max_wait_seconds": -1}, status=400)
        assert "max_wait_seconds" in wrong["error"]["message"], wrong
        assert admin(gateway, "GET", "/api/scheduling") == seen
        now = admin(gateway, "PATCH", "/api/scheduling", {"mode": "CacheFirst", "max_wait_seconds": 7, "revision": seen["revision"]})
        assert now["mode"] == "CacheFirst" and now["max_wait_seconds"] == 7 and now["revision"] > seen["revision"], now
        admin(gateway, "PATCH", "/api/scheduling", {"mode": "Balance", "revision": seen["revision"]}, status=409)
        assert json.loads((gateway.folder / "gui_config.json").read_text())["proxy"]["scheduling"] == {"mode": "CacheFirst", "max_wait_seconds": 7}
        admin(gateway, "PATCH", "/api/scheduling", {"revision": now["revision"]}, status=400)
        admin(gateway, "PATCH", "/api/scheduling", {"mode": "Balance", "revision": "7"}, status=400)
    finally:
        gateway.clear()


def test_edits_of_the_file_change_mode_and_wait_without_a_restart(program):
    gateway = Gateway(program, {"proxy": {"scheduling": {"mode": "Balance", "max_wait_seconds": 60}}})
    try:
        seen = admin(gateway, "GET", "/api/scheduling")
        gateway.write_settings({"proxy": {"scheduling": {"mode": "PerformanceFirst", "max_wait_seconds": 3}}})
        now = until(lambda: (s := admin(gateway, "GET", "/api/scheduling"))["mode"] == "PerformanceFirst" and s, "the edit is in force")
        assert now["max_wait_seconds"] == 3 and now["revision"] > seen["revision"], now
        admin(gateway, "PATCH", "/api/scheduling", {"max_wait_seconds": 9, "revision": seen["revision"]}, status=409)
    finally:
        gateway.clear()


def test_finished_requests_are_listed_with_their_decisions(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "30"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one"), CHAT.account(upstream, "two")], "proxy": {"custom_mapping": {"alias": "m-1"}}})
    try:
        path, body = CHAT.request(model="alias")
        status, fields, _ = gateway.call("POST", path, body, {"X-Session-Id": "talk"})
        assert status == 200 and fields["x-account-email"] == "two" and fields["x-penstock-attempts"] == "2"
        gateway.call("POST", *CHAT.request(stream=False))
        newest, first = admin(gateway, "GET", "/api/requests")["requests"]
        assert first["id"] == fields["x-request-id"] and newest["started_unix_ms"] >= first["started_unix_ms"]
        assert (first["model"], first["mapped_model"], first["account"], first["status"], first["ending"], first["attempt_count"]) == ("alias", "m-1", "two", 200, "complete", 2), first
        assert first["tokens"] == {"in": 10, "out": 2, "cache_read": None, "cache_write": None, "reasoning": None}
        whole_one = admin(gateway, "GET", f"/api/requests/{first['id']}")
        assert [(a["account"], a["verdict"], a["status"], a["delay_ms"]) for a in whole_one["attempts"]] == [("one", "rate_limited", 429, 30000), ("two", "success", 200, None)]
        assert [(p["account"], p["skip"]) for p in whole_one["attempts"][1]["pick"]["passed"]] == [("one", "tried")]
        assert whole_one["nobody_free"] is None and any("`one`" in line and "tried" in line for line in whole_one["explanation"])
        for query, want in ((f"session={first['session']}", [first["id"]]), ("model=al*", [first["id"]]), ("model=m-1", [newest["id"], first["id"]]), ("account=one", [first["id"]]),
                            ("account=nobody", []), ("status=200&limit=1", [newest["id"]]), ("status=429", []), ("ending=complete", [newest["id"], first["id"]]),
                            (f"since={newest['started_unix_ms'] + newest['duration_ms'] + 1}", []), ("since=2020-01-01T00:00:00Z", [newest["id"], first["id"]])):
            got = [r["id"] for r in admin(gateway, "GET", f"/api/requests?{query}")["requests"]]
            assert got == want, (query, got, want)
        for query, path in (("limit=0", "limit"), ("limit=1001", "limit"), ("status=x", "status"), ("ending=happy", "ending"), ("since=yesterday", "since"), ("model=%zz", None)):
            status, answer = gateway.admin("GET", f"/api/requests?{query}")
            assert status == 400 and (path is None or answer["error"]["path"] == path), (query, answer)
        admin(gateway, "GET", "/api/requests/req_unknown", status=404)
        text = json.dumps(whole_one)
        assert "world" not in text and "sk-upstream" not in text, "metadata only"
    finally:
        gateway.clear()


def test_a_request_for_which_nobody_was_free_says_why(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "30"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one"), CHAT.account(upstream, "off", disabled=True)], "proxy": {"scheduling": {"queue_wait_seconds": 0}}})
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 429
        status, fields, _ = gateway.call("POST", *CHAT.request())
        got = admin(gateway, "GET", f"/api/requests/{fields['x-request-id']}")
        assert status == 429 and got["ending"] == "nobody_free" and got["attempts"] == [] and got["account"] is None, got
        assert got["nobody_free"]["skipped"] == {"disabled": 1, "locked_out": 1}, got
        left_ms = got["nobody_free"]["free_at_unix_ms"] - got["started_unix_ms"]
        assert 20000 < left_ms <= 30000, left_ms
    finally:
        gateway.clear()


def test_capture_can_be_switched_off(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"logs": {"capture": False}, "accounts": [CHAT.account(upstream)]})
    try:
        gateway.call("POST", *CHAT.request())
        assert admin(gateway, "GET", "/api/requests")["requests"] == []
    finally:
        gateway.clear()
