# What bytes cost: the same content once, a changed copy its changed chunks, text compressed; gc gives back.
# test-timeout: 300
load lib/fsd

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf 'grace: 0\ngc: {every: 0}\n' > fsd.yaml
	store_new
	fsd_start --config "$PWD/fsd.yaml"
	s3_curl /bytes -X PUT
}

teardown() {
	fsd_stop
}

figure() {	# NAME
	fsctl --json status | json "$1"
}

put() {		# FILE KEY
	[ "$(s3_curl "/bytes/$2" -T "$1" -o reply -w '%{http_code}')" = 200 ] || fail "put of $2: $(cat reply)"
}

# Bytes of the segment files as the disk counts them.
on_disk() {
	du -cB1 "$STORE"/seg* 2>/dev/null | tail -n 1 | cut -f 1
}

# What a report of gc on standard input says of chunks and segments.
gc_did() {
	jq -ce '.. | objects | select(has("segmentsDropped")) |
		[.chunksFreed, .bytesFreed, .chunksWaiting, .segmentsRewritten, .bytesRewritten, .segmentsDropped, .bytesReturned]'
}

@test "the same content twice costs its bytes once" {
	random_file large 30000000
	random_file small 50000
	put large a
	put small s
	one=$(figure chunkBytes)
	stored=$(figure storedBytes)
	written=$(figure segmentBytes)
	put large b
	put small t
	s3_curl /bytes/c -X PUT -H 'x-amz-copy-source: /bytes/a' > /dev/null
	[ "$(figure chunkBytes)" = "$one" ]
	[ "$(figure storedBytes)" = "$stored" ]
	# Nothing was written either that gc would have to take away.
	[ "$(figure segmentBytes)" = "$written" ]
	[ "$one" = 30050000 ]
	[ "$(figure logicalBytes)" = $((3 * 30000000 + 2 * 50000)) ]
	# One goes, the others stay.
	s3_curl /bytes/a -X DELETE
	fsctl gc
	s3_curl /bytes/b | cmp - large
	s3_curl /bytes/c | cmp - large
	fsctl check
}

@test "a changed copy of a 50 MiB file costs about its changed chunks" {
	random_file large 52428800
	put large one
	before=$(figure chunkBytes)
	written=$(figure segmentBytes)
	# A byte changed in one place, ten inserted in another, and some cut off the end.
	{ head -c 20000000 large; printf 'x'; tail -c +20000002 large | head -c 20000000; printf '0123456789'; tail -c +40000002 large | head -c 12000000; } > changed
	put changed two
	new=$(($(figure chunkBytes) - before))
	say "new bytes: $new"
	[ "$new" -gt 0 ]
	[ "$new" -lt 12000000 ]
	[ $(($(figure segmentBytes) - written)) -lt 12100000 ]
	s3_curl /bytes/two | cmp - changed
	fsctl check
}

@test "text is compressed, random bytes are not made larger" {
	seq 1 2000000 | sed 's/^/line of a log file that says much the same /' | head -c 40000000 > text
	put text text
	chunks=$(figure chunkBytes)
	stored=$(figure storedBytes)
	say "text: $chunks bytes in $stored"
	[ "$chunks" = 40000000 ]
	[ "$stored" -lt 10000000 ]
	s3_curl /bytes/text | cmp - text
	s3_curl /bytes/text -r 20000000-20000099 | cmp - <(tail -c +20000001 text | head -c 100)
	random_file noise 20000000
	put noise noise
	more=$(($(figure storedBytes) - stored))
	say "noise: 20000000 bytes in $more"
	[ "$more" -le 20200000 ]
	fsctl check
}

@test "overwrites, deletes and gc give segments back" {
	for i in 1 2 3 4; do
		random_file "f$i" 40000000
		put "f$i" "f$i"
	done
	random_file keep 3000000
	put keep keep
	before=$(on_disk)
	segments=$(figure segmentBytes)
	say "segments: $segments bytes, on disk $before"
	[ "$before" -gt 160000000 ]
	printf small > small
	put small f1
	for i in 2 3 4; do s3_curl "/bytes/f$i" -X DELETE; done
	before=$(on_disk)
	# Dry, it says what it would do, and nothing changes.
	run fsctl --json gc --dry-run
	[ "$status" = 0 ]
	say "$output"
	dry=$(gc_did <<< "$output")
	[ "$(on_disk)" = "$before" ]
	[ "$(fsctl --json gc | gc_did)" = "$dry" ]
	after=$(on_disk)
	say "after: $(figure segmentBytes) bytes, on disk $after"
	[ "$after" -lt $((before / 4)) ]
	s3_curl /bytes/keep | cmp - keep
	[ "$(s3_curl /bytes/f1)" = small ]
	fsctl check
	# Also across a restart.
	fsd_stop
	fsd_start --config "$PWD/fsd.yaml"
	s3_curl /bytes/keep | cmp - keep
	fsctl gc
	fsctl check
}

@test "gc --dry-run says what gc then does" {
	for i in 1 2 3; do random_file "large$i" 20000000; put "large$i" "large$i"; done
	put large1 again	# chunks that two leaves have
	for i in $(seq 60); do random_file small 50000; put small "small$i"; done
	for i in $(seq 59); do s3_curl "/bytes/small$i" -X DELETE; done
	for key in large1 again large2; do s3_curl "/bytes/$key" -X DELETE; done
	dry=$(fsctl --json gc --grace 0 --dry-run | gc_did)
	say "$dry"
	[ "$(jq '.[0] > 59 and .[1] > 42000000 and .[2] == 0 and .[3] > 0 and .[5] > 0 and .[6] > 42000000' <<< "$dry")" = true ]
	[ "$(fsctl --json gc --grace 0 --dry-run | gc_did)" = "$dry" ]
	[ "$(fsctl --json gc --grace 0 | gc_did)" = "$dry" ]
	# Within the grace period nothing goes.
	s3_curl /bytes/large3 -X DELETE
	dry=$(fsctl --json gc --grace 1h --dry-run | gc_did)
	[ "$(fsctl --json gc --grace 1h | gc_did)" = "$dry" ]
	# Nor again what went.
	fsctl -q gc
	dry=$(fsctl --json gc --dry-run | gc_did)
	[ "$(fsctl --json gc | gc_did)" = "$dry" ]
	[[ "$dry" = '[0,0,0,'* ]]
	fsctl check
}

@test "an upload that was aborted gives its bytes back" {
	random_file part 30000000
	id=$(s3_curl '/bytes/up?uploads=' -X POST | grep -o '<UploadId>[^<]*' | cut -d '>' -f 2)
	[ "$(s3_curl "/bytes/up?partNumber=1&uploadId=$id" -T part -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(figure openUploads)" = 1 ]
	fsctl gc
	[ "$(figure chunkBytes)" = 30000000 ]
	[ "$(s3_curl "/bytes/up?uploadId=$id" -X DELETE -o /dev/null -w '%{http_code}')" = 204 ]
	fsctl gc
	[ "$(figure openUploads)" = 0 ]
	[ "$(figure chunkBytes)" = 0 ]
	fsctl check
}

@test "gc beside a full load takes nothing that is used" {
	/usr/bin/python3 "$FSD_ROOT/tests/gc_load.py" >&2
	fsctl check
}
