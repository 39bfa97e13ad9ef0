# Folders, files and the trash by the JSON API, and what S3 sees of it.
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

part() {
	/usr/bin/python3 "$FSD_ROOT/tests/tree.py" "$1" >&2
}

@test "folders are made, moved and deleted, each once" { part folders; }

@test "children come in pages, with what sync can't carry and names that collide" { part children; }

@test "a file and a folder of one name are said to be such wherever they are shown" { part twins; }

@test "files move, change, go and come back; old versions return" { part files; }

@test "the trash lists what can come back, and a folder's deletion takes only what was seen" { part trash; }

@test "in a versioned bucket folders go by markers, and versions follow a move" { part versioned; }

@test "versions of a file that is gone are there by its id, for who may see the past" { part gone; }

@test "the trash lists what delete markers hide" { part marked; }

@test "the object that stands for a folder is a file to S3 alone" { part markers; }

@test "who may not see a thing is told that it is not there, and sees no names above" { part rights; }

@test "what was given on something in the trash is shown, and can be taken back there" { part asleep; }

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
