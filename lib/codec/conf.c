#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "conf.h"
#include "conf_report.h"
#include "conf_value.h"
#include "err.h"

/*
 * libyaml's events are walked once, each scalar with the marks of where it stands. A mistake is written down and
 * the walk goes on behind it; only a syntax error ends it.
 */
#define ERRORS_MAX 50		/* then the rest is not worth reading */
#define LIST_MAX 4096		/* items of one list */

struct loader {
	struct conf_report report;
	const struct conf_setting *table;
	void *target;
	yaml_parser_t parser;
	struct buf path;	/* of the mapping being walked: "limits" */
	struct buf seen;	/* full paths of the keys met, each with a NUL before and behind */
	int depth;		/* mappings and lists open */
};

int
conf_defaults(const struct conf_setting *table, void *target)
{
	struct buf why = BUF_INIT(4096);
	int rc = 0;

	for (const struct conf_setting *s = table; s->name && !rc; s++)
		if (s->fallback)
			rc = conf_value_set_text(s, target, s->fallback, &why);
	assert(rc != ERR_USAGE);
	buf_release(&why);
	return rc;
}

void
conf_release(const struct conf_setting *table, void *target)
{
	for (const struct conf_setting *s = table; s->name; s++)
		conf_value_release(s, target);
}

static const struct conf_setting *
find(const struct conf_setting *table, const char *path)
{
	for (const struct conf_setting *s = table; s->name; s++)
		if (!strcmp(s->name, path))
			return s;
	return NULL;
}

/* Is there a setting below this path? */
static bool
is_group(const struct conf_setting *table, const char *path)
{
	size_t len = strlen(path);

	for (const struct conf_setting *s = table; s->name; s++)
		if (!strncmp(s->name, path, len) && s->name[len] == '.')
			return true;
	return false;
}

/*
 * The name nearest to an unknown key: among those of the same mapping, else a setting whose last part it is. The
 * result is `len` bytes at *name.
 */
static bool
nearest(const struct conf_setting *table, const char *prefix, const char *key, const char **name, size_t *len)
{
	size_t plen = strlen(prefix);
	int best = strlen(key) > 4 ? 3 : 2;

	*name = NULL;
	for (const struct conf_setting *s = table; s->name; s++) {
		const char *part = s->name + (plen ? plen + 1 : 0);
		char word[64];
		size_t n;
		int distance;

		if (plen && (strncmp(s->name, prefix, plen) || s->name[plen] != '.'))
			continue;
		n = strcspn(part, ".");
		if (n >= sizeof(word))
			continue;
		memcpy(word, part, n);
		word[n] = '\0';
		if ((distance = str_distance(word, key)) < best) {
			best = distance;
			*name = part;
			*len = n;
		}
	}
	for (const struct conf_setting *s = table; s->name && !*name; s++) {
		const char *dot = strrchr(s->name, '.');

		if (!strcmp(dot ? dot + 1 : s->name, key)) {
			*name = s->name;
			*len = strlen(s->name);
		}
	}
	return *name != NULL;
}

static struct conf_place
place_of(const yaml_event_t *e)
{
	const yaml_mark_t *from = &e->start_mark, *to = &e->end_mark;

	return (struct conf_place) { from->line, from->column,
		to->line == from->line && to->column > from->column ? to->column - from->column : 0 };
}

static void
complain(struct loader *l, const yaml_event_t *e, const char *path, const char *text, const char *hint)
{
	struct conf_place at = place_of(e);

	conf_report_begin(&l->report, &at, path);
	buf_addstr(l->report.out, text);
	conf_report_end(&l->report, &at, hint);
}

static const char *
path_of(const struct loader *l)
{
	return l->path.len ? l->path.data : "";
}

/* Where in the file a byte offset is; libyaml's reader gives no mark for bytes that are not text. */
static struct conf_place
place_at(const struct conf_report *r, size_t offset)
{
	struct conf_place at = { 0 };

	for (size_t i = 0; i < offset && i < r->len; i++) {
		at.column += (r->bytes[i] & 0xc0) != 0x80;
		if (r->bytes[i] == '\n') {
			at.line++;
			at.column = 0;
		}
	}
	return at;
}

