#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arrived.h"
#include "clock.h"
#include "ctl.h"
#include "cut.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "peer.h"
#include "remote.h"
#include "reply.h"
#include "sending.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

#define BODY_MAX (4u << 20)
#define NAME_BYTES 255
#define CHUNKS 10000		/* that a start can list */
#define CUT_MAX ((uint64_t)16 << 30)	/* longer files have more chunks than that */
#define PLACE_MAX 32768		/* bytes of what names one */
#define KEEP (8u << 20)		/* shorter files are simply sent again, as one part */

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
	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return "its name stands for a folder itself";
	if (strlen(name) > NAME_BYTES)
		return "its name is longer than 255 bytes";
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			return "its name has a control character";
	return utf8_valid(name, strlen(name)) ? NULL : "its name is not UTF-8";
}

const char *
sender_path_reason(const char *path)
{
	char name[NAME_BYTES + 2];	/* one that is too long shows as such */
	const char *why = NULL;

	for (const char *p = path; *p && !why; p += strcspn(p, "/"), p += strspn(p, "/")) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, "/"), p);
		why = sender_name_reason(name);
	}
	return why;
}

/* ---- the file ---- */

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
sender_is_same(int fd, struct stat *st)
{
	struct stat now;

	if (fstat(fd, &now) != 0 || now.st_dev != st->st_dev || now.st_size != st->st_size || !same_time(&now.st_mtim, &st->st_mtim))
		return false;
	/* Some file systems number a file anew when it is looked at again; the time of its last change nobody can set. */
	if (now.st_ino != st->st_ino && !same_time(&now.st_ctim, &st->st_ctim))
		return false;
	*st = now;
	return true;
}

bool
sender_is_untouched(int fd, const struct stat *st)
{
	struct stat now = *st;

	return sender_is_same(fd, &now) && same_time(&now.st_ctim, &st->st_ctim);
}

/* ---- the session ---- */

/* A store is the same one however it is named. */
static struct resume *
take_place(const struct sender *u)
{
	const struct ctl *ctl = u->to->ctl;
	char *dir = ctl->endpoint ? NULL : realpath(ctl->dir, NULL);
	struct buf place = BUF_INIT(PLACE_MAX);
	struct resume *r = NULL;

	buf_addf(&place, "%s %s %s", ctl->endpoint ? ctl->endpoint : dir ? dir : ctl->dir, u->to->id, u->path);
	if (buf_finish(&place) == 0)
		r = resume_take(place.data);
	buf_release(&place);
	free(dir);
	return r;
}

/*
 * All that the server began it with, so that a session goes on only where a new one would
 * do the same. A path can lead to another folder or file than it did, and the file have
 * another version. A file here is another one when it was written to, whatever its size
 * and time are since: its last change can't be set back. Its number may be another one
 * each time it is looked at (sender_is_same()).
 */
static void
write_of(const struct sender *u, struct buf *of)
{
	const struct stat *st = &u->st;

	buf_addf(of, "%" PRIu64 " %" PRId64 ".%09ld %" PRId64 ".%09ld %s %s", (uint64_t)st->st_size, (int64_t)st->st_mtim.tv_sec,
	    (long)st->st_mtim.tv_nsec, (int64_t)st->st_ctim.tv_sec, (long)st->st_ctim.tv_nsec, u->file ? u->file : u->parent, u->file ? u->base ? u->base : "" : u->name);
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

/* Nobody goes on with it: what it holds counts in the quota for as long as it is open. */
static void
drop_session(struct sending *s)
{
	struct buf path = BUF_INIT(CTL_PATH);

	peer_path(&path, "uploads", s->session, NULL);
	if (peer_drop(s->peer, &path))
		resume_forget(s->resume);
	buf_release(&path);
	*s->session = '\0';
	s->kept = false;
}

/* What was asked for is the session as it has to be. */
static bool
is_open(const struct sending *s, int http)
{
	return http == 200 && !strcmp(reply_str(s->doc, "status", ""), "open") &&
	       reply_int(s->doc, "sizeBytes", -1) == (int64_t)s->u->st.st_size;
}

/*
 * The earlier command may have been killed before it saw that a part had arrived as other
 * bytes, and nobody else would notice: of a file that goes in parts the server has no hash.
 */
static int
check_parts(struct sending *s)
{
	bool right = false;
	int status = arrived_compare(s, &right);

	if (status != STATUS_OK || right)
		return status;
	drop_session(s);
	s->went_on = false;
	return STATUS_OK;
}

/* A session that an earlier command left: s->went_on. One that does not fit is of no use to anybody. */
static int
find_session(struct sending *s)
{
	const struct sender *u = s->u;
	const char *id = resume_session(s->resume);
	int http = 0, status;

	if (!id)
		return STATUS_OK;
	strcpy(s->session, id);
	s->kept = true;
	if (!resume_is_of(s->resume, s->of.data)) {
		drop_session(s);
		return STATUS_OK;
	}
	if ((status = sending_ask(s, 0, &http)) != STATUS_OK)
		return tally_said(u->tally, status, u->path);
	if (sending_is_for_now(http))
		return tally_refused(u->tally, u->path, http, s->doc);
	if (!is_open(s, http)) {
		drop_session(s);
		return STATUS_OK;
	}
	s->part_size = (uint64_t)reply_int(s->doc, "partSizeBytes", 0);
	s->went_on = true;
	return s->part_size ? check_parts(s) : s->is_cut ? STATUS_OK : cut_it(s);
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
		s->kept = resume_keep(s->resume, s->session, s->of.data);
	} else {
		tally_said(u->tally, status, u->path);
	}
	buf_release(&path);
	buf_release(&body);
	return status;
}

