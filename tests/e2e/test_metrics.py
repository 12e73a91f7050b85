"""GET /metrics: the grammar of both formats, what is counted, who may ask, and docs/metrics.md."""
import pathlib
import re
import tempfile
import time

from rig import Gateway, Upstream, until, whole
from test_admin import ask, two
from wires import WIRES

CHAT = WIRES[0]
OPEN = {"Accept": "application/openmetrics-text; version=1.0.0; charset=utf-8,text/plain;version=0.0.4;q=0.5"}
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? ([-+]?(?:[0-9]+(?:\.[0-9]+)?|Inf))")
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}


def parse(text, open_metrics):
    """{family: {"type", "help", "unit", "samples": [(name, labels, value)]}}; refuses what a scraper would."""
    assert text.endswith("\n") and "\r" not in text
    lines = text.split("\n")[:-1]
    if open_metrics:
        assert lines.pop() == "# EOF"
    families, current, seen = {}, None, set()
    for line in lines:
        if line.startswith("# "):
            kind, name, words = re.fullmatch(rf"# (HELP|TYPE|UNIT) ({NAME}) (.+)", line).groups()
            if kind == "HELP":
                assert name not in families, f"{name} is told twice"
                current = families[name] = {"help": words, "samples": []}
            else:
                assert families[name] is current and kind.lower() not in current and not current["samples"], line
                current[kind.lower()] = words
            if kind == "UNIT":
                assert open_metrics and name.endswith(f"_{words}"), line
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line!r}"
        name, labels, value = match.group(1), match.group(2) or "", match.group(5)
        pairs = re.findall(LABEL, labels)
        assert ",".join(f'{k}="{v}"' for k, v in pairs) == labels and len({k for k, _ in pairs}) == len(pairs), line
        assert (name, labels) not in seen, f"twice: {line}"
        seen.add((name, labels))
        current["samples"].append((name, dict(pairs), float(value)))
    for name, family in families.items():
        kind = family["type"]
        if open_metrics:
            assert kind in SUFFIXES and not name.endswith("_total"), name
            allowed = [name + s for s in SUFFIXES[kind]]
        else:
            assert kind in ("counter", "gauge", "histogram"), name
            assert kind != "counter" or name.endswith("_total"), name
            allowed = [name + s for s in SUFFIXES["histogram"]] if kind == "histogram" else [name]
        assert {s[0] for s in family["samples"]} <= set(allowed), family
        if kind == "counter":
            assert all(s[2] >= 0 for s in family["samples"]), name
        if kind == "histogram":
            check_histogram(name, family["samples"])
    return families


def check_histogram(name, samples):
    series = {}
    for sample, labels, value in samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(key, []).append((sample.removeprefix(name), labels.get("le"), value))
    for rows in series.values():
        buckets = [(float(le), value) for suffix, le, value in rows if suffix == "_bucket"]
        count, = [value for suffix, _, value in rows if suffix == "_count"]
        assert [suffix for suffix, _, _ in rows[-2:]] == ["_sum", "_count"], rows
        assert buckets == sorted(buckets) and buckets[-1] == (float("inf"), count), (name, buckets)
        assert len({le for le, _ in buckets}) == len(buckets)


def scrape(gateway, headers=None, open_metrics=False):
    status, fields, body = gateway.call("GET", "/metrics", headers={"Authorization": f"Bearer {gateway.token}", **(OPEN if open_metrics else {}), **(headers or {})})
    assert status == 200, (status, body)
    assert fields["content-type"].startswith("application/openmetrics-text; version=1.0.0" if open_metrics else "text/plain; version=0.0.4")
    return parse(body.decode(), open_metrics)


def value(families, family, sample=None, **labels):
    found = [v for name, have, v in families[family]["samples"] if name == (sample or family) and all(have.get(k) == w for k, w in labels.items())]
    assert len(found) == 1, (family, labels, families[family]["samples"])
    return found[0]


def limited(request, connection):
    if request.key == "sk-upstream-one":
        connection.sendall(whole({"error": {"message": "slow down"}}, "429 Too Many Requests", {"Retry-After": "300"}))
    else:
        connection.sendall(CHAT.streamed() if b'"stream":true' in request.body.replace(b" ", b"") else CHAT.whole())


