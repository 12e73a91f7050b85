"""`penstock doctor`: every check is provoked, and each finding has its remedy."""
import fcntl
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import threading

from rig import TIMEOUT_S, Gateway, Upstream, until, whole
from test_admin import ask, refusing, two
from test_commands import told
from wires import WIRES

CHAT = WIRES[0]
seen = set()  # checks that were provoked; the last test compares


class Place:
    """A data directory that a test spoils."""

    def __init__(self, program, settings=None):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
        os.chmod(self.folder, 0o700)
        if settings is not None:
            self.write("gui_config.json", settings if isinstance(settings, str) else json.dumps(settings))

    def write(self, name, content, mode=0o600):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    def run(self, *arguments, environment=None, setup=None):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "ANTI_API_", "ABV_", "DISPLAY", "WAYLAND")) and not k.lower().endswith("_proxy")}
        return subprocess.run([self.program, "doctor", "--data-dir", str(self.folder), *arguments], capture_output=True, text=True, timeout=TIMEOUT_S * 2,
                              env={**kept, **(environment or {})}, preexec_fn=setup)

    def findings(self, *arguments, **more):
        done = self.run("--json", *arguments, **more)
        report = json.loads(done.stdout)
        assert done.stderr == "" and done.returncode == (1 if report["faults"] + report["warnings"] else 0), (done.returncode, done.stderr)
        assert report["checks"] == len({f["check"] for f in report["findings"]}) >= 25, "each check has a word to say"
        for finding in report["findings"]:
            assert finding["level"] in ("ok", "note", "warning", "fault") and finding["text"]
            assert finding["level"] not in ("warning", "fault") or finding["remedy"], f"what to do? {finding}"
        return report["findings"]

    def expect(self, check, level, word, *arguments, **more):
        found = [f for f in self.findings(*arguments, **more) if f["check"] == check]
        assert any(f["level"] == level and word in f["text"] for f in found), (check, found)
        seen.add(check)

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def account(label="one", **more):
    return {"label": label, "provider": "compatible", "wire": "openai-chat", "base_url": "http://127.0.0.1:9/v1", "api_key_env": "KEY_OF_TEST", **more}


def with_key(**more):
    return {"environment": {"KEY_OF_TEST": "sk-test-key-1", **more}}


def test_a_good_place_is_good_and_nothing_is_changed(program):
    gateway, _ = two(program)
    gateway.stop()
    try:
        place = Place(program)
        shutil.rmtree(place.folder)
        shutil.copytree(gateway.folder, place.folder)
        os.chmod(place.folder, 0o700)
        before = {p.name: p.read_bytes() for p in place.folder.iterdir() if p.suffix not in (".db-shm", ".db-wal")}
        done = place.run()
        assert "faults: 0" in done.stdout and "secrets" in done.stdout, done.stdout
        assert done.returncode == 1, "keys stand in the settings in clear"
        after = {p.name: p.read_bytes() for p in place.folder.iterdir() if p.suffix not in (".db-shm", ".db-wal")}
        assert {k: v for k, v in after.items() if not k.startswith("penstock.db-")} == before
        place.clear()
    finally:
        gateway.clear()
    empty = Place(program)
    try:
        assert empty.run().returncode == 0 and list(empty.folder.iterdir()) == [], "an empty folder stays empty"
        assert empty.run("--all").stdout.count("\n") > empty.run().stdout.count("\n")
    finally:
        empty.clear()


def test_files(program):
    place = Place(program)
    try:
        os.chmod(place.folder, 0o755)
        place.expect("data-dir", "warning", "may enter")
        os.chmod(place.folder, 0o700)
        place.write("admin.token", "x" * 40, 0o644)
        place.expect("file-modes", "warning", "admin.token")
        place.write("admin.token", "short")
        place.expect("admin-token", "fault", "shorter")
        (place.folder / "admin.token").unlink()
        os.symlink("/etc/hostname", place.folder / "master.key")
        place.expect("file-modes", "fault", "symbolic link")
        (place.folder / "master.key").unlink()
        place.write("master.key", b"x" * 31)
        place.expect("master-key", "fault", "31 bytes")
        (place.folder / "master.key").unlink()
        place.write("penstock.db", b"")
        place.expect("master-key", "fault", "master.key is not")
        place.write("penstock.db", b"no database at all " * 100)
        place.expect("accounts-database", "fault", "not a database")
        (place.folder / "penstock.db").unlink()
        place.write("usage.db", b"no database at all " * 100)
        place.expect("usage-database", "warning", "not a database")
        (place.folder / "usage.db").unlink()
        place.write("usage.db.corrupt-1", "x")
        place.expect("leftovers", "note", "moved aside")
        with open(place.write("old.journal", ""), "r+b") as file:
            file.truncate(3 << 30)  # holes: takes no room
        place.expect("log-size", "warning", "3072 MiB")
    finally:
        place.clear()
    missing = Place(program)
    missing.clear()
    missing.expect("data-dir", "note", "not there yet")
    missing.folder.write_text("a file")
    missing.expect("data-dir", "fault", "no folder")
    missing.folder.unlink()


