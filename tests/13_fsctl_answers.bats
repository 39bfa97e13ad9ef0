#!/usr/bin/env bats
# test-timeout: 240
# fsctl before a daemon that says what a real one seldom does: exit codes, messages, and how one is found and started.

load lib/fsd
bats_require_minimum_version 1.5.0

setup() {
	DIR=$BATS_TEST_TMPDIR/bin
	D=$BATS_TEST_TMPDIR/d
	mkdir "$DIR" "$D"
	cp "$FSCTL" "$DIR/fsctl"
	{ echo '#!/usr/bin/python3'; cat "$FSD_ROOT/tests/lib/fake_fsd.py"; } > "$DIR/fsd"
	chmod +x "$DIR/fsd"
	printf 'fsd store 1\n' > "$D/VERSION"
	answers '{}'
	unset FSD_DATA FSD_TOKEN
	cd "$BATS_TEST_TMPDIR"
	SERVER= HOLDER=
}

teardown() {
	[ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null || true
	[ -z "$HOLDER" ] || kill "$HOLDER" 2>/dev/null || true
	renew
}

renew() {	# the stand-in ends: the next call starts one that has answered nothing yet
	local pid
	pid=$(cat "$D/fake.pid" 2>/dev/null) || return 0
	kill "$pid" 2>/dev/null || true
	wait_gone "$pid" 60
	rm -f "$D/fake.pid"
}

asked() {	# TEXT: a request with that has reached the stand-in
	within 60 grep -qF "$1" "$D/requests.log"
}

lock_is_held() {	# FILE
	! flock -n "$1" true
}

hold_lock() {	# [FILE]: until HOLDER is killed
	flock --no-fork "${1-$D/LOCK}" sleep 600 3>&- &
	HOLDER=$!
	within 60 lock_is_held "${1-$D/LOCK}"
}

answers() {
	printf '%s\n' "$1" > "$D/answers.json"
}

ctl() {
	"$DIR/fsctl" --data "$D" "$@" 3>&-
}

status_is() {
	[ "$status" = "$1" ] || fail "exit code $status, wanted $1; output: $output"
}

has() {
	local text
	for text; do
		[[ "$output" == *"$text"* ]] || fail "no \"$text\" in: $output" || return 1
	done
}

listen() {	# starts the stand-in on a port: URL
	"$DIR/fsd" --data "$D" --port-file "$BATS_TEST_TMPDIR/port" 3>&- &
	SERVER=$!
	within 60 test -s "$BATS_TEST_TMPDIR/port"
	URL=http://127.0.0.1:$(< "$BATS_TEST_TMPDIR/port")
}

# METHOD-AND-PATH STATUS CODE -> the exit code of `user show bob`
answer_error() {
	answers '{"GET /v1/admin/users/bob": ['"$1"', {"error": {"code": "'"$2"'", "message": "because of '"$2"'", "requestId": "r-77"}}]}'
}

@test "usage: what is wrong, and what to type, before any daemon is asked" {
	run ctl; status_is 2; has "fsctl help"
	run ctl usr list; status_is 2; has 'no verb "usr"' 'fsctl user'
	run ctl user lst; status_is 2; has 'fsctl user list'
	run ctl user; status_is 2; has 'create, list, show'
	run ctl user create; status_is 2; has 'NAME' 'usage: fsctl user create'
	run ctl user create a b; status_is 2; has '"b"'
	run ctl user create ""; status_is 2; has 'empty'
	run ctl user list --owner x; status_is 2; has '--owner does not go with'
	run ctl --jsn status; status_is 2; has '--json'
	run ctl token create bob --expires; status_is 2; has 'needs a value'
	run ctl token create bob --expires 5m; status_is 2; has '5m' '15min'
	run ctl workspace create w --quota many; status_is 2; has 'many' '64MiB'
	run ctl grant add w bob king; status_is 2; has 'owner, editor or viewer'
	run ctl workspace set w; status_is 2; has 'nothing to set'
	run ctl --endpoint http://x status; status_is 2; has "don't go together"
	run ctl --token-file f status; status_is 2; has '--endpoint'
	run "$DIR/fsctl" --endpoint ftp://x --token-file /dev/null status; status_is 2
	[ ! -e "$D/requests.log" ]
}

@test "help and version need no store" {
	cd /
	run "$DIR/fsctl" help; status_is 0; has 'workspace create NAME' '--token-file'
	run "$DIR/fsctl" help user create; status_is 0; has '--may-create-buckets'
	run "$DIR/fsctl" user create --help; status_is 0; has '--may-create-buckets'
	run "$DIR/fsctl" --help; status_is 0
	run "$DIR/fsctl" help nothing; status_is 2
	run "$DIR/fsctl" version; status_is 0; has 'fsctl 0.'
	run "$DIR/fsctl" --version; status_is 0; has 'fsctl 0.'
	[ "$("$DIR/fsctl" --json version | jq -r .version)" = "${output#fsctl }" ]
}

@test "which store: --data, then FSD_DATA, then ./data, else what to type" {
	answers '{"GET /v1/admin/status": [200, {"version": "7"}]}'
	run "$DIR/fsctl" status; status_is 2; has '--data DIR' 'init'
	run "$DIR/fsctl" --data "$BATS_TEST_TMPDIR/none" status; status_is 10; has 'no store' 'init'
	FSD_DATA=$D run "$DIR/fsctl" status; status_is 0
	ln -s d data
	run "$DIR/fsctl" status; status_is 0; has 'version'
	FSD_DATA=/nowhere run "$DIR/fsctl" status --data d; status_is 0
}

@test "options stand anywhere, and -- ends them" {
	answers '{"GET /v1/admin/users/bob": [200, {"name": "bob"}], "GET /v1/admin/users/-x": [200, {"name": "-x"}]}'
	[ "$("$DIR/fsctl" user --json show --data "$D" bob 3>&- | jq -r .name)" = bob ]
	[ "$(POSIXLY_CORRECT=1 "$DIR/fsctl" user show bob --json --data="$D" 3>&- | jq -r .name)" = bob ]
	[ "$(ctl --json user show -- -x | jq -r .name)" = -x ]
}

@test "a daemon is started, used again, and outlives nobody's pipes" {
	answers '{"GET /v1/admin/status": [200, {"version": "7", "pid": 1}]}'
	local start=$SECONDS pid
	# It goes on for a minute: who waits for a pipe that it holds waits as long.
	run ctl status; status_is 0
	[ $((SECONDS - start)) -lt 60 ]
	pid=$(< "$D/fake.pid")
	run ctl status; status_is 0
	[ "$(grep -c . "$D/requests.log")" = 2 ]
	[ "$(< "$D/fake.pid")" = "$pid" ]
	renew
	start=$SECONDS
	( ctl status 9>&1 > /dev/null ) | cat		# a pipe that fsctl was given beside its own output
	[ $((SECONDS - start)) -lt 60 ]
}

@test "paths longer than a socket's may be" {
	local long=$BATS_TEST_TMPDIR/$(printf 'x%.0s' $(seq 120))
	answers '{"GET /v1/admin/status": [200, {"version": "7"}]}'
	mv "$D" "$long"
	D=$long
	run ctl status
	status_is 0
}

@test "where no daemon can be started its reason is shown and its exit code kept" {
	printf '12 the key file is not readable\n' > "$D/refuse"
	run ctl status; status_is 12; has 'the key file is not readable' 'no daemon could be started'
	printf '4 the database is damaged\n' > "$D/refuse"
	run ctl status; status_is 4; has 'damaged'
	rm "$DIR/fsd"
	PATH=/nowhere run -1 "$DIR/fsctl" --data "$D" status
	has 'neither beside fsctl nor in PATH'
}

@test "who holds the lock without serving yet is waited for" {
	answers '{"GET /v1/admin/status": [200, {"version": "7"}]}'
	hold_lock
	( sleep 1; kill "$HOLDER" ) 3>&- &
	run ctl status
	status_is 0
}

@test "every kind of answer has its exit code, its reason and a next step" {
	local line
	while read -r http code want; do
		answer_error "$http" "$code"
		run ctl user show bob
		[ "$status" = "$want" ] || fail "$http $code: exit code $status, wanted $want: $output" || return 1
		has "user show bob: because of $code"
	done <<-END
		400 invalid_request 2
		401 unauthenticated 12
		403 access_denied 12
		507 quota_exceeded 13
		404 not_found 10
		409 conflict 1
		500 internal_error 1
		503 unavailable 75
		507 insufficient_storage 13
	END
	answer_error 404 not_found; run ctl user show bob; has 'fsctl user list'
	answer_error 500 internal_error; run ctl user show bob; has 'r-77'
	answer_error 507 insufficient_storage; run ctl user show bob; has 'fsctl gc'
}

@test "verbs of files say what to type for who has too few rights, too little room, or a wrong name" {
	files() {	# STATUS CODE: of what `ls w/x` asks
		answers '{"GET /v1/workspaces": [200, {"workspaces": [{"name": "w", "workspaceId": "ws_1", "rootFolderId": "fld_1"}]}],
			"GET /v1/lookup": ['"$1"', {"error": {"code": "'"$2"'", "message": "because of '"$2"'"}}]}'
	}
	files 403 access_denied
	run ctl ls w/x; status_is 12; has 'because of' 'fsctl share list'
	[[ "$output" != *administration* ]]
	files 404 not_found
	run ctl ls w/x; status_is 10; has 'fsctl ls'
	run ctl rm w/x; status_is 10; has 'fsctl ls'
	run ctl versions list w/x; status_is 10; has 'fsctl versions list WORKSPACE/PATH'
	[[ "$output" != *USER* ]]
	run ctl get --version-id ver_1 w/x y; status_is 10; has 'fsctl versions list'
	files 409 already_exists
	run ctl ls w/x; status_is 1; has 'another name'
	files 507 quota_exceeded
	run ctl ls w/x; status_is 13; has '--quota'
	answers '{"GET /v1/admin/status": [403, {"error": {"code": "access_denied", "message": "no"}}]}'
	run ctl status; status_is 12; has 'administrator'
}

