#!/usr/bin/env python3
"""Plants one bug after the other and lets the simulation find it: a check that can't fail proves
nothing.

    mutations.py SOURCE_DIR BUILD_DIR [NAME...]

The bugs are lines `mutated("name")` of the daemon, compiled in for tests only. Each must be found by
the first seeds, as many as its line says; docs/robustness.md has the same table. Exit codes: 0 each
one was found; 1 one was not, or table, code and document differ.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

# name: (faults, seeds within which it must be found)
BUGS = {
    "answers_before_commit": ("all", 10),
    "syncs_nothing": ("crash", 50),
    "trusts_unsynced_log": ("crash,disk", 400),
    "starts_before_id_is_stored": ("all", 10),
    "repeats_start_at_once": ("crash_at_start,kill_daemon", 300),
    "restarts_exited": ("none", 10),
    "removes_before_outcome": ("crash", 50),
    "forgets_output": ("none", 10),
    "trusts_events_alone": ("engine", 50),
    "guesses_lost": ("engine", 50),
    "blames_job_for_restart": ("engine", 50),
    "loses_wake_up": ("none", 100),
    "claims_early": ("none", 10),
    "ignores_pause": ("none", 50),
    "forgets_keys": ("none", 10),
    "removes_running": ("none", 50),
    "starts_out_of_order": ("none", 10),
    "leaks_slots": ("none", 10),
    "ignores_max_running": ("none", 50),
    "counts_twice": ("none", 10),
    "trusts_created": ("engine_dies_at_start", 50),
    "prunes_one_too_many": ("none", 10),
    "prunes_with_container_left": ("engine_flaky,set_limits", 400),
    "keeps_files_of_pruned": ("none", 10),
}


def planted(source: Path) -> set[str]:
    names = set()
    for path in (source / "daemon").rglob("*.cpp"):
        names.update(re.findall(r'mutated\("(\w+)"\)', path.read_text()))
    return names


def documented(source: Path) -> set[str]:
    page = source / "docs" / "robustness.md"
    return set(re.findall(r"^\| `(\w+)` \|", page.read_text(), re.M)) if page.exists() else set()


def find(sim: Path, name: str) -> tuple[bool, str]:
    faults, seeds = BUGS[name]
    command = [sim, "--mutation", name, "--expect-failure", "--seeds", f"1..{seeds}",
               "--faults", faults]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return ended.returncode == 0, ended.stdout.strip() or f"{name}: ended with {ended.returncode}"


def main() -> int:
    source, build = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = sys.argv[3:] or list(BUGS)
    wrong = 0
    for where, names in (("the code", planted(source)), ("docs/robustness.md", documented(source))):
        if sys.argv[3:] or names == set(BUGS):
            continue
        print(f"{where} differs from the table: {sorted(names ^ set(BUGS))}")
        wrong += 1
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for is_found, words in pool.map(lambda name: find(build / "tests" / "sim", name), wanted):
            print(words)
            wrong += not is_found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
