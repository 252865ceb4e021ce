#include "formats/dockerdef.h"
#include "tests/unit/unit.h"

#define CONTAINER(id, more) "{\"Id\":\"" id "\"" more "}"
#define PORTS(name, port) ",\"NetworkSettings\":{\"Ports\":{\"80/tcp\":null," \
	"\"" name "\":[{\"HostIp\":\"::\",\"HostPort\":\"" port "\"}]}}"

static int
decode(struct dockerdef *d, struct buf *clean, const char *text,
    struct err *e)
{
	buf_clear(clean);
	return (dockerdef_decode(d, clean, text, strlen(text), e));
}

static void
test_decode(void **state)
{
	static const char one[] = "[" CONTAINER("a1b2", ",\"Image\":"
	    "\"sha256:99\",\"State\":{\"Status\":\"running\",\"Pid\":%d,"
	    "\"StartedAt\":\"%d\",\"Health\":{\"Log\":[%d]}},"
	    "\"RestartCount\":%d,\"Config\":{\"Env\":[\"PW=x\"],\"Labels\":{"
	    "\"com.docker.compose.project.config_files\":"
	    "\"/srv/a b.yml,,rel.yml,/srv/c.yml\","
	    "\"com.docker.compose.project.environment_file\":\"/srv/.env\"}},"
	    "\"NetworkSettings\":{\"Networks\":{\"mgtnet\":{},"
	    "\"--evil\":{},\"svcnet\":{}}}") "]";
	struct buf text = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	struct dockerdef d;
	struct err e = { 0 };

	(void)state;
	buf_printf(&text, one, 1, 2, 3, 4);
	assert_int_equal(decode(&d, &a, buf_cstr(&text), &e), 0);
	assert_string_equal(d.id, "a1b2");
	assert_string_equal(d.image, "sha256:99");
	assert_int_equal(d.nnetworks, 2);
	assert_string_equal(d.networks[0], "mgtnet");
	assert_string_equal(d.networks[1], "svcnet");
	assert_int_equal(d.nfiles, 3);
	assert_string_equal(d.files[0], "/srv/a b.yml");
	assert_string_equal(d.files[1], "/srv/c.yml");
	assert_string_equal(d.files[2], "/srv/.env");
	dockerdef_fini(&d);
	/* A restart changes nothing. */
	buf_clear(&text);
	buf_printf(&text, one, 5, 6, 7, 8);
	assert_int_equal(decode(&d, &b, buf_cstr(&text), &e), 0);
	assert_string_equal(buf_cstr(&a), buf_cstr(&b));
	assert_non_null(strstr(buf_cstr(&a), "PW=x"));
	assert_non_null(strstr(buf_cstr(&a), "running"));
	dockerdef_fini(&d);
	buf_fini(&text);
	buf_fini(&a);
	buf_fini(&b);
}

static void
test_refused(void **state)
{
	static const char *const wrong[] = {
		"", "{}", "[", "[]", "[{}]", "[1]", "[null]",
		"[{\"Id\":1}]", "[{\"Id\":\"--help\"}]", "[{\"Id\":\"\"}]",
		"[" CONTAINER("a", "") "," CONTAINER("b", "") "]",
		"[{\"Id\":\"a\",\"Id\":\"b\"}]", "[" CONTAINER("a", "") "] x",
	};
	struct buf clean = BUF_INIT;
	struct dockerdef d;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(wrong); i++)
		check_failed(decode(&d, &clean, wrong[i], &e), &e,
		    ERR_FAILED);
	/* What is missing, or of another type, is passed over. */
	assert_int_equal(decode(&d, &clean, "[{\"Id\":\"a\",\"Image\":[],"
	    "\"State\":7,\"Config\":[],\"NetworkSettings\":{\"Networks\":"
	    "\"x\"}}]", &e), 0);
	assert_null(d.image);
	assert_int_equal(d.nnetworks + d.nfiles, 0);
	dockerdef_fini(&d);
	buf_fini(&clean);
}

static void
test_publisher(void **state)
{
	static const char text[] = "[" CONTAINER("aa", PORTS("22/udp",
	    "2200")) "," CONTAINER("bb", PORTS("22/tcp", "22")) ","
	    CONTAINER("cc", PORTS("22/tcp", "2200")) ","
	    CONTAINER("dd", PORTS("22/tcp", "2200")) ",7]";
	struct buf id = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(dockerdef_publisher(&id, 2200, text, strlen(text),
	    &e), 1);
	assert_string_equal(buf_cstr(&id), "cc");
	buf_clear(&id);
	assert_int_equal(dockerdef_publisher(&id, 2201, text, strlen(text),
	    &e), 0);
	assert_int_equal(dockerdef_publisher(&id, 220, text, strlen(text),
	    &e), 0);
	assert_int_equal(id.len, 0);
	check_failed(dockerdef_publisher(&id, 1, "x", 1, &e), &e,
	    ERR_FAILED);
	buf_fini(&id);
}

static void
test_names(void **state)
{
	(void)state;
	assert_true(dockerdef_is_name("sha256:00ff"));
	assert_true(dockerdef_is_name("xcat_mn-1.a"));
	assert_false(dockerdef_is_name(""));
	assert_false(dockerdef_is_name("-x"));
	assert_false(dockerdef_is_name("a b"));
	assert_false(dockerdef_is_name("a/b"));
	assert_false(dockerdef_is_name("a\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_publisher),
		cmocka_unit_test(test_names),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
