#ifndef FSD_REQUEST_H
#define FSD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "errand.h"
#include "http.h"
#include "object.h"
#include "perm.h"
#include "principal.h"
#include "sigv4.h"
#include "str.h"
#include "uri.h"
#include "workspace.h"

/*
 * One request on its way through the daemon. It hangs in http_request.ctx from route to done.
 *
 *	http.c -> route.c: request_begin (id, target parsed, address resolved: service, bucket or object; path-style or virtual host)
 *	       -> the table of routes finds the operation; unknown: NotImplemented or MethodNotAllowed
 *	       -> auth.c: who is it (socket peer, bearer token, V4, V2, presigned, anonymous), by the route's kind
 *	       -> perm: may they (the route's action; ACTION_NONE_ only where the handler decides itself). Denied by default
 *	       -> the operation's functions
 */
struct daemon;
struct request;
struct watcher;

enum level { LEVEL_SERVICE, LEVEL_BUCKET, LEVEL_OBJECT, LEVEL_NONE };

/* What the operation does, filled in a static table (s3_routes.c, daemon_routes.c). The first match in table order wins. */
struct route {
	const char *method;		/* "GET"; a HEAD is a route of its own */
	enum level level;		/* S3; LEVEL_NONE for routes matched by `path` */
	const char *path;		/* "/v1/admin/users/{name}" or NULL */
	const char *param;		/* query parameter that must be there, or NULL */
	const char *header;		/* header that must be there, or NULL */
	const char *name;		/* "PutObject": for the log and metrics */
	int action;			/* enum action, or one of ACTION_*_ below */
	const char *query;		/* the query parameters that there are, by name, with spaces between: others are refused; NULL: not asked */
	uint64_t body_max;		/* > 0: the body is collected up to this; 0: none is read, or streamed */
	/* Streamed uploads: start, write*, finish. Else `run` alone, with the body in req->http->body. Each 0 or an error
	 * code, for which the reply is made (s3_error() with what req->error holds). */
	int (*start)(struct request *req);
	int (*write)(struct request *req, const void *bytes, size_t len, size_t *used);	/* ERR_AGAIN: wait */
	/* Or the finish of a streamed one. ERR_AGAIN: the request waits (HTTP_WAIT), and run is called again after http_resume(). */
	int (*run)(struct request *req);
	void (*release)(struct request *req);	/* frees req->op; may be NULL */
	bool past;			/* S3: works on a bucket as it was (alias.h), too */
	/* Operations that change something run where they may wait (errand.h). With bodies up to this not: ERR_AGAIN. 0: always. */
	uint64_t at_once;
};
#define ACTION_NONE_ (-1)	/* authenticated, and the handler asks perm_check() itself */
#define ACTION_PUBLIC_ (-2)	/* anybody: health, welcome page */
#define ACTION_ADMIN_ (-3)	/* administrators */
#define ACTION_CREATE_ (-4)	/* may create buckets */
#define ACTION_METRICS_ (-5)	/* administrators, anybody or nobody: the setting says */
#define ACTION_SEEN_ (-6)	/* has any role in the bucket: it is told no more than ListBuckets does */

/* How the payload of a signed request is to be checked. */
enum payload { PAYLOAD_NONE, PAYLOAD_UNSIGNED, PAYLOAD_SHA256, PAYLOAD_CHUNKED };

