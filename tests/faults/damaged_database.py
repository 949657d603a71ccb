#!/usr/bin/env python3
"""Damage on the disk while the daemon is down: pages overwritten, the write-ahead log cut and changed,
its -shm garbage, files empty, short or gone. A start brings back every acknowledged job, or ends with
exit code 1 and a sentence that names the file, the damage and the remedy; a daemon that meets damage
while it serves ends so too, and no later start serves from that file.

usage: damaged_database.py SOURCE_DIR BUILD_DIR [--seed N]
"""
import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import IMAGE, NO_ENGINE, Daemon, Failed, eventually, expect

FRAME = 24 + 4096
HEADER = 32
POINTER_MAP = 2  # a page of its own, since the database can shrink (auto_vacuum)
ids = lambda daemon: [job["id"] for job in daemon.jobs()]


class Start:
    """One start on a copy of a state directory: what became of it."""

    def __init__(self, build, state):
        self.daemon = Daemon(build, *NO_ENGINE)
        shutil.copytree(state, self.daemon.home / "state")

    def jobs(self):
        """Of a daemon that serves; nothing of one that ended as it should."""
        self.daemon.start(wait=False)
        eventually(self.daemon.answers_or_ended, "the daemon answers or ends")
        if self.daemon.process.poll() is None:
            try:
                served = ids(self.daemon)
                self.daemon.end()
                return served
            except (OSError, EOFError, KeyError):  # it met the damage
                pass
        expect_refusal(self.daemon)
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.close()


def expect_refusal(daemon):
    daemon.expect_end(1)
    log = daemon.log_text()
    expect(any("schedulerd.db" in line and "estore a backup" in line for line in log.splitlines()),
           f"it ended, and said:\n{log[-2000:]}")


class Bench:
    def __init__(self, build, chance):
        self.build, self.chance = build, chance
        self.directory = tempfile.TemporaryDirectory(prefix="scheduler-damage-")
        self.root = Path(self.directory.name)
        self.pool = ThreadPoolExecutor(2)
        self.number = 0

    def copy(self, state):
        self.number += 1
        copy = self.root / f"case-{self.number}"
        shutil.copytree(state, copy)
        return copy

    def make_states(self):
        """`clean` was closed as it should be, with free pages; `killed` has its last jobs in the log."""
        daemon = Daemon(self.build, *NO_ENGINE)
        try:
            daemon.start()
            for number in range(60):
                added = daemon.call("add", job_name=IMAGE, time="1h", key=f"key {number}",
                                    command=["echo", "x" * (6000 if number % 20 == 0 else 200)])
                if number % 3 == 0:
                    daemon.call("remove", job_id=added["result"]["id"])
            self.clean_jobs = ids(daemon)
            daemon.end()
            database = sqlite3.connect(daemon.home / "state" / "schedulerd.db")
            database.execute("CREATE TABLE filler AS SELECT spec FROM job")
            database.execute("DROP TABLE filler")
            database.commit()
            database.close()
            self.clean = self.root / "clean"
            shutil.copytree(daemon.home / "state", self.clean)
            daemon.start()
            for number in range(4):
                daemon.call("add", job_name=IMAGE, time="1h", key=f"late key {number}")
            self.killed_jobs = ids(daemon)
            daemon.kill()
            self.killed = self.root / "killed"
            shutil.copytree(daemon.home / "state", self.killed)
        finally:
            daemon.close()

    def each(self, name, cases, judge):
        """Starts on each case (a label, a state directory) and has the result judged; the counts."""
        def one(case):
            label, state = case
            try:
                with Start(self.build, state) as start:
                    verdict = judge(label, start.jobs())
            except Failed as failure:
                raise Failed(f"{name}, {label}: {failure}") from failure
            finally:
                shutil.rmtree(state)
            return verdict
        results = list(self.pool.map(one, cases))
        print(f"{name}: {results.count('refused')} refused, {len(results) - results.count('refused')} served", flush=True)


def refused(_, jobs):
    expect(jobs is None, "it serves")
    return "refused"


