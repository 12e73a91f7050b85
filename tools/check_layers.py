#!/usr/bin/env python3
"""Fails when a file of src/ includes what its layer may not (tools/layers.txt)."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
rules = {}
for line in (root / "tools/layers.txt").read_text().splitlines():
    line = line.split("#")[0].strip()
    if line:
        left, right = line.split(":")
        rules[left.strip()] = right.split()

layers = {left for left in rules if "." not in left}
faults = []
for path in sorted((root / "src").rglob("*.[ch]")):
    name = path.relative_to(root / "src").as_posix()
    layer = name.split("/")[0]
    if layer not in layers:
        faults.append(f"{name}: src/{layer} has no line in tools/layers.txt")
        continue
    allowed = rules.get(name, rules[layer])
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if not match:
            continue
        target = match.group(1)
        if "/" not in target:
            beside = path.parent / target
            if not beside.exists():
                faults.append(f"{name}:{number}: {target} does not lie beside it")
            continue
        folder = target.split("/")[0]
        if folder != layer and "*" not in allowed and folder not in allowed and target not in allowed:
            faults.append(f"{name}:{number}: src/{layer} may not include {target}")

for fault in faults:
    print(fault)
files = len(list((root / "src").rglob("*.[ch]")))
print(f"{max(files - len(faults), 0)} passed, {len(faults)} failed")
sys.exit(1 if faults else 0)
