#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "exit_status.h"
#include "fio.h"
#include "say.h"
#include "str.h"
#include "textfile.h"

#define FILE_MAX (1u << 20)
#define VERBS 64		/* further ones in a file are dropped */
#define VERB 32
#define VALUE 32
#define PREFIX "fsctl_last_"
#define LOCK_PAUSE_MS 50
#define LOCK_TRIES (5000 / LOCK_PAUSE_MS)
#define NAME_MOST 234		/* with what fio_write_file() adds for a while, 255 */

enum metric { RUN, SUCCESS, DURATION, EXIT_CODE, ITEMS, BYTES, ERRORS, METRICS };
static const struct {
	const char *name, *help;
} metrics[METRICS] = {
	[RUN] = { PREFIX "run_timestamp_seconds", "When the last run ended." },
	[SUCCESS] = { PREFIX "success_timestamp_seconds", "When the last run that ended with 0 ended." },
	[DURATION] = { PREFIX "duration_seconds", "How long the last run took." },
	[EXIT_CODE] = { PREFIX "exit_code", "What the last run ended with." },
	[ITEMS] = { PREFIX "items", "Items that the last run did." },
	[BYTES] = { PREFIX "bytes", "Bytes of those items." },
	[ERRORS] = { PREFIX "errors", "Errors of the last run." },
};

/* Values stay the text that they were. */
struct samples {
	char verb[VERB];
	char values[METRICS][VALUE];	/* "": there is none */
};
struct table {
	struct samples verbs[VERBS];
	unsigned n;
};

/* ---- reading ---- */

static struct samples *
samples_of(struct table *t, const char *verb, size_t len)
{
	for (unsigned i = 0; i < t->n; i++)
		if (strlen(t->verbs[i].verb) == len && !memcmp(t->verbs[i].verb, verb, len))
			return &t->verbs[i];
	if (t->n == VERBS || !len || len >= VERB)
		return NULL;
	memcpy(t->verbs[t->n].verb, verb, len);
	return &t->verbs[t->n++];
}

static bool
is_number(const char *text, size_t len)
{
	size_t whole = strspn(text, "0123456789"), after = text[whole] == '.' ? 1 + strspn(text + whole + 1, "0123456789") : 0;

	return whole && after != 1 && whole + after == len;
}

/* `NAME{verb="VERB"} VALUE`, as we write it. */
static void
read_line(struct table *t, const char *line, size_t len)
{
	static const char before[] = "{verb=\"", between[] = "\"} ";
	const char *end = line + len, *verb, *value;
	struct samples *s;
	size_t name, n;

	for (int m = 0; m < METRICS; m++) {
		name = strlen(metrics[m].name);
		if (len < name + sizeof(before) || memcmp(line, metrics[m].name, name) != 0 ||
		    memcmp(line + name, before, sizeof(before) - 1) != 0)
			continue;
		verb = line + name + sizeof(before) - 1;
		n = strspn(verb, "abcdefghijklmnopqrstuvwxyz-");
		value = verb + n + sizeof(between) - 1;
		if (value >= end || memcmp(verb + n, between, sizeof(between) - 1) != 0 || end - value >= VALUE ||
		    !is_number(value, (size_t)(end - value)) || !(s = samples_of(t, verb, n)))
			continue;
		memcpy(s->values[m], value, (size_t)(end - value));
		s->values[m][end - value] = '\0';
	}
}

static void
read_text(struct table *t, const char *text)
{
	while (text && *text) {
		size_t len = strcspn(text, "\n");

		read_line(t, text, len);
		text += len + (text[len] == '\n');
	}
}

/* ---- writing ---- */

static void
add_run(struct samples *s, const struct textfile_run *run)
{
	const int64_t ended_ms = run->ended_us / 1000, ms = run->duration_us / 1000;

	snprintf(s->values[RUN], VALUE, "%lld.%03lld", (long long)(ended_ms / 1000), (long long)(ended_ms % 1000));
	if (run->exit_code == STATUS_OK)
		strcpy(s->values[SUCCESS], s->values[RUN]);
	snprintf(s->values[DURATION], VALUE, "%lld.%03lld", (long long)(ms / 1000), (long long)(ms % 1000));
	snprintf(s->values[EXIT_CODE], VALUE, "%d", run->exit_code);
	snprintf(s->values[ITEMS], VALUE, "%llu", (unsigned long long)run->items);
	snprintf(s->values[BYTES], VALUE, "%llu", (unsigned long long)run->bytes);
	snprintf(s->values[ERRORS], VALUE, "%llu", (unsigned long long)run->errors);
}

