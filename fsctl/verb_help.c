#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "out.h"
#include "verbs.h"

#define OUT_MAX 65536
#define WIDTH 80	/* of a terminal */
#define OPTION_TEXT 31	/* the columns where texts begin */
#define VERB_TEXT 40

int
verb_version(struct ctl *ctl, const struct args *args)
{
	(void)args;
	return ctl->json ? out_printf("{\n  \"version\": \"%s\"\n}\n", FSD_VERSION) : out_printf("fsctl %s\n", FSD_VERSION);
}

/* Up to where a line may be broken: a space, but none in [ ] or ` `. */
static size_t
unbroken(const char *text)
{
	bool quoted = false;
	int depth = 0;
	size_t n = 0;

	for (; text[n] && (depth || quoted || (text[n] != ' ' && text[n] != '\n')); n++) {
		depth += (text[n] == '[') - (text[n] == ']');
		quoted = quoted != (text[n] == '`');
	}
	return n;
}

/*
 * Appends `text` and a newline; what does not fit goes on below its first column, which
 * is `column`.
 */
static void
add_wrapped(struct buf *out, size_t column, const char *text)
{
	size_t at = column;

	for (bool first = true; *text; first = false) {
		size_t n = unbroken(text);

		if (!first && at + 1 + n > WIDTH)
			buf_addf(out, "\n%*s", (int)column, ""), at = column;
		else if (!first)
			buf_addch(out, ' '), at++;
		buf_add(out, text, n);
		at += n;
		text += n + (text[n] != '\0');
	}
	buf_addch(out, '\n');
}

static void
add_option(struct buf *out, int id)
{
	const struct option_text *o = &args_options[id];
	size_t from = out->len;

	buf_addf(out, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	while (!out->err && out->len - from < OPTION_TEXT)
		buf_addch(out, ' ');
	add_wrapped(out, OPTION_TEXT, o->help);
}

static void
add_verb(struct buf *out, const struct verb *v)
{
	size_t from = out->len;

	buf_addf(out, "  %s%s%s %s", v->name, v->action ? " " : "", v->action ? v->action : "", v->operands);
	if (out->len - from >= VERB_TEXT)
		buf_addch(out, '\n'), from = out->len;
	while (!out->err && out->len - from < VERB_TEXT)
		buf_addch(out, ' ');
	add_wrapped(out, VERB_TEXT, v->summary);
}

static void
add_overview(struct buf *out)
{
	buf_addstr(out, "usage: fsctl [--data DIR | --endpoint URL --token-file F] [--json] [--quiet]\n"
			"             VERB ...\n\n"
			"Administers a store of fsd, and moves files. Options may stand anywhere.\n\n");
	for (const struct verb *v = verbs_table; v->name; v++)
		add_verb(out, v);
	buf_addch(out, '\n');
	for (int i = OPT_DATA; i <= OPT_VERSION; i++)
		add_option(out, i);
	buf_addstr(out, "\nSIZE is like 64MiB or 2TB; DUR like 30s, 15min, 6h, 7d, 4w, 3mo or 1y.\n"
			"`fsctl help VERB` says more about one. Exit codes: 0 ok, 1 failed, 2 usage or\n"
			"configuration, 3 some items failed, 4 integrity problem, 10 not found,\n"
			"11 locked, 12 not authorised, 13 quota or space, 14 stopped at its time limit,\n"
			"75 temporary, 128+N signal N; all are in fsctl(1).\n");
}

static void
add_details(struct buf *out, const struct verb *v)
{
	struct buf synopsis = BUF_INIT(OUT_MAX);

	verbs_synopsis(&synopsis, v);
	if (buf_finish(&synopsis) == 0)
		add_wrapped(out, 0, synopsis.data);
	buf_release(&synopsis);
	buf_addstr(out, "\n  ");
	add_wrapped(out, 2, v->summary);
	if (v->help) {
		buf_addch(out, '\n');
		add_wrapped(out, 0, v->help);
	}
	if (v->options)
		buf_addch(out, '\n');
	for (int i = OPT_ADMIN; i < OPTIONS; i++)
		if (v->options & 1u << i)
			add_option(out, i);
}

/* All actions of a verb, or one. */
static int
add_topic(struct buf *out, const struct args *args)
{
	const char *const *words = args->operand;
	const struct verb *found = NULL;
	unsigned shown = 0;
	int used;

	for (const struct verb *v = verbs_table; v->name; v++) {
		if (strcmp(v->name, words[0]) != 0 || (args->count > 1 && v->action && strcmp(v->action, words[1]) != 0))
			continue;
		if (shown++)
			buf_addch(out, '\n');
		add_details(out, v);
	}
	return shown ? STATUS_OK : verbs_find(words, args->count, &found, &used);
}

int
verb_help(struct ctl *ctl, const struct args *args)
{
	struct buf out = BUF_INIT(OUT_MAX);
	int status = STATUS_OK;

	(void)ctl;
	if (args->count)
		status = add_topic(&out, args);
	else
		add_overview(&out);
	if (status == STATUS_OK)
		status = out_write(&out);
	buf_release(&out);
	return status;
}
