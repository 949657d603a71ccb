"""What the fault tests share: the real daemon to kill and start again, the engines that it uses, a
witness of their starts, and JSON-RPC over the socket. Python's standard library only."""
import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

PATIENCE = 120  # seconds that only a failure waits: more than the slow timer that makes lost events good
IMAGE = "test/busybox:1"
INSTANCE = "schedulerd.instance"
JOB = "schedulerd.job"
SKIPPED = 77
NO_ENGINE = ("--engine", "unix:///nonexistent/engine.sock")


def program_has(build, *words):
    program = (Path(build) / "schedulerd").read_bytes()
    return any(word in program for word in words)


def has_failpoints(build):
    return program_has(build, b"SCHEDULERD_FAILPOINT")


def is_sanitized(build):
    return program_has(build, b"__asan_init", b"__tsan_init")


class Failed(Exception):
    """What a test found wrong."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def eventually(condition, what, patience=PATIENCE, pause=0.01):
    """What the condition gives as soon as that is true."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {patience} s: {what}")
        time.sleep(pause)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    """A real engine: that of $DOCKER_HOST, or another by its socket. Each call has a connection of its own."""

    def __init__(self, path=None):
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if path is None and not host.startswith("unix://"):
            raise Failed(f"the fault tests need an engine on a Unix socket, not {host}")
        self.path = path or host.removeprefix("unix://")

    @staticmethod
    def command(seconds, exit_code):
        """What a job runs. /starts is in the container's own layer: nobody but the container appends to
        it, each of its starts does, and it outlives each of its ends."""
        return ["sh", "-c", f"echo started >>/starts; cat /starts; sleep {seconds}; echo ended; exit {exit_code}"]

    def open(self, method, target, body=None):
        connection = UnixConnection(self.path)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(method, target, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def call(self, method, target, body=None):
        answer = self.open(method, target, body)
        text = answer.read()
        return json.loads(text) if text.strip() else None

    def containers(self, label):
        filters = quote(json.dumps({"label": [label]}))
        return self.call("GET", f"/containers/json?all=1&filters={filters}")

    def remove_all(self, label):
        for container in self.containers(label):
            self.call("DELETE", f"/containers/{container['Id']}?force=1&v=1")


def children_of(pid):
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def count_start(starts, container):
    """A container is named schedulerd-<job>-<attempt>."""
    _, job, attempt = container.split("-")
    attempts = starts.setdefault(job, {})
    attempts[int(attempt)] = attempts.get(int(attempt), 0) + 1


class Witness:
    """Counts starts by job and attempt, from the engine's own events: nothing of ours has a say in it."""

    def __init__(self, engine):
        self.starts = {}
        filters = quote(json.dumps({"type": ["container"], "event": ["start"], "label": [JOB]}))
        self.answer = engine.open("GET", f"/events?filters={filters}")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.answer:
            count_start(self.starts, json.loads(line)["Actor"]["Attributes"]["name"])


class FakeEngine(Engine):
    """tests/faults/fake_engine, started here. It records the starts itself, so it is its own witness."""

    def __init__(self, build, directory, seed):
        super().__init__(str(directory / "engine"))
        self.record = directory / "starts"
        self.process = subprocess.Popen([Path(build) / "tests/fake_engine", self.path, self.record, str(seed)],
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Failed("the fake engine did not start")

    @staticmethod
    def command(seconds, exit_code):
        return ["run", str(int(seconds * 1000)), str(exit_code)]

    def behave(self, **behavior):
        self.call("PUT", "/behavior", behavior)

    @property
    def starts(self):
        """By job and attempt."""
        counts = {}
        for line in self.record.read_text().splitlines():
            count_start(counts, line)
        return counts

    def close(self):
        if self.process.poll() is not None:
            raise Failed(f"the fake engine ended with {self.process.returncode}")
        self.process.kill()
        self.process.wait()


class Daemon:
    """schedulerd with a state directory of its own. `environment` holds for the next start only; `wrapper`
    is a command that runs it (strace). Each end but that of `close` is judged: by its exit code, and by the
    reports of a sanitizer."""

    def __init__(self, build, *options, http=False):
        self.build = Path(build)
        self.home = Path(tempfile.mkdtemp(prefix="scheduler-faults-"))
        self.socket = str(self.home / "socket")
        self.options = [*(["--listen", "127.0.0.1:0"] if http else ["--no-http"]), *options]
        self.wrapper = []
        self.engine = None  # $DOCKER_HOST's
        self.log = open(self.home / "log", "ab")
        self.process = None

    def start(self, wait=True, **environment):
        if self.engine:
            environment["DOCKER_HOST"] = f"unix://{self.engine.path}"
        if self.wrapper:  # LeakSanitizer can't look for leaks under strace, and ends the program for that
            environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        self.process = subprocess.Popen(
            [*self.wrapper, self.build / "schedulerd", "--state-dir", self.home / "state",
             "--socket", self.socket, *self.options],
            env={**os.environ, **environment}, stderr=self.log)
        if wait:
            eventually(self.answers, "the daemon answers")

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon ended with {self.process.returncode}:\n{self.log_text()[-2000:]}")
        return self.responds()

    def answers_or_ended(self):
        return self.process.poll() is not None or self.responds()

    def responds(self):
        try:
            return self.call("status") is not None
        except (OSError, EOFError):
            return False

    def pid(self):
        """Its own, where a wrapper runs it."""
        children = children_of(self.process.pid) if self.wrapper else []
        return children[0] if children else self.process.pid

    def signal(self, number):
        if self.process.poll() is None:
            os.kill(self.pid(), number)

    def kill(self):
        """kill -9. A daemon that was dead by then died by itself, and that is a failure."""
        self.signal(signal.SIGKILL)
        self.expect_end(-signal.SIGKILL)

    def end(self):
        """An orderly end, at which a sanitizer tells of leaks as well."""
        self.signal(signal.SIGTERM)
        self.expect_end(0)

    def expect_end(self, code):
        eventually(lambda: self.process.poll() is not None, "the daemon ends")
        self.complain_of_sanitizers()
        ended = self.process.returncode
        expect(ended == code, f"the daemon ended with {ended}, not with {code}:\n{self.log_text()[-2000:]}")

    def call(self, method, **params):
        """One request on a connection of its own. OSError or EOFError when no answer came."""
        return self.exchange(method, params, lambda item: None)

    def exchange(self, method, params, on_item):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        with connection, connection.makefile("rwb") as lines:
            connection.connect(self.socket)
            lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
            lines.flush()
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                message = json.loads(line)
                if "id" in message:
                    return message
                on_item(message["params"]["item"])
        raise EOFError("the daemon closed the connection")

    def output(self, job):
        pieces = []
        answer = self.exchange("logs", {"job_id": job}, lambda item: pieces.append(base64.b64decode(item["data"])))
        if "result" not in answer:
            raise Failed(f"the output of {job} can't be read: {answer}")
        return b"".join(pieces).decode()

    def http(self, method, target, body=None, headers=None):
        """Status, headers and text of one HTTP request on a connection of its own."""
        port = int(re.findall(r'ready .*listen="?127\.0\.0\.1:(\d+)', self.log_text())[-1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def schedctl(self, *words):
        return subprocess.run([self.build / "schedctl", "--socket", self.socket, *words],
                              capture_output=True, text=True, timeout=2 * PATIENCE)

    def jobs(self):
        """All jobs, page by page."""
        page, after = [], {}
        while True:
            answer = self.call("list", limit=1000, **after)["result"]
            page += answer["jobs"]
            if "next" not in answer:
                return page
            after = {"after": answer["next"]}

    def database(self, question):
        """Rows straight from the file."""
        file = next((self.home / "state").glob("*.db"))
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()

    def instance(self):
        return self.database("SELECT value FROM meta WHERE key = 'instance'")[0][0]

    def log_text(self):
        return (self.home / "log").read_text(errors="replace")

    def log_of(self, job):
        """What the daemon said of one job."""
        return "".join(line + "\n" for line in self.log_text().splitlines() if job in line)

    def complain_of_sanitizers(self):
        for word in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
            if word in self.log_text():
                raise Failed(f"the daemon's log has a report of {word}")

    def close(self, keep=False, engine=None):
        """Ends it. `keep`: the state directory and the log stay to be looked at. `engine`: what is left there of
        its containers is removed; its log names one of their jobs at least."""
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(PATIENCE)
        log = self.log_text()
        left = [container["Labels"] for container in (engine.containers(JOB) if engine else [])]
        for instance in {labels[INSTANCE] for labels in left if labels[JOB] in log}:
            engine.remove_all(f"{INSTANCE}={instance}")
        self.log.close()
        if keep:
            print(f"state directory and log are kept in {self.home}")
        else:
            shutil.rmtree(self.home)
