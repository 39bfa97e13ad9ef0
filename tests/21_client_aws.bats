# aws-cli 2 as Debian has it: round trips with listing, multipart and deletion; odd names.
# test-timeout: 600
load lib/fsd
load lib/clients
load clients/names

setup_file()    { store_start; }
teardown_file() { store_stop; }

setup() {
	aws_setup
	cd "$BATS_TEST_TMPDIR"
}

@test "aws: a bucket is made, found, listed and removed" {
	aws_ s3 mb s3://aws-bucket
	[[ "$(aws_ s3 ls)" = *" aws-bucket"* ]]
	aws_ s3api head-bucket --bucket aws-bucket
	[ "$(aws_ s3api get-bucket-location --bucket aws-bucket --query LocationConstraint --output text)" = None ]
	run aws_ s3 mb s3://aws-bucket
	[[ "$status" != 0 && "$output" = *BucketAlreadyOwnedByYou* ]]
	aws_ s3 rb s3://aws-bucket
	run aws_ s3api head-bucket --bucket aws-bucket
	[[ "$status" != 0 && "$output" = *404* ]]
}

@test "aws: a file over the threshold goes in parts and comes back" {
	aws_ s3 mb s3://aws-parts
	random_file large 23000001
	aws_ s3 cp --metadata colour=blue --content-type a/b large s3://aws-parts/folder/large
	[[ "$(aws_ s3api head-object --bucket aws-parts --key folder/large --query ETag)" = *-5* ]]
	[ "$(aws_ s3api head-object --bucket aws-parts --key folder/large --query '[ContentLength,ContentType,Metadata.colour]' --output text | tr '\t' ' ')" = \
		"23000001 a/b blue" ]
	aws_ s3 cp s3://aws-parts/folder/large back
	cmp large back
	# A copy inside the store goes in parts too; and a move is a copy and a deletion.
	aws_ s3 cp s3://aws-parts/folder/large s3://aws-parts/folder/copy
	aws_ s3 mv s3://aws-parts/folder/copy s3://aws-parts/moved
	aws_ s3 cp s3://aws-parts/moved - | cmp large -
	[ "$(aws_ s3 ls --recursive s3://aws-parts/ | awk '{ print $3, $4 }' | tr '\n' ' ')" = "23000001 folder/large 23000001 moved " ]
	aws_ s3 rb --force s3://aws-parts
}

@test "aws: what flows from a pipe goes in parts" {
	aws_ s3 mb s3://aws-pipe
	random_file large 12000000
	aws_ s3 cp - s3://aws-pipe/piped < large
	aws_ s3 cp s3://aws-pipe/piped - | cmp large -
	aws_ s3 rb --force s3://aws-pipe
}

@test "aws: multipart by hand: parts, listings, abort and completion" {
	aws_ s3 mb s3://aws-hand
	random_file p1 5242880
	random_file p2 77
	id=$(aws_ s3api create-multipart-upload --bucket aws-hand --key k --query UploadId --output text)
	[ "$(aws_ s3api list-multipart-uploads --bucket aws-hand --query 'Uploads[].Key' --output text)" = k ]
	aws_ s3api abort-multipart-upload --bucket aws-hand --key k --upload-id "$id"
	run aws_ s3api list-parts --bucket aws-hand --key k --upload-id "$id"
	[[ "$status" != 0 && "$output" = *NoSuchUpload* ]]
	id=$(aws_ s3api create-multipart-upload --bucket aws-hand --key k --query UploadId --output text)
	e1=$(aws_ s3api upload-part --bucket aws-hand --key k --upload-id "$id" --part-number 1 --body p1 --query ETag --output text)
	e2=$(aws_ s3api upload-part --bucket aws-hand --key k --upload-id "$id" --part-number 7 --body p2 --query ETag --output text)
	[ "$(aws_ s3api list-parts --bucket aws-hand --key k --upload-id "$id" --query 'Parts[].[PartNumber,Size]' --output text | tr '\t\n' '  ')" = \
		"1 5242880 7 77 " ]
	printf '{"Parts":[{"PartNumber":1,"ETag":%s},{"PartNumber":7,"ETag":%s}]}' "$(jq -n --arg e "$e1" '$e')" "$(jq -n --arg e "$e2" '$e')" > parts
	aws_ s3api complete-multipart-upload --bucket aws-hand --key k --upload-id "$id" --multipart-upload file://parts
	aws_ s3 cp s3://aws-hand/k - | cmp - <(cat p1 p2)
	aws_ s3 rb --force s3://aws-hand
}

@test "aws: pages, prefixes and delimiters of a listing" {
	aws_ s3 mb s3://aws-list
	mkdir -p tree/d/e tree/f
	for i in $(seq -w 1 25); do echo "$i" > "tree/d/e/k$i"; done
	touch tree/a tree/d/x tree/f/y
	aws_ s3 sync --quiet tree s3://aws-list/
	[ "$(aws_ s3api list-objects-v2 --bucket aws-list --page-size 4 --query 'length(Contents)')" = 28 ]
	[ "$(aws_ s3api list-objects --bucket aws-list --page-size 4 --query 'length(Contents)')" = 28 ]
	[ "$(aws_ s3api list-object-versions --bucket aws-list --page-size 4 --query 'length(Versions)')" = 28 ]
	[ "$(aws_ s3 ls s3://aws-list/ | awk '{ print $NF }' | tr '\n' ' ')" = "d/ f/ a " ]
	[ "$(aws_ s3api list-objects-v2 --bucket aws-list --delimiter / --prefix d/ --query '[CommonPrefixes[].Prefix,Contents[].Key][]' --output text | tr '\t' ' ')" = "d/e/ d/x" ]
	[ "$(aws_ s3api list-objects-v2 --bucket aws-list --start-after d/e/k23 --query 'Contents[].Key' --output text | tr '\t' ' ')" = "d/e/k24 d/e/k25 d/x f/y" ]
	aws_ s3 rb --force s3://aws-list
}

