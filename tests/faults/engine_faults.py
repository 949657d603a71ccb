#!/usr/bin/env python3
"""What becomes of jobs when the engine is killed, stopped, suspended or loses power, with and without
live-restore, and when a stranger removes or stops containers. `lost` is said where the end can't be
known; nothing is guessed; nothing is started twice.

usage: engine_faults.py SOURCE_DIR BUILD_DIR [--keep] [SCENARIO…]

Each job marks its start in a file of its container's layer and prints that file, so a second start
would show in the output. Jobs that end at a certain moment of a scenario are told to: they wait for a
file. The engines are private ones; root is needed. --keep keeps the state directory, as a failure does.
"""
import argparse
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import IMAGE, SKIPPED, Daemon, Failed, eventually
from private_engine import PrivateEngine, is_alive

MARK = "echo started >>/starts; cat /starts; "
STUBBORN = MARK + "sleep 300"  # as process 1 it ignores SIGTERM: the engine kills it after 10 s, 137
POLITE = MARK + "trap 'exit 143' TERM; sleep 300 & wait"
OWN_CODE = MARK + "trap 'echo asked to stop; exit 7' TERM; sleep 300 & wait"


def ends_after(seconds, exit_code):
    return MARK + f"sleep {seconds}; echo ended; exit {exit_code}"


def ends_when_told(exit_code):
    """See World.let_end."""
    return MARK + f"until [ -e /end ]; do sleep 0.1; done; echo ended; exit {exit_code}"


class World:
    """A daemon and its engine, and what is expected of each job."""

    def __init__(self, arguments, live_restore):
        self.engine = PrivateEngine(arguments.source, live_restore)
        self.daemon = Daemon(arguments.build)
        self.daemon.engine = self.engine
        self.expected = {}
        self.processes = {}  # of running jobs: the first process of each

    def add(self, script, *expected, time="0s", output=None):
        """`expected`: the ends that are right, each a finish_status, or with its exit code."""
        answer = self.daemon.call("add", job_name=IMAGE, time=time, command=["sh", "-c", script])
        job = answer["result"]["id"]
        self.expected[job] = expected, output, script
        return job

    def add_running(self, script, *expected, output=None):
        job = self.add(script, *expected, output=output)
        eventually(lambda: "started" in self.daemon.output(job), "it runs")
        self.processes[job] = self.engine.state(job)["Pid"]
        return job

    def let_end(self, *jobs):
        """Tells these jobs to end, past their engine, and waits until they have."""
        for job in jobs:
            Path(f"/proc/{self.processes[job]}/root/end").touch()
        for job in jobs:
            eventually(lambda: not is_alive(self.processes[job]), "its process ends")

    def wait_until_unreachable(self):
        eventually(lambda: not self.daemon.call("status")["result"]["ready"], "the daemon notices")

    def refuses(self):
        """Whether the engine takes no new connection."""
        connection = socket.socket(socket.AF_UNIX)
        with connection:
            try:
                connection.connect(self.engine.path)
            except (ConnectionRefusedError, FileNotFoundError):
                return True
        return False

    def starts_under_way(self):
        """Jobs whose container's id is stored, and whose start was not answered yet."""
        return self.daemon.database("SELECT number FROM job WHERE status = 'running' AND container_id IS NOT NULL "
                                    "AND started_at IS NULL")

    def have_ended(self):
        return all(self.daemon.call("show", job_id=job)["result"]["status"] == "finished" for job in self.expected)

    def wait_for_ends(self):
        for job, (expected, output, script) in self.expected.items():
            eventually(lambda: self.daemon.call("show", job_id=job)["result"]["status"] in ("finished", "canceled"),
                       f"{script!r} has ended\n{self.daemon.log_of(job)}")
        for job, (expected, output, script) in self.expected.items():
            self.check(job, expected, output, script)
        eventually(lambda: not [c for c in self.engine.containers("schedulerd.job") if c["Labels"]["schedulerd.job"]
                                in self.expected], "no container is left")
        self.expected = {}

    def check(self, job, expected, output, script):
        shown = self.daemon.call("show", job_id=job)["result"]
        end = shown["finish_status"]
        printed = self.daemon.output(job)
        problem = None
        if end not in expected and (end, shown.get("exit_code")) not in expected:
            problem = f"it ended as {end} with {shown.get('exit_code')}, expected is one of {expected}"
        elif printed.count("started") > 1:
            problem = "it was started twice"
        elif output is not None and printed != output:
            problem = f"its output is {printed!r}, expected is {output!r}"
        if problem:
            raise Failed(f"{script!r}: {problem}\n{shown}\n{printed!r}\n{self.daemon.log_of(job)}")

    def close(self, keep):
        self.daemon.close(keep)
        self.engine.close()


