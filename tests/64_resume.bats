#!/usr/bin/env bats
# test-timeout: 240
# What a put that was interrupted leaves behind, and when the next one goes on with it.
load lib/fsd
load lib/transfer

setup_file() {
	export TMPDIR=$BATS_FILE_TMPDIR
	store_start
}

teardown_file() {
	store_stop && no_reports
}

setup() {
	W=ws$BATS_TEST_NUMBER
	D=$BATS_TEST_TMPDIR
	export XDG_STATE_HOME=$D/state
	mkdir "$XDG_STATE_HOME"
	fsctl -q workspace create "$W"
}

session() {	# the one that is kept
	jq -er .uploadSessionId "$XDG_STATE_HOME"/fsctl/uploads/*
}

is_kept() {	# jq takes a file that is empty for no failure
	[ "$(session 2>/dev/null)" ]
}

none_is_kept() {
	[ -z "$(ls "$XDG_STATE_HOME/fsctl/uploads")" ]
}

held() {	# bytes of sessions that are open there
	fsctl workspace show "$W" --json | jq .uploadBytes
}

holds() {
	[ "$(held)" -gt 0 ]
}

# A put that has brought a part of what it sends, and is far from its end.
put_slowly() {	# RATE ARGUMENTS...: PID
	"$FSCTL" --data "$STORE" --json put --bwlimit "$@" <&0 > "$D/out" 3>&- &
	PID=$!
	within 60 holds
}

put_and_kill() {	# FILE PLACE
	put_slowly 2MiB/s "$@"
	within 60 is_kept
	kill -KILL $PID
	wait $PID || true
}

@test "put goes on with no file that was written to, whatever its size and time" {
	local mtime
	random_file "$D/a" 30000000
	mtime=$(stat -c %y "$D/a")
	put_and_kill "$D/a" "$W/byte"
	printf X | dd of="$D/a" conv=notrunc status=none
	touch -d "$mtime" "$D/a"
	run fsctl put "$D/a" "$W/byte"; status_is 0
	fsctl -q get "$W/byte" "$D/back"
	cmp "$D/a" "$D/back"
	put_and_kill "$D/a" "$W/all"
	random_file "$D/a" 30000000
	touch -d "$mtime" "$D/a"
	run fsctl put "$D/a" "$W/all"; status_is 0
	fsctl -q get "$W/all" "$D/back"
	cmp "$D/a" "$D/back"
}

@test "put goes on with a file that has another number by now" {
	between <<- 'END'
		#include <dlfcn.h>
		#include <sys/stat.h>

		/* As file systems in user space do with one that they forgot meanwhile. */
		static int with_number(int rc, struct stat *st)
		{
			st->st_ino += !rc && st->st_size == 30000000 ? 1000000 : 0;
			return rc;
		}

		int stat(const char *path, struct stat *st)
		{
			return with_number(((int (*)(const char *, struct stat *))dlsym(RTLD_NEXT, "stat"))(path, st), st);
		}

		int fstat(int fd, struct stat *st)
		{
			return with_number(((int (*)(int, struct stat *))dlsym(RTLD_NEXT, "fstat"))(fd, st), st);
		}
	END
	random_file "$D/a" 30000000
	put_and_kill "$D/a" "$W/a"
	moved "$(fsctl_between put --json "$D/a" "$W/a" | jq -c 'select(.type == "summary")')" 1 29500000
	fsctl -q get "$W/a" "$D/back"
	cmp "$D/a" "$D/back"
	none_is_kept
}

