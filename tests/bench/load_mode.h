#ifndef BENCH_LOAD_MODE_H
#define BENCH_LOAD_MODE_H

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "load_reply.h"
#include "load_sign.h"
#include "load_stat.h"

/*
 * What the load generator can ask for: one `next` a mode, which writes the connection's next request, and
 * where the answer matters one `done`, which reads it. The engine in load.c moves the bytes.
 */
#define HEAD_MAX 8192
#define SEND_PIECE (256u << 10)		/* bodies up to here are sent from memory, with their head; larger ones in such pieces */
#define KEY_MAX_ 320
#define DELETE_KEYS 1000
#define PARTS_MAX 1000
#define STRIDE 2654435761ull		/* a prime: n * STRIDE mod count visits every number once, far from the last */

struct options {
	const char *host, *bucket, *access, *secret, *region, *prefix, *bearer, *target, *next;
	const struct mode *mode;
	unsigned port, connections, threads, page;
	uint64_t count, first, space, size, part_size, seed;
	double seconds;		/* stop starting requests after this; 0: when `count` is done */
	double timeout;		/* end everything after this */
	bool tree, random, sign_payload, verify, once;
	int at;			/* list: 'w' walks, 'f' first page, 'l' last page */
};

struct worker;

struct conn {
	struct worker *w;
	int fd;
	bool writing;		/* waits for EPOLLOUT */
	bool busy;		/* a request is under way */
	bool wrong;		/* bytes came that were not stored */
	int64_t start;
	char *out;		/* head, then body or a piece of it */
	size_t out_len, out_off;
	uint64_t object;	/* number of the object that this is about */
	uint64_t stream_off;	/* next byte of the streamed body to make */
	uint64_t stream_end;	/* 0: nothing is streamed */
	uint64_t upload_bytes;	/* sent as body by this request */
	uint64_t keys;		/* in this request */
	struct reply reply;
	struct buf text;	/* the body of a reply that is read */
	char *token;		/* list, walk: where the next page begins */
	bool through;		/* walk: the last page was seen */
	char upload[256];	/* multipart: its id */
	unsigned part, parts;	/* multipart: 0 is create, parts + 1 is complete */
	char (*etags)[80];
};

struct mode {
	const char *name;
	bool reads_text;	/* the reply's body is kept for `done` */
	bool (*next)(struct conn *c);	/* false: nothing left to do */
	bool (*done)(struct conn *c);	/* false: the answer is wrong */
};

struct worker {
	const struct options *o;
	struct signer sign;
	struct stat_sum sum;
	uint64_t random;
	_Atomic uint64_t *claimed;	/* of all workers */
	int epoll;
	unsigned live;			/* connections with a request under way */
	bool stop;
};

/* The next number below count; false when all were given out or time is up. */
static bool
mode_claim(struct worker *w, uint64_t *n)
{
	if (w->stop)
		return false;
	*n = atomic_fetch_add_explicit(w->claimed, 1, memory_order_relaxed);
	return *n < w->o->count;
}

/* The object behind the n-th write or delete: in order, or all of them scattered. */
static uint64_t
mode_object(const struct options *o, uint64_t n)
{
	return o->first + (o->random ? (uint64_t)((unsigned __int128)n * STRIDE % o->count) : n);
}

/* Keys need no escaping. A tree has 1,000 objects a folder. */
static void
mode_key(const struct options *o, uint64_t object, char key[KEY_MAX_])
{
	if (o->tree)
		snprintf(key, KEY_MAX_, "%sd%06" PRIu64 "/o%09" PRIu64, o->prefix, object / 1000, object);
	else
		snprintf(key, KEY_MAX_, "%so%09" PRIu64, o->prefix, object);
}

static void
mode_path(const struct options *o, uint64_t object, char path[KEY_MAX_ + 80])
{
	char key[KEY_MAX_];

	mode_key(o, object, key);
	snprintf(path, KEY_MAX_ + 80, "/%s/%s", o->bucket, key);
}

/* The head of a request and its end. `extra` are whole header lines; a body of `len` bytes is to follow. */
static void
mode_head(struct conn *c, const char *method, const char *path, const char *query, const char *payload,
    const char *extra, uint64_t len, bool has_body)
{
	size_t n = signer_head(&c->w->sign, method, path, query, payload, c->out, HEAD_MAX - 256);

	if (has_body)
		n += (size_t)snprintf(c->out + n, HEAD_MAX - n, "Content-Length: %" PRIu64 "\r\n", len);
	n += (size_t)snprintf(c->out + n, HEAD_MAX - n, "%s\r\n", extra);
	c->out_len = n;
	c->upload_bytes = len;
}

