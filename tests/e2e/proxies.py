"""Proxies whose every connection a test sees: they know names that nobody else does, and what a client shows to get in."""
import socket
import threading
import urllib.parse


def copy(one, other, was=b"", now=b""):
    """All that comes from one socket to the other, with `now` in place of `was`."""
    try:
        while data := one.recv(65536):
            other.sendall(data.replace(was, now) if was else data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Proxy:
    """`known`: port of this machine by (name, port). `seen`: of each connection that came through where it led to, and the login that was shown."""

    def __init__(self, known, login=None):
        self.known, self.login, self.seen = known, login, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            self.serve(client)
        except (OSError, KeyError, ValueError, IndexError):
            pass
        client.close()

    def lead(self, client, stream, name, port, login, opened):
        """The bytes of both sides, until one has said all. Requests go under the name that whoever is behind it listens on."""
        self.seen.append((name, login))
        server = socket.create_connection(("127.0.0.1", self.known[name, port]))
        client.sendall(opened)
        threading.Thread(target=copy, args=(server, client), daemon=True).start()
        here = f"Host: 127.0.0.1:{server.getpeername()[1]}\r\n".encode()
        hosts = [f"Host: {name}{end}\r\n".encode() for end in ("", f":{port}")]
        while data := stream.read1(65536):
            for host in hosts:
                data = data.replace(host, here)
            server.sendall(data)

    def close(self):
        self.socket.close()


class Forwarder(Proxy):
    """HTTP: CONNECT."""

    def serve(self, client):
        stream = client.makefile("rb")
        method, target, _ = stream.readline().decode().split(" ")
        fields = {}
        while (raw := stream.readline()) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").partition(":")
            fields[name.strip().lower()] = value.strip()
        login = fields.get("proxy-authorization", "")
        if self.login is not None and login != self.login:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        assert method == "CONNECT", method
        host, _, port = target.rpartition(":")
        self.lead(client, stream, host, int(port), login, b"HTTP/1.1 200 OK\r\n\r\n")


class Socks(Proxy):
    """SOCKS5 with names (socks5h), and a login when there is one."""

    def serve(self, client):
        stream = client.makefile("rb")
        methods = stream.read(stream.read(2)[1])
        login = ""
        if self.login is not None:
            if 2 not in methods:
                client.sendall(b"\x05\xff")
                return
            client.sendall(b"\x05\x02")
            stream.read(1)
            user = stream.read(stream.read(1)[0]).decode()
            login = user + ":" + stream.read(stream.read(1)[0]).decode()
            client.sendall(b"\x01" + (b"\x00" if login == self.login else b"\x01"))
            if login != self.login:
                return
        else:
            client.sendall(b"\x05\x00")
        assert stream.read(4) == b"\x05\x01\x00\x03", "a name"
        name = stream.read(stream.read(1)[0]).decode()
        port = int.from_bytes(stream.read(2), "big")
        self.lead(client, stream, name, port, login, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
