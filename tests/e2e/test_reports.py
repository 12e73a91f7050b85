"""What is told of requests outside of the process: the access log with its rotation, and traces for a collector."""
import http.server
import json
import os
import socket
import threading
import time

from rig import Gateway, Upstream, until, whole
from test_admin import ask, two
from test_metrics import scrape, value
from wires import WIRES

CHAT = WIRES[0]


class Collector:
    """Takes OTLP over HTTP; `statuses` are answered in turn, then 200."""

    def __init__(self, statuses=(), answer=b"{}"):
        self.bodies, self.heads, self.statuses = [], [], list(statuses)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = outer.statuses.pop(0) if outer.statuses else 200
                outer.heads.append((self.path, dict((k.lower(), v) for k, v in self.headers.items())))
                outer.bodies.append(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self, index=None):
        chosen = self.bodies if index is None else [self.bodies[index]]
        return [span for body in chosen for resource in body["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}


def spans_of(collector, count):
    until(lambda: len(collector.spans()) >= count, f"{count} spans")
    assert len(collector.spans()) == count
    return collector.spans()


def failing_first(request, connection):
    if request.key == "sk-upstream-one":
        connection.sendall(whole({"error": {"message": "slow down"}}, "429 Too Many Requests", {"Retry-After": "300"}))
    else:
        connection.sendall(CHAT.whole())


def traced(program, collector, upstream=None, **traces):
    upstream = upstream or Upstream(failing_first)
    return Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")], "traces": {"endpoint": collector.url, **traces}}), upstream


def test_a_request_and_its_attempts_become_spans(program):
    collector = Collector()
    gateway, upstream = traced(program, collector, headers={"X-Collector-Key": "k 1"}, service_name="my gateway")
    try:
        status, fields, _ = gateway.call("POST", *CHAT.request())
        assert status == 200
        spans = {s["kind"]: [] for s in spans_of(collector, 3)}
        for span in collector.spans():
            spans[span["kind"]].append(span)
        server, = spans[2]
        first, second = sorted(spans[3], key=lambda s: attributes(s)["penstock.attempt"])
        assert collector.heads[0][0] == "/v1/traces" and collector.heads[0][1]["x-collector-key"] == "k 1" and collector.heads[0][1]["content-type"] == "application/json"
        resource = collector.bodies[0]["resourceSpans"][0]["resource"]
        assert attributes(resource)["service.name"] == "my gateway" and attributes(resource)["service.version"]
        assert len(server["traceId"]) == 32 and len(server["spanId"]) == 16 and "parentSpanId" not in server
        assert {s["traceId"] for s in collector.spans()} == {server["traceId"]} and len({s["spanId"] for s in collector.spans()}) == 3
        assert first["parentSpanId"] == second["parentSpanId"] == server["spanId"]
        told = attributes(server)
        assert server["name"] == "chat m-1" and told["gen_ai.operation.name"] == "chat" and told["gen_ai.provider.name"] == "openai"
        assert told["gen_ai.usage.input_tokens"] == "10" and told["gen_ai.usage.output_tokens"] == "2" and told["http.response.status_code"] == "200"
        assert told["penstock.request_id"] == fields["x-request-id"] and told["penstock.attempts"] == "2" and "status" not in server
        assert first["status"] == {"code": 2, "message": "too many requests in a short time"} and attributes(first)["error.type"] == "rate_limited"
        assert attributes(first)["penstock.account"] == "one" and attributes(first)["http.response.status_code"] == "429" and attributes(first)["penstock.lockout.scope"]
        assert attributes(second)["penstock.account"] == "two" and "status" not in second
        for span in collector.spans():
            assert int(server["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"]) <= int(server["endTimeUnixNano"])
        assert abs(int(server["endTimeUnixNano"]) / 1e9 - time.time()) < 60
        words = json.dumps(collector.bodies)
        assert "hello" not in words.lower() and "sk-upstream" not in words, "neither content nor credentials"
        assert not any("traceparent" in r.fields for r in upstream.requests)
    finally:
        gateway.clear()


def test_the_trace_of_the_client_goes_on_and_to_the_upstream_only_when_set(program):
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    collector = Collector()
    gateway, upstream = traced(program, collector, forward=True, sample_permille=0)
    try:
        path, body = CHAT.request()
        assert gateway.call("POST", path, body, {"traceparent": f"00-{trace}-{parent}-01"})[0] == 200
        spans = spans_of(collector, 3)
        server, = [s for s in spans if s["kind"] == 2]
        assert server["traceId"] == trace and server["parentSpanId"] == parent
        sent = [r.fields["traceparent"] for r in upstream.requests]
        by_number = {attributes(s)["penstock.attempt"]: s["spanId"] for s in spans if s["kind"] == 3}
        assert sent == [f"00-{trace}-{by_number['1']}-01", f"00-{trace}-{by_number['2']}-01"]
        assert gateway.call("POST", path, body, {"traceparent": f"00-{trace}-{parent}-00"})[0] == 200
        assert gateway.call("POST", path, body)[0] == 200
        assert upstream.requests[-1].fields["traceparent"].endswith("-00"), "not sampled"
        assert gateway.stop() == 0
        assert len(collector.spans()) == 3, "neither the client nor the settings wanted those"
    finally:
        gateway.clear()


def test_a_collector_that_fails_is_asked_again_and_one_that_refuses_is_not(program):
    for statuses, took in (([503, 429], 3), ([400], 0)):
        collector = Collector(statuses)
        gateway, _ = traced(program, collector)
        try:
            assert gateway.call("POST", *CHAT.request())[0] == 200
            until(lambda: value(scrape(gateway), "penstock_report_spans_sent_total") + value(scrape(gateway), "penstock_report_spans_dropped_total") == 3, "its fate is known")
            assert value(scrape(gateway), "penstock_report_spans_sent_total") == took
            assert len(collector.bodies) == len(statuses) + (took > 0) and all(b == collector.bodies[0] for b in collector.bodies), "the same spans each time"
            assert gateway.logged().count("traces cannot be sent") == 1
        finally:
            gateway.clear()


def test_spans_that_a_collector_rejects_are_counted(program):
    collector = Collector(answer=b'{"partialSuccess": {"rejectedSpans": "2", "errorMessage": "too old"}}')
    gateway, _ = traced(program, collector)
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 200
        until(lambda: value(scrape(gateway), "penstock_report_spans_dropped_total") == 2, "two were rejected")
        assert value(scrape(gateway), "penstock_report_spans_sent_total") == 1
    finally:
        gateway.clear()


def test_what_waits_is_sent_before_the_end_and_a_dead_collector_holds_nothing_up(program):
    collector = Collector()
    gateway, _ = traced(program, collector)
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 200
        assert gateway.stop() == 0
        assert len(collector.spans()) == 3
    finally:
        gateway.clear()
    collector.server.server_close()
    gateway, _ = traced(program, collector)
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 200
        began = time.monotonic()
        assert gateway.stop() == 0 and time.monotonic() - began < 10
    finally:
        gateway.clear()


class Tunnels:
    """A proxy that takes CONNECT, whatever for, and leads to the collector."""

    def __init__(self, collector):
        self.asked = []
        self.to = collector.server.server_address
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.socket.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            self.asked.append(head.split(b" ")[1].decode())
            behind = socket.create_connection(self.to)
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for one, other in ((client, behind), (behind, client)):
                threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    @staticmethod
    def copy(one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass


def test_traces_go_over_the_proxy_that_leads_outside(program):
    collector = Collector()
    proxy = Tunnels(collector)
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    settings = {"accounts": [CHAT.account(upstream, "one")], "traces": {"endpoint": "http://collector.invalid:4318"}}
    for more, environment in (({"proxy": {"upstream_proxy": proxy.url}}, {}), ({}, {"HTTP_PROXY": proxy.url})):
        gateway = Gateway(program, {**settings, **more}, environment)
        try:
            before = len(collector.spans())
            gateway.call("POST", *CHAT.request())
            until(lambda: len(collector.spans()) == before + 2, "both spans")
            assert set(proxy.asked) == {"collector.invalid:4318"}, proxy.asked
        finally:
            gateway.clear()
    count = len(proxy.asked)
    gateway = Gateway(program, settings, {"HTTP_PROXY": proxy.url, "NO_PROXY": "collector.invalid"})
    try:
        gateway.call("POST", *CHAT.request())
        until(lambda: "traces cannot be sent" in gateway.logged(), "nobody has such a name")
        assert len(proxy.asked) == count, proxy.asked
    finally:
        gateway.clear()


def test_traces_come_and_go_with_the_settings(program):
    collector = Collector()
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    settings = {"accounts": [CHAT.account(upstream, "one")]}
    gateway = Gateway(program, settings)
    try:
        ask(gateway)
        gateway.write_settings({**settings, "traces": {"endpoint": f"{collector.url}/own/path"}})
        until(lambda: ask(gateway) and collector.spans(), "traces are on")
        assert collector.heads[0][0] == "/own/path"
        gateway.write_settings(settings)
        until(lambda: "new settings are in force" in gateway.logged().split("/own/path")[-1] and gateway.logged().count("new settings are in force") == 2, "traces are off")
        time.sleep(0.5)  # what was under way has ended
        count = len(collector.spans())
        ask(gateway)
        time.sleep(1.5)  # longer than spans are gathered
        assert len(collector.spans()) == count
    finally:
        gateway.clear()


# --- the access log


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_every_request_has_a_line_in_the_access_log(program):
    upstream = Upstream(failing_first)
    gateway = Gateway(program, {"workers": 2, "logs": {"access": "file"}, "accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        ids = [gateway.call("POST", *CHAT.request())[1]["x-request-id"] for _ in range(25)]
        path, body = CHAT.request(model="m-1")
        gateway.call("POST", path, b"{", {})
        log = gateway.folder / "access.log"
        until(lambda: len(lines(log)) == 26, "all are written")
        log.rename(gateway.folder / "moved.log")
        gateway.call("POST", path, b"{", {})
        until(lambda: len(lines(log)) == 1, "another program may move the file away")
        (gateway.folder / "moved.log").rename(log)
        told = {line["id"]: line for line in lines(log)}
        assert set(ids) < set(told) and oct(log.stat().st_mode & 0o777) == "0o600"
        first = told[ids[0]]
        assert first["status"] == 200 and first["ending"] == "complete" and first["model"] == "m-1" and first["account"] == "two" and first["tokens_in"] == 10
        assert [(a["account"], a["verdict"]) for a in first["attempts"]] == [("one", "rate_limited"), ("two", "success")]
        assert abs(first["time_unix_ms"] / 1000 - time.time()) < 60
        wrong, = [line for line in lines(log) if line["status"] == 400]
        assert wrong["ending"] == "request_wrong" and wrong["phase"] and wrong["attempts"] == []
        assert value(scrape(gateway), "penstock_report_access_lines_total") == 27
    finally:
        gateway.clear()


def test_the_access_log_goes_on_in_a_new_file_at_ten_megabytes(program):
    gateway, _ = two(program, {"logs": {"access": "file"}})
    try:
        log = gateway.folder / "access.log"
        for round_ in range(7):
            with open(log, "ab") as file:  # as if so much had been written
                file.write((json.dumps({"filling": round_}) + " " * (10 << 20) + "\n").encode())
            written = value(scrape(gateway), "penstock_report_access_lines_total")
            ask(gateway)
            until(lambda: value(scrape(gateway), "penstock_report_access_lines_total") > written, "it is written")
            assert log.stat().st_size < 10_000, round_
        kept = sorted(p.name for p in gateway.folder.glob("access.log*"))
        assert kept == ["access.log"] + [f"access.log.{i}" for i in range(1, 6)], kept
        fillings = [json.loads(line)["filling"] for i in range(1, 6) for line in (gateway.folder / f"access.log.{i}").read_text().splitlines() if "filling" in line]
        assert fillings == [6, 5, 4, 3, 2], "the newest first"
    finally:
        gateway.clear()


def test_a_full_disk_loses_lines_and_no_request(program):
    gateway, _ = two(program, {"logs": {"access": "file"}})
    try:
        ask(gateway)
        log = gateway.folder / "access.log"
        until(lambda: lines(log), "it is written")
        gateway.write_settings({"accounts": [], "logs": {"access": "off"}})
        until(lambda: gateway.logged().count("new settings are in force") == 1, "it is off")
        log.unlink()
        os.mkdir(log)  # cannot be written
        gateway.stop()
        gateway.write_settings({"logs": {"access": "file"}, "accounts": []})
        gateway.start()
        assert gateway.call("POST", "/v1/chat/completions", {"model": "simulator", "messages": [{"role": "user", "content": "hi"}]})[0] == 200
        until(lambda: value(scrape(gateway), "penstock_report_access_lines_dropped_total") == 1, "it is counted")
        assert gateway.logged().count("the access log cannot be written") == 1
        os.rmdir(log)
        assert gateway.call("POST", "/v1/chat/completions", {"model": "simulator", "messages": [{"role": "user", "content": "hi"}]})[0] == 200
        until(lambda: len(lines(log)) == 1, "it is written again without a restart")
    finally:
        gateway.clear()


def test_the_access_log_on_standard_output(program):
    gateway, _ = two(program, {"logs": {"access": "stdout"}})
    try:
        ask(gateway)
        line = json.loads(gateway.process.stdout.readline())
        assert line["status"] == 200 and not (gateway.folder / "access.log").exists()
    finally:
        gateway.clear()


def test_settings_of_traces_are_checked_and_headers_are_not_shown(program):
    gateway, _ = two(program, {"traces": {"endpoint": "http://127.0.0.1:9", "headers": {"Authorization": "Basic c2VjcmV0"}}})
    try:
        for value, word in ((1, "string"), ("ftp://x", "http or https"), ("http://user:pass@127.0.0.1:4318", "traces.headers")):
            gateway.write_settings({"traces": {"endpoint": value}, "accounts": []})
            until(lambda: word in (gateway.admin("GET", "/api/status")[1]["settings_fault"] or ""), f"{value} is refused")
        assert "c2VjcmV0" not in json.dumps(gateway.admin("GET", "/api/settings")[1])
    finally:
        gateway.clear()
