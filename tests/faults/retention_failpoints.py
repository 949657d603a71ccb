#!/usr/bin/env python3
"""The daemon dies at each failpoint of retention while history is removed; the next daemon removes the
rest: no row, no file and no count is left of it, and jobs that have not ended are all there.

usage: retention_failpoints.py SOURCE_DIR BUILD_DIR
"""
import signal
import sys

from harness import IMAGE, SKIPPED, Daemon, Failed, eventually, has_failpoints

FAILPOINTS = ["history_pruned", "output_files_removed", "output_pruned"]
JOBS = 3


def output_files(daemon):
    return [file for file in (daemon.home / "state" / "logs").rglob("*") if file.is_file()]


def status(daemon):
    return daemon.call("status")["result"]


def die_and_recover(daemon, failpoint):
    daemon.start(SCHEDULERD_FAILPOINT=failpoint)
    jobs = [daemon.schedctl("add", IMAGE, "--now", "-q", "--", "echo", "x" * 100).stdout.strip() for _ in range(JOBS)]
    scheduled = daemon.schedctl("add", IMAGE, "--in", "1h", "-q").stdout.strip()
    for job in jobs:
        if daemon.schedctl("wait", job).returncode != 0:
            raise Failed(f"job {job} did not run")
    limits = ("--log-total", "0B") if failpoint == "output_pruned" else ("--keep", "0")
    daemon.schedctl("prune", *limits)
    daemon.expect_end(-signal.SIGKILL)
    daemon.start()
    pruned = daemon.schedctl("prune", *limits)
    if pruned.returncode != 0:
        raise Failed(pruned.stderr)
    eventually(lambda: not output_files(daemon), "the files are removed")
    now = status(daemon)
    if now["output_bytes"] != 0:
        raise Failed(f"{now['output_bytes']} bytes of output are still counted")
    kept = sum(now["jobs"].values())
    wanted = 1 + (JOBS if failpoint == "output_pruned" else 0)
    if kept != wanted:
        raise Failed(f"{kept} jobs are left, not {wanted}: {now['jobs']}")
    daemon.schedctl("rm", scheduled)
    if daemon.schedctl("prune", "--older-than", "0s").returncode != 0:
        raise Failed("what is left can't be removed")
    daemon.end()


def main():
    if not has_failpoints(sys.argv[2]):
        print("this build has no failpoints (SCHEDULER_FAILPOINTS)")
        return SKIPPED
    daemon = Daemon(sys.argv[2])
    where = ""
    try:
        for failpoint in FAILPOINTS:
            where = failpoint
            die_and_recover(daemon, failpoint)
    except Failed as failure:
        print(f"{where}: {failure}\n{daemon.log_text()[-3000:]}")
        return 1
    finally:
        daemon.close()
    print(f"{len(FAILPOINTS)} failpoints")
    return 0


if __name__ == "__main__":
    sys.exit(main())
