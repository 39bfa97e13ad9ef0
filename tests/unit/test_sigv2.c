#include "sigv4_kit.h"

/*
 * Version 2 of the signature, by the examples of
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 */

static void
test_v2_header(void)
{
	struct fixture f;

	begin(&f, "GET", "/photos/puppy.jpg");
	header(&f, "Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com");
	header(&f, "Date", "Tue, 27 Mar 2007 19:36:42 +0000");
	header(&f, "Authorization", "AWS " KEY ":qgk2+6Sv9/oM7G3qLEjTH1a1l1g=");
	CHECK_INT(0, verify_v2(&f, "awsexamplebucket1"));
	CHECK_INT(ERR_AUTH, verify_v2(&f, "other"));
	finish(&f);

	begin(&f, "GET", "/?acl");
	header(&f, "Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com");
	header(&f, "Date", "Tue, 27 Mar 2007 19:44:46 +0000");
	CHECK_INT(0, sigv2_sign(&f.request, KEY, SECRET, "awsexamplebucket1", &f.scratch, &f.out));
	CHECK_STR("GET\n\n\nTue, 27 Mar 2007 19:44:46 +0000\n/awsexamplebucket1/?acl", f.scratch.data);
	finish(&f);
}

static void
test_v2_upload_string(void)
{
	struct fixture f;

	begin(&f, "PUT", "/db-backup.dat.gz?x=1&response-content-type=a%20b&acl");
	header(&f, "Host", "static.example.com:8080");
	header(&f, "Date", "Tue, 27 Mar 2007 21:06:08 +0000");
	header(&f, "x-amz-acl", "public-read");
	header(&f, "content-type", "application/x-download");
	header(&f, "Content-MD5", "4gJE4saaMU4BqNR0kLY+lw==");
	header(&f, "X-Amz-Meta-ReviewedBy", "joe@example.com");
	header(&f, "X-Amz-Meta-ReviewedBy", "jane@example.com");
	header(&f, "X-Amz-Meta-FileChecksum", "0x02661779");
	CHECK_INT(0, sigv2_sign(&f.request, KEY, SECRET, "static.example.com", &f.scratch, &f.out));
	CHECK_STR("PUT\n4gJE4saaMU4BqNR0kLY+lw==\napplication/x-download\nTue, 27 Mar 2007 21:06:08 +0000\n"
	    "x-amz-acl:public-read\nx-amz-meta-filechecksum:0x02661779\n"
	    "x-amz-meta-reviewedby:joe@example.com,jane@example.com\n"
	    "/static.example.com/db-backup.dat.gz?acl&response-content-type=a b", f.scratch.data);
	header(&f, "Authorization", f.out.data);
	CHECK_INT(0, verify_v2(&f, "static.example.com"));
	finish(&f);
}

static void
test_v2_presigned(void)
{
	struct buf url = BUF_INIT(4096);
	struct sigv4_auth auth;
	struct fixture f;

	begin(&f, "GET", "/photos/puppy.jpg?versionId=7");
	header(&f, "Host", "h");
	CHECK_INT(0, sigv2_presign(&f.request, KEY, SECRET, NULL, 1175139620, &f.scratch, &f.out));
	buf_addf(&url, "/photos/puppy.jpg?%s", f.out.data);
	CHECK_INT(0, uri_parse(&f.uri, url.data, url.len));
	CHECK_INT(0, verify_v2(&f, NULL));
	CHECK_INT(0, sigv4_parse(&f.request, &auth, &why));
	CHECK_INT(SIGV2_PRESIGNED, auth.kind);
	CHECK_INT(0, sigv4_time(&auth, 1175139619999999ll));
	CHECK_INT(ERR_EXPIRED, sigv4_time(&auth, 1175139620000000ll));
	header(&f, "x-amz-acl", "public-read");
	CHECK_INT(ERR_AUTH, verify_v2(&f, NULL));
	f.request.count--;
	f.request.method = SLICE("PUT");
	CHECK_INT(ERR_AUTH, verify_v2(&f, NULL));
	buf_release(&url);
	finish(&f);
}

/* A bucket's URL of boto3: signed with a slash behind the path, and sent without. */
static void
test_v2_bucket(void)
{
	static const struct { const char *sent; int want; } cases[] = {
		{ "/b1", 0 }, { "/b1/", 0 }, { "/b1//", ERR_AUTH }, { "/b", ERR_AUTH }, { "/", ERR_AUTH } };
	struct buf url = BUF_INIT(4096);
	struct fixture f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&f, "GET", "/b1/?list-type=2&location");
		header(&f, "Host", "h");
		CHECK_INT(0, sigv2_presign(&f.request, KEY, SECRET, NULL, 1175139620, &f.scratch, &f.out));
		buf_clear(&url);
		buf_addf(&url, "%s?%s", cases[i].sent, f.out.data);
		CHECK_INT(0, uri_parse(&f.uri, url.data, url.len));
		CHECK_INT(cases[i].want, verify_v2(&f, NULL));
		finish(&f);
	}
	begin(&f, "GET", "/b1/k/");
	CHECK_INT(0, sigv2_presign(&f.request, KEY, SECRET, NULL, 1175139620, &f.scratch, &f.out));
	buf_clear(&url);
	buf_addf(&url, "/b1/k?%s", f.out.data);
	CHECK_INT(0, uri_parse(&f.uri, url.data, url.len));
	CHECK_INT(ERR_AUTH, verify_v2(&f, NULL));
	buf_release(&url);
	finish(&f);
}

static const struct test tests[] = {
	TEST(test_v2_header), TEST(test_v2_upload_string), TEST(test_v2_presigned),
	TEST(test_v2_bucket), TEST_END
};
TEST_MAIN(tests)
