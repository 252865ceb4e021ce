/*
 * judge_tool OLD NEW: compares two dumps of xCAT's database (directories of
 * TABLE.csv) row by row, as a restore does to prove itself.  Prints the
 * seconds that it took, without reading the files, the tables, the rows, and
 * how many rows differ.  For tests/bench.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "restore/dbjudge.h"

#define TABLES_MAX 200

static void
die(const char *what)
{
	fprintf(stderr, "judge_tool: %s\n", what);
	exit(2);
}

static int
is_csv(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return (n > 4 && n - 4 <= XCATSCHEMA_TABLE_MAX &&
	    strcmp(d->d_name + n - 4, ".csv") == 0);
}

static void
load(struct dbset_table *t, const char *dir, const char *name)
{
	static char part[1 << 16];
	char path[4096];
	struct err e;
	size_t n;
	FILE *f;

	memset(t, 0, sizeof(*t));
	memcpy(t->name, name, strlen(name) - 4);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((f = fopen(path, "r")) == NULL)
		die(path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_append(&t->text, part, n);
	fclose(f);
	if (dbset_prove(t, &e) == -1)
		die(e.msg);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

int
main(int argc, char **argv)
{
	static struct dbset_table old[TABLES_MAX], new[TABLES_MAX];
	struct dbjudge_options opt = { .as_restored = 1 };
	unsigned long long rows = 0;
	struct dirent **names;
	size_t differ = 0;
	struct dbjudge j;
	struct err e;
	double start;
	int i, n;

	if (argc != 3)
		die("usage: judge_tool OLD NEW");
	n = scandir(argv[1], &names, is_csv, alphasort);
	if (n <= 0 || n > TABLES_MAX)
		die(argv[1]);
	for (i = 0; i < n; i++) {
		load(&old[i], argv[1], names[i]->d_name);
		load(&new[i], argv[2], names[i]->d_name);
		free(names[i]);
	}
	free(names);
	start = now();
	for (i = 0; i < n; i++) {
		if (dbjudge_table(&old[i], &new[i], &opt, &j, &e) == -1)
			die(e.msg);
		differ += j.gone + j.changed + j.added;
		rows += old[i].rows;
	}
	printf("%.6f %d %llu %zu\n", now() - start, n, rows, differ);
	for (i = 0; i < n; i++) {
		buf_fini(&old[i].text);
		buf_fini(&new[i].text);
		free(old[i].why);
		free(new[i].why);
	}
	return (0);
}
