# What a caller tries who wants more than was given, or sends what no client would.
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

part() {
	/usr/bin/python3 "$FSD_ROOT/tests/breaks.py" "$1" >&2
}

@test "the editor of one file gets no further into its folder" { part one_file; }

@test "a partial reader learns no name and no id of what is above" { part above; }

@test "a completion that is sent again tells of its own version, and nobody of what is no longer theirs" { part again; }

@test "what markers hid comes back, also where nothing older is kept by versioning" { part marked; }

@test "the same call many times at once, and moves that cross" { part at_once; }

@test "numbers at their ends, names at their ends, bodies that are none" { part ends; }

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
