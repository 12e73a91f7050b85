"""Reads the packed rows of usage.db by docs/usage.md alone, to check what the gateway wrote."""
import sqlite3


class Pack:
    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        n = shift = 0
        while True:
            byte = self.byte()
            n |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return n

    def signed(self):
        n = self.number()
        return (n >> 1) ^ -(n & 1)

    def known(self):
        n = self.number()
        return n - 1 if n else None

    def bytes(self, length):
        assert self.at + length <= len(self.data)
        self.at += length
        return self.data[self.at - length:self.at]

    def text(self):
        return self.bytes(self.number()).decode()

    def tokens(self):
        return dict(zip(("in", "out", "cache_read", "cache_write", "reasoning"), (self.known() for _ in range(5))))

    def rows(self):
        names, whos, rows, ended = [], [], [], 0
        assert self.byte() == 1, "the version"
        while self.at < len(self.data):
            tag = self.byte()
            if tag & 3 == 1:
                flags, status = self.byte(), self.number()
                texts = dict(zip(("client_key", "client", "protocol", "model", "mapped_model", "ending"), (self.text() for _ in range(6))))
                names.append({"stream": bool(flags & 1), "complete": bool(flags & 2), "counts_only": bool(flags & 4), "status": status, **texts})
            elif tag & 3 == 2:
                whos.append({"account_id": self.signed(), "status": self.number(), "account": self.text(), "provider": self.text(), "verdict": self.text()})
            else:
                assert tag & 3 == 3, tag
                row = dict(names[self.number()])
                row["id"] = self.text() if tag & 4 else "req_" + self.bytes(12).hex()
                ended += self.signed()
                row.update(ended_unix_ms=ended, first_byte_ms=self.known(), duration_ms=self.known(), charged=self.known(), attempt_count=1, attempts=[])
                kept = 1
                if tag & 8:
                    row["attempt_count"], kept = self.number(), self.number()
                for _ in range(kept):
                    attempt = dict(whos[self.number()], number=self.number() if tag & 8 else 1, tokens=self.tokens())
                    row["attempts"].append({**attempt, "cost_nano": self.known(), "duration_ms": self.known()})
                row["beyond"] = self.tokens() if tag & 16 else {}
                rows.append(row)
        return rows


def read(folder):
    """All rows, the oldest first."""
    with sqlite3.connect(f"file:{folder}/usage.db?mode=ro", uri=True) as db:
        blocks = db.execute("SELECT first, rows, since, until, pack FROM request_block ORDER BY first").fetchall()
    rows, next_number = [], 0
    for first, count, since, until, pack in blocks:
        found = Pack(pack).rows()
        assert len(found) == count and first >= next_number, (first, count, len(found))
        assert (since, until) == (min(r["ended_unix_ms"] for r in found), max(r["ended_unix_ms"] for r in found)), first
        rows += found
        next_number = first + count
    return rows


def sums(rows):
    """As the tables of sums add up: requests, attempts, tokens in and out of the last attempts, and of those before."""
    known = lambda tokens, kind: tokens.get(kind) or 0
    last = [r["attempts"][-1]["tokens"] for r in rows if r["attempts"]]
    before = [a["tokens"] for r in rows for a in r["attempts"][:-1]] + [r["beyond"] for r in rows]
    return (len(rows), sum(r["attempt_count"] for r in rows), sum(known(t, "in") for t in last), sum(known(t, "out") for t in last), sum(known(t, "in") for t in before))