@test "replies that fsd never gives" {
	answers '{"GET /v1/admin/users/bob": [200, "<html>"]}'
	run ctl user show bob; status_is 1; has 'not JSON'
	answers '{"GET /v1/admin/users/bob": [502, "<html>"]}'
	run ctl user show bob; status_is 75; has '502'
	answers '{"GET /v1/admin/users/bob": [0, ""]}'
	run ctl user show bob; status_is 75; has 'look first'
	answers '{"GET /v1/admin/users": [200, {"people": []}]}'
	run ctl user list; status_is 1; has 'users'
}

@test "names are escaped on the wire, and control bytes on the terminal" {
	answers '{"GET /v1/admin/users/a%2Fb%3F%20%C3%BC": [200, {"name": "a\u001b[31mb\u009b1m"}]}'
	run ctl user show 'a/b? ü'
	status_is 0
	[[ "$output" == *'a\x1b[31mb\x9b1m'* ]]
	[[ "$output" != *$'\e'* ]]
}

@test "an endpoint gets the token of the file" {
	answers '{"GET /v1/admin/status": [200, {"version": "7"}]}'
	listen
	printf '  t0ken\n' > F
	run "$DIR/fsctl" --endpoint "$URL/" --token-file F status; status_is 0
	grep -q 'GET /v1/admin/status Bearer t0ken' "$D/requests.log"
	run "$DIR/fsctl" --endpoint "$URL" status; status_is 2; has '--token-file'
	FSD_TOKEN=env run "$DIR/fsctl" --endpoint "$URL" status; status_is 0
	grep -q 'Bearer env' "$D/requests.log"
	run "$DIR/fsctl" --endpoint "$URL" --token-file nothing status; status_is 2; has 'nothing'
	: > F
	run "$DIR/fsctl" --endpoint "$URL" --token-file F status; status_is 2
	run "$DIR/fsctl" --endpoint http://127.0.0.1:1 --token-file /etc/hostname status; status_is 75
}

@test "listings take all pages, as a table and as one document" {
	answers '{"GET /v1/admin/workspaces": [
		[200, {"workspaces": [{"name": "a", "owner": "root", "objects": 1234567, "bytes": 1610612736, "quotaBytes": 0}], "next": "a"}],
		[200, {"workspaces": [{"name": "bigger-name", "owner": "bob", "objects": 0, "bytes": 12, "quotaBytes": 1024}], "next": null}]]}'
	run ctl workspace list
	status_is 0
	[ "${#lines[@]}" = 3 ]
	has '1,234,567' '1.5 GiB' 'none' '1.0 KiB'
	[ "$(expr "${lines[0]}" : '.*OBJECTS')" = "$(expr "${lines[1]}" : '.*1,234,567')" ]
	grep -q 'workspaces?limit=1000&after=a' "$D/requests.log"
	rm "$D/requests.log"
	renew		# a new one begins at the first page
	run ctl --json workspace list
	[ "$(jq -r '[.workspaces[].name] | join(",")' <<< "$output")" = a,bigger-name ]
}

@test "workspaces and what is shared: all pages of both" {
	answers '{"GET /v1/workspaces": [
		[200, {"workspaces": [{"name": "a", "workspaceId": "ws_1", "rootFolderId": "fld_1"}], "next": "own-a"}],
		[200, {"workspaces": [{"name": "b", "workspaceId": "ws_2", "rootFolderId": null}], "next": null}],
		[200, {"workspaces": [{"name": "a", "workspaceId": "ws_1", "rootFolderId": "fld_1"}], "next": "own-a"}],
		[200, {"workspaces": [{"name": "b", "workspaceId": "ws_2", "rootFolderId": null}], "next": null}]],
		"GET /v1/workspaces/ws_2": [
		[200, {"shared": [{"kind": "folder", "id": "fld_7", "path": "S"}], "sharedNext": "fld_7"}],
		[200, {"shared": [{"kind": "file", "id": "file_8", "path": "lone"}], "sharedNext": null}]]}'
	listen
	printf 't\n' > F
	run "$DIR/fsctl" --endpoint "$URL" --token-file F ls; status_is 0
	[ "${#lines[@]}" = 3 ]
	run "$DIR/fsctl" --endpoint "$URL" --token-file F ls b; status_is 0
	[ "$output" = $'S/\nlone' ]
	grep -q 'workspaces?limit=1000&after=own-a' "$D/requests.log"
	grep -q 'workspaces/ws_2?after=fld_7' "$D/requests.log"
}

@test "share remove finds the user on any page" {
	answers '{"GET /v1/workspaces": [200, {"workspaces": [{"name": "w", "workspaceId": "ws_1", "rootFolderId": "fld_1"}]}],
		"GET /v1/workspaces/ws_1/grants": [
		[200, {"grants": [{"principalName": "bob", "principalId": "user_1", "inherited": true}], "next": "user_1"}],
		[200, {"grants": [{"principalName": "bob", "principalId": "user_2", "inherited": false}], "next": null}],
		[200, {"grants": []}]],
		"DELETE /v1/workspaces/ws_1/grants/user_2": [204, null]}'
	run ctl share remove w bob; status_is 0
	grep -q 'grants?limit=1000&after=user_1' "$D/requests.log"
	run ctl share remove w bob; status_is 10; has 'fsctl share list w'
}

