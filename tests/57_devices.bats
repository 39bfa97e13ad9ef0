# Two reference devices and an S3 writer converge, and nothing is lost.
# test-timeout: 300
load lib/fsd

@test "two devices and an S3 writer converge" {
	/usr/bin/python3 "$FSD_ROOT/tests/devices.py" --build "$FSD_BUILD" --rounds 20 >&2
}
