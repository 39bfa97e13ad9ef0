#!/usr/bin/env bats
# test-timeout: 240
# put, get and the verbs around them, against a real daemon: round trips, what goes over the wire, and what survives a kill.
load lib/fsd
load lib/transfer

# Bytes that part uploads and chunk downloads moved since line N of the log, as the daemon counted them.
log_bytes() {	# in|out OPERATION LINE
	tail -n "+$3" "$FSD_LOG" | awk -v dir="$1" -v op="$2" '$0 ~ " " op " " { for (i = 1; i <= NF; i++) if (index($i, dir "=") == 1) n += substr($i, length(dir) + 2) } END { print n + 0 }'
}

log_lines() {
	wc -l < "$FSD_LOG"
}

# The line of a request is written a moment after its reply.
log_bytes_between() {	# in|out OPERATION LINE LEAST MOST
	within 60 log_bytes_reach "$1" "$2" "$3" "$4" && [ "$(log_bytes "$1" "$2" "$3")" -le "$5" ]
}

log_bytes_reach() {
	[ "$(log_bytes "$1" "$2" "$3")" -ge "$4" ]
}

@test "a file goes there and comes back with its time and mode" {
	random_file "$D/a" 100000
	chmod 640 "$D/a"
	touch -d '2024-02-29 12:34:56.123456' "$D/a"
	run fsctl put "$D/a" "$W/x/y/a"; status_is 0
	run fsctl get "$W/x/y/a" "$D/b"; status_is 0
	cmp "$D/a" "$D/b"
	[ "$(stat -c '%a %.6Y' "$D/a")" = "$(stat -c '%a %.6Y' "$D/b")" ]
	# Nothing is left beside it, and what is the same is not sent or fetched again.
	[ "$(ls -A "$D" | tr '\n' ' ')" = "a b " ]
	moved "$(put_again "$D/a" "$W/x/y/a")" 0 0
	moved "$(get_again "$W/x/y/a" "$D/b")" 0 0
	# Nor if only its time is another.
	touch "$D/a"
	moved "$(put_again "$D/a" "$W/x/y/a")" 0 0
}

@test "standard input and output, and files of no length" {
	printf 'through a pipe' | fsctl put - "$W/pipe"
	[ "$(fsctl get "$W/pipe" -)" = 'through a pipe' ]
	: > "$D/empty"
	fsctl put "$D/empty" "$W/"
	fsctl get "$W/empty" "$D/back"
	[ -f "$D/back" ]
	[ ! -s "$D/back" ]
	run fsctl put - "$W/"; status_is 2
}

@test "put says what has no place there before it makes anything" {
	mkdir "$D/t"
	echo 1 > "$D/t/a"
	fsctl -q put "$D/t/a" "$W/folder/a"
	run fsctl put - "$W/folder" < "$D/t/a"; status_is 1
	[[ "$output" == *"there is a folder at $W/folder; - needs a name of its own there"* ]]
	run fsctl put --dry-run - "$W/folder" < "$D/t/a"; status_is 1
	[[ "$output" == *"there is a folder at $W/folder; - needs"* ]]
	cd "$D/t"
	run fsctl put -r . "$W/x/"; status_is 1
	[[ "$output" == *".: it can't go to $W/x/.: its name stands for a folder itself; give another name there"* ]]
	run fsctl put -r ../t/.. "$W/x/"; status_is 1
	run fsctl put a "$W/x/../b"; status_is 1
	run fsctl put a "$W/x/$(printf 'x%.0s' {1..256})/b"; status_is 1
	[[ "$output" == *"longer than 255 bytes"* ]]
	run fsctl put - "$W/x/." < a; status_is 1
	[ "$(fsctl ls "$W")" = folder/ ]
	# The name is another one.
	run fsctl put -r . "$W/x"; status_is 0
	[ "$(fsctl ls "$W/x")" = a ]
}

@test "of an edited file only what changed goes either way" {
	local line sum
	random_file "$D/a" $((24 << 20))
	fsctl put -q "$D/a" "$W/a"
	fsctl get -q "$W/a" "$D/b"
	random_file "$D/edit" $((1 << 20))
	dd if="$D/edit" of="$D/a" bs=1M seek=11 conv=notrunc status=none
	line=$(log_lines)
	sum=$(put_again "$D/a" "$W/a")
	moved "$sum" $((1 << 20)) $((6 << 20))
	log_bytes_between in PutPart "$line" $((1 << 20)) $((6 << 20))
	line=$(log_lines)
	moved "$(get_again "$W/a" "$D/b")" $((1 << 20)) $((6 << 20))
	log_bytes_between out GetChunk "$line" $((1 << 20)) $((6 << 20))
	[ "$(log_bytes out GetContent "$line")" = 0 ]
	cmp "$D/a" "$D/b"
	# Bytes put in at the front move all the others: still the same chunks.
	{ echo front; cat "$D/a"; } > "$D/c"
	moved "$(put_again "$D/c" "$W/a")" 6 $((6 << 20))
	fsctl get -q "$W/a" "$D/b"
	cmp "$D/c" "$D/b"
}

@test "a copied chunk that can't be written is one failure" {
	random_file "$D/a" $((4 << 20))
	fsctl put -q "$D/a" "$W/a"
	fsctl get -q "$W/a" "$D/b"
	printf X | dd of="$D/b" bs=1 seek=$((4 << 20)) status=none
	run bash -c 'trap "" XFSZ; ulimit -f 64; "$0" --data "$STORE" --json get "$1" "$2" 2>/dev/null' "$FSCTL" "$W/a" "$D/b"; status_is 1
	[ "$(jq -c 'select(.type == "summary") | [.items, .errors]' <<< "$output")" = '[0,1]' ]
}

@test "put goes on where kill -9 of fsctl left it" {
	random_file "$D/a" $((40 << 20))
	"$FSCTL" --data "$STORE" --json put --bwlimit 4MiB/s "$D/a" "$W/a" > "$D/out" 3>&- &
	local pid=$!
	within 60 moved_reach "$D/out" $((20 << 20))
	kill -KILL $pid
	wait $pid || true
	run fsctl ls "$W"
	[ "$output" = "" ]
	moved "$(put_again "$D/a" "$W/a")" 1 $((36 << 20))
	fsctl get -q "$W/a" "$D/b"
	cmp "$D/a" "$D/b"
	[ -z "$(ls "$XDG_STATE_HOME/fsctl/uploads")" ]
}

