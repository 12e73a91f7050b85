"""Every command of the table: what it tells people, its --json against a schema, and its exit codes. A command without a case, and
an exit code of its own that no case meets, fail here."""
import json
import pathlib
import re
import signal
import socket
import subprocess
import tempfile

import schema
from rig import TIMEOUT_S, Gateway, Upstream, whole
from test_accounts import claims
from wires import WIRES

CHAT = WIRES[0]
TEXT, NUMBER, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def thing(optional=(), /, **members):
    """An object with these members and no others."""
    return {"type": "object", "required": [m for m in members if m not in optional], "properties": members, "additionalProperties": False}


def several(item):
    return {"type": "array", "items": item}


def or_null(kind):
    return {"type": [kind["type"], "null"]}


class Case:
    """`said` are the words of a call that goes well and `shows` what people then read; `again` are its words with --json (the same).
    `answer` is what JSON is: a call of the admin API with the status whose description holds, or a schema. `wrong`, `absent` and
    `refused` are calls that end with 2, 3 and 1, each with a word of what is told; a third member: it is told on standard output.
    `alone`: settings of a folder of its own, without a gateway. `offline`: the same holds without a gateway."""

    def __init__(self, *said, shows=(), answer=None, again=None, wrong=(), absent=(), refused=(), alone=None, offline=False, lines=False,
                 notes="", code=0, fed=None):
        self.said, self.shows, self.answer, self.wrong, self.absent, self.refused = said, shows, answer, wrong, absent, refused
        self.again, self.alone, self.offline, self.lines, self.notes, self.code, self.fed = again or said, alone, offline, lines, notes, code, fed


FILED = thing(id=NUMBER, label=TEXT, provider=TEXT, wire=TEXT, base_url=TEXT, tier=TEXT, key=TEXT, disabled=FLAG, declared_in=TEXT)
STEP = thing(("path",), kind=TEXT, title=TEXT, path=TEXT, content=TEXT)
REPLAYED = thing(account=TEXT, served=NUMBER, refused_429=NUMBER, failed=NUMBER, tokens_new=NUMBER, tokens_cached=NUMBER, tokens_out=NUMBER)
WORD = {"name": TEXT, "help": TEXT, "repeats": FLAG, "choices": several(TEXT)}
NOWHERE = (["nobody"], "no account has this id or label")
CLEAR = {"accounts": [{"label": "clear", "provider": "openai", "api_key": "sk-in-clear"}]}


