#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "chunker.h"
#include "clock.h"
#include "ctl.h"
#include "cut.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "peer.h"
#include "receiver.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

#define DELTA_LEAST (1u << 20)	/* shorter files are fetched whole */
#define PART_NAME 64

struct receiving {
	const struct receiver *r;
	struct peer *peer;
	int dir, old, part;	/* -1: not open */
	uint64_t old_size;
	const char *name;
	char part_name[PART_NAME];
	struct digest *digest;	/* of what was written, from the beginning */
	uint64_t at;		/* bytes written */
	uint64_t tried;		/* where the last try began */
	char *url;
};

static int
failed(struct receiving *g, const char *why)
{
	return tally_error(g->r->tally, STATUS_FAILED, g->r->local, "%s: %s", why, strerror(errno));
}

static int
stopped_or(int status)
{
	return stop_asked() ? stop_asked() : status;
}

/* ---- bytes come ---- */

/* ERR_END: we are told to stop. What else can block takes this much when it is ready for any; more would wait for its reader in write(). */
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

static int
fetch_whole(struct receiving *g)
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

/* *found: false where the version has no such chunk. Unsaid then. */
static int
fetch_chunk(struct receiving *g, const char *hex, bool *found)
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
			status = fetch_chunk(g, w[i].hex, &found);
		if (status == STATUS_OK && (!found || g->at != w[i].offset + w[i].bytes))
			status = tally_error(g->r->tally, STATUS_FAILED, g->r->path, "a chunk of it did not come");
	}
	return status;
}

/* ---- the file that grows ---- */

/* Keeps so many bytes of what an earlier try brought. */
static int
begin_at(struct receiving *g, uint64_t at)
{
	digest_reset(g->digest);
	if (fio_truncate(g->part, g->r->local, at) != 0 || cut_hash(g->part, g->r->local, at, g->digest, &g->at) != 0 || g->at != at)
		return stopped_or(tally_error(g->r->tally, STATUS_FAILED, g->r->local, "its unfinished part can't be read"));
	tally_spare(g->r->tally, (int64_t)at);
	return STATUS_OK;
}

static int
open_part(struct receiving *g, uint64_t *there)
{
	if (strspn(g->r->version, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(g->r->version))
		return tally_error(g->r->tally, STATUS_FAILED, g->r->path, "the server names a version that is none");
	snprintf(g->part_name, sizeof(g->part_name), ".fsctl-%.32s.part", g->r->version);
	g->part = beneath_open(g->dir, g->part_name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (g->part < 0)
		return failed(g, "it can't be made");
	if (fio_size(g->part, g->r->local, there) != 0)
		return failed(g, "it can't be read");
	if (*there > g->r->size)
		*there = 0;
	return STATUS_OK;
}

/* *done: it was worth it. What the old file has at least half of is made from it. */
static int
fetch_delta(struct receiving *g, uint64_t there, bool *done)
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
	if ((status = begin_at(g, begin)) == STATUS_OK)
		status = fetch_parts(g, w, n, &old);
out:
	buf_release(&list);
	cut_release(&old);
	return stopped_or(status);
}

static int
fetch(struct receiving *g)
{
	const struct receiver *r = g->r;
	bool done = false;
	uint64_t there = 0;
	int status = open_part(g, &there);

	if (status == STATUS_OK && g->old >= 0 && g->old_size >= DELTA_LEAST && r->size >= DELTA_LEAST)
		status = fetch_delta(g, there, &done);
	if (status != STATUS_OK || done)
		return status;
	if ((status = begin_at(g, there)) == STATUS_OK && !there && r->size && r->size <= r->min && r->hash &&
	    str_starts(r->hash, "sha256:"))
		status = fetch_chunk(g, r->hash + 7, &done);
	return status == STATUS_OK && !done ? fetch_whole(g) : status;
}

/* ---- its end ---- */

static int
verify(struct receiving *g)
{
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	digest_final(g->digest, hash);
	hex_encode(hash, sizeof(hash), hex);
	if (g->at == g->r->size && (!g->r->hash || !str_starts(g->r->hash, "sha256:") || !strcmp(g->r->hash + 7, hex)))
		return STATUS_OK;
	if (g->part >= 0)
		(void)fio_unlink(g->dir, g->part_name);
	return tally_error(g->r->tally, STATUS_INTEGRITY, g->r->path, "what came is not what the server's hash says");
}

static void
set_attributes(const struct receiver *r, int fd)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };
	unsigned mode = r->mode ? (unsigned)strtoul(r->mode, NULL, 8) & 0777 : 0;
	int64_t us;

	if (r->mode && mode)
		(void)fchmod(fd, (mode_t)mode);
	if (r->mtime && clock_parse_rfc3339(r->mtime, &us) == 0)
		times[1] = (struct timespec) { us / 1000000, us % 1000000 * 1000 };
	(void)futimens(fd, times);
}

