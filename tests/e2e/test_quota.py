"""What is left of accounts, as the simulator was told and the gateway shows it."""
import json
import re
import time

import signin_rig
from rig import Gateway, Simulator, until

MODELS = "models gemini-3-flash gemini-3-pro-high claude-sonnet-4-5 gpt-5.3-codex gpt-4o\n"
CODE = {"label": "code", "provider": "antigravity", "api_key": "google-1"}
CHATGPT = {"label": "gpt", "provider": "codex", "api_key": "openai-1", "models": ["gpt-*"]}
PILOT = {"label": "pilot", "provider": "copilot", "api_key": "github-1"}


def served(program, accounts, test, script=MODELS, prepare=lambda simulator: None, **settings):
    simulator = Simulator(program, script)
    where = {"codex": "/backend-api/codex"}
    prepare(simulator)
    gateway = Gateway(program, {"accounts": [{"base_url": simulator.url + where.get(a["provider"], ""), **a} for a in accounts], **settings})
    try:
        test(gateway, simulator)
    finally:
        gateway.clear()
        simulator.clear()


def bars(gateway, label):
    _, answer = gateway.admin("GET", "/api/quota")
    account = next(a for a in answer["accounts"] if a["label"] == label)
    return {q["group"]: q for q in account["quota"]}


def left(gateway, label):
    return {group: q["remaining_permille"] for group, q in bars(gateway, label).items()}


def ask(gateway, model, **more):
    return gateway.call("POST", "/v1/chat/completions", json.dumps({"model": model, "messages": [{"role": "user", "content": "hello there"}], **more}).encode())


def test_bars_are_what_the_provider_says(program):
    def prepare(simulator):
        simulator.set("google-1", usage={"plan": "Google AI Pro", "project": "p-1", "models": {
            "gemini-3-flash": {"remaining_percent": 80, "reset_in_seconds": 3600}, "gemini-3-pro-high": {"remaining_percent": 25, "reset_in_seconds": 7200},
            "gemini-3-pro-low": {"remaining_percent": 60, "reset_in_seconds": 7200}, "claude-sonnet-4-5": {"remaining_percent": 0, "reset_in_seconds": 600},
            "tab_completion": {"remaining_percent": 1}}})
        simulator.set("openai-1", usage={"plan": "pro", "windows": {"primary": {"remaining_percent": 88, "reset_in_seconds": 900, "minutes": 300},
                                                                   "secondary": {"remaining_percent": 60, "reset_in_seconds": 90000, "minutes": 10080}}})

    def check(gateway, simulator):
        until(lambda: left(gateway, "code") == {"claude_gpt": 0, "gpro": 250, "gflash": 800}, "the groups of antigravity")
        until(lambda: left(gateway, "gpt") == {"codex": 600}, "the windows of codex")
        now = time.time() * 1000
        flash, codex = bars(gateway, "code")["gflash"], bars(gateway, "gpt")["codex"]
        assert 3_540_000 < flash["reset_unix_ms"] - now <= 3_600_000 and flash["windows"] == [] and flash["age_seconds"] <= 20, flash
        assert [(w["window"], w["remaining_permille"]) for w in codex["windows"]] == [("5h", 880), ("weekly", 600)], codex
        _, view = gateway.admin("GET", "/api/accounts/code")
        assert view["tier"] == "PRO", view
        assert view["models_source"] == "provider" and view["models_known"] == 4, view
        _, view = gateway.admin("GET", "/api/accounts/gpt")
        assert view["tier"] == "ULTRA", view
        status, _, text = ask(gateway, "gemini-3-flash")
        assert status == 200, text
        sent = json.loads(simulator.requests(":generateContent")[-1]["body"])
        assert sent["project"] == "p-1", "the project it told"
    served(program, [CODE, CHATGPT], check, prepare=prepare)


