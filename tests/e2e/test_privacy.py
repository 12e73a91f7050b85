"""dashboard.privacy: names planted in accounts and keys stand in no answer, event or field; masks are taken back."""
import json

import schema
from rig import Gateway, Upstream, until, whole
from test_events import watch
from wires import WIRES

CHAT = WIRES[0]
NAMES = ("ada.lovelace@example.com", "Grace Hopper", "ci-of-the-lab")
EVIDENCE = "limit of the organisation reached from 203.0.113.9"


def start(program, privacy=True):
    def answer(request, connection):
        if request.key == "sk-upstream-ada":
            connection.sendall(whole({"error": {"message": EVIDENCE, "type": "rate_limit_error"}}, "429 Too Many Requests", {"Retry-After": "300"}))
        else:
            connection.sendall(CHAT.whole())
    upstream = Upstream(answer)
    accounts = [{**CHAT.account(upstream, NAMES[0], tier="PRO"), "api_key": "sk-upstream-ada"}, {**CHAT.account(upstream, NAMES[1]), "api_key": "sk-upstream-two"}]
    return Gateway(program, {"dashboard": {"privacy": privacy}, "accounts": accounts, "client_keys": [{"name": NAMES[2], "key": "pk-0123456789abcdef"}],
                             "routing": {"comment": f"of {NAMES[1]}", "accounts": {"m-9": {"entries": [NAMES[1]], "comment": f"only {NAMES[1]}, not {NAMES[0]}", "owner": NAMES[2]}},
                                         "flows": {"either": {"entries": [{"model": "m-9", "comment": [f"as {NAMES[1]} said"]}], "why": NAMES[0]}}}, "proxy": {"scheduling": {"queue_wait_seconds": 0}}})


def ask(gateway, model="m-1"):
    path, body = CHAT.request(model=model)
    return gateway.call("POST", path, body, {"Authorization": "Bearer pk-0123456789abcdef"})


def leaks(text):
    return [n for n in (*NAMES, *NAMES[0].split("@"), "Hopper", "203.0.113.9") if n in text]


def everything(gateway):
    """Every read of the API, with names in its path filled in, and pages asked for JSON."""
    request = gateway.admin("GET", "/api/requests")[1]["requests"][0]["id"]
    account = gateway.admin("GET", "/api/accounts")[1]["accounts"][0]["id"]
    token = {"Authorization": f"Bearer {gateway.token}"}
    for path, item in schema.DOCUMENT["paths"].items():
        if "get" not in item or path == "/api/events":
            continue
        filled = path.replace("{id}", request).replace("{account}", str(account)).replace("{session}", "x").replace("{provider}", "openai")
        status, fields, body = gateway.call("GET", filled, headers={**token, "Accept": "application/json"})
        yield path, status, json.dumps(fields) + body.decode()
    for path in ("/api/accounts/nobody%20Grace%20Hopper", "/api/requests?account=x%zz", "/api/usage?by=account&format=csv", "/api/usage?by=key&format=csv", "/api/usage?by=account", "/api/usage?by=key"):
        status, fields, body = gateway.call("GET", path, headers=token)
        yield path, status, json.dumps(fields) + body.decode()


def changes(gateway):
    """Calls that change something, or are refused with words of their own."""
    accounts = [str(a["id"]) for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]]
    for method, path, body in (("POST", "/api/accounts", {"label": NAMES[0], "provider": "openai", "api_key": "k"}), ("PATCH", "/api/accounts/" + accounts[0], {"label": NAMES[1]}),
                               ("POST", f"/api/accounts/{accounts[0]}/test", None), ("POST", f"/api/accounts/{accounts[1]}/refresh", None), ("DELETE", "/api/accounts/" + accounts[0], None),
                               ("DELETE", f"/api/accounts/{accounts[0]}/lockouts", None), ("PUT", "/api/scheduling/fixed", {"account": int(accounts[1])}), ("DELETE", "/api/scheduling/fixed", None),
                               ("POST", "/api/keys", {"name": NAMES[2]}), ("PATCH", "/api/keys/" + NAMES[2], {"disabled": True}), ("DELETE", "/api/keys/" + NAMES[2], None),
                               ("POST", "/api/routing/explain", {"model": "m-9", "protocol": "openai-chat"}), ("POST", "/api/routing/explain", {"model": "either", "protocol": "openai-chat"}),
                               ("PUT", "/api/routing", {"accounts": {"m-9": {"entries": [NAMES[1], NAMES[1]]}}}), ("PUT", "/api/routing", {"accounts": {"m-8": {"entries": ["nobody", NAMES[0]]}}}),
                               ("PATCH", "/api/settings", {"set": {"dashboard.compact": True}}), ("PATCH", "/api/settings", {"set": {"accounts": [{"label": NAMES[0]}]}}),
                               ("POST", "/api/signin/antigravity", {"label": NAMES[0]}), ("POST", "/api/signin/antigravity", {"label": "new"})):
        status, answer = gateway.admin(method, path, body)
        yield f"{method} {path}", status, json.dumps(answer, ensure_ascii=False)