/* Only a file gives way, and a link that leads to none or to one: it is replaced itself. */
static int
check_place(struct receiving *g)
{
	struct stat st;
	const char *why = "there is a device, a pipe or a socket of that name; `-` is standard output";

	if (fstatat(g->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STATUS_OK : failed(g, "what is there can't be looked at");
	if (S_ISLNK(st.st_mode) && (fstatat(g->dir, g->name, &st, 0) != 0 || S_ISDIR(st.st_mode)))
		return STATUS_OK;
	if (S_ISREG(st.st_mode))
		return STATUS_OK;
	return tally_error(g->r->tally, STATUS_FAILED, g->r->local, "%s", S_ISDIR(st.st_mode) ? "there is a folder of that name" : why);
}

static int
finish(struct receiving *g)
{
	mode_t mask;
	int status;

	if (!g->r->mode) {	/* as any new file */
		mask = umask(0);
		umask(mask);
		(void)fchmod(g->part, 0666 & ~mask);
	}
	set_attributes(g->r, g->part);
	if ((status = check_place(g)) != STATUS_OK) {
		(void)fio_unlink(g->dir, g->part_name);
		return status;
	}
	if (fio_rename(g->dir, g->part_name, g->name) != 0)
		return failed(g, "it can't get its name");
	tally_item(g->r->tally, &(struct tally_item) { .action = "get", .from = g->r->path, .to = g->r->local, .version = g->r->version,
	    .bytes = g->r->size });
	return STATUS_OK;
}

/* ---- what is there ---- */

static bool
same_hash(struct receiving *g)
{
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];
	uint64_t got = 0;
	int rc;

	if (!g->r->hash || !str_starts(g->r->hash, "sha256:"))
		return false;
	rc = cut_hash(g->old, g->r->local, UINT64_MAX, g->digest, &got);
	digest_final(g->digest, hash);
	digest_reset(g->digest);
	hex_encode(hash, sizeof(hash), hex);
	return rc == 0 && got == g->r->size && !strcmp(g->r->hash + 7, hex);
}

/* An older file is left open for what it has; true: it is what we want. */
static bool
is_there(struct receiving *g)
{
	const struct receiver *r = g->r;
	struct stat st;
	bool same;

	if (fstatat(g->dir, g->name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
		return false;
	g->old = beneath_open(g->dir, g->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (g->old >= 0 && (fstat(g->old, &st) != 0 || !S_ISREG(st.st_mode)))
		fio_close(&g->old);
	if (g->old < 0)
		return false;
	g->old_size = (uint64_t)st.st_size;
	same = g->old_size == r->size && same_hash(g);
	if (same) {
		set_attributes(r, g->old);
		tally_spare(r->tally, (int64_t)r->size);
		tally_item(r->tally, &(struct tally_item) { .action = "unchanged", .from = r->path, .to = r->local,
		    .version = r->version, .bytes = r->size });
	}
	return same;
}

static int
to_output(struct receiving *g)
{
	int status = fetch_whole(g);

	if (status == STATUS_OK && (status = verify(g)) == STATUS_OK)
		tally_item(g->r->tally, &(struct tally_item) { .action = "get", .from = g->r->path, .to = "-",
		    .version = g->r->version, .bytes = g->r->size });
	return status;
}

static int
to_disk(struct receiving *g)
{
	char *above = remote_above(g->r->dest);
	int status = STATUS_OK;

	g->name = remote_base(g->r->dest);
	g->dir = above ? beneath_folder(g->r->root, above) : -1;
	free(above);
	if (g->dir < 0)
		return failed(g, "its folder can't be opened");
	if ((status = check_place(g)) != STATUS_OK || is_there(g))
		return status;
	if ((status = fetch(g)) == STATUS_OK && (status = verify(g)) == STATUS_OK)
		status = finish(g);
	/* An empty beginning is of no use to anybody. */
	if (status != STATUS_OK && g->part >= 0 && !g->at && *g->part_name)
		(void)fio_unlink(g->dir, g->part_name);
	return status;
}

int
receiver_get(const struct receiver *r, struct peer *peer)
{
	struct receiving g = { .r = r, .peer = peer, .dir = -1, .old = -1, .part = -1 };
	int status;

	if (digest_new(DIGEST_SHA256, &g.digest) != 0)
		return tally_error(r->tally, STATUS_FAILED, r->local, "out of memory");
	status = r->root < 0 ? to_output(&g) : to_disk(&g);
	digest_free(g.digest);
	fio_close(&g.dir);
	fio_close(&g.old);
	fio_close(&g.part);
	free(g.url);
	return tally_outcome(r->tally, status, r->path);
}
