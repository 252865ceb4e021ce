#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/io.h"
#include "formats/mtree.h"
#include "formats/tarin.h"
#include "tests/unit/unit.h"

/*
 * Archives that GNU tar makes of real files, held against the files
 * themselves (lstat, getxattr, SEEK_HOLE) and against libarchive reading the
 * same bytes; and archives that nobody should make.
 */
#define TAR "tar --create --format=posix --sparse --xattrs " \
	"--xattrs-include='*' --no-recursion --hard-dereference --null " \
	"--files-from=- --file=all.tar"

typedef void member_fn(const struct tarin *t, const uint8_t *data,
    void *arg);

/* All members of an archive in memory: how many, or -1. */
static int
parse(const struct buf *b, member_fn *each, void *arg, struct err *e)
{
	const uint8_t *p = b->data, *end = p + b->len;
	struct tarin t;
	enum tarin_next next;
	size_t padded;
	int n = 0, rc = 0;

	tarin_init(&t);
	for (;;) {
		assert_true((size_t)(end - p) >= USTAR_BLOCK);
		next = tarin_block(&t, p, e);
		p += USTAR_BLOCK;
		if (next == TARIN_END || next == TARIN_BAD)
			break;
		padded = USTAR_PADDED((size_t)t.stored);
		assert_true((size_t)(end - p) >= padded);
		if (next == TARIN_EXTENDED) {
			if ((rc = tarin_extended(&t, p, (size_t)t.stored,
			    e)) == -1)
				break;
			p += padded;
			continue;
		}
		while (t.sparse && (rc = tarin_map(&t, p, e)) != -1) {
			p += USTAR_BLOCK;
			padded -= USTAR_BLOCK;
			if (rc == 0)
				break;
		}
		if (rc == -1)
			break;
		if (each != NULL)
			each(&t, p, arg);
		p += padded;
		n++;
	}
	tarin_fini(&t);
	return (next == TARIN_BAD || rc == -1 ? -1 : n);
}

/* ------------------------------------------------- against the files */

static mode_t
type_of(char c)
{
	static const char types[] = "0123456";
	static const mode_t modes[] = { S_IFREG, 0, S_IFLNK, S_IFCHR,
	    S_IFBLK, S_IFDIR, S_IFIFO };
	const char *at = strchr(types, c);

	assert_non_null(at);
	return (modes[at - types]);
}

static const struct tarin_segment *
segment(const struct tarin *t, size_t i)
{
	const void *segments = t->segments.data;

	return ((const struct tarin_segment *)segments + i);
}

/* Pieces of data are those that lseek finds. */
static void
check_map(const struct tarin *t, int fd)
{
	size_t i, n = t->segments.len / sizeof(struct tarin_segment);
	off_t data = 0, hole = 0, size = (off_t)t->size;

	for (i = 0; i < n; i++) {
		if (segment(t, i)->len == 0)
			continue;
		data = lseek(fd, hole, SEEK_DATA);
		hole = lseek(fd, data, SEEK_HOLE);
		assert_int_equal(segment(t, i)->off, data);
		assert_int_equal(segment(t, i)->len, hole - data);
	}
	if (hole < size)
		assert_int_equal(lseek(fd, hole, SEEK_DATA), -1);
}

static void
check_bytes(const struct tarin *t, const uint8_t *data, int fd)
{
	struct tarin_segment whole = { 0, t->size };
	const struct tarin_segment *seg = &whole;
	size_t i, n = 1;
	uint8_t *p;

	if (t->sparse)
		n = t->segments.len / sizeof(*seg);
	for (i = 0; i < n; i++) {
		if (t->sparse)
			seg = segment(t, i);
		p = malloc((size_t)seg->len + 1);
		assert_int_equal(io_pread(fd, p, (size_t)seg->len,
		    (off_t)seg->off), seg->len);
		assert_memory_equal(p, data, seg->len);
		data += seg->len;
		free(p);
	}
}

