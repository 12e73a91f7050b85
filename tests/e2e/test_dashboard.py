"""The dashboard's side of the admin API: browsers that log in, and what pages of other sites may not do."""
import concurrent.futures
import http.client
import http.cookies
import itertools
import json
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time

import schema
from rig import Gateway, until

PASSWORD = "correct horse battery"


class Browser:
    """A browser that logs in at a gateway: keeps its cookie and CSRF token, and sends what browsers send."""

    def __init__(self, gateway, **login):
        self.gateway, self.cookie, self.csrf = gateway, None, None
        if login:
            self.log_in(**login)

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.gateway.port}"

    def call(self, method, path, body=None, headers=None):
        """(status, fields, answer)."""
        sent = {"Sec-Fetch-Site": "same-origin", **({"Cookie": self.cookie} if self.cookie else {})}
        if method != "GET":
            sent |= {"Origin": self.origin, "Content-Type": "application/json", **({"X-CSRF-Token": self.csrf} if self.csrf else {})}
        sent |= headers or {}
        status, fields, data = self.gateway.call(method, path, None if body is None else json.dumps(body).encode(), {k: v for k, v in sent.items() if v is not None})
        answer = json.loads(data) if data else None
        if path.startswith("/api/"):
            schema.check(method, path, status, answer)
        return status, fields, answer

    def log_in(self, **login):
        status, fields, answer = self.call("POST", "/api/session", login)
        if status == 201:
            self.cookie = fields["set-cookie"].split(";")[0]
            self.csrf = answer["csrf_token"]
        return status, fields, answer


def link_of(gateway):
    status, answer = gateway.admin("POST", "/api/session/link")
    assert status == 201, answer
    schema.check("POST", "/api/session/link", status, answer)
    return re.fullmatch(rf"http://127\.0\.0\.1:{gateway.port}/quota#link=([A-Za-z0-9_-]{{43}})", answer["url"]).group(1)


def set_password(gateway, password=PASSWORD):
    done = gateway.command("password", "set", input=password + "\n")
    assert done.returncode == 0, done.stderr
    until(lambda: json.loads(gateway.call("GET", "/api/session")[2])["password_set"], "the gateway noticed")


def test_a_browser_logs_in_by_a_link_that_serves_once(program):
    gateway = Gateway(program)
    try:
        token = link_of(gateway)
        browser = Browser(gateway)
        assert browser.call("GET", "/api/session")[2] == {"signed_in": False, "password_set": False}
        assert browser.call("GET", "/api/status", headers={"Sec-Fetch-Site": None})[0] == 401
        status, fields, answer = browser.log_in(link=token)
        assert status == 201 and answer["signed_in"] and answer["by"] == "link", answer
        cookie = http.cookies.SimpleCookie(fields["set-cookie"])[f"penstock_{gateway.port}"]
        assert (cookie["path"], cookie["samesite"], cookie["httponly"], cookie["secure"], cookie["domain"], cookie["max-age"]) == ("/", "Strict", True, "", "", ""), fields["set-cookie"]
        assert browser.call("GET", "/api/status")[0] == 200
        assert browser.call("GET", "/api/session")[2]["csrf_token"] == browser.csrf
        assert browser.call("PATCH", "/api/scheduling", {"max_wait_seconds": 7})[0] == 200
        ends = browser.call("GET", "/api/session")[2]["ends_unix_ms"]
        assert browser.call("PATCH", "/api/settings", {"set": {"dashboard.login_hours": 2}})[0] == 200
        assert abs(ends - browser.call("GET", "/api/session")[2]["ends_unix_ms"] - 10 * 3600 * 1000) < 5000
        other = Browser(gateway)
        assert other.log_in(link=token)[0] == 401, "it serves once"
        assert browser.call("POST", "/api/session/link")[0] == 403, "links are made with the admin token"
        status, fields, _ = browser.call("DELETE", "/api/session")
        assert status == 200 and "Max-Age=0" in fields["set-cookie"], fields
        assert browser.call("GET", "/api/status")[0] == 401, "the cookie is worth nothing any more"
        assert token not in gateway.logged() and browser.csrf not in gateway.logged() and browser.cookie.split("=")[1] not in gateway.logged()
    finally:
        gateway.clear()


