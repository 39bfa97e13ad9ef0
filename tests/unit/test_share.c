#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

#include "access_kit.h"
#include "commit.h"
#include "feed.h"
#include "gc.h"
#include "misses.h"
#include "node.h"
#include "share.h"
#include "tbl_grant.h"
#include "tree.h"

struct scene {
	struct store *s;
	struct principal admin, owner, ann, bob;
	struct workspace_row ws;
	struct actor by;
	int64_t docs, deep, file;	/* docs/, docs/deep/, docs/deep/f */
	int64_t sequence;		/* of the last share or revocation */
};

static int
find_id(struct scene *sc, const char *path, int64_t *id)
{
	enum node_kind kind;

	return node_lookup(sc->s, sc->ws.id, SLICE(path), &kind, id);
}

static int
open_scene(struct scene *sc, int64_t history_ms)
{
	int rc;

	*sc = (struct scene) { 0 };
	if ((rc = kit_open(&sc->s)) != 0 || (rc = principal_find(sc->s, "admin", &sc->admin)) != 0 ||
	    (rc = principal_create(sc->s, "owner", false, true, &sc->owner)) != 0 ||
	    (rc = principal_create(sc->s, "ann", false, false, &sc->ann)) != 0 ||
	    (rc = principal_create(sc->s, "bob", false, false, &sc->bob)) != 0 ||
	    (rc = kit_workspace(sc->s, "space", sc->owner.id, history_ms, &sc->ws)) != 0)
		return rc;
	sc->by = (struct actor) { .principal = sc->owner.id };
	if ((rc = kit_put(sc->s, sc->ws.id, "docs/deep/f", "text", sc->owner.id)) != 0 ||
	    (rc = kit_put(sc->s, sc->ws.id, "other/g", "text", sc->owner.id)) != 0 ||
	    (rc = find_id(sc, "docs/", &sc->docs)) != 0 || (rc = find_id(sc, "docs/deep/", &sc->deep)) != 0)
		return rc;
	return find_id(sc, "docs/deep/f", &sc->file);
}

static int
give(struct scene *sc, enum share_kind kind, int64_t id, const struct principal *to, enum role role)
{
	struct share s = { .workspace = sc->ws.id, .kind = kind, .id = id, .principal = to->id, .role = role, .actor = sc->by };
	int rc = share_give(sc->s, &s, NULL);

	sc->sequence = s.sequence;
	return rc;
}

static int
take(struct scene *sc, enum share_kind kind, int64_t id, const struct principal *from)
{
	struct share s = { .workspace = sc->ws.id, .kind = kind, .id = id, .principal = from->id, .actor = sc->by };
	int rc = share_take(sc->s, &s, NULL);

	sc->sequence = s.sequence;
	return rc;
}

/* What somebody may do with a node: "", "past" (what it was, as a file), "r", "rw" or "rwm". */
static const char *
may(struct scene *sc, const struct principal *who, enum node_kind kind, int64_t id)
{
	struct node n = NODE_INIT;
	size_t i = 0;

	while (i < 3 && node_find(sc->s, who, (enum action)(ACTION_READ + i), kind, id, &n) == 0)
		i++;
	if (i == 0 && kind == NODE_FILE && node_find_past(sc->s, who, id, &n) == 0)
		i = 4;
	node_release(&n);
	return ((const char *const[]) { "", "r", "rw", "rwm", "past" })[i];
}

static void
collect(void *arg, const struct event *e, struct slice path)
{
	char *text = arg;
	size_t len = strlen(text);

	(void)path;
	if (e->type == EVENT_SHARE_GRANTED || e->type == EVENT_SHARE_REVOKED)
		snprintf(text + len, 400 - len, "%s%.*s:%s;", e->type == EVENT_SHARE_GRANTED ? "+" : "-", (int)e->name.len,
		    e->name.p, e->type == EVENT_SHARE_GRANTED ? role_name((enum role)e->role) : "");
	else if (e->type == EVENT_FILE_DELETED || e->type == EVENT_FOLDER_DELETED)
		snprintf(text + len, 400 - len, "!%.*s;", (int)e->name.len, e->name.p);
}

/* Shares and deletions that the feed tells of. */
static const char *
told(struct scene *sc)
{
	static char text[400];
	int64_t last;
	bool more;

	text[0] = '\0';
	return feed_read(sc->s, sc->ws.id, 0, 1000, collect, text, &last, &more) ? "?" : text;
}

