#!/usr/bin/env bats
# test-timeout: 240
# The first five minutes of a newcomer: a store, a daemon, an object there and back.

load lib/fsd
load lib/clients

setup_file() {
	store_start
}

teardown_file() {
	store_stop
}

@test "init prints the credentials once and never makes a second store in the same place" {
	[ "${#AWS_ACCESS_KEY_ID}" -ge 16 ]
	[ "${#AWS_SECRET_ACCESS_KEY}" -ge 32 ]
	[ "${#FSD_TOKEN}" -ge 32 ]
	run fsctl init
	[ "$status" != 0 ]
	[[ "$output" != *"$AWS_SECRET_ACCESS_KEY"* ]]
}

@test "a store has one owner" {
	run timeout 90 "$FSD" --data "$STORE" --listen "127.0.0.1:$(free_port)"
	[ "$status" = 11 ]
}

@test "healthz and readyz answer 200" {
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$FSD_URL/healthz")" = 200 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$FSD_URL/readyz")" = 200 ]
}

@test "a browser that opens / gets a page" {
	run curl -sS -i -H 'Accept: text/html,application/xhtml+xml' -H 'User-Agent: Mozilla/5.0' "$FSD_URL/"
	[[ "$output" == *" 200 "* ]]
	[[ "$output" == *"text/html"* ]]
	[[ "$output" != *"<Error>"* ]]
}

@test "a request without a signature is refused" {
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X PUT "$FSD_URL/nobody")" = 403 ]
}

@test "the lines that make run prints work" {
	cd "$BATS_TEST_TMPDIR"
	printf 'hello from a file\n' > README.md
	aws_setup
	aws_ s3 mb s3://photos
	aws_ s3 cp README.md s3://photos/
	run s3_curl /photos/README.md
	[ "$status" = 0 ]
	[ "$output" = "hello from a file" ]
}

@test "aws: there, listed, back and gone, in one part and in several" {
	cd "$BATS_TEST_TMPDIR"
	aws_setup
	aws_ s3 mb s3://smoke
	random_file small 1000
	random_file large 17000000
	aws_ s3 cp small s3://smoke/a/small
	aws_ s3 cp large s3://smoke/a/large
	[ "$(aws_ s3 ls s3://smoke/a/ | awk '{ print $3, $4 }' | tr '\n' ' ')" = "17000000 large 1000 small " ]
	aws_ s3 cp s3://smoke/a/small small.back
	aws_ s3 cp s3://smoke/a/large large.back
	cmp small small.back
	cmp large large.back
	aws_ s3 rm --recursive s3://smoke/a/
	[ -z "$(aws_ s3 ls --recursive s3://smoke/)" ]
	aws_ s3 rb s3://smoke
}

@test "what was stored is there after a stop and after SIGKILL" {
	aws_setup
	store_new "$BATS_TEST_TMPDIR/own"
	fsd_start
	aws_ s3 mb s3://kept
	printf one | aws_ s3 cp - s3://kept/one
	fsd_stop
	fsd_start
	printf two | aws_ s3 cp - s3://kept/two
	fsd_kill
	fsd_start
	[ "$(aws_ s3 cp s3://kept/one -)" = one ]
	[ "$(aws_ s3 cp s3://kept/two -)" = two ]
	fsd_stop
}

@test "fsctl status and check see the running store" {
	run fsctl status
	[ "$status" = 0 ]
	run fsctl check
	[ "$status" = 0 ]
}