def test_a_login_gets_a_token_of_its_own_whatever_cookie_was_planted(program):
    gateway = Gateway(program)
    try:
        name = f"penstock_{gateway.port}"
        planted = Browser(gateway)
        planted.cookie = f"{name}={'A' * 43}"
        assert planted.log_in(link=link_of(gateway))[0] == 201 and planted.cookie != f"{name}={'A' * 43}"
        first = planted.cookie
        assert planted.log_in(link=link_of(gateway))[0] == 201 and planted.cookie != first
        new = planted.cookie
        planted.cookie = first
        assert planted.call("GET", "/api/status")[0] == 401, "logging in again ends the login before"
        planted.cookie = f"a=b; {name}=junk; {name}={'B' * 43}; {new}; c"
        assert planted.call("GET", "/api/status")[0] == 200, "among others"
        planted.cookie = new.replace(name, "penstock_1")
        assert planted.call("GET", "/api/status")[0] == 401
    finally:
        gateway.clear()


def test_the_password_is_set_by_command_and_api_and_ends_all_logins(program):
    gateway = Gateway(program)
    try:
        browser = Browser(gateway, link=link_of(gateway))
        status, _, answer = browser.log_in(password=PASSWORD)
        assert status == 401 and "no password is set" in answer["error"]["message"], answer
        set_password(gateway)
        until(lambda: browser.call("GET", "/api/status")[0] == 401, "a new password ends all logins")
        assert gateway.call("GET", "/api/status", headers={"Authorization": f"Bearer {PASSWORD}"})[0] == 401, "it is no token"
        browser = Browser(gateway, password=PASSWORD)
        assert browser.call("GET", "/api/session")[2]["by"] == "password"
        link = link_of(gateway)
        assert browser.call("PUT", "/api/session/password", {"password": "second passphrase", "current": "wrong"})[0] == 403
        assert browser.call("PUT", "/api/session/password", {"password": "short", "current": PASSWORD})[2]["error"]["path"] == "password"
        assert browser.call("PUT", "/api/session/password", {"current": PASSWORD})[2]["error"]["path"] == "password"
        status, _, answer = browser.call("PUT", "/api/session/password", {"password": "second passphrase", "current": PASSWORD})
        assert (status, answer) == (200, {"password_set": True})
        assert browser.call("GET", "/api/status")[0] == 401
        assert Browser(gateway).log_in(link=link)[0] == 401, "links end, too"
        assert Browser(gateway).log_in(password=PASSWORD)[0] == 401
        assert Browser(gateway).log_in(password="second passphrase")[0] == 201
        assert gateway.admin("PUT", "/api/session/password", {"password": None}) == (200, {"password_set": False}), "the token needs no password"
        assert Browser(gateway).log_in(password="second passphrase")[0] == 401
        done = gateway.command("password", "set", input="short\n")
        assert done.returncode == 1 and "10 to 1024" in done.stderr
        for secret in (PASSWORD, "second passphrase"):
            assert secret not in gateway.logged()
            assert all(secret.encode() not in f.read_bytes() for f in gateway.folder.iterdir() if f.is_file())
    finally:
        gateway.clear()


def test_a_password_survives_a_restart_and_a_login_does_not(program):
    gateway = Gateway(program)
    try:
        set_password(gateway)
        browser = Browser(gateway, password=PASSWORD)
        gateway.stop()
        gateway.start()
        browser.cookie = f"penstock_{gateway.port}=" + browser.cookie.split("=")[1]
        assert browser.call("GET", "/api/status")[0] == 401
        assert Browser(gateway).log_in(password=PASSWORD)[0] == 201
    finally:
        gateway.clear()


def test_guesses_are_few_even_all_at_once(program):
    gateway = Gateway(program)
    try:
        set_password(gateway)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            got = sorted(pool.map(lambda i: Browser(gateway).log_in(password=f"wrong password {i}")[0], range(12)))
        assert got == [401] * 5 + [429] * 7, got
        status, fields, _ = Browser(gateway).log_in(password=PASSWORD)
        assert status == 429 and 0 < int(fields["retry-after"]) <= 60, fields
    finally:
        gateway.clear()


def test_wrong_guesses_do_not_keep_out_who_is_in(program):
    gateway = Gateway(program)
    try:
        browser = Browser(gateway, link=link_of(gateway))
        for _ in range(6):
            last = Browser(gateway).log_in(link="A" * 43)[0]
        assert last == 429
        assert browser.call("GET", "/api/status")[0] == 200
        stranger = Browser(gateway)
        stranger.cookie = f"penstock_{gateway.port}={'A' * 43}"
        assert [stranger.call("GET", "/api/status")[0] for _ in range(8)] == [401] * 8, "an old cookie is no guess"
    finally:
        gateway.clear()


