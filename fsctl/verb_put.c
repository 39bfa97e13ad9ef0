#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "ctl.h"
#include "disk.h"
#include "exit_status.h"
#include "fio.h"
#include "known.h"
#include "pack.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "sender.h"
#include "spool.h"
#include "stop.h"
#include "tally.h"
#include "verbs.h"

#define CONNECTIONS 4
#define CONNECTIONS_MAX 16
#define ALONE (8u << 20)	/* longer files have all connections to themselves */

struct put {
	struct tally tally;
	struct remote to;
	struct crew *crew;
	struct pack *pack;
	bool into;		/* operands keep their names below the target */
	bool recursive;
	int connections;
};

/* One file that a member of the crew sends. */
struct alone {
	struct task task;
	struct sender u;
	char *local, *path, *parent, *name, *file, *base, *hash;
};

/* ---- one file ---- */

static int
no_memory(struct put *put, const char *local)
{
	return tally_error(&put->tally, STATUS_FAILED, local, "out of memory");
}

static bool
is_same(const struct stat *st, const struct known_node *there)
{
	char mtime[CLOCK_TEXT];

	sender_mtime(st, mtime);
	return there && !there->folder && there->size == (uint64_t)st->st_size && there->mtime && !strcmp(there->mtime, mtime);
}

static void
free_alone(struct alone *a)
{
	if (!a)
		return;
	free(a->local);
	free(a->path);
	free(a->parent);
	free(a->name);
	free(a->file);
	free(a->base);
	free(a->hash);
	free(a);
}

static void
run_alone(struct task *task, struct peer *peer)
{
	struct alone *a = (struct alone *)task;

	if (!tally_stopped(a->u.tally))
		(void)sender_open(&a->u, peer, NULL);
	free_alone(a);
}

static bool
copy(char **to, const char *from)
{
	return !from || (*to = strdup(from)) != NULL;
}

static int
give_to_crew(struct put *put, const struct sender *u)
{
	struct alone *a = calloc(1, sizeof(*a));

	if (!a || !copy(&a->local, u->local) || !copy(&a->path, u->path) || !copy(&a->parent, u->parent) ||
	    !copy(&a->name, u->name) || !copy(&a->file, u->file) || !copy(&a->base, u->base) || !copy(&a->hash, u->base_hash)) {
		free_alone(a);
		return no_memory(put, u->local);
	}
	a->task.run = run_alone;
	a->u = *u;
	a->u.local = a->local;
	a->u.path = a->path;
	a->u.parent = a->parent;
	a->u.name = a->name;
	a->u.file = a->file;
	a->u.base = a->base;
	a->u.base_hash = a->hash;
	crew_add(put->crew, &a->task);
	return STATUS_OK;
}

static int
give_to_pack(struct put *put, const struct sender *u)
{
	const struct pack_file file = { u->local, u->path, u->parent, u->name, u->file, u->base, u->base_hash, u->st };

	if (put->pack && !pack_fits(put->pack, (uint64_t)u->st.st_size)) {
		pack_send(put->pack, put->crew);
		put->pack = NULL;
	}
	if (!put->pack && !(put->pack = pack_new(&put->tally, &put->to, (unsigned)put->connections)))
		return no_memory(put, u->local);
	pack_add(put->pack, &file);
	return STATUS_OK;
}

/* `many`: it is one of a folder's, whose names live until all is done. */
static int
send_file(struct put *put, struct sender *u, const struct known_node *there, bool many)
{
	int status;

	if (there && there->folder)
		return tally_error(&put->tally, STATUS_FAILED, u->local, "there is a folder at %s%s", u->path,
		    u->fd < 0 ? "" : "; - needs a name of its own there"), STATUS_OK;
	if (u->fd < 0 && is_same(&u->st, there)) {
		tally_spare(&put->tally, (int64_t)u->st.st_size);
		tally_item(&put->tally, &(struct tally_item) { .action = "unchanged", .from = u->local, .to = u->path,
		    .version = there->version, .bytes = (uint64_t)u->st.st_size });
		return STATUS_OK;
	}
	if (put->tally.dry) {
		tally_item(&put->tally, &(struct tally_item) { .action = "put", .from = u->local, .to = u->path,
		    .bytes = (uint64_t)u->st.st_size });
		return STATUS_OK;
	}
	u->tally = &put->tally;
	u->to = &put->to;
	if (there) {
		u->file = there->id;
		u->base = there->version;
		u->base_hash = there->hash;
		u->base_size = there->size;
	}
	if (many && (uint64_t)u->st.st_size <= put->to.min)
		return give_to_pack(put, u);
	if (many && (uint64_t)u->st.st_size <= ALONE)
		return give_to_crew(put, u);
	u->link = !many;
	status = u->fd < 0 ? sender_open(u, put->to.peer, put->crew) : sender_send(u, put->to.peer, put->crew);
	return status_is_stop(status) ? status : STATUS_OK;
}

