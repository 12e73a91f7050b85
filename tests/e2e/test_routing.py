"""Routes: what clients are shown, edits under load, and the examples of docs/routing.md as they stand there."""
import datetime
import json
import pathlib
import re
import threading

import schema
from rig import Gateway, Upstream, until, whole
from wires import WIRES

CHAT, RESPONSES, ANTHROPIC, GEMINI = WIRES
DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "routing.md"


def upstream():
    """Speaks every wire: what is asked for is told by the path. `busy` answers 429."""
    def answer(request, connection):
        if up.busy:
            connection.sendall(whole({"error": {"code": 429, "type": "rate_limit_error", "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}, "429 Too Many Requests", {"Retry-After": "60"}))
        elif ":generateContent" in request.path or ":streamGenerateContent" in request.path:
            connection.sendall(GEMINI.whole() if ":generateContent" in request.path else GEMINI.streamed())
        else:
            wire = ANTHROPIC if request.path.endswith("/messages") else RESPONSES if request.path.endswith("/responses") else CHAT
            stream = json.loads(request.body).get("stream")
            connection.sendall(wire.streamed() if stream else wire.whole())
    up = Upstream(answer)
    up.busy = False
    return up


def asked(up):
    """The models that an upstream was asked for, in order."""
    return [json.loads(r.body).get("model") or re.search(r"/models/(.+?):", r.path).group(1) for r in up.requests]


def ask(gateway, model, text="hello world", **more):
    body = {"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": text}], **more}
    status, fields, answer = gateway.call("POST", "/v1/messages", body)
    return status, fields.get("x-account-email"), fields.get("x-mapped-model"), fields.get("x-penstock-reason"), answer


def test_the_list_shows_what_would_be_served(program):
    up = upstream()
    gateway = Gateway(program, {
        "accounts": [
            {"label": "ada", "provider": "anthropic", "api_key": "k", "base_url": up.url, "models": ["claude-sonnet-4-5", "gemini-3-pro-image"]},
            {"label": "off", "provider": "openai", "api_key": "k", "base_url": up.url + "/v1", "models": ["gpt-5"]},
            {"label": "pilot", "provider": "copilot", "api_key": "k", "base_url": up.url, "models": ["gpt-4*"]}],
        "proxy": {"custom_mapping": {"gpt-5-mini": "claude-sonnet-4-5", "gpt-4.1-mini": "gpt-4o", "lost": "gpt-5", "x-*": "claude-sonnet-4-5", "go": "route:fast"}},
        "routing": {"flows": {"fast": {"entries": [{"account": "ada", "model": "claude-sonnet-4-5"}]}, "dead": {"entries": [{"account": "off", "model": "gpt-5"}]}},
                    "accounts": {"claude-opus-4-6": {"entries": [{"account": "ada", "model": "claude-sonnet-4-5"}]}, "gpt-5": {"entries": ["off"]}}}})
    try:
        assert gateway.admin("PATCH", "/api/accounts/off", {"disabled": True})[0] == 200
        rows = {m["id"]: m for m in json.loads(gateway.call("GET", "/v1/models")[2])["data"]}
        images = [i for i in rows if i.startswith("gemini-3-pro-image")]
        assert len(images) == 21 and "gemini-3-pro-image-4k-21x9" in images, images
        assert sorted(set(rows) - set(images)) == ["claude-opus-4-6", "claude-sonnet-4-5", "fast", "go", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini", "gpt-5-mini", "route:fast"], sorted(rows)
        assert rows["gpt-5-mini"]["owned_by"] == rows["fast"]["owned_by"] == "penstock" and rows["gpt-4o"]["owned_by"] == "copilot"
        for name in ("gpt-5-mini", "fast", "claude-sonnet-4-5"):
            assert rows[name]["context_window"] == 200000 and rows[name]["max_output_tokens"] == 64000, rows[name]
            assert rows[name]["capabilities"] == {"vision": True, "tools": True, "thinking": True, "image_output": False}
        assert rows["claude-sonnet-4-5"]["pricing"]["input"] == 3 and "pricing" not in rows["gpt-4o"], rows["claude-sonnet-4-5"]
        assert rows["gemini-3-pro-image-2k"]["capabilities"]["image_output"] is True
        listed = json.loads(gateway.call("GET", "/v1/models?limit=1000", headers={"anthropic-version": "2023-06-01"})[2])["data"]
        assert {m["id"] for m in listed} == set(rows)
        listed = json.loads(gateway.call("GET", "/v1beta/models?pageSize=1000")[2])["models"]
        assert {m["name"].removeprefix("models/") for m in listed} == set(rows) and all("thinking" in m for m in listed if m["name"] == "models/fast")
        # every name of the list is served, and each alone is shown as in the list
        for name, row in rows.items():
            assert json.loads(gateway.call("GET", f"/v1/models/{name}")[2]) == row
            assert ask(gateway, name)[0] == 200, name
        for name in ("x-anything", "claude-sonnet-4-5-20250929"):
            assert json.loads(gateway.call("GET", f"/v1/models/{name}")[2])["id"] == name
        for name in ("lost", "dead", "route:dead", "gpt-5", "llama"):
            assert gateway.call("GET", f"/v1/models/{name}")[0] == 404, name
        status, _, _, _, answer = ask(gateway, "dead")
        assert status == 400 and b"`dead` leads to no account that can be used (off: is switched off)" in answer, answer
    finally:
        gateway.clear()


def test_the_list_shows_no_flow_outside_of_its_hours(program):
    def hours(begin, end):
        now = datetime.datetime.now(datetime.timezone.utc)
        return "-".join((now + datetime.timedelta(hours=h)).strftime("%H:00") for h in (begin, end))

    gateway, _ = routed(program, environment={"TZ": "UTC"}, routing={"flows": {
        "open": {"entries": [{"account": "ada", "model": "m-1", "when": {"hours": hours(-3, 3)}}]},
        "shut": {"entries": [{"account": "ada", "model": "m-1", "when": {"hours": hours(5, 9)}}]},
        "within": {"entries": [{"flow": "shut"}]},
        "either": {"entries": [{"flow": "shut"}, {"account": "ben", "model": "m-2"}]}}})
    try:
        names = {m["id"] for m in json.loads(gateway.call("GET", "/v1/models")[2])["data"]}
        assert names >= {"open", "route:open", "either"} and not names & {"shut", "route:shut", "within"}, names
        assert ask(gateway, "open")[:3] == (200, "ada", "m-1") and ask(gateway, "either")[:3] == (200, "ben", "m-2")
        for name in ("shut", "within"):
            assert ask(gateway, name)[0] == 400 and gateway.call("GET", f"/v1/models/{name}")[0] == 404, name
    finally:
        gateway.clear()


def test_a_bad_edit_leaves_the_last_good_routes(program):
    up = upstream()
    settings = {"accounts": [{"label": "ada", "provider": "anthropic", "api_key": "k", "base_url": up.url}],
                "routing": {"flows": {"fast": {"entries": [{"account": "ada", "model": "m-1"}, {"account": "ada", "model": "m-2"}, {"account": "ada", "model": "m-3"}]}}}}
    gateway = Gateway(program, settings)
    try:
        assert ask(gateway, "fast")[:3] == (200, "ada", "m-1")
        settings["routing"]["flows"]["fast"]["entries"][2]["account"] = "adda"
        settings["routing"]["flows"]["fast"]["entries"][0]["model"] = "m-9"
        gateway.write_settings(settings)
        fault = until(lambda: gateway.admin("GET", "/api/status")[1]["settings_fault"], "the fault")
        assert "routing.flows.fast.entries[2].account: no such account: adda" in fault, fault
        assert ask(gateway, "fast")[:3] == (200, "ada", "m-1")
        settings["routing"]["flows"]["fast"]["entries"][2] = {"flow": "fast"}
        gateway.write_settings(settings)
        until(lambda: "routing.flows.fast.entries[2].flow: leads back to the flow itself: fast" in (gateway.admin("GET", "/api/status")[1]["settings_fault"] or ""), "the other fault")
        assert ask(gateway, "fast")[:3] == (200, "ada", "m-1")
        del settings["routing"]["flows"]["fast"]["entries"][2]
        gateway.write_settings(settings)
        until(lambda: gateway.admin("GET", "/api/status")[1]["settings_fault"] is None, "the end of the fault")
        assert ask(gateway, "fast", "another conversation")[:3] == (200, "ada", "m-9")
    finally:
        gateway.clear()


def test_an_account_that_is_gone_is_passed_over_and_hinders_no_edit(program):
    up = upstream()
    settings = {"accounts": [{"label": "ada", "provider": "anthropic", "api_key": "k", "base_url": up.url}]}
    gateway = Gateway(program, settings)
    try:
        assert gateway.admin("POST", "/api/accounts", {"label": "ben", "provider": "anthropic", "api_key": "k", "base_url": up.url})[0] == 201
        settings["routing"] = {"flows": {"fast": {"entries": [{"account": "ben", "model": "m-1"}, {"account": "ada", "model": "m-2"}]}}}
        gateway.write_settings(settings)
        until(lambda: ask(gateway, "fast")[1] == "ben", "the flow")
        assert gateway.admin("DELETE", "/api/accounts/ben")[0] == 200
        assert ask(gateway, "fast", "next")[:3] == (200, "ada", "m-2")
        settings["proxy"] = {"custom_mapping": {"quick": "route:fast"}}
        gateway.write_settings(settings)
        until(lambda: ask(gateway, "quick")[0] == 200, "the edit")
        gateway.stop()
        gateway.start()
        assert ask(gateway, "quick")[:3] == (200, "ada", "m-2")
        assert "a route names an account that is not there" in gateway.logged()
    finally:
        gateway.clear()


def test_a_new_label_is_written_into_the_routes(program):
    up = upstream()
    text = """{
  "accounts": [{"label": "ada", "provider": "anthropic", "api_key": "k", "base_url": "URL"}],
  "routing": {
    "accounts": {"m-2": {"entries": ["ben", {"account": "ben", "when": {"tools": true}}, "ada"]}},
    "flows": { "fast":{"entries":[ {"account": "ben" , "model":"ben"}, {"account": "ada", "model": "m"} ]} }
  }
}
""".replace("URL", up.url)
    gateway = Gateway(program, json.loads(text) | {"routing": {}})
    try:
        assert gateway.admin("POST", "/api/accounts", {"label": "ben", "provider": "anthropic", "api_key": "k", "base_url": up.url})[0] == 201
        gateway.write_settings(text)
        until(lambda: ask(gateway, "fast")[1] == "ben", "the flow")
        status, answer = gateway.admin("PATCH", "/api/accounts/ben", {"label": 'new "name"'})
        assert status == 200, answer
        assert (gateway.folder / "gui_config.json").read_text() == text.replace('"ben",', '"new \\"name\\"",').replace('"account": "ben" ', '"account": "new \\"name\\"" ')
        assert ask(gateway, "fast", "next")[2] == "ben", "the model keeps its name"
        assert ask(gateway, "m-2", "another")[1:4] == ('new%20"name"', "m-2", "route"), ask(gateway, "m-2", "another")
        assert gateway.admin("GET", "/api/routing")[1]["missing"] == []
    finally:
        gateway.clear()


def test_a_hundred_edits_under_load_misroute_nothing(program):
    """Requests for `a` go to ada or to ben, as the routes of the moment say, each with its own model: never mixed, never refused."""
    ups = {"ada": upstream(), "ben": upstream()}
    settings = {"accounts": [{"label": n, "provider": "anthropic", "api_key": "k", "base_url": u.url} for n, u in ups.items()]}
    gateway = Gateway(program, settings)
    done, wrong, served = threading.Event(), [], {"ada": 0, "ben": 0}

    def routes(n):
        name = ("ada", "ben")[n % 2]
        return {**settings, "proxy": {"custom_mapping": {**{f"filler-{i}-*": "x" for i in range(200)}, "a": "route:f"}},
                "routing": {"flows": {"f": {"entries": [{"account": name, "model": f"for-{name}"}]}}}}

    def traffic(worker):
        n = 0
        while not done.is_set():
            n += 1
            try:
                status, account, model, _, answer = ask(gateway, "a", f"conversation {worker} {n}")
            except OSError as e:
                wrong.append(e)
                return
            if status != 200 or model != f"for-{account}":
                wrong.append((status, account, model, answer))
                return
            served[account] += 1

    try:
        gateway.write_settings(routes(0))
        until(lambda: ask(gateway, "a")[2] == "for-ada", "the routes")
        for up in ups.values():
            up.requests.clear()
        threads = [threading.Thread(target=traffic, args=(i,)) for i in range(4)]
        for t in threads:
            t.start()
        revision = gateway.admin("GET", "/api/scheduling")[1]["revision"]
        for n in range(1, 101):
            gateway.write_settings(routes(n))
            until(lambda: gateway.admin("GET", "/api/scheduling")[1]["revision"] >= revision + n, f"edit {n}")
        done.set()
        for t in threads:
            t.join()
        assert not wrong, wrong[:3]
        assert min(served.values()) > 0, served
        for name, up in ups.items():
            assert set(asked(up)) == {f"for-{name}"}, (name, set(asked(up)))
    finally:
        done.set()
        gateway.clear()


# --- the examples of docs/routing.md

def example(title):
    section = DOCS.read_text().split(f"### {title}\n", 1)[1]
    return json.loads(re.search(r"```json\n(.*?)```", section, re.S).group(1))


def play(program, title, check):
    settings = example(title)
    ups = {a["label"]: upstream() for a in settings["accounts"]}
    for a in settings["accounts"]:
        a["base_url"] = ups[a["label"]].url + ("/v1" if a["provider"] in ("openai", "compatible") else "")
    keys = {a["api_key_env"]: "key-" + a["label"] for a in settings["accounts"] if "api_key_env" in a}
    gateway = Gateway(program, settings, environment=keys)
    try:
        check(gateway, ups)
    finally:
        gateway.clear()


def test_example_claude_code_on_gemini_with_copilot_behind(program):
    def check(gateway, ups):
        for stream in (False, True):
            assert ask(gateway, "claude-sonnet-4-5-20250929", f"say {stream}", stream=stream)[:4] == (200, "gem", "gemini-3-pro-preview", "flow")
        ups["gem"].busy = True
        status, account, model, reason, answer = ask(gateway, "claude-opus-4-6", "something else")
        assert (status, account, model) == (200, "pilot", "claude-sonnet-4.5") and reason.startswith("flow"), (status, account, model, reason, answer)
        assert json.loads(answer)["content"][0]["text"] == "hi", "the client sees success alone"
        assert asked(ups["gem"]) == ["gemini-3-pro-preview"] * 3 and asked(ups["pilot"]) == ["claude-sonnet-4.5"]
    play(program, "Claude Code on Gemini, with Copilot behind", check)


def test_example_gpt_names_onto_claude(program):
    def check(gateway, ups):
        for model, want in (("gpt-5.2", "claude-sonnet-4-5"), ("gpt-4o", "claude-sonnet-4-5"), ("gpt-4.1-mini", "claude-haiku-4-5"), ("claude-opus-4-6", "claude-opus-4-6")):
            status, fields, answer = gateway.call("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "hello"}]})
            assert (status, fields["x-mapped-model"], fields["x-account-email"]) == (200, want, "work"), answer
            assert json.loads(answer)["model"] == model, "the client gets the name it asked for"
    play(program, "GPT names onto Claude", check)


def test_example_a_teams_flow_with_a_cheap_first_entry(program):
    tools = [{"name": "t", "input_schema": {"type": "object"}}]
    picture = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}, {"type": "text", "text": "what is this picture?"}]

    def check(gateway, ups):
        assert ask(gateway, "team", "a small one")[:4] == (200, "shelf", "qwen3-30b", "flow")
        assert ask(gateway, "team", "with tools", tools=tools)[:4] == (200, "monthly", "claude-sonnet-4-5", "flow")
        assert ask(gateway, "team", picture)[:3] == (200, "monthly", "claude-sonnet-4-5")
        assert ask(gateway, "team", "a large one " * 3000)[:3] == (200, "monthly", "claude-sonnet-4-5")
        ups["shelf"].busy = True
        assert ask(gateway, "team", "another small one")[:3] == (200, "monthly", "claude-sonnet-4-5")
        ups["monthly"].busy = True
        assert ask(gateway, "team", "a third small one")[:3] == (200, "spare", "gpt-5.2")
    play(program, "A team's flow with a cheap first entry for small requests", check)


# --- the admin API and the command

def routed(program, environment=None, **more):
    ups = {"ada": upstream(), "ben": upstream()}
    gateway = Gateway(program, {"accounts": [{"label": n, "provider": "anthropic", "api_key": "k", "base_url": u.url} for n, u in ups.items()], **more}, environment)
    return gateway, ups


def test_routes_are_read_and_changed_over_the_admin_api(program):
    gateway, _ = routed(program, proxy={"custom_mapping": {"old": "x"}})
    try:
        status, now = gateway.admin("GET", "/api/routing")
        schema.check("GET", "/api/routing", status, now)
        assert status == 200 and now["mapping"] == {"old": "x"} and now["flows"] == {} and now["accounts"] == {} and now["missing"] == [], now
        assert {p["id"] for p in now["presets"]} >= {"gpt-to-gemini", "claude-code-on-gemini", "cheap-background"} and now["background"]["enabled"] is False
        assert len(now["background"]["rules"]) > 5 and now["background"]["builtin_rules"] is True
        change = {"mapping": {"quick": "route:fast"}, "flows": {"fast": {"entries": [{"account": "ben", "model": "m-1", "when": {"tools": False}}]}},
                  "accounts": {"m-2": {"order": "rotate", "entries": ["ada", "ben"]}}}
        status, after = gateway.admin("PUT", "/api/routing", {**change, "revision": now["revision"]})
        schema.check("PUT", "/api/routing", status, after)
        assert status == 200 and {k: after[k] for k in change} == change and after["revision"] > now["revision"], after
        assert ask(gateway, "quick")[:3] == (200, "ben", "m-1")
        assert json.loads((gateway.folder / "gui_config.json").read_text())["routing"]["flows"] == change["flows"]
        # what was told can be given back: built-in rules are not written into the file by that
        status, again = gateway.admin("PUT", "/api/routing", {k: after[k] for k in ("mapping", "flows", "accounts", "background")})
        assert status == 200 and {k: again[k] for k in change} == change and again["background"] == now["background"], again
        assert set(json.loads((gateway.folder / "gui_config.json").read_text())["routing"]["background"]) == {"enabled", "model", "models"}
        status, answer = gateway.admin("PUT", "/api/routing", {"background": {"enabled": False, "enable": True}})
        assert status == 400 and answer["error"]["path"] == "routing.background.enable", answer
        after = again
        # who has seen an older one is refused, over the member or the field
        status, answer = gateway.admin("PUT", "/api/routing", {"mapping": {}, "revision": now["revision"]})
        assert status == 409, answer
        token = {"Authorization": f"Bearer {gateway.token}"}
        assert gateway.call("PUT", "/api/routing", {"mapping": {}}, {**token, "If-Match": f'"{now["revision"]}"'})[0] == 409
        assert gateway.call("PUT", "/api/routing", {"mapping": {"quick": "route:fast"}}, {**token, "If-Match": f'"{after["revision"]}"'})[0] == 200
        # a flow and the mapping to it go together, and neither alone
        status, answer = gateway.admin("PUT", "/api/routing", {"flows": {}})
        assert (status, answer["error"]["path"], answer["error"]["message"]) == (400, "proxy.custom_mapping.quick", "no such flow: fast"), answer
        assert gateway.admin("PUT", "/api/routing", {"flows": {}, "mapping": {}})[0] == 200
        assert gateway.admin("POST", "/api/accounts", {"label": "eve", "provider": "openai", "api_key": "k", "base_url": "http://127.0.0.1:9/v1"})[0] == 201
        for body, path, message in (
                ({"flows": {"f": {"entries": [{"model": "m"}, {"account": "cy", "model": "m"}]}}}, "routing.flows.f.entries[1].account", "no such account: cy"),
                ({"flows": {"f": {"entries": [{"flow": "f"}]}}}, "routing.flows.f.entries[0].flow", "leads back to the flow itself: f"),
                ({"accounts": {"m": {"entries": ["dee"]}}}, "routing.accounts.m.entries[0]", "no such account: dee"),
                ({"flows": {"f": {"entries": [{"provider": "gemini", "account": "ada", "model": "m"}]}}}, "routing.flows.f.entries[0].account", "is no account of gemini: ada"),
                ({"flows": {"f": {"entries": [{"provider": "gemini", "account": "eve", "model": "m"}]}}}, "routing.flows.f.entries[0].account", "is no account of gemini: eve"),
                ({"background": {"model": "route:g"}}, "routing.background.model", "no such flow: g")):
            status, answer = gateway.admin("PUT", "/api/routing", body)
            assert (status, answer["error"]["path"], answer["error"]["message"]) == (400, path, message), answer
        assert gateway.admin("PUT", "/api/routing", {"flow": {}})[0] == 400 and gateway.admin("PUT", "/api/routing", {})[0] == 400
        assert gateway.admin("GET", "/api/routing")[1]["flows"] == {}
    finally:
        gateway.clear()


def test_what_would_become_of_a_name_is_told(program):
    gateway, ups = routed(program, proxy={"custom_mapping": {"gpt-*": "route:fast"}}, routing={
        "flows": {"fast": {"entries": [{"account": "ada", "model": "m-1", "when": {"tools": True}}, {"account": "ben", "model": "m-2"}, {"provider": "anthropic", "model": "m-3"}]}},
        "accounts": {"claude-sonnet-4-5": {"entries": ["ada"]}}})

    def explain(**body):
        status, answer = gateway.admin("POST", "/api/routing/explain", body)
        assert status == 200, answer
        schema.check("POST", "/api/routing/explain", status, answer)
        return answer

    try:
        told = explain(model="gpt-5", protocol="anthropic")
        assert (told["rule"], told["mapped_model"], told["route"]) == ("gpt-*", "route:fast", {"kind": "flow", "name": "fast"}), told
        assert [(e["account"], e["model"], e["holds"], e["usable"]) for e in told["entries"]] == [("ada", "m-1", False, False), ("ben", "m-2", True, True), ("any", "m-3", True, True)], told
        assert {k: told["target"][k] for k in ("account", "provider", "model", "reason")} == {"account": "ben", "provider": "anthropic", "model": "m-2", "reason": "flow"}
        assert explain(model="gpt-5", tools=True)["target"]["account"] == "ada"
        assert not ups["ada"].requests and not ups["ben"].requests, "nobody is asked"
        # what it says is what happens, also while somebody is out and for a conversation that is bound
        ups["ben"].busy = True
        assert ask(gateway, "gpt-5")[:3] == (200, "ada", "m-3")
        told = explain(model="gpt-5")
        assert told["target"]["account"] == "ada" and told["passed"][0]["account"] == "ben" and told["passed"][0]["why"] == "locked_out" and told["passed"][0]["verdict"] == "rate_limited", told
        assert any("`ben` asked to be left alone for a while (locked_out" in line for line in told["explanation"]), told["explanation"]
        told = explain(model="claude-sonnet-4-5-20250929")
        assert told["route"] == {"kind": "account_route", "name": "claude-sonnet-4-5"} and told["target"]["model"] == "claude-sonnet-4-5", told
        assert gateway.admin("PUT", "/api/routing", {"flows": {"tools": {"entries": [{"account": "ada", "model": "m-1", "when": {"tools": True}}]}}, "mapping": {}})[0] == 200
        told = explain(model="tools")
        assert told["target"] is None and [line for line in told["explanation"] if "400" in line] == ["No entry is for a request like this one: the answer is 400."], told
        told = explain(model="route:slow")
        assert told["target"] is None and "There is no flow `slow`" in " ".join(told["explanation"]), told
        for body, path in (({}, "model"), ({"model": "m", "protocol": "cloudcode"}, "protocol"), ({"model": "m", "tools": 1}, "tools"), ({"model": "m", "context_tokens": -1}, "context_tokens")):
            status, answer = gateway.admin("POST", "/api/routing/explain", body)
            assert status == 400 and answer["error"]["path"] == path, answer
    finally:
        gateway.clear()


def test_the_command_shows_sets_explains_and_imports(program):
    gateway, _ = routed(program)
    try:
        routes = gateway.folder / "routes.json"
        routes.write_text(json.dumps({"mapping": {"quick": "route:fast"}, "flows": {"fast": {"entries": [{"account": "ada", "model": "m-1"}]}}}))
        done = gateway.command("route", "set", str(routes))
        assert done.returncode == 0 and "quick → route:fast" in done.stdout and "account ada, model m-1" in done.stdout, done
        done = gateway.command("route", "explain", "quick", "--protocol", "anthropic")
        assert done.returncode == 0 and "The rule `quick` of the mapping makes `route:fast` of it." in done.stdout and "It would go to `ada` (anthropic) as `m-1`" in done.stdout, done
        shown = json.loads(gateway.command("route", "show", "--json").stdout)
        assert shown["flows"] == {"fast": {"entries": [{"account": "ada", "model": "m-1"}]}}
        routes.write_text(json.dumps({"flows": {"fast": {"entries": [{"account": "nobody", "model": "m-1"}]}}}))
        done = gateway.command("route", "set", str(routes))
        assert done.returncode == 1 and "no such account: nobody" in done.stderr, done
        routes.write_text(json.dumps({"mapping": {}}))
        assert gateway.command("route", "set", str(routes)).returncode == 0
        routes.write_text(json.dumps({"version": 2, "activeFlowId": "1", "flows": [{"id": "1", "name": "daily", "entries": [
            {"id": "a", "provider": "codex", "accountId": "auto", "modelId": "gpt-5.2"}, {"id": "b", "provider": "anthropic", "accountId": "x1", "accountLabel": "ben", "modelId": "m-2"},
            {"id": "c", "provider": "grok", "accountId": "auto", "modelId": "g"}]}],
            "accountRouting": {"smartSwitch": True, "routes": [{"id": "r", "modelId": "claude-sonnet-4-5", "entries": [{"id": "d", "provider": "anthropic", "accountId": "ada"}]}]}}))
        done = gateway.command("route", "import", "anti-api", str(routes))
        assert done.returncode == 0 and "there is no such provider here" in done.stderr and '{"*": "route:daily"}' in done.stderr, done
        shown = json.loads(gateway.command("route", "show", "--json").stdout)
        assert shown["flows"] == {"daily": {"entries": [{"provider": "codex", "account": "any", "model": "gpt-5.2"}, {"provider": "anthropic", "account": "ben", "model": "m-2"}]}}, shown["flows"]
        assert shown["accounts"] == {"claude-sonnet-4-5": {"smart_switch": True, "entries": ["ada"]}}
        assert ask(gateway, "daily")[:3] == (200, "ben", "m-2")
        rules = [{"source": "a", "target": "b", "enabled": True}, {"source": "c", "target": "d", "enabled": False}]
        for mapping in ({"a": "b", "c": 5}, rules):
            routes.write_text(json.dumps({"version": 2, "flows": [], "modelMappings": mapping, "disabledAccounts": {"codex:x": True}}))
            done = gateway.command("route", "import", "anti-api", str(routes), "--dry-run")
            assert json.loads(done.stdout)["mapping"] == {"a": "b"} and "accounts disable" in done.stderr, done
    finally:
        gateway.clear()


def test_background_tasks_go_to_the_model_for_them(program):
    gateway, ups = routed(program, routing={"flows": {"cheap": {"entries": [{"account": "ben", "model": "small"}]}},
                                            "background": {"enabled": True, "model": "route:cheap", "models": {"warmup": "tiny"}}})
    title = {"system": "You are a title generator. You output ONLY a thread title."}
    try:
        assert ask(gateway, "claude-sonnet-4-5", "help me with the build", **title)[:3] == (200, "ben", "small")
        assert ask(gateway, "claude-sonnet-4-5", "Please write a 5-10 word title for the following conversation: …")[:3] == (200, "ben", "small")
        assert ask(gateway, "claude-sonnet-4-5", "Warmup")[2] == "tiny"
        for text in ("Warmup the engine please", "what is a title generator?", "You are a title generator"):
            assert ask(gateway, "claude-sonnet-4-5", text)[2] == "claude-sonnet-4-5", text
        assert gateway.admin("PUT", "/api/routing", {"background": {"enabled": True, "model": "small", "rules": [{"kind": "topic", "in": "user", "pattern": "is this * topic"}]}})[0] == 200
        assert ask(gateway, "claude-sonnet-4-5", "is this a new topic, or not?")[2] == "small"
        assert ask(gateway, "claude-sonnet-4-5", "help me with the build", **title)[2] == "claude-sonnet-4-5", "those that are built in are replaced"
        assert gateway.admin("PUT", "/api/routing", {"background": {"enabled": False, "model": "small"}})[0] == 200
        assert ask(gateway, "claude-sonnet-4-5", "Warmup")[2] == "claude-sonnet-4-5"
    finally:
        gateway.clear()
