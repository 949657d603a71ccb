#!/usr/bin/env python3
"""--help and the man pages say the same: every subcommand and flag of `--help` stands in the page of
its program, and the page knows none that is gone. Also: help fits 80 columns.
"""
import re
import shutil
import subprocess
import sys
from pathlib import Path

root, build = Path(sys.argv[1]), Path(sys.argv[2])
count = 0

# Flags of other programs that a page mentions.
FOREIGN = {"schedctl.1": {"--form", "--header", "--data"}, "schedulerd.8": {"--form", "--header"}}


def complain(text):
    global count
    print(text)
    count += 1


def help_of(*command):
    result = subprocess.run([build / command[0], *command[1:], "--help"], capture_output=True, text=True, timeout=20)
    shown = " ".join(command)
    if result.returncode != 0:
        complain(f"{shown} --help exits {result.returncode}: {result.stderr.strip()}")
    for line in result.stdout.splitlines():
        if len(line) > 80:
            complain(f"{shown} --help has a line of {len(line)} columns: {line}")
    return result.stdout


def flags_in(text):
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*[a-z])(?![\w-])", text))


def page_text(name):
    text = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=1000", root / "man" / name],
                          capture_output=True, text=True, check=True).stdout
    return re.sub(r".\x08", "", text)


def check_program(program, page, helps):
    text = page_text(page)
    in_help = set().union(*(flags_in(help_text) for help_text in helps.values()))
    for name, help_text in helps.items():
        for flag in flags_in(help_text) - flags_in(text):
            complain(f"man/{page}: {name} {flag} is missing")
    for flag in flags_in(text) - in_help - FOREIGN.get(page, set()):
        complain(f"man/{page}: {flag} is no flag of {program}")
    return text


def subcommands(help_text):
    """The indented lines of the overview: a word, and what it does."""
    return re.findall(r"^  ([a-z][a-z-]*)  +\S", help_text, re.M)


def check_keys():
    """Each flag that can be a key of the config file has its item in schedulerd.conf(5)."""
    text = (root / "man/schedulerd.conf.5").read_text()
    keys = set(re.findall(r"^\.It Cm ([a-z-]+)", text, re.M))
    flags = {flag[2:] for flag in flags_in(help_of("schedulerd"))}
    wanted = flags - {"help", "version", "config", "check-config", "check-database", "restore", "run-missed"}
    for key in sorted(wanted - keys):
        complain(f"man/schedulerd.conf.5: the key {key} is missing")
    for key in sorted(keys - wanted):
        complain(f"man/schedulerd.conf.5: {key} is no key")


if not shutil.which("mandoc"):
    print("mandoc is missing")
    sys.exit(77)
check_program("schedulerd", "schedulerd.8", {"schedulerd": help_of("schedulerd")})
check_keys()
overview = help_of("schedctl")
helps = {"schedctl": overview}
for name in subcommands(overview):
    helps[f"schedctl {name}"] = help_of("schedctl", name)
    if "\nCommands:\n" in helps[f"schedctl {name}"]:
        for second in subcommands(helps[f"schedctl {name}"]):
            helps[f"schedctl {name} {second}"] = help_of("schedctl", name, second)
if len(helps) == 1:
    complain("schedctl --help lists no commands")
text = check_program("schedctl", "schedctl.1", helps)
for name in helps:
    if name != "schedctl" and not re.search(rf"^ +{name.removeprefix('schedctl ')}\b", text, re.M):
        complain(f"man/schedctl.1: the command {name} is missing")
sys.exit(1 if count else 0)
