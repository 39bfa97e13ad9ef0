#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ctl.h"
#include "exit_status.h"
#include "human.h"
#include "longrun.h"
#include "out.h"
#include "progress.h"
#include "reply.h"
#include "say.h"
#include "stop.h"
#include "str.h"
#include "tally.h"

#define OUT_MAX (1u << 20)
#define STATUS_US 1000000

int
tally_init(struct tally *t, struct ctl *ctl, const char *verb, bool to_output)
{
	uint64_t rate = 0;
	const char *limit = ctl->args->given[OPT_BWLIMIT];
	/* A bar amid a file on the same terminal helps nobody. */
	const bool no_bar = ctl->quiet || ctl->json || ctl->args->given[OPT_DRY_RUN] || (to_output && isatty(STDOUT_FILENO));
	int status = limit ? throttle_parse(limit, &rate) : STATUS_OK;

	*t = (struct tally) { .ctl = ctl, .verb = verb, .dry = ctl->args->given[OPT_DRY_RUN] != NULL, .to_output = to_output,
		.operands = ctl->args->count > 1 ? (unsigned)ctl->args->count - 1 : 1 };
	for (int i = 0; i < ctl->args->count; i++)
		t->anew = t->anew || !strcmp(ctl->args->operand[i], "-");
	if (status != STATUS_OK)
		return status;
	if (progress_new(verb, 0, 0, no_bar, &t->progress) != 0)
		return say_error(STATUS_FAILED, "out of memory");
	say_beside_bar(!no_bar);
	throttle_init(&t->throttle, rate);
	pthread_mutex_init(&t->lock, NULL);
	t->started_us = t->said_us = clock_mono_us();
	return STATUS_OK;
}

void
tally_expect(struct tally *t, uint64_t items, uint64_t bytes)
{
	if (t->all_known)
		return;
	pthread_mutex_lock(&t->lock);
	t->expected_items += items;
	t->expected_bytes += bytes;
	progress_total(t->progress, t->expected_items, t->expected_bytes);
	pthread_mutex_unlock(&t->lock);
}

void
tally_expect_all(struct tally *t, uint64_t items, uint64_t bytes)
{
	tally_expect(t, items, bytes);
	t->all_known = true;
	t->operands = 1;
}

/* ---- JSON lines; with the lock ---- */

static void
begin(struct buf *line, struct json_out *j, const char *type)
{
	json_out_init(j, line, false);
	json_object_begin(j);
	json_key_str(j, "type", type);
}

static void
add_name(struct json_out *j, const char *key, const char *name)
{
	char base64key[32], *text;
	size_t len = strlen(name);

	json_key(j, key);
	json_bytes(j, name, len);
	if (utf8_valid(name, len) || !(text = malloc(BASE64_SIZE(len))))
		return;
	snprintf(base64key, sizeof(base64key), "%sBase64", key);
	base64_encode(name, len, text);
	json_key_str(j, base64key, text);
	free(text);
}

/* A lost line is no success: the first failure is kept, and said by out_write(). */
static void
print(struct tally *t, struct buf *line)
{
	if (!t->to_output)
		t->unwritten = t->unwritten ? t->unwritten : out_write(line);
	else if (buf_finish(line) == 0)
		(void)fwrite(line->data, 1, line->len, stderr);
	buf_release(line);
}

static void
end(struct tally *t, struct buf *line, struct json_out *j)
{
	json_object_end(j);
	buf_addch(line, '\n');
	print(t, line);
}

static void
say_status(struct tally *t)
{
	const int64_t now = clock_mono_us();
	const double seconds = (double)(now - t->started_us) / 1e6;
	struct buf line = BUF_INIT(OUT_MAX);
	struct json_out j;

	if (!t->ctl->json || now - t->said_us < STATUS_US)
		return;
	t->said_us = now;
	begin(&line, &j, "status");
	json_key_uint(&j, "items", t->items);
	json_key_uint(&j, "totalItems", t->expected_items);
	json_key_uint(&j, "bytes", t->moved);
	json_key_uint(&j, "totalBytes", t->expected_bytes);
	if (t->expected_bytes)
		json_key_double(&j, "percent", 100.0 * t->part);
	json_key_double(&j, "bytesPerSecond", seconds > 0 ? (double)t->moved / seconds : 0);
	if (t->part > 0 && t->part < 1)
		json_key_double(&j, "etaSeconds", seconds * (1 - t->part) / t->part);
	json_key_uint(&j, "errors", t->failed);
	end(t, &line, &j);
}

/* ---- what happens ---- */

/* With the lock. */
static void
handle(struct tally *t, int64_t bytes)
{
	const uint64_t all = t->expected_bytes - t->before_bytes, items = t->expected_items - t->before_items;
	double part = 0;

	t->handled += bytes;
	/* Files without any bytes count as items. */
	if (all)
		part = (double)(t->handled - t->before_handled) / (double)all;
	else if (items)
		part = (double)(t->items - t->before_done) / (double)items;
	part = part < 0 ? 0 : part > 1 ? 1 : part;
	part = t->finished < t->operands ? (t->finished + part) / t->operands : 1;
	if (part > t->part)
		t->part = part;
	progress_part(t->progress, t->part);
	progress_add(t->progress, 0, (uint64_t)bytes, 0);
}