static int
compare_names(const void *a, const void *b)
{
	return (strcmp(*(const char *const *)a, *(const char *const *)b));
}

/* The attributes as the kernel gives them, as the catalog has them. */
static void
xattrs_of(const char *path, struct buf *out)
{
	static char list[65536], value[65536];
	const char *names[256] = { NULL };
	ssize_t len = llistxattr(path, list, sizeof(list)), n;
	size_t i, count = 0;
	const char *p;

	for (p = list; p < list + len; p += strlen(p) + 1)
		names[count++] = p;
	qsort(names, count, sizeof(names[0]), compare_names);
	for (i = 0; i < count; i++) {
		n = lgetxattr(path, names[i], value, sizeof(value));
		assert_true(n >= 0);
		mtree_encode_xattr(out, names[i], value, (size_t)n);
	}
}

static void
check_xattrs(const struct tarin *t, const char *path)
{
	struct buf want = BUF_INIT, got = BUF_INIT;
	struct err e = { 0 };

	assert_int_equal(tarin_encode_xattrs(&got, t, &e), 0);
	xattrs_of(path, &want);
	assert_string_equal(buf_cstr(&got), buf_cstr(&want));
	buf_fini(&want);
	buf_fini(&got);
}

static void
check_content(const struct tarin *t, const char *path, const uint8_t *data)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd != -1);
	if (t->sparse)
		check_map(t, fd);
	check_bytes(t, data, fd);
	close(fd);
}

static void
check_file(const struct tarin *t, const uint8_t *data, void *arg)
{
	char path[70000], target[8192];
	struct stat st;
	ssize_t n;

	(void)arg;
	snprintf(path, sizeof(path), "%s", (const char *)t->name.data);
	n = (ssize_t)strlen(path);
	if (t->type == '5' && path[n - 1] == '/')
		path[n - 1] = '\0';
	if (lstat(path, &st) == -1)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(type_of(t->type), st.st_mode & S_IFMT);
	if (t->type != '2')
		assert_int_equal(t->mode, st.st_mode & 07777);
	assert_int_equal(t->uid, st.st_uid);
	assert_int_equal(t->gid, st.st_gid);
	assert_true(t->mtime == st.st_mtim.tv_sec);
	assert_int_equal(t->mtime_ns, st.st_mtim.tv_nsec);
	assert_int_equal(t->has_ctime, 1);
	assert_true(t->ctime == st.st_ctim.tv_sec);
	assert_int_equal(t->ctime_ns, st.st_ctim.tv_nsec);
	if (t->type == '3' || t->type == '4') {
		assert_int_equal(t->major, major(st.st_rdev));
		assert_int_equal(t->minor, minor(st.st_rdev));
	}
	if (t->type == '2') {
		n = readlink(path, target, sizeof(target) - 1);
		assert_int_equal(t->link.len, n);
		assert_memory_equal(t->link.data, target, n);
	}
	check_xattrs(t, path);
	if (t->type == '0') {
		assert_true(t->size == (uint64_t)st.st_size);
		check_content(t, path, data);
	}
}

/* Archive what a script makes in a new folder, and hold it against that. */
static void
check_tree(const char *script, struct buf *archive)
{
	const char *dir = scratch_begin();
	char *cmd = malloc(strlen(script) + 600);
	struct err e = { 0 };
	char cwd[4096], entries[64];
	FILE *f;
	int n, count = 0;

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(dir), 0);
	sprintf(cmd, "(set -e; mkdir t; cd t; %s) && find t -print0 "
	    ">names && LC_ALL=C " TAR " <names && "
	    "tr -dc '\\0' <names | wc -c >count", script);
	assert_int_equal(shell(cmd), 0);
	f = fopen("count", "r");
	assert_non_null(fgets(entries, sizeof(entries), f));
	fclose(f);
	count = atoi(entries);
	assert_int_equal(io_load(AT_FDCWD, "all.tar", (size_t)1 << 30,
	    archive, &e), 0);
	n = parse(archive, check_file, NULL, &e);
	if (n == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(n, count);
	assert_int_equal(chdir(cwd), 0);
	scratch_end(dir);
	free(cmd);
}

