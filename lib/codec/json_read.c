#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "json.h"

/*
 * The tree that jansson built is kept for its strings; beside it stands one of ours, whose nodes know their
 * parent, so that an error can name its path. All nodes lie in one array, children of one parent together.
 */
struct json {
	struct document *doc;
	const struct json *parent, *next;
	const struct json *children;	/* the first of `count` */
	size_t count;
	const char *name;		/* in an object */
	const json_t *value;
};

struct document {
	json_t *value;
	size_t used;
	char error[JSON_ERROR];
	struct json nodes[];		/* the root first */
};

/* jansson recurses and would allow 2,048 levels; ours is checked before it starts. */
static bool
too_deep(const char *bytes, size_t len)
{
	unsigned depth = 0;
	bool string = false;

	for (size_t i = 0; i < len; i++) {
		if (string) {
			if (bytes[i] == '\\')
				i++;
			else if (bytes[i] == '"')
				string = false;
		} else if (bytes[i] == '"') {
			string = true;
		} else if (bytes[i] == '[' || bytes[i] == '{') {
			if (++depth > JSON_DEPTH)
				return true;
		} else if ((bytes[i] == ']' || bytes[i] == '}') && depth) {
			depth--;
		}
	}
	return false;
}

static size_t
count_nodes(json_t *v)
{
	size_t n = 1, i;
	json_t *member;
	const char *key;

	if (json_is_object(v))
		json_object_foreach(v, key, member)
			n += count_nodes(member);
	else
		json_array_foreach(v, i, member)
			n += count_nodes(member);
	return n;
}

static struct json *
child_at(struct document *doc, struct json *parent, struct json *children, size_t i, json_t *value)
{
	struct json *c = &children[i];

	*c = (struct json) { .doc = doc, .parent = parent, .value = value };
	if (i)
		children[i - 1].next = c;
	return c;
}

static void
add_children(struct document *doc, struct json *node, json_t *v)
{
	struct json *children = doc->nodes + doc->used;
	json_t *member;
	const char *key;
	size_t i = 0;

	node->count = json_is_object(v) ? json_object_size(v) : json_array_size(v);
	if (!node->count)
		return;
	node->children = children;
	doc->used += node->count;
	if (json_is_object(v)) {
		json_object_foreach(v, key, member) {
			struct json *c = child_at(doc, node, children, i++, member);

			c->name = key;
			add_children(doc, c, member);
		}
	} else {
		json_array_foreach(v, i, member)
			add_children(doc, child_at(doc, node, children, i, member), member);
	}
}

int
json_parse(const char *bytes, size_t len, char error[JSON_ERROR], struct json **root)
{
	json_error_t e;
	struct document *doc;
	json_t *value;

	if (error)
		error[0] = '\0';
	if (too_deep(bytes, len)) {
		if (error)
			snprintf(error, JSON_ERROR, "nested more than %d levels deep", JSON_DEPTH);
		return ERR_INVALID;
	}
	if (!(value = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e))) {
		if (json_error_code(&e) == json_error_out_of_memory)
			return ERR_NOMEM;
		if (error)
			snprintf(error, JSON_ERROR, "line %d, column %d: %s", e.line, e.column, e.text);
		return ERR_INVALID;
	}
	if (!(doc = calloc(1, sizeof(*doc) + count_nodes(value) * sizeof(doc->nodes[0])))) {
		json_decref(value);
		return ERR_NOMEM;
	}
	doc->value = value;
	doc->used = 1;
	doc->nodes[0] = (struct json) { .doc = doc, .value = value };
	add_children(doc, &doc->nodes[0], value);
	*root = &doc->nodes[0];
	return 0;
}

void
json_free(struct json *root)
{
	if (!root)
		return;
	json_decref(root->doc->value);
	free(root->doc);
}

enum json_kind
json_kind(const struct json *v)
{
	switch (json_typeof(v->value)) {
	case JSON_OBJECT:
		return JSON_IS_OBJECT;
	case JSON_ARRAY:
		return JSON_IS_ARRAY;
	case JSON_STRING:
		return JSON_IS_STR;
	case JSON_INTEGER:
		return JSON_IS_INT;
	case JSON_REAL:
		return JSON_IS_DOUBLE;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_IS_BOOL;
	case JSON_NULL:
		break;
	}
	return JSON_IS_NULL;
}

const struct json *
json_get(const struct json *object, const char *key)
{
	const struct json *c = json_is_object(object->value) ? object->children : NULL;

	while (c && strcmp(c->name, key))
		c = c->next;
	return c;
}

size_t
json_array_len(const struct json *array)
{
	return json_is_array(array->value) ? array->count : 0;
}

const struct json *
json_at(const struct json *array, size_t i)
{
	return i < json_array_len(array) ? &array->children[i] : NULL;
}

