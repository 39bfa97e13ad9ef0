#include "commit.h"
#include "past.h"

void
past_lose(struct workspace_row *w, int64_t sequence)
{
	if (sequence <= w->past_horizon)
		return;
	w->past_horizon = sequence;
	w->dirty = true;
}

int
past_bury(struct txn *t, struct workspace_row *w, const struct entry_at *at, const struct entry_row *e, int64_t died)
{
	if (w->history_ms > 0)
		return tbl_entry_bury(t->db, at, e, died);
	past_lose(w, died);
	return 0;
}
