# The calls behind fsctl, metrics and logs.
# test-timeout: 240

load lib/fsd

setup_file() {
	local out
	export STORE=$BATS_FILE_TMPDIR/store
	out=$("$FSD" --data "$STORE" --init --json) || return 1
	AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$out") AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$out")
	FSD_TOKEN=$(json token <<< "$out")
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY FSD_TOKEN
	cat > "$BATS_FILE_TMPDIR/fsd.yaml" <<-END
	cors_origins: [https://app.example]
	END
	fsd_start --config "$BATS_FILE_TMPDIR/fsd.yaml"
}

teardown_file() {
	fsd_stop
}

# api METHOD PATH [BODY]: over the socket; $code is the status, $reply the body.
api() {
	local out
	out=$(cd "$STORE" && curl -sS -m 60 --unix-socket fsd.sock -X "$1" ${3+-d "$3"} -w '\n%{http_code}' "http://fsd/v1/admin/$2") || return 1
	code=${out##*$'\n'}
	reply=${out%$'\n'*}
	reply=${reply%$'\n'}
}

want() {	# CODE [TEXT]
	[ "$code" = "$1" ] && [[ $reply == *"${2-}"* ]] || fail "$code $reply"
}

field() {	# JQ-FILTER
	jq -er "$1" <<< "$reply"
}

watchers_are() {	# N
	api GET status && [ "$(jq .watchers <<< "$reply")" = "$1" ]
}

s3_as() {	# KEY:SECRET PATH [CURL-ARGUMENTS...]: prints the status
	local user=$1 path=$2
	shift 2
	curl -sS -m 60 -o /dev/null -w '%{http_code}' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' --aws-sigv4 aws:amz:us-east-1:s3 --user "$user" "$@" "$FSD_URL$path"
}

@test "who may: the socket's peer and an administrator's token, nobody else" {
	local u="$FSD_URL/v1/admin/status"
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $FSD_TOKEN" "$u")" = 200 ]
	[[ $(curl -s -o /dev/null -w '%{http_code}' "$u") == 40[13] ]]
	[[ $(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer ${FSD_TOKEN}x" "$u") == 40[13] ]]
	[[ $(s3_curl /v1/admin/status -o /dev/null -w '%{http_code}') == 40[013] ]]
	api POST users '{"name": "plain"}'; want 201
	api POST users/plain/tokens; want 201
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(field .token)" "$u")" = 403 ]
}

@test "status" {
	api GET status; want 200
	[ "$(field .version)" = "$("$FSD" --version | cut -d ' ' -f 2)" ]
	[ "$(field .pid)" = "$FSD_PID" ]
	for f in uptimeSeconds engine workspaces objects logicalBytes chunkBytes storedBytes dedupRatio compressionRatio segments \
		segmentBytes freeBytes totalBytes openUploads watchers commits batches; do
		[ "$(jq -r "has(\"$f\")" <<< "$reply")" = true ]
	done
	[ "$(jq -r .lowSpace <<< "$reply")" = false ]
}

@test "users: made, shown, listed, disabled, deleted" {
	api POST users '{"name": "ann", "mayCreateBuckets": true}'; want 201
	[[ $(field .userId) == user_* ]]
	api POST users '{"name": "ann"}'; want 409 ann
	api POST users '{"name": "-x"}'; want 400 invalid_name
	api POST users '{"name": 5}'; want 400 name
	api POST users '{"nme": "x"}'; want 400 nme
	api POST users '{"name": "x"'; want 400 invalid_request
	api POST users '{"name": "a", "name": "b"}'; want 400
	api POST users; want 400
	api GET users/ann; want 200
	[ "$(field .name)" = ann ]
	[ "$(jq -r .mayCreateBuckets <<< "$reply")" = true ]
	[ "$(jq -c '[.keys, .tokens, .grants]' <<< "$reply")" = '[[],[],[]]' ]
	api GET users/nobody-here; want 404 not_found
	api GET 'users?limit=1'; want 200
	first=$(field '.users[0].name')
	[ "$(field .next)" = "$first" ]
	api GET "users?after=$first&limit=1000"; want 200
	[ "$(jq -r .next <<< "$reply")" = null ]
	[ "$(jq -r '[.users[].name] | index("'"$first"'")' <<< "$reply")" = null ]
	api GET 'users?limit=0'; want 400
	api GET 'users?limit=x'; want 400
	api PATCH users/ann '{"disabled": true}'; want 200
	[ "$(jq -r .disabled <<< "$reply")" = true ]
	api DELETE users/ann; want 204
	api GET users/ann; want 404
	api DELETE users/admin; want 409
}

@test "keys work until they are disabled or deleted, or their user is" {
	api POST users '{"name": "kay", "mayCreateBuckets": true}'; want 201
	api POST users/kay/keys; want 201
	id=$(field .accessKeyId)
	key=$id:$(field .secretAccessKey)
	[ "$(s3_as "$key" /)" = 200 ]
	api GET users/kay/keys; want 200 "$id"
	[[ $reply != *"${key#*:}"* ]]
	api PATCH "users/kay/keys/$id" '{"disabled": true}'; want 204
	[ "$(s3_as "$key" /)" = 403 ]
	api PATCH "users/kay/keys/$id" '{"disabled": false}'; want 204
	[ "$(s3_as "$key" /)" = 200 ]
	api PATCH users/kay '{"disabled": true}'; want 200
	[ "$(s3_as "$key" /)" = 403 ]
	api PATCH users/kay '{"disabled": false}'; want 200
	[ "$(s3_as "$key" /)" = 200 ]
	api DELETE "users/kay/keys/$id"; want 204
	[ "$(s3_as "$key" /)" = 403 ]
	api DELETE "users/kay/keys/$id"; want 404
	api PATCH "users/kay/keys/$id" '{}'; want 400
}

@test "tokens work until they expire or are deleted" {
	api POST users '{"name": "tom", "admin": true}'; want 201
	api POST users/tom/tokens '{"expiresMs": 8000}'; want 201
	short=$(field .token)
	status() { curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" "$FSD_URL/v1/admin/status"; }
	[ "$(status "$short")" = 200 ]
	[[ $(field .expiresAt) == 20*Z ]]
	api POST users/tom/tokens; want 201
	long=$(field .token) id=$(field .tokenId)
	[ "$(jq -r .expiresAt <<< "$reply")" = null ]
	[ "$(status "$long")" = 200 ]
	sleep 8.1
	[[ $(status "$short") == 40[13] ]]
	[ "$(status "$long")" = 200 ]
	api DELETE "users/tom/tokens/$id"; want 204
	[[ $(status "$long") == 40[13] ]]
	api DELETE "users/tom/tokens/$id"; want 404
	api DELETE users/tom/tokens/nonsense; want 404
	api POST users/tom/tokens '{"expiresMs": -1}'; want 400
}

@test "workspaces: made, shown, changed, deleted when empty" {
	api POST users '{"name": "wes"}'; want 201
	api POST workspaces '{"name": "pictures", "owner": "wes", "quotaBytes": 1000000, "historyMs": 86400000, "displayName": "Bilder ä"}'
	want 201
	[[ $(field .workspaceId) == ws_* ]]
	[[ $(field .rootFolderId) == fld_* ]]
	[ "$(field '[.owner, .quotaBytes, .historyMs, .displayName, .versioning] | tostring')" = '["wes",1000000,86400000,"Bilder ä","off"]' ]
	api POST workspaces '{"name": "pictures"}'; want 409 pictures
	api POST workspaces '{"name": "Not_A_Bucket"}'; want 400 invalid_name
	api POST workspaces '{"name": "metrics"}'; want 400
	api POST workspaces '{"name": "x-ok", "owner": "nobody-here"}'; want 404 not_found
	api POST workspaces '{"name": "x-ok", "versioning": "maybe"}'; want 400 versioning
	api POST workspaces '{"name": "x-ok", "displayName": "a\nb"}'; want 400 displayName
	api PATCH workspaces/pictures '{"displayName": "a\u007fb"}'; want 400 displayName
	api POST workspaces '{"name": "x-ok", "quotaBytes": -5}'; want 400 quotaBytes
	api PATCH workspaces/pictures '{"quotaBytes": 0, "versioning": "on", "owner": "admin"}'; want 200
	[ "$(field '[.owner, .quotaBytes, .historyMs, .versioning] | tostring')" = '["admin",0,86400000,"on"]' ]
	api PATCH workspaces/pictures '{"name": "other"}'; want 400 name
	api GET workspaces; want 200 '"pictures"'
	[ "$(s3_curl /pictures/one -o /dev/null -w '%{http_code}' -X PUT -d x)" = 200 ]
	api GET workspaces/pictures; want 200
	[ "$(field '[.objects, .bytes] | tostring')" = '[1,1]' ]
	api DELETE workspaces/pictures; want 409 not_empty
	api DELETE workspaces/nowhere; want 404 not_found
	api POST workspaces '{"name": "empty-one"}'; want 201
	[ "$(field .historyMs)" = 2592000000 ]
	api DELETE workspaces/empty-one; want 204
	logged -E 'workspace empty-one \(ws_[0-9a-z]+\) was deleted by admin \(user_[0-9a-z]+\)'
	api GET workspaces/empty-one; want 404
	# A user who owns one stays.
	api POST workspaces '{"name": "of-wes", "owner": "wes"}'; want 201
	api DELETE users/wes; want 409
	api DELETE workspaces/of-wes; want 204
	api DELETE users/wes; want 204
}

@test "grants decide at once" {
	api POST users '{"name": "gil"}'; want 201
	api POST users/gil/keys; want 201
	key=$(field .accessKeyId):$(field .secretAccessKey)
	api POST workspaces '{"name": "granted"}'; want 201
	[ "$(s3_curl /granted/dir/file -o /dev/null -w '%{http_code}' -X PUT -d x)" = 200 ]
	[ "$(s3_as "$key" /granted/dir/file)" = 403 ]
	api POST workspaces/granted/grants '{"path": "dir/", "user": "gil", "role": "viewer"}'; want 201
	[ "$(s3_as "$key" /granted/dir/file)" = 200 ]
	[ "$(s3_as "$key" /granted/dir/file -X PUT -d y)" = 403 ]
	api POST workspaces/granted/grants '{"path": "dir/", "user": "gil", "role": "editor"}'; want 201
	[ "$(s3_as "$key" /granted/dir/file -X PUT -d y)" = 200 ]
	api GET workspaces/granted/grants; want 200
	[ "$(field '.grants[] | select(.user == "gil") | [.path, .role] | tostring')" = '["dir/","editor"]' ]
	api GET users/gil; want 200
	[ "$(field '.grants[0] | [.workspace, .path, .role] | tostring')" = '["granted","dir/","editor"]' ]
	api DELETE 'workspaces/granted/grants?path=dir/&user=gil'; want 204
	[ "$(s3_as "$key" /granted/dir/file)" = 403 ]
	api DELETE 'workspaces/granted/grants?path=dir/&user=gil'; want 404
	api DELETE 'workspaces/granted/grants?path=dir/'; want 400
	api POST workspaces/granted/grants '{"user": "gil", "role": "king"}'; want 400 role
	# A path that is misspelt is not the whole workspace.
	api POST workspaces/granted/grants '{"user": "gil", "role": "viewer"}'; want 201
	api DELETE 'workspaces/granted/grants?user=gil&pth=dir/'; want 400 pth
	[ "$(s3_as "$key" /granted/dir/file)" = 200 ]
	api POST workspaces/granted/grants '{"path": "no/such/file", "user": "gil", "role": "viewer"}'; want 404
}

@test "changes: pages, cursors, and a wait that a commit ends" {
	api POST workspaces '{"name": "feed"}'; want 201
	api GET 'workspaces/feed/changes?cursor=now'; want 200
	start=$(field .nextCursor)
	for i in 1 2 3; do s3_curl "/feed/f$i" -X PUT -d "$i"; done
	api GET "workspaces/feed/changes?cursor=$start"; want 200
	[ "$(field '[.changes[].name] | tostring')" = '["f1","f2","f3"]' ]
	[ "$(field '.changes[0] | [.eventType, .kind, .path, .sizeBytes, .endsCommit] | tostring')" = '["FILE_CREATED","file","f1",1,true]' ]
	[ "$(field '.changes[0].contentHash')" = "$(printf 1 | sha256sum | cut -d ' ' -f 1)" ]
	api GET "workspaces/feed/changes?cursor=$start&limit=2"; want 200
	[ "$(field '[.changes[].name] | tostring')" = '["f1","f2"]' ]
	[ "$(field .hasMore)" = true ]
	api GET "workspaces/feed/changes?cursor=$(field .nextCursor)&limit=2"; want 200
	[ "$(field '[.changes[].name] | tostring')" = '["f3"]' ]
	end=$(field .nextCursor)
	api GET "workspaces/feed/changes?cursor=99999999"; want 400
	api GET "workspaces/feed/changes?cursor=x"; want 400
	api GET "workspaces/feed/changes?wait=61"; want 400
	# A wait without a commit ends with an empty page, in its time.
	from=$(date +%s%N)
	api GET "workspaces/feed/changes?cursor=$end&wait=1"; want 200
	took=$((($(date +%s%N) - from) / 1000000))
	[ "$(jq -c .changes <<< "$reply")" = '[]' ]
	[ "$took" -ge 950 ]
	[ "$took" -lt 20000 ]
	# With one it ends at once.
	(cd "$STORE" && curl -sS -m 120 --unix-socket fsd.sock "http://fsd/v1/admin/workspaces/feed/changes?cursor=$end&wait=60") \
		> "$BATS_TEST_TMPDIR/waited" 3>&- &
	waiter=$!
	within 40 watchers_are 1
	start=$SECONDS
	s3_curl /feed/f4 -X PUT -d 4
	wait $waiter
	[ $((SECONDS - start)) -lt 40 ]
	[ "$(jq -r '.changes[0].name' "$BATS_TEST_TMPDIR/waited")" = f4 ]
	within 60 watchers_are 0
}

@test "200 wait, and one commit wakes them all" {
	api POST workspaces '{"name": "many"}'; want 201
	STORE=$STORE /usr/bin/python3 - <<-'END'
	import json, os, socket, time
	def connect():
	    os.chdir(os.environ["STORE"])
	    s = socket.socket(socket.AF_UNIX)
	    s.settimeout(90)
	    s.connect("fsd.sock")
	    return s
	def tcp():
	    return socket.create_connection(("127.0.0.1", int(os.environ["FSD_PORT"])), timeout=90)
	token = os.environ["FSD_TOKEN"]
	request = ("GET /v1/admin/workspaces/many/changes?cursor=now&wait=60 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % token).encode()
	waiting = [tcp() for _ in range(200)]
	for s in waiting:
	    s.sendall(request)
	c = connect()
	while True:
	    c.sendall(b"GET /v1/admin/status HTTP/1.1\r\nHost: x\r\n\r\n")
	    reply = c.recv(65536)
	    while b"}" not in reply:
	        reply += c.recv(65536)
	    if json.loads(reply.partition(b"\r\n\r\n")[2])["watchers"] == 200:
	        break
	    time.sleep(0.1)
	start = time.time()
	c.sendall(b'POST /v1/admin/workspaces/many/grants HTTP/1.1\r\nHost: x\r\nContent-Length: 35\r\n\r\n{"user": "admin", "role": "viewer"}')
	assert b" 201 " in c.recv(65536)[:20]
	for s in waiting:
	    reply = s.recv(65536)
	    assert reply.startswith(b"HTTP/1.1 200"), reply
	    assert b"SHARE_GRANTED" in reply, reply
	took = time.time() - start
	assert took < 40, took    # none of them by its own end
	END
}

@test "a stop ends those who wait with a whole reply" {
	# A daemon of the test's own.
	own=$BATS_TEST_TMPDIR/store
	"$FSD" --data "$own" --init > /dev/null
	"$FSD" --data "$own" --listen 127.0.0.1:0 > "$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	pid=$!
	until grep -q 'listening on' "$BATS_TEST_TMPDIR/log"; do sleep 0.05; done
	cd "$own"
	curl -sS --unix-socket fsd.sock -X POST -d '{"name": "feed"}' http://fsd/v1/admin/workspaces > /dev/null
	curl -sS -m 120 --unix-socket fsd.sock -w '\n%{http_code}' "http://fsd/v1/admin/workspaces/feed/changes?cursor=now&wait=60" \
		> "$BATS_TEST_TMPDIR/waited" 3>&- &
	waiter=$!
	STORE=$own within 40 watchers_are 1
	start=$SECONDS
	kill -TERM $pid
	wait $pid
	[ $((SECONDS - start)) -lt 40 ]
	wait $waiter
	[ "$(tail -n 1 "$BATS_TEST_TMPDIR/waited")" = 200 ]
}

@test "jobs: gc and check report and can be followed" {
	api POST jobs '{"kind": "gc", "dryRun": true}'; want 202
	job=$(field .jobId)
	[[ $job == job_* ]]
	api GET "jobs/$job?wait=30"; want 200
	while [ "$(field .state)" = running ]; do api GET "jobs/$job?wait=30"; want 200; done
	[ "$(field '[.kind, .state, .exitCode] | tostring')" = '["gc","done",0]' ]
	[ "$(jq '.report | has("chunksFreed")' <<< "$reply")" = true ]
	api POST jobs '{"kind": "check"}'; want 202
	job=$(field .jobId)
	api GET "jobs/$job?wait=60"
	while [ "$(field .state)" = running ]; do api GET "jobs/$job?wait=30"; want 200; done
	[ "$(field '[.kind, .state, .exitCode, .report.problems] | tostring')" = '["check","done",0,0]' ]
	api DELETE "jobs/$job"; want 204
	api GET jobs/job_zzz; want 404 not_found
	api GET jobs/nonsense; want 404
	api POST jobs '{"kind": "tidy"}'; want 400 kind
	api POST jobs '{"kind": "check", "dryRun": true}'; want 400
	api POST jobs '{"kind": "gc", "quick": true}'; want 400
}

@test "parameters that there are not are refused by name" {
	for path in status 'users?limit=5' users/x users/x/keys users/x/tokens workspaces workspaces/w workspaces/w/grants \
		'workspaces/w/changes?cursor=now' jobs/job_zzz; do
		[[ $path == *\?* ]] && path+="&odd=1" || path+="?odd=1"
		api GET "$path"; want 400 'There is no parameter \"odd\".'
	done
	for path in yield users workspaces users/x/keys users/x/tokens workspaces/w/grants jobs; do
		api POST "$path?odd=1" '{}'; want 400 'There is no parameter \"odd\".'
	done
	for path in users/x workspaces/w users/x/keys/k; do
		api PATCH "$path?odd=1" '{}'; want 400 'There is no parameter \"odd\".'
	done
	for path in users/x workspaces/w users/x/keys/k users/x/tokens/t workspaces/w/grants jobs/j; do
		api DELETE "$path?odd=1"; want 400 'There is no parameter \"odd\".'
	done
}

@test "what is not there is said as JSON" {
	api GET nothing; want 404 '"code":"not_found"'
	[ "$(field .error.requestId)" ]
	api PUT users; want 405
}

metrics() {
	curl -s -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/metrics"
}

counted() {	# OPERATION CLASS: requests so far
	metrics | sed -n "s/^fsd_requests_total{operation=\"$1\",status=\"$2\"} //p" | grep . || echo 0
}

# A request is counted a moment after its reply.
counted_is() {
	[ "$(counted "$1" "$2")" = "$3" ]
}

# With a store and settings of the test's own, which it stops.
own_daemon() {	# SETTING
	echo "$1" > "$BATS_TEST_TMPDIR/fsd.yaml"
	[ -e "$BATS_TEST_TMPDIR/store" ] || store_new "$BATS_TEST_TMPDIR/store" || return 1
	fsd_start --config "$BATS_TEST_TMPDIR/fsd.yaml"
}

@test "metrics are the administrators' unless the setting says something else" {
	code() { curl -s -o "$BATS_TEST_TMPDIR/body" -w '%{http_code}' "$@" "$FSD_URL/metrics"; }
	[ "$(code)" = 401 ]
	none grep -q fsd_ "$BATS_TEST_TMPDIR/body"
	[ "$(code -H 'Authorization: Bearer fsdt_nobody')" = 401 ]
	[ "$(code -H "Authorization: Bearer $FSD_TOKEN")" = 200 ]
	[ "$(code --unix-socket "$STORE/fsd.sock")" = 200 ]
	fsctl user create gauge > /dev/null
	[ "$(code -H "Authorization: Bearer $(fsctl --json token create gauge | json token)")" = 403 ]
	fsctl user delete gauge > /dev/null
	own_daemon "metrics: open"
	[ "$(code)" = 200 ]
	grep -q ^fsd_build_info "$BATS_TEST_TMPDIR/body"
	fsd_stop
	own_daemon "metrics: off"
	[ "$(code)" = 404 ]
	[ "$(code --unix-socket "$STORE/fsd.sock")" = 404 ]
	fsd_stop
}

@test "metrics count by operation and class of status" {
	s3_curl /counted -X PUT
	put=$(counted PutObject 2xx) get=$(counted GetObject 4xx)
	s3_curl /counted/a -X PUT -d 12345
	s3_curl /counted/missing > /dev/null
	within 60 counted_is PutObject 2xx $((put + 1))
	within 60 counted_is GetObject 4xx $((get + 1))
	text=$(metrics)
	for m in fsd_request_seconds_count fsd_received_bytes_total fsd_sent_bytes_total fsd_connections fsd_watchers fsd_commits_total \
		fsd_commit_batches_total fsd_upload_memory_bytes fsd_disk_free_bytes process_cpu_seconds_total \
		process_resident_memory_bytes fsd_anonymous_memory_bytes; do
		grep -Eq "^$m(\\{[^}]*\\})? [0-9.]+\$" <<< "$text" || fail "$m"
	done
	# Nothing but comments and samples, and cumulative buckets.
	none grep -Ev '^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$' <<< "$text"
	sed -n 's/^fsd_request_seconds_bucket{operation="PutObject",le="[^"]*"} //p' <<< "$text" | sort -nc
}

@test "the access log has a line a request and no secret" {
	s3_curl /logged -X PUT
	s3_curl '/logged/a%20file' -X PUT -d 12345
	curl -s -o /dev/null "$FSD_URL/logged/x?X-Amz-Signature=deadbeefcafe&token=s3cr3t"
	logged 'PUT /logged/a%20file PutObject'
	line=$(grep 'PUT /logged/a%20file PutObject' "$FSD_LOG")
	[[ $line == *" $AWS_ACCESS_KEY_ID "*" 200 in=5 out=0 us="* ]]
	logged 'X-Amz-Signature=\*\*\*&token=\*\*\*'
	none grep -qE "deadbeefcafe|s3cr3t" "$FSD_LOG"
	# URLs that are passes by themselves: of downloads and parts, and presigned.
	/usr/bin/python3 "$FSD_ROOT/tests/logged.py" logged > "$BATS_TEST_TMPDIR/passes"
	[ "$(grep -c . "$BATS_TEST_TMPDIR/passes")" = 4 ]
	logged 'ticket=\*\*\* GetContent 200'
	logged 'ticket=\*\*\* PutPart 200'
	logged 'X-Amz-Signature=\*\*\*.* GetObject 200'
	logged '[?&]Signature=\*\*\*.* GetObject 200'
	none grep -qF -f "$BATS_TEST_TMPDIR/passes" "$FSD_LOG"
	none grep -qF "$AWS_SECRET_ACCESS_KEY" "$FSD_LOG"
	none grep -qF "$FSD_TOKEN" "$FSD_LOG"
}

@test "what was refused before it became a request is counted and logged" {
	exec 9<> "/dev/tcp/127.0.0.1/$FSD_PORT"
	printf 'PUT /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n' >&9
	read -t 10 -r line <&9
	exec 9>&-
	[[ $line == "HTTP/1.1 400 "* ]]
	logged ' - PUT /smuggled Refused 400 '
	[ "$(counted Refused 4xx)" -ge 1 ]
}

@test "cross-origin requests: the listed origin and no other" {
	run curl -si -X OPTIONS -H 'Origin: https://app.example' -H 'Access-Control-Request-Method: PUT' \
		-H 'Access-Control-Request-Headers: content-type,x-amz-date' "$FSD_URL/photos/x"
	[[ $output == *" 204 "* ]]
	[[ ${output,,} == *"access-control-allow-origin: https://app.example"* ]]
	[[ ${output,,} == *"access-control-allow-methods: "*put* ]]
	[[ ${output,,} == *"access-control-allow-headers: content-type,x-amz-date"* ]]
	run curl -si -X OPTIONS -H 'Origin: https://evil.example' -H 'Access-Control-Request-Method: PUT' "$FSD_URL/photos/x"
	[[ $output == *" 403 "* ]]
	[[ ${output,,} != *"access-control-allow-origin"* ]]
	run curl -si -H 'Origin: https://app.example' "$FSD_URL/photos/x"
	[[ ${output,,} == *"access-control-allow-origin: https://app.example"* ]]
	[[ ${output,,} == *"vary: origin"* ]]
	run curl -si -H 'Origin: https://evil.example' "$FSD_URL/photos/x"
	[[ ${output,,} != *"access-control-allow-origin"* ]]
}

@test "the log as JSON is one object a line" {
	own=$BATS_TEST_TMPDIR/store
	"$FSD" --data "$own" --init > /dev/null
	"$FSD" --data "$own" --listen 127.0.0.1:0 --log json > "$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	pid=$!
	until grep -q 'listening on' "$BATS_TEST_TMPDIR/log"; do sleep 0.05; done
	(cd "$own" && curl -sS --unix-socket fsd.sock http://fsd/healthz)
	kill -TERM $pid
	wait $pid
	[ "$(jq -s 'map(select(.operation == "Healthz" and .status == 200)) | length' "$BATS_TEST_TMPDIR/log")" = 1 ]
}