void
tally_move(struct tally *t, uint64_t bytes)
{
	throttle_take(&t->throttle, bytes);
	pthread_mutex_lock(&t->lock);
	t->moved += bytes;
	handle(t, (int64_t)bytes);
	say_status(t);
	pthread_mutex_unlock(&t->lock);
}

void
tally_spare(struct tally *t, int64_t bytes)
{
	pthread_mutex_lock(&t->lock);
	handle(t, bytes);
	pthread_mutex_unlock(&t->lock);
}

void
tally_tick(struct tally *t)
{
	pthread_mutex_lock(&t->lock);
	say_status(t);
	pthread_mutex_unlock(&t->lock);
	progress_draw(t->progress);
}

static bool
is_like_option(const char *operand)
{
	return operand && operand[0] == '-' && operand[1];
}

/* Which version it is belongs to a line that can be run, and no name may be taken for an option. */
static void
add_options(const struct tally *t, struct buf *line, const struct tally_item *i)
{
	static const enum option_id which[] = { OPT_AT, OPT_VERSION_ID };

	for (unsigned o = 0; o < sizeof(which) / sizeof(which[0]); o++)
		if (t->ctl->args->given[which[o]]) {
			buf_addf(line, "--%s ", args_options[which[o]].name);
			args_quote(line, t->ctl->args->given[which[o]]);
			buf_addch(line, ' ');
		}
	if (is_like_option(i->from) || is_like_option(i->to))
		buf_addstr(line, "-- ");
}

static void
show_item(struct tally *t, const struct tally_item *i)
{
	struct buf line = BUF_INIT(OUT_MAX);
	struct json_out j;

	if (t->ctl->json) {
		begin(&line, &j, "item");
		json_key_str(&j, "action", i->action);
		add_name(&j, "from", i->from);
		if (i->to)
			add_name(&j, "to", i->to);
		if (strcmp(i->action, "mkdir") != 0)
			json_key_uint(&j, "bytes", i->bytes);
		if (i->version)
			json_key_str(&j, "versionId", i->version);
		if (i->why)
			json_key_str(&j, "reason", i->why);
		if (t->dry)
			json_key_bool(&j, "dryRun", true);
		end(t, &line, &j);
	} else if (t->dry) {
		buf_addf(&line, "%s ", i->action);
		if (!strcmp(i->action, t->verb))
			add_options(t, &line, i);
		args_quote(&line, i->from);
		if (i->to) {
			buf_addch(&line, ' ');
			args_quote(&line, i->to);
		}
		buf_addch(&line, '\n');
		print(t, &line);
	}
}

void
tally_item(struct tally *t, const struct tally_item *i)
{
	const bool folder = !strcmp(i->action, "mkdir"), skip = !strcmp(i->action, "skip");

	pthread_mutex_lock(&t->lock);
	if (skip) {
		t->skipped++;
	} else if (!folder) {
		t->items++;
		t->bytes += i->bytes;
		t->unchanged += !strcmp(i->action, "unchanged");
		handle(t, 0);
	}
	show_item(t, i);
	if (skip && !t->ctl->quiet)
		say_error(0, "%s: skipped: %s", i->from, i->why ? i->why : "");
	pthread_mutex_unlock(&t->lock);
	if (!folder && !skip)
		progress_add(t->progress, 1, 0, 0);
}

/* A failure: said already, or said now; *first: it is the first. */
static int
failed(struct tally *t, int status, const char *what, const char *message, bool said, bool *first)
{
	struct buf line = BUF_INIT(OUT_MAX);
	struct json_out j;

	pthread_mutex_lock(&t->lock);
	*first = !status_is_stop(status) && !t->failed;
	if (!status_is_stop(status)) {
		if (!t->failed++)
			t->first = status;
		t->away = t->away || status == STATUS_TEMPORARY;
		if (!said)
			say_error(status, "%s: %s", what, message);
		if (t->ctl->json) {
			begin(&line, &j, "error");
			add_name(&j, "path", what);
			json_key_int(&j, "exitCode", status);
			json_key_str(&j, "message", message);
			end(t, &line, &j);
		}
	}
	pthread_mutex_unlock(&t->lock);
	progress_add(t->progress, 0, 0, !status_is_stop(status));
	return status;
}

int
tally_error(struct tally *t, int status, const char *what, const char *format, ...)
{
	char *text = NULL;
	va_list args;
	bool first;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	failed(t, status, what, text ? text : "out of memory", false, &first);
	free(text);
	return status;
}

int
tally_said(struct tally *t, int status, const char *what)
{
	bool first;

	return failed(t, status, what, say_last(), true, &first);
}

