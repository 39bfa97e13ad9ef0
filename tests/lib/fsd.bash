# For the bats tests: a store of the test's own, with fsd on a free loopback port before it.
#
#	load lib/fsd
#	setup_file()    { store_start; }
#	teardown_file() { store_stop; }
#	@test "…"       { run fsctl status; [ "$status" = 0 ]; }
#
# or store_start and store_stop in setup and teardown, for a store a test. The variables below are exported, so
# that tests see what setup_file made:
#
#	FSD FSCTL	the programs, of the build in FSD_BUILD (build/asan, or build/ where that is not there)
#	STORE		the data directory
#	FSD_URL FSD_PORT FSD_PID FSD_LOG
#	AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION FSD_TOKEN	of the first administrator

FSD_ROOT=${FSD_ROOT:-$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)}
if [ -z "${FSD_BUILD-}" ]; then
	FSD_BUILD=$FSD_ROOT/build
	[ ! -x "$FSD_BUILD/asan/fsd" ] || FSD_BUILD=$FSD_BUILD/asan
fi
FSD=$FSD_BUILD/fsd
FSCTL=$FSD_BUILD/fsctl
export FSD_ROOT FSD_BUILD FSD FSCTL
# By hand, without tests/run, reports go to standard error.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:exitcode=99} UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:exitcode=99}
# Nothing of the caller's own set-up may reach the clients, nor may a proxy come between.
export AWS_EC2_METADATA_DISABLED=true AWS_PAGER= AWS_MAX_ATTEMPTS=1 AWS_DEFAULT_REGION=us-east-1
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_ENDPOINT_URL AWS_CA_BUNDLE
unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY

say() {		# shown by bats when the test fails
	printf '%s\n' "$*" >&2
}

fail() {
	say "$*"
	return 1
}

none() {		# COMMAND...: fails where it succeeds, which a bare `!` in the middle of a test would not
	! "$@"
}

# Whether COMMAND comes true within so many seconds; it is asked again and again.
within() {	# SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -le $end ] || { say "this did not come true: $*"; return 1; }
		sleep 0.05
	done
}

# Whether a line of fsd's log matches; a request's own is written up to 0.1 s after the reply.
logged() {	# GREP-ARGUMENTS...
	within 60 grep -q "$@" "$FSD_LOG"
}

need() {	# PROGRAM...: skips the test, by name, where one is not installed
	local p
	for p; do
		command -v "$p" >/dev/null || skip "$p is not installed"
	done
}

need_root() {
	[ "$(id -u)" = 0 ] || skip "not root"
}

# A folder that goes with the test, or with the file when called from setup_file.
tmp_dir() {
	printf '%s\n' "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"
}

fsctl() {
	"$FSCTL" --data "$STORE" "$@"
}

json() {	# NAME: that field of the JSON document on standard input
	jq -er --arg n "$1" '.[$n]'
}

# What fsctl wrote of a verb's last run into $PROM, or F.prom here.
metric() {	# NAME VERB
	sed -n 's/^fsctl_last_'"$1"'{verb="'"$2"'"} //p' "${PROM-F.prom}"
}

free_port() {
	/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# store_new [DIR]: creates a store and takes over its administrator's credentials.
store_new() {
	local out
	export STORE=${1:-$(tmp_dir)/store}
	out=$("$FSCTL" --data "$STORE" --json init) || fail "init of $STORE failed: $out" || return 1
	AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$out") && AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$out") &&
		FSD_TOKEN=$(json token <<< "$out") || fail "init printed $out" || return 1
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY FSD_TOKEN
}

alive() {	# PID: runs, and is no zombie
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 1
	[ "$state" ] && [ "$state" != Z ]
}

# Whether /readyz says 200 within so many seconds, while fsd lives.
wait_ready() {	# [SECONDS]
	local end=$((SECONDS + ${1:-120}))
	while [ $SECONDS -le $end ]; do
		[ "$(curl -s -o /dev/null -m 10 -w '%{http_code}' "$FSD_URL/readyz")" = 200 ] && return 0
		alive "$FSD_PID" || return 1
		sleep 0.05
	done
	return 1
}

