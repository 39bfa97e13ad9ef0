#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "pool.h"
#include "test.h"

#define BLOCK 4096u

static void
count_call(void *arg)
{
	++*(int *)arg;
}

static void
test_reserve_is_for_one(void)
{
	int woken[3] = { 0 };
	struct budget_user u[3] = { { .wake = count_call, .arg = &woken[0] }, { .wake = count_call, .arg = &woken[1] },
		{ .wake = count_call, .arg = &woken[2] } };
	void *a[8], *b, *c;
	struct pool *p;

	CHECK_INT(0, pool_new(BLOCK, 8 * BLOCK, 4 * BLOCK, &p));
	/* Four are anybody's. */
	for (int i = 0; i < 3; i++)
		CHECK_INT(0, pool_take(p, &u[0], &a[i]));
	CHECK_INT(0, pool_take(p, &u[1], &b));
	/* The first to go below is the holder; it may draw all. */
	CHECK_INT(0, pool_take(p, &u[0], &a[3]));
	CHECK_INT(ERR_AGAIN, pool_take(p, &u[1], &c));
	CHECK_INT(ERR_AGAIN, pool_take(p, &u[2], &c));
	CHECK_INT(ERR_AGAIN, pool_take(p, &u[1], &c));
	for (int i = 4; i < 7; i++)
		CHECK_INT(0, pool_take(p, &u[0], &a[i]));
	CHECK_INT(8 * BLOCK, pool_in_use(p));
	CHECK_INT(0, woken[0] + woken[1] + woken[2]);
	for (int i = 0; i < 7; i++)
		for (int j = 0; j < i; j++)
			CHECK(a[i] != a[j] && a[i] != b);
	/* Until the reserve is whole, or safe with somebody else: u[1] holds one, so that three free will do. */
	pool_give(p, &u[0], a[0]);
	pool_give(p, &u[0], a[1]);
	CHECK_INT(0, woken[1]);
	pool_give(p, &u[0], a[2]);
	CHECK_INT(1, woken[1]);
	CHECK_INT(0, woken[2]);
	CHECK_INT(ERR_AGAIN, pool_take(p, &u[0], &a[0]));
	CHECK_INT(0, pool_take(p, &u[1], &c));
	pool_give(p, &u[1], c);
	pool_give(p, &u[1], b);
	CHECK_INT(1, woken[2]);
	for (int i = 3; i < 7; i++)
		pool_give(p, &u[0], a[i]);
	CHECK_INT(1, woken[0]);
	CHECK_INT(1, woken[2]);
	CHECK_INT(0, pool_in_use(p));
	for (int i = 0; i < 3; i++)
		budget_forget(pool_budget(p), &u[i]);
	pool_free(p);
	pool_free(NULL);
}

/* One freed block wakes those for whom there is one, in their order, each once. */
static void
test_wakes_in_order(void)
{
	int woken[3] = { 0 };
	struct budget_user big = { .wake = count_call, .arg = &woken[0] }, a = { .wake = count_call, .arg = &woken[1] },
		b = { .wake = count_call, .arg = &woken[2] };
	void *blocks[4], *block;
	struct pool *p;

	CHECK_INT(0, pool_new(BLOCK, 4 * BLOCK, 2 * BLOCK, &p));
	for (int i = 0; i < 4; i++)
		CHECK_INT(0, pool_take(p, &big, &blocks[i]));
	CHECK_INT(ERR_AGAIN, pool_take(p, &a, &block));
	CHECK_INT(ERR_AGAIN, pool_take(p, &b, &block));
	pool_give(p, &big, blocks[0]);
	CHECK_INT(0, woken[1]);
	pool_give(p, &big, blocks[1]);
	CHECK_INT(1, woken[1]);
	CHECK_INT(0, woken[2]);
	/* Who was woken and goes away leaves its chance to the next. */
	budget_forget(pool_budget(p), &a);
	CHECK_INT(1, woken[2]);
	pool_give(p, &big, blocks[2]);
	pool_give(p, &big, blocks[3]);
	CHECK_INT(1, woken[1]);
	CHECK_INT(1, woken[2]);
	budget_forget(pool_budget(p), &b);
	budget_forget(pool_budget(p), &big);
	pool_free(p);
}

static void
test_forgotten_is_not_called(void)
{
	int woken[2] = { 0 };
	struct budget_user big = { .wake = count_call, .arg = &woken[0] }, a = { .wake = count_call, .arg = &woken[1] };
	void *blocks[2], *block;
	struct pool *p;

	CHECK_INT(0, pool_new(BLOCK, 2 * BLOCK, BLOCK, &p));
	for (int i = 0; i < 2; i++)
		CHECK_INT(0, pool_take(p, &big, &blocks[i]));
	CHECK_INT(ERR_AGAIN, pool_take(p, &a, &block));
	budget_forget(pool_budget(p), &a);
	for (int i = 0; i < 2; i++)
		pool_give(p, &big, blocks[i]);
	CHECK_INT(0, woken[1]);
	pool_free(p);
}

