#!/usr/bin/env python3
"""Fails when an object file of the build uses a function that is banned, or banned outside io/.

usage: check_symbols.py BUILD_FOLDER"""
import pathlib
import subprocess
import sys

ANYWHERE = {"strcpy", "strcat", "sprintf", "vsprintf", "strncpy", "strtok", "atoi", "atol", "rand", "alloca", "gets",
            "__strcpy_chk", "__strcat_chk", "__sprintf_chk", "__strncpy_chk"}
OUTSIDE_IO = {"time", "clock_gettime", "gettimeofday", "sleep", "usleep", "nanosleep", "socket", "connect", "accept4",
              "fork", "system", "popen", "getaddrinfo", "random", "getrandom", "open", "open64", "fopen", "fopen64"}

build = pathlib.Path(sys.argv[1])
faults, seen = [], 0
for archive in sorted((build / "src").rglob("*.a")):
    layer = archive.parent.name
    listing = subprocess.run(["nm", "-A", "--undefined-only", str(archive)], capture_output=True, text=True, check=True)
    for line in listing.stdout.splitlines():
        where, symbol = line.rsplit(None, 1)
        symbol = symbol.split("@")[0]
        seen += 1
        banned = ANYWHERE if layer == "io" else ANYWHERE | OUTSIDE_IO
        if symbol in banned:
            faults.append(f"{layer}: {where.split(':')[1]} uses {symbol}()")
for fault in sorted(set(faults)):
    print(fault)
print(f"{seen - len(set(faults))} passed, {len(set(faults))} failed")
sys.exit(1 if faults else 0)
