# What fsd gives out and takes back as its own: no flipped bit is accepted.
# test-timeout: 240
load lib/fsd

setup()    { store_start; }
teardown() { store_stop; }

part() {
	/usr/bin/python3 "$FSD_ROOT/tests/tokens.py" "$1" >&2
}

@test "the continuation token of a bucket's listing" { part objects; }

@test "a continuation token opens the past of a part to nobody" { part parts; }

@test "the continuation token of the list of buckets" { part buckets; }

@test "the id of a multipart upload, which never reaches another" { part uploads; }

@test "cursors, marks of pages and download URLs" { part sync; }

@test "where a listing goes on is a place, and no token" { part positions; }
