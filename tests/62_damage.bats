# A bit that rots on disk: what GET answers, and what it never does.
load lib/fsd

setup() {
	cd "$BATS_TEST_TMPDIR"
	store_start
	fsctl -q workspace create www
}

teardown() {
	store_stop
}

put() {		# FILE
	[ "$(s3_curl "/www/$1" -T "$1" -o /dev/null -w '%{http_code}')" = 200 ]
}

# Flips a bit of what the store has of FILE from OFFSET on, or flips it back. What is random is stored as it is.
flip() {	# FILE OFFSET
	/usr/bin/python3 - "$STORE" "$1" "$2" <<-'END'
		import glob, sys
		with open(sys.argv[2], "rb") as f:
		    f.seek(int(sys.argv[3]) + 1)
		    behind = f.read(64)
		for name in glob.glob(sys.argv[1] + "/segments/*.seg"):
		    with open(name, "r+b") as f:
		        at = f.read().find(behind)
		        if at > 0:
		            f.seek(at - 1)
		            byte = f.read(1)
		            f.seek(at - 1)
		            f.write(bytes([byte[0] ^ 4]))
		            sys.exit()
		sys.exit("not found")
	END
}

# The status of a GET; its body goes to `got`, its headers to `head`.
get() {		# PATH [CURL-ARGUMENTS...]
	s3_curl "$1" -o got -D head -w '%{http_code}\n' "${@:2}" 2>/dev/null
}

# An error, whole, in the reply's own length.
refused() {
	[ "$status" = 0 ] && [ "$output" = 500 ] || fail "curl ended with $status: $output"
	grep -q "$1" got || fail "$(head -c 300 got)"
	grep -qi "^content-length: $(stat -c %s got)"$'\r' head
	! grep -qi '^etag' head
}

part() {	# FILE FROM BYTES
	tail -c "+$(($2 + 1))" "$1" | head -c "$3"
}

# /v1 without a signature, by the token.
download_url() {	# FILE
	local ws id
	ws=$(fsctl --json workspace show www | jq -r .workspaceId)
	id=$(curl -sS -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/v1/lookup?workspaceId=$ws&path=$1" | jq -r .id)
	curl -sS -H "Authorization: Bearer $FSD_TOKEN" "$FSD_URL/v1/files/$id/download" | jq -r .downloadUrl
}

@test "a large object whose first block is damaged is an error, and no 200" {
	local url
	random_file large 8000000
	put large
	flip large 1000
	run get /www/large; refused InternalError
	run get /www/large -r 0-9; refused InternalError
	run get /www/large -r 500-7000000; refused InternalError
	logged 'error segment .* is not what was written'
	url=$(download_url large)
	run curl -sS -m 60 -o got -D head -w '%{http_code}\n' "$url"; refused internal_error
	# What is whole is given as before.
	[ "$(get /www/large -r 70000-7999999)" = 206 ]
	part large 70000 7930000 | cmp - got
	[ "$(s3_curl /www/large -I -o /dev/null -w '%{http_code}')" = 200 ]
	flip large 1000
	[ "$(get /www/large)" = 200 ]
	cmp large got
	[ "$(curl -sS -m 60 -o got -w '%{http_code}' "$url")" = 200 ]
	cmp large got
}

@test "a large object with a damaged block further on is broken off, behind bytes that are right" {
	local n
	random_file large 8000000
	put large
	flip large 5000000
	run get /www/large
	[ "$status" = 18 ] && [ "$output" = 200 ] || fail "curl ended with $status: $output"
	grep -qi '^content-length: 8000000' head
	n=$(stat -c %s got)
	[ "$n" -ge 262144 ] && [ "$n" -le 5000000 ] || fail "$n bytes came"
	part large 0 "$n" | cmp - got
	# As the first block of a range it is an error.
	run get /www/large -r 5000000-7999999; refused InternalError
}

@test "of an object that goes out in one piece any damaged block is an error" {
	random_file piece 262144
	put piece
	flip piece 250000
	run get /www/piece; refused InternalError
	[ "$(get /www/piece -r 0-99999)" = 206 ]
	part piece 0 100000 | cmp - got
	random_file small 5000
	put small
	flip small 4000
	run get /www/small; refused InternalError
}

@test "whether a damaged object is news is told without its bytes" {
	local etag size
	for size in 300 5000 300000; do
		random_file "f$size" "$size"
		put "f$size"
		etag=$(s3_curl "/www/f$size" -I 2>/dev/null | tr -d '\r' | sed -n 's/^etag: //Ip')
		flip "f$size" 100
		rm -f got
		[ "$(get "/www/f$size" -H "If-None-Match: $etag")" = 304 ] || fail "of $size bytes: $(head -1 head)"
		[ ! -s got ] || fail "a 304 with $(stat -c %s got) bytes"
		[ "$(get "/www/f$size" -H 'If-Match: "other"')" = 412 ]
		run get "/www/f$size" -H 'If-None-Match: "other"'; refused InternalError
		run get "/www/f$size"; refused InternalError
	done
}

@test "behind an error the connection goes on" {
	random_file large 8000000
	random_file good 3000000
	put large
	put good
	flip large 0
	/usr/bin/python3 - >&2 <<-'END'
		import os, sys
		sys.path.insert(0, os.environ["FSD_ROOT"] + "/tests/lib")
		from parallel import client
		s3 = client()
		for _ in range(3):
		    status, _, body = s3.request("GET", "/www/large")
		    assert status == 500, status
		    socket = s3.connection.sock
		    status, _, body = s3.request("GET", "/www/good")
		    assert status == 200 and body == open("good", "rb").read(), status
		    assert socket and s3.connection.sock is socket
	END
}
