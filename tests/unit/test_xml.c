#include "err.h"
#include "test.h"
#include "xml.h"

static int
parse(const char *text, char error[XML_ERROR], struct xml **root)
{
	return xml_parse(text, strlen(text), error, root);
}

static void
test_reads_delete(void)
{
	static const char text[] = "<?xml version=\"1.0\"?>\n<!-- c -->"
		"<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n"
		" <Object><Key>a &amp; b</Key></Object>\n"
		" <Object><Key> sp <![CDATA[<x>]]>&#13;</Key><VersionId>null</VersionId></Object>\n"
		" <Quiet>true</Quiet></Delete>\n";
	char error[XML_ERROR];
	struct xml *root;
	const struct xml *o;

	CHECK_INT(0, parse(text, error, &root));
	CHECK_STR("Delete", xml_name(root));
	o = xml_child(root, "Object");
	CHECK_STR("a & b", xml_child_text(o, "Key"));
	CHECK(!xml_child_text(o, "VersionId"));
	o = xml_next(o, "Object");
	CHECK_STR(" sp <x>\r", xml_child_text(o, "Key"));
	CHECK_STR("null", xml_child_text(o, "VersionId"));
	CHECK(!xml_next(o, "Object"));
	CHECK_STR("Quiet", xml_name(xml_next(o, NULL)));
	xml_free(root);
}

static void
test_prefixes_and_attributes(void)
{
	char error[XML_ERROR];
	struct xml *root;

	CHECK_INT(0, parse("<s3:T xmlns:s3=\"urn:x\" xmlns:xsi=\"urn:y\"><s3:G xsi:type=\"Group\" a='1'/></s3:T>", error, &root));
	CHECK_STR("T", xml_name(root));
	CHECK_STR("Group", xml_attr(xml_child(root, "G"), "type"));
	CHECK_STR("1", xml_attr(xml_child(root, "G"), "a"));
	CHECK(!xml_attr(xml_child(root, "G"), "b"));
	CHECK_STR("", xml_text(xml_child(root, "G")));
	xml_free(root);
}

static void
test_refused(void)
{
	static const char *const bad[] = { "", " ", "x", "<a>", "<a></b>", "<a/><b/>", "<a>&foo;</a>",
		"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "<a><?php x?></a>", "<a>x<b/></a>",
		"<a><b/>x</a>", "<a>\x01</a>", "<a>\xff</a>", "<a>&#0;</a>", "<a b='1' b='2'/>", "<p:a/>",
		"<?xml-stylesheet x?><a/>" };
	char error[XML_ERROR];
	struct xml *root;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fprintf(stderr, "# %s\n", bad[i]);
		CHECK_INT(ERR_INVALID, parse(bad[i], error, &root));
		CHECK(!strncmp(error, "line ", 5));
	}
	CHECK_INT(ERR_INVALID, parse("<a>\n<!DOCTYPE a></a>", error, &root));
	CHECK_INT(ERR_INVALID, parse("\n<!DOCTYPE a><a/>", error, &root));
	CHECK(strstr(error, "line 2") && strstr(error, "DOCTYPE"));
}

static void
test_limits(void)
{
	struct buf b = BUF_INIT(4 << 20);
	char error[XML_ERROR];
	struct xml *root;

	for (int depth = XML_DEPTH; depth <= XML_DEPTH + 1; depth++) {
		buf_clear(&b);
		for (int i = 0; i < depth; i++)
			buf_addstr(&b, "<a>");
		for (int i = 0; i < depth; i++)
			buf_addstr(&b, "</a>");
		CHECK_INT(depth > XML_DEPTH ? ERR_TOOBIG : 0, xml_parse(b.data, b.len, error, &root));
		if (depth == XML_DEPTH)
			xml_free(root);
	}
	buf_clear(&b);
	buf_addstr(&b, "<r>");
	for (int i = 0; i < XML_NODES; i++)
		buf_addstr(&b, "<a/>");
	buf_addstr(&b, "</r>");
	CHECK_INT(ERR_TOOBIG, xml_parse(b.data, b.len, NULL, &root));
	buf_release(&b);
}

static void
test_writes(void)
{
	struct buf b = BUF_INIT(10000);

	xml_begin_root(&b, "R");
	xml_elem(&b, "K", "a<b>&\"c\"'\r\n\t\x01\x7f\xc3\xa4\xff\xed\xa0\x80.");
	xml_elem(&b, "No", NULL);
	xml_elem_int(&b, "I", -42);
	xml_elem_int(&b, "M", INT64_MIN);
	xml_elem_bool(&b, "T", true);
	xml_elem_time(&b, "W", 0);
	xml_elem_bytes(&b, "Z", "\0x", 2);
	xml_end(&b, "R");
	CHECK_INT(0, buf_finish(&b));
	CHECK_STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
	    "<K>a&lt;b&gt;&amp;&quot;c&quot;'&#13;\n\t&#x1;\x7f\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.</K>"
	    "<I>-42</I><M>-9223372036854775808</M><T>true</T><W>1970-01-01T00:00:00.000Z</W><Z>&#x0;x</Z></R>", b.data);
	buf_release(&b);
}

static void
test_round_trip(void)
{
	struct buf b = BUF_INIT(10000);
	char text[128 + 3], error[XML_ERROR];
	struct xml *root;
	size_t n = 0;

	text[n++] = '\t', text[n++] = '\n', text[n++] = '\r';
	for (int c = 0x20; c < 0x80; c++)
		text[n++] = (char)c;
	text[n] = '\0';
	xml_begin_root(&b, "R");
	xml_elem(&b, "K", text);
	xml_end(&b, "R");
	CHECK_INT(0, xml_parse(b.data, b.len, error, &root));
	CHECK_STR(text, xml_child_text(root, "K"));
	xml_free(root);
	buf_release(&b);
}

static const struct test tests[] = { TEST(test_reads_delete), TEST(test_prefixes_and_attributes), TEST(test_refused),
	TEST(test_limits), TEST(test_writes), TEST(test_round_trip), TEST_END };
TEST_MAIN(tests)
