#!/usr/bin/env python3
"""Every conformance case of the protocols (C01 to C60, docs/protocols/cases.md) has a test with its id in the test's name, and no test
names a case that there is not."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASE = re.compile(r"^\| (C\d\d) \|", re.M)
NAMES = [("tests/unit/**/*.c", re.compile(r"^TEST\((\w+)\)", re.M)), ("tests/e2e/test_*.py", re.compile(r"^def (test_\w+)\(", re.M)),
         ("tests/sdk/*.test.mjs", re.compile(r"(?:'|`|\")(C\d\d[ _][^'`\"]*)"))]


def main():
    cases = set(CASE.findall((ROOT / "docs/protocols/cases.md").read_text()))
    found = {}
    for pattern, name in NAMES:
        for path in ROOT.glob(pattern):
            for test in name.findall(path.read_text()):
                for case in re.findall(r"(?<![A-Za-z0-9])C\d\d(?![0-9])", test.replace("_", " ")):
                    found.setdefault(case, []).append(f"{path.relative_to(ROOT)}: {test}")
    missing = sorted(cases - set(found))
    unknown = sorted(set(found) - cases)
    for case in missing:
        print(f"{case}: no test has it in its name")
    for case in unknown:
        print(f"{case}: no such case ({found[case][0]})")
    failed = len(missing) + len(unknown)
    print(f"{len(cases) - len(missing)} passed, {failed} failed")
    return 1 if failed or not cases else 0


sys.exit(main())
