"""Who may come in, and to what: paths, methods, keys, origins, hosts; and what malformed requests get."""
import json
import pathlib
import re

from rig import TIMEOUT_S, Gateway, Upstream
from wires import MODEL, WIRES


def simulated(program, settings=None):
    return Gateway(program, settings or {})


def error_of(answer):
    return json.loads(answer)["error"]


def test_errors_have_the_form_of_the_paths_protocol(program):
    gateway = simulated(program)
    try:
        for method, path, status in (("GET", "/nowhere", 404), ("GET", "/v1/chat/completions", 405), ("DELETE", "/v1/models", 405),
                                     ("POST", "/v1/chat/completions/", 404), ("POST", "//v1/chat/completions", 404), ("POST", "/V1/messages", 404),
                                     ("POST", "/v1/responses/compact", 400), ("GET", "/v1/models/none-such", 404),
                                     ("POST", "/v1beta/models/x:predict", 404), ("POST", "/v1beta/models/x", 405)):
            got, fields, answer = gateway.call(method, path, {} if method == "POST" else None)
            assert got == status and error_of(answer)["message"] and fields["content-type"] == "application/json", (method, path, got, answer)
            if status == 405:
                assert fields["allow"], fields
        _, _, answer = gateway.call("POST", "/v1/messages", b"{")
        assert json.loads(answer)["type"] == "error" and error_of(answer)["type"] == "invalid_request_error"
        _, _, answer = gateway.call("POST", "/v1beta/models/x:generateContent", b"[]")
        assert error_of(answer)["status"] == "INVALID_ARGUMENT" and error_of(answer)["code"] == 400
    finally:
        gateway.clear()


def test_bad_bodies_are_refused_by_name_and_place(program):
    gateway = simulated(program)
    try:
        for body, word in ((b'{"model":"m","messages":[{"role":"user"}]', "line 1"), (b'{"messages":[{}]}', "model"), (b'{"model":1,"messages":[{}]}', "model"),
                           (b'{"model":"m","messages":[]}', "messages"), (b'{"model":"m","model":"n","messages":[{}]}', "more than once"),
                           (b'\xef\xbb\xbf{}', "byte"), (b'{"model":"\xff","messages":[{}]}', "UTF-8"), (b'[' * 200 + b']' * 200, "deep"),
                           (b'{"model":' + b'7' * 1025 + b'}', "number longer"), (b'', "empty")):
            status, _, answer = gateway.call("POST", "/v1/chat/completions", body)
            assert status == 400 and word in error_of(answer)["message"], (body[:40], status, answer)
        status, _, answer = gateway.call("POST", "/v1/chat/completions", b'{"model":[' + b'1,' * (1 << 20) + b'1]}')
        assert status == 413 and "values" in error_of(answer)["message"], (status, answer)
    finally:
        gateway.clear()


def test_an_unknown_model_is_400_with_the_nearest_names(program):
    upstream = Upstream(lambda r, c: False)
    gateway = Gateway(program, {"accounts": [WIRES[0].account(upstream, models=["gpt-5.1", "gpt-5.1-mini", "o9"])]})
    try:
        path, body = WIRES[0].request(model="gpt-5.2")
        status, _, answer = gateway.call("POST", path, body)
        assert status == 400 and "gpt-5.2" in error_of(answer)["message"] and "`gpt-5.1`" in error_of(answer)["message"], answer
        path, body = WIRES[2].request(model="gpt-5.2")
        status, _, answer = gateway.call("POST", path, body)
        assert status == 400 and "`gpt-5.1`" in error_of(answer)["message"], answer
    finally:
        gateway.clear()


