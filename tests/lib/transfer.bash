# For the bats tests of put and get, beside lib/fsd: a store a file; a workspace $W and a folder $D a test.

setup_file() {
	export TMPDIR=$BATS_FILE_TMPDIR XDG_STATE_HOME=$BATS_FILE_TMPDIR/state
	store_start
}

teardown_file() {
	store_stop && no_reports
}

setup() {
	W=ws$BATS_TEST_NUMBER
	D=$BATS_TEST_TMPDIR PROM=$BATS_TEST_TMPDIR/F.prom
	fsctl -q workspace create "$W"
}

status_is() {
	[ "$status" = "$1" ] || fail "exit code $status instead of $1: $output"
}

put_again() {	# ARGUMENTS: the summary of a put, as JSON
	fsctl put --json "$@" | jq -c 'select(.type == "summary")'
}

get_again() {
	fsctl get --json "$@" | jq -c 'select(.type == "summary")'
}

moved() {	# SUMMARY LEAST MOST: bytes over the wire
	local n
	n=$(jq .movedBytes <<< "$1")
	[ "$n" -ge "$2" ] && [ "$n" -le "$3" ] || fail "$n bytes went over the wire: $1"
}

# Whether the transfer that prints JSON there has moved so much.
moved_reach() {	# FILE BYTES
	[ "$(jq -s --argjson n "$2" 'map(select(.type == "status").bytes) | max >= $n' "$1" 2>/dev/null)" = true ]
}

# C on standard input takes the place of functions of the C library in what fsctl_between runs.
between() {
	"${CC:-gcc}" -shared -fPIC -D_GNU_SOURCE -o "$D/between.so" -x c -
}

fsctl_between() {
	LD_PRELOAD=$D/between.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 fsctl "$@"
}
