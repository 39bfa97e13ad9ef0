#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "crew.h"
#include "ctl.h"
#include "cut.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "peer.h"
#include "remote.h"
#include "reply.h"
#include "resume.h"
#include "sender.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

#define BODY_MAX (4u << 20)
#define CHUNKS 10000		/* that a start can list */
#define CUT_MAX ((uint64_t)16 << 30)	/* longer files have more chunks than that */
#define KEEP (8u << 20)		/* shorter files are simply sent again, as one part */
#define TARGETS 100		/* of one reply, if there are so many */
#define ROUNDS 5		/* of asking what is missing, without any part arriving */

struct sending {
	const struct sender *u;
	struct peer *peer;
	struct crew *crew;
	char session[RESUME_ID], key[2048];
	bool kept;
	uint64_t part_size;	/* 0: by chunks */
	struct cut cut;
	bool is_cut;
	struct json *doc;	/* the last reply with targets */
	atomic_int status;	/* the first failure of a part */
	atomic_uint arrived;
};

struct part {
	struct task task;
	struct sending *s;
	char *url;
	unsigned number;
	uint64_t offset, size, sent;
	struct digest *digest;
};

/* ---- attributes ---- */

void
sender_mtime(const struct stat *st, char *text)
{
	int64_t us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000;

	clock_rfc3339(us > 0 ? us : 0, text);
}

void
sender_mode(const struct stat *st, char text[8])
{
	snprintf(text, 8, "%04o", (unsigned)st->st_mode & 0777);
}

const char *
sender_name_reason(const char *name)
{
	if (strlen(name) > 255)
		return "its name is longer than 255 bytes";
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return "its name has a control character";
	return utf8_valid(name, strlen(name)) ? NULL : "its name is not UTF-8";
}

/* ---- the session ---- */

/* A store is the same one however it is named. */
static void
make_key(struct sending *s)
{
	const struct sender *u = s->u;
	const struct ctl *ctl = u->to->ctl;
	char *dir = ctl->endpoint ? NULL : realpath(ctl->dir, NULL);

	snprintf(s->key, sizeof(s->key), "%.500s %s %.1000s %" PRIu64 " %" PRId64 ".%09ld", ctl->endpoint ? ctl->endpoint : dir ? dir : ctl->dir,
	    u->to->id, u->path, (uint64_t)u->st.st_size, (int64_t)u->st.st_mtim.tv_sec, (long)u->st.st_mtim.tv_nsec);
	free(dir);
}

static void
tick(void *arg)
{
	tally_tick(arg);
}

static int
cut_it(struct sending *s)
{
	const struct sender *u = s->u;
	int rc;

	/* With a crew this is the thread that shows the progress. */
	if (s->crew)
		s->cut.tick = tick, s->cut.tick_arg = u->tally;
	rc = cut_file(u->fd, u->local, u->to->min, u->to->avg, u->to->max, &s->cut);
	s->is_cut = rc == 0;
	if (rc == 0)
		return STATUS_OK;
	if (stop_asked())
		return stop_asked();
	return tally_error(u->tally, STATUS_FAILED, u->local, "it can't be read: %s", err_text(rc));
}

/* What has arrived, and URLs for what has not. */
static int
ask(struct sending *s, unsigned from, int *http)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	json_free(s->doc);
	s->doc = NULL;
	peer_path(&path, "uploads", s->session, NULL);
	buf_addf(&path, "?from=%u", from);
	status = peer_try(s->peer, "GET", &path, NULL, http, &s->doc);
	buf_release(&path);
	return status;
}

/* A session that an earlier command left. *found: it goes on. */
static int
find_session(struct sending *s, bool *found)
{
	const struct sender *u = s->u;
	int http = 0, status;

	*found = false;
	if (!resume_find(s->key, s->session))
		return STATUS_OK;
	if ((status = ask(s, 0, &http)) != STATUS_OK)
		return tally_said(u->tally, status, u->path);
	/* Only a session that is over is forgotten: what has arrived by it is too dear for a daemon that is away for a moment. */
	if (http != 200 && http != 404 && http != 410)
		return tally_refused(u->tally, u->path, http, s->doc);
	if (http == 200 && !strcmp(reply_str(s->doc, "status", ""), "open") &&
	    reply_int(s->doc, "sizeBytes", -1) == (int64_t)u->st.st_size) {
		s->part_size = (uint64_t)reply_int(s->doc, "partSizeBytes", 0);
		*found = s->kept = true;
	} else {
		resume_forget(s->key);
	}
	if (*found && !s->part_size && !s->is_cut)
		return cut_it(s);
	return STATUS_OK;
}