static void
test_every_kind_can_be_shared(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.ann, ROLE_VIEWER));
	CHECK_STR("r", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FOLDER, sc.deep));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_EDITOR));
	CHECK_STR("rw", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_STR("rw", may(&sc, &sc.ann, NODE_FOLDER, sc.deep));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FOLDER, sc.ws.root_folder_id));
	CHECK_INT(0, give(&sc, SHARE_WORKSPACE, sc.ws.id, &sc.ann, ROLE_OWNER));
	CHECK_STR("rwm", may(&sc, &sc.ann, NODE_FOLDER, sc.ws.root_folder_id));
	CHECK_INT(0, take(&sc, SHARE_WORKSPACE, sc.ws.id, &sc.ann));
	CHECK_STR("rw", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_INT(0, take(&sc, SHARE_FOLDER, sc.docs, &sc.ann));
	CHECK_STR("r", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_INT(0, take(&sc, SHARE_FILE, sc.file, &sc.ann));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_STR("+f:viewer;+docs/:editor;+:owner;-:;-docs/:;-f:;", told(&sc));
	store_close(sc.s);
}

/* A role on the root is one on the workspace, and found as one by S3 too. */
static void
test_the_root_folder_stands_for_the_workspace(void)
{
	struct share s;
	enum role role = ROLE_NONE;
	struct scene sc;

	CHECK_INT(0, open_scene(&sc, 0));
	s = (struct share) { .workspace = sc.ws.id, .kind = SHARE_FOLDER, .id = sc.ws.root_folder_id, .principal = sc.ann.id,
		.role = ROLE_EDITOR, .actor = sc.by };
	CHECK_INT(0, share_give(sc.s, &s, NULL));
	CHECK(s.kind == SHARE_WORKSPACE && s.id == sc.ws.id);
	CHECK_INT(0, perm_role(sc.s, NULL, &sc.ann, sc.ws.id, &role));
	CHECK_INT(ROLE_EDITOR, role);
	CHECK_INT(0, perm_check(sc.s, &sc.ann, ACTION_WRITE, sc.ws.id, SLICE("new")));
	CHECK_INT(0, take(&sc, SHARE_FOLDER, sc.ws.root_folder_id, &sc.ann));
	CHECK_INT(ERR_DENIED, perm_check(sc.s, &sc.ann, ACTION_WRITE, sc.ws.id, SLICE("new")));
	/* That there is one is not told to who has no role on it. */
	for (int i = 0; i < 2; i++) {
		s = (struct share) { .kind = SHARE_FOLDER, .id = sc.ws.root_folder_id, .principal = i ? sc.ann.id : sc.bob.id,
			.who = &sc.ann, .actor = sc.by };
		CHECK(share_take(sc.s, &s, NULL) == ERR_NOTFOUND && !s.found);
	}
	store_close(sc.s);
}

static void
test_what_is_refused(void)
{
	struct principal nobody = { .id = 1 };
	struct scene sc;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(ERR_INVALID, give(&sc, SHARE_FILE, sc.file, &nobody, ROLE_VIEWER));
	CHECK_INT(ERR_INVALID, give(&sc, SHARE_FILE, sc.file, &sc.ann, ROLE_NONE));
	CHECK_INT(ERR_INVALID, give(&sc, SHARE_FILE, sc.file, &sc.ann, (enum role)4));
	CHECK_INT(ERR_NOTFOUND, give(&sc, SHARE_FILE, sc.docs, &sc.ann, ROLE_VIEWER));	/* a folder's id */
	CHECK_INT(ERR_NOTFOUND, give(&sc, SHARE_FOLDER, 12345, &sc.ann, ROLE_VIEWER));
	CHECK_INT(ERR_NOTFOUND, give(&sc, SHARE_WORKSPACE, 12345, &sc.ann, ROLE_VIEWER));
	CHECK_INT(ERR_NOTFOUND, take(&sc, SHARE_FILE, sc.file, &sc.ann));
	/* whose workspace it is */
	CHECK_INT(ERR_CONFLICT, give(&sc, SHARE_FILE, sc.file, &sc.owner, ROLE_VIEWER));
	CHECK_INT(ERR_CONFLICT, take(&sc, SHARE_WORKSPACE, sc.ws.id, &sc.owner));
	CHECK_STR("", told(&sc));
	store_close(sc.s);
}

static int
as(struct scene *sc, const struct principal *who, int (*call)(struct store *store, struct share *s, struct idem *idem),
    const struct principal *other, bool *found)
{
	struct share s = { .workspace = sc->ws.id, .kind = SHARE_FILE, .id = sc->file, .principal = other->id, .role = ROLE_VIEWER,
		.who = who, .actor = sc->by };
	int rc = call(sc->s, &s, NULL);

	*found = s.found;
	return rc;
}

/* Judged by the commit, whatever the caller asked before. */
static void
test_only_owners_share(void)
{
	struct tree_delete d = { 0 };
	struct scene sc;
	bool found;

	CHECK_INT(0, open_scene(&sc, 86400000));
	CHECK(as(&sc, &sc.ann, share_give, &sc.bob, &found) == ERR_NOTFOUND && !found);
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.ann, ROLE_EDITOR));
	CHECK(as(&sc, &sc.ann, share_give, &sc.bob, &found) == ERR_DENIED && found);
	CHECK(as(&sc, &sc.owner, share_give, &sc.bob, &found) == 0 && found);
	CHECK(as(&sc, &sc.ann, share_take, &sc.bob, &found) == ERR_DENIED && found);
	d = (struct tree_delete) { .workspace = sc.ws.id, .kind = NODE_FOLDER, .id = sc.docs, .actor = sc.by };
	CHECK_INT(0, tree_delete(sc.s, &d, NULL));
	CHECK(as(&sc, &sc.owner, share_give, &sc.bob, &found) == ERR_NOTFOUND);
	CHECK(as(&sc, &sc.ann, share_take, &sc.bob, &found) == ERR_NOTFOUND && !found);
	CHECK(as(&sc, &sc.ann, share_take, &sc.ann, &found) == 0 && found);
	CHECK(as(&sc, &sc.ann, share_take, &sc.ann, &found) == ERR_NOTFOUND && !found);
	CHECK(as(&sc, &sc.owner, share_take, &sc.bob, &found) == 0 && found);
	CHECK(as(&sc, &sc.owner, share_take, &sc.bob, &found) == ERR_NOTFOUND && found);
	store_close(sc.s);
}

