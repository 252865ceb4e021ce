/*
 * files: make, alter and read the many small files of a benchmark corpus.
 *
 *	files slice SOURCE TARGET COUNT MIN MAX
 *	files plan TREE PERMILLE
 *	files alter TREE < LIST
 *	files warm DIR...
 *
 * slice fills TARGET with COUNT files of MIN to MAX bytes cut out of the files
 * below SOURCE, so that they compress as real text, scripts and ELF code do:
 * neighbours in TARGET were neighbours in SOURCE.  Where SOURCE holds less
 * than is needed it is passed over again with other cuts, so contents do not
 * repeat more than they do in SOURCE.
 *
 * plan prints, each ended by a NUL, the names of PERMILLE regular files in a
 * thousand, scattered evenly over TREE.  alter takes such a list and
 * overwrites a stretch of each file where it lies (at most a quarter of it
 * and 4 KiB), makes every tenth longer by as much, and sets the mtime to now.
 *
 * warm reads all files below the directories, again and again (4 times at the
 * most) until a pass finds nearly all in the page cache.
 *
 * All choices come from fixed seeds: the same input gives the same output.
 */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILES_A_DIR	100		/* in a leaf directory of TARGET */
#define DIRS_A_DIR	50		/* leaf directories side by side */
#define STRETCH_MAX	4096		/* bytes that alter overwrites */
#define READERS		8		/* processes of warm */
#define PASSES_MAX	4		/* of warm */
#define SLICE_LIMIT	(1 << 20)	/* bytes, the largest MAX */
#define SHARE_A_PASS	(1 << 15)	/* bytes taken of a source file */

struct file {
	char *path;
	off_t size;
};

struct list {
	struct file *files;
	size_t n;
	size_t room;
};

/* Where slice reads: a segment of neighbouring source files at a time. */
struct source {
	struct list list;
	size_t *order;		/* segments, shuffled anew for each pass */
	size_t nsegments;
	size_t segment;		/* position in order[] */
	size_t next;		/* file to open next */
	size_t end;		/* first file after the segment */
	unsigned pass;
	int fd;
	off_t off;
	off_t end_off;
	const char *name;	/* base name of the open file */
};

static struct list found;	/* nftw(3) passes no argument on */
static uint64_t seed;

/* splitmix64 */
static uint64_t
rnd(void)
{
	uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* Even in [0, 1). */
static double
rnd_unit(void)
{
	return (double)(rnd() >> 11) / 9007199254740992.0;
}

static void *
grow(void *p, size_t n, size_t each)
{
	void *q = reallocarray(p, n, each);

	if (q == NULL)
		err(1, "out of memory");
	return q;
}

static int
note_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct file *f;

	(void)ftw;
	if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0)
		return 0;
	if (found.n == found.room) {
		found.room = found.room == 0 ? 4096 : found.room * 2;
		found.files = grow(found.files, found.room,
		    sizeof(*found.files));
	}
	f = &found.files[found.n++];
	f->path = strdup(path);
	if (f->path == NULL)
		err(1, "out of memory");
	f->size = st->st_size;
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->path,
	    ((const struct file *)b)->path);
}

/* The regular files below dir that are not empty, sorted by path. */
static struct list
list_files(const char *dir)
{
	struct list l;

	memset(&found, 0, sizeof(found));
	if (nftw(dir, note_file, 64, FTW_PHYS) != 0)
		err(1, "%s", dir);
	l = found;
	if (l.n == 0)
		errx(1, "%s: no files below it", dir);
	qsort(l.files, l.n, sizeof(*l.files), by_path);
	return l;
}

static void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->files[i].path);
	free(l->files);
	memset(l, 0, sizeof(*l));
}

/* Packed already: cut up, it would be noise and not what small files hold. */
static int
is_packed(const char *path)
{
	static const char *const ends[] = {".gz", ".xz", ".bz2", ".zst",
	    ".deb", ".rpm", ".sfs", ".squashfs", ".png", ".jpg", ".iso"};
	const char *dot = strrchr(path, '.');

	if (dot == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (strcmp(dot, ends[i]) == 0)
			return 1;
	}
	return 0;
}

/* Shuffle the segments and go to the first of them. */
static void
source_rewind(struct source *s)
{
	for (size_t i = s->nsegments; i > 1; i--) {
		size_t j = rnd() % i;
		size_t t = s->order[i - 1];

		s->order[i - 1] = s->order[j];
		s->order[j] = t;
	}
	s->segment = 0;
	s->next = s->end = 0;
}

