#ifndef CODEC_FOLD_H
#define CODEC_FOLD_H

#include <stddef.h>
#include <stdint.h>

/*
 * A number that is the same for names which differ in case or Unicode form only: full case folding (Unicode, CaseFolding.txt) and
 * normalisation to NFC, hashed. Others meet in one of 2^64 by chance. What is not UTF-8 is taken as it is. ERR_NOMEM. Any thread.
 */
int fold_name(const char *name, size_t len, uint64_t *number);

#endif
