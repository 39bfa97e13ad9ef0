#include "commit_kit.h"

/* Who waits for a commit in a thread of its own: what it is told, in which order, and when. */

static void
results(void)
{
	struct store *store = NULL;
	int64_t w, epoch;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	CHECK_INT(0, add(store, 1, w, 0));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(1, byte_number(store, "SELECT objects FROM workspace"));
	/* A positive answer is passed on, and what was done stands. */
	CHECK_INT(7, add(store, 2, w, 7));
	CHECK_INT(2, byte_number(store, "SELECT count(*) FROM job"));
	/* A refusal undoes all of it: the row, the counts, the epoch. */
	epoch = store_auth_epoch(store);
	CHECK_INT(ERR_PRECONDITION, add(store, 3, w, ERR_PRECONDITION));
	CHECK_INT(2, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(2, byte_number(store, "SELECT objects FROM workspace"));
	CHECK_INT(epoch, store_auth_epoch(store));
	CHECK_INT(epoch, byte_number(store, "SELECT auth_epoch FROM store"));
	/* So does a failing statement. */
	CHECK_INT(ERR_EXISTS, add(store, 2, w, 0));
	CHECK_INT(2, byte_number(store, "SELECT objects FROM workspace"));
	CHECK_INT(ERR_NOTFOUND, add(store, 9, w + 1, 0));
	CHECK_INT(0, add(store, 4, w, 0));
	CHECK_INT(3, byte_number(store, "SELECT objects FROM workspace"));
	store_close(store);
}
BOTH(results)

static int order[32], norder;

static int
run_order(struct txn *t, void *arg)
{
	(void)t;
	order[norder++] = (int)(intptr_t)arg;
	return 0;
}

/* Workspaces take turns: five of one do not keep one of another waiting. */
static void
turns(void)
{
	static const int queued[] = { 10, 11, 12, 13, 20, 30, 31 }, want[] = { 10, 20, 30, 11, 31, 12, 13 };
	struct caller first = { 0 }, callers[7] = { 0 };
	struct gate_closed gate;
	struct store *store = NULL;

	norder = 0;
	CHECK_INT(0, byte_open(&store));
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	for (int i = 0; i < 7; i++) {
		start(&callers[i], store, (struct commit) { .workspace = queued[i] / 10, .run = run_order,
		    .arg = (void *)(intptr_t)queued[i] });
	}
	sem_post(&gate.go);
	pthread_join(first.thread, NULL);
	for (int i = 0; i < 7; i++)
		pthread_join(callers[i].thread, NULL);
	store_close(store);
	CHECK_INT(7, norder);
	for (int i = 0; i < 7; i++)
		CHECK_INT(want[i], order[i]);
}
BOTH(turns)

/*
 * Of a batch nobody hears before all of it is committed, refusals neither; one that is undone in the middle leaves the
 * others' counts alone.
 */
static void
together(void)
{
	struct caller first = { 0 }, last = { 0 }, callers[9] = { 0 };
	struct gate_closed gate, end;
	struct store *store = NULL;
	int64_t w = 0, v = 0;
	int early = 0;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	CHECK_INT(0, make_workspace(store, "two", &v));
	stands = 1;
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	for (int i = 0; i < 9; i++) {
		callers[i].adding = (struct adding) { 100 + i, i % 2 ? v : w, i % 3 ? 0 : ERR_PRECONDITION, 0 };
		start(&callers[i], store, (struct commit) { .workspace = 5, .run = run_add, .arg = &callers[i].adding });
	}
	hold(&last, store, 5, &end);
	sem_post(&gate.go);
	sem_wait(&end.began);	/* all of them have run, none is committed */
	stands = 0;
	for (int i = 0; i < 9; i++)
		early += callers[i].back;
	CHECK_INT(0, early);
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM job"));
	sem_post(&end.go);
	pthread_join(first.thread, NULL);
	pthread_join(last.thread, NULL);
	for (int i = 0; i < 9; i++) {
		pthread_join(callers[i].thread, NULL);
		CHECK_INT(i % 3 ? 0 : ERR_PRECONDITION, callers[i].rc);
		CHECK(ran(&callers[i].adding));
	}
	CHECK_INT(6, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(3, byte_number(store, "SELECT objects FROM workspace WHERE name = x'6f6e65'"));
	CHECK_INT(3, byte_number(store, "SELECT objects FROM workspace WHERE name = x'74776f'"));
	store_close(store);
}
BOTH(together)

/* What was queued when the store closes is done. */
static void
closing(void)
{
	struct caller first = { 0 }, callers[5] = { 0 };
	struct gate_closed gate;
	struct store *store = NULL;
	int64_t n;

	CHECK_INT(0, byte_open(&store));
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	for (int i = 0; i < 5; i++) {
		callers[i].adding = (struct adding) { 200 + i, 0, 0, 0 };
		start(&callers[i], store, (struct commit) { .workspace = i, .run = run_add, .arg = &callers[i].adding });
	}
	sem_post(&gate.go);
	committer_stop(store->committer);
	store->committer = NULL;
	pthread_join(first.thread, NULL);
	for (int i = 0; i < 5; i++) {
		pthread_join(callers[i].thread, NULL);
		CHECK_INT(0, callers[i].rc);
	}
	n = byte_number(store, "SELECT count(*) FROM job");
	store_close(store);
	CHECK_INT(5, n);
}
BOTH(closing)

/* ---- a full disk ---- */

static const char fill[] = "INSERT INTO job (id, kind, state, started_at) VALUES ($1, $2, 1, 0)";
static const char empty[] = "DELETE FROM job WHERE id = $1";

struct filling {
	int64_t id;
	int runs;
};

/* 100 KiB more in the database. */
static int
run_fill(struct txn *t, void *arg)
{
	static const char bytes[100 << 10];
	struct filling *f = arg;

	f->runs++;
	return db_exec(t->db, fill, DB_INT(f->id), DB_BYTES(bytes, sizeof(bytes)));
}

static int
run_empty(struct txn *t, void *arg)
{
	return db_exec(t->db, empty, DB_INT(*(int64_t *)arg));
}

/* The engine throws the transaction away: nobody of the batch is told that it worked; what frees goes on. */
static void
full(void)
{
	struct caller first = { 0 }, callers[4] = { 0 };
	struct filling fillings[3];
	struct gate_closed gate;
	struct store *store = NULL;
	int64_t id = 1, w = 0;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	fillings[0].id = 1;
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = run_fill, .arg = &fillings[0] }));
	CHECK_INT(0, byte_sql(store, "PRAGMA max_page_count = 1"));	/* no less than what it has */
	stands = 1;
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	callers[0].adding = (struct adding) { 300, w, 0, 0 };
	start(&callers[0], store, (struct commit) { .workspace = 5, .run = run_add, .arg = &callers[0].adding });
	for (int i = 1; i < 3; i++) {
		fillings[i] = (struct filling) { 10 + i, 0 };
		start(&callers[i], store, (struct commit) { .workspace = 5, .run = run_fill, .arg = &fillings[i] });
	}
	start(&callers[3], store, (struct commit) { .workspace = 5, .run = run_empty, .arg = &id, .frees = true });
	sem_post(&gate.go);
	pthread_join(first.thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(callers[i].thread, NULL);
	stands = 0;
	CHECK_INT(ERR_SPACE, callers[0].rc);
	CHECK_INT(ERR_SPACE, callers[1].rc);
	CHECK_INT(ERR_SPACE, callers[2].rc);
	CHECK_INT(0, callers[3].rc);
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(0, byte_number(store, "SELECT objects FROM workspace"));
	/* With room again all is well. */
	CHECK_INT(0, byte_sql(store, "PRAGMA max_page_count = 1000000"));
	CHECK_INT(0, add(store, 400, w, 0));
	CHECK_INT(1, byte_number(store, "SELECT objects FROM workspace"));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	store_close(store);
}
BOTH(full)