/* A request whose body is bytes `from` to `from + len` of object c->object. */
static void
mode_upload(struct conn *c, const char *path, const char *query, uint64_t from, uint64_t len)
{
	const struct options *o = c->w->o;
	const char *payload = SIGN_UNSIGNED;
	char *body = c->out + HEAD_MAX, hash[SIGN_HEX];

	if (len <= SEND_PIECE) {
		stat_fill(o->seed, c->object, from, body, (size_t)len);
		if (o->sign_payload && o->access) {
			signer_hash(&c->w->sign, body, (size_t)len, hash);
			payload = hash;
		}
	}
	mode_head(c, "PUT", path, query, payload, "", len, true);
	if (len <= SEND_PIECE) {
		memmove(c->out + c->out_len, body, (size_t)len);
		c->out_len += (size_t)len;
	} else {
		c->stream_off = from;
		c->stream_end = from + len;
	}
}

/* A request with a text as its body. `md5`: with the digest header that AWS wants of DeleteObjects. */
static void
mode_post(struct conn *c, const char *path, const char *query, const struct buf *body, bool md5)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char hash[SIGN_HEX], text[64], extra[96] = "";
	unsigned n = 0;

	signer_must(buf_finish(body) == 0, "a request that long");
	signer_hash(&c->w->sign, body->data ? body->data : "", body->len, hash);
	if (md5) {
		signer_must(EVP_Digest(body->data, body->len, sum, &n, EVP_md5(), NULL), "MD5");
		EVP_EncodeBlock((unsigned char *)text, sum, (int)n);
		snprintf(extra, sizeof(extra), "Content-MD5: %s\r\n", text);
	}
	mode_head(c, "POST", path, query, hash, extra, body->len, true);
	memcpy(c->out + c->out_len, body->data ? body->data : "", body->len);
	c->out_len += body->len;
}

static bool
mode_put_next(struct conn *c)
{
	const struct options *o = c->w->o;
	char path[KEY_MAX_ + 80];
	uint64_t n;

	if (!mode_claim(c->w, &n))
		return false;
	c->object = mode_object(o, n);
	mode_path(o, c->object, path);
	mode_upload(c, path, "", 0, o->size);
	return true;
}

static bool
mode_get_next(struct conn *c)
{
	const struct options *o = c->w->o;
	char path[KEY_MAX_ + 80];
	uint64_t n;

	if (!mode_claim(c->w, &n))
		return false;
	c->object = o->first + (o->random ? stat_mix(c->w->random++) % o->space : n % o->space);
	mode_path(o, c->object, path);
	mode_head(c, "GET", path, "", SIGN_UNSIGNED, "", 0, false);
	return true;
}

static bool
mode_get_done(struct conn *c)
{
	return !c->w->o->verify || (!c->wrong && c->reply.body == c->w->o->size);
}

static bool
mode_bucket_next(struct conn *c)
{
	char path[80];
	uint64_t n;

	if (!mode_claim(c->w, &n) || n > 0)
		return false;
	snprintf(path, sizeof(path), "/%s", c->w->o->bucket);
	mode_head(c, "PUT", path, "", SIGN_UNSIGNED, "", 0, true);
	return true;
}

/* Escapes for a query; returns false if there is no room. */
static bool
mode_escape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text; text++) {
		if (n + 4 > size)
			return false;
		if (strchr("-._~", *text) || (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
		    (*text >= 'A' && *text <= 'Z'))
			out[n++] = *text;
		else
			n += (size_t)snprintf(out + n, 4, "%%%02X", (unsigned char)*text);
	}
	out[n] = '\0';
	return true;
}

static bool
mode_list_next(struct conn *c)
{
	const struct options *o = c->w->o;
	char query[4096], path[80], text[KEY_MAX_ * 3], key[KEY_MAX_];
	uint64_t n;

	if (!mode_claim(c->w, &n))
		return false;
	snprintf(path, sizeof(path), "/%s", o->bucket);
	if (o->at == 'l') {
		mode_key(o, o->first + o->space - o->page - 1, key);
		mode_escape(key, text, sizeof(text));
		snprintf(query, sizeof(query), "list-type=2&max-keys=%u&start-after=%s", o->page, text);
	} else if (c->token && o->at == 'w') {
		snprintf(query, sizeof(query), "continuation-token=%s&list-type=2&max-keys=%u", c->token, o->page);
	} else {
		snprintf(query, sizeof(query), "list-type=2&max-keys=%u", o->page);
	}
	mode_head(c, "GET", path, query, SIGN_UNSIGNED, "", 0, false);
	return true;
}

