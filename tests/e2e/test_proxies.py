"""The way out: the proxy of an account, else that of the settings, else that of the environment with NO_PROXY. Names that only a proxy knows show which way was taken."""
import base64

from proxies import Forwarder, Socks
from rig import Gateway, Upstream
from signin_rig import Simulator, browse, finished, start
from test_signin import ask
from wires import WIRES

CHAT = WIRES[0]
NAME = "upstream.example"


def basic(login):
    return "Basic " + base64.b64encode(login.encode()).decode()


def test_which_proxy_is_taken(program):
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    known = {(NAME, 80): upstream.port, ("other.example", 8080): upstream.port}
    own, general, environment, socks = (Forwarder(known, basic("ada:p w")), Forwarder(known), Forwarder(known), Socks(known, "eve:secret"))
    proxies = {"own": own, "general": general, "environment": environment, "socks": socks}
    url = {"own": f"http://ada:p%20w@127.0.0.1:{own.port}", "general": f"http://127.0.0.1:{general.port}", "environment": f"http://127.0.0.1:{environment.port}",
           "socks": f"socks5h://eve:secret@127.0.0.1:{socks.port}", "wrong": f"socks5h://eve:other@127.0.0.1:{socks.port}", "direct": "direct"}
    #        account,  settings,  environment: HTTP_PROXY, ALL_PROXY, NO_PROXY → the proxy that is taken; None: none, and so nobody is there
    cases = [("own", "general", "environment", None, None, "own"), (None, "general", "environment", None, None, "general"), (None, None, "environment", None, None, "environment"),
             (None, None, None, "environment", None, "environment"), (None, None, None, None, None, None), ("direct", "general", None, None, None, None),
             (None, "direct", "environment", None, None, None), ("socks", None, None, None, None, "socks"), (None, "socks", None, None, None, "socks"), (None, None, None, "socks", None, "socks"),
             (None, None, "environment", None, "example", None), (None, None, "environment", None, ".example,10.0.0.0/8", None), (None, None, "environment", None, "*", None),
             (None, None, "environment", None, "elsewhere.test", "environment"), (None, "general", None, None, NAME, "general"), ("wrong", None, None, None, None, None)]
    gateway = None
    try:
        for account, settings, http, everything, never, taken in cases:
            case = (account, settings, http, everything, never)
            variables = {k: v for k, v in (("HTTP_PROXY", url.get(http)), ("all_proxy", url.get(everything)), ("NO_PROXY", never)) if v}
            spec = {"label": "a", "provider": "compatible", "wire": "openai-chat", "base_url": f"http://{NAME}/v1", "api_key": "k", "models": ["any"], **({"proxy": url[account]} if account else {})}
            gateway = Gateway(program, {"accounts": [spec], "proxy": {"scheduling": {"queue_wait_seconds": 0}, **({"upstream_proxy": url[settings]} if settings else {})}}, variables)
            for proxy in proxies.values():
                proxy.seen.clear()
            status, _, body = ask(gateway)
            assert (status == 200) == (taken is not None), (case, status, body)
            through = {name: proxy.seen[-1] for name, proxy in proxies.items() if proxy.seen}
            assert set(through) == ({taken} if taken else set()), (case, through)
            if taken in ("own", "socks"):
                assert through[taken] == (NAME, basic("ada:p w") if taken == "own" else "eve:secret"), through
            for login in ("p w", "p%20w", "secret", basic("ada:p w")):
                assert login not in gateway.logged(), case
            gateway.clear()
        # what is on this machine is reached directly, whatever anybody says
        gateway = Gateway(program, {"accounts": [{"label": "a", "provider": "compatible", "wire": "openai-chat", "base_url": f"{upstream.url}/v1", "api_key": "k"}]},
                          {"HTTP_PROXY": url["environment"], "ALL_PROXY": url["socks"]})
        assert ask(gateway)[0] == 200 and not environment.seen[1:], environment.seen
    finally:
        if gateway:
            gateway.clear()
        for proxy in proxies.values():
            proxy.close()
        upstream.close()


def test_signing_in_renewing_and_asking_go_through_the_proxy_too(program):
    simulator = Simulator(program)
    known = {("auth.example", 80): simulator.port, ("api.example", 80): simulator.port}
    general, own = Forwarder(known), Socks(known, "eve:secret")
    settings = simulator.settings(proxy={"upstream_proxy": f"http://127.0.0.1:{general.port}"})
    for provider in settings["providers"].values():
        for name in ("token_url", "user_url", "device_url", "exchange_url"):
            if name in provider["oauth"]:
                provider["oauth"][name] = provider["oauth"][name].replace(f"127.0.0.1:{simulator.port}", "auth.example")
        provider["base_url"] = provider["base_url"].replace(f"127.0.0.1:{simulator.port}", "api.example")
    gateway = Gateway(program, settings)
    try:
        for members, proxy in (({}, general), ({"proxy": f"socks5h://eve:secret@127.0.0.1:{own.port}"}, own)):
            for provider in ("antigravity", "codex"):
                simulator.oauth(email=f"{provider}{len(members)}@example.test", account=f"{provider}{len(members)}")
                view = start(gateway, provider, label=f"{provider} {len(members)}", **members)
                assert browse(view)[0] == 200
                view = finished(gateway, view)
                assert view["state"] == "done", view
                simulator.oauth(expire=True)
                refreshes = simulator.oauth()["refreshes"]
                status, _, body = ask(gateway)
                assert status == 200, body
                assert simulator.oauth()["refreshes"] > refreshes
                assert gateway.admin("DELETE", f"/api/accounts/{view['account']['id']}")[0] == 200
            assert {name for name, _ in proxy.seen} == {"auth.example", "api.example"}, proxy.seen  # connections that are kept are used again
            assert not (own if proxy is general else general).seen, (general.seen, own.seen)
            general.seen.clear()
    finally:
        gateway.clear()
        simulator.close()
        general.close()
        own.close()
