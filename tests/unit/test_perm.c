#include "access_kit.h"
#include "feed.h"

/* What a user may do with a key, as letters: l list, r read, w write, m manage. */
static const char *
may(struct store *s, const struct principal *who, int64_t ws, const char *key)
{
	static char text[8];
	char *p = text;

	for (enum action a = ACTION_LIST; a <= ACTION_MANAGE; a++) {
		int rc = perm_check(s, who, a, ws, SLICE(key));

		if (rc == 0)
			*p++ = "lrwm"[a];
		else if (rc != ERR_DENIED)
			*p++ = '!';
	}
	*p = '\0';
	return text;
}

struct scene {
	struct store *s;
	struct principal admin, owner, ann, bob;
	struct workspace_row ws;
	struct actor by;
};

static int
open_scene(struct scene *sc)
{
	static const char *const keys[] = { "top", "docs/a", "docs/ab", "docs/deep/er/x", "other/y", "docs//odd" };
	int rc;

	*sc = (struct scene) { 0 };
	if ((rc = kit_open(&sc->s)) != 0 || (rc = principal_find(sc->s, "admin", &sc->admin)) != 0 ||
	    (rc = principal_create(sc->s, "owner", false, true, &sc->owner)) != 0 ||
	    (rc = principal_create(sc->s, "ann", false, false, &sc->ann)) != 0 ||
	    (rc = principal_create(sc->s, "bob", false, false, &sc->bob)) != 0 ||
	    (rc = kit_workspace(sc->s, "space", sc->owner.id, 0, &sc->ws)) != 0)
		return rc;
	sc->by = (struct actor) { .principal = sc->owner.id };
	for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
		rc = kit_put(sc->s, sc->ws.id, keys[i], "text", sc->owner.id);
	return rc;
}

static void
test_role_names(void)
{
	enum role r;

	CHECK_INT(0, role_parse("viewer", &r));
	CHECK_INT(ROLE_VIEWER, r);
	CHECK_INT(0, role_parse("owner", &r));
	CHECK_STR("editor", role_name(ROLE_EDITOR));
	CHECK_STR("owner", role_name(r));
	CHECK_INT(ERR_INVALID, role_parse("none", &r));
	CHECK_INT(ERR_INVALID, role_parse("Owner", &r));
	CHECK_INT(ERR_INVALID, role_parse("", &r));
}

static void
test_deny_is_the_default(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc));
	CHECK_STR("lrwm", may(sc.s, &sc.admin, sc.ws.id, "docs/a"));
	CHECK_STR("lrwm", may(sc.s, &sc.owner, sc.ws.id, "docs/a"));
	CHECK_STR("lrwm", may(sc.s, &sc.owner, sc.ws.id, ""));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, ""));
	CHECK_STR("", may(sc.s, &sc.owner, 12345, "docs/a"));
	CHECK(perm_any(sc.s, &sc.admin, sc.ws.id) && perm_any(sc.s, &sc.owner, sc.ws.id));
	CHECK(!perm_any(sc.s, &sc.ann, sc.ws.id));
	CHECK_INT(0, perm_check_create(&sc.admin));
	CHECK_INT(0, perm_check_create(&sc.owner));
	CHECK_INT(ERR_DENIED, perm_check_create(&sc.ann));
	store_close(sc.s);
}

static void
test_roles_on_the_workspace(void)
{
	static const struct {
		enum role role;
		const char *may;
	} cases[] = { { ROLE_VIEWER, "lr" }, { ROLE_EDITOR, "lrw" }, { ROLE_OWNER, "lrwm" }, { ROLE_VIEWER, "lr" } };
	struct scene sc;

	CHECK_INT(0, open_scene(&sc));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, cases[i].role, sc.by));
		CHECK_STR(cases[i].may, may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
		CHECK_STR(cases[i].may, may(sc.s, &sc.ann, sc.ws.id, ""));
		CHECK_STR(cases[i].may, may(sc.s, &sc.ann, sc.ws.id, "not/there"));
		CHECK_STR("", may(sc.s, &sc.bob, sc.ws.id, "docs/a"));
		CHECK(perm_any(sc.s, &sc.ann, sc.ws.id));
	}
	CHECK_INT(0, grant_remove(sc.s, sc.ws.id, SLICE(""), sc.ann.id, sc.by));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
	CHECK(!perm_any(sc.s, &sc.ann, sc.ws.id));
	CHECK_INT(ERR_NOTFOUND, grant_remove(sc.s, sc.ws.id, SLICE(""), sc.ann.id, sc.by));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
	store_close(sc.s);
}