@test "get goes on where kill -9 of fsctl left it" {
	random_file "$D/a" $((40 << 20))
	fsctl put -q "$D/a" "$W/a"
	mkdir "$D/to"
	"$FSCTL" --data "$STORE" --json get --bwlimit 4MiB/s "$W/a" "$D/to/a" > "$D/out" 3>&- &
	local pid=$!
	within 60 moved_reach "$D/out" $((20 << 20))
	kill -KILL $pid
	wait $pid || true
	[ ! -e "$D/to/a" ]
	moved "$(get_again "$W/a" "$D/to/a")" 1 $((36 << 20))
	cmp "$D/a" "$D/to/a"
	[ "$(ls -A "$D/to")" = a ]
}

@test "put and get outlive kill -9 of fsd" {
	# A store of its own: the others go on with theirs.
	store_start
	fsctl -q workspace create "$W"
	random_file "$D/a" $((24 << 20))
	"$FSCTL" --data "$STORE" --json put --bwlimit 8MiB/s "$D/a" "$W/a" > "$D/out" 3>&- &
	local pid=$!
	within 60 moved_reach "$D/out" $((6 << 20))
	fsd_kill
	fsd_start
	wait $pid
	"$FSCTL" --data "$STORE" --json get --bwlimit 8MiB/s "$W/a" "$D/b" > "$D/out2" 3>&- &
	pid=$!
	within 60 moved_reach "$D/out2" $((6 << 20))
	fsd_kill
	fsd_start
	wait $pid
	cmp "$D/a" "$D/b"
	store_stop
}

@test "a signal: the summary comes last, the exit code is its own" {
	random_file "$D/a" $((24 << 20))
	"$FSCTL" --data "$STORE" put --json --bwlimit 4MiB/s "$D/a" "$W/a" > "$D/out" 3>&- &
	local pid=$! rc=0
	within 60 moved_reach "$D/out" $((2 << 20))
	kill -TERM $pid
	wait $pid || rc=$?
	[ $rc = 143 ]
	[ "$(tail -n 1 "$D/out" | jq -c '[.type, .exitCode, (.resume | endswith(" put --json --bwlimit 4MiB/s '"$D/a $W/a"'"))]')" = '["summary",143,true]' ]
	[ "$(jq -r .type "$D/out" | grep -c status)" -ge 1 ]
}

# Runs the transfer, which needs longer than it has, and the command that it says goes on until that has done it. A
# slow machine needs more goes; each of them goes on where the one before it ended.
in_several_goes() {	# ARGUMENTS...
	local rc=0 resume sum sent goes
	"$FSCTL" --data "$STORE" --json "$@" > "$D/out" 2> "$D/err" || rc=$?
	[ $rc = 14 ] || fail "exit code $rc: $(cat "$D/err")"
	[ "$(tail -n 1 "$D/out" | jq -c '[.type, .exitCode, .errors]')" = '["summary",14,0]' ]
	grep -q 'stopped at its time limit of 4s' "$D/err"
	resume=$(tail -n 1 "$D/out" | jq -r .resume)
	grep -qF "$resume\` goes on from here" "$D/err"
	[ "$(metric exit_code "$1") $(metric errors "$1")" = "14 0" ]
	[ -z "$(metric success_timestamp_seconds "$1")" ]
	sent=$(tail -n 1 "$D/out" | jq .movedBytes)
	for goes in {1..60}; do
		rc=0
		eval "$resume" > "$D/out" 2> "$D/err" || rc=$?
		sum=$(tail -n 1 "$D/out")
		[ $rc = 0 ] || [ $rc = 14 ] || fail "exit code $rc: $(cat "$D/err")" || return 1
		moved "$sum" 0 $(((20 << 20) - 1)) || return 1
		sent=$((sent + $(jq .movedBytes <<< "$sum")))
		[ $rc != 0 ] || break
	done
	[ $rc = 0 ] || fail "not done after 20 goes more: $sum"
	# What was under way at a limit is sent again, and little else.
	[ "$sent" -le $(((20 << 20) + (goes * 8 << 20))) ] || fail "$sent bytes in $goes goes more"
	[ "$(metric exit_code "$1") $(metric items "$1") $(metric bytes "$1")" = "0 1 $((20 << 20))" ]
	[ -n "$(metric success_timestamp_seconds "$1")" ]
}

@test "--max-duration stops a transfer in order; the command that it says goes on" {
	random_file "$D/a b's" $((20 << 20))
	in_several_goes put --bwlimit 3MiB/s --max-duration 4s --metrics-file "$D/F.prom" "$D/a b's" "$W/a"
	mkdir "$D/to"
	in_several_goes get --bwlimit 3MiB/s --max-duration 4s --metrics-file "$D/F.prom" "$W/a" "$D/to/it's"
	cmp "$D/a b's" "$D/to/it's"
	[ "$(metric exit_code put)" = 0 ]
	run bash -c '"$0" --data "$STORE" "$@" 2>&1 >/dev/null' "$FSCTL" get --bwlimit 1MiB/s --max-duration 1s "$W/a" -; status_is 14
	[[ "$output" == *"get --bwlimit 1MiB/s --max-duration 1s $W/a -\` begins at the beginning again"* ]]
	# Folders, and text for people: nothing is counted as failed.
	mkdir "$D/t"
	for i in 1 2 3 4 5 6; do random_file "$D/t/$i" $((2 << 20)); done
	run fsctl put -r --bwlimit 3MiB/s --max-duration 1s --metrics-file "$D/F.prom" "$D/t" "$W/t"; status_is 14
	[[ "${lines[-1]}" == "put: "*"; stopped at its time limit" ]]
	[[ "$output" != *failed* ]]
	run fsctl put -r --max-duration 1h --lock-wait 1min "$D/t" "$W/t"; status_is 0
	[ "$(fsctl ls "$W/t" | tr '\n' ' ')" = "1 2 3 4 5 6 " ]
	run fsctl put --max-duration 5 "$D/t/1" "$W/"; status_is 2
	run fsctl put --bwlimit 5 --metrics-file "$D/F.prom" "$D/t/1" "$W/"; status_is 2
	[ "$(metric exit_code put)" = 2 ]
}

