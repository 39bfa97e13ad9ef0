# Random steps over S3 and JSON against a reference; and bugs that it must find.
# test-timeout: 900
load lib/fsd

model() {	# BUILD STEPS
	/usr/bin/python3 "$FSD_ROOT/tests/model/model.py" --build "$1" --steps "$2" "${@:3}"
}

# Each bug shows itself within some hundred steps of one of a few seeds; the rarest in three of sixteen.
finds() {	# BUG
	local seed
	for seed in {1..40}; do
		FSD_BUG=$1 run model "$FSD_ROOT/build/bugs" 400 --seed "$seed" --no-shrink
		[ "$status" != 1 ] || return 0
		[ "$status" = 0 ] || fail "$output" || return 1
	done
	fail "nobody noticed $1"
}

setup_file() {
	make -s -C "$FSD_ROOT" VARIANT=bugs programs >&2
}

# The same steps each time, two runs at once; other seeds, and any number, by hand. Names of conflict copies have the time in them, which
# what comes after would hang on: those steps are in the short runs.
@test "10,000 steps agree with the reference" {
	local seed
	for seed in 201 204; do
		model "$FSD_ROOT/build" 2500 --seed $seed --without stale_upload >&2 &
		model "$FSD_ROOT/build" 2500 --seed $((seed + 1)) --without stale_upload >&2
		wait $!
	done
}

@test "conflicts agree with the reference" {
	model "$FSD_ROOT/build" 300 --seed 1 >&2
}

@test "a run that is ended leaves no daemon and no store" {
	local signal run fsd
	export TMPDIR=$BATS_TEST_TMPDIR
	for signal in TERM KILL; do
		/usr/bin/python3 "$FSD_ROOT/tests/model/model.py" --build "$FSD_ROOT/build" --steps 100000 >&2 3>&- &
		run=$!
		for _ in $(seq 900); do
			fsd=$(pgrep -P "$run" -x fsd) && break
			sleep 0.1
		done
		[ -n "$fsd" ] || fail "no daemon was started"
		kill -$signal "$run"
		wait "$run" || true
		for _ in $(seq 600); do
			[ -d "/proc/$fsd" ] || break
			sleep 0.1
		done
		[ ! -d "/proc/$fsd" ] || { kill -KILL "$fsd"; fail "SIG$signal: the daemon $fsd went on"; }
		[ $signal = KILL ] || [ -z "$(ls -A "$TMPDIR")" ] || fail "SIG$signal: $(ls "$TMPDIR") is left"
	done
}

@test "the reference notices ten bugs and more" {
	for bug in base cache conflict copy event idempotency path quota revoked sequence undelete; do
		finds "$bug" || return 1
	done
}
