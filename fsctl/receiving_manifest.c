#include <stdlib.h>
#include <string.h>

#include "chunker.h"
#include "ctl.h"
#include "cut.h"
#include "digest.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "peer.h"
#include "receiving.h"
#include "reply.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

struct wanted {
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];
	uint64_t offset;
	uint32_t bytes;
};

static const struct wanted *
wanted_of(const struct receiving *g, size_t *n)
{
	*n = g->manifest.len / sizeof(struct wanted);
	return (const struct wanted *)(const void *)g->manifest.data;
}

/* ---- asking for it ---- */

/* *end: where the chunks so far end, and so the next one begins. */
static int
add_page(const struct json *doc, struct buf *list, uint64_t *end)
{
	for (const struct json *c = reply_first(reply_array(doc, "chunks")); c; c = json_next(c)) {
		const int64_t offset = reply_int(c, "offset", -1), bytes = reply_int(c, "length", 0);
		const char *hex = reply_str(c, "hash", "");
		struct wanted w = { .offset = *end, .bytes = (uint32_t)bytes };

		if (offset < 0 || (uint64_t)offset != *end || bytes < 1 || bytes > CHUNKER_MAX_MOST ||
		    hex_decode(hex, strlen(hex), w.hash, sizeof(w.hash)) != 0)
			return ERR_INVALID;
		strcpy(w.hex, hex);
		buf_add(list, &w, sizeof(w));
		*end += w.bytes;
	}
	return buf_finish(list);
}

static int
ask_page(struct receiving *g, int64_t *next, uint64_t *end)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int http = 0, status;

	peer_path(&path, "files", g->r->id, "manifest", NULL);
	peer_param(&path, "version", g->r->version);
	buf_addf(&path, "&from=%lld", (long long)*next);
	if ((status = peer_try(g->peer, "GET", &path, NULL, &http, &doc)) != STATUS_OK)
		tally_said(g->r->tally, status, g->r->path);
	else if (http != 200)
		status = tally_refused(g->r->tally, g->r->path, http, doc);
	else if (add_page(doc, &g->manifest, end) != 0)
		status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "its manifest can't be read");
	*next = reply_int(doc, "next", -1);
	json_free(doc);
	buf_release(&path);
	return status;
}

static int
ask_manifest(struct receiving *g)
{
	uint64_t end = 0;
	int64_t next = 0;
	int status = STATUS_OK;

	if (g->manifest.len)
		return STATUS_OK;
	while (status == STATUS_OK && next >= 0)
		status = ask_page(g, &next, &end);
	if (status == STATUS_OK && end != g->r->size)
		status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "its manifest is of %llu bytes, and it has %llu",
		    (unsigned long long)end, (unsigned long long)g->r->size);
	return status;
}

/* ---- what a part has of it ---- */

void
receiving_sure(struct receiving *g, uint64_t len)
{
	if (g->sure + len == g->at)
		g->sure = g->at;
}

static void
count(struct receiving *g, const struct wanted *w, const void *bytes, size_t len)
{
	if (g->hash)
		digest_update(g->digest, bytes, len);
	g->at = w->offset + len;
	if (len == w->bytes)
		g->sure = g->at;
}

/* *right: the chunk is there; or, of one that is not there as a whole, its beginning may be. */
static int
check_chunk(struct receiving *g, const struct wanted *w, size_t len, bool *right)
{
	uint8_t hash[SHA256_SIZE], *bytes;
	int status = STATUS_OK;

	if (stop_asked())
		return stop_asked();
	if (!(bytes = malloc(len))) {
		status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "out of memory");
	} else if (fio_pread(g->part, g->r->local, bytes, len, w->offset) != 0) {
		status = tally_error(g->r->tally, STATUS_FAILED, g->r->local, "its unfinished part can't be read");
	} else {
		digest_sha256(bytes, len, hash);
		if ((*right = len < w->bytes || !memcmp(hash, w->hash, sizeof(hash))))
			count(g, w, bytes, len);
	}
	free(bytes);
	return status;
}

/*
 * Goes on behind the chunks that are known to be right, as far as there are bytes and they
 * are right. *wrong: the first that is not; NULL: none.
 */
static int
check_part(struct receiving *g, uint64_t there, const struct wanted **wrong)
{
	const struct wanted *w;
	bool right = true;
	size_t n;
	int status = STATUS_OK;

	*wrong = NULL;
	w = wanted_of(g, &n);
	for (size_t i = 0; i < n && w[i].offset < there && right && status == STATUS_OK; i++) {
		const uint64_t left = there - w[i].offset;

		if (w[i].offset < g->sure)
			continue;
		status = check_chunk(g, &w[i], left < w[i].bytes ? (size_t)left : w[i].bytes, &right);
		*wrong = right ? NULL : &w[i];
	}
	return status;
}

static void
from_the_beginning(struct receiving *g)
{
	digest_reset(g->digest);
	g->at = g->sure = 0;
}

int
receiving_begin(struct receiving *g, uint64_t there)
{
	const struct wanted *wrong;
	int status;

	from_the_beginning(g);
	if (there && ((status = ask_manifest(g)) != STATUS_OK || (status = check_part(g, there, &wrong)) != STATUS_OK))
		return status;
	if (fio_truncate(g->part, g->r->local, g->at) != 0)
		return tally_error(g->r->tally, STATUS_FAILED, g->r->local, "its unfinished part can't be cut to what is right of it");
	g->guessed = g->at > g->sure;
	tally_spare(g->r->tally, (int64_t)g->at);
	return STATUS_OK;
}

