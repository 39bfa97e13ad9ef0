#ifndef FSCTL_REPLY_H
#define FSCTL_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "json.h"

/*
 * Members of a daemon's reply, which may be of another version and lack them: NULL stands
 * for anything that is not there, goes through all of these, and whatever is of another
 * type counts as not there.
 */
const struct json *reply_get(const struct json *object, const char *name);
const struct json *reply_array(const struct json *object, const char *name);
const struct json *reply_first(const struct json *list);
const char *reply_str(const struct json *object, const char *name, const char *fallback);
int64_t reply_int(const struct json *object, const char *name, int64_t fallback);
bool reply_bool(const struct json *object, const char *name, bool fallback);

#endif
