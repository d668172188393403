#!/usr/bin/env bash
# Runs every check that is no test; goes on after one that fails, and closes
# with one line.
set -uo pipefail
cd "$(dirname "$0")/.."

tool() { go tool -modfile=tools/go.mod "$@"; }

formatted() {
	local bad
	bad=$(git ls-files -co --exclude-standard '*.go' | xargs go tool -modfile=tools/go.mod gofumpt -l) || return 1
	[ -z "$bad" ] || { echo "not formatted (gofumpt -w):"; echo "$bad"; return 1; }
}
scripts() { local s; for s in tools/*.sh .ci/run; do bash -n "$s" || return 1; done; }
# Every file that a document links to is there, and no placeholder is left.
documents() {
	local bad=0 doc link
	while IFS= read -r doc; do
		while IFS= read -r link; do
			case $link in http*://* | '#'* | '') continue ;; esac
			[ -e "$(dirname "$doc")/${link%%#*}" ] || { echo "$doc: dead link $link"; bad=1; }
		done < <(sed -e '/^```/,/^```/d' -e 's/`[^`]*`//g' "$doc" | grep -oE '\]\([^) ]+' | cut -c3-)
		! grep -nE '@@[A-Z]+@@' "$doc" || { echo "$doc: placeholder left"; bad=1; }
	done < <(git ls-files '*.md')
	return $bad
}
tidy() { go mod tidy -diff && go -C tools mod tidy -diff && go -C tools/fhir mod tidy -diff; }
without_cgo() { CGO_ENABLED=0 go build ./...; }
windows_build() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build ./...; }
windows_vet() { GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go vet ./...; }

passed=0 failed=()
check() {
	local name=$1 start=$SECONDS out
	shift
	if out=$("$@" 2>&1); then
		passed=$((passed + 1))
		printf 'ok    %-14s %3ds  %s\n' "$name" $((SECONDS - start)) "${out##*$'\n'}"
	else
		failed+=("$name")
		printf 'FAIL  %-14s %3ds\n%s\n' "$name" $((SECONDS - start)) "$out"
	fi
}

check format formatted
check scripts scripts
check documents documents
check tidy tidy
check vet go vet ./...
check no-cgo without_cgo
check windows-build windows_build
check windows-vet windows_vet
check lint tool golangci-lint run ./...
check fuzz tools/fuzz.sh "${FUZZTIME:-2s}"

if [ ${#failed[@]} -gt 0 ]; then
	echo "make check: FAILED: ${failed[*]}"
	exit 1
fi
echo "make check: all $passed checks passed"
