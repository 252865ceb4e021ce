#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

/*
 * Run a fuzz target over the files given, and over those in the folders
 * given, without libFuzzer.  Each file's bytes lie in memory of just their
 * length, so that valgrind and the sanitizers see a read beyond them.
 */
static size_t replayed;

static int
fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return (-1);
}

static int
replay_file(const char *path, size_t size)
{
	uint8_t *data = malloc(size > 0 ? size : 1);
	FILE *f = fopen(path, "rb");
	int rc = -1;

	if (data != NULL && f != NULL && fread(data, 1, size, f) == size) {
		(void)LLVMFuzzerTestOneInput(data, size);
		replayed++;
		rc = 0;
	} else
		fail(path);
	if (f != NULL)
		fclose(f);
	free(data);
	return (rc);
}

static int replay(const char *path);

static int
replay_folder(const char *path)
{
	struct dirent *d;
	char name[4096];
	DIR *dir;
	int rc = 0;

	if ((dir = opendir(path)) == NULL)
		return (fail(path));
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, d->d_name);
		if (replay(name) == -1)
			rc = -1;
	}
	closedir(dir);
	return (rc);
}

static int
replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (fail(path));
	if (S_ISDIR(st.st_mode))
		return (replay_folder(path));
	return (replay_file(path, (size_t)st.st_size));
}

int
main(int argc, char **argv)
{
	int i, rc = 0;

	for (i = 1; i < argc; i++)
		if (replay(argv[i]) == -1)
			rc = 1;
	if (replayed == 0) {
		fprintf(stderr, "%s: nothing to replay\n", argv[0]);
		return (1);
	}
	printf("%s: %zu inputs\n", argv[0], replayed);
	return (rc);
}
