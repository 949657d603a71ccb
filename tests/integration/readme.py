#!/usr/bin/env python3
"""The tour of the README, typed into a shell as it stands there, gives the output that stands there.

Each ```console block is a session: a line that begins with `$ ` is a command, what follows is what it
prints. What differs from run to run (ids, dates, times) is made equal on both sides first.
usage: readme.py SOURCE_DIR BUILD_DIR, with DOCKER_HOST or a usual engine
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

root, build = Path(sys.argv[1]), Path(sys.argv[2])
ZONE = "Europe/Lisbon"  # the README's


def examples():
    """(command, expected output) in the order of the README."""
    for block in re.findall(r"^```console\n(.*?)^```", (root / "README.md").read_text(), re.M | re.S):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            yield command, output


class Ids:
    """Ids, each by the order in which it came: the same one must come back in the same places."""

    def __init__(self):
        self.seen = {}

    def name(self, match):
        return self.seen.setdefault(match[0], f"ID{len(self.seen)}")


def made_equal(text, ids):
    text = re.sub(r"\b[0-9a-f]{32}\b", ids.name, text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT", text)
    text = re.sub(r"\d\d-\d\d-\d{4} (?=03:00:00)", "DAY ", text)
    text = re.sub(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d", "DATE", text)
    text = re.sub(r"(DATE|DAY 03:00:00) Europe/Lisbon, .*", r"\1, REMAINING", text)
    # A busy machine starts it a moment late, and says so.
    text = re.sub(r"; it started \S+ after it was due(: .*)?", "", text)
    # The container of the job before is removed after its end is told.
    text = re.sub(r"\b\d+ containers? (?=and \d+ files)", "N containers ", text)
    return text.strip()


def start_daemon(state):
    environment = dict(os.environ, TZ=ZONE, SCHEDULERD_SOCKET=f"{state}/s",
                       PATH=f"{build}:{os.environ['PATH']}")
    log = open(f"{state}/log", "w+")
    daemon = subprocess.Popen([build / "schedulerd", "--state-dir", f"{state}/state", "--listen", "127.0.0.1:0"],
                              env=environment, stderr=log)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and daemon.poll() is None:
        ready = re.search(r"ready .*listen=(\S+)", Path(log.name).read_text())
        status = subprocess.run([build / "schedctl", "status"], env=environment, capture_output=True)
        if ready and status.returncode == 0:
            return daemon, environment, ready[1]
        time.sleep(0.05)
    daemon.kill()
    sys.exit("the daemon did not become ready:\n" + Path(log.name).read_text())


def run(command, environment):
    return subprocess.run(["bash", "-c", command], env=environment, stdin=subprocess.DEVNULL, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def settle(environment):
    """Whoever types is slower than a container starts: what was begun is running before the next line."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        listed = subprocess.run(["schedctl", "ls", "-a", "--json", "--status", "running"], env=environment,
                                capture_output=True, text=True, check=True).stdout
        if listed.count('"started_at"') == listed.count('"status":"running"'):
            return
        time.sleep(0.05)
    sys.exit("a job is being started for ever:\n" + listed)


def main():
    with tempfile.TemporaryDirectory(prefix="readme-") as state:
        subprocess.run([root / "tests/support/make-test-image.sh", "scheduler/hello:1"], check=True,
                       stdout=subprocess.DEVNULL)
        daemon, environment, address = start_daemon(state)
        failed = count = 0
        shown, real = Ids(), Ids()
        try:
            # `./start` ran the first job.
            run("schedctl add scheduler/hello:1 --now --wait -- true", environment)
            for command, expected in examples():
                count += 1
                settle(environment)
                typed = command.replace("localhost:8888", address)
                # curl's progress bar is for terminals.
                output = run(re.sub(r"^curl ", "curl -s ", typed), environment)
                if made_equal(output, real) != made_equal(expected, shown):
                    failed += 1
                    print(f"$ {command}\n--- the README says\n{expected}--- it is\n{output}")
        finally:
            daemon.terminate()
            if daemon.wait(15) != 0:
                failed += 1
                print(f"the daemon exits {daemon.returncode}")
    print(f"{count} examples, {failed} differ")
    sys.exit(1 if failed or not count else 0)


main()