def test_planted_names_stand_nowhere(program):
    gateway = start(program)
    try:
        watcher = watch(gateway)
        for model in ("m-1", "m-1", "m-9"):
            status, fields, body = ask(gateway, model)
            assert status == 200 and not leaks(json.dumps(fields) + body.decode()), fields
        gateway.admin("PATCH", "/api/accounts/" + str(gateway.admin("GET", "/api/accounts")[1]["accounts"][1]["id"]), {"disabled": True})
        status, fields, body = ask(gateway)
        assert status == 429 and not leaks(json.dumps(fields) + body.decode()), body
        until(lambda: len(watcher.finished()) == 4, "all were told of")
        until(lambda: any(a["lockout_count"] for d in watcher.of("accounts") for a in d.get("changed", [])), "the lockout was told of")
        account = gateway.admin("GET", "/api/accounts")[1]["accounts"][0]
        assert account["label"].startswith("a***-") and account["lockouts"][0]["evidence"] == "limit of the organisation reached from ***", account
        seen = [*everything(gateway), *changes(gateway), *everything(gateway)]
        assert len([s for _, s, _ in seen if s == 200]) > 30
        for path, status, text in seen:
            assert not leaks(text), (path, status, leaks(text), text[:600])
        text = json.dumps(watcher.events, ensure_ascii=False)
        assert not leaks(text), leaks(text)
        watcher.leave()
    finally:
        gateway.clear()


def test_without_privacy_all_names_are_there(program):
    """So that the test above looks where they would stand."""
    gateway = start(program, privacy=False)
    try:
        watcher = watch(gateway)
        ask(gateway)
        until(lambda: watcher.finished() and gateway.admin("GET", "/api/requests")[1]["requests"], "it was told of")
        # usage and the accounts' histories come a moment later
        for name in (*NAMES, "203.0.113.9"):
            until(lambda: any(name in t for _, _, t in everything(gateway)), name)
        for name in NAMES:
            until(lambda: name in json.dumps(list(watcher.events)), name)
        watcher.leave()
    finally:
        gateway.clear()


def test_what_a_page_got_it_can_send_back(program):
    gateway = start(program)
    try:
        masks = [a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]]
        for mask in masks:
            assert gateway.admin("GET", "/api/accounts/" + mask)[0] == 200
        assert gateway.admin("PUT", "/api/scheduling/fixed", {"account": masks[1]})[1]["fixed_account"]["label"] == masks[1]
        assert gateway.admin("PATCH", "/api/accounts/" + masks[0], {"disabled": True})[1]["label"] == masks[0]
        ask(gateway)
        until(lambda: gateway.admin("GET", "/api/requests")[1]["requests"], "it has ended")
        for call, found in (("/api/requests?account=", "requests"), ("/api/usage?by=model&account=", "rows")):
            until(lambda: gateway.admin("GET", call + masks[1].replace("*", "%2A"))[1][found], call)
        made = gateway.admin("POST", "/api/keys", {"name": "of Grace"})[1]
        key = next(k["name"] for k in gateway.admin("GET", "/api/keys")[1]["keys"] if k["name"].startswith("o***-"))
        assert "of Grace" not in json.dumps(made) and gateway.admin("DELETE", "/api/keys/" + key)[0] == 200
        told = gateway.admin("POST", "/api/routing/explain", {"model": "m-9", "protocol": "openai-chat"})[1]
        assert told["entries"][0]["would_serve"] == masks[1] and told["target"]["account"] == masks[1] and any(masks[1] in sentence for sentence in told["explanation"]), ("the mask is the same one everywhere", masks, told)
        told = gateway.admin("POST", "/api/routing/explain", {"model": "either", "protocol": "openai-chat"})[1]
        assert told["entries"][0]["account"] == "any" and any("any account" in s for s in told["explanation"]) and not leaks(json.dumps(told)), told
        before = json.loads((gateway.folder / "gui_config.json").read_text())["routing"]
        told = gateway.admin("GET", "/api/routing")[1]
        assert gateway.admin("PUT", "/api/routing", {m: told[m] for m in ("flows", "accounts")})[0] == 200
        assert json.loads((gateway.folder / "gui_config.json").read_text())["routing"] == before, "words of one's own come back, too"
        told["accounts"]["m-9"]["owner"] = "x***-0000"
        status, refused = gateway.admin("PUT", "/api/routing", {"accounts": told["accounts"]})
        assert status == 400 and "mask" in refused["error"]["message"], refused
        status, changed = gateway.admin("PATCH", "/api/settings", {"set": {"dashboard.privacy": False}})
        assert status == 200 and NAMES[0] in json.dumps(changed), "the answer is given as it holds from now on"
        assert gateway.admin("GET", "/api/scheduling")[1]["fixed_account"]["label"] == NAMES[1]
        account = gateway.admin("GET", "/api/accounts/ada.lovelace%40example.com")[1]
        assert account["label"] == NAMES[0] and account["disabled"]
        assert gateway.admin("GET", "/api/accounts/" + masks[0])[0] == 404, "a mask is a name only while names are masked"
    finally:
        gateway.clear()


def test_who_watches_sees_it_switched(program):
    gateway = start(program)
    try:
        watcher = watch(gateway)
        gateway.admin("PATCH", "/api/settings", {"set": {"dashboard.privacy": False}})
        until(lambda: any(a["label"] == NAMES[0] for d in watcher.of("accounts") for a in d.get("changed", [])), "names are told")
        assert watcher.of("settings")[-1]["privacy"] is False
        before = len(watcher.events)
        gateway.admin("PATCH", "/api/settings", {"set": {"dashboard.privacy": True}})
        until(lambda: any(n == "accounts" and len(d.get("changed", [])) == 2 and d["changed"][0]["label"].startswith("a***-") for n, d in watcher.events[before:]), "masks are told")
        watcher.leave()
    finally:
        gateway.clear()
