"""Client keys: who may come in, what for, and how much, in the form of each protocol; and how they are made and changed."""
import collections
import hashlib
import json
import os
import re
import subprocess
import threading
import time

import schema
from rig import STREAM_HEAD, TIMEOUT_S, Gateway, Upstream, chunk, until, whole
from test_metrics import scrape
from test_reports import Collector, attributes
from websocket import WebSocket
from wires import WIRES

CHAT, RESPONSES, MESSAGES, GEMINI = WIRES
KEY = "sk-own-0123456789"


def told(given, out):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": given, "output_tokens": out}}


def settings_of(upstreams, **more):
    return {"accounts": [w.account(u, w.name) for w, u in upstreams], **more}


def every_wire(answer=None):
    return [(w, Upstream(lambda r, c, w=w: c.sendall(w.whole()))) for w in WIRES]


def ask(gateway, wire=MESSAGES, key=KEY, model="m-1", fields=None, path=None, body=None):
    p, b = wire.request(model=model)
    return gateway.call("POST", path or p, body or b, {**({"Authorization": f"Bearer {key}"} if key else {}), **(fields or {})})


def error_of(wire, status, body):
    """The error in the wire's own form: (type or status word, sentence)."""
    error = json.loads(body)["error"]
    if wire is GEMINI:
        assert error["code"] == status, error
        return error["status"], error
    if wire is MESSAGES:
        assert json.loads(body)["type"] == "error"
    return error["type"], error


def keys(gateway):
    status, answer = gateway.admin("GET", "/api/keys")
    schema.check("GET", "/api/keys", status, answer)
    return {k["name"]: k for k in answer["keys"]}


def used(gateway, name, tokens):
    """What the key has used, once it is so much: an answer is there a moment before it is settled."""
    return until(lambda: (lambda u: u if u["tokens_today"] == tokens and u["tokens_reserved"] == 0 else None)(keys(gateway)[name]["used"]), f"{tokens} tokens are charged")


def change(gateway, method, path, body=None, status=200):
    got, answer = gateway.admin(method, path, body)
    schema.check(method, path, got, answer)
    assert got == status, (method, path, got, answer)
    return answer


def test_unknown_disabled_and_expired_keys_are_refused_alike_on_every_protocol(program):
    declared = [{"name": "good", "key": KEY}, {"name": "off", "key": "sk-off-0123456789", "disabled": True},
                {"name": "old", "key": "sk-old-0123456789", "expires": "2020-01-01"}, {"name": "new", "key": "sk-new-0123456789", "expires": "2999-01-01T00:00:00Z"}]
    gateway = Gateway(program, settings_of(every_wire(), client_keys=declared))
    words = {"chat": "invalid_request_error", "responses": "invalid_request_error", "messages": "authentication_error", "gemini": "UNAUTHENTICATED"}
    try:
        for wire in WIRES:
            seen = set()
            for key in (None, "any-value", "sk-off-0123456789", "sk-old-0123456789"):
                status, fields, body = ask(gateway, wire, key)
                word, error = error_of(wire, status, body)
                assert status == 401 and word == words[wire.name] and fields["www-authenticate"] == 'Bearer realm="penstock"', (wire.name, key, status, fields, body)
                seen.add(re.sub(rb"req_[0-9a-f]+", b"", body))
            assert len(seen) == 1, f"{wire.name}: the answer tells why: {seen}"
            if wire is GEMINI:
                assert b"API_KEY_INVALID" in body
            for key in (KEY, "sk-new-0123456789"):
                assert ask(gateway, wire, key)[0] == 200, (wire.name, key)
            assert ask(gateway, wire, None, fields={"x-api-key": KEY})[0] == 200
            assert ask(gateway, wire, None, fields={"x-goog-api-key": KEY})[0] == 200
            path = wire.request()[0]
            status = ask(gateway, wire, None, path=f"{path}?key={KEY}")[0]
            assert status == (200 if wire is GEMINI else 401), (wire.name, status)
        assert KEY not in gateway.logged()
    finally:
        gateway.clear()


