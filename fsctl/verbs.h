#ifndef FSCTL_VERBS_H
#define FSCTL_VERBS_H

#include <stdbool.h>

#include "args.h"
#include "buf.h"

/* The table of all verbs, in the order in which help lists them; ended by a NULL name. */
extern const struct verb verbs_table[];

/*
 * The verb that words begin with, and how many of them name it. Otherwise says what was
 * meant, or what there is;
 * STATUS_USAGE.
 */
int verbs_find(const char *const *words, int n, const struct verb **verb, int *used);

/* Says the synopsis of a verb on standard error; STATUS_USAGE. */
int verbs_usage(const struct verb *v);
/* Whether it works with the caller's own rights; the others take an administrator's. */
bool verbs_of_files(const struct verb *v);
/* "fsctl user create NAME [--admin]" */
void verbs_synopsis(struct buf *out, const struct verb *v);

/* The verbs themselves; each an exit status. */
int verb_init(struct ctl *ctl, const struct args *args);
int verb_user_create(struct ctl *ctl, const struct args *args);
int verb_user_list(struct ctl *ctl, const struct args *args);
int verb_user_show(struct ctl *ctl, const struct args *args);
int verb_user_disable(struct ctl *ctl, const struct args *args);
int verb_user_enable(struct ctl *ctl, const struct args *args);
int verb_user_delete(struct ctl *ctl, const struct args *args);
int verb_key_create(struct ctl *ctl, const struct args *args);
int verb_key_list(struct ctl *ctl, const struct args *args);
int verb_key_disable(struct ctl *ctl, const struct args *args);
int verb_key_enable(struct ctl *ctl, const struct args *args);
int verb_key_delete(struct ctl *ctl, const struct args *args);
int verb_token_create(struct ctl *ctl, const struct args *args);
int verb_token_list(struct ctl *ctl, const struct args *args);
int verb_token_delete(struct ctl *ctl, const struct args *args);
int verb_grant_add(struct ctl *ctl, const struct args *args);
int verb_grant_list(struct ctl *ctl, const struct args *args);
int verb_grant_remove(struct ctl *ctl, const struct args *args);
int verb_workspace_create(struct ctl *ctl, const struct args *args);
int verb_workspace_list(struct ctl *ctl, const struct args *args);
int verb_workspace_show(struct ctl *ctl, const struct args *args);
int verb_workspace_set(struct ctl *ctl, const struct args *args);
int verb_workspace_delete(struct ctl *ctl, const struct args *args);
int verb_status(struct ctl *ctl, const struct args *args);
int verb_gc(struct ctl *ctl, const struct args *args);
int verb_check(struct ctl *ctl, const struct args *args);
int verb_changes(struct ctl *ctl, const struct args *args);
int verb_get(struct ctl *ctl, const struct args *args);
int verb_put(struct ctl *ctl, const struct args *args);
int verb_ls(struct ctl *ctl, const struct args *args);
int verb_tree(struct ctl *ctl, const struct args *args);
int verb_mv(struct ctl *ctl, const struct args *args);
int verb_rm(struct ctl *ctl, const struct args *args);
int verb_versions_list(struct ctl *ctl, const struct args *args);
int verb_versions_restore(struct ctl *ctl, const struct args *args);
int verb_trash_list(struct ctl *ctl, const struct args *args);
int verb_trash_restore(struct ctl *ctl, const struct args *args);
int verb_share_add(struct ctl *ctl, const struct args *args);
int verb_share_list(struct ctl *ctl, const struct args *args);
int verb_share_remove(struct ctl *ctl, const struct args *args);
int verb_version(struct ctl *ctl, const struct args *args);
int verb_help(struct ctl *ctl, const struct args *args);

#endif
