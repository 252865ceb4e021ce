#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "imgxfer/aside.h"
#include "imgxfer/bundle.h"
#include "imgxfer/look.h"
#include "imgxfer/unpack.h"

#define HEAD_BYTES ((size_t)128 << 10)

/* Bytes that pass, counted and digested. */
struct tap {
	const struct source *from;
	struct digest *d;
	uint64_t bytes;
	int failed;		/* from did, or a signal came */
};

static ssize_t
tap_read(void *arg, void *p, size_t len, struct err *e)
{
	struct tap *t = arg;
	ssize_t n;

	n = cancel_check(e) == -1 ? -1 :
	    t->from->read(t->from->arg, p, len, e);
	if (n > 0) {
		digest_update(t->d, p, (size_t)n);
		t->bytes += (uint64_t)n;
	}
	t->failed |= n == -1;
	return (n);
}

static int
tap_init(struct tap *t, const struct source *from, struct source *out,
    struct err *e)
{
	t->from = from;
	if ((t->d = digest_new()) == NULL)
		return (err_nomem(e));
	out->name = from->name;
	out->read = tap_read;
	out->arg = t;
	return (0);
}

const char *
look_keep(struct look *l, const char *s)
{
	const char *kept = arena_copy(&l->in->arena, s, strlen(s) + 1);

	if (kept == NULL)
		l->nomem = 1;
	return (kept != NULL ? kept : "");
}

