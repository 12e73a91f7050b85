#!/usr/bin/env python3
"""Measures the gateway beside nginx and HAProxy: CPU, instructions, memory, start. bench/README.md tells the method.

usage: bench/run.py [--quick] [--write] [--rounds N] [--cells NAME,...] [--no-callgrind] [--no-memory] PENSTOCK

Prints Markdown; `--write` puts it into bench/RESULTS.md too. PENSTOCK may be `-`: then only the others are measured.
Exit code 1 when an answer was wrong or a program did not start; a missed target is printed, and is no error."""
import argparse
import concurrent.futures
import contextlib
import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import proxies

HERE = pathlib.Path(__file__).resolve().parent
CONNECTIONS = 32
EVENT_BYTES = 120
PROSE = "The quick brown fox jumps over the lazy dog while the gate lets the water through. "


# What is sent and answered

def padded(make, size):
    """The JSON text of make(prose) with just as much prose that it has `size` bytes."""
    def text(n):
        return json.dumps(make((PROSE * (n // len(PROSE) + 1))[:n]), separators=(",", ":"))
    return text(size - len(text(0)))


def answers():
    usage = {"prompt_tokens": 250, "completion_tokens": 400, "total_tokens": 650}
    return {
        "chat.json": lambda p: {
            "id": "chatcmpl-bench", "object": "chat.completion", "created": 1700000000, "model": "bench-chat",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": p}, "finish_reason": "stop"}],
            "usage": usage},
        "messages.json": lambda p: {
            "id": "msg_bench", "type": "message", "role": "assistant", "model": "bench-messages",
            "content": [{"type": "text", "text": p}], "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 250, "output_tokens": 400}},
        "responses.json": lambda p: {
            "id": "resp_bench", "object": "response", "created_at": 1700000000, "status": "completed",
            "model": "bench-responses",
            "output": [{"type": "message", "id": "msg_bench", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": p, "annotations": []}]}],
            "usage": {"input_tokens": 250, "output_tokens": 400, "total_tokens": 650}},
        "gemini.json": lambda p: {
            "candidates": [{"content": {"role": "model", "parts": [{"text": p}]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 250, "candidatesTokenCount": 400, "totalTokenCount": 650},
            "modelVersion": "bench-gemini", "responseId": "bench"},
        "cloudcode.json": lambda p: {"response": {
            "candidates": [{"content": {"role": "model", "parts": [{"text": p}]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 250, "candidatesTokenCount": 400, "totalTokenCount": 650},
            "modelVersion": "bench-cloudcode"}, "traceId": "bench"},
    }


def chunk(delta, finish=None, usage=None):
    event = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1700000000, "model": "bench-chat",
             "choices": [] if usage else [{"index": 0, "delta": delta, "finish_reason": finish}]}
    if usage:
        event["usage"] = usage
    return "data: " + json.dumps(event, separators=(",", ":")) + "\n\n"


def event_text():
    """One event of EVENT_BYTES; leaner than `chunk`, as many upstreams write it."""
    def text(n):
        return 'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % ("w" * n)
    return text(EVENT_BYTES - len(text(0)))


def last_text():
    usage = {"prompt_tokens": 250, "completion_tokens": 400, "total_tokens": 650}
    return chunk({}, "stop") + chunk(None, usage=usage) + "data: [DONE]\n\n"


def named_events(*events):
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e, separators=(',', ':'))}\n\n" for e in events)


def messages_delta(text):
    return named_events({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})


def messages_stream():
    """First, event and last of a stream of Anthropic's."""
    first = named_events(
        {"type": "message_start", "message": {
            "id": "msg_bench", "type": "message", "role": "assistant", "model": "bench-messages", "content": [],
            "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 250, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    last = named_events(
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
         "usage": {"output_tokens": 400}},
        {"type": "message_stop"})
    return first, messages_delta("w" * 12), last


def chat_request(size, model="bench-chat", **more):
    system = {"role": "system", "content": "You are a careful assistant."}
    return padded(lambda p: {"model": model, **more,
                             "messages": [system, {"role": "user", "content": p}]}, size)


def chat_conversation(size, turns, model="bench-chat", **more):
    """The same in many messages, as an agent's requests are."""
    piece = (PROSE * 100)[:size // turns - 60]
    roles = ("user", "assistant")
    said = [{"role": roles[i % 2], "content": f"{i} {piece}"} for i in range(turns - 1)]
    return padded(lambda p: {"model": model, **more, "messages": [*said, {"role": "user", "content": p}]}, size)


PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
PROTOCOLS = ("chat", "messages", "responses", "gemini")
WIRES = (*PROTOCOLS, "cloudcode")


def stream_request(events, protocol="chat", wire="chat", paced=True):
    """`paced`: the upstream waits for the sink; the load generator puts in the stream's number."""
    model, user = f"bench-{wire}", "sNNNNN" if paced else "nobody"
    if protocol == "messages":
        return padded(lambda p: {"model": model, "stream": True, "max_tokens": events, "metadata": {"user_id": user},
                                 "messages": [{"role": "user", "content": p}]}, 1024)
    if protocol == "responses":
        return padded(lambda p: {"model": model, "stream": True, "max_output_tokens": events, "user": user,
                                 "input": [{"role": "user", "content": p}]}, 1024)
    return chat_request(1024, model, stream=True, stream_options={"include_usage": True}, max_tokens=events, user=user)


def plain_request(protocol, wire):
    """A request of 1 KB for an account of this wire."""
    model, system = f"bench-{wire}", "You are a careful assistant."
    if protocol == "chat":
        return chat_request(1024, model)
    if protocol == "messages":
        return padded(lambda p: {"model": model, "max_tokens": 4096, "system": system,
                                 "messages": [{"role": "user", "content": p}]}, 1024)
    if protocol == "responses":
        return padded(lambda p: {"model": model, "instructions": system,
                                 "input": [{"role": "user", "content": p}]}, 1024)
    return padded(lambda p: {"contents": [{"role": "user", "parts": [{"text": p}]}]}, 1024)


def path_of(protocol, wire):
    return PATHS.get(protocol) or f"/v1beta/models/bench-{wire}:generateContent"


# Name of a cell: path and body. `chat>gemini`: a client of the one protocol, an account of the other wire.
REQUESTS = {p: (path_of(p, p), lambda p=p: plain_request(p, p)) for p in PROTOCOLS}
REQUESTS |= {
    "chat-200k": (PATHS["chat"], lambda: chat_conversation(200 * 1024, 51)),
    "chat-200k-one": (PATHS["chat"], lambda: chat_request(200 * 1024)),
    "chat-200k>messages": (PATHS["chat"], lambda: chat_conversation(200 * 1024, 51, "bench-messages")),
    "messages-200k>gemini": (PATHS["messages"],  # the same messages are Anthropic's form, too
                             lambda: chat_conversation(200 * 1024, 51, "bench-gemini", max_tokens=4096)),
}
REQUESTS |= {f"{p}>{w}": (path_of(p, w), lambda p=p, w=w: plain_request(p, w))
             for p in PROTOCOLS for w in WIRES if p != w}


class Cell:
    """One column of the comparison: a request, its answer, and how many make one sample."""

    def __init__(self, name, title, count, target, ir_target=None, events=0):
        self.name, self.title, self.target, self.ir_target = name, title, target, ir_target
        self.count = count    # requests, or events of each of the CONNECTIONS streams
        self.events = events  # true: count is of events
        front, _, wire = name.removeprefix("stream:").partition(">")
        self.protocol = "chat" if front == "stream" else front.split("-")[0]
        self.translated, self.wire = bool(wire), wire or self.protocol
        self.path = path_of(self.protocol, self.wire) if events else REQUESTS[name][0]
        # events of the gateway's own in front of the first one with text
        self.front = {"messages": 2, "responses": 4, "chat": 1}[self.protocol] if events and wire else 0

    def unit(self):
        return "event" if self.events else "request"


CELLS = [
    Cell("chat", "pass-through openai-chat, 1 KB → 2 KB", 10000, 1.0, 16000),
    Cell("messages", "pass-through anthropic, 1 KB → 2 KB", 10000, 1.0, 16000),
    Cell("responses", "pass-through openai-responses, 1 KB → 2 KB", 10000, 1.0, 16000),
    Cell("gemini", "pass-through gemini, 1 KB → 2 KB", 10000, 1.0, 16000),
    Cell("chat-200k", "pass-through openai-chat, 200 KB in 51 messages → 2 KB", 2000, 1.2),
    Cell("chat-200k-one", "pass-through openai-chat, 200 KB in one message → 2 KB", 2000, 1.2),
    Cell("stream", f"stream passed through, per event of {EVENT_BYTES} bytes", 500, 1.0, events=1),
]
STREAM = CELLS[-1]
LONG = {"messages": "anthropic", "chat": "openai-chat", "responses": "openai-responses"}
CELLS += [Cell(f"{p}>{w}", f"{LONG.get(p, p)} over {LONG.get(w, w)}, 1 KB → 2 KB", 2000, 1.25, 30000)
          for p in PROTOCOLS for w in WIRES if p != w]
CELLS += [Cell("chat-200k>messages", "openai-chat over anthropic, 200 KB in 51 messages → 2 KB", 500, 2.5),
          Cell("messages-200k>gemini", "anthropic over gemini, 200 KB in 51 messages → 2 KB", 500, 2.5)]
CELLS += [Cell(f"stream:{p}>{w}", f"stream of {LONG[p]} over {LONG[w]}, per event", 300, 1.15, 3000, events=1)
          for p, w in (("messages", "chat"), ("chat", "messages"), ("responses", "messages"))]
QUICK = {"chat": 3000, "chat-200k": 600, "stream": 150}


# The stage: programs, files, the upstream

class Stage:
    def __init__(self, folder, gateway):
        self.folder = pathlib.Path(folder)
        self.answers = self.folder / "answers"
        self.answers.mkdir()
        for name, make in answers().items():
            (self.answers / name).write_text(padded(make, 2048))
        (self.answers / "first.txt").write_text("")
        (self.answers / "event.txt").write_text(event_text())
        (self.answers / "last.txt").write_text(last_text())
        first, event, last = messages_stream()
        (self.answers / "messages-first.txt").write_text(first)
        (self.answers / "messages-event.txt").write_text(event)
        (self.answers / "messages-last.txt").write_text(last)
        prose = (PROSE * 25)[:1920]
        pieces = (messages_delta(prose[i:i + 240]) for i in range(0, len(prose), 240))
        (self.answers / "messages.sse").write_text(first + "".join(pieces) + last)
        for name, (_, make) in REQUESTS.items():
            (self.folder / f"{name}.body").write_text(make())
        for program in ("upstream", "load"):
            subprocess.run([os.environ.get("CC", "cc"), "-O2", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra",
                            str(HERE / f"{program}.c"), "-o", str(self.folder / program)], check=True)
        # The proxy has one core, its two ends another; with a single core there is nothing to choose.
        cores = sorted(os.sched_getaffinity(0))
        pin = shutil.which("taskset") if len(cores) > 1 else None
        self.pin_proxy = [pin, "-c", str(cores[-1])] if pin else []
        self.pin_ends = [pin, "-c", str(cores[0])] if pin else []
        self.kinds = []
        for kind, program in ((proxies.Gateway, gateway), (proxies.Nginx, proxies.program_find("nginx")),
                              (proxies.Haproxy, proxies.program_find("haproxy"))):
            if program:
                self.kinds.append((kind, program))
        self.serial = 0
        self.notes = []
        self.names = {}  # of proxies, by port

    @contextlib.contextmanager
    def upstream(self, pin=True):
        wrap = self.pin_ends if pin else []
        child = subprocess.Popen([*wrap, str(self.folder / "upstream"), str(self.answers)], stdout=subprocess.PIPE,
                                 text=True)
        try:
            yield int(child.stdout.readline().split()[-1])
        finally:
            child.terminate()
            child.wait()

    @contextlib.contextmanager
    def proxy(self, kind, program, upstream_port, wrap=None, patience=5.0):
        self.serial += 1
        p = kind(program, self.folder / f"{kind.name}-{self.serial}", upstream_port)
        p.start(self.pin_proxy if wrap is None else wrap, patience)
        self.names[p.port] = p.name
        try:
            yield p
        finally:
            p.stop()

    def expected(self, cell, count, port):
        """The file with the answer to come."""
        if cell.translated and self.names[port] == "penstock":
            return self.expected_translated(cell, count, port)
        if not cell.events:
            return self.answers / (cell.protocol + ".json")
        file = self.folder / f"stream-{count}.expected"
        if not file.exists():
            file.write_text(event_text() * count + last_text())
        return file

    def expected_translated(self, cell, count, port):
        """What the gateway answers, twice the same, when it says what the upstream said."""
        file = self.folder / f"{cell.name}-{count if cell.events else 0}.translated"
        if file.exists():
            return file
        body = (stream_request(count, cell.protocol, cell.wire, False) if cell.events
                else self.body(cell, count).read_text())
        one, two = self.asked(cell, body, port), self.asked(cell, body, port)
        said = one.count(b"w" * 12) >= count if cell.events else one.count(b"quick brown fox") > 20
        if one != two or not said:
            raise SystemExit(f"{cell.title}: the translated answer is not as expected: {one[:600]}")
        file.write_bytes(one)
        return file

    def asked(self, cell, body, port):
        """The gateway's answer; what differs each time (ids, times) is 0x01, which stands for any byte."""
        ask = urllib.request.Request(f"http://127.0.0.1:{port}{cell.path}", body.encode(),
                                     {"Content-Type": "application/json"})
        with urllib.request.urlopen(ask, timeout=60) as answer:
            text = answer.read()

        def wild(found):
            return found.group(1) + b"\x01" * len(found.group(2))
        text = re.sub(rb'((?:chatcmpl-|msg_|resp_|"responseId":"))([0-9a-f]{8,})', wild, text)
        return re.sub(rb'("(?:created|created_at|completed_at)":)(\d+)', wild, text)

    def body(self, cell, count):
        if not cell.events:
            return self.folder / f"{cell.name}.body"
        file = self.folder / f"{cell.name}-{count}.body"
        if not file.exists():
            file.write_text(stream_request(count, cell.protocol, cell.wire))
        return file

    def load_command(self, cell, port, upstream_port, count, connections=CONNECTIONS, pin=True, options=()):
        if cell.events and cell.translated and self.names[port] != "penstock":
            cell = STREAM  # what the others pass through
        requests = connections if cell.events else count
        pace = ["-a", str(upstream_port), "-f", str(cell.front)] if cell.events else []
        return [*(self.pin_ends if pin else []), str(self.folder / "load"), "-c", str(connections), "-n", str(requests),
                *pace, *options, str(port), cell.path, str(self.body(cell, count)),
                str(self.expected(cell, count, port))]

    def load(self, *args, **named):
        """Runs to the end; gives the number of requests or events."""
        done = subprocess.run(self.load_command(*args, **named), capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{args[0].title}: {done.stderr.strip()}")
        got = json.loads(done.stdout)
        return got["events"] if args[0].events else got["answers"]


def arrived(upstream_port):
    with urllib.request.urlopen(f"http://127.0.0.1:{upstream_port}/stats", timeout=5) as answer:
        return json.load(answer)


# CPU

def cpu_sample(stage, cell, proxy, upstream_port, count):
    before = proxy.cpu_ns()
    done = stage.load(cell, proxy.port, upstream_port, count)
    time.sleep(0.003)  # the kernel books the time when the process goes to sleep
    return (proxy.cpu_ns() - before) / done / 1000


def bodies_compare(stage, cell, seen):
    """Passing through should not change what the upstream reads; a difference is told, not judged."""
    if len({json.dumps(s) for s in seen.values()}) > 1:
        stage.notes.append(f"{cell.title}: the upstream did not get the same bytes from all: "
                           + "; ".join(f"{name} {s['body_bytes']} bytes in {s['requests']} requests"
                                       for name, s in seen.items()))


def cpu_measure(stage, cells, counts, rounds):
    """{cell: {proxy: [µs, one per round]}}; the proxies take turns, and the order turns too."""
    samples = {}
    with stage.upstream() as up, contextlib.ExitStack() as stack:
        running = [stack.enter_context(stage.proxy(kind, program, up)) for kind, program in stage.kinds]
        for cell in cells:
            samples[cell.name] = {p.name: [] for p in running}
            count, seen = counts[cell.name], {}
            for p in running:
                arrived(up)
                stage.load(cell, p.port, up, max(count // 4, 16))
                seen[p.name] = arrived(up)
            if not cell.translated:
                bodies_compare(stage, cell, seen)
            for turn in range(rounds):
                shift = turn % len(running)
                for p in running[shift:] + running[:shift]:
                    samples[cell.name][p.name].append(cpu_sample(stage, cell, p, up, count))
    return samples


# Instructions

def callgrind_total(file):
    """Sum over the parts that callgrind wrote for one process."""
    total = 0
    for part in file.parent.glob(file.name + "*"):
        found = re.search(r"^(?:totals|summary): (\d+)", part.read_text(errors="replace"), re.M)
        total += int(found.group(1)) if found else 0
    return total


def callgrind_run(stage, kind, program, cell, count):
    with stage.upstream(pin=False) as up:
        stage.serial += 1
        out = stage.folder / f"callgrind-{kind.name}-{cell.name}-{count}-{stage.serial}"
        wrap = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--quiet"]
        with stage.proxy(kind, program, up, wrap, patience=60) as p:
            done = stage.load(cell, p.port, up, count, connections=8, pin=False)
        total = callgrind_total(out)
        if total == 0:
            raise SystemExit(f"{cell.title}: callgrind counted nothing of {kind.name}")
        return total, done


def callgrind_measure(stage, cells, names):
    """{cell: {proxy: instructions per request or event}}, as the difference of a short and a long run."""
    def counts(cell):
        return (50, 250) if cell.events else (20, 80) if "200k" in cell.name else (200, 1000)
    jobs = {}
    with concurrent.futures.ThreadPoolExecutor(max_workers=max(os.cpu_count() or 1, 1)) as pool:
        for cell in cells:
            for kind, program in stage.kinds:
                if kind.name not in names or (cell.translated and kind is not proxies.Gateway):
                    continue
                alone = proxies.NginxAlone if kind is proxies.Nginx else kind
                for count in counts(cell):
                    jobs.setdefault((cell.name, kind.name), []).append(
                        pool.submit(callgrind_run, stage, alone, program, cell, count))
    result = {}
    for (cell, name), (short, long) in jobs.items():
        (ir_short, n_short), (ir_long, n_long) = short.result(), long.result()
        result.setdefault(cell, {})[name] = (ir_long - ir_short) / (n_long - n_short)
    return result


# Memory and start

@contextlib.contextmanager
def held(stage, *args, options, **named):
    """The load generator, done with its requests and holding its connections."""
    child = subprocess.Popen(stage.load_command(*args, options=[*options, "-w"], **named), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if not child.stdout.readline():
            raise SystemExit(f"{args[0].title}, held: {child.stderr.read().strip()}")
        time.sleep(0.2)
        yield
    finally:
        child.stdin.close()
        child.wait()


def warmed(stage, p, up):
    stage.load(CELLS[0], p.port, up, 64, connections=1)


def memory_streams(stage, p, up, count, cell=STREAM):
    warmed(stage, p, up)
    before = p.anonymous_bytes()
    with held(stage, cell, p.port, up, 10, connections=count, options=["-s", "-k", "3"]):
        return (p.anonymous_bytes() - before) / count


def memory_translated(stage, p, up, count):
    return memory_streams(stage, p, up, count, next(c for c in CELLS if c.name == "stream:messages>chat"))


def memory_connections(stage, p, up, count):
    warmed(stage, p, up)
    before = p.anonymous_bytes()
    with held(stage, CELLS[0], p.port, up, count, connections=count, options=["-s"]):
        return (p.anonymous_bytes() - before) / count


def memory_bodies(stage, p, up, count, name="chat"):
    big = Cell(name, "16 bodies of 10 MB at once", count, None)
    body = stage.folder / f"{name}-10m.body"
    if not body.exists():
        body.write_text(chat_request(10 << 20, f"bench-{big.wire}"))
    warmed(stage, p, up)
    command = stage.load_command(big, p.port, up, count, connections=count, options=["-b"])
    command[-2] = str(body)
    before = p.resident_bytes()
    p.peak_reset()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{big.title} ({p.name}): {done.stderr.strip()}")
    return (p.peak_bytes() - before) / (count * (10 << 20))


def memory_bodies_translated(stage, p, up, count):
    return memory_bodies(stage, p, up, count, "chat>gemini")


def memory_idle(stage, p, up, count):
    warmed(stage, p, up)
    return p.anonymous_bytes()


MEMORY = [
    ("idle after 64 requests, anonymous", memory_idle, 0, "MB", 10e6),
    ("1 000 idle connections, anonymous, each", memory_connections, 1000, "KB", 16384),
    ("1 000 open idle streams, anonymous, each", memory_streams, 1000, "KB", 8192),
    ("1 000 open idle streams, anthropic over openai-chat, each", memory_translated, 1000, "KB", 8192),
    ("16 bodies of 10 MB at once, peak resident / body bytes", memory_bodies, 16, "×", 1.3),
    ("16 bodies of 10 MB at once, openai-chat over gemini", memory_bodies_translated, 16, "×", 1.3),
]


def memory_measure(stage):
    """{title: {proxy: value}}, each on a fresh process."""
    result = {}
    for title, measure, count, _, _ in MEMORY:
        for kind, program in stage.kinds:
            with stage.upstream() as up, stage.proxy(kind, program, up) as p:
                result.setdefault(title, {})[kind.name] = measure(stage, p, up, count)
    return result


def start_measure(stage, times=5):
    """Milliseconds from spawning to the first answer, the same folder each time."""
    result = {}
    with stage.upstream() as up:
        for kind, program in stage.kinds:
            p = kind(program, stage.folder / f"start-{kind.name}", up)
            body = (stage.folder / "chat.body").read_bytes()
            took = []
            for _ in range(times):
                begin = time.monotonic()
                p.start(stage.pin_proxy)
                ask = urllib.request.Request(f"http://127.0.0.1:{p.port}/v1/chat/completions", body,
                                             {"Content-Type": "application/json"})
                with urllib.request.urlopen(ask, timeout=10) as answer:
                    answer.read()
                took.append((time.monotonic() - begin) * 1000)
                p.stop()
            result[kind.name] = took
    return result


def stripped_bytes(stage, program):
    out = stage.folder / "stripped"
    if not shutil.which("strip"):
        return None
    subprocess.run(["strip", "-o", str(out), program], check=True)
    return out.stat().st_size


# The report

def spread(values, digits=1):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def met(value, target):
    return "" if target is None or value is None else "yes" if value <= target else "**no**"


def report_cpu(cells, samples, rounds):
    names = list(next(iter(samples.values())))
    first = names[0]
    others = [n for n in names if n != first]
    lines = [f"CPU time of the proxy, µs per request or event: median (min–max) of {rounds} rounds. Ratios are of the "
             f"same round. `over`: translated by the gateway; the others pass a request and an answer of that size "
             f"through.", "",
             "| Cell | " + " | ".join(f"{first} / {n}" for n in others) + " | target | met | "
             + " | ".join(f"{n} µs" for n in names) + " |",
             "| --- |" + " --- |" * (len(others) + 2 + len(names))]
    for cell in cells:
        row = samples[cell.name]
        ratios = [[a / b for a, b in zip(row[first], row[n])] for n in others]
        target = cell.target if first == "penstock" and "nginx" in others else None
        judged = statistics.median(ratios[others.index("nginx")]) if target else None
        lines.append(f"| {cell.title} | " + " | ".join(spread(r, 2) for r in ratios)
                     + f" | {'≤ %g × nginx' % target if target else ''} | {met(judged, target)} | "
                     + " | ".join(spread(row[n]) for n in names) + " |")
    return lines


def report_instructions(cells, counted):
    names = list(dict.fromkeys(name for row in counted.values() for name in row))
    lines = ["User-mode instructions (callgrind, difference of two run lengths; the kernel's share is not in it).", "",
             "| Cell | " + " | ".join(names) + " | target | met |", "| --- |" + " ---: |" * len(names) + " --- | --- |"]
    for cell in cells:
        row = counted[cell.name]
        target = cell.ir_target if "penstock" in names else None
        lines.append(f"| {cell.title} | " + " | ".join(f"{row[n]:,.0f}" if n in row else "" for n in names)
                     + f" | {'≤ {:,}'.format(target) if target else ''} | {met(row.get('penstock'), target)} |")
    return lines


def report_memory(memory):
    names = list(next(iter(memory.values())))
    scale = {"KB": 1024, "MB": 1e6, "×": 1}
    lines = ["Memory. nginx writes large bodies to temporary files and HAProxy passes them on as they come; a gateway "
             "that may ask a second account has to keep them.", "",
             "| Cell | " + " | ".join(names) + " | target | met |", "| --- |" + " ---: |" * len(names) + " --- | --- |"]
    for title, _, _, unit, target in MEMORY:
        row = memory[title]
        goal = target if "penstock" in names else None
        lines.append(f"| {title} | " + " | ".join(f"{row[n] / scale[unit]:.2f} {unit}" for n in names)
                     + f" | {'≤ %g %s' % (target / scale[unit], unit) if goal else ''} | "
                     + f"{met(row.get('penstock'), goal)} |")
    return lines


def report_start(start, sizes):
    lines = ["Start, ms from spawning to the first answer (informative), and size of the stripped program.", "",
             "| Program | first start | later starts | stripped |", "| --- | ---: | ---: | ---: |"]
    for name, took in start.items():
        size = f"{sizes[name] / 1e6:.2f} MB" if sizes.get(name) else ""
        lines.append(f"| {name} | {took[0]:.1f} | {spread(took[1:])} | {size} |")
    return lines


def version_of(program, *args):
    done = subprocess.run([program, *args], capture_output=True, text=True)
    found = re.search(r"\d+\.\d+[.\w+~-]*", done.stdout + done.stderr)
    return found.group(0) if found else "?"


def conditions(stage):
    said = {"nginx": ["-v"], "haproxy": ["-v"], "penstock": ["version"]}
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    versions = ", ".join(f"{kind.name} {version_of(program, *said[kind.name])}" for kind, program in stage.kinds)
    release = ".".join(platform.release().split(".")[:2])
    return (f"{datetime.date.today().isoformat()}; {os.cpu_count()} cores of {model.group(1) if model else 'unknown'}; "
            f"Linux {release}; {versions}; one worker thread each, "
            + ("the proxy on one core, its two ends on another" if stage.pin_proxy else "not pinned")
            + f"; {CONNECTIONS} connections.")


def sections_make(stage, args, cells):
    rounds = args.rounds or (7 if args.quick else 9)
    counts = {c.name: QUICK.get(c.name, c.count) if args.quick else c.count for c in cells}
    sections = [[conditions(stage)]]

    def step(what):
        print(f"… {what}", file=sys.stderr, flush=True)
    step("CPU")
    sections.append(report_cpu(cells, cpu_measure(stage, cells, counts, rounds), rounds))
    if not args.no_callgrind and shutil.which("valgrind"):
        step("instructions")
        chosen = cells[:1] if args.quick else [c for c in cells if c.name not in ("messages", "responses", "gemini")]
        names = {"penstock", "nginx"} if args.quick else {"penstock", "nginx", "haproxy"}
        if chosen:
            sections.append(report_instructions(chosen, callgrind_measure(stage, chosen, names)))
    if not args.no_memory:
        step("memory")
        sections.append(report_memory(memory_measure(stage)))
    step("start")
    sizes = {kind.name: stripped_bytes(stage, program) for kind, program in stage.kinds}
    sections.append(report_start(start_measure(stage), sizes))
    if stage.notes:
        sections.append([f"- {note}" for note in stage.notes])
    return sections


def main():
    reader = argparse.ArgumentParser(description="Measures the gateway beside nginx and HAProxy.")
    reader.add_argument("penstock", help="the gateway's program, or - to measure only the others")
    reader.add_argument("--quick", action="store_true", help="fewer cells and shorter samples, under a minute")
    reader.add_argument("--write", action="store_true", help="write bench/RESULTS.md too")
    reader.add_argument("--rounds", type=int)
    reader.add_argument("--cells", help="only these, comma separated: " + ", ".join(c.name for c in CELLS))
    reader.add_argument("--no-callgrind", action="store_true")
    reader.add_argument("--no-memory", action="store_true")
    args = reader.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the children go with us
    wanted = args.cells.split(",") if args.cells else list(QUICK) if args.quick else [c.name for c in CELLS]
    cells = [c for c in CELLS if c.name in wanted]
    if len(cells) < len(set(wanted)):
        reader.error("--cells knows " + ", ".join(c.name for c in CELLS))
    gateway = None if args.penstock == "-" else str(pathlib.Path(args.penstock).resolve())
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        stage = Stage(folder, gateway)
        text = "\n\n".join("\n".join(s) for s in sections_make(stage, args, cells)) + "\n"
    print(text)
    if args.write:
        results = HERE / "RESULTS.md"
        _, heading, by_hand = results.read_text().partition("\n## By hand\n")  # what other programs measured
        results.write_text("# Benchmark results\n\nWritten by `bench/run.py --write`; the method is in [README.md](README.md).\n\n"
                           + text + heading + by_hand)


if __name__ == "__main__":
    main()
