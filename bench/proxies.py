"""The proxies that run.py measures side by side: how each is configured and started on loopback with one worker
thread, and what the kernel tells about its processes (CPU time, anonymous memory, peak)."""
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import time


def free_port():
    """Below the range from which the kernel gives ports to outgoing connections, which would take it back."""
    while True:
        port = random.randrange(20000, 32000)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            return port


def program_find(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")


class Proxy:
    """One running program between load generator and upstream. `wrap` is put before its command line (taskset,
    valgrind)."""

    name = ""
    stop_signal = signal.SIGTERM

    def __init__(self, program, folder, upstream_port):
        self.program, self.upstream_port = program, upstream_port
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.child = 0, None

    def command(self):
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def start(self, wrap=(), patience=5.0):
        """Gives back once it answers on its port."""
        self.port = free_port()
        command = [*wrap, *self.command()]
        with open(self.folder / "output", "ab") as output:
            self.child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                          env=self.environment())
        end = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.child.poll() is not None or time.monotonic() > end:
                    tail = (self.folder / "output").read_text(errors="replace")[-2000:]
                    self.stop()
                    raise SystemExit(f"{self.name} does not start:\n{tail}") from None
                time.sleep(0.0005)

    def stop(self, tries=6):
        """Asks, and asks again: a signal that comes just before epoll_wait() is seen by the next event only."""
        if self.child is None:
            return
        for _ in range(tries):
            if self.child.poll() is None:
                self.child.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(5)
                break
        else:
            self.child.kill()
            self.child.wait()
        self.child = None

    def pids(self):
        found, queue = [], [self.child.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
        return found

    def cpu_ns(self):
        """User and system time of all threads of all its processes. schedstat counts nanoseconds; stat only ticks."""
        total = 0
        for pid in self.pids():
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                try:
                    total += int((task / "schedstat").read_text().split()[0])
                except FileNotFoundError:
                    fields = (task / "stat").read_text().rpartition(")")[2].split()
                    total += (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
        return total

    def _sum(self, file, key):
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
                if line.startswith(key + ":"):
                    total += int(line.split()[1]) * 1024
        return total

    def anonymous_bytes(self):
        return self._sum("smaps_rollup", "Anonymous")

    def resident_bytes(self):
        return self._sum("status", "VmRSS")

    def peak_reset(self):
        for pid in self.pids():
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_bytes(self):
        return self._sum("status", "VmHWM")


class Gateway(Proxy):
    name = "penstock"

    def command(self):
        wires = {"openai-chat": ("chat", "/v1"), "anthropic": ("messages", "/v1"),
                 "openai-responses": ("responses", "/v1"), "gemini": ("gemini", "/v1beta"),
                 "cloudcode": ("cloudcode", "")}
        accounts = [{"label": label, "provider": "compatible", "wire": wire, "api_key": "sk-lab",
                     "base_url": f"http://127.0.0.1:{self.upstream_port}{base}", "models": [f"bench-{label}"]}
                    for wire, (label, base) in wires.items()]
        (self.folder / "gui_config.json").write_text(json.dumps({"workers": 1, "accounts": accounts}))
        return [self.program, "serve", "--data-dir", str(self.folder), "--listen", f"127.0.0.1:{self.port}"]

    def environment(self):
        own = {k: v for k, v in os.environ.items() if not k.startswith(("PENSTOCK_", "ANTI_API_", "ABV_"))}
        return own | {"HOME": str(self.folder), "PENSTOCK_NO_OPEN": "1"}


class Nginx(Proxy):
    """A plain reverse proxy with keep-alive on both sides and no access log. Bodies of 200 KB stay in memory; streams
    are not held back, because the upstream says X-Accel-Buffering: no."""

    name = "nginx"
    master = True

    def command(self):
        where = self.folder
        temp = "\n".join(f"    {kind}_temp_path {where}/{kind};"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = where / "nginx.conf"
        config.write_text(f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off;
master_process {"on" if self.master else "off"};
worker_processes 1;
pid {where}/pid;
error_log {where}/error.log error;
events {{ worker_connections 4096; }}
http {{
{temp}
    access_log off;
    keepalive_timeout 300s;
    keepalive_requests 1000000000;
    client_max_body_size 64m;
    client_body_buffer_size 512k;
    upstream up {{
        server 127.0.0.1:{self.upstream_port};
        keepalive 256;
        keepalive_requests 1000000000;
        keepalive_timeout 300s;
    }}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        location / {{
            proxy_pass http://up;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout 300s;
        }}
    }}
}}
""")
        return [self.program, "-e", str(where / "error.log"), "-c", str(config), "-p", str(where)]


class NginxAlone(Nginx):
    """Without a master process, for counting instructions in one process."""

    master = False


class Haproxy(Proxy):
    """Connections to the upstream are shared; without http-no-delay each event would wait 200 ms for more."""

    name = "haproxy"

    def command(self):
        config = self.folder / "haproxy.cfg"
        config.write_text(f"""global
    nbthread 1
    maxconn 9000
defaults
    mode http
    option http-keep-alive
    option http-no-delay
    http-reuse always
    timeout connect 5s
    timeout client 300s
    timeout server 300s
listen proxy
    bind 127.0.0.1:{self.port} backlog 4096
    server up 127.0.0.1:{self.upstream_port}
""")
        return [self.program, "-db", "-f", str(config)]
