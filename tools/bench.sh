#!/usr/bin/env bash
# Runs the benchmarks and keeps the figures in bin/bench.txt. BENCH selects
# them by name, COUNT repeats each, OLD compares with the figures of a file.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p bin
go test -run '^$' -bench "${BENCH:-.}" -benchmem -count "${COUNT:-1}" -p 1 ./... |
	grep -v -e '^ok .*no test files' -e '\[no test files\]' -e '^PASS$' | tee bin/bench.txt.new
mv bin/bench.txt.new bin/bench.txt
if [ -n "${OLD:-}" ]; then
	go tool -modfile=tools/go.mod benchstat "$OLD" bin/bench.txt
fi
echo "make bench: $(grep -c '^Benchmark' bin/bench.txt || true) results in bin/bench.txt"