/* A commit that takes ann's role and is held up: meanwhile she asks for what the role allowed. */
struct held {
	struct scene *sc;
	sem_t begun, go;
	int once;
	bool found;
};

static int
take_role(struct txn *t, void *arg)
{
	struct held *h = arg;
	int rc;

	if (!h->once++) {
		sem_post(&h->begun);
		sem_wait(&h->go);
	}
	rc = tbl_grant_revoke(t->db, h->sc->ws.id, h->sc->docs, h->sc->ann.id, t->now_us, 1000);
	return rc ? rc : txn_auth_changed(t);
}

static void *
ask(void *arg)
{
	struct held *h = arg;

	return (void *)(intptr_t)as(h->sc, &h->sc->ann, share_take, &h->sc->bob, &h->found);
}

static void
test_a_role_that_goes_meanwhile(void)
{
	struct scene sc;
	struct held h = { .sc = &sc };
	struct commit_wait w = { .commit = { .run = take_role, .arg = &h, .large = true } };
	pthread_t thread;
	void *rc = NULL;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_OWNER));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.bob, ROLE_VIEWER));
	sem_init(&h.begun, 0, 0);
	sem_init(&h.go, 0, 0);
	w.commit.workspace = sc.ws.id;
	CHECK_INT(0, commit_start(sc.s, &w));
	sem_wait(&h.begun);
	CHECK_INT(0, pthread_create(&thread, NULL, ask, &h));
	usleep(200000);		/* she is let through so far */
	sem_post(&h.go);
	CHECK_INT(0, commit_end(&w));
	pthread_join(thread, &rc);
	CHECK_INT(ERR_NOTFOUND, (intptr_t)rc);
	CHECK(!h.found);
	CHECK_STR("r", may(&sc, &sc.bob, NODE_FILE, sc.file));
	store_close(sc.s);
}

static int
hold(struct txn *t, void *arg)
{
	struct held *h = arg;

	(void)t;
	if (!h->once++) {
		sem_post(&h->begun);
		sem_wait(&h->go);
	}
	return 0;
}

static int
take_all(struct txn *t, void *arg)
{
	struct held *h = arg;
	int rc = tbl_grant_revoke(t->db, h->sc->ws.id, h->sc->ws.id, h->sc->ann.id, t->now_us, 1000);

	return rc ? rc : txn_auth_changed(t);
}