def test_figures_are_fresh_when_somebody_asks(program):
    def check(gateway, simulator):
        until(lambda: left(gateway, "gpt") == {"codex": 1000}, "the first reading")
        simulator.set("openai-1", usage={"windows": {"primary": {"remaining_percent": 10, "reset_in_seconds": 100}}})
        status, answer = gateway.admin("POST", "/api/accounts/gpt/refresh")
        assert status == 200 and answer["ok"] and answer["message"] == "", answer
        assert answer["account"]["quota"][0]["remaining_permille"] == 100, "in the answer itself"
        simulator.set("openai-1", usage={"windows": {"primary": {"remaining_percent": 55, "reset_in_seconds": 100}}})
        status, answer = gateway.admin("POST", "/api/quota/refresh")
        assert status == 200 and answer == {"accounts": 1}, "the one with a key of an API is not asked"
        until(lambda: left(gateway, "gpt") == {"codex": 550}, "all of them")
        simulator.set("openai-1", rules=["model usage: status=503"])
        status, answer = gateway.admin("POST", "/api/accounts/gpt/refresh")
        assert status == 200 and not answer["ok"] and "503" in answer["message"], answer
        assert answer["account"]["quota"][0]["remaining_permille"] == 550, "what is known stays, with its age"
        assert gateway.admin("POST", "/api/accounts/nobody/refresh")[0] == 404
        status, answer = gateway.admin("POST", "/api/accounts/key/refresh")
        assert status == 200 and not answer["ok"] and "each answer" in answer["message"], answer
    served(program, [CHATGPT, {"label": "key", "provider": "simulator", "api_key": "k"}], check)


def test_an_account_without_a_project_is_given_one(program):
    def prepare(simulator):
        simulator.set("google-1", usage={"plan": "free", "project": "made-1", "onboard": 1, "models": {"gemini-3-flash": {"remaining_percent": 50}}})

    def check(gateway, simulator):
        until(lambda: left(gateway, "code") == {"gflash": 500}, "onboarded")
        paths = [r["path"].rpartition(":")[2] for r in simulator.requests("/v1internal:")]
        assert paths[:3] == ["loadCodeAssist", "onboardUser", "fetchAvailableModels"], paths
        bodies = [json.loads(r["body"]) for r in simulator.requests("/v1internal:")]
        assert bodies[0]["metadata"]["ideType"] == "IDE_UNSPECIFIED" and bodies[1]["tierId"] == "free-tier", bodies
        assert bodies[2] == {"project": "made-1"}, bodies
        assert ask(gateway, "gemini-3-flash")[0] == 200
        assert json.loads(simulator.requests(":generateContent")[-1]["body"])["project"] == "made-1"
        gateway.stop()
        simulator.set("google-1", rules=["model loadCodeAssist: status=500"])
        gateway.start()
        assert ask(gateway, "gemini-3-flash")[0] == 200
        assert json.loads(simulator.requests(":generateContent")[-1]["body"])["project"] == "made-1", "kept over a restart"
    served(program, [CODE], check, prepare=prepare)


# Each provider: its account, what the simulator is told, the model that is asked for, the bar by then; the rule of a refusal that names its reset (half an
# hour), and what is out by then. A bar is its group, what is left and its windows.
HALF_HOUR = 1800
LIMIT = {"quota": {"requests": 10, "window_seconds": 600}}
EVERY = [
    ("antigravity", {}, {"usage": {"models": {"gemini-3-flash": {"remaining_percent": 80, "reset_in_seconds": 600}, "gemini-3-pro-high": {"remaining_percent": 30}}}},
     "gemini-3-flash", ("gflash", 800, []), "error=quota reset-in=30m", "gflash"),
    ("codex", {}, {"usage": {"windows": {"primary": {"remaining_percent": 88, "reset_in_seconds": 600, "minutes": 300}, "secondary": {"remaining_percent": 60, "minutes": 10080}}}},
     "gpt-5.3-codex", ("codex", 600, [("5h", 880), ("weekly", 600)]), "error=usage retry-after=30m", "codex"),
    ("copilot", {}, {"usage": {"windows": {"premium": {"remaining_percent": 42, "reset_in_seconds": 600}}}},
     "claude-sonnet-4-5", ("premium", 420, [("premium", 420)]), 'status=429 message="quota exceeded" retry-after=30m', "premium"),
    ("gemini", {}, {}, "gemini-3-flash", None, "error=quota retry-after=30m", "gemini-3-flash"),
    ("openai", {}, LIMIT, "gpt-4o", ("gpt-4o", 900, [("requests", 900)]), "error=rate_limit reset-in=30m", "gpt-4o"),
    ("anthropic", {}, LIMIT, "claude-sonnet-4-5", ("claude-sonnet-4-5", 900, [("requests", 900)]), "error=rate_limit reset-in=30m", "account"),
    ("compatible", {"wire": "openai-chat"}, LIMIT, "gpt-4o", ("gpt-4o", 900, [("requests", 900)]), "error=rate_limit reset-in=30m", "gpt-4o"),
    ("compatible", {"wire": "openai-responses"}, LIMIT, "gpt-4o", ("gpt-4o", 900, [("requests", 900)]), "error=rate_limit reset-in=30m", "gpt-4o"),
    ("compatible", {"wire": "anthropic"}, LIMIT, "gpt-4o", ("gpt-4o", 900, [("requests", 900)]), "error=rate_limit reset-in=30m", "account"),
    ("compatible", {"wire": "gemini"}, {}, "gpt-4o", None, "error=quota retry-after=30m", "gpt-4o"),
]