job() {	# FINAL-MEMBERS: answers of a job that runs, says two lines, and ends
	answers '{"POST /v1/admin/jobs": [202, {"jobId": "job_1"}],
		"GET /v1/admin/jobs/job_1": [
		[200, {"state": "running", "progress": {"done": 5, "total": 10}, "lines": [{"n": 1, "text": "chunk 1 is gone"}]}],
		[200, {"progress": {"done": 10, "total": 10}, "lines": [{"n": 2, "text": "chunk 2 is gone"}], "moreLines": false, "linesDropped": 0, '"$1"'}]]}'
}

@test "check: the findings, the report, exit code 4" {
	job '"state": "done", "exitCode": 4, "report": {"chunks": 2000, "bytes": 2048, "problems": 2}'
	run --separate-stderr ctl check --quick
	status_is 4
	has 'chunk 1 is gone' 'chunk 2 is gone' '2,000' '2.0 KiB'
	grep -q '{"kind":"check","quick":true}' "$D/requests.log"
	grep -q 'after=1' "$D/requests.log"
}

@test "check: one document with --json" {
	job '"state": "done", "exitCode": 4, "report": {"problems": 2}'
	run --separate-stderr ctl check --json
	status_is 4
	[ "$(jq -c '[.state, .problems, .report.problems]' <<< "$output")" = '["done",["chunk 1 is gone","chunk 2 is gone"],2]' ]
}

@test "gc: dry run, grace, and what it did" {
	job '"state": "done", "exitCode": 0, "report": {"chunksFreed": 3, "bytesReturned": 268435456}'
	run --separate-stderr ctl gc --dry-run --grace 6h
	status_is 0
	has 'would do' '256.0 MiB'
	grep -q '{"kind":"gc","dryRun":true,"graceMs":21600000}' "$D/requests.log"
}

@test "a job that fails, one that another stopped, one beside another" {
	job '"state": "failed", "exitCode": 13, "error": "no space left", "report": {}'
	run ctl gc; status_is 13; has 'no space left'
	renew
	job '"state": "stopped", "exitCode": 75, "report": {}'
	run ctl gc; status_is 75; has 'stopped'
	answers '{"POST /v1/admin/jobs": [409, {"error": {"code": "conflict", "message": "One is running already."}}]}'
	run ctl gc; status_is 75; has 'running already' 'try again'
}

@test "Ctrl-C stops the job, prints the report and exits with 130" {
	answers '{"POST /v1/admin/jobs": [202, {"jobId": "job_1"}], "DELETE /v1/admin/jobs/job_1": [204, null],
		"GET /v1/admin/jobs/job_1": [200, {"state": "running", "progress": {"done": 0, "total": 0}, "lines": []}],
		"stopped /v1/admin/jobs/job_1": [200, {"state": "stopped", "exitCode": 75, "lines": [], "report": {"chunksFreed": 3}}]}'
	# A shell gives what it starts in the background an ignored SIGINT.
	run timeout 120 /usr/bin/python3 - "$DIR/fsctl" --data "$D" gc <<-'END'
		import os, signal, subprocess, sys, time
		signal.signal(signal.SIGINT, signal.SIG_DFL)
		p = subprocess.Popen(sys.argv[1:])
		log = os.path.join(sys.argv[3], "requests.log")
		while not (os.path.exists(log) and "GET /v1/admin/jobs/job_1" in open(log).read()):
		    time.sleep(0.05)
		p.send_signal(signal.SIGINT)
		try:
		    sys.exit(p.wait(60) % 256)
		except subprocess.TimeoutExpired:
		    p.kill()
		    raise
	END
	status_is 130
	has 'chunks freed' 'stopped before its end'
	grep -q 'DELETE /v1/admin/jobs/job_1' "$D/requests.log"
}

endless() {	# FINAL-MEMBERS: of a job that runs until it is told to end
	answers '{"POST /v1/admin/jobs": [202, {"jobId": "job_1"}], "DELETE /v1/admin/jobs/job_1": [204, null],
		"GET /v1/admin/jobs/job_1": [200, {"state": "running", "progress": {"done": 0, "total": 0}, "lines": []}],
		"stopped /v1/admin/jobs/job_1": [200, {"lines": [], '"$1"'}]}'
}

awake() {	# the stand-in runs already, so that a limit counts the job's time alone
	run ctl user list; status_is 10
}

@test "--max-duration stops the job in time, says how to go on, and the report is last" {
	endless '"state": "stopped", "exitCode": 75, "report": {"chunksFreed": 3, "bytesFreed": 99}'
	local start
	awake
	start=$SECONDS
	run ctl gc --max-duration 10s --metrics-file F.prom; status_is 14
	[ $((SECONDS - start)) -lt 60 ]
	has 'time limit of 10s' "gc --max-duration 10s --metrics-file F.prom\` goes on" 'stopped before its end'
	[[ "${lines[-1]}" == *'bytes in them'* ]]
	grep -q 'DELETE /v1/admin/jobs/job_1' "$D/requests.log"
	[ "$(metric exit_code gc) $(metric items gc) $(metric bytes gc) $(metric errors gc)" = "14 3 99 0" ]
	[ -z "$(metric success_timestamp_seconds gc)" ]
	renew
	endless '"state": "stopped", "exitCode": 75, "report": {"chunks": 5}'
	awake
	run ctl check --max-duration 10s; status_is 14; has 'begins at the beginning again'
	# What ends just then has ended.
	renew
	endless '"state": "done", "exitCode": 0, "report": {"chunks": 5}'
	awake
	run ctl check --max-duration 10s; status_is 0
	run ctl gc --max-duration soon; status_is 2; has '--max-duration' '15min'
	run ctl status --max-duration 1s; status_is 2; has 'does not go with'
}

@test "--lock-wait waits for a job of that kind, and fails as locked" {
	answers '{"POST /v1/admin/jobs": [[409, {"error": {"code": "conflict", "message": "One is running already."}}],
			[409, {"error": {"code": "conflict", "message": "One is running already."}}], [202, {"jobId": "job_1"}]],
		"GET /v1/admin/jobs/job_1": [200, {"state": "done", "exitCode": 0, "lines": [], "report": {"chunksFreed": 3}}]}'
	run ctl gc --lock-wait 30s; status_is 0
	has 'another one is running: waiting for up to 30s' 'chunks freed'
	renew
	awake
	answers '{"POST /v1/admin/jobs": [409, {"error": {"code": "conflict", "message": "One is running already."}}]}'
	run ctl gc --lock-wait 1s; status_is 11; has 'running already' '--lock-wait'
	run ctl gc --lock-wait 0; status_is 75
	# The time limit counts there too.
	run ctl gc --lock-wait 20s --max-duration 1s; status_is 14; has 'time limit'
}

