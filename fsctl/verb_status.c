#include "ctl.h"
#include "listing.h"
#include "verbs.h"

static const struct table_column columns[] = {
	{ "version", "version", CELL_TEXT }, { "process", "pid", CELL_NUMBER }, { "up for", "uptimeSeconds", CELL_SECONDS },
	{ "socket only", "socketOnly", CELL_TEXT }, { "engine", "engine", CELL_TEXT },
	{ "workspaces", "workspaces", CELL_COUNT }, { "objects", "objects", CELL_COUNT },
	{ "logical size", "logicalBytes", CELL_SIZE }, { "after dedup", "chunkBytes", CELL_SIZE },
	{ "stored", "storedBytes", CELL_SIZE }, { "dedup ratio", "dedupRatio", CELL_RATIO },
	{ "compression ratio", "compressionRatio", CELL_RATIO }, { "chunks", "chunks", CELL_COUNT },
	{ "dead chunks", "deadChunks", CELL_COUNT }, { "segments", "segments", CELL_COUNT },
	{ "segment files", "segmentBytes", CELL_SIZE }, { "free on disk", "freeBytes", CELL_SIZE },
	{ "disk", "totalBytes", CELL_SIZE }, { "low on space", "lowSpace", CELL_TEXT },
	{ "open uploads", "openUploads", CELL_COUNT }, { "upload memory", "uploadMemoryBytes", CELL_SIZE },
	{ "watchers", "watchers", CELL_COUNT }, { "commits", "commits", CELL_COUNT }, { "batches", "batches", CELL_COUNT },
	{ NULL },
};

int
verb_status(struct ctl *ctl, const struct args *args)
{
	struct buf path = BUF_INIT(CTL_PATH);
	int status;

	(void)args;
	ctl_path(&path, "status", NULL);
	status = listing_one(ctl, &path, columns, NULL);
	buf_release(&path);
	return status;
}
