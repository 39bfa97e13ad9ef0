#include <fcntl.h>
#include <unistd.h>

#include "clock.h"
#include "daemon.h"
#include "digest.h"
#include "err.h"
#include "request.h"
#include "sigv2.h"
#include "sigv4.h"
#include "store.h"
#include "test.h"

/* Authentication against a store of its own, without sockets. */
static struct daemon the_daemon;
static struct store_credentials cred;
static struct http_request http;
static struct http_header headers[16];
static char target[2048], text[16][512];
static struct request *req;

static int
open_store(void)
{
	struct store_settings s = STORE_SETTINGS_DEFAULT;
	char dir[128];

	s.relaxed = true;
	s.reserve_bytes = 0;
	s.reserve_percent = 0;
	snprintf(dir, sizeof(dir), "%s/store", test_tmpdir());
	memset(&the_daemon, 0, sizeof(the_daemon));
	if (settings_defaults(&the_daemon.settings) || store_create(dir, &cred))
		return -1;
	return store_open(dir, &s, &the_daemon.store);
}

static void
close_store(void)
{
	request_free(req);
	req = NULL;
	store_close(the_daemon.store);
	settings_release(&the_daemon.settings);
}

static void
header(const char *name, const char *prefix, const char *value)
{
	size_t i = http.nheaders++;

	snprintf(text[i], sizeof(text[i]), "%s%s", prefix, value);
	headers[i] = (struct http_header) { SLICE(name), SLICE(text[i]) };
}

static void
begin(const char *method, const char *to)
{
	request_free(req);
	snprintf(target, sizeof(target), "%s", to);
	http = (struct http_request) { .method = method, .target = target, .headers = headers };
	header("Host", "", "127.0.0.1:9000");
	req = request_new(&http, &the_daemon);
}

static struct sigv4_request
view(struct sigv4_header *h)
{
	for (size_t i = 0; i < http.nheaders; i++)
		h[i] = (struct sigv4_header) { headers[i].name, headers[i].value };
	return (struct sigv4_request) { .method = SLICE(http.method), .uri = &req->uri, .headers = h,
		.count = http.nheaders };
}

/* Signs what is there, as of `time_us`, with this key, and says who authenticated. */
static int
signed_request(const char *key, const char *secret, int64_t time_us, const char *region, const char *payload)
{
	struct buf scratch = BUF_INIT(65536), out = BUF_INIT(65536);
	struct sigv4_header h[16];
	struct sigv4_request r;
	struct sigv4_key signing;
	char amz[CLOCK_TEXT], scope[SIGV4_SCOPE];
	int rc;

	clock_amz(time_us, amz);
	header("x-amz-date", "", amz);
	header("x-amz-content-sha256", "", payload);
	if (request_begin(req) || sigv4_scope(time_us, region, "s3", scope) ||
	    sigv4_key_init(&signing, secret, SLICE(scope)))
		return 1;
	r = view(h);
	rc = sigv4_sign(&r, key, &signing, time_us, &scratch, &out);
	if (rc == 0)
		header("Authorization", "", out.data);
	buf_release(&scratch);
	buf_release(&out);
	return rc ? 1 : auth_request(req);
}

#define NOW clock_wall_us()
#define MINUTE 60000000ll

static void
test_version_4_header(void)
{
	CHECK_INT(0, open_store());
	for (int i = 0; i < 20; i++) {
		begin("GET", "/bucket/a%20b?x=1");
		CHECK_INT(0, signed_request(cred.access_key_id, cred.secret_access_key, NOW, i % 2 ? "us-east-1" : "mars",
				 "UNSIGNED-PAYLOAD"));
		CHECK(req->authenticated && req->signed_ && req->who.who.admin);
		CHECK_STR(cred.access_key_id, req->who.key_id);
		CHECK_STR("", req->who.secret);
	}
	begin("GET", "/bucket/a");
	CHECK_INT(ERR_AUTH, signed_request("AKNOBODY", cred.secret_access_key, NOW, "us-east-1", "UNSIGNED-PAYLOAD"));
	CHECK_STR("InvalidAccessKeyId", req->error_code);
	begin("GET", "/bucket/a");
	CHECK_INT(ERR_AUTH, signed_request(cred.access_key_id, "wrong", NOW, "us-east-1", "UNSIGNED-PAYLOAD"));
	CHECK_STR("SignatureDoesNotMatch", req->error_code);
	CHECK(!req->authenticated && !req->who.who.id && !req->who.who.admin);
	CHECK_STR("", req->who.secret);
	begin("GET", "/bucket/a");
	CHECK_INT(ERR_SKEW, signed_request(cred.access_key_id, cred.secret_access_key, NOW - 16 * MINUTE, "us-east-1",
			    "UNSIGNED-PAYLOAD"));
	begin("GET", "/bucket/a");
	CHECK_INT(0, signed_request(cred.access_key_id, cred.secret_access_key, NOW - 14 * MINUTE, "us-east-1",
			 "UNSIGNED-PAYLOAD"));
	close_store();
}

