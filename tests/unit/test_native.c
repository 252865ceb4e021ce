#include "formats/imgmanifest.h"
#include "imgxfer/native.h"
#include "tests/unit/unit.h"

/*
 * Manifests as the native engine writes them, beside those of xCAT's own
 * imgexport: the same bytes.
 */
#define DIR "tests/data/images/"

static void
load(const char *name, struct buf *out)
{
	uint8_t block[4096];
	char path[300];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), DIR "%s.xml", name);
	if ((f = fopen(path, "r")) == NULL)
		skip();
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_append(out, block, n);
	fclose(f);
}

/* The rows as the database would have them, in another order. */
static void
take_row(const struct imgmanifest *m, const char *name,
    struct exportplan_column *at, struct exportplan_row *row)
{
	const struct imgmanifest_table *t = NULL;
	size_t i;

	for (i = 0; i < m->ntables; i++)
		if (strcmp(m->tables[i].name, name) == 0)
			t = &m->tables[i];
	assert_non_null(t);
	if (t == NULL)
		return;
	for (i = 0; i < t->n; i++) {
		at[i].name = t->columns[t->n - 1 - i].name;
		at[i].value = t->columns[t->n - 1 - i].value;
	}
	row->at = at;
	row->n = t->n;
	row->found = 1;
}

static void
take_file(struct exportplan *p, const char *role, const char *path)
{
	if (path == NULL)
		return;
	p->files[p->nfiles].role = role;
	p->files[p->nfiles++].path = path;
}

static void
check(const char *name)
{
	struct exportplan_column osimage[64], linuximage[64];
	struct exportplan_file files[4];
	struct exportplan p = { .image = name };
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct imgmanifest m;
	struct err e = { 0 };

	load(name, &want);
	assert_int_equal(imgmanifest_parse(&m, want.data, want.len, &e), 0);
	p.files = files;
	take_row(&m, "osimage", osimage, &p.osimage);
	take_row(&m, "linuximage", linuximage, &p.linuximage);
	p.provmethod = exportplan_value(&p.osimage, "provmethod");
	p.rootimgdir = exportplan_value(&p.linuximage, "rootimgdir");
	take_file(&p, "kernel", m.kernel);
	take_file(&p, "ramdisk", m.ramdisk);
	take_file(&p, "rootimg", m.rootimg);
	if (native_manifest(&p, &got, &e) == -1)
		fail_msg("%s", e.msg);
	assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	imgmanifest_fini(&m);
	buf_fini(&want);
	buf_fini(&got);
}

static void
test_samples(void **state)
{
	static const char *const names[] = {
		"rocky9.4-x86_64-netboot-compute",
		"rhels8.6.0-ppc64le-netboot-compute",
		"rocky9.4-x86_64-statelite-compute",
		"rocky9.4-x86_64-install-compute",
	};
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(names); i++)
		check(names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
