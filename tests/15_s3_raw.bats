# The S3 face with requests that no client library sends (s3_raw/): bad input, and what it must not harm.

load lib/fsd

setup_file() {
	store_start
}

teardown_file() {
	store_stop
}

raw() {
	/usr/bin/python3 "$FSD_ROOT/tests/s3_raw" "$1"
}

@test "signatures" { raw signatures; }
@test "presigned URLs" { raw presigned; }
@test "copies and conditions in presigned URLs" { raw hoisted; }
@test "digests are compared before anything is committed" { raw digests; }
@test "aws-chunked bodies" { raw chunked; }
@test "bodies that are cut short, too long or of no length" { raw bodies; }
@test "ranges" { raw ranges; }
@test "conditions" { raw conditions; }
@test "copies" { raw copies; }
@test "multipart uploads" { raw uploads; }
@test "XML" { raw xml; }
@test "elements of DeleteObjects that are not known" { raw deletions_by_list; }
@test "odd names" { raw names; }
@test "listings" { raw listings; }
@test "headers" { raw headers; }
@test "sub-resources that are not there" { raw subresources; }
@test "request smuggling" { raw smuggling; }
@test "quota, with 16 writers at once" { raw quota; }
@test "permission" { raw permissions; }
@test "attributes of an object" { raw attributes; }
@test "attributes of its parts" { raw attributes_of_parts; }
@test "a configuration that is not there can be deleted" { raw deletion_of_configuration; }
@test "configurations by id" { raw configurations_by_id; }
@test "headers that ask for what is not there are refused" { raw refused_headers; }
@test "queries that are not of a write" { raw odd_writes; }
@test "a key for what is not encrypted" { raw keys_of_customers; }
@test "odd reads" { raw odd_reads; }

# One page of all keys, 25 of them, behind the token of `page` if it is given; appended to `seen`.
page() {	# BUCKET [first]
	local token=
	[ "${2-}" ] || token=$(grep -o '<NextContinuationToken>[^<]*' page | cut -d '>' -f 2 | sed 's/+/%2B/g; s/=/%3D/g; s,/,%2F,g')
	s3_curl "/$1?${token:+continuation-token=$token&}list-type=2&max-keys=25" > page
	grep -o '<Key>[^<]*' page | cut -d '>' -f 2 >> seen
}

moved_between_pages() {	# BUCKET
	local i
	: > seen
	for i in $(seq 10 39); do
		for key in b/k ml/z/f y/k; do s3_curl "/$1/$key$i" -d "$i" -X PUT; done
	done
	page "$1" first
	# Some keys of the pages to come go, and some are replaced, before a folder moves to where the listing has been.
	s3_curl "/$1/y/k20" -X DELETE
	s3_curl "/$1/ml/z/f31" -X DELETE
	s3_curl "/$1/y/k21" -d new -X PUT
	s3_curl "/$1/ml/z/f32" -d new -X PUT
	page "$1"
	grep -q ml/z/f29 seen
	none grep -q ml/z/f30 seen
	fsctl mv -q "$1/ml/z/" "$1/a/"
	page "$1"
	s3_curl "/$1/y/k30" -d new -X PUT
	while grep -q '<IsTruncated>true' page; do page "$1"; done
	sort -u seen > once
	diff seen once
	{ for i in $(seq 10 39); do printf '%s\n' "b/k$i" "ml/z/f$i" "y/k$i"; done; } | grep -vxE 'ml/z/f31|y/k20' | sort > wanted
	# What was there is there still, or was told by the first pages; what is gone since may be told or not.
	grep -vxE 'ml/z/f31|y/k20' seen | diff wanted -
	: > seen
	page "$1" first
	while grep -q '<IsTruncated>true' page; do page "$1"; done
	[ "$(grep -c "^a/z/f" seen)" = 29 ] && ! grep -q ml/ seen
}

@test "a folder that moves between two pages of a listing hides no key and doubles none" {
	cd "$BATS_TEST_TMPDIR"
	fsctl -q workspace create raw-moved
	moved_between_pages raw-moved
	s3_curl /raw-moved-too -X PUT	# keeps no history
	moved_between_pages raw-moved-too
	# The other way round: to where the listing will come.
	: > seen
	page raw-moved first
	fsctl mv -q raw-moved/a/ raw-moved/z/
	while grep -q '<IsTruncated>true' page; do page raw-moved; done
	[ "$(sort seen | uniq -d | wc -l)" = 0 ]
	[ "$(wc -l < seen)" = 89 ]
	none grep -q '^z/' seen
	[ "$(s3_curl "/raw-moved?continuation-token=aw%3D%3D&list-type=2" -o /dev/null -w '%{http_code}')" = 400 ]
}

@test "every group of checks has a test here" {
	groups=$(/usr/bin/python3 "$FSD_ROOT/tests/s3_raw")
	[ "$groups" ]
	for group in $groups; do
		grep -qE "raw $group" "$FSD_ROOT"/tests/1[56]_*.bats || fail "no test runs $group"
	done
}