/* ---- once all has come ---- */

/* Only what is wrong comes again, into its place. */
static int
mend(struct receiving *g)
{
	const struct wanted *wrong;
	bool found = true;
	int status;

	from_the_beginning(g);
	for (;;) {
		if ((status = check_part(g, g->r->size, &wrong)) != STATUS_OK || !wrong)
			return status;
		tally_spare(g->r->tally, -(int64_t)wrong->bytes);
		if ((status = receiving_chunk(g, wrong->hex, &found)) != STATUS_OK)
			return status;
		if (!found || g->sure != wrong->offset + wrong->bytes)
			return tally_error(g->r->tally, STATUS_FAILED, g->r->path, "a chunk of it did not come");
	}
}

static bool
is_hash(struct receiving *g)
{
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	digest_final(g->digest, hash);
	hex_encode(hash, sizeof(hash), hex);
	return !strcmp(g->hash, hex);
}

static int
look(struct receiving *g, bool *right)
{
	const struct wanted *wrong = NULL;
	int status = STATUS_OK;

	*right = false;
	if (g->at != g->r->size)
		return STATUS_OK;
	if (!g->hash && g->part >= 0 && g->sure < g->r->size && (status = ask_manifest(g)) == STATUS_OK)
		status = check_part(g, g->r->size, &wrong);
	*right = status == STATUS_OK && !wrong && (!g->hash || is_hash(g));
	return status;
}

int
receiving_verify(struct receiving *g, bool *right)
{
	int status = look(g, right);

	if (status != STATUS_OK || *right || !g->guessed)
		return status;
	g->guessed = false;
	return (status = mend(g)) == STATUS_OK ? look(g, right) : status;
}

/* ---- made from an older one ---- */

static int
by_hash(const void *a, const void *b)
{
	return memcmp(((const struct cut_chunk *)a)->hash, ((const struct cut_chunk *)b)->hash, SHA256_SIZE);
}

static const struct cut_chunk *
find_old(const struct cut *old, const struct wanted *w)
{
	struct cut_chunk key = { 0 };

	memcpy(key.hash, w->hash, SHA256_SIZE);
	return old->chunks.len ? bsearch(&key, old->chunks.data, cut_count(old), sizeof(key), by_hash) : NULL;
}

/* *copied: the old file still has it there. */
static int
copy_chunk(struct receiving *g, const struct cut_chunk *c, bool *copied)
{
	uint8_t hash[SHA256_SIZE], *bytes = malloc(c->bytes);
	int status = STATUS_OK;

	*copied = bytes && fio_pread(g->old, g->r->local, bytes, c->bytes, c->offset) == 0;
	if (*copied) {
		digest_sha256(bytes, c->bytes, hash);
		*copied = !memcmp(hash, c->hash, SHA256_SIZE);
	}
	if (*copied && receiving_keep(g, bytes, c->bytes) != 0) {
		status = STATUS_FAILED;
	} else if (*copied) {
		receiving_sure(g, c->bytes);
		tally_spare(g->r->tally, (int64_t)c->bytes);
	}
	free(bytes);
	return status;
}

static int
fetch_parts(struct receiving *g, const struct cut *old)
{
	const struct wanted *w;
	size_t n;
	int status = STATUS_OK;

	w = wanted_of(g, &n);
	for (size_t i = 0; i < n && status == STATUS_OK; i++) {
		const struct cut_chunk *have;
		bool copied = false, found = true;

		if (w[i].offset < g->at)	/* an earlier try brought it */
			continue;
		if ((have = find_old(old, &w[i])) != NULL)
			status = copy_chunk(g, have, &copied);
		if (status == STATUS_OK && !copied)
			status = receiving_chunk(g, w[i].hex, &found);
		if (status == STATUS_OK && (!found || g->at != w[i].offset + w[i].bytes))
			status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "a chunk of it did not come");
	}
	return status;
}

int
receiving_delta(struct receiving *g, uint64_t there, bool *done)
{
	const struct receiver *r = g->r;
	struct cut old = CUT_INIT;
	uint64_t have = 0, begin = 0;
	const struct wanted *w;
	size_t n;
	int status = ask_manifest(g);

	*done = false;
	if (status != STATUS_OK || cut_file(g->old, r->local, r->min, r->avg, r->max, &old) != 0)
		goto out;
	if (old.chunks.len)
		qsort(old.chunks.data, cut_count(&old), sizeof(struct cut_chunk), by_hash);
	w = wanted_of(g, &n);
	for (size_t i = 0; i < n; i++) {
		have += find_old(&old, &w[i]) ? w[i].bytes : 0;
		begin = w[i].offset + w[i].bytes <= there ? w[i].offset + w[i].bytes : begin;
	}
	if (have < r->size / 2)
		goto out;
	*done = true;
	if ((status = receiving_begin(g, begin)) == STATUS_OK)
		status = fetch_parts(g, &old);
out:
	cut_release(&old);
	return stop_asked() ? stop_asked() : status;
}
