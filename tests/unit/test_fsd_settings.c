#include <fcntl.h>
#include <unistd.h>

#include "access_log.h"
#include "buf.h"
#include "err.h"
#include "exit_code.h"
#include "settings.h"
#include "test.h"

/* Settings, the access log's line, and exit codes: what is pure in the daemon. */

static char path[4096];

static int
load(const char *text, struct settings *s, struct buf *errors)
{
	FILE *f;

	snprintf(path, sizeof(path), "%s/fsd.yaml", test_tmpdir());
	if (!(f = fopen(path, "w")))
		return ERR_IO;
	fputs(text, f);
	fclose(f);
	settings_release(s);
	buf_clear(errors);
	if (settings_defaults(s) != 0)
		return ERR_NOMEM;
	return settings_load(s, path, errors);
}

static void
test_defaults_are_those_of_the_example(void)
{
	struct settings a = { 0 }, b = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(0, settings_defaults(&a));
	CHECK_INT(0, settings_defaults(&b));
	CHECK_INT(0, settings_load(&b, "policies/fsd.yaml", &errors));
	CHECK_INT(0, errors.len);
	CHECK_INT(1, b.listen.count);
	CHECK_STR(a.listen.items[0], b.listen.items[0]);
	CHECK_STR("127.0.0.1:9000", a.listen.items[0]);
	CHECK_STR(a.region, b.region);
	CHECK_INT(a.region_strict, b.region_strict);
	CHECK_INT(a.signature_v2, b.signature_v2);
	CHECK_INT(a.metrics, b.metrics);
	CHECK_INT(METRICS_ADMIN, a.metrics);
	CHECK_INT(a.cors_origins.count, b.cors_origins.count);
	CHECK_INT(a.compression, b.compression);
	CHECK_INT(a.durability, b.durability);
	CHECK_INT(a.grace_ms, b.grace_ms);
	CHECK_INT(24 * 3600 * 1000, a.grace_ms);
	CHECK_INT(a.gc_every_ms, b.gc_every_ms);
	CHECK_INT(a.log_format, b.log_format);
	CHECK_INT(a.log_level, b.log_level);
	CHECK_INT(1, a.log_level);
	CHECK_INT(a.log_access, b.log_access);
	CHECK_INT(a.connections, b.connections);
	CHECK_INT(a.threads, b.threads);
	CHECK_INT(a.idle_timeout_ms, b.idle_timeout_ms);
	CHECK_INT(a.upload_memory, b.upload_memory);
	CHECK_INT(128 << 20, a.upload_memory);
	CHECK_INT(a.reserve_bytes, b.reserve_bytes);
	CHECK_INT(a.reserve_percent, b.reserve_percent);
	CHECK_INT(a.upload_expiry_ms, b.upload_expiry_ms);
	CHECK(!b.tls_certificate && !b.tls_key && !b.domain && !b.data_url);
	settings_release(&a);
	settings_release(&b);
}

static void
test_a_file_goes_over_the_defaults(void)
{
	struct settings s = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(0, load("listen: [':8000', '[::1]:8001']\nlog: {format: json, access: false}\n"
			  "tls: {certificate: /a, key: /b}\ndomain: s3.example\nsignature_v2: off\nmetrics: open\n"
			  "cors_origins: ['https://a.example', 'http://b.example:8080', '*']\n"
			  "limits: {threads: 3, upload_memory: 64MiB}\ngc: {every: 0}\n", &s, &errors));
	CHECK_INT(2, s.listen.count);
	CHECK_STR("[::1]:8001", s.listen.items[1]);
	CHECK_INT(LOG_FORMAT_JSON, s.log_format);
	CHECK(!s.log_access);
	CHECK_STR("/a", s.tls_certificate);
	CHECK_STR("s3.example", s.domain);
	CHECK_INT(V2_OFF, s.signature_v2);
	CHECK_INT(METRICS_OPEN, s.metrics);
	CHECK_INT(3, s.cors_origins.count);
	CHECK_INT(3, s.threads);
	CHECK_INT(64 << 20, s.upload_memory);
	CHECK_INT(0, s.gc_every_ms);
	CHECK_INT(16384, s.connections);
	settings_release(&s);
	buf_release(&errors);
}

static void
test_errors_name_line_and_column_and_the_nearest_key(void)
{
	struct settings s = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(ERR_USAGE, load("region: a\nlimits:\n  conections: 7\n", &s, &errors));
	CHECK(strstr(errors.data, "fsd.yaml:3:3: "));
	CHECK(strstr(errors.data, "\"connections\""));
	CHECK_INT(ERR_USAGE, load("limits: {threads: 1025}\n", &s, &errors));
	CHECK(strstr(errors.data, "limits.threads"));
	CHECK_INT(ERR_USAGE, load("grace: 5\n", &s, &errors));
	CHECK_INT(ERR_USAGE, load("durability: relaxed\n", &s, &errors));
	settings_release(&s);
	buf_release(&errors);
}