/* A metric's samples stand together, as the format wants it. */
static void
write_text(const struct table *t, struct buf *out)
{
	for (int m = 0; m < METRICS; m++) {
		buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", metrics[m].name, metrics[m].help, metrics[m].name);
		for (unsigned i = 0; i < t->n; i++)
			if (*t->verbs[i].values[m])
				buf_addf(out, "%s{verb=\"%s\"} %s\n", metrics[m].name, t->verbs[i].verb, t->verbs[i].values[m]);
	}
}

void
textfile_merge(const char *old, const struct textfile_run *run, struct buf *out)
{
	struct table t = { 0 };
	struct samples *s;

	/* First of all, so that there is always room for it. */
	s = samples_of(&t, run->verb, strlen(run->verb));
	read_text(&t, old);
	if (s)
		add_run(s, run);
	write_text(&t, out);
}

/* ---- the file ---- */

static int
cannot(const char *path, const char *why)
{
	return say_error(STATUS_USAGE, "--metrics-file %s: %s", path, why);
}

/* The folder; *name is the file's in it. */
static int
open_folder(const char *path, const char **name, int *dir)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");

	*name = slash ? slash + 1 : path;
	*dir = folder && **name ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (*dir < 0)
		cannot(path, !folder ? "out of memory" : !**name ? "expected the name of a file" : strerror(errno));
	free(folder);
	return *dir < 0 ? STATUS_USAGE : STATUS_OK;
}

/* Whether what is there may be replaced. */
static int
check_place(const char *path, int dir, const char *name)
{
	char *text = NULL;
	struct stat st;
	size_t len;
	int status = STATUS_OK;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? STATUS_OK : cannot(path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return cannot(path, "it is there and is no file; it would be replaced");
	if (fio_read_file(dir, name, FILE_MAX, &text, &len) != 0 || (len && !str_starts(text, "# HELP " PREFIX)))
		status = cannot(path, "it is there and holds something else; name another, or remove it");
	free(text);
	return status;
}

int
textfile_check(const char *path)
{
	int dir = -1, status;
	const char *name;

	if ((status = open_folder(path, &name, &dir)) != STATUS_OK)
		return status;
	if (faccessat(dir, ".", W_OK, AT_EACCESS) != 0)
		status = cannot(path, "its folder can't be written to");
	else if (strlen(name) > NAME_MOST)
		status = cannot(path, "its name is longer than 234 bytes");
	else
		status = check_place(path, dir, name);
	fio_close(&dir);
	return status;
}

/*
 * Held until the folder is closed. Anybody who may read it can take it for ever: who can't
 * have it in time writes all the same, since the file is whole either way.
 */
static void
lock_folder(int dir)
{
	for (int i = 0; i < LOCK_TRIES && flock(dir, LOCK_EX | LOCK_NB) != 0 && (errno == EWOULDBLOCK || errno == EINTR); i++)
		(void)nanosleep(&(struct timespec) { .tv_nsec = LOCK_PAUSE_MS * 1000000 }, NULL);
}

int
textfile_write(const char *path, const struct textfile_run *run)
{
	struct buf out = BUF_INIT(FILE_MAX);
	int dir = -1, status, rc = 0;
	const char *name;
	char *text = NULL;
	size_t len;

	if ((status = open_folder(path, &name, &dir)) != STATUS_OK)
		return status;
	lock_folder(dir);
	/* The run itself may have put something there since it was checked. */
	if ((status = check_place(path, dir, name)) != STATUS_OK)
		goto out;
	if ((rc = fio_read_file(dir, name, FILE_MAX, &text, &len)) == 0 || rc == ERR_NOTFOUND) {
		textfile_merge(text, run, &out);
		if ((rc = buf_finish(&out)) == 0)
			rc = fio_write_file(dir, name, out.data, out.len, 0644, false);
	}
	if (rc)
		status = say_error(STATUS_FAILED, "--metrics-file %s: it can't be written: %s", path, err_text(rc));
out:
	free(text);
	buf_release(&out);
	fio_close(&dir);
	return status;
}