static int
syntax_error(struct loader *l)
{
	const yaml_parser_t *p = &l->parser;
	struct conf_place at = { p->problem_mark.line, p->problem_mark.column, 1 };

	if (p->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	if (p->error == YAML_READER_ERROR)
		at = place_at(&l->report, p->problem_offset);
	conf_report_begin(&l->report, &at, "");
	buf_addstr(l->report.out, p->problem ? p->problem : "malformed YAML");
	if (p->context)
		buf_addf(l->report.out, " %s", p->context);
	conf_report_end(&l->report, &at, NULL);
	return ERR_USAGE;
}

/* The next event. Anchors, aliases and tags are refused here, for every place at once. */
static int
next(struct loader *l, yaml_event_t *e)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (!yaml_parser_parse(&l->parser, e))
		return syntax_error(l);
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		anchor = e->data.alias.anchor;
		break;
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		l->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		l->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		l->depth--;
		break;
	default:
		break;
	}
	if (l->depth > CONF_DEPTH) {
		/* libyaml's time grows with the square of the depth, so there is no skipping over this. */
		complain(l, e, path_of(l), "nested too deeply", NULL);
		yaml_event_delete(e);
		return ERR_USAGE;
	}
	if (anchor)
		complain(l, e, path_of(l), "anchors and aliases are not allowed", NULL);
	else if (tag)
		complain(l, e, path_of(l), "tags are not allowed", NULL);
	if (l->report.count >= ERRORS_MAX) {
		yaml_event_delete(e);
		return ERR_USAGE;
	}
	return buf_finish(l->report.out) == ERR_NOMEM ? ERR_NOMEM : 0;
}

/* Goes behind the node that `e` begins. */
static int
skip(struct loader *l, const yaml_event_t *e)
{
	yaml_event_t inner;
	int depth = e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT, rc;

	while (depth) {
		if ((rc = next(l, &inner)) != 0)
			return rc;
		if (inner.type == YAML_SEQUENCE_START_EVENT || inner.type == YAML_MAPPING_START_EVENT)
			depth++;
		else if (inner.type == YAML_SEQUENCE_END_EVENT || inner.type == YAML_MAPPING_END_EVENT)
			depth--;
		yaml_event_delete(&inner);
	}
	return 0;
}

/* A key without anything behind it. */
static bool
is_nothing(const yaml_event_t *e)
{
	return e->type == YAML_SCALAR_EVENT && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !e->data.scalar.length;
}

static const char *
kind_of(const yaml_event_t *e)
{
	return e->type == YAML_MAPPING_START_EVENT ? "a mapping" :
	    e->type == YAML_SEQUENCE_START_EVENT ? "a list" : is_nothing(e) ? "nothing" : "a value";
}

static const char *
text_of(const yaml_event_t *e)
{
	return (const char *)e->data.scalar.value;
}

static bool
holds_nul(const yaml_event_t *e)
{
	return strlen(text_of(e)) != e->data.scalar.length;
}

/* What the setter said, unless it stored the value. */
static int
report(struct loader *l, int rc, const struct conf_setting *s, const yaml_event_t *e, struct buf *why)
{
	const char *hint = s->hint;

	if (rc != ERR_USAGE)
		return rc;
	if (!hint && s->type == CONF_DURATION && e->type == YAML_SCALAR_EVENT && str_ends(text_of(e), "m"))
		hint = "for minutes write `min`, for months `mo`";
	complain(l, e, s->name, why->data ? why->data : "", hint);
	return 0;
}

static int
wrong_kind(struct loader *l, const struct conf_setting *s, const yaml_event_t *e)
{
	struct buf why = BUF_INIT(4096);
	int rc;

	conf_value_expected(s, &why);
	buf_addf(&why, ", got %s", kind_of(e));
	rc = report(l, ERR_USAGE, s, e, &why);
	buf_release(&why);
	return rc ? rc : skip(l, e);
}

