#!/usr/bin/env python3
"""The wall clock is wrong, and set: forward, back, by an hour and by a year. Jobs start when the clock
says so and never before; the daemon does not spin, and a jump over many due times does not start them
all at once.

libfaketime shows the daemon another clock; the machine's own is never set. It fakes clock_gettime and
the moment that a timerfd is set to, but not the kernel's word that the clock was set: SIGHUP, after
which the daemon looks at the clock as well, stands for it.

usage: clock_steps.py SOURCE_DIR BUILD_DIR
"""
import datetime
import glob
import signal
import sys
import time

from harness import IMAGE, SKIPPED, Daemon, Engine, Failed, eventually, expect, is_sanitized

HOUR, YEAR = 3600, 365 * 86400
MAX_RUNNING = 4
WATCHED = 2  # seconds in which the daemon has nothing to do
SWITCHES_MAX, TICKS_MAX = 100, 20  # of all threads in that time; ticks are 10 ms of a processor


class FakedDaemon(Daemon):
    def __init__(self, build, library, *options):
        super().__init__(build, *options)
        self.offset_file = self.home / "offset"
        self.environment = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.offset_file),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def begin(self, offset):
        self.set_clock(offset)
        self.start(**self.environment)
        eventually(lambda: self.call("status")["result"].get("engine"), "the engine is up")

    def set_clock(self, offset):
        fresh = self.home / "offset.new"
        fresh.write_text(f"{offset:+d}\n")
        fresh.rename(self.offset_file)
        seen = instant(self.call("status")["result"]["now"]) if self.process and self.process.poll() is None else None
        if seen and abs(seen - time.time() - offset) > 30:
            raise Failed(f"the daemon sees another clock: {seen}")

    def step(self, offset):
        self.set_clock(offset)
        self.process.send_signal(signal.SIGHUP)

    def add(self, wait, *command):
        return self.call("add", job_name=IMAGE, time=wait, command=list(command or ["true"]))["result"]["id"]

    def show(self, job):
        return self.call("show", job_id=job)["result"]

    def ended(self, job):
        return eventually(lambda: (lambda shown: shown if shown["status"] == "finished" else None)(self.show(job)),
                          f"{job} ends")

    def work(self):
        """Context switches and processor time of all threads so far."""
        switches = ticks = 0
        for task in glob.glob(f"/proc/{self.process.pid}/task/*"):
            with open(f"{task}/status") as status:
                switches += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
            with open(f"{task}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
                ticks += int(fields[11]) + int(fields[12])
        return switches, ticks

    def expect_rest(self, when):
        """Soon there is nothing to do; a daemon that spins never gets there."""
        def rests():
            before = self.work()
            time.sleep(WATCHED)
            after = self.work()
            return after[0] - before[0] <= SWITCHES_MAX and after[1] - before[1] <= TICKS_MAX
        eventually(rests, f"it rests {when}", patience=20)


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def check_never_early(daemon):
    """By the daemon's own clock: the time of the claim is in its event, the start in the engine's clock."""
    for line in daemon.log_text().splitlines():
        if "job_dispatched" in line:
            expect(int(line.rsplit("lateness_ms=", 1)[1]) >= 0, f"started early: {line}")


def forward(daemon):
    soon, later = daemon.add("2s"), daemon.add("2h")
    daemon.ended(soon)
    due = [daemon.add("1h", "sleep", "0.2") for _ in range(3 * MAX_RUNNING)]
    daemon.expect_rest("while jobs wait")
    daemon.step(HOUR + 60)
    most = 0
    while any(daemon.show(job)["status"] != "finished" for job in due):
        most = max(most, daemon.call("status")["result"]["jobs"]["running"])
    expect(0 < most <= MAX_RUNNING, f"{most} jobs ran at once")
    expect(daemon.show(later)["status"] == "scheduled", "a job that is not due was started")
    daemon.expect_rest("after a step forward")
    return [soon, *due]


def back(daemon, offset):
    """The timer was set by the clock before: it rings, and the job is not due."""
    job = daemon.add("3s")
    daemon.step(offset - HOUR)
    rung = time.monotonic() + 4
    daemon.expect_rest("after a step back")
    while time.monotonic() < rung:
        expect(daemon.show(job)["status"] == "scheduled", "it was started before its time")
        time.sleep(0.1)
    daemon.ended(daemon.add("0s"))  # what is due now runs meanwhile
    daemon.expect_rest("an hour before the job is due")
    daemon.step(offset + 10)
    daemon.ended(job)
    return [job]


def wrong_at_start(daemon, offset):
    """A machine without a battery for its clock: it starts in the past, and is set while it runs."""
    kept = daemon.add("30m")
    daemon.end()
    daemon.begin(offset - YEAR)
    daemon.expect_rest("a year before")
    expect(daemon.show(kept)["status"] == "scheduled", "it was started before its time")
    added = daemon.add("1s")
    daemon.ended(added)
    daemon.step(offset + HOUR)
    daemon.ended(kept)
    daemon.end()
    daemon.begin(offset + YEAR)
    daemon.expect_rest("a year later")
    expect(daemon.call("status")["result"]["jobs"]["running"] == 0, "something is stuck")
    return [kept, added]


def main():
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries or is_sanitized(sys.argv[2]):
        print("there is no libfaketime, or it can't be loaded before a sanitizer")
        return SKIPPED
    engine = Engine()
    daemon = FakedDaemon(sys.argv[2], libraries[0], "--engine", f"unix://{engine.path}",
                         "--max-running", str(MAX_RUNNING))
    try:
        daemon.begin(0)
        jobs = forward(daemon)
        jobs += back(daemon, HOUR + 60)
        jobs += wrong_at_start(daemon, HOUR + 70)
        check_never_early(daemon)
        for job in jobs:
            expect(daemon.show(job)["finish_status"] == "success", f"it ended otherwise: {daemon.show(job)}")
        daemon.end()
    except Failed as failure:
        print(f"{failure}\n{daemon.log_text()[-4000:]}")
        return 1
    finally:
        daemon.close(engine=engine)
    print(f"{len(jobs)} jobs, each when the clock said so")
    return 0


if __name__ == "__main__":
    sys.exit(main())
