"""Commands that talk to a running gateway, and replay: output for people, --json, exit codes."""
import json
import os
import pathlib
import pty
import re
import shlex
import shutil
import subprocess
import tempfile

from rig import TIMEOUT_S, Gateway, until
from test_admin import ask, refusing, traced, two
from wires import WIRES

CHAT = WIRES[0]


def run(program, *arguments, code=0):
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == code, (arguments, done)
    return done


def told(gateway, *arguments, code=0):
    """What a command says, and with --json as well."""
    done = gateway.command(*arguments)
    assert done.returncode == code, (arguments, done)
    return done.stdout if code == 0 else done.stderr


def json_of(gateway, *arguments):
    return json.loads(told(gateway, *arguments, "--json"))


def listed(text):
    """Names under `Commands:` of a help."""
    return re.findall(r"^  ([a-z]+)\b", text.split("Commands:\n", 1)[1], re.M)


def paths(program):
    """Every command of the table, as words."""
    for name in listed(run(program, "--help").stdout):
        text = run(program, name, "--help").stdout
        for below in listed(text) if "Commands:" in text else [None]:
            yield [name, below] if below else [name]


def test_every_command_has_help_and_refuses_what_it_does_not_know(program):
    assert {"serve", "simulate", "accounts", "status", "mode", "fixed", "bindings", "lockouts", "why", "replay", "completion", "help", "version"} <= set(listed(run(program, "--help").stdout))
    for path in paths(program):
        help_ = run(program, *path, "--help").stdout
        assert help_.startswith(f"usage: penstock {' '.join(path)}") and "Exit codes: 0 done" in help_, help_
        assert help_ == run(program, "help", *path).stdout == run(program, *path, "-h").stdout
        assert max(map(len, help_.split("Examples:")[0].splitlines())) <= 80, help_
        wrong = run(program, *path, "--no-such-option", code=2)
        assert "--no-such-option" in wrong.stderr and "usage: penstock" in wrong.stderr and wrong.stdout == "", wrong
    assert run(program, "--version").stdout == run(program, "version").stdout


def test_wrong_usage_is_two_and_named(program):
    for words, named in (
        (["mode", "Balance", "b"], "`b`"), (["mode", "X"], "PerformanceFirst, not `X`"), (["mode", "--max-wait"], "--max-wait"), (["mode", "--max-wait", "x"], "whole seconds"),
        (["mode", "--max-wait", "-1"], "0 to 86400, not `-1`"), (["mode", "--max-wait", "86401"], "86400"), (["fixed"], "one of its commands"), (["fixed", "set"], "ACCOUNT is missing"),
        (["fixed", "unset"], "`unset`"), (["fixed", "clear", "one"], "`one`"), (["bindings"], "one of its commands"), (["bindings", "clear", "--limit", "3"], "--limit"),
        (["bindings", "list", "--limit", "0"], "1 to 1000"), (["bindings", "list", "--limit", "1001"], "1 to 1000"), (["lockouts", "clear"], "--all"),
        (["lockouts", "clear", "one", "--all"], "--all"), (["status", "--json=1"], "--json"), (["why", "a", "b"], "`b`"), (["nothing"], "`nothing`"), (["accounts"], "accounts"),
        (["accounts", "add", "--provider", "openai"], "--label is missing"), (["accounts", "add", "--label", "x"], "--provider P is missing"), (["accounts", "add", "--label", "x", "--provider", "nobody"], "anthropic"),
        (["accounts", "add", "--label", "x", "--provider", "openai", "--tier", "GOLD"], "ULTRA, PRO, FREE"), (["accounts", "add", "--label", "x", "--provider", "openai", "--max-concurrency", "0"], "100000"),
        (["accounts", "remove"], "ACCOUNT"), (["simulate", "--listen", "nowhere"], "nowhere"), (["simulate", "--seed", "x"], "--seed"), (["serve", "--listen"], "--listen"),
        (["completion", "tcsh"], "bash, zsh, fish"), (["completion"], "SHELL"), (["help", "nothing"], "`nothing`"), (["help", "--man", "--markdown"], "--markdown"),
    ):
        done = run(program, *words, code=2)
        assert named in done.stderr and "--help" in done.stderr and done.stdout == "", (words, done)