static int
add_item(struct loader *l, const struct conf_setting *s, const yaml_event_t *e, struct conf_list *list)
{
	char **items;

	if (e->type != YAML_SCALAR_EVENT || holds_nul(e) || is_nothing(e))
		return wrong_kind(l, s, e);
	if (list->count == LIST_MAX) {
		complain(l, e, s->name, "the list is too long", NULL);
		return ERR_USAGE;
	}
	if (!(items = realloc(list->items, (list->count + 1) * sizeof(items[0]))))
		return ERR_NOMEM;
	list->items = items;
	if (!(items[list->count] = strdup(text_of(e))))
		return ERR_NOMEM;
	list->count++;
	return 0;
}

static int
load_list(struct loader *l, const struct conf_setting *s, const yaml_event_t *start)
{
	struct conf_list list = { 0 };
	struct buf why = BUF_INIT(4096);
	unsigned before = l->report.count;
	yaml_event_t e;
	bool end = false;
	int rc = 0;

	while (!rc && !end) {
		if ((rc = next(l, &e)) != 0)
			break;
		end = e.type == YAML_SEQUENCE_END_EVENT;
		if (!end)
			rc = add_item(l, s, &e, &list);
		yaml_event_delete(&e);
	}
	if (!rc && l->report.count == before)
		rc = report(l, conf_value_set_list(s, l->target, list.items, list.count, &why), s, start, &why);
	for (size_t i = 0; i < list.count; i++)
		free(list.items[i]);
	free(list.items);
	buf_release(&why);
	return rc;
}

static int
load_value(struct loader *l, const struct conf_setting *s, const yaml_event_t *e)
{
	struct buf why = BUF_INIT(4096);
	int rc;

	if (e->type == YAML_SEQUENCE_START_EVENT && conf_value_is_list(s))
		return load_list(l, s, e);
	if (e->type != YAML_SCALAR_EVENT || is_nothing(e) || holds_nul(e))
		return wrong_kind(l, s, e);
	rc = report(l, conf_value_set(s, l->target, text_of(e), &why), s, e, &why);
	buf_release(&why);
	return rc;
}

/* "limits.connections" as the man page and the messages name a setting, which YAML has in a mapping. Points to the last dot, or NULL. */
static const char *
dotted(const struct conf_setting *table, const char *key)
{
	for (const struct conf_setting *s = table; s->name; s++)
		if (!strcmp(s->name, key))
			return strrchr(key, '.');
	return NULL;
}

static void
unknown_key(struct loader *l, const yaml_event_t *key)
{
	struct conf_place at = place_of(key);
	const char *name, *dot = *path_of(l) ? NULL : dotted(l->table, text_of(key));
	size_t len;

	conf_report_begin(&l->report, &at, path_of(l));
	buf_addstr(l->report.out, "unknown key ");
	conf_value_quote(l->report.out, text_of(key));
	if (dot)
		buf_addf(l->report.out, " (it is written \"%.*s: {%s: ...}\")", (int)(dot - text_of(key)), text_of(key), dot + 1);
	else if (nearest(l->table, path_of(l), text_of(key), &name, &len))
		buf_addf(l->report.out, " (did you mean \"%.*s\"?)", (int)len, name);
	conf_report_end(&l->report, &at, NULL);
}

static bool
seen_before(struct loader *l, const char *path)
{
	size_t len = strlen(path);
	char *name = l->seen.data;

	while (name && name < l->seen.data + l->seen.len) {
		if (!strcmp(name, path))
			return true;
		name += strlen(name) + 1;
	}
	buf_add(&l->seen, path, len + 1);
	return false;
}

static int load_mapping(struct loader *l);

/* The value of `key`, whose first event is `e`. l->path is that of the mapping around. */
static int
load_entry(struct loader *l, const yaml_event_t *key, const yaml_event_t *e)
{
	const struct conf_setting *s;
	size_t outer = l->path.len;
	bool known;
	int rc = 0;

	buf_addf(&l->path, "%s%s", outer ? "." : "", text_of(key));
	if (buf_finish(&l->path) || buf_finish(&l->seen))
		return ERR_NOMEM;
	s = find(l->table, path_of(l));
	known = !holds_nul(key) && !strchr(text_of(key), '.') && (s || is_group(l->table, path_of(l)));
	if (known && seen_before(l, path_of(l))) {
		complain(l, key, path_of(l), "given twice", NULL);
		rc = skip(l, e);
	} else if (known && s) {
		rc = load_value(l, s, e);
	} else if (known && e->type == YAML_MAPPING_START_EVENT) {
		rc = load_mapping(l);
	} else if (known && !is_nothing(e)) {
		complain(l, e, path_of(l), e->type == YAML_SCALAR_EVENT ? "expected a mapping, got a value" :
		    "expected a mapping, got a list", NULL);
		rc = skip(l, e);
	}
	l->path.len = outer;
	if (l->path.data)
		l->path.data[outer] = '\0';
	if (!known) {
		unknown_key(l, key);
		rc = skip(l, e);
	}
	return rc;
}