static void
add_chunks(struct json_out *j, const struct cut *cut)
{
	char hex[2 * SHA256_SIZE + 1];

	json_key(j, "chunks");
	json_array_begin(j);
	for (size_t i = 0; i < cut_count(cut); i++) {
		hex_encode(cut_at(cut, i)->hash, SHA256_SIZE, hex);
		json_object_begin(j);
		json_key_str(j, "hash", hex);
		json_key_uint(j, "length", cut_at(cut, i)->bytes);
		json_object_end(j);
	}
	json_array_end(j);
}

static void
write_start(const struct sending *s, struct buf *body)
{
	const struct sender *u = s->u;
	char mtime[CLOCK_TEXT], mode[8], hex[2 * SHA256_SIZE + 1];
	struct json_out j;

	json_out_init(&j, body, false);
	json_object_begin(&j);
	if (u->file) {
		json_key_str(&j, "fileId", u->file);
		json_key_str(&j, "baseVersionId", u->base);
	} else {
		json_key_str(&j, "parentFolderId", u->parent);
		json_key_str(&j, "name", u->name);
	}
	json_key_uint(&j, "sizeBytes", (uint64_t)u->st.st_size);
	sender_mtime(&u->st, mtime);
	sender_mode(&u->st, mode);
	json_key_str(&j, "mtime", mtime);
	json_key_str(&j, "mode", mode);
	if (s->is_cut) {
		hex_encode(s->cut.hash, SHA256_SIZE, hex);
		json_key_str(&j, "sha256", hex);
		add_chunks(&j, &s->cut);
	}
	json_object_end(&j);
}

static int
start(struct sending *s)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	const struct sender *u = s->u;
	const char *id;
	int http = 0, status;

	json_free(s->doc);
	s->doc = NULL;
	if (s->is_cut && cut_count(&s->cut) > CHUNKS)
		s->is_cut = false;
	peer_path(&path, "files:start-upload", NULL);
	write_start(s, &body);
	status = peer_try(s->peer, "POST", &path, &body, &http, &s->doc);
	id = reply_str(s->doc, "uploadSessionId", "");
	if (status == STATUS_OK && (http != 200 || !*id || strlen(id) >= RESUME_ID)) {
		status = tally_refused(u->tally, u->path, http, s->doc);
	} else if (status == STATUS_OK) {
		strcpy(s->session, id);
		s->part_size = (uint64_t)reply_int(s->doc, "partSizeBytes", 0);
		if ((s->kept = (uint64_t)u->st.st_size > KEEP))
			resume_keep(s->key, s->session);
	} else {
		tally_said(u->tally, status, u->path);
	}
	buf_release(&path);
	buf_release(&body);
	return status;
}

/* ---- parts ---- */

static int
read_part(void *arg, uint64_t offset, void *bytes, size_t len)
{
	struct part *p = arg;
	const struct sender *u = p->s->u;

	if (offset < p->sent) {	/* curl begins again */
		tally_spare(u->tally, -(int64_t)p->sent);
		digest_reset(p->digest);
		p->sent = 0;
	}
	if (fio_pread(u->fd, u->local, bytes, len, p->offset + offset) != 0)
		return tally_error(u->tally, STATUS_FAILED, u->local, "it became shorter while it was read, or can't be read"), ERR_IO;
	digest_update(p->digest, bytes, len);
	tally_move(u->tally, len);
	p->sent = offset + len;
	return stop_asked() ? ERR_END : 0;
}

static int
again(void *arg, struct client_bytes *b, bool *progress)
{
	struct part *p = arg;

	(void)b;
	*progress = false;
	tally_spare(p->s->u->tally, -(int64_t)p->sent);
	digest_reset(p->digest);
	p->sent = 0;
	return STATUS_OK;
}

static void
note(struct sending *s, int status)
{
	int none = STATUS_OK;

	(void)atomic_compare_exchange_strong(&s->status, &none, status);
}

/* A URL whose time is over is no failure: the next round has another. */
static void
judge(struct part *p, int status, int http, const struct json *doc)
{
	const struct sender *u = p->s->u;
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	if (status == PEER_BODY) {	/* read_part() has told why */
		note(p->s, STATUS_FAILED);
	} else if (status != STATUS_OK) {
		note(p->s, tally_said(u->tally, status, u->path));
	} else if (http == 403 && !strcmp(reply_str(reply_get(doc, "error"), "code", ""), "ticket_expired")) {
		tally_spare(u->tally, -(int64_t)p->sent);
	} else if (http != 200) {
		note(p->s, tally_refused(u->tally, u->path, http, doc));
	} else {
		digest_final(p->digest, hash);
		hex_encode(hash, sizeof(hash), hex);
		if (strcmp(reply_str(doc, "sha256", hex), hex) != 0)
			note(p->s, tally_error(u->tally, STATUS_INTEGRITY, u->path, "part %u arrived as other bytes than were sent", p->number));
		else
			atomic_fetch_add(&p->s->arrived, 1);
	}
}