@test "--lock-wait waits for the store, and no longer" {
	answers '{"POST /v1/admin/jobs": [202, {"jobId": "job_1"}],
		"GET /v1/admin/jobs/job_1": [200, {"state": "done", "exitCode": 0, "lines": [], "report": {}}]}'
	local start pid
	hold_lock
	start=$SECONDS
	run ctl gc --lock-wait 1s --metrics-file F.prom; status_is 11; has 'in use by another'
	[ $((SECONDS - start)) -lt 60 ]
	[ "$(metric exit_code gc)" = 11 ]
	run ctl gc --max-duration 1s; status_is 14
	"$DIR/fsctl" --data "$D" gc --lock-wait 1h > out 2>&1 3>&- &
	pid=$!
	within 60 grep -q 'in use by another process: waiting for up to' out
	alive "$pid"
	kill "$HOLDER"
	wait "$pid" || fail "exit code $?: $(< out)"
}

@test "--metrics-file: what the last run of each verb did, and when one last succeeded" {
	local first
	job '"state": "done", "exitCode": 0, "report": {"chunks": 2000, "bytes": 2048, "problems": 0}'
	run ctl check --metrics-file F.prom; status_is 0
	[ "$(metric items check) $(metric bytes check) $(metric errors check) $(metric exit_code check)" = "2000 2048 0 0" ]
	first=$(metric success_timestamp_seconds check)
	[ "$first" = "$(metric run_timestamp_seconds check)" ]
	[ "$(stat -c %a F.prom)" = 644 ]
	renew
	sleep 1.1		# the next run has another second
	job '"state": "done", "exitCode": 4, "report": {"problems": 2}'
	run ctl check --metrics-file F.prom; status_is 4
	[ "$(metric success_timestamp_seconds check)" = "$first" ]
	[ "$(metric run_timestamp_seconds check)" != "$first" ]
	[ "$(metric errors check) $(metric exit_code check)" = "2 4" ]
	run ctl put "$D/VERSION" w/ --metrics-file F.prom; status_is 10
	[ "$(metric errors put) $(metric exit_code put) $(metric exit_code check)" = "1 10 4" ]
	[ "$(ls F.prom*)" = F.prom ]
}

@test "--metrics-file takes the place of nothing else" {
	local f
	printf 'node_load1 1\n' > other.prom
	mkdir dir
	ln -s other.prom link
	for f in other.prom dir link dir/ nowhere/F.prom /dev/null; do
		run ctl gc --metrics-file "$f"; status_is 2; has "--metrics-file $f"
	done
	[ "$(< other.prom)" = 'node_load1 1' ]
	[ -L link ]
	[ -c /dev/null ]
	run ctl gc --dry-run --metrics-file F.prom; status_is 2; has '--dry-run'
	[ ! -e "$D/requests.log" ]
}

@test "--metrics-file is written in the end, whoever holds its folder's lock" {
	mkdir m
	hold_lock m
	transfers "$there, "'"GET /bytes": [200, "'"$xs"'"]'
	run timeout -k 5 300 "$DIR/fsctl" --data "$D" get w/y y --metrics-file m/F.prom 3>&-; status_is 0
	[ "$(PROM=m/F.prom metric exit_code get)" = 0 ]
}

@test "--metrics-file is written after a signal, without a daemon, and where none starts" {
	endless '"state": "stopped", "exitCode": 75, "report": {"chunksFreed": 3}'
	"$DIR/fsctl" --data "$D" gc --metrics-file F.prom > out 2>&1 3>&- &
	local pid=$! rc=0
	asked 'GET /v1/admin/jobs/job_1'
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ $rc = 143 ]
	[ "$(metric exit_code gc) $(metric items gc)" = "143 3" ]
	renew
	printf '4 the database is damaged\n' > "$D/refuse"
	run ctl check --metrics-file F.prom; status_is 4
	[ "$(metric exit_code check) $(metric errors check) $(metric items check)" = "4 1 7" ]
	printf '12 the key file is not readable\n' > "$D/refuse"
	run ctl check --metrics-file F.prom; status_is 12
	[ "$(metric exit_code check)" = 12 ]
}

@test "a check without a daemon ends at its time limit and with a signal" {
	printf '4 the database is damaged\n' > "$D/refuse"
	printf '600\n' > "$D/slow"
	local start=$SECONDS pid rc=0
	run ctl check --max-duration 1s --metrics-file F.prom; status_is 14; has 'time limit of 1s'
	[ "$(metric exit_code check)" = 14 ]
	"$DIR/fsctl" --data "$D" check --metrics-file F.prom > out 2>&1 3>&- &
	pid=$!
	within 60 pgrep -f -- "--data $D --check"
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ $rc = 143 ]
	[ "$(metric exit_code check)" = 143 ]
	[ $((SECONDS - start)) -lt 300 ]
	! pgrep -f -- "--data $D --check"
}

@test "check without a daemon where none can open the store" {
	printf '4 the database is damaged\n' > "$D/refuse"
	run ctl check; status_is 4; has 'without one' 'the store is damaged'
	run --separate-stderr ctl check --json; status_is 4
	[ "$(jq -r '.problems[0]' <<< "$output")" = 'the store is damaged' ]
	printf '12 the key file is not readable\n' > "$D/refuse"
	run ctl check; status_is 12
}

@test "init: a text that can be pasted, one document with --json, never twice" {
	run ctl init; status_is 1; has 'no store was created' 'already'
	run --separate-stderr "$DIR/fsctl" init --data "it's new" 3>&-
	status_is 0
	( eval "$output" && [ "$AWS_ACCESS_KEY_ID" = AKTEST ] && [ "$AWS_SECRET_ACCESS_KEY" = SECRET ] && [ "$FSD_TOKEN" = TOKEN ] )
	has 'fsd --data'
	[ "$("$DIR/fsctl" --json init 3>&- | jq -r '[.accessKeyId, .secretAccessKey, .token, .dataDir] | join(" ")')" = \
		"AKTEST SECRET TOKEN $(realpath data)" ]
	run "$DIR/fsctl" --endpoint http://x init; status_is 2
}

@test "credentials: pasted, bare with --quiet, one document with --json" {
	answers '{"POST /v1/admin/users/bob/keys": [201, {"accessKeyId": "AK1", "secretAccessKey": "s"}],
		"POST /v1/admin/users/bob/tokens": [201, {"tokenId": "tok_1", "token": "abc", "expiresAt": null}]}'
	run --separate-stderr ctl key create bob
	[ "$output" = "export AWS_ACCESS_KEY_ID='AK1'
export AWS_SECRET_ACCESS_KEY='s'" ]
	[ "$(ctl -q token create bob --expires 7d)" = abc ]
	grep -q '{"expiresMs":604800000}' "$D/requests.log"
	[ "$(ctl --json token create bob | jq -r .token)" = abc ]
}

events() {
	printf '{"sequence": %d, "eventType": "FILE_CREATED", "path": "a/%d", "versionId": "ver_1", "sizeBytes": 1536, "occurredAt": "2026-11-22T13:52:15.123456Z"}' "$1" "$1"
}

@test "changes: every page, an event a line, JSON as it came" {
	answers '{"GET /v1/admin/workspaces/w/changes": [
		[200, {"changes": ['"$(events 1),$(events 2)"'], "nextCursor": "2", "hasMore": true}],
		[200, {"changes": ['"$(events 3)"'], "nextCursor": "3", "hasMore": false}],
		[200, {"changes": ['"$(events 4)"'], "nextCursor": "4", "hasMore": false}],
		[410, {"error": {"code": "cursor_expired", "message": "gone"}}]]}'
	run ctl changes w
	status_is 0
	[ "${#lines[@]}" = 3 ]
	[[ "${lines[0]}" == "2026-11-22 13:52:15Z "*" 1  FILE_CREATED "*"1.5 KiB  a/1" ]]
	grep -q 'cursor=begin&limit=1000 ' "$D/requests.log"
	grep -q 'cursor=2&' "$D/requests.log"
	[ "$(ctl changes w --json --from 3 | jq -c '[.sequence, .path]')" = '[4,"a/4"]' ]
	run ctl changes w --from 1; status_is 1; has 'gone' 'beginning'
}

