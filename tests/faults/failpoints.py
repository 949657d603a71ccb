#!/usr/bin/env python3
"""The daemon dies at each of its failpoints while a job runs; the next daemon brings the job to its end:
started once, with its whole output and exit code, and no container left.

usage: failpoints.py SOURCE_DIR BUILD_DIR [--start-sent N]

A start marks the container's own layer, and is counted in the engine's events. The failpoint behind the
sent start runs N times (20) beside other containers: then the engine takes long enough for a hasty
second start to run the job twice. At least once the start must be one that the engine had not executed
yet when the daemon was dead already: else the test saw nothing of what it is for, and goes on up to
three times as long to see it.
"""
import argparse
import signal
import sys
import threading

from harness import IMAGE, INSTANCE, JOB, SKIPPED, Daemon, Engine, Failed, Witness, eventually, has_failpoints

FAILPOINTS = ["claimed", "created", "container_committed", "start_sent", "start_answered", "ended", "output_synced",
              "output_renamed", "output_stored", "outcome_committed", "removal_sent", "removal_answered"]
KILL_FAILPOINTS = ["stop_committed", "stop_sent"]
ALL = "started\nended\n"
PATIENCE_FACTOR = 3


def phase(engine, instance):
    """What the engine says of this daemon's one container now; None where there is none."""
    containers = engine.containers(f"{INSTANCE}={instance}")
    return containers[0]["State"] if containers else None


def submit(daemon, seconds, exit_code):
    """The id, or None when the daemon died before it answered."""
    try:
        answer = daemon.call("add", job_name=IMAGE, time="0s", command=Engine.command(seconds, exit_code))
        return answer["result"]["id"]
    except (OSError, EOFError):
        return None


def die_and_recover(daemon, engine, witness, failpoint):
    """Returns what the engine said of the container when the daemon had just died."""
    daemon.start(SCHEDULERD_FAILPOINT=failpoint)
    instance = daemon.instance()
    is_kill = failpoint in KILL_FAILPOINTS
    job = submit(daemon, 60 if is_kill else 0.3, 3)
    if is_kill:
        eventually(lambda: "started" in daemon.output(job), "it runs")
        try:
            daemon.call("kill", job_id=job, now=True)
        except (OSError, EOFError):
            pass  # it died before it answered: the wish is committed all the same
    daemon.expect_end(-signal.SIGKILL)
    left_behind = phase(engine, instance)
    daemon.start()
    # It may have died before the answer to the submission came: the job is there nevertheless.
    job = job or daemon.call("show", job_id="last")["result"]["id"]
    waited = daemon.schedctl("wait", job)
    if waited.returncode != (137 if is_kill else 3):
        raise Failed(f"exit code {waited.returncode}: {waited.stdout}{waited.stderr}\n{daemon.log_of(job)}")
    output = daemon.output(job)
    if output != ("started\n" if is_kill else ALL):
        raise Failed(f"the output is {output!r}")
    eventually(lambda: not engine.containers(f"{JOB}={job}"), "its container is removed")
    if witness.starts.get(job) != {1: 1}:
        raise Failed(f"the engine started its attempts {witness.starts.get(job, {})} times")
    daemon.end()
    return left_behind


def start_sent_under_load(daemon, engine, witness, times):
    """How often it died, and how often the start was still queued then."""
    tried, queued = 0, 0
    load = Load(engine)
    try:
        while tried < times or (queued == 0 and tried < PATIENCE_FACTOR * times):
            tried += 1
            queued += die_and_recover(daemon, engine, witness, "start_sent") == "created"
    except Failed as failure:
        raise Failed(f"under load, time {tried}: {failure}") from failure
    finally:
        load.stop()
    if times > 0 and queued == 0:
        raise Failed(f"in none of {tried} times under load was the start still queued, so a hasty second start "
                     "would not have been seen; give a larger --start-sent")
    return tried, queued


class Load:
    """Keeps an engine busy with other containers."""

    def __init__(self, engine, threads=6):
        self.engine, self.is_over = engine, False
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        body = {"Image": IMAGE, "Cmd": ["true"], "Labels": {"scheduler.load": "1"}}
        while not self.is_over:
            container = self.engine.call("POST", "/containers/create", body)["Id"]
            self.engine.call("POST", f"/containers/{container}/start")
            self.engine.call("POST", f"/containers/{container}/wait")
            self.engine.call("DELETE", f"/containers/{container}?v=1&force=1")

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--start-sent", type=int, default=20)
    arguments = parser.parse_args()
    engine = Engine()
    witness = Witness(engine)
    if not has_failpoints(arguments.build):
        print("this build has no failpoints (SCHEDULER_FAILPOINTS)")
        return SKIPPED
    daemon = Daemon(arguments.build)
    where, has_failed = "", True
    try:
        for failpoint in FAILPOINTS + KILL_FAILPOINTS:
            where = failpoint
            die_and_recover(daemon, engine, witness, failpoint)
        where = "start_sent"
        tried, queued = start_sent_under_load(daemon, engine, witness, arguments.start_sent)
        has_failed = False
    except Failed as failure:
        print(f"{where}: {failure}\n{daemon.log_text()[-3000:]}")
        return 1
    finally:
        daemon.close(keep=has_failed)
    print(f"{len(FAILPOINTS + KILL_FAILPOINTS)} failpoints; start_sent {tried} times under load, "
          f"and in {queued} of them the start was still queued")
    return 0


if __name__ == "__main__":
    sys.exit(main())
