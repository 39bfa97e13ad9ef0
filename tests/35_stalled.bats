# Clients that begin a body and stop, or go away: they hold up nobody for long, and memory stays bounded.
# test-timeout: 240
load lib/fsd

setup() {
	store_new
}

teardown() {
	store_stop
}

start_with() {	# the settings below "limits"
	echo "limits: {$1}" > "$BATS_TEST_TMPDIR/fsd.yaml"
	fsd_start --config "$BATS_TEST_TMPDIR/fsd.yaml"
	fsctl workspace create stalled
}

part() {
	/usr/bin/python3 "$FSD_ROOT/tests/stalled.py" "$1" >&2
	alive "$FSD_PID"
}

@test "200 stalled large uploads do not hold up small ones" {
	start_with "stall_bytes: 0"
	part large_do_not_hold_up_small
}

@test "stalled small uploads do not hold up large ones" {
	start_with "stall_bytes: 0, upload_memory: 16MiB"
	part small_do_not_hold_up_large
}

@test "who holds memory and brings nothing is cut off while others wait, and only then" {
	start_with "stall_time: 2s"
	part stalled_are_cut
	part slow_go_on
	fsctl check
}

@test "1000 half bodies of DeleteObjects take a bounded memory, and others come through" {
	ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1 start_with "stall_time: 2s"
	part bodies_are_bounded
}

@test "64 clients that go away during writes leave nothing behind" {
	start_with "threads: 4"
	/usr/bin/python3 "$FSD_ROOT/tests/hang_up.py" 8 >&2
	alive "$FSD_PID"
	fsctl check
}

@test "the daemon ends in the middle of writes, and what was answered is there" {
	start_with "threads: 4"
	/usr/bin/python3 "$FSD_ROOT/tests/hang_up.py" 30 > /dev/null 2>&1 &
	writers=$!
	sleep 3
	store_stop
	kill "$writers" && wait "$writers" || true
	"$FSD" --data "$STORE" --check > /dev/null
}
