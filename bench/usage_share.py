#!/usr/bin/env python3
"""What usage costs a gateway at full load: CPU of a request with `usage.track` on against off, of one program or several, side by side.

    python3 bench/usage_share.py build/penstock [OTHER...] [--rounds 15] [--count 10000]

A request is a chat request of 1 KB passed through, with an answer of 2 KB, 8 connections, one worker. Rounds are interleaved and their order turns; ratios are to the first line
in the same round. A program built without meter_add() in src/app/worker.c, named as OTHER, tells what metrics cost.
"""
import argparse
import contextlib
import json
import statistics
import tempfile

import proxies
import run


def gateway(track):
    class Tracking(proxies.Gateway):
        name = "penstock"

        def command(self):
            command = super().command()
            file = self.folder / "gui_config.json"
            file.write_text(json.dumps(json.loads(file.read_text()) | {"usage": {"track": track}}))
            return command
    return Tracking


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("programs", nargs="+")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--count", type=int, default=10000)
    options = options.parse_args()
    chat = run.CELLS[0]
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder, contextlib.ExitStack() as stack:
        stage = run.Stage(folder, options.programs[0])
        upstream = stack.enter_context(stage.upstream())
        sides = []
        for program in options.programs:
            for track in (False, True):
                p = stack.enter_context(stage.proxy(gateway(track), program, upstream))
                sides.append((f"{program}, usage {'on' if track else 'off'}", p, []))
                stage.load(chat, p.port, upstream, options.count // 4)
        for number in range(options.rounds):
            for _, p, samples in sides[number % len(sides):] + sides[:number % len(sides)]:
                before = p.cpu_ns()
                stage.load(chat, p.port, upstream, options.count)
                samples.append((p.cpu_ns() - before) / options.count / 1000)
        print("| Gateway | CPU µs of a request | to the first |\n| --- | ---: | ---: |")
        for name, _, samples in sides:
            ratios = [a / b for a, b in zip(samples, sides[0][2])]
            print(f"| {name} | {statistics.median(samples):.2f} ({min(samples):.2f}–{max(samples):.2f}) | {statistics.median(ratios):.3f} ({min(ratios):.3f}–{max(ratios):.3f}) |")


if __name__ == "__main__":
    main()