/* From behind the start of a mapping to behind its end. */
static int
load_mapping(struct loader *l)
{
	yaml_event_t key = { 0 }, value = { 0 };
	int rc;

	for (;;) {
		if ((rc = next(l, &key)) != 0)
			break;
		if (key.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&key);
			break;
		}
		if (key.type != YAML_SCALAR_EVENT) {
			complain(l, &key, path_of(l), "a key must be a plain name", NULL);
			rc = skip(l, &key);
		}
		if (!rc && (rc = next(l, &value)) == 0) {
			rc = key.type == YAML_SCALAR_EVENT ? load_entry(l, &key, &value) : skip(l, &value);
			yaml_event_delete(&value);
		}
		yaml_event_delete(&key);
		if (rc)
			break;
	}
	return rc;
}

static int
load_document(struct loader *l)
{
	yaml_event_t e;
	int documents = 0, rc = 0;
	bool end = false;

	while (!rc && !end) {
		if ((rc = next(l, &e)) != 0)
			break;
		if (e.type == YAML_STREAM_END_EVENT) {
			end = true;
		} else if (e.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
			complain(l, &e, "", "a second document in one file", NULL);
			end = true;
		} else if (e.type == YAML_MAPPING_START_EVENT) {
			rc = load_mapping(l);
		} else if (e.type == YAML_SEQUENCE_START_EVENT || (e.type == YAML_SCALAR_EVENT && !is_nothing(&e))) {
			complain(l, &e, "", "expected a mapping of settings", NULL);
			rc = skip(l, &e);
		}
		yaml_event_delete(&e);
	}
	return rc;
}

int
conf_load(const char *file, const char *bytes, size_t len, const struct conf_setting *table, void *target,
    struct buf *errors)
{
	struct loader l = { .report = { .file = file, .bytes = bytes, .len = len, .out = errors }, .table = table,
		.target = target, .path = BUF_INIT(2 * CONF_FILE), .seen = BUF_INIT(CONF_FILE) };
	int rc;

	if (len > CONF_FILE) {
		buf_addf(errors, "%s: error: larger than 1 MiB\n1 error; nothing was run\n", file);
		return ERR_USAGE;
	}
	if (!yaml_parser_initialize(&l.parser))
		return ERR_NOMEM;
	yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&l.parser, (const unsigned char *)bytes, len);
	rc = load_document(&l);
	yaml_parser_delete(&l.parser);
	buf_release(&l.path);
	buf_release(&l.seen);
	if (rc && rc != ERR_USAGE)
		return rc;
	if (!rc && !l.report.count)
		return 0;
	conf_report_count(&l.report, l.report.count >= ERRORS_MAX);
	return ERR_USAGE;
}

int
conf_set(const struct conf_setting *table, void *target, const char *name, const char *text, struct buf *errors)
{
	const struct conf_setting *s = find(table, name);
	struct buf why = BUF_INIT(4096);
	const char *near;
	size_t len;
	int rc;

	if (!s) {
		buf_addstr(errors, "unknown setting ");
		conf_value_quote(errors, name);
		if (nearest(table, "", name, &near, &len))
			buf_addf(errors, " (did you mean \"%.*s\"?)", (int)len, near);
		buf_addch(errors, '\n');
		return ERR_USAGE;
	}
	if ((rc = conf_value_set_text(s, target, text, &why)) == ERR_USAGE)
		buf_addf(errors, "%s: %s\n", name, why.data ? why.data : "");
	buf_release(&why);
	return rc;
}
