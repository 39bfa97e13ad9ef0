#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "clock.h"
#include "test.h"
#include "thread.h"

struct seen {
	sigset_t blocked;
	char name[16];
	size_t stack;
	sem_t named;
};

static void *
look(void *arg)
{
	struct seen *s = arg;
	pthread_attr_t attr;

	sem_wait(&s->named);
	pthread_sigmask(SIG_BLOCK, NULL, &s->blocked);
	pthread_getname_np(pthread_self(), s->name, sizeof(s->name));
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &s->stack);
	pthread_attr_destroy(&attr);
	return NULL;
}

static void
test_thread(void)
{
	struct seen s = { 0 };
	sigset_t ours;
	pthread_t t;

	sem_init(&s.named, 0, 0);
	CHECK_INT(0, thread_start(&t, "a-name-that-is-too-long", 256 << 10, look, &s));
	sem_post(&s.named);
	pthread_join(t, NULL);
	sem_destroy(&s.named);
	CHECK_STR("a-name-that-is-", s.name);
	CHECK(sigismember(&s.blocked, SIGTERM) && sigismember(&s.blocked, SIGPIPE));
	CHECK(!sigismember(&s.blocked, SIGSEGV));
	CHECK(s.stack >= 256 << 10 && s.stack < 1 << 20);
	pthread_sigmask(SIG_BLOCK, NULL, &ours);
	CHECK(!sigismember(&ours, SIGTERM));
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
static bool called;

static void *
call(void *arg)
{
	pthread_mutex_lock(&lock);
	called = true;
	pthread_cond_signal(&cond);
	pthread_mutex_unlock(&lock);
	return arg;
}

/* By the clock that nobody sets, and no longer than asked. */
static void
test_a_wait_ends_in_time_or_earlier(void)
{
	int64_t began = clock_mono_us();
	bool early = true;
	pthread_t t;

	thread_cond_init(&cond);
	pthread_mutex_lock(&lock);
	while (early)
		early = thread_cond_wait(&cond, &lock, began + 20000);
	CHECK(clock_mono_us() >= began + 20000);
	CHECK_INT(0, thread_start(&t, "caller", 0, call, NULL));
	early = true;
	while (!called && early)
		early = thread_cond_wait(&cond, &lock, began + 60000000);
	CHECK(early && clock_mono_us() < began + 50000000);
	pthread_mutex_unlock(&lock);
	pthread_join(t, NULL);
	pthread_cond_destroy(&cond);
}

static const struct test tests[] = { TEST(test_thread), TEST(test_a_wait_ends_in_time_or_earlier), TEST_END };
TEST_MAIN(tests)
