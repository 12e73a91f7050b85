"""GET /api/events: what dashboards show, as it happens, held against docs/openapi.json."""
import json
import socket
import threading
import time

import schema
from rig import STREAM_HEAD, TIMEOUT_S, Gateway, Upstream, chunk, until, whole
from test_dashboard import Browser, link_of, set_password
from wires import WIRES

CHAT = WIRES[0]
SCHEMAS = {name: f"Event{name.capitalize()}" for name in ("snapshot", "settings", "accounts", "requests", "totals", "notices", "signins", "bye", "resync")} | {"scheduling": "Scheduling"}


class Watcher:
    """A client of /api/events: `events` are (name, data) in the order they came, each as it is described."""

    def __init__(self, gateway, headers=None, seen=None):
        headers = headers or {"Authorization": f"Bearer {gateway.token}"}
        self.events, self.last_id, self.faults, self.ended, self.status = [], None, [], False, None
        self.socket = gateway.connect()
        fields = {"Host": f"127.0.0.1:{gateway.port}", **headers, **({"Last-Event-ID": seen} if seen else {})}
        self.socket.sendall(("GET /api/events HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields.items()) + "\r\n").encode())
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        stream = self.socket.makefile("rb")
        try:
            self.status = int(stream.readline().split()[1])
            while stream.readline() not in (b"\r\n", b""):
                pass
            text = b""
            while self.status == 200:
                line = stream.readline()
                size = int(line, 16) if line else 0
                if size == 0:
                    break
                text += stream.read(size)
                stream.readline()
                while b"\n\n" in text:
                    block, text = text.split(b"\n\n", 1)
                    self._event(dict(l.split(": ", 1) for l in block.decode().split("\n") if ": " in l))
        except OSError:
            pass
        stream.close()
        self.socket.close()
        self.ended = True

    def _event(self, fields):
        if "id" in fields:
            self.last_id = fields["id"]
        if "event" in fields:
            data = json.loads(fields["data"])
            self.faults += schema.faults(data, {"$ref": "#/components/schemas/" + SCHEMAS[fields["event"]]}, fields["event"])
            self.events.append((fields["event"], data))

    def of(self, name):
        return [data for n, data in self.events if n == name]

    def news(self):
        return [n for data in self.of("requests") for n in data["news"]]

    def finished(self):
        return [r for data in self.of("requests") for r in data["ended"]]

    def leave(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # the reader closes it
        except OSError:
            pass  # it has: the answer was whole
        until(lambda: self.ended, "it has left")
        assert not self.faults, self.faults[:5]


def watch(gateway, **more):
    watcher = Watcher(gateway, **more)
    until(lambda: watcher.of("snapshot"), "the snapshot")
    return watcher


def test_it_needs_a_credential_and_no_foreign_page(program):
    gateway = Gateway(program)
    try:
        assert gateway.call("GET", "/api/events")[0] == 401
        assert gateway.call("GET", "/api/events", headers={"Authorization": f"Bearer {gateway.token}", "Origin": "http://evil.example"})[0] == 403
        status, fields, body = gateway.call("HEAD", "/api/events", headers={"Authorization": f"Bearer {gateway.token}"})
        assert status == 200 and fields["content-type"].startswith("text/event-stream") and fields["cache-control"] == "no-store" and body == b""
    finally:
        gateway.clear()


def test_a_request_is_followed_from_its_beginning_to_its_end(program):
    go = threading.Event()

    def answer(request, connection):
        if request.key == "sk-upstream-one":
            connection.sendall(whole({"error": {"message": "slow down", "type": "rate_limit_error"}}, "429 Too Many Requests", {"Retry-After": "30"}))
        else:
            connection.sendall(first_of_stream())
            go.wait(TIMEOUT_S)
            connection.sendall(rest_of_stream())
        return True

    def first_of_stream():
        return STREAM_HEAD + chunk(b'data: {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"},"finish_reason":null}]}\n\n')

    def rest_of_stream():
        return chunk(b'data: {"id":"c","object":"chat.completion.chunk","model":"m-1","choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}\n\ndata: [DONE]\n\n') + b"0\r\n\r\n"
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        first = watch(gateway)
        caller = threading.Thread(target=lambda: gateway.call("POST", *CHAT.request(stream=True)), daemon=True)
        caller.start()
        until(lambda: any(n["what"] == "content" for n in first.news()), "content was told while the request runs")
        began, one, refused, two, content = first.news()
        assert (began["what"], began["model"], began["protocol"], began["stream"]) == ("began", "m-1", "openai-chat", True), began
        assert (one["account"], one["number"], one["verdict"]) == ("one", 1, None) and (refused["account"], refused["verdict"], refused["status"]) == ("one", "rate_limited", 429), (one, refused)
        assert (two["account"], two["number"], two["verdict"]) == ("two", 2, None) and content["first_byte_ms"] >= 0, (two, content)
        assert {n["id"] for n in first.news()} == {began["id"]} and first.finished() == []
        late = watch(gateway)
        until(lambda: any(n["what"] == "content" for n in late.news()), "who comes later is told what runs")
        assert [(n["what"], n.get("account"), n.get("verdict")) for n in late.news()] == [("began", None, None), ("attempt", "one", "rate_limited"), ("attempt", "two", None), ("content", None, None)], late.news()
        go.set()
        caller.join(TIMEOUT_S)
        ended = until(lambda: first.finished(), "the ending was told")[0]
        assert (ended["id"], ended["ending"], ended["account"], ended["attempt_count"], ended["tokens"]["out"]) == (began["id"], "complete", "two", 2, 2), ended
        assert any(n["what"] == "attempt" and n["account"] == "two" and n["verdict"] == "success" for n in first.news())
        text = json.dumps(first.events)
        assert "Hello" not in text and "sk-upstream" not in text, "metadata only"
        assert sum(d["lost"] for d in first.of("requests")) == 0
        first.leave()
        late.leave()
    finally:
        go.set()
        gateway.clear()


def test_accounts_scheduling_settings_totals_and_notices_are_told_when_they_change(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program)
    try:
        watcher = watch(gateway)
        snapshot = watcher.of("snapshot")[0]
        assert [n["kind"] for n in snapshot["notices"]] == ["simulator"] and snapshot["settings"] == {"revision": 1, "changed_on_disk": True, "privacy": False, "compact": False}
        assert gateway.admin("POST", "/api/accounts", CHAT.account(upstream, "new"))[0] == 201
        until(lambda: any(a["label"] == "new" for d in watcher.of("accounts") for a in d.get("changed", [])), "the account came")
        until(lambda: watcher.of("notices"), "the simulator went")
        assert watcher.of("notices")[-1] == {"notices": []}
        account = next(a for d in watcher.of("accounts") for a in d.get("changed", []) if a["label"] == "new")
        gateway.call("POST", *CHAT.request())
        until(lambda: any(a["served"] == 1 for d in watcher.of("accounts") for a in d.get("changed", []) if a["label"] == "new"), "it served")
        until(lambda: any(t["requests"] == 1 and t["requests_per_second_milli"] > 0 for t in watcher.of("totals")), "totals")
        assert gateway.admin("DELETE", "/api/accounts/new")[0] == 200
        until(lambda: any(account["id"] in d.get("removed", []) for d in watcher.of("accounts")), "it went")
        assert gateway.admin("PATCH", "/api/scheduling", {"mode": "CacheFirst"})[0] == 200
        until(lambda: any(s["mode"] == "CacheFirst" for s in watcher.of("scheduling")), "scheduling")
        assert watcher.of("settings")[-1] == {"revision": 2, "changed_on_disk": False, "privacy": False, "compact": False}
        gateway.write_settings("{ this is broken")
        until(lambda: any(n["kind"] == "settings_fault" for d in watcher.of("notices") for n in d["notices"]), "the broken file")
        gateway.write_settings({"logs": {"bodies": True}})
        until(lambda: gateway.admin("POST", "/api/capture", {"minutes": 1})[0] == 200, "bodies may be captured")
        until(lambda: any(n["kind"] == "bodies" for d in watcher.of("notices") for n in d["notices"]), "bodies are kept")
        assert watcher.of("settings")[-1]["changed_on_disk"]
        watcher.leave()
    finally:
        gateway.clear()


def test_sign_ins_are_told_as_they_go_on(program):
    gateway = Gateway(program, {"providers": {"codex": {"oauth": {"client_id": "id-of-a-test"}}}})
    try:
        watcher = watch(gateway)
        status, started = gateway.admin("POST", "/api/signin/codex", {})
        assert status == 201, started
        until(lambda: watcher.of("signins") and watcher.of("signins")[-1]["signins"] == [{"id": started["id"], "provider": "codex", "state": "waiting"}], "it was told of")
        assert gateway.admin("DELETE", f"/api/signin/{started['id']}")[0] == 200
        until(lambda: all(s["state"] != "waiting" for s in watcher.of("signins")[-1]["signins"]), "its end")
        watcher.leave()
    finally:
        gateway.clear()


def test_nothing_is_sent_while_nothing_happens(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, f"a{i}") for i in range(20)]})
    try:
        watcher = watch(gateway)
        until(lambda: watcher.of("accounts") and watcher.of("totals"), "the first look")
        time.sleep(1.2)
        seen = len(watcher.events)
        time.sleep(2.5)
        assert len(watcher.events) == seen, watcher.events[seen:]
        watcher.leave()
    finally:
        gateway.clear()


