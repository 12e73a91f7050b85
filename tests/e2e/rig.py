"""A gateway as a child process, and a scripted upstream whose every byte a test decides. Standard library only."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import streams

TIMEOUT_S = 20


def until(condition, what, seconds=TIMEOUT_S):
    """Waits until `condition()` is true, and gives its value; never longer than a broken test may hang."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"timed out: {what}")


def running_test():
    """Of the test that runs: the function that was called first."""
    frame, name = sys._getframe(), "a test"
    while frame:
        if frame.f_code.co_name.startswith("test_") and frame.f_code is not running_test.__code__:
            name = f"{frame.f_globals['__name__']}.{frame.f_code.co_name}"
        frame = frame.f_back
    return name


class Request:
    """What the upstream received: request line, fields (names in lower case), body bytes."""

    def __init__(self, line, fields, body):
        self.line, self.fields, self.body = line, fields, body

    @property
    def path(self):
        return self.line.split(" ")[1]

    @property
    def is_list(self):
        """Is it asked in the background?"""
        path = self.path.split("?")[0]
        return self.line.startswith("GET ") and path.endswith(("/models", "/usage", "/user")) or path.endswith((":loadCodeAssist", ":fetchAvailableModels"))

    @property
    def key(self):
        return (self.fields.get("authorization", "").removeprefix("Bearer ") or self.fields.get("x-api-key")
                or self.fields.get("x-goog-api-key") or "")


class Upstream:
    """A TCP server. `answer(request, connection)` is called for each request and writes what it likes; when it returns
    False the connection is closed. Lists of models and quotas are asked for in the background, whatever a test does:
    those requests are kept apart (`listed`) and answered by `lists`, without one by 404, each on a connection that does not count."""

    def __init__(self, answer, lists=None):
        self.answer, self.requests, self.closed = answer, [], 0
        self.lists, self.listed = lists, []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        counts = True
        try:
            while True:
                line = stream.readline()
                if not line:
                    return
                fields = {}
                while (raw := stream.readline()) not in (b"\r\n", b""):
                    name, _, value = raw.decode("latin-1").partition(":")
                    fields[name.strip().lower()] = value.strip()
                body = stream.read(int(fields.get("content-length", 0)))
                request = Request(line.decode("latin-1").strip(), fields, body)
                if request.is_list:
                    counts = False
                    self.listed.append(request)
                    connection.sendall(whole({}, "404 Not Found")) if self.lists is None else self.lists(request, connection)
                    return
                self.requests.append(request)
                if self.answer(request, connection) is False:
                    return
        except OSError:
            pass
        finally:
            self.closed += counts
            try:
                connection.close()
            except OSError:
                pass

    def close(self):
        self.socket.close()


def whole(body, status="200 OK", fields=None, kind="application/json"):
    """An answer with a length."""
    body = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{n}: {v}\r\n" for n, v in (fields or {}).items())
    return head.encode() + b"\r\n" + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def streamed(data, pieces=1):
    size = max(1, -(-len(data) // pieces))
    return STREAM_HEAD + b"".join(chunk(data[i:i + size]) for i in range(0, len(data), size)) + b"0\r\n\r\n"


class Gateway:
    prepare = None  # runs in the child before the program

    def __init__(self, program, settings=None, environment=None, arguments=(), folder=None):
        self.program, self.environment = program, environment or {}
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="penstock-test-"))
        os.chmod(self.folder, 0o700)
        self.arguments = list(arguments)
        self.taps = []
        if settings is not None:
            self.write_settings(settings)
        self.log_path = self.folder / "test.log"
        self.start()

    def write_settings(self, settings):
        text = settings if isinstance(settings, str) else json.dumps(settings, indent=2)
        temporary = self.folder / "gui_config.json.new"
        temporary.write_text(text)
        os.chmod(temporary, 0o600)
        temporary.rename(self.folder / "gui_config.json")

    def env(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "ANTI_API_", "ABV_")) and not k.lower().endswith("_proxy")}
        return {**kept, **self.environment}

    def start(self):
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen([self.program, "serve", "--data-dir", str(self.folder), "--listen", "127.0.0.1:0", "-v", *self.arguments],
                                        stdout=subprocess.PIPE, stderr=self.log, env=self.env(), preexec_fn=self.prepare)
        line = self.process.stdout.readline().decode()
        match = re.match(r"penstock listening on http://127\.0\.0\.1:(\d+)$", line.strip())
        assert match, f"did not start: {line!r}\n{self.log_path.read_text()[-2000:]}"
        self.port = int(match.group(1))

    def command(self, *arguments, input=None, environment=None):
        return subprocess.run([self.program, *arguments, "--data-dir", str(self.folder)], capture_output=True, text=True,
                              input=input, timeout=TIMEOUT_S, env={**self.env(), **(environment or {})})

    def stop(self, sig=signal.SIGTERM, seconds=TIMEOUT_S):
        if self.process.poll() is None:
            self.process.send_signal(sig)
        code = self.process.wait(seconds)
        self.process.stdout.close()
        self.log.close()
        return code

    def clear(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        try:
            streams.check(self.program, self.taps, self.folder, running_test())
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def token(self):
        return (self.folder / "admin.token").read_text().strip()

    def connect(self):
        tap = streams.Tap(socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S))
        self.taps.append(tap)
        return tap

    def http(self):
        """A connection of the standard library's client."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        connection.sock = self.connect()
        return connection

    def call(self, method, path, body=None, headers=None):
        """One request on a connection of its own: (status, fields in lower case, body bytes)."""
        connection = self.http()
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            sent = {"Content-Type": "application/json"} if data is not None else {}
            connection.request(method, path, data, {**sent, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def admin(self, method, path, body=None):
        status, _, data = self.call(method, path, body, {"Authorization": f"Bearer {self.token}", "Accept": "application/json"})
        return status, json.loads(data) if data else None

    def resident_bytes(self):
        """Anonymous pages of the gateway."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no RssAnon")

    def logged(self):
        return self.log_path.read_text()


class Simulator:
    """`penstock simulate` as a child process, steered over its control API."""

    def __init__(self, program, script=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-simulator-"))
        (self.folder / "script").write_text(script)
        self.process = subprocess.Popen([program, "simulate", "--listen", "127.0.0.1:0", "--script", str(self.folder / "script")],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        match = re.match(r"penstock simulator listening on http://127\.0\.0\.1:(\d+)$", line.strip())
        assert match, f"did not start: {line!r}"
        self.port = int(match.group(1))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def control(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"/_sim/{path}", None if body is None else json.dumps(body).encode())
            answer = connection.getresponse()
            data = json.loads(answer.read())
            assert answer.status == 200, (method, path, answer.status, data)
            return data
        finally:
            connection.close()

    def set(self, key, **what):
        self.control("PUT", f"accounts/{key}", what)

    def requests(self, path=""):
        return [r for r in self.control("GET", "requests")["requests"] if path in r["path"]]

    def clear(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)
