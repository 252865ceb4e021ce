#include <fcntl.h>

#include "base/io.h"
#include "formats/imgmanifest.h"
#include "tests/unit/unit.h"

#define DATA "tests/data/images/"

/* Those that imgexport wrote come out as they went in. */
static void
test_real(void **state)
{
	static const char *const names[] = {
		DATA "rhels8.6.0-ppc64le-netboot-compute.xml",
		DATA "rocky9.4-x86_64-install-compute.xml",
		DATA "rocky9.4-x86_64-netboot-compute.extra+postscripts.xml",
		DATA "rocky9.4-x86_64-netboot-compute.xml",
		DATA "rocky9.4-x86_64-statelite-compute.xml",
	};
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct imgmanifest m;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++) {
		buf_clear(&in);
		buf_clear(&out);
		assert_int_equal(io_load(AT_FDCWD, names[i], 1 << 20, &in,
		    &e), 0);
		assert_int_equal(imgmanifest_parse(&m, in.data, in.len, &e),
		    0);
		assert_int_equal(imgmanifest_write(&m, &out, &e), 0);
		assert_int_equal(in.len, out.len);
		assert_memory_equal(in.data, out.data, in.len);
		assert_int_equal(m.ntables, 2);
		assert_int_equal(m.nothers, 0);
		assert_string_equal(imgmanifest_value(&m, "osimage",
		    "imagetype"), "linux");
		assert_null(imgmanifest_value(&m, "osimage", "nosuch"));
		assert_null(imgmanifest_value(&m, "nosuch", "imagetype"));
		imgmanifest_fini(&m);
	}
	buf_fini(&in);
	buf_fini(&out);
}

static void
test_fields(void **state)
{
	struct buf in = BUF_INIT;
	struct imgmanifest m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(io_load(AT_FDCWD, DATA
	    "rocky9.4-x86_64-netboot-compute.extra+postscripts.xml", 1 << 20,
	    &in, &e), 0);
	assert_int_equal(imgmanifest_parse(&m, in.data, in.len, &e), 0);
	assert_string_equal(m.kernel,
	    "/install/netboot/rocky9.4/x86_64/compute/kernel");
	assert_string_equal(m.postbootscripts, "otherpkgs,bootfoo");
	assert_null(m.rootimgtree);
	assert_null(m.media);
	assert_int_equal(m.nextras, 3);
	assert_string_equal(m.extras[1].src, "/install/postscripts/setupfoo");
	assert_string_equal(m.extras[1].dest, "/install/postscripts");
	assert_string_equal(imgmanifest_value(&m, "linuximage", "comments"),
	    "q\"uote & <tag>, \303\274n\303\257code #hash");
	imgmanifest_fini(&m);
	buf_fini(&in);
}

/* As perl's XML::Simple 2.25 writes kits and the files of s390x. */
static void
test_kits(void **state)
{
	static const char xml[] = "<?xml version=\"1.0\"?>\n<xcatimage>\n"
	    "  <kit>\n    <name>k2</name>\n    <basename>b</basename>\n"
	    "    <kitdir>/a</kitdir>\n  </kit>\n"
	    "  <kit>\n    <name>k1</name>\n    <kitdir></kitdir>\n  </kit>\n"
	    "  <kitrepo>\n    <name>r1</name>\n    <arch>x</arch>\n"
	    "  </kitrepo>\n"
	    "  <rawimagefiles>\n    <files>/b</files>\n"
	    "    <files>/a</files>\n  </rawimagefiles>\n"
	    "  <unknown>x\n y\t</unknown>\n"
	    "</xcatimage>\n";
	struct buf out = BUF_INIT;
	struct imgmanifest m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(imgmanifest_parse(&m, xml, strlen(xml), &e), 0);
	assert_int_equal(m.ntables, 4);
	assert_int_equal(m.nothers, 1);
	assert_string_equal(m.others[0].value, "x\n y\t");
	assert_string_equal(imgmanifest_value(&m, "kit", "name"), "k2");
	assert_int_equal(imgmanifest_write(&m, &out, &e), 0);
	assert_string_equal(buf_cstr(&out), xml);
	imgmanifest_fini(&m);
	buf_fini(&out);
}

