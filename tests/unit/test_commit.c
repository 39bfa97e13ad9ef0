#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "byte_kit.h"
#include "clock.h"
#include "object.h"
#include "workspace.h"

static int
make_workspace(struct store *store, const char *name, int64_t *id)
{
	struct workspace_row row = { .owner_id = byte_number(store, "SELECT min(id) FROM principal") };
	int rc;

	snprintf(row.name, sizeof(row.name), "%s", name);
	if ((rc = workspace_create(store, &row, (struct actor) { .principal = row.owner_id })) == 0)
		*id = row.id;
	return rc;
}

/* ---- one closure ---- */

static const char insert_job[] = "INSERT INTO job (id, kind, state, started_at) VALUES ($1, $2, 1, $3)";

struct adding {
	int64_t id, workspace;
	int answer;		/* what the closure returns in the end */
	int runs;
};

/* A row, and an object more in a workspace's counts. */
static int
run_add(struct txn *t, void *arg)
{
	struct adding *a = arg;
	struct workspace_row *w;
	int rc = 0;

	a->runs++;
	if (a->workspace) {
		if ((rc = txn_workspace(t, a->workspace, &w)) != 0)
			return rc;
		w->objects++;
		w->dirty = true;
	}
	if ((rc = db_exec(t->db, insert_job, DB_INT(a->id), DB_STR("x"), DB_INT(t->now_us))) != 0)
		return rc;
	if (a->answer < 0)
		txn_auth_changed(t);
	return a->answer;
}

static int
add(struct store *store, int64_t id, int64_t workspace, int answer)
{
	struct adding a = { id, workspace, answer, 0 };

	return commit_run(store, &(struct commit) { .workspace = workspace, .run = run_add, .arg = &a });
}

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

/* ---- many in a batch ---- */

/* A closure that holds the committer until it is told to go on. */
struct gate_closed {
	sem_t began, go;
};

static int
run_wait(struct txn *t, void *arg)
{
	struct gate_closed *g = arg;

	(void)t;
	sem_post(&g->began);
	sem_wait(&g->go);
	return 0;
}

/* Once; a second time where another one of the batch had to be undone. */
static bool
ran(const struct adding *a)
{
	return a->runs == 1 || a->runs == 2;
}

struct caller {
	struct store *store;
	struct commit commit;
	pthread_t thread;
	_Atomic pid_t tid;
	int rc;
	_Atomic bool back;
	struct adding adding;
};

static void *
call(void *arg)
{
	struct caller *c = arg;

	c->tid = gettid();
	c->rc = commit_run(c->store, &c->commit);
	c->back = true;
	return NULL;
}

static void
start(struct caller *c, struct store *store, struct commit commit)
{
	c->store = store;
	c->commit = commit;
	pthread_create(&c->thread, NULL, call, c);
}

