# rclone: copy, sync, check, lsf, move, multipart, purge; a tree of odd names.
# test-timeout: 300
load lib/fsd
load lib/clients
load clients/names

setup_file()    { store_start; }
teardown_file() { store_stop; }

setup() {
	rclone_setup
	cd "$BATS_TEST_TMPDIR"
}

# How many files the transfer carried.
carried() {	# RCLONE-ARGUMENTS...
	rclone_ --use-json-log --stats-log-level NOTICE --stats 1h "$@" 2>&1 | jq -s '[.[] | .stats? // empty] | last | .transfers'
}

@test "rclone: there, listed, back and gone" {
	rclone_ mkdir fsd:rclone-one
	[[ "$(rclone_ lsf fsd:)" = *rclone-one/* ]]
	mkdir -p tree/a/b
	random_file tree/small 1000
	random_file tree/a/b/large 17000001
	rclone_ copy tree fsd:rclone-one/t
	[ "$(rclone_ lsf -R --files-only --format sp fsd:rclone-one/t | LC_ALL=C sort | tr '\n' ' ')" = "1000;small 17000001;a/b/large " ]
	[ "$(rclone_ lsf fsd:rclone-one/t | tr '\n' ' ')" = "a/ small " ]
	rclone_ check --download tree fsd:rclone-one/t
	rclone_ check tree fsd:rclone-one/t
	rclone_ copy fsd:rclone-one/t back
	diff -r tree back
	# Modification times are carried as metadata.
	[ "$(stat -c %Y tree/a/b/large)" = "$(stat -c %Y back/a/b/large)" ]
	rclone_ cat --offset 100 --count 50 fsd:rclone-one/t/small | cmp - <(tail -c +101 tree/small | head -c 50)
	rclone_ deletefile fsd:rclone-one/t/small
	rclone_ purge fsd:rclone-one/t
	[ -z "$(rclone_ lsf -R fsd:rclone-one)" ]
	rclone_ rmdir fsd:rclone-one
	[[ "$(rclone_ lsf fsd:)" != *rclone-one/* ]]
}

@test "rclone: a second sync carries nothing, a third what changed" {
	rclone_ mkdir fsd:rclone-sync
	mkdir -p tree/sub
	for i in 1 2 3; do random_file "tree/sub/$i" 1000; done
	random_file tree/large 7000000
	[ "$(carried sync tree fsd:rclone-sync/t)" = 4 ]
	[ "$(carried sync tree fsd:rclone-sync/t)" = 0 ]
	random_file tree/sub/2 1000
	rm tree/sub/3
	[ "$(carried sync tree fsd:rclone-sync/t)" = 1 ]
	[ "$(carried sync --checksum tree fsd:rclone-sync/t)" = 0 ]
	rclone_ check tree fsd:rclone-sync/t
	[ "$(rclone_ lsf -R --files-only fsd:rclone-sync/t | LC_ALL=C sort | tr '\n' ' ')" = "large sub/1 sub/2 " ]
	rclone_ purge fsd:rclone-sync
}

@test "rclone: copies and moves inside the store, a pipe, and a touched time" {
	rclone_ mkdir fsd:rclone-move
	random_file large 12000000
	rclone_ rcat fsd:rclone-move/from < large
	rclone_ copyto fsd:rclone-move/from fsd:rclone-move/d/copy
	rclone_ moveto fsd:rclone-move/d/copy fsd:rclone-move/e/moved
	[ "$(rclone_ lsf -R --files-only fsd:rclone-move | LC_ALL=C sort | tr '\n' ' ')" = "e/moved from " ]
	rclone_ cat fsd:rclone-move/e/moved | cmp large -
	rclone_ touch -t 2020-02-03T04:05:06 fsd:rclone-move/from
	[[ "$(rclone_ lsl fsd:rclone-move/from)" = *"2020-02-03 04:05:06"* ]]
	rclone_ cat fsd:rclone-move/from | cmp large -
	rclone_ purge fsd:rclone-move
}

@test "rclone: an upload that was broken off is found and cleaned up" {
	rclone_ mkdir fsd:rclone-left
	s3_curl "/rclone-left/k?uploads=" -X POST > /dev/null
	[[ "$(rclone_ backend list-multipart-uploads fsd:rclone-left)" = *'"Key": "k"'* ]]
	rclone_ backend cleanup -o max-age=0s fsd:rclone-left
	[[ "$(rclone_ backend list-multipart-uploads fsd:rclone-left)" != *'"Key": "k"'* ]]
	rclone_ rmdir fsd:rclone-left
}

# The command of fsd-s3(7), which creates the bucket as rclone does.
as_editor() {	# REMOTE
	mkdir -p pic/a
	random_file pic/small 1000
	random_file pic/a/large 7000001
	"${rclone[@]}" copy pic "$1"
	"${rclone[@]}" check --download pic "$1"
	[ "$("${rclone[@]}" lsf -R --files-only "$1" | LC_ALL=C sort | tr '\n' ' ')" = "a/large small " ]
	"${rclone[@]}" copy "$1" back
	diff -r pic back
	"${rclone[@]}" delete "$1"
	[ -z "$("${rclone[@]}" lsf -R --files-only "$1")" ]
}

@test "rclone: who is editor of a workspace, or of a folder alone, copies there and back" {
	rclone=(rclone_ --s3-upload-cutoff 6M --s3-chunk-size 5M)
	fsctl -q workspace create rclone-shared
	(become_user anna rclone-shared && as_editor ":s3,endpoint='$FSD_URL',env_auth:rclone-shared")
	rm -rf pic back
	become_user berta rclone-shared/berta/
	as_editor ":s3,endpoint='$FSD_URL',env_auth:rclone-shared/berta"
	run rclone_ copy pic ":s3,endpoint='$FSD_URL',env_auth:rclone-shared/other"
	[[ "$status" != 0 && "$output" = *AccessDenied* ]]
	run rclone_ copy pic ":s3,endpoint='$FSD_URL',env_auth:rclone-not-there"
	[[ "$status" != 0 && "$output" = *AccessDenied* ]]
}

@test "rclone: odd names as a tree" {
	rclone_ mkdir fsd:rclone-names
	names_tree rclone tree
	rclone_ copy tree fsd:rclone-names
	rclone_ check tree fsd:rclone-names
	[ "$(carried sync tree fsd:rclone-names)" = 0 ]
	rclone_ copy fsd:rclone-names back
	diff -r tree back
	(cd tree && find . -type f -printf '%P\n' | LC_ALL=C sort) > wanted
	# rclone shows a tab as its picture.
	rclone_ lsf -R --files-only fsd:rclone-names | sed 's/␉/\t/' | LC_ALL=C sort > found
	diff wanted found
	rclone_ purge fsd:rclone-names
	[[ "$(rclone_ lsf fsd:)" != *rclone-names* ]]
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
