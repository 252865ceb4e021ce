#include <stdlib.h>

#include "imgxfer/importplan.h"
#include "tests/fuzz/fuzz.h"

/*
 * What is planned of any manifest, each of its files being in the bundle, as
 * it is, with another profile and with another name.  Whatever it says, no
 * path leaves the directories that are allowed, and parents come first.
 */
#define MEMBERS 256

struct made {
	struct inspect in;
	struct inspect_member members[MEMBERS];
	char *names[MEMBERS];
};

static void
add(struct made *m, const char *paths)
{
	const char *slash, *p;
	size_t n, i = m->in.nmembers;

	for (p = paths; p != NULL && *p != '\0' && i < MEMBERS;
	    p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		slash = memrchr(p, '/', n);
		if (slash == NULL)
			slash = p - 1;
		if (asprintf(&m->names[i], "img/%.*s", (int)(p + n - slash -
		    1), slash + 1) == -1)
			abort();
		m->members[i].name = m->names[i];
		m->members[i].type = '0';
		m->members[i].size = i;
		i++;
	}
	m->in.nmembers = i;
}

static void
bring(struct made *m)
{
	const struct imgmanifest *x = &m->in.manifest;
	size_t i, k;

	add(m, x->kernel);
	add(m, x->ramdisk);
	add(m, x->rootimg);
	add(m, x->rootimgtree);
	add(m, x->litefile);
	for (i = 0; i < x->ntables; i++)
		for (k = 0; k < x->tables[i].n; k++)
			add(m, x->tables[i].columns[k].value);
	m->in.members = m->members;
	m->in.image = "img";
	m->in.has_manifest = 1;
	m->in.compression = "gzip";
	m->in.arch_claimed = "";
	m->in.arch = INSPECT_ARCH_PROVED;
}

static void
check(const struct made *m, const struct import_options *opt)
{
	struct importplan p;
	struct err e;
	size_t i;

	if (importplan_make(&p, &m->in, "/install", opt, &e) == 0) {
		MUST(inspect_name(p.image) == NULL);
		for (i = 0; i < p.nfiles; i++) {
			MUST(inspect_path(p.files[i].path, NULL) == NULL);
			MUST(strpbrk(p.files[i].path, " \n;$`'\"") == NULL);
			MUST(i == 0 || strcmp(p.files[i - 1].path,
			    p.files[i].path) < 0);
		}
		for (i = 1; i < p.ndirs; i++)
			MUST(strncmp(p.dirs[i - 1], p.dirs[i],
			    strlen(p.dirs[i])) != 0 ||
			    p.dirs[i - 1][strlen(p.dirs[i])] != '/');
	} else
		MUST(e.msg[0] != '\0');
	importplan_fini(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct import_options opt = { .site = "b" };
	struct made *m;
	struct err e;
	size_t i;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		abort();
	if (imgmanifest_parse(&m->in.manifest, data, len, &e) == 0) {
		bring(m);
		check(m, &opt);
		opt.profile = "prod";
		check(m, &opt);
		opt.as = "golden";
		check(m, &opt);
		opt.profile = NULL;
		check(m, &opt);
	}
	imgmanifest_fini(&m->in.manifest);
	for (i = 0; i < MEMBERS; i++)
		free(m->names[i]);
	free(m);
	return (0);
}
