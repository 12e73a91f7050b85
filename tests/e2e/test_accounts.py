"""Accounts on the command line: signing in, moving secrets from one keeping to another, taking over what other programs keep."""
import base64
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import tempfile
import termios

from proxies import Forwarder
from rig import Gateway, until
from signin_rig import Simulator, consent, fetch, sign_in
from test_signin import Rig, ask

QUIET = {"PENSTOCK_OAUTH_NO_OPEN": "1"}


class Command:
    """`penstock accounts add` of somebody who signs in: what it prints, and what is pasted into it."""

    def __init__(self, gateway, *arguments):
        self.process = subprocess.Popen([gateway.program, "accounts", "add", "--data-dir", str(gateway.folder), *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**gateway.env(), **QUIET})

    def line_with(self, word):
        for line in self.process.stdout:
            if word in line:
                return line.strip()
        raise AssertionError(f"no line with {word}: {self.process.stderr.read()}")

    def end(self, paste=None):
        out, err = self.process.communicate(paste, timeout=20)
        return self.process.returncode, out, err


def test_the_command_signs_in_by_the_browser(program):
    with Rig(program) as (simulator, gateway):
        command = Command(gateway, "--provider", "codex", "--label", "work")
        status, _, page = fetch("GET", consent({"url": command.line_with("/oauth/authorize")}))
        assert status == 200, page
        code, out, err = command.end()
        assert code == 0 and "signed in: `work`" in out, (code, out, err)
        until(lambda: ask(gateway)[0] == 200 and gateway.admin("GET", "/api/accounts/work")[0] == 200, "the gateway notices")


def test_the_command_takes_what_is_pasted(program):
    with Rig(program) as (simulator, gateway):
        command = Command(gateway, "--provider", "antigravity")
        back = consent({"url": command.line_with("/oauth/authorize")})
        code, out, err = command.end("http://localhost/x?state=wrong&code=1\n" + back + "\n")
        assert code == 0 and "sim@example.test" in out and "another sign-in" in err, (code, out, err)


def test_the_command_lets_a_wrong_code_be_followed_by_a_good_one(program):
    with Rig(program) as (simulator, gateway):
        command = Command(gateway, "--provider", "codex")
        back = consent({"url": command.line_with("/oauth/authorize")})
        for _ in range(2):
            command.process.stdin.write("wrong\n")
            command.process.stdin.flush()
            assert any("does not take this code" in line for line in command.process.stderr)
        code, out, err = command.end(re.search(r"code=([^&]+)", back).group(1) + "\n")
        assert code == 0 and "signed in" in out, (code, out, err)
        command = Command(gateway, "--provider", "codex")
        command.line_with("/oauth/authorize")
        code, out, err = command.end("wrong\n")
        assert code == 1 and "does not take this code" in err, "nothing else can come"


def test_the_command_shows_a_device_code(program):
    with Rig(program) as (simulator, gateway):
        simulator.oauth(interval=1)
        command = Command(gateway, "--provider", "copilot", "--json")
        shown = json.loads(command.line_with("user_code"))
        assert shown["user_code"].startswith("SIM-") and shown["state"] == "waiting", shown
        code, out, err = command.end()
        assert code == 0 and json.loads(out)["state"] == "done", (code, out, err)
        simulator.oauth(interval=1, token=["access_denied"])
        code, out, err = Command(gateway, "--provider", "copilot").end()
        assert code == 1 and "not given" in err, (code, out, err)


def test_without_a_client_the_command_says_what_to_enter(program):
    gateway = Gateway(program, {})
    try:
        code, _, err = Command(gateway, "--provider", "antigravity").end()
        assert code == 3 and "providers.antigravity.oauth.client_id" in err and "console.cloud.google.com" in err, (code, err)
        code, _, err = Command(gateway, "--provider", "openai").end()
        assert code == 2 and "--label" in err, (code, err)
    finally:
        gateway.clear()


