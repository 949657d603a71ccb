#!/usr/bin/env bash
# Every source file is laid out as .clang-format says (clang-format 14, Debian 12's).
set -euo pipefail

command -v clang-format >/dev/null || { echo "clang-format is missing"; exit 77; }
case $(clang-format --version) in *"version 14."*) ;; *) echo "another clang-format than 14"; exit 77 ;; esac
cd "$1"
find common cli daemon tests -name '*.[ch]pp' -print0 | xargs -0 clang-format --dry-run --Werror
