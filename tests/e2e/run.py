#!/usr/bin/env python3
"""End-to-end tests of the real binary. usage: run.py PENSTOCK [WORD…] (only tests whose module or name holds a word)"""
import importlib
import pathlib
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
MODULES = ["test_pass", "test_faults", "test_door", "test_life", "test_admin", "test_cloudcode", "test_legacy", "test_repair", "test_headers", "test_commands",
           "test_metrics", "test_load", "test_pool", "test_models", "test_usage", "test_families", "test_assets", "test_dashboard", "test_events", "test_kept", "test_websocket", "test_routing"]

LONG = ["test_torture"]  # runs only when a word names it


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
