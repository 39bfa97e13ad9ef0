# The life of the daemon: how it starts, what it refuses, how it ends, and who owns the store.
# test-timeout: 240

load lib/fsd

# A store of the test's own, made by fsd itself.
own_store() {
	local out
	export STORE=$BATS_TEST_TMPDIR/store
	out=$("$FSD" --data "$STORE" --init --json) || return 1
	AWS_ACCESS_KEY_ID=$(json accessKeyId <<< "$out") AWS_SECRET_ACCESS_KEY=$(json secretAccessKey <<< "$out")
	FSD_TOKEN=$(json token <<< "$out")
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY FSD_TOKEN
}

teardown() {
	[ -z "${OTHER-}" ] || kill -KILL "$OTHER" 2>/dev/null || true
	fsd_stop
}

sock() {	# PATH [CURL-ARGUMENTS...]: over the store's Unix socket
	local path=$1
	shift
	(cd "$STORE" && curl -sS -m 60 --unix-socket fsd.sock "$@" "http://fsd$path")
}

# Starts fsd with these arguments; sets OTHER, its log is $BATS_TEST_TMPDIR/other.log, its exit code goes to other.rc.
other_start() {
	OTHER_LOG=$BATS_TEST_TMPDIR/other.log
	rm -f "$BATS_TEST_TMPDIR/other.rc"
	(
		"$FSD" --data "$STORE" "$@" > "$OTHER_LOG" 2>&1 </dev/null 3>&- &
		echo $! > "$BATS_TEST_TMPDIR/other.pid"
		rc=0
		wait $! || rc=$?
		echo $rc > "$BATS_TEST_TMPDIR/other.rc"
	) 3>&- &
	while [ ! -s "$BATS_TEST_TMPDIR/other.pid" ]; do sleep 0.02; done
	OTHER=$(cat "$BATS_TEST_TMPDIR/other.pid")
	rm -f "$BATS_TEST_TMPDIR/other.pid"
}

other_rc() {	# SECONDS: waits for its end and prints its exit code
	local end=$((SECONDS + $1))
	while [ ! -s "$BATS_TEST_TMPDIR/other.rc" ]; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.05
	done
	cat "$BATS_TEST_TMPDIR/other.rc"
}

wait_log() {	# FILE TEXT [SECONDS]
	local end=$((SECONDS + ${3:-60}))
	until grep -q -e "$2" "$1" 2>/dev/null; do
		[ $SECONDS -le $end ] || { cat "$1" >&2; return 1; }
		sleep 0.05
	done
}

wait_socket() {
	local end=$((SECONDS + 60))
	until sock /healthz >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || return 1
		sleep 0.05
	done
}

@test "--version and --help" {
	run "$FSD" --version
	[ "$status" = 0 ]
	[[ $output == "fsd "[0-9]*.[0-9]*.[0-9]* ]]
	run "$FSD" --help
	[ "$status" = 0 ]
	[[ $output == *--data* && $output == *--socket-only* ]]
}

@test "a wrong command line ends with 2 and says why" {
	local args
	for args in "" "--data" "--data x y" "--dta x" "--data x --role most" "--data x --log xml" \
		"--data x --listen nowhere" "--data x --init --check" "--data x --socket-only --listen 127.0.0.1:1" \
		"--data x --quick" "--data x --json" "--data x --ready-fd a" "--data x --config /nonexistent"; do
		run "$FSD" $args
		echo "$args: $status $output"
		[ "$status" = 2 ]
		[ "$output" ]
	done
}

@test "unknown settings are refused with line, column and the nearest name" {
	own_store
	printf 'region: us-east-1\nlimits:\n  conections: 5\n' > "$BATS_TEST_TMPDIR/fsd.yaml"
	run "$FSD" --data "$STORE" --config "$BATS_TEST_TMPDIR/fsd.yaml"
	[ "$status" = 2 ]
	[[ $output == *"fsd.yaml:3:3:"*"connections"* ]]
}

@test "init makes a store once, and nothing where something else is" {
	own_store
	[ "$(stat -c %a "$STORE/store.key")" = 600 ]
	run "$FSD" --data "$STORE" --init
	[ "$status" = 1 ]
	[[ $output != *secret* ]]
	mkdir "$BATS_TEST_TMPDIR/full"
	touch "$BATS_TEST_TMPDIR/full/file"
	run "$FSD" --data "$BATS_TEST_TMPDIR/full" --init
	[ "$status" != 0 ]
	[ "$(ls -A "$BATS_TEST_TMPDIR/full")" = file ]
}