static void
test_folders_pass_on_what_they_grant(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/"), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/"));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/not/there/yet"));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/deep/er/x"));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs//odd"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "top"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "other/y"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "/docs/a"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, ""));
	CHECK(perm_any(sc.s, &sc.ann, sc.ws.id));
	/* nearer grants raise … */
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/deep/"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_STR("lrw", may(sc.s, &sc.ann, sc.ws.id, "docs/deep/er/x"));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));
	/* … and never lower */
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/deep/er/"), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_STR("lrw", may(sc.s, &sc.ann, sc.ws.id, "docs/deep/er/x"));
	/* the bucket itself is not to be had by a folder */
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/deep/"), sc.ann.id, ROLE_OWNER, sc.by));
	CHECK_STR("lrw", may(sc.s, &sc.ann, sc.ws.id, "docs/deep/er/x"));
	CHECK_INT(0, grant_remove(sc.s, sc.ws.id, SLICE("docs/deep/"), sc.ann.id, sc.by));
	CHECK_STR("lr", may(sc.s, &sc.ann, sc.ws.id, "docs/deep/er/x"));
	store_close(sc.s);
}

static void
test_files(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/a"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_STR("rw", may(sc.s, &sc.ann, sc.ws.id, "docs/a"));	/* as a prefix it would show docs/ab */
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs/ab"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs/a/x"));
	CHECK_STR("", may(sc.s, &sc.ann, sc.ws.id, "docs/"));
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, sc.ws.id, SLICE("docs/none"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, sc.ws.id, SLICE("none/x"), sc.ann.id, ROLE_EDITOR, sc.by));
	store_close(sc.s);
}

static void
test_what_cannot_be_granted(void)
{
	struct scene sc;

	CHECK_INT(0, open_scene(&sc));
	CHECK_INT(ERR_INVALID, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, ROLE_NONE, sc.by));
	CHECK_INT(ERR_INVALID, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, (enum role)4, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, sc.ws.id, SLICE(""), 1, ROLE_VIEWER, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, 1, SLICE(""), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, 1, SLICE("x/"), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_remove(sc.s, sc.ws.id, SLICE("docs/"), sc.ann.id, sc.by));
	/* nobody: no folder is made for the try */
	CHECK_INT(ERR_NOTFOUND, grant_add(sc.s, sc.ws.id, SLICE("new/"), 1, ROLE_VIEWER, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_remove(sc.s, sc.ws.id, SLICE("new/"), sc.ann.id, sc.by));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("new/"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_STR("lrw", may(sc.s, &sc.ann, sc.ws.id, "new/x"));
	CHECK_STR("lrw", may(sc.s, &sc.ann, sc.ws.id, "new/"));
	store_close(sc.s);
}

static void
test_lists_show_paths(void)
{
	struct grant list[8];
	struct scene sc;
	unsigned n, seen = 0;

	CHECK_INT(0, open_scene(&sc));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/deep/"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs//odd"), sc.bob.id, ROLE_OWNER, sc.by));
	CHECK_INT(0, grant_list(sc.s, sc.ws.id, list, 8, &n));
	CHECK_INT(3, n);
	for (unsigned i = 0; i < n; i++) {
		CHECK(list[i].workspace == sc.ws.id && list[i].created_us > 0);
		if (!strcmp(list[i].path, "") && list[i].role == ROLE_VIEWER && list[i].resource_kind == 1 &&
		    !strcmp(list[i].principal_name, "ann"))
			seen |= 1;
		if (!strcmp(list[i].path, "docs/deep/") && list[i].role == ROLE_EDITOR && list[i].resource_kind == 2)
			seen |= 2;
		if (!strcmp(list[i].path, "docs//odd") && list[i].role == ROLE_OWNER && list[i].resource_kind == 3 &&
		    list[i].principal == sc.bob.id)
			seen |= 4;
	}
	CHECK_INT(7, seen);
	CHECK_INT(0, grant_list_of(sc.s, sc.bob.id, list, 8, &n));
	CHECK_INT(1, n);
	CHECK_STR("docs//odd", list[0].path);
	CHECK_INT(0, grant_list(sc.s, sc.ws.id, list, 1, &n));
	CHECK_INT(1, n);
	store_close(sc.s);
}

static void
collect(void *arg, const struct event *event, struct slice path)
{
	char *text = arg;

	(void)path;
	if (event->type == EVENT_SHARE_GRANTED || event->type == EVENT_SHARE_REVOKED)
		snprintf(text + strlen(text), 200 - strlen(text), "%s %d %s;",
		    event->type == EVENT_SHARE_GRANTED ? "+" : "-", event->role, event->ends_commit ? "." : "…");
}

