#include <dirent.h>

#include "seg_kit.h"

/* Damage that reads find, disks without room, and what segments cost: bytes, descriptors, numbers. */

static _Atomic int bad_reads;	/* that many reads of records give a wrong bit */

ssize_t
pread(int fd, void *bytes, size_t len, off_t offset)
{
	ssize_t n = syscall(SYS_pread64, fd, bytes, len, offset);

	if (bad_reads > 0 && n > 200) {
		bad_reads--;
		((uint8_t *)bytes)[n / 2] ^= 4;
	}
	return n;
}

/* Whatever bit of a record turns, no read gives wrong bytes. */
static void
test_bit_flips(void)
{
	static struct kit_chunk c[3], large;
	struct blob_store *bs;
	struct blob_home h[2];
	uint64_t at;
	int dirfd = kit_dir(), rc;

	bs = open_with(dirfd, NULL, 0);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 300, &c[0]));
	CHECK_INT(0, kit_put(bs, 0, 2, true, 9000, &c[1]));
	CHECK_INT(0, kit_put(bs, 0, 3, false, 200000, &c[2]));
	CHECK_INT(0, kit_put(bs, 0, 4, false, 200000, &large));
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(1, blob_homes(bs, h, 2));
	srand(3);
	for (unsigned i = 0; i < 600; i++) {
		const struct kit_chunk *k = &c[i % 3];
		unsigned bit = (unsigned)rand() % 8;

		at = k->place.offset + (uint64_t)rand() % (i % 2 ? 120 : k->place.stored);
		kit_flip(dirfd, k->place.home, at, bit);
		CHECK_INT(0, kit_get(bs, &large));	/* so that no head is remembered */
		rc = kit_range(bs, k, 0, k->len);	/* the CRCs alone */
		if (rc != ERR_CORRUPT && at < end_of(k) - 7)	/* the padding is nobody's */
			fprintf(stderr, "# byte %llu of a record\n", (unsigned long long)(at - k->place.offset));
		CHECK(rc == ERR_CORRUPT || (rc == 0 && at >= end_of(k) - 7));
		CHECK_INT(0, kit_get(bs, &c[(i + 1) % 3]));
		kit_flip(dirfd, k->place.home, at, bit);
		CHECK_INT(0, kit_get(bs, k));
	}
	bs->ops->free(bs);
}

static void
test_wrong_once(void)
{
	static const uint32_t lens[] = { 1000, 300000 };
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;

	for (unsigned i = 0; i < 2; i++) {
		reset_faults();
		CHECK_INT(0, kit_put(bs, 0, 1, false, lens[i], &c));
		bad_reads = 1;
		CHECK_INT(0, kit_range(bs, &c, 0, c.len));
		bad_reads = 1000;
		CHECK_INT(ERR_CORRUPT, kit_range(bs, &c, 0, c.len));
		CHECK_INT(ERR_CORRUPT, kit_range(bs, &c, 0, c.len));
		CHECK(bad_reads < 998);
		bad_reads = 0;
		CHECK_INT(0, kit_range(bs, &c, 0, c.len));
	}
	bs->ops->free(bs);
}

/* The SHA-256 of the whole finds what every CRC let pass. */
static void
test_whole_checks_the_hash(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	uint8_t id[32] = { 7 }, bytes[100] = { 1 };
	struct blob_place place;

	CHECK_INT(0, blob_put(bs, 0, id, bytes, sizeof(bytes), &place));
	CHECK_INT(0, blob_get(bs, id, &place, 0, 100, false, bytes));
	CHECK_INT(ERR_CORRUPT, blob_get(bs, id, &place, 0, 100, true, bytes));
	bs->ops->free(bs);
}

static void
test_damaged_index(void)
{
	static struct kit_chunk c[5];
	struct blob_store *bs;
	struct blob_home h[2];
	unsigned n = 0;
	int dirfd = kit_dir();

	bs = open_with(dirfd, NULL, 0);
	put_many(bs, 0, 5, 700, c);
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(1, blob_homes(bs, h, 2));
	kit_flip(dirfd, h[0].home, h[0].tail + 60, 1);
	CHECK_INT(ERR_CORRUPT, blob_walk(bs, h[0].home, kit_count_one, &n));
	CHECK_INT(5, n);	/* the records are walked all the same */
	bs->ops->free(bs);
}

