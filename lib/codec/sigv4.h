#ifndef CODEC_SIGV4_H
#define CODEC_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "digest.h"
#include "str.h"
#include "uri.h"

/*
 * AWS Signature Version 4, both sides: header, presigned URL and the chain of aws-chunked bodies.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * Signature Version 2 has its own module, sigv2.h, that shares the request view and the parser.
 *
 * How the server goes about it:
 *	sigv4_parse()		who says they sign, and how        (anonymous: ERR_NOTFOUND)
 *	look up the secret of auth.key_id; sigv4_key_init() unless a key with the same scope is cached
 *	sigv4_verify()		is it so
 *	sigv4_time()		and recent
 *
 * Nothing here allocates but what grows the caller's scratch buffer. Any thread; keys may be shared.
 */
#define SIGV4_SIGNATURE 64	/* hex digits of a signature */
#define SIGV4_SCOPE 128		/* the longest "date/region/service/aws4_request", with its NUL */
#define SIGV4_DATE 17		/* "20130524T000000Z" with its NUL */
#define SIGV4_HEADERS 64	/* names in a list of signed headers */

struct sigv4_header {
	struct slice name;	/* any case */
	struct slice value;	/* as sent; blanks around and inside are folded here */
};

/* What is signed of a request, whoever parsed it. Everything is borrowed. */
struct sigv4_request {
	struct slice method;
	const struct uri *uri;
	const struct sigv4_header *headers;	/* in any order; those of one name are joined by commas in this order */
	size_t count;
	struct slice payload;	/* the payload hash of the canonical request; empty: as auth.payload (signing: x-amz-content-sha256) */
};

enum sigv4_kind { SIGV4_HEADER, SIGV4_PRESIGNED, SIGV2_HEADER, SIGV2_PRESIGNED };

/* What a request says about its signature. All slices point into the request's headers or its uri. */
struct sigv4_auth {
	enum sigv4_kind kind;
	struct slice key_id;
	struct slice signature;		/* V4: 64 lower-case hex digits; V2: base64 */
	int64_t time_us;		/* when it was signed; 0 for SIGV2_PRESIGNED */
	int64_t expires_us;		/* presigned: valid until; else 0 */
	/* Only Version 4: */
	struct slice date;		/* 20130524 */
	struct slice region, service;
	struct slice scope;		/* date/region/service/aws4_request */
	struct slice names;		/* host;range;x-amz-date */
	struct slice payload;		/* x-amz-content-sha256; "UNSIGNED-PAYLOAD" for a presigned URL without one */
	char amz_date[SIGV4_DATE];
};

/*
 * Finds and parses the Authorization header or the query parameters of a presigned URL.
 * ERR_NOTFOUND: the request carries neither (anonymous). ERR_INVALID: malformed, both kinds at once, no date, an expiry
 * not in 1..PRESIGN_MAX_S, "host" not signed, no x-amz-content-sha256. ERR_UNSUPPORTED: another algorithm.
 * On every failure but ERR_NOTFOUND *why is a static sentence for the reply.
 */
int sigv4_parse(const struct sigv4_request *r, struct sigv4_auth *auth, const char **why);

/* A derived signing key. Placed by the caller, plain data: copying it is fine. Wipe it with memset when done. */
struct sigv4_key {
	char scope[SIGV4_SCOPE];	/* what it is good for */
	struct hmac_key hmac;
};

/* ERR_INVALID if the scope is too long or not four parts ending in aws4_request. */
int sigv4_key_init(struct sigv4_key *key, const char *secret, struct slice scope);
/* The scope of a time and place as text: "20130524/us-east-1/s3/aws4_request". ERR_INVALID if too long. */
int sigv4_scope(int64_t time_us, const char *region, const char *service, char scope[SIGV4_SCOPE]);
/* Is `key` the one to verify `auth` with (as far as the scope goes)? */
bool sigv4_key_fits(const struct sigv4_key *key, const struct sigv4_auth *auth);

/*
 * Does the signature hold? `key` must fit. `scratch` is the caller's to reuse; after 0 and ERR_AUTH it holds the canonical
 * request. ERR_AUTH: no. ERR_DENIED with *why: some x-amz-* header was sent unsigned. ERR_NOMEM, ERR_TOOBIG of the buffer.
 */
int sigv4_verify(const struct sigv4_request *r, const struct sigv4_auth *auth, const struct sigv4_key *key,
    struct buf *scratch, const char **why);

/*
 * ERR_SKEW if the request was signed more than SKEW_MAX_US from `now_us` (a presigned URL: for the future),
 * ERR_EXPIRED if a presigned URL is over. For Version 2 too.
 */
int sigv4_time(const struct sigv4_auth *auth, int64_t now_us);

/*
 * Signing. Every header in `r` is signed; they must include host and, for sigv4_sign(), x-amz-date (of `time_us`) and
 * x-amz-content-sha256. Appends the value of the Authorization header; its last SIGV4_SIGNATURE bytes are the signature.
 * ERR_INVALID: a header is missing or over SIGV4_HEADERS of them.
 */
int sigv4_sign(const struct sigv4_request *r, const char *key_id, const struct sigv4_key *key, int64_t time_us,
    struct buf *scratch, struct buf *authorization);

/*
 * Appends the whole query string of a presigned URL: that of r->uri (which must not hold X-Amz-* parameters of signing), then the
 * parameters of the signature. Headers in `r` (host at least) must be sent as they are. `expires_s` is 1..PRESIGN_MAX_S, else ERR_INVALID.
 */
int sigv4_presign(const struct sigv4_request *r, const char *key_id, const struct sigv4_key *key, int64_t time_us,
    int64_t expires_s, struct buf *scratch, struct buf *query);

/*
 * The chain of signatures in an aws-chunked body, beginning with that of the request. Placed by the caller; holds
 * a copy of the key.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and .../sigv4-streaming-trailers.html
 */
struct sigv4_chain {
	struct sigv4_key key;
	char amz_date[SIGV4_DATE];
	char last[SIGV4_SIGNATURE + 1];		/* the signature of the piece before */
};

/* `seed` is the request's signature (64 hex digits), `amz_date` its date. ERR_INVALID otherwise. */
int sigv4_chain_init(struct sigv4_chain *chain, const struct sigv4_key *key, const char *amz_date, struct slice seed);
/* The signature of the next chunk or of the trailer, given the SHA-256 of its bytes; it becomes chain->last. */
void sigv4_chain_chunk(struct sigv4_chain *chain, const uint8_t sha256[32]);
void sigv4_chain_trailer(struct sigv4_chain *chain, const uint8_t sha256[32]);

#endif
