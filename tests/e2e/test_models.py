"""Lists of models: an account without `models` offers what its provider lists, and anything while that cannot be read."""
import json
import time

from rig import Gateway, Upstream, until, whole
from wires import WIRES

CHAT, RESPONSES, ANTHROPIC, GEMINI = WIRES


def serves(wire, lists=None):
    """An OpenAI account is asked over Responses by clients of other protocols."""
    return Upstream(lambda r, c: c.sendall((RESPONSES if r.path.endswith("/responses") else wire).whole()), lists)


def openai_list(*ids):
    return lambda r, c: c.sendall(whole({"object": "list", "data": [{"id": i, "object": "model", "created": 1700000000, "owned_by": "owner-1"} for i in ids]}))


def account(gateway, label):
    return gateway.admin("GET", f"/api/accounts/{label}")[1]


def known(gateway, *labels, count=None):
    for label in labels:
        until(lambda: account(gateway, label)["models_source"] == "provider" and (count is None or account(gateway, label)["models_known"] == count), f"the list of {label}")


def ask(gateway, wire, model):
    path, body = wire.request(model=model)
    status, fields, answer = gateway.call("POST", path, body)
    return status, fields.get("x-account-email"), answer


def test_a_request_goes_only_to_accounts_whose_list_has_the_model(program):
    gpt, claude = serves(CHAT, openai_list("gpt-9", "gpt-9-mini")), serves(ANTHROPIC, lambda r, c: c.sendall(whole(
        {"data": [{"type": "model", "id": "claude-x-1-20260102", "display_name": "Claude X", "created_at": "2026-01-02T00:00:00Z", "max_input_tokens": 200000,
                   "max_tokens": 64000}], "has_more": False, "first_id": "claude-x-1-20260102", "last_id": "claude-x-1-20260102"})))
    gateway = Gateway(program, {"accounts": [CHAT.account(gpt, "gpt"), ANTHROPIC.account(claude, "claude")]})
    try:
        known(gateway, "gpt", "claude")
        for wire in (CHAT, ANTHROPIC):
            for model, label in (("gpt-9", "gpt"), ("claude-x-1", "claude"), ("claude-x-1-20260102", "claude"), ("claude-x-1-latest", "claude"), ("gpt-9-mini", "gpt")):
                assert ask(gateway, wire, model)[:2] == (200, label), (wire.name, model)
        status, _, answer = ask(gateway, CHAT, "claude-y")
        assert status == 400 and b"`claude-x-1-20260102`" in answer, answer
        path, body = CHAT.request(model="gpt-9")
        _, fields, _ = gateway.call("POST", path, body)
        trace = gateway.admin("GET", f"/api/requests/{fields['x-request-id']}")[1]
        assert "no_model" in json.dumps(trace["attempts"]), trace["attempts"]
        assert fields["x-penstock-reason"] in ("only", "sticky"), fields
        got = account(gateway, "gpt")
        assert got["models_known"] == 2 and got["models_age_seconds"] >= 0 and abs(got["models_seen_unix_ms"] / 1000 - time.time()) < 60, got
        assert len(claude.listed) == 1 and claude.listed[0].fields["anthropic-version"] and claude.listed[0].key == "sk-upstream-claude"
    finally:
        gateway.clear()


def test_our_own_lists_show_what_the_providers_list(program):
    gpt, gemini = serves(CHAT, openai_list("gpt-9")), serves(GEMINI, lambda r, c: c.sendall(whole({"models": [
        {"name": "models/gemini-9", "displayName": "Gemini 9", "inputTokenLimit": 1000, "outputTokenLimit": 10}]})))
    gateway = Gateway(program, {"accounts": [CHAT.account(gpt, "gpt"), GEMINI.account(gemini, "gem")]})
    try:
        known(gateway, "gpt", "gem")
        lists = [json.loads(gateway.call("GET", path, headers=fields)[2]) for path, fields in
                 (("/v1/models", {}), ("/v1/models", {"anthropic-version": "2023-06-01"}), ("/v1beta/models", {}))]
        assert [(m["id"], m["owned_by"], m["created"]) for m in lists[0]["data"]] == [("gemini-9", "gemini", 0), ("gpt-9", "owner-1", 1700000000)], lists[0]
        assert [(m["id"], m["display_name"], m.get("max_input_tokens"), m.get("max_tokens")) for m in lists[1]["data"]] == [
            ("gemini-9", "Gemini 9", 1000, 10), ("gpt-9", "gpt-9", None, None)], lists[1]
        assert lists[1]["data"][1]["created_at"] == "2023-11-14T22:13:20Z"
        assert [(m["name"], m["displayName"], m.get("inputTokenLimit")) for m in lists[2]["models"]] == [("models/gemini-9", "Gemini 9", 1000), ("models/gpt-9", "gpt-9", None)]
        assert ask(gateway, GEMINI, "gemini-9")[:2] == (200, "gem")
    finally:
        gateway.clear()


