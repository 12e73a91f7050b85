"""What requests used: every token that an upstream told is in usage.db once, whatever happens to streams, accounts, the gateway and its disk."""
import csv
import io
import json
import random
import resource
import signal
import sqlite3
import threading
import time

import schema
import usage_rows
from rig import STREAM_HEAD, Gateway, Upstream, chunk, until, whole

BODY = {"model": "m-1", "max_tokens": 100, "messages": [{"role": "user", "content": "hello there"}]}


def message(given, out):
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn",
            "stop_sequence": None, "usage": {"input_tokens": given, "output_tokens": out}}


def event(kind, **members):
    return chunk(b"event: %s\ndata: %s\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode()))


class Teller:
    """An upstream that tells random tokens, adds up what it told, and fails in every way when it may."""

    def __init__(self, fails, seed=7):
        self.lock, self.sent, self.fails = threading.Lock(), {"in": 0, "out": 0, "answers": 0}, fails
        self.random = random.Random(seed)
        self.upstream = Upstream(self.answer)

    def tell(self, given, out):
        with self.lock:
            self.sent["in"] += given
            self.sent["out"] += out
            self.sent["answers"] += 1

    def answer(self, request, connection):
        with self.lock:
            given, out, fate = self.random.randrange(1, 5000), self.random.randrange(2, 900), self.random.random()
        stream = json.loads(request.body).get("stream")
        if self.fails and fate < 0.1:
            connection.sendall(whole({"type": "error", "error": {"type": "api_error", "message": "no"}}, "500 Internal Server Error"))
            self.tell(0, 0)
        elif not stream:
            self.tell(given, out)
            connection.sendall(whole(message(given, out)))
        else:
            start = {**message(given, 1), "content": [], "stop_reason": None}
            connection.sendall(STREAM_HEAD + event("message_start", message=start))
            if self.fails and fate < 0.25:  # before any content: another account takes over unseen
                self.tell(given, 1)
                return False
            connection.sendall(event("content_block_start", index=0, content_block={"type": "text", "text": ""}) +
                               event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"}))
            if self.fails and fate < 0.35:  # in the middle of the content
                self.tell(given, 1)
                return False
            self.tell(given, out)
            connection.sendall(event("content_block_stop", index=0) +
                               event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": out}) +
                               event("message_stop") + b"0\r\n\r\n")
        return True

    def account(self, label):
        return {"label": label, "provider": "anthropic", "base_url": self.upstream.url, "api_key": f"sk-{label}"}


def ask(gateway, stream=False, session=None):
    try:
        return gateway.call("POST", "/v1/messages", {**BODY, "stream": stream}, {"X-Session-Id": session} if session else {})[0]
    except OSError:
        return 0


def usage(gateway, query=""):
    path = f"/api/usage{query}"
    status, answer = gateway.admin("GET", path)
    schema.check("GET", path, status, answer)
    assert status == 200, answer
    return answer


def counted(gateway, requests, query=""):
    """The same once so many requests have been counted: an answer is there a moment before its row."""
    return until(lambda: (lambda a: a if a["total"]["requests"] >= requests else None)(usage(gateway, query)), f"{requests} requests are counted")


def sql(gateway, text):
    with sqlite3.connect(f"file:{gateway.folder}/usage.db?mode=ro", uri=True) as db:
        return db.execute(text).fetchall()


def load(gateway, threads, each):
    """Requests at the same time; gives their statuses."""
    statuses, lock = [], threading.Lock()

    def work(number):
        for i in range(each):
            status = ask(gateway, stream=(i + number) % 2 == 0, session=f"s{number}-{i}")
            with lock:
                statuses.append(status)

    running = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
    for t in running:
        t.start()
    for t in running:
        t.join()
    return statuses


def row_count(gateway):
    return sql(gateway, "SELECT coalesce(sum(rows), 0) FROM request_block")[0][0]


def consistent(gateway):
    rows = [usage_rows.sums(usage_rows.read(gateway.folder))]
    for table in ("hour", "day"):
        sums = sql(gateway, "SELECT coalesce(sum(requests), 0), coalesce(sum(attempts), 0), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0),"
                            f" coalesce(sum(failed_in), 0) FROM {table}")
        assert rows == sums, (table, rows, sums)


def test_totals_are_what_the_upstreams_sent_to_the_token(program):
    tellers = [Teller(fails=True, seed=n) for n in range(12)] + [Teller(fails=False)]
    gateway = Gateway(program, {"workers": 2, "accounts": [t.account(f"acc{i}") for i, t in enumerate(tellers)], "circuit_breaker": {"enabled": False}})
    try:
        statuses = load(gateway, threads=6, each=40)
        assert statuses.count(200) > 200, statuses
        answer = counted(gateway, len(statuses), "?by=account")
        while answer["total"]["failed_tokens_in"] == 0 and len(statuses) < 2000:  # the accounts that were asked did not happen to break a stream off
            statuses += load(gateway, threads=6, each=20)
            answer = counted(gateway, len(statuses), "?by=account")
        total = answer["total"]
        sent = {k: sum(t.sent[k] for t in tellers) for k in ("in", "out", "answers")}
        assert total["tokens_in"] + total["failed_tokens_in"] == sent["in"], (total, sent)
        assert total["tokens_out"] + total["failed_tokens_out"] == sent["out"], (total, sent)
        assert total["attempts"] == sent["answers"], (total, sent)
        assert total["requests"] == len(statuses) and answer["rows_dropped"] == 0
        assert total["failed_tokens_in"] > 0, "some streams broke off and another account took over"
        rows = {r["account"]: r for r in answer["rows"]}
        for i, t in enumerate(tellers):
            row = rows[f"acc{i}"]
            assert row["tokens_in"] + row["failed_tokens_in"] == t.sent["in"], (i, row, t.sent)
            today = gateway.admin("GET", f"/api/accounts/acc{i}")[1]["today"]
            assert (today["tokens_in"], today["tokens_out"]) == (t.sent["in"], t.sent["out"]), (i, today, t.sent)
        for by in ("model", "asked", "provider", "key", "ending", "hour", "day"):
            summed = usage(gateway, f"?by={by}")
            assert sum(r["tokens_in"] for r in summed["rows"]) == total["tokens_in"], by
            assert summed["total"]["tokens_in"] == total["tokens_in"], by
        consistent(gateway)
    finally:
        gateway.clear()


def test_a_client_that_leaves_in_the_middle_is_counted_with_what_was_told_by_then(program):
    gate = threading.Event()

    def answer(request, connection):
        start = {**message(321, 1), "content": [], "stop_reason": None}
        connection.sendall(STREAM_HEAD + event("message_start", message=start) + event("content_block_start", index=0, content_block={"type": "text", "text": ""}) +
                           event("content_block_delta", index=0, delta={"type": "text_delta", "text": "hi"}))
        gate.wait(10)
        return False

    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "anthropic", "base_url": upstream.url, "api_key": "k"}]})
    try:
        with gateway.connect() as s:
            body = json.dumps({**BODY, "stream": True}).encode()
            s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (gateway.port, len(body)) + body)
            got = b""
            while b"text_delta" not in got:
                got += s.recv(4096)
        row = until(lambda: [r for r in usage(gateway, "?by=ending")["rows"] if r["ending"] == "client_left"], "the request has ended")[0]
        assert row["tokens_in"] == 321 and row["client_left"] == 1 and row["complete"] == 0, row
        assert row["cost_usd"] is None and row["cost_unknown"] == 1, "nobody knows what the rest cost"
    finally:
        gate.set()
        gateway.clear()