# The percentages of a transfer's status lines, and whether they never go back, stay below 101 and pass through the middle.
percents() {
	jq -s -c '[.[] | select(.type == "status") | .percent]' "$1"
}

rises() {	# FILE
	percents "$1" | jq -e '. == sort and all(. >= 0 and . <= 100) and any(. > 20 and . < 80)' > /dev/null ||
		fail "the percentages: $(percents "$1")"
}

# Whether it is seen that half of the work was done before the first byte went over the wire: at a share X of the bytes the
# percentage is 50 + X / 2, in the first half at least 25 more than X. When the first line comes does not count.
ahead() {	# FILE
	jq -s -e '(map(select(.type == "summary"))[0].movedBytes) as $all
		| [.[] | select(.type == "status" and .bytes > 1048576 and .bytes < $all / 2) | .percent - 100 * .bytes / $all]
		| length > 0 and all(. >= 20)' "$1" > /dev/null ||
		fail "percentages and bytes: $(jq -c 'select(.type != "item") | [.type, .percent, .bytes, .movedBytes]' "$1" | tr '\n' ' ')"
}

@test "percent moves with the bytes of one long file, those that need not be sent too" {
	random_file "$D/a" $((16 << 20))
	fsctl put --json --bwlimit 4MiB/s "$D/a" "$W/a" > "$D/out"
	rises "$D/out"
	[ "$(jq -s '[.[] | select(.type == "status") | .etaSeconds // empty] | length > 0 and max < 600 and min >= 0' "$D/out")" = true ]
	fsctl get --json --bwlimit 4MiB/s "$W/a" "$D/b" > "$D/out"
	rises "$D/out"
	# Half of it is there already: it begins at the middle.
	random_file "$D/half" $((8 << 20))
	{ head -c $((8 << 20)) "$D/a"; cat "$D/half"; } > "$D/c"
	fsctl put --json --bwlimit 2MiB/s "$D/c" "$W/a" > "$D/out"
	rises "$D/out"
	ahead "$D/out"
	# Of several files all are counted from the beginning; of several places there each is the same part of the work.
	random_file "$D/d" 1000
	fsctl put --json --bwlimit 4MiB/s "$D/d" "$D/b" "$W/x/" > "$D/out"
	rises "$D/out"
	percents "$D/out" | jq -e '.[0] < 50'
	mkdir "$D/to"
	fsctl get --json --bwlimit 4MiB/s "$W/x/d" "$W/x/b" "$D/to" > "$D/out"
	rises "$D/out"
	ahead "$D/out"
}

# At the first status line, a second after the beginning, no more than that second's bytes have gone, however slow the machine is.
starts_slowly() {	# FILE
	jq -s -e 'map(select(.type == "status").bytes)[0] | . != null and . < 200000' "$1" > /dev/null ||
		fail "bytes: $(jq -c 'select(.type == "status").bytes' "$1" | tr '\n' ' ')"
}

@test "under --bwlimit no connection waits long between two reads" {
	mkdir "$D/t"
	random_file "$D/a" 600000
	fsctl put --json --bwlimit 100KiB/s "$D/a" "$W/a" > "$D/out"
	starts_slowly "$D/out"
	random_file "$D/t/small" 250000
	fsctl put -r --json --bwlimit 100KiB/s "$D/t" "$W/t" > "$D/out"
	starts_slowly "$D/out"
	fsctl get --json --bwlimit 100KiB/s "$W/a" "$D/b" > "$D/out"
	starts_slowly "$D/out"
	cmp "$D/a" "$D/b"
}

@test "3,000 small files in few requests, and back" {
	local i line
	for i in $(seq 0 29); do
		mkdir -p "$D/t/d$i/sub"
		seq "$((i * 100))" "$((i * 100 + 99))" | (cd "$D/t/d$i/sub" && split -l 1 -a 3 -d - f)
	done
	mkdir "$D/t/nothing"
	line=$(log_lines)
	run fsctl put -r "$D/t" "$W/t"; status_is 0
	[[ "$output" == *"3,000 files"* ]]
	within 60 log_bytes_reach in CommitBatch "$line" 3000
	[ "$(tail -n "+$((line + 1))" "$FSD_LOG" | grep -c ' access ')" -le 25 ]
	run fsctl get -r "$W/t" "$D/back"; status_is 0
	diff -r "$D/t" "$D/back"
	[ "$(put_again -r "$D/t" "$W/t" | jq -c '[.items, .unchanged, .movedBytes]')" = '[3000,3000,0]' ]
	[ "$(get_again -r "$W/t" "$D/back" | jq -c '[.items, .unchanged, .movedBytes]')" = '[3000,3000,0]' ]
	# One is changed, one is new, one has become longer than a batch takes.
	echo changed > "$D/t/d3/sub/f001"
	echo new > "$D/t/new"
	random_file "$D/t/d4/sub/f002" 3000000
	[ "$(put_again -r "$D/t" "$W/t" | jq -c '[.items, .unchanged, .errors]')" = '[3001,2998,0]' ]
	fsctl get -q -r "$W/t" "$D/back"
	diff -r "$D/t" "$D/back"
}

@test "names that can't be sent are told, links are not followed, the rest goes" {
	mkdir -p "$D/t/sub" "$D/secret"
	echo secret > "$D/secret/file"
	echo 1 > "$D/t/grün und  leer"
	echo 2 > "$D/t/"$'new\nline'
	echo 3 > "$D/t/"$'not\xffutf8'
	echo 4 > "$D/t/sub/-r"
	ln -s "$D/secret" "$D/t/link"
	ln -s "$D/secret/file" "$D/t/sub/link"
	mkfifo "$D/t/fifo"
	run fsctl put -r "$D/t" "$W/t"; status_is 3
	[[ "$output" == *"2 files"*"3 skipped"*"2 failed"* ]]
	[ "$(fsctl ls -r "$W/t" | sort | tr '\n' ' ')" = "grün und  leer sub/ sub/-r " ]
	fsctl put --json -r "$D/t" "$W/t" > "$D/out" || true
	[ "$(jq -r 'select(.type == "error").pathBase64 // empty' "$D/out" | base64 -d | tail -c 8)" = $'t\xffutf8' ] ||
		[ "$(jq -r 'select(.type == "error").pathBase64 // empty' "$D/out" | base64 -d | grep -c utf8)" = 1 ]
}

