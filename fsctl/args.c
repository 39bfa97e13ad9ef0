#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "buf.h"
#include "exit_status.h"
#include "say.h"
#include "str.h"
#include "verbs.h"

/* Option codes that are no characters. */
#define CODE(id) (256 + (id))

const struct option_text args_options[OPTIONS] = {
	[OPT_DATA] = { "data", "DIR", "the store; else $FSD_DATA, else ./data if a store is there" },
	[OPT_ENDPOINT] = { "endpoint", "URL", "a daemon elsewhere, instead of --data" },
	[OPT_TOKEN_FILE] = { "token-file", "F", "holds a token, for --endpoint; else $FSD_TOKEN" },
	[OPT_JSON] = { "json", NULL, "print one JSON document (lines for changes and files)" },
	[OPT_QUIET] = { "quiet", NULL, "print results and errors only" },
	[OPT_HELP] = { "help", NULL, "this" },
	[OPT_VERSION] = { "version", NULL, "as the verb" },
	[OPT_ADMIN] = { "admin", NULL, "an administrator: may do everything" },
	[OPT_MAY_CREATE] = { "may-create-buckets", NULL, "may create workspaces of their own" },
	[OPT_EXPIRES] = { "expires", "DUR", "how long the token is valid; 0, the default: until it is deleted" },
	[OPT_OWNER] = { "owner", "USER", "whom the workspace belongs to" },
	[OPT_QUOTA] = { "quota", "SIZE", "what it may hold; 0: no limit" },
	[OPT_HISTORY] = { "history", "DUR", "how long replaced and deleted versions are kept" },
	[OPT_VERSIONING] = { "versioning", "on|suspended", "S3 bucket versioning" },
	[OPT_DISPLAY_NAME] = { "display-name", "TEXT", "its name for people" },
	[OPT_DRY_RUN] = { "dry-run", NULL, "change nothing, report what would be done" },
	[OPT_GRACE] = { "grace", "DUR", "free what was unused for so long; the store's setting (24h) else" },
	[OPT_QUICK] = { "quick", NULL, "check the references, but leave the bytes unread" },
	[OPT_FROM] = { "from", "CURSOR", "begin (the default), now, or the sequence after which to start" },
	[OPT_RECURSIVE] = { "recursive", NULL, "folders with all that is in them (-r)" },
	[OPT_LONG] = { "long", NULL, "sizes, times and versions too (-l)" },
	[OPT_AT] = { "at", "SEQ|TIME", "as it was at that sequence or time" },
	[OPT_VERSION_ID] = { "version-id", "ID", "that version, as `fsctl versions list` shows it" },
	[OPT_BWLIMIT] = { "bwlimit", "RATE", "at most so many bytes a second, as 50MiB/s" },
	[OPT_CONNECTIONS] = { "connections", "N", "how many at once, 1 to 16; 4 is the default" },
	[OPT_MAX_DURATION] = { "max-duration", "DUR", "stop in order after so long (exit code 14)" },
	[OPT_LOCK_WAIT] = { "lock-wait", "DUR", "wait so long for what another holds (exit code 11 then)" },
	[OPT_METRICS_FILE] = { "metrics-file", "F", "write metrics of the run there for Prometheus, as F.prom" },
	[OPT_FOLLOW] = { "follow", NULL, "wait for further changes until interrupted" },
};

static int
unknown_option(const char *text)
{
	const char *best = NULL;
	int least = 4;

	say_error(STATUS_USAGE, "unknown or unclear option \"%s\"", text);
	for (int i = 0; i < OPTIONS && !strncmp(text, "--", 2); i++) {
		int d = str_distance(text + 2, args_options[i].name);

		if (d < least) {
			least = d;
			best = args_options[i].name;
		}
	}
	if (best)
		say_hint("did you mean --%s? `fsctl help` lists what there is", best);
	else
		say_hint("`fsctl help` lists what there is");
	return STATUS_USAGE;
}

static void
long_options(struct option longs[OPTIONS + 1])
{
	for (int i = 0; i < OPTIONS; i++)
		longs[i] = (struct option) { args_options[i].name, args_options[i].value ? required_argument : no_argument,
			NULL, CODE(i) };
	longs[OPTIONS] = (struct option) { 0 };
}

/* Options and words, in whatever order. */
static int
split(int argc, char **argv, struct args *args, const char **words, int *n)
{
	struct option longs[OPTIONS + 1];
	int code, status = STATUS_OK;

	long_options(longs);
	opterr = 0;
	/* "-": words come in order with the options, whatever POSIXLY_CORRECT says. */
	while (!status && (code = getopt_long(argc, argv, "-:qhrl", longs, NULL)) != -1) {
		if (code == 1)
			words[(*n)++] = optarg;
		else if (code == 'q' || code == 'h')
			args->given[code == 'q' ? OPT_QUIET : OPT_HELP] = "";
		else if (code == 'r' || code == 'l')
			args->given[code == 'r' ? OPT_RECURSIVE : OPT_LONG] = "";
		else if (code == ':')
			status = say_error(STATUS_USAGE, "%s needs a value; `fsctl help` says which", argv[optind - 1]);
		else if (code < CODE(0))
			status = unknown_option(argv[optind - 1]);
		else
			args->given[code - CODE(0)] = optarg ? optarg : "";
	}
	while (!status && optind < argc)
		words[(*n)++] = argv[optind++];
	return status;
}

