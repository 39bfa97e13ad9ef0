# boto3, Debian's and the newest: each test of clients/boto3_test.py with both.
# test-timeout: 600
load lib/fsd
load lib/clients

setup_file()    { store_start; }
teardown_file() { store_stop; }

with_debian() {
	python_setup
	"$PYTHON" "$FSD_ROOT/tests/clients/boto3_test.py" "$1"
}

with_newest() {
	newest_boto3_setup
	"$PYTHON" "$FSD_ROOT/tests/clients/boto3_test.py" "$1"
}

@test "Debian's boto3: buckets" { with_debian buckets; }
@test "Debian's boto3: object" { with_debian object; }
@test "Debian's boto3: headers" { with_debian headers; }
@test "Debian's boto3: ranges" { with_debian ranges; }
@test "Debian's boto3: conditions" { with_debian conditions; }
@test "Debian's boto3: names" { with_debian names; }
@test "Debian's boto3: listing" { with_debian listing; }
@test "Debian's boto3: delete objects" { with_debian delete_objects; }
@test "Debian's boto3: copy" { with_debian copy; }
@test "Debian's boto3: multipart" { with_debian multipart; }
@test "Debian's boto3: multipart pages" { with_debian multipart_pages; }
@test "Debian's boto3: transfer" { with_debian transfer; }
@test "Debian's boto3: presigned" { with_debian presigned; }
@test "Debian's boto3: checksums" { with_debian checksums; }
@test "Debian's boto3: attributes" { with_debian attributes; }
@test "Debian's boto3: configuration" { with_debian configuration; }

@test "newest boto3: buckets" { with_newest buckets; }
@test "newest boto3: object" { with_newest object; }
@test "newest boto3: headers" { with_newest headers; }
@test "newest boto3: ranges" { with_newest ranges; }
@test "newest boto3: conditions" { with_newest conditions; }
@test "newest boto3: names" { with_newest names; }
@test "newest boto3: listing" { with_newest listing; }
@test "newest boto3: delete objects" { with_newest delete_objects; }
@test "newest boto3: copy" { with_newest copy; }
@test "newest boto3: multipart" { with_newest multipart; }
@test "newest boto3: multipart pages" { with_newest multipart_pages; }
@test "newest boto3: transfer" { with_newest transfer; }
@test "newest boto3: presigned" { with_newest presigned; }
@test "newest boto3: checksums" { with_newest checksums; }
@test "newest boto3: attributes" { with_newest attributes; }
@test "newest boto3: configuration" { with_newest configuration; }