@test "get writes below its target and nowhere else" {
	local key
	for key in a//b ./c x/../../../out %01 ok; do
		s3_curl "/$W/$key" --path-as-is -T "$BATS_TEST_FILENAME" -o /dev/null
	done
	run fsctl get -r "$W" "$D/to/all"; status_is 3
	[ -f "$D/to/all/ok" ]
	[ "$(find "$D/to" -type f | wc -l)" = 1 ]
	[ ! -e "$D/out" ]
	# A file and a folder of one name: the slash says which.
	s3_curl "/$W/two" -T "$BATS_TEST_FILENAME" -o /dev/null
	s3_curl "/$W/two/in" -T "$BATS_TEST_FILENAME" -o /dev/null
	[ "$(fsctl ls "$W/two")" = two ]
	[ "$(fsctl ls "$W/two/")" = in ]
	run fsctl ls "$W/ok/"; status_is 10
	run fsctl rm "$W/two"; status_is 0
	run fsctl get "$W/two/in" "$D/to/in"; status_is 0
	run fsctl rm -r "$W/two/"; status_is 0
	# Links that lie there lead nowhere.
	fsctl put -q "$BATS_TEST_FILENAME" "$W/deep/file"
	mkdir -p "$D/link" "$D/away"
	ln -s "$D/away" "$D/link/deep"
	run fsctl get -r "$W" "$D/link"; status_is 3
	[ -z "$(ls -A "$D/away")" ]
	# A link in a file's place is replaced.
	ln -s "$D/away/target" "$D/link/ok2"
	fsctl mv -q "$W/ok" "$W/ok2"
	run fsctl get "$W/ok2" "$D/link/"; status_is 0
	[ -f "$D/link/ok2" ] && [ ! -L "$D/link/ok2" ] && [ -z "$(ls -A "$D/away")" ]
}

@test "get takes the place of files and links, and of nothing else" {
	printf 1 > "$D/a"
	fsctl put -q "$D/a" "$W/a"
	mkfifo "$D/pipe"
	ln -s pipe "$D/to-pipe"
	mkdir -p "$D/to/a" "$D/nodes"
	run fsctl get "$W/a" "$D/pipe"; status_is 1
	[[ "$output" == *"$D/pipe: "*"standard output"* ]]
	[ -p "$D/pipe" ]
	run fsctl get "$W/a" "$D/to-pipe"; status_is 1
	[ -L "$D/to-pipe" ]
	if mknod "$D/nodes/a" c 1 3 2>/dev/null; then
		run fsctl get "$W/a" "$D/nodes/a"; status_is 1
		run fsctl get "$W/a" "$D/nodes/"; status_is 1
		run fsctl get -r "$W" "$D/nodes"; status_is 1
		[ -c "$D/nodes/a" ]
	fi
	# Nothing of it stays where a folder is in its place.
	run fsctl get "$W/a" "$D/to"; status_is 1
	[[ "$output" == *"there is a folder of that name"* ]]
	[ "$(ls -A "$D/to" "$D/to/a" "$D/nodes" | grep -c part)" = 0 ]
}

@test "get tells versions of one size and time apart" {
	local body at
	for body in AAAA BBBB; do
		s3_curl "/$W/f" -X PUT -H 'x-amz-meta-mtime: 1700000000' -d "$body"
		at+=" $(fsctl workspace show "$W" --json | jq .sequence)"
	done
	set -- $at
	fsctl get -q "$W/f" "$D/f"
	[ "$(< "$D/f")" = BBBB ]
	run fsctl get --at "$1" "$W/f" "$D/f"; status_is 0
	[ "$(< "$D/f")" = AAAA ]
	fsctl get -q "$W/f" "$D/f"
	[ "$(< "$D/f")" = BBBB ]
	[ "$(get_again "$W/f" "$D/f" | jq -c '[.unchanged, .movedBytes]')" = '[1,0]' ]
}

@test "--dry-run says what would be done and does nothing" {
	mkdir -p "$D/t/sub"
	echo 1 > "$D/t/a"
	echo 2 > "$D/t/sub/b"
	run fsctl put --dry-run -r "$D/t" "$W/t"; status_is 0
	[ "${lines[0]}" = "mkdir $W/t/sub" ]
	[ "${lines[1]}" = "put $D/t/a $W/t/a" ]
	[ "${lines[2]}" = "put $D/t/sub/b $W/t/sub/b" ]
	[ -z "$(fsctl ls "$W")" ]
	# The same items, in the same form.
	fsctl put --json --dry-run -r "$D/t" "$W/t" | jq -c 'select(.type == "item") | [.action, .from, .to]' | sort > "$D/dry"
	fsctl put --json -r "$D/t" "$W/t" | jq -c 'select(.type == "item") | [.action, .from, .to]' | sort > "$D/wet"
	diff "$D/dry" "$D/wet"
	run fsctl get --dry-run -r "$W/t" "$D/back"; status_is 0
	[ ! -e "$D/back" ]
	run fsctl rm --dry-run -r "$W/t"; status_is 0
	run fsctl mv --dry-run "$W/t" "$W/u"; status_is 0
	[ "$(fsctl ls "$W")" = t/ ]
}