/* Names that nothing can have are told before folders are made for them. */
static int
check_names(struct put *put, const char *local, const char *path)
{
	const char *why = sender_path_reason(path);

	return why ? tally_error(&put->tally, STATUS_FAILED, local, "it can't go to %s/%s: %s; give another name there", put->to.name,
	    path, why) : STATUS_OK;
}

/*
 * What is at a path there, as a list of one; and the id of the folder it is in, made if
 * there is none.
 */
static int
aim(struct put *put, const char *local, const char *path, struct known *there, char **parent)
{
	struct json *node = NULL;
	char *above = remote_above(path);
	int status = above ? check_names(put, local, path) : no_memory(put, local);

	if (status == STATUS_OK)
		status = remote_find(&put->to, path, &node);
	if (status == STATUS_OK && node)
		status = known_add(there, node, strlen(reply_str(node, "path", "")));
	if (status == STATUS_OK && node && there->nodes[0].folder)
		*parent = strdup("");
	else if (status == STATUS_OK && node)
		*parent = strdup(reply_str(node, "parentFolderId", ""));
	else if (status == STATUS_OK && !put->tally.dry)
		status = remote_folder(&put->to, above, parent);
	json_free(node);
	free(above);
	return status;
}

/* Where an operand goes: below the target under its own name, or to the target itself. */
static char *
target(const struct put *put, const char *local, bool into)
{
	size_t len = strlen(local);
	const char *name;
	char *own, *path;

	while (len > 1 && local[len - 1] == '/')
		len--;
	if (!(own = strndup(local, len)))
		return NULL;
	name = remote_base(own);
	path = into ? remote_join(put->to.path, name) : strdup(put->to.path);
	free(own);
	return path;
}

static int
put_one(struct put *put, const char *local, const struct stat *st, int fd)
{
	struct sender u = { .local = local, .st = *st, .fd = fd, .once = fd >= 0,
		.tally = &put->tally, .to = &put->to };
	struct known there = { 0 };
	char *path = target(put, local, put->into), *parent = NULL, *text = NULL;
	int status = path ? aim(put, local, path, &there, &parent) : no_memory(put, local);

	/* A folder of that name takes it in. */
	if (status == STATUS_OK && there.n && there.nodes[0].folder && !put->into && fd < 0) {
		known_release(&there);
		free(path);
		free(parent);
		parent = NULL;
		path = target(put, local, true);
		status = path ? aim(put, local, path, &there, &parent) : no_memory(put, local);
	}
	if (status == STATUS_OK && !(text = remote_text(&put->to, path)))
		status = no_memory(put, local);
	if (status == STATUS_OK) {
		u.path = text;
		u.parent = parent;
		u.name = remote_base(path);
		tally_expect(&put->tally, 1, (uint64_t)st->st_size);
		status = send_file(put, &u, there.n ? &there.nodes[0] : NULL, false);
	}
	known_release(&there);
	free(path);
	free(parent);
	free(text);
	return status;
}

/* ---- standard input ---- */

/* Its length has to be known first. */
static int
put_input(struct put *put)
{
	struct stat st;
	int fd = -1, status;

	if (put->to.folder)
		return say_error(STATUS_USAGE, "- needs a name there: WORKSPACE/path/name");
	if ((status = spool_input(&fd, &st)) == STATUS_OK)
		status = put_one(put, "-", &st, fd);
	fio_close(&fd);
	return status;
}

/* ---- a folder ---- */

