#!/usr/bin/env bash
# The scripts pass shellcheck, and each shell can read its completion.
set -euo pipefail

command -v shellcheck >/dev/null || { echo "shellcheck is missing"; exit 77; }
cd "$1"
scripts=(start check .ci/run)
while IFS= read -r file; do scripts+=("$file"); done < <(
    grep -rlE '^#!.*\b(ba)?sh$' tests packaging --include='*' 2>/dev/null || true
)
shellcheck -x "${scripts[@]}" tests/support/machine.sh
shellcheck --shell=bash completions/schedctl.bash
bash -n completions/schedctl.bash
if command -v zsh >/dev/null; then zsh -n completions/_schedctl; fi
if command -v fish >/dev/null; then fish --no-execute completions/schedctl.fish; fi