def test_models_and_addresses_that_are_not_the_keys_are_403_on_every_protocol(program):
    declared = [{"name": "models", "key": KEY, "models": ["m-*", "gpt-5"]}, {"name": "here", "key": "sk-here-123456789", "addresses": ["127.0.0.0/8", "10.1.2.3"]},
                {"name": "there", "key": "sk-there-12345678", "addresses": ["10.0.0.0/8", "fd00::/8"]}]
    gateway = Gateway(program, settings_of(every_wire(), client_keys=declared))
    words = {"chat": "permission_error", "responses": "permission_error", "messages": "permission_error", "gemini": "PERMISSION_DENIED"}
    try:
        for wire in WIRES:
            assert ask(gateway, wire)[0] == 200
            status, _, body = ask(gateway, wire, model="other")
            assert (status, error_of(wire, status, body)[0]) == (403, words[wire.name]) and b"other" in body, (wire.name, status, body)
            assert ask(gateway, wire, "sk-here-123456789")[0] == 200
            status, _, body = ask(gateway, wire, "sk-there-12345678")
            assert (status, error_of(wire, status, body)[0]) == (403, words[wire.name]) and b"address" in body, (wire.name, status, body)
    finally:
        gateway.clear()


def test_behind_a_proxy_that_is_trusted_the_address_is_the_clients(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    settings = {"accounts": [CHAT.account(upstream)], "client_keys": [{"name": "lan", "key": KEY, "addresses": ["10.0.0.0/8", "2001:db8::/32"]}]}
    gateway = Gateway(program, {**settings, "trusted_proxies": ["127.0.0.1", "192.0.2.0/24"]})
    try:
        for said, status in (("10.1.2.3", 200), ("2001:db8::7", 200), ("203.0.113.9", 403), ("10.1.2.3, 203.0.113.9", 403), ("203.0.113.9, 10.1.2.3, 192.0.2.8", 200), (None, 403)):
            assert ask(gateway, CHAT, fields={"X-Forwarded-For": said} if said else {})[0] == status, said
        gateway.write_settings(settings)
        until(lambda: ask(gateway, CHAT, fields={"X-Forwarded-For": "10.1.2.3"})[0] == 403, "it is trusted no more")
    finally:
        gateway.clear()


def test_requests_of_a_minute_are_counted_and_the_way_back_is_told_honestly(program):
    gateway = Gateway(program, settings_of(every_wire(), client_keys=[{"name": w.name, "key": f"sk-own-{w.name}-12345", "requests_per_minute": 120} for w in WIRES]))
    try:
        for wire in WIRES:
            prefix = "anthropic-ratelimit-requests-%s" if wire is MESSAGES else "x-ratelimit-%s-requests"
            left, started = [], time.monotonic()
            for _ in range(200):
                status, fields, body = ask(gateway, wire, f"sk-own-{wire.name}-12345")
                assert fields[prefix % "limit"] == "120", fields
                left.append(int(fields[prefix % "remaining"]))
                if status != 200:
                    break
            assert status == 429 and left[0] == 119 and left[-1] == 0 and len(left) <= 121 + 2 * (time.monotonic() - started) + 1, (wire.name, status, left)
            assert fields["retry-after"] == "1" and fields[prefix % "reset"], fields
            assert error_of(wire, status, body)[0] == ("RESOURCE_EXHAUSTED" if wire is GEMINI else "rate_limit_error"), body
            time.sleep(1)
            assert ask(gateway, wire, f"sk-own-{wire.name}-12345")[0] == 200, "after the time it was told"
    finally:
        gateway.clear()


def test_a_key_is_asked_for_with_each_message_of_a_websocket_and_limits_are_told(program):
    upstream = Upstream(lambda r, c: c.sendall(RESPONSES.streamed()))
    gateway = Gateway(program, {"accounts": [RESPONSES.account(upstream)]})
    try:
        made = change(gateway, "POST", "/api/keys", {"name": "two", "requests_per_minute": 2}, status=201)
        socket = WebSocket(gateway, fields={"Authorization": f"Bearer {made['key']}"})

        def say(model="m-1"):
            socket.say({"type": "response.create", "model": model, "input": "hi"})
            return list(socket.events())[-1]

        assert [say()["type"] for _ in range(2)] == ["response.completed"] * 2
        spent = say()
        assert spent["status"] == 429 and spent["error"]["type"] == "rate_limit_error", spent
        assert 0 < int(spent["headers"]["Retry-After"]) <= 30 and spent["headers"]["x-ratelimit-limit-requests"] == "2" and spent["headers"]["x-ratelimit-remaining-requests"] == "0", spent
        change(gateway, "PATCH", "/api/keys/two", {"requests_per_minute": None, "models": ["other"]})
        assert say()["status"] == 403
        change(gateway, "POST", "/api/keys/two/rotate")
        refused = say()
        assert refused["status"] == 401 and refused["headers"]["WWW-Authenticate"].startswith("Bearer"), refused
    finally:
        gateway.clear()


SERVER = 2  # a span's kind


def counted(records, by):
    return dict(sorted(collections.Counter(by(r) for r in records).items()))


def test_what_is_refused_is_told_alike_everywhere_with_no_tokens_and_no_key(program):
    declared = [{"name": "good", "key": KEY, "models": ["m-*"]}, {"name": "two", "key": "sk-two-0123456789", "requests_per_minute": 2},
                {"name": "far", "key": "sk-far-0123456789", "addresses": ["192.0.2.0/24"]}, {"name": "spent", "key": "sk-spent-0123456789", "tokens_per_day": 5}]
    account = CHAT.account(Upstream(lambda r, c: c.sendall(CHAT.whole())), "one", models=["m-1"])
    collector = Collector()
    gateway = Gateway(program, {"accounts": [account], "client_keys": declared, "logs": {"access": "file"}, "workers": 2, "traces": {"endpoint": collector.url}})
    want = {"complete": 4, "key_refused": 2 * 4 + 1 + 1 + 1, "key_spent": 4 + 1, "model_unknown": 1, "refused": 1, "request_wrong": 1}
    try:
        for wire in WIRES:
            assert [ask(gateway, wire, key)[0] for key in (None, "sk-wrong-0123456789")] == [401, 401]
        assert gateway.call("GET", "/v1/responses", None, {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})[0] == 401
        assert [ask(gateway, CHAT, "sk-two-0123456789")[0] for _ in range(2)] == [200, 200]
        for wire in WIRES:
            status, fields, body = ask(gateway, wire, "sk-two-0123456789")
            assert status == 429 and int(fields["retry-after"]) > 0, (wire.name, status, fields)
        assert ask(gateway, CHAT, "sk-far-0123456789")[0] == 403
        assert [ask(gateway, CHAT, "sk-spent-0123456789")[0] for _ in range(2)] == [200, 429]
        assert [ask(gateway, CHAT, model=m)[0] for m in ("m-1", "m-2", "other")] == [200, 400, 403]
        assert ask(gateway, CHAT, body=b"{")[0] == 400
        gateway.admin("POST", "/api/serving", {"serving": False})
        assert ask(gateway, CHAT)[0] == 503
        total = sum(want.values())
        file = gateway.folder / "access.log"
        until(lambda: file.exists() and file.read_text().count("\n") == total, f"{total} lines")
        log = [json.loads(line) for line in file.read_text().splitlines()]
        assert counted(log, lambda r: r["ending"]) == want
        until(lambda: sum(s["kind"] == SERVER for s in collector.spans()) == total, "each is a span")
        assert counted([s for s in collector.spans() if s["kind"] == SERVER], lambda s: attributes(s)["penstock.ending"]) == want
        requests = gateway.admin("GET", "/api/requests?limit=100")[1]["requests"]
        assert counted(requests, lambda r: r["ending"]) == want
        status, usage = gateway.admin("GET", "/api/usage?by=ending")
        assert {r["ending"]: r["requests"] for r in usage["rows"]} == want and usage["total"]["requests"] == total, usage
        assert all(r["tokens_in"] == r["tokens_out"] == r["tokens_charged"] == r["cost_unknown"] == 0 for r in usage["rows"] if r["ending"] != "complete"), usage
        keys_of = {r["key"]: r["requests"] for r in gateway.admin("GET", "/api/usage?by=key")[1]["rows"]}
        assert keys_of == {"": 9, "good": 5, "two": 6, "far": 1, "spent": 2} == counted(log, lambda r: r.get("client_key", "")), keys_of
        samples = scrape(gateway)["penstock_requests_total"]["samples"]
        assert {e: sum(n for _, labels, n in samples if labels["ending"] == e) for e in want} == want and sum(n for _, _, n in samples) == total
        counters = gateway.admin("GET", "/api/status")[1]["counters"]
        assert (counters["exchanges"], counters["failed"], counters["refused_keys"]) == (total, total - 4, 9), counters
        written = b"".join(f.read_bytes() for f in gateway.folder.glob("usage.db*")) + (gateway.folder / "access.log").read_bytes() + gateway.log_path.read_bytes()
        assert b"sk-wrong" not in written and b"sk-two" not in written
    finally:
        gateway.clear()


def test_a_hundred_at_once_get_exactly_what_the_budget_allows(program):
    gate, lock, seen = threading.Event(), threading.Lock(), []

    def answer(request, connection):
        with lock:
            seen.append(1)
        gate.wait(20)
        connection.sendall(whole(told(40, 60)))

    upstream = Upstream(answer)
    body = json.dumps({"model": "m-1", "max_tokens": 60, "messages": [{"role": "user", "content": "hello there " * 15}]}).encode()
    account = {"label": "one", "provider": "anthropic", "base_url": upstream.url, "api_key": "k"}
    gateway = Gateway(program, {"workers": 4, "accounts": [account], "client_keys": [{"name": "count", "key": "sk-count-123456789"}]})
    try:
        # an upstream that cannot count leaves it to our own estimate, which is what is reserved
        gate.set()
        estimated = json.loads(gateway.call("POST", "/v1/messages/count_tokens", body, {"Authorization": "Bearer sk-count-123456789"})[2])
        gate.clear()
        each = estimated.get("input_tokens", 0) + 60
        assert 60 < each < 150, estimated
        seen.clear()
        limit = 10 * each + each // 2
        gateway.write_settings({"accounts": [account], "client_keys": [{"name": "ci", "key": KEY, "tokens_per_day": limit}]})
        until(lambda: "ci" in keys(gateway), "the edit is noticed")
        statuses = []

        def one():
            status, fields, got = gateway.call("POST", "/v1/messages", body, {"Authorization": f"Bearer {KEY}"})
            with lock:
                statuses.append((status, fields.get("retry-after"), got))

        threads = [threading.Thread(target=one) for _ in range(100)]
        for t in threads:
            t.start()
        until(lambda: len(statuses) == 90, "ninety are refused while ten are served")
        assert len(seen) == 10, len(seen)
        assert all(s == 429 and r == "1" and b"reserved" in b for s, r, b in statuses), statuses[:3]
        assert keys(gateway)["ci"]["used"]["tokens_reserved"] == 10 * each
        gate.set()
        for t in threads:
            t.join()
        assert [s for s, _, _ in statuses].count(200) == 10
        used(gateway, "ci", 10 * 100)
        # what they did not need is there for others, until all of it is spent; never more
        status = 200
        while status == 200:
            status, fields, got = gateway.call("POST", "/v1/messages", body, {"Authorization": f"Bearer {KEY}"})
        assert status == 429 and b"today" in got and int(fields["retry-after"]) > 1, (status, got)
        spent = keys(gateway)["ci"]["used"]["tokens_today"]
        assert spent <= limit and limit - spent < each + 5, (spent, limit)
    finally:
        gate.set()
        gateway.clear()


def test_budgets_are_spent_over_restarts_and_tell_what_is_left(program):
    upstream = Upstream(lambda r, c: c.sendall(whole(told(100, 50))))
    settings = {"accounts": [{"label": "one", "provider": "anthropic", "base_url": upstream.url, "api_key": "k"}],
                "client_keys": [{"name": "ci", "key": KEY, "tokens_per_day": 1000, "tokens_per_month": 100000}]}
    body = json.dumps({"model": "m-1", "max_tokens": 10, "messages": [{"role": "user", "content": "hello there"}]}).encode()
    gateway = Gateway(program, settings)
    try:
        for _ in range(3):
            status, fields, _ = ask(gateway, body=body)
            assert status == 200 and fields["anthropic-ratelimit-tokens-limit"] == "1000", fields
        used(gateway, "ci", 450)
        assert gateway.stop() == 0
        gateway.start()
        assert keys(gateway)["ci"]["used"] == {"tokens_today": 450, "tokens_this_month": 450, "tokens_reserved": 0, "requests_left": None}
        time.sleep(1.2)
        gateway.stop(9)
        gateway.start()
        assert keys(gateway)["ci"]["used"]["tokens_today"] == 450
        assert int(ask(gateway, body=body)[1]["anthropic-ratelimit-tokens-remaining"]) < 550
        used(gateway, "ci", 600)
        totals = until(lambda: (lambda a: a if a["total"]["requests"] == 4 else None)(gateway.admin("GET", "/api/usage?by=key")[1]), "the last one is counted")
        assert [(r["key"], r["tokens_charged"]) for r in totals["rows"]] == [("ci", 600)], totals
    finally:
        gateway.clear()


def test_keys_are_made_listed_changed_rotated_and_revoked(program):
    gateway = Gateway(program, {"client_keys": [{"name": "declared", "hash": hashlib.sha256(KEY.encode()).hexdigest()}]})
    try:
        assert ask(gateway)[0] == 200, "a key that the file knows by its hash"
        made = change(gateway, "POST", "/api/keys", {"name": "ci", "models": ["sim*"], "expires": "2999-12-31", "requests_per_minute": 100}, 201)
        assert re.fullmatch(r"sk-ps-[A-Za-z0-9_-]{43}", made["key"]) and made["hint"].endswith(made["key"][-4:])
        assert ask(gateway, key=made["key"], model="simulator")[0] == 200 and ask(gateway, key=made["key"], model="x")[0] == 403
        assert made["key"] not in json.dumps(gateway.admin("GET", "/api/keys")[1]) and made["key"].encode() not in (gateway.folder / "penstock.db").read_bytes()
        changed = change(gateway, "PATCH", "/api/keys/ci", {"models": None, "requests_per_minute": None, "expires": None, "tokens_per_day": 5000})
        assert changed["models"] == [] and changed["requests_per_minute"] is None and changed["tokens_per_day"] == 5000 and "key" not in changed
        assert ask(gateway, key=made["key"], model="x")[0] == 200
        change(gateway, "PATCH", "/api/keys/ci", {"disabled": True})
        assert ask(gateway, key=made["key"])[0] == 401
        change(gateway, "PATCH", "/api/keys/ci", {"disabled": False})
        spent = until(lambda: keys(gateway)["ci"]["used"]["tokens_today"], "something is charged")
        rotated = change(gateway, "POST", "/api/keys/ci/rotate")
        assert rotated["key"] != made["key"] and rotated["rotated_unix_ms"] > 0
        assert ask(gateway, key=made["key"])[0] == 401 and ask(gateway, key=rotated["key"])[0] == 200
        until(lambda: keys(gateway)["ci"]["used"]["tokens_today"] > spent, "what it has used goes on")
        for method, path, body, status, named in (
                ("POST", "/api/keys", {"name": "ci"}, 409, None), ("POST", "/api/keys", {"name": "declared"}, 409, None), ("POST", "/api/keys", {}, 400, "name"),
                ("POST", "/api/keys", {"name": "x", "key": "mine"}, 400, "key"), ("POST", "/api/keys", {"name": "x", "colour": 1}, 400, "colour"),
                ("POST", "/api/keys", {"name": "x", "addresses": ["nowhere"]}, 400, "addresses[0]"), ("POST", "/api/keys", {"name": "x", "expires": "soon"}, 400, "expires"),
                ("POST", "/api/keys", {"name": "x", "tokens_per_day": -1}, 400, "tokens_per_day"), ("POST", "/api/keys", {"name": ""}, 400, "name"),
                ("PATCH", "/api/keys/ci", {"name": "other"}, 400, "name"), ("PATCH", "/api/keys/nobody", {}, 404, None), ("PATCH", "/api/keys/declared", {}, 409, None),
                ("DELETE", "/api/keys/declared", None, 409, None), ("POST", "/api/keys/declared/rotate", None, 409, None), ("DELETE", "/api/keys/nobody", None, 404, None)):
            answer = change(gateway, method, path, body, status)
            assert answer["error"].get("path") == named, (method, path, body, answer)
        change(gateway, "DELETE", "/api/keys/ci")
        assert ask(gateway, key=rotated["key"])[0] == 401 and list(keys(gateway)) == ["declared"]
        assert made["key"] not in gateway.logged() and rotated["key"] not in gateway.logged()
    finally:
        gateway.clear()


def test_the_command_works_with_and_without_a_gateway(program):
    gateway = Gateway(program, {})
    try:
        assert ask(gateway, key=None)[0] == 200
        made = gateway.command("keys", "add", "ci", "--expires", "90d", "--model", "sim*", "--model", "m-*", "--tokens-per-day", "100000")
        assert made.returncode == 0 and re.fullmatch(r"sk-ps-\S{43}\n", made.stdout), made
        assert ask(gateway, key=None)[0] == 401, "from now on a key is needed"
        key = made.stdout.strip()
        assert ask(gateway, key=key)[0] == 200
        listed = gateway.command("keys", "list").stdout
        assert "ci" in listed and "sim*,m-*" in listed and "/100000" in listed and key not in listed, listed
        assert json.loads(gateway.command("keys", "list", "--json").stdout)["keys"][0]["name"] == "ci"
        assert gateway.command("keys", "change", "ci", "--disable").returncode == 0 and ask(gateway, key=key)[0] == 401
        assert gateway.command("keys", "change", "ci", "--enable", "--expires", "never", "--tokens-per-day", "0").returncode == 0
        assert gateway.command("keys", "change", "nobody", "--disable").returncode == 3
        assert gateway.command("keys", "add", "ci").returncode == 1
        assert gateway.command("keys", "add", "x", "--expires", "soon").returncode == 1
        assert gateway.stop() == 0
        rotated = gateway.command("keys", "rotate", "ci").stdout.strip()
        again = gateway.command("keys", "add", "second", "--address", "127.0.0.1")
        assert again.returncode == 0, again
        assert "second" in gateway.command("keys", "list").stdout and gateway.command("keys", "revoke", "nobody").returncode == 3
        gateway.start()
        assert [ask(gateway, key=k)[0] for k in (key, rotated, again.stdout.strip())] == [401, 200, 200]
        assert gateway.command("keys", "revoke", "ci").returncode == 0 and ask(gateway, key=rotated)[0] == 401
    finally:
        gateway.clear()


def serve(program, folder, *arguments, environment=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "ANTI_API_", "ABV_"))}
    return subprocess.Popen([program, "serve", "--data-dir", str(folder), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**env, **(environment or {})})


