#!/usr/bin/env python3
"""Compares the dashboard's texts (web/texts): every key used exists, no language has keys or placeholders that English lacks,
none is left that nobody uses, and the languages named complete are. The sentences of the gateway that are translated
(web/texts/gateway) must stand in its sources, the meaning of every setting must be among them, and each language has them all."""
import json
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent / "web"
COMPLETE = ("zh-CN", "ja", "ko", "pt")
faults, checks = [], 0


def names(text):
    return set(re.findall(r"\{(\w+)", text))


english = json.loads((root / "texts/en.json").read_text())
source = "\n".join(p.read_text() for p in root.rglob("*.ts*") if "node_modules" not in p.parts)
literal = set(re.findall(r"['\"`]([a-z_]+\.[\w.-]+)['\"`]", source))
made = set(re.findall(r"t\(`([a-z_]+)\.", source)) | set(re.findall(r"t\(`([a-z]+\.[a-z]+_)\$", source)) | set(re.findall(r"word\('([a-z_]+)'", source))
made |= {"protocol", "notice", "provider"}
for key in english:
    checks += 1
    if key not in literal and not re.search(rf"t\('{re.escape(key)}'", source) and key.split(".")[0] not in {m.split(".")[0] for m in made}:
        faults.append(f"en.json: nobody uses {key}")
for path in sorted((root / "texts").glob("*.json")):
    texts = json.loads(path.read_text())
    for key, text in texts.items():
        checks += 1
        if key not in english:
            faults.append(f"{path.name}: {key} is not in en.json")
        elif not names(text) <= names(english[key]):
            faults.append(f"{path.name}: {key} has placeholders that English lacks: {names(text) - names(english[key])}")
    if path.stem in COMPLETE:
        missing = [k for k in english if k not in texts]
        if missing:
            faults.append(f"{path.name} lacks {len(missing)}: {', '.join(missing[:8])}")


def sources():
    """All strings of the C sources as one text: what is split over lines joined, conversions as {}."""
    text = "\n".join(p.read_text() for p in (root.parent / "src").rglob("*.[ch]"))
    text = re.sub(r'"\s*"', "", text).replace('\\"', '"')
    return re.sub(r"%(?:\.\*)?-?\d*(?:ll|z|h)?[a-zA-Z]", "{}", text)


sayings = {path.stem: json.loads(path.read_text()) for path in sorted((root / "texts/gateway").glob("*.json"))}
everything = set().union(*sayings.values())
spoken = sources()
for english_text in sorted(everything):
    checks += 1
    if english_text not in spoken:
        faults.append(f"texts/gateway: the gateway does not say: {english_text}")
meanings = re.findall(r"^\| `[\w.]+` \|.*\| ([^|]+) \|$", (root.parent / "docs/settings.md").read_text().split("\n## Members")[0], re.M)
for meaning in meanings:
    checks += 1
    if meaning not in everything:
        faults.append(f"texts/gateway lacks the meaning of a setting: {meaning}")
for language in COMPLETE:
    texts = sayings.get(language, {})
    for english_text in everything - set(texts):
        faults.append(f"texts/gateway/{language}.json lacks: {english_text}")
    for english_text, text in texts.items():
        checks += 1
        if set(re.findall(r"\{(\d)\}", text)) - {str(n + 1) for n in range(english_text.count("{}"))}:
            faults.append(f"texts/gateway/{language}.json: places that the English lacks: {text}")
for fault in faults:
    print(fault)
print(f"{max(checks - len(faults), 0)} passed, {len(faults)} failed")
sys.exit(1 if faults else 0)
