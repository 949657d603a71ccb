#!/usr/bin/env python3
"""The daemon dies at each of its failpoints while a job runs; the next daemon brings the job to its end:
started once, with its whole output and exit code, and no container left.

usage: failpoints.py SOURCE_DIR BUILD_DIR [--start-sent N]

The failpoint behind the sent start runs N times (20) beside other containers: then the engine takes
long enough for a hasty second start to run the job twice.
"""
import argparse
import signal
import sys
import threading

from harness import IMAGE, JOB, Daemon, Engine, Failed, Witness, eventually

FAILPOINTS = ["claimed", "created", "container_committed", "start_sent", "start_answered", "ended",
              "output_stored", "outcome_committed", "removed"]
SCRIPT = "echo started; sleep 0.3; echo done; exit 3"
SKIPPED = 77


def die_and_recover(daemon, engine, witness, failpoint):
    daemon.start(SCHEDULERD_FAILPOINT=failpoint)
    added = daemon.schedctl("add", IMAGE, "--in", "0s", "-q", "--", "sh", "-c", SCRIPT)
    if daemon.process.wait(60) != -signal.SIGKILL:
        raise Failed("the daemon did not die there")
    daemon.start()
    # It may have died before the answer to the submission came: the job is there nevertheless.
    job = added.stdout.strip() or daemon.call("show", job_id="last")["result"]["id"]
    waited = daemon.schedctl("wait", job)
    if waited.returncode != 3:
        raise Failed(f"exit code {waited.returncode}: {waited.stdout}{waited.stderr}")
    output = daemon.schedctl("logs", job).stdout
    if output != "started\ndone\n":
        raise Failed(f"the output is {output!r}")
    eventually(lambda: not engine.containers(f"{JOB}={job}"), "its container is removed")
    if witness.starts.get(job) != 1:
        raise Failed(f"the engine started it {witness.starts.get(job, 0)} times")
    daemon.kill(signal.SIGTERM)


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
    daemon = Daemon(arguments.build)
    if not daemon.has_failpoints():
        print("this build has no failpoints (SCHEDULER_FAILPOINTS)")
        return SKIPPED
    where = ""
    try:
        for failpoint in FAILPOINTS:
            where = failpoint
            die_and_recover(daemon, engine, witness, failpoint)
        load = Load(engine)
        try:
            for number in range(arguments.start_sent):
                where = f"start_sent under load, time {number + 1}"
                die_and_recover(daemon, engine, witness, "start_sent")
        finally:
            load.stop()
    except Failed as failure:
        print(f"{where}: {failure}\n{daemon.log_text()[-3000:]}")
        return 1
    finally:
        daemon.close()
    print(f"{len(FAILPOINTS)} failpoints, and start_sent {arguments.start_sent} times under load")
    return 0


if __name__ == "__main__":
    sys.exit(main())
