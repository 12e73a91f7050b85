#!/usr/bin/env python3
"""Our JSON reader against Python's, over random documents and mutations of them.

    json_difference.py PROGRAM [SEED [COUNT]]

PROGRAM is json_verdict. Python's reader is more liberal in a few points, each of which has its rule
below: NaN and Infinity, lone surrogates, depth, the length of numbers. Both verdict and value must
agree; a difference is printed with its text. The last line is `N passed, N failed`.
"""

import json
import random
import struct
import subprocess
import sys

DEPTH_MAX = 128
NUMBER_MAX = 1024


class Number(str):
    """A number as it was written."""


class Members(list):
    """An object with all its members in order."""


class Refused(Exception):
    pass


def number(text):
    if len(text) > NUMBER_MAX:
        raise Refused("a long number")
    return Number(text)


def constant(text):
    raise Refused(text)  # NaN, Infinity, -Infinity


def say_text(text):
    # UTF-16 units; a surrogate that Python left alone is one that we replace
    out = []
    for c in text:
        point = ord(c)
        if c.isascii() and c.isalnum():
            out.append(c)
        elif 0xD800 <= point <= 0xDFFF:
            out.append("\\ufffd")
        elif point > 0xFFFF:
            out.append("\\u%04x\\u%04x" % (0xD800 + (point - 0x10000 >> 10), 0xDC00 + (point & 0x3FF)))
        else:
            out.append("\\u%04x" % point)
    return '"' + "".join(out) + '"'


def say(value, depth=0):
    if isinstance(value, (list, Members)) and depth == DEPTH_MAX:
        raise Refused("too deep")
    if isinstance(value, Members):
        return "{" + ",".join(say_text(k) + ":" + say(v, depth + 1) for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(say(v, depth + 1) for v in value) + "]"
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return say_text(value)
    return {None: "null", True: "true", False: "false"}[value]


def verdict(data):
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_float=number,
            parse_int=number,
            parse_constant=constant,
            object_pairs_hook=Members,
        )
        return say(value)
    except (ValueError, Refused, RecursionError):
        return "no"


WORDS = [
    "type", "text", "content", "", "a longer word that passes sixteen bytes", "[{,:}]", "\u00e9",
    "\u4e16\u754c", "\U0001f600", "\u2028", "\x7f", "\ufeff", "\uffff", "0123456789abcdef",
]
ESCAPES = [
    '\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u0000", "\\u00e9",
    "\\uFFFF", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\uD83D\\u0041", "\\ud83d\\ud83d\\ude00",
]
NUMBERS = [
    "0", "-0", "1", "-1", "10", "1.0", "-0.5", "1e3", "1E+3", "1e-3", "1e400", "12345678901234567890",
    "3.141592653589793238462643", "0.1e1", "-9223372036854775808",
]
BLANKS = ["", "", "", " ", "\n", "\t", "\r\n  "]
# what mutations put in: bytes with a meaning, broken UTF-8, near misses
BRICKS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\0", b"\x1f", b"\x7f", b"\x0c",
    b"0", b"1", b"-", b"+", b".", b"e", b"E", b"null", b"true", b"false", b"NaN", b"Infinity",
    b"\\u", b"\\ud83d", b"\\ude00", b"\\x", b"u", b"\x80", b"\xc3", b"\xc3\xa9", b"\xc0\x80", b"\xe2\x82",
    b"\xe2\x82\xac", b"\xed\xa0\xbd", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xff", b"\xef\xbb\xbf",
    b"\xc2\xa0", b"//", b"/*", b"'", b'""', b"[]", b"{}", b",,", b"00", b"1e", b"1.",
]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def blank(self):
        return self.random.choice(BLANKS)

    def string(self):
        r = self.random
        parts = r.choices(WORDS, k=r.randrange(3)) + r.choices(ESCAPES, k=r.randrange(3))
        r.shuffle(parts)
        return '"' + "".join(parts) + '"'

    def number(self):
        r = self.random
        if r.random() < 0.02:
            return r.choice(["", "-", "0.", "1e"]) + "1" * r.randrange(NUMBER_MAX - 4, NUMBER_MAX + 4)
        return r.choice(NUMBERS)

    def value(self, depth):
        r = self.random
        kind = r.randrange(3 if depth == 0 else 5)
        if kind == 0:
            return r.choice(["null", "true", "false"])
        if kind == 1:
            return self.number()
        if kind == 2:
            return self.string()
        items = []
        for _ in range(r.randrange(5)):
            item = self.blank() + self.value(depth - 1) + self.blank()
            if kind == 4:
                item = self.blank() + self.string() + self.blank() + ":" + item
            items.append(item)
        inside = ",".join(items) or self.blank()
        return "[" + inside + "]" if kind == 3 else "{" + inside + "}"

    def deep(self):
        r = self.random
        depth = r.randrange(DEPTH_MAX - 3, DEPTH_MAX + 4)
        text = self.value(r.randrange(2))
        for _ in range(depth):
            text = "[" + text + "]" if r.random() < 0.5 else '{"a":' + text + "}"
        return text

    def document(self):
        text = self.deep() if self.random.random() < 0.03 else self.value(self.random.randrange(1, 6))
        return (self.blank() + text + self.blank()).encode("utf-8")

    def mutate(self, data):
        r = self.random
        for _ in range(r.choice([1, 1, 1, 2, 3])):
            at = r.randrange(len(data) + 1)
            kind = r.randrange(5)
            if kind == 0:
                data = data[:at] + r.choice(BRICKS) + data[at:]
            elif kind == 1:
                data = data[:at] + r.choice(BRICKS) + data[at + 1 :]
            elif kind == 2:
                data = data[:at] + data[at + r.randrange(1, 4) :]
            elif kind == 3:
                data = data[:at] + bytes([r.randrange(256)]) + data[at + 1 :]
            else:
                data = data[:at]
        return data


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 6000
    maker = Maker(seed)
    texts = []
    while len(texts) < count:
        text = maker.document()
        texts.append(text)
        texts.extend(maker.mutate(text) for _ in range(3))

    stream = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    answers = subprocess.run([program], input=stream, stdout=subprocess.PIPE, check=True).stdout
    lines = answers.decode("ascii").split("\n")[:-1]
    passed = failed = taken = 0
    for text, ours in zip(texts, lines):
        want = verdict(text)
        taken += want != "no"
        if ours == want:
            passed += 1
        else:
            failed += 1
            print("FAILED (seed %d) %r\n  ours:   %s\n  Python: %s" % (seed, text, ours, want))
    failed += len(texts) != len(lines)
    print("%d texts were valid" % taken)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