@test "changes --follow: ends with the signal's code, silently, also when its reader goes" {
	answers '{"GET /v1/admin/workspaces/w/changes": [
		[200, {"changes": ['"$(events 1)"'], "nextCursor": "1", "hasMore": false}],
		[200, {"changes": ['"$(events 2)"'], "nextCursor": "2", "hasMore": false}],
		[200, {"state": "running", "changes": [], "nextCursor": "2", "hasMore": false}]]}'
	run timeout 180 /usr/bin/python3 - "$DIR/fsctl" --data "$D" changes w --follow --json <<-'END'
		import json, signal, subprocess, sys
		signal.signal(signal.SIGINT, signal.SIG_DFL)
		p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		assert json.loads(p.stdout.readline())["sequence"] == 1
		assert json.loads(p.stdout.readline())["sequence"] == 2
		p.send_signal(signal.SIGINT)
		out, err = p.communicate(timeout=60)
		assert p.returncode == 130 and not out and not err, (p.returncode, out, err)
		p = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		p.stdout.close()
		err = p.stderr.read()
		p.wait(60)
		assert p.returncode == 141 and not err, (p.returncode, err)
	END
	status_is 0
}

@test "changes --follow goes on when the daemon was restarted" {
	answers '{"GET /v1/admin/workspaces/w/changes": [
		[200, {"changes": ['"$(events 1)"'], "nextCursor": "1", "hasMore": false}], [0, ""], [503, "stopping"],
		[200, {"changes": ['"$(events 2)"'], "nextCursor": "2", "hasMore": false}],
		[404, {"error": {"code": "not_found", "message": "the workspace was deleted"}}]]}'
	run ctl changes w --follow
	status_is 10
	has 'a/1' 'a/2' 'was deleted'
	[ "${#lines[@]}" = 4 ]
}

@test "an output that cannot be written is no success" {
	answers '{"GET /v1/admin/status": [200, {"version": "7"}]}'
	run bash -c '"$0" --data "$1" status > /dev/full 3>&-' "$DIR/fsctl" "$D"
	status_is 1
	has 'standard output'
}

transfers() {	# MORE: what a put to w/x and a get of w/y are answered, as far as MORE says nothing else
	answers '{"GET /v1/workspaces": [200, {"workspaces": [{"name": "w", "workspaceId": "ws_1", "rootFolderId": "fld_1"}]}],
		"GET /v1/folders/fld_1": [200, {"kind": "folder", "id": "fld_1", "path": ""}],
		"POST /v1/files:start-upload": [200, {"uploadSessionId": "up_1", "partSizeBytes": 67108864,
			"uploadTargets": [{"partNumber": 1, "url": "/part"}]}],
		"GET /v1/files/file_1/download": [200, {"downloadUrl": "/bytes"}],
		'"$1"'}'
}
xs=$(head -c 70000 /dev/zero | tr '\0' x)
there='"GET /v1/lookup": [200, {"kind": "file", "id": "file_1", "path": "y", "versionId": "ver_1", "sizeBytes": 70000,
	"contentHash": "sha256:'$(printf %s "$xs" | sha256sum | cut -d ' ' -f 1)'"}]'
nothing='"GET /v1/lookup": [404, {"error": {"code": "not_found", "message": "no"}}]'

# VERB: not one file of it arrived, and that is what was said, counted and kept for the metrics
nothing_arrived() {
	status_is 1
	has 'not JSON' "$1: 0 files" '1 failed'
	[[ "$output" != *nobody* ]] || fail "$output" || return 1
	[ "$(metric errors "$1") $(metric exit_code "$1")" = "1 1" ] || fail "errors and exit code: $(< F.prom)" || return 1
	! grep -q '^fsctl_last_success' F.prom || fail "a success: $(< F.prom)"
}

@test "bytes that are answered with what fsd never says: a failure, and no success for the metrics" {
	printf 'some bytes' > file
	transfers "$nothing, "'"PUT /part": [200, "<html>"]'
	run ctl put file w/x --metrics-file F.prom; nothing_arrived put
	transfers "$there, "'"GET /bytes": [302, "<html>"]'
	run ctl get w/y y --metrics-file F.prom; nothing_arrived get
	[ ! -e y ]
	mkdir dir
	head -c 300000 /dev/zero > dir/file
	rm F.prom
	transfers "$nothing, "'"POST /v1/folders": [200, {"id": "fld_2"}], "PUT /part": [200, "<html>"]'
	run ctl put -r dir w/ --metrics-file F.prom; status_is 1
	[ "$(metric errors put) $(metric exit_code put)" = "1 1" ]
}

@test "a transfer whose lines cannot be written is no success, and that is said once" {
	printf x > a && cp a b
	unwritten() {	# ARGUMENTS: fsctl with a full disk behind its standard output
		run bash -c '"$@" > /dev/full 3>&-' bash "$DIR/fsctl" --data "$D" "$@"
		status_is 1
		[ "$(grep -c 'standard output: No space left' <<< "$output")" = 1 ] || fail "$output"
	}
	transfers "$nothing, "'"GET /bytes": [200, "'"$xs"'"]'
	unwritten put --dry-run a b w/
	transfers "$there, "'"GET /bytes": [200, "'"$xs"'"]'
	unwritten get --json w/y y --metrics-file F.prom
	[ "$(wc -c < y)" = 70000 ]
	[ "$(metric exit_code get)" = 1 ]
	# Only the summary.
	rm y
	unwritten get w/y y
	# What failed before counts more.
	transfers "$nothing"
	run bash -c '"$@" > /dev/full 3>&-' bash "$DIR/fsctl" --data "$D" get w/y y; status_is 10
}

@test "a URL whose time is over is asked for anew, and any other refusal is told" {
	local over='[403, {"error": {"code": "ticket_expired", "message": "too late"}}]'
	transfers "$there, "'"GET /bytes": ['"$over, $over, [200, \"$xs\"]]"
	run ctl get w/y y; status_is 0
	[ "$(grep -c 'GET /v1/files/file_1/download' "$D/requests.log")" = 3 ]
	rm y
	transfers "$there, "'"GET /bytes": [403, {"error": {"code": "forbidden", "message": "not yours"}}]'
	: > "$D/requests.log"
	run ctl get w/y y; status_is 12; has 'w/y: not yours' '1 failed'
	[ "$(grep -c 'GET /v1/files/file_1/download' "$D/requests.log")" = 1 ]
	transfers "$there, "'"GET /bytes": '"$over"
	run ctl get w/y y; status_is 12; has 'w/y: too late' '1 failed'
}

