#!/usr/bin/env python3
"""Runs the test programs of a Meson build, and other commands, and sums up what they say.

usage: run_tests.py [--only SUBSTRING]… [--under COMMAND] [--slow] BUILD_FOLDER… [-- COMMAND…]…

--under runs each program of the build by that command, such as valgrind. It, and --slow, give each ten times as long.
Every program ends its output with `N passed, N failed`; one that does not, or that dies, counts as one failure.
The last line printed is the sum, in the same form."""
import concurrent.futures
import json
import os
import re
import subprocess
import sys
import time

TIMEOUT_S = 300


def run(name, command, env, folder, limit_s):
    started = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=limit_s, env=env, cwd=folder)
        output, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as fault:
        output, code = f"{fault.stdout or ''}\nran longer than {limit_s} s", 1
    lines = re.findall(r"^(?:\w+: )?(\d+) passed, (\d+) failed", output, re.M)
    passed, failed = (int(lines[-1][0]), int(lines[-1][1])) if lines else (0, 1)
    if code != 0 and failed == 0:
        failed = 1
        output += f"\nexit status {code}"
    return name, passed, failed, output, time.monotonic() - started


def main():
    args, only, under, limit_s, commands = sys.argv[1:], [], [], TIMEOUT_S, []
    while args and args[0] in ("--only", "--under", "--slow"):
        option = args.pop(0)
        if option == "--only":
            only.append(args.pop(0))
            continue
        limit_s = TIMEOUT_S * 10
        if option == "--under":
            under = args.pop(0).split()
    folders, rest = [], args
    while rest and rest[0] != "--":
        folders.append(rest.pop(0))
    for part in rest:
        if part == "--":
            commands.append([])
        else:
            commands[-1].append(part)
    jobs = []
    for folder in folders:
        tests = json.loads(subprocess.run(["meson", "introspect", "--tests", folder], capture_output=True, text=True, check=True).stdout)
        for test in tests:
            if not only or any(word in test["name"] for word in only):
                prefix = under if os.path.abspath(test["cmd"][0]).startswith(os.path.abspath(folder) + "/") else []
                jobs.append((f"{folder}:{test['name']}", prefix + test["cmd"], {**os.environ, **test["env"]}, folder, limit_s))
    jobs += [(" ".join(c), c, dict(os.environ), None, limit_s) for c in commands]
    total_passed = total_failed = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for name, passed, failed, output, seconds in pool.map(lambda j: run(*j), jobs):
            total_passed += passed
            total_failed += failed
            print(f"{'ok    ' if failed == 0 else 'FAILED'} {name}: {passed} passed, {failed} failed ({seconds:.1f} s)", flush=True)
            if failed:
                print("\n".join("    " + line for line in output.splitlines()[-80:]), flush=True)
    print(f"{total_passed} passed, {total_failed} failed")
    return 1 if total_failed or total_passed == 0 else 0


sys.exit(main())