def cases(f, url):
    """In the order in which they are run; `f` is a folder for files, at `url` every key is good."""
    (f / "routes.json").write_text(json.dumps({"mapping": {"quick": "m-1"}}))
    (f / "wrong.json").write_text(json.dumps({"mapping": 3}))
    (f / "routing.json").write_text(json.dumps({"version": 2, "flows": [{"id": "1", "name": "daily", "entries": [{"id": "a", "provider": "codex", "accountId": "auto", "modelId": "m-1"}]}]}))
    (f / "auth.json").write_text(json.dumps({"tokens": {"id_token": claims(email="ada@example.test"), "access_token": claims(exp=4102444800), "refresh_token": "r", "account_id": "acc-1"}}))
    (f / "broken.json").write_text("{")
    sealed, none = str(f / "sealed"), str(f / "none")
    account = ("--provider", "openai", "--api-key-env", "OWN_KEY")
    limits = ("--expires", "90d", "--model", "m-*", "--address", "127.0.0.0/8", "--requests-per-minute", "60", "--tokens-per-day", "0")
    return {
        "version": Case(shows=["penstock "], answer=thing(name=TEXT, version=TEXT), wrong=[(["x"], "`x`")]),
        "help": Case("status", shows=["usage: penstock status", "--once"], wrong=[(["--man", "--markdown"], "one of"), (["nothing"], "`nothing`")],
                     answer=thing(exits=several(TEXT), commands=several(thing(path=TEXT, brief=TEXT, about=TEXT, runs=FLAG, examples=several(TEXT), exits=several(TEXT),
                                  operands=several(thing(("choices",), **WORD, optional=FLAG)),
                                  options=several(thing(("choices",), **WORD, value=or_null(TEXT), letter=or_null(TEXT), required=FLAG)))))),
        "completion": Case("bash", shows=["complete -F _penstock"], wrong=[(["tcsh"], "bash, zsh, fish"), ([], "SHELL is missing")]),
        "status": Case(shows=["listening on", "usable", "ACCOUNT", "rate_limited"], answer=("GET", "/api/status"), wrong=[(["--watch", "--once"], "--once"), (["x"], "`x`")]),
        "open": Case("--print", shows=["/quota#link="], answer=("POST", "/api/session/link", 201), wrong=[(["x"], "`x`")]),
        "doctor": Case(shows=["checks: ", "faults: 0"], again=["--all"], code=(0, 1), wrong=[(["x"], "`x`")], refused=[(["--config", str(f / "broken.json")], "broken.json", "told")],
                       answer=thing(checks=NUMBER, faults=NUMBER, warnings=NUMBER, findings=several(thing(("remedy",), check=TEXT, what=TEXT, level=TEXT, text=TEXT, remedy=TEXT)))),
        "logs": Case(shows=[" 200 m-1 by two", "req_"], answer={"$ref": "#/components/schemas/RequestSummary"}, lines=True, wrong=[(["--limit", "0"], "--limit"), (["--since", "noon"], "--since"), (["--ending", "well"], "complete")]),
        "why": Case(shows=["Attempt 1 went to `one`", "rate_limited", "Attempt 2 went to `two`"], answer=("GET", "/api/requests/last"), absent=[(["req_0"], "no trace")], wrong=[(["a", "b"], "`b`")]),
        "usage": Case("--by", "model", shows=["MODEL ", "m-1", "total", "unknown"], answer=("GET", "/api/usage"),
                      wrong=[(["--by", "moon"], "account"), (["--since", "noon"], "--since"), (["--since", "1d", "--until", "2d"], "--until"), (["--csv", "--json"], "--csv"), (["--limit", "0"], "--limit")]),
        "prices list": Case(shows=["US dollars", "claude-", "built in"], answer=("GET", "/api/prices"), wrong=[(["x"], "`x`")]),
        "prices set": Case("mine", "--input", "1.5", "--output", "2", again=("mine-too", "--input", "1.5", "--output", "2", "--provider", "openai"), shows=["mine ", "1.5", "settings"],
                           answer=("PUT", "/api/prices/mine"), wrong=[(["mine", "--input", "1"], "--output D is missing"), (["mine", "--input", "-1", "--output", "1"], "0 to 1000000")]),
        "prices remove": Case("mine", again=("mine-too",), shows=["built in"], answer=("DELETE", "/api/prices/mine"), absent=[(["theirs"], "no price")], wrong=[([], "MODEL is missing")]),
        "lockouts list": Case(shows=["one", "rate_limited"], answer=("GET", "/api/accounts"), wrong=[(["x"], "`x`")]),
        "lockouts clear": Case("one", shows=["cleared `one`"], answer=("DELETE", "/api/accounts/one/lockouts"), absent=[NOWHERE], wrong=[([], "--all"), (["one", "--all"], "--all")]),
        "accounts list": Case(shows=["LABEL", "one", "two", "bad"], answer=thing(accounts=several(FILED)), wrong=[(["x"], "`x`")], offline=True,
                              refused=[(["--data-dir", str(f / "auth.json")], "auth.json")]),
        "accounts show": Case("two", shows=["account      two", "provider     openai", "in use"], answer=("GET", "/api/accounts/two"), absent=[NOWHERE], wrong=[([], "ACCOUNT is missing")]),
        "accounts test": Case("two", shows=["good: "], answer=("POST", "/api/accounts/two/test"), absent=[NOWHERE], refused=[(["bad"], "", "told")], wrong=[([], "ACCOUNT is missing")]),
        "accounts refresh": Case("--all", shows=["accounts are asked"], answer=("POST", "/api/quota/refresh"), absent=[NOWHERE], refused=[(["bad"], "not fresh", "told")], wrong=[([], "--all")]),
        "accounts change": Case("two", "--max-concurrency", "3", shows=["changed `two`"], answer=("PATCH", "/api/accounts/two"), absent=[(["nobody", "--tier", "PRO"], NOWHERE[1])],
                                refused=[(["two", "--label", "three"], "settings file")], wrong=[(["two"], "nothing to change"), (["two", "--tier", "GOLD"], "ULTRA")]),
        "accounts disable": Case("two", shows=["disabled `two`"], answer=("PATCH", "/api/accounts/two"), absent=[NOWHERE], wrong=[([], "ACCOUNT is missing")]),
        "accounts enable": Case("two", shows=["enabled `two`"], answer=("PATCH", "/api/accounts/two"), absent=[NOWHERE], wrong=[([], "ACCOUNT is missing")]),
        "fixed set": Case("two", shows=["fixed account  two"], answer=("PUT", "/api/scheduling/fixed"), absent=[NOWHERE], wrong=[([], "ACCOUNT is missing")]),
        "fixed clear": Case(shows=["fixed account  none"], answer=("DELETE", "/api/scheduling/fixed"), wrong=[(["x"], "`x`")]),
        "mode": Case("CacheFirst", "--max-wait", "9", shows=["CacheFirst", "9 s"], answer=("PATCH", "/api/scheduling"), wrong=[(["Fast"], "Balance"), (["--max-wait", "-1"], "--max-wait")]),
        "bindings list": Case(shows=["sid-", "two", "1 in all"], answer=("GET", "/api/scheduling/bindings"), wrong=[(["--limit", "0"], "--limit")]),
        "bindings clear": Case(shows=["1 binding cleared"], answer=("DELETE", "/api/scheduling/bindings"), absent=[(["sid-0123456789abcdef"], "no such session")], wrong=[(["a", "b"], "`b`")]),
        "capture start": Case("--minutes", "1", shows=["bodies of all requests are kept for "], answer=("POST", "/api/capture"), wrong=[(["--minutes", "0"], "--minutes"), (["--minutes", "16"], "15")]),
        "capture stop": Case(shows=["no bodies are kept"], answer=("DELETE", "/api/capture"), wrong=[(["x"], "`x`")]),
        "pause": Case(shows=["paused"], answer=("POST", "/api/serving"), wrong=[(["x"], "`x`")]),
        "resume": Case(shows=["clients are served"], answer=("POST", "/api/serving"), wrong=[(["x"], "`x`")]),
        "route show": Case(shows=["mapping: none", "background tasks: off"], answer=("GET", "/api/routing"), wrong=[(["x"], "`x`")]),
        "route set": Case(str(f / "routes.json"), shows=["quick → m-1"], answer=("PUT", "/api/routing"), absent=[([none], none)], refused=[([str(f / "wrong.json")], "custom_mapping")], wrong=[([], "FILE is missing")]),
        "route explain": Case("quick", shows=["It would go to `", "(openai) as `m-1`"], answer=("POST", "/api/routing/explain"), wrong=[([], "MODEL is missing"), (["m", "--protocol", "x"], "anthropic")]),
        "route import": Case("anti-api", str(f / "routing.json"), shows=["flow daily"], answer=("PUT", "/api/routing"), absent=[(["anti-api", none], none)],
                             refused=[(["anti-api", str(f / "routes.json")], "accountRouting")], wrong=[(["codex", none], "anti-api"), (["anti-api"], "FILE is missing")]),
        "accounts add": Case("--label", "own", *account, "--unchecked", again=("--label", "own-too", *account, "--base-url", url), shows=["added `own`"], offline=True,
                             answer=thing(id=NUMBER, check={**thing(ok=FLAG, verdict=TEXT, status=NUMBER, message=TEXT, took_ms=NUMBER), "type": ["object", "null"]}),
                             absent=[(["--label", "x", "--provider", "openai", "--api-key-env", "NO_SUCH_KEY"], "NO_SUCH_KEY")],
                             refused=[(["--label", "own", *account, "--unchecked"], "`own` already"), (["--label", "x", "--provider", "openai"], "--api-key-stdin")],
                             wrong=[(["--provider", "openai"], "--label"), (["--label", "x"], "--provider")]),
        "accounts export": Case(sealed, "--passphrase-env", "PASSPHRASE", shows=["2 accounts, sealed, in "], offline=True, answer=thing(accounts=NUMBER), refused=[([sealed], "passphrase")],
                                absent=[([sealed, "--passphrase-env", "NO_SUCH"], "NO_SUCH"), ([str(f / "no" / "folder"), "--passphrase-env", "PASSPHRASE"], "folder")], wrong=[([], "FILE is missing")]),
        "accounts remove": Case("own", again=("own-too",), shows=["removed `own`"], offline=True, answer=thing(id=NUMBER), absent=[(["nobody"], "nobody")], refused=[(["file"], "settings file")], wrong=[([], "ACCOUNT is missing")]),
        "accounts import": Case(sealed, "--passphrase-env", "PASSPHRASE", shows=["took `own`", "2 taken, 0 left"], offline=True, answer=thing(accounts=several(thing(label=TEXT, taken=FLAG, why=or_null(TEXT)))),
                                absent=[([none, "--passphrase-env", "PASSPHRASE"], none)], refused=[([sealed, "--passphrase-env", "OWN_KEY"], "another one")], wrong=[([], "FILE is missing")]),
        "accounts seal": Case(shows=["1 account moved", "gui_config.json.bak"], alone=CLEAR, notes="in clear", answer=thing(accounts=NUMBER), wrong=[(["x"], "`x`")]),
        "import": Case("codex", "--from", str(f / "auth.json"), alone={}, shows=["1 taken, 0 left"], answer=thing(files=several(thing(file=TEXT, label=TEXT, taken=FLAG, why=or_null(TEXT)))),
                       refused=[(["codex", "--from", str(f / "broken.json")], "0 taken, 1 left", "told")], absent=[(["codex", "--from", none], none)], wrong=[(["nothing"], "codex"), ([], "PROGRAM is missing")]),
        "password set": Case(shows=["new password"], fed="a password of some length\n", offline=True, refused=[([], "10 to 1024 bytes")], wrong=[(["x"], "`x`")]),
        "password clear": Case(shows=["has no password"], offline=True, wrong=[(["x"], "`x`")]),
        "connect": Case("codex", shows=["config.toml", "model_providers.penstock"], answer=thing(client=TEXT, base_url=TEXT, running=FLAG, steps=several(STEP)), offline=True,
                        absent=[(["codex", "--undo"], "was not written by")], refused=[(["curl", "--undo"], "curl")], wrong=[([], "CLIENT is missing"), (["nobody"], "claude-code"), (["codex", "--write", "--undo"], "--undo")]),
        "keys list": Case(shows=["NAME", "No client key is needed"], answer=("GET", "/api/keys"), offline=True, wrong=[(["x"], "`x`")]),
        "keys add": Case("ci", *limits, again=("other",), shows=["sk-ps-"], notes="this once", answer=("POST", "/api/keys", 201), offline=True, refused=[(["ci"], "already")],
                         wrong=[([], "NAME is missing"), (["x", "--tokens-per-day", "-1"], "--tokens-per-day")]),
        "keys change": Case("ci", "--tokens-per-month", "9", shows=["changed ci"], answer=("PATCH", "/api/keys/ci"), offline=True, absent=[(["nobody", "--disable"], "no client key")],
                            refused=[(["ci", "--expires", "soon"], "expires")], wrong=[(["ci"], "nothing to change"), (["ci", "--disable", "--enable"], "--enable")]),
        "keys rotate": Case("ci", shows=["sk-ps-"], notes="this once", answer=("POST", "/api/keys/ci/rotate"), offline=True, absent=[(["nobody"], "no client key")], wrong=[([], "NAME is missing")]),
        "keys revoke": Case("ci", again=("other",), shows=["revoked"], answer=("DELETE", "/api/keys/ci"), offline=True, absent=[(["nobody"], "no client key")], wrong=[([], "NAME is missing")]),
        "keys rotate-master": Case(shows=["sealed anew"], alone={}, answer=thing(rotated=FLAG), refused=[([], "the gateway runs")], absent=[(["--to-env", "NO_SUCH", "--data-dir", str(f / "new")], "NO_SUCH")], wrong=[(["x"], "`x`")]),
        "replay": Case("--generate", "--sessions", "2", "--turns", "2", shows=["CacheFirst", "PerformanceFirst", "account-1"], absent=[([none], none), (["--generate", "--fixed", "nobody"], "nobody")],
                       refused=[([str(f / "wrong.json")], "wrong.json")], wrong=[([], "JOURNAL"), (["--generate", "--mode", "Fast"], "Balance")],
                       answer=thing(seed=NUMBER, conversations=NUMBER, recorded={"type": ["object", "null"]}, modes=several(thing(mode=TEXT, accounts=several(REPLAYED), **{
                           m: NUMBER for m in ("requests", "completed", "refused_429", "errors", "tokens_prompt", "tokens_cached", "tokens_out", "cache_hit_permille", "waits", "wait_ms_p50", "wait_ms_p95",
                                               "wait_ms_sum", "answer_ms_p50", "answer_ms_p95", "attempts", "rotations", "rebinds", "ended_ms")})))),
        "serve": Case("--check", shows=["settings and accounts are good"], refused=[([], "is held by process"), (["--check", "--config", str(f / "broken.json")], "broken.json:1")], wrong=[(["--listen", "nowhere"], "nowhere"), (["x"], "`x`")]),
        "simulate": Case(shows=["penstock simulator listening on http://127.0.0.1:"], refused=[(["--listen", "OCCUPIED"], "OCCUPIED")], wrong=[(["--listen", "nowhere"], "nowhere"), (["--seed", "x"], "--seed")]),
    }


