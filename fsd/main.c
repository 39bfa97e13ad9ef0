#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "daemon.h"
#include "err.h"
#include "exit_code.h"
#include "log.h"
#include "offline.h"
#include "settings.h"

/* The command line: what is given there goes over what fsd.yaml says. */
static const char help[] =
    "usage: fsd --data DIR [--config FILE] [--listen ADDR:PORT]... [--socket-only]\n"
    "           [--role all|data|control] [--log text|json]\n"
    "       fsd --data DIR --init [--json]\n"
    "       fsd --data DIR --check [--quick] [--json]\n"
    "\n"
    "Serves the store in DIR over S3 until it gets SIGTERM or SIGINT.\n"
    "\n"
    "  --data DIR          the store; `fsctl --data DIR init` creates one\n"
    "  --config FILE       settings, as fsd.yaml(5) says\n"
    "  --listen ADDR:PORT  instead of the addresses in FILE; may be given several times; 127.0.0.1:9000 by default\n"
    "  --socket-only       serve DIR/fsd.sock alone, until nobody has used it for 10 seconds\n"
    "  --ready-fd N        write a line to descriptor N when the sockets can be used\n"
    "  --role ROLE         serve everything (all), objects (data) or administration and sync (control)\n"
    "  --log text|json     the form of the log on standard error\n"
    "  --init              create a store in DIR and print its administrator's credentials\n"
    "  --check             read every record and every reference, without serving\n"
    "  --quick             leave the bytes of the objects unread\n"
    "  --json              print results as JSON\n"
    "  --version, --help\n"
    "\n"
    "Exit codes: 0 ok, 1 failed, 2 usage or configuration, 4 integrity problem, 10 no store there, 11 locked,\n"
    "12 not authorised (key file), 13 no space, 75 temporary, 128+N signal N.\n";

enum { OPT_DATA = 256, OPT_CONFIG, OPT_LISTEN, OPT_SOCKET_ONLY, OPT_READY_FD, OPT_ROLE, OPT_LOG, OPT_INIT, OPT_CHECK,
	OPT_QUICK, OPT_JSON, OPT_VERSION, OPT_HELP };

static const struct option longs[] = {
	{ "data", required_argument, NULL, OPT_DATA },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "socket-only", no_argument, NULL, OPT_SOCKET_ONLY },
	{ "ready-fd", required_argument, NULL, OPT_READY_FD },
	{ "role", required_argument, NULL, OPT_ROLE },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "init", no_argument, NULL, OPT_INIT },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

struct arguments {
	struct daemon_options run;
	const char *config, *log;
	struct buf listen;		/* separated by commas */
	bool init, check, quick, json;
	bool done;			/* --help or --version was answered */
};

static int __attribute__((format(printf, 1, 2)))
usage(const char *format, ...)
{
	va_list args;

	fputs("fsd: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry `fsd --help`.\n", stderr);
	return ERR_USAGE;
}

static int
parse_role(const char *text, enum role_of_daemon *role)
{
	if (!strcmp(text, "all"))
		*role = ROLE_ALL;
	else if (!strcmp(text, "data"))
		*role = ROLE_DATA;
	else if (!strcmp(text, "control"))
		*role = ROLE_CONTROL;
	else
		return usage("--role: expected all, data or control, got \"%s\"", text);
	return 0;
}

static int
parse_fd(const char *text, int *fd)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (*end || end == text || errno || n < 0 || n > 65535)
		return usage("--ready-fd: expected a descriptor, got \"%s\"", text);
	*fd = (int)n;
	return 0;
}

static int
take_option(struct arguments *a, int option)
{
	switch (option) {
	case OPT_DATA:
		a->run.dir = optarg;
		return *optarg ? 0 : usage("--data: the folder's name is empty");
	case OPT_CONFIG:
		a->config = optarg;
		return 0;
	case OPT_LISTEN:
		buf_addf(&a->listen, "%s%s", a->listen.len ? "," : "", optarg);
		return *optarg && !strchr(optarg, ',') ? 0 : usage("--listen: expected ADDR:PORT, got \"%s\"", optarg);
	case OPT_SOCKET_ONLY:
		a->run.socket_only = true;
		return 0;
	case OPT_READY_FD:
		return parse_fd(optarg, &a->run.ready_fd);
	case OPT_ROLE:
		return parse_role(optarg, &a->run.role);
	case OPT_LOG:
		a->log = optarg;
		if (strcmp(a->log, "text") && strcmp(a->log, "json"))
			return usage("--log: expected text or json, got \"%s\"", a->log);
		return 0;
	case OPT_INIT:
		a->init = true;
		return 0;
	case OPT_CHECK:
		a->check = true;
		return 0;
	case OPT_QUICK:
		a->quick = true;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_VERSION:
		puts("fsd " FSD_VERSION);
		a->done = true;
		return 0;
	case OPT_HELP:
		fputs(help, stdout);
		a->done = true;
		return 0;
	default:		/* getopt has said what is wrong */
		fputs("Try `fsd --help`.\n", stderr);
		return ERR_USAGE;
	}
}

static int
parse(int argc, char **argv, struct arguments *a)
{
	int option, rc;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if ((rc = take_option(a, option)) != 0 || a->done)
			return rc;
	if (optind < argc)
		return usage("unexpected argument \"%s\"", argv[optind]);
	if (!a->run.dir)
		return usage("--data DIR is missing");
	if (a->init && a->check)
		return usage("--init and --check don't go together");
	if ((a->init || a->check) && (a->run.socket_only || a->listen.len || a->run.ready_fd >= 0))
		return usage("--init and --check serve nothing: --listen, --socket-only and --ready-fd don't go with them");
	if (a->quick && !a->check)
		return usage("--quick goes with --check");
	if (a->json && !a->init && !a->check)
		return usage("--json goes with --init or --check");
	if (a->run.socket_only && a->listen.len)
		return usage("--listen and --socket-only don't go together");
	return 0;
}

static int
configure(struct arguments *a)
{
	struct settings *s = &a->run.settings;
	struct buf errors = BUF_INIT(1 << 20);
	int rc;

	if ((rc = settings_defaults(s)) == 0 && a->config)
		rc = settings_load(s, a->config, &errors);
	if (rc == 0 && a->listen.len)
		rc = settings_set(s, "listen", a->listen.data, &errors);
	if (rc == 0 && a->log)
		rc = settings_set(s, "log.format", a->log, &errors);
	if (rc)
		fprintf(stderr, "%s", errors.data ? errors.data : "fsd: out of memory\n");
	else
		log_setup(s->log_format == LOG_FORMAT_JSON, (enum log_level)s->log_level);
	buf_release(&errors);
	return rc;
}

int
main(int argc, char **argv)
{
	struct arguments a = { .run = { .role = ROLE_ALL, .ready_fd = -1 }, .listen = BUF_INIT(65536) };
	int rc, code;

	umask(077);
	signal(SIGPIPE, SIG_IGN);
	if ((rc = parse(argc, argv, &a)) != 0 || a.done || (rc = configure(&a)) != 0)
		code = exit_code_of(rc);
	else if (a.init)
		code = offline_init(a.run.dir, a.json);
	else if (a.check)
		code = offline_check(a.run.dir, a.quick, a.json);
	else
		code = daemon_run(&a.run);
	settings_release(&a.run.settings);
	buf_release(&a.listen);
	return code;
}
