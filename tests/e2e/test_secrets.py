"""No secret is where it may not be: planted ones are looked for in everything that the gateway writes, answers and shows; nor is any vendor's in the tree."""
import errno
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading

from rig import STREAM_HEAD, Gateway, Upstream, until
from signin_rig import Simulator, browse, finished, sign_in, start
from test_dashboard import set_password
from test_events import Watcher

ROOT = pathlib.Path(__file__).resolve().parents[2]

# What OAuth clients and tokens of others look like. The client ids of the three vendors' own applications are recognised by their
# form, not listed: they must not stand here either.
FOREIGN = [r"[0-9]{9,}-[0-9a-z]{32}\.apps\.googleusercontent\.com", r"GOCSPX-[0-9A-Za-z_-]{20,}", r"app_[0-9A-Za-z]{24}", r"Iv1\.[0-9a-f]{16}", r"Ov23[0-9A-Za-z]{16}",
           r"1//0[0-9A-Za-z_-]{40,}", r"ya29\.[0-9A-Za-z_-]{20,}", r"gh[opsu]_[0-9A-Za-z]{36}"]


def test_no_foreign_client_stands_in_the_tree(_):
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = listed.stdout.split("\n") if listed.returncode == 0 else [str(p.relative_to(ROOT)) for top in ("src", "tests", "docs", "tools", "web", "bench") for p in (ROOT / top).rglob("*")]
    looked = 0
    for name in names:
        path = ROOT / name
        if not path.is_file() or "node_modules" in path.parts:
            continue
        text = path.read_bytes().decode("utf-8", "ignore")
        looked += 1
        for pattern in FOREIGN:
            found = re.search(pattern, text)
            assert not found, f"{name}: {found.group(0)[:12]}…"
    assert looked > 500, looked


def test_these_patterns_find_what_they_are_for(_):
    """Made up here, in pieces, so that this file does not hold them."""
    made = ["123456789012-" + "a1" * 16 + ".apps." + "googleusercontent.com", "GOC" + "SPX-" + "x" * 24, "app" + "_" + "A1" * 12, "Iv1" + "." + "0f" * 8, "Ov" + "23" + "a" * 16,
            "1/" + "/0" + "a" * 44, "ya" + "29." + "a" * 24, "gho" + "_" + "a" * 36]
    assert [bool(re.fullmatch(p, m)) for p, m in zip(FOREIGN, made)] == [True] * len(FOREIGN)


def every_get(known):
    """The paths of all GET routes, their parameters filled in: one that is new and has other parameters fails here."""
    paths = []
    for path, methods in json.loads((ROOT / "docs/openapi.json").read_text())["paths"].items():
        if "get" not in methods or path == "/api/events":
            continue
        if path == "/api/accounts/{account}" or path == "/api/accounts/{account}/history":
            paths += [path.replace("{account}", label) for label in known["account"]]
        else:
            paths += [path.replace("{id}", i) for i in known[path]] if "{" in path else [path]
    assert len(paths) > 30, paths
    return paths


MASTER_KEY, ADMIN_TOKEN, PASSWORD, PASSPHRASE = "5eed" * 16, "planted-admin-token-7741", "planted-password-7742", "planted-passphrase-7743"
KEY, WRONG_KEY, HEADER, PROXY_PASSWORD, CLIENT_SECRET = ("sk-planted-api-key-7732", "sk-planted-wrong-key-7733", "planted-header-7734", "planted-proxy-7735",
                                                         "planted-client-secret-7731")


