#!/usr/bin/env python3
"""kill -9 of the daemon at random moments, while clients add, repeat, remove and kill jobs and a real
engine runs them. At the end each acknowledged job ran once, with its own output and exit code, or was
taken back and never started; nothing is left over.

usage: kill_loop.py SOURCE_DIR BUILD_DIR [--rounds N] [--seed N]

Two witnesses that the daemon has no say in count the starts: the engine's events, and the container's
own log, to which each start of it appends a line.
"""
import argparse
import random
import sys
import threading
import time

from harness import IMAGE, JOB, Daemon, Engine, Failed, Witness, eventually

CLIENTS = 3


class Wish:
    """A job that a client wants, and what it was told of it."""

    def __init__(self, key, chance):
        self.key = key
        self.exit_code = chance.choice([0, 0, 3])
        self.seconds = chance.choice([0, 0, 0.2, 1])
        self.time = f"{chance.choice([0, 0, 1, 2])}s"
        self.id = None
        self.remove_is_asked = self.is_removed = self.kill_is_asked = False

    def request(self):
        script = f"echo started; sleep {self.seconds}; echo ended; exit {self.exit_code}"
        return {"job_name": IMAGE, "time": self.time, "key": self.key, "command": ["sh", "-c", script]}


class Client(threading.Thread):
    """Makes wishes until the daemon is gone. A wish without an answer stays one to be repeated."""

    def __init__(self, daemon, wishes, chance):
        super().__init__()
        self.daemon_process, self.wishes, self.chance = daemon, wishes, chance
        self.error = None

    def run(self):
        try:
            while True:
                self.act()
                time.sleep(self.chance.uniform(0, 0.15))
        except (OSError, EOFError):
            pass  # it was killed
        except Exception as error:  # a failure of the test, to be told by the main thread
            self.error = error

    def act(self):
        act = self.chance.choice(["add", "add", "add", "repeat", "remove", "kill"])
        added = [wish for wish in self.wishes if wish.id]
        if act == "remove" and added:
            wish = self.chance.choice(added)
            wish.remove_is_asked = True
            if "result" in self.daemon_process.call("remove", job_id=wish.id):
                wish.is_removed = True
        elif act == "kill" and added:
            wish = self.chance.choice(added)
            wish.kill_is_asked = True
            self.daemon_process.call("kill", job_id=wish.id, now=self.chance.random() < 0.5)
        else:
            wish = self.chance.choice(self.wishes) if act == "repeat" and self.wishes else None
            if wish is None:
                wish = Wish(f"wish-{len(self.wishes)}-{self.chance.random()}", self.chance)
                self.wishes.append(wish)
            add(self.daemon_process, wish)


def add(daemon, wish):
    answer = daemon.call("add", **wish.request())
    if "result" not in answer:
        raise Failed(f"add was refused: {answer}")
    if wish.id not in (None, answer["result"]["id"]):
        raise Failed(f"the key {wish.key} gave two jobs: {wish.id} and {answer['result']['id']}")
    wish.id = answer["result"]["id"]


def play(daemon, wishes, chance, rounds):
    for _ in range(rounds):
        daemon.start(wait=chance.random() < 0.7)
        clients = [Client(daemon, wishes, random.Random(chance.random())) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.05, 1.5))
        daemon.kill()
        for client in clients:
            client.join()
            if client.error:
                raise client.error


def settle(daemon, wishes):
    daemon.start()
    for wish in wishes:
        if not wish.id:
            add(daemon, wish)

    def open_jobs():
        counts = daemon.call("status")["result"]["jobs"]
        return counts.get("scheduled", 0) + counts.get("running", 0)

    eventually(lambda: open_jobs() == 0, "all jobs have ended", patience=300)


def check(daemon, engine, witness, wishes):
    jobs = {job["id"]: job for job in daemon.jobs()}
    if sorted(jobs) != sorted(wish.id for wish in wishes):
        raise Failed(f"{len(wishes)} jobs were acknowledged, the daemon has {len(jobs)}")
    eventually(lambda: not [c for c in engine.containers(JOB) if c["Labels"][JOB] in jobs], "no container is left")
    ends = {}
    for wish in wishes:
        job = jobs[wish.id]
        end = job["finish_status"]
        ends[end] = ends.get(end, 0) + 1
        problem = problem_of(wish, job, witness.starts.get(wish.id, 0), daemon.schedctl("logs", wish.id).stdout)
        if problem:
            raise Failed(f"{problem}\n{vars(wish)}\n{job}")
    return ends


def problem_of(wish, job, starts, output):
    end = job["finish_status"]
    if starts > 1 or output.count("started") > 1:
        return f"started {starts} times; its output is {output!r}"
    if wish.is_removed and end != "did_not_run":
        return "its removal was acknowledged, and it is not canceled"
    if end == "did_not_run":
        return None if wish.remove_is_asked and starts == 0 else "canceled though nobody asked, or started"
    if end == "killed":
        return None if wish.kill_is_asked else "killed though nobody asked"
    if end not in ("success", "failed") or starts != 1:
        return f"ended as {end} after {starts} starts"
    if job["exit_code"] != wish.exit_code or output != "started\nended\n":
        return f"another exit code or output: {output!r}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    engine = Engine()
    witness = Witness(engine)
    daemon = Daemon(arguments.build)
    wishes = []
    try:
        play(daemon, wishes, random.Random(arguments.seed), arguments.rounds)
        settle(daemon, wishes)
        ends = check(daemon, engine, witness, wishes)
    except Failed as failure:
        print(f"{failure}\nthe end of the daemon's log:\n{daemon.log_text()[-5000:]}")
        return 1
    finally:
        daemon.close()
        for wish in wishes:
            if wish.id:
                engine.remove_all(f"{JOB}={wish.id}")
    print(f"{arguments.rounds} kills, {len(wishes)} jobs: {ends}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