def test_a_key_is_checked_when_it_is_added(program):
    """Each provider of keys: a good one, a wrong one, a provider that is down, one without a list, and one that is not there; over the API and by the command."""
    with Rig(program) as (simulator, gateway):
        closed = socket.create_server(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        closed.close()
        cases = [("openai", {"base_url": simulator.url + "/v1"}), ("anthropic", {"base_url": simulator.url}), ("gemini", {"base_url": simulator.url}),
                 *[("compatible", {"base_url": simulator.url + path, "wire": wire}) for wire, path in (("openai-chat", "/v1"), ("anthropic", ""), ("gemini", ""))],
                 ("codex", {"base_url": simulator.url + "/backend-api/codex"}), ("antigravity", {"base_url": simulator.url})]
        for i, (provider, more) in enumerate(cases):
            for key, trouble in ((f"wrong-key-{i}", "error=key"), (f"down-key-{i}", "status=503")):
                answer = simulator.control("PUT", f"accounts/{key}", {"rules": [f"model {name}: {trouble}" for name in ("models", "usage", "loadCodeAssist")]})
                assert b'"ok":true' in answer, answer
            status, answer = gateway.admin("POST", "/api/accounts", {"label": f"good {i}", "provider": provider, "api_key": f"good-key-{i}", **more})
            assert status == 201 and answer["check"]["ok"] and answer["check"]["status"] == 200, (provider, answer)
            status, answer = gateway.admin("POST", "/api/accounts", {"label": f"wrong {i}", "provider": provider, "api_key": f"wrong-key-{i}", **more})
            assert status == 400 and answer["error"]["path"] == "api_key" and re.match(r"the provider refuses it \(status 40[01]\): .", answer["error"]["message"]), (provider, answer)
            assert f"wrong-key-{i}" not in json.dumps(answer)
            status, answer = gateway.admin("POST", "/api/accounts", {"label": f"down {i}", "provider": provider, "api_key": f"down-key-{i}", **more})
            assert status == 201 and not answer["check"]["ok"] and answer["check"]["status"] == 503, (provider, answer)
            status, answer = gateway.admin("POST", "/api/accounts?check=off", {"label": f"wrong {i}", "provider": provider, "api_key": f"wrong-key-{i}", **more})
            assert status == 201 and answer["check"] is None, (provider, answer)
            # nothing of it is kept when it is refused
            options = [o for name, value in more.items() for o in (f"--{name.replace('_', '-')}", value)]
            add = ("accounts", "add", "--provider", provider, *options, "--api-key-stdin", "--label")
            done = gateway.command(*add, f"by command {i}", input=f"wrong-key-{i}")
            assert done.returncode == 1 and "refuses this key (status 40" in done.stderr and f"by command {i}" not in gateway.command("accounts", "list").stdout, (provider, done)
            done = gateway.command(*add, f"by command {i}", input=f"good-key-{i}")
            assert done.returncode == 0 and "accepts the credential" in done.stdout, (provider, done)
            done = gateway.command(*add, f"by command down {i}", "--json", input=f"down-key-{i}")
            assert done.returncode == 0 and json.loads(done.stdout)["check"]["status"] == 503, (provider, done)
        status, answer = gateway.admin("POST", "/api/accounts", {"label": "nowhere", "provider": "anthropic", "api_key": "k", "base_url": nowhere})
        assert status == 201 and not answer["check"]["ok"] and answer["check"]["status"] == 0 and answer["check"]["verdict"] == "network", answer
        done = gateway.command("accounts", "add", "--label", "nowhere too", "--provider", "openai", "--base-url", nowhere + "/v1", "--api-key-stdin", input="k")
        assert done.returncode == 0 and "could not be checked" in done.stderr, done
        for label, more in (("keyless", {}), ("off", {"api_key": "k", "disabled": True})):
            status, answer = gateway.admin("POST", "/api/accounts", {"label": label, "provider": "compatible", "wire": "openai-chat", "base_url": nowhere + "/v1", **more})
            assert status == 201 and answer["check"] is None, (label, answer)


def test_an_export_is_sealed_and_comes_back_with_all_it_had(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="signed-in")
        added = gateway.command("accounts", "add", "--label", "key", "--provider", "openai", "--unchecked", "--api-key-env", "KEY", "--models", "gpt-*", "--tier", "PRO",
                                environment={"KEY": "sk-planted-0123456789"})
        assert added.returncode == 0, added.stderr
        path = str(gateway.folder / "out.sealed")
        words = {"WORDS": "correct horse battery"}
        done = gateway.command("accounts", "export", path, "--passphrase-env", "WORDS", environment=words)
        assert done.returncode == 0 and "2 accounts" in done.stdout, done
        text = pathlib.Path(path).read_text()
        assert os.stat(path).st_mode & 0o777 == 0o600
        for marker in ("planted", "sim-rt", "sim-at", "signed-in", "openai"):
            assert marker not in text and base64.b64encode(marker.encode()).decode()[:6] not in text, marker
        other = Gateway(program, simulator.settings())
        try:
            wrong = other.command("accounts", "import", path, input="another passphrase\n")
            assert wrong.returncode == 1 and "passphrase" in wrong.stderr, wrong
            for bad in (text[:-20], text.replace(text[-40:-30], "A" * 10)):
                (other.folder / "bad").write_text(bad)
                assert other.command("accounts", "import", str(other.folder / "bad"), "--passphrase-env", "WORDS", environment=words).returncode == 1
            done = other.command("accounts", "import", path, input="correct horse battery\n")
            assert done.returncode == 0 and "2 taken, 0 left" in done.stdout, done
            again = other.command("accounts", "import", path, "--json", input="correct horse battery\n")
            assert [a["taken"] for a in json.loads(again.stdout)["accounts"]] == [False, False], again.stdout
            listed = {a["label"]: a for a in json.loads(other.command("accounts", "list", "--json").stdout)["accounts"]}
            assert listed["key"]["key"] == "sk-…6789" and listed["key"]["tier"] == "PRO", listed
            until(lambda: other.admin("GET", "/api/accounts/key")[0] == 200, "the gateway notices")
            other.command("accounts", "remove", "key")
            until(lambda: other.admin("GET", "/api/accounts/key")[0] == 404, "the gateway notices")
            gateway.stop()
            simulator.oauth(expire=True)
            status, fields, body = ask(other)
            assert status == 200 and fields["x-account-email"] == "signed-in", body
        finally:
            other.clear()
        gateway.start()
        short = gateway.command("accounts", "export", path, input="short\n")
        assert short.returncode == 1 and "8 bytes" in short.stderr, short


def typed(gateway, arguments, *dialogue, code=0):
    """What a person sees who types each answer behind its prompt."""
    master, slave = pty.openpty()
    process = subprocess.Popen([gateway.program, *arguments, "--data-dir", str(gateway.folder)], stdin=slave, stdout=slave, stderr=slave, env={**gateway.env(), "TERM": "xterm"})
    os.close(slave)
    seen = b""
    try:
        for prompt, answer in dialogue:
            while not seen.endswith(prompt.encode()):
                seen += os.read(master, 4096)
            os.write(master, answer.encode() + b"\n")
        while piece := os.read(master, 4096):
            seen += piece
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(master)
    assert process.wait(20) == code, seen
    return seen.decode().replace("\r\n", "\n")


def test_secrets_are_asked_for_on_a_terminal_and_not_shown(program):
    gateway = Gateway(program, {})
    try:
        add = ["accounts", "add", "--label", "work", "--provider", "openai", "--unchecked"]
        assert typed(gateway, [*add, "--api-key-stdin"], ("API key: ", "sk-typed-0123456789")) == "API key: \nadded `work` (1)\n"
        export = ["accounts", "export", str(gateway.folder / "sealed")]
        seen = typed(gateway, export, ("Passphrase: ", "a long passphrase"), ("Once more: ", "a long passphrase"))
        assert "passphrase" not in seen and "1 account, sealed" in seen, seen
        assert "not the same" in typed(gateway, export, ("Passphrase: ", "a long passphrase"), ("Once more: ", "another passphrase"), code=1)
        seen = typed(gateway, ["accounts", "import", str(gateway.folder / "sealed")], ("Passphrase: ", "a long passphrase"))
        assert "passphrase" not in seen and "there is an account `work` already" in seen, seen
        done = gateway.command("accounts", "add", "--label", "other", "--provider", "openai")
        assert done.returncode == 1 and "--api-key-stdin" in done.stderr, done
    finally:
        gateway.clear()


def test_who_breaks_off_at_a_hidden_question_sees_again_what_they_type(program):
    def at_a_terminal():
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests in the background has it ignored
    gateway = Gateway(program, {})
    try:
        for how, number in ((b"\x03", signal.SIGINT), (None, signal.SIGTERM)):
            master, slave = pty.openpty()  # of its own session, so that Ctrl-C is a signal
            process = subprocess.Popen([program, "password", "set", "--data-dir", str(gateway.folder)], stdin=slave, stdout=slave, stderr=slave, env=gateway.env(),
                                       start_new_session=True, preexec_fn=at_a_terminal)
            try:
                seen = b""
                while b"assword: " not in seen:
                    seen += os.read(master, 4096)
                assert not termios.tcgetattr(slave)[3] & termios.ECHO, "hidden"
                os.write(master, b"half of it")
                if how is not None:
                    os.write(master, how)
                else:
                    process.send_signal(number)
                assert process.wait(20) == -number, seen
                assert termios.tcgetattr(slave)[3] & termios.ECHO, "shown"
            finally:
                os.close(slave)
                os.close(master)
    finally:
        gateway.clear()


def test_sealing_moves_keys_from_the_file_to_the_database(program):
    simulator = Simulator(program)
    settings = simulator.settings(accounts=[
        {"label": "clear", "provider": "compatible", "wire": "openai-chat", "base_url": f"{simulator.url}/v1", "api_key": "sk-planted-1"},
        {"label": "env", "provider": "openai", "api_key_env": "NOWHERE"},
        {"label": "none", "provider": "compatible", "wire": "openai-chat", "base_url": f"{simulator.url}/v1"}])
    gateway = Gateway(program, settings)
    try:
        done = gateway.command("accounts", "seal")
        assert done.returncode == 0 and "1 account moved" in done.stdout and ".bak" in done.stdout, done
        left = json.loads((gateway.folder / "gui_config.json").read_text())
        assert [a["label"] for a in left["accounts"]] == ["env", "none"] and left["providers"] == settings["providers"], left
        until(lambda: gateway.admin("GET", "/api/accounts/clear")[1].get("declared_in") == "database", "the gateway notices")
        again = gateway.command("accounts", "seal", "--json")
        assert json.loads(again.stdout) == {"accounts": 0}, again
    finally:
        gateway.clear()
        simulator.close()


def test_another_master_key_opens_everything_and_the_old_one_nothing(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="a")
        busy = gateway.command("keys", "rotate-master")
        assert busy.returncode == 1 and "gateway" in busy.stderr or "runs" in busy.stderr or "process" in busy.stderr, busy
        gateway.stop()
        old = (gateway.folder / "master.key").read_bytes()
        done = gateway.command("keys", "rotate-master")
        assert done.returncode == 0, done
        new = (gateway.folder / "master.key").read_bytes()
        assert old != new and not (gateway.folder / "master.key.next").exists()
        gateway.start()
        assert ask(gateway)[0] == 200
        gateway.stop()
        (gateway.folder / "master.key.next").write_bytes(old)  # as if a change had been cut short before its commit
        os.chmod(gateway.folder / "master.key.next", 0o600)
        gateway.start()
        assert ask(gateway)[0] == 200
        gateway.stop()
        assert (gateway.folder / "master.key").read_bytes() == new and not (gateway.folder / "master.key.next").exists()
        (gateway.folder / "master.key").rename(gateway.folder / "master.key.next")
        (gateway.folder / "master.key").write_bytes(old)  # … or behind it
        os.chmod(gateway.folder / "master.key", 0o600)
        gateway.start()
        assert ask(gateway)[0] == 200
        gateway.stop()
        assert (gateway.folder / "master.key").read_bytes() == new
        moved = gateway.command("keys", "rotate-master", "--to-env", "NEXT", environment={"NEXT": "a passphrase of my own"})
        assert moved.returncode == 0, moved
        gateway.environment = {"PENSTOCK_MASTER_KEY": "a passphrase of my own"}
        gateway.start()
        assert ask(gateway)[0] == 200


def claims(**members):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    return f"{part({'alg': 'none'})}.{part(members)}.sig"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))