static void
test_region_strict(void)
{
	CHECK_INT(0, open_store());
	the_daemon.settings.region_strict = true;
	begin("GET", "/");
	CHECK_INT(0, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "us-east-1", "UNSIGNED-PAYLOAD"));
	begin("GET", "/");
	CHECK_INT(ERR_INVALID, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "mars", "UNSIGNED-PAYLOAD"));
	CHECK_STR("AuthorizationHeaderMalformed", req->error_code);
	close_store();
}

static void
test_nobody(void)
{
	CHECK_INT(0, open_store());
	begin("GET", "/bucket/a");
	CHECK_INT(0, request_begin(req));
	CHECK_INT(0, auth_request(req));
	CHECK(!req->authenticated && !req->who.who.id);
	begin("GET", "/bucket/a");
	header("Authorization", "Bearer ", cred.token);
	CHECK_INT(0, request_begin(req));
	CHECK_INT(ERR_INVALID, auth_request(req));
	close_store();
}

static void
test_bearer(void)
{
	char cut[64];

	CHECK_INT(0, open_store());
	begin("GET", "/v1/admin/status");
	header("Authorization", "Bearer ", cred.token);
	CHECK_INT(0, request_begin(req));
	req->level = LEVEL_NONE;
	CHECK_INT(0, auth_request(req));
	CHECK(req->authenticated && req->who.who.admin);
	snprintf(cut, sizeof(cut), "%.*s", (int)strlen(cred.token) - 1, cred.token);
	begin("GET", "/v1/admin/status");
	header("Authorization", "Bearer ", cut);
	CHECK_INT(0, request_begin(req));
	req->level = LEVEL_NONE;
	CHECK_INT(ERR_AUTH, auth_request(req));
	CHECK(!req->authenticated);
	begin("GET", "/v1/admin/status");
	CHECK_INT(0, request_begin(req));
	req->level = LEVEL_NONE;
	CHECK_INT(ERR_AUTH, auth_request(req));
	close_store();
}

static void
test_local(void)
{
	CHECK_INT(0, open_store());
	begin("GET", "/v1/admin/status");
	http.local = true;
	CHECK_INT(0, request_begin(req));
	CHECK_INT(0, auth_request(req));
	CHECK(req->authenticated && req->who.who.admin);
	close_store();
}

static int
presigned_v2(const char *method, int64_t expires)
{
	struct buf scratch = BUF_INIT(65536), query = BUF_INIT(65536);
	struct sigv4_header h[16];
	struct sigv4_request r;
	char url[1024];
	int rc;

	begin(method, "/bucket/a");
	if (request_begin(req))
		return 1;
	r = view(h);
	rc = sigv2_presign(&r, cred.access_key_id, cred.secret_access_key, NULL, expires, &scratch, &query);
	snprintf(url, sizeof(url), "/bucket/a?%s", query.data ? query.data : "");
	buf_release(&scratch);
	buf_release(&query);
	begin(method, url);
	return rc || request_begin(req) ? 1 : auth_request(req);
}

static void
test_version_2(void)
{
	CHECK_INT(0, open_store());
	CHECK_INT(0, presigned_v2("GET", NOW / 1000000 + 60));
	CHECK(req->authenticated);
	CHECK_INT(0, presigned_v2("HEAD", NOW / 1000000 + 60));
	CHECK_INT(0, presigned_v2("PUT", NOW / 1000000 + 60));
	CHECK_INT(ERR_INVALID, presigned_v2("DELETE", NOW / 1000000 + 60));
	CHECK_INT(ERR_EXPIRED, presigned_v2("GET", NOW / 1000000 - 1));
	CHECK(!req->authenticated);
	the_daemon.settings.signature_v2 = V2_OFF;
	CHECK_INT(ERR_INVALID, presigned_v2("GET", NOW / 1000000 + 60));
	close_store();
}

