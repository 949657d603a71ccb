"""What the fault tests share: the real daemon to kill and start again, the engine's API, a witness of
its starts, and JSON-RPC over the socket. Python's standard library only."""
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

PATIENCE = 60  # seconds that only a failure waits
IMAGE = "test/busybox:1"
INSTANCE = "schedulerd.instance"
JOB = "schedulerd.job"


class Failed(Exception):
    """What a test found wrong."""


def eventually(condition, what, patience=PATIENCE):
    """What the condition gives as soon as that is true."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"not within {patience} s: {what}")
        time.sleep(0.01)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Engine:
    """The engine of $DOCKER_HOST (a Unix socket). Each call has a connection of its own."""

    def __init__(self):
        host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        if not host.startswith("unix://"):
            raise Failed(f"the fault tests need an engine on a Unix socket, not {host}")
        self.path = host.removeprefix("unix://")

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


class Witness:
    """Counts starts by container, from the engine's own events: nothing of ours has a say in it."""

    def __init__(self, engine):
        self.starts = {}
        filters = quote(json.dumps({"type": ["container"], "event": ["start"], "label": [JOB]}))
        self.answer = engine.open("GET", f"/events?filters={filters}")
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.answer:
            job = json.loads(line)["Actor"]["Attributes"][JOB]
            self.starts[job] = self.starts.get(job, 0) + 1


class Daemon:
    """schedulerd with a state directory of its own. `environment` holds for the next start only."""

    def __init__(self, build, *options):
        self.build = Path(build)
        self.directory = tempfile.TemporaryDirectory(prefix="scheduler-faults-")
        self.home = Path(self.directory.name)
        self.socket = str(self.home / "socket")
        self.options = options
        self.log = open(self.home / "log", "ab")
        self.process = None

    def start(self, wait=True, **environment):
        self.process = subprocess.Popen(
            [self.build / "schedulerd", "--state-dir", self.home / "state", "--socket", self.socket,
             "--no-http", *self.options],
            env={**os.environ, **environment}, stderr=self.log)
        if wait:
            eventually(self.answers, "the daemon answers")

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f"the daemon ended with {self.process.returncode}:\n{self.log_text()[-2000:]}")
        try:
            return self.call("status") is not None
        except (OSError, EOFError):
            return False

    def kill(self, with_signal=signal.SIGKILL):
        self.process.send_signal(with_signal)
        return self.process.wait(PATIENCE)

    def call(self, method, **params):
        """One request on a connection of its own. OSError or EOFError when no answer came."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        with connection, connection.makefile("rwb") as lines:
            connection.connect(self.socket)
            lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
            lines.flush()
            line = lines.readline()
        if not line:
            raise EOFError("the daemon closed the connection")
        return json.loads(line)

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

    def log_text(self):
        return (self.home / "log").read_text(errors="replace")

    def has_failpoints(self):
        return b"SCHEDULERD_FAILPOINT" in (self.build / "schedulerd").read_bytes()

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self.log.close()
        self.directory.cleanup()