static void
test_reserve(void)
{
	struct blob_store *bs;
	struct kit_chunk c;

	reserve = UINT64_MAX;
	bs = open_with(kit_dir(), NULL, 0);
	reserve = 0;
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 1, false, 100, &c));
	CHECK_INT(ERR_SPACE, kit_put(bs, 1, 1, false, 100, &c));
	CHECK_INT(0, kit_put(bs, BLOB_LANE_REWRITE, 1, false, 100, &c));
	bs->ops->free(bs);
	/* The same while it is asked for. */
	bs = open_with(kit_dir(), NULL, 0);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 100, &c));
	blob_keep_free(bs, UINT64_MAX);
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 2, false, 100, &c));
	CHECK_INT(0, kit_put(bs, BLOB_LANE_REWRITE, 2, false, 100, &c));
	blob_keep_free(bs, 0);
	CHECK_INT(0, kit_put(bs, 0, 3, false, 100, &c));
	bs->ops->free(bs);
}

/* A full disk shows before a place is given away, and goes away. */
static void
test_full_disk(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c, d, e;
	struct blob_home h[2];

	reset_faults();
	fail_allocate = 1;
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 1, false, 100, &c));
	fail_allocate = 0;
	CHECK_INT(0, kit_put(bs, 0, 1, false, 100, &c));
	fail_write = 1;		/* a file system that promised room and has none */
	CHECK_INT(ERR_SPACE, kit_put(bs, 0, 2, false, 100, &d));
	fail_write = 0;
	CHECK_INT(0, kit_put(bs, 0, 3, false, 100, &e));
	CHECK_INT(0, blob_sync(bs, 0));
	CHECK_INT(2, kit_walked(bs, c.place.home));
	CHECK_INT(0, kit_get(bs, &c));
	CHECK_INT(0, kit_get(bs, &e));
	CHECK_INT(0, blob_roll(bs, 0, 0));
	CHECK_INT(2, kit_walked(bs, c.place.home));
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK(h[0].sealed);
	bs->ops->free(bs);
}

static void
test_overhead(void)
{
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct kit_chunk c;

	CHECK_INT(0, kit_put(bs, 0, 1, false, 4096, &c));
	CHECK(c.place.stored >= 4096 && c.place.stored <= 4096 + 100);
	CHECK_INT(0, kit_put(bs, 0, 1, true, 4096, &c));
	CHECK(c.place.stored < 3000);
	CHECK_INT(0, kit_put(bs, 1, 1, true, 1u << 20, &c));
	CHECK(c.place.stored < 600000);
	bs->ops->free(bs);
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* More segments than descriptors are kept. */
static void
test_many_segments(void)
{
	enum { N = 300 };
	static struct kit_chunk c[N];
	struct blob_store *bs = open_with(kit_dir(), NULL, 0);
	struct blob_home h[1];

	for (unsigned i = 0; i < N; i++) {
		CHECK_INT(0, kit_put(bs, 3, i, false, 50, &c[i]));
		CHECK_INT(0, blob_roll(bs, 3, 0));
		CHECK_INT(1, blob_homes(bs, h, 1));
	}
	for (unsigned k = 0; k < 2; k++)
		for (unsigned i = 0; i < N; i++)
			CHECK_INT(0, kit_get(bs, &c[i]));
	CHECK(open_descriptors() < 256 + 32);
	bs->ops->free(bs);
}

static void
test_names_of_segment_files(void)
{
	static const struct {
		uint64_t home;
		const char *name;
	} cases[] = {
		{ 1, "00000001.seg" }, { 0xa, "0000000a.seg" }, { 0xfedcba98, "fedcba98.seg" },
		{ 0x100000000, "100000000.seg" }, { UINT64_MAX, "ffffffffffffffff.seg" },
	};
	char name[SEG_NAME];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		seg_env_name(cases[i].home, name);
		CHECK_STR(cases[i].name, name);
		CHECK(seg_env_home(name) == cases[i].home);
	}
	CHECK(seg_env_home("1.seg") == 0);
	CHECK(seg_env_home("0000000A.seg") == 0);
	CHECK(seg_env_home("000000001.seg") == 0);
}

static const struct test tests[] = {
	TEST(test_bit_flips), TEST(test_wrong_once), TEST(test_whole_checks_the_hash),
	TEST(test_damaged_index), TEST(test_reserve), TEST(test_full_disk), TEST(test_overhead),
	TEST(test_many_segments), TEST(test_names_of_segment_files), TEST_END
};
TEST_MAIN_QUIET(tests)
