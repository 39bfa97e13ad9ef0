# Kills fsd and cuts its power under load; nothing acknowledged may be lost.
# test-timeout: 900
load lib/fsd

crash() {
	/usr/bin/python3 "$FSD_ROOT/tests/crash/crash.py" "$@"
}

# Builds a variant with a planted bug and runs power cuts until one is noticed.
planted() {	# VARIANT ROUNDS
	need_root
	make -s -C "$FSD_ROOT" VARIANT="$1" >&2 || return 1
	run crash powercut --build "$FSD_ROOT/build/$1" --rounds "$2" --seconds 1.5
	[ "$status" != 77 ] || skip "loop mounts are not allowed here"
	echo "$output" >&2
	[ "$status" = 1 ]
	[[ $output == *lost:* ]]
}

@test "SIGKILL under load loses nothing" {
	crash kill --build "$FSD_BUILD" --rounds 4 --seconds 3
}

@test "init killed at any moment leaves nothing or a store, and never what the next init refuses" {
	local i pid dir=$BATS_TEST_TMPDIR/killed took
	took=$(date +%s%N)
	"$FSD" --data "$dir" --init > /dev/null
	took=$((($(date +%s%N) - took) / 1000))
	rm -rf "$dir"
	for i in {1..50}; do
		rm -rf "${dir:?}"
		mkdir "$dir"
		"$FSD" --data "$dir" --init > /dev/null 3>&- &
		pid=$!
		sleep "$(printf '0.%06d' $((RANDOM * took / 32768 % 1000000)))"
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" || true
		if [ ! -e "$dir/VERSION" ]; then
			run "$FSD" --data "$dir" --init
			[ "$status" = 0 ] || fail "round $i: $output; $(ls -AR "$dir")" || return 1
		fi
		[ $((i % 10)) != 0 ] || "$FSD" --data "$dir" --check > /dev/null || return 1
	done
}

@test "a power cut under load loses nothing" {
	need_root
	make -s -C "$FSD_ROOT" >&2
	run crash powercut --build "$FSD_ROOT/build" --rounds 5 --seconds 3
	[ "$status" != 77 ] || skip "loop mounts are not allowed here"
	echo "$output" >&2
	[ "$status" = 0 ]
}

@test "planted bug: segments are not flushed, and the power cut notices" {
	planted bug-noflush 30
}

@test "planted bug: synchronous=NORMAL, and the power cut notices" {
	planted bug-normal 30
}

@test "planted bug: acknowledged before the commit, and the power cut notices" {
	planted bug-early 60
}
