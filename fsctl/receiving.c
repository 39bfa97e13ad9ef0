#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
#include "say.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

static int
stopped_or(int status)
{
	return stop_asked() ? stop_asked() : status;
}

/* ---- bytes come ---- */

/*
 * ERR_END: we are told to stop. What else can block takes this much when it is ready for
 * any; more would wait for its reader in write().
 */
static int
write_out(const void *bytes, size_t len)
{
	const char *p = bytes;
	struct stat st;
	size_t most = fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? SIZE_MAX : PIPE_BUF;

	while (len > 0) {
		ssize_t n;

		if (stop_poll(STDOUT_FILENO, POLLOUT) != STATUS_OK)
			return ERR_END;
		n = write(STDOUT_FILENO, p, len < most ? len : most);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
keep(struct receiving *g, const void *bytes, size_t len)
{
	int rc = g->part < 0 ? write_out(bytes, len) : fio_pwrite(g->part, g->r->local, bytes, len, g->at);

	if (rc == ERR_END)
		return rc;
	if (rc) {
		tally_error(g->r->tally, rc == ERR_SPACE ? STATUS_NO_SPACE : STATUS_FAILED, g->r->local, "it can't be written: %s",
		    rc == ERR_SPACE ? "the disk is full" : strerror(errno));
		return rc;
	}
	digest_update(g->digest, bytes, len);
	g->at += len;
	return 0;
}

static int
take(void *arg, const void *bytes, size_t len)
{
	struct receiving *g = arg;

	if (stop_asked())
		return ERR_END;
	tally_move(g->r->tally, len);
	return keep(g, bytes, len);
}

/* ---- the whole, by its URL ---- */

static int
ask_url(struct receiving *g, int *http, struct json **doc)
{
	struct buf path = BUF_INIT(CTL_PATH);
	const char *url;
	int status;

	free(g->url);
	g->url = NULL;
	peer_path(&path, "files", g->r->id, "download", NULL);
	peer_param(&path, "version", g->r->version);
	status = peer_try(g->peer, "GET", &path, NULL, http, doc);
	if (status == STATUS_OK && *http == 200 && (url = reply_str(*doc, "downloadUrl", NULL)) != NULL)
		g->url = strdup(url);
	buf_release(&path);
	return status;
}

/* Goes on behind what has come. */
static int
go_on(void *arg, struct client_bytes *b, bool *progress)
{
	struct receiving *g = arg;

	*progress = g->at > g->tried;
	g->tried = b->from = g->at;
	return STATUS_OK;
}

int
receiving_whole(struct receiving *g)
{
	struct client_bytes b = { .method = "GET", .ticket = true, .take = take, .arg = g };
	struct tally *tally = g->r->tally;
	struct json *doc = NULL;
	int http = 0, status = STATUS_OK;

	for (int i = 0; i < 3 && g->at < g->r->size; i++) {
		if ((status = ask_url(g, &http, &doc)) != STATUS_OK) {
			status = tally_said(tally, status, g->r->path);
			break;
		}
		if (!g->url) {
			status = tally_refused(tally, g->r->path, http, doc);
			break;
		}
		json_free(doc);
		doc = NULL;
		b.target = g->url;
		b.from = g->tried = g->at;
		status = peer_transfer(g->peer, &b, go_on, g, &http, &doc);
		if (status == PEER_BODY)	/* keep() has said why */
			status = STATUS_FAILED;
		else if (status != STATUS_OK)
			tally_said(tally, status, g->r->path);
		else if (http == 403)	/* the URL's time was over: another */
			json_free(doc), doc = NULL;
		else if (http != 200 && http != 206)
			status = tally_refused(tally, g->r->path, http, doc);
		if (status != STATUS_OK || http != 403)
			break;
	}
	json_free(doc);
	if (status == STATUS_OK && g->at != g->r->size)
		return tally_error(tally, STATUS_FAILED, g->r->path, "%llu of %llu bytes came", (unsigned long long)g->at,
		    (unsigned long long)g->r->size);
	return stopped_or(status);
}

/* ---- by chunks ---- */

/* One chunk comes whole or not at all. */
struct arriving {
	struct receiving *g;
	struct buf bytes;
};

static int
take_chunk(void *arg, const void *bytes, size_t len)
{
	struct arriving *a = arg;

	if (stop_asked())
		return ERR_END;
	tally_move(a->g->r->tally, len);
	buf_add(&a->bytes, bytes, len);
	return buf_finish(&a->bytes);
}

static int
drop_chunk(void *arg, struct client_bytes *b, bool *progress)
{
	struct arriving *a = arg;

	(void)b, (void)progress;
	tally_spare(a->g->r->tally, -(int64_t)a->bytes.len);
	buf_clear(&a->bytes);
	return STATUS_OK;
}

static int
keep_chunk(struct arriving *a, const char *hex)
{
	char got[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	digest_sha256(a->bytes.data ? a->bytes.data : "", a->bytes.len, hash);
	hex_encode(hash, sizeof(hash), got);
	if (strcmp(got, hex) != 0)
		return tally_error(a->g->r->tally, STATUS_INTEGRITY, a->g->r->path, "a chunk came that is not what its hash says");
	return keep(a->g, a->bytes.data, a->bytes.len) ? STATUS_FAILED : STATUS_OK;
}

int
receiving_chunk(struct receiving *g, const char *hex, bool *found)
{
	struct arriving a = { g, BUF_INIT(CHUNKER_MAX_MOST) };
	struct client_bytes b = { .method = "GET", .take = take_chunk, .arg = &a };
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int http = 0, status;

	peer_path(&path, "chunks", hex, NULL);
	peer_param(&path, "fileId", g->r->id);
	peer_param(&path, "version", g->r->version);
	b.target = path.data;
	status = buf_finish(&path) ? say_error(STATUS_FAILED, "out of memory") : peer_transfer(g->peer, &b, drop_chunk, &a, &http, &doc);
	*found = status == STATUS_OK && http == 200;
	if (*found)
		status = keep_chunk(&a, hex);
	else if (status == PEER_BODY)
		status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "a chunk came that is longer than any, or memory ran out");
	else if (status == STATUS_OK && http != 404)
		status = tally_refused(g->r->tally, g->r->path, http, doc);
	else if (status != STATUS_OK)
		tally_said(g->r->tally, status, g->r->path);
	json_free(doc);
	buf_release(&path);
	buf_release(&a.bytes);
	return stopped_or(status);
}

struct wanted {
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];
	uint64_t offset;
	uint32_t bytes;
};

static int
add_page(const struct json *doc, struct buf *list)
{
	for (const struct json *c = reply_first(reply_array(doc, "chunks")); c; c = json_next(c)) {
		struct wanted w = { .offset = (uint64_t)reply_int(c, "offset", 0), .bytes = (uint32_t)reply_int(c, "length", 0) };
		const char *hex = reply_str(c, "hash", "");

		if (hex_decode(hex, strlen(hex), w.hash, sizeof(w.hash)) != 0)
			return ERR_INVALID;
		strcpy(w.hex, hex);
		buf_add(list, &w, sizeof(w));
	}
	return buf_finish(list);
}

static int
fetch_manifest(struct receiving *g, struct buf *list)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int64_t next = 0;
	int http = 0, status = STATUS_OK;

	while (status == STATUS_OK && next >= 0) {
		buf_clear(&path);
		peer_path(&path, "files", g->r->id, "manifest", NULL);
		peer_param(&path, "version", g->r->version);
		buf_addf(&path, "&from=%lld", (long long)next);
		if ((status = peer_try(g->peer, "GET", &path, NULL, &http, &doc)) != STATUS_OK)
			tally_said(g->r->tally, status, g->r->path);
		else if (http != 200)
			status = tally_refused(g->r->tally, g->r->path, http, doc);
		else if (add_page(doc, list) != 0)
			status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "its manifest can't be read");
		next = reply_int(doc, "next", -1);
		json_free(doc);
		doc = NULL;
	}
	buf_release(&path);
	return status;
}

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

