#!/usr/bin/env bats
# test-timeout: 240
# fsctl and a real fsd: what an administrator does, and what comes of it on the other face.

load lib/fsd
load lib/clients
bats_require_minimum_version 1.5.0

setup_file() {
	store_start
	printf '%s\n' "$FSD_TOKEN" > "$BATS_FILE_TMPDIR/token"
}

teardown_file() {
	store_stop
}

setup() {
	unset FSD_DATA
	cd "$BATS_TEST_TMPDIR"
}

far() {		# over the network, as the administrator
	"$FSCTL" --endpoint "$FSD_URL" --token-file "$BATS_FILE_TMPDIR/token" "$@"
}

status_is() {
	[ "$status" = "$1" ] || fail "exit code $status, wanted $1; output: $output"
}

# as_user KEY-JSON METHOD PATH [CURL…]: the HTTP status of a signed request
as_user() {
	local id secret
	id=$(jq -r .accessKeyId <<< "$1") secret=$(jq -r .secretAccessKey <<< "$1")
	curl -sS -o /dev/null -m 30 -w '%{http_code}' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --aws-sigv4 aws:amz:us-east-1:s3 --user "$id:$secret" -X "$2" "${@:4}" "$FSD_URL$3"
}

@test "status: the same over the socket and over the network, for people and for scripts" {
	local fields='[.version, .engine, .workspaces, .socketOnly] | map(type) | join(" ")'
	[ "$(fsctl --json status | jq -r "$fields")" = "string string number boolean" ]
	[ "$(far status --json | jq -r "$fields")" = "string string number boolean" ]
	[ "$(fsctl --json status | jq '[.uptimeSeconds, .objects, .logicalBytes, .storedBytes, .dedupRatio, .compressionRatio,
		.segments, .freeBytes, .openUploads, .watchers] | all(type == "number")')" = true ]
	run fsctl status
	status_is 0
	[[ "$output" == *"uptime"* || "$output" == *"up for"* ]]
	[[ "$output" == *iB* ]]
}

