#include <time.h>

#include "clock.h"
#include "sigv4_kit.h"

/* Version 4 of the signature: the examples that AWS publishes, and what is refused. */

static struct sigv4_key
key(void)
{
	struct sigv4_key k;

	if (sigv4_key_init(&k, SECRET, SLICE(SCOPE)))
		abort();
	return k;
}

static int
verify(struct fixture *f)
{
	struct sigv4_auth auth;
	struct sigv4_key k = key();
	int rc;

	if ((rc = sigv4_parse(&f->request, &auth, &why)) != 0)
		return rc;
	if (!sigv4_key_fits(&k, &auth) || !slice_is(auth.key_id, KEY))
		return ERR_NOTFOUND;
	return sigv4_verify(&f->request, &auth, &k, &f->scratch, &why);
}

#define AUTH(names, signature) \
	"AWS4-HMAC-SHA256 Credential=" KEY "/" SCOPE ",SignedHeaders=" names ",Signature=" signature

static void
get_object(struct fixture *f)
{
	begin(f, "GET", "/test.txt");
	header(f, "Host", HOST);
	header(f, "Authorization", AUTH("host;range;x-amz-content-sha256;x-amz-date",
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
	header(f, "Range", "bytes=0-9");
	header(f, "x-amz-content-sha256", EMPTY);
	header(f, "x-amz-date", "20130524T000000Z");
}

static void
test_get_object(void)
{
	struct fixture f;

	get_object(&f);
	CHECK_INT(0, verify(&f));
	f.headers[2].value = SLICE("  bytes=0-9\t");
	CHECK_INT(0, verify(&f));
	f.headers[2].value = SLICE("bytes=0-8");
	CHECK_INT(ERR_AUTH, verify(&f));
	finish(&f);
}

static void
test_put_object(void)
{
	struct fixture f;

	begin(&f, "PUT", "/test%24file.text");
	header(&f, "Date", "Fri, 24 May 2013 00:00:00 GMT");
	header(&f, "Host", HOST);
	header(&f, "x-amz-date", "20130524T000000Z");
	header(&f, "x-amz-storage-class", "REDUCED_REDUNDANCY");
	header(&f, "x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
	header(&f, "Authorization", AUTH("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
	CHECK_INT(0, verify(&f));
	finish(&f);
	/* The path as another client would have escaped it. */
	CHECK_INT(0, uri_parse(&f.uri, "/test$file.text", 15));
	CHECK_INT(0, verify(&f));
	f.request.method = SLICE("POST");
	CHECK_INT(ERR_AUTH, verify(&f));
	finish(&f);
}

static void
test_lifecycle_and_list(void)
{
	struct fixture f;

	begin(&f, "GET", "/?lifecycle");
	header(&f, "Host", HOST);
	header(&f, "x-amz-date", "20130524T000000Z");
	header(&f, "x-amz-content-sha256", EMPTY);
	header(&f, "Authorization", AUTH("host;x-amz-content-sha256;x-amz-date",
	    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
	CHECK_INT(0, verify(&f));
	finish(&f);

	begin(&f, "GET", "/?prefix=J&max-keys=2");
	header(&f, "Host", HOST);
	header(&f, "x-amz-date", "20130524T000000Z");
	header(&f, "x-amz-content-sha256", EMPTY);
	header(&f, "Authorization", AUTH("host;x-amz-content-sha256;x-amz-date",
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
	CHECK_INT(0, verify(&f));
	finish(&f);
}

#define PRESIGNED "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" \
	"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
#define PRESIGNED_SIGNATURE "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static void
test_presigned(void)
{
	struct sigv4_key k = key();
	struct sigv4_auth auth;
	struct fixture f;

	begin(&f, "GET", PRESIGNED PRESIGNED_SIGNATURE);
	header(&f, "Host", HOST);
	CHECK_INT(0, verify(&f));
	CHECK_INT(0, sigv4_parse(&f.request, &auth, &why));
	CHECK_INT(SIGV4_PRESIGNED, auth.kind);
	CHECK_INT(0, sigv4_time(&auth, NOW));
	CHECK_INT(0, sigv4_time(&auth, NOW + 86399999999ll));
	CHECK_INT(ERR_EXPIRED, sigv4_time(&auth, NOW + 86400000000ll));
	CHECK_INT(0, sigv4_time(&auth, NOW - 900000000ll));
	CHECK_INT(ERR_SKEW, sigv4_time(&auth, NOW - 900000001ll));
	header(&f, "x-amz-acl", "public-read");
	CHECK_INT(ERR_DENIED, verify(&f));
	finish(&f);

	begin(&f, "GET", "/test.txt");
	header(&f, "Host", HOST);
	CHECK_INT(0, sigv4_presign(&f.request, KEY, &k, NOW, 86400, &f.scratch, &f.out));
	CHECK_STR(strchr(PRESIGNED PRESIGNED_SIGNATURE, '?') + 1, f.out.data);
	CHECK_INT(ERR_INVALID, sigv4_presign(&f.request, KEY, &k, NOW, 0, &f.scratch, &f.out));
	CHECK_INT(ERR_INVALID, sigv4_presign(&f.request, KEY, &k, NOW, 604801, &f.scratch, &f.out));
	finish(&f);
}

static void
test_presign_with_query(void)
{
	static const char target[] = "/b/k%20y?versionId=3&response-content-type=text%2Fplain&a";
	struct sigv4_key k = key();
	struct buf url = BUF_INIT(65536);
	struct fixture f;

	begin(&f, "PUT", target);
	header(&f, "Host", "h:9000");
	header(&f, "X-Amz-Meta-B", " two  words ");
	header(&f, "x-amz-meta-a", "1");
	header(&f, "X-Amz-Meta-B", "more");
	CHECK_INT(0, sigv4_presign(&f.request, KEY, &k, NOW, 60, &f.scratch, &f.out));
	CHECK(strstr(f.scratch.data, "\nhost:h:9000\nx-amz-meta-a:1\nx-amz-meta-b:two words,more\n\n"));
	buf_addstr(&url, "/b/k%20y?");
	buf_addstr(&url, f.out.data);
	CHECK_INT(0, uri_parse(&f.uri, url.data, url.len));
	CHECK_INT(0, verify(&f));
	f.headers[2].value = SLICE("2");
	CHECK_INT(ERR_AUTH, verify(&f));
	buf_release(&url);
	finish(&f);
}

static void
test_sign(void)
{
	struct sigv4_key k = key();
	struct fixture f;

	begin(&f, "GET", "/test.txt");
	header(&f, "Host", HOST);
	header(&f, "Range", "bytes=0-9");
	header(&f, "x-amz-content-sha256", EMPTY);
	CHECK_INT(ERR_INVALID, sigv4_sign(&f.request, KEY, &k, NOW, &f.scratch, &f.out));
	header(&f, "x-amz-date", "20130524T000000Z");
	CHECK_INT(0, sigv4_sign(&f.request, KEY, &k, NOW, &f.scratch, &f.out));
	CHECK_STR("AWS4-HMAC-SHA256 Credential=" KEY "/" SCOPE
	    ", SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
	    "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", f.out.data);
	header(&f, "Authorization", f.out.data);
	CHECK_INT(0, verify(&f));
	finish(&f);
}

static void
test_canonical_query(void)
{
	struct sigv4_key k = key();
	struct fixture f;

	begin(&f, "GET", "/?b=2&a=z&a=a+b&a-b=1&acl&%7e=%2f&B=%C3%A4");
	header(&f, "host", "h");
	header(&f, "x-amz-date", "20130524T000000Z");
	header(&f, "x-amz-content-sha256", EMPTY);
	CHECK_INT(0, sigv4_sign(&f.request, KEY, &k, NOW, &f.scratch, &f.out));
	CHECK(!strncmp(f.scratch.data, "GET\n/\nB=%C3%A4&a=a%20b&a=z&a-b=1&acl=&b=2&~=%2F\nhost:h\n", 53));
	finish(&f);
}

static void
test_unsigned_headers(void)
{
	struct fixture f;

	get_object(&f);
	header(&f, "X-Amz-Acl", "public-read");
	CHECK_INT(ERR_DENIED, verify(&f));
	CHECK(strstr(why, "not signed"));
	f.request.count--;
	header(&f, "user-agent", "x");
	CHECK_INT(0, verify(&f));
	finish(&f);
}

/* One header's value of the GET example replaced by each of these must be refused. */
static void
test_malformed_header(void)
{
	static const char sig[] = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
	static const struct {
		const char *names, *credential;
		int rc;
	} cases[] = {
		{ "host", KEY "/" SCOPE, ERR_DENIED },
		{ "range;x-amz-content-sha256;x-amz-date", KEY "/" SCOPE, ERR_INVALID },
		{ "host;;x-amz-date", KEY "/" SCOPE, ERR_INVALID },
		{ "host;", KEY "/" SCOPE, ERR_INVALID },
		{ "Host;x-amz-date", KEY "/" SCOPE, ERR_INVALID },
		{ "host", KEY, ERR_INVALID },
		{ "host", "/" SCOPE, ERR_INVALID },
		{ "host", KEY "/20130524/us-east-1/s3/aws5_request", ERR_INVALID },
		{ "host", KEY "/20130525/us-east-1/s3/aws4_request", ERR_INVALID },
		{ "host", KEY "/20130524//s3/aws4_request", ERR_INVALID },
		{ "host", KEY "/20130524/us-west-1/s3/aws4_request", ERR_NOTFOUND },
		{ "host", "a/b/" SCOPE, ERR_NOTFOUND },
	};
	struct fixture f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[512];

		snprintf(text, sizeof(text), "AWS4-HMAC-SHA256 Credential=%s, SignedHeaders=%s, Signature=%s",
		    cases[i].credential, cases[i].names, sig);
		fprintf(stderr, "# %s\n", text);
		get_object(&f);
		f.headers[1].value = SLICE(text);
		CHECK_INT(cases[i].rc, verify(&f));
		finish(&f);
	}
}

static void
test_other_refusals(void)
{
	static const struct {
		const char *text;
		int rc;
	} cases[] = {
		{ "Basic eA==", ERR_UNSUPPORTED },
		{ "AWS4-ECDSA-P256-SHA256 Credential=x", ERR_UNSUPPORTED },
		{ "AWS4-HMAC-SHA256 ", ERR_INVALID },
		{ "AWS4-HMAC-SHA256 nonsense", ERR_INVALID },
		{ AUTH("host", "ABCD"), ERR_INVALID },
		{ AUTH("host", "F0E8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), ERR_INVALID },
		{ AUTH("host", "f0") ",Foo=1", ERR_INVALID },
		{ "AWS x", ERR_INVALID },
		{ "AWS :x", ERR_INVALID },
	};
	struct sigv4_auth auth;
	struct fixture f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "# %s\n", cases[i].text);
		get_object(&f);
		f.headers[1].value = SLICE(cases[i].text);
		why = NULL;
		CHECK_INT(cases[i].rc, sigv4_parse(&f.request, &auth, &why));
		CHECK(why);
		finish(&f);
	}
	get_object(&f);
	f.headers[1].name = SLICE("x");
	CHECK_INT(ERR_NOTFOUND, sigv4_parse(&f.request, &auth, &why));
	finish(&f);
	get_object(&f);
	f.headers[3].name = SLICE("x");
	CHECK_INT(ERR_INVALID, sigv4_parse(&f.request, &auth, &why));	/* no content hash */
	finish(&f);
	get_object(&f);
	f.headers[4].value = SLICE("20130524T000000");
	CHECK_INT(ERR_INVALID, sigv4_parse(&f.request, &auth, &why));
	finish(&f);
	begin(&f, "GET", PRESIGNED PRESIGNED_SIGNATURE);
	header(&f, "host", HOST);
	header(&f, "authorization", AUTH("host", "x"));
	CHECK_INT(ERR_INVALID, sigv4_parse(&f.request, &auth, &why));
	CHECK(strstr(why, "Only one"));
	finish(&f);
}

static void
test_presigned_refusals(void)
{
	static const char *const bad[] = {
		"X-Amz-Expires=0", "X-Amz-Expires=604801", "X-Amz-Expires=-1", "X-Amz-Expires=x", "X-Amz-Expires=",
		"X-Amz-Expires=99999999999999999999", "X-Amz-SignedHeaders=range", "X-Amz-Date=20130525T000000Z",
		"X-Amz-Date=x", "X-Amz-Credential=x", "X-Amz-Signature=x", "X-Amz-Algorithm=AWS4-X",
	};
	struct sigv4_auth auth;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b = BUF_INIT(4096);
		struct fixture f;
		int rc;

		fprintf(stderr, "# %s\n", bad[i]);
		buf_addf(&b, "/test.txt?%s&%s", bad[i], strchr(PRESIGNED PRESIGNED_SIGNATURE, '?') + 1);
		begin(&f, "GET", b.data);	/* the first of two counts */
		header(&f, "host", HOST);
		rc = sigv4_parse(&f.request, &auth, &why);
		CHECK(rc == ERR_INVALID || rc == ERR_UNSUPPORTED);
		finish(&f);
		buf_release(&b);
	}
}

static void
test_skew(void)
{
	struct sigv4_auth auth;
	struct fixture f;

	get_object(&f);
	CHECK_INT(0, sigv4_parse(&f.request, &auth, &why));
	CHECK_INT(NOW, auth.time_us);
	CHECK_INT(0, sigv4_time(&auth, NOW + 900000000ll));
	CHECK_INT(ERR_SKEW, sigv4_time(&auth, NOW + 900000001ll));
	CHECK_INT(0, sigv4_time(&auth, NOW - 900000000ll));
	CHECK_INT(ERR_SKEW, sigv4_time(&auth, NOW - 900000001ll));
	finish(&f);
}

/* Every flipped bit of the signature must be noticed. */
static void
test_flipped_bits(void)
{
	char text[512];
	struct fixture f;
	size_t from;

	get_object(&f);
	snprintf(text, sizeof(text), "%.*s", (int)f.headers[1].value.len, f.headers[1].value.p);
	f.headers[1].value = SLICE(text);
	from = strlen(text) - SIGV4_SIGNATURE;
	for (size_t i = 0; i < SIGV4_SIGNATURE; i++) {
		char was = text[from + i];

		text[from + i] = was == '0' ? '1' : '0';
		CHECK_INT(ERR_AUTH, verify(&f));
		text[from + i] = was;
	}
	CHECK_INT(0, verify(&f));
	finish(&f);
}

static void
test_chain(void)
{
	struct sigv4_chain c;
	struct sigv4_key k = key();
	uint8_t hash[32];
	char *data = malloc(65536);

	memset(data, 'a', 65536);
	CHECK_INT(0, sigv4_chain_init(&c, &k, "20130524T000000Z",
	    SLICE("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")));
	digest_sha256(data, 65536, hash);
	sigv4_chain_chunk(&c, hash);
	CHECK_STR("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", c.last);
	digest_sha256(data, 1024, hash);
	sigv4_chain_chunk(&c, hash);
	CHECK_STR("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", c.last);
	digest_sha256(data, 0, hash);
	sigv4_chain_chunk(&c, hash);
	CHECK_STR("b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", c.last);
	CHECK_INT(ERR_INVALID, sigv4_chain_init(&c, &k, "20130524T000000Z", SLICE("x")));
	free(data);
}

/* Made by botocore 1.43: what boto3 sends. */
static void
test_botocore(void)
{
	struct sigv4_auth auth;
	struct sigv4_key k;
	struct fixture f;

	begin(&f, "GET", "/b/a%20b+c?versionId=7&response-content-type=a%20b&AWSAccessKeyId=" KEY
	    "&Signature=%2FILNHzb4bEIh3hBeK5YFz8vGSo4%3D&x-amz-meta-z=1&Expires=1795398346");
	header(&f, "Host", "h:9000");
	CHECK_INT(0, verify_v2(&f, NULL));
	header(&f, "X-Amz-Meta-Z", "1");
	CHECK_INT(0, verify_v2(&f, NULL));
	f.headers[1].value = SLICE("2");
	CHECK_INT(ERR_AUTH, verify_v2(&f, NULL));
	finish(&f);

	begin(&f, "GET", "/b/a%20b%2Bc?versionId=7&x=a%20b&y=%2B&X=1&acl=&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
	    KEY "%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T004711Z&X-Amz-Expires=3600"
	    "&X-Amz-SignedHeaders=host&X-Amz-Signature=b17d3d1c7e45c2ee343533ef539ddf66ff5f029d252b368a68028cc364b6dee9");
	header(&f, "Host", "h:9000");
	CHECK_INT(0, sigv4_parse(&f.request, &auth, &why));
	CHECK_INT(0, sigv4_key_init(&k, SECRET, auth.scope));
	CHECK_INT(0, sigv4_verify(&f.request, &auth, &k, &f.scratch, &why));
	finish(&f);

	begin(&f, "PUT", "/b/a%20b~/%C3%A4%2Bc?versionId=7&y=%2B&X=1&acl=");
	header(&f, "Host", "h:9000");
	header(&f, "x-amz-meta-a", " x   y ");
	header(&f, "Content-Type", "text/plain");
	header(&f, "X-Amz-Date", "20261123T004546Z");
	header(&f, "X-Amz-Content-SHA256", "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4");
	header(&f, "Authorization", "AWS4-HMAC-SHA256 Credential=" KEY "/20261123/us-east-1/s3/aws4_request, "
	    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a, "
	    "Signature=d2d1592fdd5a388a76ee0915a97a2cd5df75242996597a651665bea15e1dfc0c");
	CHECK_INT(0, sigv4_parse(&f.request, &auth, &why));
	CHECK_INT(0, sigv4_verify(&f.request, &auth, &k, &f.scratch, &why));
	finish(&f);
}

static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Not a limit that a loaded machine or a sanitizer could miss by chance: the target is 3 us. */
static void
test_speed(void)
{
	struct sigv4_key k = key();
	struct sigv4_auth auth;
	struct fixture f;
	int64_t from;

	get_object(&f);
	header(&f, "user-agent", "aws-cli/2.1");
	header(&f, "accept-encoding", "identity");
	from = cpu_us();
	for (int i = 0; i < 20000; i++) {
		if (sigv4_parse(&f.request, &auth, &why) || sigv4_verify(&f.request, &auth, &k, &f.scratch, &why))
			break;
	}
	from = cpu_us() - from;
	fprintf(stderr, "# parse and verify: %.2f us\n", (double)from / 20000);
	CHECK(from < 20000 * 100);
	finish(&f);
}

static const struct test tests[] = {
	TEST(test_get_object), TEST(test_put_object), TEST(test_lifecycle_and_list),
	TEST(test_presigned), TEST(test_presign_with_query), TEST(test_sign),
	TEST(test_canonical_query), TEST(test_unsigned_headers), TEST(test_malformed_header),
	TEST(test_other_refusals), TEST(test_presigned_refusals), TEST(test_skew),
	TEST(test_flipped_bits), TEST(test_chain), TEST(test_botocore), TEST(test_speed), TEST_END
};
TEST_MAIN(tests)
