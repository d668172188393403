#!/usr/bin/env bash
# Installs the Debian and Ubuntu packages that building and running need, and
# says which and why: deps.sh, or deps.sh browser for those of the tests too.
# Does nothing, and needs no network, when all are there.
set -euo pipefail

packages=(
	"gcc            the PC/SC binding and the race detector are cgo"
	"libc6-dev      headers for gcc"
	"pkg-config     finds libpcsclite"
	"libpcsclite-dev the PC/SC client library"
	"libusb-1.0-0-dev the USB library, for fingerprint scanners"
	"pcscd          the PC/SC service, for tests and the demo"
	"libccid        drives USB card readers"
	"vsmartcard-vpcd two virtual card readers in that service"
)

say() { printf 'deps: %s\n' "$*"; }

# A browser and node may have come from elsewhere: the command counts.
if [ "${1:-}" = browser ]; then
	command -v umockdev-run >/dev/null || packages+=("umockdev       plays recordings of scanners to the USB library")
	command -v node >/dev/null || packages+=("nodejs         drives the browser in the page's tests")
	command -v npm >/dev/null || packages+=("npm            installs what node needs for that")
	[ -x /usr/bin/chromium ] || packages+=("chromium       the browser of the page's tests")
	command -v piv-tool >/dev/null || packages+=("opensc         reads our emulated PIV card, as a second opinion")
	command -v cvc-print >/dev/null || packages+=("openpace       reads our card certificates, as a second opinion")
fi

if ! command -v go >/dev/null; then
	say "Go is missing: install $(awk '$1 == "go" { print "Go " $2 " or newer" }' go.mod 2>/dev/null || echo Go) from https://go.dev/dl" >&2
	exit 1
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	say "no Debian or Ubuntu here; install the like of these by hand, then run the Go tools directly:" >&2
	printf '  %s\n' "${packages[@]}" >&2
	exit 1
fi

missing=()
for line in "${packages[@]}"; do
	read -r name why <<<"$line"
	if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)" != installed ]; then
		say "$name is missing: $why"
		missing+=("$name")
	fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { say "run as root: apt-get install ${missing[*]}" >&2; exit 1; }
	root=(sudo)
fi
apt() {
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}
install() { apt install -y -q --no-install-recommends "${missing[@]}"; }
say "installing ${missing[*]}"
# The package lists of a fresh machine are empty or old.
{ apt update -q && install; } >/dev/null || { say "apt-get failed; its words again:" >&2; install >&2; }
say "done"
