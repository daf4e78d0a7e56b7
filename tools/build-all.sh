#!/bin/sh
# The agent for every board it is meant for, stripped, into bin/all/, with its size. The budgets are those of concentrators whose
# root file system has 16 MB: 9 MB on armv7, 10 MB on mipsle.
set -eu
out=${1:-bin/all}
ldflags=${2:--s -w}
mkdir -p "$out"
over=0
build() { # name, GOARCH, extra variable, budget in bytes (0: none)
	file="$out/agent-$1"
	env CGO_ENABLED=0 GOOS=linux GOARCH="$2" ${3:+"$3"} "${GO:-go}" build -trimpath -ldflags "$ldflags" -o "$file" ./agent
	size=$(wc -c <"$file")
	if [ "$4" -gt 0 ] && [ "$size" -gt "$4" ]; then
		printf '%-12s %9d bytes, over its budget of %d\n' "$1" "$size" "$4"
		over=1
	else
		printf '%-12s %9d bytes\n' "$1" "$size"
	fi
}
build armv5 arm GOARM=5 0
build armv6 arm GOARM=6 0
build armv7 arm GOARM=7 9000000
build arm64 arm64 '' 0
build amd64 amd64 '' 0
build mips mips GOMIPS=softfloat 0
build mipsle mipsle GOMIPS=softfloat 10000000
build riscv64 riscv64 '' 0
exit $over