def test_model_lists_in_all_forms(program):
    upstream = Upstream(lambda r, c: False)
    gateway = Gateway(program, {"accounts": [WIRES[0].account(upstream, models=["b-1", "a-1", "x*"])], "proxy": {"custom_mapping": {"mine": "a-1"}}})
    try:
        _, _, answer = gateway.call("GET", "/v1/models")
        got = json.loads(answer)
        assert got["object"] == "list" and [m["id"] for m in got["data"]] == ["a-1", "b-1", "mine"] and got["data"][0]["owned_by"] == "openai"
        _, _, answer = gateway.call("GET", "/v1/models?limit=2", headers={"anthropic-version": "2023-06-01"})
        got = json.loads(answer)
        assert got["has_more"] and got["first_id"] == "a-1" and got["last_id"] == "b-1" and got["data"][0]["type"] == "model"
        _, _, answer = gateway.call("GET", "/v1/models?limit=2&after_id=b-1", headers={"anthropic-version": "2023-06-01"})
        assert [m["id"] for m in json.loads(answer)["data"]] == ["mine"]
        _, _, answer = gateway.call("GET", "/v1beta/models?pageSize=1")
        got = json.loads(answer)
        assert got["models"][0]["name"] == "models/a-1" and got["nextPageToken"] == "b-1"
        _, _, answer = gateway.call("GET", "/v1/models/b-1", headers={"x-goog-api-key": "any-value"})
        assert json.loads(answer)["name"] == "models/b-1"
        _, _, answer = gateway.call("GET", "/v1/models/b-1")
        assert json.loads(answer)["id"] == "b-1"
    finally:
        gateway.clear()


def test_health_tells_nothing_that_could_be_abused(program):
    gateway = simulated(program, {"client_keys": [{"name": "a", "key": "sk-penstock-0123456789abcdef"}]})
    try:
        for path in ("/health", "/healthz"):
            status, _, answer = gateway.call("GET", path)
            got = json.loads(answer)
            assert status == 200 and set(got) == {"status", "version", "active_accounts"} and got["active_accounts"] == 1
    finally:
        gateway.clear()


def test_the_address_opened_in_a_browser_says_what_it_is(program):
    gateway = simulated(program)
    try:
        status, fields, _ = gateway.call("GET", "/")
        assert status == 302 and fields["location"] == "/quota"
        status, fields, answer = gateway.call("GET", "/quota")
        assert status == 200 and fields["content-type"].startswith("text/html") and b"Penstock" in answer
        assert "default-src 'none'" in fields["content-security-policy"]
    finally:
        gateway.clear()


def test_client_keys_are_needed_once_there_is_one(program):
    key = "sk-penstock-0123456789abcdef"
    upstream = Upstream(lambda r, c: c.sendall(next(w for w in WIRES if r.key.endswith(w.name)).whole()))
    gateway = Gateway(program, {"client_keys": [{"name": "ci", "key_env": "CI_KEY"}],
                                "accounts": [w.account(upstream, w.name) for w in WIRES if w.name != "responses"]}, environment={"CI_KEY": key})
    try:
        for wire in WIRES:
            if wire.name == "responses":
                continue
            path, body = wire.request()
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"x-api-key": key + "x"}, {"Authorization": f"Basic {key}"}):
                status, _, answer = gateway.call("POST", path, body, headers)
                assert status == 401, (wire.name, headers, status)
                if wire.name == "gemini":
                    assert error_of(answer)["status"] == "UNAUTHENTICATED" and error_of(answer)["details"][0]["reason"] == "API_KEY_INVALID"
            for headers in ({"Authorization": f"Bearer {key}"}, {"x-api-key": key}, {"x-goog-api-key": key}):
                assert gateway.call("POST", path, body, headers)[0] == 200, (wire.name, headers)
        path, body = WIRES[3].request()
        assert gateway.call("POST", f"{path}?key={key}", body)[0] == 200
        path, body = WIRES[0].request()
        assert gateway.call("POST", f"{path}?key={key}", body)[0] == 401, "the query is for Gemini paths only"
        assert key not in gateway.logged(), "no key in the log"
    finally:
        gateway.clear()


