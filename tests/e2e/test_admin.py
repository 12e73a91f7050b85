"""The admin API: each call and its errors, held against docs/openapi.json."""
import json
import socket
import sqlite3
import time

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


def traced(gateway, request_id):
    """The trace of a request; its client may have the answer a moment before."""
    until(lambda: gateway.admin("GET", f"/api/requests/{request_id}")[0] == 200, "the request has ended")
    return admin(gateway, "GET", f"/api/requests/{request_id}")


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
            if "get" in item and "{" not in path and "application/json" in item["get"]["responses"].get("200", {}).get("content", {}):
                admin(gateway, "GET", path)
        admin(gateway, "GET", "/api/accounts/two")
        admin(gateway, "GET", "/api/accounts/nobody", status=404)
    finally:
        gateway.clear()


def test_paths_and_methods_that_do_not_exist_say_so(program):
    gateway = Gateway(program)
    try:
        assert gateway.admin("GET", "/api/nothing")[0] == 404
        status, fields, answer = gateway.call("DELETE", "/api/scheduling", headers={"Authorization": f"Bearer {gateway.token}"})
        assert status == 405 and fields["allow"] == "GET, PATCH" and b"takes GET, PATCH" in answer, (fields, answer)
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


def test_a_settings_file_that_cannot_be_written_is_told_and_the_change_holds_for_this_run(program):
    gateway = Gateway(program, {"proxy": {"scheduling": {"mode": "Balance"}}})
    file = gateway.folder / "gui_config.json"
    try:
        before = file.read_text()
        file.chmod(0o400)
        answer = admin(gateway, "PATCH", "/api/scheduling", {"mode": "CacheFirst"}, status=500)
        assert "this run only" in answer["error"]["message"] and "read-only" in answer["error"]["message"], answer
        assert admin(gateway, "GET", "/api/scheduling")["mode"] == "CacheFirst" and file.read_text() == before
    finally:
        file.chmod(0o600)
        gateway.clear()


def test_finished_requests_are_listed_with_their_decisions(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "30"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one"), CHAT.account(upstream, "two")], "proxy": {"custom_mapping": {"alias": "m-1"}}})
    try:
        path, body = CHAT.request(model="alias")
        status, fields, _ = gateway.call("POST", path, body, {"X-Session-Id": "talk"})
        assert status == 200 and fields["x-account-email"] == "two" and fields["x-penstock-attempts"] == "2"
        traced(gateway, fields["x-request-id"])  # it has ended: the other worker may be quicker to say so
        gateway.call("POST", *CHAT.request(stream=False))
        newest, first = until(lambda: len(r := admin(gateway, "GET", "/api/requests")["requests"]) == 2 and r, "both have ended")
        assert first["id"] == fields["x-request-id"] and newest["started_unix_ms"] >= first["started_unix_ms"]
        assert (first["model"], first["mapped_model"], first["account"], first["status"], first["ending"], first["attempt_count"]) == ("alias", "m-1", "two", 200, "complete", 2), first
        assert first["tokens"] == {"in": 10, "out": 2, "cache_read": None, "cache_write": None, "reasoning": None}
        whole_one = traced(gateway, first["id"])
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
        got = traced(gateway, fields["x-request-id"])
        assert status == 429 and got["ending"] == "nobody_free" and got["attempts"] == [] and got["account"] is None, got
        assert got["nobody_free"]["skipped"] == {"disabled": 1, "locked_out": 1}, got
        left_ms = got["nobody_free"]["free_at_unix_ms"] - got["started_unix_ms"]
        assert 20000 < left_ms <= 30000, left_ms
    finally:
        gateway.clear()


def test_capture_can_be_switched_off(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"logs": {"capture": False}, "usage": {"track": False}, "accounts": [CHAT.account(upstream)]})
    try:
        gateway.call("POST", *CHAT.request())
        assert admin(gateway, "GET", "/api/requests") == {"requests": [], "next": None}
    finally:
        gateway.clear()


