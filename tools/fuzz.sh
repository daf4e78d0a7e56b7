#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time, one after another: `go test -fuzz` takes one target a package.
set -euo pipefail
time=${1:-30s}
cd "$(dirname "$0")/.."
grep -rhoE --include='*_test.go' -l '^func Fuzz' . | sort -u | while read -r file; do
  dir=$(dirname "$file")
  grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/^func //' | while read -r target; do
    echo "== $dir $target"
    go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
  done
done
