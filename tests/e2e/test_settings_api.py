"""GET and PATCH /api/settings: every setting of the table, changed in the file with its layout kept."""
import json
import pathlib
import re

from rig import Gateway, until
from test_admin import admin

SECRET = "sk-secret-of-a-client-0123"
FILE = '''{
    "listen":   ["127.0.0.1:0"],
    "mine": {"kept": [1,  2.50]},
    "proxy": { "scheduling": {"mode": "Balance"} },
    "client_keys": [{"name": "ci", "key": "%s"}],
    "providers": {"codex": {"oauth": {"client_id": "id", "client_secret": "secret-of-oauth"}}}
}
''' % SECRET


def by_path(answer):
    return {row["path"]: row for row in answer["settings"]}


def test_every_key_of_the_manual_is_listed_with_its_default_and_bounds(program):
    gateway = Gateway(program, FILE)
    try:
        answer = admin(gateway, "GET", "/api/settings")
        rows = by_path(answer)
        manual = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text().split("## Keys")[1].split("\n## ")[0]
        described = {m[1]: m for m in (re.match(r"\| `([^`]+)` \| (.*?) \| `(.*?)` \|", line) for line in manual.split("\n")) if m}
        assert list(rows) == list(described), set(rows) ^ set(described)
        for path, row in rows.items():
            assert row["default"] == json.loads(described[path][3]), path
            if row["type"] == "integer":
                assert f"{row['min']} to {row['max']}" in described[path][2] and row["min"] <= row["default"] <= row["max"], path
            if row["type"] == "word":
                assert row["default"] in row["words"] and all(f"`{w}`" in described[path][2] for w in row["words"]), path
            assert row["editable"] == ("not_editable_because" not in row) and len(row["meaning"]) > 5
        assert (rows["proxy.scheduling.mode"]["source"], rows["proxy.strict"]["source"], rows["listen"]["source"]) == ("file", "default", "file")
        assert rows["workers"]["needs_restart"] and rows["limits.body_bytes"]["needs_restart"] and not rows["dashboard.privacy"]["needs_restart"]
        assert {p for p, r in rows.items() if not r["editable"]} == {"accounts", "client_keys", "routing", "providers", "tls.ca_file", "tls.insecure", "traces.headers"}
        text = json.dumps(answer)
        assert SECRET not in text and "secret-of-oauth" not in text and answer["fault"] is None
    finally:
        gateway.clear()


def test_a_change_is_in_the_file_at_once_and_nothing_else_of_it_moves(program):
    gateway = Gateway(program, FILE)
    file = gateway.folder / "gui_config.json"
    try:
        seen = admin(gateway, "GET", "/api/settings")
        assert seen["changed_on_disk"]
        now = admin(gateway, "PATCH", "/api/settings", {"set": {"proxy.scheduling.mode": "CacheFirst"}, "revision": seen["revision"]})
        assert by_path(now)["proxy.scheduling.mode"]["value"] == "CacheFirst" and now["revision"] == seen["revision"] + 1 and not now["changed_on_disk"]
        assert file.read_text() == FILE.replace('"Balance"', '"CacheFirst"')
        assert (gateway.folder / "gui_config.json.bak").read_text() == FILE
        assert admin(gateway, "GET", "/api/scheduling")["mode"] == "CacheFirst", "in force"
        now = admin(gateway, "PATCH", "/api/settings", {"reset": ["proxy.scheduling.mode"], "set": {"dashboard.compact": True, "providers.openai.headers": {"X-Team": "a"}}})
        rows = by_path(now)
        assert rows["proxy.scheduling.mode"]["value"] == "Balance" and rows["dashboard.compact"]["value"] and rows["providers"]["value"]["openai"]["headers"]
        written = json.loads(file.read_text())
        assert written["mine"] == {"kept": [1, 2.5]} and written["client_keys"][0]["key"] == SECRET and written["providers"]["codex"]["oauth"]["client_secret"] == "secret-of-oauth"
        assert '"kept": [1,  2.50]' in file.read_text()
        assert json.loads(gateway.call("GET", "/api/session", headers={"Authorization": f"Bearer {gateway.token}"})[2])["compact"]
    finally:
        gateway.clear()


