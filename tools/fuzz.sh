#!/usr/bin/env bash
# Runs every fuzz target of the tree, or of the folder given, for the given time, one after another: `go test -fuzz` takes one target
# a package. fuzz.sh [TIME [FOLDER]]
set -euo pipefail
time=${1:-30s}
folder=${2:-.}
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
grep -rhoE --include='*_test.go' -l '^func Fuzz' "$folder" | sort -u | while read -r file; do
  dir=$(dirname "$file")
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $dir $target"
    # The time of a run may end between two inputs, which Go then calls a failure without an input that fails: such a run found nothing.
    if ! go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" >"$log" 2>&1; then
      cat "$log"
      grep -q 'context deadline exceeded' "$log" && ! grep -q 'Failing input' "$log" || exit 1
    else
      tail -n 2 "$log"
    fi
  done
done