def test_bars_of_every_provider_are_what_it_says_and_a_refusal_moves_bar_and_lockout_at_once(program):
    for i, (provider, more, told, model, bar, refusal, scope) in enumerate(EVERY):
        key = f"key-{i}"
        label = f"{provider} {more.get('wire', '')}".strip()

        def prepare(simulator):
            if told:
                simulator.set(key, **told)

        def check(gateway, simulator):
            def bar_of(group):
                q = bars(gateway, label)[group]
                age_ms = time.time() * 1000 - q["seen_unix_ms"]
                assert 0 <= q["age_seconds"] <= 60 and abs(age_ms / 1000 - q["age_seconds"]) < 2, (label, q)
                return q

            until(lambda: gateway.admin("GET", f"/api/accounts/{label.replace(' ', '%20')}")[1]["models_source"] != "unknown", f"{label}: its list of models")
            if bar is None:
                assert ask(gateway, model)[0] == 200, label
                assert left(gateway, label) == {}, (label, "unknown stays unknown")
            else:
                group, permille, windows = bar
                status, _, text = ask(gateway, model)
                assert status == 200, (label, text)
                until(lambda: left(gateway, label).get(group) == permille, f"{label}: {left(gateway, label)}")
                q = bar_of(group)
                assert [(w["window"], w["remaining_permille"]) for w in q["windows"]] == windows, (label, q)
                reset = q["reset_unix_ms"] if provider != "codex" else q["windows"][0]["reset_unix_ms"]
                assert 500_000 < reset - time.time() * 1000 <= 601_000, (label, q)
            simulator.set(key, quota=None, rules=[f"model {model}: {refusal}"])
            status, fields, text = ask(gateway, model)
            assert status == 429 and HALF_HOUR - 20 <= int(fields["retry-after"]) <= HALF_HOUR + 1, (label, status, fields, text)
            group = bar[0] if bar else model
            q = bar_of(group)
            now = time.time() * 1000
            assert q["remaining_permille"] == 0 and (HALF_HOUR - 20) * 1000 < q["reset_unix_ms"] - now <= (HALF_HOUR + 1) * 1000, (label, q)
            view = gateway.admin("GET", f"/api/accounts/{label.replace(' ', '%20')}")[1]
            locks = [(lock["scope"], lock["named_by_provider"]) for lock in view["lockouts"]]
            assert locks == [(scope, True)] and HALF_HOUR - 20 <= view["lockouts"][0]["seconds_left"] <= HALF_HOUR + 1, (label, view["lockouts"])
            shown = gateway.command("accounts", "show", label).stdout
            assert re.search(rf"^left of +{re.escape(group)}, told \d+s ago$", shown, re.M) and re.search(r"^  .* \.{20} +0%  resets (29m|30m)", shown, re.M), shown

        account = {"label": label, "provider": provider, "api_key": key, **more}
        served(program, [account], check, prepare=prepare)


def test_the_end_of_premium_requests_is_no_want_of_money_and_leaves_included_models(program):
    """A 402 names no time: the reset is the one that was heard. An answer of a model that costs none tells of the others."""
    def prepare(simulator):
        simulator.set("github-1", usage={"windows": {"premium": {"remaining_percent": 42, "reset_in_seconds": 7200}}})

    def check(gateway, simulator):
        until(lambda: gateway.admin("GET", "/api/accounts/pilot")[1]["models_known"] == 5, "its list of models")
        assert ask(gateway, "claude-sonnet-4-5")[0] == 200
        assert left(gateway, "pilot") == {"premium": 420}, "each answer tells"
        simulator.set("github-1", usage={"windows": {"premium": {"remaining_percent": 7, "reset_in_seconds": 7200}}})
        assert ask(gateway, "gpt-4o")[0] == 200
        assert left(gateway, "pilot") == {"premium": 70}, "of premium requests, not of gpt-4o"
        simulator.set("github-1", rules=['model claude*: status=402 message="quota exceeded"'])
        status, _, text = ask(gateway, "claude-sonnet-4-5")
        assert status == 429, text
        q = bars(gateway, "pilot")["premium"]
        assert q["remaining_permille"] == 0 and 7_100_000 < q["reset_unix_ms"] - time.time() * 1000 <= 7_200_000, q
        view = gateway.admin("GET", "/api/accounts/pilot")[1]
        assert [(l["scope"], l["reason"]) for l in view["lockouts"]] == [("premium", "quota_exhausted")], view["lockouts"]
        assert ask(gateway, "gpt-4o")[0] == 200, "that one costs none"
    served(program, [PILOT], check, prepare=prepare)


