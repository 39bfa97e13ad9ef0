#include <stdio.h>
#include <string.h>

#include "digest.h"
#include "err.h"
#include "le.h"
#include "transfer_in.h"

/* What a session has got: compared with what the caller lists, and with what there should be. */

static int
wrong(struct transfer_gathering *g, unsigned number)
{
	if (g->c)
		g->c->missing = number;
	return ERR_INVALID;
}

static bool
as_listed(const struct transfer_gathering *g, unsigned number, const struct upload_part_row *p)
{
	const struct transfer_part *want = &g->c->parts[g->listed];
	struct checksum sum;

	if (g->listed == g->c->count || want->number != number)
		return false;
	if (!p)
		return true;
	if (want->has_hash && (checksum_decode(p->checksum.p, p->checksum.len, &sum) != 0 ||
	    memcmp(sum.value, want->hash, sizeof(want->hash)) != 0))
		return false;
	return slice_is(p->etag, want->etag);
}

static bool
gather(void *arg, unsigned number, const struct upload_part_row *p, bool held)
{
	struct transfer_gathering *g = arg;
	struct checksum sum;
	uint8_t md5[MD5_SIZE];

	/* With chunks the caller lists what it sent, and may leave the list out. */
	if (g->c && g->c->parts && (p || g->tr->part_size) && !as_listed(g, number, p)) {
		g->rc = wrong(g, number);
		return false;
	}
	g->listed += p != NULL;
	if (!p && !held) {
		g->rc = wrong(g, number);
		return false;
	}
	g->seen++;
	if (!p)
		return true;
	digest_update(g->list, &number, sizeof(number));
	digest_update(g->list, p->etag.p, p->etag.len);
	snprintf(g->etag, sizeof(g->etag), "%.*s", (int)p->etag.len, p->etag.p);
	if ((g->rc = hex_decode(g->etag, strlen(g->etag), md5, sizeof(md5))) == 0 &&
	    (g->rc = checksum_decode(p->checksum.p, p->checksum.len, &sum)) == 0) {
		digest_update(g->md5s, md5, sizeof(md5));
		memcpy(g->sha256, sum.value, sizeof(g->sha256));
		buf_addle(&g->manifests, p->manifest.len, 8);
		buf_add(&g->manifests, p->manifest.p, p->manifest.len);
	}
	return g->rc == 0;
}

void
transfer_gathering_release(struct transfer_gathering *g)
{
	digest_free(g->list);
	digest_free(g->md5s);
	buf_release(&g->manifests);
}

int
transfer_gather(struct db_conn *db, const struct transfer *tr, struct transfer_complete *c, struct transfer_gathering *g)
{
	int rc;

	*g = (struct transfer_gathering) { .c = c, .tr = tr, .manifests = BUF_INIT(256 << 20) };
	if (c)
		c->missing = 0;
	if ((rc = digest_new(DIGEST_SHA256, &g->list)) != 0 || (rc = digest_new(DIGEST_MD5, &g->md5s)) != 0 ||
	    (rc = transfer_walk(db, tr, 0, gather, g)) != 0 || (rc = g->rc) != 0)
		return rc;
	if (g->seen < tr->parts)
		return wrong(g, g->seen + 1);
	if (c && c->parts && g->listed < c->count)
		return wrong(g, c->parts[g->listed].number);
	return buf_finish(&g->manifests);
}

struct slice
transfer_gathering_next(const struct transfer_gathering *g, size_t *at)
{
	size_t len = (size_t)le_get64(g->manifests.data + *at);
	struct slice m = { g->manifests.data + *at + 8, len };

	*at += 8 + len;
	return m;
}
