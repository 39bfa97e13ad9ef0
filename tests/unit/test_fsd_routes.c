#include <ctype.h>

#include "api_calls.h"
#include "err.h"
#include "http.h"
#include "json.h"
#include "request.h"
#include "route.h"
#include "test.h"

extern const struct route api_routes[];
extern const char api_openapi_json[], api_openapi_json_end[];

static struct json *doc;

static int
open_document(void)
{
	char error[JSON_ERROR];
	int rc = json_parse(api_openapi_json, (size_t)(api_openapi_json_end - api_openapi_json), error, &doc);

	if (rc)
		fprintf(stderr, "# openapi.json: %s\n", error);
	return rc;
}

/* The operation that the document has for a route, or NULL. */
static const struct json *
described(const struct route *r)
{
	const struct json *path = json_get(json_get(doc, "paths"), r->path);
	char method[16] = "";

	for (size_t i = 0; r->method[i] && i < sizeof(method) - 1; i++)
		method[i] = (char)tolower((unsigned char)r->method[i]);
	return path ? json_get(path, method) : NULL;
}

static void
test_every_route_is_described(void)
{
	const char *name = NULL;
	int missing = 0;

	CHECK_INT(0, open_document());
	for (const struct route *r = api_routes; r->name; r++) {
		const struct json *op = described(r);

		if (op && json_get_str(op, "operationId", &name) == 0 && !strcmp(name, r->name))
			continue;
		fprintf(stderr, "# openapi.json: %s %s is not there as %s\n", r->method, r->path, r->name);
		missing++;
	}
	json_free(doc);
	CHECK_INT(0, missing);
}

static bool
has_route(const char *path, const char *method, const char *id)
{
	for (const struct route *r = api_routes; r->name; r++)
		if (!strcmp(r->path, path) && !strcasecmp(r->method, method) && !strcmp(r->name, id))
			return true;
	return false;
}

static void
test_nothing_else_is_described(void)
{
	const char *id;
	int unknown = 0;

	CHECK_INT(0, open_document());
	for (const struct json *p = json_first(json_get(doc, "paths")); p; p = json_next(p))
		for (const struct json *op = json_first(p); op; op = json_next(op)) {
			id = "?";
			if (json_get_str(op, "operationId", &id) == 0 && has_route(json_name(p), json_name(op), id))
				continue;
			fprintf(stderr, "# openapi.json: no route %s %s (%s)\n", json_name(op), json_name(p), id);
			unknown++;
		}
	json_free(doc);
	CHECK_INT(0, unknown);
}

/* What the document calls a query parameter, given as it stands there or by reference; NULL: it is in the path or a header. */
static const char *
query_parameter(const struct json *p)
{
	const char *text;

	if (json_get_str(p, "$ref", &text) == 0)
		p = json_get(json_get(json_get(doc, "components"), "parameters"), strrchr(text, '/') + 1);
	return json_get_str(p, "in", &text) == 0 && !strcmp(text, "query") && json_get_str(p, "name", &text) == 0 ? text : NULL;
}

static void
test_parameters_are_those_that_are_described(void)
{
	const char *name, *listed;
	char names[400];
	int wrong = 0;

	CHECK_INT(0, open_document());
	for (const struct route *r = api_routes; r->name; r++) {
		const struct json *op = described(r), *list = op ? json_get(op, "parameters") : NULL;

		*names = '\0';
		for (const struct json *p = list ? json_first(list) : NULL; p; p = json_next(p))
			if ((name = query_parameter(p)) != NULL)
				snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", *names ? " " : "", name);
		listed = r->query ? r->query : "(any)";
		if (!strcmp(listed, names))
			continue;
		fprintf(stderr, "# %s takes \"%s\", openapi.json: \"%s\"\n", r->name, listed, names);
		wrong++;
	}
	json_free(doc);
	CHECK_INT(0, wrong);
}

/* A path with something in place of each {…}, as a client would send it. */
static void
fill(const char *pattern, char path[200])
{
	size_t n = 0;

	for (; *pattern && n < 190; pattern++)
		if (*pattern == '{') {
			path[n++] = 'x';
			pattern = strchr(pattern, '}');
		} else {
			path[n++] = *pattern;
		}
	path[n] = '\0';
}

static void
test_no_route_hides_another(void)
{
	static struct request req;
	static struct http_request http;
	char path[200];
	bool other;
	int hidden = 0;

	uri_init(&req.uri);
	req.scratch = (struct buf) BUF_INIT(4096);
	req.http = &http;
	req.level = LEVEL_NONE;
	for (const struct route *r = api_routes; r->name; r++) {
		fill(r->path, path);
		CHECK_INT(0, uri_parse(&req.uri, path, strlen(path)));
		http.method = r->method;
		if (route_find(daemon_routes, &req, &other) || other || route_find(api_routes, &req, &other) != r) {
			fprintf(stderr, "# %s %s is found as another route\n", r->method, path);
			hidden++;
		}
	}
	buf_release(&req.scratch);
	uri_release(&req.uri);
	CHECK_INT(0, hidden);
}

static const struct test tests[] = {
	TEST(test_every_route_is_described),
	TEST(test_nothing_else_is_described),
	TEST(test_parameters_are_those_that_are_described),
	TEST(test_no_route_hides_another),
	TEST_END
};
TEST_MAIN(tests)