static void
test_values_that_cannot_work_are_refused(void)
{
	static const char *const bad[] = { "tls: {certificate: /a}\n", "tls: {key: /a}\n",
		"listen: ['unix:/run/x']\n", "listen: [nowhere]\n", "cors_origins: [app.example]\n",
		"cors_origins: ['https://app.example/']\n", "data_url: files.example\n", "domain: '*.s3'\n",
		"domain: ''\n", "region: 'a b'\n", "log: {level: loud}\n", "limits: {upload_memory: 1MiB}\n",
		"grace: 900000y\n", "limits: {upload_expiry: 900000y}\n" };
	struct settings s = { 0 };
	struct buf errors = BUF_INIT(65536);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (load(bad[i], &s, &errors) != ERR_USAGE)
			printf("# accepted: %s", bad[i]);
		CHECK_INT(ERR_USAGE, load(bad[i], &s, &errors));
		CHECK(errors.len > 0);
	}
	settings_release(&s);
	buf_release(&errors);
}

static void
test_a_file_that_is_not_there(void)
{
	struct settings s = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(0, settings_defaults(&s));
	CHECK_INT(ERR_USAGE, settings_load(&s, "/nonexistent/fsd.yaml", &errors));
	CHECK(strstr(errors.data, "/nonexistent/fsd.yaml: no such file"));
	settings_release(&s);
	buf_release(&errors);
}

static void
test_the_command_line_goes_over_the_file(void)
{
	struct settings s = { 0 };
	struct buf errors = BUF_INIT(65536);

	CHECK_INT(0, load("listen: ['127.0.0.1:1', '127.0.0.1:2']\n", &s, &errors));
	CHECK_INT(0, settings_set(&s, "listen", "127.0.0.1:3", &errors));
	CHECK_INT(1, s.listen.count);
	CHECK_STR("127.0.0.1:3", s.listen.items[0]);
	CHECK_INT(ERR_USAGE, settings_set(&s, "log.format", "xml", &errors));
	CHECK(strstr(errors.data, "log.format"));
	settings_release(&s);
	buf_release(&errors);
}

/* ---- the access log ---- */

static const char *
logged(const char *target)
{
	static struct buf out = BUF_INIT(1 << 20);

	buf_clear(&out);
	access_log_target(&out, target);
	return out.data ? out.data : "";
}

static void
test_no_secret_of_a_target_is_logged(void)
{
	CHECK_STR("/b/k?X-Amz-Algorithm=A&X-Amz-Signature=***&x-id=GetObject",
	    logged("/b/k?X-Amz-Algorithm=A&X-Amz-Signature=00ff&x-id=GetObject"));
	CHECK_STR("/b/k?AWSAccessKeyId=AK1&Signature=***&Expires=1", logged("/b/k?AWSAccessKeyId=AK1&Signature=x%2Fy&Expires=1"));
	CHECK_STR("/?x-amz-security-token=***", logged("/?x-amz-security-token=abc"));
	CHECK_STR("/?token=***&TOKEN=***", logged("/?token=abc&TOKEN=def"));
	CHECK_STR("/v1/content/ver_1?ticket=***", logged("/v1/content/ver_1?ticket=abc"));
	CHECK_STR("/v1/uploads/upl_1/parts/1?a=b&tick%65t=***", logged("/v1/uploads/upl_1/parts/1?a=b&tick%65t=abc"));
	/* The name may be written otherwise. */
	CHECK_STR("/?X-Amz-Sign%61ture=***", logged("/?X-Amz-Sign%61ture=00ff"));
	CHECK_STR("/?X%2DAmz%2DSignature=***", logged("/?X%2DAmz%2DSignature=00ff"));
	CHECK_STR("/?%zz=***", logged("/?%zz=00ff"));
	/* What is none stays. */
	CHECK_STR("/b?list-type=2&continuation-token=abc&prefix=", logged("/b?list-type=2&continuation-token=abc&prefix="));
	CHECK_STR("/b/Signature=1", logged("/b/Signature=1"));
	CHECK_STR("/b?&&a", logged("/b?&&a"));
	CHECK_STR("/b?", logged("/b?"));
}

static void
test_targets_are_made_visible_and_cut(void)
{
	char longest[ACCESS_LOG_TARGET + 100];

	CHECK_STR("/a%0Ab%1B%20%FF", logged("/a\nb\x1b \xff"));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	CHECK_INT(ACCESS_LOG_TARGET + 3, strlen(logged(longest)));
	/* A value that is cut is cut out as well. */
	memcpy(longest + ACCESS_LOG_TARGET - 30, "?token=", 7);
	CHECK(strstr(logged(longest), "?token=***..."));
}