struct folder {
	struct put *put;
	struct disk walk;
	struct known there;
	char *path;		/* where it goes, inside the workspace */
	size_t skip;		/* of the paths that the server tells */
	char **ids;		/* of walk's folders, by index; NULL: not made yet */
	char **texts;		/* WORKSPACE/path of each entry */
};

static int
take_node(void *arg, const struct json *node)
{
	struct folder *f = arg;

	return known_add(&f->there, node, f->skip);
}

/* What is there already. */
static int
learn(struct folder *f)
{
	struct json *node = NULL;
	int status = remote_find(&f->put->to, f->path, &node);

	if (status == STATUS_OK && node && strcmp(reply_str(node, "kind", ""), "folder") != 0)
		status = say_error(STATUS_USAGE, "%s/%s is a file; a folder can't go there", f->put->to.name, f->path);
	if (status == STATUS_OK && node) {
		const char *path = reply_str(node, "path", "");

		f->skip = *path ? strlen(path) + 1 : 0;
		if (!(f->ids[0] = strdup(reply_str(node, "id", ""))))
			status = say_error(STATUS_FAILED, "out of memory");
		else
			status = remote_tree(&f->put->to, f->ids[0], NULL, take_node, f);
	}
	known_sort(&f->there);
	json_free(node);
	return status;
}

/* The folders that are not there yet, all in as few commits as can be. */
static int
make_folders(struct folder *f)
{
	struct pack_folder *new = calloc(f->walk.n + 1, sizeof(*new));
	size_t *which = calloc(f->walk.n + 1, sizeof(*which));
	long *made = calloc(f->walk.n + 1, sizeof(*made)), n = 0;
	int status = new && which && made ? STATUS_OK : say_error(STATUS_FAILED, "out of memory");

	if (status == STATUS_OK && !f->ids[0] && !f->put->tally.dry)
		status = remote_folder(&f->put->to, f->path, &f->ids[0]);
	for (size_t i = 1; i < f->walk.n && status == STATUS_OK; i++) {
		const struct disk_entry *e = &f->walk.entries[i];
		const struct known_node *there = S_ISDIR(e->st.st_mode) ? known_find(&f->there, e->path) : NULL;

		if (!S_ISDIR(e->st.st_mode))
			continue;
		if (there && there->folder) {
			if (!(f->ids[i] = strdup(there->id)))
				status = say_error(STATUS_FAILED, "out of memory");
			continue;
		}
		new[n] = (struct pack_folder) { .path = f->texts[i], .name = remote_base(e->path), .parent = f->ids[e->above],
			.above = -1 };
		if (!new[n].parent)
			new[n].above = made[e->above];
		made[i] = n;
		which[n++] = i;
	}
	if (status == STATUS_OK && n && !f->put->tally.dry)
		status = pack_folders(&f->put->tally, &f->put->to, new, n);
	for (long i = 0; new && i < n; i++) {
		f->ids[which[i]] = new[i].id;
		if (new[i].id || f->put->tally.dry)
			tally_item(&f->put->tally, &(struct tally_item) { .action = "mkdir", .from = new[i].path });
	}
	free(new);
	free(which);
	free(made);
	return status;
}

static int
send_files(struct folder *f)
{
	int status = STATUS_OK;

	for (size_t i = 0; i < f->walk.n && status == STATUS_OK; i++) {
		const struct disk_entry *e = &f->walk.entries[i];
		struct sender u = { .local = e->local, .path = f->texts[i], .name = remote_base(e->path), .st = e->st, .fd = -1 };

		if (!S_ISREG(e->st.st_mode))
			continue;
		u.parent = f->ids[e->above];
		if (!u.parent && !f->put->tally.dry) {
			tally_error(&f->put->tally, STATUS_FAILED, u.path, "its folder could not be made");
			continue;
		}
		status = send_file(f->put, &u, known_find(&f->there, e->path), true);
		if (status == STATUS_OK)
			status = tally_stopped(&f->put->tally);
	}
	if (f->put->pack)
		pack_send(f->put->pack, f->put->crew);
	f->put->pack = NULL;
	crew_wait(f->put->crew);
	return status;
}

