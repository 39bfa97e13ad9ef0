# GET /v1/tree: all of a workspace as of a sequence.
# test-timeout: 180
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

tree() {	# TEST [fsctl workspace create's arguments]
	local test=$1 id
	shift
	fsctl workspace create "tree-$test" "$@"
	id=$(fsctl --json workspace show "tree-$test" | json workspaceId) || return 1
	/usr/bin/python3 "$FSD_ROOT/tests/past_tree.py" "$test" "tree-$test" "$id" >&2
}

other() {	# a user of the test's own
	fsctl user create "$1"
	OTHER_TOKEN=$(fsctl --json token create "$1" | json token)
	export OTHER_TOKEN
}

@test "entries are nodes, now and then" { tree shape; }
@test "names that sync cannot carry, and long ones, page by page" { tree names; }
@test "what is refused" { other nobody; tree refusals; }
@test "before the horizon, and a listing that it overtakes" { tree horizon --history 0; }
@test "one tree while three writers change it" { tree changing; }

@test "who was given a folder and a file sees those" {
	other kim
	fsctl workspace create tree-partial
	for key in in/a out/one out/two; do printf x | s3_curl "/tree-partial/$key" --data-binary @- -X PUT; done
	fsctl grant add tree-partial/in/ kim viewer
	fsctl grant add tree-partial/out/one kim viewer
	id=$(fsctl --json workspace show tree-partial | json workspaceId)
	/usr/bin/python3 "$FSD_ROOT/tests/past_tree.py" partial tree-partial "$id" >&2
}

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
