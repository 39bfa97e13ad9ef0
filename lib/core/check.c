#include <stdarg.h>
#include <stdio.h>

#include "check_in.h"
#include "db.h"
#include "err.h"
#include "store_in.h"
#include "tbl_check.h"

/*
 * Bytes come first, looked up in short read transactions; then everything that is about rows, in one that stays open until the
 * end. The log can't be emptied meanwhile, so it grows by what is written during those seconds to minutes.
 */
#define FINDINGS_A_RULE 100	/* told one by one; all are counted */

void
check_say(struct check *c, const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	c->report->problems++;
	if (c->problem)
		c->problem(c->arg, text);
}

int
check_go_on(struct check *c)
{
	return c->progress && c->progress(c->arg, c->report->bytes, c->total) ? ERR_CLOSED : 0;
}

static void
say_engine(void *arg, const char *text)
{
	check_say(arg, "database: %s", text);
}

static void
say_broken(struct check *c, const struct check_rule *rule, const struct check_broken *b)
{
	char id[ID_TEXT], workspace[ID_TEXT] = "";

	if (rule->kind == ID_KINDS_)
		snprintf(id, sizeof(id), "%lld", (long long)b->id);
	else
		id_format(rule->kind, b->id, id);
	if (b->workspace && rule->kind != ID_WORKSPACE)
		id_format(ID_WORKSPACE, b->workspace, workspace);
	if (rule->counts)
		check_say(c, "%s%s%s %s: there are %lld, should be %lld", workspace, *workspace ? ": " : "", rule->what,
		    id, (long long)b->is, (long long)b->should);
	else
		check_say(c, "%s%s%s %s", workspace, *workspace ? ": " : "", rule->what, id);
}

static int
check_rule(struct check *c, struct db_conn *db, unsigned number)
{
	struct db_row row = DB_ROW_INIT;
	struct check_broken broken;
	struct check_rule rule;
	int64_t n = 0;
	int rc = tbl_check_rule(db, number, &row, &rule);

	if (rc == ERR_NOTFOUND)
		return ERR_END;
	while (rc == 0 && (rc = db_next(&row)) == 0) {
		tbl_check_broken(&row, &broken);
		if (n++ < FINDINGS_A_RULE)
			say_broken(c, &rule, &broken);
	}
	db_row_release(&row);
	if (n > FINDINGS_A_RULE) {
		check_say(c, "%s: %lld more of these", rule.what, (long long)(n - FINDINGS_A_RULE));
		c->report->problems += n - FINDINGS_A_RULE - 1;
	}
	return rc == ERR_END ? 0 : rc;
}

/* All that is about rows. */
static int
check_rows(struct check *c)
{
	struct check_counts counts = { 0 };
	struct db_conn *db = NULL;
	int rc;

	if ((rc = db_read_begin(c->store->db, &db)) != 0)
		return rc;
	rc = tbl_check_counts(db, &counts);
	c->report->workspaces = counts.workspaces;
	c->report->entries = counts.entries;
	c->report->events = counts.events;
	c->report->uploads = counts.uploads;
	for (unsigned i = 0; rc == 0; i++)
		if ((rc = check_go_on(c)) == 0)
			rc = check_rule(c, db, i);
	if (rc == ERR_END)
		rc = check_refs(c, db);
	db_read_end(db);
	return rc;
}

int
store_check(struct store *store, bool quick, void (*problem)(void *arg, const char *text),
    int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, struct check_report *report)
{
	struct check c = { .store = store, .problem = problem, .progress = progress, .arg = arg, .report = report };
	int rc;

	*report = (struct check_report) { 0 };
	if ((rc = db_verify(store->db, say_engine, &c)) != 0 && rc != ERR_CORRUPT)
		return rc;
	if ((rc = check_go_on(&c)) != 0 || (rc = check_segments(&c)) != 0 || (!quick && (rc = check_bytes(&c)) != 0) ||
	    (rc = check_rows(&c)) != 0)
		return rc;
	return report->problems ? ERR_CORRUPT : 0;
}