@test "exit codes" {
	local token=$D/token
	echo 1 > "$D/a"
	mkdir "$D/dir"
	run fsctl put "$D/a" "no-such-$W/"; status_is 10
	run fsctl put "$D/none" "$W/"; status_is 10
	run fsctl put "$D/dir" "$W/"; status_is 2
	run fsctl put "$D/a" "$D/none" "$W/"; status_is 3
	run fsctl get "$W/none" "$D/b"; status_is 10
	run fsctl get -r --version-id ver_1 "$W" "$D/b"; status_is 2
	run fsctl get --at 1 --version-id ver_1 "$W/a" "$D/b"; status_is 2
	run fsctl put --bwlimit 5 "$D/a" "$W/"; status_is 2
	run fsctl put --connections 99 "$D/a" "$W/"; status_is 2
	run fsctl rm "$W/none"; status_is 10
	run fsctl mv "$W/a" "no-such-$W/a"; status_is 10
	fsctl -q user create "kim$W"
	fsctl -q token create "kim$W" > "$token"
	run "$FSCTL" --endpoint "$FSD_URL" --token-file "$token" ls "$W"; status_is 10
	fsctl -q grant add "$W" "kim$W" viewer
	echo 2 > "$D/b"
	run "$FSCTL" --endpoint "$FSD_URL" --token-file "$token" put "$D/b" "$W/"; status_is 12
	run "$FSCTL" --endpoint "$FSD_URL" --token-file "$token" get "$W/a" "$D/b"; status_is 0
	fsctl -q workspace set "$W" --quota 1KiB
	random_file "$D/big" 100000
	run fsctl put "$D/big" "$W/"; status_is 13
}

@test "mv, rm, the trash, versions and the past" {
	local v file
	echo one > "$D/a"
	fsctl put -q "$D/a" "$W/x/a"
	echo two > "$D/a"
	fsctl put -q "$D/a" "$W/x/a"
	v=$(fsctl versions list "$W/x/a" --json | jq -r '.versions[1].versionId')
	[ "$(fsctl get --version-id "$v" "$W/x/a" -)" = one ]
	fsctl versions restore -q "$W/x/a" "$v"
	[ "$(fsctl get "$W/x/a" -)" = one ]
	run fsctl mv "$W/x/a" "$W/y/"; status_is 0
	[ "$(fsctl ls -r "$W/y")" = a ]
	local seq
	seq=$(fsctl workspace show "$W" --json | jq .sequence)
	run fsctl rm "$W/x"; status_is 2
	run fsctl rm -r "$W/x" "$W/y"; status_is 0
	[ -z "$(fsctl ls "$W")" ]
	[ "$(fsctl ls -r --at "$seq" "$W" | sort | tr '\n' ' ')" = "x/ y/ y/a " ]
	file=$(fsctl trash list "$W" --json | jq -r 'select(.name == "y").id')
	run fsctl trash restore "$W/z" "$file"; status_is 0
	run fsctl mv --json "$W/z/a" "$W/z/b"; status_is 0
	[ "$(jq -c '[.from, .to, .path]' <<< "$output")" = "[\"$W/z/a\",\"$W/z/b\",\"z/b\"]" ]
	[ "$(grep -o '"path":' <<< "$output" | wc -l)" = 1 ]
	run fsctl mv -q "$W/z/b" "$W/z/a"; status_is 0
	[ "$(fsctl get "$W/z/a" -)" = one ]
	run fsctl trash restore "$W" "$file"; status_is 1
	run fsctl versions list "$W/z"; status_is 2
	[[ "$(fsctl tree "$W")" == *"z/"*"    a"*"1 folders, 1 files"* ]]
}

@test "over the network with a token: shares, and the feed as its user sees it" {
	local token=$D/token n
	n() { "$FSCTL" --endpoint "$FSD_URL" --token-file "$D/token" "$@"; }
	fsctl -q user create "lea$W"
	fsctl -q token create "lea$W" > "$token"
	echo 1 > "$D/a"
	fsctl put -q "$D/a" "$W/open/a"
	fsctl put -q "$D/a" "$W/closed/a"
	run fsctl share add "$W/open" "lea$W" editor; status_is 0
	[ "$(n ls "$W")" = open/ ]
	[ "$(n get "$W/open/a" -)" = 1 ]
	run n get "$W/closed/a" -; status_is 10
	random_file "$D/b" 9000000
	run n put "$D/b" "$W/open/"; status_is 0
	n get -q "$W/open/b" "$D/c"
	cmp "$D/b" "$D/c"
	n changes "$W" --json > "$D/feed"
	[ "$(jq -r .path "$D/feed" | grep -c '^open/b')" = 1 ]
	none grep closed <<< "$(jq -r .path "$D/feed")"
	fsctl changes "$W" --json | jq -r .path | grep -q closed
	[ "$(fsctl share list "$W/open" --json | jq -r '.grants[] | select(.inherited | not) | .principalName')" = "lea$W" ]
	run fsctl share remove "$W/open" "lea$W"; status_is 0
	run n ls "$W"; status_is 10
}

# lea may edit D/S, look at D/V and edit D/V/sub and D/V/file, and is shown S, V, sub and so on, without what is above.
partly() {
	n() { "$FSCTL" --endpoint "$FSD_URL" --token-file "$D/token" "$@"; }
	mkdir -p "$D/t/sub"
	echo 1 > "$D/t/a"
	echo 2 > "$D/t/sub/b"
	fsctl -q user create "lea$W"
	fsctl -q token create "lea$W" > "$D/token"
	fsctl put -q -r "$D/t" "$W/D/S"
	fsctl put -q -r "$D/t" "$W/D/V"
	fsctl put -q "$D/t/a" "$W/D/lone"
	fsctl put -q "$D/t/a" "$W/D/hidden"
	fsctl share add -q "$W/D/S" "lea$W" editor
	fsctl share add -q "$W/D/V" "lea$W" viewer
	fsctl share add -q "$W/D/lone" "lea$W" editor
}

