#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "tests/unit/unit.h"

static const char *dir;		/* of the test that runs */

static int
begin(void **state)
{
	(void)state;
	dir = scratch_begin();
	unsetenv("XCATVAULT_CONFIG");
	return (0);
}

static int
end(void **state)
{
	(void)state;
	scratch_end(dir);
	return (0);
}

/* A file in the scratch folder; its path is good until the next call. */
static const char *
write_file(const char *name, const char *text, mode_t mode)
{
	static char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_non_null(f = fopen(path, "w"));
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
	return (path);
}

static struct config *
parse(const char *text)
{
	struct err e = { 0 };
	struct config *c = config_parse(text, "t.conf", &e);

	if (c == NULL)
		fail_msg("refused: %s: %s", e.msg, text);
	return (c);
}

/* The text is refused with exactly this message. */
static void
refuses(const char *text, const char *message)
{
	struct err e = { 0 };

	if (config_parse(text, "t.conf", &e) != NULL)
		fail_msg("accepted: %s", text);
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.msg, message);
}

/* A site that has these settings, and what is wrong with them. */
static void
site_refuses(const char *settings, const char *message)
{
	char text[1024], want[1024];

	snprintf(text, sizeof(text), "sites = {\n s = {\n%s\n };\n};",
	    settings);
	snprintf(want, sizeof(want), "t.conf:%s", message);
	refuses(text, want);
}

static const char whole[] =
    "vault = \"main\";\n"
    "vaults = { main = \"/srv/vault\"; away = \"ssh://b@host/srv\"; };\n"
    "ssh_dir = \"/root/.ssh\";  log = \"/var/log/x.log\";\n"
    "sites = {\n"
    "  mn1 = {\n"
    "    address = \"root@mn1:2200\"; identity = \"/k\";\n"
    "    password_file = \"/p\"; vault = \"away\";\n"
    "    volumes = ( \"/install\",\n"
    "        { path = \"/var/log/xcat\"; local = \"/srv/log\"; } );\n"
    "    exclude = [ \"*.tmp\", \"a/**\" ]; extra = \"/opt/site\";\n"
    "    profile = \"full\"; one_file_system = true; max_loss = 7;\n"
    "    lanes = 2; connect_timeout = 5; idle_timeout = 60;\n"
    "    dump_timeout = 900; before = \"echo b\"; after = \"echo a\";\n"
    "    container = \"xcatmn\";\n"
    "  };\n"
    "  other = { name = \"mn2.example.org\"; address = \"mn2\"; };\n"
    "};\n";

static void
test_whole(void **state)
{
	struct config *c = parse(whole);
	struct config_site *s = &c->sites[0];

	(void)state;
	assert_string_equal(c->path, "t.conf");
	assert_string_equal(c->vault, "/srv/vault");
	assert_string_equal(c->ssh_dir, "/root/.ssh");
	assert_string_equal(c->log, "/var/log/x.log");
	assert_int_equal(c->nsites, 2);
	assert_string_equal(s->name, "mn1");
	assert_int_equal(s->line, 5);
	assert_string_equal(s->address, "root@mn1:2200");
	assert_string_equal(s->identity, "/k");
	assert_string_equal(s->password_file, "/p");
	assert_string_equal(s->vault, "ssh://b@host/srv");
	assert_int_equal(s->nvolumes, 2);
	assert_string_equal(s->volumes[0].path, "/install");
	assert_null(s->volumes[0].local);
	assert_string_equal(s->volumes[1].path, "/var/log/xcat");
	assert_string_equal(s->volumes[1].local, "/srv/log");
	assert_int_equal(s->excludes.n, 2);
	assert_string_equal(s->excludes.at[1], "a/**");
	assert_int_equal(s->extra.n, 1);
	assert_string_equal(s->extra.at[0], "/opt/site");
	assert_true(s->full && s->one_file_system);
	assert_int_equal(s->max_loss, 7);
	assert_int_equal(s->lanes, 2);
	assert_int_equal(s->connect_s, 5);
	assert_int_equal(s->idle_s, 60);
	assert_int_equal(s->dump_s, 900);
	assert_string_equal(s->before, "echo b");
	assert_string_equal(s->after, "echo a");
	assert_string_equal(s->container, "xcatmn");
	config_free(c);
}

