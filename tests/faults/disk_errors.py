#!/usr/bin/env python3
"""System calls on the database fail: reads, writes and syncs, of the log and of the file, the first or a
later one, with EIO, EROFS or ENOSPC (strace injects them). Each is named in the log, and in the answer where
it was met by a request.
After a failed sync or write nothing is acknowledged any more, the daemon ends with exit code 1, and the
next one has every acknowledged job; after a full disk the same daemon goes on. strace's own record says
that each was injected: a call that is not made fails the test.

usage: disk_errors.py SOURCE_DIR BUILD_DIR
"""
import shutil
import subprocess
import sys

from harness import IMAGE, NO_ENGINE, SKIPPED, Daemon, Engine, Failed, eventually, expect

BATCH = 40  # jobs a request: a few of them fill the log up to a checkpoint
LOG, FILE = "schedulerd.db-wal", "schedulerd.db"


class Case:
    """A call on one file of the state directory (on any, where `file` is empty). `said`: in the log; `refusal`:
    in each answer that is one. Empty: nothing may be noticed there."""

    def __init__(self, call, file, error, when, said="", refusal="", ends=True):
        self.call, self.file, self.error, self.when = call, file, error, when
        self.said, self.refusal, self.ends = said, refusal, ends
        self.name = f"{call} of {file or 'any file'} gives {error}, time {when}"

    def inject(self, daemon):
        """Holds for the next starts."""
        state = daemon.home / "state"
        only = ["-P", state / self.file] if self.file else []
        daemon.wrapper = ["strace", "-f", "-qq", "-o", daemon.home / "trace", *only, "-e", f"trace={self.call}",
                          "-e", f"inject={self.call}:error={self.error}:when={self.when}"]

    def check_injected(self, daemon):
        expect("(INJECTED)" in (daemon.home / "trace").read_text(errors="replace"), "nothing was injected")

    def check_named(self, log, refusals):
        """A commit writes the log and is answered. The file is written by checkpoints, which nobody asked for:
        whoever asks next may find the daemon gone, or about to go."""
        expect(self.said in log if self.said else "store_" not in log, "the log does not name what happened")
        code = "unavailable" if self.ends else "disk_full"
        for refusal in refusals:
            is_named = self.refusal and self.refusal in refusal["message"]
            is_late = self.ends and "shutting down" in refusal["message"]
            expect((is_named or is_late) and refusal["data"]["code"] == code,
                   f"a refusal says {refusal}")
        expect(refusals or self.file != LOG, "no answer names what happened")


FAILED = "can't be read or written (disk I/O error)"
FULL = "the disk of the state directory is full; free some space and it goes on by itself"
NO_SYNC, NO_WRITE = (f'store_failed error="disk I/O error" code={code}' for code in (1034, 778))
CASES = [
    Case("fdatasync", LOG, "EIO", "2", NO_SYNC, FAILED),
    Case("fdatasync", LOG, "EIO", "5", NO_SYNC, FAILED),
    Case("fdatasync", LOG, "ENOSPC", "4", NO_SYNC, FAILED),
    Case("fdatasync", FILE, "EIO", "1", NO_SYNC, FAILED),
    Case("pwrite64", LOG, "EIO", "1", NO_WRITE, FAILED),
    Case("pwrite64", LOG, "EIO", "30", NO_WRITE, FAILED),
    Case("pwrite64", LOG, "EROFS", "80", NO_WRITE, FAILED),
    Case("pwrite64", FILE, "EIO", "3", NO_WRITE, FAILED),
    Case("pread64", FILE, "EIO", "70+", "store_read_failed", "database disk image is malformed"),
    Case("pwrite64", LOG, "ENOSPC", "50..90", "store_disk_full", FULL, ends=False),
    Case("pwrite64", FILE, "ENOSPC", "1..3", "store_checkpoint_failed", ends=False),
    Case("pwrite64,pread64", "", "EINTR", "20+7", ends=False),
]


def submit(daemon, number):
    jobs = [{"job_name": IMAGE, "time": "1h", "command": ["echo", "x" * 400]} for _ in range(BATCH)]
    answer = daemon.call("add", jobs=jobs) if number % 2 else daemon.call("add", **jobs[0])
    if "error" in answer:
        return None, answer["error"]
    result = answer["result"]
    return [job["id"] for job in result["jobs"]] if "jobs" in result else [result["id"]], None