static void
source_open(struct source *s, const char *dir, size_t min)
{
	size_t kept = 0;

	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->list = list_files(dir);
	for (size_t i = 0; i < s->list.n; i++) {
		struct file f = s->list.files[i];

		if (f.size < (off_t)min || is_packed(f.path))
			free(f.path);
		else
			s->list.files[kept++] = f;
	}
	s->list.n = kept;
	if (kept == 0)
		errx(1, "%s: nothing to cut from", dir);
	s->nsegments = (kept + FILES_A_DIR - 1) / FILES_A_DIR;
	s->order = grow(NULL, s->nsegments, sizeof(*s->order));
	for (size_t i = 0; i < s->nsegments; i++)
		s->order[i] = i;
	source_rewind(s);
}

static void
source_close(struct source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	free(s->order);
	list_free(&s->list);
}

/* Open the next source file; each holds min bytes at least. */
static void
source_next(struct source *s, size_t min)
{
	const struct file *f;
	off_t start;

	if (s->fd >= 0)
		close(s->fd);
	if (s->next == s->end) {
		if (s->segment == s->nsegments) {
			s->pass++;
			source_rewind(s);
		}
		s->next = s->order[s->segment++] * FILES_A_DIR;
		s->end = s->next + FILES_A_DIR;
		if (s->end > s->list.n)
			s->end = s->list.n;
	}
	f = &s->list.files[s->next++];
	s->fd = open(f->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (s->fd < 0)
		err(1, "%s", f->path);
	s->name = strrchr(f->path, '/') + 1;
	/*
	 * A share of each file, so that a few large binaries do not outweigh
	 * the many small texts; later passes take what follows, or begin at
	 * another byte, so that few slices come twice.
	 */
	start = (off_t)s->pass * SHARE_A_PASS;
	if (start + (off_t)min > f->size) {
		start = f->size - (off_t)min;
		start = (off_t)(rnd() %
		    (uint64_t)(start < 1024 ? start + 1 : 1024));
	}
	s->off = start;
	s->end_off = f->size;
	if (s->end_off - start > SHARE_A_PASS)
		s->end_off = start + SHARE_A_PASS;
}

/* Read a slice of len bytes, or what is left of a file when that is >= min. */
static size_t
source_read(struct source *s, char *buf, size_t len, size_t min)
{
	ssize_t n;

	while (s->fd < 0 || s->end_off - s->off < (off_t)min)
		source_next(s, min);
	if (len > (size_t)(s->end_off - s->off))
		len = (size_t)(s->end_off - s->off);
	n = pread(s->fd, buf, len, s->off);
	if (n <= 0)
		err(1, "%s: read", s->name);
	s->off += n;
	return (size_t)n;
}

static void
write_file(int dirfd, const char *name, const char *buf, size_t len)
{
	struct timespec ts[2];
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0644);

	if (fd < 0 || write(fd, buf, len) != (ssize_t)len)
		err(1, "%s", name);
	/* Some time in the last years, not all in this minute. */
	ts[0].tv_sec = 1600000000 + (time_t)(rnd() % 80000000);
	ts[0].tv_nsec = (long)(rnd() % 1000000000);
	ts[1] = ts[0];
	if (futimens(fd, ts) < 0 || close(fd) < 0)
		err(1, "%s", name);
}

