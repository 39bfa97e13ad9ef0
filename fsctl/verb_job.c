#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "exit_status.h"
#include "follow.h"
#include "human.h"
#include "out.h"
#include "reply.h"
#include "say.h"
#include "spawn.h"
#include "table.h"
#include "verbs.h"

/* gc and check: jobs of the daemon. */
#define OUT_MAX (256u << 20)

static const struct table_column gc_columns[] = {
	{ "uploads expired", "uploadsExpired", CELL_COUNT }, { "versions expired", "versionsExpired", CELL_COUNT },
	{ "chunks freed", "chunksFreed", CELL_COUNT }, { "bytes in them", "bytesFreed", CELL_SIZE },
	{ "chunks that wait", "chunksWaiting", CELL_COUNT }, { "segments rewritten", "segmentsRewritten", CELL_COUNT },
	{ "bytes rewritten", "bytesRewritten", CELL_SIZE }, { "segments dropped", "segmentsDropped", CELL_COUNT },
	{ "given back to the disk", "bytesReturned", CELL_SIZE }, { NULL },
};
static const struct table_column check_columns[] = {
	{ "workspaces", "workspaces", CELL_COUNT }, { "entries", "entries", CELL_COUNT },
	{ "versions", "versions", CELL_COUNT }, { "chunks", "chunks", CELL_COUNT }, { "segments", "segments", CELL_COUNT },
	{ "events", "events", CELL_COUNT }, { "uploads", "uploads", CELL_COUNT }, { "read", "bytes", CELL_SIZE },
	{ "problems", "problems", CELL_COUNT }, { NULL },
};

struct report {
	const char *lines;			/* the name of what the job said, in JSON */
	const struct table_column *columns;
	const char *title;
	bool asked;				/* --quiet prints it too: it is what was asked for */
	const char *items, *bytes, *errors;	/* what metrics are told; NULL: there is no such thing. Errors are problems */
	const char *again;			/* what the same command does once more */
};

static void
add_json(struct buf *out, const struct report *r, const struct followed *f)
{
	const struct json *report = reply_get(f->last, "report");
	struct json_out j;

	json_out_init(&j, out, true);
	json_object_begin(&j);
	json_key_str(&j, "state", reply_str(f->last, "state", "done"));
	json_key(&j, r->lines);
	json_array_begin(&j);
	for (size_t i = 0; i < f->nlines; i++)
		json_str(&j, f->lines[i]);
	json_array_end(&j);
	json_key_int(&j, "linesDropped", reply_int(f->last, "linesDropped", 0));
	json_key(&j, "report");
	if (report)
		out_value(&j, report);
	else
		json_null_value(&j);
	json_object_end(&j);
	buf_addch(out, '\n');
}

static void
add_text(struct buf *out, const struct report *r, const struct followed *f, bool quiet)
{
	const struct json *report = reply_get(f->last, "report");
	int64_t dropped = reply_int(f->last, "linesDropped", 0);
	char count[HUMAN_TEXT];

	for (size_t i = 0; i < f->nlines; i++) {
		say_plain(out, f->lines[i]);
		buf_addch(out, '\n');
	}
	if (dropped) {
		human_count(dropped, count);
		buf_addf(out, "... and %s more\n", count);
	}
	if ((quiet && !r->asked) || !report)
		return;
	buf_addf(out, "%s%s%s\n", f->nlines ? "\n" : "", r->title, f->stopped ? " (stopped before its end)" : "");
	table_fields(out, r->columns, report, 2);
}

/* How many of them, by the report. */
static uint64_t
count(const struct json *report, const char *name)
{
	return name ? (uint64_t)reply_int(report, name, 0) : 0;
}

/* A problem that was found says more than that the time did not suffice to look for others. */
static int
found_or(int status, uint64_t problems)
{
	return status == STATUS_TIME_LIMIT && problems ? STATUS_INTEGRITY : status;
}

