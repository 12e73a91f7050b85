"""The account pool of the real binary: what a restart keeps, and what edits of the settings file change."""
import sqlite3
import time

from rig import Gateway, Upstream, until, whole
from wires import WIRES

MESSAGES = WIRES[2]


def ask(gateway, session, wire=MESSAGES):
    """Who served, and why."""
    path, body = wire.request()
    status, fields, answer = gateway.call("POST", path, body, {"X-Session-Id": session})
    assert status == 200, (status, answer)
    return fields["x-account-email"], fields["x-penstock-reason"].split(";")[0]


def pool_of(count, answer):
    upstreams = [Upstream(answer) for _ in range(count)]
    return upstreams, {"accounts": [MESSAGES.account(u, f"acc{i}") for i, u in enumerate(upstreams)]}


def stored(gateway):
    path = gateway.folder / "usage.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM binding").fetchone()[0]


def test_conversations_stay_with_their_accounts_over_a_restart(program):
    _, settings = pool_of(3, lambda r, c: c.sendall(MESSAGES.whole()))
    gateway = Gateway(program, settings)
    try:
        homes = {f"s{i}": ask(gateway, f"s{i}")[0] for i in range(9)}
        assert len(set(homes.values())) == 3, homes
        assert gateway.stop() == 0
        gateway.start()
        for session, home in homes.items():
            assert ask(gateway, session) == (home, "sticky"), session
    finally:
        gateway.clear()


def test_a_killed_gateway_loses_at_most_its_last_second(program):
    _, settings = pool_of(2, lambda r, c: c.sendall(MESSAGES.whole()))
    gateway = Gateway(program, settings)
    try:
        home = ask(gateway, "early")[0]
        until(lambda: (gateway.folder / "usage.db").exists() and stored(gateway) == 1, "the binding is on the disk")
        gateway.stop(9)
        gateway.start()
        assert ask(gateway, "early") == (home, "sticky")
    finally:
        gateway.clear()


def test_a_damaged_usage_database_is_moved_aside_and_the_gateway_starts(program):
    _, settings = pool_of(2, lambda r, c: c.sendall(MESSAGES.whole()))
    gateway = Gateway(program, settings)
    try:
        ask(gateway, "one")
        assert gateway.stop() == 0
        path = gateway.folder / "usage.db"
        path.write_bytes(b"this is no database" * 1000)
        gateway.start()
        assert ask(gateway, "one")[1] != "sticky"
        assert list(gateway.folder.glob("usage.db.corrupt-*")) and "moved aside" in gateway.logged()
        until(lambda: stored(gateway) == 1, "the new database is written to")
    finally:
        gateway.clear()


def test_an_edit_of_the_mode_holds_from_the_next_request_on(program):
    _, settings = pool_of(2, lambda r, c: c.sendall(MESSAGES.whole()))
    gateway = Gateway(program, settings)
    try:
        home = ask(gateway, "one")[0]
        assert ask(gateway, "one") == (home, "sticky")
        gateway.write_settings({**settings, "proxy": {"scheduling": {"mode": "PerformanceFirst"}}})
        until(lambda: gateway.admin("GET", "/api/scheduling")[1]["mode"] == "PerformanceFirst", "the edit is noticed")
        assert ask(gateway, "one")[1] == "round_robin"
        gateway.write_settings(settings)
        until(lambda: gateway.admin("GET", "/api/scheduling")[1]["mode"] == "Balance", "the edit is noticed")
        assert ask(gateway, "one") == (home, "sticky"), "what was bound before is bound still"
    finally:
        gateway.clear()


def test_who_waits_for_a_busy_account_is_served_in_the_order_of_coming(program):
    import threading
    gate, order, lock = threading.Event(), [], threading.Lock()

    def answer(request, connection):
        with lock:
            order.append(request.fields["x-number"] if "x-number" in request.fields else request.body)
        if len(order) == 1:
            gate.wait(10)
        connection.sendall(MESSAGES.whole())

    upstream = Upstream(answer)
    gateway = Gateway(program, {"workers": 4, "proxy": {"scheduling": {"queue_wait_seconds": 10}},
                                "accounts": [MESSAGES.account(upstream, "one", max_concurrency=1)]})
    try:
        path, body = MESSAGES.request()
        threads, statuses = [], []
        for i in range(8):
            sent = body.replace(b"hello world", b"number %d" % i)
            t = threading.Thread(target=lambda b=sent: statuses.append(gateway.call("POST", path, b)[0]))
            t.start()
            threads.append(t)
            if i == 0:
                until(lambda: len(order) == 1, "the first is at the upstream")
            else:
                time.sleep(0.05)
        gate.set()
        for t in threads:
            t.join()
        assert statuses == [200] * 8, statuses
        numbers = [int(b.split(b"number ")[1][:1]) for b in order]
        assert numbers == list(range(8)), numbers
    finally:
        gateway.clear()