/* The text of the first element of that name; false if there is none. Entities but &amp; are not expected. */
static bool
mode_element(const char *xml, const char *name, char *out, size_t size)
{
	char open[64];
	const char *from, *end;
	char *amp;

	snprintf(open, sizeof(open), "<%s>", name);
	if (!xml || !(from = strstr(xml, open)))
		return false;
	from += strlen(open);
	if (!(end = strchr(from, '<')) || (size_t)(end - from) >= size)
		return false;
	memcpy(out, from, (size_t)(end - from));
	out[end - from] = '\0';
	while ((amp = strstr(out, "&amp;")))
		memmove(amp + 1, amp + 5, strlen(amp + 5) + 1);
	return true;
}

static bool
mode_list_done(struct conn *c)
{
	const struct options *o = c->w->o;
	char token[1200], text[3600];
	uint64_t keys = 0;

	for (const char *p = c->text.data; p && (p = strstr(p, "<Key>")); p += 5)
		keys++;
	c->w->sum.items += keys;
	free(c->token);
	c->token = NULL;
	if (o->at == 'w' && mode_element(c->text.data, "NextContinuationToken", token, sizeof(token))) {
		if (!mode_escape(token, text, sizeof(text)))
			return false;
		c->token = strdup(text);
	}
	return keys > 0 && (o->at != 'l' || keys == o->page);
}

static bool
mode_delete_next(struct conn *c)
{
	const struct options *o = c->w->o;
	struct buf body = BUF_INIT(SEND_PIECE);
	uint64_t n, from;
	char path[80], key[KEY_MAX_];

	if (c->w->stop)
		return false;
	from = atomic_fetch_add_explicit(c->w->claimed, DELETE_KEYS, memory_order_relaxed);
	if (from >= o->count)
		return false;
	buf_addstr(&body, "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
	for (n = from; n < from + DELETE_KEYS && n < o->count; n++) {
		mode_key(o, mode_object(o, n), key);
		buf_addf(&body, "<Object><Key>%s</Key></Object>", key);
	}
	buf_addstr(&body, "</Delete>");
	c->keys = n - from;
	snprintf(path, sizeof(path), "/%s", o->bucket);
	mode_post(c, path, "delete=", &body, true);
	buf_release(&body);
	return true;
}

static bool
mode_delete_done(struct conn *c)
{
	if (!c->text.data || strstr(c->text.data, "<Error>"))
		return false;
	c->w->sum.items += c->keys;
	return true;
}

/* An upload is create, parts and complete, on one connection, one after the other. */
static bool
mode_multipart_next(struct conn *c)
{
	const struct options *o = c->w->o;
	struct buf body = BUF_INIT(SEND_PIECE);
	char path[KEY_MAX_ + 80], id[800], query[900];
	uint64_t n, from, len;

	if (c->part == 0) {
		if (!mode_claim(c->w, &n))
			return false;
		c->object = mode_object(o, n);
		c->parts = (unsigned)((o->size + o->part_size - 1) / o->part_size);
	}
	mode_path(o, c->object, path);
	mode_escape(c->upload, id, sizeof(id));
	if (c->part == 0) {
		mode_post(c, path, "uploads=", &body, false);
	} else if (c->part <= c->parts) {
		from = (c->part - 1) * o->part_size;
		len = o->size - from < o->part_size ? o->size - from : o->part_size;
		snprintf(query, sizeof(query), "partNumber=%u&uploadId=%s", c->part, id);
		mode_upload(c, path, query, from, len);
	} else {
		buf_addstr(&body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
		for (unsigned i = 1; i <= c->parts; i++)
			buf_addf(&body, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i, c->etags[i]);
		buf_addstr(&body, "</CompleteMultipartUpload>");
		snprintf(query, sizeof(query), "uploadId=%s", id);
		mode_post(c, path, query, &body, false);
	}
	buf_release(&body);
	return true;
}

static bool
mode_multipart_done(struct conn *c)
{
	if (c->part == 0) {
		if (!mode_element(c->text.data, "UploadId", c->upload, sizeof(c->upload)))
			return false;
	} else if (c->part <= c->parts) {
		memcpy(c->etags[c->part], c->reply.etag, sizeof(c->reply.etag));
	} else if (!c->text.data || strstr(c->text.data, "<Error>")) {
		return false;	/* the status came before the work was done */
	}
	if (c->part <= c->parts) {
		c->part++;
		return true;
	}
	c->part = 0;
	c->w->sum.items++;
	return true;
}

#endif