/*
 * Many threads draw chunks of one block to the whole reserve from a pool that is far too small for them. `keep`:
 * each takes its last block along into the next chunk, as a chunker does with the bytes behind a boundary.
 */
#define USERS 16
#define TOTAL 12
#define RESERVE 8
#define CHUNKS 300

struct uploader {
	struct pool *pool;
	struct budget_user user;
	sem_t called;
	unsigned seed;
	bool keep, leaves;
	int chunks;		/* finished */
	bool stuck;
};

static void
post(void *arg)
{
	sem_post(arg);
}

static bool
take_waiting(struct uploader *u, void **block)
{
	struct timespec until;

	while (pool_take(u->pool, &u->user, block)) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 60;
		while (sem_timedwait(&u->called, &until))
			if (errno != EINTR)
				return false;
	}
	return true;
}

static void *
upload(void *arg)
{
	struct uploader *u = arg;
	void *blocks[RESERVE];
	int held = 0, want;

	for (; u->chunks < CHUNKS && !u->stuck; u->chunks++) {
		want = 1 + rand_r(&u->seed) % RESERVE;
		while (held < want && !u->stuck) {
			if (!take_waiting(u, &blocks[held])) {
				u->stuck = true;
				break;
			}
			memset(blocks[held++], u->seed & 255, BLOCK);
			if (rand_r(&u->seed) % 8 == 0)
				usleep(20);
		}
		/* Bytes that somebody else wrote to would mean a block that has two owners. */
		for (int i = 0; i < held; i++)
			if (((char *)blocks[i])[0] != ((char *)blocks[i])[BLOCK - 1])
				u->stuck = true;
		while (held > (u->keep ? 1 : 0))
			pool_give(u->pool, &u->user, blocks[--held]);
		if (u->leaves && !held)
			budget_forget(pool_budget(u->pool), &u->user);
	}
	while (held > 0)
		pool_give(u->pool, &u->user, blocks[--held]);
	budget_forget(pool_budget(u->pool), &u->user);
	return NULL;
}

static int
run_uploads(bool keep, bool leaves)
{
	struct uploader u[USERS];
	pthread_t threads[USERS];
	struct pool *p;
	int stuck = 0;

	if (pool_new(BLOCK, TOTAL * BLOCK, RESERVE * BLOCK, &p))
		return -1;
	for (unsigned i = 0; i < USERS; i++) {
		u[i] = (struct uploader) { .pool = p, .seed = i + 1, .keep = keep, .leaves = leaves };
		sem_init(&u[i].called, 0, 0);
		u[i].user.wake = post;
		u[i].user.arg = &u[i].called;
		if (pthread_create(&threads[i], NULL, upload, &u[i]))
			abort();
	}
	for (int i = 0; i < USERS; i++) {
		pthread_join(threads[i], NULL);
		sem_destroy(&u[i].called);
		stuck += u[i].stuck || u[i].chunks != CHUNKS;
	}
	if (pool_in_use(p))
		stuck = -2;
	else
		pool_free(p);
	return stuck;
}

static void
test_all_finish(void)
{
	CHECK_INT(0, run_uploads(false, false));
}

static void
test_all_finish_keeping_one(void)
{
	CHECK_INT(0, run_uploads(true, false));
}

static void
test_all_finish_leaving(void)
{
	CHECK_INT(0, run_uploads(false, true));
}

/* Users come, wait a moment and go, while their callbacks run: none may be called once it has gone. */
struct visitor {
	struct pool *pool;
	unsigned seed;
	bool wrong;
};

struct alive {
	bool here;
	bool *wrong;
};

static void
check_alive(void *arg)
{
	struct alive *a = arg;

	if (!__atomic_load_n(&a->here, __ATOMIC_SEQ_CST))
		__atomic_store_n(a->wrong, true, __ATOMIC_SEQ_CST);
}