/* ---- the end ---- */

static int
abort_it(struct sending *s)
{
	drop_session(s);
	return tally_error(s->u->tally, STATUS_FAILED, s->u->local, "it was changed while it was read; put it again");
}

/* Whether it can't be completed by asking again. */
static bool
is_refusal(int http, const char *code)
{
	return !sending_is_for_now(http) && strcmp(code, "idempotency_running") != 0 && strcmp(code, "incomplete_upload") != 0;
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
	} else if (http == 400 && s->went_on) {
		status = SENDING_ANEW;
	} else if (http != 200 && http != 201) {
		status = tally_refused(u->tally, u->path, http, doc);
		atomic_store(&s->refused, is_refusal(http, reply_str(reply_get(doc, "error"), "code", "")));
	} else {
		resume_forget(s->resume);
		tally_item(u->tally, &(struct tally_item) { .action = reply_bool(doc, "unchanged", false) ? "unchanged" : "put",
		    .from = u->local, .to = u->path, .version = reply_str(doc, "versionId", NULL), .bytes = (uint64_t)u->st.st_size });
	}
	json_free(doc);
	buf_release(&path);
	buf_release(&body);
	return status;
}

static void
spare(struct sending *s, uint64_t bytes)
{
	tally_spare(s->u->tally, (int64_t)bytes);
	atomic_fetch_add(&s->counted, bytes);
}

/* Bytes that the server has already count as done. */
static void
spare_what_is_there(struct sending *s)
{
	const struct json *missing = reply_array(s->doc, "missing"), *m = reply_first(missing);
	uint64_t need = 0;

	for (const struct json *p = reply_first(reply_array(s->doc, "parts")); p && s->part_size; p = json_next(p))
		spare(s, (uint64_t)reply_int(p, "sizeBytes", 0));
	if (s->part_size || !missing)
		return;
	for (; m; m = json_next(m)) {
		int64_t i;

		if (json_as_int(m, 0, (int64_t)cut_count(&s->cut) - 1, &i) == 0)
			need += cut_at(&s->cut, (size_t)i)->bytes;
	}
	spare(s, (uint64_t)s->u->st.st_size - need);
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

/* *same: the version there has these bytes, so no session is needed. */
static int
begin(struct sending *s, bool *same)
{
	const struct sender *u = s->u;
	const uint64_t size = (uint64_t)u->st.st_size;
	int status = STATUS_OK;

	/* A file of several parts goes by chunks from the first time on: those of parts end where the parts do. */
	if (!s->is_cut && (u->base || size > KEEP) && size <= CUT_MAX && size)
		status = cut_it(s);
	if (status != STATUS_OK)
		return status;
	*same = s->is_cut && unchanged(s);
	return *same ? STATUS_OK : start(s);
}

static int
go(struct sending *s)
{
	bool still = false;
	int status;

	spare_what_is_there(s);
	if ((status = sending_parts(s)) != STATUS_OK || (status = arrived_still(s, &still)) != STATUS_OK)
		return status;
	return still ? complete(s) : abort_it(s);
}

/* What was sent so far is of no use. */
static void
give_up(struct sending *s)
{
	drop_session(s);
	tally_spare(s->u->tally, -(int64_t)atomic_exchange(&s->counted, 0));
	atomic_store(&s->status, STATUS_OK);
	atomic_store(&s->refused, false);
	s->went_on = false;
}

/* No command can go on with it: by what is kept of it (write_of()) a file that was touched since is another one. */
static bool
is_over(struct sending *s)
{
	return !s->kept || atomic_load(&s->refused) || atomic_load(&s->bad) || !sender_is_untouched(s->u->fd, &s->u->st);
}

int
sender_send(const struct sender *u, struct peer *peer, struct crew *crew)
{
	struct sending s = { .u = u, .peer = peer, .crew = crew, .cut = CUT_INIT, .of = BUF_INIT(PLACE_MAX) };
	bool same = false;
	int status;

	write_of(u, &s.of);
	if ((uint64_t)u->st.st_size > KEEP && !u->once && buf_finish(&s.of) == 0)
		s.resume = take_place(u);
	status = find_session(&s);
	if (status == STATUS_OK && !s.went_on)
		status = begin(&s, &same);
	if (status == STATUS_OK && !same)
		status = go(&s);
	if (status == SENDING_ANEW) {
		give_up(&s);
		if ((status = begin(&s, &same)) == STATUS_OK && !same)
			status = go(&s);
	}
	if (status != STATUS_OK && *s.session && is_over(&s)) {
		drop_session(&s);
		if (status_is_stop(status))
			tally_lost(u->tally);
	}
	json_free(s.doc);
	cut_release(&s.cut);
	resume_free(s.resume);
	buf_release(&s.of);
	return tally_outcome(u->tally, status, u->path);
}

int
sender_open(const struct sender *u, struct peer *peer, struct crew *crew)
{
	struct sender opened = *u;
	int status;

	if ((opened.fd = open(u->local, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (u->link ? 0 : O_NOFOLLOW))) < 0)
		return tally_error(u->tally, STATUS_FAILED, u->local, "it can't be read: %m");
	if (sender_is_same(opened.fd, &opened.st))
		status = sender_send(&opened, peer, crew);
	else
		status = tally_error(u->tally, STATUS_FAILED, u->local, "it was changed, or something else took its place; put it again");
	fio_close(&opened.fd);
	return status;
}
