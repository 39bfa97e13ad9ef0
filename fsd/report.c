#include "check.h"
#include "gc.h"
#include "json.h"
#include "report.h"

void
report_check(struct json_out *j, const struct check_report *r)
{
	json_key_int(j, "workspaces", r->workspaces);
	json_key_int(j, "entries", r->entries);
	json_key_int(j, "versions", r->versions);
	json_key_int(j, "chunks", r->chunks);
	json_key_int(j, "segments", r->segments);
	json_key_int(j, "events", r->events);
	json_key_int(j, "uploads", r->uploads);
	json_key_uint(j, "bytes", r->bytes);
	json_key_int(j, "problems", r->problems);
}

void
report_gc(struct json_out *j, const struct gc_report *r)
{
	json_key_int(j, "uploadsExpired", r->uploads_expired);
	json_key_int(j, "versionsExpired", r->versions_expired);
	json_key_int(j, "chunksFreed", r->chunks_freed);
	json_key_uint(j, "bytesFreed", r->bytes_freed);
	json_key_int(j, "segmentsRewritten", r->segments_rewritten);
	json_key_int(j, "segmentsDropped", r->segments_dropped);
	json_key_uint(j, "bytesRewritten", r->bytes_rewritten);
	json_key_uint(j, "bytesReturned", r->bytes_returned);
	json_key_int(j, "chunksWaiting", r->chunks_waiting);
}