def test_a_damaged_page_of_the_database_is_found(program):
    gateway, _ = two(program)
    gateway.command("accounts", "add", "--label", "kept", "--provider", "openai", "--unchecked", "--api-key-stdin", input="sk-some-key-1")
    gateway.stop()
    try:
        path = gateway.folder / "penstock.db"
        data = bytearray(path.read_bytes())
        data[4096:8192] = b"\xff" * 4096
        path.write_bytes(data)
        place = Place(program)
        shutil.rmtree(place.folder)
        place.folder = gateway.folder
        place.expect("accounts-database", "fault", "penstock.db")
    finally:
        gateway.clear()


def test_the_machine(program):
    place = Place(program, {"limits": {"memory_bytes": 1 << 40}})
    try:
        place.expect("memory", "warning", "more than the machine has")
        place.expect("descriptors", "warning", "only 512", setup=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512)))
        place.expect("browser", "note", "xdg-open", environment={"DISPLAY": ":0", "PATH": "/nowhere"})
        if os.geteuid() == 0:
            place.expect("user", "note", "root")
        else:
            os.chmod(place.folder, 0o500)
            place.expect("writable", "fault", "cannot be written")
            os.chmod(place.folder, 0o700)
            seen.add("user")
        os.chmod(place.folder / "gui_config.json", 0o400)
        place.expect("writable", "note", "read-only")
    finally:
        place.clear()
    small = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,mode=700", "tmpfs", str(small)], capture_output=True).returncode == 0
    try:
        place.folder = small
        if mounted:
            place.expect("disk", "fault", "MiB are left")
        seen.add("disk")
    finally:
        if mounted:
            subprocess.run(["umount", str(small)], check=True)
        small.rmdir()


def test_settings(program):
    for settings, check, level, word, more in (
        ('{"workers": "many"}', "settings", "fault", "gui_config.json:1:13: workers", {}),
        ("{", "settings", "fault", "gui_config.json:1", {}),
        ({"wokers": 2, "proxy": {"modd": 1}}, "unknown-keys", "warning", "wokers", {}),
        ({"accounts": [{"label": "one", "provider": "openai", "api_key": "sk-in-clear-1"}]}, "secrets", "warning", "accounts[0].api_key", {}),
        ({"listen": ["0.0.0.0:0"]}, "client-keys", "fault", "0.0.0.0:0", {}),
        ({"require_keys": True}, "client-keys", "fault", "require_keys", {}),
        ({"tls": {"insecure": True}}, "insecure-tls", "warning", "not verified", {}),
        ({"tls": {"ca_file": "/no/such/file.pem"}}, "trust", "fault", "/no/such/file.pem", {}),
        ({}, "trust", "fault", "neither", {"environment": {"SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/nowhere"}}),
        ({"logs": {"bodies": True}}, "bodies", "warning", "logs.bodies", {}),
        ({}, "accounts", "note", "simulator", {}),
        ({"accounts": [account(disabled=True)]}, "accounts", "fault", "none of the 1", with_key()),
        ({"accounts": [account(disabled=True), account("two")]}, "disabled-accounts", "note", "`one` is switched off", with_key()),
        ({"accounts": [account()]}, "disabled-accounts", "warning", "KEY_OF_TEST is not set", {}),
        ({"accounts": [{"label": "one", "provider": "codex", "refresh_token_env": "KEY_OF_TEST"}]}, "sign-in", "warning", "codex", with_key()),
        ({"accounts": [account(models=["a-*"])], "proxy": {"custom_mapping": {"x": "a-1", "y": "b-1"}}}, "mapping", "warning", "`y` is mapped to `b-1`", with_key()),
        ({"accounts": [account()], "routing": {"flows": {"fast": {"entries": [{"account": "nobody", "model": "m"}]}}}}, "routes", "fault", "`nobody`", with_key()),
        ({"accounts": [account()], "routing": {"flows": {"fast": {"entries": [{"provider": "gemini", "model": "m"}]}}}}, "routes", "warning", "gemini", with_key()),
        ({"accounts": [account()], "routing": {"accounts": {"m": {"entries": ["nobody"]}}}}, "routes", "fault", "account route `m`", with_key()),
        ({"proxy": {"upstream_proxy": "http://127.0.0.1:9"}}, "proxy", "fault", "127.0.0.1:9", {}),
        ({}, "proxy", "fault", "HTTPS_PROXY", {"environment": {"HTTPS_PROXY": "http://127.0.0.1:9"}}),
        ({"accounts": [account(proxy="socks5://127.0.0.1:9")]}, "proxy", "fault", "account `one`", with_key()),
        ({"accounts": [account(base_url="http://no-such-host.invalid/v1")]}, "names", "fault", "no-such-host.invalid", with_key()),
    ):
        place = Place(program, settings)
        try:
            place.expect(check, level, word, **more)
            if check == "mapping":
                assert "`x`" not in str(place.findings(**more))
        finally:
            place.clear()