/* Out of the old file, if it still has it there. */
static bool
copy_chunk(struct receiving *g, const struct cut_chunk *c)
{
	uint8_t hash[SHA256_SIZE], *bytes = malloc(c->bytes);
	bool same = false;

	if (bytes && fio_pread(g->old, g->r->local, bytes, c->bytes, c->offset) == 0) {
		digest_sha256(bytes, c->bytes, hash);
		same = !memcmp(hash, c->hash, SHA256_SIZE) && keep(g, bytes, c->bytes) == 0;
	}
	free(bytes);
	if (same)
		tally_spare(g->r->tally, (int64_t)c->bytes);
	return same;
}

static int
fetch_parts(struct receiving *g, const struct wanted *w, size_t n, const struct cut *old)
{
	int status = STATUS_OK;

	for (size_t i = 0; i < n && status == STATUS_OK; i++) {
		const struct cut_chunk *have;
		bool found = true;

		if (w[i].offset < g->at)	/* an earlier try brought it */
			continue;
		have = find_old(old, &w[i]);
		if (!have || !copy_chunk(g, have))
			status = receiving_chunk(g, w[i].hex, &found);
		if (status == STATUS_OK && (!found || g->at != w[i].offset + w[i].bytes))
			status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "a chunk of it did not come");
	}
	return status;
}

/* ---- made from an older one ---- */

int
receiving_begin(struct receiving *g, uint64_t at)
{
	digest_reset(g->digest);
	if (fio_truncate(g->part, g->r->local, at) != 0 || cut_hash(g->part, g->r->local, at, g->digest, &g->at) != 0 || g->at != at)
		return stopped_or(tally_error(g->r->tally, STATUS_FAILED, g->r->local, "its unfinished part can't be read"));
	tally_spare(g->r->tally, (int64_t)at);
	return STATUS_OK;
}

int
receiving_delta(struct receiving *g, uint64_t there, bool *done)
{
	struct buf list = BUF_INIT((size_t)1 << 31);
	const struct receiver *r = g->r;
	struct cut old = CUT_INIT;
	uint64_t have = 0, begin = 0;
	const struct wanted *w;
	size_t n;
	int status = fetch_manifest(g, &list);

	*done = false;
	if (status != STATUS_OK || cut_file(g->old, r->local, r->min, r->avg, r->max, &old) != 0)
		goto out;
	if (old.chunks.len)
		qsort(old.chunks.data, cut_count(&old), sizeof(struct cut_chunk), by_hash);
	w = (const struct wanted *)(const void *)list.data;
	n = list.len / sizeof(*w);
	for (size_t i = 0; i < n; i++) {
		have += find_old(&old, &w[i]) ? w[i].bytes : 0;
		begin = w[i].offset + w[i].bytes <= there ? w[i].offset + w[i].bytes : begin;
	}
	if (have < r->size / 2)
		goto out;
	*done = true;
	if ((status = receiving_begin(g, begin)) == STATUS_OK)
		status = fetch_parts(g, w, n, &old);
out:
	buf_release(&list);
	cut_release(&old);
	return stopped_or(status);
}
