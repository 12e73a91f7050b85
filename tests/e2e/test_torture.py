"""The n-th write, fsync, rename, accept, connect, send or receive fails, or the process dies in its place: the gateway
neither crashes nor loses what it has acknowledged, and works when the trouble is over.

In `make test` every few of them are tried, all with PENSTOCK_TEST_STRIDE=1 (`make release-check`)."""
import errno
import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import tempfile
import time

from rig import Gateway, Upstream, until
from wires import WIRES

STRIDE = int(os.environ.get("PENSTOCK_TEST_STRIDE", "17"))
ROUNDS = int(os.environ.get("PENSTOCK_TEST_ROUNDS", "6"))
SEED = int(os.environ.get("PENSTOCK_TEST_SEED", "1"))
HERE = pathlib.Path(__file__).resolve().parent
CHAT, _, MESSAGES, _ = WIRES
DIED = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL}


def module():
    """The preloaded part, compiled once."""
    made = pathlib.Path(tempfile.gettempdir()) / f"penstock-faults-{os.getpid()}.so"
    if not made.exists():
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-D_GNU_SOURCE", str(HERE / "faults.c"), "-o", str(made), "-ldl"],
                       check=True)
    return str(made)


class Trouble:
    """A gateway with a fault on its way. `struck()`: has it happened?"""

    def __init__(self, program, plan, upstream, folder=None, **more):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="penstock-test-"))
        self.log, self.heal = self.folder / "faults.log", self.folder / "healed"
        self.gateway, self.plan = None, plan
        settings = None if (self.folder / "gui_config.json").exists() else {"accounts": [CHAT.account(upstream, "one"), MESSAGES.account(upstream, "two")]}
        try:
            self.gateway = Gateway(program, settings, folder=self.folder, environment={
                "LD_PRELOAD": module(), "PENSTOCK_TEST_FAULT": plan, "PENSTOCK_TEST_FAULT_LOG": str(self.log),
                "PENSTOCK_TEST_FAULT_HEAL": str(self.heal)}, **more)
        except AssertionError as fault:
            self.refused = str(fault)  # it did not start: that is an ending, if it is a clean one

    def lines(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def struck(self):
        return any(not line.startswith("calls") for line in self.lines())

    def calls(self):
        return max((int(line.split()[1]) for line in self.lines() if line.startswith("calls")), default=0)


def answer(request, connection):
    wire = MESSAGES if "messages" in request.path else CHAT
    connection.sendall(wire.streamed(3) if b'"stream" : true' in request.body else wire.whole())


def ask(gateway, wire, stream):
    """Status and body, or None when the connection failed."""
    try:
        status, _, body = gateway.call("POST", *wire.request(stream))
        return status, body
    except OSError:
        return None
    except Exception as fault:  # http.client's own: a cut answer
        assert "http.client" in type(fault).__module__, fault
        return None


def change(gateway, seconds):
    """Was the change of a setting acknowledged?"""
    try:
        status, _ = gateway.admin("PATCH", "/api/scheduling", {"max_wait_seconds": seconds})
        return status == 200
    except Exception:
        return False


def kept(folder):
    try:
        return json.loads((folder / "gui_config.json").read_text())["proxy"]["scheduling"]["max_wait_seconds"]
    except KeyError:
        return None


def add_account(gateway, label):
    done = gateway.command("accounts", "add", "--label", label, "--provider", "openai", "--unchecked", "--api-key-stdin", input="sk-torture-0123456789abcdef")
    assert done.returncode not in DIED, (label, done)
    return done.returncode == 0


def is_answer(wire, body):
    """The upstream's own bytes, or the same words translated: a conversation stays with the account that served it when another had failed."""
    return body == wire.answer or b'"hi"' in body


def scenario(trouble):
    """Everything that writes and connects. Gives what was acknowledged: (last change of a setting, accounts)."""
    gateway, changed, accounts = trouble.gateway, None, []
    for wire in (CHAT, MESSAGES):
        for stream in (False, True):
            got = ask(gateway, wire, stream)
            if got is not None and got[0] == 200:
                assert (wire.success in got[1] if stream else is_answer(wire, got[1])) or b"error" in got[1], (wire.name, stream, got)
    for seconds in (11, 12):
        if change(gateway, seconds):
            changed = seconds
    for label in ("ada", "ben"):
        if add_account(gateway, label):
            accounts.append(label)
    return changed, accounts


def check_after(program, folder, changed, accounts, upstream, plan):
    """The folder is sound, nothing acknowledged is lost, and a gateway without trouble serves from it."""
    with sqlite3.connect(folder / "penstock.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",), plan
    gateway = Gateway(program, folder=folder)
    try:
        for wire in (CHAT, MESSAGES):
            got = ask(gateway, wire, False)
            assert got[0] == 200 and is_answer(wire, got[1]), (plan, got, gateway.logged()[-1500:])
        if changed is not None:
            assert kept(folder) in (changed, changed + 1), (plan, changed, kept(folder))
        labels = {a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]}
        assert set(accounts) <= labels, (plan, accounts, labels)
        assert not list(folder.glob("*.tmp.*")), plan
        assert gateway.stop() == 0, plan
    finally:
        gateway.clear()


