#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check.h"
#include "err.h"
#include "exit_code.h"
#include "handover.h"
#include "json.h"
#include "limits.h"
#include "log.h"
#include "offline.h"
#include "report.h"
#include "store.h"

/* Findings that the JSON document names; the report counts all. */
#define FINDINGS 10000

static int
print(const struct buf *b)
{
	int rc = buf_finish(b);

	if (rc == 0 && (fwrite(b->data, 1, b->len, stdout) != b->len || fflush(stdout) != 0))
		rc = log_errno(ERR_IO, "standard output");
	return rc;
}

int
offline_init(const char *dir, bool json)
{
	struct store_credentials admin = { 0 };
	struct buf out = BUF_INIT(65536);
	struct json_out j;
	char *path;
	int rc;

	if ((rc = handover_drop(dir)) != 0 || (rc = store_create(dir, &admin)) != 0)
		return exit_code_of(rc);
	path = realpath(dir, NULL);
	if (json) {
		json_out_init(&j, &out, true);
		json_object_begin(&j);
		json_key_str(&j, "accessKeyId", admin.access_key_id);
		json_key_str(&j, "secretAccessKey", admin.secret_access_key);
		json_key_str(&j, "token", admin.token);
		json_key_str(&j, "dataDir", path ? path : dir);
		json_object_end(&j);
		buf_addch(&out, '\n');
	} else {
		buf_addf(&out, "A store was created in %s. Its administrator's credentials are shown only now:\n\n"
			       "access key id:     %s\nsecret access key: %s\ntoken:             %s\n",
		    path ? path : dir, admin.access_key_id, admin.secret_access_key, admin.token);
	}
	rc = print(&out);
	free(path);
	if (out.data)
		explicit_bzero(out.data, out.len);
	buf_release(&out);
	explicit_bzero(&admin, sizeof(admin));
	return exit_code_of(rc);
}

struct findings {
	bool json;
	int64_t count;
	struct json_out out;
};

static void
finding(void *arg, const char *text)
{
	struct findings *f = arg;

	if (f->json && f->count++ < FINDINGS)
		json_str(&f->out, text);
	else if (!f->json)
		printf("%s\n", text);
}

int
offline_check(const char *dir, bool quick, bool json)
{
	struct store_settings settings = STORE_SETTINGS_DEFAULT;
	struct buf out = BUF_INIT(64 << 20);
	struct check_report report = { 0 };
	struct findings f = { .json = json };
	struct store *store = NULL;
	int rc;

	if ((rc = handover_drop(dir)) != 0 || (rc = handover_wait(dir)) != 0 ||
	    (rc = store_open(dir, &settings, &store)) != 0)
		return exit_code_of(rc);
	json_out_init(&f.out, &out, true);
	json_object_begin(&f.out);
	json_key(&f.out, "problems");
	json_array_begin(&f.out);
	rc = store_check(store, quick, finding, NULL, &f, &report);
	json_array_end(&f.out);
	json_key_int(&f.out, "linesDropped", f.count > FINDINGS ? f.count - FINDINGS : 0);
	json_key(&f.out, "report");
	json_object_begin(&f.out);
	report_check(&f.out, &report);
	json_object_end(&f.out);
	json_object_end(&f.out);
	store_close(store);
	if (!json) {
		buf_clear(&out);
		buf_addf(&out, "%lld versions, %lld chunks, %llu bytes read: %lld problems", (long long)report.versions,
		    (long long)report.chunks, (unsigned long long)report.bytes, (long long)report.problems);
	}
	buf_addch(&out, '\n');
	if (rc == 0 || rc == ERR_CORRUPT) {
		int printed = print(&out);

		rc = printed ? printed : rc;
	}
	buf_release(&out);
	return exit_code_of(rc);
}
