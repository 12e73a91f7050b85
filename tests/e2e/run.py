#!/usr/bin/env python3
"""End-to-end tests of the real binary. usage: run.py PENSTOCK [WORD…] (only tests whose module or name holds a word)"""
import importlib
import pathlib
import sys
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
LONG = ["test_torture"]  # runs only when a word names it
MODULES = sorted(p.stem for p in HERE.glob("test_*.py") if p.stem not in LONG)


def main():
    program, words = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    passed = failed = 0
    for name in MODULES + [n for n in LONG if any(w.startswith(n) for w in words)]:
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
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
