#!/usr/bin/env python3
"""The list of operations and what is made from it are in step: each operation has an HTTP route, or a
reason in the comment above the table of routes; has one file of its own in the service's folder or
is handled there; and is met by the contract tests.
"""
import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
count = 0


def complain(text):
    global count
    print(text)
    count += 1


def operations():
    """Request type → method, from the list and the requests' headers."""
    text = (root / "common/operations.hpp").read_text()
    names = re.search(r"using Operations = TypeList<(.*?)>;", text, re.S)[1]
    methods = {}
    for header in (root / "common/requests").glob("*.hpp"):
        for name, body in re.findall(r"struct (\w+Request) \{(.*?)\n\};", header.read_text(), re.S):
            methods[name] = re.search(r'method = "(\w+)"', body)[1]
    for name in methods:
        if name not in names:
            complain(f"common/operations.hpp: {name} is not in the list")
    return {name.strip(): methods[name.strip()] for name in names.split(",")}


def check_routes(methods):
    file = root / "daemon/http/routes.cpp"
    text = file.read_text()
    routed = set(re.findall(r"\broute<(\w+)>\(", text))
    excused = set(re.findall(r"^///   (\w+)  ", text, re.M))
    for name, method in methods.items():
        if name not in routed and method not in excused:
            complain(f"daemon/http/routes.cpp: {name} has no route, and no reason stands above the table")
        if name in routed and method in excused:
            complain(f"daemon/http/routes.cpp: {method} has a route, and a reason not to have one")
    for method in excused - set(methods.values()):
        complain(f"daemon/http/routes.cpp: {method} is no operation")


def check_mentioned(methods, folder, form):
    files = list((root / folder).rglob("*.[ch]pp"))
    text = "".join(file.read_text() for file in files)
    for name, method in methods.items():
        if not re.search(form.format(name=name, method=method), text):
            complain(f"{folder}: nothing there about {name} ({method})")


methods = operations()
check_routes(methods)
check_mentioned(methods, "daemon/service", r"Service::handle\(const {name}&")
check_mentioned(methods, "tests/contract", r'\b{name}\b|"{method}"')
sys.exit(1 if count else 0)
