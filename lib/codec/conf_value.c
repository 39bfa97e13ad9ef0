#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "conf_value.h"
#include "err.h"

#define QUOTED 60	/* bytes of a value that a message shows */

static void *
field(const struct conf_setting *s, void *target)
{
	return (char *)target + s->offset;
}

int
conf_value_is_list(const struct conf_setting *s)
{
	return s->type == CONF_STRINGS || s->type == CONF_ADDRESSES;
}

void
conf_value_quote(struct buf *out, const char *text)
{
	size_t n = 0;

	buf_addch(out, '"');
	for (; text[n] && n < QUOTED; n++)
		buf_addch(out, (unsigned char)text[n] < ' ' || text[n] == 0x7f ? '?' : text[n]);
	while (n && text[n] && (text[n] & 0xc0) == 0x80)	/* finish the character that was cut */
		buf_addch(out, text[n++]);
	buf_addstr(out, text[n] ? "...\"" : "\"");
}

struct unit {
	const char *name;
	int64_t size;
};

/* A bound as an administrator would write it: in the largest unit that it is a whole number of. */
static void
add_bound(struct buf *b, enum conf_type type, int64_t value)
{
	static const struct unit sizes[] = { { "TiB", 1ll << 40 }, { "GiB", 1 << 30 }, { "MiB", 1 << 20 },
		{ "KiB", 1 << 10 }, { "B", 1 }, { NULL, 0 } };
	static const struct unit durations[] = { { "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 },
		{ NULL, 0 } };
	const struct unit *u = type == CONF_SIZE ? sizes : durations;

	while (type != CONF_INT && value && u->name && value % u->size)
		u++;
	if (type == CONF_INT || !value || !u->name)
		buf_addf(b, "%" PRId64, value);
	else
		buf_addf(b, "%" PRId64 "%s", value / u->size, u->name);
}

static void
add_range(struct buf *b, const struct conf_setting *s)
{
	if (s->max) {
		buf_addstr(b, " from ");
		add_bound(b, s->type, s->min);
		buf_addstr(b, " to ");
		add_bound(b, s->type, s->max);
	} else if (s->type == CONF_INT || s->min) {
		buf_addstr(b, " of ");
		add_bound(b, s->type, s->min);
		buf_addstr(b, " or more");
	}
}

static void
add_words(struct buf *b, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		buf_addf(b, "%s\"%s\"", !i ? "" : words[i + 1] ? ", " : " or ", words[i]);
}

void
conf_value_expected(const struct conf_setting *s, struct buf *why)
{
	buf_addstr(why, "expected ");
	switch (s->type) {
	case CONF_STRING:
		buf_addstr(why, "a string");
		break;
	case CONF_BOOL:
		buf_addstr(why, "true or false");
		break;
	case CONF_INT:
		buf_addstr(why, "an integer");
		add_range(why, s);
		break;
	case CONF_SIZE:
		buf_addstr(why, "a size with its unit (B, KiB, MiB, GiB, TiB, KB, MB, GB, TB)");
		add_range(why, s);
		break;
	case CONF_DURATION:
		buf_addstr(why, "a duration with its unit (s, min, h, d, w, mo, y)");
		add_range(why, s);
		break;
	case CONF_ENUM:
		add_words(why, s->words);
		break;
	case CONF_STRINGS:
		buf_addstr(why, "a list of strings");
		break;
	case CONF_ADDRESSES:
		buf_addstr(why, "ADDRESS:PORT, [ADDRESS6]:PORT or :PORT");
		break;
	}
}

static int
refuse(const struct conf_setting *s, const char *text, struct buf *why)
{
	conf_value_expected(s, why);
	buf_addstr(why, ", got ");
	conf_value_quote(why, text);
	return ERR_USAGE;
}

static bool
parse_integer(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	uint64_t n;

	if (parse_u64(text + negative, strlen(text + negative), &n) || n > INT64_MAX)
		return false;
	*value = negative ? -(int64_t)n : (int64_t)n;
	return true;
}

static bool
in_range(const struct conf_setting *s, int64_t value)
{
	return value >= s->min && (!s->max || value <= s->max);
}

/* parse_size() takes a number alone for bytes; a reader of the file might take it for something else. */
static bool
has_unit(const char *text)
{
	size_t len = strlen(text);

	return !strcmp(text, "0") || (len && !(text[len - 1] >= '0' && text[len - 1] <= '9'));
}

static int
set_number(const struct conf_setting *s, void *to, const char *text, struct buf *why)
{
	uint64_t size = 0;
	int64_t value = 0;
	bool good = true;

	switch (s->type) {
	case CONF_SIZE:
		good = has_unit(text) && !parse_size(text, &size) && size <= INT64_MAX;
		value = (int64_t)size;
		break;
	case CONF_DURATION:
		good = !parse_duration(text, &value);
		break;
	default:
		good = parse_integer(text, &value);
	}
	if (!good || !in_range(s, value))
		return refuse(s, text, why);
	if (s->type == CONF_SIZE)
		*(uint64_t *)to = size;
	else
		*(int64_t *)to = value;
	return 0;
}

static int
set_word(const struct conf_setting *s, int *to, const char *text, struct buf *why)
{
	for (int i = 0; s->words[i]; i++) {
		if (!strcmp(s->words[i], text)) {
			*to = i;
			return 0;
		}
	}
	return refuse(s, text, why);
}

static int
checked(const struct conf_setting *s, void *target, struct buf *why)
{
	const char *wrong = s->check ? s->check(field(s, target)) : NULL;

	if (!wrong)
		return 0;
	buf_addstr(why, wrong);
	return ERR_USAGE;
}

int
conf_value_set(const struct conf_setting *s, void *target, const char *text, struct buf *why)
{
	void *to = field(s, target);
	char *copy;
	int rc = 0;

	switch (s->type) {
	case CONF_STRING:
		if (!(copy = strdup(text)))
			return ERR_NOMEM;
		free(*(char **)to);
		*(char **)to = copy;
		break;
	case CONF_BOOL:
		if (strcmp(text, "true") && strcmp(text, "false"))
			return refuse(s, text, why);
		*(bool *)to = !strcmp(text, "true");
		break;
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		rc = set_number(s, to, text, why);
		break;
	case CONF_ENUM:
		rc = set_word(s, to, text, why);
		break;
	case CONF_STRINGS:
	case CONF_ADDRESSES:
		if (!(copy = strdup(text)))
			return ERR_NOMEM;
		rc = conf_value_set_list(s, target, &copy, 1, why);
		free(copy);
		return rc;
	}
	return rc ? rc : checked(s, target, why);
}

/* The host's spelling is for the resolver to judge; what must be right here is where the port begins. */
static bool
is_address(const char *text)
{
	const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
	uint64_t port;

	if (str_starts(text, "unix:/"))
		return true;
	if (!colon || (bracket && bracket > colon) || strpbrk(text, " \t/?#"))
		return false;
	if (parse_u64(colon + 1, strlen(colon + 1), &port) || port > 65535)
		return false;
	if (*text == '[')
		return bracket && bracket + 1 == colon && bracket > text + 1;
	return !bracket && strchr(text, ':') == colon;
}

static void
free_list(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct conf_list) { 0 };
}

