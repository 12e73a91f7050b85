#!/usr/bin/env python3
"""Bundles web/ and writes a C file that holds the results. usage: web_build.py ESBUILD WEB OUTPUT.c DEPFILE

esbuild gives scripts and styles names with a hash of what they hold; index.html is told the names. Each file is compressed here,
once: gzip without name and time, so that the same sources give the same bytes. Libraries come from Debian's packages."""
import gzip
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LIBRARIES = {
    "chart.js": "/usr/share/javascript/chart.js/chart.esm.js",
    "qrcode-generator": "/usr/share/nodejs/qrcode-generator/qrcode.js",
}
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


def bundle(esbuild, web, folder):
    """Runs esbuild; gives what it tells of inputs and outputs."""
    meta = folder / "meta.json"
    libraries = [f"--alias:{name}={path}" for name, path in LIBRARIES.items()]
    command = [
        esbuild, "main.tsx", "boot.ts", "style/main.css", "--bundle", "--minify", "--format=esm", "--splitting", "--target=es2021",
        "--charset=utf8", "--jsx-factory=h", "--jsx-fragment=Fragment", "--entry-names=[name]-[hash]", "--chunk-names=[name]-[hash]",
        "--legal-comments=none", "--log-level=warning", f"--outdir={folder / 'assets'}", f"--metafile={meta}", *libraries]
    subprocess.run(command, cwd=web, check=True)
    return json.loads(meta.read_text())


def name_of(meta, entry):
    for path, output in meta["outputs"].items():
        if output.get("entryPoint", "").endswith(entry):
            return pathlib.PurePath(path).name
    raise SystemExit(f"web_build.py: esbuild made nothing of {entry}")


def needs(meta, name):
    """The files that a script cannot begin without."""
    output = next(o for path, o in meta["outputs"].items() if pathlib.PurePath(path).name == name)
    return [pathlib.PurePath(i["path"]).name for i in output["imports"] if i["kind"] == "import-statement"]


def page(web, meta, icon):
    """index.html with the names of this build; the scripts that main.tsx needs at once are fetched beside it, not behind it, and boot.ts
    is told those of each page, so that it can ask for them, too."""
    main = name_of(meta, "main.tsx")
    needed = needs(meta, main)
    pages = {p.stem: name_of(meta, f"pages/{p.name}") for p in sorted((web / "pages").iterdir()) if p.stem != "quota"}
    chunks = ";".join(f"{stem} {' '.join([name, *(n for n in needs(meta, name) if n not in needed and n != main)])}" for stem, name in pages.items())
    names = {"chunks": chunks, "main": main, "boot": name_of(meta, "boot.ts"), "style": name_of(meta, "main.css"), "icon": icon}
    text = (web / "index.html").read_text()
    text = re.sub(r"\{(\w+)\}", lambda m: names[m[1]], text)
    links = "".join(f'<link rel="modulepreload" href="assets/{n}">' for n in needed)
    return text.replace("<!-- preload -->", links)


def c_bytes(data):
    return ",\n    ".join(", ".join(str(b) for b in data[i:i + 32]) for i in range(0, len(data), 32))


def main():
    esbuild, web, target, depfile = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    web = web.resolve()
    for name, path in LIBRARIES.items():
        if not pathlib.Path(path).exists():
            raise SystemExit(f"web_build.py: {path} is missing ({name}): run tools/deps.sh build")
    with tempfile.TemporaryDirectory() as made:
        folder = pathlib.Path(made)
        meta = bundle(esbuild, web, folder)
        files = {f"/assets/{p.name}": p.read_bytes() for p in sorted((folder / "assets").iterdir())}
    icon = (web / "icon.svg").read_bytes()
    icon_name = f"icon-{hashlib.sha256(icon).hexdigest()[:8].upper()}.svg"
    files[f"/assets/{icon_name}"] = icon
    files["/"] = page(web, meta, icon_name).encode()

    out = ["/* made by tools/web_build.py from web/ */", '#include "admin/assets_int.h"', ""]
    rows = []
    for number, (path, data) in enumerate(sorted(files.items())):
        packed = gzip.compress(data, 9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:16]
        suffix = pathlib.PurePath(path).suffix or ".html"
        out += [f"static const unsigned char bytes_{number}[] = {{", "    " + c_bytes(packed), "};"]
        rows.append(f'    {{ "{path}", "{TYPES[suffix]}", "\\"{tag}\\"", bytes_{number}, sizeof(bytes_{number}), {len(data)} }},')
    out += ["", "const struct asset assets[] = {", *rows, "};", "const size_t asset_count = sizeof(assets) / sizeof(assets[0]);", ""]
    target.write_text("\n".join(out))

    inputs = [(web / i).resolve() for i in meta["inputs"]] + [web / "index.html", web / "icon.svg"]
    depfile.write_text(f"{target}: " + " ".join(str(i).replace(" ", "\\ ") for i in inputs) + "\n")


main()
