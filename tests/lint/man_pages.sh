#!/usr/bin/env bash
# mandoc finds nothing to warn of in the man pages.
set -euo pipefail

command -v mandoc >/dev/null || { echo "mandoc is missing"; exit 77; }
cd "$1"
mandoc -T lint -W warning man/*.[1-8]