def test_both_formats_are_what_a_scraper_reads_and_say_what_happened(program):
    upstream = Upstream(limited)
    gateway = Gateway(program, {"workers": 2, "client_keys": [{"name": "ci \"1\"", "key": "sk-key-of-ci"}],
                                "accounts": [CHAT.account(upstream, "one", tier="PRO"), CHAT.account(upstream, "tw\"o\\")]})
    try:
        key = {"Authorization": "Bearer sk-key-of-ci"}
        for _ in range(3):
            path, body = CHAT.request()
            answer = gateway.call("POST", path, body, key)
            assert answer[0] == 200, answer
        path, body = CHAT.request(stream=True)
        assert gateway.call("POST", path, body, key)[0] == 200
        until(lambda: value(scrape(gateway), "penstock_exchanges_total") == 4, "all have ended")
        for open_metrics in (False, True):
            families = scrape(gateway, open_metrics=open_metrics)
            total = "" if open_metrics else "_total"
            assert sum(v for _, _, v in families[f"penstock_requests{total}"]["samples"]) == 4
            assert value(families, f"penstock_attempt_verdicts{total}", "penstock_attempt_verdicts_total", verdict="rate_limited") == 1
            assert value(families, f"penstock_attempt_verdicts{total}", "penstock_attempt_verdicts_total", verdict="success") == 4
            assert value(families, f"penstock_lockouts{total}", "penstock_lockouts_total", reason="rate_limited") == 1
            assert value(families, f"penstock_skips{total}", "penstock_skips_total", reason="tried") == 1
            assert value(families, "penstock_lockouts_in_force", reason="rate_limited") == 1
            assert value(families, "penstock_accounts", state="locked_out") == 1 and value(families, "penstock_accounts", state="usable") == 1
            assert 290 < value(families, "penstock_account_lockout_seconds", account="one") <= 300
            assert value(families, f"penstock_account_attempts{total}", "penstock_account_attempts_total", account='tw\\"o\\\\', outcome="served") == 4
            assert value(families, f"penstock_client_key_requests{total}", "penstock_client_key_requests_total", client_key='ci \\"1\\"') == 4
            assert value(families, "gen_ai_client_token_usage", "gen_ai_client_token_usage_count", gen_ai_token_type="input") == 4
            assert value(families, "gen_ai_server_request_duration_seconds", "gen_ai_server_request_duration_seconds_count") == 4
            assert value(families, f"penstock_requests_streamed{total}", "penstock_requests_streamed_total") == 1
            assert value(families, "process_resident_memory_bytes") > 1e6 and value(families, "process_open_fds") > 5
            assert abs(value(families, "process_start_time_seconds") - time.time()) < 60
            assert value(families, "penstock_workers") == 2
        later = scrape(gateway)
        assert value(later, "penstock_admin_calls_total") > value(families, "penstock_admin_calls", "penstock_admin_calls_total")
    finally:
        gateway.clear()


def test_counters_of_two_workers_add_up_under_load(program):
    gateway, _ = two(program, {"workers": 2})
    try:
        last = 0
        for i in range(40):
            ask(gateway, f"talk-{i}")
            now = value(scrape(gateway), "penstock_exchanges_total")
            assert now >= last
            last = now
        until(lambda: sum(v for _, _, v in scrape(gateway)["penstock_requests_total"]["samples"]) == 40, "none is lost")
    finally:
        gateway.clear()


def test_metrics_need_the_token_unless_the_settings_say_otherwise(program):
    gateway, _ = two(program)
    try:
        status, _, body = gateway.call("GET", "/metrics")
        assert status == 401 and b"metrics_public" in body
        assert gateway.call("GET", "/metrics", headers={"Authorization": "Bearer no-token"})[0] == 401
        gateway.write_settings({"metrics_public": True, "accounts": []})
        until(lambda: gateway.call("GET", "/metrics")[0] == 200, "the edit is in force")
        assert gateway.call("HEAD", "/metrics")[0] == 200
        for field in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "CF-Connecting-IP"):
            assert gateway.call("GET", "/metrics", headers={field: "192.0.2.1"})[0] == 401, f"{field}: it came through a proxy"
        assert gateway.admin("POST", "/metrics", {})[0] == 405
    finally:
        gateway.clear()


def test_with_privacy_accounts_have_no_names(program):
    gateway, _ = two(program, {"dashboard": {"privacy": True}})
    try:
        labels = [have for _, have, _ in scrape(gateway)["penstock_account_usable"]["samples"]]
        assert len(labels) == 2 and all(set(have) == {"account_id", "provider"} for have in labels), labels
    finally:
        gateway.clear()


def test_the_manual_lists_every_metric(program):
    page = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text()
    listed = {name: (kind, help_, {w.strip("`") for w in labels.split(", ") if w}) for name, kind, labels, help_ in re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \| (.*?) ?\| (.*) \|$", page, re.M)}
    gateway, _ = two(program, arguments=["--journal", str(pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-")) / "journal")])
    try:
        ask(gateway)
        families = scrape(gateway)
        for name, family in families.items():
            assert name in listed, f"docs/metrics.md lacks: | `{name}` | {family['type']} | | {family['help']} |"
            assert listed[name][:2] == (family["type"], family["help"]), f"docs/metrics.md says otherwise of {name}: {family['type']} {family['help']}"
            for _, labels, _ in family["samples"]:
                assert set(labels) - {"le"} <= listed[name][2], (name, labels)
        assert set(listed) == set(families), set(listed) - set(families)
    finally:
        gateway.clear()