@test "many small files of who may write to a folder alone" {
	partly
	mkdir "$D/t/new"
	echo 3 > "$D/t/new/c"
	echo 1.1 > "$D/t/a"
	run n put -r "$D/t" "$W/S"; status_is 0
	[ "$(fsctl get "$W/D/S/new/c" -)" = 3 ]
	[ "$(fsctl get "$W/D/S/a" -)" = 1.1 ]
	# What may not be written is told by its name; the rest goes.
	run n put -r "$D/t" "$W/V"; status_is 3
	[[ "$output" == *"$W/V/new: "*"share list"*"$W/V/a: "*"1 unchanged; 3 failed"* ]]
	[ "$(n put --json -r "$D/t" "$W/V" | jq -c 'select(.action == "mkdir")')" = "" ]
	[ "$(fsctl get "$W/D/V/a" -)" = 1 ]
	fsctl share add -q "$W/D/V/sub" "lea$W" editor
	fsctl share add -q "$W/D/V/a" "lea$W" editor
	echo 2.1 > "$D/t/sub/b"
	run n put -r "$D/t" "$W/V"; status_is 3
	[[ "$output" == *"put: 2 files"*"; 2 failed"* ]]
	[ "$(fsctl get "$W/D/V/a" -)" = 1.1 ]
	[ "$(fsctl get "$W/D/V/sub/b" -)" = 2.1 ]
	rm -r "$D/t/sub" "$D/t/new"
	echo 1.2 > "$D/t/a"
	mv "$D/t/a" "$D/t/z"
	run n put -r "$D/t" "$W/V"; status_is 12
	n put --json -r "$D/t" "$W/V" > "$D/out" || true
	[ "$(jq -c 'select(.type == "error") | [.path, .exitCode, (.message | type)]' "$D/out")" = "[\"$W/V/z\",12,\"string\"]" ]
}

@test "what is shared is found where it is shown" {
	local id seq
	partly
	[ "$(n ls "$W" | sort | tr '\n' ' ')" = "S/ V/ lone " ]
	[ "$(n ls -r "$W" | sort | tr '\n' ' ')" = "S/ S/a S/sub/ S/sub/b V/ V/a V/sub/ V/sub/b lone " ]
	[[ "$(n tree "$W")" == *"S/"*"    a"*"4 folders, 5 files"* ]]
	[ "$(n ls -l "$W" | grep -c '0644 .* 2 B .*ver_.*  lone')" = 1 ]
	run n get "$W" "$D/back"; status_is 2
	run n get -r "$W" "$D/back"; status_is 0
	diff -r "$D/t" "$D/back/S"
	diff -r "$D/t" "$D/back/V"
	cmp "$D/t/a" "$D/back/lone"
	[ ! -e "$D/back/hidden" ]
	[ "$(n ls "$W/S" | sort | tr '\n' ' ')" = "a sub/ " ]
	[ "$(n get "$W/S/sub/b" -)" = 2 ]
	run n put "$D/t/sub/b" "$W/S/x/y/"; status_is 0
	echo edited > "$D/e"
	run n put "$D/e" "$W/lone"; status_is 0
	[ "$(fsctl get "$W/D/lone" -)" = edited ]
	seq=$(fsctl workspace show "$W" --json | jq .sequence)
	run n mv "$W/S/x/y" "$W/S/z"; status_is 0
	[ "$(fsctl ls "$W/D/S/z")" = b ]
	[ "$(n ls -r --at "$seq" "$W/S/x" | tr '\n' ' ')" = "y/ y/b " ]
	run n rm "$W/S/z/b"; status_is 0
	run n versions list "$W/lone"; status_is 0
	# The trash is not shown to them, but what they deleted comes back.
	run n trash list "$W"; status_is 12
	[[ "$output" == *"a role on all of $W"*"fsctl trash restore $W ID"* ]]
	id=$(n changes "$W" --json | jq -r 'select(.eventType == "FILE_DELETED").fileId' | tail -n 1)
	run n trash restore "$W" "$id"; status_is 0
	[ "$(n ls "$W/S/z")" = b ]
	run n rm "$W/S/z/b"; status_is 0
	run n share list "$W/S"; status_is 0
	# The root, and what is above and beside, are not theirs.
	run n put "$D/t/a" "$W"; status_is 12
	[[ "$output" == *"shared with you"*"fsctl ls $W"* ]]
	run n mv "$W/lone" "$W/lone2"; status_is 12
	run n rm -r "$W"; status_is 2
	run n ls "$W/hidden"; status_is 10
	# Two of one name: folders are joined, a file takes no other's place.
	fsctl put -q "$D/t/a" "$W/E/S/a"
	fsctl put -q "$D/t/a" "$W/E/S/own"
	fsctl share add -q "$W/E/S" "lea$W" viewer
	rm -r "$D/back"
	run n get -r "$W" "$D/back"; status_is 3
	[[ "$output" == *"$W/S/a: something else"* ]]
	[ ! -e "$D/back/S/a" ]
	[ -f "$D/back/S/own" ]
	run n ls "$W/D/S"; status_is 10
}