def two(program, settings=None, **more):
    """A gateway with the accounts `one` and `two` of one upstream."""
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    accounts = [CHAT.account(upstream, "one"), CHAT.account(upstream, "two")]
    return Gateway(program, {"accounts": accounts, **(settings or {})}, **more), upstream


def ask(gateway, session=None):
    """The account that served, and why."""
    path, body = CHAT.request()
    status, fields, _ = gateway.call("POST", path, body, {"X-Session-Id": session} if session else {})
    assert status == 200, (status, fields)
    return fields["x-account-email"], fields["x-penstock-reason"].split(";")[0]


def test_the_fixed_account_serves_all_until_it_is_cleared_and_is_gone_after_a_restart(program):
    gateway, _ = two(program)
    try:
        assert admin(gateway, "GET", "/api/scheduling")["fixed_account"] is None
        now = admin(gateway, "PUT", "/api/scheduling/fixed", {"account": "two"})
        assert now["fixed_account"]["label"] == "two", now
        assert [ask(gateway, f"s{i}") for i in range(4)] == [("two", "fixed")] * 4
        by_id = admin(gateway, "PUT", "/api/scheduling/fixed", {"account": admin(gateway, "GET", "/api/accounts/one")["id"]})
        assert by_id["fixed_account"]["label"] == "one" and ask(gateway) == ("one", "fixed")
        admin(gateway, "PATCH", "/api/accounts/one", {"proxy_disabled": True})
        account, reason = ask(gateway)
        assert account == "two" and reason != "fixed"
        admin(gateway, "PATCH", "/api/accounts/one", {"proxy_disabled": False})
        assert ask(gateway) == ("one", "fixed"), "it comes back"
        assert admin(gateway, "DELETE", "/api/scheduling/fixed")["fixed_account"] is None
        assert ask(gateway, "fresh")[1] != "fixed"
        admin(gateway, "PUT", "/api/scheduling/fixed", {"account": "one"})
        assert "fixed" not in (gateway.folder / "gui_config.json").read_text()
        gateway.stop()
        gateway.start()
        assert admin(gateway, "GET", "/api/scheduling")["fixed_account"] is None
        for body, status in (({"account": "nobody"}, 404), ({"account": ""}, 400), ({}, 400), ({"account": None}, 400), ({"label": "one"}, 400)):
            admin(gateway, "PUT", "/api/scheduling/fixed", body, status=status)
    finally:
        gateway.clear()


def test_bindings_are_listed_page_by_page_and_cleared(program):
    gateway, _ = two(program)
    try:
        served = {f"talk-{i}": ask(gateway, f"talk-{i}")[0] for i in range(7)}
        assert all(ask(gateway, s) == (a, "sticky") for s, a in served.items())
        listed = admin(gateway, "GET", "/api/scheduling/bindings")
        assert listed["total"] == 7 and listed["next"] is None and sorted(b["account"] for b in listed["bindings"]) == sorted(served.values())
        pages, after = [], ""
        while after is not None:
            page = admin(gateway, "GET", f"/api/scheduling/bindings?limit=3{'&after=' + after if after else ''}")
            assert len(page["bindings"]) <= 3
            pages += page["bindings"]
            after = page["next"]
        keys = [b["key"] for b in pages]
        assert keys == [b["key"] for b in listed["bindings"]] == sorted(keys), keys
        ones = admin(gateway, "GET", "/api/scheduling/bindings?account=one")["bindings"]
        assert {b["account"] for b in ones} == {"one"} and len(ones) == list(served.values()).count("one")
        first, second = listed["bindings"][:2]
        assert first["session"] == "sid-" + first["key"][:16]
        assert admin(gateway, "DELETE", f"/api/scheduling/bindings/{first['session']}") == {"cleared": 1}
        assert admin(gateway, "DELETE", f"/api/scheduling/bindings/{second['key']}") == {"cleared": 1}
        admin(gateway, "DELETE", f"/api/scheduling/bindings/{first['session']}", status=404)
        admin(gateway, "DELETE", "/api/scheduling/bindings/sid-0", status=404)
        ask(gateway, "by-its-own-name")
        assert admin(gateway, "DELETE", "/api/scheduling/bindings/by-its-own-name") == {"cleared": 1}
        admin(gateway, "DELETE", "/api/scheduling/bindings/by-its-own-name", status=404)
        assert admin(gateway, "GET", "/api/scheduling")["bindings"] == 5
        assert admin(gateway, "DELETE", "/api/scheduling/bindings") == {"cleared": 5}
        assert admin(gateway, "GET", "/api/scheduling/bindings") == {"total": 0, "bindings": [], "next": None}
        assert ask(gateway, "talk-1")[1] != "sticky"
        for query, path in (("limit=0", "limit"), ("after=xyz", "after"), ("account=nobody", "account")):
            assert admin(gateway, "GET", f"/api/scheduling/bindings?{query}", status=400)["error"]["path"] == path
    finally:
        gateway.clear()


