"""No secret is where it may not be: planted ones are looked for in everything that the gateway writes, answers and shows; nor is any vendor's in the tree."""
import json
import os
import pathlib
import re
import subprocess

from rig import Gateway, until
from signin_rig import Simulator, browse, finished, sign_in, start
from test_signin import ask

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


def test_planted_secrets_are_nowhere_to_be_found(program):
    simulator = Simulator(program)
    settings = simulator.settings()
    secret = settings["providers"]["antigravity"]["oauth"]["client_secret"] = "planted-client-secret-7731"
    gateway = Gateway(program, settings, {"KEY": "sk-planted-api-key-7732"})
    try:
        # whatever a provider says of it must not come back in an error either
        simulator.oauth(token=["invalid_grant", "status=500"])
        for _ in range(2):
            view = start(gateway, "antigravity")
            browse(view)
            assert finished(gateway, view)["state"] == "failed"
        sign_in(gateway, "antigravity", label="google")
        sign_in(gateway, "codex", label="codex")
        simulator.oauth(interval=1)
        assert finished(gateway, start(gateway, "copilot", label="copilot"))["state"] == "done"
        assert gateway.command("accounts", "add", "--label", "key", "--provider", "openai", "--api-key-env", "KEY", "--models", "none").returncode == 0
        simulator.oauth(expire=True)
        for label in ("google", "codex", "copilot"):
            gateway.admin("PUT", "/api/scheduling/fixed", {"account": label})
            assert ask(gateway)[0] == 200
        gateway.call("GET", "/metrics")
        simulator.oauth(revoke=True)
        ask(gateway)
        markers = {secret, "sk-planted-api-key-7732", "code_verifier"}
        for r in simulator.requests():
            markers |= set(re.findall(r"sim-(?:at|rt|gh|dc|code)-\d+-\d+-[0-9a-f]{4}", r["query"] + r["body"] + json.dumps(r["headers"])))
            markers |= set(re.findall(r"(?:code_verifier|state)=([0-9A-Za-z_-]{43})", r["body"]))
        assert len(markers) > 12, markers
        shown = [gateway.logged().encode()]
        for path in ("/api/accounts", "/api/accounts/codex", "/api/settings", "/api/status", "/api/requests", "/api/quota", f"/api/signin/{view['id']}"):
            status, answer = gateway.admin("GET", path)
            assert status == 200, (path, answer)
            shown.append(json.dumps(answer).encode())
        for command in (["accounts", "list"], ["accounts", "list", "--json"], ["accounts", "show", "codex"], ["status", "--once"], ["doctor"]):
            done = gateway.command(*command)
            shown.append((done.stdout + done.stderr).encode())
        shown.append(pathlib.Path(f"/proc/{gateway.process.pid}/cmdline").read_bytes())
        for name in os.listdir(gateway.folder):
            if name not in ("gui_config.json", "admin.token") and (gateway.folder / name).is_file():
                shown.append((gateway.folder / name).read_bytes())
        for marker in sorted(markers):
            for text in shown:
                at = text.find(marker.encode())
                assert at < 0, (marker, text[max(0, at - 80):at + 80])
        # no core dump either: nobody but root may read its memory, and the limit is zero
        limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text()
        assert re.search(r"Max core file size\s+0\s+0", limits), limits
        for name in ("penstock.db", "master.key", "usage.db"):
            assert (gateway.folder / name).stat().st_mode & 0o777 == 0o600, name
    finally:
        gateway.clear()
        simulator.close()


def test_a_check_says_which_files_others_can_get_at(program):
    gateway = Gateway(program, {}, {"KEY": "sk-1234567890"})
    try:
        assert gateway.command("accounts", "add", "--label", "k", "--provider", "openai", "--api-key-env", "KEY").returncode == 0
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