static void *
count_up(void *arg)
{
	struct counter *c = arg;

	for (int i = 0; i < EACH; i++) {
		int answer = i % 5 ? 0 : ERR_CONFLICT;
		int rc = add(c->store, c->base + i, c->workspace, answer);

		c->wrong += rc != answer;
		c->done += rc == 0;
	}
	return NULL;
}

static _Atomic int64_t told;

static void
committed(void *arg, int64_t workspace, int64_t sequence)
{
	(void)arg;
	(void)sequence;
	told += workspace != 0;
}

/* Rows and counts agree in the end, however batches fell. */
static void
crowd(void)
{
	struct store *store = NULL;
	int64_t w[3], commits, batches, sum;

	told = 0;
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w[0]));
	CHECK_INT(0, make_workspace(store, "two", &w[1]));
	CHECK_INT(0, make_workspace(store, "three", &w[2]));
	store_on_commit(store, committed, NULL);
	sum = crowd_of(store, w, 3, count_up);
	/* A batch is counted once its callers were told. */
	for (int i = 0; i < 6000; i++) {
		committer_counts(store->committer, &commits, &batches);
		if (commits >= THREADS * EACH)
			break;
		usleep(10000);
	}
	CHECK_INT(THREADS * EACH * 4 / 5, sum);
	CHECK_INT(sum, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(sum, byte_number(store, "SELECT sum(objects) FROM workspace"));
	CHECK(told > 0 && commits >= THREADS * EACH && batches <= commits);
	store_close(store);
}
BOTH(crowd)

static const struct test tests[] = {
	TEST_BOTH(results), TEST_BOTH(turns), TEST_BOTH(together), TEST_BOTH(closing),
	TEST_BOTH(full), TEST_BOTH(crowd), TEST_END
};
TEST_MAIN(tests)