def test_cleared_bindings_do_not_come_back_with_a_restart(program):
    gateway, _ = two(program)
    try:
        for session in ("kept", "one", "another"):
            ask(gateway, session)
        database = gateway.folder / "usage.db"

        def stored():
            with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as db:
                return db.execute("SELECT count(*) FROM binding").fetchone()[0]
        until(lambda: database.exists() and stored() == 3, "all are on the disk")
        kept = {b["session"]: b["account"] for b in admin(gateway, "GET", "/api/scheduling/bindings")["bindings"]}
        gone = sorted(kept)[0]
        admin(gateway, "DELETE", f"/api/scheduling/bindings/{gone}")
        assert stored() == 2, "at once, not with the next batch"
        gateway.stop()
        gateway.start()
        back = {b["session"]: b["account"] for b in admin(gateway, "GET", "/api/scheduling/bindings")["bindings"]}
        assert back == {s: a for s, a in kept.items() if s != gone}, back
        assert admin(gateway, "DELETE", "/api/scheduling/bindings") == {"cleared": 2}
        gateway.stop()
        gateway.start()
        assert admin(gateway, "GET", "/api/scheduling")["bindings"] == 0
    finally:
        gateway.clear()


def test_an_accounts_members_are_changed_and_kept_over_a_restart(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "filed", tier="PRO")]})
    try:
        admin(gateway, "POST", "/api/accounts", CHAT.account(upstream, "stored"), status=201)
        got = admin(gateway, "PATCH", "/api/accounts/stored", {"label": "renamed", "tier": "ULTRA", "max_concurrency": 3, "models": ["m-*"]})
        assert (got["label"], got["tier"], got["max_concurrency"]) == ("renamed", "ULTRA", 3), got
        got = admin(gateway, "PATCH", "/api/accounts/filed", {"tier": None, "max_concurrency": 2, "proxy_disabled": True})
        assert (got["tier"], got["max_concurrency"], got["proxy_disabled"], got["disabled"]) == ("", 2, True, False), got
        gateway.stop()
        gateway.start()
        accounts = {a["label"]: a for a in admin(gateway, "GET", "/api/accounts")["accounts"]}
        assert accounts["renamed"]["tier"] == "ULTRA" and accounts["renamed"]["max_concurrency"] == 3 and accounts["renamed"]["declared_in"] == "database"
        assert accounts["filed"]["tier"] == "" and accounts["filed"]["proxy_disabled"] and accounts["filed"]["declared_in"] == "file"
        admin(gateway, "GET", "/api/accounts/stored", status=404)
        assert gateway.call("POST", *CHAT.request(model="m-7"))[1]["x-account-email"] == "renamed"
        assert gateway.call("POST", *CHAT.request(model="other"))[0] >= 400, "its models changed"
        for path, body, status, member in (("renamed", {"tier": "GOLD"}, 400, "tier"), ("renamed", {"max_concurrency": -1}, 400, "max_concurrency"), ("renamed", {"label": ""}, 400, "label"),
                                           ("renamed", {"models": "m"}, 400, "models"), ("renamed", {"models": [""]}, 400, "models"), ("renamed", {"disabled": 1}, 400, "disabled"),
                                           ("renamed", {"api_key": "sk-x"}, 400, "api_key"), ("renamed", {}, 400, None), ("renamed", {"label": "filed"}, 409, None),
                                           ("filed", {"label": "x"}, 409, None), ("filed", {"models": ["x"]}, 409, None), ("nobody", {"disabled": True}, 404, None)):
            answer = admin(gateway, "PATCH", f"/api/accounts/{path}", body, status=status)
            assert answer["error"].get("path") == member and "sk-x" not in json.dumps(answer), (body, answer)
        assert admin(gateway, "GET", "/api/accounts/renamed")["tier"] == "ULTRA", "a refused change changes nothing"
    finally:
        gateway.clear()


