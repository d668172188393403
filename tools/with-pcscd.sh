#!/usr/bin/env bash
# Runs a command with a PC/SC service that has the two virtual readers of
# vsmartcard-vpcd: with-pcscd.sh [--json] COMMAND [ARGUMENT...]
#
# A service that runs already is used and left alone. Else pcscd is started,
# its process number is given to the command as DHAMANI_PCSCD_PID (tests may
# kill that one), and it is stopped when the command has ended. The exit code
# is the command's. INT, TERM and HUP are handed on to the command.
#
# With --json the last line on standard output is an object in the form of the
# demo's report even when the command could not run or died without a line.
set -euo pipefail

reason=
say() { printf 'with-pcscd: %s\n' "$*" >&2; }
fail() {
	reason=$*
	say "$reason"
	exit 1
}

json=
if [ "${1:-}" = --json ]; then
	json=1
	shift
fi
if [ $# -eq 0 ]; then
	say "usage: tools/with-pcscd.sh [--json] COMMAND [ARGUMENT...]"
	exit 2
fi
# Inside another one there is nothing to do.
[ -z "${DHAMANI_WITH_PCSCD:-}" ] || exec "$@"
export DHAMANI_WITH_PCSCD=1

here=$(cd "$(dirname "$0")" && pwd)
folder=/run/pcscd
ports=(35963 35964) # of the virtual readers
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)

scratch=$(mktemp -d)
pid= # of our pcscd
# Tests may have killed it by now; its number is then nobody's, or a stranger's.
ours() { [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" = pcscd ]; }
cleanup() {
	local code=$?
	trap '' INT TERM HUP
	trap - EXIT
	if ours; then
		"${as_root[@]}" kill -TERM "$pid" 2>/dev/null || true
		# It ends within a poll of its readers, unless it hangs.
		timeout 5 tail --pid="$pid" -s 0.05 -f /dev/null 2>/dev/null || { ours && "${as_root[@]}" kill -KILL "$pid"; } || true
	fi
	if [ "$code" -ne 0 ] && [ -z "$caught" ] && [ -s "$scratch/pcscd.log" ]; then
		say "ended with $code; the end of pcscd's log:"
		tail -n 20 "$scratch/pcscd.log" >&2
	fi
	if [ -n "$json" ] && [ "$code" -ne 0 ]; then
		case "$(tail -n 1 "$scratch/said" 2>/dev/null || true)" in
		'{'*'}') ;; # the command told it itself
		*) report "${reason:-the command ended with code $code and without a report}" ;;
		esac
	fi
	rm -rf "$scratch"
	exit "$code"
}
# report prints the demo's report of a failure outside of it.
report() {
	local text
	text=$(printf '%s' "$1" | tr '\000-\037' ' ')
	text=${text//\\/\\\\}
	printf '{"ok":false,"identical":false,"apdus":0,"bytes":0,"entries":0,"steps":[],"error":"%s"}\n' "${text//\"/\\\"}"
}

# bash would look at a signal only after the command in the foreground has
# ended, so what takes long runs in the background, as the leader of a session:
# an interrupt typed at the terminal reaches this script alone and the command
# once, from here. It keeps standard input, and ends when this script is killed.
child=
caught=  # the last signal
pending= # the same, until the command has got it
run() {
	local code
	ended
	# Commands in the background of a script are made to ignore interrupts.
	setpriv --pdeathsig TERM env --default-signal=INT,QUIT setsid "$@" <&0 &
	child=$!
	forward
	while :; do
		signalled=
		code=0
		wait "$child" || code=$?
		[ -n "$signalled" ] || break # else a trap has ended the wait
	done
	child=
	return "$code"
}
forward() {
	local signal=$pending
	[ -n "$signal" ] && [ -n "$child" ] || return 0
	pending=
	# Until setsid has run there is no such group.
	until kill -s "$signal" -- "-$child" 2>/dev/null; do
		kill -0 "$child" 2>/dev/null || return 0
		sleep 0.01
	done
}
# ended leaves the script when a signal came while it was at its own work.
ended() {
	[ -n "$caught" ] || return 0
	reason="ended by SIG$caught"
	exit $((128 + $(kill -l "$caught")))
}
trap cleanup EXIT
for signal in INT TERM HUP; do
	# shellcheck disable=SC2064 # the name is wanted as it is now
	trap "caught=$signal pending=$signal signalled=1; forward" "$signal"
done

# One at a time: the next one would lose a service that this one stops. There is
# one service, so the lock has one name, whatever TMPDIR says.
exec 9>"/tmp/dhamani-with-pcscd-$(id -u).lock"
if ! flock -n 9; then
	say "waiting for another with-pcscd to end"
	run flock 9 || true
	ended
fi

# running prints the process numbers of live pcscds; dead ones have no command line.
running() {
	local dir
	for dir in /proc/[0-9]*; do
		# One in a container of its own listens elsewhere.
		if [ "$(cat "$dir/comm" 2>/dev/null || true)" = pcscd ] &&
			[ "$(readlink "$dir/ns/mnt" 2>/dev/null || readlink /proc/self/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ] &&
			[ -n "$(tr -d '\0' 2>/dev/null <"$dir/cmdline" || true)" ]; then
			echo "${dir#/proc/}"
		fi
	done
}

# check_ports fails when another program listens on a port of the virtual
# readers, and names it if the system tells.
check_ports() {
	local port holder
	for port in "${ports[@]}"; do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue
		holder=$(ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1) || true
		fail "port $port, which a virtual reader listens on, is taken by ${holder:-another program}; end it first"
	done
}

# waitreaders asks as any program would: through the client library.
run env GOTMPDIR="$scratch" TMPDIR="$scratch" go -C "$here/.." build -o "$scratch/waitreaders" ./internal/testpcsc/waitreaders 9>&- || {
	ended
	fail "what looks for the virtual readers cannot be built; run tools/deps.sh"
}
waitreaders() { run "$scratch/waitreaders" -for "$1" 9>&-; }

# Whoever connects makes systemd start pcscd, where it listens for it.
if waitreaders 0s 2>/dev/null; then
	say "using the PC/SC service that runs"
elif [ -n "$(running)" ]; then
	waitreaders 20s || {
		ended
		fail "pcscd runs without the virtual readers; install vsmartcard-vpcd, then restart or stop pcscd"
	}
	say "using the PC/SC service that runs"
else
	ended
	program=$(PATH="$PATH:/usr/sbin" command -v pcscd) || fail "pcscd is not installed; run tools/deps.sh"
	check_ports
	# No pcscd is alive, so these are a dead one's, and would keep a new one from starting.
	"${as_root[@]}" rm -f "$folder/pcscd.comm" "$folder/pcscd.pid"
	# In a session of its own, so that an interrupt reaches the command only.
	"${as_root[@]}" setpriv --pdeathsig TERM setsid "$program" --foreground >"$scratch/pcscd.log" 2>&1 9>&- &
	pid=$!
	disown # else bash reports a test's kill
	waitreaders 60s || {
		ended
		fail "pcscd did not come up with the virtual readers"
	}
	if [ "${#as_root[@]}" -gt 0 ]; then
		pid=$(running | tail -n 1) # $! is sudo's
	fi
	export DHAMANI_PCSCD_PID=$pid
fi
ended

code=0
if [ -n "$json" ]; then
	# tee outlives an interrupt: it sees the last line.
	exec 8> >(exec setsid tee "$scratch/said" 9>&-)
	tee=$!
	run "$@" >&8 8>&- 9>&- || code=$?
	exec 8>&-
	wait "$tee" || true
else
	run "$@" 9>&- || code=$?
fi
exit "$code"
