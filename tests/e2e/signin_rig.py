"""A simulator as a child process, its sign-in side, and what a browser does when somebody signs in."""
import http.client
import json
import re
import subprocess
import urllib.parse

from rig import TIMEOUT_S, until


class Simulator:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "simulate", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        line = self.process.stdout.readline().decode()
        match = re.match(r"penstock simulator listening on http://127\.0\.0\.1:(\d+)$", line.strip())
        assert match, f"did not start: {line!r}"
        self.port = int(match.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def control(self, method, path, body=None):
        return fetch(method, f"{self.url}/_sim/{path}", body)[2]

    def oauth(self, **members):
        """Sets members when there are any; gives what there is."""
        if members:
            answer = self.control("PUT", "oauth", members)
            assert json.loads(answer).get("ok"), answer
        return json.loads(self.control("GET", "oauth"))

    def requests(self):
        return json.loads(self.control("GET", "requests"))["requests"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def settings(self, **more):
        """Settings of a gateway whose providers are all this simulator."""
        def oauth(**urls):
            return {"client_id": "client-of-the-user", "listen": "127.0.0.1:0", **{k: f"{self.url}/oauth/{v}" for k, v in urls.items()}}
        return {"providers": {
            "antigravity": {"base_url": self.url, "oauth": {**oauth(authorize_url="authorize", token_url="token", user_url="userinfo"),
                                                            "client_secret": "secret-of-the-client"}},
            "codex": {"base_url": f"{self.url}/v1", "oauth": oauth(authorize_url="authorize", token_url="token")},
            "copilot": {"base_url": f"{self.url}/v1",
                        "oauth": oauth(token_url="token", device_url="device", user_url="userinfo", exchange_url="exchange")}}, **more}


def fetch(method, url, body=None, headers=None):
    """(status, fields in lower case, body); redirects are answers."""
    u = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(u.hostname, u.port, timeout=TIMEOUT_S)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, u.path + (f"?{u.query}" if u.query else ""), data,
                           {**({"Content-Type": "application/json"} if data else {}), **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def start(gateway, provider, **members):
    status, view = gateway.admin("POST", f"/api/signin/{provider}", members)
    assert status == 201, (status, view)
    return view


def look(gateway, view):
    status, view = gateway.admin("GET", f"/api/signin/{view['id']}")
    assert status == 200, (status, view)
    return view


def finished(gateway, view):
    return until(lambda: (lambda v: v if v["state"] in ("done", "failed") else None)(look(gateway, view)), "the sign-in ends")


def consent(view):
    """Where the provider sends the browser."""
    status, fields, body = fetch("GET", view["url"])
    assert status == 302, (status, body)
    return fields["location"]


def browse(view):
    """A browser: to the provider, and back to the callback."""
    return fetch("GET", consent(view))


def sign_in(gateway, provider, **members):
    view = start(gateway, provider, **members)
    status, _, page = browse(view)
    assert status == 200, (status, page)
    view = finished(gateway, view)
    assert view["state"] == "done", view
    return view["account"]