/* Until it sleeps, which it does once it stands in its queue. */
static void
settle(const struct caller *c)
{
	char path[64], stat[128];
	const char *state;
	int asleep = 0;
	FILE *f;

	for (int i = 0; i < 3000 && asleep < 5; i++) {
		usleep(1000);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)c->tid);
		if (!c->tid || !(f = fopen(path, "r")))
			continue;
		state = fgets(stat, sizeof(stat), f) ? strrchr(stat, ')') : NULL;
		asleep = state && state[1] && state[2] == 'S' ? asleep + 1 : 0;
		fclose(f);
	}
}

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

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	norder = 0;
	CHECK_INT(0, byte_open(&store));
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
	sem_wait(&gate.began);
	for (int i = 0; i < 7; i++) {
		start(&callers[i], store, (struct commit) { .workspace = queued[i] / 10, .run = run_order,
		    .arg = (void *)(intptr_t)queued[i] });
		settle(&callers[i]);
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
	int64_t w, v;
	int early = 0;

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	sem_init(&end.began, 0, 0);
	sem_init(&end.go, 0, 0);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	CHECK_INT(0, make_workspace(store, "two", &v));
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
	sem_wait(&gate.began);
	for (int i = 0; i < 9; i++) {
		callers[i].adding = (struct adding) { 100 + i, i % 2 ? v : w, i % 3 ? 0 : ERR_PRECONDITION, 0 };
		start(&callers[i], store, (struct commit) { .workspace = 5, .run = run_add, .arg = &callers[i].adding });
		settle(&callers[i]);
	}
	start(&last, store, (struct commit) { .workspace = 5, .run = run_wait, .arg = &end });
	settle(&last);
	sem_post(&gate.go);
	sem_wait(&end.began);	/* all of them have run, none is committed */
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

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	CHECK_INT(0, byte_open(&store));
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
	sem_wait(&gate.began);
	for (int i = 0; i < 5; i++) {
		callers[i].adding = (struct adding) { 200 + i, 0, 0, 0 };
		start(&callers[i], store, (struct commit) { .workspace = i, .run = run_add, .arg = &callers[i].adding });
		settle(&callers[i]);
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
	int64_t id = 1, w;

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	fillings[0].id = 1;
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = run_fill, .arg = &fillings[0] }));
	CHECK_INT(0, byte_sql(store, "PRAGMA max_page_count = 1"));	/* no less than what it has */
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
	sem_wait(&gate.began);
	callers[0].adding = (struct adding) { 300, w, 0, 0 };
	start(&callers[0], store, (struct commit) { .workspace = 5, .run = run_add, .arg = &callers[0].adding });
	settle(&callers[0]);
	for (int i = 1; i < 3; i++) {
		fillings[i] = (struct filling) { 10 + i, 0 };
		start(&callers[i], store, (struct commit) { .workspace = 5, .run = run_fill, .arg = &fillings[i] });
		settle(&callers[i]);
	}
	start(&callers[3], store, (struct commit) { .workspace = 5, .run = run_empty, .arg = &id, .frees = true });
	settle(&callers[3]);
	sem_post(&gate.go);
	pthread_join(first.thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(callers[i].thread, NULL);
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

/* ---- many callers ---- */

#define THREADS 8
#define EACH 200

struct counter {
	struct store *store;
	pthread_t thread;
	int64_t workspace, base;
	int done, wrong;
};

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
	struct counter c[THREADS];
	struct store *store = NULL;
	int64_t w[3], commits, batches, sum = 0;

	told = 0;
	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w[0]));
	CHECK_INT(0, make_workspace(store, "two", &w[1]));
	CHECK_INT(0, make_workspace(store, "three", &w[2]));
	store_on_commit(store, committed, NULL);
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct counter) { .store = store, .workspace = w[i % 3], .base = 1000 * (i + 1) };
		pthread_create(&c[i].thread, NULL, count_up, &c[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		CHECK_INT(0, c[i].wrong);
		sum += c[i].done;
	}
	committer_counts(store->committer, &commits, &batches);
	CHECK_INT(THREADS * EACH * 4 / 5, sum);
	CHECK_INT(sum, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(sum, byte_number(store, "SELECT sum(objects) FROM workspace"));
	CHECK(told > 0 && commits >= THREADS * EACH && batches <= commits);
	store_close(store);
}
BOTH(crowd)

/* ---- waiting without a thread ---- */

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

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	sem_init(&end.began, 0, 0);
	sem_init(&end.go, 0, 0);
	sem_init(&heard, 0, 0);
	CHECK_INT(0, byte_open(&store));
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
	sem_wait(&gate.began);
	CHECK_INT(0, start_async(store, a, 20, 500, &heard));
	start(&last, store, (struct commit) { .workspace = 5, .run = run_wait, .arg = &end });
	settle(&last);
	sem_post(&gate.go);
	sem_wait(&end.began);	/* all of them have run, none is committed */
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

	sem_init(&gate.began, 0, 0);
	sem_init(&gate.go, 0, 0);
	sem_init(&heard, 0, 0);
	CHECK_INT(0, byte_open(&store));
	start(&first, store, (struct commit) { .run = run_wait, .arg = &gate });
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
	struct counter c[THREADS];
	struct store *store = NULL;
	int64_t w, sum = 0;

	CHECK_INT(0, byte_open(&store));
	CHECK_INT(0, make_workspace(store, "one", &w));
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct counter) { .store = store, .workspace = w, .base = 1000 * (i + 1) };
		pthread_create(&c[i].thread, NULL, keep_up, &c[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		CHECK_INT(0, c[i].wrong);
		sum += c[i].done;
	}
	CHECK_INT(sum, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(sum, byte_number(store, "SELECT sum(objects) FROM workspace"));
	CHECK(sum >= THREADS * EACH);
	store_close(store);
}
BOTH(crowd_async)

static const struct test tests[] = {
	TEST_BOTH(results),
	TEST_BOTH(turns),
	TEST_BOTH(together),
	TEST_BOTH(closing),
	TEST_BOTH(full),
	TEST_BOTH(crowd),
	TEST_BOTH(without_threads),
	TEST_BOTH(closing_async),
	TEST_BOTH(crowd_async),
	TEST_END
};
TEST_MAIN(tests)