def test_nothing_is_asked_of_accounts_that_are_switched_off(program):
    def check(gateway, simulator):
        until(lambda: left(gateway, "gpt") == {"codex": 1000}, "the other one was asked")
        assert not [r for r in simulator.requests() if r["account"] == "google-1"]
        assert left(gateway, "code") == {}
        status, _ = gateway.admin("PATCH", "/api/accounts/code", {"disabled": False})
        assert status == 200
        until(lambda: "gflash" in left(gateway, "code"), "asked once it is on")
    served(program, [{**CODE, "disabled": True}, CHATGPT], check)


def test_accounts_are_tested_where_their_credential_is_checked(program):
    def check(gateway, simulator):
        until(lambda: left(gateway, "code") and left(gateway, "gpt"), "what is asked in the background")
        until(lambda: gateway.admin("GET", "/api/accounts/pilot")[1]["models_known"] == 5, "its list of models")
        for label, path in (("code", ":loadCodeAssist"), ("gpt", "/wham/usage"), ("pilot", "/models")):
            before = len(simulator.requests(path))
            status, answer = gateway.admin("POST", f"/api/accounts/{label}/test")
            assert status == 200 and answer["ok"], (label, answer)
            assert len(simulator.requests(path)) == before + 1, label
        simulator.set("google-1", rules=["model loadCodeAssist: error=key"])
        status, answer = gateway.admin("POST", "/api/accounts/code/test")
        assert status == 200 and not answer["ok"] and answer["verdict"] == "auth_invalid", answer
    served(program, [CODE, CHATGPT, PILOT], check)


def test_with_auto_refresh_off_accounts_are_asked_once(program):
    def check(gateway, simulator):
        until(lambda: left(gateway, "gpt") == {"codex": 1000}, "the first reading")
        gateway.write_settings({"quota": {"auto_refresh": False}, "accounts": [{**CHATGPT, "base_url": simulator.url + "/backend-api/codex", "tier": "PRO"}]})
        until(lambda: gateway.admin("GET", "/api/accounts/gpt")[1]["tier"] == "PRO", "the edit")
        assert len(simulator.requests("/wham/usage")) == 1
    served(program, [CHATGPT], check, quota={"auto_refresh": False})


def test_copilot_serves_each_model_over_the_wires_its_list_names(program):
    def check(gateway, simulator):
        until(lambda: gateway.admin("GET", "/api/accounts/pilot")[1]["models_known"] == 5, "its list of models")
        cases = [("gpt-5.3-codex", "/responses"), ("claude-sonnet-4-5", "/chat/completions"), ("gpt-4o", "/chat/completions")]
        for model, path in cases:
            status, fields, text = ask(gateway, model)
            assert status == 200, (model, text)
            assert simulator.requests()[-1]["path"] == path, (model, simulator.requests()[-1]["path"])
        body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}
        status, _, text = gateway.call("POST", "/v1/messages", json.dumps(body).encode())
        assert status == 200 and simulator.requests()[-1]["path"] == "/v1/messages", text
        status, _, text = gateway.call("POST", "/v1/responses", json.dumps({"model": "gpt-4o", "input": "hello there"}).encode())
        assert status == 200 and simulator.requests()[-1]["path"] == "/chat/completions", text
    served(program, [PILOT], check)