def test_another_sites_page_cannot_spend_quota(program):
    gateway = simulated(program)
    try:
        _, body = WIRES[0].request()
        own = f"http://127.0.0.1:{gateway.port}"
        for headers, status in (({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": ""}, 403), ({"Sec-Fetch-Site": ""}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
                                ({"Sec-Fetch-Site": "same-site"}, 403), ({"Content-Type": "text/plain"}, 415), ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
                                ({"Origin": own}, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200),
                                ({"Content-Type": "application/json; charset=utf-8"}, 200)):
            got, fields, answer = gateway.call("POST", "/v1/chat/completions", body, headers)
            assert got == status, (headers, got, answer)
            assert not [f for f in fields if f.startswith("access-control")], fields
    finally:
        gateway.clear()


def test_cors_is_for_the_configured_origins_only(program):
    gateway = simulated(program, {"cors_origins": ["https://app.example"]})
    try:
        _, body = WIRES[0].request()
        status, fields, _ = gateway.call("POST", "/v1/chat/completions", body, {"Origin": "https://app.example"})
        assert status == 200 and fields["access-control-allow-origin"] == "https://app.example" and fields["vary"] == "Origin"
        status, fields, _ = gateway.call("OPTIONS", "/v1/chat/completions", None, {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"})
        assert status == 204 and "POST" in fields["access-control-allow-methods"] and "Authorization" in fields["access-control-allow-headers"]
        asked = "authorization,content-type,x-stainless-lang,anthropic-dangerous-direct-browser-access"
        _, fields, _ = gateway.call("OPTIONS", "/v1/messages", None, {"Origin": "https://app.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked})
        assert fields["access-control-allow-headers"] == asked, "an SDK's own fields, whatever they are"
        for method, path, status in (("GET", "/v1/models", 200), ("GET", "/v1/models/none", 404), ("GET", "/v1/nothing", 404), ("DELETE", "/v1/messages", 405),
                                     ("GET", "/v1/responses/resp_x", 404), ("GET", "/health", 200)):
            got, fields, _ = gateway.call(method, path, None, {"Origin": "https://app.example"})
            assert got == status and fields.get("access-control-allow-origin") == "https://app.example", (path, got, fields)
            got, fields, _ = gateway.call(method, path, None, {"Origin": "https://other.example"})
            assert "access-control-allow-origin" not in fields, (path, fields)
        status, fields, _ = gateway.call("GET", "/api/status", None, {"Origin": "https://app.example"})
        assert "access-control-allow-origin" not in fields
    finally:
        gateway.clear()


def test_hosts_that_are_not_ours_are_misdirected(program):
    gateway = simulated(program, {"hosts": ["gate.example"]})
    try:
        port = gateway.port
        for host, status in (("127.0.0.1:%d" % port, 200), ("localhost:%d" % port, 200), ("gate.example", 200), ("evil.example", 421), ("127.0.0.1:1", 421),
                             ("2130706433:%d" % port, 421), ("localhost.:%d" % port, 421), ("0x7f.1:%d" % port, 421)):
            for path in ("/health", "/api/status"):
                got, _, answer = gateway.call("GET", path, None, {"Host": host})
                assert got == (401 if path != "/health" and status == 200 else status), (host, path, got, answer)
    finally:
        gateway.clear()



def test_malformed_requests_are_refused_and_nothing_behind_them_is_served(program):
    gateway = simulated(program)
    try:
        cases = [b"GET /health HTTP/1.1\nHost: a\r\n\r\n", b"GET  /health HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET /health HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
                 b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                 b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: +5\r\n\r\nhello",
                 b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                 b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                 b"GET /%%00 HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", b"GET /a/../health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n",
                 b"GET /health HTTP/2.0\r\nHost: a\r\n\r\n", b"GET /health\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: a\x01b\r\n\r\n", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nX: a\r\n b\r\n\r\n"]
        follow = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % gateway.port
        for case in cases:
            data = case % gateway.port if b"%d" in case else case.replace(b"%%", b"%")
            connection = gateway.connect()
            connection.settimeout(TIMEOUT_S)
            connection.sendall(data + follow)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            connection.close()
            assert re.match(rb"HTTP/1\.1 (4\d\d|50[15]) ", answer), (data, answer)
            assert answer.count(b"HTTP/1.1 ") == 1 and b"active_accounts" not in answer, (data, answer)
        assert gateway.call("GET", "/health")[0] == 200
    finally:
        gateway.clear()
