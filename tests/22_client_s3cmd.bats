# s3cmd: put, get, ls, sync, info, multipart, del; odd names.
# test-timeout: 300
load lib/fsd
load lib/clients
load clients/names

setup_file()    { store_start; }
teardown_file() { store_stop; }

setup() {
	s3cmd_setup
	cd "$BATS_TEST_TMPDIR"
}

@test "s3cmd: there, listed, described, back and gone" {
	s3cmd_ mb s3://s3cmd-one
	[[ "$(s3cmd_ ls)" = *s3://s3cmd-one* ]]
	random_file small 1000
	s3cmd_ put --add-header=x-amz-meta-colour:blue small s3://s3cmd-one/a/small
	[ "$(s3cmd_ ls s3://s3cmd-one/a/ | awk '{ print $3, $4 }')" = "1000 s3://s3cmd-one/a/small" ]
	[ "$(s3cmd_ ls s3://s3cmd-one/ | awk '{ print $1, $2 }')" = "DIR s3://s3cmd-one/a/" ]
	run s3cmd_ info s3://s3cmd-one/a/small
	[ "$status" = 0 ]
	[[ "$output" = *"File size: 1000"* && "$output" = *"$(md5sum < small | cut -c 1-32)"* ]]
	run s3cmd_ info s3://s3cmd-one
	[ "$status" = 0 ]
	[[ "$output" = *"Location:"*"us-east-1"* ]]
	s3cmd_ get s3://s3cmd-one/a/small back
	cmp small back
	[ "$(s3cmd_ du s3://s3cmd-one/ | awk '{ print $1, $2 }')" = "1000 1" ]
	run s3cmd_ get s3://s3cmd-one/none none
	[[ "$status" != 0 && "$output" = *"does not exist"* ]]
	run s3cmd_ rb s3://s3cmd-one
	[[ "$status" != 0 && "$output" = *BucketNotEmpty* ]]
	s3cmd_ del s3://s3cmd-one/a/small
	[ -z "$(s3cmd_ ls --recursive s3://s3cmd-one/)" ]
	s3cmd_ rb s3://s3cmd-one
}

@test "s3cmd: who is editor of a folder alone syncs there and back" {
	fsctl -q workspace create s3cmd-shared
	become_user anna s3cmd-shared/anna/
	s3cmd_setup
	mkdir -p tree/sub
	random_file tree/sub/large 7000001
	random_file tree/small 1000
	s3cmd_ sync tree/ s3://s3cmd-shared/anna/
	s3cmd_ sync s3://s3cmd-shared/anna/ back/
	diff -r tree back
	run s3cmd_ put tree/small s3://s3cmd-shared/other
	[[ "$status" != 0 && "$output" = *AccessDenied* ]]
	s3cmd_ del --recursive --force s3://s3cmd-shared/anna/
	[ -z "$(s3cmd_ ls --recursive s3://s3cmd-shared/anna/)" ]
}

@test "s3cmd: a large file in parts, its listing of parts, a copy, a move" {
	s3cmd_ mb s3://s3cmd-parts
	random_file large 17000001
	s3cmd_ put large s3://s3cmd-parts/large
	[ "$(s3cmd_ ls s3://s3cmd-parts/ | awk '{ print $3 }')" = 17000001 ]
	s3cmd_ get s3://s3cmd-parts/large back
	cmp large back
	s3cmd_ cp s3://s3cmd-parts/large s3://s3cmd-parts/copy
	s3cmd_ mv s3://s3cmd-parts/copy s3://s3cmd-parts/moved
	[ "$(s3cmd_ ls s3://s3cmd-parts/ | awk '{ print $4 }' | tr '\n' ' ')" = "s3://s3cmd-parts/large s3://s3cmd-parts/moved " ]
	s3cmd_ get --force s3://s3cmd-parts/moved back
	cmp large back
	[ -z "$(s3cmd_ multipart s3://s3cmd-parts | grep -v -e '^s3://' -e Initiated)" ]
	s3cmd_ del --recursive --force s3://s3cmd-parts/
	s3cmd_ rb s3://s3cmd-parts
}

@test "s3cmd: sync carries changes only, and deletes where told" {
	s3cmd_ mb s3://s3cmd-sync
	mkdir -p tree/sub
	for i in 1 2 3; do random_file "tree/sub/$i" 1000; done
	s3cmd_ sync tree/ s3://s3cmd-sync/t/
	run s3cmd_ sync tree/ s3://s3cmd-sync/t/
	[[ "$status" = 0 && "$output" != *upload* ]]
	random_file tree/sub/2 1001
	rm tree/sub/3
	run s3cmd_ sync --delete-removed tree/ s3://s3cmd-sync/t/
	[[ "$status" = 0 && "$output" = *sub/2* && "$output" = *"delete: 's3://s3cmd-sync/t/sub/3'"* && "$output" != *sub/1* ]]
	mkdir back
	s3cmd_ sync s3://s3cmd-sync/t/ back/
	diff -r tree back
	s3cmd_ rb --recursive --force s3://s3cmd-sync
}

@test "s3cmd: odd names as a tree" {
	s3cmd_ mb s3://s3cmd-names
	names_tree s3cmd tree
	s3cmd_ sync tree/ s3://s3cmd-names/ > log 2>&1
	mkdir back
	s3cmd_ sync s3://s3cmd-names/ back/ > log 2>&1
	diff -r tree back
	s3cmd_ del --recursive --force s3://s3cmd-names/ > log 2>&1
	[ -z "$(s3cmd_ ls --recursive s3://s3cmd-names/)" ]
	s3cmd_ rb s3://s3cmd-names
}

@test "s3cmd: names that no file can have" {
	s3cmd_ mb s3://s3cmd-keys
	n=0
	while IFS= read -r -d '' name; do
		printf '%d %s' $n "$name" > body
		n=$((n + 1))
		s3cmd_ put body "s3://s3cmd-keys/$name" || fail "put of $name"
		s3cmd_ get --force "s3://s3cmd-keys/$name" back || fail "get of $name"
		cmp body back
	done < <(names_for s3cmd key)
	names_for s3cmd key | LC_ALL=C sort -z | tr '\0' '\n' > wanted
	s3cmd_ ls --recursive s3://s3cmd-keys | sed 's,.*s3://s3cmd-keys/,,' > found
	cmp wanted found
	while IFS= read -r -d '' name; do
		s3cmd_ del "s3://s3cmd-keys/$name"
	done < <(names_for s3cmd key)
	s3cmd_ rb s3://s3cmd-keys
}

@test "s3cmd: a signed URL" {
	s3cmd_ mb s3://s3cmd-url
	printf 'by url' > body
	s3cmd_ put body 's3://s3cmd-url/a b'
	[ "$(curl -sS "$(s3cmd_ signurl 's3://s3cmd-url/a b' +60)")" = 'by url' ]
	s3cmd_ rb --recursive --force s3://s3cmd-url
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