def test_a_wrong_change_says_where_and_why_and_changes_nothing(program):
    gateway = Gateway(program, FILE)
    file = gateway.folder / "gui_config.json"
    try:
        cases = (({"set": {"dashboard.privacy": True, "proxy.scheduling.mode": "Fast"}}, 400, "proxy.scheduling.mode", "none of Balance"),
                 ({"set": {"limits.body_bytes": 268435457}}, 400, "limits.body_bytes", "ceiling"), ({"set": {"limits.body_bytes": 0}}, 400, "limits.body_bytes", "from 1"),
                 ({"set": {"dashboard.privacy": "yes"}}, 400, "dashboard.privacy", "true"), ({"set": {"dashboard.pryvacy": True}}, 400, "dashboard.pryvacy", "no setting"),
                 ({"set": {"hosts": ["a b"]}}, 400, "hosts[0]", ""), ({"set": {"providers.openai.base_url": "x"}}, 400, "providers.openai.base_url", "URL"),
                 ({"set": {"accounts": []}}, 400, "accounts", "/api/accounts"), ({"set": {"accounts[0].label": "x"}}, 400, None, ""),
                 ({"set": {"client_keys": []}}, 400, "client_keys", "/api/keys"), ({"set": {"providers": {}}}, 400, "providers", "one by one"),
                 ({"set": {"tls.insecure": True}}, 400, "tls.insecure", "file only"), ({"set": {"tls.ca_file": "/etc/passwd"}}, 400, "tls.ca_file", "file only"),
                 ({"set": {"tls": {"insecure": True}}}, 400, "tls", ""), ({"set": {"dashboard": {"privacy": True}}}, 400, "dashboard", ""),
                 ({"set": {"workers": 1}, "reset": ["workers"]}, 400, "workers", "twice"), ({"reset": ["nothing"]}, 400, "nothing", "no key"), ({"reset": "workers"}, 400, "reset", ""),
                 ({"set": []}, 400, "set", ""), ({}, 400, None, "nothing to change"), ({"set": {}}, 400, None, "nothing to change"), ({"settings": {}}, 400, "settings", "no member"),
                 ({"set": {"workers": 1}, "revision": 99}, 409, None, "meanwhile"), ({"set": {"workers": 1}, "revision": "1"}, 400, "revision", ""))
        for body, status, path, word in cases:
            answer = admin(gateway, "PATCH", "/api/settings", body, status=status)
            assert word in answer["error"]["message"] and (path is None or answer["error"].get("path") == path), (body, answer)
        assert file.read_text() == FILE and admin(gateway, "GET", "/api/settings")["revision"] == 1
        file.write_text(FILE.replace('"Balance"', '"Fast"'))
        broken = until(lambda: (s := admin(gateway, "GET", "/api/settings"))["fault"] and s, "the broken edit is told")
        assert "proxy.scheduling.mode" in broken["fault"] and by_path(broken)["proxy.scheduling.mode"]["value"] == "Balance"
        assert "put right first" in admin(gateway, "PATCH", "/api/settings", {"set": {"workers": 1}}, status=409)["error"]["message"]
    finally:
        gateway.clear()


def test_a_file_that_cannot_be_written_and_a_variable_above_it_are_told(program):
    gateway = Gateway(program, FILE, environment={"PENSTOCK_LISTEN": "127.0.0.1:0", "HTTPS_PROXY": "http://proxy.example:3128"})
    file = gateway.folder / "gui_config.json"
    try:
        rows = by_path(admin(gateway, "GET", "/api/settings"))
        assert (rows["listen"]["source"], rows["listen"]["variable"]) == ("environment", "PENSTOCK_LISTEN")
        assert (rows["proxy.upstream_proxy"]["source"], rows["proxy.upstream_proxy"]["variable"]) == ("environment", "HTTPS_PROXY")
        file.chmod(0o400)
        assert admin(gateway, "GET", "/api/settings")["file_read_only"]
        answer = admin(gateway, "PATCH", "/api/settings", {"set": {"dashboard.compact": True}}, status=500)
        assert "this run only" in answer["error"]["message"], answer
        assert by_path(admin(gateway, "GET", "/api/settings"))["dashboard.compact"]["value"] and file.read_text() == FILE
    finally:
        file.chmod(0o600)
        gateway.clear()