def test_of_a_pattern_what_the_provider_lists_is_shown(program):
    upstream = serves(CHAT, openai_list("gpt-9", "gpt-9-mini", "other"))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "some", models=["gpt-*"])]})
    try:
        shown = lambda: [m["id"] for m in json.loads(gateway.call("GET", "/v1/models")[2])["data"]]
        until(lambda: shown() == ["gpt-9", "gpt-9-mini"], "what is listed and fits")
        assert ask(gateway, CHAT, "gpt-7")[:2] == (200, "some") and ask(gateway, CHAT, "other")[0] == 400
        told = account(gateway, "some")
        assert told["models_source"] == "settings" and told["models_known"] == 1 and told["models_age_seconds"] is None, told
    finally:
        gateway.clear()


def test_a_list_that_cannot_be_read_keeps_nobody_out(program):
    elsewhere = serves(CHAT, openai_list("stolen"))
    answers = {
        "absent": None,
        "refused": lambda r, c: c.sendall(whole({"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}, "401 Unauthorized")),
        "garbage": lambda r, c: c.sendall(b"<html>hello</html>\r\n\r\n"),
        "html": lambda r, c: c.sendall(whole(b"<html>hello</html>", kind="text/html")),
        "other": lambda r, c: c.sendall(whole({"object": "list", "data": [{"id": 7}]})),
        "empty": openai_list(),
        "moved": lambda r, c: c.sendall(whole({}, "302 Found", {"Location": elsewhere.url + "/v1/models"})),
        "silent": lambda r, c: time.sleep(60),
        "large": lambda r, c: c.sendall(whole(b'{"data":[' + b",".join(b'{"id":"m%d"}' % n for n in range(10001)) + b"]}")),
    }
    upstreams = {name: serves(CHAT, lists) for name, lists in answers.items()}
    gateway = Gateway(program, {"accounts": [{**CHAT.account(u, name), "provider": "compatible", "wire": "openai-chat"} for name, u in upstreams.items()]})
    try:
        failing = [n for n in answers if n not in ("empty", "silent")]
        until(lambda: gateway.logged().count("the list of models cannot be read") >= len(failing), "all are told of")
        until(lambda: upstreams["silent"].listed, "the silent one is asked")
        known(gateway, "empty", count=0)
        for name, upstream in upstreams.items():
            gateway.admin("PUT", "/api/scheduling/fixed", {"account": name})
            assert ask(gateway, CHAT, "any-model")[:2] == (200, name), name
            got = account(gateway, name)
            assert not got["disabled"] and got["lockouts"] == [] and got["models_known"] == 0, got
            assert got["models_source"] == ("provider" if name == "empty" else "unknown"), got
            shown = gateway.command("accounts", "show", name).stdout
            assert ("whatever is asked for: its provider lists none" if name == "empty" else "whatever is asked for: nobody has listed them") in shown, shown
            assert len(upstream.listed) == 1, (name, "asked once, and then not at once again")
        assert not elsewhere.listed, "a redirect is not followed"
        log = gateway.logged()
        assert log.count("the list of models cannot be read") == len(failing) and "sk-upstream" not in log, log
        assert gateway.stop() == 0
    finally:
        gateway.clear()


def test_a_list_is_read_over_all_its_pages(program):
    def pages(request, connection):
        at = int(request.path.split("after_id=claude-")[1]) + 1 if "after_id=" in request.path else 0
        data = [{"type": "model", "id": f"claude-{n}"} for n in range(at, at + 2)]
        connection.sendall(whole({"data": data, "has_more": at < 4, "first_id": data[0]["id"], "last_id": data[-1]["id"]}))

    def tokens(request, connection):
        token = request.path.split("pageToken=")[1] if "pageToken=" in request.path else ""
        connection.sendall(whole({"models": [{"name": "models/gemini-b" if token else "models/gemini-a"}], **({} if token else {"nextPageToken": "a/b=="})}))
    claude, gemini, circle = serves(ANTHROPIC, pages), serves(GEMINI, tokens), serves(ANTHROPIC, lambda r, c: c.sendall(whole(
        {"data": [{"id": "claude-0"}], "has_more": True, "first_id": "claude-0", "last_id": "claude-0"})))
    gateway = Gateway(program, {"accounts": [ANTHROPIC.account(claude, "claude"), GEMINI.account(gemini, "gem"), ANTHROPIC.account(circle, "circle")]})
    try:
        known(gateway, "claude", count=6)
        known(gateway, "gem", count=2)
        until(lambda: "go round in a circle" in gateway.logged(), "pages that do not end are given up")
        assert account(gateway, "circle")["models_source"] == "unknown" and len(circle.listed) == 2
        assert [r.path for r in claude.listed] == ["/v1/models?limit=1000", "/v1/models?limit=1000&after_id=claude-1", "/v1/models?limit=1000&after_id=claude-3"]
        assert [r.path for r in gemini.listed] == ["/v1beta/models?pageSize=1000", "/v1beta/models?pageSize=1000&pageToken=a%2Fb%3D%3D"]
        assert ask(gateway, GEMINI, "gemini-b")[:2] == (200, "gem")
    finally:
        gateway.clear()


def test_a_list_is_read_anew_when_the_account_changes(program):
    ids = ["one"]
    upstream = serves(CHAT, lambda r, c: openai_list(*ids)(r, c))
    settings = {"accounts": [CHAT.account(upstream)], "quota": {"auto_refresh": False}}
    gateway = Gateway(program, settings)
    try:
        known(gateway, "one", count=1)
        assert ask(gateway, CHAT, "one")[0] == 200 and ask(gateway, CHAT, "two")[0] == 400
        ids.append("two")
        for change, times in (({"tier": "PRO"}, 1), ({"headers": {"X-Y": "1"}}, 2)):
            settings["accounts"][0].update(change)
            gateway.write_settings(settings)
            until(lambda: gateway.logged().count("new settings are in force") == times, "the settings")
            until(lambda: len(upstream.listed) >= times, "the list is asked for")
            assert len(upstream.listed) == times, (change, upstream.listed)
        known(gateway, "one", count=2)
        assert ask(gateway, CHAT, "two")[0] == 200
        settings["accounts"][0]["models"] = ["three"]
        gateway.write_settings(settings)
        until(lambda: account(gateway, "one")["models_source"] == "settings", "its settings say it")
        assert account(gateway, "one")["models_known"] == 1 and account(gateway, "one")["models_seen_unix_ms"] is None
        assert ask(gateway, CHAT, "two")[0] == 400 and ask(gateway, CHAT, "three")[0] == 200 and len(upstream.listed) == 2
        settings["accounts"][0] = {**CHAT.account(upstream), "disabled": True}
        gateway.write_settings(settings)
        until(lambda: account(gateway, "one")["disabled"], "it is switched off")
        assert len(upstream.listed) == 2, "who is disabled is not refreshed"
        gateway.admin("PATCH", "/api/accounts/one", {"disabled": False})
        known(gateway, "one", count=2)
    finally:
        gateway.clear()


def test_no_list_limits_the_simulator(program):
    upstream = serves(CHAT, openai_list("listed"))
    gateway = Gateway(program, {"accounts": [{"label": "sim", "provider": "simulator", "base_url": upstream.url},
                                             {"label": "ruled", "provider": "compatible", "wire": "openai-chat", "base_url": upstream.url + "/v1", "models": ["m"]}]})
    try:
        gateway.admin("PUT", "/api/scheduling/fixed", {"account": "sim"})
        assert ask(gateway, CHAT, "whatever")[:2] == (200, "sim")
        assert account(gateway, "sim")["models_source"] == "unknown" and account(gateway, "ruled")["models_source"] == "settings"
        assert not upstream.listed
    finally:
        gateway.clear()
