#!/usr/bin/env python3
"""The daemon dies in the middle of a backup, or the backup's disk is full: nothing piles up. What a crash
left in the directory for backups is gone after the next start, in another one after the next backup there;
a backup that fails leaves nothing at all.

usage: backup_failpoints.py SOURCE_DIR BUILD_DIR
"""
import signal
import subprocess
import sys

from disk_full import SmallDisk
from harness import IMAGE, NO_ENGINE, SKIPPED, Daemon, Failed, expect, has_failpoints

FAILPOINTS = ["backup_slice"]
JOBS, TEXT = 1000, "x" * 8000  # 8 MB: a backup takes several slices


def names(directory):
    return sorted(file.name for file in directory.iterdir())


def die_in_backup(daemon, directory, name):
    """The name of what is left."""
    daemon.start(SCHEDULERD_FAILPOINT=FAILPOINTS[0])
    daemon.schedctl("backup", directory / name)
    daemon.expect_end(-signal.SIGKILL)
    left = names(directory)
    expect(len(left) == 1 and left[0].endswith(".unfinished"), f"the crash left {left}")
    return left


def back_up(daemon, file):
    done = daemon.schedctl("backup", file)
    expect(done.returncode == 0, f"{file}: {done.stderr}")


def crashes(daemon):
    backups, elsewhere = daemon.home / "state" / "backups", daemon.home / "elsewhere"
    elsewhere.mkdir()
    die_in_backup(daemon, backups, "a.db")
    daemon.start()
    expect(names(backups) == [], f"after a start there is {names(backups)}")
    daemon.end()
    first = die_in_backup(daemon, elsewhere, "a.db")
    expect(die_in_backup(daemon, elsewhere, "b.db") == first, "two crashes leave two files")
    daemon.start()
    back_up(daemon, elsewhere / "c.db")
    expect(names(elsewhere) == ["c.db"], f"after a backup there is {names(elsewhere)}")


def full_disk(daemon):
    disk = SmallDisk(daemon.home / "small", "2M")
    try:
        if not disk.is_mounted:
            return print("a full disk is not tried: this user can't mount a tmpfs")
        done = daemon.schedctl("backup", disk.path / "a.db")
        expect(done.returncode == 1 and "free some space there" in done.stderr, f"a full disk: {done}")
        expect(names(disk.path) == [], f"a backup that failed left {names(disk.path)}")
    finally:
        disk.close()


def main():
    if not has_failpoints(sys.argv[2]):
        print("this build has no failpoints (SCHEDULER_FAILPOINTS)")
        return SKIPPED
    daemon = Daemon(sys.argv[2], *NO_ENGINE)
    try:
        daemon.start()
        job = {"job_name": IMAGE, "time": "1h", "command": ["echo", TEXT]}
        for _ in range(JOBS // 100):
            expect("result" in daemon.call("add", jobs=[job] * 100), "jobs are refused")
        daemon.end()
        crashes(daemon)
        full_disk(daemon)
        daemon.end()
    except (Failed, subprocess.TimeoutExpired) as failure:
        print(f"{failure}\n{daemon.log_text()[-3000:]}")
        return 1
    finally:
        daemon.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