int
tally_refused(struct tally *t, const char *what, int http, const struct json *doc)
{
	const char *message = reply_str(reply_get(doc, "error"), "message", NULL);
	int status = ctl_status(http, doc);
	char text[64];
	bool first;

	if (status == STATUS_OK)
		status = STATUS_FAILED;
	snprintf(text, sizeof(text), "HTTP status %d; is it fsd that answers there?", http);
	failed(t, status, what, message ? message : text, false, &first);
	if (first)
		ctl_hint(t->ctl, http, doc);
	return status;
}

int
tally_outcome(struct tally *t, int status, const char *what)
{
	bool missed;

	if (status == STATUS_OK || status_is_stop(status))
		return status;
	pthread_mutex_lock(&t->lock);
	missed = ++t->failures > t->failed;
	pthread_mutex_unlock(&t->lock);
	return missed ? tally_error(t, status, what, "it failed, and nobody said why: %s", say_last()) : status;
}

void
tally_lost(struct tally *t)
{
	pthread_mutex_lock(&t->lock);
	t->lost = true;
	pthread_mutex_unlock(&t->lock);
}

int
tally_stopped(struct tally *t)
{
	bool away;

	if (stop_asked())
		return stop_asked();
	pthread_mutex_lock(&t->lock);
	away = t->away;
	pthread_mutex_unlock(&t->lock);
	return away ? STATUS_TEMPORARY : STATUS_OK;
}

int
tally_operand(struct tally *t, const char *operand, int status)
{
	if (status != STATUS_OK && t->failed == t->told)
		tally_said(t, status, operand);
	t->told = t->failed;
	pthread_mutex_lock(&t->lock);
	if (!t->all_known) {
		t->finished++;
		t->before_handled = t->handled;
		t->before_bytes = t->expected_bytes;
		t->before_items = t->expected_items;
		t->before_done = t->items;
	}
	handle(t, 0);
	pthread_mutex_unlock(&t->lock);
	return status_is_stop(status) || status == STATUS_TEMPORARY ? status : tally_stopped(t);
}

/* ---- the end ---- */

static void
add_resume(const struct tally *t, struct json_out *j)
{
	struct buf command = BUF_INIT(OUT_MAX);

	args_command(t->ctl->args, &command);
	if (buf_finish(&command) == 0)
		json_key_str(j, "resume", command.data);
	buf_release(&command);
}

static void
say_summary(struct tally *t, int status)
{
	char bytes[HUMAN_TEXT], moved[HUMAN_TEXT], count[HUMAN_TEXT], took[HUMAN_TEXT];
	const int64_t ms = (clock_mono_us() - t->started_us) / 1000;
	struct buf line = BUF_INIT(OUT_MAX);
	struct json_out j;

	if (t->ctl->json) {
		begin(&line, &j, "summary");
		json_key_uint(&j, "items", t->items);
		json_key_uint(&j, "unchanged", t->unchanged);
		json_key_uint(&j, "skipped", t->skipped);
		json_key_uint(&j, "errors", t->failed);
		json_key_uint(&j, "bytes", t->bytes);
		json_key_uint(&j, "movedBytes", t->moved);
		json_key_int(&j, "durationMs", ms);
		json_key_int(&j, "exitCode", status);
		json_key_bool(&j, "dryRun", t->dry);
		if (status_is_stop(status) && !t->anew)
			add_resume(t, &j);
		end(t, &line, &j);
		return;
	}
	human_count((int64_t)t->items, count);
	human_size(t->bytes, bytes);
	human_size(t->moved, moved);
	human_duration(ms, took);
	buf_addf(&line, "%s%s: %s %s, %s", t->verb, t->dry ? " (nothing was done)" : "", count, t->items == 1 ? "file" : "files", bytes);
	if (!t->dry)
		buf_addf(&line, "; %s moved in %s", moved, took);
	if (t->unchanged)
		buf_addf(&line, "; %llu unchanged", (unsigned long long)t->unchanged);
	if (t->skipped)
		buf_addf(&line, "; %llu skipped", (unsigned long long)t->skipped);
	if (t->failed)
		buf_addf(&line, "; %llu failed", (unsigned long long)t->failed);
	if (status_is_stop(status))
		buf_addstr(&line, status == STATUS_TIME_LIMIT ? "; stopped at its time limit" : "; interrupted");
	buf_addch(&line, '\n');
	print(t, &line);
}

int
tally_end(struct tally *t, int status)
{
	if (status != STATUS_OK && !t->failed)
		tally_said(t, status, t->verb);
	if (status == STATUS_OK && t->failed)
		status = t->items ? STATUS_SOME_FAILED : t->first;
	if (status == STATUS_OK)
		status = t->unwritten;
	progress_free(t->progress);
	t->progress = NULL;
	say_beside_bar(false);
	t->ctl->work = (struct longrun_work) { t->items, t->bytes, t->failed };
	longrun_say_stopped(t->ctl, status, t->anew || (t->lost && !t->items) ? LONGRUN_BEGINS_ANEW : LONGRUN_GOES_ON);
	if (!t->ctl->quiet || t->ctl->json)
		say_summary(t, status);
	if (status == STATUS_OK)	/* the summary itself */
		status = t->unwritten;
	pthread_mutex_destroy(&t->lock);
	throttle_release(&t->throttle);
	return status;
}
