#ifndef COMMIT_KIT_H
#define COMMIT_KIT_H

#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "byte_kit.h"
#include "workspace.h"

/*
 * Closures that the committer runs, and those who call it: one that holds it, some that queue up, many at once.
 *
 * A batch ends when its time is over, on a slow machine behind any closure. So that all of a queue are one batch, a test can stop the clock that
 * tells the time of a batch: this takes the place of the C library's in the program.
 */
static _Atomic int stands;

int
clock_gettime(clockid_t which, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, which, ts);

	if (which == CLOCK_MONOTONIC && stands)
		*ts = (struct timespec) { .tv_sec = 1 };
	return (int)rc;
}

static inline int
make_workspace(struct store *store, const char *name, int64_t *id)
{
	struct workspace_row row = { .owner_id = byte_number(store, "SELECT min(id) FROM principal") };
	int rc;

	snprintf(row.name, sizeof(row.name), "%s", name);
	if ((rc = workspace_create(store, &row, (struct actor) { .principal = row.owner_id })) == 0)
		*id = row.id;
	return rc;
}

static const char insert_job[] = "INSERT INTO job (id, kind, state, started_at) VALUES ($1, $2, 1, $3)";

struct adding {
	int64_t id, workspace;
	int answer;		/* what the closure returns in the end */
	int runs;
};

/* A row, and an object more in a workspace's counts. */
static inline int
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

static inline int
add(struct store *store, int64_t id, int64_t workspace, int answer)
{
	struct adding a = { id, workspace, answer, 0 };

	return commit_run(store, &(struct commit) { .workspace = workspace, .run = run_add, .arg = &a });
}

/* A closure that holds the committer until it is told to go on. */
struct gate_closed {
	sem_t began, go;
};

static inline int
run_wait(struct txn *t, void *arg)
{
	struct gate_closed *g = arg;

	(void)t;
	sem_post(&g->began);
	sem_wait(&g->go);
	return 0;
}

/* Once; a second time where another one of the batch had to be undone. */
static inline bool
ran(const struct adding *a)
{
	return a->runs == 1 || a->runs == 2;
}

struct caller {
	struct commit_wait wait;
	pthread_t thread;
	int rc;
	_Atomic bool back;
	struct adding adding;
};

static inline void *
call(void *arg)
{
	struct caller *c = arg;

	if (c->rc == 0)
		c->rc = commit_end(&c->wait);
	c->back = true;
	return NULL;
}

/* It stands in its queue when this returns, and a thread waits for it. */
static inline void
start(struct caller *c, struct store *store, struct commit commit)
{
	c->wait.commit = commit;
	c->rc = commit_start(store, &c->wait);
	pthread_create(&c->thread, NULL, call, c);
}

/* A closure that says when it runs, and then waits. */
static inline void
hold(struct caller *c, struct store *store, int64_t workspace, struct gate_closed *g)
{
	sem_init(&g->began, 0, 0);
	sem_init(&g->go, 0, 0);
	start(c, store, (struct commit) { .workspace = workspace, .run = run_wait, .arg = g });
}

#define THREADS 8
#define EACH 200

struct counter {
	struct store *store;
	pthread_t thread;
	int64_t workspace, base;
	int done, wrong;
};

/* All threads run `main` with a counter each, of the workspaces in turn; -1 where one was wrong, else what they did. */
static inline int64_t
crowd_of(struct store *store, const int64_t *workspaces, int n, void *(*main)(void *arg))
{
	struct counter c[THREADS];
	int64_t sum = 0;
	int wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct counter) { .store = store, .workspace = workspaces[i % n], .base = 1000 * (i + 1) };
		pthread_create(&c[i].thread, NULL, main, &c[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(c[i].thread, NULL);
		wrong += c[i].wrong;
		sum += c[i].done;
	}
	return wrong ? -1 : sum;
}

#endif