# Starts fsd on $STORE, with more arguments if given, and waits until it is ready. Another process can take the
# free port first: then another is tried.
fsd_start() {
	local try
	for try in 1 2 3; do
		FSD_PORT=$(free_port)
		FSD_URL=http://127.0.0.1:$FSD_PORT
		FSD_LOG=${STORE%/}.log
		export FSD_PORT FSD_URL FSD_LOG
		# bats waits for whoever holds its descriptor 3.
		"$FSD" --data "$STORE" --listen "127.0.0.1:$FSD_PORT" "$@" >> "$FSD_LOG" 2>&1 </dev/null 3>&- &
		export FSD_PID=$!
		wait_ready && return 0
		alive "$FSD_PID" || grep -qi 'address already in use' "$FSD_LOG" || break
		! alive "$FSD_PID" || break
	done
	kill -KILL "$FSD_PID" 2>/dev/null
	say "fsd did not become ready; its log:"
	tail -n 40 "$FSD_LOG" >&2
	return 1
}

wait_gone() {	# PID SECONDS
	local end=$((SECONDS + $2))
	while alive "$1"; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.05
	done
}

# Fails, and shows them, if any program of this test left a sanitizer's report.
no_reports() {
	local f marks='ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error: |Assertion .* failed'
	for f in "${FSD_LOG-}" "${TMPDIR:-/nonexistent}"/sanitizer.*; do
		if [ -f "$f" ] && grep -qE "$marks" "$f"; then
			grep -E -A 40 "$marks" "$f" | head -n 80 >&2
			return 1
		fi
	done
}

# Ends fsd with SIGTERM; fails if it takes longer than 60 s, ends with another code than 0, or left a report.
fsd_stop() {
	local pid=${FSD_PID-} rc=0
	[ "$pid" ] || return 0
	FSD_PID=
	kill -TERM "$pid" 2>/dev/null || say "fsd had ended before it was told to"
	if ! wait_gone "$pid" 60; then
		kill -KILL "$pid" 2>/dev/null
		fail "fsd did not end within 60 s of SIGTERM" || return 1
	fi
	# Only the shell that started fsd learns its exit code; any other gets 127.
	wait "$pid" 2>/dev/null || rc=$?
	if [ $rc != 0 ] && [ $rc != 127 ]; then
		say "fsd ended with code $rc; its log:"
		tail -n 40 "$FSD_LOG" >&2
		return 1
	fi
	no_reports
}

fsd_kill() {	# SIGKILL, for the tests of what survives it
	local pid=${FSD_PID-}
	[ "$pid" ] || return 0
	FSD_PID=
	kill -KILL "$pid" 2>/dev/null
	wait_gone "$pid" 60
	wait "$pid" 2>/dev/null || true
}

# store_start [fsd's arguments]: a new store and fsd before it. store_stop ends it and checks its log.
store_start() {
	store_new && fsd_start "$@"
}

store_stop() {
	fsd_stop
}

# curl with a Signature V4 of the administrator; arguments are curl's, PATH begins with a slash.
s3_curl() {	# PATH [CURL-ARGUMENTS...]
	local path=$1
	shift
	# curl before 8 signs without saying what the payload's hash is.
	curl -sS -m 60 -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --aws-sigv4 aws:amz:us-east-1:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@" "$FSD_URL$path"
}

# The test goes on as a new user, who has this role on WORKSPACE or WORKSPACE/FOLDER/ and none elsewhere.
become_user() {	# NAME WORKSPACE[/FOLDER/] [ROLE]
	local out
	fsctl -q user create "$1" && fsctl -q grant add "$2" "$1" "${3-editor}" && out=$(fsctl --json key create "$1") &&
		AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$out") && AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$out")
}

# The same bytes at every run, others at every call: where content is cut into chunks, and so what a test may expect,
# does not hang on luck.
random_file() {	# FILE BYTES
	random_files=$((${random_files-0} + 1))
	/usr/bin/python3 -S -c 'import hashlib, sys; sys.stdout.buffer.write(hashlib.shake_128(sys.argv[1].encode()).digest(int(sys.argv[2])))' \
		"${BATS_TEST_FILENAME##*/} ${BATS_TEST_DESCRIPTION-} ${1##*/} $random_files" "$2" > "$1"
}
