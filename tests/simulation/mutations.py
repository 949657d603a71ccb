#!/usr/bin/env python3
"""Plants one bug after the other and lets the simulation find it: a check that can't fail proves
nothing.

    mutations.py SOURCE_DIR BUILD_DIR [NAME...]

The bugs are lines `mutated("name")` of the daemon, compiled in for tests only. Each must be found by
the first seeds, as many as its line says; docs/robustness.md has the same table. The seed that found it
is the page's only word that may be old: where it changed, that is said, and is no failure. Exit codes: 0
each one was found; 1 one was not, or not in time, or table, code and document differ.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
from pathlib import Path

SECONDS = 300  # for all seeds of one bug; a few are used
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
    "ignores_priority": ("none", 50),
    "forgets_hold": ("none", 50),
    "forgets_expiry": ("none", 10),
    "forgets_retries": ("none", 10),
    "forgets_edit": ("none", 50),
    "ignores_groups": ("none", 10),
    "forgets_groups": ("none", 50),
    "leaks_slots": ("none", 10),
    "begins_in_reverse": ("none", 10),
    "ignores_max_running": ("none", 50),
    "ignores_end_events": ("none", 10),
    "forgets_kill": ("none", 10),
    "forgets_deadline": ("none", 10),
    "stops_blindly": ("all", 150),
    "forgets_waiters": ("none", 10),
    "counts_twice": ("none", 10),
    "trusts_created": ("engine_dies_at_start", 150),
    "prunes_one_too_many": ("none", 10),
    "prunes_with_container_left": ("engine_flaky,engine_gone,set_limits", 400),
    "keeps_files_of_pruned": ("none", 10),
    "pages_by_job": ("none", 50),
    "lists_until_included": ("none", 10),
    "loses_piece_at_resume": ("none", 10),
    "shows_output_late": ("none", 50),
    "skips_event_after_page": ("none", 10),
    "hides_pause": ("none", 10),
}


def planted(source: Path) -> set[str]:
    names = set()
    for path in (source / "daemon").rglob("*.cpp"):
        names.update(re.findall(r'mutated\("(\w+)"\)', path.read_text()))
    return names


def documented(source: Path) -> dict[str, tuple[str, int, int]]:
    """name: (faults, the seed that found it, seeds within which it must be found)."""
    page = (source / "docs" / "robustness.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([\w,]+) \| (\d+) \| (\d+) \|$", page, re.M)
    return {name: (faults, int(seed), int(most)) for name, faults, seed, most in rows}


def disagreements(source: Path) -> list[str]:
    wrong = []
    if names := planted(source) ^ set(BUGS):
        wrong.append(f"the code differs from the table: {sorted(names)}")
    page = documented(source)
    if names := set(page) ^ set(BUGS):
        wrong.append(f"docs/robustness.md differs from the table: {sorted(names)} (a row is: name, what it does, "
                     "faults, the seed that found it, at most)")
    for name in set(page) & set(BUGS):
        faults, seed, most = page[name]
        if (faults, most) != BUGS[name]:
            wrong.append(f"docs/robustness.md says {faults}, {most} of {name}; the table says {BUGS[name]}")
        if seed > most:
            wrong.append(f"docs/robustness.md says that seed {seed} of at most {most} found {name}")
    return wrong


def find(sim: Path, name: str, documented_seed: int | None) -> tuple[bool, str]:
    faults, seeds = BUGS[name]
    command = [sim, "--mutation", name, "--expect-failure", "--seeds", f"1..{seeds}",
               "--faults", faults]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False, f"{name}: the simulation did not end within {SECONDS} s: it hangs with this bug, or is too slow"
    words = ended.stdout.strip() or f"{name}: ended with {ended.returncode}"
    found = re.search(r"found by seed (\d+)", words)
    if found and documented_seed and int(found[1]) != documented_seed:
        words += f" (docs/robustness.md: by seed {documented_seed})"
    return ended.returncode == 0, words


def main() -> int:
    source, build = Path(sys.argv[1]), Path(sys.argv[2])
    wanted = sys.argv[3:] or list(BUGS)
    if unknown := set(wanted) - set(BUGS):
        print(f"there is no such bug: {sorted(unknown)}; there are {sorted(BUGS)}")
        return 1
    problems = [] if sys.argv[3:] else disagreements(source)
    for problem in problems:
        print(problem)
    wrong = len(problems)
    seeds = {name: row[1] for name, row in documented(source).items()}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for is_found, words in pool.map(lambda name: find(build / "tests" / "sim", name, seeds.get(name)), wanted):
            print(words, flush=True)
            wrong += not is_found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