/* Says why it ended, and prints the report last. `status` is what it ended with. */
static int
print(struct ctl *ctl, const struct report *r, const struct followed *f, int status)
{
	const struct json *report = reply_get(f->last, "report");
	struct buf out = BUF_INIT(OUT_MAX);
	int printed;

	ctl->work = (struct longrun_work) { count(report, r->items), count(report, r->bytes), count(report, r->errors) };
	ctl->work.errors += !strcmp(reply_str(f->last, "state", ""), "failed");
	longrun_say_stopped(ctl, status, r->again);
	if (ctl->json)
		add_json(&out, r, f);
	else
		add_text(&out, r, f, ctl->quiet);
	printed = out_write(&out);
	buf_release(&out);
	return status == STATUS_OK ? printed : found_or(status, count(report, r->errors));
}

static int
run_job(struct ctl *ctl, const struct buf *request, const char *what, const struct report *r)
{
	struct followed f = { 0 };
	int status;

	if ((status = follow_job(ctl, request, what, &f)) == STATUS_OK)
		status = print(ctl, r, &f, follow_status(ctl, &f));
	else
		longrun_say_stopped(ctl, status, r->again);
	follow_release(&f);
	return status;
}

int
verb_gc(struct ctl *ctl, const struct args *args)
{
	const bool dry = args->given[OPT_DRY_RUN] != NULL;
	const struct report report = { .lines = "lines", .columns = gc_columns, .asked = dry, .again = LONGRUN_GOES_ON,
		.title = dry ? "garbage collection would do:" : "garbage collection:", .items = "chunksFreed", .bytes = "bytesFreed" };
	struct buf request = BUF_INIT(256);
	int64_t grace = -1;
	int status;

	if ((status = args_duration(args, OPT_GRACE, &grace)) != STATUS_OK)
		return status;
	buf_addf(&request, "{\"kind\":\"gc\",\"dryRun\":%s", dry ? "true" : "false");
	if (grace >= 0)
		buf_addf(&request, ",\"graceMs\":%lld", (long long)grace);
	buf_addch(&request, '}');
	status = run_job(ctl, &request, "collecting", &report);
	buf_release(&request);
	return status;
}

static const struct report check_report = { .lines = "problems", .columns = check_columns, .title = "checked:", .again = LONGRUN_BEGINS_ANEW,
	.items = "chunks", .bytes = "bytes", .errors = "problems" };

/* A daemon that comes or goes, or another check, may have the store. */
static int
run_check(struct ctl *ctl, bool quick, struct buf *out)
{
	const char *const arguments[] = { "--check", "--json", quick ? "--quick" : NULL, NULL };
	int status, waited = STATUS_OK;

	do {
		buf_clear(out);
		status = spawn_run(ctl->dir, arguments, out);
		if (status == STATUS_LOCKED && ctl->lockwait.given)
			waited = lockwait_pause(&ctl->lockwait, "the store is in use by another process");
	} while (status == STATUS_LOCKED && ctl->lockwait.given && waited == STATUS_OK);
	return waited == STATUS_OK ? status : waited;
}

/* A store that no daemon can open is looked at by fsd alone, which says the same of it. */
static int
check_offline(struct ctl *ctl, bool quick)
{
	struct buf out = BUF_INIT(OUT_MAX);
	struct followed f = { 0 };
	int status;

	if (!ctl->quiet)
		fprintf(stderr, "No daemon can serve the store; checking it without one.\n");
	status = run_check(ctl, quick, &out);
	/* Where it came to no end there is nothing, and fsd has said why. */
	if (out.len && json_parse(out.data, out.len, NULL, &f.last) == 0 && follow_lines(&f, "problems") == STATUS_OK)
		status = print(ctl, &check_report, &f, status);
	else
		longrun_say_stopped(ctl, status, check_report.again);
	buf_release(&out);
	follow_release(&f);
	return status;
}

int
verb_check(struct ctl *ctl, const struct args *args)
{
	const bool quick = args->given[OPT_QUICK] != NULL;
	struct buf request = BUF_INIT(256);
	int status = ctl_open(ctl);

	if (!ctl->endpoint && ctl->dirfd >= 0 && (status == STATUS_FAILED || status == STATUS_INTEGRITY))
		return check_offline(ctl, quick);
	if (status != STATUS_OK) {
		longrun_say_stopped(ctl, status, check_report.again);
		return status;
	}
	buf_addf(&request, "{\"kind\":\"check\",\"quick\":%s}", quick ? "true" : "false");
	status = run_job(ctl, &request, "checking", &check_report);
	buf_release(&request);
	return status;
}