static void
check_script(const char *script)
{
	struct buf archive = BUF_INIT;

	check_tree(script, &archive);
	buf_fini(&archive);
}

static void
test_names(void **state)
{
	(void)state;
	check_script("n=$(printf %0200d 1); mkdir -p $n/$n/$n; "
	    "echo x >$n/$n/$n/$n; ln -s $n$n$n$n$n $n/link; "
	    "echo y >\"$(printf 'new\\nline')\"; "
	    "echo z >\"$(printf 'caf\\303\\251')\"; "
	    "echo w >\"$(printf 'caf\\351\\377')\"; echo v >'a=b'; "
	    "mkdir -p \"$n/$(printf 'd\\n\\351')\"; : >./-x; : >' '; "
	    "ln -s \"$(printf 'to\\nline\\351')\" l; mkfifo f; "
	    "echo h >h1; ln h1 h2; "
	    "for i in 1 2 3 4 5 6; do "
	    "mkdir -p $(printf %0$((98 + i))d $i)/x; "
	    ": >$(printf %0$((96 + i))d $i | tr 0 n); done");
}

static void
test_times(void **state)
{
	(void)state;
	check_script("for t in -1 0 1 -1.5 -0.000000001 -1000000000.999999999 "
	    "4294967295.1 4294967296 8589934591.5 8589934592.000000001 "
	    "10000000000.123456789 0.1 1e0; do "
	    ": >at$t; touch -d \"@$t\" at$t 2>/dev/null || :; done; "
	    "ln -s x l; touch -h -d '1960-01-01 00:00:00.5' l; "
	    "mkdir d; touch -d '2399-01-01 00:00:00.000000009' d");
}

static void
test_holes(void **state)
{
	(void)state;
	check_script("truncate -s 3M all; truncate -s 1 one; "
	    "truncate -s 4M start; printf x | dd of=start bs=1M seek=3 "
	    "conv=notrunc status=none; truncate -s 1M end; printf y | "
	    "dd of=end conv=notrunc status=none; truncate -s 2000003 odd; "
	    "printf z | dd of=odd bs=64K seek=7 conv=notrunc status=none; "
	    "echo dense >dense; : >empty; head -c 100000 /dev/zero >zeros; "
	    "n=\"$(printf 'sp\\narse\\351%0150d' 1)\"; truncate -s 1M \"$n\"; "
	    "printf q | dd of=\"$n\" bs=64K seek=3 conv=notrunc status=none");
}

static void
test_huge(void **state)
{
	(void)state;
	check_script("truncate -s 9000000123 huge; printf a | dd of=huge "
	    "conv=notrunc status=none; printf b | dd of=huge bs=1M "
	    "seek=8000 conv=notrunc status=none; printf c | dd of=huge "
	    "bs=1 seek=9000000122 conv=notrunc status=none");
}

static void
count_segments(const struct tarin *t, const uint8_t *data, void *arg)
{
	(void)data;
	if (t->sparse)
		*(size_t *)arg = t->segments.len /
		    sizeof(struct tarin_segment);
}

static void
test_many_segments(void **state)
{
	struct buf archive = BUF_INIT;
	struct err e = { 0 };
	size_t n = 0;

	(void)state;
	check_tree("perl -e 'open(F, \">\", \"many\"); for (0 .. 4999) { "
	    "sysseek(F, $_ * 16384, 0); syswrite(F, chr($_ & 255) x 4096) } "
	    "truncate(F, 5000 * 16384)'", &archive);
	assert_true(parse(&archive, count_segments, &n, &e) > 0);
	assert_true(n >= 5000);
	buf_fini(&archive);
}

