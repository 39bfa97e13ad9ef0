# Uploads, packs of chunks and batches of the JSON API.
load lib/fsd

setup_file()    { store_start; }
teardown_file() { store_stop; }

part() {
	/usr/bin/python3 "$FSD_ROOT/tests/sync_uploads.py" "$1" >&2
}

@test "an upload goes on where it was, also over a killed daemon" { part resume; }

@test "conflicts are told or become copies, the same is unchanged, and an edit beats a deletion" { part conflicts; }

@test "an edit beats a deletion by every call, and a folder that is gone is said to be" { part deleted; }

@test "the name that a conflict offers can be had" { part beside; }

@test "a range that is not there is no error of the server's" { part ranges; }

@test "a base that is not kept any more is a conflict" { part old_bases; }

@test "a base that the caller does not see is told of as one that is not kept" { part hidden_bases; }

@test "what is missing is named, and wrong bytes are refused" { part missing; }

@test "a ticket with any bit changed, or for something else, is refused" { part tickets; }

@test "who lost the right in mid-upload can't go on" { part revoked; }

@test "a session reaches nothing that its user doesn't see any more" { part out_of_sight; }

@test "a call whose reply was lost is sent again and gets the same" { part lost_replies; }

@test "what is told of chunks hangs on no other workspace" { part silent; }
@test "what a session holds is not collected, and a hash that nobody gave is found out" { part collected; }

@test "a batch does all or each, in order, as one commit" { part batches; }

@test "each operation of a batch is judged by the caller's own rights" { part rights; }

@test "fsctl check finds nothing after all of it" {
	fsctl check
}
