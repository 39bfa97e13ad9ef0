# restic: init, backups, check, forget with prune, restore, in a repository whose path has odd characters (no percent sign: restic takes it for an escape).
# test-timeout: 300
load lib/fsd
load lib/clients

setup_file() {
	store_start
	s3_curl /restic -X PUT
}

teardown_file() {
	store_stop
}

setup() {
	restic_setup "restic/my host+ü"
	cd "$BATS_TEST_TMPDIR"
}

@test "restic: init, two backups, check, forget with prune, restore" {
	restic_ init
	mkdir -p tree/sub
	random_file tree/large 25000000
	for i in $(seq 1 40); do random_file "tree/sub/file $i ü" $((i * 777)); done
	restic_ backup tree
	restic_ check --read-data
	# The second one changes a bit, adds and removes.
	printf changed | dd of=tree/large bs=1 seek=12000000 conv=notrunc status=none
	random_file tree/new 3000000
	rm tree/sub/*7*
	restic_ backup tree
	[ "$(restic_ snapshots --json | jq length)" = 2 ]
	cp -a tree wanted
	restic_ restore latest --target back
	diff -r wanted back/tree
	rm -rf back
	restic_ forget --keep-last 1 --prune
	[ "$(restic_ snapshots --json | jq length)" = 1 ]
	restic_ check --read-data
	restic_ restore latest --target back
	diff -r wanted back/tree
	# Locks are gone, and what prune removed is gone from the listing too.
	[ -z "$(restic_ list locks)" ]
	restic_ forget --prune "$(restic_ snapshots --json | jq -r '.[0].id')"
	[ "$(restic_ snapshots --json | jq length)" = 0 ]
	restic_ check
}

@test "restic: who is editor of a folder alone uses a repository there" {
	become_user anna restic/anna/
	restic_setup restic/anna/backups
	restic_ init
	random_file large 7000001
	restic_ backup large
	restic_ check --read-data
	restic_ restore latest --target back
	cmp large back/large
	restic_ forget --prune "$(restic_ snapshots --json | jq -r '.[0].id')"
	[ "$(restic_ snapshots --json | jq length)" = 0 ]
	restic_setup "restic/my host+ü"
	run restic_ snapshots
	[[ "$status" != 0 && "$output" = *"Access Denied"* ]]
}

@test "restic: who is editor of the workspace makes a repository" {
	become_user berta restic
	restic_setup restic/berta
	restic_ init
	restic_ backup "$BATS_TEST_FILENAME"
	restic_ check --read-data
}

@test "restic: a wrong password and a second init are refused" {
	restic_ init || true
	RESTIC_PASSWORD=wrong run restic_ snapshots
	[ "$status" != 0 ]
	run restic_ init
	[ "$status" != 0 ]
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
