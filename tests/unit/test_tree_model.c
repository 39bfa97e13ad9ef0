#include "clock.h"
#include "history.h"
#include "list.h"
#include "tree_kit.h"

/*
 * Random operations. First beside a model of a tree that knows nothing of rows, counts and sums; then with versioning and S3
 * deletes mixed in, where only what must always hold is looked at.
 */
#define NODES 600
#define OPS 1500
#define DAY_MS 86400000ll

struct thing {
	enum node_kind kind;
	int64_t id;
	int parent;			/* index; the root is 0 */
	char name[4], text[16];
	bool gone;
};
static struct thing things[NODES];
static int count;
static unsigned seed;

static unsigned
roll(unsigned n)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 8) % n;
}

static const char *
random_name(void)
{
	static char name[4];

	snprintf(name, sizeof(name), "%c", 'a' + (int)roll(7));
	return name;
}

static bool
reached(int i)
{
	for (; i; i = things[i].parent)
		if (things[i].gone)
			return false;
	return true;
}

static bool
is_below(int i, int folder)
{
	for (; i; i = things[i].parent)
		if (i == folder)
			return true;
	return folder == 0;
}

static int
child(int parent, const char *name)
{
	for (int i = 1; i < count; i++)
		if (!things[i].gone && things[i].parent == parent && !strcmp(things[i].name, name))
			return i;
	return 0;
}

static void
path_of(int i, char *path)
{
	if (!i) {
		*path = '\0';
		return;
	}
	path_of(things[i].parent, path);
	sprintf(path + strlen(path), "%s%s", things[i].name, things[i].kind == NODE_FOLDER ? "/" : "");
}

static int
any_folder(void)
{
	int i;

	do
		i = (int)roll((unsigned)count);
	while (things[i].kind != NODE_FOLDER || !reached(i));
	return i;
}

static void
add(enum node_kind kind, int64_t id, int parent, const char *name)
{
	struct thing *t = &things[count++];

	*t = (struct thing) { .kind = kind, .id = id, .parent = parent };
	strcpy(t->name, name);
}

/* ---- operations: each false if the store answered otherwise than the model ---- */

static bool
do_make(void)
{
	int parent = any_folder();
	const char *name = random_name();
	int taken = child(parent, name), rc = kit_make(things[parent].id, name);

	if (taken)
		return rc == ERR_EXISTS && made.existing == things[taken].id;
	if (rc == 0)
		add(NODE_FOLDER, made.folder, parent, name);
	return rc == 0;
}

static bool
do_put(void)
{
	int parent = any_folder();
	const char *name = random_name();
	int taken = child(parent, name);
	struct object_info info = { 0 };
	char key[4096], text[16];

	if (taken && things[taken].kind == NODE_FOLDER)
		return true;
	path_of(parent, key);
	strcat(key, name);
	snprintf(text, sizeof(text), "%u", roll(1000000));
	if (obj_put(key, text, &info) != 0 || (taken && info.file_id != things[taken].id))
		return false;
	if (!taken) {
		add(NODE_FILE, info.file_id, parent, name);
		taken = count - 1;
	}
	strcpy(things[taken].text, text);
	return true;
}

static bool
do_move(void)
{
	int i = (int)roll((unsigned)count), to = any_folder(), taken, rc;
	const char *name = roll(2) ? random_name() : things[i].name;

	if (!i)
		return true;
	taken = child(to, name);
	rc = kit_move(things[i].kind, things[i].id, things[to].id, name);
	if (!reached(i))
		return rc == ERR_NOTFOUND;
	if (things[i].kind == NODE_FOLDER && is_below(to, i))
		return rc == ERR_CONFLICT;
	if (taken && taken != i)
		return rc == ERR_EXISTS && changed.existing == things[taken].id;
	if (rc == 0) {
		things[i].parent = to;
		memmove(things[i].name, name, strlen(name) + 1);
	}
	return rc == 0;
}

static bool
do_delete(void)
{
	int i = (int)roll((unsigned)count), rc;

	if (!i || (things[i].kind == NODE_FOLDER && roll(2)))
		return true;
	rc = kit_remove(things[i].kind, things[i].id, -1);
	if (!reached(i))
		return rc == ERR_NOTFOUND;
	things[i].gone = true;
	return rc == 0;
}

static bool
do_undelete(void)
{
	int i = (int)roll((unsigned)count), to = any_folder(), taken, rc;
	const char *name = random_name();

	if (!i || (!things[i].gone && !reached(i)))
		return true;
	taken = child(to, name);
	rc = kit_undelete(things[i].kind, things[i].id, things[to].id, name);
	if (!things[i].gone)
		return rc == ERR_EXISTS && undeleted.existing == things[i].id;
	if (taken)
		return rc == ERR_EXISTS && undeleted.existing == things[taken].id;
	if (rc == 0) {
		things[i].gone = false;
		things[i].parent = to;
		strcpy(things[i].name, name);
	}
	return rc == 0;
}

/* ---- comparison ---- */

static unsigned listed;

static void
count_item(void *arg, const struct list_item *item)
{
	(void)arg, (void)item;
	listed++;
}

