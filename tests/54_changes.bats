# GET /v1/changes, /v1/events and devices: what each reader is told, when, and by which cursor.
# test-timeout: 240
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

changes() {	# TEST [ARGUMENTS...]
	/usr/bin/python3 "$FSD_ROOT/tests/changes_json.py" "$FSCTL" "$STORE" "$@" >&2
}

@test "16 writers, 16 readers: no reader sees a sequence skipped, and each folds the feed into the tree" {
	changes many
}

@test "a cursor with any bit flipped is refused, and so are those of others" {
	changes forged
}

@test "a cursor below the log is told where to list" {
	export CUT=$BATS_TEST_TMPDIR/cut
	store_new "$BATS_TEST_TMPDIR/cut-store"
	fsd_start
	changes expired
	fsd_stop
	/usr/bin/python3 - "$STORE/meta.db" <<-'END'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute("UPDATE workspace SET horizon = 2")
		db.execute("DELETE FROM change_event WHERE sequence <= 2")
		db.commit()
	END
	fsd_start
	changes expired
	fsd_stop
}

@test "a wait ends some milliseconds after the commit" {
	changes wait
}

@test "a wait ends with its token" {
	changes ended
}

@test "a wait ends with its workspace" {
	changes deleted
}

@test "a file that is shared by itself is told with its version, size and hash" {
	changes gained
}

@test "who lost access is told so once, and then nothing" {
	changes lost
}

@test "devices belong to their user, and acknowledge" {
	changes devices
}

@test "an event stream hints at what aws writes, at new grants, and ends with its token" {
	need aws
	changes stream
}

@test "an event stream says that it is not for all of 1,001 workspaces" {
	changes crowd
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