/* Both in one batch, and of the role on the whole workspace, which is cached until the batch is done. */
static void
test_a_role_that_goes_in_the_same_batch(void)
{
	struct scene sc;
	struct held h = { .sc = &sc };
	struct commit_wait first = { .commit = { .run = hold, .arg = &h, .large = true } };
	struct commit_wait w = { .commit = { .run = take_all, .arg = &h } };
	pthread_t thread;
	void *rc = NULL;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_WORKSPACE, sc.ws.id, &sc.ann, ROLE_OWNER));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.bob, ROLE_VIEWER));
	CHECK_INT(0, perm_check(sc.s, &sc.ann, ACTION_MANAGE, sc.ws.id, SLICE("")));
	sem_init(&h.begun, 0, 0);
	sem_init(&h.go, 0, 0);
	first.commit.workspace = w.commit.workspace = sc.ws.id;
	CHECK_INT(0, commit_start(sc.s, &first));
	sem_wait(&h.begun);
	CHECK_INT(0, commit_start(sc.s, &w));
	CHECK_INT(0, pthread_create(&thread, NULL, ask, &h));
	usleep(200000);		/* she is let through so far */
	sem_post(&h.go);
	CHECK_INT(0, commit_end(&first));
	CHECK_INT(0, commit_end(&w));
	pthread_join(thread, &rc);
	CHECK_INT(ERR_NOTFOUND, (intptr_t)rc);
	CHECK_STR("r", may(&sc, &sc.bob, NODE_FILE, sc.file));
	store_close(sc.s);
}

static void
test_given_again(void)
{
	struct scene sc;
	int64_t first;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_EDITOR));
	first = sc.sequence;
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_EDITOR));
	CHECK(sc.sequence == first);
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_VIEWER));
	CHECK(sc.sequence == first + 1);
	CHECK_STR("r", may(&sc, &sc.ann, NODE_FOLDER, sc.docs));
	CHECK_STR("+docs/:editor;+docs/:viewer;", told(&sc));
	store_close(sc.s);
}

static void
test_a_shared_folder_stays(void)
{
	struct scene sc;
	int64_t id = 0;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.deep, &sc.ann, ROLE_EDITOR));
	CHECK_INT(0, kit_delete(sc.s, sc.ws.id, "docs/deep/f", sc.owner.id));
	CHECK_INT(0, find_id(&sc, "docs/deep/", &id));
	CHECK(id == sc.deep);
	CHECK_STR("rw", may(&sc, &sc.ann, NODE_FOLDER, sc.deep));
	store_close(sc.s);
}

/* ---- lists ---- */

struct lines {
	const struct scene *sc;
	char text[600];
};

static void
add_entry(void *arg, const struct share_entry *e)
{
	struct lines *l = arg;
	const struct scene *sc = l->sc;
	const char *on = e->resource == 0 ? "?" : e->resource == sc->docs ? "docs" : e->resource == sc->deep ? "deep" :
		e->resource == sc->file ? "f" : e->resource == sc->ws.id ? "ws" : "!";
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%s %s on %s%s;", e->principal_name, role_name(e->role), on,
	    e->inherited ? " (inherited)" : "");
}

static const char *
grants(struct scene *sc, const struct principal *who, enum share_kind kind, int64_t id, unsigned limit)
{
	static struct lines l;
	struct share_query q = { .who = who, .workspace = sc->ws.id, .kind = kind, .id = id, .limit = limit };
	unsigned pages = 0;

	l = (struct lines) { .sc = sc };
	do {
		if (share_list(sc->s, &q, add_entry, &l) != 0 || ++pages > 10)
			return "?";
		q.after = q.last;
	} while (q.more);
	return l.text;
}

static void
test_who_sees_which_grants(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_WORKSPACE, sc.ws.id, &sc.bob, ROLE_VIEWER));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_VIEWER));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.ann, ROLE_EDITOR));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.deep, &sc.bob, ROLE_EDITOR));
	for (unsigned limit = 1; limit <= 3; limit++) {
		CHECK_STR("ann editor on f;ann viewer on docs (inherited);bob editor on deep (inherited);"
			  "bob viewer on ws (inherited);", grants(&sc, &sc.owner, SHARE_FILE, sc.file, limit));
		CHECK_STR("bob viewer on ws;", grants(&sc, &sc.owner, SHARE_WORKSPACE, sc.ws.id, limit));
	}
	/* no owners: their own */
	CHECK_STR("ann editor on f;ann viewer on docs (inherited);", grants(&sc, &sc.ann, SHARE_FILE, sc.file, 9));
	CHECK_STR("bob editor on deep;bob viewer on ws (inherited);", grants(&sc, &sc.bob, SHARE_FOLDER, sc.deep, 9));
	CHECK_STR("", grants(&sc, &sc.ann, SHARE_WORKSPACE, sc.ws.id, 9));
	/* an owner of a part: what lies above it has no name */
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.deep, &sc.ann, ROLE_OWNER));
	CHECK_INT(0, take(&sc, SHARE_FOLDER, sc.docs, &sc.ann));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.bob, ROLE_VIEWER));
	CHECK_STR("ann owner on deep;bob editor on deep;bob viewer on ? (inherited);bob viewer on ? (inherited);",
	    grants(&sc, &sc.ann, SHARE_FOLDER, sc.deep, 9));
	/* nothing at all */
	CHECK_STR("?", grants(&sc, &sc.ann, SHARE_FOLDER, sc.docs, 9));
	store_close(sc.s);
}

