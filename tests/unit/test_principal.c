#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "access_kit.h"
#include "cache.h"
#include "clock.h"
#include "feed.h"
#include "secret.h"

static void
test_names(void)
{
	static const char *const good[] = { "a", "Ann.B_c-d@e+f", "0" };
	static const char *const bad[] = { "", "-a", ".a", "a b", "a/b", "\xc3\xa4", "a\n" };
	struct principal p;
	struct store *s = NULL;
	char longest[LIMIT_USER_NAME + 2];

	CHECK_INT(0, kit_open(&s));
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK_INT(0, principal_create(s, good[i], false, false, &p));
		CHECK_STR(good[i], p.name);
		CHECK_INT(ERR_EXISTS, principal_create(s, good[i], true, false, &p));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_INT(ERR_INVALID, principal_create(s, bad[i], false, false, &p));
	memset(longest, 'x', sizeof(longest));
	longest[LIMIT_USER_NAME + 1] = '\0';
	CHECK_INT(ERR_INVALID, principal_create(s, longest, false, false, &p));
	longest[LIMIT_USER_NAME] = '\0';
	CHECK_INT(0, principal_create(s, longest, false, false, &p));
	store_close(s);
}

static void
test_find_and_list(void)
{
	struct principal p, q, list[200];
	struct store *s = NULL;
	char name[32];
	unsigned n;

	CHECK_INT(0, kit_open(&s));
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "u%03d", i);
		CHECK_INT(0, principal_create(s, name, false, i % 2, &p));
	}
	CHECK_INT(0, principal_find(s, "u007", &q));
	CHECK(q.may_create_buckets && !q.admin && q.created_us > 0 && q.disabled_us == 0);
	CHECK_INT(0, principal_get(s, q.id, &p));
	CHECK_STR("u007", p.name);
	CHECK_INT(ERR_NOTFOUND, principal_find(s, "u", &q));
	CHECK_INT(ERR_NOTFOUND, principal_get(s, 1, &q));
	CHECK_INT(0, principal_list(s, "", list, 200, &n));
	CHECK_INT(151, n);
	CHECK_STR("admin", list[0].name);
	for (unsigned i = 1; i < n; i++)
		CHECK(strcmp(list[i - 1].name, list[i].name) < 0);
	CHECK_INT(0, principal_list(s, "u100", list, 64, &n));
	CHECK_INT(49, n);
	CHECK_STR("u101", list[0].name);
	CHECK_INT(0, principal_list(s, "u100", list, 3, &n));
	CHECK_INT(3, n);
	store_close(s);
}

/* What creation shows once is what later opens the door, also after the store was closed. */
static void
test_first_administrator(void)
{
	struct identity who;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	for (int round = 0; round < 2; round++) {
		CHECK_INT(0, identity_by_key(s, kit_admin.access_key_id, &who));
		CHECK_STR(kit_admin.secret_access_key, who.secret);
		CHECK_STR(kit_admin.access_key_id, who.key_id);
		CHECK(who.who.admin && who.who.may_create_buckets);
		CHECK_STR("admin", who.who.name);
		CHECK_INT(0, identity_by_token(s, kit_admin.token, &who));
		CHECK_STR("admin", who.who.name);
		CHECK_STR("", who.key_id);
		CHECK_INT(0, identity_local(s, &who));
		CHECK_STR("admin", who.who.name);
		store_close(s);
		s = NULL;
		CHECK_INT(0, kit_reopen(&s));
	}
	store_close(s);
}

static int
open_with_two(struct store **s, struct principal *ann, struct principal *bob)
{
	int rc = kit_open(s);

	if (rc || (rc = principal_create(*s, "ann", false, false, ann)) != 0)
		return rc;
	return principal_create(*s, "bob", false, false, bob);
}

