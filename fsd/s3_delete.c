#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon.h"
#include "err.h"
#include "limits.h"
#include "perm.h"
#include "s3.h"
#include "xml.h"

static void
version_text(const struct object_delete *d, char text[S3_VERSION_TEXT])
{
	struct object_info info = { .version_id = d->version_id, .null_version = d->null_version };

	s3_version_text(&info, text);
}

/* DeleteObject under way. */
struct removal {
	struct object_delete d;
	struct object_deleting *pending;	/* NULL: not queued yet */
};

static int
begin_removal(struct request *req, struct removal *r)
{
	struct object_delete *d = &r->d;
	int rc;

	*d = (struct object_delete) { .workspace = req->workspace.id, .key = req->key, .actor = request_actor(req) };
	if (s3_version_param(req, &d->version) != 0)
		return request_fail(req, ERR_INVALID, "InvalidArgument", "Invalid version id specified");
	if ((rc = s3_refuse_headers(req)) != 0 || (rc = s3_write_expectation(req, &d->expect)) != 0)
		return rc;
	if (d->expect.kind == EXPECT_ABSENT)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "If-None-Match has no meaning in a DELETE.");
	if (d->expect.kind != EXPECT_ANY && d->version)
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented",
		    "If-Match is a condition on the current version and can't go with a versionId.");
	return object_delete_begin(req->daemon->store, d, request_wake, req, &r->pending);
}

static void
reply_removed(struct request *req, const struct object_delete *d)
{
	struct http_reply *reply = &req->http->reply;
	char text[S3_VERSION_TEXT];

	reply->status = 204;
	if (d->made_marker || d->was_marker)
		http_reply_header(reply, "x-amz-delete-marker", "true");
	if (d->made_marker)
		version_text(d, text);
	if (d->made_marker || d->version)
		http_reply_header(reply, "x-amz-version-id", "%s",
		    d->made_marker ? text : uri_value(&req->uri, "versionId"));
}

/* DELETE /bucket/key. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
int
s3_delete_object(struct request *req)
{
	struct removal *r = req->op;
	int rc;

	if (!r && !(r = req->op = calloc(1, sizeof(*r))))
		return ERR_NOMEM;
	if (!r->pending && (rc = begin_removal(req, r)) != 0)
		return rc;
	if (!object_delete_ready(r->pending, &rc))
		return ERR_AGAIN;
	if (rc != 0 || (rc = r->d.rc) != 0)
		return rc;
	reply_removed(req, &r->d);
	return 0;
}

void
s3_delete_release(struct request *req)
{
	struct removal *r = req->op;

	object_deleting_free(r->pending);
	free(r);
	req->op = NULL;
}

/*
 * DeleteObjects: the document is judged as a whole, then each key by itself.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
 */
struct deletion {
	struct request *req;
	struct xml *root;
	bool quiet;
	size_t count;			/* of `all` */
	struct one {
		const struct xml *object;
		const char *key, *version;	/* as sent; in the tree. NULL: no version */
		bool repeated;		/* an earlier one names the same: AWS does it, and answers it, once */
		int rc;			/* refused before it came to the store */
		size_t at;		/* else where it is in `deletes` */
	} *all;
	struct object_delete *deletes;
	size_t deleting;
};

static int
malformed(struct request *req, const char *why)
{
	return request_fail(req, ERR_INVALID, "MalformedXML", "%s", why);
}

/*
 * What isn't known may be meant to spare an object (a misspelt VersionId, a condition), so nothing is passed over. Each of the children of `e` is one of
 * `known`, and but for `many` is there once.
 */
static int
check_children(struct request *req, const struct xml *e, const char *const *known, const char *many)
{
	for (const struct xml *child = xml_child(e, NULL); child; child = xml_next(child, NULL)) {
		const char *name = xml_name(child);
		const char *const *k = known;

		while (*k && strcmp(*k, name) != 0)
			k++;
		if (!*k)
			return request_fail(req, ERR_INVALID, "MalformedXML", "<%.100s> is not known in <%s>.", name, xml_name(e));
		if (strcmp(name, many) != 0 && xml_child(e, name) != child)
			return request_fail(req, ERR_INVALID, "MalformedXML", "A second <%s> in one <%s>.", name, xml_name(e));
	}
	return 0;
}