def test_sign_ins_of_other_programs_are_taken_over(program):
    gateway = Gateway(program, {})
    home = pathlib.Path(tempfile.mkdtemp(prefix="penstock-home-"))
    try:
        def run(*arguments):
            return gateway.command("import", *arguments, environment={"HOME": str(home)})

        assert run("codex").returncode == 3
        write(home / ".codex/auth.json", {"OPENAI_API_KEY": None, "last_refresh": "2026-11-01T00:00:00Z", "tokens": {
            "id_token": claims(email="ada@example.test", **{"https://api.openai.com/auth": {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "pro"}}),
            "access_token": claims(exp=4102444800), "refresh_token": "codex-refresh", "account_id": "acc-1"}})
        done = run("codex")
        assert done.returncode == 0 and "took `ada@example.test`" in done.stdout, done
        again = run("codex")
        assert again.returncode == 0 and "already" in again.stdout, again
        write(home / "bare/oauth_creds.json", {"access_token": "ya-bare-0123456"})  # nobody's name, and nothing that renews it
        for word in ("took", "already"):
            done = run("gemini-cli", "--from", str(home / "bare"))
            assert done.returncode == 0 and word in done.stdout, done
        assert gateway.command("accounts", "remove", "antigravity").returncode == 0
        write(home / "broken/auth.json", "{")
        (home / "empty/accounts").mkdir(parents=True)
        for arguments, code, told in ((["codex", "--from", str(home / "broken")], 1, "nothing was taken"), (["antigravity-manager", "--from", str(home / "empty")], 3, "no accounts in")):
            done, other = run(*arguments), run(*arguments, "--json")
            assert done.returncode == other.returncode == code and told in done.stderr and told in other.stderr, (done, other)
            assert all(not f["taken"] for f in json.loads(other.stdout)["files"]), other
        write(home / ".gemini/oauth_creds.json", {"access_token": "ya-gemini-0123", "refresh_token": "gemini-refresh", "scope": "openid",
                                                   "token_type": "Bearer", "expiry_date": 4102444800000, "id_token": claims(email="bo@example.test")})
        assert "took `bo@example.test`" in run("gemini-cli").stdout
        manager = home / ".antigravity_tools/accounts"
        write(manager / "1.json", {"id": "1", "email": "cy@example.test", "name": "Cy", "disabled": False, "token": {
            "access_token": "ya-cy-0123456", "refresh_token": "cy-refresh", "expires_in": 3599, "expiry_timestamp": 4102444800, "project_id": "project-1"}})
        write(manager / "2.json", {"id": "2", "email": "di@example.test", "disabled": True, "token": {
            "access_token": "ya-di-0123456", "refresh_token": "di-refresh", "expiry_timestamp": 1, "project_id": ""}, "custom_label": "Di's"})
        write(manager / "3.json", "{broken")
        done = run("antigravity-manager")
        assert "took `cy@example.test`" in done.stdout and "took `Di's`" in done.stdout and "2 taken, 1 left" in done.stdout, done
        api = home / ".anti-api/auth"
        write(api / "codex-1.json", {"id": "1", "type": "codex", "email": "ed@example.test", "access_token": "at-ed-0123456", "refresh_token": "ed", "expires_at": 4102444800000})
        write(api / "github-copilot-1.json", {"id": "2", "type": "github-copilot", "login": "octo", "access_token": "gho-0123456789"})
        write(api / "kiro-1.json", {"id": "3", "type": "kiro", "access_token": "x"})
        done = json.loads(run("anti-api", "--json").stdout)["files"]
        assert {f["label"]: f["taken"] for f in done} == {"ed@example.test": True, "octo": True, "": False}, done
        assert [f["why"] for f in done if not f["taken"]] == ["Penstock has no provider of this type"]
        assert run("nothing").returncode == 2
        listed = {a["label"]: a for a in json.loads(gateway.command("accounts", "list", "--json").stdout)["accounts"]}
        assert {k: v["provider"] for k, v in listed.items()} == {
            "ada@example.test": "codex", "bo@example.test": "antigravity", "cy@example.test": "antigravity", "Di's": "antigravity",
            "ed@example.test": "codex", "octo": "copilot"}, listed
        assert listed["Di's"]["disabled"] and not listed["cy@example.test"]["disabled"]
        told = until(lambda: (lambda a: a if len(a) == 6 else None)(gateway.admin("GET", "/api/accounts")[1]["accounts"]), "the gateway notices")
        assert {a["label"]: (a["renewal"], a["imported_from"]) for a in told} == {
            "ada@example.test": ("client_missing", str(home / ".codex/auth.json")), "bo@example.test": ("client_missing", str(home / ".gemini/oauth_creds.json")),
            "cy@example.test": ("client_missing", None), "Di's": ("client_missing", None), "ed@example.test": ("client_missing", None), "octo": ("automatic", None)}, told
    finally:
        gateway.clear()