@test "of several shares of one name the id says which is meant" {
	local one two file
	partly
	fsctl put -q -r "$D/t" "$W/E/S"
	fsctl put -q "$D/t/sub/b" "$W/E/S/own"
	fsctl put -q "$D/t/sub/b" "$W/E/lone"
	fsctl share add -q "$W/E/S" "lea$W" editor
	one=$(n ls --json "$W" | jq -r 'select(.path == "S").id' | sed -n 1p)
	two=$(n ls --json "$W" | jq -r 'select(.path == "S").id' | sed -n 2p)
	[ "$one" ]
	[ "$two" ]
	[ "$one" != "$two" ]
	[[ " $(n ls "$W/$one" | tr '\n' ' ')" == *" own "* ]] && { file=$one; one=$two; two=$file; }
	# Nothing is read from the one or written to the other by chance.
	echo new > "$D/new"
	for verb in "ls $W/S" "put $D/new $W/S/" "get $W/S/a $D/x" "rm $W/S/own" "put $D/new $W/S/deep/new" "mv $W/lone $W/S/"; do
		run n $verb; status_is 2
		[[ "$output" == *'2 folders that are shared with you are called "S"'*"$W/fld_"*"editor"*"$W/fld_"*'in place of the name'* ]]
	done
	[[ "$output" == *"$W/$one/"* && "$output" == *"$W/$two/"* ]]
	[ ! -e "$D/x" ]
	# By its id each is a place like any other.
	[ "$(n ls "$W/$one" | sort | tr '\n' ' ')" = "a sub/ " ]
	[ "$(n ls "$W/$two/" | sort | tr '\n' ' ')" = "a own sub/ " ]
	[ "$(n get "$W/$two/sub/b" -)" = 2 ]
	run n put "$D/new" "$W/$two/x/y/"; status_is 0
	[ "$(fsctl get "$W/E/S/x/y/new" -)" = new ]
	run n put -r "$D/t" "$W/$one/t"; status_is 0
	[ "$(fsctl ls "$W/D/S/t" | sort | tr '\n' ' ')" = "a sub/ " ]
	run n get -r "$W/$two" "$D/back"; status_is 0
	[ "$(ls "$D/back" | tr '\n' ' ')" = "a own sub x " ]
	run n mv "$W/$two/own" "$W/$two/x/own2"; status_is 0
	run n rm "$W/$two/x/own2"; status_is 0
	run n share list "$W/$two/a"; status_is 0
	run n ls "$W/$two/own"; status_is 10
	[[ "$output" == *'there is nothing at'* ]]
	run n ls "$W/$two/a/"; status_is 10
	run n get "$W/$two/none" "$D/x"; status_is 10
	# A file and a folder of one name are told apart by the slash, and two files are not.
	file=$(fsctl ls --json "$W/E" | jq -r 'select(.name == "lone").id')
	fsctl share add -q "$W/E/lone" "lea$W" viewer
	run n get "$W/lone" "$D/x"; status_is 2
	[[ "$output" == *'2 files that are shared'*"$W/$file is one of them; you are its viewer"* ]]
	[ "$(n get "$W/$file" -)" = 2 ]
	fsctl put -q -r "$D/t" "$W/F/V2"
	fsctl put -q "$D/new" "$W/G/V"
	fsctl share add -q "$W/G/V" "lea$W" viewer
	[ "$(n get "$W/V" -)" = new ]
	[ "$(n ls "$W/V/" | sort | tr '\n' ' ')" = "a sub/ " ]
	# A name that looks like another's id does not get in its way.
	fsctl put -q "$D/new" "$W/H/$one/a"
	fsctl share add -q "$W/H/$one" "lea$W" editor
	[ "$(n get "$W/$one/a" -)" = 1 ]
}

@test "of several operands each has its turn, and the errors are all told" {
	printf 1 > "$D/a"
	mkdir "$D/dir"
	run fsctl put "$D/none" "$D/dir" "$D/a" "$W/"; status_is 3
	[[ "$output" == *"1 file"*"2 failed"* ]]
	run fsctl get "$W/none" "no-such-$W/x" "$W/a" "$D/dir"; status_is 3
	[[ "$output" == *"get $W/none: "*"fsctl ls"*"no-such-$W"*"1 file"*"2 failed"* ]]
	[ -f "$D/dir/a" ]
	fsctl get --json "$W/none" "$W/nor" "$D/dir" > "$D/out" 2>/dev/null || true
	[ "$(jq -r 'select(.type == "error") | "\(.path) \(.exitCode) \(.message)"' "$D/out" | grep -c "$W/no.* 10 get $W/no.*nothing")" = 2 ]
	[ "$(tail -n 1 "$D/out" | jq -c '[.type, .errors, .exitCode]')" = '["summary",2,10]' ]
	fsctl put --json "$D/a" "no-such-$W/" > "$D/out" 2>/dev/null || true
	[ "$(jq -c '[.type, .path, .exitCode]' "$D/out" | head -n 1)" = "[\"error\",\"no-such-$W/\",10]" ]
	[ "$(jq -r .type "$D/out" | tr '\n' ' ')" = "error summary " ]
	run fsctl put "$D/a" "$W/file"; status_is 0
	run fsctl put "$D/a" "$W/file/a"; status_is 1
	[[ "$output" == *"$W/file is a file, and no folder"* ]]
	# A file on standard output stays alone there.
	[ "$(fsctl get --json "$W/a" - 2>/dev/null)" = 1 ]
}

part_or_loss() {	# something came to a part, or the finished file was touched
	[ -s "$(ls -S "$D"/g/.fsctl-*.part 2>/dev/null | head -n 1)" ] || none cmp -s "$D/twenty" "$D/g/B"
}

@test "two gets of one version to one folder do not touch each other's file" {
	local a
	random_file "$D/twenty" 20000000
	fsctl -q put "$D/twenty" "$W/twenty"
	mkdir "$D/g"
	# An older file keeps the first one busy between its part's beginning and its first byte.
	truncate -s 200M "$D/g/A"
	"$FSCTL" --data "$STORE" -q get --bwlimit 2MiB/s "$W/twenty" "$D/g/A" 3>&- & a=$!
	within 60 compgen -G "$D/g/.fsctl-*.part"
	kill -STOP $a
	run fsctl get "$W/twenty" "$D/g/B"; status_is 0
	cmp "$D/twenty" "$D/g/B"
	kill -CONT $a
	within 60 part_or_loss
	kill -KILL $a
	wait $a || true
	cmp "$D/twenty" "$D/g/B"
	# The next one goes on with the part, since nobody has it any more.
	moved "$(get_again "$W/twenty" "$D/g/C")" 0 19990000
	cmp "$D/twenty" "$D/g/C"
	[ "$(ls -A "$D/g" | tr '\n' ' ')" = "A B C " ]
}

@test "two gets of one version to one name both end well" {
	local a
	random_file "$D/twenty" 20000000
	fsctl -q put "$D/twenty" "$W/twenty"
	mkdir "$D/g"
	"$FSCTL" --data "$STORE" -q get --bwlimit 4MiB/s "$W/twenty" "$D/g/A" 3>&- & a=$!
	within 60 compgen -G "$D/g/.fsctl-*.part"
	run fsctl get "$W/twenty" "$D/g/A"; status_is 0
	cmp "$D/twenty" "$D/g/A"
	wait $a
	cmp "$D/twenty" "$D/g/A"
	[ "$(ls -A "$D/g")" = A ]
}

@test "--metrics-file does not take the place of what the run brought" {
	local long
	random_file "$D/a" 5000
	fsctl -q put "$D/a" "$W/same"
	mkdir "$D/m"
	run fsctl get "$W/same" "$D/m/same" --metrics-file "$D/m/same"; status_is 1
	[[ "$output" == *"--metrics-file $D/m/same: it is there and holds something else"* ]]
	cmp "$D/a" "$D/m/same"
	# A name that leaves no room for the temporary one is refused before anything is done.
	long=$(printf 'x%.0s' {1..235})
	run fsctl get "$W/same" "$D/m/other" --metrics-file "$D/m/$long"; status_is 2
	[[ "$output" == *'longer than 234 bytes'* ]]
	[ ! -e "$D/m/other" ]
	run fsctl get "$W/same" "$D/m/other" --metrics-file "$D/m/${long%x}"; status_is 0
	[ "$(PROM=$D/m/${long%x} metric exit_code get)" = 0 ]
}

