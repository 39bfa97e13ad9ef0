#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "crew.h"
#include "ctl.h"
#include "exit_status.h"
#include "fio.h"
#include "known.h"
#include "receiver.h"
#include "remote.h"
#include "reply.h"
#include "say.h"
#include "sender.h"
#include "stop.h"
#include "tally.h"
#include "verbs.h"

#define CONNECTIONS 4
#define CONNECTIONS_MAX 16

struct get {
	struct tally tally;
	struct remote from;
	struct crew *crew;
	const char *operand;	/* WORKSPACE/PATH, as given */
	const char *local;	/* the last operand */
	const char *at, *version;
	mode_t mask;		/* as in struct receiver */
	bool into;		/* what is fetched keeps its name below it */
	bool recursive;
};

/* A file that a member of the crew fetches. */
struct fetch {
	struct task task;
	struct receiver r;
	char *dest, *local, *path;
};

static void
free_fetch(struct fetch *f)
{
	if (!f)
		return;
	free(f->dest);
	free(f->local);
	free(f->path);
	free(f);
}

static void
run(struct task *task, struct peer *peer)
{
	struct fetch *f = (struct fetch *)task;

	if (!tally_stopped(f->r.tally))
		(void)receiver_get(&f->r, peer);
	free_fetch(f);
}

/* The node lives until the crew is done. */
static int
give(struct get *get, const struct known_node *node, int root, const char *dest, const char *local, const char *path)
{
	struct fetch *f;

	if (get->tally.dry) {
		tally_item(&get->tally, &(struct tally_item) { .action = "get", .from = path, .to = local, .version = node->version,
		    .bytes = node->size });
		return STATUS_OK;
	}
	if (!(f = calloc(1, sizeof(*f))) || !(f->dest = strdup(dest)) || !(f->local = strdup(local)) || !(f->path = strdup(path))) {
		free_fetch(f);
		return tally_error(&get->tally, STATUS_FAILED, path, "out of memory");
	}
	f->task.run = run;
	f->r = (struct receiver) { .tally = &get->tally, .root = root, .dest = f->dest, .local = f->local, .path = f->path,
		.id = node->id, .version = node->version, .hash = node->hash, .mtime = node->mtime, .mode = node->mode,
		.mask = get->mask, .size = node->size, .min = get->from.min, .avg = get->from.avg, .max = get->from.max };
	crew_add(get->crew, &f->task);
	return STATUS_OK;
}

/* ---- the folder here ---- */

/*
 * Made, with those above it, if it is not there; what people name themselves may go
 * through links.
 */
