# Bad input over a raw socket: each group of bad_input/. Nothing is stored, the daemon lives, the store stays whole.
# test-timeout: 300
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

group() {
	run /usr/bin/python3 "$FSD_ROOT/tests/bad_input" "$1"
	echo "$output" >&2
	[ "$status" = 0 ]
	alive "$FSD_PID"
}

@test "bad input: signatures"         { group signatures; }
@test "bad input: digests"            { group digests; }
@test "bad input: aws-chunked bodies" { group chunked; }
@test "bad input: lengths and ranges" { group lengths; }
@test "bad input: XML"                { group xml; }
@test "bad input: headers"            { group headers; }
@test "bad input: names"              { group names; }
@test "bad input: request smuggling"  { group smuggling; }

@test "every group is run here" {
	groups=$(/usr/bin/python3 "$FSD_ROOT/tests/bad_input")
	[ "$groups" ]
	for g in $groups; do
		grep -q "group $g;" "$FSD_ROOT/tests/30_bad_input.bats"
	done
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
