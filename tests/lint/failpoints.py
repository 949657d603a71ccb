#!/usr/bin/env python3
"""Failpoints are in no build that did not ask for them (SCHEDULER_FAILPOINTS), and nowhere but behind
their one header; each is tested by a script tests/faults/*failpoints.py.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

root, build = Path(sys.argv[1]), Path(sys.argv[2])
HEADER = root / "daemon/base/failpoint.hpp"
VARIABLE = "SCHEDULERD_FAILPOINT"  # what a program with failpoints asks its environment for
problems = []


def symbols(flags):
    """What a program with one failpoint needs from elsewhere, and its bytes."""
    with tempfile.TemporaryDirectory() as directory:
        source, made = Path(directory) / "x.cpp", Path(directory) / "x.o"
        source.write_text(f'#include "{HEADER}"\nint main() {{ scheduler::failpoint("x"); }}\n')
        subprocess.run(["g++", "-std=c++20", f"-I{root}", *flags, "-c", source, "-o", made], check=True)
        undefined = subprocess.run(["nm", "-u", made], check=True, capture_output=True, text=True).stdout
        return undefined, made.read_bytes()


undefined, code = symbols([])
if re.search(r"\b(getenv|raise)\b", undefined) or VARIABLE.encode() in code:
    problems.append(f"{HEADER}: a build without SCHEDULER_FAILPOINTS has failpoints")
undefined, code = symbols(["-DSCHEDULER_FAILPOINTS"])
if not re.search(r"\braise\b", undefined) or VARIABLE.encode() not in code:
    problems.append(f"{HEADER}: a build with SCHEDULER_FAILPOINTS has none: this test sees nothing")

names = {}
for file in sorted((root / "daemon").rglob("*.[ch]pp")):
    text = file.read_text()
    if file == HEADER:
        continue
    if re.search(r"SCHEDULER_FAILPOINTS|SCHEDULERD_FAILPOINT", text):
        problems.append(f"{file.relative_to(root)}: failpoints belong to {HEADER.relative_to(root)}")
    for name in re.findall(r'\bfailpoint\("(\w+)"\)', text):
        names.setdefault(name, []).append(str(file.relative_to(root)))
tested = set()
for file in sorted((root / "tests/faults").glob("*failpoints.py")):
    for listed in re.findall(r"^\w*FAILPOINTS = [(\[{].*?[)\]}]$", file.read_text(), re.M | re.S):
        tested |= set(re.findall(r'"(\w+)"', listed))
for name in sorted(set(names) ^ tested):
    problems.append(f"failpoint {name}: " + ("not tested" if name in names else "tested, and nowhere in the daemon"))

# The build at hand, whichever it is.
cache = (build / "CMakeCache.txt").read_text()
daemon = build / "schedulerd"
is_on = re.search(r"^SCHEDULER_FAILPOINTS:BOOL=(ON|1|TRUE|YES)$", cache, re.M | re.I) is not None
if daemon.exists() and (VARIABLE.encode() in daemon.read_bytes()) != is_on:
    problems.append(f"{daemon}: " + ("has no failpoints" if is_on else "has failpoints, and nobody asked for them"))
if not re.search(r"option\(SCHEDULER_FAILPOINTS .* OFF\)", (root / "CMakeLists.txt").read_text()):
    problems.append("CMakeLists.txt: SCHEDULER_FAILPOINTS must be off unless it is asked for")

print("\n".join(problems))
sys.exit(1 if problems else 0)