static int
make_folders(const char *path)
{
	char *text = strdup(path);

	for (char *p = text; p && *p; p++)
		if (*p == '/' && p > text) {
			*p = '\0';
			(void)mkdir(text, 0777);
			*p = '/';
		}
	free(text);
	(void)mkdir(path, 0777);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
open_root(struct get *get, const char *folder, int *root)
{
	if (get->tally.dry)
		return STATUS_OK;
	*root = make_folders(*folder ? folder : ".");
	return *root >= 0 ? STATUS_OK : tally_error(&get->tally, STATUS_FAILED, *folder ? folder : ".", "the folder can't be made or opened: %m");
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- one file ---- */

static int
get_file(struct get *get, const struct known_node *node, const char *path)
{
	const char *local = get->local, *name = remote_base(path);
	bool into = get->into || is_folder(local), output = !strcmp(local, "-");
	char *folder = into ? strdup(local) : strchr(local, '/') ? remote_above(local) : strdup("");
	char *dest = strdup(into ? name : remote_base(local)), *shown = NULL, *text = remote_text(&get->from, path);
	int root = -1, status;

	if (folder && !into && !*folder && *local == '/') {
		free(folder);
		folder = strdup("/");
	}
	for (size_t n = folder ? strlen(folder) : 0; n > 1 && folder[n - 1] == '/'; n--)
		folder[n - 1] = '\0';
	shown = folder && dest ? remote_join(folder, dest) : NULL;
	if (!shown || !text)
		status = say_error(STATUS_FAILED, "out of memory");
	else if (!node->version)
		status = say_error(STATUS_FAILED, "%s: the daemon's reply names no version", text);
	else if (into && (sender_name_reason(dest) || !strcmp(dest, ".") || !strcmp(dest, "..") || !*dest))
		status = tally_error(&get->tally, STATUS_FAILED, text, "its name can't be used here: give another");
	else
		status = output ? STATUS_OK : open_root(get, folder, &root);
	if (status == STATUS_OK) {
		tally_expect(&get->tally, 1, node->size);
		status = give(get, node, root, dest, output ? "-" : shown, text);
		crew_wait(get->crew);
	}
	fio_close(&root);
	free(folder);
	free(dest);
	free(shown);
	free(text);
	return status;
}

/* ---- a folder ---- */

struct folder {
	struct get *get;
	struct known known;
	const char *path;	/* inside the workspace */
	size_t skip;
	bool past, found;
};

static int
take_node(void *arg, const struct json *node)
{
	struct folder *f = arg;
	const char *path = reply_str(node, "path", "");
	size_t len = strlen(f->path);

	/* A past tree is that of the whole workspace. */
	if (f->past && len && (strncmp(path, f->path, len) != 0 || (path[len] && path[len] != '/')))
		return STATUS_OK;
	f->found = true;
	return known_add(&f->known, node, f->skip);
}

/* What is shared from several places may have one path. */
static bool
is_ambiguous(const struct known *k, const struct known_node *node)
{
	return (node > k->nodes && !strcmp(node[-1].path, node->path)) ||
	       (node + 1 < k->nodes + k->n && !strcmp(node[1].path, node->path));
}

/* Why it can't be written here, or NULL: its own name and those of the folders above it count. */
static const char *
reason(const struct known *k, const struct known_node *node)
{
	char part[256], *above = NULL;
	const char *why = node->unsynced, *p = node->path;

	while (!why) {
		size_t len = strcspn(p, "/");

		if (!len || len >= sizeof(part))
			return "a name in its path is empty or too long";
		memcpy(part, p, len);
		part[len] = '\0';
		if (!strcmp(part, ".") || !strcmp(part, ".."))
			why = "a name in its path stands for a folder itself";
		else
			why = sender_name_reason(part);
		if (!p[len])
			break;
		if (!why && (above = strndup(node->path, (size_t)(p + len - node->path))) != NULL) {
			const struct known_node *folder = known_find(k, above);

			why = folder && folder->unsynced ? "sync can't carry the name of a folder above it" : NULL;
			free(above);
		}
		p += len + 1;
	}
	return why;
}

static int
get_node(struct folder *f, const struct known_node *node, const char *base, int root)
{
	struct get *get = f->get;
	char *path = remote_join(f->path, node->path), *text = path ? remote_text(&get->from, path) : NULL;
	char *local = remote_join(base, node->path);
	const char *why = reason(&f->known, node);
	int status = STATUS_OK, fd = -1;

	if (!path || !text || !local) {
		status = say_error(STATUS_FAILED, "out of memory");
	} else if (why) {
		tally_error(&get->tally, STATUS_FAILED, text, "%s", why);
	} else if (!node->folder && is_ambiguous(&f->known, node)) {
		tally_error(&get->tally, STATUS_FAILED, text, "something else that is shared with you has this path too");
	} else if (node->folder) {
		tally_item(&get->tally, &(struct tally_item) { .action = "mkdir", .from = local });
		if (!get->tally.dry && (fd = beneath_folder(root, node->path)) < 0)
			tally_error(&get->tally, STATUS_FAILED, local, "the folder can't be made: %m");
		else if (!get->tally.dry)
			close(fd);
	} else if (!node->version) {
		tally_error(&get->tally, STATUS_FAILED, text, "the daemon names no version of it");
	} else {
		status = give(get, node, root, node->path, local, text);
	}
	free(path);
	free(text);
	free(local);
	return status;
}

static int
get_nodes(struct folder *f)
{
	const char *name = remote_base(f->path);
	char *base = f->get->into ? remote_join(f->get->local, name) : strdup(f->get->local);
	uint64_t items = 0, bytes = 0;
	int root = -1, status;

	for (size_t n = base ? strlen(base) : 0; n > 1 && base[n - 1] == '/'; n--)
		base[n - 1] = '\0';
	status = base ? open_root(f->get, base, &root) : say_error(STATUS_FAILED, "out of memory");
	for (size_t i = 0; i < f->known.n; i++) {
		items += !f->known.nodes[i].folder;
		bytes += f->known.nodes[i].size;
	}
	tally_expect(&f->get->tally, items, bytes);
	for (size_t i = 0; i < f->known.n && status == STATUS_OK; i++) {
		if (*f->known.nodes[i].path)
			status = get_node(f, &f->known.nodes[i], base, root);
		if (status == STATUS_OK)
			status = tally_stopped(&f->get->tally);
	}
	crew_wait(f->get->crew);
	fio_close(&root);
	free(base);
	return status;
}

static int
get_folder(struct get *get, const char *id, const char *shown)
{
	struct folder f = { .get = get, .path = get->from.path, .skip = *shown ? strlen(shown) + 1 : 0 };
	int status = remote_tree(&get->from, id, NULL, take_node, &f);

	known_sort(&f.known);
	if (status == STATUS_OK)
		status = get_nodes(&f);
	known_release(&f.known);
	return status;
}

/* What was there: a file, or a folder with all that was in it. */
static int
get_past(struct get *get)
{
	struct folder f = { .get = get, .path = get->from.path, .past = true };
	int status;

	f.skip = *f.path ? strlen(f.path) + 1 : 0;
	status = remote_tree(&get->from, NULL, get->at, take_node, &f);
	known_sort(&f.known);
	if (status == STATUS_OK && !f.found && *f.path)
		status = tally_error(&get->tally, STATUS_NOT_FOUND, get->operand, "there was nothing of that name then");
	else if (status == STATUS_OK && f.known.n == 1 && !*f.known.nodes[0].path && !f.known.nodes[0].folder)
		status = get_file(get, &f.known.nodes[0], f.path);
	else if (status == STATUS_OK && !get->recursive)
		status = tally_error(&get->tally, STATUS_USAGE, get->operand, "it was a folder: get -r fetches it with all that was in it");
	else if (status == STATUS_OK)
		status = get_nodes(&f);
	known_release(&f.known);
	return status;
}

/* ---- what is asked for ---- */

/* The server does not say the mode of an old version: that of a new file, but no more than today's version has. */
static void
limit_mode(const struct get *get, struct known_node *node)
{
	char text[8];

	if (!node->mode)
		return;
	snprintf(text, sizeof(text), "%04lo", strtoul(node->mode, NULL, 8) & 0666 & ~(unsigned long)get->mask);
	free(node->mode);
	node->mode = strdup(text);
}

/* A version of the file that is there: its size and hash are asked for. */
static int
pick_version(struct get *get, struct known_node *node)
{
	struct buf path = BUF_INIT(CTL_PATH);
	struct json *doc = NULL;
	int status;

	peer_path(&path, "files", node->id, "download", NULL);
	peer_param(&path, "version", get->version);
	if ((status = peer_call(get->from.peer, "GET", &path, NULL, &doc)) == STATUS_OK) {
		const char *hash = reply_str(doc, "contentHash", NULL), *version = reply_str(doc, "versionId", NULL);

		free(node->version);
		free(node->hash);
		free(node->mtime);
		node->mtime = NULL;
		limit_mode(get, node);
		node->version = version ? strdup(version) : NULL;
		node->hash = hash ? strdup(hash) : NULL;
		node->size = (uint64_t)reply_int(doc, "sizeBytes", 0);
	}
	json_free(doc);
	buf_release(&path);
	return status;
}

static int
get_folder_now(struct get *get, const char *id, const char *shown)
{
	if (!get->recursive)
		return tally_error(&get->tally, STATUS_USAGE, get->operand, "it is a folder: get -r fetches it with all that is in it");
	if (get->version)
		return tally_error(&get->tally, STATUS_USAGE, get->operand, "it is a folder: --version-id is of a file");
	return get_folder(get, id, shown);
}

static int
get_present(struct get *get)
{
	struct known known = { 0 };
	struct json *node = NULL;
	const char *path;
	int status;

	/* Without a root that is all that is shared. */
	if (!*get->from.path && !get->from.root)
		return get_folder_now(get, NULL, "");
	if ((status = remote_need(&get->from, &node)) != STATUS_OK)
		return status;
	path = reply_str(node, "path", "");
	if (strcmp(reply_str(node, "kind", ""), "folder") == 0) {
		status = get_folder_now(get, reply_str(node, "id", ""), path);
	} else {
		status = known_add(&known, node, strlen(path));
		if (status == STATUS_OK && get->version)
			status = pick_version(get, &known.nodes[0]);
		if (status == STATUS_OK)
			status = get_file(get, &known.nodes[0], get->from.path);
	}
	known_release(&known);
	json_free(node);
	return status;
}

static int
check(const struct get *get, const struct args *args)
{
	if (get->at && get->version)
		return say_error(STATUS_USAGE, "--at and --version-id don't go together: give one of them");
	if (!strcmp(get->local, "-") && (args->count > 2 || get->recursive))
		return say_error(STATUS_USAGE, "only one file goes to standard output");
	return STATUS_OK;
}

static int
get_operand(struct get *get, struct ctl *ctl, const char *operand)
{
	int status;

	get->operand = operand;
	snprintf(ctl->doing, sizeof(ctl->doing), "get %s", operand);
	status = get->from.peer ? remote_move(&get->from, operand) : remote_open(ctl, operand, &get->from);
	if (status != STATUS_OK)
		return status;
	return get->at ? get_past(get) : get_present(get);
}

int
verb_get(struct ctl *ctl, const struct args *args)
{
	struct get get = { .recursive = args->given[OPT_RECURSIVE] != NULL, .at = args->given[OPT_AT],
		.version = args->given[OPT_VERSION_ID], .local = args->operand[args->count - 1] };
	const bool output = !strcmp(get.local, "-");
	int connections = CONNECTIONS, status;

	get.into = args->count > 2 || get.local[strlen(get.local) - 1] == '/';
	if ((status = check(&get, args)) != STATUS_OK ||
	    (status = args_count(args, OPT_CONNECTIONS, CONNECTIONS_MAX, &connections)) != STATUS_OK ||
	    (status = tally_init(&get.tally, ctl, "get", output)) != STATUS_OK)
		return status;
	get.mask = umask(0);
	(void)umask(get.mask);
	status = crew_new(ctl, (unsigned)connections, &get.tally, &get.crew);
	for (int i = 0; i + 1 < args->count && status == STATUS_OK; i++)
		status = tally_operand(&get.tally, args->operand[i], get_operand(&get, ctl, args->operand[i]));
	crew_free(get.crew);
	if (status == STATUS_OK && stop_asked())
		status = stop_asked();
	status = tally_end(&get.tally, status);
	remote_close(&get.from);
	return status;
}