@test "aws: sync carries changes only, and deletes where told" {
	aws_ s3 mb s3://aws-sync
	mkdir -p tree/sub
	for i in 1 2 3; do random_file "tree/sub/$i" 1000; done
	aws_ s3 sync tree s3://aws-sync/t
	[ -z "$(aws_ s3 sync tree s3://aws-sync/t)" ]
	random_file tree/sub/2 1001
	rm tree/sub/3
	run aws_ s3 sync --delete tree s3://aws-sync/t
	[ "$status" = 0 ]
	[[ "$output" = *"tree/sub/2"* && "$output" = *"delete: s3://aws-sync/t/sub/3"* && "$output" != *"sub/1"* ]]
	aws_ s3 sync --quiet s3://aws-sync/t back
	diff -r tree back
	aws_ s3 rb --force s3://aws-sync
}

@test "aws: a range, conditions and a presigned URL" {
	aws_ s3 mb s3://aws-more
	printf 0123456789 > body
	etag=$(aws_ s3api put-object --bucket aws-more --key "a b" --body body --query ETag --output text)
	aws_ s3api get-object --bucket aws-more --key "a b" --range bytes=2-4 part > /dev/null
	[ "$(cat part)" = 234 ]
	run aws_ s3api get-object --bucket aws-more --key "a b" --if-match '"0"' part
	[[ "$status" != 0 && "$output" = *PreconditionFailed* ]]
	run aws_ s3api get-object --bucket aws-more --key "a b" --if-none-match "$etag" part
	[[ "$status" != 0 && "$output" = *304* ]]
	run aws_ s3api get-object --bucket aws-more --key "a b" --range bytes=10-11 part
	[[ "$status" != 0 && "$output" = *InvalidRange* ]]
	[ "$(curl -sS "$(aws_ s3 presign "s3://aws-more/a b")")" = 0123456789 ]
	aws_ s3 rb --force s3://aws-more
}

@test "aws: checksums are kept and told" {
	aws_ s3 mb s3://aws-sums
	printf abc > body
	for kind in CRC32 SHA1 SHA256; do
		put=$(aws_ s3api put-object --bucket aws-sums --key $kind --body body --checksum-algorithm $kind --query Checksum$kind --output text)
		got=$(aws_ s3api get-object --bucket aws-sums --key $kind --checksum-mode ENABLED back --query Checksum$kind --output text)
		[ "$put" = "$got" ]
		cmp body back
	done
	[ "$got" = ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0= ]
	run aws_ s3api put-object --bucket aws-sums --key bad --body body --checksum-sha256 "$(printf '%043d=' 0)"
	[[ "$status" != 0 && "$output" = *BadDigest* ]]
	run aws_ s3api head-object --bucket aws-sums --key bad
	[ "$status" != 0 ]
	aws_ s3 rb --force s3://aws-sums
}

@test "aws: who is editor of a folder alone syncs there and back" {
	fsctl -q workspace create aws-shared
	become_user anna aws-shared/anna/
	mkdir -p tree/sub
	random_file tree/sub/large 7000001
	random_file tree/small 1000
	aws_ s3 sync --quiet tree s3://aws-shared/anna/t
	[ -z "$(aws_ s3 sync tree s3://aws-shared/anna/t)" ]
	aws_ s3 sync --quiet s3://aws-shared/anna/t back
	diff -r tree back
	aws_ s3 mv --quiet s3://aws-shared/anna/t/small s3://aws-shared/anna/moved
	[ "$(aws_ s3 ls --recursive s3://aws-shared/anna/ | awk '{ print $4 }' | tr '\n' ' ')" = "anna/ anna/moved anna/t/sub/large " ]
	[[ "$(aws_ s3 ls)" = *" aws-shared" ]]
	run aws_ s3 cp tree/small s3://aws-shared/other
	[[ "$status" != 0 && "$output" = *AccessDenied* ]]
	run aws_ s3 ls s3://aws-shared/
	[[ "$status" != 0 && "$output" = *AccessDenied* ]]
	aws_ s3 rm --quiet --recursive s3://aws-shared/anna/
}

@test "aws: odd names as a tree" {
	aws_ s3 mb s3://aws-names
	names_tree aws tree
	aws_ s3 sync --quiet tree s3://aws-names/
	aws_ s3 sync --quiet s3://aws-names/ back
	diff -r tree back
	aws_ s3 rm --quiet --recursive s3://aws-names/
	[ -z "$(aws_ s3 ls --recursive s3://aws-names/)" ]
	aws_ s3 rb s3://aws-names
}

@test "aws: names that no file can have" {
	aws_ s3 mb s3://aws-keys
	n=0
	while IFS= read -r -d '' name; do
		printf '%d %s' $n "$name" > body
		n=$((n + 1))
		aws_ s3api put-object --bucket aws-keys --key "$name" --body body > put || fail "put of $name"
		aws_ s3api get-object --bucket aws-keys --key "$name" back > got || fail "get of $name"
		cmp body back
	done < <(names_for aws key)
	names_for aws key | LC_ALL=C sort -z | tr '\0' '\n' > wanted
	aws_ s3api list-objects-v2 --bucket aws-keys --page-size 2 --query 'Contents[].[Key]' --output text > found
	cmp wanted found
	aws_ s3 rb --force s3://aws-keys
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
