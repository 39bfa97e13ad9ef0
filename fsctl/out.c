#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exit_status.h"
#include "out.h"
#include "say.h"

#define OUT_MAX ((size_t)1 << 30)

void
out_members(struct json_out *j, const struct json *object)
{
	for (const struct json *m = json_first(object); m; m = json_next(m)) {
		json_key(j, json_name(m));
		out_value(j, m);
	}
}

/* The reader has bounded the depth. */
void
out_value(struct json_out *j, const struct json *value)
{
	const char *s = NULL;
	int64_t n = 0;
	double d = 0;
	bool b = false;

	switch (json_kind(value)) {
	case JSON_IS_NULL:
		json_null_value(j);
		break;
	case JSON_IS_BOOL:
		(void)json_as_bool(value, &b);
		json_bool(j, b);
		break;
	case JSON_IS_INT:
		(void)json_as_int(value, INT64_MIN, INT64_MAX, &n);
		json_int(j, n);
		break;
	case JSON_IS_DOUBLE:
		(void)json_as_double(value, &d);
		json_double(j, d);
		break;
	case JSON_IS_STR:
		(void)json_as_str(value, &s);
		json_str(j, s);
		break;
	case JSON_IS_ARRAY:
		json_array_begin(j);
		for (const struct json *e = json_first(value); e; e = json_next(e))
			out_value(j, e);
		json_array_end(j);
		break;
	case JSON_IS_OBJECT:
		json_object_begin(j);
		out_members(j, value);
		json_object_end(j);
		break;
	}
}

int
out_write(struct buf *b)
{
	if (buf_finish(b) != 0)
		return say_error(STATUS_FAILED, "out of memory for the output");
	if ((!b->len || fwrite(b->data, 1, b->len, stdout) == b->len) && fflush(stdout) == 0)
		return STATUS_OK;
	if (errno == EPIPE)
		return STATUS_SIGNAL + SIGPIPE;
	return say_error(STATUS_FAILED, "standard output: %s", strerror(errno));
}

static int
write_value(const struct json *doc, bool pretty)
{
	struct buf b = BUF_INIT(OUT_MAX);
	struct json_out j;
	int status;

	json_out_init(&j, &b, pretty);
	out_value(&j, doc);
	buf_addch(&b, '\n');
	status = out_write(&b);
	/* It may have been a secret. */
	if (b.data)
		explicit_bzero(b.data, b.len);
	buf_release(&b);
	return status;
}

int
out_document(const struct json *doc)
{
	return write_value(doc, true);
}

int
out_line(const struct json *doc)
{
	return write_value(doc, false);
}

int
out_printf(const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vprintf(format, args);
	va_end(args);
	if (n >= 0 && fflush(stdout) == 0)
		return STATUS_OK;
	if (errno == EPIPE)
		return STATUS_SIGNAL + SIGPIPE;
	return say_error(STATUS_FAILED, "standard output: %s", strerror(errno));
}
