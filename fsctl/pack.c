#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "crew.h"
#include "ctl.h"
#include "digest.h"
#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "pack.h"
#include "peer.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "sender.h"
#include "str.h"
#include "tally.h"

#define BODY_MAX (4u << 20)
#define PACK_MS 2000
#define READS 2			/* of a file that is touched meanwhile */
#define PACK_LIMITED (1u << 20)	/* under a time limit, where nobody knows how fast it goes */

struct entry {
	struct pack_file f;
	uint8_t hash[SHA256_SIZE];
	bool sent;		/* it is in the commit */
};

struct pack {
	struct task task;
	struct tally *tally;
	const struct remote *to;
	unsigned n;
	uint64_t bytes, most;
	struct buf body;	/* length and bytes, again and again */
	uint64_t moved;		/* of the body, by the running try */
	struct buf commit;
	struct entry entries[PACK_FILES];
};

static uint64_t
most_bytes(struct tally *tally, unsigned connections)
{
	const struct args *args = tally->ctl->args;
	const uint64_t rate = tally->throttle.rate;
	int64_t limit = 0, ms;
	double bytes;

	(void)args_duration(args, OPT_MAX_DURATION, &limit);
	if (!rate)
		return limit ? PACK_LIMITED : PACK_BYTES;
	ms = limit && limit / 4 < PACK_MS ? limit / 4 : PACK_MS;
	bytes = (double)rate * (double)ms / 1000 / connections;
	return bytes < PACK_BYTES ? (uint64_t)bytes : PACK_BYTES;
}

struct pack *
pack_new(struct tally *tally, const struct remote *to, unsigned connections)
{
	struct pack *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tally = tally;
	p->to = to;
	p->most = most_bytes(tally, connections);
	p->body.max = PACK_BYTES + PACK_FILES * 4 + (1u << 20);
	p->commit.max = BODY_MAX;
	return p;
}

bool
pack_fits(const struct pack *p, uint64_t size)
{
	return p->n < PACK_FILES && p->bytes + size <= p->most;
}

void
pack_add(struct pack *p, const struct pack_file *file)
{
	p->bytes += (uint64_t)file->st.st_size;
	p->entries[p->n++].f = *file;
}

/* ---- reading ---- */

static bool
is_there(const struct entry *e)
{
	char hex[2 * SHA256_SIZE + 1];

	hex_encode(e->hash, SHA256_SIZE, hex);
	return e->f.base_hash && str_starts(e->f.base_hash, "sha256:") && !strcmp(e->f.base_hash + 7, hex);
}

/* With other rights or another name since it is the same file, but its bytes may be of two times. */
static bool
read_file(struct entry *e, int fd, char *room)
{
	const size_t size = (size_t)e->f.st.st_size;

	for (int i = 0; i < READS; i++) {
		if (size && fio_pread(fd, e->f.local, room, size, 0) != 0)
			return false;
		if (sender_is_untouched(fd, &e->f.st))
			return true;
		if (!sender_is_same(fd, &e->f.st))
			return false;
	}
	return false;
}

/*
 * Appends the file's bytes to the body; what is there already, can't be read or changed
 * meanwhile is left out.
 */
static void
take_file(struct pack *p, struct entry *e)
{
	size_t size = (size_t)e->f.st.st_size, before = p->body.len;
	char *room = NULL;
	int fd = open(e->f.local, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		tally_error(p->tally, STATUS_FAILED, e->f.local, "it can't be read: %m");
		return;
	}
	if (!sender_is_same(fd, &e->f.st)) {
		tally_error(p->tally, STATUS_FAILED, e->f.local, "it was changed, or something else took its place; put it again");
		goto out;
	}
	if (size) {
		buf_addle(&p->body, size, 4);
		room = buf_room(&p->body, size);
	}
	if ((size && !room) || !read_file(e, fd, room)) {
		p->body.len = before;
		tally_error(p->tally, STATUS_FAILED, e->f.local, "it was changed while it was read, or can't be read");
		goto out;
	}
	digest_sha256(size ? room : "", size, e->hash);
	if (is_there(e)) {
		p->body.len = before;
		tally_spare(p->tally, (int64_t)size);
		tally_item(p->tally, &(struct tally_item) { .action = "unchanged", .from = e->f.local, .to = e->f.path,
		    .version = e->f.base, .bytes = size });
		goto out;
	}
	p->body.len += size;
	e->sent = true;
out:
	close(fd);
}

/* ---- sending ---- */

static int
read_body(void *arg, uint64_t offset, void *bytes, size_t len)
{
	struct pack *p = arg;

	memcpy(bytes, p->body.data + offset, len);
	tally_move(p->tally, len);
	p->moved += len;
	return 0;
}