@test "what a daemon that fsctl started has to say is in fsd.log, which stays small" {
	STORE=$BATS_TEST_TMPDIR/own
	store_new "$STORE"
	fsd_start
	s3_curl /said -X PUT
	s3_curl /said/a -X PUT -d 12345
	s3_curl /said/a -X DELETE
	fsd_stop
	rm "$STORE"/segments/*.seg
	head -c 5000000 /dev/zero > "$STORE/fsd.log"
	fsctl gc --grace 0 > /dev/null
	grep -q 'warn .*has no file' "$STORE/fsd.log"
	[ "$(stat -c %a "$STORE/fsd.log")" = 600 ]
	[ "$(stat -c %s "$STORE/fsd.log")" -lt 10000 ]
	[ "$(stat -c %s "$STORE/fsd.log.1")" = 5000000 ]
	! grep -q 'listening on' "$STORE/fsd.log"
}

@test "users: created, listed, shown, disabled, enabled, deleted" {
	run fsctl user create u1 --may-create-buckets; status_is 0
	run fsctl user create u1; status_is 1
	run fsctl user create 'not a name'; status_is 2
	[ "$(fsctl user show u1 --json | jq -c '[.name, .admin, .mayCreateBuckets, .disabled]')" = '["u1",false,true,false]' ]
	[ "$(fsctl user list --json | jq -r '.users[].name' | grep -cx u1)" = 1 ]
	run fsctl user disable u1; status_is 0
	[ "$(fsctl user show u1 --json | jq .disabled)" = true ]
	run fsctl user enable u1; status_is 0
	[ "$(fsctl user show u1 --json | jq .disabled)" = false ]
	run fsctl user delete u1; status_is 0
	run fsctl user show u1; status_is 10
	run fsctl user delete u1; status_is 10
	run fsctl user disable admin; status_is 1
	[[ "$output" == *"last administrator"* ]]
}

@test "more users than fit on a page" {
	local i
	for i in $(seq 1005); do
		printf '{"name": "many%04d"}\n' "$i"
	done | /usr/bin/python3 -c '
import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for line in sys.stdin:
    c.request("POST", "/v1/admin/users", line, {"Authorization": "Bearer " + sys.argv[2]})
    r = c.getresponse(); r.read(); assert r.status == 201, r.status' "$FSD_PORT" "$FSD_TOKEN"
	[ "$(fsctl --json user list | jq -r '.users[].name' | grep -c '^many')" = 1005 ]
	[ "$(fsctl user list | grep -c '^many')" = 1005 ]
}

@test "a role on what is in the trash is marked, and taken back by its id" {
	local id
	fsctl -q workspace create sleepy --history 1d
	fsctl -q workspace create wide-awake
	fsctl -q user create u9
	echo x > "$BATS_TEST_TMPDIR/x"
	fsctl -q put "$BATS_TEST_TMPDIR/x" sleepy/f
	fsctl -q grant add sleepy/f u9 viewer
	[ "$(fsctl grant list sleepy --json | jq -c '[.grants[] | [.path, .inTrash]]')" = '[["f",false]]' ]
	fsctl -q rm sleepy/f
	[ "$(fsctl grant list sleepy --json | jq -c '[.grants[] | [.path, .inTrash]]')" = '[["f",true]]' ]
	[ "$(fsctl user show u9 --json | jq -c '[.grants[] | [.path, .inTrash]]')" = '[["f",true]]' ]
	[[ "$(fsctl grant list sleepy)" == *'IN TRASH'*'yes'* ]]
	id=$(fsctl grant list sleepy --json | jq -r '.grants[0].id')
	run fsctl grant remove sleepy/f u9; status_is 10
	run fsctl grant remove sleepy/f u9 "$id"; status_is 2
	run fsctl grant remove sleepy u9 f; status_is 2
	run fsctl grant remove wide-awake u9 "$id"; status_is 10
	run fsctl grant remove sleepy u9 "$id"; status_is 0
	run fsctl grant remove sleepy u9 "$id"; status_is 10
	[ "$(fsctl grant list sleepy --json | jq -c .grants)" = '[]' ]
}

@test "a key without grants may nothing, a grant lets in, disabling and deleting shut out" {
	local key other
	fsctl -q workspace create granted
	fsctl -q user create u2
	key=$(fsctl key create u2 --json)
	[ "$(as_user "$key" PUT /granted/a/1 -d x)" = 403 ]
	run fsctl grant add granted u2 editor; status_is 0
	[ "$(as_user "$key" PUT /granted/a/1 -d x)" = 200 ]
	run fsctl grant remove granted u2; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 403 ]
	run fsctl grant add granted/a/ u2 viewer; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 200 ]
	[ "$(as_user "$key" PUT /granted/a/1 -d y)" = 403 ]
	[ "$(fsctl grant list granted --json | jq -c '[.grants[] | [.path, .user, .role]]')" = '[["a/","u2","viewer"]]' ]
	[ "$(fsctl grant list granted/a --json | jq -c '.grants[0].path')" = '"a/"' ]
	[ "$(fsctl grant list granted/a/1 --json | jq -c .grants)" = '[]' ]
	run fsctl grant list granted/b/; status_is 10
	[[ "$output" == *'grant list granted/b/: there is nothing at "b/"'*'fsctl ls -r granted'* ]]
	run fsctl grant list granted/a/1/ u2 --json; status_is 10
	run fsctl grant list nowhere/a; status_is 10
	run far grant list granted/a u2; status_is 0
	[ "$(fsctl grant list granted admin --json | jq -c .grants)" = '[]' ]
	other=$(jq -r .accessKeyId <<< "$key")
	run fsctl key disable u2 "$other"; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 403 ]
	run fsctl key enable u2 "$other"; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 200 ]
	run fsctl user disable u2; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 403 ]
	run fsctl user enable u2; status_is 0
	run fsctl key delete u2 "$other"; status_is 0
	[ "$(as_user "$key" GET /granted/a/1)" = 403 ]
	run fsctl key delete u2 "$other"; status_is 10
	run fsctl grant add granted nobody viewer; status_is 10
	run fsctl grant add nowhere u2 viewer; status_is 10
	run fsctl grant add granted/no/such/file u2 viewer; status_is 10
}

@test "tokens: an administrator's, another's, one that was deleted, one that expired" {
	local id
	fsctl -q user create boss --admin
	fsctl -q user create u3
	fsctl -q token create boss > boss
	fsctl -q token create u3 > u3
	fsctl -q token create boss --expires 1s > short
	run "$FSCTL" --endpoint "$FSD_URL" --token-file boss user list; status_is 0
	run "$FSCTL" --endpoint "$FSD_URL" --token-file u3 user list; status_is 12
	sleep 2
	run "$FSCTL" --endpoint "$FSD_URL" --token-file short user list; status_is 12
	id=$(fsctl token list boss --json | jq -r '.tokens[] | select(.expiresAt == null) | .tokenId')
	run fsctl token delete boss "$id"; status_is 0
	run "$FSCTL" --endpoint "$FSD_URL" --token-file boss user list; status_is 12
	run fsctl token delete boss "$id"; status_is 10
	run fsctl token create boss --expires 1h --json; status_is 0
	[ "$(jq -r .expiresAt <<< "$output")" != null ]
}

@test "workspaces: settings, and S3 sees the bucket" {
	local doc
	fsctl -q user create u4
	doc=$(fsctl --json workspace create shop --owner u4 --quota 1MiB --history 7d --versioning on --display-name 'The Shop')
	[ "$(jq -c '[.name, .owner, .quotaBytes, .historyMs, .versioning, .displayName]' <<< "$doc")" = \
		'["shop","u4",1048576,604800000,"on","The Shop"]' ]
	[[ "$(jq -r .workspaceId <<< "$doc")" == ws_* ]]
	[[ "$(jq -r .rootFolderId <<< "$doc")" == fld_* ]]
	run fsctl workspace create shop; status_is 1
	run fsctl workspace create No_Bucket; status_is 2
	run fsctl workspace create other --history 1000y; status_is 2
	[[ "$output" == *"at most 100y"* ]]
	run fsctl workspace create other --display-name $'\xff'; status_is 2
	[[ "$output" == *"expected UTF-8"* ]]
	run fsctl workspace set shop --quota 0 --versioning suspended; status_is 0
	[ "$(fsctl workspace show shop --json | jq -c '[.quotaBytes, .historyMs, .versioning]')" = '[0,604800000,"suspended"]' ]
	run s3_curl /
	[[ "$output" == *"<Name>shop</Name>"* ]]
	run fsctl workspace delete shop; status_is 0
	run fsctl workspace show shop; status_is 10
	run fsctl workspace set shop --quota 0; status_is 10
	run fsctl workspace set shop --owner nobody; status_is 10
}

@test "versioning: on keeps what is replaced or deleted, suspended makes no more" {
	local old code='%{http_code}'
	fsctl -q workspace create kept --versioning on
	[[ "$(s3_curl '/kept?versioning=')" == *"<Status>Enabled</Status>"* ]]
	old=$(s3_curl /kept/x -X PUT -d one -D - -o /dev/null | tr -d '\r' | sed -n 's/^x-amz-version-id: //Ip')
	[ -n "$old" ]
	s3_curl /kept/x -X PUT -d two
	s3_curl /kept/x -X DELETE -D - | grep -qi '^x-amz-delete-marker: true'
	[ "$(s3_curl /kept/x -o /dev/null -w "$code")" = 404 ]
	[ "$(s3_curl "/kept/x?versionId=$old")" = one ]
	[ "$(s3_curl '/kept?versions=' | grep -o '<Version>\|<DeleteMarker>' | sort | tr '\n' ' ')" = \
		'<DeleteMarker> <Version> <Version> ' ]

	fsctl -q workspace set kept --versioning suspended
	[[ "$(s3_curl '/kept?versioning=')" == *"<Status>Suspended</Status>"* ]]
	s3_curl /kept/x -X PUT -d three
	s3_curl /kept/x -X PUT -d four
	[ "$(s3_curl '/kept?versions=' | grep -o '<Version>' | wc -l)" = 3 ]
	[ "$(s3_curl "/kept/x?versionId=$old" -X DELETE -o /dev/null -w "$code")" = 204 ]
	[ "$(s3_curl "/kept/x?versionId=$old" -o /dev/null -w "$code")" = 404 ]
	run fsctl check; status_is 0
}

@test "ls without an operand: all workspaces over the socket, one's own over the network" {
	fsctl -q user create olga
	fsctl -q token create olga > olga
	fsctl -q workspace create olgas --owner olga
	[[ "$(fsctl ls)" == *olgas*olga* ]]
	[ "$(fsctl ls --json | jq -r 'select(.name == "olgas").owner')" = olga ]
	[ "$("$FSCTL" --endpoint "$FSD_URL" --token-file olga ls --json | jq -r .name)" = olgas ]
	fsctl -q workspace delete olgas
	run "$FSCTL" --endpoint "$FSD_URL" --token-file olga ls; status_is 0
	[[ "$output" == *"nothing is shared with you"* ]]
}

@test "a workspace with something in it is not deleted" {
	fsctl -q workspace create full
	[ "$(s3_curl /full/x -X PUT -d data -o /dev/null -w '%{http_code}')" = 200 ]
	run fsctl workspace delete full
	status_is 1
	[[ "$output" == *"not empty"* ]]
	s3_curl /full/x -X DELETE
	run fsctl workspace delete full
	status_is 0
}

somebody_waits() {
	[ "$(fsctl --json status | jq .watchers)" -gt 0 ]
}

@test "changes: in order, from a cursor, and as they happen" {
	local i
	fsctl -q workspace create feed
	for i in 1 2 3; do
		s3_curl "/feed/d%20$i" -X PUT -d "$i"
	done
	[ "$(fsctl --json changes feed | jq -s -c 'map(.sequence) == [range(1; length + 1)]')" = true ]
	[ "$(fsctl changes feed --json | jq -r 'select(.kind == "file") | .path' | tr '\n' ,)" = "d 1,d 2,d 3," ]
	[ "$(fsctl changes feed --from 2 --json | jq .sequence | head -n 1)" = 3 ]
	[ -z "$(fsctl changes feed --from now)" ]
	# An event has the same names over the network.
	[ "$(fsctl changes feed --json | jq -c 'select(.kind == "file") | [.parentFolderId, .contentHash, .path]')" = \
		"$(far changes feed --json | jq -c 'select(.kind == "file") | [.parentFolderId, .contentHash, .path]')" ]
	[ "$(fsctl changes feed --json | jq -r 'select(.path == "d 1").contentHash')" = "sha256:$(printf 1 | sha256sum | cut -d ' ' -f 1)" ]
	run fsctl changes feed; status_is 0
	[[ "${lines[-1]}" == *FILE_CREATED*"1 B  d 3" ]]
	run fsctl changes feed --from 99; status_is 2
	run fsctl changes feed --from x; status_is 2
	run fsctl changes nowhere; status_is 10

	fsctl changes feed --from now --follow --json > events 3>&- &
	local pid=$!
	within 60 somebody_waits
	s3_curl /feed/live -X PUT -d live
	within 60 test -s events
	kill -TERM "$pid"
	i=0
	wait "$pid" || i=$?
	[ "$i" = 143 ]
	[ "$(jq -r .path < events)" = live ]
}

@test "gc and check beside the running daemon" {
	run --separate-stderr fsctl gc --json; status_is 0
	[ "$(jq -r '[.state, (.report.chunksFreed | type)] | join(" ")' <<< "$output")" = "done number" ]
	[[ "$(fsctl -q gc --dry-run)" == *"garbage collection would do:"* ]]
	[ -z "$(fsctl -q gc)" ]
	run fsctl gc --dry-run; status_is 0
	run --separate-stderr far check --json; status_is 0
	[ "$(jq -c '[.state, .problems, .report.problems]' <<< "$output")" = '["done",[],0]' ]
	run fsctl check --quick; status_is 0
	[[ "$output" == *problems* ]]
}

# ---- stores without a daemon ----

@test "without a daemon one is started, shared by all who come, and gives way to a real one" {
	local pids p rc=0
	STORE=$BATS_TEST_TMPDIR/own
	store_new "$STORE"
	for p in 1 2 3 4 5 6; do
		fsctl -q user create "racer$p" 3>&- &
		pids="${pids-} $!"
	done
	for p in $pids; do
		wait "$p" || rc=$?
	done
	[ $rc = 0 ]
	[ "$(fsctl user list --json | jq -r '.users[].name' | grep -c '^racer')" = 6 ]
	[ "$(fsctl status --json | jq .socketOnly)" = true ]
	p=$(fsctl status --json | jq .pid)
	fsd_start
	wait_gone "$p" 60
	[ "$(fsctl status --json | jq .socketOnly)" = false ]
	fsd_stop
}

@test "such a daemon ends after its last client, and leaves nothing behind" {
	local p
	STORE=$BATS_TEST_TMPDIR/own
	store_new "$STORE"
	p=$(fsctl status --json | jq .pid)
	alive "$p"
	wait_gone "$p" 60
	run fsctl status; status_is 0
}

@test "a store in a folder with a long name" {
	STORE=$BATS_TEST_TMPDIR/$(printf 'long%.0s' $(seq 50))
	store_new "$STORE"
	run fsctl user list; status_is 0
}

@test "no store, and a store that is somebody else's" {
	run fsctl --data "$BATS_TEST_TMPDIR/nothing" status; status_is 10
	mkdir empty
	run "$FSCTL" --data empty status; status_is 10
	run "$FSCTL" --data empty check; status_is 10
	need_root
	need setpriv
	chmod 755 "$BATS_TEST_TMPDIR"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$FSCTL" --data "$STORE" status
	status_is 12
}

@test "a damaged segment: check says so with exit code 4" {
	local seg
	STORE=$BATS_TEST_TMPDIR/own
	store_new "$STORE"
	fsd_start
	fsctl -q workspace create www
	random_file data 100000
	[ "$(s3_curl /www/x -T data -o /dev/null -w '%{http_code}')" = 200 ]
	fsd_stop
	run fsctl check; status_is 0
	wait_gone "$(fsctl status --json | jq .pid)" 60
	seg=$(ls "$STORE"/segments/*.seg | head -n 1)
	printf 'damage' | dd of="$seg" bs=1 seek=50000 conv=notrunc status=none
	run --separate-stderr fsctl check --json
	status_is 4
	[ "$(jq '.problems | length > 0' <<< "$output")" = true ]
	run fsctl check --quick
	status_is 0
}

@test "a missing key file is not authorised" {
	STORE=$BATS_TEST_TMPDIR/own
	store_new "$STORE"
	mv "$STORE/store.key" key
	run fsctl status
	status_is 12
	[[ "$output" == *"store.key"* ]]
	run fsctl check
	status_is 12
	mv key "$STORE/store.key"
	run fsctl status
	status_is 0
}
