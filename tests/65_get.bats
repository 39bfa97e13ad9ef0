#!/usr/bin/env bats
# test-timeout: 240
# What `get` leaves on disk, and what it makes of what it finds there, against a real daemon.
load lib/fsd
load lib/transfer

version_of() {	# PATH: the id that its part is named by
	fsctl versions list --json "$1" | jq -r 'first(.. | .versionId? // empty)'
}

# An S3 upload in parts: the server knows no hash of the whole.
put_without_hash() {	# FILE PATH
	local id etag
	id=$(s3_curl "/$2?uploads=" -X POST | grep -o '<UploadId>[^<]*' | cut -d '>' -f 2)
	etag=$(s3_curl "/$2?partNumber=1&uploadId=$id" -T "$1" -o /dev/null -D - | tr -d '\r' | sed -n 's/^[Ee][Tt]ag: //p')
	s3_curl "/$2?uploadId=$id" -X POST -o /dev/null \
		-d "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>$etag</ETag></Part></CompleteMultipartUpload>"
	[ "$(fsctl ls --json "${2%/*}" | jq -r --arg n "${2##*/}" 'select(.name == $n).contentHash')" = null ]
}

# As it is after a power cut that came before the bytes of a part were on the disk.
part_of() {	# PATH BYTES: the beginning of $D/a, and 100,000 zeros at its end
	PART=$D/to/.fsctl-$(version_of "$1").part
	mkdir -p "$D/to"
	head -c "$2" "$D/a" > "$PART"
	head -c 100000 /dev/zero >> "$PART"
}

has_open() {	# PID NAME
	[ "$(find "/proc/$1/fd" -lname "*/$2" 2>/dev/null)" ]
}

get_and_stop() {	# a get of $W/a to $D/to/a, which is told to stop once it has its part; trying the lock would take it away
	local pid rc=0
	"$FSCTL" --data "$STORE" -q get "$W/a" "$D/to/a" 3>&- & pid=$!
	within 60 has_open $pid "${PART##*/}" || { kill -KILL $pid; return 1; }
	kill -TERM $pid
	wait $pid || rc=$?
	[ $rc = 143 ] || fail "exit code $rc"
}

@test "what an earlier try left is only kept as far as it is right" {
	local path
	random_file "$D/a" $((24 << 20))
	fsctl put -q "$D/a" "$W/hashed"
	put_without_hash "$D/a" "$W/without"
	for path in "$W/hashed" "$W/without"; do
		# Nothing of it is right, where it ends amid the first chunk or behind several; then all but its end is.
		part_of "$path" 0
		moved "$(get_again "$path" "$D/to/a")" $((23 << 20)) $((28 << 20))
		cmp "$D/a" "$D/to/a"
		rm "$D/to/a"
		part_of "$path" 0
		truncate -s 20M "$PART"
		moved "$(get_again "$path" "$D/to/a")" $((24 << 20)) $((24 << 20))
		cmp "$D/a" "$D/to/a"
		rm "$D/to/a"
		part_of "$path" $((16 << 20))
		moved "$(get_again "$path" "$D/to/a")" $((7 << 20)) $((13 << 20))
		cmp "$D/a" "$D/to/a"
		rm "$D/to/a"
		# And all of it is.
		part_of "$path" $((16 << 20))
		truncate -s 16M "$PART"
		moved "$(get_again "$path" "$D/to/a")" $((8 << 20)) $((8 << 20))
		cmp "$D/a" "$D/to/a"
		rm "$D/to/a"
		# Beside an older file that has most of it.
		head -c $((20 << 20)) "$D/a" > "$D/to/a"
		part_of "$path" $((8 << 20))
		moved "$(get_again "$path" "$D/to/a")" 1 $((10 << 20))
		cmp "$D/a" "$D/to/a"
		[ "$(ls -A "$D/to")" = a ]
		rm "$D/to/a"
	done
}

@test "a part with bytes in it outlives a get that did not come to use it" {
	random_file "$D/a" $((24 << 20))
	fsctl put -q "$D/a" "$W/a"
	part_of "$W/a" $((16 << 20))
	truncate -s 16M "$PART"
	# So long that it is still being read when the signal comes.
	truncate -s 1T "$D/to/a"
	get_and_stop
	[ "$(stat -c %s "$PART")" = $((16 << 20)) ]
	# One without any bytes is of no use to anybody.
	: > "$PART"
	get_and_stop
	[ "$(ls -A "$D/to")" = a ]
}

@test "files without a mode and folders get what the umask leaves, however many come at once" {
	s3_curl "/$W/[1-200]/f" -X PUT -d x -o /dev/null
	# A umask() that takes its time: whoever changes it for a moment while others run is seen.
	between <<- 'END'
		#include <dlfcn.h>
		#include <sys/stat.h>
		#include <time.h>

		mode_t umask(mode_t mask)
		{
			mode_t (*next)(mode_t) = (mode_t (*)(mode_t))dlsym(RTLD_NEXT, "umask");
			mode_t old = next(mask);

			nanosleep(&(struct timespec) { .tv_nsec = 5000000 }, NULL);
			return old;
		}
	END
	(umask 027 && fsctl_between get -q -r --connections 16 "$W" "$D/to")
	[ "$(find "$D/to" -type f -perm 640 | wc -l) $(find "$D/to" -type d -perm 750 | wc -l)" = '200 201' ] ||
		fail "others: $(find "$D/to" ! -perm 640 ! -perm 750 -printf '%m %p, ' | head -c 1000)"
}