@test "a read-only data directory is named, with the reason and what to do" {
	need_root
	own_store
	mkdir "$BATS_TEST_TMPDIR/ro"
	mount --bind "$STORE" "$BATS_TEST_TMPDIR/ro" 2>/dev/null || skip "mounts are not allowed here"
	mount -o remount,ro,bind "$BATS_TEST_TMPDIR/ro" || { umount "$BATS_TEST_TMPDIR/ro"; skip "mounts are not allowed here"; }
	said=
	for how in "--listen 127.0.0.1:0" --socket-only --check; do
		run "$FSD" --data "$BATS_TEST_TMPDIR/ro" $how
		said+="$how: $status $output"$'\n'
	done
	run "$FSCTL" --data "$BATS_TEST_TMPDIR/ro" status
	said+="fsctl: $status $output"$'\n'
	umount "$BATS_TEST_TMPDIR/ro"
	say "$said"
	[ "$(grep -c ': 1 .*/ro can.t be written to: .*read-only.* mount it read-write' <<< "$said")" = 4 ]
	[[ $said != *"in use"* ]]
}

@test "a folder without a store ends with 10" {
	run "$FSD" --data "$BATS_TEST_TMPDIR/nowhere"
	[ "$status" = 10 ]
	mkdir "$BATS_TEST_TMPDIR/empty"
	run "$FSD" --data "$BATS_TEST_TMPDIR/empty"
	[ "$status" = 10 ]
	[ -z "$(ls -A "$BATS_TEST_TMPDIR/empty")" ]
}

@test "a store of another version is refused and left as it is" {
	own_store
	echo 'fsd store 999' > "$STORE/VERSION"
	before=$(sha256sum "$STORE/meta.db" "$STORE/store.key")
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0
	[ "$status" = 2 ]
	[[ $output == *"fsd store 999"* ]]
	[ "$before" = "$(sha256sum "$STORE/meta.db" "$STORE/store.key")" ]
}

@test "a data directory that others may write in is warned of" {
	own_store
	chmod 777 "$STORE"
	fsd_start
	fsd_stop
	grep -q 'may be written by others (mode 777)' "$FSD_LOG"
	: > "$FSD_LOG"
	chmod 755 "$STORE"
	fsd_start
	fsd_stop
	! grep -q 'written by others' "$FSD_LOG"
}

@test "a missing, wrong or public key file ends with 12" {
	own_store
	mv "$STORE/store.key" "$STORE/.key"
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0
	[ "$status" = 12 ]
	head -c 32 /dev/urandom > "$STORE/store.key"
	chmod 600 "$STORE/store.key"
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0
	[ "$status" = 12 ]
	mv "$STORE/.key" "$STORE/store.key"
	chmod 644 "$STORE/store.key"
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0
	[ "$status" = 12 ]
}

@test "a metadata file that is no database ends with 4" {
	own_store
	head -c 200000 /dev/urandom > "$STORE/meta.db"
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0
	echo "$output"
	[ "$status" = 4 ]
}

@test "one line says when it is ready, and the descriptor of --ready-fd gets one too" {
	own_store
	mkfifo "$BATS_TEST_TMPDIR/ready"
	(exec 7<> "$BATS_TEST_TMPDIR/ready"; exec "$FSD" --data "$STORE" --listen 127.0.0.1:0 --ready-fd 7 \
		> "$BATS_TEST_TMPDIR/log" 2>&1 3>&-) &
	OTHER=$!
	read -t 120 -r line < "$BATS_TEST_TMPDIR/ready"
	[ "$line" = ready ]
	grep -Eq 'fsd [0-9.]+ listening on 127\.0\.0\.1:[0-9]+ \(http\), data in ' "$BATS_TEST_TMPDIR/log"
	kill -TERM "$OTHER"
	wait "$OTHER"
	OTHER=
}

@test "an address that is taken ends with 1 and is named" {
	own_store
	fsd_start
	"$FSD" --data "$BATS_TEST_TMPDIR/second" --init --json > /dev/null
	run "$FSD" --data "$BATS_TEST_TMPDIR/second" --listen "127.0.0.1:$FSD_PORT"
	[ "$status" = 1 ]
	[[ ${output,,} == *"$FSD_PORT"*"already in use"* ]]
}