def whole(expected):
    def judge(_, jobs):
        expect(jobs is not None, "it does not serve")
        expect(jobs == expected, f"it serves, and {len(expected)} jobs have become {len(jobs)}, or others")
        return "served"
    return judge


def whole_or_refused(expected):
    return lambda label, jobs: refused(label, jobs) if jobs is None else whole(expected)(label, jobs)


def damaged(bench, state, file, offset, content):
    copy = bench.copy(state)
    with open(copy / file, "r+b") as damaged_file:
        damaged_file.seek(offset)
        damaged_file.write(content)
    return copy


def pages(bench):
    """Cases on pages that are in use, and on those that are free, where nobody needs what stands there."""
    database = sqlite3.connect(bench.clean / "schedulerd.db")
    size = database.execute("PRAGMA page_size").fetchone()[0]
    names = {page: f"{kind} page {page} of {name}"
             for name, page, kind in database.execute("SELECT name, pageno, pagetype FROM dbstat")}
    names[POINTER_MAP] = "the pointer map"
    names[int.from_bytes((bench.clean / "schedulerd.db").read_bytes()[32:36], "big")] = "the list of free pages"
    listed, = database.execute("PRAGMA freelist_count").fetchone()
    count, = database.execute("PRAGMA page_count").fetchone()
    database.close()
    free = sorted(set(range(1, count + 1)) - set(names))
    expect(len(free) >= 3 and len(free) == listed - 1, f"{listed} pages are listed as free, {len(free)} have no use")

    def cases(chosen):
        for page in chosen:
            for what, content in (("zeros", bytes(size)), ("noise", bench.chance.randbytes(size))):
                yield (f"{what} over {names.get(page, f'free page {page}')}",
                       damaged(bench, bench.clean, "schedulerd.db", (page - 1) * size, content))
    return cases(sorted(names)), cases(free)


def log_cuts(bench, step, keep_shm):
    size = (bench.killed / "schedulerd.db-wal").stat().st_size
    for cut in range(0, size, step):
        copy = bench.copy(bench.killed)
        with open(copy / "schedulerd.db-wal", "r+b") as log:
            log.truncate(cut)
        if not keep_shm:
            (copy / "schedulerd.db-shm").unlink()
        yield f"the log cut at {cut} of {size}", copy


def log_flips(bench, keep_shm):
    content = (bench.killed / "schedulerd.db-wal").read_bytes()
    places = [bench.chance.randrange(HEADER)]
    for frame in range(HEADER, len(content), FRAME):
        places += [frame + bench.chance.randrange(24), frame + 24 + bench.chance.randrange(4096)]
    for place in places:
        copy = damaged(bench, bench.killed, "schedulerd.db-wal", place, bytes([content[place] ^ 0x10]))
        if not keep_shm:
            (copy / "schedulerd.db-shm").unlink()
        yield f"byte {place} of the log changed", copy


def begin_of(expected, at_least):
    """Jobs in the order of their due times: those that were added last may be missing."""
    def judge(label, jobs):
        if jobs is None:
            return refused(label, jobs)
        if not set(at_least) <= set(jobs) <= set(expected) or [job for job in expected if job in jobs] != jobs:
            raise Failed(f"it serves other jobs: {len(jobs)} of {len(expected)}")
        return "served"
    return judge


