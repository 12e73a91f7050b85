#!/usr/bin/env python3
"""Fails when docs/ARCHITECTURE.md names a function or file that does not exist, a document links to nowhere, or a page of docs/providers
lacks what a provider is asked for or when that was seen."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
faults = []
source = "\n".join(p.read_text() for p in (root / "src").rglob("*.[ch]"))

text = (root / "docs/ARCHITECTURE.md").read_text()
named = set(re.findall(r"`([a-z][a-z0-9_]*)\(\)`", text))
for block in re.findall(r"```journey\n(.*?)```", text, re.S):
    named |= set(re.findall(r"^\s*([a-z][a-z0-9_]*)\s{2,}", block, re.M))
for name in sorted(named):
    if not re.search(r"^(?!\s*(?:return|else)\b)[A-Za-z_][^;\n{=]*\b" + name + r"\(", source, re.M):
        faults.append(f"docs/ARCHITECTURE.md names {name}(), which is not in src/")
if not named:
    faults.append("docs/ARCHITECTURE.md names no functions")

tracked = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=root, capture_output=True, text=True, check=True)
for name in tracked.stdout.split():
    page = root / name
    if not page.exists():
        continue
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text()):
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
            faults.append(f"{name}: link to {target}, which does not exist")
pages = "\n".join(p.read_text() for p in (root / "docs/providers").glob("*.md"))
for p in sorted([*(root / "src/provider").glob("*.c"), *(root / "src/upkeep").glob("*.c")]):
    for path in re.findall(r'(?:STR|TEXT)\("(?:https://[^/"]+)?([/:][A-Za-z][A-Za-z0-9_/:.]*[A-Za-z])[/"?]', p.read_text()):
        if path.removeprefix("/v1internal") not in pages:
            faults.append(f"{p.name}: asks for {path}, which no page of docs/providers names")
for page in sorted((root / "docs/providers").glob("*.md")):
    if not re.search(r"\bSeen (?:on \d{4}-\d\d-\d\d|in [A-Z][a-z]+ \d{4})", page.read_text()) or "ources" not in page.read_text():
        faults.append(f"docs/providers/{page.name}: does not say where its facts were seen, and when")
for path in re.findall(r"`((?:src|tests|tools|docs|bench|fuzz)/[A-Za-z0-9_./-]+)`", text):
    if not (root / path).exists():
        faults.append(f"docs/ARCHITECTURE.md names {path}, which does not exist")
for fault in faults:
    print(fault)
print(f"{max(len(named) - len(faults), 0)} passed, {len(faults)} failed")
sys.exit(1 if faults else 0)