class Trial:
    """The calls of one command."""

    def __init__(self, program, row, case, environment):
        self.program, self.row, self.case, self.environment = program, row, case, environment
        self.path = row["path"].split()
        self.takes = {o["name"] for o in row["options"]}
        self.needs_gateway = any("no gateway runs" in e for e in row["exits"])

    def call(self, words, folder, fed="", **environment):
        words = [*self.path, *words]
        if "--data-dir" in self.takes and folder and "--data-dir" not in words:
            words += ["--data-dir", str(folder)]
        done = subprocess.run([self.program, *words], capture_output=True, text=True, timeout=TIMEOUT_S, input=fed, env={**self.environment, **environment})
        assert "\x1b" not in done.stdout + done.stderr, done
        return done

    def fails(self, code, calls, folder):
        for words, word, *told in calls:
            json_too = "--json" in self.takes and not told and "--json" not in words
            done = self.call([*words, *(["--json"] if json_too else [])], folder, "short\n")
            assert done.returncode == code, (self.path, code, done)
            assert word in (done.stdout if told else done.stderr), (self.path, word, done)
            if not told:
                assert done.stdout == "" and done.stderr.startswith(f"penstock {' '.join(self.path)}: "), (self.path, done)
            if code == 2:
                assert f"usage: penstock {' '.join(self.path)}" in done.stderr and "--help` tells more" in done.stderr, (self.path, done)

    def good(self, words, folder):
        done = self.call(words, folder, self.case.fed or "")
        codes = self.case.code if isinstance(self.case.code, tuple) else (self.case.code,)
        assert done.returncode in codes, (self.path, done)
        assert done.stderr == "" or self.case.notes and self.case.notes in done.stderr, (self.path, done)
        return done.stdout

    def goes_well(self, folder_of):
        case = self.case
        text = self.good(case.said, folder_of())
        for word in case.shows:
            assert word in text, (self.path, word, text)
        assert ("--json" in self.takes) == (case.answer is not None), f"{self.path}: a schema for --json, if it is there"
        if case.answer is None:
            return
        text = self.good([*case.again, "--json"], folder_of())
        for line in text.splitlines() if case.lines else [text]:
            value = json.loads(line)
            if isinstance(case.answer, tuple):
                method, path, status = (*case.answer, 200)[:3]
                schema.check(method, path, status, value)
            else:
                found = schema.faults(value, case.answer)
                assert not found, (self.path, found[:5], text[:2000])


