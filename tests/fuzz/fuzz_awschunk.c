#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "awschunk.h"
#include "err.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* Feeds all in pieces of `piece` bytes; returns the outcome and the payload's length. */
static int
run(const struct sigv4_chain *chain, enum awschunk_mode mode, uint64_t announced, const char *bytes, size_t len,
    size_t piece, size_t *total)
{
	struct awschunk *d;
	int rc = 0;

	*total = 0;
	if (awschunk_new(mode, announced, chain, &d))
		abort();
	for (size_t at = 0, used; at < len && !rc; at += used) {
		size_t n = len - at < piece ? len - at : piece;
		struct slice out;

		rc = awschunk_feed(d, bytes + at, n, &used, &out);
		assert(used <= n && (used || rc));
		assert(!out.len || (out.p >= bytes + at && out.p + out.len <= bytes + at + used));
		*total += out.len;
	}
	rc = awschunk_finish(d);
	assert(*total <= announced && (rc || *total == announced));
	awschunk_free(d);
	return rc;
}

/*
 * The first byte chooses mode and piece, the second the announced length. The result does not depend on how
 * the body was cut.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sigv4_chain chain;
	struct sigv4_key key;
	enum awschunk_mode mode;
	size_t one, two;
	int rc;

	if (len < 2)
		return 0;
	mode = bytes[0] % 3;
	if (sigv4_key_init(&key, "secret", SLICE("20130524/us-east-1/s3/aws4_request")) ||
	    sigv4_chain_init(&chain, &key, "20130524T000000Z",
		SLICE("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9")))
		abort();
	rc = run(&chain, mode, bytes[1], (const char *)bytes + 2, len - 2, 1u + bytes[0] / 3, &one);
	assert(rc == run(&chain, mode, bytes[1], (const char *)bytes + 2, len - 2, len, &two));
	assert(rc || one == two);
	return 0;
}