static void
test_attributes(void **state)
{
	(void)state;
	need("setfattr");
	if (shell("cd ${TMPDIR:-/tmp} && : >xv-$$ && setfattr -n user.a "
	    "-v b xv-$$; rc=$?; rm xv-$$; exit $rc") != 0)
		skip();
	check_script("echo x >f; setfattr -n user.b -v plain f; "
	    "setfattr -n user.a f; setfattr -n user.nul -v 0x00010a0d003d25 "
	    "f; setfattr -n 'user.a=b%c=%3D%25' -v v f; "
	    "setfattr -n \"$(printf 'user.new\\nline')\" -v w f; "
	    "setfattr -n user.long -v $(printf %01500d 3) f; "
	    "mkdir d; setfattr -n user.d -v dir d; "
	    "setfacl -m u:12:rwx,g:34:r d f; setfacl -d -m u:12:rx d; "
	    "truncate -s 1M s; setfattr -n user.s -v sparse s; "
	    "echo after >plain");
}

static void
test_owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	check_script("echo x >a; chown 3000000001:4294967290 a; "
	    "echo y >b; chown 2097151:2097152 b; chmod 6755 b; "
	    "mkdir d; chown 2097153:0 d; chmod 3777 d; ln -s x l; "
	    "chown -h 70000:70001 l; cp /bin/true c; "
	    "setcap cap_net_raw+ep c 2>/dev/null || :; "
	    "setfattr -n trusted.t -v x a 2>/dev/null || :; "
	    "mknod n c 1 3 && mknod big c 259 70000 && mknod k b 7 99 && "
	    "chmod 0 k || rm -f n big k");
}

/* ---------------------------------------------- against libarchive */

static void
check_against(const struct tarin *t, const uint8_t *data, void *arg)
{
	struct archive *a = arg;
	struct archive_entry *ent;
	const char *name;

	(void)data;
	assert_true(archive_read_next_header(a, &ent) >= ARCHIVE_WARN);
	name = archive_entry_pathname(ent);
	if (name != NULL)
		assert_string_equal(name, (const char *)t->name.data);
	assert_true(archive_entry_size(ent) == (int64_t)t->size);
	assert_true(archive_entry_mtime(ent) == t->mtime);
	assert_int_equal(archive_entry_mtime_nsec(ent), t->mtime_ns);
	assert_int_equal(archive_entry_uid(ent), t->uid);
	assert_int_equal(archive_entry_gid(ent), t->gid);
	assert_int_equal(archive_entry_perm(ent), t->mode);
	assert_int_equal(archive_entry_filetype(ent), type_of(t->type));
	assert_int_equal(archive_read_data_skip(a), ARCHIVE_OK);
}

static void
test_libarchive(void **state)
{
	struct archive *a = archive_read_new();
	struct archive_entry *ent;
	struct buf archive = BUF_INIT;
	struct err e = { 0 };

	(void)state;
	setlocale(LC_ALL, "C.UTF-8");
	check_tree("n=$(printf %0150d 1); mkdir -p $n/$n; echo x >$n/$n/y; "
	    "ln -s $n$n $n/l; echo z >\"$(printf 'caf\\303\\251')\"; "
	    "touch -d @-1 neg; touch -d @10000000000.5 late; mkfifo p; "
	    "truncate -s 9000000000 big; printf x | dd of=big bs=1M "
	    "seek=100 conv=notrunc status=none; chmod 4711 neg; "
	    "chown 3000000000:3000000001 late 2>/dev/null || :", &archive);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, archive.data,
	    archive.len), ARCHIVE_OK);
	assert_true(parse(&archive, check_against, a, &e) > 5);
	assert_int_equal(archive_read_next_header(a, &ent), ARCHIVE_EOF);
	archive_read_free(a);
	buf_fini(&archive);
	setlocale(LC_ALL, "C");
}