static int
check_options(const struct args *args)
{
	const struct verb *v = args->verb;

	for (int i = OPT_ADMIN; i < OPTIONS; i++)
		if (args->given[i] && !(v->options & 1u << i)) {
			say_error(STATUS_USAGE, "--%s does not go with `%s%s%s`", args_options[i].name, v->name,
			    v->action ? " " : "", v->action ? v->action : "");
			return verbs_usage(v);
		}
	if (args->given[OPT_ENDPOINT] && args->given[OPT_DATA])
		return say_error(STATUS_USAGE, "--data and --endpoint don't go together: give one of them");
	if (args->given[OPT_TOKEN_FILE] && !args->given[OPT_ENDPOINT])
		return say_error(STATUS_USAGE, "--token-file goes with --endpoint URL; with --data no token is needed");
	return STATUS_OK;
}

static int
take_operands(struct args *args, int n, int used)
{
	args->count = n - used;
	if (args->count < args->verb->min) {
		say_error(STATUS_USAGE, "something is missing: %s", args->verb->operands);
		return verbs_usage(args->verb);
	}
	if (args->count > args->verb->max) {
		say_error(STATUS_USAGE, "unexpected argument \"%s\"", args->operand[args->verb->max]);
		return verbs_usage(args->verb);
	}
	for (int i = 0; i < args->count; i++)
		if (!*args->operand[i])
			return say_error(STATUS_USAGE, "an argument is empty; expected %s", args->verb->operands);
	return check_options(args);
}

int
args_parse(int argc, char **argv, struct args *args)
{
	/* One word more for "help", and two NULLs. */
	const char **words = calloc((size_t)argc + 4, sizeof(*words));
	int n = 0, used = 0, status;

	*args = (struct args) { 0 };
	args->argv = argv;
	args->words = args->operand = words;
	if (!words)
		return say_error(STATUS_FAILED, "out of memory");
	if ((status = split(argc, argv, args, words, &n)) != STATUS_OK)
		return status;
	if (n == 0 && (args->given[OPT_HELP] || args->given[OPT_VERSION]))
		return STATUS_OK;
	/* `fsctl user create --help` asks about the words before it. */
	if (args->given[OPT_HELP] && strcmp(words[0], "help") != 0) {
		memmove(words + 1, words, (size_t)n * sizeof(words[0]));
		words[0] = "help";
		n = n < 3 ? n + 1 : 3;
		words[n] = NULL;
	}
	if ((status = verbs_find(words, n, &args->verb, &used)) != STATUS_OK)
		return status;
	args->operand = words + used;
	return take_operands(args, n, used);
}

void
args_release(struct args *args)
{
	free(args->words);
	*args = (struct args) { 0 };
}

/* Without control characters, those of C1 (c2 80 to c2 9f) among them. */
static bool
is_bare(const char *word)
{
	for (const unsigned char *p = (const unsigned char *)word; *p; p++)
		if (*p < 0x20 || *p == 0x7f || (*p == 0xc2 && p[1] < 0xa0))
			return false;
	return utf8_valid(word, strlen(word));
}

void
args_quote(struct buf *out, const char *word)
{
	const bool bare = is_bare(word);
	bool plain = *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@%+=,")];

	buf_addstr(out, plain ? "" : bare ? "'" : "$'");
	for (const char *p = word; *p; p++) {
		if (!bare && ((unsigned char)*p < 0x20 || (unsigned char)*p >= 0x7f))
			buf_addf(out, "\\x%02x", (unsigned char)*p);
		else if (!bare && (*p == '\'' || *p == '\\'))
			buf_addf(out, "\\%c", *p);
		else if (*p == '\'')
			buf_addstr(out, "'\\''");
		else
			buf_addch(out, *p);
	}
	buf_addstr(out, plain ? "" : "'");
}

void
args_command(const struct args *args, struct buf *out)
{
	for (char **word = args->argv; *word; word++) {
		if (word > args->argv)
			buf_addch(out, ' ');
		args_quote(out, *word);
	}
}

int
args_count(const struct args *args, enum option_id id, int most, int *n)
{
	uint64_t value;

	if (!args->given[id])
		return STATUS_OK;
	if (parse_u64(args->given[id], strlen(args->given[id]), &value) != 0 || value < 1 || value > (uint64_t)most)
		return say_error(STATUS_USAGE, "--%s: expected a number from 1 to %d, got \"%s\"", args_options[id].name, most,
		    args->given[id]);
	*n = (int)value;
	return STATUS_OK;
}

int
args_size(const struct args *args, enum option_id id, int64_t *bytes)
{
	uint64_t value;

	if (!args->given[id])
		return STATUS_OK;
	if (parse_size(args->given[id], &value) != 0 || value > INT64_MAX)
		return say_error(STATUS_USAGE, "--%s: expected a size like 500MB, 64MiB or 2TiB, got \"%s\"",
		    args_options[id].name, args->given[id]);
	*bytes = (int64_t)value;
	return STATUS_OK;
}

int
args_duration(const struct args *args, enum option_id id, int64_t *ms)
{
	if (!args->given[id])
		return STATUS_OK;
	if (parse_duration(args->given[id], ms) != 0)
		return say_error(STATUS_USAGE, "--%s: expected a duration like 30s, 15min, 6h, 7d, 4w, 3mo or 1y, got \"%s\"",
		    args_options[id].name, args->given[id]);
	return STATUS_OK;
}