static int
prepare(struct folder *f, const char *local)
{
	uint64_t items = 0, bytes = 0;
	int status = disk_folder(&f->put->tally, local, &f->walk);

	if (status != STATUS_OK || !f->walk.n)
		return status;
	f->ids = calloc(f->walk.n, sizeof(*f->ids));
	f->texts = calloc(f->walk.n, sizeof(*f->texts));
	if (!f->ids || !f->texts || !f->path)
		return say_error(STATUS_FAILED, "out of memory");
	for (size_t i = 0; i < f->walk.n; i++) {
		char *path = remote_join(f->path, f->walk.entries[i].path);

		f->texts[i] = path ? remote_text(&f->put->to, path) : NULL;
		free(path);
		if (!f->texts[i])
			return say_error(STATUS_FAILED, "out of memory");
		items += S_ISREG(f->walk.entries[i].st.st_mode);
		bytes += S_ISREG(f->walk.entries[i].st.st_mode) ? (uint64_t)f->walk.entries[i].st.st_size : 0;
	}
	tally_expect(&f->put->tally, items, bytes);
	return STATUS_OK;
}

static int
put_folder(struct put *put, const char *local)
{
	struct folder f = { .put = put, .path = target(put, local, put->into) };
	int status = f.path ? check_names(put, local, f.path) : no_memory(put, local);

	if (status == STATUS_OK)
		status = prepare(&f, local);
	if (status == STATUS_OK && f.walk.n && (status = learn(&f)) == STATUS_OK && (status = make_folders(&f)) == STATUS_OK)
		status = send_files(&f);
	for (size_t i = 0; i < f.walk.n; i++) {
		if (f.ids)
			free(f.ids[i]);
		if (f.texts)
			free(f.texts[i]);
	}
	free(f.ids);
	free(f.texts);
	free(f.path);
	disk_release(&f.walk);
	known_release(&f.there);
	return status;
}

/* ---- the verb ---- */

static int
put_operand(struct put *put, const char *local, const char *to)
{
	struct ctl *ctl = put->to.ctl;
	struct stat st;

	snprintf(ctl->doing, sizeof(ctl->doing), "put %s %s", local, to);

	if (!strcmp(local, "-"))
		return put_input(put);
	if (stat(local, &st) != 0)
		return tally_error(&put->tally, STATUS_NOT_FOUND, local, "%m; expected files or folders that are here, or -");
	if (S_ISDIR(st.st_mode) && !put->recursive)
		return tally_error(&put->tally, STATUS_USAGE, local, "it is a folder: put -r sends it with all that is in it");
	if (S_ISDIR(st.st_mode))
		return put_folder(put, local);
	if (!S_ISREG(st.st_mode))
		return tally_error(&put->tally, STATUS_FAILED, local, "it is neither a file nor a folder");
	return put_one(put, local, &st, -1);
}

/* Of files alone the whole work is known from the beginning. */
static void
foresee(struct tally *tally, const struct args *args)
{
	uint64_t bytes = 0;
	struct stat st;
	int n = args->count - 1;

	for (int i = 0; i < n; i++) {
		if (stat(args->operand[i], &st) != 0 || !S_ISREG(st.st_mode))
			return;
		bytes += (uint64_t)st.st_size;
	}
	tally_expect_all(tally, (uint64_t)n, bytes);
}

int
verb_put(struct ctl *ctl, const struct args *args)
{
	const char *to = args->operand[args->count - 1];
	struct put put = { .recursive = args->given[OPT_RECURSIVE] != NULL, .connections = CONNECTIONS };
	int status;

	if ((status = args_count(args, OPT_CONNECTIONS, CONNECTIONS_MAX, &put.connections)) != STATUS_OK ||
	    (status = tally_init(&put.tally, ctl, "put", false)) != STATUS_OK)
		return status;
	if ((status = remote_open(ctl, to, &put.to)) != STATUS_OK)
		tally_said(&put.tally, status, to);
	else
		status = crew_new(ctl, (unsigned)put.connections, &put.tally, &put.crew);
	put.into = put.to.folder || args->count > 2;
	foresee(&put.tally, args);
	for (int i = 0; i + 1 < args->count && status == STATUS_OK; i++)
		status = tally_operand(&put.tally, args->operand[i], put_operand(&put, args->operand[i], to));
	crew_free(put.crew);
	if (status == STATUS_OK && stop_asked())
		status = stop_asked();
	status = tally_end(&put.tally, status);
	remote_close(&put.to);
	return status;
}