def test_lockouts_are_shown_with_their_evidence_and_cleared(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"proxy": {"scheduling": {"mode": "PerformanceFirst"}}, "accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        assert ask(gateway, "talk")[0] == "two"
        one = admin(gateway, "GET", "/api/accounts/one")
        assert one["lockout_count"] == 1 and one["failed"] == 1, one
        lockout = one["lockouts"][0]
        assert lockout["reason"] == "rate_limited" and lockout["named_by_provider"] and 250 < lockout["seconds_left"] <= 300 and lockout["failures"] == 1, lockout
        assert lockout["until_unix_ms"] - lockout["since_unix_ms"] == 300000
        upstream.answer = lambda r, c: c.sendall(CHAT.whole())
        cleared = admin(gateway, "DELETE", "/api/accounts/one/lockouts")
        assert cleared["label"] == "one" and cleared["lockouts"] == [] and cleared["lockout_count"] == 0, cleared
        assert ask(gateway, "another")[0] == "one", "it is asked again"
        admin(gateway, "DELETE", "/api/accounts/nobody/lockouts", status=404)
    finally:
        gateway.clear()


def test_what_broke_on_the_way_to_a_provider_is_told_to_its_owner_alone(program):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "compatible", "wire": "openai-chat", "base_url": f"http://127.0.0.1:{port}/v1", "models": ["m"]}]})
    try:
        status, fields, answer = gateway.call("POST", *CHAT.request(model="m"))
        assert status == 502 and str(port).encode() not in answer, answer
        said = f"cannot connect to 127.0.0.1: 127.0.0.1:{port}: connection refused"
        assert any(said in line for line in traced(gateway, fields["x-request-id"])["explanation"])
        assert said in admin(gateway, "GET", "/api/accounts/one")["lockouts"][0]["evidence"]
        until(lambda: f'why="{said}' in gateway.logged(), "the line of the request has it, too")
    finally:
        gateway.clear()


