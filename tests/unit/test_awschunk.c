#include "awschunk.h"
#include "err.h"
#include "test.h"

/*
 * AWS's two examples of chunked uploads (66,560 bytes of "a" in chunks of 64 KiB):
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
#define SCOPE "20130524/us-east-1/s3/aws4_request"
#define TOTAL 66560

static struct sigv4_chain
chain(const char *seed)
{
	struct sigv4_chain c;
	struct sigv4_key k;

	if (sigv4_key_init(&k, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", SLICE(SCOPE)) ||
	    sigv4_chain_init(&c, &k, "20130524T000000Z", SLICE(seed)))
		abort();
	return c;
}

static void
add_chunk(struct buf *b, size_t size, const char *signature)
{
	buf_addf(b, "%zx", size);
	if (signature)
		buf_addf(b, ";chunk-signature=%s", signature);
	buf_addstr(b, "\r\n");
	for (size_t i = 0; i < size; i++)
		buf_addch(b, 'a');
	if (size)
		buf_addstr(b, "\r\n");
}

static void
add_signed(struct buf *b)
{
	add_chunk(b, 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
	add_chunk(b, 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
	add_chunk(b, 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
	buf_addstr(b, "\r\n");
}

static void
add_trailer_signed(struct buf *b, const char *line_end, const char *last_end)
{
	add_chunk(b, 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
	add_chunk(b, 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
	add_chunk(b, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
	buf_addf(b, "x-amz-checksum-crc32c:sOO8/Q==%s", line_end);
	buf_addf(b, "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435%s", last_end);
	buf_addstr(b, "\r\n");
}

#define SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"

/* Feeds everything in pieces of `piece` bytes; the payload must be all "a". */
static int
run(struct awschunk *d, const char *bytes, size_t len, size_t piece, size_t *payload)
{
	struct slice out;
	size_t used;
	int rc;

	*payload = 0;
	for (size_t at = 0; at < len; at += used) {
		size_t n = len - at < piece ? len - at : piece;

		if ((rc = awschunk_feed(d, bytes + at, n, &used, &out)) != 0)
			return rc;
		if (!used || used > n || out.p < bytes + at || out.p + out.len > bytes + at + used)
			return ERR_INTERNAL;
		for (size_t i = 0; i < out.len; i++)
			if (out.p[i] != 'a')
				return ERR_CORRUPT;
		*payload += out.len;
	}
	return awschunk_finish(d);
}

static int
decode(enum awschunk_mode mode, uint64_t announced, const char *seed, const char *bytes, size_t len, size_t piece,
    struct awschunk **d)
{
	struct sigv4_chain c = chain(seed);
	size_t payload;
	int rc;

	if (awschunk_new(mode, announced, &c, d))
		abort();
	rc = run(*d, bytes, len, piece, &payload);
	return rc ? rc : payload == announced ? 0 : ERR_INTERNAL;
}

static void
test_examples(void)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 86, 100, 1000, 65537, 1 << 20 };
	struct buf body = BUF_INIT(1 << 20), trailer = BUF_INIT(1 << 20);
	struct awschunk *d;

	add_signed(&body);
	add_trailer_signed(&trailer, "\r\n", "\r\n");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK_INT(0, decode(AWSCHUNK_SIGNED, TOTAL, SEED, body.data, body.len, pieces[i], &d));
		CHECK_INT(0, awschunk_trailer_count(d));
		CHECK(awschunk_done(d));
		awschunk_free(d);
		CHECK_INT(0, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, trailer.data, trailer.len, pieces[i], &d));
		CHECK_INT(1, awschunk_trailer_count(d));
		CHECK_STR("sOO8/Q==", awschunk_trailer(d, "x-amz-checksum-crc32c"));
		CHECK(!awschunk_trailer(d, "x-amz-trailer-signature"));
		awschunk_free(d);
	}
	buf_clear(&trailer);
	add_trailer_signed(&trailer, "\n", "\n");
	CHECK_INT(0, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, trailer.data, trailer.len, 5, &d));
	awschunk_free(d);
	buf_clear(&trailer);
	add_trailer_signed(&trailer, "\n\r\n", "\r\n");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		CHECK_INT(0, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, trailer.data, trailer.len, pieces[i], &d));
		CHECK_STR("sOO8/Q==", awschunk_trailer(d, "x-amz-checksum-crc32c"));
		awschunk_free(d);
	}
	buf_clear(&trailer);
	add_trailer_signed(&trailer, "\n\r\n\r\n", "\r\n");
	CHECK_INT(ERR_AUTH, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, trailer.data, trailer.len, 5, &d));
	awschunk_free(d);
	buf_release(&body);
	buf_release(&trailer);
}

