"""Start, settings, accounts, commands, reload, stop."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

from rig import STREAM_HEAD, TIMEOUT_S, Gateway, Upstream, chunk, until, whole
from wires import WIRES

CHAT = WIRES[0]


def test_without_an_account_the_simulator_serves_all_protocols_and_says_so(program):
    gateway = Gateway(program)
    try:
        for wire in WIRES:
            for stream in (False, True):
                status, fields, answer = gateway.call("POST", *wire.request(stream, model="simulator"))
                assert status == 200 and fields["x-account-email"] == "simulator", (wire.name, stream, status, answer)
        assert gateway.admin("GET", "/api/status")[1]["simulator"] is True
        assert "simulator" in gateway.logged()
    finally:
        gateway.clear()


def test_an_account_added_by_command_takes_over_from_the_simulator_and_gives_back(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program)
    try:
        done = gateway.command("accounts", "add", "--label", "lab", "--provider", "compatible", "--wire", "openai-chat", "--base-url", upstream.url + "/v1",
                               "--api-key-env", "LAB_KEY", "--models", "m-*", environment={"LAB_KEY": "sk-lab-0123456789abcdef"})
        assert done.returncode == 0, done.stderr
        until(lambda: gateway.admin("GET", "/api/status")[1]["simulator"] is False, "the simulator goes")
        status, fields, answer = gateway.call("POST", *CHAT.request())
        assert status == 200 and answer == CHAT.answer and fields["x-account-email"] == "lab"
        assert upstream.requests[-1].key == "sk-lab-0123456789abcdef"
        listed = json.loads(gateway.command("accounts", "list", "--json").stdout)["accounts"]
        assert [a["label"] for a in listed] == ["lab"] and listed[0]["key"].endswith("cdef") and "0123456789" not in json.dumps(listed)
        again = gateway.command("accounts", "add", "--label", "lab", "--provider", "openai", "--unchecked", "--api-key-stdin", input="sk-x-0123456789abcdef")
        assert again.returncode == 1 and "lab" in again.stderr, again
        assert gateway.command("accounts", "remove", "nobody").returncode == 3
        assert gateway.command("accounts", "remove", "lab").returncode == 0
        until(lambda: gateway.admin("GET", "/api/status")[1]["simulator"] is True, "the simulator comes back")
        data = b"".join(p.read_bytes() for p in gateway.folder.iterdir() if p.is_file())
        assert b"sk-lab-0123456789abcdef" not in data, "no key in clear in the data directory or the log"
    finally:
        gateway.clear()


def test_edits_of_the_settings_file_take_effect_and_broken_ones_do_not(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one")]})
    try:
        gateway.write_settings({"accounts": [CHAT.account(upstream, "two")], "proxy": {"custom_mapping": {"alias": "m-1"}}})
        until(lambda: [a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]] == ["two"], "the new account is there")
        until(lambda: gateway.call("POST", *CHAT.request(model="alias"))[1].get("x-mapped-model") == "m-1", "the mapping is in force")
        gateway.write_settings('{"accounts": [{"label": "x", "provider": "openai", "tier": 7}]}')
        fault = until(lambda: gateway.admin("GET", "/api/status")[1]["settings_fault"], "the fault is reported")
        assert "accounts[0]" in fault, fault
        assert gateway.call("POST", *CHAT.request())[1]["x-account-email"] == "two", "the last good settings stay"
        gateway.write_settings({"accounts": [CHAT.account(upstream, "three")]})
        until(lambda: gateway.call("POST", *CHAT.request())[1].get("x-account-email") == "three", "mended")
        assert gateway.admin("GET", "/api/status")[1]["settings_fault"] is None
    finally:
        gateway.clear()


def test_the_log_is_written_as_the_settings_say(program):
    gateway = Gateway(program, {"logs": {"format": "json"}})
    try:
        first = [line for line in gateway.logged().splitlines() if "no account is configured" in line]
        assert len(first) == 1 and json.loads(first[0])["level"] == "warn", first
        gateway.write_settings({"logs": {"format": "text"}})
        until(lambda: " info new settings are in force" in gateway.logged(), "text again")
    finally:
        gateway.clear()


def test_the_admin_api_needs_its_token_and_writes_what_it_changes(program):
    text = '{\n\t"x-mine" : [1.50, "a"],\n\t"proxy" : { "scheduling" : { "mode":"Balance" } }\n}\n'
    gateway = Gateway(program, text)
    try:
        assert gateway.call("GET", "/api/status")[0] == 401
        assert gateway.call("GET", "/api/status", headers={"Authorization": "Bearer wrong"})[0] == 401
        status, got = gateway.admin("PATCH", "/api/scheduling", {"mode": "PerformanceFirst", "max_wait_seconds": 7})
        assert status == 200 and got["mode"] == "PerformanceFirst" and got["max_wait_seconds"] == 7, got
        now = (gateway.folder / "gui_config.json").read_text()
        assert '"x-mine" : [1.50, "a"]' in now and json.loads(now)["proxy"]["scheduling"] == {"mode": "PerformanceFirst", "max_wait_seconds": 7}, now
        status, got = gateway.admin("PATCH", "/api/scheduling", {"mode": "Fast"})
        assert status == 400 and "Balance" in got["error"]["message"], got
        assert gateway.admin("GET", "/api/scheduling")[1]["mode"] == "PerformanceFirst"
        assert gateway.admin("GET", "/api/accounts/nobody")[0] == 404 and gateway.admin("GET", "/api/nothing")[0] == 404
        assert gateway.admin("DELETE", "/api/status")[0] == 405
    finally:
        gateway.clear()


def test_accounts_over_the_admin_api(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program)
    try:
        status, got = gateway.admin("POST", "/api/accounts", CHAT.account(upstream, "one"))
        assert status in (200, 201), got
        assert "sk-upstream" not in json.dumps(got)
        until(lambda: gateway.call("POST", *CHAT.request())[1].get("x-account-email") == "one", "it serves")
        assert gateway.admin("POST", "/api/accounts", CHAT.account(upstream, "one"))[0] == 409
        status, got = gateway.admin("POST", "/api/accounts", {"label": "bad", "provider": "nobody"})
        assert status == 400 and "provider" in json.dumps(got), got
        assert gateway.admin("PATCH", "/api/accounts/one", {"disabled": True})[0] == 200
        assert gateway.admin("GET", "/api/accounts/one")[1]["disabled"] is True
        status, _, _ = gateway.call("POST", *CHAT.request())
        assert status >= 400
        assert gateway.admin("PATCH", "/api/accounts/one", {"disabled": False})[0] == 200
        assert gateway.call("POST", *CHAT.request())[0] == 200
        assert gateway.stop() == 0
        gateway.start()
        assert gateway.call("POST", *CHAT.request())[1]["x-account-email"] == "one", "kept over a restart"
        assert gateway.admin("DELETE", "/api/accounts/one")[0] in (200, 204)
        assert gateway.admin("GET", "/api/accounts/one")[0] == 404
    finally:
        gateway.clear()


def test_a_stop_finishes_running_streams_and_ends_with_0(program):
    go = threading.Event()

    def answer(request, connection):
        connection.sendall(STREAM_HEAD + chunk(CHAT.stream[:400]))
        go.wait(TIMEOUT_S)
        connection.sendall(chunk(CHAT.stream[400:]) + b"0\r\n\r\n")
    upstream = Upstream(answer)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream)]})
    try:
        got = []
        client = threading.Thread(target=lambda: got.append(gateway.call("POST", *CHAT.request(stream=True))))
        client.start()
        until(lambda: upstream.requests, "the stream runs")
        time.sleep(0.2)
        gateway.process.send_signal(signal.SIGTERM)

        def refused():
            try:
                gateway.connect().close()
                return False
            except OSError:
                return True
        until(refused, "no new connections")
        go.set()
        client.join(TIMEOUT_S)
        assert got[0][0] == 200 and b"[DONE]" in got[0][2], got
        assert gateway.process.wait(TIMEOUT_S) == 0
    finally:
        go.set()
        gateway.clear()


def test_a_stop_ends_what_does_not_finish_with_an_error(program):
    for wire in WIRES:
        upstream = Upstream(lambda r, c: c.sendall(STREAM_HEAD + chunk(wire.stream[:-60])) or time.sleep(TIMEOUT_S))
        gateway = Gateway(program, {"accounts": [wire.account(upstream)], "timeouts": {"drain_ms": 300}})
        try:
            got = []
            client = threading.Thread(target=lambda: got.append(gateway.call("POST", *wire.request(stream=True))))
            client.start()
            until(lambda: upstream.requests, "the stream runs")
            time.sleep(0.2)
            assert gateway.stop() == 0
            client.join(TIMEOUT_S)
            assert wire.error_in in got[0][2] and (wire.name == "gemini" or wire.success not in got[0][2]), (wire.name, got)
        finally:
            gateway.clear()


def test_one_instance_for_a_data_directory(program):
    gateway = Gateway(program)
    try:
        second = subprocess.run([program, "serve", "--data-dir", str(gateway.folder), "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=TIMEOUT_S, env=gateway.env())
        assert second.returncode == 1 and str(gateway.process.pid) in second.stderr, second
        third = subprocess.run([program, "serve", "--data-dir", tempfile.mkdtemp(prefix="penstock-test-"), "--listen", f"127.0.0.1:{gateway.port}"], capture_output=True, text=True, timeout=TIMEOUT_S, env=gateway.env())
        assert third.returncode == 1 and str(gateway.port) in third.stderr, third
    finally:
        gateway.clear()


def test_broken_settings_stop_the_start_and_are_named(program):
    for text, word in (('{"workers": "two"}', "workers"), ('{"listen": [}', "gui_config.json:1:13"), ('{"proxy": {"scheduling": {"mode": "Fast"}}}', "proxy.scheduling.mode"),
                       ('{"accounts": [{"label": "a", "provider": "compatible"}]}', "accounts[0]"), ('{"limits": {"body_bytes": 999999999999}}', "limits.body_bytes")):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
        (folder / "gui_config.json").write_text(text)
        for extra in ([], ["--check"]):
            done = subprocess.run([program, "serve", "--data-dir", str(folder), "--listen", "127.0.0.1:0", *extra], capture_output=True, text=True, timeout=TIMEOUT_S)
            assert done.returncode == 1 and word in done.stderr and "gui_config.json" in done.stderr, (text, done)
        assert (folder / "gui_config.json").read_text() == text


def test_a_listener_that_is_not_loopback_needs_a_client_key(program):
    folder = tempfile.mkdtemp(prefix="penstock-test-")
    done = subprocess.run([program, "serve", "--data-dir", folder, "--listen", "0.0.0.0:0"], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 1 and "client_keys" in done.stderr, done


def test_files_have_strict_modes_whatever_the_umask(program):
    old = os.umask(0)
    try:
        gateway = Gateway(program)
    finally:
        os.umask(old)
    try:
        gateway.admin("POST", "/api/accounts?check=off", {"label": "a", "provider": "openai", "api_key": "sk-0123456789abcdef"})
        gateway.admin("PATCH", "/api/scheduling", {"mode": "CacheFirst"})
        assert os.stat(gateway.folder).st_mode & 0o777 == 0o700
        for path in gateway.folder.iterdir():
            if path.name != "test.log":
                assert path.stat().st_mode & 0o777 == 0o600, (path, oct(path.stat().st_mode))
    finally:
        gateway.clear()


def test_the_journal_holds_metadata_only(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    folder = tempfile.mkdtemp(prefix="penstock-test-")
    journal = pathlib.Path(folder) / "journal"
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream)]}, arguments=["--journal", str(journal)])
    try:
        gateway.call("POST", *CHAT.request())
        assert gateway.stop() == 0
        kinds = [json.loads(line) for line in journal.read_text().splitlines()]
        assert len(kinds) == 4 and "world" not in journal.read_text() and "sk-upstream" not in journal.read_text(), kinds
    finally:
        gateway.clear()


def test_a_kill_loses_no_account_that_was_acknowledged(program):
    gateway = Gateway(program)
    try:
        for n in range(5):
            assert gateway.admin("POST", "/api/accounts?check=off", {"label": f"a{n}", "provider": "openai", "api_key": "sk-0123456789abcdef"})[0] in (200, 201)
            gateway.process.kill()
            gateway.process.wait()
            gateway.start()
            labels = [a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]]
            assert labels == [f"a{i}" for i in range(n + 1)], labels
    finally:
        gateway.clear()