def empty_folder(settings=None):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
    if settings is not None:
        (folder / "gui_config.json").write_text(json.dumps(settings))
        (folder / "gui_config.json").chmod(0o600)
    return folder


def runs_until_it_is_told_to_end(trial, words):
    """What goes on: its first line, and that SIGTERM ends it well."""
    process = subprocess.Popen([trial.program, *trial.path, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=trial.environment)
    line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT_S) == 0, (line, process.stderr.read())
    return line


def upstream_of_all():
    def answer(request, connection):
        if request.key == "sk-one":
            connection.sendall(whole({"error": {"message": "slow down"}}, "429 Too Many Requests", {"Retry-After": "300"}))
        else:
            connection.sendall(CHAT.whole())

    def lists(request, connection):
        if request.key == "sk-bad":
            connection.sendall(whole({"error": {"message": "no such key"}}, "401 Unauthorized"))
        else:
            connection.sendall(whole({"object": "list", "data": [{"id": "m-1", "object": "model"}]}))
    return Upstream(answer, lists)


def tried(trial, gateway, offline, occupied):
    case, exits = trial.case, trial.row["exits"]
    trial.fails(2, [(["--no-such-option"], "--no-such-option"), *case.wrong], None)
    if trial.needs_gateway:
        nothing = empty_folder()
        trial.fails(3, [(case.said, "no gateway runs")], nothing)
        assert not list(nothing.iterdir()), "nothing is made there"
        refused = trial.call(case.said, gateway.folder, PENSTOCK_ADMIN_TOKEN="w" * 40)
        assert refused.returncode == 1 and "admin.token" in refused.stderr, refused
    for number, calls in (("1", case.refused), ("3", case.absent)):
        own = [e for e in exits if e.startswith(number) and e != "3 no gateway runs"]
        assert not own or calls, f"no case for {own}"
    if trial.path == ["simulate"]:
        place = f"127.0.0.1:{occupied.getsockname()[1]}"
        assert case.shows[0] in runs_until_it_is_told_to_end(trial, ["--listen", "127.0.0.1:0"])
        trial.fails(1, [(["--listen", place], place)], None)
        return
    trial.goes_well(lambda: gateway.folder if case.alone is None else empty_folder(case.alone))
    if case.offline:
        trial.goes_well(lambda: offline)
    place = offline if case.offline else gateway.folder
    trial.fails(1, case.refused, place)
    trial.fails(3, case.absent, place)


