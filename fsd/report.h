#ifndef FSD_REPORT_H
#define FSD_REPORT_H

/* Reports of core and jobs as members of a JSON object that was begun. */
struct json_out;
struct check_report;
struct gc_report;

void report_check(struct json_out *j, const struct check_report *report);
void report_gc(struct json_out *j, const struct gc_report *report);

#endif
