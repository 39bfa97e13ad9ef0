#ifndef CORE_PRINCIPAL_ROW_H
#define CORE_PRINCIPAL_ROW_H

#include "principal.h"
#include "tbl_principal.h"

/* What callers outside the folder see of a row. */
void principal_of_row(const struct principal_row *row, struct principal *p);

#endif