def play(daemon, case):
    """Submits until the daemon ends or enough is added; what was acknowledged, and the refusals."""
    added, refusals = [], []
    for number in range(60):
        try:
            jobs, refusal = submit(daemon, number)
        except (OSError, EOFError):
            break
        if refusal:
            refusals.append(refusal)
            if case.ends:
                continue  # until it is gone: nothing may be acknowledged any more
            eventually(lambda: daemon.call("status")["result"]["ready"] is False
                       or "store_recovered" in daemon.log_text(), "it says that it can't write")
        elif case.ends and refusals:
            raise Failed(f"a job was acknowledged after the failure: {refusals}")
        else:
            added += jobs
        try:
            seen = daemon.call("list", limit=1000)
        except (OSError, EOFError):
            break
        if "error" in seen:
            refusals.append(seen["error"])
    return added, refusals


def run(build, case):
    daemon = Daemon(build, *NO_ENGINE)
    try:
        daemon.start()
        added = submit(daemon, 1)[0]
        daemon.end()
        case.inject(daemon)
        before = len(daemon.log_text())
        daemon.start(wait=False)
        eventually(daemon.answers_or_ended, "it answers or ends")
        more, refusals = play(daemon, case) if daemon.process.poll() is None else ([], [])
        added += more
        if case.ends:
            daemon.expect_end(1)
        else:
            expect(daemon.process.poll() is None, "it ended")
            eventually(lambda: submit(daemon, 0)[0], "submits are taken again")
            daemon.end()
        case.check_named(daemon.log_text()[before:], refusals)
        case.check_injected(daemon)
        daemon.wrapper = []
        if case.call == "pread64":  # SQLite takes what can't be read for damage: a check takes that back
            checked = subprocess.run([daemon.build / "schedulerd", "--state-dir", daemon.home / "state",
                                      "--check-database"], capture_output=True, text=True)
            expect(checked.returncode == 0, f"--check-database: {checked}")
        daemon.start()
        missing = set(added) - {job["id"] for job in daemon.jobs()}
        expect(not missing, f"{len(missing)} acknowledged jobs are lost")
        return len(added)
    except Failed as failure:
        raise Failed(f"{case.name}: {failure}\n{daemon.log_text()[-3000:]}") from failure
    finally:
        daemon.close()


def output_sync_fails(build, engine, of_directory):
    """The sync of a job's output, or of its directory, fails once: said with the path, and stored at the
    next try. A daemon that does not make that sync fails here, since no other call can fail in its place."""
    daemon = Daemon(build, "--engine", f"unix://{engine.path}", http=True)
    try:
        daemon.start()
        job = daemon.call("add", job_name=IMAGE, time="1h", command=["echo", "kept"])["result"]["id"]
        daemon.end()
        directory = f"logs/{job[-2:]}"
        synced = directory if of_directory else f"{directory}/{job}.1.whole"
        case = Case("fsync", synced, "EIO", "1")
        case.inject(daemon)
        daemon.start()
        daemon.call("run", job_id=job)
        wanted = f"can't sync {daemon.home / 'state' / synced}: "
        eventually(lambda: any("output_not_kept" in line and wanted in line
                               for line in daemon.log_of(job).splitlines()), f"the log says {wanted}")
        eventually(lambda: daemon.call("show", job_id=job)["result"]["status"] == "finished", "it ends")
        expect(daemon.schedctl("logs", job).stdout == "kept\n", "its output is not whole")
        expect(daemon.http("GET", "/readyz")[0] == 200, "/readyz is not well again")
        case.check_injected(daemon)
        daemon.end()
    except Failed as failure:
        what = "directory" if of_directory else "file"
        raise Failed(f"fsync of an output's {what}: {failure}\n{daemon.log_text()[-3000:]}") from failure
    finally:
        daemon.close(engine=engine)


def read_only_directory(build):
    daemon = Daemon(build, *NO_ENGINE)
    state = daemon.home / "state"
    try:
        daemon.start()
        daemon.end()
        subprocess.run(["mount", "--bind", state, state], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", state], check=True)
        daemon.start(wait=False)
        daemon.expect_end(1)
        said = daemon.log_text().splitlines()[-1]
        expect(str(state) in said and "Read-only" in said and "make it writable" in said,
               f"a read-only state directory: {said}")
    finally:
        subprocess.run(["umount", "-l", state], check=False)
        daemon.close()


def main():
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"]).returncode != 0:
        print("strace can't trace here")
        return SKIPPED
    engine = Engine()
    try:
        for case in CASES:
            print(f"{case.name}: {run(sys.argv[2], case)} jobs kept", flush=True)
        for of_directory in (False, True):
            output_sync_fails(sys.argv[2], engine, of_directory)
        read_only_directory(sys.argv[2])
    except Failed as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
