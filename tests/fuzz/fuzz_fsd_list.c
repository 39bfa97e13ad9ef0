/*
 * Pages of a listing: the first byte chooses max-keys and the call, the rest is its query string, with whatever token,
 * marker, prefix and delimiter. Each page of ListObjectsV2 must be that of a second, simple listing of the known keys, and so
 * must those that its continuation tokens lead to. No input can make a token: a continuation-token that is base64 of "k" and a key, or "p" and a
 * common prefix, stands for the token of that place; any other must be refused, and so must each token with a bit flipped.
 */
#include "fsd_kit.h"
#include "s3_token.h"
#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define TARGET 8192

struct wanted {
	struct slice items[KIT_KEYS];
	bool prefix[KIT_KEYS];
	size_t count;
};

static bool
starts(struct slice s, struct slice with)
{
	return s.len >= with.len && !memcmp(s.p, with.p, with.len);
}

/* Whether the key is behind the place where the page starts. */
static bool
behind(struct slice key, struct slice after, bool prefix)
{
	size_t len = after.len;

	while (prefix && len && (uint8_t)after.p[len - 1] == 0xff)
		len--;
	if (!len)		/* nothing is above it: from the beginning */
		return prefix || !after.len || bytes_cmp(key.p, key.len, after.p, after.len) > 0;
	return bytes_cmp(key.p, key.len, after.p, after.len) > 0 && (!prefix || !starts(key, after));
}

static void
want(struct wanted *w, struct slice prefix, struct slice delimiter, struct slice after, bool after_prefix)
{
	w->count = 0;
	for (size_t i = 0; i < KIT_KEYS; i++) {
		struct slice key = SLICE(kit_keys[i]), item = key;
		const char *found;

		if (!starts(key, prefix) || !behind(key, after, after_prefix))
			continue;
		found = delimiter.len ? memmem(key.p + prefix.len, key.len - prefix.len, delimiter.p, delimiter.len) : NULL;
		if (found)
			item.len = (size_t)(found - key.p) + delimiter.len;
		if (found && w->count && w->prefix[w->count - 1] && w->items[w->count - 1].len == item.len &&
		    starts(item, w->items[w->count - 1]))
			continue;
		w->items[w->count] = item;
		w->prefix[w->count++] = found != NULL;
	}
}

static struct s3_listing
listing_of(const struct request *req)
{
	const char *prefix = uri_value(&req->uri, "prefix"), *delimiter = uri_value(&req->uri, "delimiter");

	return (struct s3_listing) { .of = space.id, .bucket = SLICE("space"), .prefix = SLICE(prefix ? prefix : ""),
		.delimiter = SLICE(delimiter ? delimiter : "") };
}

/* As want(), for what the request asks; its token was accepted. */
static void
want_request(struct wanted *w, struct request *req)
{
	const char *token = uri_value(&req->uri, "continuation-token"), *after = uri_value(&req->uri, "start-after");
	const struct s3_listing listing = listing_of(req);
	struct s3_place place = { .after = SLICE(after ? after : "") };
	struct buf key = BUF_INIT(TARGET);

	assert(!token || s3_token_read(req, token, &listing, &key, &place) == 0);
	want(w, listing.prefix, listing.delimiter, place.after, place.after_prefix);
	/* The wanted items are the known keys' own. */
	buf_release(&key);
}

/* The token, escaped, of the place that the request names. */
static void
mint(const char *target, struct buf *token)
{
	struct http_request http = { 0 };
	struct request *req = kit_request(&http, target);
	const char *text = req ? uri_value(&req->uri, "continuation-token") : NULL;
	struct buf plain = BUF_INIT(TARGET);
	struct s3_listing listing;
	char place[TARGET];
	size_t len;

	if (text && base64_decode(text, strlen(text), place, sizeof(place), &len) == 0 && len && (*place == 'k' || *place == 'p')) {
		listing = listing_of(req);
		s3_token_write(req, &listing, &(struct s3_place) { { place + 1, len - 1 }, *place == 'p', 1 }, &plain);
		assert(buf_finish(&plain) == 0);
		uri_encode(token, plain.data, plain.len, false);
	}
	buf_release(&plain);
	if (req)
		kit_request_end(&http, req);
}