static void
test_keys(void)
{
	char secret[KEY_SECRET_TEXT], other_secret[KEY_SECRET_TEXT];
	struct access_key key, other, list[4];
	struct principal ann, bob;
	struct identity who;
	struct store *s = NULL;
	unsigned n;

	CHECK_INT(0, open_with_two(&s, &ann, &bob));
	CHECK_INT(ERR_NOTFOUND, key_create(s, 1, &key, secret));
	CHECK_INT(0, key_create(s, ann.id, &key, secret));
	CHECK_INT(0, key_create(s, ann.id, &other, other_secret));
	CHECK_INT(20, strlen(key.id));
	CHECK_INT(20, strspn(key.id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
	CHECK(!strncmp(key.id, "AK", 2) && strcmp(key.id, other.id));
	CHECK_INT(40, strlen(secret));
	CHECK(strcmp(secret, other_secret));
	CHECK_INT(0, key_list(s, ann.id, list, 4, &n));
	CHECK_INT(2, n);
	CHECK(strcmp(list[0].id, list[1].id) < 0);
	CHECK_INT(0, key_list(s, bob.id, list, 4, &n));
	CHECK_INT(0, n);

	CHECK_INT(0, identity_by_key(s, key.id, &who));
	CHECK_STR(secret, who.secret);
	CHECK_INT(ann.id, who.who.id);
	CHECK_INT(ERR_NOTFOUND, key_disable(s, bob.id, key.id, true));
	CHECK_INT(0, key_disable(s, ann.id, key.id, true));
	CHECK_INT(ERR_AUTH, identity_by_key(s, key.id, &who));
	CHECK_INT(0, identity_by_key(s, other.id, &who));
	CHECK_INT(0, key_disable(s, ann.id, key.id, false));
	CHECK_INT(0, identity_by_key(s, key.id, &who));
	CHECK_INT(ERR_NOTFOUND, key_delete(s, bob.id, key.id));
	CHECK_INT(0, key_delete(s, ann.id, key.id));
	CHECK_INT(ERR_AUTH, identity_by_key(s, key.id, &who));
	CHECK_INT(ERR_NOTFOUND, key_delete(s, ann.id, key.id));
	CHECK_INT(ERR_NOTFOUND, key_disable(s, ann.id, key.id, true));

	CHECK_INT(ERR_AUTH, identity_by_key(s, "AKAAAAAAAAAAAAAAAAAA", &who));
	CHECK_INT(ERR_AUTH, identity_by_key(s, "", &who));
	CHECK_INT(ERR_AUTH, identity_by_key(s, "AKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &who));
	store_close(s);
}

static void
test_tokens(void)
{
	char text[TOKEN_TEXT], other[TOKEN_TEXT];
	struct token token, brief, list[4];
	struct principal ann, bob;
	struct identity who;
	struct store *s = NULL;
	unsigned n;
	int rc;

	CHECK_INT(0, open_with_two(&s, &ann, &bob));
	CHECK_INT(ERR_NOTFOUND, token_create(s, 1, 0, &token, text));
	CHECK_INT(ERR_INVALID, token_create(s, ann.id, -1, &token, text));
	CHECK_INT(0, token_create(s, ann.id, 0, &token, text));
	CHECK(!strncmp(text, "fsdt_", 5));
	CHECK_INT(48, strlen(text));
	CHECK_INT(43, strspn(text + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"));
	CHECK_INT(0, token.expires_us);
	CHECK_INT(0, identity_by_token(s, text, &who));
	CHECK_INT(ann.id, who.who.id);
	memcpy(other, text, sizeof(other));
	other[20] = other[20] == 'x' ? 'y' : 'x';
	CHECK_INT(ERR_AUTH, identity_by_token(s, other, &who));
	CHECK_INT(ERR_AUTH, identity_by_token(s, "", &who));
	CHECK_INT(ERR_AUTH, identity_by_token(s, "local", &who));

	CHECK_INT(0, token_create(s, ann.id, 500, &brief, other));
	rc = identity_by_token(s, other, &who);			/* and is cached */
	CHECK(rc == 0 || clock_wall_us() >= brief.expires_us);	/* a machine may be as slow as that */
	while (clock_wall_us() <= brief.expires_us)
		usleep(10000);
	CHECK_INT(ERR_AUTH, identity_by_token(s, other, &who));
	CHECK_INT(0, token_list(s, ann.id, list, 4, &n));
	CHECK_INT(2, n);
	CHECK_INT(token.id, list[0].id);
	CHECK_INT(brief.id, list[1].id);
	CHECK_INT(ERR_NOTFOUND, token_delete(s, bob.id, token.id));
	CHECK_INT(0, token_delete(s, ann.id, token.id));
	CHECK_INT(ERR_AUTH, identity_by_token(s, text, &who));
	store_close(s);
}

static void
test_disabled_users_stop_at_once(void)
{
	char secret[KEY_SECRET_TEXT], text[TOKEN_TEXT];
	struct access_key key;
	struct principal ann;
	struct identity who;
	struct token token;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	CHECK_INT(0, key_create(s, ann.id, &key, secret));
	CHECK_INT(0, token_create(s, ann.id, 0, &token, text));
	for (int i = 0; i < 3; i++) {
		CHECK_INT(0, identity_by_key(s, key.id, &who));
		CHECK_INT(0, identity_by_token(s, text, &who));
		CHECK_INT(0, principal_disable(s, ann.id, true));
		CHECK_INT(ERR_AUTH, identity_by_key(s, key.id, &who));
		CHECK_INT(ERR_AUTH, identity_by_token(s, text, &who));
		CHECK_INT(0, principal_get(s, ann.id, &ann));
		CHECK(ann.disabled_us > 0);
		CHECK_INT(0, principal_disable(s, ann.id, false));
	}
	CHECK_INT(ERR_NOTFOUND, principal_disable(s, 1, true));
	store_close(s);
}

static void
test_the_last_administrator_stays(void)
{
	struct principal admin, second;
	struct identity who;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_find(s, "admin", &admin));
	CHECK_INT(ERR_CONFLICT, principal_delete(s, admin.id));
	CHECK_INT(ERR_CONFLICT, principal_disable(s, admin.id, true));
	CHECK_INT(0, principal_create(s, "second", true, true, &second));
	CHECK_INT(0, principal_disable(s, second.id, true));
	CHECK_INT(ERR_CONFLICT, principal_delete(s, admin.id));		/* a disabled one doesn't count */
	CHECK_INT(0, principal_disable(s, second.id, false));
	CHECK_INT(0, identity_local(s, &who));
	CHECK_INT(admin.id, who.who.id);
	CHECK_INT(0, principal_disable(s, admin.id, true));
	CHECK_INT(0, identity_local(s, &who));
	CHECK_INT(second.id, who.who.id);
	CHECK_INT(0, principal_delete(s, admin.id));
	CHECK_INT(ERR_CONFLICT, principal_delete(s, second.id));
	store_close(s);
}

static void
count_revoked(void *arg, const struct event *event, struct slice path)
{
	(void)path;
	if (event->type == EVENT_SHARE_REVOKED)
		++*(int *)arg;
}

static void
test_deletion_takes_everything_along(void)
{
	char secret[KEY_SECRET_TEXT], text[TOKEN_TEXT], path[32];
	struct principal ann, bob;
	struct workspace_row ws, own;
	struct access_key key, keys[2];
	struct grant grants[4];
	struct identity who;
	struct token token, tokens[2];
	struct store *s = NULL;
	int64_t last;
	int revoked = 0;
	unsigned n;
	bool more = true;

	CHECK_INT(0, open_with_two(&s, &ann, &bob));
	CHECK_INT(0, kit_workspace(s, "bobs", bob.id, 0, &ws));
	CHECK_INT(0, kit_workspace(s, "anns", ann.id, 0, &own));
	CHECK_INT(0, key_create(s, ann.id, &key, secret));
	CHECK_INT(0, token_create(s, ann.id, 0, &token, text));
	CHECK_INT(0, grant_add(s, ws.id, SLICE(""), ann.id, ROLE_VIEWER, (struct actor) { bob.id, 0 }));
	for (int i = 0; i < 150; i++) {		/* more than one piece */
		snprintf(path, sizeof(path), "f%d/", i);
		CHECK_INT(0, grant_add(s, ws.id, SLICE(path), ann.id, ROLE_EDITOR, (struct actor) { bob.id, 0 }));
	}
	CHECK_INT(ERR_NOTEMPTY, principal_delete(s, ann.id));
	CHECK_INT(0, identity_by_key(s, key.id, &who));
	CHECK_INT(0, workspace_delete(s, own.id, (struct actor) { ann.id, 0 }));
	CHECK_INT(0, principal_delete(s, ann.id));
	CHECK_INT(ERR_AUTH, identity_by_key(s, key.id, &who));
	CHECK_INT(ERR_AUTH, identity_by_token(s, text, &who));
	CHECK_INT(ERR_NOTFOUND, principal_get(s, ann.id, &ann));
	CHECK_INT(0, key_list(s, ann.id, keys, 2, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, token_list(s, ann.id, tokens, 2, &n));
	CHECK_INT(0, n);
	CHECK_INT(0, grant_list(s, ws.id, grants, 4, &n));
	CHECK_INT(0, n);
	for (last = 0; more;)
		CHECK_INT(0, feed_read(s, ws.id, last, 1000, count_revoked, &revoked, &last, &more));
	CHECK_INT(151, revoked);
	CHECK_INT(ERR_NOTFOUND, principal_delete(s, ann.id));
	CHECK_INT(0, principal_create(s, "ann", false, false, &ann));
	store_close(s);
}

static void
check_not_on_disk(const char *file, const char *what)
{
	char path[256], *bytes;
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", test_tmpdir(), file);
	if (!(f = fopen(path, "rb")))
		return;
	bytes = malloc(16 << 20);
	len = fread(bytes, 1, 16 << 20, f);
	fclose(f);
	if (memmem(bytes, len, what, strlen(what)))
		test_fail(file, 0, "a secret is on the disk");
	free(bytes);
}

static void
test_secrets_are_not_on_disk(void)
{
	char secret[KEY_SECRET_TEXT], text[TOKEN_TEXT];
	struct access_key key;
	struct token token;
	struct principal p;
	struct store *s = NULL;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_create(s, "ann", false, false, &p));
	CHECK_INT(0, key_create(s, p.id, &key, secret));
	CHECK_INT(0, token_create(s, p.id, 0, &token, text));
	check_not_on_disk("meta.db", secret);
	check_not_on_disk("meta.db-wal", secret);
	check_not_on_disk("meta.db", text);
	check_not_on_disk("meta.db-wal", text);
	store_close(s);
	check_not_on_disk("meta.db", secret);
	check_not_on_disk("meta.db", text + 5);
}

/* A sealed secret opens for its own key id alone. */
static void
test_secrets_are_bound_to_their_key(void)
{
	char secret[KEY_SECRET_TEXT], opened[KEY_SECRET_TEXT];
	uint8_t sealed[128];
	struct store *s = NULL;
	size_t len;

	CHECK_INT(0, kit_open(&s));
	secret_make(secret);
	CHECK_INT(0, secret_seal(s, "AKONE", secret, sealed, sizeof(sealed), &len));
	CHECK_INT(ERR_TOOBIG, secret_seal(s, "AKONE", secret, sealed, len - 1, &len));
	CHECK_INT(0, secret_open(s, "AKONE", sealed, len, opened));
	CHECK_STR(secret, opened);
	CHECK_INT(ERR_CORRUPT, secret_open(s, "AKTWO", sealed, len, opened));
	CHECK_INT(ERR_CORRUPT, secret_open(s, "AKONE", sealed, len - 1, opened));
	sealed[20] ^= 1;
	CHECK_INT(ERR_CORRUPT, secret_open(s, "AKONE", sealed, len, opened));
	store_close(s);
}

/* ---- the cache ---- */

static void
test_cache_is_bounded_and_keeps_by_epoch(void)
{
	struct cache *c = NULL;
	int value = 7, got = 0, found = 0;

	CHECK_INT(0, cache_new(64, sizeof(int), &c));
	CHECK_INT(ERR_AGAIN, cache_get(c, "a", 1, 1, &got));
	cache_put(c, "a", 1, 1, &value);
	CHECK_INT(0, cache_get(c, "a", 1, 1, &got));
	CHECK_INT(7, got);
	CHECK_INT(ERR_AGAIN, cache_get(c, "a", 1, 2, &got));
	value = 8;
	cache_put(c, "a", 1, 2, &value);
	value = 7;
	cache_put(c, "a", 1, 1, &value);	/* a slow look-up of before */
	CHECK_INT(0, cache_get(c, "a", 1, 2, &got));
	CHECK_INT(8, got);
	cache_put(c, "b", 1, 2, NULL);
	CHECK_INT(ERR_NOTFOUND, cache_get(c, "b", 1, 2, &got));
	for (int i = 0; i < 1000; i++)
		cache_put(c, &i, sizeof(i), 3, &i);
	for (int i = 0; i < 1000; i++)
		if (cache_get(c, &i, sizeof(i), 3, &got) == 0) {
			CHECK_INT(i, got);
			found++;
		}
	CHECK(found > 32 && found <= 64);
	cache_free(c);
	cache_free(NULL);
}

static void
test_guesses_push_out_nobody(void)
{
	struct cache *c = NULL;
	int got, kept = 0;

	CHECK_INT(0, cache_new(64, sizeof(int), &c));
	for (int i = 0; i < 1000; i++)
		cache_put(c, &i, sizeof(i), 1, &i);
	for (int i = 0; i < 1000; i++)
		kept += cache_get(c, &i, sizeof(i), 1, &got) == 0;
	CHECK_INT(64, kept);		/* every place is taken */
	for (int i = 1000; i < 20000; i++)
		cache_put(c, &i, sizeof(i), 1, NULL);
	for (int i = 0; i < 1000; i++)
		kept -= cache_get(c, &i, sizeof(i), 1, &got) == 0;
	CHECK_INT(0, kept);
	cache_free(c);
}

/* ---- races ---- */

struct race {
	struct store *store;
	const char *key_id;
	atomic_bool stop;
};

static void *
ask(void *arg)
{
	struct race *race = arg;
	struct identity who;

	while (!race->stop)
		identity_by_key(race->store, race->key_id, &who);
	return NULL;
}

/* However others ask meanwhile: once a change has returned, the next request obeys it. */
static void
test_changes_hold_under_load(void)
{
	char secret[KEY_SECRET_TEXT];
	struct access_key key;
	struct principal p;
	struct identity who;
	struct store *s = NULL;
	pthread_t threads[3];
	struct race race = { 0 };
	int wrong = 0;

	CHECK_INT(0, kit_open(&s));
	CHECK_INT(0, principal_create(s, "ann", false, false, &p));
	CHECK_INT(0, key_create(s, p.id, &key, secret));
	race.store = s;
	race.key_id = key.id;
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, ask, &race);
	for (int i = 0; i < 100; i++) {
		wrong += key_disable(s, p.id, key.id, i % 2 == 0) != 0;
		for (int k = 0; k < 3; k++)
			wrong += identity_by_key(s, key.id, &who) != (i % 2 == 0 ? ERR_AUTH : 0);
	}
	race.stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK_INT(0, wrong);
	store_close(s);
}

static const struct test tests[] = {
	TEST(test_names),
	TEST(test_find_and_list),
	TEST(test_first_administrator),
	TEST(test_keys),
	TEST(test_tokens),
	TEST(test_disabled_users_stop_at_once),
	TEST(test_the_last_administrator_stays),
	TEST(test_deletion_takes_everything_along),
	TEST(test_secrets_are_not_on_disk),
	TEST(test_secrets_are_bound_to_their_key),
	TEST(test_cache_is_bounded_and_keeps_by_epoch),
	TEST(test_guesses_push_out_nobody),
	TEST(test_changes_hold_under_load),
	TEST_END
};
TEST_MAIN(tests)
