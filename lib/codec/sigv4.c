#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "err.h"
#include "limits.h"
#include "sigv4.h"
#include "sigv4_canon.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* Splits `s` at its first `c`: what stands before it, and the rest behind it. False if there is none. */
static bool
cut(struct slice *s, char c, struct slice *head)
{
	const char *at = memchr(s->p, c, s->len);

	if (!at)
		return false;
	*head = (struct slice) { s->p, (size_t)(at - s->p) };
	s->len -= head->len + 1;
	s->p = at + 1;
	return true;
}

int
sigv4_key_init(struct sigv4_key *key, const char *secret, struct slice scope)
{
	struct slice rest = scope, date, region, service;
	uint8_t k[SHA256_SIZE];
	char first[4 + 256];
	size_t len = strlen(secret);

	if (scope.len >= SIGV4_SCOPE || len > 256 || !cut(&rest, '/', &date) || !cut(&rest, '/', &region) ||
	    !cut(&rest, '/', &service) || !slice_is(rest, "aws4_request"))
		return ERR_INVALID;
	memcpy(first, "AWS4", 4);
	memcpy(first + 4, secret, len);
	hmac_sha256(first, 4 + len, date.p, date.len, k);
	hmac_sha256(k, sizeof(k), region.p, region.len, k);
	hmac_sha256(k, sizeof(k), service.p, service.len, k);
	hmac_sha256(k, sizeof(k), rest.p, rest.len, k);
	hmac_key_init(&key->hmac, k, sizeof(k));
	memcpy(key->scope, scope.p, scope.len);
	key->scope[scope.len] = '\0';
	explicit_bzero(first, sizeof(first));
	explicit_bzero(k, sizeof(k));
	return 0;
}

int
sigv4_scope(int64_t time_us, const char *region, const char *service, char scope[SIGV4_SCOPE])
{
	char amz[CLOCK_TEXT];
	int len;

	clock_amz(time_us, amz);
	len = snprintf(scope, SIGV4_SCOPE, "%.8s/%s/%s/aws4_request", amz, region, service);
	return len < 0 || len >= SIGV4_SCOPE ? ERR_INVALID : 0;
}

bool
sigv4_key_fits(const struct sigv4_key *key, const struct sigv4_auth *auth)
{
	return slice_is(auth->scope, key->scope);
}

/* The signature of a string to sign that begins with algorithm, date and scope. */
static void
sign(const struct sigv4_key *key, const char *algorithm, const char *amz_date, const char *rest, size_t restlen,
    char signature[SIGV4_SIGNATURE + 1])
{
	char text[64 + SIGV4_DATE + SIGV4_SCOPE + 3 * (SIGV4_SIGNATURE + 1)];
	uint8_t mac[SHA256_SIZE];
	char *p = text;

	p = stpcpy(p, algorithm);
	*p++ = '\n';
	p = stpcpy(p, amz_date);
	*p++ = '\n';
	p = stpcpy(p, key->scope);
	*p++ = '\n';
	memcpy(p, rest, restlen);
	hmac_key_sign(&key->hmac, text, (size_t)(p - text) + restlen, mac);
	hex_encode(mac, sizeof(mac), signature);
}

static void
sign_request(const struct sigv4_key *key, const char *amz_date, const struct buf *canonical,
    char signature[SIGV4_SIGNATURE + 1])
{
	uint8_t hash[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	digest_sha256(canonical->data, canonical->len, hash);
	hex_encode(hash, sizeof(hash), hex);
	sign(key, ALGORITHM, amz_date, hex, 2 * SHA256_SIZE, signature);
}

int
sigv4_verify(const struct sigv4_request *r, const struct sigv4_auth *auth, const struct sigv4_key *key,
    struct buf *scratch, const char **why)
{
	char signature[SIGV4_SIGNATURE + 1];
	struct slice names[SIGV4_HEADERS];
	size_t count;
	int rc;

	if ((rc = sigv4_canon_names(auth->names, names, &count)) != 0)
		return rc;
	for (size_t i = 0; i < r->count; i++) {
		struct slice name = r->headers[i].name;

		if (name.len >= 6 && !strncasecmp(name.p, "x-amz-", 6) && !sigv4_canon_named(names, count, name)) {
			*why = "There were headers present in the request which were not signed";
			return ERR_DENIED;
		}
	}
	if ((rc = sigv4_canon_request(r, names, count, r->payload.len ? r->payload : auth->payload, scratch)) != 0)
		return rc;
	sign_request(key, auth->amz_date, scratch, signature);
	if (auth->signature.len != SIGV4_SIGNATURE ||
	    !bytes_equal_secret(signature, auth->signature.p, SIGV4_SIGNATURE))
		return ERR_AUTH;
	return 0;
}

int
sigv4_time(const struct sigv4_auth *auth, int64_t now_us)
{
	switch (auth->kind) {
	case SIGV4_HEADER:
	case SIGV2_HEADER:
		if (auth->time_us > now_us + SKEW_MAX_US || auth->time_us < now_us - SKEW_MAX_US)
			return ERR_SKEW;
		return 0;
	case SIGV4_PRESIGNED:
		if (auth->time_us > now_us + SKEW_MAX_US)
			return ERR_SKEW;
		return now_us >= auth->expires_us ? ERR_EXPIRED : 0;
	case SIGV2_PRESIGNED:
		return now_us >= auth->expires_us ? ERR_EXPIRED : 0;
	}
	return ERR_INTERNAL;
}

static void
add_names(struct buf *b, const struct slice *names, size_t count, const char *separator)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_addstr(b, separator);
		buf_add(b, names[i].p, names[i].len);
	}
}

