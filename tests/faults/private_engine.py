"""A Docker engine to be killed: its own data, its own network namespace, its own containerd."""
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from harness import IMAGE, Engine, Failed, children_of, eventually


class PrivateEngine(Engine):
    def __init__(self, source, live_restore):
        self.directory = Path(tempfile.mkdtemp(prefix="eng-", dir="/tmp"))  # short: it holds sockets
        super().__init__(str(self.directory / "docker.sock"))
        self.support = Path(source) / "tests/support"
        flags = "--bridge=none --iptables=false --ip6tables=false" + (" --live-restore" if live_restore else "")
        self.environment = {**os.environ, "DOCKERD_FLAGS": flags, "DOCKER_HOST": f"unix://{self.path}"}

    @staticmethod
    def is_possible():
        return os.geteuid() == 0 and shutil.which("dockerd") and shutil.which("unshare")

    def script(self, action):
        done = subprocess.run(["unshare", "--net", self.support / "start-docker.sh", "--private", self.directory, action],
                              env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failed(f"the private engine does not {action}: {done.stderr}")

    def start(self):
        self.script("start")
        subprocess.run([self.support / "make-test-image.sh", IMAGE], env=self.environment, check=True,
                       stdout=subprocess.DEVNULL)

    def pid(self):
        return int((self.directory / "docker.pid").read_text())

    def signal(self, number):
        os.kill(self.pid(), number)

    def kill(self):
        """As a crash of dockerd does, which takes its containerd along and leaves the containers alone."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not is_alive(pid), "dockerd is gone")

    def terminate(self):
        pid = self.pid()
        os.kill(pid, signal.SIGTERM)
        eventually(lambda: not is_alive(pid), "dockerd has ended")

    def lose_power(self):
        """Engine, shims and containers end at the same moment."""
        shims = [process for process in processes() if f"{self.directory}/exec/containerd".encode() in command_of(process)
                 and b"containerd-shim" in command_of(process)]
        ours = [self.pid(), *shims, *[child for shim in shims for child in children_of(shim)]]
        for process in ours:
            os.kill(process, signal.SIGSTOP)
        for process in ours:
            os.kill(process, signal.SIGKILL)
        eventually(lambda: not any(is_alive(process) for process in ours), "everything is gone")

    def container(self, job):
        """The id of its container."""
        return eventually(lambda: self.containers(f"schedulerd.job={job}"), "it has a container")[0]["Id"]

    def state(self, job):
        return self.call("GET", f"/containers/{self.container(job)}/json")["State"]

    def close(self):
        try:
            self.signal(signal.SIGCONT)
        except (OSError, ValueError):
            pass  # it does not run
        self.script("purge")


def processes():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
