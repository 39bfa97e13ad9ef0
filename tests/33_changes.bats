# The change feed: every mutation is told, in order, without a gap.
# test-timeout: 180
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

@test "16 writers, 16 readers: no reader sees a sequence skipped" {
	fsctl workspace create feed-many
	/usr/bin/python3 "$FSD_ROOT/tests/changes.py" feed-many >&2
}

@test "fsctl changes shows every kind of S3 write" {
	s3_curl /feed-kinds -X PUT
	printf x | s3_curl /feed-kinds/a/b --data-binary @- -X PUT
	printf y | s3_curl /feed-kinds/a/b --data-binary @- -X PUT
	s3_curl /feed-kinds/copy -X PUT -H 'x-amz-copy-source: /feed-kinds/a/b' > /dev/null
	s3_curl /feed-kinds/a/b -X DELETE
	run fsctl --json changes feed-kinds
	[ "$status" = 0 ]
	echo "$output" >&2
	# One JSON document a line, and nothing else.
	[ "$(jq -s 'map(.sequence) | . == [range(1; length + 1)]' <<< "$output")" = true ]
	[ "$(jq -r 'select(.kind == "file") | .name' <<< "$output" | tr '\n' ' ')" = "b b copy b " ]
	[ "$(jq -r 'select(.eventType | test("DELETED")) | .kind' <<< "$output" | sort | tr '\n' ' ')" = "file folder " ]
}

@test "fsctl changes --from goes on behind a sequence" {
	s3_curl /feed-from -X PUT
	for i in 1 2 3 4; do printf $i | s3_curl /feed-from/k$i --data-binary @- -X PUT; done
	all=$(fsctl --json changes feed-from | jq .sequence | tr '\n' ' ')
	set -- $all
	[ "$(fsctl --json changes feed-from --from "$2" | jq .sequence | tr '\n' ' ')" = "${all#"$1 $2 "}" ]
	[ -z "$(fsctl --json changes feed-from --from now)" ]
}

@test "fsctl changes --follow prints events as they come" {
	s3_curl /feed-follow -X PUT
	"$FSCTL" --data "$STORE" --json changes feed-follow --follow > "$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	sleep 1
	printf x | s3_curl /feed-follow/told --data-binary @- -X PUT
	within 60 grep -q '"told"' "$BATS_TEST_TMPDIR/out"
	kill -TERM "$pid"
	wait_gone "$pid" 60
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