/* No byte of a signed body may change, go missing or be added without an error. */
static void
test_every_change_is_noticed(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct awschunk *d;
	int rc;

	add_trailer_signed(&b, "\r\n", "\r\n");
	for (size_t i = 0; i < b.len; i += i > 100 && i < 65500 ? 999 : 1) {
		char was = b.data[i];

		b.data[i] ^= 0x11;
		rc = decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d);
		awschunk_free(d);
		if (!rc)
			fprintf(stderr, "# byte %zu of %zu changed: accepted\n", i, b.len);
		CHECK(rc == ERR_INVALID || rc == ERR_AUTH || rc == ERR_TRUNCATED || rc == ERR_CORRUPT || rc == ERR_TOOBIG);
		b.data[i] = was;
	}
	for (size_t i = 0; i < b.len; i += i > 100 && i < 65500 ? 999 : 1) {
		rc = decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, i, 1 << 20, &d);
		awschunk_free(d);
		CHECK_INT(ERR_TRUNCATED, rc);
	}
	buf_addch(&b, '\n');
	CHECK_INT(ERR_INVALID, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d));
	awschunk_free(d);
	buf_release(&b);
}

static void
test_length_enforced(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct awschunk *d;

	add_signed(&b);
	CHECK_INT(ERR_INVALID, decode(AWSCHUNK_SIGNED, TOTAL - 1, SEED, b.data, b.len, 100, &d));
	awschunk_free(d);
	CHECK_INT(ERR_TRUNCATED, decode(AWSCHUNK_SIGNED, TOTAL + 1, SEED, b.data, b.len, 100, &d));
	awschunk_free(d);
	buf_release(&b);
}

static void
test_unsigned(void)
{
	static const struct {
		const char *body;
		int rc;
		uint64_t announced;
	} cases[] = {
		{ "3\r\naaa\r\n2\r\naa\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", 0, 5 },
		{ "3\r\naaa\r\n0\r\n\r\n", 0, 3 },
		{ "0\r\n\r\n", 0, 0 },
		{ "0003\r\naaa\r\n000\r\nA:b\r\n\r\n", 0, 3 },
		{ "A\r\naaaaaaaaaa\r\n0\r\nA: b \r\n\r\n", 0, 10 },
		/* The second end of a line is one only where a signature follows: else it is the body's. */
		{ "0\r\nA:b\n\r\n", 0, 0 },
		{ "0\r\nA:b\n\r\n\r\n", ERR_INVALID, 0 },
		{ "", ERR_TRUNCATED, 0 },
		{ "0\r\n", ERR_TRUNCATED, 0 },
		{ "0\r\nA:b\r\n", ERR_TRUNCATED, 0 },
		{ "3\r\naaa", ERR_TRUNCATED, 3 },
		{ "3\r\naaa\r\n", ERR_TRUNCATED, 3 },
		{ "3\naaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "3\r\naaaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "3\r\naaa\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "\r\n", ERR_INVALID, 0 },
		{ "g\r\n", ERR_INVALID, 0 },
		{ "-1\r\n", ERR_INVALID, 0 },
		{ " 3\r\naaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "0x3\r\naaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "3;x=y\r\naaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "10000000000000003\r\naaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "ffffffffffffffff\r\naaa\r\n", ERR_INVALID, 3 },
		{ "4\r\naaaa\r\n0\r\n\r\n", ERR_INVALID, 3 },
		{ "2\r\naa\r\n0\r\n\r\n", ERR_TRUNCATED, 3 },
		{ "0\r\n\r\nx", ERR_INVALID, 0 },
		{ "0\r\nAb\r\n\r\n", ERR_INVALID, 0 },
		{ "0\r\n:b\r\n\r\n", ERR_INVALID, 0 },
		{ "0\r\nA:1\r\na:2\r\n\r\n", ERR_INVALID, 0 },
		{ "0\r\nx-amz-trailer-signature:00\r\n\r\n", ERR_INVALID, 0 },
	};
	struct awschunk *d;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t piece = 1; piece < 40; piece += 19) {
			size_t payload;

			fprintf(stderr, "# case %zu in pieces of %zu\n", i, piece);
			CHECK_INT(0, awschunk_new(AWSCHUNK_UNSIGNED_TRAILER, cases[i].announced, NULL, &d));
			CHECK_INT(cases[i].rc, run(d, cases[i].body, strlen(cases[i].body), piece, &payload));
			if (strchr(cases[i].body, 'A') && !cases[i].rc && awschunk_trailer_count(d))
				CHECK(awschunk_trailer(d, "a") ? !strcmp(awschunk_trailer(d, "a"), "b") : i == 0);
			awschunk_free(d);
		}
	}
}