void
look_say(struct look *l, enum inspect_level level, const char *member,
    const char *fmt, ...)
{
	struct inspect_finding f = { level, NULL, NULL };
	struct buf m = BUF_INIT, clean = BUF_INIT;
	char text[2048];
	va_list ap;
	size_t n = l->findings.len / sizeof(f);

	if (!l->said || level > l->worst)
		l->worst = level;
	l->said = 1;
	/* What is bad is kept when there is no room for the rest. */
	if (n >= LOOK_FINDINGS_MAX || (level != INSPECT_BAD &&
	    n >= LOOK_FINDINGS_MAX - LOOK_FINDINGS_MAX / 4)) {
		l->in->lost++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_put_printable(&m, member, strnlen(member, 1024));
	buf_put_printable(&clean, text, strlen(text));
	f.member = look_keep(l, buf_cstr(&m));
	f.reason = look_keep(l, buf_cstr(&clean));
	buf_append(&l->findings, &f, sizeof(f));
	buf_fini(&m);
	buf_fini(&clean);
}

/*
 * A member's contents on their way through: each file's digest, and with it
 * the archive's; the manifest; the heads of what may be a kernel; root images,
 * opened in a thread of their own.
 */
struct pass {
	struct look *l;
	struct digest *d, *tar;
	int contents;		/* of a file are what is taken now */
	struct buf head;
	int wants_head, is_xml;
	struct look_image *image;
	enum rootimg_kind kind;
	uint64_t size;
	struct aside *aside;
	struct err packing;	/* what is wrong with a packed kernel */
};

static void
on_taken(void *arg, const uint8_t *data, size_t len)
{
	struct pass *p = arg;

	digest_update(p->tar, data, len);
	if (p->contents)
		digest_update(p->d, data, len);
}

static int
walk_aside(void *arg, const struct source *src, struct err *e)
{
	struct pass *p = arg;

	return (rootimg_walk(&p->image->root, p->kind, src, p->size, e));
}

/*
 * A kernel that is packed by gzip, to its end, behind which a signature may
 * lie.
 */
static int
unpack_aside(void *arg, const struct source *src, struct err *e)
{
	struct pass *p = arg;
	struct unpack *u = NULL;
	struct source plain;
	struct pull in;
	int rc = -1;

	if (pull_init(&in, src, e) == -1)
		return (-1);
	if ((u = unpack_new(&in, e)) != NULL) {
		plain = unpack_source(u);
		rc = strcmp(unpack_form(u), "gzip") == 0 ?
		    source_drain(&plain, e) : 0;
		if (rc == -1 && e->kind == ERR_DAMAGED) {
			if (!unpack_whole(u))
				p->packing = *e;
			memset(e, 0, sizeof(*e));
			rc = 0;
		}
	}
	unpack_free(u);
	pull_fini(&in);
	return (rc == 0 ? source_drain(src, e) : -1);
}

static int
begins(const char *s, const char *with)
{
	return (strncmp(s, with, strlen(with)) == 0);
}

/* The part behind "IMAGE/"; NULL when it is not at the image's top. */
static const char *
top_name(const char *name)
{
	const char *slash = strchr(name, '/');

	return (slash != NULL && slash[1] != '\0' &&
	    strchr(slash + 1, '/') == NULL ? slash + 1 : NULL);
}

/* A root image, a tree, an initrd: nothing else is one, by whatever name. */
static int
is_image(const char *name, enum rootimg_kind *kind)
{
	if (begins(name, "rootimg."))
		*kind = ROOTIMG_ROOT;
	else if (strcmp(name, "rootimgtree.gz") == 0)
		*kind = ROOTIMG_TREE;
	else if (begins(name, "initrd"))
		*kind = ROOTIMG_INITRD;
	else
		return (0);
	return (1);
}

static int
pass_begin(struct pass *p, const struct inspect_member *m, struct err *e)
{
	struct look *l = p->l;
	const char *name = top_name(m->name);
	int image = 0;

	p->wants_head = p->is_xml = 0;
	memset(&p->packing, 0, sizeof(p->packing));
	p->aside = NULL;
	buf_clear(&p->head);
	digest_reset(p->d);
	if (name == NULL)
		return (0);
	p->size = m->size;
	if (strcmp(name, "manifest.xml") == 0 && !l->has_xml)
		p->is_xml = l->has_xml = 1;
	else
		p->wants_head = !(image = is_image(name, &p->kind));
	if (strcmp(name, "kernel") == 0) {
		p->aside = aside_start(unpack_aside, p, e);
		return (p->aside == NULL ? -1 : 0);
	}
	if (!image || (l->opt != NULL && l->opt->quick))
		return (0);
	if (l->nimages == LOOK_IMAGES_MAX) {
		l->missed++;
		return (0);
	}
	p->image = &l->images[l->nimages++];
	p->image->kind = p->kind;
	p->image->member = l->members.len / sizeof(*m);
	p->aside = aside_start(walk_aside, p, e);
	return (p->aside == NULL ? -1 : 0);
}

static void
pass_write(struct pass *p, const uint8_t *data, size_t len)
{
	size_t n;

	if (p->aside != NULL)
		aside_write(p->aside, data, len);
	if (p->wants_head && p->head.len < HEAD_BYTES) {
		n = HEAD_BYTES - p->head.len;
		buf_append(&p->head, data, n < len ? n : len);
	}
	if (p->is_xml && p->l->xml.len <= IMGMANIFEST_MAX) {
		n = IMGMANIFEST_MAX + 1 - p->l->xml.len;
		buf_append(&p->l->xml, data, n < len ? n : len);
	}
}

/* The head of what is packed, as far as its own head goes. */
static size_t
unpack_head(const struct buf *head, uint8_t *to, size_t len, struct err *e)
{
	struct source_bytes b = { head->data, head->len, 0 };
	struct source src = source_bytes(&b, ""), plain;
	struct unpack *u = NULL;
	struct pull p;
	size_t got = 0;
	ssize_t n = 1;

	if (pull_init(&p, &src, e) == 0 && (u = unpack_new(&p, e)) != NULL) {
		plain = unpack_source(u);
		for (; got < len && n > 0; got += n > 0 ? (size_t)n : 0)
			n = plain.read(plain.arg, to + got, len - got, e);
	}
	unpack_free(u);
	pull_fini(&p);
	memset(e, 0, sizeof(*e));	/* that it is cut was known */
	return (got);
}

static void
judge_head(struct pass *p, uint64_t size, struct look_head *h,
    struct err *e)
{
	uint8_t *plain;
	size_t n;

	h->arch = osarch_of_kernel(p->head.data, p->head.len, &h->form);
	if (h->form == NULL || strcmp(h->form, "gzip") != 0) {
		if (size < osarch_kernel_bytes(p->head.data, p->head.len))
			h->cut = "it is cut off: its head tells of more bytes";
		return;
	}
	if ((plain = malloc(OSARCH_KERNEL_HEAD)) == NULL) {
		p->l->nomem = 1;
		return;
	}
	n = unpack_head(&p->head, plain, OSARCH_KERNEL_HEAD, e);
	h->arch = osarch_of_kernel(plain, n, &h->form);
	free(plain);
}

static int
pass_end(struct pass *p, struct inspect_member *m, struct look_head *h,
    struct err *e)
{
	int rc = 0;

	if (p->aside != NULL)
		rc = aside_end(p->aside, e);
	digest_final(p->d, m->digest);
	p->aside = NULL;
	if (rc == 0 && p->wants_head && p->head.len > 0)
		judge_head(p, m->size, h, e);
	if (p->packing.kind != ERR_NONE)
		h->cut = look_keep(p->l, p->packing.msg);
	return (rc == 0 ? buf_ok(&p->head, e) : rc);
}

/* As it is listed: without "./" before and "/" behind. */
static const char *
member_name(struct look *l, const char *name)
{
	char *kept;
	size_t n;

	while (name[0] == '.' && name[1] == '/') {
		name += 2;
		while (name[0] == '/')
			name++;
	}
	if (strcmp(name, ".") == 0)
		name = "";
	n = strlen(name);
	while (n > 1 && name[n - 1] == '/')
		n--;
	if ((kept = arena_alloc(&l->in->arena, n + 1)) == NULL) {
		l->nomem = 1;
		return ("");
	}
	memcpy(kept, name, n);
	kept[n] = '\0';
	l->names += n;
	return (kept);
}

/* tar asks for the names first, and for the numbers where there are none. */
static const char *
owner_of(struct look *l, const struct bundle_member *bm)
{
	struct buf b = BUF_INIT;
	const char *s;

	if (bm->uid == 0 && bm->gid == 0 && (bm->uname[0] == '\0' ||
	    strcmp(bm->uname, "root") == 0) && (bm->gname[0] == '\0' ||
	    strcmp(bm->gname, "root") == 0))
		return (NULL);
	buf_printf(&b, "%s(%llu):%s(%llu)", bm->uname,
	    (unsigned long long)bm->uid, bm->gname,
	    (unsigned long long)bm->gid);
	s = look_keep(l, buf_cstr(&b));
	buf_fini(&b);
	return (s);
}

/* -1: the archive or its source; then l->members has it nevertheless. */
static int
take_member(struct look *l, struct bundle *b, const struct bundle_member *bm,
    struct pass *p, struct err *e)
{
	struct inspect_member m;
	struct look_head h = { OSARCH_UNKNOWN, NULL, NULL };
	const char *link = bm->type == '1' || bm->type == '2' ?
	    look_keep(l, bm->link) : "";
	const uint8_t *data;
	struct err ignored = { 0 };
	ssize_t n = 0;

	memset(&m, 0, sizeof(m));
	m.name = member_name(l, bm->name);
	m.type = bm->type;
	m.mode = bm->mode;
	m.size = bm->size;
	m.role = bm->type == '5' ? INSPECT_DIR : INSPECT_OTHER;
	if (m.name[0] == '\0') {
		judge_mode(l, "./", m.mode);
		return (0);
	}
	m.owner = owner_of(l, bm);
	if (m.type == '0') {
		if (pass_begin(p, &m, e) == -1)
			return (-1);
		p->contents = 1;
		while ((n = bundle_data(b, &data, e)) > 0)
			pass_write(p, data, (size_t)n);
		p->contents = 0;
		if (pass_end(p, &m, &h, n == -1 ? &ignored : e) == -1)
			n = -1;
	}
	buf_append(&l->members, &m, sizeof(m));
	buf_append(&l->heads, &h, sizeof(h));
	buf_append(&l->links, &link, sizeof(link));
	return (n == -1 ? -1 : 0);
}

/* All members; -1 also with ERR_DAMAGED, which is then a finding. */
static int
read_members(struct look *l, struct pull *tar, struct digest *whole,
    struct err *e)
{
	struct bundle_member bm;
	struct bundle b;
	struct pass p;
	enum bundle_next next;
	struct buf name = BUF_INIT;
	int rc = 0;

	memset(&p, 0, sizeof(p));
	p.l = l;
	p.tar = whole;
	if ((p.d = digest_new()) == NULL)
		return (err_nomem(e));
	pull_tap(tar, on_taken, &p);
	bundle_init(&b, tar);
	while (rc == 0 && (next = bundle_next(&b, &bm, e)) != BUNDLE_END) {
		rc = next == BUNDLE_BAD ? -1 : 0;
		if (rc == 0 && (l->members.len >= LOOK_MEMBERS_MAX *
		    sizeof(struct inspect_member) ||
		    l->names > LOOK_NAMES_MAX))
			rc = err_set(e, ERR_DAMAGED, "too many members");
		if (rc == 0 && (rc = take_member(l, &b, &bm, &p, e)) == -1) {
			buf_put_printable(&name, bm.name, strlen(bm.name));
			err_wrap(e, "in %s", buf_cstr(&name));
		}
		if (rc == 0 && (l->nomem || buf_ok(&l->members, e) == -1))
			rc = err_nomem(e);
	}
	bundle_fini(&b);
	pull_tap(tar, NULL, NULL);
	buf_fini(&p.head);
	buf_fini(&name);
	digest_free(p.d);
	return (rc);
}

static void
say_packing(struct look *l, const struct unpack *u)
{
	if (strcmp(unpack_form(u), "gzip") != 0)
		look_say(l, INSPECT_NOTE, "", "the bundle is not packed by "
		    "gzip: imgimport takes it with -n only");
	if (unpack_members(u) > 1)
		look_say(l, INSPECT_WARNING, "", "the bundle is %u gzip "
		    "streams one behind the other: imgexport writes one",
		    unpack_members(u));
	if (unpack_zeros(u) > 0)
		look_say(l, INSPECT_WARNING, "", "%llu zeros behind the end "
		    "of the gzip stream",
		    (unsigned long long)unpack_zeros(u));
}

static int
read_bundle(struct look *l, const struct source *src, struct err *e)
{
	struct tap outer = { 0 };
	struct source raw, plain;
	struct digest *whole = NULL;
	struct unpack *u = NULL;
	struct pull p = { 0 }, t = { 0 };
	int rc = -1;

	if (tap_init(&outer, src, &raw, e) == -1 ||
	    pull_init(&p, &raw, e) == -1 ||
	    (u = unpack_new(&p, e)) == NULL)
		goto out;
	l->in->compression = unpack_form(u);
	plain = unpack_source(u);
	if (pull_init(&t, &plain, e) == -1)
		goto out;
	if ((whole = digest_new()) == NULL) {
		err_nomem(e);
		goto out;
	}
	rc = read_members(l, &t, whole, e);
	if (rc == -1 && e->kind == ERR_DAMAGED && !outer.failed) {
		look_say(l, INSPECT_BAD, "", "%s", e->msg);
		memset(e, 0, sizeof(*e));
		/* The rest counts, for its digest, and for who listens in. */
		rc = source_drain(&raw, e);
	} else if (rc == 0)
		say_packing(l, u);
	if (rc == 0) {
		l->in->bundle_bytes = outer.bytes;
		l->in->tar_bytes = t.taken;
		digest_final(outer.d, l->in->bundle_digest);
		digest_final(whole, l->in->tar_digest);
	}
out:
	pull_fini(&t);
	pull_fini(&p);
	unpack_free(u);
	digest_free(outer.d);
	digest_free(whole);
	return (rc);
}

static void
read_manifest(struct look *l, struct err *e)
{
	struct inspect *in = l->in;

	if (!l->has_xml) {
		look_say(l, INSPECT_BAD, "manifest.xml", "it is missing");
		return;
	}
	if (imgmanifest_parse(&in->manifest, l->xml.data, l->xml.len, e) ==
	    0) {
		in->has_manifest = 1;
		return;
	}
	if (e->kind == ERR_DAMAGED)
		look_say(l, INSPECT_BAD, "manifest.xml", "%s", e->msg);
	else
		l->nomem = 1;
	memset(e, 0, sizeof(*e));
}

/* Worst first, else as they were found. */
static void
sort_findings(struct look *l)
{
	struct inspect_finding *f = (void *)l->findings.data;
	size_t i, n = l->findings.len / sizeof(*f), at = 0;
	int level;

	l->in->findings = arena_alloc(&l->in->arena, l->findings.len);
	if (l->in->findings == NULL) {
		l->nomem = 1;
		return;
	}
	for (level = INSPECT_BAD; level >= INSPECT_NOTE; level--)
		for (i = 0; i < n; i++)
			if ((int)f[i].level == level)
				l->in->findings[at++] = f[i];
	l->in->nfindings = at;
}

static int
finish(struct look *l, struct err *e)
{
	struct inspect *in = l->in;

	in->nmembers = l->members.len / sizeof(*in->members);
	in->members = arena_copy(&in->arena, l->members.data,
	    l->members.len);
	if (in->members == NULL) {
		in->nmembers = 0;
		return (err_nomem(e));
	}
	judge_members(l);
	read_manifest(l, e);
	if (in->has_manifest)
		judge_manifest(l);
	judge_surplus(l);
	judge_images(l);
	sort_findings(l);
	in->status = !l->said || l->worst == INSPECT_NOTE ? STATUS_DONE :
	    l->worst == INSPECT_BAD ? STATUS_DAMAGED : STATUS_REPORTED;
	if (l->nomem || buf_ok(&l->findings, e) == -1 ||
	    buf_ok(&l->heads, e) == -1 || buf_ok(&l->links, e) == -1 ||
	    buf_ok(&l->xml, e) == -1)
		return (err_nomem(e));
	return (0);
}

int
inspect_run(struct inspect *in, const struct source *src,
    const struct inspect_options *opt, struct err *e)
{
	struct look l;
	int rc;

	memset(in, 0, sizeof(*in));
	memset(&l, 0, sizeof(l));
	in->compression = "none";
	in->arch_claimed = "";
	l.in = in;
	l.opt = opt;
	rc = read_bundle(&l, src, e);
	if (rc == 0)
		rc = finish(&l, e);
	judge_fini(&l);
	buf_fini(&l.members);
	buf_fini(&l.heads);
	buf_fini(&l.links);
	buf_fini(&l.findings);
	buf_fini(&l.xml);
	return (rc);
}

void
inspect_fini(struct inspect *in)
{
	imgmanifest_fini(&in->manifest);
	arena_fini(&in->arena);
	memset(in, 0, sizeof(*in));
}