const struct json *
json_first(const struct json *v)
{
	return v->children;
}

const struct json *
json_next(const struct json *v)
{
	return v->next;
}

const char *
json_name(const struct json *v)
{
	return v->name;
}

const char *
json_error(const struct json *v)
{
	return v->doc->error;
}

static void
add_path(struct buf *b, const struct json *v)
{
	if (!v->parent)
		return;
	add_path(b, v->parent);
	if (v->name)
		buf_addf(b, "%s%s", v->parent->parent ? "." : "", v->name);
	else
		buf_addf(b, "[%zu]", (size_t)(v - v->parent->children));
}

/* Sets the document's error to the path of `v`, of its member `key` if not NULL, and the text; a long one is cut. */
static int __attribute__((format(printf, 3, 4)))
fail(const struct json *v, const char *key, const char *format, ...)
{
	struct buf path = BUF_INIT(65536);
	char text[JSON_ERROR / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_path(&path, v);
	if (key)
		buf_addf(&path, "%s%s", path.len ? "." : "", key);
	snprintf(v->doc->error, sizeof(v->doc->error), "%.120s%s%s", path.data && !buf_finish(&path) ? path.data : "",
	    path.len ? ": " : "", text);
	buf_release(&path);
	return ERR_INVALID;
}

int
json_fail(const struct json *v, const char *text)
{
	return fail(v, NULL, "%s", text);
}

static int
mistyped(const struct json *v, const char *want)
{
	static const char *const names[] = { "null", "a bool", "an integer", "a number", "a string", "an array",
		"an object" };

	return fail(v, NULL, "expected %s, got %s", want, names[json_kind(v)]);
}

int
json_as_str(const struct json *v, const char **value)
{
	if (!json_is_string(v->value))
		return mistyped(v, "a string");
	*value = json_string_value(v->value);
	return 0;
}

int
json_as_int(const struct json *v, int64_t min, int64_t max, int64_t *value)
{
	int64_t n;

	if (!json_is_integer(v->value))
		return mistyped(v, "an integer");
	n = json_integer_value(v->value);
	if (n < min || n > max)
		return fail(v, NULL, "expected an integer from %" PRId64 " to %" PRId64 ", got %" PRId64, min, max, n);
	*value = n;
	return 0;
}

int
json_as_double(const struct json *v, double *value)
{
	if (!json_is_number(v->value))
		return mistyped(v, "a number");
	*value = json_number_value(v->value);
	return 0;
}

int
json_as_bool(const struct json *v, bool *value)
{
	if (!json_is_boolean(v->value))
		return mistyped(v, "a bool");
	*value = json_is_true(v->value);
	return 0;
}

static int
member(const struct json *object, const char *key, const struct json **v)
{
	if (!json_is_object(object->value))
		return mistyped(object, "an object");
	if ((*v = json_get(object, key)))
		return 0;
	fail(object, key, "missing");
	return ERR_NOTFOUND;
}

int
json_get_str(const struct json *object, const char *key, const char **value)
{
	const struct json *v;
	int rc = member(object, key, &v);

	return rc ? rc : json_as_str(v, value);
}

int
json_get_int(const struct json *object, const char *key, int64_t min, int64_t max, int64_t *value)
{
	const struct json *v;
	int rc = member(object, key, &v);

	return rc ? rc : json_as_int(v, min, max, value);
}

int
json_get_double(const struct json *object, const char *key, double *value)
{
	const struct json *v;
	int rc = member(object, key, &v);

	return rc ? rc : json_as_double(v, value);
}

int
json_get_bool(const struct json *object, const char *key, bool *value)
{
	const struct json *v;
	int rc = member(object, key, &v);

	return rc ? rc : json_as_bool(v, value);
}

int
json_get_array(const struct json *object, const char *key, const struct json **array)
{
	const struct json *v;
	int rc = member(object, key, &v);

	if (rc)
		return rc;
	if (!json_is_array(v->value))
		return mistyped(v, "an array");
	*array = v;
	return 0;
}

int
json_get_object(const struct json *object, const char *key, const struct json **result)
{
	const struct json *v;
	int rc = member(object, key, &v);

	if (rc)
		return rc;
	if (!json_is_object(v->value))
		return mistyped(v, "an object");
	*result = v;
	return 0;
}

int
json_only(const struct json *object, const char *const *names)
{
	if (!json_is_object(object->value))
		return mistyped(object, "an object");
	for (const struct json *c = object->children; c; c = c->next) {
		size_t i = 0;

		while (names[i] && strcmp(names[i], c->name))
			i++;
		if (!names[i])
			return fail(object, NULL, "unknown field \"%.80s\"", c->name);
	}
	return 0;
}
