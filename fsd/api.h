#ifndef FSD_API_H
#define FSD_API_H

#include "id.h"
#include "idem.h"
#include "json.h"
#include "node.h"
#include "request.h"
#include "tree.h"

/*
 * The JSON API that devices and applications sync by (/v1/…, but for /v1/admin). One file a resource, a handler a route; their table is
 * api_routes.c. Handlers are `run` of struct route, with action ACTION_NONE_: they ask for rights themselves, by node_find() or
 * api_workspace(). Who may not read a thing is told that it is not there.
 *
 * Bodies are read with the admin_* functions of admin.h (fields that are not known are refused by name), replies begun with admin_reply().
 */
extern const struct route api_routes[];

/* ---- who and where: api_util.c ---- */

/* An id in the path ({…} number i), the query or a body. ERR_NOTFOUND for a malformed one in the path, else ERR_INVALID. */
int api_path_id(struct request *req, unsigned i, enum id_kind kind, int64_t *id);
int api_query_id(struct request *req, const char *name, enum id_kind kind, int64_t *id);	/* absent: 0 */
int api_get_id(struct request *req, const struct json *body, const char *name, enum id_kind kind, int64_t *id);	/* absent or null: 0 */

/* A workspace in which the caller has a role on all of it that allows `action`; with `any`, any role at all. ERR_NOTFOUND, ERR_DENIED. `row` is current. */
int api_workspace(struct request *req, int64_t id, enum action action, bool any, struct workspace_row *row);
/* ?workspaceId=, which must be there. */
int api_query_workspace(struct request *req, enum action action, bool any, struct workspace_row *row);

/* node_find() with errors that say which thing. `n` was initialised. */
int api_node(struct request *req, enum action action, enum node_kind kind, int64_t id, struct node *n);
int api_path_node(struct request *req, unsigned i, enum action action, enum node_kind kind, struct node *n);
/* A file to be read, also one that is gone: node_find_past(). */
int api_past_file(struct request *req, int64_t id, struct node *n);
/*
 * The folder that a body's `field` names: an id, or "root" with `workspace` (0: the body's workspaceId is needed). ERR_INVALID if it is
 * missing.
 */
int api_parent(struct request *req, const struct json *body, const char *field, int64_t workspace, struct node *folder);

/* Who does it, with the device of X-Device-Id (which must be one of the caller's: ERR_INVALID). */
int api_actor(struct request *req, struct actor *actor);

/*
 * ?minSequence=N: 0 once the workspace has come to N; ERR_AGAIN while it has not (the request waits and run() is called again from its
 * start); ERR_TIMEOUT (503) after 2 s. Call before anything that has effects or allocates.
 */
int api_min_sequence(struct request *req, int64_t workspace);

/* What the functions above left in the request. Called by route.c when the reply is out. */
void api_release(struct request *req);

/*
 * The attributes of a new version from a body's contentType, mtime (RFC 3339) and mode (octal text, "0644"), as stored headers:
 * mtime is kept as x-amz-meta-mtime in seconds, which rclone and s3cmd read (SEMANTICS 15). `old` (may be NULL) gives those that the body doesn't name.
 */
int api_get_attributes(struct request *req, const struct json *body, const struct buf *old, struct buf *headers);

/* ---- errors ---- */

/* As request_fail(), with the HTTP status of its own. */
int api_fail(struct request *req, int code, int status, const char *name, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Members that the error object gets besides code, message and requestId: write them with j (api_error() shows them). */
struct json_out *api_error_more(struct request *req, struct json_out *j);

/* A name that only versions have, which S3 keeps: why nothing can be moved there. */
#define API_VERSIONS_KEPT "S3 keeps versions of something that was deleted under this name: undelete or destroy them, or choose another."

/* What a code is called where nothing more is known of it. */
void api_error_text(int rc, const char **code, const char **message);

/* ---- replies ---- */

struct api_node_extra {
	struct slice path;		/* as the caller may see it; NULL pointer: n->path */
	const struct tree_sibling *collides;	/* siblings whose names differ in case or Unicode form only */
	size_t ncollides;
	bool top;			/* the folder that it is in is not the caller's to know */
};
/* The members of a node, inside an object that was begun: so that others can be added. api_node.c. */
void api_put_node(struct json_out *j, const struct node *n, const struct api_node_extra *extra);
/* "contentHash": "sha256:…" or null; `hash` NULL: null. */
void api_put_hash(struct json_out *j, const uint8_t *hash);
/*
 * "name" (and, where sync can't carry it, "syncable": false, "reason", "nameBase64"; else "syncable": true). twin: a file and a folder have
 * this name.
 */
void api_put_name(struct json_out *j, struct slice name, bool twin);
/* Why a name alone can't be synced, or NULL (SEMANTICS 7). Static text. Also what the API refuses to create. */
const char *api_name_reason(struct slice name);
/* ERR_INVALID with the error invalid_name. */
int api_check_name(struct request *req, const char *name);

/*
 * A URL of the data plane: data_url of the settings, else where the request was sent to (over the Unix socket the path alone), then `path` and
 * "?ticket=…".
 */
void api_put_url(struct request *req, struct json_out *j, const char *key, const char *path, const struct buf *ticket);

/* ---- cursors: api_cursor.c ---- */

struct cursor {
	int64_t workspace, folder;	/* folder: the scope; 0: all */
	int64_t principal;
	int64_t sequence;
};
/* Appends the text. */
void api_cursor_text(struct request *req, const struct cursor *cursor, struct buf *text);
void api_put_cursor(struct request *req, struct json_out *j, const char *key, const struct cursor *cursor);
/* ERR_INVALID (cursor_invalid): not one of ours, or another principal's. */
int api_read_cursor(struct request *req, const char *text, struct cursor *cursor);

/* ---- idempotency: api_idem.c ---- */

/*
 *	struct idem idem = IDEM_INIT;
 *	idem.render = …; idem.arg = …; idem.status = 201;
 *	if ((rc = api_idem_begin(req, body, &idem)) == 0 && !idem.replayed)
 *		rc = the core's mutation(…, &idem);
 *	return api_idem_reply(req, rc, &idem);
 *
 * The key is the Idempotency-Key header or the body's clientMutationId (`body` may be NULL); the request's hash is over method, target and body.
 */
int api_idem_begin(struct request *req, const struct json *body, struct idem *idem);
/* The same of a body that was streamed: `sum` stands for it. */
int api_idem_begin_streamed(struct request *req, const uint8_t sum[32], struct idem *idem);
/* Ends it: the reply if rc is 0, else rc. */
int api_idem_reply(struct request *req, int rc, struct idem *idem);
/* All of this around `run`, for a call with a body of `fields`: `run` sets render, arg (not wanted after it) and status, and mutates. */
int api_idem_run(struct request *req, const char *const *fields,
    int (*run)(struct request *req, const struct json *body, struct idem *idem));
/* For struct idem: the reply to a 204. */
int api_idem_nothing(void *arg, struct buf *reply);

#endif
