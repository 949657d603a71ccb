#!/usr/bin/env python3
"""A report, never a failure: files over 400 lines and functions over 70. It should get shorter.
(Tables and SQL are long by nature.)
"""
import re
import sys
from pathlib import Path

FILE_LINES, FUNCTION_LINES = 400, 70
root = Path(sys.argv[1])


def functions(lines):
    """First and last line of each function, by clang-format's layout: a body opens at the end of a
    line that begins the statement or ends its signature, and closes at the signature's indentation."""
    for number, line in enumerate(lines):
        if not line.endswith("{") or re.match(r"\s*(namespace|struct|class|enum|union|extern)\b", line):
            continue
        start = number
        while start > 0 and lines[start].startswith(" " * 9) and not re.search(r"[;{}]\s*$", lines[start - 1]):
            start -= 1
        indent = re.match(r" *", lines[start])[0]
        if len(indent) > 4 or "(" not in "".join(lines[start:number + 1]):
            continue
        for end in range(number + 1, len(lines)):
            if lines[end].startswith(indent + "}"):
                yield start + 1, end + 1
                break


for top in ("common", "cli", "daemon", "tests"):
    for file in sorted((root / top).rglob("*.[ch]pp")):
        lines = file.read_text().splitlines()
        path = file.relative_to(root)
        if len(lines) > FILE_LINES:
            print(f"{path}: {len(lines)} lines")
        for start, end in functions(lines):
            if end - start + 1 > FUNCTION_LINES:
                print(f"{path}:{start}: a function of {end - start + 1} lines")
