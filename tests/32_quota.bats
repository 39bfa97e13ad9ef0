# Quota: never passed, however many write at once; what is refused leaves nothing.
# test-timeout: 240
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

@test "16 writers never pass the quota" {
	fsctl workspace create quota-many --quota 12MiB
	/usr/bin/python3 "$FSD_ROOT/tests/quota.py" quota-many $((12 << 20)) >&2
}

@test "what open uploads hold counts too, under 16 writers" {
	fsctl workspace create quota-open --quota 8MiB
	/usr/bin/python3 "$FSD_ROOT/tests/quota_open.py" quota-open $((8 << 20)) "$FSCTL" --data "$STORE" check >&2
}

@test "a quota can be raised, lowered below what is there, and taken away" {
	fsctl workspace create quota-set --quota 10KiB
	[ "$(fsctl --json workspace show quota-set | json quotaBytes)" = 10240 ]
	random_file "$BATS_TEST_TMPDIR/f" 10241
	[ "$(s3_curl /quota-set/f -T "$BATS_TEST_TMPDIR/f" -o "$BATS_TEST_TMPDIR/reply" -w '%{http_code}')" = 403 ]
	grep -q '<Code>QuotaExceeded</Code>' "$BATS_TEST_TMPDIR/reply"
	fsctl workspace set quota-set --quota 20KiB
	[ "$(s3_curl /quota-set/f -T "$BATS_TEST_TMPDIR/f" -o /dev/null -w '%{http_code}')" = 200 ]
	fsctl workspace set quota-set --quota 1KiB
	# What is there stays and can be read and deleted; nothing can be added.
	s3_curl /quota-set/f | cmp - "$BATS_TEST_TMPDIR/f"
	[ "$(printf x | s3_curl /quota-set/g --data-binary @- -X PUT -o /dev/null -w '%{http_code}')" = 403 ]
	[ "$(s3_curl /quota-set/g -o /dev/null -w '%{http_code}')" = 404 ]
	[ "$(s3_curl /quota-set/copy -X PUT -H 'x-amz-copy-source: /quota-set/f' -o /dev/null -w '%{http_code}')" = 403 ]
	[ "$(s3_curl /quota-set/f -X DELETE -o /dev/null -w '%{http_code}')" = 204 ]
	[ "$(printf x | s3_curl /quota-set/g --data-binary @- -X PUT -o /dev/null -w '%{http_code}')" = 200 ]
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