int
sigv4_sign(const struct sigv4_request *r, const char *key_id, const struct sigv4_key *key, int64_t time_us,
    struct buf *scratch, struct buf *authorization)
{
	struct slice names[SIGV4_HEADERS], payload = r->payload, date;
	char mem[2048], amz[CLOCK_TEXT], signature[SIGV4_SIGNATURE + 1];
	size_t count;
	int rc;

	if (!payload.len && !sigv4_canon_header(r, "x-amz-content-sha256", &payload))
		return ERR_INVALID;
	clock_amz(time_us, amz);
	if (!sigv4_canon_header(r, "x-amz-date", &date) || !slice_is(date, amz))
		return ERR_INVALID;
	if ((rc = sigv4_canon_all(r, mem, sizeof(mem), names, &count)) != 0)
		return rc;
	if (!sigv4_canon_named(names, count, SLICE("host")))
		return ERR_INVALID;
	if ((rc = sigv4_canon_request(r, names, count, payload, scratch)) != 0)
		return rc;
	sign_request(key, amz, scratch, signature);
	buf_addf(authorization, ALGORITHM " Credential=%s/%s, SignedHeaders=", key_id, key->scope);
	add_names(authorization, names, count, ";");
	buf_addf(authorization, ", Signature=%s", signature);
	return buf_finish(authorization);
}

int
sigv4_presign(const struct sigv4_request *r, const char *key_id, const struct sigv4_key *key, int64_t time_us,
    int64_t expires_s, struct buf *scratch, struct buf *query)
{
	struct slice names[SIGV4_HEADERS], payload = r->payload.len ? r->payload : SLICE("UNSIGNED-PAYLOAD");
	char mem[2048], amz[CLOCK_TEXT], signature[SIGV4_SIGNATURE + 1];
	struct sigv4_request signed_request = *r;
	struct buf target = BUF_INIT(2 * LIMIT_TARGET);
	struct uri uri;
	size_t count, from = query->len;
	int rc;

	uri_init(&uri);
	if (expires_s < 1 || expires_s > PRESIGN_MAX_S)
		return ERR_INVALID;
	if ((rc = sigv4_canon_all(r, mem, sizeof(mem), names, &count)) != 0)
		return rc;
	if (!sigv4_canon_named(names, count, SLICE("host")))
		return ERR_INVALID;
	clock_amz(time_us, amz);
	buf_add(query, r->uri->raw_query.p, r->uri->raw_query.len);
	buf_addf(query, "%sX-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=", r->uri->raw_query.len ? "&" : "");
	uri_encode(query, key_id, strlen(key_id), false);
	buf_addstr(query, "%2F");
	uri_encode(query, key->scope, strlen(key->scope), false);
	buf_addf(query, "&X-Amz-Date=%s&X-Amz-Expires=%" PRId64 "&X-Amz-SignedHeaders=", amz, expires_s);
	add_names(query, names, count, "%3B");
	if ((rc = buf_finish(query)) != 0)
		goto out;

	/* The signature covers the query string as the server will see it. */
	buf_add(&target, r->uri->raw_path.p, r->uri->raw_path.len);
	buf_addch(&target, '?');
	buf_add(&target, query->data + from, query->len - from);
	if ((rc = buf_finish(&target)) != 0 || (rc = uri_parse(&uri, target.data, target.len)) != 0)
		goto out;
	signed_request.uri = &uri;
	if ((rc = sigv4_canon_request(&signed_request, names, count, payload, scratch)) != 0)
		goto out;
	sign_request(key, amz, scratch, signature);
	buf_addf(query, "&X-Amz-Signature=%s", signature);
	rc = buf_finish(query);
out:
	uri_release(&uri);
	buf_release(&target);
	return rc;
}

int
sigv4_chain_init(struct sigv4_chain *chain, const struct sigv4_key *key, const char *amz_date, struct slice seed)
{
	if (strlen(amz_date) != SIGV4_DATE - 1 || seed.len != SIGV4_SIGNATURE)
		return ERR_INVALID;
	chain->key = *key;
	memcpy(chain->amz_date, amz_date, SIGV4_DATE);
	memcpy(chain->last, seed.p, seed.len);
	chain->last[seed.len] = '\0';
	return 0;
}

void
sigv4_chain_chunk(struct sigv4_chain *chain, const uint8_t sha256[32])
{
	/* The hash between is that of the empty string: chunks carry no headers. */
	static const char empty[] = "\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
	char rest[3 * SIGV4_SIGNATURE + 3];

	memcpy(rest, chain->last, SIGV4_SIGNATURE);
	memcpy(rest + SIGV4_SIGNATURE, empty, SIGV4_SIGNATURE + 2);
	hex_encode(sha256, 32, rest + 2 * SIGV4_SIGNATURE + 2);
	sign(&chain->key, ALGORITHM "-PAYLOAD", chain->amz_date, rest, sizeof(rest) - 1, chain->last);
}

void
sigv4_chain_trailer(struct sigv4_chain *chain, const uint8_t sha256[32])
{
	char rest[2 * SIGV4_SIGNATURE + 2];

	memcpy(rest, chain->last, SIGV4_SIGNATURE);
	rest[SIGV4_SIGNATURE] = '\n';
	hex_encode(sha256, 32, rest + SIGV4_SIGNATURE + 1);
	sign(&chain->key, ALGORITHM "-TRAILER", chain->amz_date, rest, sizeof(rest) - 1, chain->last);
}
