#!/usr/bin/env python3
"""End-to-end tests of the real binary.

usage: run.py PENSTOCK [--part K/N] [WORD…]

Only tests whose module or name holds a word; with --part, only the modules of the K-th of N shares."""
import importlib
import pathlib
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
streams = importlib.import_module("streams")
LONG = ["test_torture"]  # runs only when a word names it
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem not in LONG)


def main():
    program, words = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    share, shares = 0, 1
    if words[:1] == ["--part"]:
        share, shares = (int(n) for n in words[1].split("/"))
        words = words[2:]
    passed = failed = 0
    for i, name in enumerate(MODULES + [n for n in LONG if any(w.startswith(n) for w in words)]):
        if i % shares != share % shares:
            continue
        module = importlib.import_module(name)
        for test, function in list(vars(module).items()):
            if not test.startswith("test_") or not callable(function) or (words and not any(w in f"{name}.{test}" for w in words)):
                continue
            try:
                function(program)
                passed += 1
            except Exception:
                failed += 1
                print(f"FAILED {name}.{test}\n{traceback.format_exc()}", flush=True)
    print(f"{streams.judged} streams were judged by their grammar")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