def test_an_open_address_needs_a_key_and_a_container_makes_its_first_one(program):
    gateway = Gateway(program, {})
    try:
        assert gateway.stop() == 0
        refused = serve(program, gateway.folder, "--listen", "0.0.0.0:0")
        out, err = refused.communicate(timeout=TIMEOUT_S)
        assert refused.returncode == 1 and "client key" in err and "keys add" in err and out == "", (out, err)
        for start in range(2):
            process = serve(program, gateway.folder, "--listen", "0.0.0.0:0", environment={"PENSTOCK_CONTAINER": "1"})
            gateway.port = int(re.search(r":(\d+)\s*$", process.stdout.readline()).group(1))
            if start == 1:
                assert ask(gateway, key=None)[0] == 401 and ask(gateway, key=key)[0] == 200
            process.terminate()
            _, err = process.communicate(timeout=TIMEOUT_S)
            found = re.findall(r"sk-ps-[A-Za-z0-9_-]{43}", err)
            assert len(found) == (1 if start == 0 else 0), err
            key = found[0] if found else key
    finally:
        gateway.clear()


def test_a_key_sees_the_models_it_may_use(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    account = CHAT.account(upstream, "one", models=["gpt-5", "gpt-5-mini", "o3"])
    gateway = Gateway(program, {"accounts": [account], "client_keys": [{"name": "some", "key": KEY, "models": ["gpt-5*"]}, {"name": "all", "key": "sk-all-0123456789"}]})

    def listed(key, path="/v1/models"):
        status, _, body = gateway.call("GET", path, headers={"Authorization": f"Bearer {key}"})
        return status, sorted(m["id"] for m in json.loads(body).get("data", []))

    try:
        assert listed(KEY) == (200, ["gpt-5", "gpt-5-mini"]), listed(KEY)
        assert listed("sk-all-0123456789") == (200, ["gpt-5", "gpt-5-mini", "o3"])
        assert listed(KEY, "/v1/models/o3")[0] == 404 and listed(KEY, "/v1/models/gpt-5")[0] == 200
        assert listed("sk-all-0123456789", "/v1/models/o3")[0] == 200
    finally:
        gateway.clear()


def test_what_is_charged_for_what_has_no_text_and_for_what_breaks_off(program):
    gate = threading.Event()

    def answer(request, connection):
        if request.path.endswith("/embeddings"):
            connection.sendall(whole({"object": "list", "model": "m-1", "data": [{"object": "embedding", "index": 0, "embedding": [0.5] * 1000}],
                                      "usage": {"prompt_tokens": 8, "total_tokens": 8}}))
            return True
        events = [{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [{"index": 0, "delta": {"content": "x" * 400}, "finish_reason": None}]}] * 4
        connection.sendall(STREAM_HEAD + b"".join(chunk(b"data: " + json.dumps(e).encode() + b"\n\n") for e in events))
        gate.wait(10)
        return False

    upstream = Upstream(answer)
    limits = {"tokens_per_day": 100000}
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "openai", "base_url": upstream.url + "/v1", "api_key": "k", "models": ["*"]}],
                                "client_keys": [{"name": n, "key": f"sk-{n}-0123456789", **limits} for n in ("vectors", "small", "large")]})

    def leave(name, maximum):
        body = json.dumps({"model": "m-1", "stream": True, "max_tokens": maximum, "messages": [{"role": "user", "content": "hello"}]}).encode()
        with gateway.connect() as s:
            s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer sk-%s-0123456789\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % (gateway.port, name.encode(), len(body)) + body)
            got = b""
            while got.count(b"data: ") < 4:
                got += s.recv(65536)
        return until(lambda: (lambda u: u["tokens_today"] if u["tokens_today"] and not u["tokens_reserved"] else None)(keys(gateway)[name]["used"]), f"{name} is settled")

    try:
        status, _, body = gateway.call("POST", "/v1/embeddings", {"model": "m-1", "input": "hello"}, {"Authorization": "Bearer sk-vectors-0123456789"})
        assert status == 200, body
        used(gateway, "vectors", 8)
        row = until(lambda: [r for r in gateway.admin("GET", "/api/usage?by=key")[1]["rows"] if r["key"] == "vectors"], "it is counted")[0]
        assert (row["tokens_in"], row["tokens_out"], row["tokens_charged"], row["tokens_unknown"]) == (8, 0, 8, 0), row
        assert 50 < leave("large", 5000) < 1000, "by what was seen of it"
        assert leave("small", 3) < 50, "at most what was reserved"
    finally:
        gate.set()
        gateway.clear()