static void
test_defaults(void **state)
{
	struct config *c = parse(whole);
	struct config_site *s = &c->sites[1];

	(void)state;
	assert_string_equal(s->name, "mn2.example.org");
	assert_string_equal(s->vault, "/srv/vault");
	assert_int_equal(s->nvolumes, 0);
	assert_int_equal(s->max_loss, CONFIG_MAX_LOSS);
	assert_int_equal(s->lanes | s->connect_s | s->idle_s | s->dump_s, 0);
	assert_false(s->full || s->one_file_system);
	config_free(c);
	c = parse("");
	assert_null(c->vault);
	assert_int_equal(c->nsites, 0);
	config_free(c);
	c = parse("vault = \"ssh://h/v\"; sites = { a = "
	    "{ volumes = [ \"/x\" ]; address = \"a\"; lanes = 3L; }; };");
	assert_string_equal(c->vault, "ssh://h/v");
	assert_string_equal(c->sites[0].vault, "ssh://h/v");
	assert_int_equal(c->sites[0].lanes, 3);
	config_free(c);
}

static void
test_find(void **state)
{
	struct config *c = parse(whole), *none = parse("");
	struct err e = { 0 };

	(void)state;
	assert_ptr_equal(config_find(c, "mn2.example.org", &e), &c->sites[1]);
	assert_null(config_find(c, "other", &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_string_equal(e.msg, "other: no such site; t.conf has mn1, "
	    "mn2.example.org");
	assert_null(config_find(none, "mn1", &e));
	assert_string_equal(e.msg, "mn1: no such site; t.conf names none");
	config_free(c);
	config_free(none);
}

static void
test_top(void **state)
{
	(void)state;
	refuses("vault = ;", "t.conf:1: syntax error");
	refuses("\n\nvalut = \"/x\";",
	    "t.conf:3: valut: no such setting; is \"vault\" meant?");
	refuses("zzz = 1;", "t.conf:1: zzz: no such setting");
	refuses("vault = \"/x\";\nvault = \"/y\";",
	    "t.conf:2: duplicate setting name");
	refuses("vault = 1;",
	    "t.conf:1: vault: a text in double quotes is wanted");
	refuses("vault = \"main\";", "t.conf:1: vault: \"main\": the name of "
	    "one of \"vaults\", an absolute path or ssh://host/dir is "
	    "wanted");
	refuses("vaults = \"/x\";", "t.conf:1: vaults: a group in braces is "
	    "wanted, { name = \"/dir\"; }");
	refuses("vaults = {\nm = \"x\"; };", "t.conf:2: m: \"x\": the name "
	    "of one of \"vaults\", an absolute path or ssh://host/dir is "
	    "wanted");
	refuses("vaults = { m = 1; }; vault = \"m\";",
	    "t.conf:1: m: a text in double quotes is wanted");
	refuses("log = \"x\";",
	    "t.conf:1: log: \"x\": an absolute path is wanted");
	refuses("sites = ( );", "t.conf:1: sites: a group in braces is "
	    "wanted, { name = { ... }; }");
	refuses("sites = { a = 1; };",
	    "t.conf:1: a: a group in braces is wanted");
	refuses("a = ((((((((((1))))))))));",
	    "t.conf:1: too many groups within groups");
}

static void
test_site_values(void **state)
{
	struct err e = { 0 };

	(void)state;
	site_refuses("max_loss = 0;",
	    "3: max_loss: a number from 1 to 100 is wanted");
	site_refuses("max_loss = 101;",
	    "3: max_loss: a number from 1 to 100 is wanted");
	site_refuses("max_loss = 50.5;",
	    "3: max_loss: a number from 1 to 100 is wanted");
	site_refuses("lanes = -1;",
	    "3: lanes: a number from 0 to 16 is wanted");
	site_refuses("lanes = 4294967297L;",
	    "3: lanes: a number from 0 to 16 is wanted");
	site_refuses("\nidle_timeout = \"5\";",
	    "4: idle_timeout: a number from 1 to 86400 is wanted");
	site_refuses("one_file_system = 1;",
	    "3: one_file_system: true or false is wanted");
	site_refuses("profile = \"fulll\";",
	    "3: profile: \"full\" or \"standard\" is wanted");
	site_refuses("profile = 1;",
	    "3: profile: \"full\" or \"standard\" is wanted");
	site_refuses("address = \"-oProxyCommand=x\";", "3: address: "
	    "\"-oProxyCommand=x\": an address must not be empty or begin "
	    "with \"-\"");
	site_refuses("exclude = [ \"\" ];",
	    "3: exclude: \"\": must not be empty");
	site_refuses("exclude = ( 1 );",
	    "3: exclude: a text in double quotes is wanted");
	site_refuses("extra = [ \"x\" ];",
	    "3: extra: \"x\": an absolute path is wanted");
	site_refuses("before = \"a\\nb\";",
	    "3: before: \"a?b\": one line of UTF-8 text is wanted");
	site_refuses("container = \"a b\";",
	    "3: container: \"a b\": the name of a container is wanted");
	site_refuses("name = \"latest\";", "3: name: \"latest\": a site "
	    "cannot be called \"latest\"");
	site_refuses("excludes = [ ];",
	    "3: excludes: no such setting; is \"exclude\" meant?");
	assert_null(config_parse("sites = { la*st = { }; };", "t.conf", &e));
	assert_non_null(strstr(e.msg, "t.conf:1: la*st: the name of a site"));
}

static void
test_volumes(void **state)
{
	static const char list[] = "3: volumes: a list of one or more volumes "
	    "is wanted, ( \"/install\", ... )";

	(void)state;
	site_refuses("volumes = \"/x\";", list);
	site_refuses("volumes = ( );", list);
	site_refuses("volumes = ( 1 );",
	    "3: volumes: a text in double quotes is wanted");
	site_refuses("volumes = ( \"/a/\" );", "3: volumes: \"/a/\": a path "
	    "without \"//\" and without \"/\" at its end is wanted");
	site_refuses("volumes = ( { local = \"/x\"; } );",
	    "3: volumes: a volume without path");
	site_refuses("volumes = ( { path = \"/x\"; lokal = \"/x\"; } );",
	    "3: lokal: no such setting; is \"local\" meant?");
	site_refuses("address = \"a\"; volumes = ( \"/a\", \"/b\", \"/a\" );",
	    "2: s: /a and /a are the same or one within the other; name the "
	    "outer one only");
	site_refuses("address = \"a\"; volumes = ( \"/a/b\", \"/a\" );",
	    "2: s: /a/b and /a are the same or one within the other; name "
	    "the outer one only");
	site_refuses("address = \"a\"; volumes = ( \"/a\" ); "
	    "extra = [ \"/a/b\" ];", "2: s: /a and /a/b are the same or one "
	    "within the other; name the outer one only");
}

static void
test_local(void **state)
{
	static const char need[] = "2: s: a site without address needs "
	    "volumes, each with local, and has no extra and no profile";
	struct config *c;

	(void)state;
	site_refuses("", need);
	site_refuses("volumes = ( { path = \"/a\"; local = \"/b\"; } ); "
	    "extra = [ \"/c\" ];", need);
	site_refuses("volumes = ( \"/a\" );",
	    "2: s: there is no address to read /a from, and no local");
	c = parse("sites = { s = { volumes = "
	    "( { path = \"/a\"; local = \"/\"; } ); }; };");
	assert_null(c->sites[0].address);
	assert_null(c->sites[0].vault);
	config_free(c);
}

static void
test_twice(void **state)
{
	(void)state;
	refuses("sites = {\n a = { address = \"x\"; };\n\n"
	    " b = { name = \"a\"; address = \"y\"; };\n};",
	    "t.conf:4: b: site a is there already, in line 2");
}

static void
check_load(const char *path, const char *message)
{
	struct err e = { 0 };
	char want[500];

	assert_null(config_load(path, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	snprintf(want, sizeof(want), "%s%s", path, message);
	if (strncmp(e.msg, want, strlen(want)) != 0)
		fail_msg("\"%s\" is not \"%s\"", e.msg, want);
}

static void
test_files(void **state)
{
	struct err e = { 0 };
	struct config *c;
	char path[400];

	(void)state;
	c = config_load(write_file("a.conf", whole, 0600), &e);
	assert_non_null(c);
	config_free(c);
	check_load(write_file("b.conf", "x = ;", 0644), ":1: syntax error");
	check_load(write_file("w.conf", "", 0620), ": others may write it");
	check_load(write_file("o.conf", "", 0602), ": others may write it");
	check_load(dir, ": not a regular file");
	snprintf(path, sizeof(path), "%s/none.conf", dir);
	check_load(path, ": no such file");
	setenv("XCATVAULT_CONFIG", path, 1);
	c = config_load(NULL, &e);
	assert_non_null(c);
	assert_string_equal(c->path, path);
	assert_int_equal(c->nsites, 0);
	config_free(c);
	setenv("XCATVAULT_CONFIG", write_file("a.conf", whole, 0600), 1);
	c = config_load(NULL, &e);
	assert_non_null(c);
	assert_int_equal(c->nsites, 2);
	config_free(c);
	if (geteuid() == 0) {
		write_file("u.conf", "", 0600);
		snprintf(path, sizeof(path), "%s/u.conf", dir);
		assert_int_equal(chown(path, 65534, 65534), 0);
		check_load(path, ": owned by neither root nor you");
	}
}

static void
test_bytes(void **state)
{
	char path[400], *big;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/n.conf", dir);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite("log = \0;", 1, 8, f), 8);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
	check_load(path, ": has NUL bytes");
	assert_non_null(big = malloc(CONFIG_MAX + 2));
	memset(big, ' ', CONFIG_MAX + 1);
	big[CONFIG_MAX + 1] = '\0';
	check_load(write_file("l.conf", big, 0600), ": larger than");
	free(big);
}

static void
test_include(void **state)
{
	struct err e = { 0 };
	struct config *c;
	char want[400];

	(void)state;
	write_file("sites.inc", "mn1 = {\n address = \"x\";\n};\n", 0600);
	write_file("a.conf", "sites = {\n@include \"sites.inc\"\n"
	    "  mn2 = { address = \"y\"; };\n};\n", 0600);
	snprintf(want, sizeof(want), "%s/a.conf", dir);
	c = config_load(want, &e);
	assert_non_null(c);
	assert_int_equal(c->nsites, 2);
	assert_int_equal(c->sites[1].line, 3);
	config_free(c);

	/* Errors name the included file, and its line. */
	write_file("sites.inc", "mn1 = {\n adress = \"x\";\n};\n", 0600);
	assert_null(config_load(want, &e));
	assert_non_null(strstr(e.msg, "/sites.inc:2: adress: no such"));
	write_file("sites.inc", "\n\nmn1 = {\n address = ;\n};\n", 0600);
	assert_null(config_load(want, &e));
	assert_non_null(strstr(e.msg, "/sites.inc:4: syntax error"));

	/* It is trusted no more than the file that includes it. */
	write_file("sites.inc", "mn1 = {\n address = \"x\";\n};\n", 0622);
	assert_null(config_load(want, &e));
	assert_non_null(strstr(e.msg, "/sites.inc: others may write it"));
	assert_int_equal(e.kind, ERR_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_top),
		cmocka_unit_test(test_site_values),
		cmocka_unit_test(test_volumes),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_twice),
		cmocka_unit_test_setup_teardown(test_files, begin, end),
		cmocka_unit_test_setup_teardown(test_bytes, begin, end),
		cmocka_unit_test_setup_teardown(test_include, begin, end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