def test_nobody_knows_what_an_answer_cost_that_was_given_up_before_it_named_tokens(program):
    gate = threading.Event()
    asked = threading.Event()

    def answer(request, connection):
        asked.set()
        gate.wait(10)
        return False

    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [{"label": "one", "provider": "anthropic", "base_url": upstream.url, "api_key": "k"}]})
    try:
        with gateway.connect() as s:
            body = json.dumps(BODY).encode()
            s.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (gateway.port, len(body)) + body)
            assert asked.wait(10)
        row = until(lambda: [r for r in usage(gateway, "?by=ending")["rows"] if r["ending"] == "client_left"], "the request has ended")[0]
        assert row["tokens_in"] == 0 and row["cost_unknown"] == 1 and row["cost_usd"] is None, row
    finally:
        gate.set()
        gateway.clear()


def test_kill_loses_at_most_the_last_second_and_sums_stay_those_of_the_rows(program):
    teller = Teller(fails=False)
    gateway = Gateway(program, {"workers": 2, "accounts": [teller.account("one")]})
    answered, lock, stop = [], threading.Lock(), threading.Event()

    def work():
        while not stop.is_set():
            if ask(gateway) == 200:
                with lock:
                    answered.append(time.monotonic())
            else:
                time.sleep(0.02)

    chance = random.Random(3)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
    try:
        for t in threads:
            t.start()
        lost = 0
        for _ in range(4):
            time.sleep(1.2 + chance.random() / 2)
            killed = time.monotonic()
            gateway.stop(signal.SIGKILL)
            assert sql(gateway, "PRAGMA integrity_check") == [("ok",)]
            consistent(gateway)
            rows = row_count(gateway)
            with lock:
                safe = sum(1 for at in answered if at < killed - 1.0)
                all_of_them = len(answered)
            assert rows >= safe - lost, (rows, safe, lost)
            lost = max(0, all_of_them - rows)
            gateway.start()
    finally:
        stop.set()
        for t in threads:
            t.join()
        gateway.clear()