def test_an_account_of_the_database_that_cannot_be_used_any_more(program):
    place = Place(program, {"providers": {"compatible": {"base_url": "http://127.0.0.1:9/v1"}}})
    try:
        added = subprocess.run([program, "accounts", "add", "--data-dir", str(place.folder), "--label", "one", "--provider", "compatible", "--wire", "openai-chat"], capture_output=True, text=True)
        assert added.returncode == 0, added
        place.write("gui_config.json", "{}")
        place.expect("account-settings", "fault", "account `one` cannot be used")
    finally:
        place.clear()


def test_a_client_key_of_the_database_is_enough(program):
    place = Place(program, {"require_keys": True, "listen": ["0.0.0.0:0"]})
    try:
        place.expect("client-keys", "fault", "require_keys")
        added = subprocess.run([program, "keys", "add", "ci", "--data-dir", str(place.folder)], capture_output=True, text=True)
        assert added.returncode == 0, added
        levels = {f["level"] for f in place.findings() if f["check"] == "client-keys"}
        assert levels == {"note"}, "the address is open and speaks plain http"
    finally:
        place.clear()


def test_ports(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = Place(program, {"listen": [f"127.0.0.1:{taken.getsockname()[1]}"]})
        try:
            place.expect("ports", "fault", "in use")
        finally:
            place.clear()
    place = Place(program)
    try:
        with socket.create_server(("127.0.0.1", 1455), reuse_port=False):
            place.expect("callback-ports", "warning", "1455")
    except OSError:
        place.expect("callback-ports", "warning", "1455")  # somebody has it already
    finally:
        place.clear()


def test_the_clock_is_compared_when_that_is_wanted(program):
    def late(request, connection):
        connection.sendall(whole({}, fields={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"}))

    upstream = Upstream(late)
    place = Place(program, {"accounts": [account(base_url=f"{upstream.url}/v1")]})
    try:
        place.expect("clock", "fault", "off what the provider", "--online", **with_key())
        asked = len(upstream.requests)
        assert all(f["check"] != "clock" or f["level"] == "ok" for f in place.findings(**with_key()))
        assert len(upstream.requests) == asked, "nobody is asked without --online"
    finally:
        place.clear()


def test_a_gateway_that_runs(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    place = Place(program)
    place.clear()
    place.folder = gateway.folder
    try:
        assert not [f for f in place.findings() if f["level"] == "fault"]
        ask(gateway)
        place.expect("lockouts", "note", "`one` has 1")
        told(gateway, "pause")
        place.expect("serving", "warning", "paused")
        gateway.write_settings('{"workers": "many"}')
        until(lambda: json.loads(gateway.command("status", "--json").stdout)["settings_fault"], "the gateway has seen it")
        place.expect("settings-in-force", "fault", "workers")
    finally:
        gateway.clear()


def test_a_gateway_that_does_not_answer_or_is_another_version(program):
    place = Place(program)
    server = socket.create_server(("127.0.0.1", 0))
    answers = []

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.recv(65536)
            if answers:
                connection.sendall(whole(answers[0] if b"/api/status" in connection.recv(0) or True else {}))
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    place.write("admin.token", "t" * 40)
    lock = open(place.write("lock", f"1\nhttp://127.0.0.1:{server.getsockname()[1]}\n"))
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        place.expect("gateway", "fault", "does not answer")
        answers.append({"version": "9.9.9", "serving": True, "accounts": []})
        place.expect("version", "warning", "9.9.9")
        assert not [f for f in place.findings() if f["check"] == "ports" and f["level"] != "ok"], "they are the gateway's"
    finally:
        lock.close()
        server.close()
        place.clear()


def test_every_check_was_provoked(program):
    if not seen:
        return  # it was asked for alone
    place = Place(program)
    try:
        names = {f["check"] for f in place.findings()}
    finally:
        place.clear()
    unprovoked = names - seen - {"ipv6", "grants"}  # of the machine; of a sign-in that nothing renews
    assert not unprovoked, unprovoked