ALL = "started\nended\n"


def killed(world, live_restore):
    """kill -9 of dockerd. The containers live on; without live-restore its next start ends them."""
    if live_restore:
        goes_on = world.add_running(ends_when_told(0), "success", output=ALL)
    else:
        world.add_running(STUBBORN, "lost")
        world.add_running(POLITE, "lost")
        world.add_running(OWN_CODE, ("failed", 7))
    ending = [world.add_running(ends_when_told(5), ("failed", 5)), world.add_running(ends_when_told(0), "success")]
    world.engine.kill()
    world.wait_until_unreachable()
    world.add(ends_after(0, 0), "success", output=ALL)  # due now, and nobody to run it
    world.let_end(*ending)
    world.engine.start()
    if live_restore:
        world.let_end(goes_on)
    world.wait_for_ends()


def terminated(world, live_restore):
    """SIGTERM to dockerd, as by systemctl restart. Without live-restore it stops all containers first, and
    goes on answering on the connections that it has."""
    if live_restore:
        goes_on = world.add_running(ends_when_told(0), "success")
        ending = world.add_running(ends_when_told(5), ("failed", 5))
    else:
        world.add_running(STUBBORN, "lost")
        world.add_running(POLITE, "lost")
        world.add_running(OWN_CODE, ("failed", 7))
    world.engine.terminate()
    world.wait_until_unreachable()
    world.add(ends_after(0, 0), "success", output=ALL)
    if live_restore:
        world.let_end(ending)
    world.engine.start()
    if live_restore:
        world.let_end(goes_on)
    world.wait_for_ends()


def shutting_down(world, live_restore):
    """Jobs come due while dockerd stops a container that takes its time: each runs once when it is back, or
    was started before dockerd went, and is lost."""
    world.add_running(STUBBORN, "lost")
    world.engine.signal(signal.SIGTERM)
    eventually(world.refuses, "it has closed its listener")
    for seconds in (0, 0, 1, 4):
        world.add(ends_after(seconds, 0), "success", "lost")
    world.engine.terminate()
    world.engine.start()
    world.wait_for_ends()


def suspended(world, live_restore):
    """SIGSTOP of dockerd: it accepts connections and answers nobody."""
    ending = world.add_running(ends_when_told(3), ("failed", 3), output=ALL)
    to_kill = world.add_running(STUBBORN, "killed")
    world.engine.signal(signal.SIGSTOP)
    world.add(ends_after(0, 0), "success", output=ALL)
    world.daemon.call("kill", job_id=to_kill, now=True)
    world.let_end(ending)
    world.wait_until_unreachable()
    world.engine.signal(signal.SIGCONT)
    world.wait_for_ends()


def suspended_without_daemon(world, live_restore):
    """SIGSTOP of dockerd while it is asked to start containers, and the daemon is killed meanwhile: what it
    had sent is still in the sockets. Tried until a start was under way then."""
    for _ in range(10):
        for _ in range(4):
            world.add(ends_after(0.2, 0), "success", output=ALL)
        eventually(lambda: world.starts_under_way() or world.have_ended(), "a start is under way", pause=0)
        world.engine.signal(signal.SIGSTOP)
        world.daemon.call("status")  # what was answered before is on its way into the store
        world.daemon.kill()
        is_hit = world.starts_under_way()
        world.daemon.start()
        world.engine.signal(signal.SIGCONT)
        world.wait_for_ends()
        if is_hit:
            return
    raise Failed("dockerd was never suspended while a start was under way")


def powerless(world, live_restore):
    """The host goes down: on its return the engine says 255 of what ran."""
    world.add_running(STUBBORN, "lost")
    world.add_running(ends_after(30, 0), "lost")
    world.daemon.kill()
    world.engine.lose_power()
    world.engine.start()
    world.daemon.start()
    world.wait_for_ends()