def test_a_database_that_cannot_be_written_costs_nothing_but_waiting(program):
    teller = Teller(fails=False)
    gateway = Gateway(program, {"workers": 2, "accounts": [teller.account("one")]})
    try:
        assert ask(gateway) == 200
        until(lambda: row_count(gateway) == 1, "the first row is written")
        with sqlite3.connect(f"{gateway.folder}/usage.db", isolation_level=None) as db:
            db.execute("BEGIN IMMEDIATE")  # another program has it
            for i in range(30):
                before = time.monotonic()
                assert ask(gateway, stream=i % 2 == 0) == 200
                assert time.monotonic() - before < 5
            until(lambda: "usage of requests waits" in gateway.logged(), "the keeper has met it")
            db.execute("ROLLBACK")
        until(lambda: row_count(gateway) == 31, "the rows follow")
        until(lambda: "usage is kept again" in gateway.logged(), "and it is told")
        assert usage(gateway)["total"]["tokens_in"] == teller.sent["in"]
        consistent(gateway)
    finally:
        gateway.clear()


def test_a_full_disk_stops_no_request_and_what_waited_follows(program):
    teller = Teller(fails=False)
    gateway = Gateway(program, {"accounts": [teller.account("one")]})
    try:
        assert ask(gateway) == 200
        until(lambda: row_count(gateway) == 1, "the first row is written")
        pid, limit = gateway.process.pid, resource.RLIMIT_FSIZE
        resource.prlimit(pid, limit, ((gateway.folder / "usage.db-wal").stat().st_size, resource.RLIM_INFINITY))
        for _ in range(20):
            assert ask(gateway) == 200
        waiting = until(lambda: gateway.admin("GET", "/api/usage")[0] != 200 or usage(gateway)["rows_waiting"], "rows wait")
        assert waiting
        assert ask(gateway) == 200
        resource.prlimit(pid, limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        until(lambda: row_count(gateway) == 22, "the rows follow")
        assert usage(gateway)["total"]["tokens_in"] == teller.sent["in"]
        consistent(gateway)
    finally:
        gateway.clear()


def test_a_database_that_cannot_be_opened_is_taken_up_without_a_restart(program):
    teller = Teller(fails=False)
    gateway = Gateway(program, {"accounts": [teller.account("one")]})
    try:
        assert gateway.stop() == 0
        def version(number):
            with sqlite3.connect(f"{gateway.folder}/usage.db") as db:
                db.execute("UPDATE meta SET value = ? WHERE name = 'schema_version'", (number,))

        known = sql(gateway, "SELECT value FROM meta WHERE name = 'schema_version'")[0][0]
        version(known + 1)  # a newer program has written it
        gateway.start()
        for _ in range(5):
            assert ask(gateway) == 200
        status, answer = gateway.admin("GET", "/api/usage")
        schema.check("GET", "/api/usage", status, answer)
        assert status == 503, answer
        version(known)
        total = until(lambda: (lambda s, a: s == 200 and a["total"]["requests"] == 5 and a["total"])(*gateway.admin("GET", "/api/usage")), "it is opened again, and the rows follow")
        assert total["tokens_in"] == teller.sent["in"], total
    finally:
        gateway.clear()


def test_costs_come_from_the_price_table_and_are_never_zero_for_want_of_one(program):
    teller = Teller(fails=False)
    gateway = Gateway(program, {"accounts": [teller.account("one")]})
    try:
        ask(gateway)
        row = counted(gateway, 1, "?by=model")["rows"][0]
        assert row["cost_usd"] is None and row["cost_unknown"] == 1, row
        assert "unknown" in gateway.command("usage", "--by", "model").stdout
        gateway.write_settings({"accounts": [teller.account("one")], "usage": {"prices": {"m-*": {"input": 3, "output": 15.5, "cache_read": 0.3}}}})
        until(lambda: "new settings are in force" in gateway.logged(), "the edit is noticed")
        before = dict(teller.sent)
        ask(gateway)
        total = counted(gateway, 2)["total"]
        given, out = teller.sent["in"] - before["in"], teller.sent["out"] - before["out"]
        assert total["cost_unknown"] == 1 and abs(total["cost_usd"] - (given * 3 + out * 15.5) / 1e6) < 1e-9, total
        assert "+?" in gateway.command("usage").stdout
    finally:
        gateway.clear()


def test_what_a_client_writes_does_not_steer_the_terminal_of_who_reads_it(program):
    gateway = Gateway(program, {})
    try:
        model = "m\x1b]0;owned\x07\x1b[31mred\r\n\x9b2J\u202e"
        assert gateway.call("POST", "/v1/messages", {**BODY, "model": model})[0] == 200
        counted(gateway, 1)
        for words in (["usage", "--by", "asked"], ["usage", "--by", "asked", "--csv"], ["logs"], ["why"]):
            done = gateway.command(*words)
            assert done.returncode == 0 and "[31mred" in done.stdout, done
            assert not {"\x1b", "\x07", "\x7f"} & set(done.stdout), (words, done.stdout)
            assert words[-1] == "--csv" or not {"\r", "\x9b", "\u202e"} & set(done.stdout), (words, done.stdout)
        rows = gateway.command("usage", "--by", "asked", "--json").stdout
        assert json.loads(rows)["rows"][0]["asked"] == model, rows
    finally:
        gateway.clear()


def test_exports_hold_no_formulas_and_wrong_questions_are_named(program):
    gateway = Gateway(program, {})
    try:
        for model in ("=HYPERLINK(1)", "+1", "@x", "a,\"b\"", "plain"):
            assert gateway.call("POST", "/v1/messages", {**BODY, "model": model})[0] == 200
        counted(gateway, 5)
        done = gateway.command("usage", "--by", "asked", "--csv")
        assert done.returncode == 0, done
        rows = list(csv.reader(io.StringIO(done.stdout)))
        assert rows[0][:2] == ["asked", "requests"] and rows[0][-1] == "cost_usd"
        assert sorted(r[0] for r in rows[1:]) == sorted(["'=HYPERLINK(1)", "'+1", "'@x", 'a,"b"', "plain"]), rows
        assert all(r[-1] == "" for r in rows[1:]), "the simulator has no price"
        status, fields, _ = gateway.call("GET", "/api/usage?format=csv", headers={"Authorization": f"Bearer {gateway.token}"})
        assert status == 200 and fields["content-type"].startswith("text/csv")
        for query, named in (("by=moon", "by"), ("from=soon", "from"), ("from=2026-02-30", "from"), ("from=2026-11-02&to=2026-11-01", "to"), ("limit=0", "limit"),
                             ("limit=10001", "limit"), ("format=xml", "format"), ("model=" + "x" * 300, "model"), ("account=" + "%20" * 300, "account")):
            status, answer = gateway.admin("GET", f"/api/usage?{query}")
            schema.check("GET", "/api/usage", status, answer)
            assert status == 400 and answer["error"]["path"] == named, (query, status, answer)
        for query in ("from=7d", "from=2026-11-01", "from=2026-11-01T00:00:00Z", "from=1795957456000", "to=1h&from=2d"):
            usage(gateway, f"?{query}")
        assert usage(gateway, "?asked=plain")["total"]["requests"] == 1
    finally:
        gateway.clear()


def test_nothing_is_kept_when_it_is_switched_off(program):
    gateway = Gateway(program, {"usage": {"track": False}})
    try:
        assert ask(gateway) == 200
        assert usage(gateway)["total"]["requests"] == 0
    finally:
        gateway.clear()


def test_prices_are_seen_and_changed(program):
    gateway = Gateway(program, {"workers": 1})

    def call(method, path, body=None):
        status, answer = gateway.admin(method, path, body)
        schema.check(method, path, status, answer)
        return status, answer

    try:
        builtin = call("GET", "/api/prices")[1]["prices"]
        assert builtin and all(p["declared_in"] == "program" and p["provider"] for p in builtin)
        done = gateway.command("prices", "set", "gpt-5.1*", "--input", "1.25", "--output", "10", "--cache-read", "0.125")
        assert done.returncode == 0 and "gpt-5.1*" in done.stdout and "settings" in done.stdout, done
        status, answer = call("PUT", "/api/prices/m%2Fx", {"input": 0, "output": 0.000001, "provider": "openai"})
        assert status == 200 and answer["prices"][1] == {"model": "m/x", "declared_in": "file", "input": 0, "output": 0.000001, "provider": "openai"}, answer
        assert json.loads((gateway.folder / "gui_config.json").read_text())["usage"]["prices"] == {
            "gpt-5.1*": {"input": 1.25, "output": 10, "cache_read": 0.125}, "m/x": {"input": 0, "output": 0.000001, "provider": "openai"}}
        for body in ({"input": -1, "output": 1}, {"input": 1}, {"input": 1, "output": "2"}, {"input": 1, "output": 1, "colour": 2}, {"input": 0.0000001, "output": 1}):
            assert call("PUT", "/api/prices/y", body)[0] == 400, body
        assert call("DELETE", "/api/prices/m%2Fx")[0] == 200 and call("DELETE", "/api/prices/m%2Fx")[0] == 404
        assert gateway.command("prices", "remove", "nothing").returncode == 3
        assert gateway.command("prices", "set", "x", "--input", "cheap", "--output", "1").returncode == 2
        assert "gpt-5.1*" in gateway.command("prices", "list").stdout
    finally:
        gateway.clear()