static void
test_the_feed_tells_of_shares(void)
{
	char text[200] = "";
	struct scene sc;
	int64_t last = 0;
	bool more;

	CHECK_INT(0, open_scene(&sc));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE(""), sc.ann.id, ROLE_VIEWER, sc.by));
	CHECK_INT(0, grant_add(sc.s, sc.ws.id, SLICE("docs/"), sc.ann.id, ROLE_EDITOR, sc.by));
	CHECK_INT(0, grant_remove(sc.s, sc.ws.id, SLICE("docs/"), sc.ann.id, sc.by));
	CHECK_INT(ERR_NOTFOUND, grant_remove(sc.s, sc.ws.id, SLICE("docs/"), sc.ann.id, sc.by));
	CHECK_INT(0, feed_read(sc.s, sc.ws.id, 0, 1000, collect, text, &last, &more));
	CHECK_STR("+ 1 .;+ 2 .;- 0 .;", text);
	store_close(sc.s);
}

/* ---- against a model: a key's role is the greatest of the grants on prefixes of it ---- */

#define KEYS 60
#define GRANTS 12

static unsigned
draw(uint64_t *state, unsigned below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*state >> 33) % below;
}

static void
random_key(uint64_t *state, char key[64])
{
	static const char *const names[] = { "a", "b", "ab", "", "c d" };
	unsigned depth = draw(state, 4);

	key[0] = '\0';
	for (unsigned i = 0; i < depth; i++)
		strcat(strcat(key, names[draw(state, 5)]), "/");
	strcat(key, names[draw(state, 3)]);
}

struct given {
	char path[64];
	enum role role;
};

static enum role
model(const struct given *given, unsigned n, const char *key)
{
	enum role best = ROLE_NONE;

	for (unsigned i = 0; i < n; i++) {
		const char *path = given[i].path;
		bool under = !*path || (str_ends(path, "/") ? str_starts(key, path) : !strcmp(key, path));

		if (under && given[i].role > best)
			best = given[i].role;
	}
	return best;
}

static void
give(struct scene *sc, uint64_t *state, char keys[KEYS][64], struct given *g)
{
	char *slash;

	strcpy(g->path, keys[draw(state, KEYS)]);
	if (draw(state, 3) && (slash = strrchr(g->path, '/')))
		slash[1] = '\0';
	else if (draw(state, 20) == 0)
		g->path[0] = '\0';
	g->role = (enum role)(1 + draw(state, 3));
	if (grant_add(sc->s, sc->ws.id, SLICE(g->path), sc->ann.id, g->role, sc->by))
		test_fail(__FILE__, __LINE__, g->path);
}

static void
test_against_a_model(void)
{
	static char keys[KEYS][64];
	static struct given given[GRANTS];
	uint64_t state = 42;
	struct scene sc;
	char key[64];

	CHECK_INT(0, open_scene(&sc));
	for (int i = 0; i < KEYS; i++) {
		random_key(&state, keys[i]);
		CHECK_INT(0, kit_put(sc.s, sc.ws.id, keys[i], "x", sc.owner.id));
	}
	for (unsigned n = 0; n < GRANTS; n++) {
		give(&sc, &state, keys, &given[n]);
		for (unsigned i = 0; i < n; i++)	/* the same thing given again: the newer role holds */
			if (!strcmp(given[i].path, given[n].path))
				given[i].role = given[n].role;
		for (int i = 0; i < 100; i++) {
			enum role want;

			random_key(&state, key);
			want = model(given, n + 1, key);
			CHECK_INT(want >= ROLE_VIEWER ? 0 : ERR_DENIED,
			    perm_check(sc.s, &sc.ann, ACTION_READ, sc.ws.id, SLICE(key)));
			CHECK_INT(want >= ROLE_EDITOR ? 0 : ERR_DENIED,
			    perm_check(sc.s, &sc.ann, ACTION_WRITE, sc.ws.id, SLICE(key)));
		}
	}
	store_close(sc.s);
}

static const struct test tests[] = {
	TEST(test_role_names),
	TEST(test_deny_is_the_default),
	TEST(test_roles_on_the_workspace),
	TEST(test_folders_pass_on_what_they_grant),
	TEST(test_files),
	TEST(test_what_cannot_be_granted),
	TEST(test_lists_show_paths),
	TEST(test_the_feed_tells_of_shares),
	TEST(test_against_a_model),
	TEST_END
};
TEST_MAIN(tests)
