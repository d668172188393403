#!/usr/bin/env bash
# Fuzzes every target of the repository in turn: fuzz.sh TIME-PER-TARGET
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
count=0
# One line for each target, "folder name", from the sources alone.
while read -r folder name; do
	# The target's own tests have run elsewhere; a short quiet run is fine.
	# Go sometimes calls the end of the time itself a failure; a finding names its input.
	if ! out=$(go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$folder" 2>&1) &&
		{ [[ $out != *"context deadline exceeded"* ]] || [[ $out == *"Failing input"* || $out == *panic* ]]; }; then
		printf '%s\n' "$out" >&2
		echo "fuzz: $folder $name FAILED" >&2
		exit 1
	fi
	count=$((count + 1))
done < <(git ls-files -co --exclude-standard '*_test.go' | xargs grep -H '^func Fuzz' |
	sed -E 's#^(.*)/[^/]*_test\.go:func (Fuzz[A-Za-z0-9_]*)\(.*#./\1 \2#' | sort)
echo "fuzz: $count targets, $time each"