static void
test_a_line_in_both_forms(void)
{
	struct access_line l = { .wall_us = 1795355535123456, .request_id = "0123456789ABCDEF", .peer = "127.0.0.1:9",
		.who = "AKTEST", .method = "PUT", .target = "/b/k?token=s3cret", .operation = "PutObject", .status = 200,
		.in = 4096, .out = 0, .micros = 130 };
	struct buf out = BUF_INIT(65536);

	access_log_format(&out, &l, false);
	CHECK_STR("2026-11-22T13:52:15.123456Z access 0123456789ABCDEF 127.0.0.1:9 AKTEST PUT /b/k?token=*** PutObject 200 "
		  "in=4096 out=0 us=130", out.data);
	buf_clear(&out);
	l.who = NULL;
	l.broken = true;
	access_log_format(&out, &l, false);
	CHECK(strstr(out.data, " 127.0.0.1:9 - PUT "));
	CHECK(strstr(out.data, "us=130 broken"));
	buf_clear(&out);
	l.in = 0;
	l.out = UINT64_MAX;
	l.status = 0;
	access_log_format(&out, &l, false);
	CHECK(strstr(out.data, " PutObject 0 in=0 out=18446744073709551615 us=130 broken"));
	l.in = 4096;
	l.out = 0;
	l.status = 200;
	buf_clear(&out);
	l.method = "P\nT";
	access_log_format(&out, &l, false);
	CHECK(strstr(out.data, " - P%0AT /b/k"));
	l.method = "PUT";
	buf_clear(&out);
	access_log_format(&out, &l, true);
	CHECK_STR("{\"time\":\"2026-11-22T13:52:15.123456Z\",\"level\":\"access\",\"requestId\":\"0123456789ABCDEF\","
		  "\"peer\":\"127.0.0.1:9\",\"who\":null,\"method\":\"PUT\",\"target\":\"/b/k?token=***\","
		  "\"operation\":\"PutObject\",\"status\":200,\"bytesIn\":4096,\"bytesOut\":0,\"micros\":130,"
		  "\"complete\":false}", out.data);
	buf_release(&out);
}

static void
test_lines_are_written_whole_and_in_order(void)
{
	struct access_line l = { .wall_us = 1, .request_id = "0", .peer = "p", .method = "GET", .target = "/",
		.operation = "X", .status = 200 };
	int err, pipes[2], last = -1, lines = 0, n;
	char line[1024];
	FILE *f;

	CHECK((f = tmpfile()) != NULL);
	pipes[0] = fileno(f);
	CHECK((err = dup(STDERR_FILENO)) >= 0);
	CHECK(dup2(pipes[0], STDERR_FILENO) >= 0);
	CHECK_INT(0, access_log_start(false));
	for (l.micros = 0; l.micros < 5000; l.micros++)
		access_log_write(&l);
	access_log_stop();
	dup2(err, STDERR_FILENO);
	close(err);
	rewind(f);
	while (fgets(line, sizeof(line), f)) {
		CHECK(strstr(line, "us=") && sscanf(strstr(line, "us="), "us=%d\n", &n) == 1);
		CHECK_INT(last + 1, n);
		last = n;
		lines++;
	}
	fclose(f);
	CHECK_INT(5000, lines);
}

static void
test_exit_codes(void)
{
	CHECK_INT(0, exit_code_of(0));
	CHECK_INT(1, exit_code_of(ERR_EXISTS));
	CHECK_INT(1, exit_code_of(ERR_IO));
	CHECK_INT(2, exit_code_of(ERR_USAGE));
	CHECK_INT(2, exit_code_of(ERR_VERSION));
	CHECK_INT(4, exit_code_of(ERR_CORRUPT));
	CHECK_INT(10, exit_code_of(ERR_NOTFOUND));
	CHECK_INT(11, exit_code_of(ERR_LOCKED));
	CHECK_INT(12, exit_code_of(ERR_AUTH));
	CHECK_INT(13, exit_code_of(ERR_SPACE));
	CHECK_INT(75, exit_code_of(ERR_BUSY));
}

static const struct test tests[] = {
	TEST(test_defaults_are_those_of_the_example),
	TEST(test_a_file_goes_over_the_defaults),
	TEST(test_errors_name_line_and_column_and_the_nearest_key),
	TEST(test_values_that_cannot_work_are_refused),
	TEST(test_a_file_that_is_not_there),
	TEST(test_the_command_line_goes_over_the_file),
	TEST(test_no_secret_of_a_target_is_logged),
	TEST(test_targets_are_made_visible_and_cut),
	TEST(test_a_line_in_both_forms),
	TEST(test_lines_are_written_whole_and_in_order),
	TEST(test_exit_codes),
	TEST_END,
};
TEST_MAIN(tests)
