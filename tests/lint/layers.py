#!/usr/bin/env python3
"""Each folder includes only what the architecture allows it (docs/architecture.md has the picture).

A row of FOLDERS names the folders of ours that a folder may include besides itself; the longest
matching row counts. A row of LIBRARIES names where a library's headers may stand.
"""
import re
import sys
from pathlib import Path

FOLDERS = {
    "common": [],
    "cli": ["common", "cli"],
    "cli/output": ["common"],
    "daemon/base": ["common"],
    "daemon/store": ["common", "daemon/base"],
    "daemon/store/sqlite": ["common", "daemon/base", "daemon/store"],
    "daemon/engine": ["common", "daemon/base"],
    "daemon/engine/docker": ["common", "daemon/base", "daemon/engine"],
    "daemon/spool": ["common", "daemon/base"],
    "daemon/dispatch": ["common", "daemon/base", "daemon/store", "daemon/engine", "daemon/spool"],
    "daemon/service": ["common", "daemon/base", "daemon/store", "daemon/engine", "daemon/spool", "daemon/dispatch"],
    "daemon/http": ["common", "daemon/base", "daemon/service"],
    "daemon/socket": ["common", "daemon/base", "daemon/service"],
    "daemon": ["common", "daemon"],
    "tests": ["common", "cli", "daemon", "tests"],
}

# Behind an interface: nobody but their own folder and the top of the daemon looks in.
HIDDEN = {"daemon/store/sqlite", "daemon/engine/docker"}

LIBRARIES = {
    r"nlohmann/": r"common/json_codec\.hpp|daemon/engine/docker/.*",
    r"sqlite3\.h": r"daemon/store/sqlite/.*",
    r"httplib\.h": r"daemon/http/request_parser\.cpp",
    r"boost/": r"daemon/base/(asio|beast)\.hpp",
    r"CLI/": r"cli/options\.cpp|daemon/(option_parser|config_file)\.cpp",
    r"prometheus/": r"daemon/base/metrics\.cpp",
    r"systemd/": r"daemon/[^/]*\.cpp",
    r"catch2/": r"tests/.*",
}

# Calls that belong to one file, so that tests own time and zone.
CALLS = {
    r"\b(mktime|localtime_r|localtime)\(": r"common/local_time\.cpp",
    r"\bsystem_clock::now\(": r"daemon/base/(clock\.hpp|log\.cpp)|cli/app\.cpp",
}


def row_of(path):
    """The longest folder of FOLDERS that holds the file."""
    return max((f for f in FOLDERS if path.startswith(f + "/")), key=len)


def may_include(path, header):
    row = row_of(path)
    folder = header.rpartition("/")[0]
    if folder == row or (row == "common" and folder.startswith("common/")) or row == "tests":
        return True
    if any(folder == h or folder.startswith(h + "/") for h in HIDDEN) and row != "daemon":
        return False
    return any(folder == f or folder.startswith(f + "/") for f in FOLDERS[row])


def problems(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        ours = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        theirs = re.match(r"\s*#\s*include\s+<([^>]+)>", line)
        if ours and not may_include(path, ours[1]):
            yield number, f'{row_of(path)} must not include "{ours[1]}"'
        if theirs and not path.startswith("tests/"):
            for library, places in LIBRARIES.items():
                if re.match(library, theirs[1]) and not re.fullmatch(places, path):
                    yield number, f"<{theirs[1]}> belongs to {places}"
        if not path.startswith("tests/") and not line.lstrip().startswith("//"):
            for call, places in CALLS.items():
                if re.search(call, line) and not re.fullmatch(places, path):
                    yield number, f"{re.search(call, line)[0]}) belongs to {places}"


def main():
    root = Path(sys.argv[1])
    count = 0
    for top in ("common", "cli", "daemon", "tests"):
        for file in sorted((root / top).rglob("*.[ch]pp")):
            path = file.relative_to(root).as_posix()
            for number, problem in problems(path, file.read_text()):
                print(f"{path}:{number}: {problem}")
                count += 1
    sys.exit(1 if count else 0)


main()