def both_killed(world, live_restore):
    """The daemon and dockerd die, and the daemon is back first."""
    world.add_running(STUBBORN, "lost")
    ending = world.add_running(ends_when_told(5), ("failed", 5))
    world.daemon.call("pause")  # so that the next one is surely not started yet
    world.add(ends_after(0, 0), "success", output=ALL)
    world.daemon.kill()
    world.engine.kill()
    world.let_end(ending)
    world.daemon.start()
    world.daemon.call("resume")
    world.engine.start()
    world.wait_for_ends()


def strangers(world, live_restore):
    """Someone else removes, stops, kills, suspends or restarts containers of ours."""
    removed = world.add_running(STUBBORN, "lost", ("failed", 137))
    stopped = world.add_running(POLITE, ("failed", 143))
    killed_one = world.add_running(STUBBORN, ("failed", 137))
    paused = world.add_running(ends_when_told(0), "success", output=ALL)
    engine = world.engine
    engine.call("POST", f"/containers/{engine.container(paused)}/pause")
    engine.call("DELETE", f"/containers/{engine.container(removed)}?force=1")
    engine.call("POST", f"/containers/{engine.container(stopped)}/stop?t=5")
    engine.call("POST", f"/containers/{engine.container(killed_one)}/kill?signal=KILL")
    engine.call("POST", f"/containers/{engine.container(paused)}/unpause")
    world.let_end(paused)
    world.wait_for_ends()
    # The same while no daemon looks.
    removed = world.add_running(STUBBORN, "lost")
    ended = world.add_running(ends_when_told(0), "lost")
    stopped = world.add_running(POLITE, ("failed", 143))
    world.daemon.kill()
    world.let_end(ended)
    eventually(lambda: engine.state(ended)["Status"] == "exited", "it ended")
    engine.call("DELETE", f"/containers/{engine.container(removed)}?force=1")
    engine.call("DELETE", f"/containers/{engine.container(ended)}?force=1")
    engine.call("POST", f"/containers/{engine.container(stopped)}/stop?t=5")
    world.daemon.start()
    world.wait_for_ends()


def starting(world, live_restore):
    """dockerd is killed while it starts containers: each ran once, or is lost, and is never run again."""
    def are_claimed(jobs):
        return [job for job in jobs if job["status"] != "scheduled"]

    def is_created(jobs):
        return world.engine.containers("schedulerd.job")

    def are_started(jobs):
        return [job for job in jobs if job.get("started_at")]

    for moment in (are_claimed, is_created, are_started):
        added = [world.add(ends_after(0.2, 0), "success", "lost") for _ in range(6)]
        eventually(lambda: moment([world.daemon.call("show", job_id=job)["result"] for job in added]),
                   moment.__name__, pause=0)
        world.engine.kill()
        world.engine.start()
        world.wait_for_ends()


# Whether with live-restore, and what happens to that engine. They play at the same time, since most of it
# is waiting for an engine that waits for a container.
PLAYS = [
    (False, [killed, terminated, suspended, strangers]),
    (False, [shutting_down, both_killed, powerless, suspended_without_daemon, starting]),
    (True, [killed, terminated, suspended]),
]


def play(arguments, live_restore, scenarios):
    world = World(arguments, live_restore)
    where, has_failed = "", True
    try:
        world.engine.start()
        world.daemon.start()
        for scenario in scenarios:
            where = scenario.__name__ + (" with live-restore" if live_restore else "")
            began = time.monotonic()
            scenario(world, live_restore)
            print(f"{where}: {time.monotonic() - began:.0f} s", flush=True)
        world.daemon.end()
        has_failed = False
    except Failed as failure:
        print(f"{where}: {failure}\nthe end of the daemon's log:\n{world.daemon.log_text()[-3000:]}")
    finally:
        world.close(keep=has_failed or arguments.keep)
    return not has_failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("scenarios", nargs="*")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    if not PrivateEngine.is_possible():
        print("a private engine needs root, dockerd and unshare")
        return SKIPPED
    wanted = arguments.scenarios
    plays = [(live_restore, [scenario for scenario in scenarios if not wanted or scenario.__name__ in wanted])
             for live_restore, scenarios in PLAYS]
    with ThreadPoolExecutor() as threads:
        results = list(threads.map(lambda one: not one[1] or play(arguments, *one), plays))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
