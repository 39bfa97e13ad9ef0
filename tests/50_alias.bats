# Buckets as they were: NAME--at-SEQUENCE and NAME--at-20261122t100000z, read by real clients.
# test-timeout: 300
load lib/fsd
load lib/clients

setup_file() {
	store_new
	echo "domain: s3.example" > "$STORE/../fsd.yaml"
	fsd_start --config "$STORE/../fsd.yaml"
}
teardown_file() { store_stop; }

with_boto3() {	# TEST: in a bucket of its own, with a history
	python_setup
	export BUCKET=past-$1
	fsctl workspace create "$BUCKET"
	"$PYTHON" "$FSD_ROOT/tests/clients/alias_test.py" "$1"
}

@test "boto3: listings, reads, ranges and conditions as of each sequence" { with_boto3 reads; }
@test "boto3: a large object as it was, whole and in parts, and copied" { with_boto3 large; }
@test "boto3: what was is restored by copying it" { with_boto3 restore; }
@test "boto3: times" { with_boto3 times; }
@test "boto3: what is not there, and what the past refuses" { with_boto3 refusals; }

@test "virtual hosts name the past too" {
	local url=$FSD_URL code
	fsctl workspace create past-hosts
	printf 1 | s3_curl /past-hosts/v1/admin/status --data-binary @- -X PUT
	printf 2 | s3_curl /past-hosts/v1/admin/status --data-binary @- -X PUT
	FSD_URL=http://past-hosts--at-3.s3.example:$FSD_PORT
	there() { s3_curl "$@" --connect-to "past-hosts--at-3.s3.example:$FSD_PORT:127.0.0.1:$FSD_PORT"; }
	[ "$(there /v1/admin/status)" = 1 ]
	there '/?list-type=2' | grep -q '<Name>past-hosts--at-3</Name>.*<Key>v1/admin/status</Key>'
	code=$(there /k --data-binary x -X PUT -o /dev/null -w '%{http_code}')
	FSD_URL=$url
	[ "$code" = 405 ]
}

@test "a bucket without a history shows its past until content is replaced" {
	s3_curl /short -X PUT
	printf 1 | s3_curl /short/a --data-binary @- -X PUT
	printf 1 | s3_curl /short/b --data-binary @- -X PUT
	[ "$(s3_curl /short--at-1/a)" = 1 ]
	[ "$(s3_curl /short--at-1/b -o /dev/null -w '%{http_code}')" = 404 ]
	printf 2 | s3_curl /short/a --data-binary @- -X PUT
	[ "$(s3_curl /short--at-1/a -o /dev/null -w '%{http_code}')" = 404 ]
	[ "$(s3_curl /short--at-3/a)" = 2 ]
}

@test "a role on a part of the bucket is not enough" {
	fsctl workspace create parted
	printf 1 | s3_curl /parted/in/a --data-binary @- -X PUT
	fsctl user create kim
	fsctl grant add parted/in/ kim owner
	key=$(fsctl --json key create kim)
	as_kim() {
		AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$key") AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$key") \
			s3_curl "$@" -o /dev/null -w '%{http_code}'
	}
	[ "$(as_kim /parted/in/a)" = 200 ]
	[ "$(as_kim /parted--at-2/in/a)" = 403 ]
	[ "$(as_kim '/parted--at-2?list-type=2&prefix=in/')" = 403 ]
	[ "$(as_kim /parted/in/b -X PUT -H 'x-amz-copy-source: /parted--at-2/in/a')" = 403 ]
	fsctl grant add parted kim viewer
	[ "$(as_kim /parted--at-2/in/a)" = 200 ]
}

@test "aws-cli: a tree as it was is copied to a folder" {
	aws_setup
	fsctl workspace create past-aws
	printf one | aws_ s3 cp - s3://past-aws/dir/file
	printf two | aws_ s3 cp - s3://past-aws/dir/file
	aws_ s3 rm s3://past-aws/dir/file
	[ "$(aws_ s3 ls --recursive s3://past-aws--at-3/ | wc -l)" = 1 ]
	aws_ s3 cp --recursive s3://past-aws--at-2/ "$BATS_TEST_TMPDIR/then"
	[ "$(cat "$BATS_TEST_TMPDIR/then/dir/file")" = one ]
	aws_ s3 cp s3://past-aws--at-3/dir/file s3://past-aws/dir/file
	[ "$(aws_ s3 cp s3://past-aws/dir/file -)" = two ]
	! aws_ s3 cp "$FSD_ROOT/README.md" s3://past-aws--at-3/
}

@test "rclone: a tree as it was is synced to a folder and back" {
	rclone_setup
	fsctl workspace create past-rclone
	mkdir -p "$BATS_TEST_TMPDIR/a/sub"
	printf one > "$BATS_TEST_TMPDIR/a/sub/file"
	printf x > "$BATS_TEST_TMPDIR/a/top"
	rclone_ sync "$BATS_TEST_TMPDIR/a" fsd:past-rclone
	seq=$(fsctl --json changes past-rclone | jq -s 'map(.sequence) | max')
	rclone_ delete fsd:past-rclone
	rclone_ sync "fsd:past-rclone--at-$seq" "$BATS_TEST_TMPDIR/b"
	diff -r "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
	rclone_ check "fsd:past-rclone--at-$seq" "$BATS_TEST_TMPDIR/b"
	rclone_ sync "fsd:past-rclone--at-$seq" fsd:past-rclone
	rclone_ check fsd:past-rclone "$BATS_TEST_TMPDIR/b"
	! rclone_ delete "fsd:past-rclone--at-$seq"
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