/* ------------------------------------------------ what is malformed */

static void
seal(uint8_t h[USTAR_BLOCK])
{
	unsigned sum = 0;
	size_t i;

	memset(h + 148, ' ', 8);
	for (i = 0; i < USTAR_BLOCK; i++)
		sum += h[i];
	snprintf((char *)h + 148, 7, "%06o", sum);
}

static void
make_header(uint8_t h[USTAR_BLOCK], char type, size_t size)
{
	memset(h, 0, USTAR_BLOCK);
	memcpy(h, "./name", 6);
	memcpy(h + 100, "0000644\0" "0000001\0" "0000002\0", 24);
	snprintf((char *)h + 124, 12, "%011zo", size);
	memcpy(h + 136, "00000000007", 11);
	h[156] = (uint8_t)type;
	memcpy(h + 257, "ustar\00000", 8);
	seal(h);
}

static void
add_record(struct buf *b, const char *key, const char *value)
{
	size_t len = strlen(key) + strlen(value) + 3, n = len;
	char digits[24];

	while (n != len + (size_t)snprintf(digits, sizeof(digits), "%zu", n))
		n++;
	buf_printf(b, "%zu %s=%s\n", n, key, value);
}

static void
refuse_block(const uint8_t h[USTAR_BLOCK])
{
	struct tarin t;
	struct err e = { 0 };
	int rc;

	tarin_init(&t);
	rc = tarin_block(&t, h, &e);
	check_failed(rc, &e, ERR_DAMAGED);
	tarin_fini(&t);
}

static void
test_bad_headers(void **state)
{
	static const struct {
		size_t off;
		const char *bytes;
	} bad[] = {
		{ 257, "nothing" }, { 156, "S" }, { 156, "L" }, { 156, "9" },
		{ 100, "0000a44" }, { 108, "\xff\xff\xff\xff\xff\xff\xff\xff" },
		{ 124, "99999999999" }, { 136, "0000000000x" },
		{ 124, "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" },
		{ 108, "77777777" "77777777" },
	};
	uint8_t h[USTAR_BLOCK];
	struct tarin t;
	struct err e = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		make_header(h, '0', 0);
		memcpy(h + bad[i].off, bad[i].bytes, strlen(bad[i].bytes));
		if (bad[i].off != 257)
			seal(h);
		if (i == COUNT(bad) - 1)
			continue;	/* octal without an end is fine */
		refuse_block(h);
	}
	for (i = 0; i < USTAR_BLOCK; i++) {
		make_header(h, '0', 0);
		h[i] ^= 0x55;
		if (i < 148 || i >= 156)
			refuse_block(h);
	}
	make_header(h, 'x', TARIN_EXTENDED_MAX + 1);
	refuse_block(h);
	memset(h, 0, sizeof(h));
	tarin_init(&t);
	assert_int_equal(tarin_block(&t, h, &e), TARIN_END);
	tarin_fini(&t);
}

static int
extend(struct tarin *t, const char *text, size_t len, struct err *e)
{
	uint8_t h[USTAR_BLOCK];

	make_header(h, 'x', len);
	assert_int_equal(tarin_block(t, h, e), TARIN_EXTENDED);
	return (tarin_extended(t, text, len, e));
}

static void
refuse_extended(const char *text, size_t len)
{
	char *p = malloc(len > 0 ? len : 1);
	struct tarin t;
	struct err e = { 0 };

	memcpy(p, text, len);
	tarin_init(&t);
	check_failed(extend(&t, p, len, &e), &e, ERR_DAMAGED);
	tarin_fini(&t);
	free(p);
}