static void
test_limits(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct awschunk *d;
	size_t payload;

	for (int i = 0; i < AWSCHUNK_LINE + 1; i++)
		buf_addch(&b, '0');
	CHECK_INT(0, awschunk_new(AWSCHUNK_UNSIGNED_TRAILER, 0, NULL, &d));
	CHECK_INT(ERR_TOOBIG, run(d, b.data, b.len, 1, &payload));
	CHECK_INT(ERR_TOOBIG, awschunk_finish(d));
	awschunk_free(d);
	buf_clear(&b);
	buf_addstr(&b, "0\r\n");
	for (int i = 0; i < 5; i++)
		buf_addf(&b, "a%d:%01000d\r\n", i, 0);
	buf_addstr(&b, "\r\n");
	CHECK_INT(0, awschunk_new(AWSCHUNK_UNSIGNED_TRAILER, 0, NULL, &d));
	CHECK_INT(ERR_TOOBIG, run(d, b.data, b.len, 4096, &payload));
	awschunk_free(d);
	buf_clear(&b);
	buf_addstr(&b, "0\r\n");
	for (int i = 0; i < AWSCHUNK_TRAILER_COUNT + 1; i++)
		buf_addf(&b, "a%d:x\r\n", i);
	buf_addstr(&b, "\r\n");
	CHECK_INT(0, awschunk_new(AWSCHUNK_UNSIGNED_TRAILER, 0, NULL, &d));
	CHECK_INT(ERR_TOOBIG, run(d, b.data, b.len, 4096, &payload));
	awschunk_free(d);
	buf_release(&b);
}

static void
test_trailer_must_be_signed(void)
{
	struct buf b = BUF_INIT(1 << 20);
	struct awschunk *d;

	add_chunk(&b, 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
	add_chunk(&b, 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
	add_chunk(&b, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
	buf_addstr(&b, "x-amz-checksum-crc32c:sOO8/Q==\n\r\n");
	CHECK_INT(ERR_TRUNCATED, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d));
	awschunk_free(d);
	buf_addstr(&b, "\r\n");
	CHECK_INT(ERR_AUTH, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d));
	awschunk_free(d);
	b.len -= strlen("\n\r\n\r\n");
	buf_addstr(&b, "\r\n\r\n");
	CHECK_INT(ERR_AUTH, decode(AWSCHUNK_SIGNED_TRAILER, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d));
	awschunk_free(d);
	CHECK_INT(ERR_INVALID, decode(AWSCHUNK_SIGNED, TOTAL, TRAILER_SEED, b.data, b.len, 1 << 20, &d));
	awschunk_free(d);
	buf_release(&b);
}

static void
test_modes(void)
{
	enum awschunk_mode m;

	CHECK_INT(0, awschunk_mode(SLICE("STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), &m));
	CHECK_INT(AWSCHUNK_SIGNED, m);
	CHECK_INT(0, awschunk_mode(SLICE("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"), &m));
	CHECK_INT(AWSCHUNK_SIGNED_TRAILER, m);
	CHECK_INT(0, awschunk_mode(SLICE("STREAMING-UNSIGNED-PAYLOAD-TRAILER"), &m));
	CHECK_INT(AWSCHUNK_UNSIGNED_TRAILER, m);
	CHECK_INT(ERR_UNSUPPORTED, awschunk_mode(SLICE("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"), &m));
	CHECK_INT(ERR_NOTFOUND, awschunk_mode(SLICE("UNSIGNED-PAYLOAD"), &m));
}

static const struct test tests[] = { TEST(test_examples), TEST(test_every_change_is_noticed),
	TEST(test_length_enforced), TEST(test_unsigned), TEST(test_limits), TEST(test_trailer_must_be_signed),
	TEST(test_modes), TEST_END };
TEST_MAIN(tests)
