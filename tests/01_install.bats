#!/usr/bin/env bats
# test-timeout: 300
# make install, make help and the systemd unit.

load lib/fsd

setup() {
	cd "$FSD_ROOT"
	# Variables of an outer make must not reach this one.
	unset MAKEFLAGS MAKELEVEL MFLAGS MAKEOVERRIDES
}

@test "make install puts programs, unit, man pages and policies in their places" {
	local root=$BATS_TEST_TMPDIR/root p
	make -s install DESTDIR="$root" PREFIX=/opt/fsd
	[ -x "$root/opt/fsd/bin/fsd" ]
	[ -x "$root/opt/fsd/bin/fsctl" ]
	grep -q '^ExecStart=/opt/fsd/bin/fsd ' "$root/opt/fsd/lib/systemd/system/fsd.service"
	for p in man/*.[1578]; do
		[ ! -f "$p" ] || cmp "$p" "$root/opt/fsd/share/man/man${p##*.}/${p##*/}"
	done
	for p in policies/*.yaml; do
		[ ! -f "$p" ] || cmp "$p" "$root/opt/fsd/share/fsd/policies/${p##*/}"
	done
	run find "$root" -perm /022 -not -type l
	[ -z "$output" ]
}

@test "systemd accepts the unit" {
	need systemd-analyze
	local unit=$BATS_TEST_TMPDIR/fsd.service
	# The program must exist for this check, and the man pages need not.
	sed -e "s,@bindir@/fsd,$FSD_BUILD/fsd," -e '/^Documentation=/d' fsd/fsd.service > "$unit"
	run systemd-analyze verify "$unit"
	echo "$output"
	[ "$status" = 0 ]
	[[ "$output" != *"fsd.service:"* ]]
}

@test "make help names the targets" {
	run make -s help
	[ "$status" = 0 ]
	for t in all run check check-all bench install clean; do
		grep -q "^$t " <<< "$output"
	done
}

@test "make run creates a store, writes dev.env, prints what to type and serves" {
	local data=$BATS_TEST_TMPDIR/data port log=$BATS_TEST_TMPDIR/run.log
	port=$(free_port)
	DATA=$data LISTEN=127.0.0.1:$port BUILD=$FSD_BUILD fsd/run.sh > "$log" 2>&1 </dev/null 3>&- &
	FSD_PID=$! FSD_LOG=$log FSD_URL=http://127.0.0.1:$port
	wait_ready || { cat "$log"; false; }
	[ "$(stat -c %a "$data/dev.env")" = 600 ]
	grep -q "dev.env" "$log"
	grep -q "^  aws --endpoint-url $FSD_URL s3 mb s3://photos 2>/dev/null; aws " "$log"
	( # pasted as it stands, in a shell of its own
		sed -n 's/^  //p' "$log" > "$BATS_TEST_TMPDIR/pasted"
		printf 'read me\n' > "$BATS_TEST_TMPDIR/README.md"
		cd "$BATS_TEST_TMPDIR"
		[ "$(bash pasted 2>&1 | tail -n 1)" = "read me" ]
	)
	fsd_stop

	# Again, elsewhere: the same credentials at the new address.
	port=$(free_port)
	cp "$data/dev.env" "$BATS_TEST_TMPDIR/before"
	DATA=$data LISTEN=127.0.0.1:$port BUILD=$FSD_BUILD fsd/run.sh > "$log" 2>&1 </dev/null 3>&- &
	FSD_PID=$! FSD_URL=http://127.0.0.1:$port
	wait_ready || { cat "$log"; false; }
	[ "$(grep SECRET "$data/dev.env")" = "$(grep SECRET "$BATS_TEST_TMPDIR/before")" ]
	grep -q "^export AWS_ENDPOINT_URL='$FSD_URL'" "$data/dev.env"
	[ "$(stat -c %a "$data/dev.env")" = 600 ]
	fsd_stop
}

teardown() {
	fsd_stop
}
