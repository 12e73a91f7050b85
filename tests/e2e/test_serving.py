"""Pausing and resuming: clients get 503 in their form, what runs is finished, the operator's side stays."""
import json
import threading

from rig import STREAM_HEAD, TIMEOUT_S, Gateway, Upstream, chunk, until
from test_admin import admin, two
from test_commands import json_of, told
from test_metrics import scrape, value
from wires import WIRES

CHAT = WIRES[0]
ASKS = (  # a request of each protocol, and where its error says what is wrong
    ("/v1/chat/completions", {"model": "m-1", "messages": [{"role": "user", "content": "hi"}]}, lambda e: e["error"]["message"]),
    ("/v1/responses", {"model": "m-1", "input": "hi"}, lambda e: e["error"]["message"]),
    ("/v1/messages", {"model": "m-1", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}, lambda e: e["error"]["message"] if e["type"] == "error" else None),
    ("/v1beta/models/m-1:generateContent", {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}, lambda e: e["error"]["message"] if e["error"]["status"] == "UNAVAILABLE" else None),
)


def test_while_paused_clients_get_503_in_their_form_and_the_operator_is_served(program):
    gateway, _ = two(program, {"workers": 2})
    try:
        assert told(gateway, "pause") == "paused: clients get 503; what runs is finished\n"
        for _ in range(2):  # both workers
            for path, body, message in ASKS:
                status, fields, data = gateway.call("POST", path, body, {"anthropic-version": "2023-06-01"})
                assert status == 503 and fields["retry-after"] == "10" and "paused" in message(json.loads(data)), (path, data)
        assert gateway.call("GET", "/v1/models")[0] == 503
        assert json.loads(gateway.call("GET", "/healthz")[2])["status"] == "paused"
        assert gateway.call("GET", "/quota", headers={"Accept": "text/html"})[0] == 200, "the dashboard stays"
        assert json_of(gateway, "status")["serving"] is False and "paused" in told(gateway, "status")
        families = scrape(gateway)
        assert value(families, "penstock_serving") == 0 and value(families, "penstock_refused_paused_total") == 9
        assert json_of(gateway, "pause") == {"serving": False}, "once more does no harm"
        assert json_of(gateway, "resume") == {"serving": True}
        assert gateway.call("POST", *CHAT.request())[0] == 200 and value(scrape(gateway), "penstock_serving") == 1
        assert "paused" not in told(gateway, "status")
        for body in ({}, {"serving": "no"}, [], {"serving": None}):
            status, answer = gateway.admin("POST", "/api/serving", body)
            assert status == 400 and "serving" in answer["error"]["message"], body
        assert admin(gateway, "POST", "/api/serving", {"serving": True}) == {"serving": True}
    finally:
        gateway.clear()


def test_a_stream_that_runs_is_finished(program):
    go_on = threading.Event()

    def slow(request, connection):
        connection.sendall(STREAM_HEAD)
        whole = CHAT.streamed()[len(STREAM_HEAD):]
        connection.sendall(whole[:len(whole) // 2])
        go_on.wait(TIMEOUT_S)
        connection.sendall(whole[len(whole) // 2:])

    upstream = Upstream(slow)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one")]})
    try:
        path, body = CHAT.request(stream=True)
        connection = gateway.http()
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        first = answer.read1()
        told(gateway, "pause")
        until(lambda: gateway.call("POST", *CHAT.request())[0] == 503, "paused")
        go_on.set()
        rest = answer.read()
        assert answer.status == 200 and first and rest.endswith(b"data: [DONE]\n\n"), rest
    finally:
        gateway.clear()


def test_a_pause_is_forgotten_when_the_gateway_ends(program):
    gateway, _ = two(program)
    try:
        told(gateway, "pause")
        gateway.stop()
        gateway.start()
        assert gateway.call("POST", *CHAT.request())[0] == 200
    finally:
        gateway.clear()