def files(bench):
    size = (bench.clean / "schedulerd.db").stat().st_size
    for cut in (0, 1, 100, 512, 4096, size // 2 // 4096 * 4096, size - 4096, size - 512, size - 1):
        copy = bench.copy(bench.clean)
        with open(copy / "schedulerd.db", "r+b") as database:
            database.truncate(cut)
        yield f"the database cut at {cut} of {size}", copy
    copy = bench.copy(bench.clean)
    (copy / "schedulerd.db").unlink()
    yield "the database gone", copy
    copy = bench.copy(bench.killed)
    (copy / "schedulerd.db").write_bytes(b"")
    yield "the database empty beside its log", copy


def shared_memory(bench):
    copy = bench.copy(bench.killed)
    size = (copy / "schedulerd.db-shm").stat().st_size
    yield "-shm is noise", damaged(bench, bench.killed, "schedulerd.db-shm", 0, bench.chance.randbytes(size))
    yield "-shm is zeros", damaged(bench, bench.killed, "schedulerd.db-shm", 0, bytes(size))
    (copy / "schedulerd.db-shm").unlink()
    yield "-shm is gone", copy


def make_large(state):
    """Over the size that is checked whole at each start."""
    database = sqlite3.connect(state / "schedulerd.db")
    columns = [name for _, name, *_ in database.execute("PRAGMA table_info(job)")]
    chosen = ", ".join({"number": "?1", "id": "randomblob(16)", "key": "NULL"}.get(c, c) for c in columns)
    first, = database.execute("SELECT max(number) + 1 FROM job").fetchone()
    source, = database.execute("SELECT min(number) FROM job WHERE status = 'scheduled'").fetchone()
    database.executemany(f"INSERT INTO job SELECT {chosen} FROM job WHERE number = {source}",
                         ((number,) for number in range(first, first + 25000)))
    database.commit()
    page = database.execute("SELECT pageno FROM dbstat WHERE name = 'job' AND pagetype = 'leaf' "
                            "ORDER BY path DESC LIMIT 1 OFFSET 40").fetchone()[0]
    index = database.execute("SELECT pageno FROM dbstat WHERE name = 'sqlite_autoindex_job_1' AND pagetype = 'leaf' "
                             "LIMIT 1 OFFSET 9").fetchone()[0]
    job = database.execute("SELECT lower(hex(id)) FROM job ORDER BY id LIMIT 1 OFFSET 700").fetchone()[0]
    database.close()
    if (state / "schedulerd.db").stat().st_size < 9 << 20:
        raise Failed("the large database is small")
    return page, index, job


def ends_itself(bench, state, page, provoke):
    daemon = Daemon(bench.build, *NO_ENGINE)
    try:
        shutil.copytree(state, daemon.home / "state")
        database = daemon.home / "state" / "schedulerd.db"
        whole = database.read_bytes()
        with open(database, "r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(bytes(4096))
        daemon.start()
        provoke(daemon)
        expect_refusal(daemon)
        daemon.start(wait=False)
        expect_refusal(daemon)
        check_by_hand(daemon, 1)
        database.write_bytes(whole)  # a backup is restored
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        daemon.start(wait=False)
        expect_refusal(daemon)
        check_by_hand(daemon, 0)
        daemon.start()
    finally:
        daemon.close()


def check_by_hand(daemon, code):
    checked = subprocess.run([daemon.build / "schedulerd", "--state-dir", daemon.home / "state", "--check-database"],
                             capture_output=True, text=True)
    if checked.returncode != code:
        raise Failed(f"--check-database exits {checked.returncode}: {checked.stdout}{checked.stderr}")


def large(bench):
    state = bench.copy(bench.clean)
    page, index, job = make_large(state)
    jobs = [bench.pool.submit(ends_itself, bench, state, page, lambda daemon: None),
            bench.pool.submit(ends_itself, bench, state, index,
                              lambda daemon: daemon.schedctl("show", job))]
    for result in jobs:
        result.result()
    print("a large database: both damages end the daemon, and each start after it")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    bench = Bench(Path(arguments.build), random.Random(arguments.seed))
    try:
        bench.make_states()
        late = bench.killed_jobs
        used, free = pages(bench)
        bench.each("pages in use", used, refused)
        bench.each("free pages", free, whole(bench.clean_jobs))
        bench.each("files", files(bench), refused)
        bench.each("-shm", shared_memory(bench), whole(late))
        bench.each("log cut", log_cuts(bench, 512, True), whole_or_refused(late))
        bench.each("log changed", log_flips(bench, True), whole_or_refused(late))
        # Without -shm, as after a power cut, a short log can't be told from one that was never longer.
        bench.each("log cut, no -shm", log_cuts(bench, 9 * 512, False), begin_of(late, bench.clean_jobs))
        bench.each("log changed, no -shm", log_flips(bench, False), begin_of(late, bench.clean_jobs))
        large(bench)
    except Failed as failure:
        print(failure)
        return 1
    finally:
        bench.pool.shutdown(cancel_futures=True)
        bench.directory.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(main())
