# A full disk: writes are refused before their body is read, deletes and gc go on, nothing acknowledged is lost.
# test-timeout: 400
load lib/fsd

setup() {
	need_root
	POINT=$BATS_TEST_TMPDIR/mnt
	mkdir "$POINT"
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	fsd_stop || true
	# What setup could not mount is no failure of the test.
	mountpoint -q "$POINT" && umount "$POINT" || true
}

small_disk() {	# SIZE CONFIG
	mount -t tmpfs -o "size=$1,mode=700" fsd-test "$POINT" 2>/dev/null || skip "mounts are not allowed here"
	printf 'grace: 0\ngc: {every: 0}\n%s\n' "$2" > fsd.yaml
	store_new "$POINT/store"
	FSD_LOG=$BATS_TEST_TMPDIR/fsd.log
	start
}

# The log stands beside STORE, which is on the small disk here: a link leads it elsewhere.
start() {
	ln -sfn "$BATS_TEST_TMPDIR/fsd.log" "$POINT/store.log"
	fsd_start --config "$BATS_TEST_TMPDIR/fsd.yaml"
}

full() {
	/usr/bin/python3 "$FSD_ROOT/tests/disk_full.py" "$@" >&2
}

room() {
	df --output=avail -B1 "$POINT" | tail -n 1
}

has_room() {	# BYTES
	[ "$(room)" -gt "$1" ]
}

# The log of the database goes into it a second after the last write, and then gives its room back.
log_is_short() {
	[ "$(stat -c %s "$POINT/store/meta.db-wal")" -lt 4000000 ]
}

low_space_is() {	# true|false
	[ "$(fsctl --json status | jq .lowSpace)" = "$1" ]
}

status_of() {	# CURL-ARGUMENTS...
	s3_curl "$@" -o reply -w '%{http_code}'
}

puts_x() {	# /BUCKET/KEY
	[ "$(status_of "$1" -X PUT -d x)" = 200 ]
}

@test "below the reserve: 507 before the body, DELETE and gc work, then there is room again" {
	small_disk 288M 'limits: {reserve_bytes: 24MiB, reserve_percent: 0}'
	s3_curl /full -X PUT
	full fill full ledger
	# A refused upload gives its room back, so that it may be just above the reserve again.
	within 60 log_is_short
	[ "$(room)" -le 20000000 ] || fallocate -l $(($(room) - 20000000)) "$POINT/other"
	within 60 low_space_is true
	# Who asks before sending is told before sending.
	random_file body 20000000
	s3_curl /full/asked -T body -H 'Expect: 100-continue' --expect100-timeout 10 -o reply -D headers -w '%{http_code} %{size_upload}' > out || true
	[ "$(cat out)" = "507 0" ] || fail "$(cat out; cat headers reply; df -B1 "$POINT"; fsctl --json status; tail -n 20 fsd.log)"
	none grep -q '100 Continue' headers
	grep -q '<Code>InsufficientStorage</Code>' reply
	[ "$(status_of /full/asked -I)" = 404 ]
	[ "$(status_of /full/copy -X PUT -H 'x-amz-copy-source: /full/asked')" = 404 ]
	full verify full ledger
	fsctl check
	# Reading, listing and deleting work.
	[ "$(status_of '/full?list-type=2&max-keys=3')" = 200 ]
	before=$(df --output=used -B1 "$POINT" | tail -n 1)
	full delete full ledger
	fsctl gc
	after=$(df --output=used -B1 "$POINT" | tail -n 1)
	say "used before $before, after $after"
	[ $((before - after)) -gt 100000000 ]
	[ "$(status_of /full/again -T body)" = 200 ] || fail "$(cat reply; df -B1 "$POINT"; grep -v ' access ' fsd.log | tail -n 9)"
	s3_curl /full/again | cmp - body
	within 60 low_space_is false
	fsctl check
}

@test "below the reserve access can be taken away, though not given" {
	small_disk 160M 'limits: {reserve_bytes: 24MiB, reserve_percent: 0}'
	fsctl -q user create anna
	fsctl -q user create berta
	key=$(fsctl --json key create berta | json accessKeyId)
	within 60 log_is_short
	fallocate -l $(($(room) - 20000000)) "$POINT/other"
	within 60 low_space_is true
	fsctl user disable anna
	fsctl key disable berta "$key"
	[ "$(fsctl --json user list | jq '[.users[] | select(.disabled) | .name] == ["anna"]')" = true ]
	for give in "user enable anna" "key enable berta $key" "key create berta"; do
		run fsctl $give
		[ "$status" = 13 ]
	done
}

@test "the file system itself runs full: what was acknowledged is there, also after SIGKILL" {
	small_disk 160M 'limits: {reserve_bytes: 0B, reserve_percent: 0}'
	s3_curl /full -X PUT
	full fill full ledger
	alive "$FSD_PID"
	# What the ballast gave back was not taken by the next ones: deletes need it.
	within 60 has_room 2000000
	full verify full ledger
	fsd_kill
	start
	full verify full ledger
	fsctl check
	full delete full ledger
	fsctl gc
	random_file body 20000000
	[ "$(status_of /full/again -T body)" = 200 ] || fail "$(cat reply; df -B1 "$POINT"; grep -v ' access ' fsd.log | tail -n 9)"
	s3_curl /full/again | cmp - body
	fsctl check
}

@test "others fill the disk to the last byte while fsd is down" {
	small_disk 160M 'limits: {reserve_bytes: 0B, reserve_percent: 0}'
	s3_curl /full -X PUT
	for i in $(seq 40); do random_file body 50000; s3_curl "/full/$i" -T body; done
	fsd_stop
	fallocate -l "$(room)" "$POINT/other"
	[ "$(room)" -lt 8192 ]
	start
	s3_curl /full/40 | cmp - body
	for i in $(seq 39); do [ "$(status_of "/full/$i" -X DELETE)" = 204 ]; done
	fsctl check
	rm "$POINT/other"
}

@test "others fill the disk behind a SIGKILL, and what is in the log fits nowhere" {
	small_disk 160M 'limits: {reserve_bytes: 0B, reserve_percent: 0}'
	s3_curl /full -X PUT
	full put full ledger 1500 100
	fsd_kill
	rm -f "$POINT/store/ballast"
	[ "$(room)" -lt 65536 ] || fallocate -l $(($(room) - 65536)) "$POINT/other"
	start
	full verify full ledger
	rm "$POINT/other"
	within 60 puts_x /full/more
	fsctl check
}

@test "the file system runs full with small objects alone" {
	small_disk 128M 'limits: {reserve_bytes: 0B, reserve_percent: 0}'
	s3_curl /full -X PUT
	# Something else takes nearly all that is left.
	fallocate -l $(($(room) - 12000000)) "$POINT/other"
	full fill full ledger 100 4000 60000
	alive "$FSD_PID"
	full verify full ledger
	grep -v ' access ' fsd.log >&2
	rm "$POINT/other"
	# What others give back is noticed within a moment.
	within 60 puts_x /full/again
	[ "$(s3_curl /full/again)" = x ]
	fsd_kill
	start
	full verify full ledger
	fsctl check
}
