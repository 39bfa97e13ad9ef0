#include "api.h"
#include "api_calls.h"
#include "limits.h"
#include "route.h"

/* The calls of the JSON API. A path's first match wins, so what is literal stands before what is a parameter. */
#define CALL(method_, path_, name_, handler) \
	{ .method = (method_), .level = LEVEL_NONE, .path = "/v1/" path_, .name = (name_), .action = ACTION_NONE_, \
		.body_max = LIMIT_JSON_BODY, .run = (handler) }

const struct route api_routes[] = {
	CALL("GET", "lookup", "Lookup", api_lookup),

	{ .name = NULL },
};
