#ifndef FSD_ADMIN_H
#define FSD_ADMIN_H

#include "id.h"
#include "json.h"
#include "request.h"

/*
 * The daemon's own calls, one file a resource; their table (daemon_routes, route.h) is in daemon_routes.c. Each handler is a struct
 * route's `run`. JSON over the Unix socket or with an administrator's token; errors by api_error().
 */
int admin_status(struct request *req);
int admin_yield(struct request *req);

int admin_user_list(struct request *req);
int admin_user_create(struct request *req);
int admin_user_show(struct request *req);
int admin_user_change(struct request *req);
int admin_user_delete(struct request *req);

int admin_key_list(struct request *req);
int admin_key_create(struct request *req);
int admin_key_change(struct request *req);
int admin_key_delete(struct request *req);

int admin_token_list(struct request *req);
int admin_token_create(struct request *req);
int admin_token_delete(struct request *req);

int admin_workspace_list(struct request *req);
int admin_workspace_create(struct request *req);
int admin_workspace_show(struct request *req);
int admin_workspace_change(struct request *req);
int admin_workspace_delete(struct request *req);

int admin_grant_list(struct request *req);
int admin_grant_add(struct request *req);
int admin_grant_remove(struct request *req);

int admin_changes(struct request *req);
void admin_changes_release(struct request *req);

int admin_job_start(struct request *req);
int admin_job_show(struct request *req);
int admin_job_cancel(struct request *req);
void admin_job_release(struct request *req);

/* health.c */
int health_live(struct request *req);		/* /healthz */
int health_ready(struct request *req);		/* /readyz */
int health_metrics(struct request *req);	/* /metrics */

/* ---- shared: admin_util.c ---- */

/* Status and headers of a JSON reply whose body is there, or comes. */
void admin_reply_head(struct request *req, int status);
/* A JSON reply of that status, to be filled through `j`. */
void admin_reply(struct request *req, int status, struct json_out *j);
/* The body as an object of which only `fields` (NULL-ended) may be there; an empty body is {}. ERR_INVALID. */
int admin_body(struct request *req, const char *const *fields, struct json **body);
/* The members of a body. Absent ones leave *value. ERR_INVALID with its reason in the request's error. */
int admin_get_str(struct request *req, const struct json *body, const char *name, const char **value);
int admin_get_bool(struct request *req, const struct json *body, const char *name, bool *value);
int admin_get_int(struct request *req, const struct json *body, const char *name, int64_t max, int64_t *value);
/* The {…} part of the path. Points into the request. */
int admin_param(struct request *req, unsigned i, char *text, size_t size);
/* A number in the query; `fallback` if it is absent. ERR_INVALID. */
int admin_query_int(struct request *req, const char *name, int64_t fallback, int64_t max, int64_t *value);
/* ?limit= of a listing: 1 to 1,000, 100 if absent. */
int admin_limit(struct request *req, unsigned *limit);

/* Find, with "no such user" and the like as error. `i` is the path's part. */
int admin_find_user(struct request *req, const char *name, struct principal *p);
int admin_path_user(struct request *req, unsigned i, struct principal *p);
int admin_path_workspace(struct request *req, unsigned i, struct workspace_row *row);

/* "keys": [...] and "tokens": [...] of a user, as members of an object that was begun. */
int admin_key_add_all(struct request *req, struct json_out *j, int64_t principal);
int admin_token_add_all(struct request *req, struct json_out *j, int64_t principal);
/* Replies with the one or the other of the user in the path. */
int admin_user_has(struct request *req, int (*add_all)(struct request *req, struct json_out *j, int64_t principal));

void admin_put_id(struct json_out *j, const char *key, enum id_kind kind, int64_t id);
struct grant;
void admin_put_granted(struct json_out *j, const struct grant *g);	/* id, path, inTrash: on what it is */
void admin_put_time(struct json_out *j, const char *key, int64_t us);	/* null for 0 */

#endif