def test_commands_show_test_refresh_and_switch_accounts(program):
    def prepare(simulator):
        simulator.set("openai-1", usage={"windows": {"primary": {"remaining_percent": 88, "reset_in_seconds": 900, "minutes": 300}}})

    def check(gateway, simulator):
        def said(*arguments, code=0):
            done = gateway.command("accounts", *arguments)
            assert done.returncode == code, (arguments, done)
            return done.stdout

        until(lambda: left(gateway, "gpt") == {"codex": 880}, "the first reading")
        shown = said("show", "gpt")
        assert re.search(r"^provider +codex$", shown, re.M) and re.search(r"^  5h +#{18}\.\. +88%  resets 1[45]m", shown, re.M), shown
        assert json.loads(said("show", "gpt", "--json"))["quota"][0]["remaining_permille"] == 880
        simulator.set("openai-1", usage={"windows": {"primary": {"remaining_percent": 5, "reset_in_seconds": 900, "minutes": 300}}})
        assert "  5%" in said("refresh", "gpt")
        assert json.loads(said("refresh", "gpt", "--json"))["ok"]
        assert "1 accounts are asked" in said("refresh", "--all")
        assert json.loads(said("refresh", "--all", "--json")) == {"accounts": 1}
        assert said("test", "gpt").startswith("good: ")
        assert json.loads(said("test", "gpt", "--json"))["verdict"] == "success"
        simulator.set("openai-1", rules=["model usage: error=key"])
        assert said("test", "gpt", code=1).startswith("not good: ")
        assert "not fresh" in said("refresh", "gpt", code=1)
        assert said("disable", "gpt") == "disabled `gpt`\n"
        assert json.loads(said("disable", "gpt", "--json"))["disabled"] is True
        assert "disabled" in said("show", "gpt")
        assert said("enable", "gpt") == "enabled `gpt`\n"
        assert json.loads(said("enable", "gpt", "--json"))["disabled"] is False
        said("show", "nobody", code=3)
        assert gateway.command("accounts", "refresh").returncode == 2
    served(program, [CHATGPT], check, prepare=prepare)


def test_accounts_that_were_signed_in_to_are_asked_with_their_grants(program):
    simulator = signin_rig.Simulator(program)
    gateway = Gateway(program, simulator.settings())
    told = lambda account: gateway.admin("GET", f"/api/accounts/{account}")[1]
    asked = lambda path: [r for r in simulator.requests() if path in r["path"]]
    try:
        signin_rig.sign_in(gateway, "antigravity", label="code")
        until(lambda: told("code")["tier"] == "FREE", "the tier it told")
        assert asked(":loadCodeAssist")[0]["account"] != ""
        simulator.oauth(interval=1)
        assert signin_rig.finished(gateway, signin_rig.start(gateway, "copilot", label="pilot"))["state"] == "done"
        until(lambda: left(gateway, "pilot") == {"premium": 1000}, "what GitHub tells")
        github = asked("/copilot_internal/user")[0]["account"]
        assert github and github != asked("/models")[-1]["account"], "GitHub's own token, not that of the exchange"
        simulator.control("PUT", f"accounts/{github}", {"usage": {"windows": {"premium": {"remaining_percent": 42, "reset_in_seconds": 600}}}})
        assert gateway.admin("POST", "/api/accounts/pilot/refresh")[1]["ok"] and left(gateway, "pilot") == {"premium": 420}
        simulator.oauth(expire=True)
        refreshes = simulator.oauth()["refreshes"]
        status, answer = gateway.admin("POST", "/api/accounts/code/refresh")
        assert status == 200 and answer["ok"], answer
        assert simulator.oauth()["refreshes"] == refreshes + 1, "a token that has expired is renewed, and the question asked again"
    finally:
        gateway.clear()
        simulator.close()


def test_the_simulator_says_what_is_wrong_with_figures(program):
    simulator = Simulator(program)
    try:
        for usage, word in ((7, "object"), ({"windows": []}, "windows"), ({"windows": {"primary": 3}}, "windows"), ({"plan": ""}, "plan"),
                            ({"models": {"m": {"remaining_percent": 101}}}, "remaining_percent"), ({"onboard": -1}, "onboard"), ({"other": 1}, "known members"),
                            ({"windows": {str(i): {} for i in range(5)}}, "windows")):
            status, _, text = signin_rig.fetch("PUT", f"{simulator.url}/_sim/accounts/k", {"usage": usage})
            assert status == 400 and word in json.loads(text)["error"]["message"], (usage, status, text)
        simulator.set("k", usage={"plan": "pro"})
        simulator.set("k", usage=None)
        status, _, text = signin_rig.fetch("GET", f"{simulator.url}/backend-api/wham/usage", headers={"Authorization": "Bearer k"})
        assert status == 200 and json.loads(text)["plan_type"] == "plus", "forgotten"
    finally:
        simulator.clear()
