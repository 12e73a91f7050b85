"""Signing in to antigravity, codex and copilot against the simulator: each flow, and each way in which it fails."""
import json
import re
import socket
import threading
import time
import urllib.parse

from proxies import copy
from rig import Gateway, until
from signin_rig import Simulator, browse, consent, fetch, finished, look, sign_in, start


class Rig:
    def __init__(self, program, environment=None, **settings):
        self.simulator = Simulator(program)
        self.gateway = Gateway(program, self.simulator.settings(**settings), environment)

    def __enter__(self):
        return self.simulator, self.gateway

    def __exit__(self, *_):
        self.gateway.clear()
        self.simulator.close()


def parameters(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def ask(gateway, model="any", path="/v1/chat/completions"):
    return gateway.call("POST", path, {"model": model, "messages": [{"role": "user", "content": "Hello there"}]})


def test_antigravity_signs_in_by_the_browser(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(email="ada@example.test")
        view = start(gateway, "antigravity")
        sent = parameters(view["url"])
        assert view["state"] == "waiting" and view["listening"], view
        assert sent["client_id"] == "client-of-the-user" and sent["response_type"] == "code" and sent["access_type"] == "offline", sent
        assert sent["code_challenge_method"] == "S256" and len(sent["code_challenge"]) == 43 and len(sent["state"]) == 43, sent
        assert re.fullmatch(r"http://localhost:\d+/oauth-callback", sent["redirect_uri"]), sent
        status, fields, page = browse(view)
        assert status == 200 and b"closed" in page and fields["cache-control"] == "no-store", (status, page)
        view = finished(gateway, view)
        assert view["state"] == "done" and view["account"]["label"] == "ada@example.test", view
        status, account = gateway.admin("GET", "/api/accounts/ada@example.test")
        assert status == 200 and account["provider"] == "antigravity" and not account["disabled"], account
        assert account["signed_in"] and account["email"] == "ada@example.test" and account["token_expires_unix_ms"] > time.time() * 1000, account
        until(lambda: refused(sent["redirect_uri"]), "the port is free again")


def refused(url):
    try:
        fetch("GET", url)
        return False
    except OSError:
        return True


def test_codex_signs_in_and_serves(program):
    with Rig(program) as (simulator, gateway):
        account = sign_in(gateway, "codex", label="work", tier="PRO")
        assert account["label"] == "work"
        status, _, body = ask(gateway)
        assert status == 200, body
        asked = [r for r in simulator.requests() if r["path"].endswith("/responses")]
        assert asked, simulator.requests()


def test_copilot_signs_in_by_device_code(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(interval=1, token=["authorization_pending", "authorization_pending", "ok"], email="octo")
        view = start(gateway, "copilot")
        view = until(lambda: (lambda v: v if v["user_code"] else None)(look(gateway, view)), "a device code")
        assert view["user_code"].startswith("SIM-") and view["url"].endswith("/oauth/verify") and view["state"] == "waiting", view
        view = finished(gateway, view)
        assert view["state"] == "done" and view["account"]["label"] == "octo", view
        assert simulator.oauth()["exchanges"] == 1
        status, _, body = ask(gateway)
        assert status == 200, body


def test_slow_down_is_obeyed(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(interval=1, token=["slow_down", "ok"])
        began = time.monotonic()
        assert finished(gateway, start(gateway, "copilot"))["state"] == "done"
        assert simulator.oauth()["token"] == 2
        assert time.monotonic() - began >= 7, "a second, and another one with the five of slow_down"


def test_a_label_that_cannot_be_had_is_told_before_somebody_signs_in(program):
    with Rig(program) as (simulator, gateway):
        first = sign_in(gateway, "codex", label="mine")
        status, answer = gateway.admin("POST", "/api/signin/antigravity", {"label": "mine"})
        assert status == 409 and "label" in answer["error"]["message"], (status, answer)
        assert sign_in(gateway, "codex", label="mine")["id"] == first["id"], "the same person may sign in again under it"


def test_a_provider_that_is_down_for_a_moment_ends_no_device_sign_in(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(interval=1, token=["status=503", "ok"])
        assert finished(gateway, start(gateway, "copilot"))["state"] == "done"
        assert simulator.oauth()["token"] == 2


def test_a_device_code_that_is_refused_or_expires_ends_the_sign_in(program):
    with Rig(program) as (simulator, gateway):
        for word, says in (("access_denied", "not given"), ("expired_token", "expired"), ("incorrect_device_code", "start again")):
            simulator.oauth(interval=1, token=[word])
            view = finished(gateway, start(gateway, "copilot"))
            assert view["state"] == "failed" and says in view["error"], view
        simulator.oauth(interval=1, device_expires_in=2, token=["authorization_pending"] * 20)
        view = finished(gateway, start(gateway, "copilot"))
        assert view["state"] == "failed" and "expired" in view["error"], view
        simulator.oauth(device=["unauthorized_client"])
        view = finished(gateway, start(gateway, "copilot"))
        assert view["state"] == "failed" and "OAuth client" in view["error"], view
        simulator.oauth(token=[], exchange=["status=403"], device=[], interval=1, device_expires_in=900)
        view = finished(gateway, start(gateway, "copilot"))
        assert view["state"] == "failed" and "Copilot" in view["error"], view
        assert gateway.admin("GET", "/api/accounts")[1]["accounts"][0]["provider"] == "simulator"


def test_a_user_who_denies_ends_the_sign_in(program):
    with Rig(program) as (simulator, gateway):
        for provider in ("antigravity", "codex"):
            simulator.oauth(authorize=["access_denied"])
            view = start(gateway, provider)
            status, _, page = browse(view)
            assert status == 200 and b"not given" in page, page
            view = look(gateway, view)
            assert view["state"] == "failed" and "not given" in view["error"], view


def test_a_callback_with_another_state_is_refused_and_nothing_is_echoed(program):
    with Rig(program) as (_, gateway):
        view = start(gateway, "codex")
        back = consent(view)
        base = back.split("?")[0]
        for url in (back.replace("state=", "state=x"), base, f"{base}?code=planted-code", f"{base}?state=planted-state&code=c",
                    f"{base}?state={parameters(back)['state']}", base.replace("/auth/callback", "/other") + "?planted=1"):
            status, _, page = fetch("GET", url)
            assert status == 400 and b"planted" not in page, (url, status, page)
        assert fetch("POST", back)[0] == 400
        assert fetch("GET", back, headers={"Host": "evil.example"})[0] in (400, 403, 421)
        assert look(gateway, view)["state"] == "waiting"
        assert fetch("GET", back)[0] == 200
        assert finished(gateway, view)["state"] == "done"


def test_a_state_is_good_once(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(token=["delay=600"])
        other = start(gateway, "codex")  # keeps the callback open
        view = start(gateway, "codex")
        back = consent(view)
        assert fetch("GET", back)[0] == 200
        assert fetch("GET", back)[0] == 400
        assert finished(gateway, view)["state"] == "done"
        assert gateway.admin("DELETE", f"/api/signin/{other['id']}")[0] == 200
        assert gateway.admin("GET", f"/api/signin/{other['id']}")[0] == 404


def test_a_code_that_has_expired_or_a_provider_that_took_it_and_hung_up_ends_the_sign_in(program):
    with Rig(program) as (simulator, gateway):
        for entry, says in (("invalid_grant", "start again"), ("cut=0", "holds the code for used now: start again"), ("reset=0", "holds the code for used now"),
                            ("invalid_client", "OAuth client"), ("redirect_uri_mismatch", "redirect URL")):
            simulator.oauth(token=[entry])
            view = start(gateway, "antigravity")
            assert browse(view)[0] == 200
            view = finished(gateway, view)
            assert view["state"] == "failed" and says in view["error"], (entry, view)
        simulator.oauth(token=[])
        sign_in(gateway, "antigravity")


def test_a_provider_that_is_down_for_a_moment_ends_no_sign_in(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(token=["status=503", "status=429", "ok"], userinfo=["status=500", "reset=0", "ok"])
        before = simulator.oauth()
        assert sign_in(gateway, "antigravity")["email"] == "sim@example.test"
        asked = simulator.oauth()
        assert asked["token"] - before["token"] == 3, asked
        simulator.oauth(interval=1, device=["status=502", "ok"], exchange=["status=503", "reset=0", "ok"], email="octo")
        view = finished(gateway, start(gateway, "copilot"))
        assert view["state"] == "done" and view["account"]["label"] == "octo", view
        assert simulator.oauth()["exchanges"] == 2, "one was not even read"


def test_a_provider_that_stays_down_ends_a_sign_in_after_some_tries(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(token=["status=503"] * 9)
        views = [start(gateway, "codex"), start(gateway, "codex")]
        assert browse(views[0])[0] == 200
        view = finished(gateway, views[0])
        assert view["state"] == "failed" and "status 503" in view["error"] and "after 4 tries: start again later" in view["error"], view
        assert simulator.oauth()["token"] == 4, simulator.oauth()
        # what was asked for and is not there at once does not cost the sign-in that a person has made
        simulator.oauth(token=[], interval=1, exchange=["status=503"] * 4, email="octo")
        view = finished(gateway, start(gateway, "copilot"))
        assert view["state"] == "done" and view["account"]["label"] == "octo", view
        assert ask(gateway)[0] == 200, "the token was had later"


def test_a_token_address_that_cannot_be_reached_at_first_is_tried_again(program):
    """Nothing was sent, so the code is as good as ever."""
    simulator = Simulator(program)
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    settings = simulator.settings()
    settings["providers"]["codex"]["oauth"]["token_url"] = f"http://127.0.0.1:{port}/oauth/token"
    gateway = Gateway(program, settings)
    later = None
    try:
        view = start(gateway, "codex")
        assert browse(view)[0] == 200
        assert look(gateway, view)["state"] == "working"
        later = Pipe(port, simulator.port)
        view = finished(gateway, view)
        assert view["state"] == "done", view
    finally:
        gateway.clear()
        simulator.close()
        if later is not None:
            later.close()


class Pipe:
    """Leads each connection to another port, under that one's name."""

    def __init__(self, port, to):
        self.socket, self.names = socket.create_server(("127.0.0.1", port)), [f"127.0.0.1:{p}".encode() for p in (port, to)]
        self.to = to
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=copy, args=(client, server, *self.names), daemon=True).start()
            threading.Thread(target=copy, args=(server, client), daemon=True).start()

    def close(self):
        self.socket.close()


def test_a_wrong_code_that_was_pasted_can_be_followed_by_a_good_one(program):
    with Rig(program) as (simulator, gateway):
        view = start(gateway, "codex")

        def paste(text):
            status, answer = gateway.admin("POST", f"/api/signin/{view['id']}/code", {"code": text})
            assert status == 200, answer

        for wrong in ("planted-wrong-code", "another%20one"):
            paste(wrong)
            told = until(lambda: (lambda v: v if v["state"] == "waiting" else None)(look(gateway, view)), "it waits again")
            assert "does not take this code" in told["error"] and told["listening"] and "planted" not in json.dumps(told), told
        simulator.oauth(token=["status=503"])  # the provider is not able to say: the code is tried again, not asked for
        paste(parameters(consent(view))["code"])
        assert look(gateway, view)["error"] is None
        assert finished(gateway, view)["state"] == "done"
        # or the browser comes back after all
        view = start(gateway, "codex")
        paste("wrong")
        until(lambda: look(gateway, view)["state"] == "waiting", "it waits again")
        assert browse(view)[0] == 200
        assert finished(gateway, view)["state"] == "done"


def test_a_device_sign_in_lives_through_a_lost_connection(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(interval=1, token=["reset=0", "ok"])
        assert finished(gateway, start(gateway, "copilot"))["state"] == "done"


def test_a_pasted_address_or_code_ends_it_from_another_machine(program):
    with Rig(program, {"PENSTOCK_OAUTH_REDIRECT_URL": "https://gateway.example/oauth-callback"}) as (_, gateway):
        view = start(gateway, "antigravity")
        assert parameters(view["url"])["redirect_uri"] == "https://gateway.example/oauth-callback", view
        back = consent(view)
        assert back.startswith("https://gateway.example/oauth-callback?"), back

        def paste(text):
            return gateway.admin("POST", f"/api/signin/{view['id']}/code", {"code": text})

        status, answer = paste(back.replace("state=", "state=x"))
        assert status == 400 and "another sign-in" in answer["error"]["message"], answer
        status, answer = paste("")
        assert status == 400, answer
        status, answer = paste(back)
        assert status == 200, answer
        assert finished(gateway, view)["state"] == "done"
        assert paste(back)[0] == 409
        view = start(gateway, "codex", label="by code")
        status, answer = paste(parameters(consent(view))["code"])
        assert status == 200, answer
        assert finished(gateway, view)["account"]["label"] == "by code"
        assert gateway.admin("POST", "/api/signin/0123/code", {"code": "x"})[0] == 404


def test_a_taken_port_leaves_pasting(program):
    """A code, then an address, while somebody else has the port; a wrong state and a wrong code before that."""
    simulator = Simulator(program)
    blocker = socket.create_server(("127.0.0.1", 0))
    port = blocker.getsockname()[1]
    settings = simulator.settings()
    settings["providers"]["codex"]["oauth"]["listen"] = settings["providers"]["antigravity"]["oauth"]["listen"] = f"127.0.0.1:{port}"
    gateway = Gateway(program, settings)
    try:
        for provider in ("codex", "antigravity"):
            for bare in (True, False):
                view = start(gateway, provider, label=f"{provider} {bare}")
                assert not view["listening"] and "paste" in view["note"] and str(port) in view["note"], view
                path = f"/api/signin/{view['id']}/code"
                back = consent(view)
                assert gateway.admin("POST", path, {"code": back.replace("state=", "state=x")})[0] == 400
                assert gateway.admin("POST", path, {"code": "wrong"})[0] == 200
                until(lambda: look(gateway, view)["state"] == "waiting", "it waits again")
                assert gateway.admin("POST", path, {"code": parameters(back)["code"] if bare else back})[0] == 200
                view = finished(gateway, view)
                assert view["state"] == "done", view
        assert blocker.fileno() >= 0 and len(gateway.admin("GET", "/api/accounts")[1]["accounts"]) == 2, "the same person each time"
    finally:
        gateway.clear()
        blocker.close()
        simulator.close()


def test_two_sign_in_at_once(program):
    with Rig(program) as (simulator, gateway):
        views = [start(gateway, "codex", label="first"), start(gateway, "codex", label="second"), start(gateway, "antigravity", label="third")]
        assert parameters(views[0]["url"])["redirect_uri"] == parameters(views[1]["url"])["redirect_uri"]
        for i, view in reversed(list(enumerate(views))):
            simulator.oauth(email=f"user{i}@example.test", account=f"account-{i}")
            assert browse(view)[0] == 200
        ends = [finished(gateway, view) for view in views]
        assert [e["account"]["label"] for e in ends] == ["first", "second", "third"], ends


def test_signing_in_again_renews_the_account_that_is_there(program):
    with Rig(program) as (simulator, gateway):
        first = sign_in(gateway, "codex", label="work")
        again = sign_in(gateway, "codex", label="other")
        assert first["id"] == again["id"] and again["label"] == "work", again
        simulator.oauth(email="eve@example.test", account="another")
        other = sign_in(gateway, "codex")
        assert other["id"] != first["id"] and other["label"] == "eve@example.test"
        simulator.oauth(email="eve@example.test", account="a third")
        assert sign_in(gateway, "codex")["label"] == "eve@example.test (2)"


def test_without_a_client_it_is_said_what_to_enter(program):
    gateway = Gateway(program, {})
    try:
        for provider, where in (("antigravity", "console.cloud.google.com"), ("codex", "penstock import codex"), ("copilot", "device flow")):
            status, answer = gateway.admin("POST", f"/api/signin/{provider}", {})
            text = answer["error"]["message"]
            assert status == 409 and f"providers.{provider}.oauth.client_id" in text and where in text, answer
            assert f"PENSTOCK_{provider.upper()}_CLIENT_ID" in text, answer
        assert gateway.admin("POST", "/api/signin/openai", {})[0] == 404
        assert gateway.admin("GET", "/api/signin/nobody")[0] == 404
        assert gateway.admin("DELETE", "/api/signin/nobody")[0] == 404
        assert gateway.admin("POST", "/api/signin/codex", {"tier": "GOLD"})[0] == 400
    finally:
        gateway.clear()


def test_a_client_in_the_environment_goes_before_the_file(program):
    with Rig(program, {"PENSTOCK_CODEX_CLIENT_ID": "of-the-environment"}) as (_, gateway):
        assert parameters(start(gateway, "codex")["url"])["client_id"] == "of-the-environment"


def test_no_more_than_some_sign_in_at_once(program):
    with Rig(program) as (_, gateway):
        views = [start(gateway, "codex") for _ in range(32)]
        status, answer = gateway.admin("POST", "/api/signin/codex", {})
        assert status == 400 and "already" in json.dumps(answer), answer
        assert gateway.admin("DELETE", f"/api/signin/{views[0]['id']}")[0] == 200
        start(gateway, "codex")
