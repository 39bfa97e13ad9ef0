# Many clients that wait for changes of one workspace, by long polls and by event streams.
# test-timeout: 400
load lib/fsd

WAITERS=10000

setup_file() {
	local files
	files=$(ulimit -Hn)
	WAITERS_NOW=$WAITERS
	[ "$files" = unlimited ] || [ "$files" -ge $((WAITERS + 600)) ] || WAITERS_NOW=$((files - 600))
	export WAITERS_NOW
	ulimit -n "$files"
	"${CC:-gcc}" -O2 -D_GNU_SOURCE -o "$BATS_FILE_TMPDIR/waiters" "$FSD_ROOT/tests/bench/waiters.c"
	printf 'log: {access: false}\n' > "$BATS_FILE_TMPDIR/fsd.yaml"
	store_start --config "$BATS_FILE_TMPDIR/fsd.yaml"
}
teardown_file() { store_stop; }

waiters() {	# WORKSPACE COUNT ROUNDS [ARGUMENTS...]
	local ws
	s3_curl "/$1" -X PUT
	ws=$(fsctl --json workspace show "$1" | jq -r .workspaceId)
	"$BATS_FILE_TMPDIR/waiters" --port "$FSD_PORT" --token "$FSD_TOKEN" --workspace "$ws" --count "$2" --rounds "$3" \
		--pid "$FSD_PID" --limit 100 "${@:4}"
}

@test "one event stream hears of a commit at once" {
	run waiters waiters-one 1 20 --events 100
	[ "$status" = 0 ] || fail "$output"
	# A busy machine with sanitizers may be late; what waits for the next beat comes after 15 s. The 40 ms are the bench's.
	[ "$(jq .eventsP50us <<< "$output")" -le 500000 ] || fail "$output"
}

@test "10,000 wait: each hears of each commit, also of those while it was away" {
	[ "$WAITERS_NOW" = "$WAITERS" ] || say "# only $WAITERS_NOW: ulimit -Hn is $(ulimit -Hn)"
	run waiters waiters-many "$WAITERS_NOW" 3
	[ "$status" = 0 ] || fail "$output"
	echo "# $output" >&3
	[ "$(jq .missed <<< "$output")" = false ]
	[ "$(jq '.backSeconds < 60' <<< "$output")" = true ] || [[ "$FSD" = */asan/* ]] || fail "$output"
}

@test "who waited and closed is let go" {
	for i in $(seq 100); do
		[ "$(curl -s -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/metrics" | sed -n 's/^fsd_connections //p')" -lt 50 ] && return
		sleep 0.3
	done
	fail "connections stay open: $(curl -s -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/metrics" | grep connections)"
}
