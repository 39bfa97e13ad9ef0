# What settings change in the S3 face, and a full disk.

load lib/fsd
load lib/clients

setup() {
	store_new
}

teardown() {
	store_stop
	[ -z "${MOUNTED-}" ] || umount "$MOUNTED"
}

start_with() {	# the settings on standard input
	cat > "$BATS_TEST_TMPDIR/fsd.yaml"
	fsd_start --config "$BATS_TEST_TMPDIR/fsd.yaml"
}

status_of() {
	s3_curl "$@" -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}'
}

@test "virtual-host addressing precedes path-style addressing" {
	start_with <<< "domain: s3.example"
	local to="s3.example:$FSD_PORT:127.0.0.1:$FSD_PORT"
	FSD_URL=http://s3.example:$FSD_PORT
	[ "$(status_of /bucket -X PUT --connect-to "$to")" = 200 ]
	FSD_URL=http://bucket.s3.example:$FSD_PORT
	to="bucket.s3.example:$FSD_PORT:127.0.0.1:$FSD_PORT"
	echo virtual > "$BATS_TEST_TMPDIR/file"
	for path in /a/b /v1/admin/status /healthz /bucket; do
		[ "$(status_of "$path" -T "$BATS_TEST_TMPDIR/file" --connect-to "$to")" = 200 ] || fail "PUT $path"
	done
	# The full name of the host ends in a dot.
	[ "$(status_of /a/b -H "Host: bucket.s3.example.:$FSD_PORT" --connect-to "$to")" = 200 ]
	cmp "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/body"
	FSD_URL=http://127.0.0.1:$FSD_PORT
	for path in /bucket/a/b /bucket/v1/admin/status /bucket/healthz /bucket/bucket; do
		[ "$(status_of "$path")" = 200 ] || fail "GET $path"
		cmp "$BATS_TEST_TMPDIR/file" "$BATS_TEST_TMPDIR/body"
	done
	[ "$(curl -s "$FSD_URL/healthz")" = ok ]
}

@test "region_strict refuses other regions" {
	start_with <<< $'region: eu-west-9\nregion_strict: true'
	[ "$(status_of /)" = 400 ]
	grep -q AuthorizationHeaderMalformed "$BATS_TEST_TMPDIR/body"
	grep -q '<Region>eu-west-9</Region>' "$BATS_TEST_TMPDIR/body"
	[ "$(status_of / --aws-sigv4 aws:amz:eu-west-9:s3)" = 200 ]
}

@test "region_strict: a tool of another region is told the right one, and goes on with it" {
	start_with <<< $'region: eu-west-9\nregion_strict: true'
	[ "$(status_of /bucket -X PUT --aws-sigv4 aws:amz:eu-west-9:s3)" = 200 ]
	# A HEAD has only the header for that.
	s3_curl /bucket -I | tr -d '\r' | grep -qix 'x-amz-bucket-region: eu-west-9'
	s3cmd_setup
	[[ "$(s3cmd_ --region=us-east-1 ls)" = *s3://bucket* ]]
	[[ "$(s3cmd_ --region=us-east-1 info s3://bucket)" = *Location:*eu-west-9* ]]
}

@test "signature_v2: off refuses presigned URLs of Version 2" {
	start_with <<< "signature_v2: off"
	/usr/bin/python3 - <<-PYTHON
		import sys, time
		sys.path.insert(0, "$FSD_ROOT/tests/s3_raw")
		import wire as s
		s.setup()
		path = s.kept()
		reply = s.send("GET", s.presign_v2("GET", path, int(time.time()) + 60), [("Host", s.HOST)])
		assert reply.status == 400 and reply.code == "InvalidRequest", reply
		reply = s.send("GET", s.Signer().presign("GET", path, {}), [("Host", s.HOST)])
		assert reply.status == 200, reply
	PYTHON
}

@test "cors_origins" {
	start_with <<< 'cors_origins: ["https://app.example"]'
	[ "$(status_of /bucket -X PUT -D "$BATS_TEST_TMPDIR/head" -H 'Origin: https://app.example')" = 200 ]
	grep -qi '^access-control-allow-origin: https://app.example' "$BATS_TEST_TMPDIR/head"
	[ "$(status_of /bucket -D "$BATS_TEST_TMPDIR/head" -H 'Origin: https://evil.example')" = 200 ]
	! grep -qi '^access-control' "$BATS_TEST_TMPDIR/head"
}

@test "a browser gets a page, a tool an error" {
	fsd_start
	curl -s "$FSD_URL/" -H 'Accept: text/html,application/xhtml+xml' | grep -qi '<html'
	curl -s "$FSD_URL/" | grep -q '<Code>AccessDenied</Code>'
}

@test "uploads wait for memory, and all come through" {
	start_with <<< 'limits: {upload_memory: 16MiB, threads: 8}'
	/usr/bin/python3 "$FSD_ROOT"/tests/s3_raw waiting
}

@test "a full disk: 507, nothing lost, and deletes make room" {
	need_root
	local disk=$BATS_TEST_TMPDIR/disk i code
	mkdir -p "$disk"
	mount -t tmpfs -o size=256m tmpfs "$disk" 2>/dev/null || skip "no mount of a tmpfs is allowed here"
	MOUNTED=$disk
	store_new "$disk/store"
	# The log goes beside the store: not on the disk that fills.
	ln -s "$BATS_TEST_TMPDIR/log" "$disk/store.log"
	start_with <<< $'limits: {reserve_bytes: 32MiB}\ngrace: 0\nlog: {access: false}'
	[ "$(status_of /bucket -X PUT)" = 200 ]
	random_file "$BATS_TEST_TMPDIR/file" 3000000
	for i in $(seq 90); do
		random_file "$BATS_TEST_TMPDIR/file.$i" 3000000
		code=$(status_of "/bucket/$i" -T "$BATS_TEST_TMPDIR/file.$i")
		[ "$code" = 200 ] || break
	done
	[ "$code" = 507 ] || fail "PUT $i: $code"
	grep -q InsufficientStorage "$BATS_TEST_TMPDIR/body"
	[ "$i" -gt 3 ]
	for n in $(seq $((i - 1))); do
		[ "$(status_of "/bucket/$n")" = 200 ]
		cmp "$BATS_TEST_TMPDIR/file.$n" "$BATS_TEST_TMPDIR/body"
	done
	for n in $(seq 2 $((i - 1))); do
		code=$(status_of "/bucket/$n" -X DELETE)
		[ "$code" = 204 ] || fail "DELETE $n: $code $(cat "$BATS_TEST_TMPDIR/body"; df -k "$disk"; tail "$FSD_LOG")"
	done
	fsctl gc
	for i in $(seq 200); do	# fsd looks at the disk every now and then
		code=$(status_of /bucket/again -T "$BATS_TEST_TMPDIR/file")
		[ "$code" = 507 ] || break
		sleep 0.2
	done
	[ "$code" = 200 ] || fail "PUT after gc: $code $(cat "$BATS_TEST_TMPDIR/body"; df -k "$disk"; tail "$FSD_LOG")"
}