def test_the_attempt_that_locked_an_account_out_says_so(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        _, fields, _ = gateway.call("POST", *CHAT.request())
        trace = traced(gateway, fields["x-request-id"])
        made = trace["attempts"][0]["lockout"]
        assert made and 299000 <= made["until_unix_ms"] - trace["started_unix_ms"] <= 310000 and trace["attempts"][1]["lockout"] is None, trace
        assert any("locked out" in line for line in trace["explanation"]), trace["explanation"]
    finally:
        gateway.clear()


def test_wrong_tokens_are_few(program):
    gateway = Gateway(program)
    try:
        for _ in range(20):
            assert gateway.call("GET", "/api/status")[0] == 401, "who shows nothing guesses nothing"
        assert gateway.admin("GET", "/api/status")[0] == 200
        for _ in range(5):
            assert gateway.call("GET", "/api/status", headers={"Authorization": "Bearer wrong"})[0] == 401
        status, fields, _ = gateway.call("GET", "/api/status", headers={"Authorization": "Bearer wrong"})
        assert status == 429 and 0 < int(fields["retry-after"]) <= 60, fields
        assert gateway.admin("GET", "/api/status")[0] == 429, "the right one is not looked at either"
    finally:
        gateway.clear()


def test_wrong_tokens_are_counted_for_who_is_behind_a_trusted_proxy(program):
    gateway = Gateway(program, {"trusted_proxies": ["127.0.0.1"]})
    try:
        for status in [401] * 5 + [429]:
            assert gateway.call("GET", "/api/status", headers={"Authorization": "Bearer wrong", "X-Forwarded-For": "203.0.113.9"})[0] == status
        assert gateway.admin("GET", "/api/status")[0] == 200, "others are not locked out by it"
    finally:
        gateway.clear()


def test_an_account_is_tested_with_its_own_credential_and_taken_back_when_it_is_accepted(program):
    good = {"now": False}

    def answer(request, connection):
        if request.key != "sk-upstream-one" or not good["now"]:
            connection.sendall(whole({"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "code": "invalid_api_key"}}, "401 Unauthorized"))
        else:
            connection.sendall(whole({"object": "list", "data": []}) if request.is_list else CHAT.whole())
    upstream = Upstream(answer, lists=answer)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one")]})
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 503
        assert admin(gateway, "GET", "/api/accounts/one")["credential_refused"]
        got = admin(gateway, "POST", "/api/accounts/one/test")
        assert not got["ok"] and got["verdict"] == "auth_invalid" and got["status"] == 401, got
        assert upstream.listed[-1].line.startswith("GET /v1/models "), upstream.listed[-1].line
        good["now"] = True
        got = admin(gateway, "POST", "/api/accounts/one/test")
        assert got["ok"] and got["verdict"] == "success" and got["status"] == 200, got
        assert not admin(gateway, "GET", "/api/accounts/one")["disabled"] and gateway.call("POST", *CHAT.request())[0] == 200
        admin(gateway, "POST", "/api/accounts/nobody/test", status=404)
        admin(gateway, "POST", "/api/accounts", {"label": "gone", "provider": "compatible", "wire": "openai-chat", "base_url": "http://127.0.0.1:9/v1"}, status=201)
        got = admin(gateway, "POST", "/api/accounts/gone/test")
        assert not got["ok"] and got["verdict"] == "network" and got["status"] == 0 and "127.0.0.1" in got["message"], got
        assert "sk-upstream" not in json.dumps(got)
    finally:
        gateway.clear()


def test_an_account_without_a_list_of_models_cannot_be_tested_and_that_is_said(program):
    gateway = Gateway(program, {"accounts": [CHAT.account(Upstream(lambda r, c: c.sendall(CHAT.whole())), "one")]})
    try:
        got = admin(gateway, "POST", "/api/accounts/one/test")
        assert not got["ok"] and got["status"] == 404 and "no list of models" in got["message"], got
    finally:
        gateway.clear()


def test_requests_are_listed_page_by_page_and_searched(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")], "client_keys": [{"name": "ci", "key": "pk-0123456789abcdef"}, {"name": "lab", "key": "pk-fedcba9876543210"}]})
    try:
        for i in range(7):
            path, body = CHAT.request(model=f"m-{i}")
            assert gateway.call("POST", path, body, {"Authorization": "Bearer pk-0123456789abcdef" if i % 2 else "Bearer pk-fedcba9876543210"})[0] == 200
        whole_list = until(lambda: len(r := admin(gateway, "GET", "/api/requests")["requests"]) == 7 and r, "all have ended")
        pages, before = [], ""
        while before is not None:
            page = admin(gateway, "GET", f"/api/requests?limit=3{before and '&before='}{before}")
            pages.append([r["id"] for r in page["requests"]])
            before = page["next"]
        assert [len(p) for p in pages] == [3, 3, 1] and sum(pages, []) == [r["id"] for r in whole_list]
        gateway.call("POST", *CHAT.request(model="new"), {"Authorization": "Bearer pk-0123456789abcdef"})
        until(lambda: admin(gateway, "GET", "/api/requests")["requests"][0]["model"] == "new", "it has ended")
        first = admin(gateway, "GET", "/api/requests?limit=4")
        assert [r["id"] for r in admin(gateway, "GET", f"/api/requests?limit=3&before={first['next']}")["requests"]] == pages[1], "pages do not move while others come"
        for query, want in (("client_key=ci", 4), ("client_key=lab", 4), ("client_key=no", 0), ("text=M-3", 1), ("text=rate_limited", 1), ("text=sid-", 8), ("text=nothing", 0), (f"text={whole_list[0]['id']}", 1),
                            ("client_key=ci&limit=2", 2), ("text=completions", 8)):
            got = admin(gateway, "GET", f"/api/requests?{query}")
            assert len(got["requests"]) == want, (query, len(got["requests"]))
            assert (got["next"] is not None) == (query == "client_key=ci&limit=2"), query
        for before in ("-1", "m3", "m0-1", "mx-1", "u0", "ux", "yesterday"):
            assert admin(gateway, "GET", f"/api/requests?before={before}", status=400)["error"]["path"] == "before", before
    finally:
        gateway.clear()


def paged(gateway, query="", limit=7):
    """All requests that there are, page by page, and how many pages that took."""
    found, before, pages = [], "", 0
    while before is not None:
        page = admin(gateway, "GET", f"/api/requests?limit={limit}{query}{before and '&before='}{before}")
        assert len(page["requests"]) <= limit and pages < 100
        found, before, pages = found + page["requests"], page["next"], pages + 1
    return found, pages


def test_requests_older_than_those_in_memory_are_listed_from_the_file(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    settings = {"logs": {"capture_bytes": 6000}, "workers": 1, "accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")],
                "client_keys": [{"name": "ci", "key": "pk-0123456789abcdef"}], "proxy": {"custom_mapping": {"m-*": "real"}}}
    gateway = Gateway(program, settings)

    def ask(number):
        path, body = CHAT.request(model=f"m-{number}")
        status, fields, _ = gateway.call("POST", path, body, {"Authorization": "Bearer pk-0123456789abcdef"})
        assert status == 200
        return fields["x-request-id"]

    def ended(ids):
        until(lambda: admin(gateway, "GET", "/api/requests?limit=1")["requests"][0]["id"] == ids[-1], "the last one has ended")

    try:
        ids = [ask(n) for n in range(40)]
        ended(ids)
        found, pages = paged(gateway)
        assert [r["id"] for r in found] == ids[::-1] and pages == 6, (pages, found)
        traced = [r["trace"] for r in found]
        assert 1 <= traced.count(True) < 15 and traced == sorted(traced, reverse=True), traced
        oldest, newest = found[-1], found[0]
        same = ("protocol", "stream", "mapped_model", "client_key", "account", "provider", "status", "ending", "tokens")
        assert {k: oldest[k] for k in same} == {k: newest[k] for k in same} and oldest["model"] == "m-0" and oldest["session"] is None, (oldest, newest)
        assert oldest["attempt_count"] == 2 and [(a["number"], a["account"], a["verdict"], a["status"]) for a in oldest["attempts"]] == [(1, "one", "rate_limited", 429), (2, "two", "success", 200)], oldest
        assert oldest["started_unix_ms"] <= found[-2]["started_unix_ms"] and oldest["duration_ms"] >= 0 and oldest["first_byte_ms"] is not None
        for query, want in ((f"text={ids[3]}", [ids[3]]), ("model=m-1*", [ids[n] for n in (19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1)]), ("account=one", [ids[0]]), ("status=500", []), ("text=rate_limited", [ids[0]]),
                            ("client_key=ci&ending=complete&text=m-5", [ids[5]]), ("session=sid-0", [])):
            assert [r["id"] for r in paged(gateway, f"&{query}")[0]] == want, query
        middle = found[20]
        at = middle["started_unix_ms"] + middle["duration_ms"]
        assert {r["id"] for r in paged(gateway, f"&since={at}")[0]} == {r["id"] for r in found if r["started_unix_ms"] + r["duration_ms"] >= at}
        assert {r["id"] for r in admin(gateway, "GET", f"/api/requests?before={at}")["requests"]} == {r["id"] for r in found if r["started_unix_ms"] + r["duration_ms"] < at}
        # pages go on where they were, though all that memory held made room for others: none is left out, some may come again
        first = admin(gateway, "GET", "/api/requests?limit=2")
        following = lambda: list(dict.fromkeys([r["id"] for r in first["requests"]] + [r["id"] for r in admin(gateway, "GET", f"/api/requests?before={first['next']}")["requests"]]))
        assert following() == ids[::-1]
        ids += [ask(n) for n in range(40, 55)]
        ended(ids)
        assert following() == ids[39::-1]
        lines = gateway.command("logs", "--limit", "30").stdout
        assert ids[-30] in lines and ids[-31] not in lines
        # nothing is in memory after a restart
        assert gateway.stop() == 0
        gateway.start()
        found, pages = paged(gateway)
        assert [r["id"] for r in found] == ids[::-1] and not any(r["trace"] for r in found)
        assert following() == ids[39::-1], "a page of the run before"
        gateway.write_settings({**settings, "dashboard": {"privacy": True}})
        until(lambda: "new settings are in force" in gateway.logged(), "the edit is noticed")
        text = json.dumps(paged(gateway)[0])
        assert '"one"' not in text and '"two"' not in text and '"ci"' not in text
    finally:
        gateway.clear()


def test_a_list_has_no_gap_where_capture_was_off(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    settings = {"workers": 1, "accounts": [CHAT.account(upstream)]}
    gateway = Gateway(program, settings)
    ids = []

    def ask(count):
        for _ in range(count):
            ids.append(gateway.call("POST", *CHAT.request())[1]["x-request-id"])
        until(lambda: admin(gateway, "GET", "/api/requests?limit=1")["requests"][0]["id"] == ids[-1], "the last one has ended")

    def capture(on):
        seen = gateway.logged().count("new settings are in force")
        gateway.write_settings({**settings, "logs": {"capture": on}})
        until(lambda: gateway.logged().count("new settings are in force") > seen, "the edit is noticed")

    try:
        ask(3)
        capture(False)
        ask(4)
        capture(True)
        ask(2)
        found, _ = paged(gateway, limit=4)
        assert [r["id"] for r in found] == ids[::-1], found
        assert [r["trace"] for r in found] == [True] * 2 + [False] * 7, [r["trace"] for r in found]
    finally:
        gateway.clear()


def test_an_account_has_a_history_of_lockouts_and_quota(program):
    def answer(request, connection):
        if request.key == "sk-upstream-one":
            connection.sendall(whole({"error": {"message": "slow down", "type": "rate_limit_error"}}, "429 Too Many Requests", {"Retry-After": "300"}))
        else:
            connection.sendall(whole(json.loads(CHAT.whole().split(b"\r\n\r\n", 1)[1]), fields={"x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "40", "x-ratelimit-reset-requests": "60s"}))
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        before = time.time() * 1000
        assert gateway.call("POST", *CHAT.request())[0] == 200
        one = until(lambda: (h := admin(gateway, "GET", "/api/accounts/one/history"))["lockouts"] and h, "it was locked out")
        lockout = one["lockouts"][0]
        assert len(one["lockouts"]) == 1 and lockout["reason"] == "rate_limited" and lockout["status"] == 429 and 295000 < lockout["until_unix_ms"] - lockout["at_unix_ms"] <= 300000, lockout
        assert before - 1000 <= lockout["at_unix_ms"] <= time.time() * 1000 + 1000
        gateway.admin("DELETE", "/api/accounts/one/lockouts")
        assert admin(gateway, "GET", "/api/accounts/one/history")["lockouts"] == one["lockouts"], "what was stays"
        two = admin(gateway, "GET", "/api/accounts/two/history")
        assert two["lockouts"] == [] and two["sessions"] == 1
        admin(gateway, "GET", "/api/accounts/nobody/history", status=404)
    finally:
        gateway.clear()
