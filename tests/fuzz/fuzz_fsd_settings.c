/*
 * The daemon's settings: a file, or, behind "-", lines of NAME=VALUE as the command line gives them. What is accepted is
 * in range, and an error always says something.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int
load(struct settings *s, const uint8_t *bytes, size_t len, struct buf *errors)
{
	char path[64];
	int fd = memfd_create("settings", MFD_CLOEXEC), rc;

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	rc = settings_load(s, path, errors);
	close(fd);
	return rc;
}

static int
set_lines(struct settings *s, const uint8_t *bytes, size_t len, struct buf *errors)
{
	char *text = strndup((const char *)bytes, len), *rest = text, *name, *value;
	int rc = 0;

	if (!text)
		abort();
	while (rc == 0 && (name = strsep(&rest, "\n"))) {
		value = name;
		strsep(&value, "=");
		rc = settings_set(s, name, value ? value : "", errors);
	}
	free(text);
	return rc;
}

static void
check(const struct settings *s)
{
	assert(s->connections >= 16 && s->connections <= 65536 && s->threads >= 0 && s->threads <= 1024);
	assert(s->idle_timeout_ms >= 1000 && s->idle_timeout_ms <= 3600000);
	assert(s->reserve_percent >= 0 && s->reserve_percent <= 90 && s->upload_memory >= 16 << 20);
	assert(s->grace_ms >= 0 && s->gc_every_ms >= 0 && s->upload_expiry_ms >= 60000);
	assert(s->log_level >= 0 && s->log_level <= 3 && s->durability == 0);
	assert(s->region && *s->region && strlen(s->region) <= 200 && (!s->domain || *s->domain));
	for (size_t i = 0; i < s->listen.count; i++)
		assert(strncmp(s->listen.items[i], "unix:", 5));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf errors = BUF_INIT(1 << 20);
	struct settings s;
	int rc;

	if (settings_defaults(&s))
		abort();
	if (len && *bytes == '-')
		rc = set_lines(&s, bytes + 1, len - 1, &errors);
	else
		rc = load(&s, bytes, len, &errors);
	assert(rc == 0 || rc == ERR_USAGE);
	assert(!rc == !errors.len);
	if (rc == 0)
		check(&s);
	settings_release(&s);
	buf_release(&errors);
	return 0;
}
