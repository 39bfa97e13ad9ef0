#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "ctl.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "peer.h"
#include "reply.h"
#include "sending.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

#define TARGETS 100		/* of one reply, if there are so many */
#define ROUNDS 5		/* of asking what is missing, without any part arriving */

struct part {
	struct task task;
	struct sending *s;
	char *url;
	unsigned number;
	uint64_t offset, size, sent;
	struct digest *digest;
};

int
sending_ask(struct sending *s, unsigned from, int *http)
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

bool
sending_is_for_now(int http)
{
	return http == 401 || http == 429 || http >= 500;
}

/* Whether this is the file's first failure: then it is the caller's to tell, and to say which it is. */
static bool
is_first(struct sending *s)
{
	int none = STATUS_OK;

	return atomic_compare_exchange_strong(&s->status, &none, STATUS_FAILED);
}

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
	if (fio_pread(u->fd, u->local, bytes, len, p->offset + offset) != 0) {
		if (is_first(p->s))
			tally_error(u->tally, STATUS_FAILED, u->local, "it became shorter while it was read, or can't be read");
		return ERR_IO;
	}
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

/* Other bytes than were sent are told whatever failed before: of what is sent in parts the server knows no hash but these. */
static void
take_arrival(struct part *p, const struct json *doc)
{
	struct sending *s = p->s;
	char hex[2 * SHA256_SIZE + 1];
	uint8_t hash[SHA256_SIZE];

	digest_final(p->digest, hash);
	hex_encode(hash, sizeof(hash), hex);
	if (!strcmp(reply_str(doc, "sha256", hex), hex)) {
		atomic_fetch_add(&s->arrived, 1);
		atomic_fetch_add(&s->counted, p->size);
		return;
	}
	if (!atomic_exchange(&s->bad, true))
		tally_error(s->u->tally, STATUS_INTEGRITY, s->u->path, "part %u arrived as other bytes than were sent", p->number);
	atomic_store(&s->status, STATUS_INTEGRITY);
}

/* A URL whose time is over is no failure: the next round has another. */
static void
judge(struct part *p, int status, int http, const struct json *doc)
{
	const struct sender *u = p->s->u;
	atomic_int *first = &p->s->status;

	if (status == PEER_BODY)	/* read_part() has told why */
		return;
	if (status != STATUS_OK) {
		if (is_first(p->s))
			atomic_store(first, tally_said(u->tally, status, u->path));
	} else if (http == 403 && !strcmp(reply_str(reply_get(doc, "error"), "code", ""), "ticket_expired")) {
		tally_spare(u->tally, -(int64_t)p->sent);
	} else if (http == 400 && p->s->went_on) {
		tally_spare(u->tally, -(int64_t)p->sent);
		if (is_first(p->s))
			atomic_store(first, SENDING_ANEW);
	} else if (http != 200) {
		/* Not what says that its bytes are wrong: they may have become so on their way. */
		if (http == 403 || http == 404 || http == 413)
			atomic_store(&p->s->refused, true);
		if (is_first(p->s))
			atomic_store(first, tally_refused(u->tally, u->path, http, doc));
	} else {
		take_arrival(p, doc);
	}
}

static void
run_part(struct task *task, struct peer *peer)
{
	struct part *p = (struct part *)task;
	struct client_bytes b = { .method = "PUT", .target = p->url, .ticket = true, .size = p->size, .read = read_part, .arg = p,
		.most = throttle_step(&p->s->u->tally->throttle) };
	struct json *doc = NULL;
	int http = 0, status;

	if (!atomic_load(&p->s->status)) {
		if (digest_new(DIGEST_SHA256, &p->digest) != 0) {
			if (is_first(p->s))
				tally_error(p->s->u->tally, STATUS_FAILED, p->s->u->path, "out of memory");
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

bool
sending_place(const struct sending *s, unsigned number, uint64_t *offset, uint64_t *size)
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

/* What a reply asks for can't be sent. */
static int
no_target(struct sending *s, int status, const char *why)
{
	if (is_first(s))
		atomic_store(&s->status, status == SENDING_ANEW ? status : tally_error(s->u->tally, status, s->u->path, "%s", why));
	return atomic_load(&s->status);
}

/* An exit status, said; SENDING_ANEW. */
static int
send_target(struct sending *s, const struct json *t, unsigned *highest)
{
	const char *url = reply_str(t, "url", NULL);
	struct part *p = calloc(1, sizeof(*p));

	if (!p || !url || !(p->url = strdup(url))) {
		free(p);
		return no_target(s, STATUS_FAILED, "out of memory, or a reply of another version");
	}
	p->task.run = run_part;
	p->s = s;
	p->number = (unsigned)reply_int(t, "partNumber", 0);
	if (!sending_place(s, p->number, &p->offset, &p->size)) {
		free(p->url);
		free(p);
		return no_target(s, s->went_on ? SENDING_ANEW : STATUS_FAILED, "the server asks for a part that there is not");
	}
	*highest = p->number;
	if (s->crew)
		crew_add(s->crew, &p->task);
	else
		run_part(&p->task, s->peer);
	return STATUS_OK;
}

/* All parts that the last reply has targets for; *highest of them. */
static int
send_targets(struct sending *s, unsigned *highest)
{
	const struct json *t = reply_first(reply_array(s->doc, "uploadTargets"));
	int status = STATUS_OK;

	for (; t && status == STATUS_OK && !stop_asked() && !atomic_load(&s->status); t = json_next(t))
		status = send_target(s, t, highest);
	/* The tasks point to what is the caller's. */
	if (s->crew)
		crew_wait(s->crew);
	if (status != STATUS_OK)
		return status;
	if (stop_asked())
		return stop_asked();
	return atomic_load(&s->status);
}

int
sending_parts(struct sending *s)
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
		if ((status = sending_ask(s, to_end ? 0 : highest + 1, &http)) != STATUS_OK)
			return tally_said(s->u->tally, status, s->u->path);
		if (http != 200)
			return tally_refused(s->u->tally, s->u->path, http, s->doc);
	}
}