static void
test_bad_extended(void **state)
{
	static const char *const texts[] = {
		"x", "5", "9 path=x", "9 path=xy\n", "7 path=x\n", "0 a=b\n",
		"99999999999999999999 a=b\n", "8 noeq\n\n", "-6 a=b\n",
		" 6 a=b\n", "6 a=b\n6 a=b", "3 \n",
	};
	static const char *const values[][2] = {
		{ "size", "-1" }, { "size", "1x" }, { "size", "" },
		{ "size", "18446744073709551616" }, { "uid", "4294967296" },
		{ "gid", "x" }, { "mtime", "" }, { "mtime", "1.5.2" },
		{ "mtime", "9223372036854775808" }, { "mtime", "--1" },
		{ "ctime", "1e5" }, { "GNU.sparse.major", "0" },
		{ "GNU.sparse.minor", "1" }, { "GNU.sparse.realsize", "x" },
		{ "GNU.sparse.map", "0,1" }, { "GNU.sparse.numblocks", "1" },
	};
	struct buf b = BUF_INIT;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(texts); i++)
		refuse_extended(texts[i], strlen(texts[i]));
	for (i = 0; i < COUNT(values); i++) {
		buf_clear(&b);
		add_record(&b, values[i][0], values[i][1]);
		refuse_extended(buf_cstr(&b), b.len);
	}
	refuse_extended("8 path=\0\n\n", 10);
	refuse_extended("10 path=\0\n", 10);
	buf_fini(&b);
}

/* What one extended header says must not reach the member after next. */
static void
test_forgotten(void **state)
{
	uint8_t h[USTAR_BLOCK];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tarin t;

	(void)state;
	tarin_init(&t);
	add_record(&b, "path", "long");
	add_record(&b, "size", "5");
	add_record(&b, "mtime", "-1.25");
	add_record(&b, "ctime", "3");
	add_record(&b, "uid", "9");
	add_record(&b, "SCHILY.xattr.user.a", "v");
	assert_int_equal(extend(&t, buf_cstr(&b), b.len, &e), 0);
	make_header(h, '0', 1);
	assert_int_equal(tarin_block(&t, h, &e), TARIN_MEMBER);
	assert_string_equal((const char *)t.name.data, "long");
	assert_true(t.size == 5 && t.stored == 5 && t.uid == 9);
	assert_true(t.mtime == -2 && t.mtime_ns == 750000000);
	assert_true(t.has_ctime && t.ctime == 3 && t.nxattrs == 1);
	assert_int_equal(tarin_block(&t, h, &e), TARIN_MEMBER);
	assert_string_equal((const char *)t.name.data, "./name");
	assert_true(t.size == 1 && t.uid == 1 && t.gid == 2);
	assert_true(t.mtime == 7 && t.mtime_ns == 0);
	assert_true(!t.has_ctime && t.nxattrs == 0);
	/* a global header changes nothing */
	make_header(h, 'g', b.len);
	assert_int_equal(tarin_block(&t, h, &e), TARIN_EXTENDED);
	assert_int_equal(tarin_extended(&t, b.data, b.len, &e), 0);
	make_header(h, '5', 0);
	assert_int_equal(tarin_block(&t, h, &e), TARIN_MEMBER);
	assert_string_equal((const char *)t.name.data, "./name");
	assert_int_equal(t.nxattrs, 0);
	tarin_fini(&t);
	buf_fini(&b);
}

/* A sparse file of real size 100 with that map and so many bytes behind. */
static int
give_map(const char *map, size_t contents, struct err *e)
{
	uint8_t h[USTAR_BLOCK], block[2 * USTAR_BLOCK] = { 0 };
	size_t len = strlen(map), at = 0;
	struct buf b = BUF_INIT;
	struct tarin t;
	int rc = 1;

	tarin_init(&t);
	add_record(&b, "GNU.sparse.major", "1");
	add_record(&b, "GNU.sparse.minor", "0");
	add_record(&b, "GNU.sparse.name", "sparse");
	add_record(&b, "GNU.sparse.realsize", "100");
	assert_int_equal(extend(&t, buf_cstr(&b), b.len, e), 0);
	make_header(h, '0', USTAR_PADDED(len) + contents);
	assert_int_equal(tarin_block(&t, h, e), TARIN_MEMBER);
	assert_string_equal((const char *)t.name.data, "sparse");
	assert_true(t.sparse && t.size == 100);
	memcpy(block, map, len);
	for (; rc == 1; at += USTAR_BLOCK)
		rc = tarin_map(&t, block + at % sizeof(block), e);
	if (rc == 0)
		assert_int_equal(t.stored, contents);
	tarin_fini(&t);
	buf_fini(&b);
	return (rc);
}

