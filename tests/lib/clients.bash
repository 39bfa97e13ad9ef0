# Real S3 clients, set up for the store of lib/fsd. Each `NAME_setup` skips the test where the client is not
# installed and writes its configuration into the test's folder; each client then runs under its own name with
# an underscore, so that nothing of the caller's own set-up is used.
#
#	load lib/fsd
#	load lib/clients
#	@test "…" { s3cmd_setup; s3cmd_ mb s3://photos; }

# Debian's, where there are several.
tool() {
	[ -x "/usr/bin/$1" ] && echo "/usr/bin/$1" || command -v "$1"
}

aws_setup() {	# parts of 5 MiB, so that small files already are multipart
	need aws
	export AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE=/dev/null
	AWS_CONFIG_FILE=$(tmp_dir)/aws.config
	cat > "$AWS_CONFIG_FILE" <<-END
	[default]
	region = us-east-1
	s3 =
	    addressing_style = path
	    multipart_threshold = 6MB
	    multipart_chunksize = 5MB
	END
}

aws_() {
	"$(tool aws)" --endpoint-url "$FSD_URL" --cli-connect-timeout 10 --cli-read-timeout 120 "$@"
}

s3cmd_setup() {
	need s3cmd
	export S3CMD_CONFIG
	S3CMD_CONFIG=$(tmp_dir)/s3cmd.config
	cat > "$S3CMD_CONFIG" <<-END
	[default]
	access_key = $AWS_ACCESS_KEY_ID
	secret_key = $AWS_SECRET_ACCESS_KEY
	bucket_location = us-east-1
	host_base = 127.0.0.1:$FSD_PORT
	host_bucket = 127.0.0.1:$FSD_PORT
	use_https = False
	signature_v2 = False
	multipart_chunk_size_mb = 5
	max_retries = 1
	socket_timeout = 120
	END
}

s3cmd_() {
	"$(tool s3cmd)" --config="$S3CMD_CONFIG" --no-progress "$@"
}

rclone_setup() {
	need rclone
	export RCLONE_CONFIG
	RCLONE_CONFIG=$(tmp_dir)/rclone.config
	cat > "$RCLONE_CONFIG" <<-END
	[fsd]
	type = s3
	provider = Other
	env_auth = false
	access_key_id = $AWS_ACCESS_KEY_ID
	secret_access_key = $AWS_SECRET_ACCESS_KEY
	endpoint = $FSD_URL
	region = us-east-1
	force_path_style = true
	upload_cutoff = 6M
	chunk_size = 5M
	END
}

rclone_() {	# the remote is called fsd:
	"$(tool rclone)" --retries 1 --low-level-retries 2 --timeout 2m "$@"
}

restic_setup() {	# BUCKET/PATH of the repository
	need restic
	export RESTIC_REPOSITORY=s3:$FSD_URL/$1 RESTIC_PASSWORD=correct-horse RESTIC_CACHE_DIR
	RESTIC_CACHE_DIR=$(tmp_dir)/restic.cache
}

restic_() {
	"$(tool restic)" -o s3.bucket-lookup=path --quiet "$@"
}

# Python with Debian's boto3.
python_setup() {
	[ -x /usr/bin/python3 ] || skip "python3 is not installed"
	/usr/bin/python3 -c 'import boto3' 2>/dev/null || skip "python3-boto3 is not installed"
	export PYTHON=/usr/bin/python3 PYTHONDONTWRITEBYTECODE=1
}

# Python with the newest boto3, in build/venv. Made once, by whoever comes first; tried once a file where it can't be
# had, since pip takes its time to give up.
newest_boto3_setup() {
	local venv=$FSD_ROOT/build/venv log=$FSD_ROOT/build/venv.log gone=$BATS_FILE_TMPDIR/no_boto3
	[ -x /usr/bin/python3 ] || skip "python3 is not installed"
	[ ! -e "$gone" ] || skip "$(cat "$gone")"
	mkdir -p "$FSD_ROOT/build"
	if ! flock -w 240 "$venv.lock" bash -c '
		[ -e "$1/whole" ] && exit 0
		rm -rf "$1"
		/usr/bin/python3 -m venv "$1" && timeout 180 "$1/bin/pip" install -q --upgrade boto3 && touch "$1/whole"
	' - "$venv" > "$log" 2>&1 </dev/null 3>&-; then
		echo "the newest boto3 could not be installed: $(tail -n 1 "$log" | cut -c 1-100)" > "$gone"
		skip "$(cat "$gone")"
	fi
	export PYTHON=$venv/bin/python PYTHONDONTWRITEBYTECODE=1
}