@test "a session that was kept is forgotten when it is over, and not while the daemon fails" {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	head -c 9000000 /dev/zero > file
	kept() {
		ls "$XDG_STATE_HOME"/fsctl/uploads | wc -l
	}
	transfers "$nothing, "'"PUT /part": [500, "<html>"]'
	run ctl put file w/x; status_is 1
	[ "$(kept)" = 1 ]
	transfers "$nothing, "'"GET /v1/uploads/up_1": [200, "<html>"]'
	run ctl put file w/x --metrics-file F.prom; nothing_arrived put
	[ "$(kept)" = 1 ]
	transfers "$nothing, "'"GET /v1/uploads/up_1": [500, {"error": {"code": "internal_error", "message": "for a moment"}}]'
	run "$DIR/fsctl" --data d put file w/x 3>&-; status_is 1; has 'for a moment' '1 failed'	# the same store by another name
	[ "$(kept)" = 1 ]
	transfers "$nothing, "'"GET /v1/uploads/up_1": [401, {"error": {"code": "unauthenticated", "message": "whose?"}}]'
	run ctl put file w/x; status_is 12; has 'whose?'
	[ "$(kept)" = 1 ]
	local over
	for over in 404 409 410; do
		transfers "$nothing, "'"PUT /part": [500, "<html>"]'
		run ctl put file w/x; status_is 1
		[ "$(kept)" = 1 ]
		transfers "$nothing, "'"GET /v1/uploads/up_1": ['$over', {"error": {"code": "parent_gone", "message": "no"}}],
			"POST /v1/files:start-upload": [400, {"error": {"code": "invalid_request", "message": "not today"}}]'
		run ctl put file w/x; status_is 2; has 'not today'
		[ "$(kept)" = 0 ]
	done
}

@test "a session that nothing can come of is given up at once" {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	random_file file 9000000
	given_up() {
		grep -q 'DELETE /v1/uploads/up_1' "$D/requests.log"
		[ "$(ls "$XDG_STATE_HOME/fsctl/uploads")" = "" ]
	}
	local gone='"DELETE /v1/uploads/up_1": [204, null]' http
	for http in 403 404 413; do
		: > "$D/requests.log"
		transfers "$nothing, $gone, "'"PUT /part": ['$http', {"error": {"code": "of_'$http'", "message": "not here"}}]'
		run ctl put file w/x; [ "$status" != 0 ]; has 'not here' '1 failed'
		given_up
	done
	# Its file is another one by now, whatever fails first.
	transfers "$nothing, $gone, "'"PUT /part": [500, "<html>"]'
	held_at 'PUT /part' put file w/x
	printf X >> file
	let_go; status_is 1; has 'status 500' '1 failed'
	given_up
	transfers "$nothing, $gone"
	held_at 'POST /v1/files:start-upload' put file w/x
	truncate -s 8999999 file
	let_go; status_is 1; has 'became shorter' '1 failed'
	given_up
}

@test "a session whose parts are not all there at its end is kept, and its rest is sent by the next put" {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	random_file file 9000000
	transfers "$nothing, "'"DELETE /v1/uploads/up_1": [204, null], "PUT /part": [200, {}], "POST /v1/files:complete-upload": [
			[409, {"error": {"code": "incomplete_upload", "message": "part 1 is not there"}}], [201, {"versionId": "ver_1"}]],
		"GET /v1/uploads/up_1": [200, {"status": "open", "sizeBytes": 9000000, "partSizeBytes": 67108864,
			"uploadTargets": [{"partNumber": 1, "url": "/part"}]}]'
	run ctl put file w/x; status_is 1; has 'part 1 is not there' '1 failed'
	none grep -q '^DELETE' "$D/requests.log"
	run ctl put file w/x; status_is 0
	[ "$(grep -ac '^POST /v1/files:start-upload' "$D/requests.log")" = 1 ]
}

@test "the command that is said goes on where there is something to go on with, and begins anew elsewhere" {
	local i
	random_file file 9000000
	random_file small 300000
	mkdir state
	transfers "$nothing, "'"DELETE /v1/uploads/up_1": [204, null]'
	stopped() {	# SAID ARGUMENTS...
		held_at 'PUT /part' put --max-duration 1s "${@:2}" w/x
		status=0
		wait $PID || status=$?
		output=$(< out); status_is 14; has "$1"
		rm "$D/hold"
	}
	XDG_STATE_HOME=$PWD/state stopped 'goes on from here' file
	XDG_STATE_HOME=$PWD/state stopped 'begins at the beginning again' small
	XDG_STATE_HOME=/dev/null stopped 'begins at the beginning again' file
	grep -q '^DELETE' "$D/requests.log"
}

# Of a file that goes in parts the server has no hash that would tell.
@test "a part that arrived as other bytes is never completed, not by the next put either" {
	local right wrong=00000000000000000000000000000000 shown
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	random_file file 9000000
	right=$(head -c 4718592 file | md5sum | cut -d ' ' -f 1)
	shown='"DELETE /v1/uploads/up_1": [204, null], "POST /v1/files:start-upload": [200, {"uploadSessionId": "up_1",
		"partSizeBytes": 4718592, "uploadTargets": [{"partNumber": 1, "url": "/part"}, {"partNumber": 2, "url": "/part"}]}],
		"POST /v1/files:complete-upload": [200, {"versionId": "ver_1"}], "GET /v1/uploads/up_1": [200, {"status": "open",
			"sizeBytes": 9000000, "partSizeBytes": 4718592, "uploadTargets": [{"partNumber": 2, "url": "/part"}],
			"parts": [{"partNumber": 1, "sizeBytes": 4718592, "etag": "ETAG"}]}]'
	asked_for() {	# TEXT: how often
		grep -cF "$1" "$D/requests.log"
	}
	transfers "$nothing, $shown, "'"PUT /part": [200, {"sha256": "00"}]'
	run ctl put file w/x; status_is 4; has 'arrived as other bytes' '1 failed'
	[ "$(ls "$XDG_STATE_HOME/fsctl/uploads")" = "" ]
	asked_for 'DELETE /v1/uploads/up_1'
	none asked_for complete-upload
	for etag in $wrong $right; do
		transfers "$nothing, $shown, "'"PUT /part": [500, "<html>"]'
		run ctl put file w/x; status_is 1
		[ "$(ls "$XDG_STATE_HOME/fsctl/uploads" | wc -l)" = 1 ]
		: > "$D/requests.log"
		transfers "$nothing, ${shown/ETAG/$etag}, "'"PUT /part": [200, {}]'
		run ctl put file w/x; status_is 0
		[ "$(asked_for complete-upload)" = 1 ]
		[ "$(ls "$XDG_STATE_HOME/fsctl/uploads")" = "" ]
		if [ $etag = $right ]; then
			none asked_for start-upload
			[ "$(asked_for 'PUT /part')" = 1 ]
		else
			[ "$(asked_for start-upload)" = 1 ]
			asked_for 'DELETE /v1/uploads/up_1'
			[ "$(asked_for 'PUT /part')" = 2 ]
		fi
	done
}

@test "--max-duration also ends who waits for a pipe, and says that nothing goes on from there" {
	local start=$SECONDS
	mkfifo pipe
	exec 8<> pipe		# it is open, and nobody writes to it or reads from it
	transfers "$nothing"
	run timeout 120 "$DIR/fsctl" --data "$D" put --max-duration 1s - w/x < pipe 3>&- 8>&-; status_is 14; has 'begins at the beginning again'
	[[ "$output" != *'goes on'* ]]
	timeout 120 "$DIR/fsctl" --data "$D" put --json --max-duration 1s - w/x < pipe > out 2> err 3>&- 8>&- || true
	[ "$(jq -c 'select(.type == "summary") | [.exitCode, .resume]' out)" = '[14,null]' ]
	transfers "$there, "'"GET /bytes": [200, "'"$xs"'"]'
	timeout 120 "$DIR/fsctl" --data "$D" get --max-duration 1s w/y - > pipe 2> err 3>&- 8>&- && fail "success" || status=$?
	output=$(< err); status_is 14; has 'time limit of 1s' 'begins at the beginning again'
	[[ "$output" != *"can't be written"* ]]
	exec 8>&-
	[ $((SECONDS - start)) -lt 100 ]
	[ "$(ctl get -q w/y - | tr -d x | wc -c)" = 0 ] && [ "$(ctl get -q w/y - | wc -c)" = 70000 ]
}

