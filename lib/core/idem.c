#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db.h"
#include "err.h"
#include "idem.h"
#include "planted.h"
#include "store_in.h"
#include "tbl_idempotency.h"

/* Keys whose first request runs. There are never more than requests at work, so a list does. */
struct idem_running {
	int64_t principal;
	char key[IDEM_KEY_MAX];
	size_t len;
	struct idem_running *next;
};

struct idem_registry {
	pthread_mutex_t lock;
	struct idem_running *first;
};

int
idem_registry_new(struct idem_registry **registry)
{
	struct idem_registry *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	pthread_mutex_init(&r->lock, NULL);
	*registry = r;
	return 0;
}

void
idem_registry_free(struct idem_registry *r)
{
	if (!r)
		return;
	assert(!r->first);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int
claim(struct idem_registry *r, struct idem *i)
{
	struct idem_running *new, *e;

	if (!(new = calloc(1, sizeof(*new))))
		return ERR_NOMEM;
	new->principal = i->principal;
	new->len = i->key.len;
	memcpy(new->key, i->key.p, i->key.len);
	pthread_mutex_lock(&r->lock);
	for (e = r->first; e; e = e->next)
		if (e->principal == i->principal && e->len == new->len && !memcmp(e->key, new->key, new->len))
			break;
	if (!e) {
		new->next = r->first;
		r->first = new;
	}
	pthread_mutex_unlock(&r->lock);
	if (e) {
		free(new);
		return ERR_BUSY;
	}
	i->running = new;
	return 0;
}

static void
let_go(struct idem_registry *r, struct idem *i)
{
	struct idem_running **e;

	if (!i->running)
		return;
	pthread_mutex_lock(&r->lock);
	for (e = &r->first; *e != i->running; e = &(*e)->next)
		;
	*e = i->running->next;
	pthread_mutex_unlock(&r->lock);
	free(i->running);
	i->running = NULL;
}

/* What it was answered, if it was. ERR_NOTFOUND: it was not. */
static int
recall(struct db_conn *db, int64_t now_us, struct idem *i)
{
	struct db_row row = DB_ROW_INIT;
	struct idempotency_row r;
	int rc = tbl_idempotency_get(db, i->principal, i->key, &row, &r);

	if (rc == 0 && (r.expires_at <= now_us || PLANTED("idempotency")))
		rc = ERR_NOTFOUND;
	if (rc == 0 && memcmp(r.hash, i->hash, sizeof(i->hash)) != 0)
		rc = ERR_CONFLICT;
	if (rc == 0) {
		buf_clear(&i->reply);
		buf_add(&i->reply, r.reply.p, r.reply.len);
		i->status = r.status;
		i->replayed = true;
		rc = buf_finish(&i->reply);
	}
	db_row_release(&row);
	return rc;
}

int
idem_begin(struct store *store, struct idem *i)
{
	struct db_conn *db = NULL;
	int rc;

	if (!i->key.len)
		return 0;
	if (i->key.len > IDEM_KEY_MAX)
		return ERR_TOOBIG;
	if ((rc = claim(store->idems, i)) != 0)
		return rc;
	if ((rc = db_read_begin(store->db, &db)) == 0) {
		rc = recall(db, clock_wall_us(), i);
		db_read_end(db);
	}
	return rc == ERR_NOTFOUND ? 0 : rc;
}

struct running {
	const struct commit *commit;
	struct idem *idem;
};

static int
run(struct txn *t, void *arg)
{
	struct running *r = arg;
	struct idem *i = r->idem;
	struct idempotency_row row;
	int rc;

	i->replayed = false;
	if (i->key.len && (rc = recall(t->db, t->now_us, i)) != ERR_NOTFOUND)
		return rc;
	if ((rc = r->commit->run(t, r->commit->arg)) != 0)
		return rc;
	buf_clear(&i->reply);
	if ((rc = i->render(i->arg, &i->reply)) != 0 || (rc = buf_finish(&i->reply)) != 0 || !i->key.len)
		return rc;
	row = (struct idempotency_row) { .principal = i->principal, .key = i->key, .status = i->status,
		.reply = { i->reply.data, i->reply.len }, .expires_at = t->now_us + IDEM_LIFE_US };
	memcpy(row.hash, i->hash, sizeof(row.hash));
	return tbl_idempotency_insert(t->db, &row);
}

int
idem_run(struct store *store, const struct commit *commit, struct idem *idem)
{
	struct running r = { commit, idem };
	struct commit wrapped = *commit;

	if (!idem)
		return commit_run(store, commit);
	wrapped.run = run;
	wrapped.arg = &r;
	return commit_run(store, &wrapped);
}

void
idem_end(struct store *store, struct idem *i)
{
	let_go(store->idems, i);
	buf_release(&i->reply);
}

/* ---- the end of them ---- */

struct expiry {
	int64_t now_us;
	unsigned max, n;
};

static int
run_expire(struct txn *t, void *arg)
{
	struct expiry *e = arg;

	return tbl_idempotency_expire(t->db, e->now_us, e->max, &e->n);
}

int
idem_expire(struct store *store, int64_t now_us, unsigned max, unsigned *n)
{
	struct expiry e = { .now_us = now_us, .max = max };
	struct db_conn *db = NULL;
	int rc;

	*n = 0;
	if ((rc = db_read_begin(store->db, &db)) != 0)
		return rc;
	rc = tbl_idempotency_expired(db, now_us);
	db_read_end(db);
	if (rc)
		return rc == ERR_NOTFOUND ? 0 : rc;
	if ((rc = commit_run(store, &(struct commit) { .run = run_expire, .arg = &e, .frees = true })) == 0)
		*n = e.n;
	return rc;
}