static void
run_part(struct task *task, struct peer *peer)
{
	struct part *p = (struct part *)task;
	struct client_bytes b = { .method = "PUT", .target = p->url, .ticket = true, .size = p->size, .read = read_part, .arg = p };
	struct json *doc = NULL;
	int http = 0, status;

	if (!atomic_load(&p->s->status)) {
		if (digest_new(DIGEST_SHA256, &p->digest) != 0) {
			note(p->s, tally_error(p->s->u->tally, STATUS_FAILED, p->s->u->path, "out of memory"));
		} else {
			status = peer_transfer(peer, &b, again, p, &http, &doc);
			judge(p, status, http, doc);
			json_free(doc);
		}
	}
	digest_free(p->digest);
	free(p->url);
	free(p);
}

static bool
place(const struct sending *s, unsigned number, uint64_t *offset, uint64_t *size)
{
	const uint64_t all = (uint64_t)s->u->st.st_size;

	if (!s->part_size) {
		if (!number || number > cut_count(&s->cut))
			return false;
		*offset = cut_at(&s->cut, number - 1)->offset;
		*size = cut_at(&s->cut, number - 1)->bytes;
		return true;
	}
	*offset = (number - 1) * s->part_size;
	*size = all - *offset < s->part_size ? all - *offset : s->part_size;
	return number && (*offset < all || !all);
}

/* All parts that the last reply has targets for; *highest of them. */
static int
send_targets(struct sending *s, unsigned *highest)
{
	const struct json *t = reply_first(reply_array(s->doc, "uploadTargets"));

	for (; t && !stop_asked() && !atomic_load(&s->status); t = json_next(t)) {
		const char *url = reply_str(t, "url", NULL);
		struct part *p = calloc(1, sizeof(*p));

		if (!p || !url || !(p->url = strdup(url))) {
			free(p);
			return tally_error(s->u->tally, STATUS_FAILED, s->u->path, "out of memory, or a reply of another version");
		}
		p->task.run = run_part;
		p->s = s;
		p->number = (unsigned)reply_int(t, "partNumber", 0);
		if (!place(s, p->number, &p->offset, &p->size)) {
			free(p->url);
			free(p);
			return tally_error(s->u->tally, STATUS_FAILED, s->u->path, "the server asks for a part that there is not");
		}
		*highest = p->number;
		if (s->crew)
			crew_add(s->crew, &p->task);
		else
			run_part(&p->task, s->peer);
	}
	if (s->crew)
		crew_wait(s->crew);
	if (stop_asked())
		return stop_asked();
	return atomic_load(&s->status);
}

static int
send_all(struct sending *s)
{
	unsigned rounds = 0, highest = 0, before, arrived, targets;
	bool first = true, to_end = true, all = true;
	int http = 0, status;

	for (;;) {
		/* The reply to the start has the first targets; once the end is reached, what was missed is asked for. */
		if (!reply_first(reply_array(s->doc, "uploadTargets"))) {
			if (to_end && !first)
				return STATUS_OK;
			highest = 0, to_end = true;
		} else {
			before = atomic_load(&s->arrived);
			targets = (unsigned)json_array_len(reply_array(s->doc, "uploadTargets"));
			if ((status = send_targets(s, &highest)) != STATUS_OK)
				return status;
			arrived = atomic_load(&s->arrived) - before;
			all = all && arrived == targets;
			if (all && targets < TARGETS)
				return STATUS_OK;
			to_end = false;
			rounds = arrived ? 0 : rounds + 1;
			if (rounds == ROUNDS)
				return tally_error(s->u->tally, STATUS_FAILED, s->u->path, "parts that were sent do not arrive");
		}
		first = false;
		if ((status = ask(s, to_end ? 0 : highest + 1, &http)) != STATUS_OK)
			return tally_said(s->u->tally, status, s->u->path);
		if (http != 200)
			return tally_refused(s->u->tally, s->u->path, http, s->doc);
	}
}

/* ---- the end ---- */

