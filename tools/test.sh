#!/usr/bin/env bash
# Runs all tests with the race detector in a random order, then without it
# those that it leaves out, and closes with one line that counts them.
# Real-PC/SC tests must run: DHAMANI_PCSC=1.
set -euo pipefail
cd "$(dirname "$0")/.."

# After each run gotestsum calls this script with the counts.
if [ "${1:-}" = --count ]; then
	printf '%s %s\n' "${TESTS_TOTAL:-0}" "${TESTS_SKIPPED:-0}" >>"$DHAMANI_TEST_COUNT"
	exit 0
fi

DHAMANI_TEST_COUNT=$(mktemp)
export DHAMANI_TEST_COUNT DHAMANI_PCSC=1
trap 'rm -f "$DHAMANI_TEST_COUNT"' EXIT

# The page's tests need a browser and node with two packages.
if [ -x /usr/bin/chromium ] && command -v node npm >/dev/null; then
	(cd tools/browser && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent; })
	export DHAMANI_BROWSER=1
else
	echo "make test: no /usr/bin/chromium or no node here: the page's browser tests are skipped"
fi

# What we write as FHIR is shown to two checkers of other parties, and the
# table of our own is compared with the guide that it was taken from.
fhir_tools() {
	cd tools/fhir
	[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent || return 1
	[ -d node_modules/ips/package ] || {
		mkdir -p node_modules/ips
		npm pack --silent hl7.fhir.uv.ips@2.0.0 --pack-destination node_modules/ips >/dev/null &&
			tar -xzf node_modules/ips/hl7.fhir.uv.ips-2.0.0.tgz -C node_modules/ips || return 1
	}
	go build -o /dev/null .
}
if command -v node npm >/dev/null && (fhir_tools); then
	DHAMANI_IPS=$PWD/tools/fhir/node_modules/ips/package
	export DHAMANI_FHIR=1 DHAMANI_IPS
else
	echo "make test: no node here, or no packages for it: the FHIR checkers of other parties are not asked"
fi

run() {
	go tool -modfile=tools/go.mod gotestsum --format pkgname --hide-summary=skipped \
		--post-run-command "tools/test.sh --count" -- -shuffle=on -timeout=45m "$@"
}
code=0
run -race "${@:-./...}" || code=$?
if [ $# -eq 0 ]; then
	mapfile -t files < <(git grep -l '^//go:build !race' -- '*_test.go')
	names=$(grep -hoE '^func Test[A-Za-z0-9_]+' "${files[@]}" | cut -c6- | paste -sd'|')
	mapfile -t folders < <(dirname "${files[@]}" | sort -u | sed 's|^|./|')
	run -run "^($names)\$" "${folders[@]}" || code=$?
fi
read -r total skipped < <(awk '{t += $1; s += $2} END {print t + 0, s + 0}' "$DHAMANI_TEST_COUNT")
if [ "$code" -ne 0 ]; then
	echo "make test: FAILED ($total tests, $skipped skipped)"
	exit "$code"
fi
echo "make test: all packages passed ($((total - skipped)) tests, $skipped skipped)"
