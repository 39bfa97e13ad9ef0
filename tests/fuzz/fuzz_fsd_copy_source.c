/*
 * x-amz-copy-source as it came, and again with a slash before it and with every byte of its path escaped: all must name the same
 * object or be refused the same way. What is found must be the object of the decoded key.
 */
#include "fsd_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* The outcome; the object's size and version if there is one. */
static int
ask(const char *text, struct object_info *info)
{
	struct http_header header = { SLICE("x-amz-copy-source"), SLICE(text) };
	struct http_request http = { .headers = &header, .nheaders = 1 };
	struct request *req = kit_request(&http, "/space/new");
	int rc = s3_copy_source(req, info);

	assert(rc == 0 || rc == ERR_NOTFOUND || (rc == ERR_INVALID && req->error_code));
	kit_request_end(&http, req);
	return rc;
}

static void
ask_again(const char *text, int rc, const struct object_info *info)
{
	struct object_info again = OBJECT_INFO_INIT;

	assert(ask(text, &again) == rc);
	if (rc == 0)
		assert(again.size == info->size && again.version_id == info->version_id);
	object_info_release(&again);
}

/* The path with each byte but "/" as %XX. */
static void
escape_all(struct buf *to, const char *path, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (path[i] == '/')
			buf_addch(to, '/');
		else
			buf_addf(to, "%%%02x", (unsigned char)path[i]);
}

static void
check_found(struct slice path, const struct object_info *info)
{
	size_t i = info->size - 1;

	if (*path.p == '/')
		path.p++, path.len--;
	assert(i < KIT_KEYS && path.len > 6 && !memcmp(path.p, "space/", 6));
	assert(!bytes_cmp(path.p + 6, path.len - 6, kit_keys[i], strlen(kit_keys[i])));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf plain = BUF_INIT(8192), other = BUF_INIT(65536);
	struct object_info info = OBJECT_INFO_INIT;
	const char *query;
	char *text;
	size_t plen;
	int rc;

	if (len > 4096 || memchr(bytes, '\0', len) || !(text = strndup((const char *)bytes, len)))
		return 0;
	query = strchr(text, '?');
	plen = query ? (size_t)(query - text) : len;
	rc = ask(text, &info);
	if (uri_decode(&plain, text, plen, false) == 0 && plain.len) {
		if (rc == 0)
			check_found((struct slice) { plain.data, plain.len }, &info);
		escape_all(&other, plain.data, plain.len);
		buf_addstr(&other, query ? query : "");
		assert(buf_finish(&other) == 0);
		ask_again(other.data, rc, &info);
	} else {
		assert(rc == ERR_INVALID);
	}
	if (*text != '/' && !str_starts(text, "%2f") && !str_starts(text, "%2F")) {
		buf_clear(&other);
		buf_addf(&other, "/%s", text);
		assert(buf_finish(&other) == 0);
		ask_again(other.data, rc, &info);
	}
	buf_release(&plain);
	buf_release(&other);
	object_info_release(&info);
	free(text);
	return 0;
}
