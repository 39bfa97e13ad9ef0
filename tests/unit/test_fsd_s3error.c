#include "err.h"
#include "request.h"
#include "s3.h"
#include "test.h"
#include "xml.h"

/* A request that never saw a socket. */
static struct http_request http;
static struct request *req;

static void
begin(const char *method, const char *target)
{
	static struct daemon *none;

	buf_release(&http.reply.body);
	buf_release(&http.reply.headers);
	http = (struct http_request) { .method = method, .target = target };
	http.reply.body = (struct buf) BUF_INIT(1 << 20);
	http.reply.headers = (struct buf) BUF_INIT(1 << 16);
	if (!req)
		req = request_new(&http, none);
	req->error_code = NULL;
	req->error_message[0] = '\0';
	req->error_status = 0;
	(void)uri_parse(&req->uri, target, strlen(target));
}

static void
test_every_code_has_an_answer(void)
{
	int status;

	begin("GET", "/bucket/key");
	for (enum level level = LEVEL_SERVICE; level <= LEVEL_NONE; level++)
		for (int code = ERR_INTERNAL; code < 0; code++) {
			const char *name;

			req->level = level;
			name = s3_error_code(req, code);
			CHECK(name && s3_error_message(name, &status));
			CHECK(status >= 300 && status < 600);
			/* Falling back to InternalError is right for these alone. */
			if (status == 500)
				CHECK(code == ERR_INTERNAL || code == ERR_IO || code == ERR_CORRUPT ||
				    code == ERR_AGAIN || code == ERR_END || code == ERR_VERSION ||
				    code == ERR_LOCKED || code == ERR_NOTFOUND);
		}
}

static void
test_statuses(void)
{
	static const struct {
		int code, status;
		const char *name;
	} want[] = {
		{ ERR_DENIED, 403, "AccessDenied" }, { ERR_PRECONDITION, 412, "PreconditionFailed" },
		{ ERR_RANGE, 416, "InvalidRange" }, { ERR_QUOTA, 403, "QuotaExceeded" }, { ERR_TOOMANY, 409, "TooManyUploads" },
		{ ERR_SPACE, 507, "InsufficientStorage" }, { ERR_UNSUPPORTED, 501, "NotImplemented" },
		{ ERR_BUSY, 503, "SlowDown" }, { ERR_NOTEMPTY, 409, "BucketNotEmpty" },
		{ ERR_NOTFOUND, 404, "NoSuchKey" }, { ERR_TOOBIG, 400, "KeyTooLongError" },
	};
	int status;

	begin("GET", "/bucket/key");
	req->level = LEVEL_OBJECT;
	req->workspace.id = 1;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		CHECK_STR(want[i].name, s3_error_code(req, want[i].code));
		s3_error_message(want[i].name, &status);
		CHECK_INT(want[i].status, status);
	}
	req->workspace.id = 0;
	CHECK_STR("NoSuchBucket", s3_error_code(req, ERR_NOTFOUND));
}

static void
test_document(void)
{
	char error[XML_ERROR];
	const struct xml *e;
	struct xml *root;
	static const char *const order[] = { "Code", "Message", "Key", "BucketName", "Resource", "RequestId",
		"HostId" };

	begin("GET", "/bucket/a%3Cb");
	req->level = LEVEL_OBJECT;
	req->key = SLICE("a<b");
	strcpy(req->bucket, "bucket");
	s3_error(req, request_fail(req, ERR_NOTFOUND, "NoSuchKey", "Gone & \"%s\"", "lost"));
	CHECK_INT(404, http.reply.status);
	CHECK_INT(0, xml_parse(http.reply.body.data, http.reply.body.len, error, &root));
	CHECK_STR("Error", xml_name(root));
	e = xml_child(root, NULL);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++, e = xml_next(e, NULL))
		CHECK_STR(order[i], xml_name(e));
	CHECK(!e);
	CHECK_STR("Gone & \"lost\"", xml_child_text(root, "Message"));
	CHECK_STR("a<b", xml_child_text(root, "Key"));
	CHECK_STR("/bucket/a%3Cb", xml_child_text(root, "Resource"));
	CHECK_STR(req->id, xml_child_text(root, "RequestId"));
	xml_free(root);
}

static void
test_bodyless(void)
{
	begin("HEAD", "/bucket/key");
	s3_error(req, ERR_DENIED);
	CHECK_INT(403, http.reply.status);
	CHECK_INT(0, http.reply.body.len);
	begin("GET", "/bucket/key");
	s3_error(req, ERR_UNMODIFIED);
	CHECK_INT(304, http.reply.status);
	CHECK_INT(0, http.reply.body.len);
}

static void
test_long_message_is_cut(void)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	begin("GET", "/");
	CHECK_INT(ERR_INVALID, request_fail(req, ERR_INVALID, "InvalidArgument", "%s", text));
	CHECK_INT(sizeof(req->error_message) - 1, strlen(req->error_message));
	CHECK_INT(ERR_INVALID, request_fail(req, ERR_INVALID, "InvalidArgument", NULL));
	CHECK_STR("", req->error_message);
}

static void
test_version_ids(void)
{
	struct object_info info = { .version_id = 0x123456789abcdef };
	char text[S3_VERSION_TEXT];
	int64_t version;

	s3_version_text(&info, text);
	CHECK_INT(32, strlen(text));
	CHECK_INT(0, s3_version_parse(text, &version));
	CHECK_INT(info.version_id, version);
	for (size_t i = 0; i < 32; i++) {
		char was = text[i];

		text[i] = was == '0' ? '1' : '0';
		CHECK_INT(ERR_INVALID, s3_version_parse(text, &version));
		text[i] = was;
	}
	text[31] = '\0';
	CHECK_INT(ERR_INVALID, s3_version_parse(text, &version));
	CHECK_INT(ERR_INVALID, s3_version_parse("", &version));
	CHECK_INT(ERR_INVALID, s3_version_parse("NULL", &version));
	info.null_version = true;
	s3_version_text(&info, text);
	CHECK_STR("null", text);
	CHECK_INT(0, s3_version_parse(text, &version));
	CHECK_INT(VERSION_NULL, version);
}

static const struct test tests[] = {
	TEST(test_every_code_has_an_answer),
	TEST(test_statuses),
	TEST(test_document),
	TEST(test_bodyless),
	TEST(test_long_message_is_cut),
	TEST(test_version_ids),
	TEST_END,
};

int
main(int argc, char **argv)
{
	int rc = test_main(tests, argc, argv);

	buf_release(&http.reply.body);
	buf_release(&http.reply.headers);
	request_free(req);
	return rc;
}
