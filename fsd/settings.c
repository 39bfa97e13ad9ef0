#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "conf.h"
#include "err.h"
#include "fio.h"
#include "limits.h"
#include "settings.h"
#include "str.h"

#define AT(field) offsetof(struct settings, field)

static const char *const v2_words[] = { "presigned", "off", NULL };
static const char *const metrics_words[] = { "admin", "open", "off", NULL };
static const char *const durability_words[] = { "strict", NULL };
static const char *const format_words[] = { "text", "json", NULL };
static const char *const level_words[] = { "debug", "info", "warn", "error", NULL };

static const char *
check_listen(const void *field)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->count; i++)
		if (str_starts(list->items[i], "unix:"))
			return "the Unix socket is always DATA/fsd.sock; only ADDR:PORT can be listed";
	return NULL;
}

static bool
is_origin(const char *url)
{
	const char *host = str_starts(url, "https://") ? url + 8 : str_starts(url, "http://") ? url + 7 : "";

	return *host && !strpbrk(host, "/?#@ ");
}

static const char *
check_origins(const void *field)
{
	const struct conf_list *list = field;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], "*") && !is_origin(list->items[i]))
			return "an origin is a scheme, a host and at most a port: https://app.example";
	return NULL;
}

static const char *
check_url(const void *field)
{
	const char *url = *(char *const *)field;

	return url && !is_origin(url) ? "expected http:// or https://, a host and at most a port" : NULL;
}

/* It becomes part of names in DNS and of what clients sign. */
static const char *
check_name(const void *field)
{
	const char *name = *(char *const *)field;

	if (!name)
		return NULL;
	if (!*name || *name == '.' || strlen(name) > 200 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != strlen(name))
		return "expected letters a-z, digits, \".\" and \"-\"";
	return NULL;
}

/* Times are added up in microseconds: what overflows there would be over at once. */
#define LONGEST_MS (100ll * 366 * 86400 * 1000)

static const struct conf_setting table[] = {
	{ "listen", CONF_ADDRESSES, AT(listen), .fallback = "127.0.0.1:9000", .check = check_listen },
	{ "data_url", CONF_STRING, AT(data_url), .hint = "https://files.example", .check = check_url },
	{ "cors_origins", CONF_STRINGS, AT(cors_origins), .hint = "[https://app.example]", .check = check_origins },
	{ "tls.certificate", CONF_STRING, AT(tls_certificate), .hint = "a PEM file" },
	{ "tls.key", CONF_STRING, AT(tls_key), .hint = "a PEM file" },
	{ "domain", CONF_STRING, AT(domain), .hint = "s3.example for BUCKET.s3.example", .check = check_name },
	{ "region", CONF_STRING, AT(region), .fallback = "us-east-1", .check = check_name },
	{ "region_strict", CONF_BOOL, AT(region_strict), .fallback = "false" },
	{ "signature_v2", CONF_ENUM, AT(signature_v2), .fallback = "presigned", .words = v2_words },
	{ "metrics", CONF_ENUM, AT(metrics), .fallback = "admin", .words = metrics_words },
	{ "compression", CONF_BOOL, AT(compression), .fallback = "true" },
	{ "durability", CONF_ENUM, AT(durability), .fallback = "strict", .words = durability_words },
	{ "grace", CONF_DURATION, AT(grace_ms), .fallback = "24h", .max = LONGEST_MS },
	{ "gc.every", CONF_DURATION, AT(gc_every_ms), .fallback = "1h", .max = LONGEST_MS },
	{ "changes.keep", CONF_DURATION, AT(changes_keep_ms), .fallback = "90d", .min = 86400000, .max = LONGEST_MS },
	{ "changes.keep_min", CONF_INT, AT(changes_keep_min), .fallback = "100000", .min = 0, .max = 1000000000 },
	{ "changes.device_idle", CONF_DURATION, AT(device_idle_ms), .fallback = "60d", .min = 60000, .max = LONGEST_MS },
	{ "log.format", CONF_ENUM, AT(log_format), .fallback = "text", .words = format_words },
	{ "log.level", CONF_ENUM, AT(log_level), .fallback = "info", .words = level_words },
	{ "log.access", CONF_BOOL, AT(log_access), .fallback = "true" },
	{ "limits.connections", CONF_INT, AT(connections), .fallback = "16384", .min = 16, .max = 65536 },
	{ "limits.threads", CONF_INT, AT(threads), .fallback = "0", .min = 0, .max = 1024 },
	{ "limits.idle_timeout", CONF_DURATION, AT(idle_timeout_ms), .fallback = "60s", .min = 1000, .max = 3600000 },
	{ "limits.upload_memory", CONF_SIZE, AT(upload_memory), .fallback = "128MiB", .min = 16 << 20,
	    .max = 64ll << 30 },
	{ "limits.body_memory", CONF_SIZE, AT(body_memory), .fallback = "64MiB", .min = 16 << 20, .max = 64ll << 30 },
	{ "limits.stall_bytes", CONF_SIZE, AT(stall_bytes), .fallback = "64KiB", .min = 0, .max = 1 << 30 },
	{ "limits.stall_time", CONF_DURATION, AT(stall_time_ms), .fallback = "10s", .min = 1000, .max = 3600000 },
	{ "limits.reserve_bytes", CONF_SIZE, AT(reserve_bytes), .fallback = "1GiB" },
	{ "limits.reserve_percent", CONF_INT, AT(reserve_percent), .fallback = "2", .min = 0, .max = 90 },
	{ "limits.upload_expiry", CONF_DURATION, AT(upload_expiry_ms), .fallback = "7d", .min = 60000,
	    .max = LONGEST_MS },
	{ NULL },
};

int
settings_defaults(struct settings *s)
{
	*s = (struct settings) { 0 };
	return conf_defaults(table, s);
}

int
settings_load(struct settings *s, const char *path, struct buf *errors)
{
	char *bytes = NULL;
	size_t len;
	int rc = fio_read_file(AT_FDCWD, path, CONF_FILE + 1, &bytes, &len);

	if (rc) {
		buf_addf(errors, "%s: %s\n", path, rc == ERR_NOTFOUND ? "no such file" : err_text(rc));
		return ERR_USAGE;
	}
	rc = conf_load(path, bytes, len, table, s, errors);
	free(bytes);
	if (rc == 0 && !s->tls_certificate != !s->tls_key) {
		buf_addf(errors, "%s: tls: certificate and key go together, only one is given\n", path);
		rc = ERR_USAGE;
	}
	return rc;
}

int
settings_set(struct settings *s, const char *name, const char *text, struct buf *errors)
{
	return conf_set(table, s, name, text, errors);
}

void
settings_release(struct settings *s)
{
	conf_release(table, s);
}
