#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "byte_kit.h"
#include "clock.h"

/*
 * What happens when a flush fails, whichever file it was of: nobody is told that anything worked, those who already wait neither,
 * and whoever runs the store hears of it at once. And what a closure leaves that can't be undone. These definitions stand before
 * the C library's, for SQLite too.
 */
static const char *_Atomic failing;	/* flushes of files whose path ends so fail */
static _Atomic int told;

static int
flush(int fd, long number)
{
	char link[64], path[PATH_MAX] = "";
	const char *end = failing;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (end && n > (ssize_t)strlen(end) && !strcmp(path + n - strlen(end), end)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(number, fd);
}

int
fsync(int fd)
{
	return flush(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return flush(fd, SYS_fdatasync);
}

static void
on_failure(void *arg)
{
	(void)arg;
	told++;
}

static struct store *
open_durable(void)
{
	struct store *store = NULL;

	byte_defaults(false);
	byte_settings.relaxed = false;
	failing = NULL;
	told = 0;
	if (byte_open(&store))
		abort();
	store_on_failure(store, on_failure, NULL);
	return store;
}

static const char insert_job[] = "INSERT INTO job (id, kind, state, started_at) VALUES ($1, $2, 1, 0)";

static int
run_insert(struct txn *t, void *arg)
{
	return db_exec(t->db, insert_job, DB_INT(*(int64_t *)arg), DB_STR("x"));
}

static int
insert(struct store *store, int64_t id)
{
	return commit_run(store, &(struct commit) { .run = run_insert, .arg = &id });
}

struct waiting {
	struct store *store;
	pthread_t thread;
	sem_t *began, *go;
	int64_t id;
	int rc;
};

/* Holds the committer until it is told to go on. */
static int
run_wait(struct txn *t, void *arg)
{
	struct waiting *w = arg;

	if (w->began) {
		sem_post(w->began);
		sem_wait(w->go);
	}
	return db_exec(t->db, insert_job, DB_INT(w->id), DB_STR("x"));
}

static void *
wait_main(void *arg)
{
	struct waiting *w = arg;

	w->rc = commit_run(w->store, &(struct commit) { .run = run_wait, .arg = w });
	return NULL;
}

struct async {
	struct commit_wait wait;
	int64_t id;
	_Atomic int calls;
};

static void
on_done(void *arg)
{
	((struct async *)arg)->calls++;
}

static int
start_async(struct store *store, struct async *a, int64_t id)
{
	*a = (struct async) { .id = id };
	a->wait.commit = (struct commit) { .run = run_insert, .arg = &a->id };
	a->wait.done = on_done;
	a->wait.arg = a;
	return commit_start(store, &a->wait);
}

/* Who waits without a thread is told like all others, and not that it worked. */
static void
test_async(void)
{
	struct store *store = open_durable();
	struct waiting w = { .store = store, .id = 10 };
	struct async a[5], late;
	sem_t began, go;

	sem_init(&began, 0, 0);
	sem_init(&go, 0, 0);
	w.began = &began;
	w.go = &go;
	pthread_create(&w.thread, NULL, wait_main, &w);
	sem_wait(&began);
	for (int i = 0; i < 5; i++)
		CHECK_INT(0, start_async(store, &a[i], 20 + i));
	failing = "-wal";
	sem_post(&go);
	pthread_join(w.thread, NULL);
	CHECK_INT(ERR_CLOSED, w.rc);
	for (int i = 0; i < 5; i++) {
		CHECK_INT(ERR_CLOSED, commit_end(&a[i].wait));
		CHECK_INT(1, a[i].calls);
	}
	CHECK_INT(ERR_CLOSED, start_async(store, &late, 30));
	CHECK_INT(0, late.calls);
	CHECK_INT(1, told);
	store_close(store);
}

/* A stream's own flush, which no commit follows. */
static void
test_stream(void)
{
	const size_t len = 1 << 20;
	struct ingest_options options = BYTE_OPTIONS(len);
	struct store *store = open_durable();
	struct waiting w[4] = { 0 };
	struct ingest_result result;
	struct ingest *in = NULL;
	uint8_t *bytes = malloc(len);
	sem_t began, go;

	byte_fill(bytes, len, 1);
	sem_init(&began, 0, 0);
	sem_init(&go, 0, 0);
	CHECK_INT(0, insert(store, 1));
	for (int i = 0; i < 4; i++) {
		w[i] = (struct waiting) { .store = store, .began = i ? NULL : &began, .go = &go, .id = 10 + i };
		pthread_create(&w[i].thread, NULL, wait_main, &w[i]);
		if (i == 0)
			sem_wait(&began);
	}
	usleep(20000);
	failing = ".seg";
	CHECK_INT(ERR_IO, byte_ingest(store, &options, bytes, len, len, &in, &result));
	CHECK_INT(1, told);	/* at once: the committer stands still */
	failing = NULL;		/* the next flush of the same file would succeed, and lie */
	sem_post(&go);
	for (int i = 0; i < 4; i++) {
		pthread_join(w[i].thread, NULL);
		CHECK_INT(ERR_CLOSED, w[i].rc);
	}
	ingest_free(in);
	in = NULL;
	CHECK_INT(ERR_CLOSED, insert(store, 2));
	CHECK_INT(ERR_CLOSED, byte_ingest(store, &options, bytes, len, len, &in, &result));
	ingest_free(in);
	CHECK_INT(1, told);
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	store_close(store);
	free(bytes);
}

/* The small lane's flush, and the log's. */
static void
commit_fails(const char *file)
{
	struct ingest_options options = BYTE_OPTIONS(5);
	struct buf manifest = BUF_INIT(1024);
	struct store *store = open_durable();
	struct ingest_result result;
	struct ingest *in = NULL;

	CHECK_INT(0, insert(store, 1));
	CHECK_INT(0, byte_ingest(store, &options, "12345", 5, 5, &in, &result));
	failing = file;
	CHECK_INT(ERR_CLOSED, commit_run(store, &(struct commit) { .run = byte_run_commit,
	    .arg = &(struct byte_change) { .result = &result, .manifest = &manifest } }));
	CHECK_INT(1, told);
	failing = NULL;
	CHECK_INT(ERR_CLOSED, insert(store, 2));
	CHECK_INT(1, told);
	ingest_free(in);
	store_close(store);
	/* What was acknowledged is there, and the store is whole. */
	CHECK_INT(0, store_open(test_tmpdir(), &byte_settings, &store));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	CHECK_INT(0, insert(store, 2));
	store_close(store);
	buf_release(&manifest);
}

static void
test_small_lane(void)
{
	commit_fails(".seg");
}

static void
test_folder_of_segments(void)
{
	commit_fails("/segments");
}

static void
test_log(void)
{
	commit_fails("-wal");
}

static int
run_fill(struct txn *t, void *arg)
{
	static const char bytes[2 << 20];

	(void)arg;
	return db_exec(t->db, insert_job, DB_INT(1), DB_BYTES(bytes, sizeof(bytes)));
}

/* The checkpoint of an idle store. */
static void
test_checkpoint(void)
{
	struct store *store = open_durable();

	failing = "/meta.db";	/* which no commit flushes: the log has it */
	CHECK_INT(0, commit_run(store, &(struct commit) { .run = run_fill }));
	for (int i = 0; i < 600 && !told; i++)
		usleep(100000);
	CHECK_INT(1, told);
	failing = NULL;
	CHECK_INT(ERR_CLOSED, insert(store, 2));
	store_close(store);
	CHECK_INT(0, store_open(test_tmpdir(), &byte_settings, &store));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	store_close(store);
}

/* Does something, and makes itself impossible to undo. */
static int
run_spoil(struct txn *t, void *arg)
{
	int rc = run_insert(t, arg);

	return rc ? rc : (rc = db_script(t->db, "RELEASE s")) ? rc : ERR_PRECONDITION;
}

/* A refusal whose changes stay would be committed with the others of its batch. */
static void
test_half_of_a_closure(void)
{
	struct store *store = open_durable();
	int64_t id = 7;

	CHECK(commit_run(store, &(struct commit) { .run = run_spoil, .arg = &id }) < 0);
	CHECK_INT(0, insert(store, 8));
	CHECK_INT(0, byte_number(store, "SELECT count(*) FROM job WHERE id = 7"));
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job WHERE id = 8"));
	CHECK_INT(0, told);
	store_close(store);
}

/* The engine undid one statement for want of room, and the transaction stands. */
static int
run_cramped(struct txn *t, void *arg)
{
	int *runs = arg;
	int64_t id = 9;

	return ++*runs == 1 ? ERR_SPACE : run_insert(t, &id);
}

static void
test_second_chance(void)
{
	struct store *store = open_durable();
	int runs = 0;

	CHECK_INT(0, commit_run(store, &(struct commit) { .run = run_cramped, .arg = &runs, .frees = true }));
	CHECK_INT(2, runs);
	CHECK_INT(1, byte_number(store, "SELECT count(*) FROM job"));
	runs = 0;
	CHECK_INT(ERR_SPACE, commit_run(store, &(struct commit) { .run = run_cramped, .arg = &runs }));
	CHECK_INT(1, runs);
	store_close(store);
}

static const struct test tests[] = {
	TEST(test_async), TEST(test_stream), TEST(test_small_lane), TEST(test_folder_of_segments), TEST(test_log), TEST(test_checkpoint),
	TEST(test_half_of_a_closure), TEST(test_second_chance), TEST_END
};
TEST_MAIN(tests)