/* For another try. */
static int
take_back(void *arg, struct client_bytes *b, bool *progress)
{
	struct pack *p = arg;

	(void)b, (void)progress;
	tally_spare(p->tally, -(int64_t)p->moved);
	p->moved = 0;
	return STATUS_OK;
}

/*
 * The right to one folder will do, so that who may write to that alone can send to it.
 * There is a file to send.
 */
static int
stage(struct pack *p, struct peer *peer, int *http, struct json **doc)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct client_bytes b = { .method = "POST", .size = p->body.len, .read = read_body, .arg = p,
		.most = throttle_step(&p->tally->throttle) };
	unsigned first = 0;
	int status;

	while (!p->entries[first].sent)
		first++;
	peer_path(&path, "chunks", NULL);
	peer_param(&path, "folderId", p->entries[first].f.parent);
	b.target = path.data;
	status = buf_finish(&path) || buf_finish(&p->body) ? say_error(STATUS_FAILED, "out of memory") :
	    peer_transfer(peer, &b, take_back, p, http, doc);
	buf_release(&path);
	return status;
}

static void
add_operation(struct json_out *j, const struct entry *e)
{
	char hex[2 * SHA256_SIZE + 1], mtime[CLOCK_TEXT], mode[8];

	hex_encode(e->hash, SHA256_SIZE, hex);
	sender_mtime(&e->f.st, mtime);
	sender_mode(&e->f.st, mode);
	json_object_begin(j);
	json_key_str(j, "op", e->f.file ? "version" : "create");
	if (e->f.file) {
		json_key_str(j, "fileId", e->f.file);
		json_key_str(j, "baseVersionId", e->f.base);
	} else {
		json_key_str(j, "parentFolderId", e->f.parent);
		json_key_str(j, "name", e->f.name);
	}
	json_key_uint(j, "sizeBytes", (uint64_t)e->f.st.st_size);
	json_key(j, "chunks");
	json_array_begin(j);
	if (e->f.st.st_size) {
		json_object_begin(j);
		json_key_str(j, "hash", hex);
		json_key_uint(j, "length", (uint64_t)e->f.st.st_size);
		json_object_end(j);
	}
	json_array_end(j);
	json_key_str(j, "sha256", hex);
	json_key_str(j, "mtime", mtime);
	json_key_str(j, "mode", mode);
	json_object_end(j);
}

static void
write_commit(struct pack *p, const char *staging)
{
	struct json_out j;

	json_out_init(&j, &p->commit, false);
	json_object_begin(&j);
	json_key_str(&j, "workspaceId", p->to->id);
	json_key_bool(&j, "atomic", false);
	json_key(&j, "stagingIds");
	json_array_begin(&j);
	if (staging)
		json_str(&j, staging);
	json_array_end(&j);
	json_key(&j, "operations");
	json_array_begin(&j);
	for (unsigned i = 0; i < p->n; i++)
		if (p->entries[i].sent)
			add_operation(&j, &p->entries[i]);
	json_array_end(&j);
	json_object_end(&j);
}

static void
tell_failure(struct tally *t, const char *path, const struct json *result)
{
	if (result)
		tally_refused(t, path, ctl_http(result), result);
	else
		tally_error(t, STATUS_FAILED, path, "the server did not say what became of it");
}

static void
take_results(struct pack *p, const struct json *doc)
{
	const struct json *r = reply_first(reply_array(doc, "results"));

	for (unsigned i = 0; i < p->n; i++) {
		const struct entry *e = &p->entries[i];

		if (!e->sent)
			continue;
		if (!strcmp(reply_str(r, "status", ""), "ok"))
			tally_item(p->tally, &(struct tally_item) { .action = reply_bool(r, "unchanged", false) ? "unchanged" : "put",
			    .from = e->f.local, .to = e->f.path, .version = reply_str(r, "versionId", NULL),
			    .bytes = (uint64_t)e->f.st.st_size });
		else
			tell_failure(p->tally, e->f.path, r);
		r = r ? json_next(r) : NULL;
	}
}

static void
fail_all(struct pack *p, int status, int http, const struct json *doc)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->entries[i].sent) {
			if (status == STATUS_OK)
				tally_refused(p->tally, p->entries[i].f.path, http, doc);
			else
				tally_said(p->tally, status, p->entries[i].f.path);
		}
}

static void
commit(struct pack *p, struct peer *peer, const char *staging)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int http = 0, status;

	peer_path(&path, "files:commit-batch", NULL);
	write_commit(p, staging);
	status = peer_try(peer, "POST", &path, &p->commit, &http, &doc);
	if (status == STATUS_OK && http == 200)
		take_results(p, doc);
	else
		fail_all(p, status, http, doc);
	json_free(doc);
	buf_release(&path);
}