def test_what_pages_of_other_sites_can_send_is_refused(program):
    """Host × Origin × Sec-Fetch-Site × method × Content-Type × credential, held against the rule in words."""
    gateway = Gateway(program)
    try:
        browser = Browser(gateway, link=link_of(gateway))
        own, token = browser.origin, gateway.token
        hosts = {f"127.0.0.1:{gateway.port}": True, f"localhost:{gateway.port}": True, "evil.example": False, f"127.1:{gateway.port}": False, "127.0.0.1:1": False}
        origins = {None: True, "own": True, "http://evil.example": False, "null": False, f"http://127.0.0.1:{gateway.port + 1}": False}
        sites = {None: True, "same-origin": True, "none": True, "same-site": False, "cross-site": False}
        types = {"application/json": True, "text/plain": False, "application/x-www-form-urlencoded": False}
        credentials = ("nothing", "token", "cookie", "cookie and csrf", "cookie and wrong csrf")
        seen = set()
        for host, origin, site, method, kind, credential in itertools.product(hosts, origins, sites, ("GET", "PATCH"), types, credentials):
            if method == "GET" and kind != "application/json":
                continue
            sent = {"Host": host, "Content-Type": kind if method == "PATCH" else None, "Origin": f"http://{host}" if origin == "own" else origin, "Sec-Fetch-Site": site,
                    "Authorization": f"Bearer {token}" if credential == "token" else None, "Cookie": browser.cookie if credential.startswith("cookie") else None,
                    "X-CSRF-Token": {"cookie and csrf": browser.csrf, "cookie and wrong csrf": "A" * 43}.get(credential)}
            status, fields, _ = gateway.call(method, "/api/scheduling", b'{"max_wait_seconds":7}' if method == "PATCH" else None, {k: v for k, v in sent.items() if v is not None})
            if not hosts[host]:
                want = 421
            elif not origins[origin] or not sites[site]:
                want = 403
            elif credential == "nothing":
                want = 401
            elif method == "GET":
                want = 200
            elif not types[kind]:
                want = 415
            elif credential == "token" or (credential == "cookie and csrf" and (origin is not None or site is not None)):
                want = 200
            else:
                want = 403
            assert status == want, (host, origin, site, method, kind, credential, status, want)
            assert not any(name.startswith("access-control-") for name in fields), fields
            seen.add(status)
        assert seen == {200, 401, 403, 415, 421}, seen
        assert gateway.call("POST", "/api/session", b'{"link":"x"}', {"Origin": "http://evil.example"})[0] == 403, "nor does it log anybody in"
        status, fields, _ = gateway.call("OPTIONS", "/api/scheduling", None, {"Origin": own, "Access-Control-Request-Method": "PATCH"})
        assert status in (401, 403, 405) and not any(name.startswith("access-control-") for name in fields), (status, fields)
    finally:
        gateway.clear()


def test_no_admin_answer_is_given_to_origins_that_may_use_inference(program):
    gateway = Gateway(program, {"cors_origins": ["http://app.example"]})
    try:
        for method, path in (("GET", "/api/status"), ("OPTIONS", "/api/status"), ("GET", "/quota"), ("OPTIONS", "/quota")):
            status, fields, _ = gateway.call(method, path, None, {"Origin": "http://app.example", "Authorization": f"Bearer {gateway.token}"})
            assert not any(name.startswith("access-control-") for name in fields), (method, path, fields)
            assert path != "/api/status" or status == 403
    finally:
        gateway.clear()