def torture(program, plan, arguments=()):
    """One run; gives the number of calls there were, when all went well."""
    upstream = Upstream(answer)
    trouble = Trouble(program, plan, upstream, arguments=arguments)
    changed, accounts = None, []
    try:
        if trouble.gateway is None:
            assert trouble.struck() and "did not start" in trouble.refused, (plan, trouble.refused)
        else:
            killed = plan.endswith("kill")
            try:
                changed, accounts = scenario(trouble)
            finally:
                code = trouble.gateway.stop()
            assert code == 0 or (killed and code == -signal.SIGKILL), (plan, code, trouble.gateway.logged()[-2000:])
        calls = trouble.calls()
        check_after(program, trouble.folder, changed, accounts, upstream, plan)
        return calls
    finally:
        upstream.close()
        if trouble.gateway is not None:
            trouble.gateway.clear()


def each(program, names, how, arguments=()):
    """Every call of these names fails once, or every STRIDE-th."""
    calls = torture(program, f"{names}:0:{how}", arguments)
    assert calls > 0, names
    first = 1 + random.Random(SEED).randrange(min(STRIDE, calls))
    for n in range(first, calls + 1, STRIDE):
        torture(program, f"{names}:{n}:{how}", arguments)


def test_a_write_that_fails(program):
    with tempfile.TemporaryDirectory() as folder:
        each(program, "write", errno.ENOSPC, ("--journal", f"{folder}/journal"))


def test_an_fsync_that_fails(program):
    each(program, "fsync", errno.EIO)


def test_a_rename_that_fails(program):
    each(program, "rename", errno.EIO)


def test_an_accept_that_fails(program):
    for how in (errno.EMFILE, errno.ECONNABORTED):
        each(program, "accept", how)


def test_a_connection_that_cannot_be_made(program):
    each(program, "connect+socket", errno.ENETUNREACH)


def test_a_send_or_receive_that_fails(program):
    each(program, "send+recv", errno.ECONNRESET)


def test_killed_at_any_step_of_writing(program):
    """Every beginning of the sequence of writes, fsyncs and renames is a state that the next start must bear."""
    each(program, "write+fsync+rename", "kill")


def test_a_full_disk_and_its_end(program):
    """Requests are served while no file can be written, changes say why they fail, and all is well again without a restart."""
    upstream = Upstream(answer)
    trouble = Trouble(program, f"write:0:{errno.ENOSPC}", upstream)
    settled = trouble.gateway.stop()
    calls = trouble.calls()
    assert settled == 0
    trouble = Trouble(program, f"write:{calls + 1}+:{errno.ENOSPC}", upstream, folder=trouble.folder)
    try:
        gateway = trouble.gateway
        for wire in (CHAT, MESSAGES):
            assert ask(gateway, wire, False) == (200, wire.answer)
            assert wire.success in ask(gateway, wire, True)[1]
        until(lambda: not change(gateway, 30) and trouble.struck(), "the disk is full")
        status, body = gateway.admin("PATCH", "/api/scheduling", {"max_wait_seconds": 31})
        assert status >= 500 and "space" in json.dumps(body), (status, body)
        assert ask(gateway, CHAT, False) == (200, CHAT.answer)
        trouble.heal.touch()
        assert change(gateway, 32) and kept(trouble.folder) == 32
        assert gateway.stop() == 0
    finally:
        trouble.gateway.clear()
        upstream.close()


def test_kill_9_under_load_loses_nothing_acknowledged(program):
    upstream, numbers = Upstream(answer), random.Random(SEED)
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one")]})
    acknowledged, labels, seconds = None, [], 0
    try:
        for turn in range(ROUNDS):
            end = time.monotonic() + numbers.uniform(0.02, 0.25)
            adding = subprocess.Popen([program, "accounts", "add", "--label", f"turn {turn}", "--provider", "openai", "--unchecked", "--api-key-stdin",
                                       "--data-dir", str(gateway.folder)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, env=gateway.env())
            adding.stdin.write(b"sk-torture-0123456789abcdef")
            adding.stdin.close()
            while time.monotonic() < end:
                seconds = seconds % 900 + 1
                if change(gateway, seconds):
                    acknowledged = seconds
            if numbers.random() < 0.5:
                adding.kill()
            gateway.process.kill()
            gateway.process.wait()
            if adding.wait() == 0:
                labels.append(f"turn {turn}")
            gateway.process.stdout.close()
            gateway.log.close()
            gateway.start()
            if acknowledged is not None:
                assert kept(gateway.folder) in (acknowledged, acknowledged % 900 + 1), (turn, acknowledged, kept(gateway.folder))
            have = {a["label"] for a in gateway.admin("GET", "/api/accounts")[1]["accounts"]}
            assert set(labels) <= have, (turn, labels, have)
            with sqlite3.connect(gateway.folder / "penstock.db") as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",), turn
            assert not list(gateway.folder.glob("*.tmp.*")), turn
        assert gateway.stop() == 0
    finally:
        gateway.clear()
        upstream.close()