def test_planted_secrets_are_nowhere_to_be_found(program):
    """In logs (debug too) and bodies that are kept, answers and errors, arguments, every GET of the admin side, its events and metrics, databases with their
    WAL, the journal, what commands print, and the export."""
    simulator = Simulator(program)
    settings = simulator.settings(logs={"bodies": True}, accounts=[
        {"label": "file", "provider": "openai", "base_url": f"{simulator.url}/v1", "api_key_env": "KEY_FILE", "models": ["none"], "headers": {"X-Extra": HEADER},
         "proxy": f"http://ada:{PROXY_PASSWORD}@127.0.0.1:9"}])
    settings["providers"]["antigravity"]["oauth"]["client_secret"] = CLIENT_SECRET
    environment = {"KEY": KEY, "KEY_WRONG": WRONG_KEY, "KEY_FILE": KEY + "-of-the-file", "PENSTOCK_MASTER_KEY": MASTER_KEY, "PENSTOCK_ADMIN_TOKEN": ADMIN_TOKEN,
                   "WORDS": PASSPHRASE, "PENSTOCK_LOG_LEVEL": "debug"}
    journal = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    gateway = Gateway(program, settings, environment, ["--journal", str(journal / "journal")])
    gateway.admin = lambda method, path, body=None: (lambda s, _, data: (s, json.loads(data) if data else None))(*gateway.call(
        method, path, body, {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "application/json"}))
    shown = []  # (where, bytes)

    def command(*arguments, code=None, **more):
        done = gateway.command(*arguments, **more)
        assert code is None or done.returncode == code, (arguments, done)
        shown.append((" ".join(arguments), (done.stdout + done.stderr).encode()))
        return done

    def asked(model="any", **more):
        status, fields, body = gateway.call("POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "Hello there"}], **more}, {"Authorization": f"Bearer {client}"})
        shown.append((f"answer {status}", json.dumps(fields).encode() + body))
        return status

    client = "none"
    watcher = Watcher(gateway, {"Authorization": f"Bearer {ADMIN_TOKEN}"})
    try:
        # whatever a provider says of it must not come back in an error either
        simulator.oauth(token=["invalid_grant", *["status=500"] * 31])  # more than are asked for, whatever is asked twice
        views = []
        for _ in range(2):
            views.append(start(gateway, "antigravity"))
            browse(views[-1])
            view = finished(gateway, views[-1])
            assert view["state"] == "failed", view
        simulator.oauth(token=[])
        views.append(start(gateway, "codex"))
        assert gateway.admin("POST", f"/api/signin/{views[-1]['id']}/code", {"code": "planted-code-7744"})[0] == 200
        sign_in(gateway, "antigravity", label="google")
        sign_in(gateway, "codex", label="codex")
        simulator.oauth(interval=1)
        assert finished(gateway, start(gateway, "copilot", label="copilot"))["state"] == "done"
        refusal = f'status=401 error=key message="Incorrect API key provided: {WRONG_KEY}. Find yours elsewhere."'
        answer = simulator.control("PUT", f"accounts/{WRONG_KEY}", {"rules": [f"any: {refusal}", f"model models: {refusal}"]})
        assert b'"ok":true' in answer, answer
        for label, variable, model in (("key", "KEY", "of-key"), ("wrong", "KEY_WRONG", "of-wrong")):
            added = ["accounts", "add", "--label", label, "--provider", "openai", "--base-url", f"{simulator.url}/v1", "--api-key-env", variable, "--models", model]
            command(*added, code=0 if label == "key" else 1)
            if label == "wrong":
                status, answer = gateway.admin("POST", "/api/accounts", {"label": label, "provider": "openai", "base_url": f"{simulator.url}/v1", "api_key": WRONG_KEY})
                assert status == 400 and "refuses" in answer["error"]["message"], answer
                shown.append(("a refused key", json.dumps(answer).encode()))
                command(*added, "--unchecked", code=0)
            assert gateway.admin("GET", f"/api/accounts/{label}")[0] == 200, "the gateway knows"
        gateway.admin("PATCH", "/api/accounts/key", {"proxy": f"http://ada:{PROXY_PASSWORD}@127.0.0.1:9"})
        assert gateway.command("capture", "start").returncode == 0
        made = gateway.command("keys", "add", "somebody", "--json")  # the one place that shows it
        assert made.returncode == 0, made
        client = json.loads(made.stdout)["key"]
        until(lambda: asked("of-nobody") != 401, "the key is known")
        set_password(gateway, PASSWORD)
        simulator.oauth(expire=True)
        for label in ("google", "codex", "copilot"):
            gateway.admin("PUT", "/api/scheduling/fixed", {"account": label})
            assert asked() == 200, label
            assert asked(stream=True) == 200, label
        gateway.admin("DELETE", "/api/scheduling/fixed")
        assert asked("of-key") == 200
        others = ("google", "codex", "copilot", "key", "file")
        for label in others:
            assert gateway.admin("PATCH", f"/api/accounts/{label}", {"disabled": True})[0] == 200
        assert gateway.admin("PATCH", "/api/accounts/wrong", {"disabled": False})[0] == 200
        assert asked("of-wrong") >= 400 and asked("nobody's") >= 400
        for label in others:
            assert gateway.admin("PATCH", f"/api/accounts/{label}", {"disabled": False})[0] == 200
        for label, good in (("wrong", False), ("key", True)):
            status, answer = gateway.admin("POST", f"/api/accounts/{label}/test")
            assert status == 200 and answer["ok"] == good, answer
            shown.append((f"test {label}", json.dumps(answer).encode()))
        simulator.oauth(revoke=True)
        asked()
        markers = {CLIENT_SECRET, KEY, WRONG_KEY, HEADER, PROXY_PASSWORD, MASTER_KEY, bytes.fromhex(MASTER_KEY).decode("latin-1"), ADMIN_TOKEN, PASSWORD, PASSPHRASE, client,
                   "planted-code-7744", "code_verifier"}
        for r in simulator.requests():
            markers |= set(re.findall(r"sim-(?:at|rt|gh|dc|code)-\d+-\d+-[0-9a-f]{4}", r["query"] + r["body"] + json.dumps(r["headers"])))
            markers |= set(re.findall(r"(?:code_verifier|state)=([0-9A-Za-z_-]{43})", r["body"]))
        assert len(markers) > 24, markers
        until(lambda: list((gateway.folder / "bodies").glob("*.json")), "bodies are kept")
        request = gateway.admin("GET", "/api/requests")[1]["requests"][0]["id"]
        for path in every_get({"account": ["file", "google", "codex", "copilot", "key", "wrong"], "/api/signin/{id}": [v["id"] for v in views], "/api/requests/{id}": [request, "last"]}):
            status, fields, data = gateway.call("GET", path, None, {"Authorization": f"Bearer {ADMIN_TOKEN}", "Accept": "application/json"})
            assert status == (501 if path in ("/api/tunnels", "/remote-panel") else 200), (path, status, data)
            shown.append((path, json.dumps(fields).encode() + data))
        for path in ("/api/usage?format=csv&by=key", "/api/usage?format=csv&by=account", "/v1/models"):
            status, _, data = gateway.call("GET", path, None, {"Authorization": f"Bearer {client if path == '/v1/models' else ADMIN_TOKEN}"})
            assert status == 200, (path, data)
            shown.append((path, data))
        export = gateway.folder / "accounts.sealed"
        for arguments in (["accounts", "list"], ["accounts", "list", "--json"], ["accounts", "show", "codex"], ["accounts", "show", "key", "--json"], ["accounts", "show", "wrong", "--json"],
                          ["accounts", "export", str(export), "--passphrase-env", "WORDS"], ["accounts", "import", str(export), "--passphrase-env", "WORDS", "--json"],
                          ["status", "--once"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["keys", "list", "--json"], ["usage", "--csv"], ["logs", "--json"], ["why"],
                          ["lockouts", "list", "--json"], ["route", "show"], ["serve", "--check"]):
            command(*arguments)
        assert export.exists()
        shown.append(("arguments", pathlib.Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes()))
        until(lambda: len(watcher.events) > 3, "events")
        shown.append(("events", json.dumps(watcher.events).encode()))
        wal = (gateway.folder / "penstock.db-wal").stat().st_size
        assert wal > 0, "the WAL is looked at while it holds something"
        shown += files_of(gateway, journal)
        gateway.stop()
        shown += files_of(gateway, journal)
        shown.append(("log", gateway.logged().encode()))
        assert b" debug " in shown[-1][1], "with its details"
        wheres = {where for where, _ in shown}
        assert {"penstock.db", "penstock.db-wal", "usage.db", "accounts.sealed", "journal", "test.log"} <= wheres, wheres
        assert any(where.startswith("bodies/") for where in wheres), wheres
        for marker in sorted(markers):
            for where, text in shown:
                at = text.find(marker.encode("latin-1"))
                assert at < 0, (marker, where, text[max(0, at - 80):at + 80])
        for name in ("penstock.db", "usage.db"):
            assert (gateway.folder / name).stat().st_mode & 0o777 == 0o600, name
    finally:
        gateway.clear()
        simulator.close()
        shutil.rmtree(journal, ignore_errors=True)


def files_of(gateway, *more):
    """All but the settings, which are the user's own."""
    found = []
    for top in (gateway.folder, *more):
        for path in sorted(top.rglob("*")):
            if path.is_file() and path.name not in ("gui_config.json", "gui_config.json.bak", "admin.token"):
                found.append((str(path.relative_to(top)), path.read_bytes()))
    return found


def unprivileged(folder):
    """Who runs the gateway, when we are root: a process of its own user may look into another, unless that one forbids it."""
    if os.geteuid() != 0:
        return None
    os.chown(folder, 65534, 65534)
    return 65534


def reads(pid, name, user):
    """Whether another process of the same user gets at /proc/PID/NAME."""
    child = os.fork()
    if child == 0:
        try:
            if user is not None:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            with open(f"/proc/{pid}/{name}", "rb") as file:
                file.read(1)
            os._exit(0)
        except OSError as e:  # at address 0 of a memory that may be read there is nothing
            os._exit(0 if e.errno == errno.EIO else 1)
        except BaseException:
            os._exit(2)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), code
    return code == 0


class Cored(Gateway):
    """A gateway that may leave cores in a folder of their own."""

    def __init__(self, program, *arguments, **more):
        self.cores = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-cores-"))
        os.chmod(self.cores, 0o777)
        super().__init__(program, *arguments, **more)

    def start(self):
        self.user = unprivileged(self.folder)
        for path in self.folder.iterdir():
            os.chown(path, -1 if self.user is None else self.user, -1)
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([self.program, "serve", "--data-dir", str(self.folder), "--listen", "127.0.0.1:0", "-v", *self.arguments], stdout=subprocess.PIPE, stderr=self.log,
                                        env=self.env(), cwd=self.cores, user=self.user, group=self.user, extra_groups=None if self.user is None else [],
                                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)))
        self.port = int(re.match(r"penstock listening on http://127\.0\.0\.1:(\d+)$", self.process.stdout.readline().decode().strip()).group(1))

    def clear(self):
        super().clear()
        shutil.rmtree(self.cores, ignore_errors=True)


