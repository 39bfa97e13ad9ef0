#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "content.h"
#include "db.h"
#include "digest.h"
#include "err.h"
#include "hashes.h"
#include "reader.h"
#include "store_in.h"
#include "tbl_version.h"

#define PIECE (1u << 20)
#define AGAIN_US (3600ll * 1000000)	/* how long what can't be read is left alone */

struct hashing {
	struct store *store;
	int (*stop)(void *arg);
	void *arg;
	void *piece;
};

/* As long as the work took, in steps short enough to be ended. */
static int
rest(const struct hashing *h, int64_t us)
{
	for (; us > 0; us -= 100000) {
		if (h->stop && h->stop(h->arg))
			return ERR_CLOSED;
		nanosleep(&(struct timespec) { .tv_nsec = (us < 100000 ? us : 100000) * 1000 }, NULL);
	}
	return h->stop && h->stop(h->arg) ? ERR_CLOSED : 0;
}

static int
read_all(struct hashing *h, const struct content *c, struct digest *d)
{
	struct reader *r = NULL;
	int64_t began;
	size_t got;
	int rc = reader_new(h->store, c->manifest.data, c->manifest.len, 0, c->size, &r);

	while (rc == 0) {
		began = clock_mono_us();
		if ((rc = reader_read(r, h->piece, PIECE, &got)) != 0)
			break;
		digest_update(d, h->piece, got);
		rc = rest(h, clock_mono_us() - began);
	}
	reader_free(r);
	return rc == ERR_END ? 0 : rc;
}

static int
hash_one(struct hashing *h, int64_t version)
{
	struct content c = CONTENT_INIT;
	struct digest *d = NULL;
	uint8_t hash[SHA256_SIZE];
	int rc;

	if ((rc = content_of(h->store, version, &c)) == 0 && (rc = digest_new(DIGEST_SHA256, &d)) == 0 &&
	    (rc = read_all(h, &c, d)) == 0) {
		digest_final(d, hash);
		rc = content_hashed(h->store, &c, hash);
	}
	digest_free(d);
	content_release(&c);
	return rc;
}

static int
find_next(struct store *store, int64_t after, int64_t *version)
{
	struct db_conn *db = NULL;
	int rc = db_read_begin(store->db, &db);

	if (rc)
		return rc;
	rc = tbl_version_unhashed(db, after, version);
	db_read_end(db);
	return rc;
}

int
hashes_run(struct store *store, struct hashes *hashes, int (*stop)(void *arg), void *arg, int64_t *n)
{
	struct hashing h = { store, stop, arg, NULL };
	int64_t version = 0, now = clock_mono_us();
	int rc = 0;

	*n = 0;
	if (now >= hashes->again_us) {
		hashes->to = 0;
		hashes->again_us = now + AGAIN_US;
	}
	while (rc == 0 && (rc = find_next(store, hashes->to, &version)) == 0) {
		if (!h.piece && !(h.piece = malloc(PIECE)))
			return ERR_NOMEM;
		rc = hash_one(&h, version);
		*n += rc == 0;
		hashes->to = version;
		if (rc == ERR_NOTFOUND || rc == ERR_CORRUPT || rc == ERR_IO)
			rc = 0;		/* it went meanwhile, or can't be read */
	}
	free(h.piece);
	return rc == ERR_NOTFOUND ? 0 : rc;
}
