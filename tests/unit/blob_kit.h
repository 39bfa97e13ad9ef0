#ifndef BLOB_KIT_H
#define BLOB_KIT_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "digest.h"
#include "err.h"
#include "log.h"
#include "test.h"

/* What the tests of the blob stores share: repeatable chunks, a folder per store, segment files by number. */

struct kit_chunk {
	uint8_t id[32];
	struct blob_place place;
	uint64_t seed;
	uint32_t len;
	bool text;
};

/* Bytes that `seed` alone decides: random ones, or words that compress about 3:1. */
static inline void
kit_fill(uint64_t seed, bool text, uint8_t *bytes, size_t len)
{
	uint64_t x = seed * 2862933555777941757u + 3037000493u;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		bytes[i] = (uint8_t)(x >> (8 * (i % 8)));
		if (text)
			bytes[i] = i % 8 < 5 ? (uint8_t)"abcdefgh"[i % 8] : (uint8_t)('a' + bytes[i] % 16);
	}
}

static inline int
kit_put(struct blob_store *bs, unsigned lane, uint64_t seed, bool text, uint32_t len, struct kit_chunk *c)
{
	uint8_t *bytes = malloc(len);
	int rc;

	*c = (struct kit_chunk){ .seed = seed, .len = len, .text = text };
	kit_fill(seed, text, bytes, len);
	digest_sha256(bytes, len, c->id);
	rc = blob_put(bs, lane, c->id, bytes, len, &c->place);
	free(bytes);
	return rc;
}

/* blob_get() compared; 1 if that succeeded with wrong bytes. */
static inline int
kit_read(struct blob_store *bs, const struct kit_chunk *c, uint32_t from, uint32_t len, bool whole)
{
	uint8_t *want = malloc(c->len), *got = malloc(len + 1);
	int rc;

	kit_fill(c->seed, c->text, want, c->len);
	memset(got, 0x5a, len + 1);
	rc = blob_get(bs, c->id, &c->place, from, len, whole, got);
	if (rc == 0 && (memcmp(got, want + from, len) || got[len] != 0x5a))
		rc = 1;
	free(want);
	free(got);
	return rc;
}

static inline int
kit_range(struct blob_store *bs, const struct kit_chunk *c, uint32_t from, uint32_t len)
{
	return kit_read(bs, c, from, len, false);
}

static inline int
kit_get(struct blob_store *bs, const struct kit_chunk *c)
{
	return kit_read(bs, c, 0, c->len, true);
}

static inline int
kit_count_one(void *arg, const uint8_t id[32], const struct blob_place *place)
{
	static const uint8_t none[32];

	if (!memcmp(id, none, sizeof(none)) || place->stored < 80)
		return ERR_INTERNAL;
	++*(unsigned *)arg;
	return 0;
}

/* Records of a segment, each with an id; 1000000 if it could not be walked. */
static inline unsigned
kit_walked(struct blob_store *bs, uint64_t home)
{
	unsigned n = 0;

	return blob_walk(bs, home, kit_count_one, &n) ? 1000000 : n;
}

static const uint8_t kit_store_id[16] = "kit store id 01";

/* An open folder of the test's own, empty; closed by the next call. */
static inline int
kit_dir(void)
{
	static int fd = -1, n;
	char path[128];

	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof(path), "%s/%d", test_tmpdir(), n++);
	if (mkdir(path, 0700) || (fd = open(path, O_RDONLY | O_DIRECTORY)) < 0)
		abort();
	return fd;
}

static inline void
kit_name(uint64_t home, char name[64])
{
	snprintf(name, 64, "segments/%08llx.seg", (unsigned long long)home);
}

static inline int
kit_open_file(int dirfd, uint64_t home, int flags)
{
	char name[64];

	kit_name(home, name);
	return openat(dirfd, name, flags, 0600);
}

/* Size of a segment's file; -1: none. */
static inline long long
kit_size(int dirfd, uint64_t home)
{
	int fd = kit_open_file(dirfd, home, O_RDONLY);
	long long size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (fd >= 0)
		close(fd);
	return size;
}

static inline void
kit_write(int dirfd, uint64_t home, const void *bytes, size_t len, uint64_t at)
{
	int fd = kit_open_file(dirfd, home, O_RDWR | O_CREAT);

	if (fd < 0 || pwrite(fd, bytes, len, (off_t)at) != (ssize_t)len)
		abort();
	close(fd);
}

static inline void
kit_flip(int dirfd, uint64_t home, uint64_t at, unsigned bit)
{
	int fd = kit_open_file(dirfd, home, O_RDWR);
	uint8_t byte;

	if (fd < 0 || pread(fd, &byte, 1, (off_t)at) != 1)
		abort();
	byte ^= (uint8_t)(1u << bit);
	if (pwrite(fd, &byte, 1, (off_t)at) != 1)
		abort();
	close(fd);
}

static inline void
kit_truncate(int dirfd, uint64_t home, uint64_t size)
{
	int fd = kit_open_file(dirfd, home, O_RDWR);

	if (fd < 0 || ftruncate(fd, (off_t)size))
		abort();
	close(fd);
}

/* Logged errors are what many of these tests provoke. */
#define TEST_MAIN_QUIET(tests)                                                                     \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		log_setup(false, (enum log_level)(LOG_ERROR_ + 1));                                \
		return test_main(tests, argc, argv);                                               \
	}

#endif
