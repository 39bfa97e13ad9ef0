#include <pthread.h>

#include "commit.h"
#include "namespace.h"
#include "object_kit.h"

static void
test_the_path_of_a_key(void)
{
	CHECK_INT(0, namespace_path(SLICE("a")).len);
	CHECK_INT(2, namespace_path(SLICE("a/b")).len);
	CHECK_INT(2, namespace_path(SLICE("a/")).len);
	CHECK_INT(3, namespace_path(SLICE("a//b")).len);
	CHECK_INT(1, namespace_path(SLICE("/")).len);
	CHECK_INT(0, namespace_path(SLICE("")).len);
}

static void
test_the_cache(void)
{
	struct namespace *ns = NULL;
	char path[32];
	int64_t folder = 0, hits = 0;

	CHECK_INT(0, namespace_new(&ns));
	CHECK(!namespace_cached(ns, 1, 1, SLICE("a/"), &folder));
	namespace_remember(ns, 1, 1, SLICE("a/"), 42);
	CHECK(namespace_cached(ns, 1, 1, SLICE("a/"), &folder) && folder == 42);
	CHECK(!namespace_cached(ns, 2, 1, SLICE("a/"), &folder));	/* another epoch */
	CHECK(!namespace_cached(ns, 1, 2, SLICE("a/"), &folder));	/* another workspace */
	CHECK(!namespace_cached(ns, 1, 1, SLICE("a"), &folder));
	namespace_remember(ns, 2, 1, SLICE("a/"), 43);
	CHECK(namespace_cached(ns, 2, 1, SLICE("a/"), &folder) && folder == 43);
	namespace_remember(ns, 1, 1, SLICE("a/"), 44);			/* somebody who is late */
	CHECK(namespace_cached(ns, 2, 1, SLICE("a/"), &folder) && folder == 43);
	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "p%d/", i);
		namespace_remember(ns, 2, 1, SLICE(path), i);
	}
	for (int i = 0; i < 100000; i++) {
		snprintf(path, sizeof(path), "p%d/", i);
		if (namespace_cached(ns, 2, 1, SLICE(path), &folder)) {
			CHECK_INT(i, folder);
			hits++;
		}
	}
	CHECK(hits > 10000 && hits <= 16384);	/* bounded */
	namespace_free(ns);
}

static int
folder_of(const char *path, int64_t *folder)
{
	int64_t epoch = store_structure_epoch(store);
	struct db_conn *db = NULL;
	int rc = db_read_begin(store->db, &db);

	if (rc == 0)
		rc = namespace_folder(store, db, epoch, space.id, SLICE(path), folder);
	db_read_end(db);
	return rc;
}

static void
test_folders_come_and_go(void)
{
	struct buf path = BUF_INIT(4096);
	struct db_conn *db = NULL;
	int64_t first, second, root;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, folder_of("", &root));
	CHECK_INT(space.root_folder_id, root);
	CHECK_INT(ERR_NOTFOUND, folder_of("a/b/", &first));
	CHECK_INT(0, obj_put("a/b/c", "x", NULL));
	CHECK_INT(0, folder_of("a/b/", &first));
	CHECK_INT(0, db_read_begin(store->db, &db));
	CHECK_INT(0, namespace_path_of(db, space.id, first, &path));
	CHECK_STR("a/b/", path.data);
	db_read_end(db);
	CHECK_INT(0, obj_delete("a/b/c", 0, NULL));
	CHECK_INT(ERR_NOTFOUND, folder_of("a/b/", &first));
	CHECK_INT(0, obj_put("a/b/c", "x", NULL));
	CHECK_INT(0, folder_of("a/b/", &second));
	CHECK(first != second);
	/* An explicit folder stays when what is in it goes. */
	CHECK_INT(0, obj_put("a/b/", "", NULL));
	CHECK_INT(0, obj_delete("a/b/c", 0, NULL));
	CHECK_INT(0, folder_of("a/b/", &second));
	CHECK_INT(0, obj_delete("a/b/", 0, NULL));
	CHECK_INT(ERR_NOTFOUND, folder_of("a/", &second));
	CHECK_SOUND();
	buf_release(&path);
	obj_close();
}

/* A folder that ends and comes back is never read through its old id, also while others read and write beside it. */
struct worker {
	pthread_t thread;
	int number, failed;
};

static void *
put_read_delete(void *arg)
{
	struct worker *w = arg;
	char key[64], want[16];
	int rc;

	for (int i = 0; i < 60 && !w->failed; i++) {
		struct object_info info = OBJECT_INFO_INIT;

		snprintf(key, sizeof(key), "shared/%d/%d", i % 2, w->number);
		snprintf(want, sizeof(want), "%d %d", w->number, i);
		if (obj_put(key, want, NULL) != 0 || object_find(store, space.id, SLICE(key), 0, &info) != 0 ||
		    info.size != strlen(want))
			w->failed = 1;
		if (obj_delete(key, 0, NULL) != 0 ||
		    (rc = object_find(store, space.id, SLICE(key), 0, &info)) != ERR_NOTFOUND)
			w->failed = 1;
		object_info_release(&info);
	}
	return NULL;
}

static void
test_writers_side_by_side(void)
{
	struct worker workers[4] = { 0 };

	CHECK_INT(0, obj_open(0, 0));
	for (int i = 0; i < 4; i++) {
		workers[i].number = i;
		CHECK_INT(0, pthread_create(&workers[i].thread, NULL, put_read_delete, &workers[i]));
	}
	for (int i = 0; i < 4; i++)
		pthread_join(workers[i].thread, NULL);
	for (int i = 0; i < 4; i++)
		CHECK_INT(0, workers[i].failed);
	CHECK_INT(1, obj_number("SELECT count(*) FROM folder"));
	CHECK_SOUND();
	obj_close();
}

/* 16 writers of 10 bytes each, and room for 50. */
static void *
put_one(void *arg)
{
	struct worker *w = arg;
	char key[16];

	snprintf(key, sizeof(key), "k%d", w->number);
	w->failed = obj_put(key, "0123456789", NULL);
	return NULL;
}

static void
test_quota_with_writers_side_by_side(void)
{
	struct worker workers[16] = { 0 };
	int ok = 0, refused = 0;

	CHECK_INT(0, obj_open(0, 0));
	CHECK_INT(0, obj_quota(50));
	for (int i = 0; i < 16; i++) {
		workers[i].number = i;
		CHECK_INT(0, pthread_create(&workers[i].thread, NULL, put_one, &workers[i]));
	}
	for (int i = 0; i < 16; i++) {
		pthread_join(workers[i].thread, NULL);
		ok += workers[i].failed == 0;
		refused += workers[i].failed == ERR_QUOTA;
	}
	CHECK_INT(5, ok);
	CHECK_INT(11, refused);
	CHECK_INT(50, obj_number("SELECT bytes FROM workspace"));
	CHECK_SOUND();
	obj_close();
}

static const struct test tests[] = { TEST(test_the_path_of_a_key), TEST(test_the_cache), TEST(test_folders_come_and_go),
	TEST(test_writers_side_by_side), TEST(test_quota_with_writers_side_by_side), TEST_END };
TEST_MAIN(tests)
