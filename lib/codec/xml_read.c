#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "xml.h"

struct attr {
	struct attr *next;
	const char *name, *value;
};

struct xml {
	struct xml *next, *child;
	const char *name, *text;
	struct attr *attrs;
	struct block *blocks;	/* the root's: everything of the document */
};

/* All of a document lies in a few large blocks that are freed together. */
struct block {
	struct block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

#define BLOCK 8192

struct reader {
	XML_Parser parser;
	struct block *blocks;
	struct xml *root;
	struct xml *open[XML_DEPTH];	/* from the root to the element being read */
	struct xml *last[XML_DEPTH];	/* the last child so far of each */
	int depth;
	int nodes;
	struct buf text;		/* since the last tag */
	int err;
	const char *what;		/* of the first error that is ours, not expat's */
};

static void *
arena(struct reader *r, size_t len)
{
	struct block *b = r->blocks;
	void *p;

	len = (len + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	if (!b || b->size - b->used < len) {
		size_t size = len > BLOCK ? len : BLOCK;

		if (!(b = malloc(sizeof(*b) + size)))
			return NULL;
		*b = (struct block) { .next = r->blocks, .size = size };
		r->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += len;
	return p;
}

static void
free_blocks(struct block *b)
{
	while (b) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

static char *
copy(struct reader *r, const char *s, size_t len)
{
	char *p = arena(r, len + 1);

	if (p) {
		memcpy(p, s, len);
		p[len] = '\0';
	}
	return p;
}

static void
stop(struct reader *r, int err, const char *what)
{
	if (r->err)
		return;
	r->err = err;
	r->what = what;
	XML_StopParser(r->parser, XML_FALSE);
}

/* expat gives "namespace|name". */
static const char *
local_name(const char *name)
{
	const char *bar = strrchr(name, '|');

	return bar ? bar + 1 : name;
}

static bool
only_blanks(const struct buf *text)
{
	return !text->len || strspn(text->data, " \t\r\n") == text->len;
}

static int
add_attrs(struct reader *r, struct xml *e, const char **attrs)
{
	for (size_t i = 0; attrs[i]; i += 2) {
		struct attr *a = arena(r, sizeof(*a));
		const char *name = local_name(attrs[i]);

		if (!a || !(a->name = copy(r, name, strlen(name))) ||
		    !(a->value = copy(r, attrs[i + 1], strlen(attrs[i + 1]))))
			return ERR_NOMEM;
		a->next = e->attrs;
		e->attrs = a;
	}
	return 0;
}

static void
on_start(void *arg, const char *name, const char **attrs)
{
	struct reader *r = arg;
	struct xml *e;

	if (r->err)
		return;
	if (r->depth == XML_DEPTH || r->nodes == XML_NODES) {
		stop(r, ERR_TOOBIG, r->depth == XML_DEPTH ? "nested too deeply" : "too many elements");
		return;
	}
	if (!only_blanks(&r->text)) {
		stop(r, ERR_INVALID, "text between elements");
		return;
	}
	buf_clear(&r->text);
	name = local_name(name);
	if (!(e = arena(r, sizeof(*e))) || (*e = (struct xml) { .text = "" }, false) ||
	    !(e->name = copy(r, name, strlen(name))) || add_attrs(r, e, attrs)) {
		stop(r, ERR_NOMEM, "out of memory");
		return;
	}
	r->nodes++;
	if (!r->depth)
		r->root = e;
	else if (r->last[r->depth - 1])
		r->last[r->depth - 1]->next = e;
	else
		r->open[r->depth - 1]->child = e;
	if (r->depth)
		r->last[r->depth - 1] = e;
	r->open[r->depth] = e;
	r->last[r->depth++] = NULL;
}

static void
on_end(void *arg, const char *name)
{
	struct reader *r = arg;
	struct xml *e;

	(void)name;
	if (r->err)
		return;
	e = r->open[--r->depth];
	if (e->child) {
		if (!only_blanks(&r->text))
			stop(r, ERR_INVALID, "text between elements");
	} else if (r->text.len && !(e->text = copy(r, r->text.data, r->text.len))) {
		stop(r, ERR_NOMEM, "out of memory");
	}
	buf_clear(&r->text);
}

static void
on_text(void *arg, const char *text, int len)
{
	struct reader *r = arg;

	if (r->err)
		return;
	buf_add(&r->text, text, (size_t)len);
	if (buf_finish(&r->text))
		stop(r, buf_finish(&r->text), "out of memory");
}

static void
on_doctype(void *arg, const char *name, const char *system, const char *public, int internal)
{
	(void)name, (void)system, (void)public, (void)internal;
	stop(arg, ERR_INVALID, "a DOCTYPE is not allowed");
}

static void
on_instruction(void *arg, const char *target, const char *data)
{
	(void)target, (void)data;
	stop(arg, ERR_INVALID, "a processing instruction is not allowed");
}

static int
explain(struct reader *r, char error[XML_ERROR])
{
	enum XML_Error code = XML_GetErrorCode(r->parser);
	const char *what = r->what ? r->what : XML_ErrorString(code);

	if (!r->err)
		r->err = code == XML_ERROR_NO_MEMORY ? ERR_NOMEM : ERR_INVALID;
	if (error)
		snprintf(error, XML_ERROR, "line %lu, column %lu: %s",
		    (unsigned long)XML_GetCurrentLineNumber(r->parser),
		    (unsigned long)XML_GetCurrentColumnNumber(r->parser) + 1, what ? what : "malformed");
	return r->err;
}

int
xml_parse(const char *bytes, size_t len, char error[XML_ERROR], struct xml **root)
{
	struct reader r = { .text = BUF_INIT(len) };
	int rc = 0;

	if (error)
		error[0] = '\0';
	if (len > INT_MAX)
		return ERR_TOOBIG;
	if (!(r.parser = XML_ParserCreateNS("UTF-8", '|')))
		return ERR_NOMEM;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	XML_SetProcessingInstructionHandler(r.parser, on_instruction);
	if (XML_Parse(r.parser, bytes, (int)len, XML_TRUE) != XML_STATUS_OK || r.err)
		rc = explain(&r, error);
	if (!rc) {
		r.root->blocks = r.blocks;
		r.blocks = NULL;
		*root = r.root;
	}
	XML_ParserFree(r.parser);
	free_blocks(r.blocks);
	buf_release(&r.text);
	return rc;
}

void
xml_free(struct xml *root)
{
	if (root)
		free_blocks(root->blocks);
}

const char *
xml_name(const struct xml *e)
{
	return e->name;
}

const char *
xml_text(const struct xml *e)
{
	return e->text;
}

static const struct xml *
find(const struct xml *e, const char *name)
{
	while (e && name && strcmp(e->name, name))
		e = e->next;
	return e;
}

const struct xml *
xml_child(const struct xml *e, const char *name)
{
	return find(e->child, name);
}

const struct xml *
xml_next(const struct xml *e, const char *name)
{
	return find(e->next, name);
}

const char *
xml_child_text(const struct xml *e, const char *name)
{
	const struct xml *child = xml_child(e, name);

	return child ? child->text : NULL;
}

const char *
xml_attr(const struct xml *e, const char *name)
{
	for (const struct attr *a = e->attrs; a; a = a->next)
		if (!strcmp(a->name, name))
			return a->value;
	return NULL;
}
