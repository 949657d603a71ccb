#!/usr/bin/env python3
"""The completions in real shells: lines are typed into an interactive bash, zsh and fish on a terminal,
with a TAB, and what the shell then runs is looked at. schedctl answers the completions itself, from a
daemon that is played here; what is typed runs a stand-in that writes its words down.
usage: shells.py SOURCE_DIR BUILD_DIR; exits 77 where a shell or bash-completion is missing
"""
import json
import os
import pty
import select
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

root, build = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
PATIENCE = 60  # seconds; never waited for where all is well
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
JOBS = [(42, "alpine:3.20"), (7, "evil $(touch ran) y"), (141, "busybox")]


class Daemon(socketserver.StreamRequestHandler):
    """Answers every call with the same list."""

    def handle(self):
        for line in self.rfile:
            jobs = [{"id": f"0197d2c0a5b37a1e8c00112233{number:06x}", "number": number, "job_name": name,
                     "status": "scheduled", "scheduled_in": "20-06-2027 17:00:00",
                     "scheduled_to": "20-06-2027 20:00:00", "due_at": "2027-06-20T19:00:00.000Z",
                     "created_at": "2027-06-20T16:00:00.000Z"} for number, name in JOBS]
            answer = {"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {"jobs": jobs}}
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, command, environment, folder):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)

    def type(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, is_there):
        end = time.monotonic() + PATIENCE
        while not is_there():
            if time.monotonic() > end:
                raise TimeoutError("the terminal shows:\n" + self.seen[-2000:])
            if select.select([self.fd], [], [], 0.02)[0]:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


# What makes each shell ready, and then shows READY at its prompt (said in two parts, so that the echo
# of this line is not taken for it).
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             f"source {BASH_COMPLETION}; source {root}/completions/schedctl.bash; PS1='REA''DY> '\n"),
    "zsh": (["zsh", "-f", "-i"],
            f"fpath=({root}/completions $fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; PS1='REA''DY> '\n"),
    "fish": (["fish", "--no-config", "-i"],
             f"source {root}/completions/schedctl.fish; function fish_prompt; echo 'REA''DY> '; end\n"),
}


def cases(socket):
    """(typed before the TAB, the words that then run)"""
    yield "schedctl sta", ["status"]
    yield "schedctl help ev", ["help", "events"]
    yield "schedctl ls --status f", ["ls", "--status", "finished"]
    yield "schedctl ls --status=f", ["ls", "--status=finished"]
    yield "schedctl show 1", ["show", "141"]
    yield "schedctl show 0197d2c0a5b37a1e8c00112233000007", ["show", "0197d2c0a5b37a1e8c00112233000007"]
    yield "schedctl add al", ["add", "alpine:3.20"]
    yield "schedctl add alpine:3", ["add", "alpine:3.20"]
    yield "schedctl add ev", ["add", "evil $(touch ran) y"]
    yield "schedctl add J --env-file uni", ["add", "J", "--env-file", "unique.env"]
    yield f"schedctl --socket={socket} show 1", [f"--socket={socket}", "show", "141"]


def try_shell(name, socket, folder, environment):
    command, preparation = SHELLS[name]
    ran = folder / "words"
    failed = 0
    terminal = Terminal(command, environment, folder)
    try:
        terminal.type(preparation)
        for typed, expected in cases(socket):
            terminal.wait_for(lambda: "READY> " in terminal.seen)
            terminal.seen = ""
            ran.unlink(missing_ok=True)
            terminal.type(typed + "\t\r")
            terminal.wait_for(ran.exists)
            words = ran.read_text().split("\0")[:-1]
            if words != expected:
                failed += 1
                print(f"{name}: {typed!r} and a TAB ran {words}, not {expected}")
    except TimeoutError as error:
        failed += 1
        print(f"{name}: {typed!r} and a TAB ran nothing; {error}")
    finally:
        terminal.close()
    if (folder / "ran").exists():
        failed += 1
        print(f"{name}: a job's name was run as code")
    return failed


def try_fish_order(environment):
    """fish keeps the order in which schedctl says the jobs."""
    script = f"source {root}/completions/schedctl.fish; complete -C 'schedctl show '"
    shown = subprocess.run(["fish", "--no-config", "-c", script], env=environment, capture_output=True, text=True,
                           timeout=PATIENCE).stdout
    numbers = [line.split("\t")[0] for line in shown.splitlines()]
    if numbers == [str(number) for number, _ in JOBS]:
        return 0
    print(f"fish: the jobs are offered as {numbers}")
    return 1


def main():
    missing = [name for name in SHELLS if not shutil.which(name)]
    if missing or not BASH_COMPLETION.exists():
        print("missing:", *missing, "" if BASH_COMPLETION.exists() else "bash-completion")
        sys.exit(77)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="shells-") as folder:
        folder = Path(folder)
        socket = f"{folder}/s"
        server = Server(socket, Daemon)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stand_in = folder / "bin/schedctl"
        stand_in.parent.mkdir()
        # Written in one go, so that a reader never sees a part of it.
        stand_in.write_text(f"""#!/bin/sh
[ "$1" != __complete ] || exec {build}/schedctl "$@"
printf '%s\\0' "$@" >"{folder}/words.new" && mv "{folder}/words.new" "{folder}/words"
""")
        stand_in.chmod(0o755)
        (folder / "unique.env").touch()
        environment = dict(os.environ, PATH=f"{folder}/bin:{os.environ['PATH']}", TERM="xterm", HOME=str(folder),
                           LC_ALL="C.UTF-8", SCHEDULERD_SOCKET=socket)
        for name in SHELLS:
            failed += try_shell(name, socket, folder, environment)
        failed += try_fish_order(environment)
        server.shutdown()
    print(f"{len(SHELLS)} shells, {failed} failures")
    sys.exit(1 if failed else 0)


main()
