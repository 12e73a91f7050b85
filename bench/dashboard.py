#!/usr/bin/env python3
"""What dashboards cost the gateway: CPU with none, one and ten of them open, with 200 accounts and 100 requests a second.

usage: dashboard.py PENSTOCK [SECONDS]     (20 seconds for each sample; three rounds, interleaved)

A dashboard is a client of GET /api/events that reads everything. CPU is that of all threads of the gateway, from
/proc/PID/task/*/schedstat, and the figures are its part of one core. Prints a Markdown table."""
import asyncio
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "e2e"))
from rig import Gateway, Upstream  # noqa: E402
from wires import WIRES  # noqa: E402

CHAT = WIRES[0]
ACCOUNTS, RATE, CONNECTIONS, ROUNDS = 200, 100, 8, 3


def cpu_s(pid):
    return sum(int((pathlib.Path(f"/proc/{pid}/task") / t / "schedstat").read_text().split()[0]) for t in os.listdir(f"/proc/{pid}/task")) / 1e9


async def watch(gateway, counted, ready):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nAuthorization: Bearer {gateway.token}\r\n\r\n".encode())
    first = True
    try:
        while data := await reader.read(1 << 20):
            counted["bytes"] += len(data)
            counted["batches"] += data.count(b"\nid: ") + data.startswith(b"id: ")
            if first:
                ready.release()
                first = False
    finally:
        writer.close()


async def load(gateway, seconds, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    path, body = CHAT.request()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nContent-Type: application/json\r\nX-Session-Id: %s\r\nContent-Length: {len(body)}\r\n\r\n"
    due, end, done = time.monotonic() + number / RATE, time.monotonic() + seconds, 0
    while due < end:
        await asyncio.sleep(max(0, due - time.monotonic()))
        writer.write((head % f"talk-{number}-{done % 40}").encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200"), answer
        length = next(int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length"))
        await reader.readexactly(length)
        due += CONNECTIONS / RATE
        done += 1
    writer.close()
    return done


async def sample(gateway, dashboards, seconds):
    counted, ready = {"bytes": 0, "batches": 0}, asyncio.Semaphore(0)
    watchers = [asyncio.create_task(watch(gateway, counted, ready)) for _ in range(dashboards)]
    for _ in watchers:
        await ready.acquire()
    await asyncio.sleep(2)  # snapshots are behind
    counted.update(bytes=0, batches=0)
    begun, used = time.monotonic(), cpu_s(gateway.process.pid)
    done = sum(await asyncio.gather(*(load(gateway, seconds, n) for n in range(CONNECTIONS))))
    took, used = time.monotonic() - begun, cpu_s(gateway.process.pid) - used
    for task in watchers:
        task.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    each = max(1, dashboards)
    return {"cpu": 100 * used / took, "rate": done / took, "kb": counted["bytes"] / each / took / 1000, "batches": counted["batches"] / each / took}


async def idle(gateway, dashboards, seconds):
    counted, ready = {"bytes": 0, "batches": 0}, asyncio.Semaphore(0)
    watchers = [asyncio.create_task(watch(gateway, counted, ready)) for _ in range(dashboards)]
    for _ in watchers:
        await ready.acquire()
    await asyncio.sleep(4)
    counted.update(bytes=0, batches=0)
    begun, used = time.monotonic(), cpu_s(gateway.process.pid)
    await asyncio.sleep(seconds)
    took, used = time.monotonic() - begun, cpu_s(gateway.process.pid) - used
    for task in watchers:
        task.cancel()
    await asyncio.gather(*watchers, return_exceptions=True)
    each = max(1, dashboards)
    return {"cpu": 100 * used / took, "rate": 0, "kb": counted["bytes"] / each / took / 1000, "batches": counted["batches"] / each / took}


def main():
    program, seconds = str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2]) if len(sys.argv) > 2 else 20
    upstream = Upstream(lambda r, c: c.sendall(CHAT.whole()))
    gateway = Gateway(program, {"accounts": [CHAT.account(upstream, f"account-{i:03}") for i in range(ACCOUNTS)]})
    cells = [(f"{RATE} requests a second, {n} open", sample, n) for n in (0, 1, 10)] + [(f"no requests, {n} open", idle, n) for n in (0, 1)]
    results = {name: [] for name, _, _ in cells}
    try:
        for _ in range(ROUNDS):
            for name, kind, n in cells:
                results[name].append(asyncio.run(kind(gateway, n, seconds)))
    finally:
        gateway.stop()
        gateway.clear()
    print(f"{ACCOUNTS} accounts, {seconds} s for each sample, {ROUNDS} rounds; median (minimum–maximum)\n")
    print("| Dashboards | CPU of the gateway, % of a core | more than with none | requests/s | KB/s to each | batches/s to each |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, all_of_it in results.items():
        cpu = [r["cpu"] for r in all_of_it]
        none = [r["cpu"] for r in results[next(k for k in results if k.split(",")[0] == name.split(",")[0])]]
        more = statistics.median(c - n for c, n in zip(cpu, none))
        print(f"| {name} | {statistics.median(cpu):.2f} ({min(cpu):.2f}–{max(cpu):.2f}) | {more:+.2f} | "
              + " | ".join(f"{statistics.median(r[k] for r in all_of_it):.1f}" for k in ("rate", "kb", "batches")) + " |")


main()
