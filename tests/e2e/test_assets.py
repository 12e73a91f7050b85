"""The dashboard's files as they are served: one document for every page, everything else by the hash of what it holds."""
import gzip
import re

from rig import Gateway

PAGES = ("/quota", "/routing", "/logs", "/usage", "/settings", "/remote-panel", "/connect")
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
FIRST_PAINT_BYTES = 100_000


def files_of(document):
    """What the document names; scripts name their chunks themselves."""
    return sorted(set(re.findall(r'(?:href|src)="([^"]+)"', document.decode())))


def test_every_page_is_the_same_document(program):
    gateway = Gateway(program, {})
    try:
        documents = set()
        for page in PAGES:
            status, fields, body = gateway.call("GET", page)
            assert status == 200 and fields["content-type"] == "text/html; charset=utf-8", page
            assert fields["cache-control"] == "no-cache" and fields["content-security-policy"] == POLICY
            documents.add(body)
        assert len(documents) == 1
        document = documents.pop()
        assert b"<script>" not in document and b"style=" not in document and b"<style" not in document
        for name in files_of(document):
            assert re.fullmatch(r"assets/\w+-[0-9A-Z]{8}\.(js|css|svg)", name), name
    finally:
        gateway.clear()


def test_files_are_kept_for_ever_and_compressed(program):
    gateway = Gateway(program, {})
    try:
        _, _, document = gateway.call("GET", "/quota")
        first_paint = 0
        for path in ["/quota", *("/" + name for name in files_of(document))]:
            status, fields, packed = gateway.call("GET", path, headers={"Accept-Encoding": "br, gzip"})
            assert status == 200 and fields["content-encoding"] == "gzip" and fields["vary"] == "Accept-Encoding, Accept", path
            if path != "/quota":
                assert fields["cache-control"] == "public, max-age=31536000, immutable", path
            assert fields["x-content-type-options"] == "nosniff" and fields["referrer-policy"] == "no-referrer"
            for refused in ("", "br", "gzip;q=0", "identity, gzip;q=0.000"):
                status, plain_fields, plain = gateway.call("GET", path, headers={"Accept-Encoding": refused})
                assert status == 200 and "content-encoding" not in plain_fields and plain == gzip.decompress(packed), (path, refused)
            first_paint += len(packed)
        assert first_paint < FIRST_PAINT_BYTES, first_paint
    finally:
        gateway.clear()


def test_a_file_that_is_known_is_not_sent_again(program):
    gateway = Gateway(program, {})
    try:
        _, fields, body = gateway.call("GET", "/logs")
        tag = fields["etag"]
        for shown, status in ((tag, 304), (f"W/{tag}", 304), (f'"other", {tag}', 304), ("*", 304), ('"other"', 200), (tag.strip('"'), 200)):
            got, _, answer = gateway.call("GET", "/logs", headers={"If-None-Match": shown})
            assert got == status and answer == (b"" if status == 304 else body), shown
        got, fields, answer = gateway.call("HEAD", "/logs")
        assert got == 200 and answer == b"" and int(fields["content-length"]) == len(body)
    finally:
        gateway.clear()


def test_nothing_else_is_served_there(program):
    gateway = Gateway(program, {})
    try:
        for method, path, status in (("GET", "/assets/", 404), ("GET", "/assets/none.js", 404), ("GET", "/assets/../quota", 400),
                                     ("GET", "/assets/%2e%2e/quota", 400), ("POST", "/quota", 405), ("DELETE", "/assets/none.js", 405),
                                     ("GET", "/quota/", 404), ("GET", "/QUOTA", 404)):
            got, fields, _ = gateway.call(method, path)
            assert got == status and fields.get("allow") == ("GET, HEAD" if status == 405 else None), (method, path, got, fields)
        assert gateway.call("GET", "/quota", headers={"Host": "evil.example"})[0] == 421
        _, _, document = gateway.call("GET", "/quota")
        assert gateway.call("GET", "/" + files_of(document)[0], headers={"Host": "evil.example"})[0] == 421
    finally:
        gateway.clear()
