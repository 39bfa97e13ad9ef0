# The JSON API does what its own description says: requests and replies of a session over all calls.
# test-timeout: 180
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

@test "every call's requests and replies are as /v1/openapi.json describes them" {
	fsctl workspace create openapi
	fsctl workspace create openapi-2
	fsctl user create other > /dev/null
	export WORKSPACE=openapi OTHER_NAME=other
	OTHER_TOKEN=$(fsctl --json token create other | json token)
	export OTHER_TOKEN
	/usr/bin/python3 "$FSD_ROOT/tests/openapi.py" >&2
}

@test "the description is public, and nothing else is" {
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$FSD_URL/v1/openapi.json")" = 200 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$FSD_URL/v1/workspaces")" = 403 ] ||
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$FSD_URL/v1/workspaces")" = 401 ]
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
