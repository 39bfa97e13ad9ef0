#ifndef BENCH_LOAD_SIGN_H
#define BENCH_LOAD_SIGN_H

#include <openssl/evp.h>
#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "str.h"

/*
 * Signature V4 in the Authorization header, as the load generator needs it: the signing key is cached for the
 * day and contexts are reused, so that a signature costs about a microsecond. It shares no code with
 * the server's verifier. One signer a thread.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 *
 * The caller's paths and queries are in canonical form already: escaped, parameters sorted.
 */
#define SIGN_UNSIGNED "UNSIGNED-PAYLOAD"
#define SIGN_HEX 65

struct signer {
	const char *access, *secret, *region, *host;	/* of the caller; access NULL: requests are anonymous */
	EVP_MD *sha256;
	EVP_MD_CTX *md;
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;	/* holds the signing key of `day` */
	time_t now;		/* the second that `stamp` shows */
	char stamp[24];		/* 20261122T135215Z */
	char day[12];		/* 20261122 */
};

/* Prints what failed and ends the program: there is no load without signatures. */
static inline void
signer_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "load: %s failed\n", what);
	exit(1);
}

static inline void
signer_init(struct signer *s, const char *access, const char *secret, const char *region, const char *host)
{
	*s = (struct signer) { .access = access, .secret = secret, .region = region, .host = host };
	s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->md = EVP_MD_CTX_new();
	s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	s->mac = s->hmac ? EVP_MAC_CTX_new(s->hmac) : NULL;
	signer_must(s->sha256 && s->md && s->mac, "libcrypto set-up");
}

static inline void
signer_release(struct signer *s)
{
	EVP_MAC_CTX_free(s->mac);
	EVP_MAC_free(s->hmac);
	EVP_MD_CTX_free(s->md);
	EVP_MD_free(s->sha256);
}

/* The SHA-256 of `bytes` in lower-case hex. */
static inline void
signer_hash(struct signer *s, const void *bytes, size_t len, char hex[SIGN_HEX])
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	signer_must(EVP_DigestInit_ex2(s->md, s->sha256, NULL) && EVP_DigestUpdate(s->md, bytes, len) &&
	    EVP_DigestFinal_ex(s->md, sum, &n), "SHA-256");
	hex_encode(sum, n, hex);
}

/* Derives the key of the day and leaves it in s->mac. */
static inline void
signer_key(struct signer *s)
{
	const char *steps[] = { s->day, s->region, "s3", "aws4_request" };
	unsigned char key[EVP_MAX_MD_SIZE], next[EVP_MAX_MD_SIZE];
	unsigned len = (unsigned)(strlen(s->secret) + 4), got = 0;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]) { "SHA256" }, 0),
		OSSL_PARAM_construct_end(),
	};
	char first[256];

	signer_must(len < sizeof(first), "a secret key that long");
	snprintf(first, sizeof(first), "AWS4%s", s->secret);
	for (int i = 0; i < 4; i++) {
		signer_must(HMAC(EVP_sha256(), i ? (const void *)key : first, (int)len,
		    (const unsigned char *)steps[i], strlen(steps[i]), next, &got) != NULL, "HMAC");
		memcpy(key, next, got);
		len = got;
	}
	signer_must(EVP_MAC_init(s->mac, key, len, params), "HMAC");
}

static inline void
signer_clock(struct signer *s)
{
	time_t now = time(NULL);
	char day[12];
	struct tm tm;

	if (now == s->now)
		return;
	s->now = now;
	gmtime_r(&now, &tm);
	strftime(s->stamp, sizeof(s->stamp), "%Y%m%dT%H%M%SZ", &tm);
	strftime(day, sizeof(day), "%Y%m%d", &tm);
	if (strcmp(day, s->day) == 0)
		return;
	memcpy(s->day, day, sizeof(day));
	if (s->access)
		signer_key(s);
}

/*
 * Writes the request line and the headers that sign it, without the empty line that ends them, and returns
 * their length. `payload` is the body's hash or SIGN_UNSIGNED; `query` has no question mark.
 */
static inline size_t
signer_head(struct signer *s, const char *method, const char *path, const char *query, const char *payload,
    char *out, size_t size)
{
	char canon[8192], text[512], hash[SIGN_HEX], signature[SIGN_HEX];
	unsigned char sum[EVP_MAX_MD_SIZE];
	size_t got = 0;
	int n, used;

	used = snprintf(out, size, "%s %s%s%s HTTP/1.1\r\nHost: %s\r\n", method, path, *query ? "?" : "", query, s->host);
	signer_must(used > 0 && (size_t)used < size, "a request that long");
	if (!s->access)
		return (size_t)used;
	signer_clock(s);
	n = snprintf(canon, sizeof(canon), "%s\n%s\n%s\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n"
	    "host;x-amz-content-sha256;x-amz-date\n%s", method, path, query, s->host, payload, s->stamp, payload);
	signer_must(n > 0 && (size_t)n < sizeof(canon), "a request that long");
	signer_hash(s, canon, (size_t)n, hash);
	n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s/%s/s3/aws4_request\n%s",
	    s->stamp, s->day, s->region, hash);
	signer_must(EVP_MAC_init(s->mac, NULL, 0, NULL) && EVP_MAC_update(s->mac, (unsigned char *)text, (size_t)n) &&
	    EVP_MAC_final(s->mac, sum, &got, sizeof(sum)), "HMAC");
	hex_encode(sum, got, signature);
	n = snprintf(out + used, size - (size_t)used, "x-amz-content-sha256: %s\r\nx-amz-date: %s\r\nAuthorization: "
	    "AWS4-HMAC-SHA256 Credential=%s/%s/%s/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
	    "Signature=%s\r\n", payload, s->stamp, s->access, s->day, s->region, signature);
	signer_must(n > 0 && (size_t)n < size - (size_t)used, "a request that long");
	return (size_t)(used + n);
}

#endif