static int
name_one(struct deletion *d, const struct xml *object, struct one *one)
{
	static const char *const known[] = { "Key", "VersionId", "ETag", "LastModifiedTime", "Size", NULL };
	int rc = check_children(d->req, object, known, "");

	if (rc)
		return rc;
	one->object = object;
	one->key = xml_child_text(object, "Key");
	one->version = xml_child_text(object, "VersionId");
	if (!one->key || !*one->key)
		return malformed(d->req, "An <Object> has no <Key>.");
	if (xml_child(object, "LastModifiedTime") || xml_child(object, "Size"))
		return request_fail(d->req, ERR_UNSUPPORTED, "NotImplemented",
		    "Conditions on time and size are not supported in DeleteObjects.");
	return 0;
}

/* An empty version is one, though none that there is. */
static int
compare_named(const struct one *one, const struct one *other)
{
	int rc = strcmp(one->key, other->key);

	if (rc || !one->version || !other->version)
		return rc ? rc : !!one->version - !!other->version;
	return strcmp(one->version, other->version);
}

/* By key, version and place in the request. */
static int
compare_ones(const void *a, const void *b)
{
	const struct one *one = *(const struct one *const *)a, *other = *(const struct one *const *)b;
	int rc = compare_named(one, other);

	return rc ? rc : one < other ? -1 : one > other;
}

static int
mark_repeated(struct deletion *d)
{
	struct one **sorted = calloc(d->count, sizeof(*sorted));

	if (!sorted)
		return ERR_NOMEM;
	for (size_t i = 0; i < d->count; i++)
		sorted[i] = &d->all[i];
	qsort(sorted, d->count, sizeof(struct one *), compare_ones);
	for (size_t i = 1; i < d->count; i++)
		sorted[i]->repeated = !compare_named(sorted[i], sorted[i - 1]);
	free(sorted);
	return 0;
}

/* <ETag>: If-Match of this one. It is of the current version, so AWS takes none beside a version's id. */
static int
read_etag(const struct one *one, struct expectation *expect)
{
	const char *etag = xml_child_text(one->object, "ETag");
	size_t len = etag ? strlen(etag) : 0;

	if (!etag)
		return 0;
	if (one->version)
		return ERR_UNSUPPORTED;
	if (len >= 2 && *etag == '"' && etag[len - 1] == '"') {
		etag++;
		len -= 2;
	}
	expect->kind = EXPECT_ETAG;
	if (!len || len >= sizeof(expect->etag))
		return ERR_PRECONDITION;
	memcpy(expect->etag, etag, len);
	return 0;
}

static void
judge_one(struct deletion *d, struct one *one)
{
	struct object_delete *del = &d->deletes[d->deleting];

	*del = (struct object_delete) { .workspace = d->req->workspace.id, .key = SLICE(one->key),
		.actor = request_actor(d->req) };
	if (one->version && s3_version_parse(one->version, &del->version) != 0)
		one->rc = ERR_INVALID;
	else
		one->rc = perm_check(d->req->daemon->store, &d->req->who.who, ACTION_WRITE, del->workspace, del->key);
	if (one->rc == 0 && (one->rc = read_etag(one, &del->expect)) == 0)
		one->at = d->deleting++;
}

