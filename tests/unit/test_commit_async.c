#include "commit_kit.h"

/* Who has many commits under way without a thread for each. */

struct async {
	struct commit_wait wait;
	struct adding adding;
	sem_t *heard;
	int seen;		/* the result as done() found it; 99: it was not called */
	_Atomic int calls;
	int turn;		/* when done() was called */
};

static _Atomic int turn;

static void
on_done(void *arg)
{
	struct async *a = arg;

	a->calls++;
	a->turn = turn++;
	if (!commit_ready(&a->wait, &a->seen))
		a->seen = 98;
	sem_post(a->heard);
}

/* Queued one after another by one thread; the refusal is the one in the middle. */
static int
start_async(struct store *store, struct async *a, int n, int64_t first, sem_t *heard)
{
	int rc = 0;

	turn = 0;
	for (int i = 0; i < n && !rc; i++) {
		a[i] = (struct async) { .adding = { first + i, 0, i == n / 2 ? ERR_PRECONDITION : i, 0 }, .heard = heard,
			.seen = 99 };
		a[i].wait.commit = (struct commit) { .workspace = 5, .run = run_add, .arg = &a[i].adding };
		a[i].wait.done = on_done;
		a[i].wait.arg = &a[i];
		rc = commit_start(store, &a[i].wait);
	}
	return rc;
}

static void
check_async(struct async *a, int n)
{
	for (int i = 0; i < n; i++) {
		int want = i == n / 2 ? ERR_PRECONDITION : i;

		CHECK_INT(want, commit_end(&a[i].wait));
		CHECK_INT(want, a[i].seen);
		CHECK_INT(1, a[i].calls);
		CHECK_INT(i, a[i].turn);
	}
}

/* One thread has many under way; it hears of each in their order, and of none before all of the batch is committed. */
static void
without_threads(void)
{
	struct caller first = { 0 }, last = { 0 };
	struct gate_closed gate, end;
	struct store *store = NULL;
	struct async a[20];
	int rc, early = 0;
	sem_t heard;

	sem_init(&heard, 0, 0);
	CHECK_INT(0, byte_open(&store));
	stands = 1;
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	CHECK_INT(0, start_async(store, a, 20, 500, &heard));
	hold(&last, store, 5, &end);
	sem_post(&gate.go);
	sem_wait(&end.began);	/* all of them have run, none is committed */
	stands = 0;
	for (int i = 0; i < 20; i++)
		early += a[i].calls || commit_ready(&a[i].wait, &rc) || !ran(&a[i].adding);
	CHECK_INT(0, early);
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM job"));
	sem_post(&end.go);
	for (int i = 0; i < 20; i++)
		sem_wait(&heard);
	check_async(a, 20);
	CHECK_INT(19, byte_number(store, "SELECT count(*) FROM job"));
	pthread_join(first.thread, NULL);
	pthread_join(last.thread, NULL);
	/* Without waiting for done(): commit_end() does. */
	CHECK_INT(0, start_async(store, a, 20, 600, &heard));
	check_async(a, 20);
	CHECK_INT(38, byte_number(store, "SELECT count(*) FROM job"));
	store_close(store);
}
BOTH(without_threads)

/* What is under way when the store closes is done, and heard. */
static void
closing_async(void)
{
	struct store *store = NULL;
	struct caller first = { 0 };
	struct gate_closed gate;
	struct async a[9];
	sem_t heard;

	sem_init(&heard, 0, 0);
	CHECK_INT(0, byte_open(&store));
	hold(&first, store, 0, &gate);
	sem_wait(&gate.began);
	CHECK_INT(0, start_async(store, a, 9, 700, &heard));
	sem_post(&gate.go);
	committer_stop(store->committer);
	store->committer = NULL;
	pthread_join(first.thread, NULL);
	check_async(a, 9);
	CHECK_INT(8, byte_number(store, "SELECT count(*) FROM job"));
	store_close(store);
}
BOTH(closing_async)

/* Each of some threads keeps several under way, and lets go as soon as it can. */
#define UNDER_WAY 7

static void *
keep_up(void *arg)
{
	struct counter *c = arg;
	struct async a[UNDER_WAY];
	sem_t heard;

	sem_init(&heard, 0, 0);
	for (int i = 0; i < EACH; i += UNDER_WAY) {
		for (int k = 0; k < UNDER_WAY; k++) {
			a[k] = (struct async) { .adding = { c->base + i + k, c->workspace, 0, 0 }, .heard = &heard };
			a[k].wait.commit = (struct commit) { .workspace = c->workspace, .run = run_add, .arg = &a[k].adding };
			a[k].wait.done = on_done;
			a[k].wait.arg = &a[k];
			c->wrong += commit_start(c->store, &a[k].wait) != 0;
		}
		for (int k = 0; k < UNDER_WAY; k++)
			if (commit_end(&a[k].wait) == 0 && a[k].calls == 1)
				c->done++;
	}
	return NULL;
}

static void
crowd_async(void)
{
	struct store *store = NULL;
	int64_t w, sum;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	sum = crowd_of(store, &w, 1, keep_up);
	CHECK_INT(sum, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(sum, byte_number(store, "SELECT sum(objects) FROM workspace"));
	CHECK(sum >= THREADS * EACH);
	store_close(store);
}
BOTH(crowd_async)

static const struct test tests[] = {
	TEST_BOTH(without_threads), TEST_BOTH(closing_async), TEST_BOTH(crowd_async), TEST_END
};
TEST_MAIN(tests)
