"""`penstock connect`: what is told, what is written into clients' files, and how it is undone."""
import json
import os
import pathlib
import subprocess
import tempfile
import tomllib

from rig import TIMEOUT_S
from test_admin import two
from test_commands import run


class Home:
    def __init__(self, program):
        self.program, self.path = program, pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))

    def run(self, *arguments, code=0, **environment):
        kept = {k: v for k, v in os.environ.items() if k not in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "XDG_CONFIG_HOME") and not k.startswith("PENSTOCK_")}
        done = subprocess.run([self.program, "connect", *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, env={**kept, "HOME": str(self.path), **environment})
        assert done.returncode == code, done
        return done.stderr if code else done.stdout

    def file(self, name, text=None):
        path = self.path / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return path

    def left(self):
        return sorted(str(p.relative_to(self.path)) for p in self.path.rglob("*") if p.is_file())


def test_every_client_is_told_what_to_do(program):
    home = Home(program)
    names = json.loads(subprocess.run([program, "__complete", "--", "connect", ""], capture_output=True, text=True).stdout.replace("\n", '","').join(['["', '"]']).replace(',""]', "]"))
    assert {"claude-code", "codex", "gemini-cli", "opencode", "openai-sdk", "anthropic-sdk", "google-genai"} <= set(names)
    for name in names:
        text = home.run(name)
        assert "http://127.0.0.1:8045" in text and "any-value" in text and "{" + "base}" not in text, text
        told = json.loads(home.run(name, "--json"))
        assert told["client"] == name and told["running"] is False and told["steps"] and all(s["content"] for s in told["steps"])
    assert "none" not in home.run("codex") and home.left() == [], "telling writes nothing"
    assert "claude-code" in home.run("emacs", code=2) and "CLIENT" in run(program, "connect", code=2).stderr


def test_the_address_of_the_running_gateway_and_a_key_of_the_environment_are_told(program):
    gateway, _ = two(program)
    home = Home(program)
    try:
        told = json.loads(home.run("claude-code", "--json", "--data-dir", str(gateway.folder), "--key-env", "KEY", KEY="sk-of-mine-1"))
        assert told["base_url"] == f"http://127.0.0.1:{gateway.port}" and told["running"] is True and "sk-of-mine-1" in told["steps"][0]["content"]
        assert "http://10.0.0.5:80/x/v1" in home.run("openai-sdk", "--base-url", "http://10.0.0.5:80/x/")
        assert "not set" in home.run("codex", "--key-env", "KEY", code=1)
        for bad in ("a b", 'a"b', "a'b", "a$b", "a`b", "a\\b", "a\nb"):
            assert "quote" in home.run("codex", "--key-env", "KEY", code=2, KEY=bad)
    finally:
        gateway.clear()


def test_json_files_are_made_merged_and_put_back(program):
    home = Home(program)
    name = ".claude/settings.json"
    assert name in home.run("claude-code", "--write")
    written = json.loads(home.file(name).read_text())
    assert written == {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:8045", "ANTHROPIC_AUTH_TOKEN": "any-value"}}
    assert oct(home.file(name).stat().st_mode & 0o777) == "0o600"
    home.run("claude-code", "--undo")
    assert home.left() == [], "it was not there before"
    assert "not written" in home.run("claude-code", "--undo", code=3)

    before = '{\n    "model": "opus",\n    "env": {"FOO": "1.0",  "ANTHROPIC_BASE_URL": "http://old"},\n    "odd": [1,2,\n 3]\n}\n'
    home.file(name, before)
    home.run("claude-code", "--write")
    after = home.file(name).read_text()
    merged = json.loads(after)
    assert merged["env"] == {"FOO": "1.0", "ANTHROPIC_BASE_URL": "http://127.0.0.1:8045", "ANTHROPIC_AUTH_TOKEN": "any-value"} and merged["model"] == "opus"
    assert '"odd": [1,2,\n 3]' in after and after.startswith('{\n    "model": "opus",\n'), "the rest stays as it was"
    home.run("claude-code", "--write", "--base-url", "http://10.0.0.5:1")
    assert json.loads(home.file(name).read_text())["env"]["ANTHROPIC_BASE_URL"] == "http://10.0.0.5:1"
    assert home.file(name + ".penstock-backup").read_text() == before, "the first one is kept"
    home.run("claude-code", "--undo")
    assert home.file(name).read_text() == before and home.left() == [name]


def test_opencode_and_gemini_keep_what_else_is_configured(program):
    home = Home(program)
    home.file(".config/opencode/opencode.json", '{"theme": "dark", "provider": {"other": {"npm": "x"}}}')
    home.run("opencode", "--write")
    config = json.loads(home.file(".config/opencode/opencode.json").read_text())
    assert config["theme"] == "dark" and config["provider"]["other"] == {"npm": "x"} and config["provider"]["penstock"]["options"]["baseURL"] == "http://127.0.0.1:8045/v1"
    home.file(".gemini/settings.json", '{"security": {"folderTrust": {"enabled": true}, "auth": {"selectedType": "oauth-personal"}}}')
    home.run("gemini-cli", "--write")
    assert json.loads(home.file(".gemini/settings.json").read_text())["security"] == {"folderTrust": {"enabled": True}, "auth": {"selectedType": "gemini-api-key"}}
    other = home.path / "elsewhere"
    home.run("opencode", "--write", XDG_CONFIG_HOME=str(other))
    assert (other / "opencode/opencode.json").exists()


def test_toml_is_merged_by_key_and_table(program):
    home = Home(program)
    name = ".codex/config.toml"
    text = home.run("codex", "--write")
    assert "export PENSTOCK_CLIENT_KEY=any-value" in text, "what no file holds is told"
    want = {"name": "penstock", "base_url": "http://127.0.0.1:8045/v1", "env_key": "PENSTOCK_CLIENT_KEY", "wire_api": "responses"}
    assert tomllib.loads(home.file(name).read_text()) == {"model_provider": "penstock", "model_providers": {"penstock": want}}
    home.run("codex", "--undo")
    for before, rest in (
        ('# mine\nmodel = "gpt-5" # best\nmodel_provider = "openai"\n\n[tui]\nmodel_provider = "not this one"\n', {"model": "gpt-5", "tui": {"model_provider": "not this one"}}),
        ('[tui]\na = 1\n\n[model_providers.penstock]\nname = "old"\nx = 1\n\n[mcp_servers.docs]\ncommand = "x"', {"tui": {"a": 1}, "mcp_servers": {"docs": {"command": "x"}}}),
        ('model = "m"', {"model": "m"}),
        ("", {}),
    ):
        home.file(name, before)
        home.run("codex", "--write")
        assert tomllib.loads(home.file(name).read_text()) == {**rest, "model_provider": "penstock", "model_providers": {"penstock": want}}, home.file(name).read_text()
        if "# mine" in before:
            assert '# mine\nmodel = "gpt-5" # best\n' in home.file(name).read_text()
        home.run("codex", "--undo")
        assert home.file(name).read_text() == before


def test_what_is_not_understood_is_left_alone(program):
    home = Home(program)
    for client, name, text, word in (
        ("claude-code", ".claude/settings.json", '{\n  // a comment\n  "a": 1\n}', "line 2"),
        ("claude-code", ".claude/settings.json", "[]", "no JSON object"),
        ("claude-code", ".claude/settings.json", '{"env": "no object"}', None),
        ("codex", ".codex/config.toml", 'notes = """\n[model_providers.penstock]\n"""\n', "several lines"),
        ("codex", ".codex/config.toml", 'model_providers = { penstock = { name = "x" } }\n', "line 1"),
        ("codex", ".codex/config.toml", 'model_providers.penstock.name = "x"\n', "line 1"),
    ):
        path = home.file(name, text)
        if word is None:
            home.run(client, "--write")
            assert json.loads(path.read_text())["env"]["ANTHROPIC_AUTH_TOKEN"] == "any-value", "a value of another type is replaced, and kept in the backup"
            home.run(client, "--undo")
        else:
            assert word in home.run(client, "--write", code=1), (client, text)
        assert path.read_text() == text and home.left() == [name]
        path.unlink()
    path = home.file("real.json", "{}")
    link = home.path / ".claude/settings.json"
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(path)
    assert "settings.json" in home.run("claude-code", "--write", code=1) and path.read_text() == "{}" and link.is_symlink()
    link.unlink()
    assert "no settings file" in home.run("openai-sdk", "--write", code=1)


def test_a_file_that_was_changed_since_is_not_put_back(program):
    home = Home(program)
    name = ".claude/settings.json"
    home.file(name, '{"a": 1}')
    home.run("claude-code", "--write")
    changed = home.file(name).read_text().replace('"a": 1', '"a": 2')
    home.file(name, changed)
    assert "changed since" in home.run("claude-code", "--undo", code=1) and home.file(name).read_text() == changed
    home.run("claude-code", "--write")
    assert json.loads(home.file(name + ".penstock-backup").read_text())["a"] == 2, "what is there now is the file before"
    assert json.loads(home.run("claude-code", "--undo", "--json"))["restored"] == [str(home.path / name)]
    assert home.file(name).read_text() == changed
