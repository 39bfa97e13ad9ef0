#include <assert.h>
#include <string.h>

#include "xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
write_out(struct buf *b, const struct xml *e)
{
	const struct xml *c = xml_child(e, NULL);

	xml_begin(b, xml_name(e));
	for (; c; c = xml_next(c, NULL))
		write_out(b, c);
	xml_escape(b, xml_text(e), strlen(xml_text(e)));
	xml_end(b, xml_name(e));
}

/* What was read and is written out again is read again, and written the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct buf one = BUF_INIT(1 << 24), two = BUF_INIT(1 << 24);
	char error[XML_ERROR];
	struct xml *root;

	if (!xml_parse((const char *)bytes, len, error, &root)) {
		write_out(&one, root);
		xml_free(root);
		if (!strchr(one.data, '|') && !strchr(one.data, ':')) {
			assert(!xml_parse(one.data, one.len, error, &root));
			write_out(&two, root);
			xml_free(root);
			assert(one.len == two.len && !memcmp(one.data, two.data, one.len));
		}
	}
	buf_clear(&one);
	xml_elem_bytes(&one, "a", (const char *)bytes, len);
	assert(!buf_finish(&one));
	buf_release(&one);
	buf_release(&two);
	return 0;
}
