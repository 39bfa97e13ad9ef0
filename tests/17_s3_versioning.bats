# Bucket versioning: raw requests (versioning.py), boto3 (clients/boto3_versions.py), aws-cli and rclone.
# test-timeout: 600
load lib/fsd
load lib/clients

setup_file()    { store_start; }
teardown_file() { store_stop; }

raw() {
	/usr/bin/python3 "$FSD_ROOT/tests/versioning.py" "$1"
}

with_debian() {
	python_setup
	"$PYTHON" "$FSD_ROOT/tests/clients/boto3_versions.py" "$1"
}

with_newest() {
	newest_boto3_setup
	"$PYTHON" "$FSD_ROOT/tests/clients/boto3_versions.py" "$1"
}

@test "PutBucketVersioning: what it takes and what it refuses" { raw configuration; }
@test "version ids and markers in the headers of every call" { raw headers; }
@test "conditions are of the current version" { raw conditions; }
@test "version ids that name nothing" { raw ids; }
@test "the feed, history and trash beside versions" { raw feed; }
@test "the version null of a bucket that was never versioned is the object" { raw null; }
@test "the quota counts noncurrent versions" { raw quota; }
@test "a bucket of versions or markers alone is not empty" { raw emptying; }

@test "every group of checks has a test here" {
	for group in $(/usr/bin/python3 "$FSD_ROOT/tests/versioning.py"); do
		grep -q "{ raw $group; }" "$FSD_ROOT/tests/17_s3_versioning.bats" || fail "no test runs $group"
	done
}

@test "Debian's boto3: never, enabled, suspended, enabled" { with_debian states; }
@test "Debian's boto3: markers" { with_debian markers; }
@test "Debian's boto3: copies restore versions" { with_debian copies; }
@test "Debian's boto3: multipart" { with_debian multipart; }
@test "Debian's boto3: ListObjectVersions" { with_debian listing; }
@test "Debian's boto3: DeleteObjects" { with_debian delete_objects; }

@test "newest boto3: never, enabled, suspended, enabled" { with_newest states; }
@test "newest boto3: markers" { with_newest markers; }
@test "newest boto3: copies restore versions" { with_newest copies; }
@test "newest boto3: multipart" { with_newest multipart; }
@test "newest boto3: ListObjectVersions" { with_newest listing; }
@test "newest boto3: DeleteObjects" { with_newest delete_objects; }

@test "who may not manage a bucket may not switch versioning" {
	local out role
	fsctl user create ed
	out=$(fsctl --json key create ed)
	s3_curl /mine -X PUT
	as_ed() {
		AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$out") AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$out") s3_curl \
			'/mine?versioning=' -X PUT -d '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'
	}
	for role in viewer editor; do
		fsctl grant add mine ed $role
		[[ "$(as_ed)" = *AccessDenied* ]]
		[[ "$(s3_curl '/mine?versioning=')" != *Status* ]]
	done
	fsctl grant add mine ed owner
	[ -z "$(as_ed)" ]
	[[ "$(s3_curl '/mine?versioning=')" = *Enabled* ]]
}

@test "aws-cli: a round trip" {
	aws_setup
	cd "$BATS_TEST_TMPDIR"
	aws_ s3api create-bucket --bucket cli
	aws_ s3api put-bucket-versioning --bucket cli --versioning-configuration Status=Enabled
	[ "$(aws_ s3api get-bucket-versioning --bucket cli --query Status --output text)" = Enabled ]
	run aws_ s3api put-bucket-versioning --bucket cli --versioning-configuration Status=Enabled,MFADelete=Enabled --mfa "x 123456"
	[ "$status" != 0 ]
	[[ "$output" == *NotImplemented*MFA* ]]
	printf one > one
	printf two > two
	one=$(aws_ s3api put-object --bucket cli --key d/k --body one --query VersionId --output text)
	two=$(aws_ s3api put-object --bucket cli --key d/k --body two --query VersionId --output text)
	aws_ s3 rm s3://cli/d/k
	run aws_ s3api head-object --bucket cli --key d/k
	[ "$status" != 0 ]
	[ "$(aws_ s3api list-object-versions --bucket cli --query '[length(Versions),length(DeleteMarkers)]' --output text)" = $'2\t1' ]
	aws_ s3api get-object --bucket cli --key d/k --version-id "$one" got
	cmp one got
	aws_ s3api copy-object --bucket cli --key d/k --copy-source "cli/d/k?versionId=$two" > /dev/null
	aws_ s3 cp s3://cli/d/k got
	cmp two got
	run aws_ s3 rb --force s3://cli
	[ "$status" != 0 ]
	# What the shell makes of one listing goes with one call.
	aws_ s3api delete-objects --bucket cli --delete "$(aws_ s3api list-object-versions --bucket cli --output json \
		--query '{Objects: [Versions,DeleteMarkers][].{Key: Key, VersionId: VersionId}}')" > /dev/null
	aws_ s3 rb s3://cli
}

@test "rclone: old versions by name and by time, and the bucket's setting" {
	rclone_setup
	cd "$BATS_TEST_TMPDIR"
	rclone_ mkdir fsd:rclone-versions
	rclone_ backend versioning fsd:rclone-versions Enabled
	[[ "$(rclone_ backend versioning fsd:rclone-versions)" = *Enabled* ]]
	mkdir d
	echo one > d/k.txt
	rclone_ copy d fsd:rclone-versions
	sleep 1.1
	between=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	sleep 1.1
	echo two-two > d/k.txt
	rclone_ copy d fsd:rclone-versions
	[ "$(rclone_ cat fsd:rclone-versions/k.txt)" = two-two ]
	[ "$(rclone_ lsf --s3-versions fsd:rclone-versions | wc -l)" = 2 ]
	old=$(rclone_ lsf --s3-versions fsd:rclone-versions | grep -v '^k.txt$')
	[ "$(rclone_ cat --s3-versions "fsd:rclone-versions/$old")" = one ]
	[ "$(rclone_ cat --s3-version-at "$between" fsd:rclone-versions/k.txt)" = one ]
	rclone_ deletefile fsd:rclone-versions/k.txt
	[ -z "$(rclone_ lsf fsd:rclone-versions)" ]
	[ "$(rclone_ lsf --s3-versions fsd:rclone-versions | wc -l)" = 2 ]
	rclone_ backend cleanup-hidden fsd:rclone-versions
	[ -z "$(rclone_ lsf --s3-versions fsd:rclone-versions)" ]
}

@test "the store is sound after all that" {
	fsctl check
}