static bool
agrees(void)
{
	struct list_query q = { .workspace = space.id, .prefix = { "", 0 }, .delimiter = { "", 0 }, .after = { "", 0 },
		.max = 10000 };
	struct list_end end = LIST_END_INIT;
	unsigned shown = 0;
	int rc = 0;

	listed = 0;
	if (list_objects(store, &q, count_item, NULL, &end) != 0)
		return false;
	list_end_release(&end);
	for (int i = 1; rc == 0 && i < count; i++) {
		char key[4096];

		if (!reached(i))
			continue;
		shown++;
		path_of(i, key);
		if (strcmp(obj_text(key, 0, &rc), things[i].text) || rc) {
			fprintf(stderr, "# %s: %d\n", key, rc);
			return false;
		}
	}
	if (shown != listed)
		fprintf(stderr, "# %u keys, should be %u\n", listed, shown);
	return shown == listed;
}

static void
test_against_a_model(void)
{
	static bool (*const ops[])(void) = { do_make, do_put, do_put, do_move, do_move, do_move, do_delete, do_undelete };

	for (unsigned run = 1; run <= 3; run++) {
		seed = run;
		CHECK_INT(0, obj_open(DAY_MS, 0));
		things[0] = (struct thing) { .kind = NODE_FOLDER, .id = space.root_folder_id };
		count = 1;
		for (int i = 0; i < OPS && count < NODES; i++) {
			unsigned op = roll(sizeof(ops) / sizeof(ops[0]));

			if (!ops[op]()) {
				fprintf(stderr, "# run %u, step %d, operation %u\n", run, i, op);
				CHECK(!"the model answers the same");
			}
			if (i % 100 == 0) {
				CHECK_SOUND();
				CHECK(agrees());
			}
		}
		fprintf(stderr, "# %d nodes\n", count);
		CHECK(agrees());
		CHECK_SOUND();
		CHECK_INT(0, kit_check());
		obj_close();
		test_tmpdir_remove();
	}
}

/* ---- whatever comes ---- */

static int64_t ids[400];
static enum node_kind kinds[400];
static unsigned nids;

static void
remember(enum node_kind kind, int64_t id)
{
	unsigned at = nids < 400 ? nids++ : roll(400);

	ids[at] = id;
	kinds[at] = kind;
}

static int64_t
some_folder(void)
{
	for (unsigned i = 0; nids && i < 20; i++) {
		unsigned at = roll(nids);

		if (kinds[at] == NODE_FOLDER && roll(8))
			return ids[at];
	}
	return space.root_folder_id;
}

static int
whatever(void)
{
	unsigned at = nids ? roll(nids) : 0, op = nids ? roll(9) : 0;
	struct object_info info = { 0 };
	char key[16];
	unsigned n;
	int rc;

	snprintf(key, sizeof(key), "%c/%c/%c", 'a' + (int)roll(3), 'a' + (int)roll(3), 'a' + (int)roll(3));
	switch (op) {
	case 0:
	case 1:
		if ((rc = obj_put(key + 2 * roll(3), "text", &info)) == 0)
			remember(NODE_FILE, info.file_id);
		return rc;
	case 2:
		if ((rc = kit_make(some_folder(), random_name())) == 0)
			remember(NODE_FOLDER, made.folder);
		return rc;
	case 3:
		return kit_move(kinds[at], ids[at], roll(2) ? some_folder() : 0, roll(2) ? random_name() : NULL);
	case 4:
		return obj_delete(key + 2 * roll(3), 0, NULL);
	case 5:
		return kit_remove(kinds[at], ids[at], roll(2) ? -1 : kit_now() - (int64_t)roll(20));
	case 6:
	case 7:
		return kit_undelete(kinds[at], ids[at], roll(2) ? some_folder() : 0, roll(2) ? random_name() : NULL);
	default:
		return history_expire(store, clock_wall_us() + (roll(20) ? 0 : 2 * DAY_MS * 1000), roll(10) + 1, &n);
	}
}

static void
mix(int64_t history_ms, int versioning)
{
	CHECK_INT(0, obj_open(history_ms, versioning));
	nids = 0;
	seed = 7;
	for (int i = 0, done = 0; i < OPS; i++) {
		int rc = whatever();

		done += rc == 0;
		if (rc && rc != ERR_NOTFOUND && rc != ERR_EXISTS && rc != ERR_CONFLICT && rc != ERR_INVALID) {
			fprintf(stderr, "# step %d: %s\n", i, err_text(rc));
			CHECK_INT(0, rc);
		}
		if (i % 100 == 0)
			CHECK_SOUND();
		if (i == OPS - 1)
			fprintf(stderr, "# %d of %d went through\n", done, OPS);
	}
	CHECK_SOUND();
	CHECK_INT(0, kit_check());
	obj_close();
	test_tmpdir_remove();
}

static void
test_whatever_comes(void)
{
	for (int versioning = 0; versioning < 3; versioning++) {
		mix(0, versioning);
		mix(DAY_MS, versioning);
	}
}

static const struct test tests[] = { TEST(test_against_a_model), TEST(test_whatever_comes), TEST_END };
TEST_MAIN(tests)
