#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "out.h"
#include "verbs.h"

#define OUT_MAX 65536

int
verb_version(struct ctl *ctl, const struct args *args)
{
	(void)args;
	return ctl->json ? out_printf("{\n  \"version\": \"%s\"\n}\n", FSD_VERSION) : out_printf("fsctl %s\n", FSD_VERSION);
}

static void
add_option(struct buf *out, int id)
{
	const struct option_text *o = &args_options[id];
	size_t from = out->len;

	buf_addf(out, "  --%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
	while (!out->err && out->len - from < 30)
		buf_addch(out, ' ');
	buf_addf(out, " %s\n", o->help);
}

static void
add_verb(struct buf *out, const struct verb *v)
{
	size_t from = out->len;

	buf_addf(out, "  %s%s%s %s", v->name, v->action ? " " : "", v->action ? v->action : "", v->operands);
	if (out->len - from > 38)
		buf_addch(out, '\n'), from = out->len;
	while (!out->err && out->len - from < 39)
		buf_addch(out, ' ');
	buf_addf(out, " %s\n", v->summary);
}

static void
add_overview(struct buf *out)
{
	buf_addstr(out, "usage: fsctl [--data DIR | --endpoint URL --token-file F] [--json] [--quiet] VERB ...\n\n"
			"Administers a store of fsd, and moves files. Options may stand anywhere.\n\n");
	for (const struct verb *v = verbs_table; v->name; v++)
		add_verb(out, v);
	buf_addch(out, '\n');
	for (int i = OPT_DATA; i <= OPT_VERSION; i++)
		add_option(out, i);
	buf_addstr(out, "\nSIZE is like 64MiB or 2TB; DUR like 30s, 15min, 6h, 7d, 4w, 3mo or 1y.\n"
			"`fsctl help VERB` says more about one. Exit codes: 0 ok, 1 failed, 2 usage or configuration,\n"
			"3 some items failed, 4 integrity problem, 10 not found, 11 locked, 12 not authorised, 13 quota or\n"
			"space, 14 stopped at its time limit, 75 temporary, 128+N signal N; all are in fsctl(1).\n");
}

static void
add_details(struct buf *out, const struct verb *v)
{
	verbs_synopsis(out, v);
	buf_addf(out, "\n\n  %s\n", v->summary);
	if (v->help)
		buf_addf(out, "\n%s\n", v->help);
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
