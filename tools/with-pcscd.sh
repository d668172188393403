#!/usr/bin/env bash
# Runs a command with a PC/SC service that has the two virtual readers of
# vsmartcard-vpcd: with-pcscd.sh COMMAND [ARGUMENT...]
#
# A service that runs already is used and left alone. Else pcscd is started,
# its process number is given to the command as DHAMANI_PCSCD_PID (tests may
# kill that one), and it is stopped when the command has ended. The exit code
# is the command's.
set -euo pipefail

say() { printf 'with-pcscd: %s\n' "$*" >&2; }

if [ $# -eq 0 ]; then
	say "usage: tools/with-pcscd.sh COMMAND [ARGUMENT...]"
	exit 2
fi
# Inside another one there is nothing to do.
[ -z "${DHAMANI_WITH_PCSCD:-}" ] || exec "$@"
export DHAMANI_WITH_PCSCD=1

here=$(cd "$(dirname "$0")" && pwd)
folder=/run/pcscd
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

# One at a time: the next one would lose a service that this one stops.
exec 9>"${TMPDIR:-/tmp}/dhamani-with-pcscd-$(id -u).lock"
if ! flock -n 9; then
	say "waiting for another with-pcscd to end"
	flock 9
fi

# running prints the process numbers of live pcscds; dead ones have no command line.
running() {
	local dir
	for dir in /proc/[0-9]*; do
		if [ "$(cat "$dir/comm" 2>/dev/null || true)" = pcscd ] &&
			[ -n "$(tr -d '\0' 2>/dev/null <"$dir/cmdline" || true)" ]; then
			echo "${dir#/proc/}"
		fi
	done
}

scratch=$(mktemp -d)
pid=
# Tests may have killed it by now; its number is then nobody's, or a stranger's.
ours() { [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" = pcscd ]; }
cleanup() {
	local code=$?
	trap - EXIT INT TERM
	if ours; then
		"${as_root[@]}" kill -TERM "$pid" 2>/dev/null || true
		# It ends within a poll of its readers, unless it hangs.
		timeout 5 tail --pid="$pid" -s 0.05 -f /dev/null 2>/dev/null || { ours && "${as_root[@]}" kill -KILL "$pid"; } || true
	fi
	if [ "$code" -ne 0 ] && [ -s "$scratch/pcscd.log" ]; then
		say "the command ended with $code; the end of pcscd's log:"
		tail -n 20 "$scratch/pcscd.log" >&2
	fi
	rm -rf "$scratch"
	exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# waitreaders asks as any program would: through the client library.
(cd "$here/.." && go build -o "$scratch/waitreaders" ./internal/testpcsc/waitreaders)

# Whoever connects makes systemd start pcscd, where it listens for it.
if "$scratch/waitreaders" -for 0s 2>/dev/null; then
	say "using the PC/SC service that runs"
elif [ -n "$(running)" ]; then
	if ! "$scratch/waitreaders" -for 5s; then
		say "pcscd runs without the virtual readers; install vsmartcard-vpcd, then restart or stop pcscd"
		exit 1
	fi
	say "using the PC/SC service that runs"
else
	program=$(PATH="$PATH:/usr/sbin" command -v pcscd) || { say "pcscd is not installed; run tools/deps.sh"; exit 1; }
	# No pcscd is alive, so these are a dead one's, and would keep a new one from starting.
	"${as_root[@]}" rm -f "$folder/pcscd.comm" "$folder/pcscd.pid"
	# In a session of its own, so that an interrupt reaches the command only.
	"${as_root[@]}" setsid "$program" --foreground >"$scratch/pcscd.log" 2>&1 9>&- &
	pid=$!
	disown # else bash reports a test's kill
	if ! "$scratch/waitreaders" -for 20s; then
		say "pcscd did not come up; its log:"
		cat "$scratch/pcscd.log" >&2
		exit 1
	fi
	if [ "${#as_root[@]}" -gt 0 ]; then
		pid=$(running | tail -n 1) # $! is sudo's
	fi
	export DHAMANI_PCSCD_PID=$pid
fi

"$@" 9>&-