int
conf_value_set_list(const struct conf_setting *s, void *target, char *const *items, size_t count, struct buf *why)
{
	struct conf_list *to = field(s, target), list = { 0 };

	for (size_t i = 0; i < count; i++)
		if (s->type == CONF_ADDRESSES && !is_address(items[i]))
			return refuse(s, items[i], why);
	if (count && !(list.items = calloc(count, sizeof(list.items[0]))))
		return ERR_NOMEM;
	for (; list.count < count; list.count++) {
		if (!(list.items[list.count] = strdup(items[list.count]))) {
			free_list(&list);
			return ERR_NOMEM;
		}
	}
	free_list(to);
	*to = list;
	return checked(s, target, why);
}

int
conf_value_set_text(const struct conf_setting *s, void *target, const char *text, struct buf *why)
{
	char *copy, **items = NULL, *rest, *item;
	size_t count = 0, commas = 0;
	int rc = ERR_NOMEM;

	if (!conf_value_is_list(s))
		return conf_value_set(s, target, text, why);
	for (const char *p = text; *p; p++)
		commas += *p == ',';
	if ((copy = strdup(text)) && (items = calloc(commas + 1, sizeof(items[0])))) {
		for (rest = copy; (item = strsep(&rest, ","));)
			if (*item)
				items[count++] = item;
		rc = conf_value_set_list(s, target, items, count, why);
	}
	free(items);
	free(copy);
	return rc;
}

void
conf_value_release(const struct conf_setting *s, void *target)
{
	void *at = field(s, target);

	switch (s->type) {
	case CONF_STRING:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case CONF_BOOL:
		*(bool *)at = false;
		break;
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		*(int64_t *)at = 0;
		break;
	case CONF_ENUM:
		*(int *)at = 0;
		break;
	case CONF_STRINGS:
	case CONF_ADDRESSES:
		free_list(at);
		break;
	}
}
