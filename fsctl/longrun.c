#include <stddef.h>

#include "args.h"
#include "clock.h"
#include "ctl.h"
#include "exit_status.h"
#include "longrun.h"
#include "say.h"
#include "stop.h"
#include "textfile.h"

#define COMMAND_MAX (1u << 20)
#define LONGEST_MS (INT64_MAX / 2000)	/* a time from now on still fits in us */

/* In ms; points in time are counted in us. */
static int
take_duration(const struct args *args, enum option_id id, int64_t *ms)
{
	int status = args_duration(args, id, ms);

	if (status == STATUS_OK && *ms > LONGEST_MS)
		status = say_error(STATUS_USAGE, "--%s: %s is too long: expected at most 100000y, or 0 for %s", args_options[id].name, args->given[id],
		    id == OPT_MAX_DURATION ? "no limit" : "no waiting");
	return status;
}

/* Before anything is done: what was asked for has to be possible. */
static int
begin(struct ctl *ctl, const struct args *args)
{
	int64_t limit = 0, wait = 0;
	int status;

	if ((status = take_duration(args, OPT_MAX_DURATION, &limit)) != STATUS_OK ||
	    (status = take_duration(args, OPT_LOCK_WAIT, &wait)) != STATUS_OK)
		return status;
	if (args->given[OPT_METRICS_FILE] && args->given[OPT_DRY_RUN])
		return say_error(STATUS_USAGE, "--metrics-file and --dry-run don't go together: nothing is done that could be told of");
	if (args->given[OPT_METRICS_FILE] && (status = textfile_check(args->given[OPT_METRICS_FILE])) != STATUS_OK)
		return status;
	stop_setup();
	if (limit)
		stop_after(limit);
	lockwait_begin(&ctl->lockwait, wait, ctl->quiet);
	return STATUS_OK;
}

int
longrun_verb(struct ctl *ctl, const struct args *args)
{
	const char *metrics = args->given[OPT_METRICS_FILE];
	const int64_t started_us = clock_mono_us();
	struct textfile_run run = { .verb = args->verb->name };
	int status;

	if (!(args->verb->options & LONGRUN_OPTIONS))
		return args->verb->run(ctl, args);
	if ((status = begin(ctl, args)) != STATUS_OK)
		return status;
	status = args->verb->run(ctl, args);
	if (!metrics)
		return status;
	run.ended_us = clock_wall_us();
	run.duration_us = clock_mono_us() - started_us;
	run.exit_code = status;
	run.items = ctl->work.items;
	run.bytes = ctl->work.bytes;
	run.errors = ctl->work.errors;
	return textfile_write(metrics, &run) == STATUS_OK || status != STATUS_OK ? status : STATUS_FAILED;
}

void
longrun_say_stopped(const struct ctl *ctl, int status, const char *after)
{
	struct buf command = BUF_INIT(COMMAND_MAX);

	if (!status_is_stop(status) || (status != STATUS_TIME_LIMIT && ctl->quiet))
		return;
	if (status == STATUS_TIME_LIMIT)
		say_error(status, "%s: stopped at its time limit of %s", ctl->args->verb->name, ctl->args->given[OPT_MAX_DURATION]);
	args_command(ctl->args, &command);
	if (buf_finish(&command) == 0)
		say_hint("`%s` %s", command.data, after);
	buf_release(&command);
}