def test_a_crash_leaves_no_core_and_nobody_looks_into_the_process(program):
    """Killed in the middle of traffic as a fault of its own would; `--debuggable` shows that a core would be written here, and what would be in it."""
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip()
    cores_here = "/" not in pattern and not pattern.startswith("|")
    copy = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-")) / "penstock"
    shutil.copy(program, copy)  # where any user may run it
    os.chmod(copy.parent, 0o755)
    upstream = Upstream(lambda r, c: (c.sendall(STREAM_HEAD), held.wait(20)))
    for debuggable in (False, True):
        for number in (signal.SIGABRT, signal.SIGSEGV):
            held = threading.Event()
            settings = {"workers": 2, "accounts": [{"label": "k", "provider": "compatible", "wire": "openai-chat", "base_url": upstream.url + "/v1", "api_key_env": "KEY"}]}
            gateway = Cored(str(copy), settings, {"KEY": KEY, "PENSTOCK_MASTER_KEY": MASTER_KEY}, ["--debuggable"] if debuggable else [])
            try:
                before = len(upstream.requests)
                for _ in range(3):
                    threading.Thread(target=lambda: silently(lambda: gateway.call("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})),
                                     daemon=True).start()
                until(lambda: len(upstream.requests) == before + 3, "traffic")
                assert upstream.requests[-1].key == KEY
                for name in ("mem", "environ"):
                    assert reads(gateway.process.pid, name, gateway.user) == debuggable, (name, debuggable)
                assert gateway.stop(number) == -number
                held.set()
                cores = sorted(gateway.cores.iterdir())
                assert debuggable or not cores, cores
                if debuggable and cores_here:
                    assert len(cores) == 1 and KEY.encode() in cores[0].read_bytes(), "the test could see it"
            finally:
                held.set()
                gateway.clear()
    upstream.close()
    shutil.rmtree(copy.parent)


def silently(call):
    try:
        call()
    except (OSError, http.client.HTTPException):
        pass  # the gateway was killed


def test_a_program_that_is_started_gets_no_secrets_of_the_environment(program):
    simulator = Simulator(program)
    gateway = Gateway(program, simulator.settings())
    try:
        folder = gateway.folder / "bin"
        folder.mkdir()
        opener = folder / "xdg-open"
        opener.write_text(f"#!/bin/sh\nenv >{folder}/new && mv {folder}/new {folder}/environment\n")
        opener.chmod(0o700)
        private = {"PENSTOCK_MASTER_KEY": MASTER_KEY, "PENSTOCK_ADMIN_TOKEN": gateway.token, "OPENAI_API_KEY": KEY, "work_passphrase": PASSPHRASE, "X_CLIENT_SECRET": CLIENT_SECRET}
        process = subprocess.Popen([program, "accounts", "add", "--provider", "codex", "--data-dir", str(gateway.folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**gateway.env(), **private, "DISPLAY": ":99", "PATH": f"{folder}:/bin:/usr/bin", "XAUTHORITY": "/x"})
        try:
            seen = until(lambda: (folder / "environment").exists() and (folder / "environment").read_text(), "the browser is started")
        finally:
            process.kill()
            process.wait()
        assert "DISPLAY=:99" in seen and "XAUTHORITY=/x" in seen, seen
        for name, value in private.items():
            assert name not in seen and value not in seen, (name, seen)
    finally:
        gateway.clear()
        simulator.close()


def test_a_check_says_which_files_others_can_get_at(program):
    gateway = Gateway(program, {}, {"KEY": "sk-1234567890"})
    try:
        assert gateway.command("accounts", "add", "--label", "k", "--provider", "openai", "--unchecked", "--api-key-env", "KEY").returncode == 0
        gateway.stop()
        names = ("master.key", "admin.token", "penstock.db")
        for name in names:
            (gateway.folder / name).chmod(0o644)
        gateway.folder.chmod(0o750)
        done = gateway.command("serve", "--check")
        assert done.returncode == 0 and "are good" in done.stdout, done
        for path in [gateway.folder / name for name in names] + [gateway.folder]:
            assert re.search(rf'a start tightens its mode path="{re.escape(str(path))}" mode="0(644|750)"', done.stderr), (path, done.stderr)
        said = gateway.command("doctor").stdout
        for name in ("master.key", "admin.token"):
            assert f"other users may read {gateway.folder / name}" in said, said
        gateway.start()
        for name in names:
            assert (gateway.folder / name).stat().st_mode & 0o777 == 0o600, name
        gateway.stop()
        quiet = gateway.command("serve", "--check")
        assert quiet.returncode == 0 and "tighten" not in quiet.stderr, quiet
        (gateway.folder / "master.key").rename(gateway.folder / "elsewhere")
        (gateway.folder / "master.key").symlink_to("elsewhere")
        refused = gateway.command("serve", "--check")
        assert refused.returncode == 1 and "master.key is no plain file" in refused.stderr, refused
        (gateway.folder / "master.key").unlink()
        gateway.start()
    finally:
        gateway.clear()