@test "standard input that finds no room: where, and what to type" {
	transfers "$nothing"
	TMPDIR=$BATS_TEST_TMPDIR/none run ctl put - w/x < /dev/null; status_is 1; has 'TMPDIR' "$BATS_TEST_TMPDIR/none"
	# A file that may not grow: a write fails that is not for lack of room.
	TMPDIR=$BATS_TEST_TMPDIR run bash -c 'trap "" XFSZ; ulimit -f 64; head -c 300000 /dev/zero | "$0" --data "$1" put - w/x 3>&-' "$DIR/fsctl" "$D"
	status_is 1; has "can't be kept in $BATS_TEST_TMPDIR: File too large" 'set TMPDIR'
}

@test "a failure for the time being is told and counted once" {
	transfers '"GET /v1/lookup": [503, {"error": {"code": "unavailable", "message": "not now"}}]'
	run --separate-stderr ctl get --json w/y y; status_is 75
	[ "$(jq -c 'select(.type == "error") | [.path, .exitCode]' <<< "$output")" = '["w/y",75]' ]
	[ "$(jq -c 'select(.type == "summary") | [.errors, .exitCode]' <<< "$output")" = '[1,75]' ]
}

@test "help fits a terminal of 80 columns" {
	local verb
	"$DIR/fsctl" help > out
	for verb in $(sed -n 's/^  \([a-z][a-z]*\) .*/\1/p' out | sort -u); do
		"$DIR/fsctl" help "$verb" >> out
	done
	grep -q '^fsctl get WORKSPACE/PATH' out
	grep -q -- '--may-create-buckets' out
	run awk 'length > 80' out
	[ -z "$output" ] || fail "longer than 80: $output"
}

@test "what was meant is only asked where most of the word is there" {
	run ctl cat x; status_is 2; [[ "$output" != *'did you mean'* ]] || fail "$output"
	run ctl chck; status_is 2; has 'fsctl check'
	run ctl sx; status_is 2; [[ "$output" != *'did you mean'* ]] || fail "$output"
}

@test "durations beyond all clocks are refused" {
	run ctl gc --max-duration 300000y; status_is 2; has '--max-duration' '300000y' 'at most'
	run ctl gc --lock-wait 300000y; status_is 2; has '--lock-wait' '300000y' 'at most'
	[ ! -e "$D/requests.log" ]
}

@test "lines of a dry run and of mv and rm can be run again, whatever the names" {
	transfers '"GET /v1/lookup": [404, {"error": {"code": "not_found", "message": "no"}}]'
	printf x > "it's one"
	run ctl put --dry-run "it's one" "w/a b"; status_is 0
	[ "${lines[0]}" = "put 'it'\\''s one' 'w/a b'" ] || fail "$output"
	transfers "$there, "'"GET /v1/tree": [200, {"entries": [{"kind": "file", "id": "file_1", "path": "y", "versionId": "ver_1", "sizeBytes": 5}]}],
		"GET /v1/files/file_1/download": [200, {"versionId": "ver_2", "sizeBytes": 7}]'
	run ctl get --dry-run "w/a b" $'c\e'; status_is 0
	[ "${lines[0]}" = "get 'w/a b' \$'c\\x1b'" ] || fail "$output"
	# They fetch what was asked for, and a name is no option.
	run ctl get --dry-run --at 7 w/y y; status_is 0
	[ "${lines[0]}" = "get --at 7 w/y y" ] || fail "$output"
	run ctl get --dry-run --at "2026-11-16 00:00" w/y -- -y; status_is 0
	[ "${lines[0]}" = "get --at '2026-11-16 00:00' -- w/y -y" ] || fail "$output"
	run ctl get --dry-run --version-id ver_2 w/y y; status_is 0
	[ "${lines[0]}" = "get --version-id ver_2 w/y y" ] || fail "$output"
	printf x > -q
	run ctl put --dry-run -- -q w/y; status_is 0
	[ "${lines[0]}" = "put -- -q w/y" ] || fail "$output"
	run ctl put --dry-run - w/z < /dev/null; status_is 0
	[ "${lines[0]}" = "put - w/z" ] || fail "$output"
	run ctl rm --dry-run "w/a b"; status_is 0
	[ "$output" = "rm 'w/a b'" ] || fail "$output"
	run ctl mv --dry-run "w/a b" "w/c d"; status_is 0
	[ "$output" = "mv 'w/a b' 'w/c d'" ] || fail "$output"
}

@test "init shows a folder's name as a shell takes it, and no control bytes" {
	run --separate-stderr "$DIR/fsctl" init --data $'n\ew' 3>&-
	status_is 0
	has "fsd --data \$'"
	[[ "$output" != *$'\e'* ]] || fail "an escape reached the terminal"
	( eval "$(sed -n 's/^#   fsctl --data \(.*\) status$/dir=\1/p' <<< "$output")" && [ -f "$dir/VERSION" ] )
}

@test "a session that went on and is refused is begun anew, once" {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	head -c 9000000 /dev/zero > file
	transfers "$nothing, "'"PUT /part": [500, "<html>"]'
	run ctl put file w/x; status_is 1
	: > "$D/requests.log"
	transfers "$nothing, "'"GET /v1/uploads/up_1": [200, {"status": "open", "sizeBytes": 9000000, "partSizeBytes": 5000000,
		"uploadTargets": [{"partNumber": 1, "url": "/part"}]}], "PUT /part": [400, {"error": {"code": "invalid_request", "message": "not so long"}}]'
	run ctl put file w/x; status_is 2; has 'not so long' '1 failed'
	[ "$(grep -c 'POST /v1/files:start-upload' "$D/requests.log")" = 1 ]
	[ "$(grep -c 'DELETE /v1/uploads/up_1' "$D/requests.log")" = 1 ]
}

@test "check that found a problem in its time ends with that, and says that it was stopped" {
	endless '"state": "stopped", "exitCode": 75, "report": {"chunks": 5, "problems": 1}'
	awake
	run ctl check --max-duration 10s --metrics-file F.prom; status_is 4; has 'time limit of 10s' 'begins at the beginning again'
	[ "$(metric exit_code check) $(metric errors check)" = "4 1" ]
}

# Starts fsctl, and comes back when that request waits for its answer: the answer comes when $D/hold is gone.
held_at() {	# REQUEST ARGUMENTS...: PID
	printf '%s\n' "$1" > "$D/hold"
	: > "$D/requests.log"
	"$DIR/fsctl" --data "$D" "${@:2}" > out 2>&1 3>&- &
	PID=$!
	asked "$1"
}

let_go() {	# the exit code and output of what was held
	rm "$D/hold"
	status=0
	wait $PID || status=$?
	output=$(< out)
}

three_sizes() {	# FOLDER LETTER: in one commit, by a session of the crew's, by one of the main thread's
	local size
	mkdir -p "$1"
	for size in 1000 300000 9000000; do
		head -c $size /dev/zero | tr '\0' "$2" > "$1/$size"
		touch -d 2024-02-29 "$1/$size"
	done
}
make_folders='"POST /v1/folders": [200, {"id": "fld_2"}], "POST /v1/files:commit-batch": [200, {"results": [{"status": "ok", "id": "fld_3"}]}]'

