#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	uint64_t bytes;
	struct buf body;	/* length and bytes, again and again */
	struct buf commit;
	struct entry entries[PACK_FILES];
};

struct pack *
pack_new(struct tally *tally, const struct remote *to)
{
	struct pack *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tally = tally;
	p->to = to;
	p->body.max = PACK_BYTES + PACK_FILES * 4 + (1u << 20);
	p->commit.max = BODY_MAX;
	return p;
}

bool
pack_fits(const struct pack *p, uint64_t size)
{
	return p->n < PACK_FILES && p->bytes + size <= PACK_BYTES;
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

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Appends the file's bytes to the body; what is there already, can't be read or changed meanwhile is left out. */
static void
take_file(struct pack *p, struct entry *e)
{
	size_t size = (size_t)e->f.st.st_size, before = p->body.len;
	struct stat now;
	char *room = NULL;
	int fd = open(e->f.local, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0) {
		tally_error(p->tally, STATUS_FAILED, e->f.local, "it can't be read: %m");
		return;
	}
	if (size) {
		buf_addle(&p->body, size, 4);
		room = buf_room(&p->body, size);
	}
	if ((size && !room) || (size && fio_pread(fd, e->f.local, room, size, 0) != 0) || fstat(fd, &now) != 0 ||
	    !same_file(&now, &e->f.st)) {
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
	return 0;
}

static int
stage(struct pack *p, struct peer *peer, struct json **doc)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct client_bytes b = { .method = "POST", .size = p->body.len, .read = read_body, .arg = p };
	int http = 0, status;

	peer_path(&path, "chunks", NULL);
	peer_param(&path, "workspaceId", p->to->id);
	b.target = path.data;
	status = buf_finish(&path) || buf_finish(&p->body) ? say_error(STATUS_FAILED, "out of memory") :
	    peer_transfer(peer, &b, NULL, NULL, &http, doc);
	if (status == STATUS_OK && http != 200)
		status = tally_refused(p->tally, "sending a batch of files", http, *doc);
	else if (status != STATUS_OK)
		tally_said(p->tally, status, "sending a batch of files");
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
			tally_error(p->tally, STATUS_FAILED, e->f.path, "%s",
			    reply_str(reply_get(r, "error"), "message", "the server did not say what became of it"));
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

static void
run(struct task *task, struct peer *peer)
{
	struct pack *p = (struct pack *)task;
	struct json *staged = NULL;
	bool any = false;
	int status = STATUS_OK;

	for (unsigned i = 0; i < p->n; i++) {
		take_file(p, &p->entries[i]);
		any = any || p->entries[i].sent;
	}
	if (any && p->body.len)
		status = stage(p, peer, &staged);
	if (any && status == STATUS_OK)
		commit(p, peer, reply_str(staged, "stagingId", NULL));
	json_free(staged);
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

static void
write_folders(struct json_out *j, const struct remote *to, const struct pack_folder *folders, unsigned long from, unsigned long n)
{
	json_object_begin(j);
	json_key_str(j, "workspaceId", to->id);
	json_key_bool(j, "atomic", false);
	json_key(j, "operations");
	json_array_begin(j);
	for (unsigned long i = from; i < from + n; i++) {
		const struct pack_folder *f = &folders[i];

		json_object_begin(j);
		json_key_str(j, "op", "folder");
		if (f->parent)
			json_key_str(j, "parentFolderId", f->parent);
		else if (f->above >= (long)from)
			json_key_int(j, "parentOp", f->above - (long)from);
		else
			json_key_str(j, "parentFolderId", folders[f->above].id);
		json_key_str(j, "name", f->name);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static int
take_ids(const struct json *doc, struct pack_folder *folders, unsigned long n)
{
	const struct json *r = reply_first(reply_array(doc, "results"));

	for (unsigned long i = 0; i < n; i++, r = r ? json_next(r) : NULL) {
		const struct json *error = reply_get(r, "error");
		const char *id = reply_str(r, "id", reply_str(r, "folderId", reply_str(error, "existingId", NULL)));

		/* Another may have made it meanwhile. */
		if (!id || !str_starts(id, "fld_"))
			return say_error(STATUS_FAILED, "folder %s: %s", folders[i].name,
			    reply_str(error, "message", "the server did not say what became of it"));
		if (!(folders[i].id = strdup(id)))
			return say_error(STATUS_FAILED, "out of memory");
	}
	return STATUS_OK;
}

int
pack_folders(struct peer *peer, const struct remote *to, struct pack_folder *folders, unsigned long n)
{
	struct buf path = BUF_INIT(CTL_PATH), body = BUF_INIT(BODY_MAX);
	int status = STATUS_OK;

	peer_path(&path, "files:commit-batch", NULL);
	for (unsigned long from = 0; from < n && status == STATUS_OK; from += PACK_FILES) {
		unsigned long some = n - from < PACK_FILES ? n - from : PACK_FILES;
		struct json *doc = NULL;
		struct json_out j;

		buf_clear(&body);
		json_out_init(&j, &body, false);
		write_folders(&j, to, folders, from, some);
		if ((status = peer_call(peer, "POST", &path, &body, &doc)) == STATUS_OK)
			status = take_ids(doc, folders + from, some);
		json_free(doc);
	}
	buf_release(&path);
	buf_release(&body);
	return status;
}
