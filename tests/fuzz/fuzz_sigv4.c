#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sigv2.h"
#include "sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define HEADERS 40

/* The input is a request: the target on the first line, then "name:value" lines. */
static size_t
split(char *text, size_t len, struct sigv4_header *headers, struct slice *target)
{
	char *p = text, *end = text + len;
	size_t count = 0;

	for (int line = 0; p <= end && count < HEADERS; line++) {
		char *stop = memchr(p, '\n', (size_t)(end - p)), *colon;

		if (!stop)
			stop = end;
		colon = memchr(p, ':', (size_t)(stop - p));
		if (!line)
			*target = (struct slice) { p, (size_t)(stop - p) };
		else if (colon)
			headers[count++] = (struct sigv4_header) { { p, (size_t)(colon - p) },
				{ colon + 1, (size_t)(stop - colon - 1) } };
		p = stop + 1;
	}
	return count;
}

/* Whatever was sent, a signature made with another secret does not hold, and signing it ourselves is harmless. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct sigv4_header headers[HEADERS];
	struct sigv4_request r = { .method = SLICE("GET"), .headers = headers };
	struct buf scratch = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
	struct slice target = { "", 0 };
	struct sigv4_auth auth;
	struct sigv4_key key;
	const char *why = NULL;
	struct uri uri;
	char *text = malloc(len + 1);
	int rc;

	uri_init(&uri);
	if (!text)
		abort();
	memcpy(text, bytes, len);
	text[len] = '\0';
	r.count = split(text, len, headers, &target);
	r.uri = &uri;
	if (uri_parse(&uri, target.p, target.len))
		goto out;
	rc = sigv4_parse(&r, &auth, &why);
	if (!rc && (auth.kind == SIGV4_HEADER || auth.kind == SIGV4_PRESIGNED)) {
		assert(!sigv4_key_init(&key, "not the secret", auth.scope));
		assert(sigv4_key_fits(&key, &auth));
		assert(sigv4_verify(&r, &auth, &key, &scratch, &why) != 0);
	} else if (!rc) {
		assert(sigv2_verify(&r, &auth, "not the secret", NULL, &scratch) != 0);
	}
	if (!sigv4_key_init(&key, "secret", SLICE("20130524/us-east-1/s3/aws4_request"))) {
		sigv4_presign(&r, "key", &key, 1369353600000000, 60, &scratch, &out);
		sigv4_sign(&r, "key", &key, 1369353600000000, &scratch, &out);
	}
out:
	uri_release(&uri);
	buf_release(&scratch);
	buf_release(&out);
	free(text);
	return 0;
}
