#!/usr/bin/env python3
"""kill -9 of the daemon at random moments, while clients add, repeat, remove and kill jobs and an engine
runs them. At the end each acknowledged job ran once, with its own output and exit code, or was taken
back and never started; some that fail are tried again, and each attempt was started once. Nothing is
left over, no row is stuck, and the counters add up.

usage: kill_loop.py SOURCE_DIR BUILD_DIR [--rounds N] [--seed N] [--fake] [--queue MS]

With a real engine, two witnesses that the daemon has no say in count the starts: the engine's events,
and a file in the container's own layer, to which each of its starts appends a line. With --fake it is
the fake engine's record; that engine is also slow, hangs, refuses requests and loses its answers, and
executes a start up to --queue milliseconds after its sender was killed: anything below the second that
a daemon waits before it repeats a start. A seed gives the same choices again, not the same moments.
"""
import argparse
import random
import sys
import threading
import time

from harness import IMAGE, INSTANCE, Daemon, Engine, Failed, FakeEngine, Witness, eventually, expect

CLIENTS = 3
RECENT = 15  # a client removes and kills one of its newest, which are the likeliest to be under way
JOBS_A_ROUND, STARTS_A_ROUND = 2, 1  # at least; fewer are a loop that meets nothing
REFUSED = "told to refuse"  # the fake engine's words


class Wish:
    """A job that a client wants, and what it was told of it."""

    def __init__(self, key, chance, engine):
        self.key = key
        self.exit_code = chance.choice([0, 0, 3])
        self.command = engine.command(chance.choice([0, 0, 0.2, 1]), self.exit_code)
        self.time = f"{chance.choice([0, 0, 1, 2])}s"
        self.retries = chance.choice([0, 2]) if self.exit_code else 0
        self.id = None
        self.remove_is_asked = self.is_removed = self.kill_is_asked = False

    def request(self):
        request = {"job_name": IMAGE, "time": self.time, "key": self.key, "command": self.command}
        return {**request, "retries": {"max": self.retries, "delay": "1s"}} if self.retries else request


class Client(threading.Thread):
    """Makes wishes from the moment in which the daemon listens until it is killed. A wish without an answer
    stays one to be repeated."""

    def __init__(self, world, chance, pause):
        super().__init__()
        self.world, self.chance, self.pause = world, chance, pause
        self.error = None

    def run(self):
        try:
            eventually(lambda: self.world.is_killing or self.world.daemon.responds(), "the daemon answers")
            while not self.world.is_killing:
                self.act()
                time.sleep(self.chance.uniform(0, self.pause))
        except (OSError, EOFError) as error:
            if not self.world.is_killing:
                self.error = Failed(f"a client lost its connection, and nobody killed the daemon: {error}")
        except Exception as error:  # a failure of the test, to be told by the main thread
            self.error = error

    def act(self):
        daemon, wishes, chance = self.world.daemon, self.world.wishes, self.chance
        act = chance.choice(["add", "add", "add", "repeat", "remove", "kill"])
        added = [wish for wish in wishes[-RECENT:] if wish.id]
        if act == "remove" and added:
            wish = chance.choice(added)
            wish.remove_is_asked = True
            if "result" in daemon.call("remove", job_id=wish.id):
                wish.is_removed = True
        elif act == "kill" and added:
            wish = chance.choice(added)
            wish.kill_is_asked = True
            daemon.call("kill", job_id=wish.id, now=chance.random() < 0.5)
        else:
            wish = chance.choice(wishes) if act == "repeat" and wishes else None
            if wish is None:
                wish = Wish(f"wish-{len(wishes)}-{chance.random()}", chance, self.world.engine)
                wishes.append(wish)
            self.world.add(wish)