def test_who_comes_back_goes_on_where_it_was(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream)]})
    try:
        watcher = watch(gateway)
        until(lambda: watcher.of("totals"), "a batch came")
        last = watcher.last_id
        watcher.leave()
        gateway.admin("PATCH", "/api/scheduling", {"max_wait_seconds": 9})
        back = Watcher(gateway, seen=last)
        until(lambda: any(s["max_wait_seconds"] == 9 for s in back.of("scheduling")), "what happened meanwhile")
        assert back.of("snapshot") == []
        back.leave()
        for unknown in ("0000000000000000-1", last.split("-")[0] + "-999999", "rubbish", "-", last.split("-")[0] + "-x"):
            fresh = watch(gateway, seen=unknown)
            fresh.leave()
        gateway.stop()
        gateway.start()
        watch(gateway, seen=last).leave()
    finally:
        gateway.clear()


def test_there_is_room_for_so_many(program):
    gateway = Gateway(program)
    try:
        watchers = [watch(gateway) for _ in range(32)]
        status, _, data = gateway.call("GET", "/api/events", headers={"Authorization": f"Bearer {gateway.token}"})
        schema.check("GET", "/api/events", status, json.loads(data))
        assert status == 503
        for watcher in watchers:
            watcher.leave()

        def has_room():
            watcher = Watcher(gateway)
            until(lambda: watcher.status, "an answer")
            watcher.leave()
            return watcher.status == 200
        until(has_room, "there is room again")
    finally:
        gateway.clear()


def test_a_stream_ends_with_its_login_and_with_the_gateway(program):
    gateway = Gateway(program)
    try:
        browser = Browser(gateway, link=link_of(gateway))
        watcher = watch(gateway, headers={"Cookie": browser.cookie})
        tool = watch(gateway)
        assert browser.call("DELETE", "/api/session")[0] == 200
        until(lambda: watcher.ended, "it ended")
        assert watcher.events[-1] == ("bye", {"why": "login"})
        assert not tool.ended
        begun = time.monotonic()
        gateway.stop()
        assert time.monotonic() - begun < 5, "streams of events do not hold up the end"
        until(lambda: tool.ended, "it ended")
        assert tool.events[-1] == ("bye", {"why": "ending"})
    finally:
        gateway.clear()