@test "several addresses and both families" {
	own_store
	port=$(free_port)
	fsd_start --listen "[::1]:$port"
	[ "$(curl -s "http://[::1]:$port/healthz")" = ok ]
	[ "$(curl -s "$FSD_URL/healthz")" = ok ]
}

@test "a second daemon ends with 11 and says who has the store" {
	own_store
	fsd_start
	run timeout 60 "$FSD" --data "$STORE" --listen 127.0.0.1:0
	[ "$status" = 11 ]
	[[ $output == *"in use"* ]]
	[ "$(curl -s "$FSD_URL/readyz")" = ready ]
}

@test "SIGTERM and SIGINT end it with 0, and the socket goes" {
	own_store
	other_start --listen 127.0.0.1:0
	wait_log "$OTHER_LOG" "listening on"
	[ -S "$STORE/fsd.sock" ]
	[ "$(stat -c %a "$STORE/fsd.sock")" = 600 ]
	kill -TERM "$OTHER"
	[ "$(other_rc 60)" = 0 ]
	[ ! -e "$STORE/fsd.sock" ]
	other_start --listen 127.0.0.1:0
	wait_log "$OTHER_LOG" "listening on"
	kill -INT "$OTHER"
	[ "$(other_rc 60)" = 0 ]
}

@test "a request that runs is finished before the end" {
	own_store
	fsd_start
	s3_curl /slow -X PUT
	# Half of the body, the stop, the other half: it is stored and answered.
	PYTHONPATH=$FSD_ROOT/tests/lib PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - <<-'END'
	import os, signal, socket, time
	from s3 import S3
	def line(c):
	    got = b""
	    while not got.endswith(b"\r\n\r\n"):
	        got += c.recv(1)
	    return got
	port = int(os.environ["FSD_PORT"])
	s3 = S3("127.0.0.1", port, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
	headers = {"content-length": "20000"}
	s3._sign("PUT", "/slow/object", "", headers)
	c = socket.create_connection(("127.0.0.1", port), timeout=60)
	c.sendall(("PUT /slow/object HTTP/1.1\r\nExpect: 100-continue\r\n" + "".join("%s: %s\r\n" % h for h in headers.items()) + "\r\n").encode())
	assert line(c).startswith(b"HTTP/1.1 100"), "the request does not run"
	c.sendall(b"x" * 10000)
	os.kill(int(os.environ["FSD_PID"]), signal.SIGTERM)
	time.sleep(0.5)
	c.sendall(b"x" * 10000)
	reply = c.recv(65536)
	assert reply.startswith(b"HTTP/1.1 200"), reply
	END
	wait_gone "$FSD_PID" 60
	FSD_PID=
	fsd_start
	[ "$(s3_curl /slow/object | wc -c)" = 20000 ]
}

@test "a second signal ends it at once" {
	own_store
	other_start --listen 127.0.0.1:0
	wait_log "$OTHER_LOG" "listening on"
	port=$(grep -o '127.0.0.1:[0-9]*' "$OTHER_LOG" | head -n 1)
	# A request that never ends keeps the stop waiting.
	exec 9<> "/dev/tcp/${port%:*}/${port#*:}"
	printf 'POST /v1/admin/users HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\nAuthorization: Bearer %s\r\n\r\n' \
		"$FSD_TOKEN" >&9
	read -r -t 60 line <&9
	[[ $line == "HTTP/1.1 100"* ]]
	kill -TERM "$OTHER"
	wait_log "$OTHER_LOG" "stopping: "
	alive "$OTHER"
	kill -TERM "$OTHER"
	[ "$(other_rc 60)" = 143 ]
	exec 9>&-
}

@test "a socket-only daemon ends ten seconds after its last client" {
	own_store
	other_start --socket-only
	wait_socket
	grep -q 'socket only' "$OTHER_LOG"
	start=$SECONDS
	[ "$(sock /v1/admin/status | json socketOnly)" = true ]
	[ "$(other_rc 60)" = 0 ]
	[ $((SECONDS - start)) -ge 9 ]
	[ ! -e "$STORE/fsd.sock" ]
}

@test "a socket-only daemon yields to one that serves for good" {
	own_store
	other_start --socket-only
	wait_socket
	# While a client has a connection it does not end by itself.
	/usr/bin/python3 -c 'import os, socket, sys
os.chdir(sys.argv[1])
s = socket.socket(socket.AF_UNIX)
s.connect("fsd.sock")
open(sys.argv[2], "w").write("connected")
s.recv(1)' "$STORE" "$BATS_TEST_TMPDIR/connected" 3>&- &
	within 60 test -s "$BATS_TEST_TMPDIR/connected"
	fsd_start
	[ "$(other_rc 60)" = 0 ]
	none grep -q 'no client' "$OTHER_LOG"
	[ "$(sock /v1/admin/status | json pid)" = "$FSD_PID" ]
	# Nobody takes it from that one.
	[ "$(sock /v1/admin/yield -X POST -o /dev/null -w '%{http_code}')" = 409 ]
	run timeout 60 "$FSD" --data "$STORE" --socket-only
	[ "$status" = 11 ]
}

@test "yielding can be asked for over the socket only" {
	own_store
	fsd_start
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/v1/admin/yield")" = 403 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$FSD_URL/v1/admin/yield")" != 202 ]
	alive "$FSD_PID"
}

@test "a path longer than a socket's name works" {
	long=$BATS_TEST_TMPDIR/$(printf 'd%.0s' {1..120})/$(printf 'e%.0s' {1..120})
	mkdir -p "$long"
	export STORE=$long/store
	"$FSD" --data "$STORE" --init > /dev/null
	other_start --socket-only
	wait_socket
	[ "$(sock /v1/admin/status | json version)" ]
	kill -TERM "$OTHER"
	[ "$(other_rc 60)" = 0 ]
}

@test "root gives way to the owner of the folder" {
	need_root
	id nobody > /dev/null || skip "no user nobody"
	own_store
	chown -R nobody "$STORE"
	# That user must be able to come here at all.
	for d in "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/.." "$BATS_TEST_TMPDIR/../.." "${TMPDIR:-/tmp}"; do
		chmod go+x "$d"
	done
	other_start --socket-only
	wait_log "$OTHER_LOG" "listening on"
	[ "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$OTHER/status" | tr ' ' '\n' | sort -u)" = "$(id -u nobody)" ]
	[ "$(awk '/^Gid:/ { print $2 }' "/proc/$OTHER/status")" = "$(id -g nobody)" ]
	[ "$(stat -c %U "$STORE/fsd.sock")" = nobody ]
	sock /v1/admin/workspaces -X POST -d '{"name": "photos"}' > /dev/null
	kill -TERM "$OTHER"
	[ "$(other_rc 60)" = 0 ]
	[ -z "$(find "$STORE" ! -user nobody)" ]
}

@test "TLS: served, and the socket beside it stays plain" {
	need openssl
	own_store
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$BATS_TEST_TMPDIR/key.pem" -out "$BATS_TEST_TMPDIR/cert.pem" 2>/dev/null
	cat > "$BATS_TEST_TMPDIR/fsd.yaml" <<-END
	tls: {certificate: $BATS_TEST_TMPDIR/cert.pem, key: $BATS_TEST_TMPDIR/key.pem}
	limits: {threads: 4}
	END
	other_start --listen 127.0.0.1:0 --config "$BATS_TEST_TMPDIR/fsd.yaml"
	wait_log "$OTHER_LOG" "(https)"
	port=$(grep -o '127.0.0.1:[0-9]*' "$OTHER_LOG" | head -n 1)
	[ "$(curl -sS --cacert "$BATS_TEST_TMPDIR/cert.pem" "https://$port/healthz")" = ok ]
	[ "$(sock /healthz)" = ok ]
	kill -TERM "$OTHER"
	[ "$(other_rc 60)" = 0 ]
	# A key that is not there is a configuration error.
	rm "$BATS_TEST_TMPDIR/key.pem"
	run "$FSD" --data "$STORE" --listen 127.0.0.1:0 --config "$BATS_TEST_TMPDIR/fsd.yaml"
	[ "$status" = 2 ]
}

@test "the example configuration is accepted" {
	own_store
	cd "$BATS_TEST_TMPDIR"
	fsd_start --config "$FSD_ROOT/policies/fsd.yaml"
	[ "$(curl -s "$FSD_URL/readyz")" = ready ]
}

@test "roles: the other plane is not served, health is" {
	own_store
	fsd_start --role data
	[ "$(curl -s "$FSD_URL/healthz")" = ok ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/v1/admin/status")" = 404 ]
	[ "$(s3_curl / -o /dev/null -w '%{http_code}')" = 200 ]
	fsd_stop
	fsd_start --role control
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/v1/admin/status")" = 200 ]
	[ "$(s3_curl / -o /dev/null -w '%{http_code}')" = 501 ]
}