class World:
    """The daemon, its engine, and all wishes so far."""

    def __init__(self, arguments):
        self.chance = random.Random(arguments.seed)
        self.daemon = Daemon(arguments.build)
        self.is_fake, self.queue = arguments.fake, arguments.queue
        if self.is_fake:
            self.engine = self.witness = FakeEngine(arguments.build, self.daemon.home, arguments.seed)
            self.pause = 0.04
        else:
            self.engine = Engine()
            self.witness = Witness(self.engine)
            self.pause = 0.18
        self.daemon.engine = self.engine
        self.wishes = []
        self.is_killing = False

    def add(self, wish):
        answer = self.daemon.call("add", **wish.request())
        if "result" not in answer:
            raise Failed(f"add was refused: {answer}")
        if wish.id not in (None, answer["result"]["id"]):
            raise Failed(f"the key {wish.key} gave two jobs: {wish.id} and {answer['result']['id']}")
        wish.id = answer["result"]["id"]

    def misbehave(self):
        """The fake engine's mood of the next round."""
        choice = self.chance.choice
        self.engine.behave(start_delay_ms=choice([0, self.queue, self.queue]), latency_ms=choice([0, 0, 5, 200]),
                           cut=choice([0, 0.02, 0.1]), refuse=choice([0, 0, 0.02]), hang=self.chance.random() < 0.05)

    def play(self, rounds):
        for _ in range(rounds):
            if self.is_fake:
                self.misbehave()
            self.is_killing = False
            self.daemon.start(wait=self.chance.random() < 0.7)
            clients = [Client(self, random.Random(self.chance.random()), self.pause) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            # Now and then a round is long enough for a daemon to repeat a start that the last one sent.
            time.sleep(self.chance.uniform(*self.chance.choice([(0.02, 0.5), (0.02, 0.5), (1, 2.5)])))
            self.is_killing = True
            self.daemon.kill()
            for client in clients:
                client.join()
                if client.error:
                    raise client.error

    def settle(self):
        """Every wish gets its job, and every job its end."""
        if self.is_fake:
            self.engine.behave()
        self.daemon.start()
        for wish in self.wishes:
            if not wish.id:
                self.add(wish)

        def is_quiet():
            counts = self.daemon.call("status")["result"]["jobs"]
            return counts.get("scheduled", 0) + counts.get("running", 0) == 0

        eventually(is_quiet, "all jobs have ended", patience=300, pause=0.2)
        # What an engine refused to remove goes at the next start at the latest.
        self.daemon.kill()
        self.daemon.start()
        label = f"{INSTANCE}={self.daemon.instance()}"
        eventually(lambda: not self.engine.containers(label), "no container is left")

    def check(self, rounds):
        jobs = {job["id"]: job for job in self.daemon.jobs()}
        if sorted(jobs) != sorted(wish.id for wish in self.wishes):
            raise Failed(f"{len(self.wishes)} jobs were acknowledged, the daemon has {len(jobs)}")
        starts, ends = self.witness.starts, {}
        for wish in self.wishes:
            job = jobs[wish.id]
            end = job["finish_status"] if job.get("exit_code") != 3 else "failed with 3"
            ends[end] = ends.get(end, 0) + 1
            problem = problem_of(wish, job, starts.get(wish.id, {}), self.daemon.output(wish.id))
            if problem:
                raise Failed(f"{problem}\n{vars(wish)}\n{job}\n{self.daemon.log_of(wish.id)}")
        self.check_counters(jobs)
        self.daemon.end()
        all_starts = sum(sum(counts.values()) for counts in starts.values())
        expect(len(jobs) >= JOBS_A_ROUND * rounds and all_starts >= STARTS_A_ROUND * rounds,
               f"{rounds} kills met {len(jobs)} jobs and {all_starts} starts only")
        return ends

    def check_counters(self, jobs):
        counted = {}
        for job in jobs.values():
            counted[job["finish_status"]] = counted.get(job["finish_status"], 0) + 1
        told = self.daemon.call("status")["result"]["jobs"]
        told = {state: count for state, count in told.items() if count and state != "total"}
        if told != counted:
            raise Failed(f"status says {told}, the jobs are {counted}")
        shown = len(self.daemon.schedctl("ls", "-a", "--plain").stdout.splitlines())
        if shown != len(jobs):
            raise Failed(f"schedctl ls -a shows {shown} of {len(jobs)} jobs")
        damage = self.daemon.database("PRAGMA integrity_check")
        if damage != [("ok",)]:
            raise Failed(f"the database is damaged: {damage}")

    def close(self, keep):
        if self.is_fake:
            self.daemon.close(keep)
            self.engine.close()
        else:
            self.daemon.close(keep, self.engine)


def problem_of(wish, job, starts, output):
    """`starts`: how often each attempt was started. `output`: the last one's."""
    end, last = job["finish_status"], job.get("attempt", 0)
    if any(count > 1 for count in starts.values()) or output.count("started") > 1:
        return f"its attempts were started {starts} times; its output is {output!r}"
    if last > 1 + wish.retries or any(attempt > last for attempt in starts):
        return f"it has {last} attempts, and those started are {sorted(starts)}"
    if wish.is_removed and end != "did_not_run":
        return "its removal was acknowledged, and it is not canceled"
    if end == "did_not_run":
        may_have_run = wish.retries and last > 0
        return None if wish.remove_is_asked and (may_have_run or not starts) else "canceled though nobody asked, or started"
    if end == "killed":
        return None if wish.kill_is_asked else "killed though nobody asked"
    if end == "failed" and last <= wish.retries and not wish.kill_is_asked:
        return f"it failed at attempt {last}, and is not tried again"
    if REFUSED in job.get("error", ""):
        return None if end == "failed" and last not in starts else f"refused, and ended as {end} after {starts} starts"
    if end not in ("success", "failed") or last not in starts:
        return f"ended as {end} after {starts} starts"
    if job["exit_code"] != wish.exit_code or (end == "success") != (wish.exit_code == 0):
        return "another exit code"
    return None if output == "started\nended\n" else f"another output: {output!r}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--fake", action="store_true")
    parser.add_argument("--queue", type=int, default=800)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    world = World(arguments)
    has_failed = True
    try:
        world.play(arguments.rounds)
        world.settle()
        ends = world.check(arguments.rounds)
        has_failed = False
        print(f"{arguments.rounds} kills, {len(world.wishes)} jobs: {ends}")
    except Failed as failure:
        print(f"{failure}\nseed {arguments.seed}; the end of the daemon's log:\n{world.daemon.log_text()[-5000:]}")
    finally:
        world.close(keep=has_failed)
    return 1 if has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
