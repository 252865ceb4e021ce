#include "restore/compose.h"
#include "tests/unit/unit.h"

static const char container[] =
    "[{\"Id\":\"ab\",\"Name\":\"/xcat mn\",\"Image\":\"sha256:cd\","
    "\"Config\":{\"Hostname\":\"mn1\",\"Domainname\":\"cluster.test\","
    "\"Image\":\"xcat/xcat:2.19\",\"Env\":[\"PATH=/bin\","
    "\"PW=a\\\"b\\\\c $HOME: #x\\n\\u00e4\\ud83d\\ude00\"],"
    "\"Cmd\":[\"/entry\",\"-v\"],\"Tty\":true,"
    "\"Labels\":{\"com.docker.compose.project\":\"x\",\"own\":\"yes\"}},"
    "\"HostConfig\":{\"Privileged\":true,\"CapAdd\":[\"NET_ADMIN\"],"
    "\"NetworkMode\":\"mgtnet\","
    "\"RestartPolicy\":{\"Name\":\"unless-stopped\","
    "\"MaximumRetryCount\":0},\"Devices\":[{\"PathOnHost\":\"/dev/fuse\","
    "\"PathInContainer\":\"/dev/fuse\",\"CgroupPermissions\":\"rwm\"}],"
    "\"PortBindings\":{\"22/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"2200\"}],"
    "\"80/tcp\":[{\"HostIp\":\"::1\",\"HostPort\":\"8080\"}]}},"
    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/srv/a:b\","
    "\"Destination\":\"/install\",\"RW\":true},{\"Type\":\"volume\","
    "\"Name\":\"xcatdata\",\"Source\":\"/var/lib/docker/x\","
    "\"Destination\":\"/xcatdata\",\"RW\":false}],"
    "\"NetworkSettings\":{\"Networks\":{\"mgtnet\":{\"IPAMConfig\":"
    "{\"IPv4Address\":\"10.0.0.2\"},\"IPAddress\":\"10.0.0.2\"},"
    "\"svcnet\":{\"IPAMConfig\":null,\"IPAddress\":\"10.1.0.3\"},"
    "\"bridge\":{\"IPAddress\":\"172.17.0.2\"}}}}]";

static const char image[] =
    "[{\"RepoTags\":[\"xcat/xcat:2.19\"],\"RepoDigests\":"
    "[\"other@sha256:11\",\"xcat/xcat@sha256:22\"],\"Os\":\"linux\","
    "\"Architecture\":\"ppc64le\",\"Config\":{\"Env\":[\"PATH=/bin\"],"
    "\"Cmd\":[\"/entry\"]}}]";

static const char networks[] =
    "[{\"Name\":\"mgtnet\",\"Driver\":\"macvlan\",\"Options\":"
    "{\"parent\":\"eth0\"},\"Internal\":false,\"IPAM\":{\"Driver\":"
    "\"default\",\"Config\":[{\"Subnet\":\"10.0.0.0/24\",\"Gateway\":"
    "\"10.0.0.1\"}]}},{\"Name\":\"svcnet\",\"Driver\":\"bridge\","
    "\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\"}]}}]";

static const char whole[] =
    "services:\n"
    "  \"xcatmn\":\n"
    "    container_name: \"xcat mn\"\n"
    "    image: \"xcat/xcat:2.19@sha256:22\"\n"
    "    platform: \"linux/ppc64le\"\n"
    "    hostname: \"mn1\"\n"
    "    domainname: \"cluster.test\"\n"
    "    command:\n"
    "      - \"/entry\"\n"
    "      - \"-v\"\n"
    "    environment:\n"
    "      - \"PW=a\\\"b\\\\c $$HOME: #x\\u000a\\u00e4\\U0001f600\"\n"
    "    labels:\n"
    "      \"own\": \"yes\"\n"
    "    tty: true\n"
    "    privileged: true\n"
    "    cap_add:\n"
    "      - \"NET_ADMIN\"\n"
    "    devices:\n"
    "      - \"/dev/fuse:/dev/fuse:rwm\"\n"
    "    restart: \"unless-stopped\"\n"
    "    networks:\n"
    "      \"mgtnet\":\n"
    "        ipv4_address: \"10.0.0.2\"\n"
    "      \"svcnet\":\n"
    "        ipv4_address: \"10.1.0.3\"\n"
    "    ports:\n"
    "      - \"2200:22/tcp\"\n"
    "      - \"[::1]:8080:80/tcp\"\n"
    "    volumes:\n"
    "      - type: \"bind\"\n"
    "        source: \"/srv/a:b\"\n"
    "        target: \"/install\"\n"
    "      - type: \"volume\"\n"
    "        source: \"xcatdata\"\n"
    "        target: \"/xcatdata\"\n"
    "        read_only: true\n"
    "networks:\n"
    "  \"mgtnet\":\n"
    "    name: \"mgtnet\"\n"
    "    driver: \"macvlan\"\n"
    "    driver_opts:\n"
    "      \"parent\": \"eth0\"\n"
    "    ipam:\n"
    "      config:\n"
    "        - subnet: \"10.0.0.0/24\"\n"
    "          gateway: \"10.0.0.1\"\n"
    "  \"svcnet\":\n"
    "    name: \"svcnet\"\n"
    "    driver: \"bridge\"\n"
    "    ipam:\n"
    "      config:\n"
    "        - subnet: \"10.1.0.0/24\"\n"
    "volumes:\n"
    "  \"xcatdata\":\n"
    "    name: \"xcatdata\"\n";

static int
encode(struct buf *out, const char *c, const char *i, const char *n,
    struct err *e)
{
	struct compose_source from = { BUF_INIT, BUF_INIT, BUF_INIT };
	int rc;

	buf_puts(&from.container, c);
	buf_puts(&from.image, i);
	buf_puts(&from.networks, n);
	rc = compose_encode(out, &from, e);
	buf_fini(&from.container);
	buf_fini(&from.image);
	buf_fini(&from.networks);
	return (rc);
}

static void
test_whole(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	const char *s;

	(void)state;
	assert_int_equal(encode(&out, container, image, networks, &e), 0);
	s = strstr(buf_cstr(&out), "services:");
	assert_non_null(s);
	assert_string_equal(s, whole);
	buf_fini(&out);
}

/* Little is known: little is written. */
static void
test_bare(void **state)
{
	struct buf out = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(encode(&out, "[{\"Name\":\"/-\\u00e4\",\"Image\":"
	    "\"sha256:cd\",\"HostConfig\":{\"NetworkMode\":\"host\","
	    "\"RestartPolicy\":{\"Name\":\"on-failure\","
	    "\"MaximumRetryCount\":3}},\"NetworkSettings\":{\"Networks\":"
	    "{\"host\":{}}}}]", "", "", &e), 0);
	assert_string_equal(strstr(buf_cstr(&out), "services:"),
	    "services:\n  \"xcatmn\":\n"
	    "    container_name: \"-\\u00e4\"\n"
	    "    image: \"sha256:cd\"\n"
	    "    restart: \"on-failure:3\"\n"
	    "    network_mode: \"host\"\n");
	buf_fini(&out);
}

static void
test_refused(void **state)
{
	static const char *const bad[] = { "{}", "[", "[]", "[1]", "x" };
	struct buf out = BUF_INIT;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++)
		check_failed(encode(&out, bad[i], "", "", &e), &e,
		    ERR_DAMAGED);
	check_failed(encode(&out, container, "{}", "", &e), &e, ERR_DAMAGED);
	check_failed(encode(&out, container, "", "1", &e), &e, ERR_DAMAGED);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
