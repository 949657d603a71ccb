#!/usr/bin/env python3
"""Everything at once: 10,000 jobs due at the same moment, 1,000 idle HTTP connections and 200 that send a
byte now and then, 500 connections to the socket that ask and never read, 60 of them for all that they
can get. They are all there from before a job starts until the end. The daemon's memory stays within a bound,
due jobs start, and others are answered.

usage: overload.py SOURCE_DIR BUILD_DIR
"""
import json
import os
import re
import resource
import select
import socket
import sys
import threading
import time

from harness import IMAGE, PATIENCE, SKIPPED, Daemon, Engine, Failed, eventually, expect, is_sanitized

JOBS = 10000
CROWD = {"idle": 1000, "trickling": 200, "deaf": 440, "greedy": 60}
# Seconds after which the daemon closes such a connection (daemon/http/options.hpp, daemon/socket/limits.hpp).
DEADLINES = {"idle": 60, "trickling": 10, "deaf": 60, "greedy": 60}
HEAD = b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 10000
STARTED = 8  # of the jobs that are due, while all of that goes on
MAX_RUNNING = 4
RESIDENT_MAX = 400 << 20  # bytes; a sanitizer's own memory does not count
ASKED = 200  # lists of some 35 kB, by each that is greedy
SLOWLY = 4 * PATIENCE  # some seconds here, and many times that with a sanitizer
SOFT_LIMIT = 256  # descriptors that the daemon is started with


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def sockets(daemon):
    """How many descriptors of the daemon are sockets."""
    directory = f"/proc/{daemon.process.pid}/fd"
    count = 0
    for descriptor in os.listdir(directory):
        try:
            count += os.readlink(f"{directory}/{descriptor}").startswith("socket:")
        except FileNotFoundError:  # closed meanwhile
            pass
    return count


class Guest:
    """One connection, and what it does."""

    def __init__(self, kind, daemon, port):
        self.kind, self.since, self.sent = kind, time.monotonic(), 0
        if kind in ("idle", "trickling"):
            self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.setblocking(False)
            eventually(lambda: self.connects(daemon.socket), "the socket takes a connection")
            limit, times = (100, ASKED) if kind == "greedy" else (10, 1)
            request = {"jsonrpc": "2.0", "id": 1, "method": "list", "params": {"limit": limit}}
            requests = (json.dumps(request) + "\n").encode() * times
            expect(self.socket.send(requests) == len(requests), "not all requests fit into the socket")

    def connects(self, path):
        try:
            self.socket.connect(path)
        except BlockingIOError:  # the queue of new connections is full for now
            return False
        return True

    def trickle(self):
        try:
            self.socket.send(HEAD[self.sent:self.sent + 1])
            self.sent += 1
        except OSError:  # it was cut off: Crowd.replace_closed looks when
            pass


class Crowd:
    """All connections, and a thread that trickles, watches memory, and sees that all stay: one that the daemon
    closes at its deadline is replaced, and one that it closes before is an error."""

    def __init__(self, daemon):
        self.daemon, self.is_over, self.most, self.error = daemon, False, 0, None
        self.port = int(re.findall(r'listen="?127\.0\.0\.1:(\d+)', daemon.log_text())[-1])
        self.guests, self.closed = {}, dict.fromkeys(CROWD, 0)
        self.ends, self.answers = select.poll(), select.poll()
        for kind, count in CROWD.items():
            for _ in range(count):
                self.enter(kind)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def enter(self, kind):
        guest = Guest(kind, self.daemon, self.port)
        self.guests[guest.socket.fileno()] = guest
        self.ends.register(guest.socket, select.POLLRDHUP)
        if kind in ("deaf", "greedy"):
            self.answers.register(guest.socket, select.POLLIN)

    def is_complete(self):
        """The daemon holds them all, and each that asked has an answer, which it does not read."""
        self.check()
        asked = CROWD["deaf"] + CROWD["greedy"]
        return sockets(self.daemon) >= sum(CROWD.values()) and len(self.answers.poll(0)) == asked

    def replace_closed(self):
        for descriptor, _ in self.ends.poll(0):
            guest = self.guests.pop(descriptor)
            age = time.monotonic() - guest.since
            expect(age >= DEADLINES[guest.kind], f"a connection that is {guest.kind} was closed after {age:.1f} s")
            self.ends.unregister(descriptor)
            if guest.kind in ("deaf", "greedy"):
                self.answers.unregister(descriptor)
            guest.socket.close()
            self.closed[guest.kind] += 1
            self.enter(guest.kind)

    def run(self):
        try:
            while not self.is_over:
                self.replace_closed()
                for guest in self.guests.values():
                    if guest.kind == "trickling":
                        guest.trickle()
                self.most = max(self.most, resident(self.daemon))
                time.sleep(0.2)
        except Exception as error:  # to be told by the main thread
            self.error = error

    def check(self):
        if self.error:
            raise Failed(f"the crowd: {self.error}")

    def close(self):
        self.is_over = True
        self.thread.join()
        for guest in self.guests.values():
            guest.socket.close()


def add_jobs(daemon):
    for _ in range(JOBS // 1000):
        job = {"job_name": IMAGE, "time": "0s", "command": ["true"]}
        expect("result" in daemon.call("add", jobs=[job] * 1000), "jobs are refused")


def check_others(daemon):
    before = time.monotonic()
    status, _, text = daemon.http("GET", "/healthz")
    expect(status == 200, f"/healthz: {status} {text}")
    expect(daemon.call("status")["result"]["version"], "the socket does not answer")
    expect(daemon.schedctl("add", IMAGE, "--in", "1h").returncode == 0, "schedctl is refused")
    return time.monotonic() - before


def finished(daemon):
    return daemon.call("status")["result"]["jobs"]["success"]


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4096:
        print(f"the hard limit of descriptors is {hard}")
        return SKIPPED
    engine = Engine()
    daemon = Daemon(sys.argv[2], "--engine", f"unix://{engine.path}", "--max-running", str(MAX_RUNNING), http=True)
    crowd = None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_LIMIT, hard))
        daemon.start()
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        with open(f"/proc/{daemon.process.pid}/limits") as limits:
            expect(re.search(rf"Max open files +{hard} ", limits.read()), "the soft limit is not raised")
        daemon.call("pause")
        add_jobs(daemon)
        rest = resident(daemon)
        crowd = Crowd(daemon)
        eventually(crowd.is_complete, "the crowd is there", SLOWLY)
        daemon.call("resume")
        eventually(lambda: daemon.call("status")["result"]["jobs"]["running"] > 0, "a due job is started")
        slowest = 0
        while finished(daemon) < STARTED:
            slowest = max(slowest, check_others(daemon))
            expect(daemon.process.poll() is None, "it ended")
            crowd.check()
        eventually(crowd.is_complete, "the crowd is still there", SLOWLY)
        expect(is_sanitized(sys.argv[2]) or crowd.most < RESIDENT_MAX, f"it takes {crowd.most >> 20} MiB")
        print(f"{rest >> 20} MiB before, {crowd.most >> 20} MiB at most; three answers in {slowest:.1f} s at most; "
              f"closed at their deadlines and replaced: {crowd.closed}")
        crowd.close()
        crowd = None
        check_others(daemon)
        daemon.end()
    except Failed as failure:
        print(f"{failure}\n{daemon.log_text()[-3000:]}")
        return 1
    finally:
        if crowd:
            crowd.close()
        daemon.close(engine=engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