static void
test_bad_maps(void **state)
{
	static const char *const maps[] = {
		"2\n0\n10\n5\n5\n",		/* not in order */
		"1\n95\n6\n",			/* beyond the end */
		"1\n101\n0\n",
		"1\n9223372036854775807\n9223372036854775807\n",
		"1\n0\n9\n",			/* sum is another */
		"1\n0\n11\n",
		"x\n", "\n", "1\n-1\n5\n", "1\n 0\n10\n", "1 0 10",
		"1048577\n0\n10\n", "99999999999999999999\n0\n10\n",
		"3\n0\n10\n",			/* has no end */
		"", "1\n0\n10",
	};
	struct err e = { 0 };
	size_t i;
	int rc;

	(void)state;
	assert_int_equal(give_map("1\n0\n10\n", 10, &e), 0);
	assert_int_equal(give_map("3\n0\n4\n50\n6\n100\n0\n", 10, &e), 0);
	assert_int_equal(give_map("0\n", 0, &e), 0);
	for (i = 0; i < COUNT(maps); i++) {
		rc = give_map(maps[i], 10, &e);
		if (rc != -1)
			fail_msg("accepted: %s", maps[i]);
		check_failed(rc, &e, ERR_DAMAGED);
	}
}

static void
test_bad_sparse(void **state)
{
	uint8_t h[USTAR_BLOCK];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tarin t;

	(void)state;
	tarin_init(&t);
	add_record(&b, "GNU.sparse.major", "1");
	assert_int_equal(extend(&t, buf_cstr(&b), b.len, &e), 0);
	make_header(h, '0', 512);
	check_failed(tarin_block(&t, h, &e), &e, ERR_DAMAGED);
	tarin_fini(&t);
	buf_fini(&b);
}

/* Times of either sign and any number of digits. */
static void
test_time_texts(void **state)
{
	static const struct {
		const char *text;
		int64_t sec;
		uint32_t ns;
	} times[] = {
		{ "0", 0, 0 }, { "1.", 1, 0 }, { "-1", -1, 0 },
		{ "-0.5", -1, 500000000 }, { "-1.000000001", -2, 999999999 },
		{ "1.1234567899", 1, 123456789 }, { "1.000000000", 1, 0 },
		{ "9223372036854775806", INT64_MAX - 1, 0 },
		{ "-9223372036854775806.9", -INT64_MAX, 100000000 },
	};
	uint8_t h[USTAR_BLOCK];
	struct buf b = BUF_INIT;
	struct err e = { 0 };
	struct tarin t;
	size_t i;

	(void)state;
	tarin_init(&t);
	make_header(h, '0', 0);
	for (i = 0; i < COUNT(times); i++) {
		buf_clear(&b);
		add_record(&b, "mtime", times[i].text);
		assert_int_equal(extend(&t, buf_cstr(&b), b.len, &e), 0);
		assert_int_equal(tarin_block(&t, h, &e), TARIN_MEMBER);
		assert_true(t.mtime == times[i].sec);
		assert_int_equal(t.mtime_ns, times[i].ns);
	}
	tarin_fini(&t);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_many_segments),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_libarchive),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_bad_extended),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_bad_maps),
		cmocka_unit_test(test_bad_sparse),
		cmocka_unit_test(test_time_texts),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