def test_a_proxy_that_is_none_is_refused_however_an_account_is_added(program):
    with Rig(program) as (_, gateway):
        for provider in ("openai", "codex"):
            done = gateway.command("accounts", "add", "--label", "x", "--provider", provider, "--proxy", "bogus://x")
            assert done.returncode == 1 and "proxy" in done.stderr and "socks5h" in done.stderr, done
        status, answer = gateway.admin("POST", "/api/signin/codex", {"proxy": "bogus://x"})
        assert status == 400 and answer["error"]["path"] == "proxy", (status, answer)
        assert "x" not in [a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]]


def test_the_folder_of_a_program_with_one_file_will_do(program):
    with Rig(program) as (_, gateway):
        folder = gateway.folder / "codex"
        write(folder / "auth.json", {"tokens": {"access_token": "at", "refresh_token": "rt", "account_id": "acc-1"}})
        done = gateway.command("import", "codex", "--from", str(folder))
        assert done.returncode == 0 and "1 taken" in done.stdout and "auth.json" in done.stdout, done
        done = gateway.command("import", "gemini-cli", "--from", str(folder))
        assert done.returncode == 3 and "oauth_creds.json" in done.stderr, done


def test_a_followed_file_is_read_again_when_it_changes(program):
    with Rig(program) as (simulator, gateway):
        sign_in(gateway, "codex", label="first")
        grant = simulator.oauth()["grants"][0]
        gateway.command("accounts", "remove", "first")
        path = gateway.folder / "codex" / "auth.json"

        def auth(token):
            write(path, {"tokens": {"access_token": token, "refresh_token": "theirs", "account_id": "acc-1"}})

        auth("sim-at-1-9-0000")
        done = gateway.command("import", "codex", "--from", str(path))
        assert done.returncode == 0 and "1 taken" in done.stdout, done
        until(lambda: ask(gateway)[0] == 503, "the gateway notices, and the token is refused")
        until(lambda: gateway.admin("GET", "/api/accounts/codex")[1]["disabled"], "nor is it renewed")
        auth(grant["access"][0])
        until(lambda: ask(gateway)[0] == 200, "the new token is taken")


