#!/usr/bin/env bash
# What `make run` does once the programs are built: a store in $DATA if there is none, its credentials in
# $DATA/dev.env, what to type next, and fsd in the foreground.
set -eu
: "${DATA:=./data}" "${LISTEN:=127.0.0.1:9000}" "${BUILD:=build}"
env_file=$DATA/dev.env

field() {
	printf '%s' "$init" | tr -d '\n' | sed -n 's/.*"'"$1"'" *: *"\([^"]*\)".*/\1/p'
}

write_env() {
	(
		umask 077
		cat > "$env_file" <<-END
		export AWS_ACCESS_KEY_ID='$(field accessKeyId)'
		export AWS_SECRET_ACCESS_KEY='$(field secretAccessKey)'
		export AWS_DEFAULT_REGION='us-east-1'
		export AWS_ENDPOINT_URL='$endpoint'
		export FSD_TOKEN='$(field token)'
		END
	)
}

# An address that listens on everything is reached on loopback.
endpoint=http://$(printf '%s' "$LISTEN" | sed -e 's/^0\.0\.0\.0:/127.0.0.1:/' -e 's/^\[::\]:/[::1]:/' -e 's/^:/127.0.0.1:/')

if [ -z "$(ls -A "$DATA" 2>/dev/null)" ]; then
	echo "run: creating a store in $DATA"
	init=$("$BUILD/fsctl" --data "$DATA" --json init)
	write_env
elif [ -f "$env_file" ]; then
	# LISTEN may be another one than at creation.
	sed -i -E "s,^(export AWS_ENDPOINT_URL=).*,\1'$endpoint'," "$env_file"
fi

if [ -f "$env_file" ]; then
	cat <<-END

	fsd will listen on $endpoint. In another terminal, in this folder, type:

	  . $(printf %q "$env_file")
	  aws --endpoint-url $endpoint s3 mb s3://photos 2>/dev/null; aws --endpoint-url $endpoint s3 cp README.md s3://photos/
	  curl -H x-amz-content-sha256:UNSIGNED-PAYLOAD --aws-sigv4 aws:amz:us-east-1:s3 --user "\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY" $endpoint/photos/README.md

	Ctrl-C ends fsd.

	END
else
	echo "run: $env_file is not there; $BUILD/fsctl --data $DATA key create USER makes new credentials"
fi
exec "$BUILD/fsd" --data "$DATA" --listen "$LISTEN"
