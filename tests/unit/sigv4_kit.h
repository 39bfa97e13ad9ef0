#ifndef SIGV4_KIT_H
#define SIGV4_KIT_H

#include "err.h"
#include "sigv2.h"
#include "sigv4.h"
#include "test.h"

/*
 * Requests to be signed or verified, with the example credentials of what AWS publishes:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
#define KEY "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define SCOPE "20130524/us-east-1/s3/aws4_request"
#define HOST "examplebucket.s3.amazonaws.com"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOW 1369353600000000ll	/* 2013-05-24T00:00:00Z */

static const char *why;

struct fixture {
	struct uri uri;
	struct sigv4_header headers[16];
	struct sigv4_request request;
	struct buf scratch, out;
};

static inline void
header(struct fixture *f, const char *name, const char *value)
{
	f->headers[f->request.count++] = (struct sigv4_header) { SLICE(name), SLICE(value) };
}

static inline void
begin(struct fixture *f, const char *method, const char *target)
{
	memset(f, 0, sizeof(*f));
	f->scratch = (struct buf) BUF_INIT(65536);
	f->out = (struct buf) BUF_INIT(65536);
	uri_init(&f->uri);
	if (uri_parse(&f->uri, target, strlen(target)))
		abort();
	f->request.method = SLICE(method);
	f->request.uri = &f->uri;
	f->request.headers = f->headers;
}

static inline void
finish(struct fixture *f)
{
	uri_release(&f->uri);
	buf_release(&f->scratch);
	buf_release(&f->out);
}

static inline int
verify_v2(struct fixture *f, const char *bucket)
{
	struct sigv4_auth auth;
	int rc = sigv4_parse(&f->request, &auth, &why);

	return rc ? rc : sigv2_verify(&f->request, &auth, SECRET, bucket, &f->scratch);
}

#endif