static void
add_node(void *arg, const struct share_node *n)
{
	struct lines *l = arg;
	size_t len = strlen(l->text);

	snprintf(l->text + len, sizeof(l->text) - len, "%.*s (%.*s) %s;", (int)n->path.len, n->path.p, (int)n->name.len,
	    n->name.p, role_name(n->role));
}

static const char *
given(struct scene *sc, const struct principal *who, unsigned limit)
{
	static struct lines l;
	int64_t last = 0;
	bool more = false;

	l.text[0] = '\0';
	do
		if (share_nodes(sc->s, who, sc->ws.id, last, limit, add_node, &l, &last, &more) != 0)
			return "?";
	while (more);
	return l.text;
}

static void
test_what_was_given(void)
{
	struct workspace_row rows[4], other;
	struct scene sc;
	unsigned n;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, share_given(sc.s, sc.ann.id, 0, rows, 4, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.deep, &sc.ann, ROLE_EDITOR));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.ann, ROLE_VIEWER));
	CHECK_STR("deep (deep) editor;deep/f (f) editor;", given(&sc, &sc.ann, 1));
	CHECK_INT(0, take(&sc, SHARE_FOLDER, sc.deep, &sc.ann));
	CHECK_STR("f (f) viewer;", given(&sc, &sc.ann, 9));
	/* workspaces: one's own and those of others apart */
	CHECK_INT(0, kit_workspace(sc.s, "anns", sc.ann.id, 0, &other));
	CHECK_INT(0, share_given(sc.s, sc.ann.id, 0, rows, 4, &n));
	CHECK(n == 1 && rows[0].id == sc.ws.id);
	CHECK_INT(0, share_given(sc.s, sc.ann.id, sc.ws.id, rows, 4, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, share_owned(sc.s, sc.ann.id, "", rows, 4, &n));
	CHECK(n == 1 && rows[0].id == other.id);
	CHECK_INT(0, share_owned(sc.s, sc.ann.id, "anns", rows, 4, &n));
	CHECK_INT(0, n);
	store_close(sc.s);
}

/* ---- what becomes of grants when their folder or file goes ---- */

static void
test_grants_in_the_trash_sleep(void)
{
	struct tree_delete d = { 0 };
	struct tree_undelete u = { 0 };
	struct scene sc;
	unsigned n;

	CHECK_INT(0, open_scene(&sc, 86400000));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_EDITOR));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.deep, &sc.ann, ROLE_VIEWER));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.bob, ROLE_VIEWER));
	d = (struct tree_delete) { .workspace = sc.ws.id, .kind = NODE_FOLDER, .id = sc.docs, .actor = sc.by };
	CHECK_INT(0, tree_delete(sc.s, &d, NULL));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FOLDER, sc.docs));
	CHECK_STR("", may(&sc, &sc.bob, NODE_FILE, sc.file));
	CHECK_STR("", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_STR("past", may(&sc, &sc.owner, NODE_FILE, sc.file));
	CHECK_STR("", given(&sc, &sc.bob, 9));
	CHECK_STR("?", grants(&sc, &sc.owner, SHARE_FOLDER, sc.docs, 9));
	CHECK_INT(0, grant_expire(sc.s, 100, &n));
	CHECK_INT(0, n);
	u = (struct tree_undelete) { .workspace = sc.ws.id, .kind = NODE_FOLDER, .id = sc.docs, .actor = sc.by };
	CHECK_INT(0, tree_undelete(sc.s, &u, NULL));
	CHECK_STR("rw", may(&sc, &sc.ann, NODE_FOLDER, sc.docs));
	CHECK_STR("r", may(&sc, &sc.bob, NODE_FILE, sc.file));
	/* the file by itself, whose past the folder still shows */
	CHECK_INT(0, kit_delete(sc.s, sc.ws.id, "docs/deep/f", sc.owner.id));
	CHECK_STR("past", may(&sc, &sc.ann, NODE_FILE, sc.file));
	CHECK_STR("", may(&sc, &sc.bob, NODE_FILE, sc.file));
	store_close(sc.s);
}

