#ifndef CODEC_CONF_VALUE_H
#define CODEC_CONF_VALUE_H

#include "conf.h"
#include "str.h"

/*
 * One setting's value: from text into the field of the target. Shared by the YAML walk, the defaults and the
 * command line. One thread at a time.
 */

/*
 * Stores `text`, or for list types the `count` `items`. What was there is freed first. ERR_USAGE with what is
 * wrong ("expected an integer of 0 or more, got \"7d\"") in `why`; ERR_NOMEM.
 */
int conf_value_set(const struct conf_setting *s, void *target, const char *text, struct buf *why);
int conf_value_set_list(const struct conf_setting *s, void *target, char *const *items, size_t count,
    struct buf *why);

/* The same from text in which commas separate the items of a list. */
int conf_value_set_text(const struct conf_setting *s, void *target, const char *text, struct buf *why);

/* Is it one of the list types? */
int conf_value_is_list(const struct conf_setting *s);
/* Appends "expected ..." for the setting: what a value of another kind is told. */
void conf_value_expected(const struct conf_setting *s, struct buf *why);
/* Appends the text in quotes, cut and with control bytes as "?". */
void conf_value_quote(struct buf *out, const char *text);

void conf_value_release(const struct conf_setting *s, void *target);

#endif
