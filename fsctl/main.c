#include <signal.h>

#include "args.h"
#include "ctl.h"
#include "exit_status.h"
#include "longrun.h"
#include "verbs.h"

int
main(int argc, char **argv)
{
	struct args args;
	struct ctl ctl;
	int status;

	/* A reader that goes away is an error of write(), told by the exit code. */
	signal(SIGPIPE, SIG_IGN);
	if ((status = args_parse(argc, argv, &args)) != STATUS_OK) {
		args_release(&args);
		return status;
	}
	ctl_init(&ctl, &args);
	if (args.verb)
		status = longrun_verb(&ctl, &args);
	else if (args.given[OPT_HELP])
		status = verb_help(&ctl, &args);
	else
		status = verb_version(&ctl, &args);
	ctl_close(&ctl);
	args_release(&args);
	return status;
}
