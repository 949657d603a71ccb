#!/usr/bin/env python3
"""Counts the instructions of single operations, which neither load nor a clock changes, and holds each to a
bound. An operation's cost is the difference of two runs, so what comes before and after does not count.

    instructions.py SOURCE_DIR BUILD_DIR [--measure]

The bounds are for the build of ./check (no optimization, with assertions), a sixth above what was measured; a
change that needs more says so here, and why. --measure prints the numbers of any build, and holds none.
Exit codes: 0 within the bounds; 1 over one; 77 there is no valgrind, or the build has a sanitizer.
"""
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77
PATIENCE = 240  # seconds that only a failure waits

# How often it is done in the two runs; thousands of instructions of one.
# A specification has 24 fields, and without optimization each move of a job moves them one by one: add and find cost
# some 90 more than with the first 4.
BOUNDS = {
    "add, in batches of 100": (100, 200, 470),
    "add, one at a time": (20, 70, 550),
    "find a job and write it down": (20, 70, 530),
    "read a GET over HTTP, and write its answer": (20, 70, 145),
    "read a POST of a job over HTTP": (20, 70, 580),
    "claim, run and end a job, in batches of 100": (100, 200, 2200),
    "list a page of 100": (2, 4, 18500),
}


def count(program, operation, repeats):
    """The instructions of a run."""
    run = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program,
         operation.replace(",", "\\,")],
        env={**os.environ, "COST_REPEATS": str(repeats)}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=PATIENCE)
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not collected:
        sys.exit(f"{operation}: {run.stdout}{run.stderr}")
    return int(collected[1])


def cost(program, operation):
    few, many, _ = BOUNDS[operation]
    return (count(program, operation, many) - count(program, operation, few)) / (many - few) / 1000


def main():
    build = Path(sys.argv[2])
    is_sanitized = re.search(r"^SCHEDULER_SANITIZE:\w+=.+$", (build / "CMakeCache.txt").read_text(), re.M)
    if is_sanitized or not shutil.which("valgrind"):
        return SKIPPED
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        costs = list(pool.map(lambda operation: cost(build / "tests/cost_operations", operation), BOUNDS))
    is_over = False
    for (operation, (_, _, bound)), measured in zip(BOUNDS.items(), costs):
        over = "" if measured <= bound or "--measure" in sys.argv else f", over the bound of {bound:,}"
        is_over = is_over or bool(over)
        print(f"{operation}: {measured:,.1f} thousand instructions{over}")
    return 1 if is_over else 0


if __name__ == "__main__":
    sys.exit(main())
