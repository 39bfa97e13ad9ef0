# The S3 face with requests that no client library sends (s3_raw.py): bad input, and what it must not harm.

load lib/fsd

setup_file() {
	store_start
}

teardown_file() {
	store_stop
}

raw() {
	/usr/bin/python3 "$FSD_ROOT/tests/s3_raw.py" "$1"
}

@test "signatures" { raw signatures; }
@test "presigned URLs" { raw presigned; }
@test "digests are compared before anything is committed" { raw digests; }
@test "aws-chunked bodies" { raw chunked; }
@test "bodies that are cut short, too long or of no length" { raw bodies; }
@test "ranges" { raw ranges; }
@test "conditions" { raw conditions; }
@test "copies" { raw copies; }
@test "multipart uploads" { raw uploads; }
@test "XML" { raw xml; }
@test "odd names" { raw names; }
@test "headers" { raw headers; }
@test "sub-resources that are not there" { raw subresources; }
@test "request smuggling" { raw smuggling; }
@test "quota, with 16 writers at once" { raw quota; }
@test "permission" { raw permissions; }

@test "every group of checks has a test here" {
	for group in $(/usr/bin/python3 "$FSD_ROOT/tests/s3_raw.py"); do
		grep -qE "raw(.py)? $group" "$FSD_ROOT"/tests/1[56]_*.bats || fail "no test runs $group"
	done
}
