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

#define URLS 3	/* one after the other whose time is over before a byte comes */

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

int
receiving_keep(struct receiving *g, const void *bytes, size_t len)
{
	int rc = g->part < 0 ? write_out(bytes, len) : fio_pwrite(g->part, g->r->local, bytes, len, g->at);

	if (rc == ERR_END)
		return rc;
	if (rc) {
		tally_error(g->r->tally, rc == ERR_SPACE ? STATUS_NO_SPACE : STATUS_FAILED, g->r->local, "it can't be written: %s",
		    rc == ERR_SPACE ? "the disk is full" : strerror(errno));
		return rc;
	}
	if (g->hash)
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
	return receiving_keep(g, bytes, len);
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

/* From g->at on, by a URL of its own. *over: the URL's time was over first, which is unsaid unless `last`. */
static int
fetch_rest(struct receiving *g, bool last, bool *over)
{
	struct client_bytes b = { .method = "GET", .ticket = true, .take = take, .arg = g,
		.most = throttle_step(&g->r->tally->throttle) };
	struct tally *tally = g->r->tally;
	struct json *doc = NULL;
	int http = 0, status;

	*over = false;
	if ((status = ask_url(g, &http, &doc)) != STATUS_OK) {
		tally_said(tally, status, g->r->path);
	} else if (!g->url) {
		status = tally_refused(tally, g->r->path, http, doc);
	} else {
		json_free(doc);
		doc = NULL;
		b.target = g->url;
		b.from = g->tried = g->at;
		status = peer_transfer(g->peer, &b, go_on, g, &http, &doc);
		*over = status == STATUS_OK && http == 403 && !last &&
		    !strcmp(reply_str(reply_get(doc, "error"), "code", ""), "ticket_expired");
		if (status == PEER_BODY)	/* receiving_keep() has said why */
			status = STATUS_FAILED;
		else if (status != STATUS_OK)
			tally_said(tally, status, g->r->path);
		else if (http != 200 && http != 206 && !*over)
			status = tally_refused(tally, g->r->path, http, doc);
	}
	json_free(doc);
	return status;
}

int
receiving_whole(struct receiving *g)
{
	unsigned in_vain = 0;
	bool again = true;
	int status = STATUS_OK;

	while (again && status == STATUS_OK && g->at < g->r->size) {
		const uint64_t before = g->at;

		status = fetch_rest(g, in_vain + 1 == URLS, &again);
		in_vain = g->at > before ? 0 : in_vain + 1;
	}
	if (status == STATUS_OK && g->at != g->r->size)
		return tally_error(g->r->tally, STATUS_FAILED, g->r->path, "%llu of %llu bytes came", (unsigned long long)g->at,
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
	if (receiving_keep(a->g, a->bytes.data, a->bytes.len) != 0)
		return STATUS_FAILED;
	receiving_sure(a->g, a->bytes.len);
	return STATUS_OK;
}

int
receiving_chunk(struct receiving *g, const char *hex, bool *found)
{
	struct arriving a = { g, BUF_INIT(CHUNKER_MAX_MOST) };
	struct client_bytes b = { .method = "GET", .take = take_chunk, .arg = &a,
		.most = throttle_step(&g->r->tally->throttle) };
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