/*
 * One by one: the first one's folder is not the caller's to write to, but those of others
 * may be, or files in them.
 */
static void
send_alone(struct pack *p, struct peer *peer)
{
	for (unsigned i = 0; i < p->n && !tally_stopped(p->tally); i++) {
		const struct pack_file *f = &p->entries[i].f;
		struct sender u = { .local = f->local, .path = f->path, .parent = f->parent, .name = f->name, .file = f->file,
			.base = f->base, .base_hash = f->base_hash, .st = f->st, .tally = p->tally, .to = p->to };

		if (p->entries[i].sent)
			(void)sender_open(&u, peer, NULL);
	}
}

static void
send_all(struct pack *p, struct peer *peer)
{
	struct json *staged = NULL;
	int http = 200, status = p->body.len ? stage(p, peer, &http, &staged) : STATUS_OK;

	if (status == STATUS_OK && http == 200) {
		commit(p, peer, reply_str(staged, "stagingId", NULL));
	} else if (status == STATUS_OK && (http == 403 || http == 404)) {
		tally_spare(p->tally, -(int64_t)p->moved);
		send_alone(p, peer);
	} else {
		fail_all(p, status, http, staged);
	}
	json_free(staged);
}

static void
run(struct task *task, struct peer *peer)
{
	struct pack *p = (struct pack *)task;
	bool any = false;

	for (unsigned i = 0; i < p->n && !tally_stopped(p->tally); i++) {
		take_file(p, &p->entries[i]);
		any = any || p->entries[i].sent;
	}
	if (any && !tally_stopped(p->tally))
		send_all(p, peer);
	buf_release(&p->body);
	buf_release(&p->commit);
	free(p);
}

void
pack_send(struct pack *p, struct crew *crew)
{
	p->task.run = run;
	crew_add(crew, &p->task);
}

/* ---- folders ---- */

static bool
has_place(const struct pack_folder *folders, long i, long from)
{
	const struct pack_folder *f = &folders[i];

	if (f->parent)
		return true;
	return f->above >= from ? folders[f->above].op >= 0 : folders[f->above].id != NULL;
}

/* Of those whose folder above is there or made by an earlier operation; gives their number. */
static long
write_folders(struct json_out *j, const struct remote *to, struct pack_folder *folders, long from, long n)
{
	long ops = 0;

	json_object_begin(j);
	json_key_str(j, "workspaceId", to->id);
	json_key_bool(j, "atomic", false);
	json_key(j, "operations");
	json_array_begin(j);
	for (long i = from; i < from + n; i++) {
		struct pack_folder *f = &folders[i];

		f->op = -1;
		if (!has_place(folders, i, from))
			continue;
		f->op = ops++;
		json_object_begin(j);
		json_key_str(j, "op", "folder");
		if (f->parent)
			json_key_str(j, "parentFolderId", f->parent);
		else if (f->above >= from)
			json_key_int(j, "parentOp", folders[f->above].op);
		else
			json_key_str(j, "parentFolderId", folders[f->above].id);
		json_key_str(j, "name", f->name);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	return ops;
}

static int
take_ids(struct tally *t, const struct json *doc, struct pack_folder *folders, long n)
{
	const struct json *r = reply_first(reply_array(doc, "results"));

	for (long i = 0; i < n; i++) {
		/* Another may have made it meanwhile. */
		const char *id = reply_str(r, "id", reply_str(reply_get(r, "error"), "existingId", NULL));

		if (folders[i].op < 0)
			continue;
		if (!id || !str_starts(id, "fld_"))
			tell_failure(t, folders[i].path, r);
		else if (!(folders[i].id = strdup(id)))
			return say_error(STATUS_FAILED, "out of memory");
		r = r ? json_next(r) : NULL;
	}
	return STATUS_OK;
}

int
pack_folders(struct tally *t, const struct remote *to, struct pack_folder *folders, long n)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	int status = STATUS_OK;

	peer_path(&path, "files:commit-batch", NULL);
	for (long from = 0; from < n && status == STATUS_OK; from += PACK_FILES) {
		long some = n - from < PACK_FILES ? n - from : PACK_FILES;
		struct json *doc = NULL;
		struct json_out j;

		buf_clear(&body);
		json_out_init(&j, &body, false);
		if (write_folders(&j, to, folders, from, some) == 0)
			continue;
		if ((status = peer_call(to->peer, "POST", &path, &body, &doc)) == STATUS_OK)
			status = take_ids(t, doc, folders + from, some);
		json_free(doc);
	}
	buf_release(&path);
	buf_release(&body);
	return status;
}
