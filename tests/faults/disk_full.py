#!/usr/bin/env python3
"""The disk of the state directory (a small tmpfs) fills up while jobs wait, run, print and end. Submits,
removals and kills are refused in a sentence, nothing that was acknowledged is lost, and when there is space
again all goes on without a restart: jobs that ended meanwhile are settled with their whole output, due jobs
run.

usage: disk_full.py SOURCE_DIR BUILD_DIR
"""
import json
import os
import subprocess
import sys
import threading

from harness import IMAGE, PATIENCE, SKIPPED, Daemon, Engine, Failed, Witness, eventually, expect

SENTENCE = "the disk of the state directory is full; free some space and it goes on by itself"
LINES, LINE = 60000, "x" * 63


class SmallDisk:
    """A tmpfs; `fill` takes what is free but for some bytes, `free` gives it back."""

    def __init__(self, path, size):
        self.path, self.filler = path, path / "filler"
        path.mkdir()
        self.is_mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", path],
                                         capture_output=True).returncode == 0

    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, leave=0):
        with open(self.filler, "ab", buffering=0) as file:
            while self.free_bytes() > leave:
                try:
                    file.write(bytes(min(1 << 16, max(4096, self.free_bytes() - leave))))
                except OSError:
                    break

    def free(self):
        self.filler.unlink()

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.path], check=True)


def add(daemon, time, *command):
    return daemon.call("add", job_name=IMAGE, time=time, command=list(command))["result"]["id"]


def show(daemon, job):
    return daemon.call("show", job_id=job)["result"]


def runs(daemon, job):
    eventually(lambda: show(daemon, job).get("started_at"), f"{job} runs")
    return job


def ends_well(daemon, job):
    eventually(lambda: show(daemon, job)["status"] == "finished", f"{job} ends")
    expect(show(daemon, job)["finish_status"] == "success", f"it ended otherwise: {show(daemon, job)}")


