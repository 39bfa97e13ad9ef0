#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "digest.h"
#include "err.h"
#include "limits.h"

/*
 * A store in memory. Homes are numbered lists of chunks; a place's offset is the chunk's position in its list, counted from 1.
 * One lock for everything.
 */
struct chunk {
	uint8_t id[32];
	uint32_t len;
	uint8_t *bytes;
};

struct home {
	uint64_t number;
	struct chunk *chunks;
	size_t count, room;
	uint64_t bytes;
	uint64_t told;		/* chunks that homes() has told */
	bool sealed, told_sealed;
	struct home *next;
};

struct mem_store {
	struct blob_store bs;
	pthread_mutex_t lock;
	struct home *homes;
	struct home *open[BLOB_LANES];
	uint64_t last;
};

static struct mem_store *
cast(struct blob_store *bs)
{
	return (struct mem_store *)(void *)bs;
}

static struct home *
find(struct mem_store *s, uint64_t number)
{
	struct home *h = s->homes;

	while (h && h->number != number)
		h = h->next;
	return h;
}

static void
home_free(struct home *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->chunks[i].bytes);
	free(h->chunks);
	free(h);
}

static int
append(struct mem_store *s, unsigned lane, const uint8_t id[32], const struct iovec *iov, int count, size_t len,
    struct home **in)
{
	struct home *h = s->open[lane];
	struct chunk *c;
	size_t room, at = 0;

	if (!h) {
		if ((h = calloc(1, sizeof(*h))) == NULL)
			return ERR_NOMEM;
		h->number = ++s->last;
		h->next = s->homes;
		s->homes = s->open[lane] = h;
	}
	if (h->count == h->room) {
		room = h->room ? h->room * 2 : 16;
		if ((c = reallocarray(h->chunks, room, sizeof(*c))) == NULL)
			return ERR_NOMEM;
		h->chunks = c;
		h->room = room;
	}
	c = &h->chunks[h->count];
	if ((c->bytes = malloc(len)) == NULL)
		return ERR_NOMEM;
	memcpy(c->id, id, sizeof(c->id));
	for (int i = 0; i < count; at += iov[i++].iov_len)
		memcpy(c->bytes + at, iov[i].iov_base, iov[i].iov_len);
	c->len = (uint32_t)len;
	h->count++;
	h->bytes += len;
	*in = h;
	return 0;
}

