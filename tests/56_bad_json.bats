# Bad input to the JSON API: each group of bad_json.py. Stable codes, nothing changes, strangers learn nothing.
# test-timeout: 300
load lib/fsd

setup_file() {
	store_start
	fsctl user create ann --may-create-buckets
	for u in vic eve; do fsctl user create $u; done
	ANN=$(fsctl -q token create ann) VIC=$(fsctl -q token create vic) EVE=$(fsctl -q token create eve)
	EXPIRED=$(fsctl -q token create ann --expires 1s)
	revoked=$(fsctl --json token create ann)
	REVOKED=$(json token <<< "$revoked")
	fsctl token delete ann "$(json tokenId <<< "$revoked")"
	export ANN VIC EVE EXPIRED REVOKED
	sleep 1
}
teardown_file() { store_stop; }

group() {
	run /usr/bin/python3 "$FSD_ROOT/tests/bad_json.py" "$1"
	echo "$output" >&2
	[ "$status" = 0 ]
	alive "$FSD_PID"
}

@test "bad JSON: malformed"                         { group malformed; }
@test "bad JSON: unknown fields"                    { group unknown_fields; }
@test "bad JSON: wrong types and ranges"            { group wrong_types; }
@test "bad JSON: elements of lists"                 { group elements; }
@test "bad JSON: names"                             { group names; }
@test "bad JSON: queries"                           { group queries; }
@test "bad JSON: ids"                               { group ids; }
@test "bad JSON: strangers"                         { group strangers; }
@test "bad JSON: viewers"                           { group viewers; }
@test "bad JSON: tokens"                            { group tokens; }
@test "bad JSON: versions, places and users of others" { group mismatches; }
@test "bad JSON: guessed names"                     { group guesses; }

@test "every group is run here" {
	for g in $(/usr/bin/python3 "$FSD_ROOT/tests/bad_json.py"); do
		grep -q "group $g;" "$FSD_ROOT/tests/56_bad_json.bats"
	done
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