def own_address():
    """An address of this machine that is not loopback, or None."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        probe.connect(("198.51.100.1", 9))  # nothing is sent
        return None if probe.getsockname()[0].startswith("127.") else probe.getsockname()[0]
    except OSError:
        return None
    finally:
        probe.close()


def test_other_addresses_serve_the_dashboard_only_with_a_password_or_when_they_are_named(program):
    address = own_address()
    if address is None:
        return
    gateway = Gateway(program, {"client_keys": [{"name": "k", "key": "pk-0123456789abcdef"}], "admin_listen": [f"{address}:0"]}, arguments=["--listen", "0.0.0.0:0"])
    try:
        listeners = gateway.admin("GET", "/api/status")[1]["listeners"]
        port = int(next(a for a in listeners if a.startswith("0.0.0.0:")).rsplit(":", 1)[1])
        admins = int(next(a for a in listeners if a.startswith(address)).rsplit(":", 1)[1])

        def at(where, path, **headers):
            connection = http.client.HTTPConnection(address, where, timeout=20)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer.status, text
        token = {"Authorization": f"Bearer {gateway.token}"}
        status, text = at(port, "/api/status", **token)
        assert status == 403 and "password" in text, text
        assert [at(port, p)[0] for p in ("/quota", "/assets/x.js", "/health")] == [403, 403, 200]
        assert at(admins, "/api/status", **token)[0] == 200 and at(admins, "/quota")[0] == 200 and at(admins, "/api/status")[0] == 401
        assert at(admins, "/v1/models")[0] == 401, "clients need a key there, too"
        set_password(gateway)
        assert at(port, "/api/status", **token)[0] == 200 and at(port, "/quota")[0] == 200
        assert "plain http" in gateway.logged()
    finally:
        gateway.clear()


def test_the_link_is_printed_by_a_command_and_never_by_a_start_without_a_terminal(program):
    gateway = Gateway(program)
    try:
        assert "#link=" not in gateway.logged()
        done = gateway.command("open", "--print")
        assert done.returncode == 0, done.stderr
        token = done.stdout.strip().split("#link=")[1]
        assert Browser(gateway).log_in(link=token)[0] == 201
        assert "#link=" in json.loads(gateway.command("open", "--json").stdout)["url"]
        display = gateway.command("open", environment={"DISPLAY": ":99", "PATH": str(gateway.folder)})
        assert display.returncode == 0 and "xdg-open" in display.stderr and "#link=" in display.stdout, (display.stdout, display.stderr)
        opener = gateway.folder / "xdg-open"
        opener.write_text(f"#!/bin/sh\nprintf '%s' \"$1\" >{gateway.folder}/opened.new && mv {gateway.folder}/opened.new {gateway.folder}/opened\n")
        opener.chmod(0o700)
        display = gateway.command("open", environment={"DISPLAY": ":99", "PATH": f"{gateway.folder}:/bin:/usr/bin"})
        assert display.returncode == 0 and display.stdout == "", (display.stdout, display.stderr)
        opened = until(lambda: (gateway.folder / "opened").exists() and (gateway.folder / "opened").read_text(), "the browser was started")
        assert opened == f"{gateway.folder}/open.html", "no token among the arguments"
        page = gateway.folder / "open.html"
        assert page.stat().st_mode & 0o777 == 0o600
        assert Browser(gateway).log_in(link=re.search(r"#link=([A-Za-z0-9_-]{43})", page.read_text()).group(1))[0] == 201
    finally:
        gateway.clear()
    assert gateway.command("open", "--print").returncode == 3


def test_the_pages_addresses_give_their_data_to_who_asks_for_it(program):
    gateway = Gateway(program, {"dashboard": {"compact": True}})
    try:
        token = {"Authorization": f"Bearer {gateway.token}"}
        same = {"/quota": "/api/accounts", "/routing": "/api/routing", "/logs": "/api/requests", "/usage": "/api/usage", "/settings": "/api/settings", "/remote-panel": "/api/tunnels", "/connect": "/api/connect"}
        for page, call in same.items():
            assert gateway.call("GET", page, headers={"Accept": "text/html"})[1]["content-type"].startswith("text/html")
            assert gateway.call("GET", page, headers={"Accept": "application/json"})[0] == 401, page
            status, fields, data = gateway.call("GET", page, headers={**token, "Accept": "application/json"})
            want, _, other = gateway.call("GET", call, headers=token)
            assert (status, sorted(json.loads(data))) == (want, sorted(json.loads(other))) and fields["cache-control"] == "no-store", page
            schema.check("GET", page, status, json.loads(data))
            assert gateway.call("GET", page, headers={**token, "Accept": "application/json", "Origin": "http://evil.example"})[0] == 403
        assert gateway.call("GET", "/logs?limit=0", headers={**token, "Accept": "application/json"})[0] == 400
        for method in ("POST", "DELETE"):
            assert gateway.admin(method, "/api/tunnels/ngrok")[0] == 501
    finally:
        gateway.clear()


def test_connect_tells_each_client_this_address_and_whether_a_key_is_needed(program):
    gateway = Gateway(program)
    try:
        _, answer = gateway.admin("GET", "/api/connect")
        assert answer["base_url"] == f"http://127.0.0.1:{gateway.port}" and not answer["key_needed"]
        texts = {c["client"]: "\n".join(s["content"] for s in c["steps"]) for c in answer["clients"]}
        assert {"claude-code", "codex", "gemini-cli", "opencode", "openai-sdk", "anthropic-sdk", "google-genai", "curl"} <= set(texts)
        for client, text in texts.items():
            assert answer["base_url"] in text and answer["key_shown"] in text, client
            assert "{base}" not in text and "{key}" not in text
        for client in answer["clients"]:
            for step in client["steps"]:
                if step["language"] == "json":
                    json.loads(step["content"])
                assert (step["kind"] == "file") == ("path" in step)
        curl = texts["curl"].replace("gpt-5", "simulator")
        done = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, timeout=20)
        assert json.loads(done.stdout)["choices"], done
        assert gateway.call("GET", "/api/connect", headers={"Authorization": f"Bearer {gateway.token}", "Host": f"localhost:{gateway.port}"})[2].count(b"http://localhost:") > 5
        gateway.admin("POST", "/api/keys", {"name": "mine"})
        answer = until(lambda: (a := gateway.admin("GET", "/api/connect")[1])["key_needed"] and a, "a key is needed now")
        assert answer["key_shown"] == "YOUR-CLIENT-KEY"
    finally:
        gateway.clear()


def at_terminal(program, folder, arguments, environment, until_text, answers=()):
    """What a program says at a terminal until it has said this; `answers` are typed when their prompts have come."""
    main, side = pty.openpty()
    process = subprocess.Popen([program, *arguments, "--data-dir", str(folder)], stdin=side, stdout=side, stderr=side, start_new_session=True,
                               env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment})
    os.close(side)
    said, waiting, end = b"", list(answers), time.monotonic() + 20
    while until_text not in said and time.monotonic() < end:
        if select.select([main], [], [], 0.2)[0]:
            try:
                said += os.read(main, 65536)
            except OSError:
                break
        while waiting and waiting[0][0] in said:
            os.write(main, waiting.pop(0)[1])
    return process, main, said.decode()


def test_a_start_at_a_terminal_prints_a_link_and_opens_the_browser_unless_told_not_to(program):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    opener = folder / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f"#!/bin/sh\nprintf '%s' \"$1\" >{folder}/bin/opened.new && mv {folder}/bin/opened.new {folder}/bin/opened\n")
    opener.chmod(0o700)
    display = {"DISPLAY": ":99", "PATH": f"{opener.parent}:/bin:/usr/bin"}
    opened = opener.parent / "opened"
    try:
        cases = ((display, {}, True), ({**display, "PENSTOCK_NO_OPEN": "1"}, {}, False), (display, {"dashboard": {"auto_open": False}}, False), ({"PATH": display["PATH"]}, {}, False))
        for environment, settings, opens in cases:
            (folder / "data").mkdir(mode=0o700, exist_ok=True)
            (folder / "data" / "gui_config.json").write_text(json.dumps(settings))
            process, terminal, said = at_terminal(program, folder / "data", ["serve", "--listen", "127.0.0.1:0"], environment, b"another)")
            try:
                port = int(re.search(r"listening on http://127\.0\.0\.1:(\d+)", said).group(1))
                link = re.search(r"dashboard: http://127\.0\.0\.1:\d+/quota#link=([A-Za-z0-9_-]{43}) ", said)
                assert link, said
                if opens:
                    until(opened.exists, "the browser was started")
                    assert opened.read_text() == str(folder / "data" / "open.html")
                    opened.unlink()
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("POST", "/api/session", json.dumps({"link": link.group(1)}), {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{port}"})
                assert connection.getresponse().status == 201, (environment, settings)
                connection.close()
            finally:
                process.terminate()
                process.wait(20)
                os.close(terminal)
            assert not opened.exists(), (environment, settings)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def test_a_password_is_typed_twice_and_not_shown(program):
    gateway = Gateway(program)
    try:
        for again, word, works in (("second thoughts", "not the same", False), (PASSWORD, "new password", True)):
            answers = ((b"New password: ", PASSWORD.encode() + b"\n"), (b"Once more: ", again.encode() + b"\n"))
            process, terminal, said = at_terminal(program, gateway.folder, ["password", "set"], {}, word.encode(), answers)
            assert process.wait(20) == (0 if works else 1) and word in said and PASSWORD not in said, said
            os.close(terminal)
        until(lambda: Browser(gateway).call("GET", "/api/session")[2]["password_set"], "the gateway noticed")
        assert Browser(gateway).log_in(password=PASSWORD)[0] == 201
    finally:
        gateway.clear()
