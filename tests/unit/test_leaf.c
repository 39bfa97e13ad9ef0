#include "byte_kit.h"
#include "manifest.h"
#include "tbl_leaf.h"

/*
 * GC lists tombstones of leaves in one transaction and ends them in another. What it listed must be that very tombstone
 * still: one that lived again in between, or died anew since, is not for this pass.
 */
struct listing {
	struct leaf_dead rows[8];
	unsigned n, chunks;
};

static int
run_list(struct txn *t, void *arg)
{
	struct listing *l = arg;

	return tbl_leaf_dead(t->db, INT64_MAX, l->rows, 8, &l->n);
}

/* Ends the first that was listed. */
static int
run_end(struct txn *t, void *arg)
{
	struct listing *l = arg;

	l->chunks = 0;
	return refs_end_leaf(t, &l->rows[0], &l->chunks);
}

static int
list(struct store *store, struct listing *l)
{
	return commit_run(store, &(struct commit) { .run = run_list, .arg = l });
}

static int
end(struct store *store, struct listing *l)
{
	return commit_run(store, &(struct commit) { .run = run_end, .arg = l });
}

/* A content of one leaf that nobody references. */
static int
dead_leaf(struct store *store, struct buf *manifest, struct listing *l)
{
	struct ingest_options o = BYTE_OPTIONS(3000);
	uint8_t bytes[3000];
	int rc;

	byte_fill(bytes, sizeof(bytes), 7);
	o.leaves = true;
	if ((rc = byte_put(store, &o, bytes, sizeof(bytes), manifest)) == 0 && (rc = byte_drop(store, manifest)) == 0)
		rc = list(store, l);
	return rc;
}

static void
lives_again(void)
{
	struct buf a = BUF_INIT(1 << 20);
	struct store *store = NULL;
	struct listing l = { .n = 0 };

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, dead_leaf(store, &a, &l));
	CHECK_INT(1, l.n);
	CHECK_INT(0, byte_take(store, &a));
	CHECK_INT(ERR_NOTFOUND, end(store, &l));
	CHECK_INT(1, byte_number(store, "SELECT refs FROM leaf"));
	CHECK_INT(1, byte_number(store, "SELECT refs FROM chunk"));
	buf_release(&a);
	store_close(store);
}
BOTH(lives_again)

static void
died_anew(void)
{
	struct listing l = { .n = 0 }, later = { .n = 0 };
	struct buf a = BUF_INIT(1 << 20);
	struct store *store = NULL;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, dead_leaf(store, &a, &l));
	CHECK_INT(0, byte_take(store, &a));
	CHECK_INT(0, byte_drop(store, &a));
	CHECK_INT(0, list(store, &later));
	CHECK(later.n == 1 && later.rows[0].id == l.rows[0].id && later.rows[0].dead_at > l.rows[0].dead_at);
	CHECK_INT(ERR_NOTFOUND, end(store, &l));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM leaf"));
	CHECK_INT(0, end(store, &later));
	CHECK_INT(1, later.chunks);
	CHECK_INT(ERR_NOTFOUND, end(store, &later));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM leaf"));
	CHECK_INT(0, byte_number(store, "SELECT refs FROM chunk"));
	buf_release(&a);
	store_close(store);
}
BOTH(died_anew)

/* A damaged row, dead and referenced: what may be in use is left. */
static void
dead_and_referenced(void)
{
	struct buf a = BUF_INIT(1 << 20);
	struct store *store = NULL;
	struct listing l = { .n = 0 };

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, dead_leaf(store, &a, &l));
	CHECK_INT(0, byte_sql(store, "UPDATE leaf SET refs = 1"));
	CHECK_INT(ERR_NOTFOUND, end(store, &l));
	CHECK_INT(1, byte_number(store, "SELECT refs FROM chunk"));
	buf_release(&a);
	store_close(store);
}
BOTH(dead_and_referenced)

static const struct test tests[] = { TEST_BOTH(lives_again), TEST_BOTH(died_anew), TEST_BOTH(dead_and_referenced),
	TEST_END };
TEST_MAIN(tests)