static void
refused_bytes(const char *xml, size_t len, const char *why)
{
	struct imgmanifest m;
	struct err e = { 0 };

	assert_int_equal(imgmanifest_parse(&m, xml, len, &e), -1);
	assert_int_equal(e.kind, ERR_DAMAGED);
	if (strstr(e.msg, why) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", why, e.msg);
	imgmanifest_fini(&m);
}

static void
refused(const char *xml, const char *why)
{
	refused_bytes(xml, strlen(xml), why);
}

static void
test_hostile(void **state)
{
	(void)state;
	/* Entities, attributes, other encodings: never the parser's work. */
	refused("<?xml version=\"1.0\"?>\n<!DOCTYPE x [<!ENTITY a \"aaaa\">"
	    "<!ENTITY b \"&a;&a;\">]>\n<xcatimage>&b;</xcatimage>",
	    "line 2: a document type");
	refused("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><xcatimage/>",
	    "line 1: a document type");
	refused("<xcatimage>\n<kernel>&xxe;</kernel></xcatimage>",
	    "line 2: not well-formed");
	refused("<xcatimage\nkernel=\"/etc/passwd\"/>", "with attributes");
	refused("<xcatimage><osimage osarch='x'/></xcatimage>",
	    "with attributes");
	refused("<xcatimage xmlns:a=\"b\"/>", "with attributes");
	refused("<a:xcatimage/>", "attributes");
	refused("<?xml version=\"1.0\" encoding=\"UTF-16\"?><xcatimage/>",
	    "a declaration");
	refused("<xcatimage/><?xml version=\"1.0\"?>", "a declaration");
	refused("\357\273\277<xcatimage/>", "not XML");
	refused("\x4c\x6f\xa7\x94", "not XML");
	refused_bytes("<\0x\0/\0>\0", 8, "a byte 0");
	refused_bytes("<xcatimage>\n\0</xcatimage>", 25, "line 2: a byte 0");
	refused("<xcatimage><kernel>\xff</kernel></xcatimage>",
	    "not well-formed");
}

static void
test_meaning(void **state)
{
	(void)state;
	refused("", "not XML");
	refused("<xcatimage>", "not well-formed");
	refused("<xcatimage></xcatimage><xcatimage/>", "not well-formed");
	refused("<xcatimage/>x", "not well-formed");
	refused("<html/>", "the root is not xcatimage but html");
	refused("<xcatimage><kernel>a</kernel>\n<kernel>b</kernel>"
	    "</xcatimage>", "line 2: a second kernel");
	refused("<xcatimage><kernel><a>b</a></kernel></xcatimage>",
	    "elements in kernel");
	refused("<xcatimage><osimage><a>b</a></osimage><osimage><b>b</b>"
	    "</osimage></xcatimage>", "a second osimage");
	refused("<xcatimage><osimage><a>b</a></osimage><osimage/>"
	    "</xcatimage>", "a second, or an empty, osimage");
	refused("<xcatimage><kit/><kit><a>b</a></kit></xcatimage>",
	    "a second kit");
	refused("<xcatimage><osimage><a>b</a><a>b</a></osimage></xcatimage>",
	    "a second a");
	refused("<xcatimage><x>1</x><x>2</x></xcatimage>", "a second");
	refused("<xcatimage><kit><name>a</name></kit><kit><name>a</name>"
	    "</kit></xcatimage>", "a second kit");
	refused("<xcatimage><kit><name>a</name></kit><kit><kitdir>a</kitdir>"
	    "</kit></xcatimage>", "a second kit");
	refused("<xcatimage><extra><src>a</src></extra></xcatimage>",
	    "an <extra> without");
	refused("<xcatimage><extra><src>a</src><dest>b</dest><to>c</to>"
	    "</extra></xcatimage>", "an <extra> with to");
	refused("<xcatimage><extra>x</extra></xcatimage>", "empty, extra");
	refused("<xcatimage>x<kernel>a</kernel></xcatimage>", "text beside");
	refused("<xcatimage><osimage><a>b</a>x</osimage></xcatimage>",
	    "text among");
	refused("<xcatimage><kernel>a</kernel>x</xcatimage>", "text among");
	refused("<xcatimage><a><b><c>d</c></b></a></xcatimage>", "too deep");
}

static void
test_read(void **state)
{
	static const char xml[] = "<xcatimage><!-- <kernel> & --><kernel>"
	    "<![CDATA[/a<&b]]>&amp;&#x41;</kernel>\n</xcatimage >\n";
	struct imgmanifest m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(imgmanifest_parse(&m, xml, strlen(xml), &e), 0);
	assert_string_equal(m.kernel, "/a<&b&A");
	imgmanifest_fini(&m);
}

/* Bounds of size, elements and rows; and of time, for nothing is squared. */
static void
test_bounds(void **state)
{
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	buf_puts(&b, "<xcatimage");
	for (i = 0; b.len < IMGMANIFEST_MAX - 64; i++)
		buf_printf(&b, " a%zu=\"\"", i);
	buf_puts(&b, "/>");
	refused_bytes((const char *)b.data, b.len, "with attributes");
	while (b.len <= IMGMANIFEST_MAX)
		buf_puts(&b, "          ");
	refused_bytes((const char *)b.data, b.len, "larger than");
	buf_clear(&b);
	buf_puts(&b, "<xcatimage>");
	for (i = 0; i < IMGMANIFEST_ELEMENTS; i++)
		buf_printf(&b, "<a%zu/>", i);
	buf_puts(&b, "</xcatimage>");
	refused_bytes((const char *)b.data, b.len, "too many");
	buf_clear(&b);
	for (i = 0; b.len < IMGMANIFEST_MAX - 64; i++)
		buf_puts(&b, "<xcatimage>");
	refused_bytes((const char *)b.data, b.len, "too deep");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_kits),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_bounds),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
