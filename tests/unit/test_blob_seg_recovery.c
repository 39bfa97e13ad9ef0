#include "seg_kit.h"

/* What recovery does with every kind of damage, with what is missing, and with files that it doesn't know. */

static void
test_reopen(void)
{
	static struct kit_chunk c[10];
	struct blob_home home, h[4];
	int dirfd = left_behind(10, 7, 3000, c, &home);
	struct blob_store *bs = open_with(dirfd, &home, 1);
	struct kit_chunk next;

	CHECK(found.sealed == 1 && found.cut == 0 && found.orphans == 0 && found.quarantined == 0);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].sealed && h[0].home == home.home && h[0].tail == end_of(&c[9]));
	CHECK_INT(0, blob_homes(bs, h + 1, 3));
	CHECK_INT(10, kit_walked(bs, home.home));
	for (unsigned i = 0; i < 10; i++)
		CHECK_INT(0, kit_get(bs, &c[i]));
	CHECK_INT(0, kit_put(bs, 0, 50, false, 10, &next));
	CHECK_INT(home.home + 1, next.place.home);	/* never appends to a file of another process */
	bs->ops->free(bs);
	bs = open_with(dirfd, h, 1);
	CHECK(found.sealed == 1 && found.orphans == 1);	/* the second segment was never told */
	CHECK_INT(0, kit_get(bs, &c[9]));
	bs->ops->free(bs);
}

/* Cuts the file at every kind of place within the last record. */
static void
test_torn_tail(void)
{
	static struct kit_chunk c[4];
	static const uint32_t keep[] = { 1, 40, 79, 80, 85, 92, 100, 2000, 3091 };
	struct blob_home home;
	struct blob_store *bs;
	int dirfd;

	for (unsigned i = 0; i < sizeof(keep) / sizeof(keep[0]); i++) {
		dirfd = left_behind(4, 2, 3000, c, &home);
		kit_truncate(dirfd, home.home, c[3].place.offset + keep[i]);
		bs = open_with(dirfd, &home, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0);
		CHECK(found.cut > 0 && found.cut <= keep[i]);
		CHECK_INT(3, kit_walked(bs, home.home));
		CHECK_INT(0, kit_get(bs, &c[2]));
		CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[3]));
		bs->ops->free(bs);
	}
}

static void
test_garbage_tail_is_cut(void)
{
	static struct kit_chunk c[4];
	static uint8_t garbage[9000];
	struct blob_home home, h[2];
	int dirfd = left_behind(4, 4, 3000, c, &home);
	struct blob_store *bs;

	kit_fill(5, false, garbage, sizeof(garbage));
	kit_write(dirfd, home.home, garbage, sizeof(garbage), end_of(&c[3]));
	bs = open_with(dirfd, &home, 1);
	CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == sizeof(garbage));
	CHECK_INT(1, blob_homes(bs, h, 2));
	CHECK_INT(end_of(&c[3]), h[0].tail);
	CHECK_INT(4, kit_walked(bs, home.home));
	CHECK(kit_size(dirfd, home.home) < (long long)end_of(&c[3]) + 1000);
	bs->ops->free(bs);
}

/* What a crash in the midst of parallel puts leaves behind the durable tail. */
static void
test_holes_are_stepped_over(void)
{
	static struct kit_chunk c[8];
	static const uint8_t zeros[8192];
	struct blob_home home;
	struct blob_store *bs;
	int dirfd;

	for (unsigned kind = 0; kind < 3; kind++) {
		dirfd = left_behind(8, 2, 3000, c, &home);
		if (kind == 0)		/* never written */
			kit_write(dirfd, home.home, zeros, c[4].place.stored, c[4].place.offset);
		else if (kind == 1)	/* a sector of its blocks is missing */
			kit_write(dirfd, home.home, zeros, 512, c[4].place.offset + 700);
		else			/* two in a row, and what is left of the second are its last bytes */
			kit_write(dirfd, home.home, zeros, 3092 + 2000, c[3].place.offset);
		bs = open_with(dirfd, &home, 1);
		CHECK(found.sealed == 1 && found.quarantined == 0 && found.cut == 0);
		CHECK_INT(kind == 2 ? 6 : 7, kit_walked(bs, home.home));
		CHECK_INT(0, kit_get(bs, &c[1]));
		CHECK_INT(0, kit_get(bs, &c[7]));
		CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[4]));
		bs->ops->free(bs);
	}
}

static int
whole_file(int dirfd, uint64_t home, uint8_t **bytes, size_t *len)
{
	int fd = kit_open_file(dirfd, home, O_RDONLY);

	*len = (size_t)lseek(fd, 0, SEEK_END);
	*bytes = malloc(*len);
	if (pread(fd, *bytes, *len, 0) != (ssize_t)*len)
		abort();
	return close(fd);
}

/* Damages, opens, and expects that the segment is reported and not touched. */
static bool
quarantined(int dirfd, const struct blob_home *home)
{
	uint8_t *before, *after;
	size_t len, len2;
	struct blob_store *bs;
	struct blob_home h[2];
	bool ok;

	whole_file(dirfd, home->home, &before, &len);
	bs = open_with(dirfd, home, 1);
	ok = found.quarantined == 1 && found.sealed == 0 && found.orphans == 0 && found.cut == 0 &&
	    blob_homes(bs, h, 2) == 0;
	bs->ops->free(bs);
	whole_file(dirfd, home->home, &after, &len2);
	ok = ok && len == len2 && !memcmp(before, after, len);
	free(before);
	free(after);
	return ok;
}