static void *
visit(void *arg)
{
	struct visitor *v = arg;
	struct budget_user user;
	struct alive alive;
	void *block;

	for (int i = 0; i < 20000; i++) {
		alive = (struct alive) { .here = true, .wrong = &v->wrong };
		user = (struct budget_user) { .wake = check_alive, .arg = &alive };
		if (!pool_take(v->pool, &user, &block))
			pool_give(v->pool, &user, block);
		else if (rand_r(&v->seed) % 16 == 0)
			usleep(1);
		budget_forget(pool_budget(v->pool), &user);
		__atomic_store_n(&alive.here, false, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static void
test_visitors(void)
{
	struct visitor v[4];
	pthread_t threads[4];
	struct pool *p;

	CHECK_INT(0, pool_new(BLOCK, 2 * BLOCK, BLOCK, &p));
	for (unsigned i = 0; i < 4; i++) {
		v[i] = (struct visitor) { .pool = p, .seed = i };
		CHECK_INT(0, pthread_create(&threads[i], NULL, visit, &v[i]));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		CHECK(!v[i].wrong);
	CHECK_INT(0, pool_in_use(p));
	pool_free(p);
}

/* A callback that takes its time, on the thread that gives a block. */
struct slow {
	sem_t entered;
	int ended;
};

static void
call_slowly(void *arg)
{
	struct slow *s = arg;

	sem_post(&s->entered);
	usleep(50000);
	__atomic_store_n(&s->ended, 1, __ATOMIC_SEQ_CST);
}

struct giver {
	struct pool *pool;
	struct budget_user *user;
	void *block;
};

static void *
give(void *arg)
{
	struct giver *g = arg;

	pool_give(g->pool, g->user, g->block);
	return NULL;
}

static void
test_forget_waits_for_the_callback(void)
{
	struct slow slow = { .ended = 0 };
	struct budget_user big = { .wake = count_call }, a = { .wake = call_slowly, .arg = &slow };
	void *blocks[2], *block;
	struct giver giver;
	pthread_t thread;
	struct pool *p;

	sem_init(&slow.entered, 0, 0);
	CHECK_INT(0, pool_new(BLOCK, 2 * BLOCK, BLOCK, &p));
	for (int i = 0; i < 2; i++)
		CHECK_INT(0, pool_take(p, &big, &blocks[i]));
	CHECK_INT(ERR_AGAIN, pool_take(p, &a, &block));
	giver = (struct giver) { p, &big, blocks[0] };
	CHECK_INT(0, pthread_create(&thread, NULL, give, &giver));
	sem_wait(&slow.entered);
	budget_forget(pool_budget(p), &a);
	CHECK_INT(1, __atomic_load_n(&slow.ended, __ATOMIC_SEQ_CST));
	pthread_join(thread, NULL);
	pool_give(p, &big, blocks[1]);
	pool_free(p);
	sem_destroy(&slow.entered);
}

static int
resident(char *lowest, size_t blocks)
{
	unsigned char pages[256] = { 0 };
	int n = 0;

	if (mincore(lowest, blocks * BLOCK, pages))
		return -1;
	for (size_t i = 0; i < blocks; i++)
		n += pages[i] & 1;
	return n;
}

static void
test_idle_memory_goes_back(void)
{
	struct budget_user u = { .wake = count_call, .arg = NULL };
	void *blocks[256];
	char *lowest;
	struct pool *p;

	if (sysconf(_SC_PAGESIZE) != BLOCK) {
		test_skip("pages of another size");
		return;
	}
	CHECK_INT(0, pool_new(BLOCK, 256 * BLOCK, 16 * BLOCK, &p));
	for (int i = 0; i < 256; i++) {
		CHECK_INT(0, pool_take(p, &u, &blocks[i]));
		memset(blocks[i], 1, BLOCK);
	}
	lowest = blocks[0];
	for (int i = 1; i < 256; i++)
		lowest = (char *)blocks[i] < lowest ? blocks[i] : lowest;
	CHECK_INT(256, resident(lowest, 256));
	for (int i = 0; i < 256; i++)
		pool_give(p, &u, blocks[i]);
	CHECK_INT(16, resident(lowest, 256));
	/* Most idle while one upload goes on: they go bit by bit. */
	for (int i = 0; i < 256; i++) {
		CHECK_INT(0, pool_take(p, &u, &blocks[i]));
		memset(blocks[i], 1, BLOCK);
	}
	for (int i = 1; i < 256; i++)
		pool_give(p, &u, blocks[i]);
	for (int i = 0; i < 3; i++) {
		usleep(1050000);
		CHECK_INT(0, pool_take(p, &u, &blocks[1]));
		pool_give(p, &u, blocks[1]);
	}
	CHECK(resident(lowest, 256) <= 256 - 64 && resident(lowest, 256) > 0);
	pool_give(p, &u, blocks[0]);
	pool_free(p);
}

static const struct test tests[] = {
	TEST(test_reserve_is_for_one), TEST(test_wakes_in_order), TEST(test_forgotten_is_not_called),
	TEST(test_all_finish), TEST(test_all_finish_keeping_one), TEST(test_all_finish_leaving), TEST(test_visitors),
	TEST(test_forget_waits_for_the_callback),
	TEST(test_idle_memory_goes_back), TEST_END,
};
TEST_MAIN(tests)
