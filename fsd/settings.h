#ifndef FSD_SETTINGS_H
#define FSD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "conf.h"

/*
 * fsd.yaml as a struct; the table of names, types, ranges, defaults and checks is in settings.c. Strings are owned by
 * the struct (conf_release()).
 *
 *	listen: [127.0.0.1:9000]         data_url: http://…           domain: s3.example   region: us-east-1
 *	region_strict: false             cors_origins: []             tls: {certificate: F, key: F}
 *	log: {format: text, level: info, access: true}               signature_v2: presigned | off
 *	compression: true                grace: 24h                   durability: strict
 *	limits: {connections, threads, idle_timeout, upload_memory, body_memory, stall_bytes, stall_time,
 *	         reserve_bytes, reserve_percent, upload_expiry}
 *	changes: {keep: 90d, keep_min: 100000, device_idle: 60d}
 *	gc: {every: 1h}                  metrics: admin | open | off
 */
struct settings {
	struct conf_list listen;	/* ADDR:PORT; empty only with --socket-only */
	char *data_url;
	struct conf_list cors_origins;
	char *tls_certificate, *tls_key;	/* paths */
	char *domain;			/* of virtual-host buckets: BUCKET.domain */
	char *region;
	bool region_strict;
	int signature_v2;		/* enum below */
	int metrics;			/* who may read /metrics: enum below */
	bool compression;
	int durability;			/* strict is the only one: every acknowledgement is flushed */
	int64_t grace_ms;
	int64_t gc_every_ms;		/* 0: never by itself */
	int64_t changes_keep_ms, changes_keep_min, device_idle_ms;	/* the change log (feed_trim.h) */
	int log_format, log_level;
	bool log_access;
	int64_t connections, threads;
	int64_t idle_timeout_ms;
	uint64_t upload_memory;
	uint64_t body_memory;
	uint64_t stall_bytes;
	int64_t stall_time_ms;
	uint64_t reserve_bytes;
	int64_t reserve_percent;
	int64_t upload_expiry_ms;
};
enum { V2_PRESIGNED, V2_OFF };
enum { METRICS_ADMIN, METRICS_OPEN, METRICS_OFF };
enum { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct buf;
int settings_defaults(struct settings *s);	/* ERR_NOMEM */
/* Reads a file over the defaults. ERR_USAGE with all errors in `errors`, as they are to be printed. */
int settings_load(struct settings *s, const char *path, struct buf *errors);
/* One setting from the command line: "log.format", "json". ERR_USAGE. */
int settings_set(struct settings *s, const char *name, const char *text, struct buf *errors);
void settings_release(struct settings *s);

#endif