static void
test_payload(void)
{
	char hex[65];
	uint8_t hash[32];

	CHECK_INT(0, open_store());
	digest_sha256("body", 4, hash);
	hex_encode(hash, sizeof(hash), hex);
	begin("PUT", "/bucket/a");
	CHECK_INT(0, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "us-east-1", hex));
	CHECK_INT(PAYLOAD_SHA256, req->payload);
	http.body = (struct buf) BUF_INIT(100);
	buf_addstr(&http.body, "body");
	CHECK_INT(0, auth_payload_body(req));
	buf_addstr(&http.body, "!");
	CHECK_INT(ERR_DIGEST, auth_payload_body(req));
	buf_release(&http.body);
	begin("PUT", "/bucket/a");
	CHECK_INT(ERR_INVALID, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "us-east-1", "nonsense"));
	begin("PUT", "/bucket/a");
	CHECK_INT(ERR_INVALID, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "us-east-1",
				   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
	CHECK_STR("MissingContentLength", req->error_code);
	begin("PUT", "/bucket/a");
	header("x-amz-decoded-content-length", "", "5");
	CHECK_INT(0, signed_request(cred.access_key_id, cred.secret_access_key, NOW, "us-east-1",
			 "STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
	CHECK_INT(PAYLOAD_CHUNKED, req->payload);
	CHECK_INT(5, req->decoded_length);
	http.body = (struct buf) BUF_INIT(100);
	buf_addstr(&http.body, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
	CHECK_INT(0, auth_payload_body(req));
	CHECK_STR("abcde", http.body.data);
	buf_release(&http.body);
	close_store();
}

static void
test_addresses(void)
{
	static const struct {
		const char *domain, *host, *target;
		int rc;
		enum level level;
		const char *bucket, *key;
	} cases[] = {
		{ NULL, "h", "/", 0, LEVEL_SERVICE, "", "" },
		{ NULL, "h", "/b", 0, LEVEL_BUCKET, "b", "" },
		{ NULL, "h", "/b/", 0, LEVEL_BUCKET, "b", "" },
		{ NULL, "h", "/b/k", 0, LEVEL_OBJECT, "b", "k" },
		{ NULL, "h", "/b//", 0, LEVEL_OBJECT, "b", "/" },
		{ NULL, "h", "/b/%2e%2e/x?y", 0, LEVEL_OBJECT, "b", "../x" },
		{ NULL, "h", "/b/a+b", 0, LEVEL_OBJECT, "b", "a+b" },
		{ NULL, "h", "//k", ERR_INVALID, LEVEL_BUCKET, "", "" },
		{ NULL, "h", "/b/%ff", ERR_INVALID, LEVEL_SERVICE, "", "" },
		{ NULL, "h", "/b/%0", ERR_INVALID, LEVEL_SERVICE, "", "" },
		{ "s3.x", "s3.x", "/b/k", 0, LEVEL_OBJECT, "b", "k" },
		{ "s3.x", "b.s3.x", "/k/l", 0, LEVEL_OBJECT, "b", "k/l" },
		{ "s3.x", "B.S3.X:9000", "/k", 0, LEVEL_OBJECT, "b", "k" },
		{ "s3.x", "b.c.s3.x", "/", 0, LEVEL_BUCKET, "b.c", "" },
		{ "s3.x", "bs3.x", "/b", 0, LEVEL_BUCKET, "b", "" },
		{ "s3.x", ".s3.x", "/b", 0, LEVEL_BUCKET, "b", "" },
		{ "s3.x", "evil.s3.xx", "/b", 0, LEVEL_BUCKET, "b", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char domain[16];

		memset(&the_daemon, 0, sizeof(the_daemon));
		snprintf(domain, sizeof(domain), "%s", cases[i].domain ? cases[i].domain : "");
		the_daemon.settings.domain = domain;
		begin("GET", cases[i].target);
		snprintf(text[0], sizeof(text[0]), "%s", cases[i].host);
		headers[0].value = SLICE(text[0]);
		CHECK_INT(cases[i].rc, request_begin(req));
		CHECK_INT(cases[i].level, req->level);
		CHECK_STR(cases[i].bucket, req->bucket);
		CHECK(slice_is(req->key, cases[i].key));
	}
	request_free(req);
	req = NULL;
}

static void
test_requests_forget(void)
{
	char first[20];

	memset(&the_daemon, 0, sizeof(the_daemon));
	begin("GET", "/bucket/key?versionId=1");
	CHECK_INT(0, request_begin(req));
	req->who.who.admin = req->authenticated = true;
	req->who.who.id = 7;
	req->workspace.id = 3;
	strcpy(req->who.secret, "secret");
	buf_addstr(&req->found.headers, "x");
	request_fail(req, ERR_INVALID, "InvalidArgument", "x");
	memcpy(first, req->id, sizeof(first));
	begin("GET", "/");
	CHECK(!req->who.who.admin && !req->authenticated && !req->who.who.id && !req->workspace.id && !req->key.len);
	CHECK(!*req->bucket && !*req->who.secret && !req->error_code && !req->uri.count && !req->found.headers.len);
	CHECK(strcmp(first, req->id) != 0);
	CHECK_INT(16, strlen(req->id));
	request_free(req);
	req = NULL;
}

static const struct test tests[] = {
	TEST(test_addresses),
	TEST(test_requests_forget),
	TEST(test_version_4_header),
	TEST(test_region_strict),
	TEST(test_nobody),
	TEST(test_bearer),
	TEST(test_local),
	TEST(test_version_2),
	TEST(test_payload),
	TEST_END,
};
TEST_MAIN(tests)