@test "a session that does not fit the file is given up for a new one" {
	local old new
	random_file "$D/a" 30000000
	put_and_kill "$D/a" "$W/a"
	old=$(session)
	mv "$XDG_STATE_HOME/fsctl/uploads" "$D/old"
	random_file "$D/a" 30000000
	put_and_kill "$D/a" "$W/a"
	new=$(session)
	sed -i "s/$new/$old/" "$XDG_STATE_HOME"/fsctl/uploads/*
	[ "$(session)" = "$old" ]
	fsctl put --json "$D/a" "$W/a" > "$D/out"
	[ "$(tail -n 1 "$D/out" | jq -c '[.items, .errors, .exitCode]')" = '[1,0,0]' ]
	fsctl -q get "$W/a" "$D/back"
	cmp "$D/a" "$D/back"
	none_is_kept
}

@test "put goes to the folder that is at the path now" {
	random_file "$D/a" 30000000
	echo other > "$D/other"
	fsctl -q put "$D/other" "$W/m/x"
	put_and_kill "$D/a" "$W/m/a"
	fsctl -q mv "$W/m" "$W/moved"
	fsctl -q put "$D/other" "$W/m/x"
	run fsctl put "$D/a" "$W/m/a"; status_is 0
	[ "$(fsctl ls "$W/moved")" = x ]
	fsctl -q get "$W/m/a" "$D/back"
	cmp "$D/a" "$D/back"
	# Nothing of what was begun stays.
	none_is_kept
	[ "$(held)" = 0 ]
}

@test "put replaces the file that is at the path now" {
	random_file "$D/a" 30000000
	echo old > "$D/old"
	echo other > "$D/other"
	fsctl -q put "$D/old" "$W/x/a"
	put_and_kill "$D/a" "$W/x/a"
	fsctl -q mv "$W/x/a" "$W/x/archive"
	fsctl -q put "$D/other" "$W/x/a"
	run fsctl put "$D/a" "$W/x/a"; status_is 0
	[ "$(fsctl get "$W/x/archive" -)" = old ]
	fsctl -q get "$W/x/a" "$D/back"
	cmp "$D/a" "$D/back"
	[ "$(held)" = 0 ]
}

@test "put builds on the version that is there now" {
	random_file "$D/a" 30000000
	echo old > "$D/old"
	echo newer > "$D/newer"
	fsctl -q put "$D/old" "$W/a"
	put_and_kill "$D/a" "$W/a"
	fsctl -q put "$D/newer" "$W/a"
	run fsctl put "$D/a" "$W/a"; status_is 0
	fsctl -q get "$W/a" "$D/back"
	cmp "$D/a" "$D/back"
	[ "$(fsctl versions list "$W/a" --json | jq '.versions | length')" = 3 ]
	[ "$(held)" = 0 ]
	# One that was new and is there by now.
	put_and_kill "$D/a" "$W/b"
	fsctl -q put "$D/newer" "$W/b"
	run fsctl put "$D/a" "$W/b"; status_is 0
	fsctl -q get "$W/b" "$D/back"
	cmp "$D/a" "$D/back"
	[ "$(held)" = 0 ]
	none_is_kept
}

@test "two puts of one file to one place both end well" {
	random_file "$D/a" 30000000
	put_slowly 4MiB/s "$D/a" "$W/a"
	kill -STOP $PID
	run fsctl put "$D/a" "$W/a"; status_is 0
	kill -CONT $PID
	wait $PID
	[ "$(tail -n 1 "$D/out" | jq -c '[.items, .errors]')" = '[1,0]' ]
	fsctl -q get "$W/a" "$D/back"
	cmp "$D/a" "$D/back"
	[ "$(held)" = 0 ]
	none_is_kept
}

@test "a session that is refused for good is aborted" {
	local rc=0
	random_file "$D/a" 30000000
	echo other > "$D/other"
	put_slowly 4MiB/s "$D/a" "$W/a"
	kill -STOP $PID
	run fsctl put "$D/other" "$W/a"; status_is 0
	kill -CONT $PID
	wait $PID || rc=$?
	[ $rc = 1 ]
	[ "$(fsctl get "$W/a" -)" = other ]
	[ "$(held)" = 0 ]
	none_is_kept
}

@test "an interrupted put of what can't be sent again leaves nothing" {
	local i rc
	random_file "$D/a" 30000000
	mkdir "$D/t"
	# Of files that are there already parts arrive one by one.
	for i in 1 2 3 4; do echo $i > "$D/t/$i"; done
	fsctl -q put -r "$D/t" "$W/t"
	for i in 1 2 3 4; do random_file "$D/t/$i" 8000000; done
	for i in "- $W/a" "-r $D/t $W/t"; do
		put_slowly 2MiB/s $i < "$D/a"
		rc=0
		kill -TERM $PID
		wait $PID || rc=$?
		[ $rc = 143 ]
		[ "$(held)" = 0 ] || fail "$i: $(held) bytes are held"
		none_is_kept
	done
	# What is kept stays.
	put_slowly 2MiB/s "$D/a" "$W/a"
	kill -TERM $PID
	wait $PID || true
	holds
	is_kept
}
