#!/usr/bin/env python3
"""Writes a C file that holds the bytes of a file. usage: embed.py INPUT OUTPUT NAME

`const unsigned char NAME[]` and `const size_t NAME_len`; the C compiler makes the rest."""
import pathlib
import sys

source, target, name = sys.argv[1:]
data = pathlib.Path(source).read_bytes()
lines = [", ".join(f"0x{b:02x}" for b in data[i:i + 20]) for i in range(0, len(data), 20)]
pathlib.Path(target).write_text(
    f"/* made by tools/embed.py from {pathlib.Path(source).name} */\n"
    "#include <stddef.h>\n\n"
    f"extern const unsigned char {name}[];\nextern const size_t {name}_len;\n\n"
    f"const unsigned char {name}[] = {{\n    " + ",\n    ".join(lines or ["0x00"]) + f"\n}};\nconst size_t {name}_len = {len(data)};\n")