static int
read_list(struct deletion *d)
{
	static const char *const known[] = { "Object", "Quiet", NULL };
	char error[XML_ERROR];
	const char *quiet;
	size_t count = 0;
	int rc;

	if (xml_parse(d->req->http->body.data, d->req->http->body.len, error, &d->root) != 0)
		return malformed(d->req, error);
	if (strcmp(xml_name(d->root), "Delete") != 0)
		return malformed(d->req, "The body must be <Delete>.");
	if ((rc = check_children(d->req, d->root, known, "Object")) != 0)
		return rc;
	quiet = xml_child_text(d->root, "Quiet");
	d->quiet = quiet && !strcasecmp(quiet, "true");
	for (const struct xml *e = xml_child(d->root, "Object"); e; e = xml_next(e, "Object"))
		count++;
	if (!count || count > LIMIT_DELETE_KEYS)
		return malformed(d->req, "A request can delete 1 to 1000 objects.");
	if (!(d->all = calloc(count, sizeof(*d->all))) || !(d->deletes = calloc(count, sizeof(*d->deletes))))
		return ERR_NOMEM;
	for (const struct xml *e = xml_child(d->root, "Object"); e; e = xml_next(e, "Object"))
		if ((rc = name_one(d, e, &d->all[d->count++])) != 0)
			return rc;
	if ((rc = mark_repeated(d)) != 0)
		return rc;
	for (size_t i = 0; i < d->count; i++)
		if (!d->all[i].repeated)
			judge_one(d, &d->all[i]);
	return 0;
}

static void
tell_error(struct deletion *d, struct buf *b, const struct one *one, int rc)
{
	const char *code = rc == ERR_INVALID && one->version ? "NoSuchVersion" : s3_error_code(d->req, rc), *message;
	int status;

	if (rc == ERR_NOTFOUND)
		code = one->version ? "NoSuchVersion" : "NoSuchKey";
	else if (rc == ERR_TOOBIG)
		code = "KeyTooLongError";
	message = s3_error_message(code, &status);
	xml_begin(b, "Error");
	xml_elem(b, "Key", one->key);
	xml_elem(b, "VersionId", one->version);
	xml_elem(b, "Code", code);
	xml_elem(b, "Message", message);
	xml_end(b, "Error");
}

static void
tell_deleted(struct buf *b, const struct one *one, const struct object_delete *del)
{
	char text[S3_VERSION_TEXT];

	xml_begin(b, "Deleted");
	xml_elem(b, "Key", one->key);
	xml_elem(b, "VersionId", one->version);
	if (del->made_marker || del->was_marker) {
		version_text(del, text);
		xml_elem_bool(b, "DeleteMarker", true);
		xml_elem(b, "DeleteMarkerVersionId", text);
	}
	xml_end(b, "Deleted");
}

static int
answer(struct deletion *d)
{
	struct buf *b = s3_xml(d->req);

	xml_begin_root(b, "DeleteResult");
	for (size_t i = 0; i < d->count; i++) {
		const struct one *one = &d->all[i];
		const struct object_delete *del = &d->deletes[one->at];
		int rc = one->rc ? one->rc : del->rc;

		if (one->repeated)
			continue;
		if (rc)
			tell_error(d, b, one, rc);
		else if (!d->quiet)
			tell_deleted(b, one, del);
	}
	xml_end(b, "DeleteResult");
	return buf_finish(b);
}

/* What a DELETE of one takes from headers, each element here says for itself. */
static int
refuse_conditions(struct request *req)
{
	struct expectation expect;
	int rc = s3_write_expectation(req, &expect);

	if (rc == ERR_PRECONDITION || (rc == 0 && expect.kind != EXPECT_ANY))
		return request_fail(req, ERR_UNSUPPORTED, "NotImplemented", "Conditions of DeleteObjects are its elements' <ETag>.");
	return rc;
}

int
s3_delete_objects(struct request *req)
{
	struct deletion d = { .req = req };
	int rc;

	if ((rc = refuse_conditions(req)) != 0 || (rc = s3_check_body(req, true)) != 0 || (rc = read_list(&d)) != 0)
		goto out;
	if (d.deleting && (rc = object_delete(req->daemon->store, d.deletes, d.deleting)) != 0)
		goto out;
	rc = answer(&d);
out:
	free(d.deletes);
	free(d.all);
	xml_free(d.root);
	return rc;
}