def test_the_manual_is_what_the_table_says(program):
    docs = pathlib.Path(__file__).resolve().parents[2] / "docs"
    for option, name in (("--man", "penstock.1"), ("--markdown", "cli.md")):
        assert run(program, "help", option).stdout == (docs / name).read_text(), f"docs/{name} is not what the program says: `make docs`"
    text = (docs / "cli.md").read_text()
    for path in paths(program):
        assert f"\n## {' '.join(path)}\n" in text, path


def test_there_is_no_colour_but_on_a_terminal(program):
    assert "\x1b" not in run(program, "--help").stdout
    for environment, painted in (({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        assert ("\x1b[1m" in on_a_terminal(program, ["help"], environment)) == painted, environment


def test_long_work_tells_on_a_terminal_what_it_does(program):
    words = ["replay", "--generate", "--sessions", "2", "--turns", "2"]
    shown = on_a_terminal(program, words, {})
    assert re.search(r"\r\d+ turns, CacheFirst\x1b\[K\r\d+ turns, Balance\x1b\[K", shown), shown
    assert shown.split("\r\x1b[K")[-1].replace("\r\n", "\n") == run(program, *words).stdout, "and leaves nothing of it"
    assert "\x1b" not in on_a_terminal(program, words, {"TERM": "dumb"})


def on_a_terminal(program, arguments, environment):
    master, slave = pty.openpty()
    kept = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    process = subprocess.Popen([program, *arguments], stdout=slave, stderr=slave, stdin=slave, env={**kept, "TERM": "xterm", **environment})
    os.close(slave)
    out = b""
    try:
        while piece := os.read(master, 4096):
            out += piece
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(master)
    assert process.wait(TIMEOUT_S) == 0
    return out.decode()


COMPLETED = (  # words of a line, and what comes next
    (["st"], ["status"]), (["accounts", ""], ["add", "list", "remove", "show", "test", "refresh", "change", "enable", "disable", "export", "import", "seal"]), (["mode", "P"], ["PerformanceFirst"]), (["mode", "Balance", "--max"], ["--max-wait"]),
    (["accounts", "add", "--provider", "anth"], ["anthropic"]), (["accounts", "add", "--wire", "openai-"], ["openai-chat", "openai-responses"]), (["help", "bindings", "l"], ["list"]),
    (["completion", "z"], ["zsh"]), (["nothing", ""], []), (["mode", "--max-wait", ""], []), (["fixed", "set", "o"], ["one", "o:n@x"]), (["lockouts", "clear", "t"], ["two"]),
    (["bindings", "list", "--account=t"], ["two"]), (["status", "--js"], ["--json"]), (["keys", "revoke", "c"], ["ci"]),
)


def bash_completes(program, gateway, words):
    line = " ".join(["penstock", *words])
    script = f'''source <("{program}" completion bash)
penstock() {{ "{program}" "$@"; }}
complete -p penstock >/dev/null || exit 1
COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:@'
_penstock penstock
printf '%s\\n' "${{COMPREPLY[@]}}"'''
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, env={**gateway.env(), "PENSTOCK_DATA_DIR": str(gateway.folder)})
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.split()


def fish_completes(program, gateway, words):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    (folder / "penstock").symlink_to(program)
    script = f'"{program}" completion fish | source; complete -C {shlex.quote(" ".join(["penstock", *words]))}'
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S,
                          env={**gateway.env(), "PENSTOCK_DATA_DIR": str(gateway.folder), "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(folder)})
    assert done.stderr == "", done
    return [line.split("\t")[0].removeprefix("--account=") for line in done.stdout.splitlines()]


def zsh_completes(program, gateway, words):
    """The script's function with the words that zsh would set; `_describe` shows what it was given."""
    said = " ".join(shlex.quote(w) for w in ["penstock", *words])
    script = f'''penstock() {{ "{program}" "$@"; }}
compdef() {{ [[ "$*" == "_penstock penstock" ]] || print -u2 "compdef $*" }}
_describe() {{ print -rl -- "${{(@P)4}}" }}
eval "$("{program}" completion zsh)"
words=({said}) CURRENT={len(words) + 1}
_penstock'''
    done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, timeout=TIMEOUT_S, env={**gateway.env(), "PENSTOCK_DATA_DIR": str(gateway.folder)})
    assert done.stderr == "", done
    return [re.split(r"(?<!\\):", line)[0].replace("\\:", ":").removeprefix("--account=") for line in done.stdout.splitlines() if line]


def test_shells_complete_what_the_table_and_the_gateway_know(program):
    upstream = refusing("nobody")
    gateway = Gateway(program, {"client_keys": [{"name": "ci", "key": "sk-of-ci-1234"}], "accounts": [CHAT.account(upstream, label) for label in ("one", "two", "o:n@x")]})
    try:
        for shell, completes in (("bash", bash_completes), ("zsh", zsh_completes), ("fish", fish_completes)):
            if shell != "bash" and not shutil.which(shell):
                continue
            for words, want in COMPLETED:
                got = completes(program, gateway, words)
                assert sorted(got) == sorted(want), (shell, words, got)
        assert bash_completes(program, gateway, ["fixed", "set", "o:n"]) == ["n@x"], "bash has written what stands before the colon"
        assert run(program, "__complete", "--", "replay", "--accounts", "").stdout == ":files\n"
        assert run(program, "__complete", "--", "serve", "--data-dir", "").stdout == ":folders\n"
    finally:
        gateway.clear()
    assert run(program, "__complete", "--", "fixed", "set", "--data-dir", str(gateway.folder), "").stdout == "", "no gateway: no names"


def test_status_says_what_runs(program):
    gateway, _ = two(program)
    try:
        ask(gateway)
        until(lambda: "1 completed" in told(gateway, "status"), "it has ended")
        text = told(gateway, "status")
        assert f"http://127.0.0.1:{gateway.port}" in text and "2 usable" in text and "1 completed" in text, text
        assert json_of(gateway, "status")["active_accounts"] == 2
        gateway.write_settings('{"workers": "many"}')
        until(lambda: "workers" in told(gateway, "status"), "the fault of the file is told")
    finally:
        gateway.clear()


def test_status_shows_accounts_with_state_and_quota(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two"), CHAT.account(upstream, "off", disabled=True)]})
    try:
        ask(gateway)
        text = told(gateway, "status")
        rows = {line.split()[0]: line for line in text.split("ACCOUNT")[1].splitlines()[1:]}
        assert "rate_limited" in rows["one"] and "free" in rows["two"] and "disabled" in rows["off"] and "unknown" in rows["two"], text
        assert "\x1b" not in text
        assert gateway.command("status", "--watch", "--once").returncode == 2
    finally:
        gateway.clear()


def test_status_goes_on_with_watch_and_is_drawn_in_place_on_a_terminal(program):
    gateway, _ = two(program)
    try:
        watching = subprocess.Popen([program, "status", "--watch", "--data-dir", str(gateway.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=gateway.env())
        lines = [watching.stdout.readline() for _ in range(12)]
        assert sum("requests/s" in line for line in lines) >= 2 and not any("\x1b" in line for line in lines), lines
        master, slave = pty.openpty()
        drawing = subprocess.Popen([program, "status", "--data-dir", str(gateway.folder)], stdout=slave, stderr=slave, stdin=slave, env={**gateway.env(), "TERM": "xterm"})
        os.close(slave)
        seen = b""
        while seen.count(b"requests/s") < 3:
            seen += os.read(master, 4096)
        assert re.search(rb"\x1b\[\d+A", seen) and b"\x1b[K" in seen and b"\x1b[1m" in seen and b"?1049" not in seen, seen
        assert gateway.stop() == 0
        assert watching.wait(TIMEOUT_S) in (1, 3) and "gateway" in watching.stderr.read()
        drawing.wait(TIMEOUT_S)
        os.close(master)
    finally:
        gateway.clear()


def test_mode_is_shown_and_changed_in_the_file(program):
    gateway, _ = two(program)
    try:
        assert "Balance" in told(gateway, "mode")
        assert "CacheFirst" in told(gateway, "mode", "CacheFirst", "--max-wait", "7")
        written = json.loads((gateway.folder / "gui_config.json").read_text())["proxy"]["scheduling"]
        assert written == {"mode": "CacheFirst", "max_wait_seconds": 7}
        now = json_of(gateway, "mode", "--queue-wait=2")
        assert (now["mode"], now["max_wait_seconds"], now["queue_wait_seconds"]) == ("CacheFirst", 7, 2)
        assert "Fast" in told(gateway, "mode", "Fast", code=2) and "--max-wait" in told(gateway, "mode", "--max-wait", "-1", code=2)
    finally:
        gateway.clear()


def test_the_fixed_account_is_set_and_cleared(program):
    gateway, _ = two(program)
    try:
        assert "two" in told(gateway, "fixed", "set", "two") and ask(gateway) == ("two", "fixed")
        assert "none" in told(gateway, "fixed", "clear") and ask(gateway)[1] != "fixed"
        assert "no account" in told(gateway, "fixed", "set", "nobody", code=3)
        assert json_of(gateway, "fixed", "set", "one")["fixed_account"]["label"] == "one"
    finally:
        gateway.clear()


def test_bindings_are_listed_and_cleared(program):
    gateway, _ = two(program)
    try:
        for i in range(3):
            ask(gateway, f"talk-{i}")
        text = told(gateway, "bindings", "list", "--limit", "2")
        assert text.count("sid-") == 2 and "3 in all" in text and "--after" in text, text
        after = json_of(gateway, "bindings", "list", "--limit", "2")["next"]
        rest = json_of(gateway, "bindings", "list", "--after", after)["bindings"]
        assert len(rest) == 1 and len(json_of(gateway, "bindings", "list", "--account", rest[0]["account"])["bindings"]) >= 1
        assert told(gateway, "bindings", "clear", rest[0]["session"]) == "1 binding cleared\n"
        assert "no such session" in told(gateway, "bindings", "clear", rest[0]["session"], code=3)
        assert json_of(gateway, "bindings", "clear") == {"cleared": 2}
        assert "no account" in told(gateway, "bindings", "list", "--account", "nobody", code=1)
    finally:
        gateway.clear()


def test_lockouts_are_listed_and_cleared(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"proxy": {"scheduling": {"mode": "PerformanceFirst"}}, "accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        assert told(gateway, "lockouts", "list") == "no account is locked out\n"
        ask(gateway)
        text = told(gateway, "lockouts", "list")
        assert "one" in text and "rate_limited" in text and "two" not in text, text
        assert told(gateway, "lockouts", "clear", "one") == "cleared `one`\n"
        ask(gateway)
        assert told(gateway, "lockouts", "clear", "--all") == "cleared `one`\n"
        assert told(gateway, "lockouts", "list") == "no account is locked out\n"
        told(gateway, "lockouts", "clear", "nobody", code=3)
    finally:
        gateway.clear()


def test_why_explains_a_request_by_its_id_and_the_last_one_without(program):
    upstream = refusing("sk-upstream-one", fields={"Retry-After": "300"})
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "two")]})
    try:
        _, fields, _ = gateway.call("POST", *CHAT.request())
        traced(gateway, fields["x-request-id"])
        text = told(gateway, "why", fields["x-request-id"])
        assert "Attempt 1 went to `one`" in text and "rate_limited" in text and "Attempt 2 went to `two`" in text and "tried" in text and "status 200" in text, text
        assert told(gateway, "why") == text
        assert json_of(gateway, "why", fields["x-request-id"])["attempts"][0]["account"] == "one"
        assert "no trace" in told(gateway, "why", "req_0", code=3)
    finally:
        gateway.clear()


def test_replay_is_the_same_each_time_and_shows_what_the_modes_do(program):
    one, again, other = (run(program, "replay", "--generate", "--seed", s).stdout for s in ("7", "7", "8"))
    assert one == again and one != other, "byte for byte"
    report = json.loads(run(program, "replay", "--generate", "--json").stdout)
    cache, balance, speed = report["modes"]
    assert [m["mode"] for m in report["modes"]] == ["CacheFirst", "Balance", "PerformanceFirst"]
    assert cache["cache_hit_permille"] > balance["cache_hit_permille"] > speed["cache_hit_permille"], report
    for mode in report["modes"]:
        assert mode["requests"] == mode["completed"] + mode["refused_429"] + mode["errors"] == cache["requests"]
        assert sum(a["served"] for a in mode["accounts"]) == mode["completed"]
    single = json.loads(run(program, "replay", "--generate", "--json", "--mode", "Balance").stdout)["modes"]
    assert single == [balance]
    impatient = json.loads(run(program, "replay", "--generate", "--json", "--mode", "CacheFirst", "--max-wait", "0", "--queue-wait", "0").stdout)["modes"][0]
    assert impatient["waits"] == 0


def test_the_worked_example_is_what_replay_prints(program):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "replay.md").read_text()
    example = page.split("$ penstock replay --generate\n", 1)[1].split("```", 1)[0]
    assert example == run(program, "replay", "--generate").stdout, "docs/replay.md shows older figures: put in what it prints now, and see that its words still fit"


def test_replay_takes_accounts_from_a_file(program):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    file = folder / "accounts.json"
    file.write_text(json.dumps({"accounts": [{"label": "big", "tier": "ULTRA", "requests_per_minute": 0, "tokens_per_minute": 0, "provider": "openai"}, {"label": "small", "max_concurrency": 1}]}))
    modes = json.loads(run(program, "replay", "--generate", "--json", "--accounts", str(file), "--faults", "0").stdout)["modes"]
    assert [a["account"] for a in modes[0]["accounts"]] == ["big", "small"] and modes[0]["accounts"][1]["served"] == 0, "the better tier has no limit"
    fixed = json.loads(run(program, "replay", "--generate", "--json", "--accounts", str(file), "--fixed", "small", "--mode", "Balance").stdout)["modes"][0]
    assert fixed["accounts"][1]["served"] > 0
    for text, word in (("{", "accounts.json:1"), ("[]", "accounts"), ('{"accounts": []}', "no account"), ('{"accounts": [{"label": 1}]}', "accounts[0].label"),
                       ('{"accounts": [{"label": "a"}, {"label": "b", "tier": "GOLD"}]}', "accounts[1].tier"), ('{"accounts": [{"label": "a", "quota_tokens": -1}]}', "accounts[0].quota_tokens"),
                       ('{"accounts": [{"label": "a", "models": [1]}]}', "accounts[0].models"), ('{"accounts": [{"label": "a"}, {"label": "a"}]}', "label a")):
        file.write_text(text)
        done = run(program, "replay", "--generate", "--accounts", str(file), code=1)
        assert word in done.stderr and done.stdout == "", (text, done)
    assert "nobody" in run(program, "replay", "--generate", "--fixed", "nobody", code=3).stderr
    for wrong in (["replay"], ["replay", "x", "--generate"], ["replay", "--generate", "--mode", "Fast"], ["replay", "--generate", "--seed", "-1"], ["replay", "--generate", "--reserve", "51"]):
        run(program, *wrong, code=2)
    assert "no-such-file" in run(program, "replay", "/no-such-file", code=3).stderr


def test_a_recorded_day_is_replayed(program):
    journal = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-")) / "journal"
    gateway, _ = two(program, {"workers": 2}, arguments=["--journal", str(journal)])
    try:
        for turn in range(4):
            for talk in range(3):
                ask(gateway, f"talk-{talk}")
        assert gateway.stop() == 0
        report = json.loads(run(program, "replay", str(journal), "--json").stdout)
        assert report["conversations"] == 3 and report["recorded"]["completed"] == 12 and report["recorded"]["tokens_prompt"] == 120, report["recorded"]
        for mode in report["modes"]:
            assert mode["completed"] == 12 and {a["account"] for a in mode["accounts"]} == {"one", "two"}, mode
        assert "recorded: 12 completed" in run(program, "replay", str(journal)).stdout
        journal.write_text(journal.read_text() + '{"kind":"what"}\n')
        assert "line 49" in run(program, "replay", str(journal), code=1).stderr
    finally:
        gateway.clear()


def test_logs_tell_requests_and_go_on(program):
    gateway, _ = two(program)
    try:
        ids = []
        for i in range(3):
            ids.append(gateway.call("POST", *CHAT.request())[1]["x-request-id"])
            traced(gateway, ids[-1])
        lines = told(gateway, "logs").splitlines()
        assert [line.split()[-1] for line in lines] == ids and all(" 200 m-1 by " in line and "10+2 tokens" in line for line in lines), lines
        assert [json.loads(line)["id"] for line in told(gateway, "logs", "--json", "--limit", "2").splitlines()] == ids[1:]
        assert told(gateway, "logs", "--since", "1h").count("\n") == 3 and told(gateway, "logs", "--since", "2999-01-01") == ""
        assert told(gateway, "logs", "--status", "500") == "" and told(gateway, "logs", "--ending", "complete", "--model", "m-*").count("\n") == 3
        assert "complete" in gateway.command("logs", "--ending", "well").stderr
        following = subprocess.Popen([program, "logs", "-f", "--json", "--data-dir", str(gateway.folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=gateway.env())
        assert [json.loads(following.stdout.readline())["id"] for _ in range(3)] == ids
        later = [gateway.call("POST", *CHAT.request())[1]["x-request-id"] for _ in range(5)]
        assert sorted(json.loads(following.stdout.readline())["id"] for _ in range(5)) == sorted(later), "each once"
        gateway.stop()
        assert following.wait(TIMEOUT_S) in (1, 3) and following.stdout.read() == ""
    finally:
        gateway.clear()