struct request {
	struct http_request *http;
	struct daemon *daemon;
	const struct route *route;
	char id[20];			/* request id: 16 hex digits */
	struct uri uri;
	enum level level;
	bool virtual_host;
	char bucket[LIMIT_BUCKET_NAME + 1];
	struct slice key;		/* decoded; points into uri */
	struct identity who;		/* who.who.id 0: anonymous */
	bool authenticated;
	int64_t auth_epoch;		/* store_auth_epoch() before it was found out who it is */
	struct sigv4_auth auth;
	bool signed_;			/* `auth` is filled: V4 or V2 */
	enum payload payload;
	uint8_t payload_sha256[32];	/* PAYLOAD_SHA256: to be compared before commit */
	struct awschunk *chunks;	/* PAYLOAD_CHUNKED: decoder; owned */
	uint64_t decoded_length;	/* of the object's bytes; UINT64_MAX unknown */
	struct workspace_row workspace;	/* filled for LEVEL_BUCKET and LEVEL_OBJECT before the handler; id 0 if there is none (only CreateBucket sees that) */
	bool past;			/* the bucket is named as it was at `sequence` (alias.h) */
	int64_t sequence;
	struct slice params[4];		/* {…} parts of a matched path, decoded; a NUL follows each */
	struct buf scratch;		/* auth.c's, and what params point into */
	void *op;			/* the operation's state */
	const char *error_code;		/* overrides the table of s3_error.c: "MalformedXML" */
	char error_message[256];	/* "" : the table's */
	int error_status;		/* 0: the table's */
	bool wrong_region;		/* it was signed for another region: the error names ours */
	struct buf error_more;		/* JSON calls: further members of the error (api.h) */
	struct watcher *waiter;		/* of a read that waits for a sequence; api_util.c's */
	struct errand errand;		/* its operation on another thread; route.c's */
	bool may_wait;			/* run may wait for a commit; else it answers ERR_AGAIN */
	bool performed;			/* what comes before `run` is done; route.c's */
	struct object_info found;	/* the handler's, empty at first: what object_find() gave */
	struct request *next;		/* those that wait to be used again */
};

/* request.c. Taken from those done with; NULL: no memory. */
struct request *request_new(struct http_request *http, struct daemon *daemon);
void request_free(struct request *req);		/* NULL is fine */
/*
 * Parses the target and resolves level, bucket and key. ERR_INVALID with the error set: not a target, or no UTF-8; the level is then as
 * good as it could be told.
 */
int request_begin(struct request *req);
/*
 * A header; or, in presigned URLs, the query parameter that stands for it (sigv2.h; SDKs hoist x-amz-* headers into V4
 * ones too). Handlers ask for x-amz-*, Content-MD5 and Content-Type with this. NULL if it is not there.
 */
const char *request_header(const struct request *req, const char *name);

/* auth.c: who is it. S3: ERR_AUTH, ERR_DENIED, … with the error set; anonymous is 0 with who.who.id 0. */
int auth_request(struct request *req);
/* Whether it is still somebody, when the body has come: keys, tokens and users may have ended since. As auth_request(). */
int auth_again(struct request *req);
/* auth_payload.c: how the body is checked, and how long the payload is, from the headers. `key` is that of a V4 signature or NULL. */
struct sigv4_key;
int auth_payload(struct request *req, const struct sigv4_key *key);
/* A body that was collected: undoes aws-chunked, compares the signed digest. */
int auth_payload_body(struct request *req);

/* Sets the error to be answered; returns `code` so that handlers can `return request_fail(...)`. Format NULL: the table's message. */
int request_fail(struct request *req, int code, const char *s3code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
struct actor request_actor(const struct request *req);
/* x-amz-expected-bucket-owner and its like: ERR_DENIED with the error set if `header` is there and names another one than `owner`. */
int request_expects_owner(struct request *req, const char *header, int64_t owner);

/* request_bytes.c: `arg` is the request. It goes on: the pool has a buffer again, or the commit is done. */
void request_wake(void *arg);
/* Ends its connection, whose client brings too little while others wait for what it holds. */
bool request_cut(void *arg);
/* The reply's body: `len` bytes from `from` of what the manifest says. */
int request_send(struct request *req, const struct buf *manifest, uint64_t from, uint64_t len);

/* s3_error.c: the S3 code that an enum err stands for where the handler names none. Never NULL. */
const char *s3_error_code(const struct request *req, int code);
/* The message and status of an S3 code. One that the table does not have is an InternalError. */
const char *s3_error_message(const char *s3code, int *status);

/* The S3 and the JSON form of an error reply, by route. */
void s3_error(struct request *req, int code);
void api_error(struct request *req, int code);

#endif