static void
test_quarantine(void)
{
	static struct kit_chunk c[8];
	struct blob_home home;
	struct blob_store *bs;
	uint8_t header[RECORD_FILE_HEADER_SIZE];
	struct record_file other = { .store = "another store" };
	int dirfd;

	dirfd = left_behind(8, 2, 3000, c, &home);	/* bytes that no crash leaves, a record behind */
	kit_write(dirfd, home.home, "garbage garbage garbage", 23, c[4].place.offset);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 6, 3000, c, &home);	/* shorter than its durable tail */
	kit_truncate(dirfd, home.home, end_of(&c[4]));
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 6, 3000, c, &home);	/* damaged before it */
	kit_flip(dirfd, home.home, c[3].place.offset + 33, 2);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 8, 3000, c, &home);	/* of another store */
	other.segment = home.home;
	record_file_encode(&other, header);
	kit_write(dirfd, home.home, header, sizeof(header), 0);
	CHECK(quarantined(dirfd, &home));
	dirfd = left_behind(8, 8, 3000, c, &home);	/* another segment's file */
	other.segment = home.home + 1;
	memcpy(other.store, kit_store_id, 16);
	record_file_encode(&other, header);
	kit_write(dirfd, home.home, header, sizeof(header), 0);
	CHECK(quarantined(dirfd, &home));

	dirfd = left_behind(8, 6, 3000, c, &home);	/* what can be read, is */
	kit_flip(dirfd, home.home, c[3].place.offset + 33, 2);
	bs = open_with(dirfd, &home, 1);
	CHECK_INT(0, kit_get(bs, &c[2]));
	CHECK_INT(ERR_CORRUPT, kit_get(bs, &c[3]));
	CHECK_INT(0, kit_get(bs, &c[4]));
	bs->ops->free(bs);
}

static void
test_missing_home_and_numbers(void)
{
	struct blob_home rows[] = { { 3, 500, true }, { 0x50, 0, false } };
	struct kit_chunk c;
	int dirfd = kit_dir();
	struct blob_store *bs = open_with(dirfd, rows, 2);

	CHECK_INT(2, found.quarantined);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 10, &c));
	CHECK_INT(0x51, c.place.home);
	bs->ops->free(bs);
	kit_write(dirfd, 0x1234567890, "", 0, 0);
	bs = open_with(dirfd, rows, 2);
	CHECK_INT(0, kit_put(bs, 0, 1, false, 10, &c));
	CHECK_INT(0x1234567891, c.place.home);
	CHECK_INT(0, kit_get(bs, &c));
	bs->ops->free(bs);
}

static void
test_orphans(void)
{
	static struct kit_chunk c[3];
	static const uint8_t zeros[64];
	struct blob_home home, h[4];
	int dirfd = left_behind(3, 3, 100, c, &home);
	struct blob_store *bs;

	kit_write(dirfd, 0x20, "", 0, 0);		/* made, nothing written */
	kit_write(dirfd, 0x21, zeros, sizeof(zeros), 0);
	kit_write(dirfd, 0x22, "this is no segment at all, whoever put it there......", 52, 0);
	bs = open_with(dirfd, NULL, 0);			/* and the database lost the first */
	CHECK(found.orphans == 3 && found.quarantined == 1);
	CHECK(kit_size(dirfd, 0x20) == -1 && kit_size(dirfd, 0x21) == -1 && kit_size(dirfd, 0x22) == 52);
	CHECK_INT(1, blob_homes(bs, h, 4));
	CHECK(h[0].home == home.home && h[0].sealed && h[0].tail == end_of(&c[2]));
	CHECK_INT(0, kit_get(bs, &c[1]));
	CHECK_INT(0, blob_drop(bs, home.home));
	CHECK_INT(-1, kit_size(dirfd, home.home));
	bs->ops->free(bs);
}

static void
test_read_only(void)
{
	static struct kit_chunk c[8];
	uint8_t *before, *after;
	struct blob_home home, h[2];
	struct blob_place place;
	struct blob_store *bs;
	size_t len, len2;
	int dirfd = left_behind(8, 2, 3000, c, &home);

	kit_write(dirfd, 0x20, "", 0, 0);
	kit_truncate(dirfd, home.home, c[7].place.offset + 100);
	whole_file(dirfd, home.home, &before, &len);
	read_only = true;
	bs = open_with(dirfd, &home, 1);
	read_only = false;
	CHECK(found.cut > 0 && found.sealed == 0 && found.orphans == 1 && found.quarantined == 0);
	CHECK_INT(0, blob_homes(bs, h, 2));
	CHECK_INT(7, kit_walked(bs, home.home));
	CHECK_INT(0, kit_get(bs, &c[1]));
	CHECK_INT(ERR_CLOSED, blob_put(bs, 0, c[0].id, "x", 1, &place));
	CHECK_INT(ERR_CLOSED, blob_drop(bs, home.home));
	bs->ops->free(bs);
	whole_file(dirfd, home.home, &after, &len2);
	CHECK(len == len2 && !memcmp(before, after, len) && kit_size(dirfd, 0x20) == 0);
	free(before);
	free(after);
}

static const struct test tests[] = {
	TEST(test_reopen), TEST(test_torn_tail), TEST(test_garbage_tail_is_cut),
	TEST(test_holes_are_stepped_over), TEST(test_quarantine),
	TEST(test_missing_home_and_numbers), TEST(test_orphans), TEST(test_read_only), TEST_END
};
TEST_MAIN_QUIET(tests)
