#include <string.h>

#include "api.h"
#include "api_event.h"
#include "clock.h"
#include "perm.h"
#include "str.h"

#define PUT(b, text) buf_add((b), (text), sizeof(text) - 1)

static void
put_uint(struct buf *b, uint64_t value)
{
	char text[20], *at = text + sizeof(text);

	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

static void
put_id(struct buf *b, enum id_kind kind, int64_t id)
{
	char text[ID_TEXT + 2];
	size_t len;

	if (!id) {
		PUT(b, "null");
		return;
	}
	text[0] = '"';
	id_format(kind, id, text + 1);
	len = strlen(text);
	text[len] = '"';
	buf_add(b, text, len + 1);
}

static void
put_text(struct buf *b, struct slice s)
{
	struct json_out j;

	json_out_init(&j, b, false);
	json_bytes(&j, s.p, s.len);
}

static void
put_time(struct buf *b, int64_t us)
{
	char text[CLOCK_TEXT + 2];
	size_t len;

	text[0] = '"';
	clock_rfc3339(us, text + 1);
	len = strlen(text);
	text[len] = '"';
	buf_add(b, text, len + 1);
}

static struct slice
without_slash(struct slice s)
{
	return (struct slice) { s.p, s.len && s.p[s.len - 1] == '/' ? s.len - 1 : s.len };
}

/* Names that sync can't carry say why, and what they are exactly. */
static void
put_name(struct buf *b, const struct event *e)
{
	struct slice name = e->folder ? without_slash(e->name) : e->name;
	bool root = e->folder && !name.len && !e->name.len;
	struct json_out j;

	if (root || (!e->twin && !api_name_reason(name))) {
		PUT(b, ",\"name\":");
		put_text(b, name);
		PUT(b, ",\"syncable\":true");
		return;
	}
	json_out_init(&j, b, false);
	j.comma = true;
	api_put_name(&j, name, e->twin);
}

static void
put_content(struct buf *b, const struct event *e)
{
	char hex[65];

	PUT(b, ",\"versionId\":");
	put_id(b, ID_VERSION, e->version);
	PUT(b, ",\"sizeBytes\":");
	if (e->version && !e->folder)
		put_uint(b, e->size);
	else
		PUT(b, "null");
	if (!e->has_hash) {
		PUT(b, ",\"contentHash\":null");
		return;
	}
	hex_encode(e->content_hash, sizeof(e->content_hash), hex);
	PUT(b, ",\"contentHash\":\"sha256:");
	buf_add(b, hex, 64);
	PUT(b, "\"");
}

static void
put_who(struct buf *b, const struct event *e)
{
	if (e->principal) {
		PUT(b, ",\"principalId\":");
		put_id(b, ID_USER, e->principal);
		PUT(b, ",\"role\":\"");
		buf_addstr(b, role_name((enum role)e->role));
		PUT(b, "\"");
	}
	PUT(b, ",\"actor\":");
	put_id(b, ID_USER, e->actor);
	PUT(b, ",\"deviceId\":");
	put_id(b, ID_DEVICE, e->device);
}

static void
put_event(struct buf *b, const struct event *e, struct slice path)
{
	enum id_kind kind = e->folder ? ID_FOLDER : ID_FILE;

	PUT(b, "{\"sequence\":");
	put_uint(b, (uint64_t)e->sequence);
	PUT(b, ",\"workspaceId\":");
	put_id(b, ID_WORKSPACE, e->workspace);
	PUT(b, ",\"eventType\":\"");
	buf_addstr(b, feed_event_name(e->type));
	buf_addstr(b, e->folder ? "\",\"kind\":\"folder\",\"id\":" : "\",\"kind\":\"file\",\"id\":");
	put_id(b, kind, e->node);
	if (!e->folder) {
		PUT(b, ",\"fileId\":");
		put_id(b, kind, e->node);
	}
	PUT(b, ",\"parentFolderId\":");
	put_id(b, ID_FOLDER, e->parent);
	put_name(b, e);
	PUT(b, ",\"path\":");
	put_text(b, e->folder ? without_slash(path) : path);
	put_content(b, e);
	if (e->from_name.p) {
		PUT(b, ",\"fromParentFolderId\":");
		put_id(b, ID_FOLDER, e->from_parent);
		PUT(b, ",\"fromName\":");
		put_text(b, e->folder ? without_slash(e->from_name) : e->from_name);
	}
	put_who(b, e);
	PUT(b, ",\"occurredAt\":");
	put_time(b, e->occurred_us);
}

/* What an event's end says is known when the next one comes. */
static void
close_event(struct api_events *p, bool ends)
{
	if (p->open)
		buf_addstr(p->to, ends ? ",\"endsCommit\":true}" : ",\"endsCommit\":false}");
	p->open = false;
}

static void
add(void *arg, const struct event *e, struct slice path)
{
	struct api_events *p = arg;

	close_event(p, false);
	if (p->count++)
		PUT(p->to, ",");
	put_event(p->to, e, path);
	p->open = true;
}

static void
ended(void *arg)
{
	struct api_events *p = arg;

	close_event(p, true);
	p->mark = p->to->len;
	p->marked = p->count;
}

static void
cut(void *arg)
{
	struct api_events *p = arg;

	if (!p->to->err)
		p->to->len = p->mark;
	p->count = p->marked;
	p->open = false;
}

struct feed_out
api_events_out(struct api_events *events)
{
	events->mark = events->to->len;
	return (struct feed_out) { .each = add, .ended = ended, .cut = cut, .arg = events };
}

void
api_events_end(struct api_events *events)
{
	close_event(events, false);
}