@test "put -r sends what its walk has found, and nothing that a link leads to by now" {
	three_sizes t/sub o
	three_sizes secret S
	transfers "$nothing, $make_folders, "'"POST /v1/chunks": [200, {"stagingId": "stg_1"}], "PUT /part": [200, {}]'
	held_at 'GET /v1/lookup' put -r t w/
	mv t/sub old
	ln -s ../secret t/sub
	let_go; status_is 1; has '300000: it was changed, or something else took its place' '3 failed'
	none grep -aq SSS "$D/requests.log"
	none grep -aq 'files:start-upload\|/chunks' "$D/requests.log"
	# A link in the place of the file itself is none either.
	rm t/sub
	mv old t/sub
	held_at 'GET /v1/lookup' put -r t w/
	for size in 1000 300000 9000000; do ln -sf ../../secret/$size t/sub/; done
	let_go; status_is 1; has '3 failed'
	none grep -aq SSS "$D/requests.log"
}

@test "other rights and other names are no other file; one that is written to while it is read is" {
	three_sizes t o
	transfers "$nothing, "'"POST /v1/folders": [200, {"id": "fld_2"}], "PUT /part": [200, {}], "POST /v1/chunks": [200, {"stagingId": "stg_1"}],
		"POST /v1/files:commit-batch": [200, {"results": [{"status": "ok", "versionId": "ver_1"}]}],
		"POST /v1/files:complete-upload": [201, {"versionId": "ver_1"}]'
	held_at 'GET /v1/lookup' put -r t w/
	chmod 640 t/*
	for size in 1000 300000 9000000; do ln t/$size $size; done
	let_go; status_is 0; has '3 files'
	[ "$(grep -ao '"mode":"0[0-9]*"' "$D/requests.log" | sort | uniq -c | tr -s ' ')" = ' 3 "mode":"0640"' ]
	local size
	# Touched while it is sent it is read again; of what goes in parts the server knows each one's MD5.
	transfers "$nothing, "'"PUT /part": [200, {}], "POST /v1/files:complete-upload": [201, {"versionId": "ver_1"}],
		"GET /v1/uploads/up_1": [200, {"status": "open", "sizeBytes": 300000, "partSizeBytes": 67108864,
			"parts": [{"partNumber": 1, "sizeBytes": 300000, "etag": "'$(md5sum < t/300000 | cut -d ' ' -f 1)'"}]}]'
	for size in 300000 9000000; do
		held_at 'PUT /part' put t/$size w/x
		chmod 600 t/$size
		mv t/$size t/moved
		ln t/moved t/$size
		let_go; status_is 0
		[ "$(grep -ac 'complete-upload' "$D/requests.log")" = 1 ]
	done
	for size in 300000 9000000; do
		held_at 'PUT /part' put t/$size w/x
		printf X | dd of=t/$size conv=notrunc status=none
		touch -d 2024-02-29 t/$size
		let_go; status_is 1; has 'changed while it was read' '1 failed'
		none grep -aq 'complete-upload' "$D/requests.log"
	done
}

@test "while the daemon is away one file waits for it, and not each of a thousand" {
	local i
	mkdir t
	for i in 1 2 3 4 5 6; do head -c 300000 /dev/zero > t/$i; done
	transfers "$nothing, $make_folders, "'"POST /v1/files:start-upload": [503, {"error": {"code": "unavailable", "message": "not now"}}]'
	run --separate-stderr ctl put --json -r --connections 1 t w/; status_is 75
	[ "$(jq -c 'select(.type == "summary") | [.items, .errors, .exitCode]' <<< "$output")" = '[0,1,75]' ]
	[ "$(grep -c 'POST /v1/files:start-upload' "$D/requests.log")" = 9 ]
	# Of several operands too; what went before the first failure is no reason to go on.
	local files
	files=$(for i in 1 2 3 4; do printf '{"kind": "file", "id": "file_%s", "path": "%s", "versionId": "ver_1", "sizeBytes": 70000, "contentHash": "sha256:%s"},' $i $i \
		"$(printf %s "$xs" | sha256sum | cut -d ' ' -f 1)"; done)
	transfers "$nothing, "'"GET /v1/tree": [200, {"entries": ['"${files%,}"']}], "GET /v1/files/file_1/download": [200, {"downloadUrl": "/bytes"}],
		"GET /bytes": [200, "'"$xs"'"], "GET /v1/files/file_2/download": [503, {"error": {"code": "unavailable", "message": "not now"}}]'
	: > "$D/requests.log"
	run --separate-stderr ctl get --json -r --connections 1 w w/ here; status_is 75
	[ "$(jq -c 'select(.type == "summary") | [.items, .errors, .exitCode]' <<< "$output")" = '[1,1,75]' ]
	[ "$(grep -c '/download' "$D/requests.log")" = 10 ]
}

parts_asked() {	# N
	[ "$(grep -ac 'PUT /part' "$D/requests.log")" = "$1" ]
}

@test "one file that failed is one failure, however many of its parts did" {
	local targets
	head -c 20000000 /dev/zero > file
	targets=$(for i in 1 2 3 4; do printf '{"partNumber": %s, "url": "/part"},' $i; done)
	transfers "$nothing, "'"POST /v1/files:start-upload": [200, {"uploadSessionId": "up_1", "partSizeBytes": 5000000, "uploadTargets": ['"${targets%,}"']}],
		"PUT /part": [403, {"error": {"code": "forbidden", "message": "not here"}}]'
	held_at 'PUT /part' put --json --metrics-file F.prom file w/x
	within 60 parts_asked 4
	let_go; status_is 12
	[ "$(tail -n 1 out | jq -c '[.items, .errors, .exitCode]')" = '[0,1,12]' ]
	[ "$(metric errors put)" = 1 ]
	# So it is if none of them can be read any more.
	held_at 'POST /v1/files:start-upload' put --json file w/x
	: > file
	let_go; status_is 1
	[ "$(tail -n 1 out | jq -c '[.items, .errors, .exitCode]')" = '[0,1,1]' ]
}

@test "a session of a short file that failed is aborted, one that is refused too" {
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/state
	mkdir "$XDG_STATE_HOME"
	dropped() {
		[ "$(grep -ac 'DELETE /v1/uploads/up_1' "$D/requests.log")" = "$1" ] || fail "$(grep -a DELETE "$D/requests.log")"
	}
	head -c 1000 /dev/zero > short
	head -c 9000000 /dev/zero > long
	transfers "$nothing, "'"PUT /part": [500, "<html>"]'
	run ctl put short w/x; status_is 1; has '1 failed'
	dropped 1
	transfers "$nothing, "'"PUT /part": [200, {}], "POST /v1/files:complete-upload": [409, {"error": {"code": "already_exists", "message": "taken"}}]'
	run ctl put - w/x < long; status_is 1; has 'taken' '1 failed'
	dropped 2
	run ctl put long w/x; status_is 1; has 'taken' '1 failed'
	dropped 3
	[ -z "$(ls "$XDG_STATE_HOME/fsctl/uploads")" ]
	# It can still be completed.
	transfers "$nothing, "'"PUT /part": [200, {}], "POST /v1/files:complete-upload": [507, {"error": {"code": "quota_exceeded", "message": "full"}}]'
	run ctl put long w/x; status_is 13; has 'full' '1 failed'
	dropped 3
	[ -n "$(ls "$XDG_STATE_HOME/fsctl/uploads")" ]
	run ctl put short w/y; status_is 13
	dropped 4
}