@test "what takes the place of something is on the disk first" {
	between <<- 'END'
		#include <dlfcn.h>
		#include <errno.h>
		#include <stdio.h>
		#include <stdlib.h>

		int fdatasync(int fd)
		{
			(void)fd;
			fputs("flush\n", stderr);
			errno = EIO;
			return getenv("FLUSH_FAILS") ? -1 : 0;
		}

		int renameat(int from_dir, const char *from, int to_dir, const char *to)
		{
			int (*next)(int, const char *, int, const char *) = (int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");

			fputs("rename\n", stderr);
			return next(from_dir, from, to_dir, to);
		}
	END
	echo 1 > "$D/a"
	fsctl put -q "$D/a" "$W/a"
	# What was not there is fetched again by the next one, should it have been lost.
	[ "$(fsctl_between get -q "$W/a" "$D/to" 2>&1)" = rename ]
	echo 2 > "$D/to"
	[ "$(fsctl_between get -q "$W/a" "$D/to" 2>&1 | tr '\n' ' ')" = 'flush rename ' ]
	[ "$(< "$D/to")" = 1 ]
	ln -sf a "$D/to"
	[ "$(fsctl_between get -q "$W/a" "$D/to" 2>&1 | tr '\n' ' ')" = 'flush rename ' ]
	[ ! -L "$D/to" ]
	echo 2 > "$D/to"
	FLUSH_FAILS=1 run fsctl_between get "$W/a" "$D/to"; status_is 1
	[[ "$output" == *"$D/to: it can't be written to the disk for good: Input/output error"* ]]
	[ "$(< "$D/to")" = 2 ]
	[ "$(ls -A "$D" | tr '\n' ' ')" = 'a between.so to ' ]
}

@test "an old version gets no more permissions than a new file, and than today's version has" {
	local old
	(
		umask 022
		echo 1 > "$D/a" && fsctl put -q "$D/a" "$W/a"
		old=$(fsctl versions list --json "$W/a" | jq -r 'first(.. | .versionId? // empty)')
		echo two > "$D/a" && chmod 755 "$D/a" && fsctl put -q "$D/a" "$W/a"
		fsctl get -q --version-id "$old" "$W/a" "$D/b"
		[ "$(stat -c %a "$D/b") $(< "$D/b")" = '644 1' ] || fail "$(stat -c %a "$D/b")"
		echo three > "$D/a" && chmod 600 "$D/a" && fsctl put -q "$D/a" "$W/a"
		fsctl get -q --version-id "$old" "$W/a" "$D/c"
		[ "$(stat -c %a "$D/c") $(< "$D/c")" = '600 1' ]
	)
}

@test "a signal while a part is looked at is no fault of the part" {
	between <<- 'END'
		#include <dlfcn.h>
		#include <signal.h>
		#include <unistd.h>

		ssize_t pread(int fd, void *bytes, size_t len, off_t offset)
		{
			static int told;
			ssize_t (*next)(int, void *, size_t, off_t) = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");

			if (!told++)
				kill(getpid(), SIGTERM);
			return next(fd, bytes, len, offset);
		}

		ssize_t pread64(int fd, void *bytes, size_t len, off_t offset)
		{
			return pread(fd, bytes, len, offset);
		}
	END
	random_file "$D/a" $((24 << 20))
	fsctl put -q "$D/a" "$W/a"
	part_of "$W/a" $((16 << 20))
	truncate -s 16M "$PART"
	run fsctl_between get "$W/a" "$D/to/a"; status_is 143
	[[ "$output" != *"can't be read"* && "$output" == *"0 files"*interrupted* ]] || fail "$output"
	[ "$(stat -c %s "$PART")" = $((16 << 20)) ]
}

@test "a chunk that can't be written is told once" {
	between <<- 'END'
		#include <errno.h>
		#include <unistd.h>

		ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset)
		{
			(void)fd, (void)bytes, (void)len, (void)offset;
			errno = ENOSPC;
			return -1;
		}

		ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
		{
			return pwrite(fd, bytes, len, offset);
		}
	END
	random_file "$D/a" $((8 << 20))
	fsctl put -q "$D/a" "$W/a"
	# From the older file first.
	mkdir "$D/to"
	{ cat "$D/a"; echo end; } > "$D/to/a"
	run fsctl_between get "$W/a" "$D/to/a"; status_is 13
	[ "$(grep -c 'the disk is full' <<< "$output")" = 1 ] || fail "$output"
	[[ "$output" == *"; 1 failed"* ]]
}

@test "a link to a folder in a file's place is replaced itself" {
	echo 1 > "$D/a"
	fsctl put -q "$D/a" "$W/a"
	mkdir "$D/to" "$D/away"
	ln -s ../away "$D/to/a"
	run fsctl get -r "$W" "$D/to"; status_is 0
	[ ! -L "$D/to/a" ] && cmp "$D/a" "$D/to/a" && [ -z "$(ls -A "$D/away")" ]
}
