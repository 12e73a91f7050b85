"""Capture of bodies: allowed by the settings, of one conversation, for a while, as files that only the owner reads."""
import json
import os
import time

from rig import Gateway, Upstream, until
from test_admin import admin
from test_commands import json_of, told
from wires import WIRES

CHAT = WIRES[0]


def test_bodies_are_kept_for_a_while_and_masked(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.streamed() if b'"stream":true' in r.body.replace(b" ", b"") else CHAT.whole()))
    settings = {"workers": 2, "accounts": [CHAT.account(upstream, "one")], "logs": {"bodies": True}}
    gateway = Gateway(program, settings)
    folder = gateway.folder / "bodies"
    try:
        assert json_of(gateway, "status")["capture"] is None
        gateway.call("POST", *CHAT.request())
        assert "are kept for 15m" in told(gateway, "capture", "start") or "kept for 14m" in told(gateway, "capture", "start")
        path, body = CHAT.request()
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        body = body.replace(b'"model"', b'"user":"sk-abcdefghijklmnopqrstuv","model"', 1)
        whole_id = gateway.call("POST", path, body)[1]["x-request-id"]
        stream_id = gateway.call("POST", *CHAT.request(stream=True))[1]["x-request-id"]
        until(lambda: folder.exists() and len(list(folder.glob("*.json"))) == 2, "both are written")
        kept = {i: json.loads((folder / f"{i}.json").read_text()) for i in (whole_id, stream_id)}
        whole = kept[whole_id]
        assert json.loads(whole["answer"])["choices"] and '"user":"sk-**********************"' in whole["request"] and "abcdefghij" not in whole["request"]
        assert whole["access"]["id"] == whole_id and whole["access"]["status"] == 200 and not whole["request_clipped"] and not whole["answer_clipped"]
        assert kept[stream_id]["answer"].endswith("data: [DONE]\n\n")
        assert oct(folder.stat().st_mode & 0o777) == "0o700" and all(oct(p.stat().st_mode & 0o777) == "0o600" for p in folder.iterdir())
        state = admin(gateway, "GET", "/api/status")["capture"]
        assert state["requests"] == 2 and state["session"] is None and state["bytes"] > 100
        assert "bodies are kept for another" in told(gateway, "status"), "nobody overlooks it"
        assert told(gateway, "capture", "stop") == "no bodies are kept\n"
        gateway.call("POST", *CHAT.request())
        time.sleep(1.5)  # longer than until files are written
        assert len(list(folder.glob("*.json"))) == 2
        old = folder / "req_old.json"
        old.write_text("{}")
        os.utime(old, (1, 1))
        told(gateway, "capture", "start", "--minutes", "1")
        last = gateway.call("POST", *CHAT.request())[1]["x-request-id"]
        until(lambda: (folder / f"{last}.json").exists(), "it is written")
        assert not old.exists(), "what is older than a day goes"
        gateway.write_settings({**settings, "logs": {"bodies": False}})
        until(lambda: json_of(gateway, "status")["capture"] is None, "the settings end it")
        assert "logs.bodies" in told(gateway, "capture", "start", code=1)
    finally:
        gateway.clear()


def test_only_the_conversation_that_was_asked_for_is_kept(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, "one")], "logs": {"bodies": True}})
    try:
        path, body = CHAT.request()
        gateway.call("POST", path, body, {"X-Session-Id": "talk-1"})
        until(lambda: json_of(gateway, "bindings", "list")["bindings"], "it is bound")
        session = json_of(gateway, "why")["session"]
        assert session.startswith("sid-")
        admin(gateway, "POST", "/api/capture", {"session": session, "minutes": 2})
        gateway.call("POST", path, body, {"X-Session-Id": "talk-2"})
        wanted = gateway.call("POST", path, body, {"X-Session-Id": "talk-1"})[1]["x-request-id"]
        folder = gateway.folder / "bodies"
        until(lambda: list(folder.glob("*.json")), "it is written")
        assert [p.name for p in folder.glob("*.json")] == [f"{wanted}.json"]
        assert json.loads((folder / f"{wanted}.json").read_text())["session"] == session
        for wrong in ({"session": "talk-1"}, {"session": 1}, {"minutes": 0}, {"minutes": 16}, {"minutes": "5"}, []):
            status, answer = gateway.admin("POST", "/api/capture", wrong)
            assert status == 400, (wrong, answer)
    finally:
        gateway.clear()
