#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

#include "err.h"
#include "test.h"
#include "workers.h"

static atomic_int ran;

static void
count(void *arg)
{
	atomic_fetch_add(&ran, (int)(intptr_t)arg);
}

static void
test_runs_all_before_it_ends(void)
{
	struct workers *w;

	atomic_store(&ran, 0);
	CHECK_INT(0, workers_new("counter", 3, 1000, &w));
	for (int i = 0; i < 1000; i++)
		CHECK_INT(0, workers_add(w, count, (void *)(intptr_t)2));
	workers_free(w);
	CHECK_INT(2000, atomic_load(&ran));
	workers_free(NULL);
}

static sem_t started, go;

static void
hold(void *arg)
{
	(void)arg;
	sem_post(&started);
	sem_wait(&go);
}

static void
test_full_and_stopped(void)
{
	struct workers *w;

	sem_init(&started, 0, 0);
	sem_init(&go, 0, 0);
	atomic_store(&ran, 0);
	CHECK_INT(0, workers_new("holder", 1, 2, &w));
	CHECK_INT(0, workers_add(w, hold, NULL));
	sem_wait(&started);
	CHECK_INT(0, workers_add(w, count, (void *)(intptr_t)1));
	CHECK_INT(0, workers_add(w, count, (void *)(intptr_t)1));
	CHECK_INT(ERR_BUSY, workers_add(w, count, (void *)(intptr_t)1));
	workers_stop(w);
	CHECK_INT(ERR_CLOSED, workers_add(w, count, (void *)(intptr_t)1));
	sem_post(&go);
	workers_free(w);
	CHECK_INT(2, atomic_load(&ran));
	sem_destroy(&started);
	sem_destroy(&go);
}

static pthread_barrier_t barrier;

static void
meet(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
}

/* Four jobs that wait for each other end only if four threads run them. */
static void
test_runs_at_the_same_time(void)
{
	struct workers *w;

	pthread_barrier_init(&barrier, NULL, 4);
	CHECK_INT(0, workers_new("meeting", 4, 8, &w));
	for (int i = 0; i < 4; i++)
		CHECK_INT(0, workers_add(w, meet, NULL));
	workers_free(w);
	pthread_barrier_destroy(&barrier);
}

static const struct test tests[] = {
	TEST(test_runs_all_before_it_ends), TEST(test_full_and_stopped), TEST(test_runs_at_the_same_time), TEST_END,
};
TEST_MAIN(tests)
