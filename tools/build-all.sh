#!/bin/sh
# The agent for every board it is meant for, stripped, with its size: build-all.sh [FOLDER [LDFLAGS [BOARD...]]].
# The budgets are those of concentrators whose root file system has 16 MB: 9 MB on armv7, 10 MB on mipsle.
set -eu
out=${1:-bin/all}
ldflags=${2:--s -w}
[ $# -gt 2 ] && shift 2 || shift $#
boards=${*:-armv5 armv6 armv7 arm64 amd64 mips mipsle riscv64}
mkdir -p "$out"
# MQTT over websockets, which the agent never uses, is left out: see board/websocket.
modules=$(mktemp -d)
trap 'rm -rf "$modules"' EXIT
cp go.mod "$modules/board.mod"
cp go.sum "$modules/board.sum"
"${GO:-go}" mod edit -replace "github.com/gorilla/websocket=$PWD/tools/board/websocket" "$modules/board.mod"
over=0
for board in $boards; do
	budget=0
	case $board in
	armv5) env="GOARCH=arm GOARM=5" ;;
	armv6) env="GOARCH=arm GOARM=6" ;;
	armv7) env="GOARCH=arm GOARM=7" budget=9000000 ;;
	mips) env="GOARCH=mips GOMIPS=softfloat" ;;
	mipsle) env="GOARCH=mipsle GOMIPS=softfloat" budget=10000000 ;;
	arm64 | amd64 | riscv64) env="GOARCH=$board" ;;
	*) echo "build-all: board $board is not known" >&2; exit 2 ;;
	esac
	file="$out/agent-$board"
	# Without inlining the binary is a tenth smaller; what a board does in a second takes it a few milliseconds either way.
	env CGO_ENABLED=0 GOOS=linux $env "${GO:-go}" build -modfile "$modules/board.mod" -trimpath -gcflags=all=-l -ldflags "$ldflags" -o "$file" ./agent
	size=$(wc -c <"$file")
	if [ $budget -gt 0 ] && [ "$size" -gt $budget ]; then
		printf '%-8s %9d bytes, over its budget of %d\n' "$board" "$size" $budget
		over=1
	else
		printf '%-8s %9d bytes\n' "$board" "$size"
	fi
done
exit $over