static int
mem_putv(struct blob_store *bs, unsigned lane, const uint8_t id[32], const struct iovec *iov, int count,
    struct blob_place *place)
{
	struct mem_store *s = cast(bs);
	struct home *h = NULL;
	size_t len = 0;
	int rc;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	if (lane >= BLOB_LANES || len == 0 || len > CHUNK_MAX)
		return ERR_INVALID;
	pthread_mutex_lock(&s->lock);
	if ((rc = append(s, lane, id, iov, count, len, &h)) == 0)
		*place = (struct blob_place){ h->number, h->count, (uint32_t)len, (uint32_t)len };
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
mem_sync(struct blob_store *bs, unsigned lane)
{
	(void)bs;
	return lane < BLOB_LANES ? 0 : ERR_INVALID;
}

static int
read_chunk(struct mem_store *s, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	const struct home *h = find(s, place->home);
	const struct chunk *c;
	uint8_t digest[32];

	if (!h)
		return ERR_NOTFOUND;
	if (place->offset == 0 || place->offset > h->count)
		return ERR_CORRUPT;
	c = &h->chunks[place->offset - 1];
	if (memcmp(c->id, id, sizeof(c->id)) || c->len != place->length || c->len != place->stored)
		return ERR_CORRUPT;
	memcpy(bytes, c->bytes + from, len);
	if (!whole)
		return 0;
	digest_sha256(bytes, len, digest);
	return memcmp(digest, id, sizeof(digest)) ? ERR_CORRUPT : 0;
}

static int
mem_get(struct blob_store *bs, const uint8_t id[32], const struct blob_place *place, size_t from, size_t len,
    bool whole, void *bytes)
{
	struct mem_store *s = cast(bs);
	int rc;

	if (len == 0 || from > place->length || len > place->length - from || (whole && len != place->length))
		return ERR_RANGE;
	pthread_mutex_lock(&s->lock);
	rc = read_chunk(s, id, place, from, len, whole, bytes);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static size_t
mem_homes(struct blob_store *bs, struct blob_home *homes, size_t max)
{
	struct mem_store *s = cast(bs);
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	for (struct home *h = s->homes; h && n < max; h = h->next) {
		if (h->told == h->count && h->told_sealed == h->sealed)
			continue;
		homes[n++] = (struct blob_home){ h->number, h->count + 1, h->sealed };
		h->told = h->count;
		h->told_sealed = h->sealed;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

static int
mem_drop(struct blob_store *bs, uint64_t number)
{
	struct mem_store *s = cast(bs);
	struct home **at, *h;
	int rc = ERR_NOTFOUND;

	pthread_mutex_lock(&s->lock);
	for (at = &s->homes; (h = *at) != NULL && h->number != number; at = &h->next)
		;
	if (h && !h->sealed)
		rc = ERR_BUSY;
	if (h && h->sealed) {
		*at = h->next;
		home_free(h);
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
mem_roll(struct blob_store *bs, unsigned lane, uint64_t bytes)
{
	struct mem_store *s = cast(bs);

	if (lane >= BLOB_LANES)
		return ERR_INVALID;
	pthread_mutex_lock(&s->lock);
	if (s->open[lane] && s->open[lane]->bytes > bytes) {
		s->open[lane]->sealed = true;
		s->open[lane] = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* The i-th chunk of a home; ERR_END behind the last. */
static int
nth(struct mem_store *s, uint64_t number, size_t i, uint8_t id[32], struct blob_place *place)
{
	const struct home *h;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	if ((h = find(s, number)) == NULL) {
		rc = ERR_NOTFOUND;
	} else if (i >= h->count) {
		rc = ERR_END;
	} else {
		memcpy(id, h->chunks[i].id, 32);
		*place = (struct blob_place){ number, i + 1, h->chunks[i].len, h->chunks[i].len };
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int
mem_walk(struct blob_store *bs, uint64_t number,
    int (*each)(void *arg, const uint8_t id[32], const struct blob_place *place), void *arg)
{
	struct blob_place place;
	uint8_t id[32];
	int rc;

	for (size_t i = 0; (rc = nth(cast(bs), number, i, id, &place)) == 0; i++)
		if ((rc = each(arg, id, &place)) != 0)
			return rc;
	return rc == ERR_END ? 0 : rc;
}

static int
mem_space(struct blob_store *bs, uint64_t *available, uint64_t *total, bool *low)
{
	(void)bs;
	*available = *total = UINT64_MAX / 2;
	*low = false;
	return 0;
}

static void
mem_keep_free(struct blob_store *bs, uint64_t bytes)
{
	(void)bs, (void)bytes;
}

static void
mem_free(struct blob_store *bs)
{
	struct mem_store *s = cast(bs);
	struct home *h;

	if (!s)
		return;
	while ((h = s->homes) != NULL) {
		s->homes = h->next;
		home_free(h);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static void
mem_on_failure(struct blob_store *bs, void (*failed)(void *arg), void *arg)
{
	(void)bs;	/* nothing is flushed */
	(void)failed;
	(void)arg;
}

static const struct blob_ops ops = {
	.name = "memory",
	.putv = mem_putv,
	.sync = mem_sync,
	.get = mem_get,
	.homes = mem_homes,
	.drop = mem_drop,
	.roll = mem_roll,
	.walk = mem_walk,
	.on_failure = mem_on_failure,
	.space = mem_space,
	.keep_free = mem_keep_free,
	.free = mem_free,
};

int
blob_mem_open(struct blob_store **bs)
{
	struct mem_store *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	s->bs.ops = &ops;
	pthread_mutex_init(&s->lock, NULL);
	*bs = &s->bs;
	return 0;
}
