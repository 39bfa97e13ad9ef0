#ifndef FSD_KIT_H
#define FSD_KIT_H

#include <assert.h>

#include "daemon.h"
#include "log.h"
#include "object_kit.h"
#include "s3.h"

/*
 * For targets that call an operation of S3: a store that lives as long as the program, with a versioned bucket `space`
 * that holds `kit_keys` (in order; each object's size is its place in the list plus one) and a deleted key.
 */
static const char *const kit_keys[] = { "a", "a/", "a/b", "a/b/c", "a/b/d", "a/c", "a0", "b//c", "b//d", "b/e", "dir/one",
	"dir/two", "dir/two/deep/er", "k%41", "k&<>", "k+1 2", "x/y/z", "\xc3\xa9/z", "\xc3\xa9/\xf0\x9f\x90\x98" };
#define KIT_KEYS (sizeof(kit_keys) / sizeof(kit_keys[0]))

static struct daemon kit_daemon;

static inline void
kit_end(void)
{
	obj_close();
	settings_release(&kit_daemon.settings);
	test_tmpdir_remove();
}

/* The first call makes the store; nothing of the caller's is written to it. */
static inline void
kit_begin(void)
{
	struct object_delete gone;
	char text[KIT_KEYS + 1];

	if (kit_daemon.store)
		return;
	log_setup(false, LOG_ERROR_);
	if (settings_defaults(&kit_daemon.settings) || obj_open(0, VERSIONING_ENABLED))
		abort();
	for (size_t i = 0; i < KIT_KEYS; i++) {
		memset(text, 'x', i + 1);
		text[i + 1] = '\0';
		if (obj_put(kit_keys[i], text, NULL))
			abort();
	}
	if (obj_put("dir/gone", "gone", NULL) || obj_delete("dir/gone", 0, &gone))
		abort();
	kit_daemon.store = store;
	atexit(kit_end);
}

/* A request of the administrator for the bucket; the target must stay. NULL: not a target. */
static inline struct request *
kit_request(struct http_request *http, const char *target)
{
	struct request *req;

	kit_begin();
	http->method = "GET";
	http->target = target;
	http->reply.headers = (struct buf) BUF_INIT(1 << 20);
	http->reply.body = (struct buf) BUF_INIT(1 << 24);
	if (!(req = request_new(http, &kit_daemon)))
		abort();
	if (request_begin(req)) {
		request_free(req);
		return NULL;
	}
	req->authenticated = true;
	req->who.who = (struct principal) { .id = 1, .admin = true, .may_create_buckets = true };
	req->workspace = space;
	return req;
}

static inline void
kit_request_end(struct http_request *http, struct request *req)
{
	request_free(req);
	buf_release(&http->reply.headers);
	buf_release(&http->reply.body);
}

#endif
