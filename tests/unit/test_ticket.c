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

static unsigned
accepted(enum ticket_kind kind, const char *text)
{
	uint8_t said[TICKET_PAYLOAD];
	size_t len;

	return ticket_read(store, kind, text, said, &len) == 0;
}

/* How many forms of a ticket of that kind are judged wrongly: all but one are to be refused. */
static unsigned
judged_wrongly(enum ticket_kind kind)
{
	struct buf text = BUF_INIT(TICKET_TEXT), other = BUF_INIT(TICKET_TEXT);
	unsigned n = 0;

	ticket_write(store, kind, "some payload \xff", 14, &text);
	n += !accepted(kind, text.data);
	for (size_t bit = 0; bit < text.len * 8; bit++) {
		text.data[bit / 8] ^= (char)(1 << bit % 8);
		n += accepted(kind, text.data);
		text.data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t at = 0; at < text.len; at++) {
		char kept = text.data[at];

		text.data[at] = '\0';
		n += accepted(kind, text.data);
		text.data[at] = kept;
	}
	/* As a ticket of each other kind, also by that one's prefix. */
	for (enum ticket_kind k = TICKET_CURSOR; k <= TICKET_UPLOAD; k++) {
		char kept[4];

		buf_clear(&other);
		ticket_write(store, k, "", 0, &other);
		n += k != kind && accepted(k, text.data);
		memcpy(kept, text.data, sizeof(kept));
		memcpy(text.data, other.data, sizeof(kept));
		n += k != kind && accepted(k, text.data);
		memcpy(text.data, kept, sizeof(kept));
	}
	buf_release(&text);
	buf_release(&other);
	return n;
}

static void
test_no_flipped_bit_is_accepted(void)
{
	CHECK_INT(0, kit_open(&store));
	for (enum ticket_kind kind = TICKET_CURSOR; kind <= TICKET_UPLOAD; kind++)
		CHECK_INT(0, judged_wrongly(kind));
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