@test "of two folders and a file of one name none is hit by chance" {
	local verb
	partly
	fsctl put -q -r "$D/t" "$W/E/S"
	fsctl put -q "$D/t/a" "$W/F/S"
	fsctl share add -q "$W/E/S" "lea$W" editor
	fsctl share add -q "$W/F/S" "lea$W" editor
	for verb in "rm -r $W/S" "rm $W/S" "get $W/S $D/x" "get -r $W/S $D/x" "put $D/t/sub/b $W/S" "put -r $D/t $W/S" "ls $W/S" "tree $W/S" "mv $W/S $W/T"; do
		run n $verb; status_is 2
		[[ "$output" == *'3 folders and files that are shared with you are called "S"'*"$W/f"*"$W/f"*"$W/f"*'in place of the name'* ]] || fail "$verb: $output"
	done
	run n rm -r "$W/S/"; status_is 2
	[[ "$output" == *'2 folders that are shared'* ]]
	[ ! -e "$D/x" ]
	[ "$(fsctl get "$W/F/S" -)" = 1 ]
	[ "$(fsctl ls -r "$W/D/S" | tr '\n' ' ')" = "$(fsctl ls -r "$W/E/S" | tr '\n' ' ')" ]
	run n rm "$W/$(fsctl ls --json "$W/F" | jq -r 'select(.name == "S").id')"; status_is 0
	run fsctl get "$W/F/S" -; status_is 10
}

@test "small files get there in several goes, however short each one is" {
	local go i
	mkdir "$D/t"
	for i in {1..200}; do random_file "$D/t/$i" 16384; done
	# All of them take twice as long as the limit, and none may be sent in vain.
	for go in {1..60}; do
		run fsctl put -r --bwlimit 512KiB/s --max-duration 3s "$D/t" "$W/t"
		[ "$status" = 14 ] || break
	done
	status_is 0
	[ "$(fsctl ls "$W/t" | wc -l)" = 200 ]
}

@test "a folder that can't be read to its end is no success" {
	between <<- 'END'
		#include <dirent.h>
		#include <dlfcn.h>
		#include <errno.h>
		#include <stddef.h>
		#include <string.h>

		/* The folder with "bad" in it fails where that is, and once alone. */
		struct dirent *readdir(DIR *dir)
		{
			static int failed;
			struct dirent *(*next)(DIR *) = (struct dirent *(*)(DIR *))dlsym(RTLD_NEXT, "readdir");
			struct dirent *e = next(dir);

			if (failed || !e || strcmp(e->d_name, "bad") != 0)
				return e;
			failed = 1;
			errno = EIO;
			return NULL;
		}
	END
	mkdir -p "$D"/t/{sub,whole}
	touch "$D"/t/{a,b} "$D/t/sub/bad" "$D/t/whole/c"
	run fsctl_between put -r "$D/t" "$W/t"; status_is 3
	[[ "$output" == *"$D/t/sub: it can't be read to its end: Input/output error"* ]] || fail "$output"
	[ "$(fsctl ls -r "$W/t" | grep -c '[abc]$')" = 3 ]
	# The named folder itself.
	run fsctl_between put -r "$D/t/sub" "$W/sub"; status_is 1
	[[ "$output" == *"$D/t/sub: it can't be read to its end: Input/output error"* ]] || fail "$output"
	rm "$D/t/sub/bad"
	run fsctl_between put -r "$D/t" "$W/t"; status_is 0
}

# Each is said with its place, and what is beside it goes.
@test "what can't be sent of a folder is told, and the rest goes" {
	local deep=$D/t/deep i
	for ((i = 0; i < 128; i++)); do deep+=/d; done
	mkdir -p "$deep" "$D/t/a"
	touch "$D"/t/{a/x,b,$'\001'}
	ln -s a "$D/t/link"
	mkfifo "$D/t/pipe"
	ln -s t "$D/named"
	run fsctl put -r "$D/named/" "$W/t"; status_is 3
	[[ "$output" == *"link: skipped: a symbolic link"* && "$output" == *"pipe: skipped: neither"* ]] || fail "$output"
	[[ "$output" == *"its name has a control character"* ]] || fail "$output"
	[[ "$output" == *"${deep/$D\/t/$D/named}: it lies too deep"* ]] || fail "$output"
	[ "$(fsctl ls "$W/t" | tr '\n' ' ')" = "a/ b deep/ " ] || fail "$(fsctl ls "$W/t")"
	fsctl ls "$W/t/a" | grep -x x
}

@test "a small file that gets other rights while it is read is read again, once" {
	between <<- 'END'
		#include <dlfcn.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/stat.h>
		#include <unistd.h>

		/* The bytes that a file has for a moment, with its time and its rights changed after. */
		ssize_t pread(int fd, void *bytes, size_t len, off_t at)
		{
			static int touched;
			ssize_t (*next)(int, void *, size_t, off_t) = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
			ssize_t got = next(fd, bytes, len, at);

			if (got != 1234 || touched == atoi(getenv("TOUCH")))
				return got;
			memset(bytes, 'X', len);
			touched++;
			fchmod(fd, touched % 2 ? 0600 : 0640);
			usleep(20000);
			return got;
		}
	END
	mkdir "$D/t"
	random_file "$D/t/a" 1234
	TOUCH=1 run fsctl_between put -r "$D/t" "$W/t"; status_is 0
	fsctl -q get "$W/t/a" "$D/back"
	cmp "$D/t/a" "$D/back"
	[ "$(stat -c %a "$D/back")" = 600 ]
	random_file "$D/t/a" 1234
	TOUCH=9 run fsctl_between put -r "$D/t" "$W/t"; status_is 1
	[[ "$output" == *"t/a: it was changed while it was read"* ]] || fail "$output"
}
