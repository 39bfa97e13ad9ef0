# Two reference devices and an S3 writer converge, and nothing is lost.
# test-timeout: 300
load lib/fsd

@test "two devices and an S3 writer converge" {
	/usr/bin/python3 "$FSD_ROOT/tests/devices.py" --build "$FSD_BUILD" --rounds 20 >&2
}

@test "a device leaves alone what sync can't carry" {
	/usr/bin/python3 "$FSD_ROOT/tests/devices.py" --build "$FSD_BUILD" --part odd >&2
}

@test "a device syncs what is shared with its user" {
	/usr/bin/python3 "$FSD_ROOT/tests/devices.py" --build "$FSD_BUILD" --part shared >&2
}

@test "what a device wrote while something else took its name is a conflict copy" {
	/usr/bin/python3 "$FSD_ROOT/tests/devices.py" --build "$FSD_BUILD" --part taken >&2
}