static int
abort_it(struct sending *s)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int http = 0;

	peer_path(&path, "uploads", s->session, NULL);
	(void)peer_try(s->peer, "DELETE", &path, NULL, &http, &doc);
	json_free(doc);
	buf_release(&path);
	if (s->kept)
		resume_forget(s->key);
	return tally_error(s->u->tally, STATUS_FAILED, s->u->local, "it was changed while it was read; put it again");
}

static bool
changed(const struct sender *u)
{
	struct stat now;

	return fstat(u->fd, &now) != 0 || now.st_size != u->st.st_size || now.st_mtim.tv_sec != u->st.st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != u->st.st_mtim.tv_nsec;
}

static int
complete(struct sending *s)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	const struct sender *u = s->u;
	struct json *doc = NULL;
	struct json_out j;
	int http = 0, status;

	peer_path(&path, "files:complete-upload", NULL);
	json_out_init(&j, &body, false);
	json_object_begin(&j);
	json_key_str(&j, "uploadSessionId", s->session);
	json_object_end(&j);
	if ((status = peer_try(s->peer, "POST", &path, &body, &http, &doc)) != STATUS_OK) {
		tally_said(u->tally, status, u->path);
	} else if (http != 200 && http != 201) {
		status = tally_refused(u->tally, u->path, http, doc);
		/* Someone was faster: what was sent is of no use under the same base. */
		if (s->kept && http != 503 && http != 507)
			resume_forget(s->key);
	} else {
		if (s->kept)
			resume_forget(s->key);
		tally_item(u->tally, &(struct tally_item) { .action = reply_bool(doc, "unchanged", false) ? "unchanged" : "put",
		    .from = u->local, .to = u->path, .version = reply_str(doc, "versionId", NULL), .bytes = (uint64_t)u->st.st_size });
	}
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

/* Bytes that the server has already count as done. */
static void
spare_what_is_there(struct sending *s)
{
	const struct json *missing = reply_array(s->doc, "missing"), *m = reply_first(missing);
	uint64_t need = 0;

	for (const struct json *p = reply_first(reply_array(s->doc, "parts")); p && s->part_size; p = json_next(p))
		tally_spare(s->u->tally, reply_int(p, "sizeBytes", 0));
	if (s->part_size || !missing)
		return;
	for (; m; m = json_next(m)) {
		int64_t i;

		if (json_as_int(m, 0, (int64_t)cut_count(&s->cut) - 1, &i) == 0)
			need += cut_at(&s->cut, (size_t)i)->bytes;
	}
	tally_spare(s->u->tally, (int64_t)((uint64_t)s->u->st.st_size - need));
}

static int
unchanged(struct sending *s)
{
	const struct sender *u = s->u;
	char hex[2 * SHA256_SIZE + 1];

	hex_encode(s->cut.hash, SHA256_SIZE, hex);
	if (!u->base_hash || !str_starts(u->base_hash, "sha256:") || strcmp(u->base_hash + 7, hex) != 0)
		return 0;
	tally_spare(u->tally, (int64_t)u->st.st_size);
	tally_item(u->tally, &(struct tally_item) { .action = "unchanged", .from = u->local, .to = u->path, .version = u->base,
	    .bytes = (uint64_t)u->st.st_size });
	return 1;
}

int
sender_send(const struct sender *u, struct peer *peer, struct crew *crew)
{
	struct sending s = { .u = u, .peer = peer, .crew = crew, .cut = CUT_INIT };
	bool found = false;
	int status = STATUS_OK;

	make_key(&s);
	if ((uint64_t)u->st.st_size > KEEP)
		status = find_session(&s, &found);
	/* A file of several parts goes by chunks from the first time on: those of parts end where the parts do. */
	if (status == STATUS_OK && !found && (u->base || (uint64_t)u->st.st_size > KEEP) && (uint64_t)u->st.st_size <= CUT_MAX &&
	    u->st.st_size && (status = cut_it(&s)) == STATUS_OK && unchanged(&s))
		goto out;
	if (status == STATUS_OK && !found)
		status = start(&s);
	if (status == STATUS_OK) {
		spare_what_is_there(&s);
		status = send_all(&s);
	}
	if (status == STATUS_OK)
		status = changed(u) ? abort_it(&s) : complete(&s);
out:
	json_free(s.doc);
	cut_release(&s.cut);
	return tally_outcome(u->tally, status, u->path);
}

int
sender_open(const struct sender *u, struct peer *peer)
{
	struct sender opened = *u;
	int status;

	if ((opened.fd = open(u->local, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) < 0)
		return tally_error(u->tally, STATUS_FAILED, u->local, "it can't be read: %m");
	status = sender_send(&opened, peer, NULL);
	fio_close(&opened.fd);
	return status;
}
