#!/usr/bin/env python3
"""Everything at once: 10,000 jobs due at the same moment, 1,000 idle HTTP connections and 200 that send a
byte now and then, 500 connections to the socket that ask and never read, 60 of them for all that they
can get. The daemon's memory stays within a bound, due jobs start, and others are answered.

usage: overload.py SOURCE_DIR BUILD_DIR
"""
import json
import re
import resource
import socket
import sys
import threading
import time

from harness import IMAGE, SKIPPED, Daemon, Engine, Failed, eventually, expect, is_sanitized

JOBS, IDLE, TRICKLING, DEAF = 10000, 1000, 200, 500
STARTED = 8  # of the jobs that are due, while all of that goes on
MAX_RUNNING = 4
RESIDENT_MAX = 400 << 20  # bytes; a sanitizer's own memory does not count
GREEDY, ASKED = 60, 200  # of the deaf ones, and what each of them asks for: lists of some 35 kB
SOFT_LIMIT = 256  # descriptors that the daemon is started with


def resident(daemon):
    with open(f"/proc/{daemon.process.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


class Crowd:
    """All connections, and a thread that trickles and watches memory."""

    def __init__(self, daemon):
        self.daemon, self.is_over, self.most, self.sockets = daemon, False, 0, []
        self.port = int(re.findall(r'listen="?127\.0\.0\.1:(\d+)', daemon.log_text())[-1])
        for _ in range(IDLE):
            self.http()
        self.trickling = [self.http() for _ in range(TRICKLING)]
        for number in range(DEAF):
            limit, times = (100, ASKED) if number < GREEDY else (10, 1)
            request = {"jsonrpc": "2.0", "id": 1, "method": "list", "params": {"limit": limit}}
            self.deaf((json.dumps(request) + "\n").encode() * times)
        self.thread = threading.Thread(target=self.trickle)
        self.thread.start()

    def http(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        self.sockets.append(connection)
        return connection

    def deaf(self, requests):
        connection = socket.socket(socket.AF_UNIX)
        eventually(lambda: self.connects(connection), "the socket takes a connection")
        connection.setblocking(False)
        self.sockets.append(connection)
        try:
            connection.send(requests)
        except BlockingIOError:
            pass

    def connects(self, connection):
        try:
            connection.connect(self.daemon.socket)
        except BlockingIOError:  # the queue of new connections is full for now
            return False
        return True

    def trickle(self):
        head = b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 10000
        for place in range(len(head)):
            for number, connection in enumerate(self.trickling):
                try:
                    connection.send(head[place:place + 1])
                except OSError:  # it was cut off: the next one comes
                    connection.close()
                    self.trickling[number] = self.http()
            self.most = max(self.most, resident(self.daemon))
            if self.is_over:
                return
            time.sleep(0.2)

    def close(self):
        self.is_over = True
        self.thread.join()
        for connection in self.sockets + self.trickling:
            connection.close()


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
        daemon.call("resume")
        eventually(lambda: daemon.call("status")["result"]["jobs"]["running"] > 0, "a due job is started")
        slowest = 0
        while finished(daemon) < STARTED:
            slowest = max(slowest, check_others(daemon))
            expect(daemon.process.poll() is None, "it ended")
        expect(is_sanitized(sys.argv[2]) or crowd.most < RESIDENT_MAX, f"it takes {crowd.most >> 20} MiB")
        print(f"{rest >> 20} MiB before, {crowd.most >> 20} MiB at most; three answers in {slowest:.1f} s at most")
        crowd.close()
        crowd = None
        check_others(daemon)
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