def test_every_command_has_its_output_its_schema_and_its_exit_codes(program):
    rows = {c["path"]: c for c in json.loads(subprocess.run([program, "help", "--json"], capture_output=True, text=True, timeout=TIMEOUT_S).stdout)["commands"]}
    upstream = upstream_of_all()
    files = empty_folder()
    table = cases(files, upstream.url + "/v1")
    assert set(table) == {p for p, row in rows.items() if row["runs"]}, set(table) ^ {p for p, row in rows.items() if row["runs"]}
    keys = {"ONE": "sk-one", "TWO": "sk-two", "BAD": "sk-bad", "OWN_KEY": "sk-own-0123456789", "PASSPHRASE": "a long passphrase", "HOME": str(files), "PENSTOCK_NO_OPEN": "1"}
    account = {"provider": "openai", "base_url": upstream.url + "/v1"}
    settings = {"logs": {"bodies": True}, "quota": {"auto_refresh": False}, "accounts": [
        {"label": "one", "api_key_env": "ONE", "tier": "PRO", **account}, {"label": "two", "api_key_env": "TWO", **account}, {"label": "bad", "api_key_env": "BAD", "models": ["x"], **account}]}
    gateway = Gateway(program, settings, keys)
    offline = empty_folder({**settings, "accounts": [*settings["accounts"], {"label": "file", "api_key_env": "TWO", **account}]})
    occupied = socket.create_server(("127.0.0.1", 0))
    try:
        assert gateway.call("POST", *CHAT.request())[0] == 200
        found = []
        for path, case in table.items():
            try:
                tried(Trial(program, rows[path], case, gateway.env()), gateway, offline, occupied)
            except AssertionError as e:
                found.append(f"{path}: {e}")
        assert not found, "\n".join(found)
    finally:
        gateway.clear()
        occupied.close()