/* TARGET/DD/DDD, made as needed; returns its descriptor. */
static int
leaf_dir(const char *target, size_t leaf)
{
	char path[4096];
	int fd, n;

	n = snprintf(path, sizeof(path), "%s/%02zu", target, leaf / DIRS_A_DIR);
	if (n < 0 || (size_t)n + 8 > sizeof(path))
		errx(1, "%s: name too long", target);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		err(1, "%s", path);
	snprintf(path + n, sizeof(path) - (size_t)n, "/%03zu", leaf % 1000);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		err(1, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static size_t
parse_number(const char *s)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0' || n == 0 || n > 100000000)
		errx(1, "%s: not a number that fits here", s);
	return n;
}

static int
cmd_slice(char **argv)
{
	static char buf[SLICE_LIMIT];
	size_t count = parse_number(argv[2]);
	size_t min = parse_number(argv[3]);
	size_t max = parse_number(argv[4]);
	struct source s;
	char name[80];
	int dirfd = -1;

	if (min > max || max > SLICE_LIMIT)
		errx(1, "MIN must not be above MAX, nor MAX above %d",
		    SLICE_LIMIT);
	seed = 1;
	source_open(&s, argv[0], min);
	for (size_t i = 0; i < count; i++) {
		double u = rnd_unit();
		size_t len = min +
		    (size_t)((double)(max - min) * (u * u + u) / 2);

		if (i % FILES_A_DIR == 0) {
			if (dirfd >= 0)
				close(dirfd);
			dirfd = leaf_dir(argv[1], i / FILES_A_DIR);
		}
		len = source_read(&s, buf, len, min);
		snprintf(name, sizeof(name), "%07zu-%.40s", i, s.name);
		write_file(dirfd, name, buf, len);
	}
	close(dirfd);
	source_close(&s);
	return 0;
}

static int
cmd_plan(char **argv)
{
	size_t permille = parse_number(argv[1]), every;
	struct list l;
	size_t skip;

	if (permille > 1000 || chdir(argv[0]) < 0)
		err(1, "%s", argv[0]);
	seed = 2;
	every = 1000 / permille;
	l = list_files(".");
	for (size_t i = 0; i < l.n; i += every) {
		skip = rnd() % every;
		if (i + skip < l.n)
			printf("%s%c", l.files[i + skip].path, '\0');
	}
	list_free(&l);
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Text that compresses about as configuration and source files do. */
static void
fill_text(char *buf, size_t len)
{
	static const char *const words[] = {"node", "rack", "eth0=", "10.0.",
	    "if (", "return ", "install", "\n\t", "0x", "name=\"", "\n", "for ",
	    "group", "static ", " = ", "compute"};
	size_t n = 0;

	while (n < len) {
		uint64_t r = rnd();
		char word[32];
		int w = snprintf(word, sizeof(word), "%s%x ", words[r & 15],
		    (unsigned)(r >> 32) & 0xfff);

		for (int i = 0; i < w && n < len; i++)
			buf[n++] = word[i];
	}
}

static void
alter_file(const char *path, int longer)
{
	char buf[STRETCH_MAX];
	struct timespec ts[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_nsec = UTIME_NOW}};
	struct stat st;
	size_t len;
	off_t off;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	len = (size_t)(st.st_size / 4) + 1;
	if (len > sizeof(buf))
		len = sizeof(buf);
	fill_text(buf, len);
	off = (off_t)(rnd() % (uint64_t)(st.st_size - (off_t)len + 1));
	if (pwrite(fd, buf, len, off) != (ssize_t)len)
		err(1, "%s", path);
	if (longer && pwrite(fd, buf, len, st.st_size) != (ssize_t)len)
		err(1, "%s", path);
	if (futimens(fd, ts) < 0 || close(fd) < 0)
		err(1, "%s", path);
}

static int
cmd_alter(char **argv)
{
	char *path = NULL;
	size_t room = 0, n = 0;

	if (chdir(argv[0]) < 0)
		err(1, "%s", argv[0]);
	seed = 3;
	while (getdelim(&path, &room, '\0', stdin) > 0)
		alter_file(path, n++ % 10 == 9);
	free(path);
	if (ferror(stdin))
		err(1, "standard input");
	return 0;
}

static void
read_file(const char *path)
{
	static char buf[1 << 18];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

/* Read all files once, READERS at a time; 0, or -1 when one failed. */
static int
read_all(const struct list *l)
{
	int result = 0, st;

	for (size_t k = 0; k < READERS; k++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			for (size_t i = k; i < l->n; i += READERS)
				read_file(l->files[i].path);
			_exit(0);
		}
	}
	while (wait(&st) > 0) {
		if (st != 0)
			result = -1;
	}
	return result;
}

/* Bytes that children waited for have had from the disk. */
static long long
disk_bytes(void)
{
	struct rusage ru;

	if (getrusage(RUSAGE_CHILDREN, &ru) < 0)
		err(1, "getrusage");
	return (long long)ru.ru_inblock * 512;
}

static int
cmd_warm(const char *dir)
{
	struct list l = list_files(dir);
	long long total = 0, before, missed;
	int pass = 0, result = 0;

	for (size_t i = 0; i < l.n; i++)
		total += l.files[i].size;
	do {
		before = disk_bytes();
		result = read_all(&l);
		missed = disk_bytes() - before;
	} while (result == 0 && missed > total / 200 && ++pass < PASSES_MAX);
	list_free(&l);
	return result;
}

int
main(int argc, char **argv)
{
	if (argc == 7 && strcmp(argv[1], "slice") == 0)
		return cmd_slice(argv + 2);
	if (argc == 4 && strcmp(argv[1], "plan") == 0)
		return cmd_plan(argv + 2);
	if (argc == 3 && strcmp(argv[1], "alter") == 0)
		return cmd_alter(argv + 2);
	if (argc >= 3 && strcmp(argv[1], "warm") == 0) {
		for (int i = 2; i < argc; i++) {
			if (cmd_warm(argv[i]) < 0)
				return 1;
		}
		return 0;
	}
	errx(1, "usage: files slice SOURCE TARGET COUNT MIN MAX | "
	    "plan TREE PERMILLE | alter TREE < LIST | warm DIR...");
}