def test_the_proxy_of_an_account_is_changed_and_used_at_once(program):
    """Over the API and by the command; a wrong one is told with its reason and changes nothing. A name that only the proxy knows shows the way."""
    with Rig(program) as (simulator, gateway):
        proxy = Forwarder({("upstream.example", 80): simulator.port})
        added = gateway.command("accounts", "add", "--label", "k", "--provider", "compatible", "--wire", "openai-chat", "--base-url", "http://upstream.example/v1",
                                "--unchecked", "--api-key-stdin", input="sk-1")
        assert added.returncode == 0, added
        until(lambda: gateway.admin("GET", "/api/accounts/k")[0] == 200, "the gateway notices")
        assert gateway.admin("GET", "/api/accounts/k")[1]["proxy"] is None
        for wrong, says in (("ftp://127.0.0.1", "proxy URL"), (7, "text or null"), ("http://169.254.169.254:80", "metadata"), ("http://127.0.0.1:1/path", "path"),
                            ("socks5://:", "proxy URL")):
            status, answer = gateway.admin("PATCH", "/api/accounts/k", {"proxy": wrong})
            assert status == 400 and answer["error"]["path"] == "proxy" and says in answer["error"]["message"], (wrong, answer)
        status, view = gateway.admin("PATCH", "/api/accounts/k", {"proxy": f"http://ada:planted-pw@127.0.0.1:{proxy.port}"})
        assert status == 200 and view["proxy"] == f"http://…@127.0.0.1:{proxy.port}", view
        status, _, body = ask(gateway)
        assert status == 200 and proxy.seen and proxy.seen[-1] == ("upstream.example", "Basic " + base64.b64encode(b"ada:planted-pw").decode()), (status, body, proxy.seen)
        changed = gateway.command("accounts", "change", "k", "--proxy", "direct", "--tier", "PRO", "--max-concurrency", "3", "--models", "m1, m2*")
        assert changed.returncode == 0 and changed.stdout == "changed `k`\n", changed
        view = gateway.admin("GET", "/api/accounts/k")[1]
        assert (view["proxy"], view["tier"], view["max_concurrency"], view["models_known"]) == ("direct", "PRO", 3, 2), view
        assert re.search(r"^proxy +direct$", gateway.command("accounts", "show", "k").stdout, re.M)
        view = json.loads(gateway.command("accounts", "change", "k", "--proxy", "", "--json").stdout)
        assert view["proxy"] is None and view["tier"] == "PRO", view
        wrong = gateway.command("accounts", "change", "k", "--proxy", "gopher://x")
        assert wrong.returncode == 1 and "proxy" in wrong.stderr, wrong
        assert gateway.command("accounts", "change", "k").returncode == 2, "nothing to change"
        assert gateway.command("accounts", "change", "nobody", "--tier", "PRO").returncode == 3
        proxy.close()
