#include <string.h>

#include "body.h"
#include "err.h"
#include "limits.h"

/* Units for a buffer of so many bytes. */
static size_t
units(size_t size)
{
	return size <= BODY_FREE ? 0 : (size - BODY_FREE + BODY_UNIT - 1) / BODY_UNIT;
}

/* Room for one byte more at least, and its NUL. It doubles, but not beyond what the body can have. */
static int
grow(struct body *b, struct buf *to, uint64_t whole)
{
	size_t most = whole < to->max ? (size_t)whole : to->max;
	size_t size = to->size * 2 > BODY_FREE ? to->size * 2 : BODY_FREE;
	int rc;

	if (to->len >= most)
		return ERR_TOOBIG;
	if (size > most + 1)
		size = most + 1;
	if (b->budget && size > BODY_FREE && !b->user.held) {
		b->asked = true;
		if ((rc = budget_take(b->budget, &b->user, units(most + 1))) != 0)
			return rc;
	}
	(void)buf_room(to, size - 1 - to->len);
	return to->err;
}

int
body_add(struct body *b, struct buf *to, uint64_t whole, const char *bytes, size_t len, size_t *used)
{
	size_t n;
	int rc = 0;

	*used = 0;
	while (*used < len) {
		if (to->size <= to->len + 1 && (rc = grow(b, to, whole)) != 0)
			break;
		n = to->size - to->len - 1;
		if (n > len - *used)
			n = len - *used;
		buf_add(to, bytes + *used, n);
		if ((rc = to->err) != 0)
			break;
		*used += n;
	}
	if (b->budget)
		budget_moved(b->budget, &b->user, *used);
	return rc;
}

void
body_clear(struct body *b, struct buf *of)
{
	if (of->size > BODY_FREE)
		buf_release(of);
	buf_clear(of);
	if (b->user.held)
		budget_give(b->budget, &b->user, b->user.held);
}

void
body_end(struct body *b, struct buf *of)
{
	body_clear(b, of);
	if (b->asked)
		budget_forget(b->budget, &b->user);
	b->asked = false;
}
