#ifndef CODEC_XML_H
#define CODEC_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * XML as S3 speaks it: small request documents into a tree, replies through a builder. Pure; a tree may be
 * read by any thread, a buffer is one thread's.
 */

/* Reading */

#define XML_DEPTH 16
#define XML_NODES 131072	/* elements: 10,000 parts with number, ETag and checksums fit */
#define XML_ERROR 160		/* bytes of an error text with its NUL */

struct xml;			/* an element; the root owns the whole tree */

/*
 * Parses a whole document. Refused: DOCTYPE, entities but the five of XML, processing instructions, text
 * between elements (blanks are dropped), more than XML_DEPTH levels or XML_NODES elements. Namespaces and
 * prefixes are dropped from names. The caller limits `len`.
 * ERR_INVALID with "line L, column C: what" in `error` (may be NULL), ERR_TOOBIG (depth, elements; same text),
 * ERR_NOMEM.
 */
int xml_parse(const char *bytes, size_t len, char error[XML_ERROR], struct xml **root);
void xml_free(struct xml *root);	/* NULL is fine */

const char *xml_name(const struct xml *e);
/* The text of an element without children, as sent; "" where there is none. UTF-8 without NUL. */
const char *xml_text(const struct xml *e);
/* The first child of that name, or of any with NULL; NULL if there is none. */
const struct xml *xml_child(const struct xml *e, const char *name);
/* The next sibling of that name, or of any with NULL. */
const struct xml *xml_next(const struct xml *e, const char *name);
/* xml_text() of the first child of that name, NULL if there is no such child. */
const char *xml_child_text(const struct xml *e, const char *name);
/* An attribute's value (name without prefix: "type" for xsi:type), NULL if it is not there. */
const char *xml_attr(const struct xml *e, const char *name);

/*
 * Writing. The error sticks in the buffer (buf_finish). Names are the program's own and not escaped. No line
 * breaks are written between elements.
 */

/* The declaration and the root with S3's namespace, as all its replies but errors have it. */
void xml_begin_root(struct buf *b, const char *name);
/* The declaration alone; S3's <Error> has no namespace. */
void xml_declare(struct buf *b);
void xml_begin(struct buf *b, const char *name);
void xml_end(struct buf *b, const char *name);

/*
 * Text, escaped as AWS does: & < > and ", CR as &#13;, other control bytes that XML 1.0 cannot carry as &#xN;
 * (a strict parser refuses those; that is what encoding-type=url is for), bytes that are not UTF-8 as U+FFFD.
 */
void xml_escape(struct buf *b, const char *bytes, size_t len);

/* <name>text</name> */
void xml_elem(struct buf *b, const char *name, const char *text);	/* nothing at all if `text` is NULL */
void xml_elem_bytes(struct buf *b, const char *name, const char *bytes, size_t len);
void xml_elem_int(struct buf *b, const char *name, int64_t value);
void xml_elem_bool(struct buf *b, const char *name, bool value);
void xml_elem_time(struct buf *b, const char *name, int64_t us);	/* clock_iso() */

#endif