static void
refuse_flipped(struct request *req, const char *token, size_t bit)
{
	const struct s3_listing listing = listing_of(req);
	struct buf text = BUF_INIT(TARGET), key = BUF_INIT(TARGET);
	struct s3_place place;

	buf_addstr(&text, token);
	assert(buf_finish(&text) == 0);
	text.data[bit / 8 % text.len] ^= (char)(1 << bit % 8);
	assert(s3_token_read(req, text.data, &listing, &key, &place) == ERR_INVALID);
	buf_release(&text);
	buf_release(&key);
}

static const struct xml *
same(const struct xml *e, const char *element, const char *name, struct slice item)
{
	struct buf plain = BUF_INIT(TARGET);
	const char *text;

	assert(e && (text = xml_child_text(e, name)));
	assert(uri_decode(&plain, text, strlen(text), false) == 0);
	assert(!bytes_cmp(plain.data, plain.len, item.p, item.len));
	buf_release(&plain);
	return xml_next(e, element);
}

/* Compares a page; its token, escaped, goes to `token`, which is empty. */
static void
compare(struct request *req, const struct wanted *w, size_t max, const struct xml *root, struct buf *token)
{
	const struct xml *key = xml_child(root, "Contents"), *prefix = xml_child(root, "CommonPrefixes");
	const char *next = xml_child_text(root, "NextContinuationToken");
	size_t shown = w->count < max ? w->count : max;

	for (size_t i = 0; i < shown; i++) {
		if (w->prefix[i])
			prefix = same(prefix, "CommonPrefixes", "Prefix", w->items[i]);
		else
			key = same(key, "Contents", "Key", w->items[i]);
	}
	assert(!key && !prefix);
	assert(!strcmp(xml_child_text(root, "IsTruncated"), shown < w->count ? "true" : "false"));
	assert((next != NULL) == (shown < w->count));
	if (next) {
		uri_encode(token, next, strlen(next), false);
		for (size_t bit = shown % 8; bit < 8 * strlen(next); bit += 8 * 7 + 1)
			refuse_flipped(req, next, bit);
	}
}

/* One request; `token` gets the next page's, if there is one. Returns whether it was answered. */
static bool
page(int (*call)(struct request *req), const char *target, size_t max, struct buf *token)
{
	struct http_request http = { 0 };
	struct request *req = kit_request(&http, target);
	char error[XML_ERROR];
	struct wanted wanted;
	struct xml *root;
	int rc;

	buf_clear(token);
	if (!req)
		return false;
	rc = call(req);
	assert(rc == 0 || (rc == ERR_INVALID && req->error_code));
	if (rc == 0) {
		assert(!xml_parse(http.reply.body.data, http.reply.body.len, error, &root));
		if (call == s3_list_objects_v2) {
			want_request(&wanted, req);
			compare(req, &wanted, max, root, token);
		}
		xml_free(root);
	}
	kit_request_end(&http, req);
	return rc == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static int (*const calls[])(struct request *req) = { s3_list_objects_v2, s3_list_objects_v1, s3_list_versions };
	struct buf token = BUF_INIT(TARGET);
	char target[2 * TARGET];
	unsigned max, which, pages = 0;

	if (!len || len > TARGET / 4 || memchr(bytes, '\0', len))
		return 0;
	max = 1 + bytes[0] % 8;
	which = bytes[0] / 8 % 4;
	if (which == 3)
		which = 0;
	snprintf(target, sizeof(target), "/space?%.*s", (int)len - 1, (const char *)bytes + 1);
	if (calls[which] == s3_list_objects_v2)
		mint(target, &token);
	do {
		snprintf(target, sizeof(target), "/space?encoding-type=url&max-keys=%u%s%.*s&%.*s", max,
		    token.len ? "&continuation-token=" : "", (int)token.len, token.len ? token.data : "", (int)len - 1,
		    (const char *)bytes + 1);
		assert(page(calls[which], target, max, &token) || !pages);
		assert(++pages <= KIT_KEYS + 1);
	} while (token.len);
	buf_release(&token);
	return 0;
}