def check_refusals(daemon, waiting, running):
    """Submits, the removal of a job that waits and the kill of one that runs, in each of three ways."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, target, form in (("POST", "/job", "job_name=alpine&time=1h"), ("DELETE", f"/job/{waiting}", None),
                                 ("POST", f"/job/{running}/kill", None)):
        status, headers, text = daemon.http(method, target, form, kind if form else None)
        expect((status, headers["X-Error-Code"], json.loads(text)) == (507, "disk_full", {"message": SENTENCE}),
               f"{method} {target}: {status} {text}")
    for method, request in (("add", {"job_name": IMAGE, "time": "1h"}), ("remove", {"job_id": waiting}),
                            ("kill", {"job_id": running, "now": True})):
        answer = daemon.call(method, **request)
        error = answer.get("error", {})
        expect((error.get("code"), error.get("message")) == (-32031, SENTENCE), f"{method}: {answer}")
    for words in (("add", IMAGE, "--in", "1h"), ("rm", waiting), ("kill", running)):
        said = daemon.schedctl(*words)
        expect(said.returncode == 1 and SENTENCE in said.stderr, f"schedctl {words}: {said}")
    status, _, text = daemon.http("GET", "/readyz")
    expect(status == 503 and SENTENCE in text, f"/readyz: {status} {text}")
    expect(daemon.http("GET", "/healthz")[0] == 200, "/healthz does not answer")
    expect(daemon.http("GET", "/jobs")[0] == 200, "/jobs does not answer")
    said = daemon.schedctl("status")
    expect(said.returncode == 1 and SENTENCE in said.stdout, f"schedctl status: {said}")


def full_while_jobs_run(daemon, engine, disk):
    """They end while nothing can be written: the output of one, the outcome of the other, waits."""
    kept = [add(daemon, "1h", "true") for _ in range(5)]
    printing = add(daemon, "0s", "sh", "-c", "echo before; until [ -e /tmp/go ]; do sleep 0.1; done; echo after")
    silent = add(daemon, "0s", "sh", "-c", "until [ -e /tmp/go ]; do sleep 0.1; done")
    later = add(daemon, "3s", "echo", "late")
    for job in (printing, silent):
        runs(daemon, job)
    disk.fill()
    check_refusals(daemon, kept[0], printing)
    for job in (printing, silent):
        container = show(daemon, job)["container_id"]
        execute(engine, container, "touch", "/tmp/go")
        eventually(lambda: not engine.call("GET", f"/containers/{container}/json")["State"]["Running"], "it ended")
    eventually(lambda: "output_not_kept" in daemon.log_text(), "the log says that output is not kept")
    eventually(lambda: daemon.call("status")["result"]["overdue"] == 1, "the last one is due, and waits")
    for job in (printing, silent):
        expect(show(daemon, job)["status"] == "running", "it is settled, though nothing can be written")
    check_refusals(daemon, later, silent)
    eventually(lambda: show(daemon, later).get("lateness_ms", 0) > 2000, "it is late")
    disk.free()
    eventually(lambda: "result" in daemon.call("add", job_name=IMAGE, time="1h"), "submits are taken again")
    for job in (printing, silent, later):  # no refused removal or kill has an effect afterwards
        ends_well(daemon, job)
    expect(show(daemon, kept[0])["status"] == "scheduled", "its removal was refused, and it is gone")
    said = daemon.schedctl("why", later).stdout
    expect("the disk was full" in said, f"why was it late: {said}")
    found = daemon.call("verify", late="2s")["result"].get("found", {})
    expect("late" not in found, f"verify blames the daemon for the full disk: {found}")
    expect(daemon.schedctl("logs", printing).stdout == "before\nafter\n", "its output is not whole")
    eventually(lambda: daemon.http("GET", "/readyz")[0] == 200, "/readyz is well again")
    return kept + [printing, silent, later]


def execute(engine, container, *command):
    made = engine.call("POST", f"/containers/{container}/exec", {"Cmd": list(command)})
    answer = engine.open("POST", f"/exec/{made['Id']}/start", {"Detach": True})
    answer.read()


def full_by_output(daemon, disk):
    """A followed job prints more than fits."""
    job = add(daemon, "0s", "sh", "-c", f"sleep 1; yes {LINE} | head -n {LINES}")
    runs(daemon, job)
    disk.fill(leave=1 << 20)
    follower = threading.Thread(target=daemon.schedctl, args=("logs", "-f", job))
    follower.start()
    eventually(lambda: f"output_not_kept job={job}" in daemon.log_text(), "the log says so")
    status, _, text = daemon.http("GET", "/readyz")
    expect(status == 503 and "No space left" in text, f"/readyz: {status} {text}")
    expect(show(daemon, job)["status"] == "running", "it is settled without its output")
    disk.free()
    ends_well(daemon, job)
    follower.join(PATIENCE)
    expect(not follower.is_alive(), "the follower hangs")
    expect(daemon.schedctl("logs", job).stdout == f"{LINE}\n" * LINES, "its output is not whole")
    eventually(lambda: daemon.http("GET", "/readyz")[0] == 200, "/readyz is well again")
    return [job]


def start_on_full_disk(daemon, disk):
    """After a crash and after an end: it serves, or names the disk."""
    for end in (daemon.kill, daemon.end):
        disk.fill()
        end()
        disk.fill()
        before = len(daemon.log_text())
        daemon.start(wait=False)
        try:
            eventually(daemon.answers, "it answers")
        except Failed:
            said = daemon.log_text()[before:]
            expect(daemon.process.returncode == 1 and "free some space" in said, f"it ended with {said}")
        else:
            check_refusals_begin(daemon)
        disk.free()
        if daemon.process.poll() is not None:
            daemon.start()
        eventually(lambda: "result" in daemon.call("add", job_name=IMAGE, time="1h"), "submits are taken again")


def check_refusals_begin(daemon):
    """The log of writes may have room of its own for some: it keeps its length when it begins anew."""
    for _ in range(200):  # more than the disk holds
        answer = daemon.call("add", job_name=IMAGE, time="1h", command=["x" * 100000])
        if "error" in answer:
            break
    expect(answer.get("error", {}).get("data", {}).get("code") == "disk_full", f"add on a full disk: {answer}")


def main():
    engine = Engine()
    witness = Witness(engine)
    # Its own limit, a tenth of a small disk, would remove what the jobs printed, some seconds after they ended.
    daemon = Daemon(sys.argv[2], "--engine", f"unix://{engine.path}", "--log-total", "1GiB", http=True)
    disk = SmallDisk(daemon.home / "state", "12m")
    if not disk.is_mounted:
        print("no tmpfs can be mounted here")
        return SKIPPED
    jobs = []
    try:
        daemon.start()
        first = daemon.process.pid
        jobs += full_while_jobs_run(daemon, engine, disk)
        jobs += full_by_output(daemon, disk)
        expect(daemon.process.pid == first and daemon.process.poll() is None, "it was started anew")
        start_on_full_disk(daemon, disk)
        missing = set(jobs) - {job["id"] for job in daemon.jobs()}
        expect(not missing, f"acknowledged jobs are lost: {missing}")
        doubled = {job: starts for job, starts in witness.starts.items() if job in jobs and starts != {1: 1}}
        expect(not doubled, f"started more than once: {doubled}")
        daemon.end()
    except Failed as failure:
        print(f"{failure}\n{daemon.log_text()[-4000:]}")
        return 1
    finally:
        disk.close()
        daemon.close(engine=engine)
    print("a full disk refused what it had to, and nothing was lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