/* They end with a step of maintenance, and the feed says so. */
static void
test_grants_of_what_is_destroyed_end(void)
{
	struct tree_delete d = { 0 };
	struct scene sc;
	unsigned n;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.bob, ROLE_VIEWER));
	CHECK_INT(0, give(&sc, SHARE_FOLDER, sc.docs, &sc.ann, ROLE_VIEWER));
	CHECK(perm_any(sc.s, &sc.bob, sc.ws.id));
	CHECK_INT(0, kit_delete(sc.s, sc.ws.id, "docs/deep/f", sc.owner.id));
	CHECK_INT(0, grant_expire(sc.s, 100, &n));
	CHECK_INT(1, n);
	CHECK(!perm_any(sc.s, &sc.bob, sc.ws.id));
	CHECK(perm_any(sc.s, &sc.ann, sc.ws.id));
	CHECK_STR("+f:viewer;+docs/:viewer;!f;!deep/;-:;", told(&sc));
	/* a whole folder, at once and by its expiry */
	CHECK_INT(0, kit_put(sc.s, sc.ws.id, "docs/x/y", "text", sc.owner.id));
	CHECK_INT(0, find_id(&sc, "docs/x/y", &sc.file));
	CHECK_INT(0, give(&sc, SHARE_FILE, sc.file, &sc.bob, ROLE_VIEWER));
	d = (struct tree_delete) { .workspace = sc.ws.id, .kind = NODE_FOLDER, .id = sc.docs, .actor = sc.by };
	CHECK_INT(0, tree_delete(sc.s, &d, NULL));
	CHECK_INT(0, gc_run(sc.s, false, 0, NULL, NULL, &(struct gc_report) { 0 }));
	CHECK(!perm_any(sc.s, &sc.bob, sc.ws.id));
	CHECK(!perm_any(sc.s, &sc.ann, sc.ws.id));
	CHECK_INT(0, grant_expire(sc.s, 100, &n));
	CHECK_INT(0, n);
	store_close(sc.s);
}

/* ---- guessing names ---- */

static void
test_names_cannot_be_guessed(void)
{
	struct principal p;
	struct scene sc;
	int64_t wait = 0;

	CHECK_INT(0, open_scene(&sc, 0));
	CHECK_INT(0, share_principal(sc.s, &sc.ann, "bob", 0, &p, &wait));
	CHECK(p.id == sc.bob.id);
	CHECK_INT(ERR_NOTFOUND, share_principal(sc.s, &sc.ann, "Bob", 0, &p, &wait));
	CHECK_INT(ERR_NOTFOUND, share_principal(sc.s, &sc.ann, "bo", 0, &p, &wait));
	for (int i = 2; i < MISSES_AT_ONCE; i++)
		CHECK_INT(ERR_NOTFOUND, share_principal(sc.s, &sc.ann, NULL, 5 + i, &p, &wait));
	/* the right name tells nothing any more */
	CHECK_INT(ERR_BUSY, share_principal(sc.s, &sc.ann, "bob", 0, &p, &wait));
	CHECK(wait > 0 && wait <= MISSES_EVERY_US);
	CHECK_INT(0, share_principal(sc.s, &sc.bob, "ann", 0, &p, &wait));
	for (int i = 0; i < 100; i++)
		CHECK_INT(0, share_principal(sc.s, &sc.bob, "ann", 0, &p, &wait));
	store_close(sc.s);
}

static const struct test tests[] = {
	TEST(test_every_kind_can_be_shared),
	TEST(test_the_root_folder_stands_for_the_workspace),
	TEST(test_what_is_refused),
	TEST(test_only_owners_share),
	TEST(test_a_role_that_goes_meanwhile),
	TEST(test_a_role_that_goes_in_the_same_batch),
	TEST(test_given_again),
	TEST(test_a_shared_folder_stays),
	TEST(test_who_sees_which_grants),
	TEST(test_what_was_given),
	TEST(test_grants_in_the_trash_sleep),
	TEST(test_grants_of_what_is_destroyed_end),
	TEST(test_names_cannot_be_guessed),
	TEST_END
};
TEST_MAIN(tests)
