#include <stdlib.h>
#include <string.h>

#include "access_kit.h"
#include "err.h"
#include "idem.h"
#include "store_in.h"
#include "ticket.h"

static struct store *store;

static void
test_tickets_say_what_was_written(void)
{
	uint8_t said[TICKET_PAYLOAD];
	struct buf text = BUF_INIT(TICKET_TEXT);
	size_t len = 0;

	CHECK_INT(0, kit_open(&store));
	ticket_write(store, TICKET_CURSOR, "abc\0d", 5, &text);
	CHECK(buf_finish(&text) == 0 && !strncmp(text.data, "cur_", 4));
	CHECK(ticket_read(store, TICKET_CURSOR, text.data, said, &len) == 0 && len == 5 && !memcmp(said, "abc\0d", 5));
	CHECK(ticket_read(store, TICKET_PAGE, text.data, said, &len) == ERR_INVALID);
	memcpy(text.data, "pag_", 4);
	CHECK(ticket_read(store, TICKET_PAGE, text.data, said, &len) == ERR_INVALID);
	buf_release(&text);
	store_close(store);
}

static void
test_no_flipped_bit_is_accepted(void)
{
	uint8_t said[TICKET_PAYLOAD];
	struct buf text = BUF_INIT(TICKET_TEXT);
	unsigned accepted = 0;
	size_t len;

	CHECK_INT(0, kit_open(&store));
	ticket_write(store, TICKET_PART, "some payload \xff", 14, &text);
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		text.data[bit / 8] ^= (char)(1 << bit % 8);
		accepted += ticket_read(store, TICKET_PART, text.data, said, &len) == 0;
		text.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	CHECK(accepted == 0);
	for (size_t n = 0; n < text.len; n++) {
		char kept = text.data[n];

		text.data[n] = '\0';
		accepted += ticket_read(store, TICKET_PART, text.data, said, &len) == 0;
		text.data[n] = kept;
	}
	CHECK(accepted == 0);
	buf_release(&text);
	store_close(store);
}

/* ---- idempotency ---- */

static int runs;

static int
count_up(struct txn *t, void *arg)
{
	(void)t;
	*(int *)arg = ++runs;
	return 0;
}

static int
render(void *arg, struct buf *reply)
{
	buf_addf(reply, "run %d", *(int *)arg);
	return 0;
}

static int
ask(const char *key, char hash, struct idem *i)
{
	static int n;
	int rc;

	*i = (struct idem)IDEM_INIT;
	i->principal = 7;
	i->key = SLICE(key);
	memset(i->hash, hash, sizeof(i->hash));
	i->render = render;
	i->arg = &n;
	i->status = 201;
	rc = idem_begin(store, i);
	if (rc == 0 && !i->replayed)
		rc = idem_run(store, &(struct commit) { .run = count_up, .arg = &n }, i);
	return rc;
}

static void
replies_end(void)
{
	int64_t now = 0;
	struct idem i;
	unsigned n = 9;

	CHECK(idem_expire(store, now, 10, &n) == 0 && n == 0);
	now = INT64_MAX;
	CHECK(idem_expire(store, now, 10, &n) == 0 && n == 1);
	CHECK(ask("key", 2, &i) == 0 && !i.replayed);
	idem_end(store, &i);
}

static void
test_a_key_is_answered_once(void)
{
	struct idem one, two;

	CHECK_INT(0, kit_open(&store));
	runs = 0;
	CHECK(ask("key", 1, &one) == 0 && !one.replayed && !strcmp(one.reply.data, "run 1"));
	CHECK(ask("key", 1, &two) == ERR_BUSY);
	idem_end(store, &two);
	idem_end(store, &one);
	CHECK(ask("key", 1, &two) == 0 && two.replayed && two.status == 201 && !strcmp(two.reply.data, "run 1"));
	idem_end(store, &two);
	CHECK(ask("key", 2, &two) == ERR_CONFLICT);
	idem_end(store, &two);
	CHECK(ask("", 1, &one) == 0 && !one.replayed && !strcmp(one.reply.data, "run 2"));
	idem_end(store, &one);
	idem_end(store, &one);
	replies_end();
	store_close(store);
}

static const struct test tests[] = {
	TEST(test_tickets_say_what_was_written),
	TEST(test_no_flipped_bit_is_accepted),
	TEST(test_a_key_is_answered_once),
	TEST_END
};
TEST_MAIN(tests)
