"""Access tokens are renewed: ahead of their time, on demand, once for all who wait, and never used before they are kept."""
import http.client
import json
import os
import random
import signal
import threading
import time

from rig import Gateway, until
from signin_rig import Simulator, finished, sign_in, start
from test_signin import Rig, ask

MANY = 100
ROUNDS = int(os.environ.get("PENSTOCK_TEST_KILL_ROUNDS", "8"))  # the full run has 200


def account(gateway, name):
    return gateway.admin("GET", f"/api/accounts/{name}")[1]


def all_at_once(gateway, count):
    """`count` requests that start together: their statuses and bodies."""
    answers, gate = [None] * count, threading.Barrier(count)

    def one(i):
        gate.wait()
        try:
            answers[i] = ask(gateway)
        except (OSError, http.client.HTTPException):
            pass  # the gateway was killed

    threads = [threading.Thread(target=one, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_many_requests_on_an_expired_token_cause_one_renewal(program):
    with Rig(program) as (simulator, gateway):
        for provider, counter in (("codex", "refreshes"), ("copilot", "exchanges")):
            simulator.oauth(interval=1, email=f"{provider}@example.test", account=provider)
            if provider == "codex":
                sign_in(gateway, "codex", label="codex")
            else:
                assert finished(gateway, start(gateway, "copilot", label="copilot"))["state"] == "done"
                gateway.admin("PATCH", "/api/accounts/codex", {"disabled": True})
            before = simulator.oauth()[counter]
            simulator.oauth(expire=True, **{"token" if provider == "codex" else "exchange": ["delay=500"]})
            answers = all_at_once(gateway, MANY)
            assert [status for status, _, _ in answers] == [200] * MANY, [b for s, _, b in answers if s != 200][:3]
            assert {fields["x-account-email"] for _, fields, _ in answers} == {provider}
            assert simulator.oauth()[counter] == before + 1, simulator.oauth()


def test_a_token_is_renewed_ahead_of_its_time(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(expires_in=4)
        sign_in(gateway, "codex", label="a")
        until(lambda: simulator.oauth()["refreshes"] >= 2, "two renewals")
        assert ask(gateway)[0] == 200
        assert not [r for r in simulator.requests() if r["status"] == 401], "nobody met an expired one"


def test_a_refused_grant_disables_its_account_until_somebody_signs_in_again(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        simulator.oauth(revoke=True)
        status, _, body = ask(gateway)
        assert status == 503 and b"upstream_auth" in body or b"credential" in body, (status, body)
        seen = until(lambda: (lambda a: a if a["disabled"] else None)(account(gateway, "a")), "it is disabled")
        assert seen["sign_in_again"] and seen["credential_refused"] and seen["disabled_reason"].startswith("sign in again"), seen
        refreshes = simulator.oauth()["refreshes"]
        gateway.stop()
        gateway.start()
        assert account(gateway, "a")["sign_in_again"]
        time.sleep(0.3)
        assert simulator.oauth()["refreshes"] == refreshes, "it is not asked for again"
        sign_in(gateway, "codex")
        seen = account(gateway, "a")
        assert not seen["disabled"] and not seen["sign_in_again"], seen
        assert ask(gateway)[0] == 200


def test_a_provider_that_cannot_renew_now_is_asked_again(program):
    # the question for the quota, which follows the sign-in, may be the one that meets the 503; nobody waits for the next try then
    with Rig(program, proxy={"scheduling": {"queue_wait_seconds": 0}}) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        simulator.oauth(expire=True, token=["status=503"])
        status, _, body = ask(gateway)
        assert status == 503, (status, body)
        seen = account(gateway, "a")
        assert not seen["disabled"] and [l["reason"] for l in seen["lockouts"]] == ["auth_expired"], seen
        until(lambda: not account(gateway, "a")["lockouts"], "the next try")
        assert ask(gateway)[0] == 200
        assert simulator.oauth()["refreshes"] == 1, "the one that was answered"


def test_another_account_serves_while_one_cannot_be_renewed(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        simulator.oauth(email="other@example.test", account="other")
        sign_in(gateway, "antigravity", label="b")
        gateway.admin("PUT", "/api/scheduling/fixed", {"account": "a"})
        simulator.oauth(expire=True, token=["status=500", "ok"])
        status, fields, body = ask(gateway)
        assert status == 200, body
        assert fields["x-account-email"] == "b", fields


def test_a_rotated_token_is_kept_over_a_restart(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(expires_in=2)
        sign_in(gateway, "codex", label="a")
        until(lambda: simulator.oauth()["refreshes"] >= 2, "two rotations")
        gateway.stop()
        simulator.oauth(expires_in=3600)
        gateway.start()
        assert ask(gateway)[0] == 200
        assert simulator.oauth()["reused"] == 0, simulator.oauth()


def test_a_gateway_that_ends_waits_for_a_renewal_that_is_under_way(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(expires_in=2, token=["ok", "first=600"])  # ahead of time: the provider has rotated, and its answer is on the way
        sign_in(gateway, "codex", label="a")
        until(lambda: simulator.oauth()["refreshes"] == 1, "the provider is asked")
        gateway.stop()
        simulator.oauth(expires_in=3600)
        gateway.start()
        until(lambda: simulator.oauth()["refreshes"] == 2, "the next renewal")
        assert simulator.oauth()["reused"] == 0, simulator.oauth()
        assert ask(gateway)[0] == 200


def test_an_account_that_is_switched_off_while_it_is_renewed_keeps_what_comes(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        simulator.oauth(expire=True, token=["first=600"])
        threading.Thread(target=all_at_once, args=(gateway, 1)).start()
        until(lambda: simulator.oauth()["refreshes"] == 1, "the provider is asked")
        assert gateway.admin("PATCH", "/api/accounts/a", {"disabled": True})[0] == 200
        until(lambda: "an access token was renewed" in gateway.logged(), "what came is kept")
        assert account(gateway, "a")["disabled"]
        assert gateway.admin("PATCH", "/api/accounts/a", {"disabled": False})[0] == 200
        assert ask(gateway)[0] == 200
        assert simulator.oauth()["reused"] == 0, simulator.oauth()


def test_an_account_of_the_file_keeps_its_rotated_token(program):
    """As in a container: the file has the token that signing in gave, the database what became of it."""
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        refresh = simulator.oauth()["grants"][0]["refresh"]
        gateway.command("accounts", "remove", "a")
        settings = simulator.settings(accounts=[{"label": "f", "provider": "codex", "refresh_token_env": "CODEX_TOKEN", "account_id": "x"}])
        gateway.stop()
        gateway.environment = {"CODEX_TOKEN": refresh}
        gateway.write_settings(settings)
        for _ in range(2):
            gateway.start()
            status, fields, body = ask(gateway)
            assert status == 200 and fields["x-account-email"] == "f", body
            simulator.oauth(expire=True)
            assert ask(gateway)[0] == 200
            gateway.stop()
        assert simulator.oauth()["reused"] == 0, simulator.oauth()
        gateway.start()


def test_without_its_client_an_account_serves_until_its_token_expires(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        assert account(gateway, "a")["renewal"] == "automatic"
        gateway.stop()
        settings = simulator.settings()
        del settings["providers"]["codex"]["oauth"]["client_id"]
        gateway.write_settings(settings)
        gateway.start()
        assert ask(gateway)[0] == 200
        assert account(gateway, "a")["renewal"] == "client_missing"
        simulator.oauth(expire=True)
        assert ask(gateway)[0] == 503
        until(lambda: "providers.codex.oauth.client_id" in gateway.logged(), "the log says what to enter")
        gateway.write_settings(simulator.settings())
        until(lambda: not account(gateway, "a")["lockouts"], "the new settings are tried at once")
        assert account(gateway, "a")["renewal"] == "automatic"
        assert ask(gateway)[0] == 200


def hint(gateway):
    """The last letters of the access token that is kept: with them a test tells tokens apart."""
    return json.loads(gateway.command("accounts", "list", "--json").stdout)["accounts"][0]["key"][-4:]


def test_after_kill_9_an_account_works_or_says_sign_in_again_and_no_token_was_used_before_it_was_kept(program):
    seed = int(os.environ.get("PENSTOCK_TEST_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    chance, lost = random.Random(seed), 0
    simulator = Simulator(program)
    gateway = Gateway(program, simulator.settings())
    try:
        sign_in(gateway, "codex", label="a")
        for round_ in range(ROUNDS):
            simulator.control("DELETE", "requests")
            simulator.oauth(expire=True, token=[f"delay={chance.randrange(1, 40)}"])
            burst = threading.Thread(target=all_at_once, args=(gateway, 8))
            burst.start()
            time.sleep(chance.random() * 0.12)
            gateway.process.send_signal(signal.SIGKILL)
            burst.join()
            gateway.stop(signal.SIGKILL)
            kept = hint(gateway)
            used = [next((f["value"] for f in r["headers"] if f["name"].lower() == "authorization"), "").split()[-1]
                    for r in simulator.requests() if not r["path"].startswith("/oauth/")]
            newest = max(used, key=lambda token: int(token.split("-")[3]), default=None)
            grant = max(simulator.oauth()["grants"], key=lambda grant: grant["number"])  # the last sign-in; letters of others may be the same
            known = next(token for token in grant["access"] if token.endswith(kept))
            assert newest is None or int(newest.split("-")[3]) <= int(known.split("-")[3]), f"round {round_}, seed {seed}: {newest} used, {known} kept"
            simulator.oauth(token=[])
            gateway.start()
            status, _, body = ask(gateway)
            if status != 200:
                seen = account(gateway, "a")
                assert status == 503 and seen["sign_in_again"], f"round {round_}, seed {seed}: {status} {body} {seen['disabled_reason']}"
                lost += 1
                sign_in(gateway, "codex")
                assert ask(gateway)[0] == 200
    finally:
        gateway.clear()
        simulator.close()
    print(f"{ROUNDS} rounds, {lost} grants lost with their answer")
