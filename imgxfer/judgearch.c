#include <string.h>

#include "imgxfer/look.h"

/* What xCAT boots, and what must be in it. */
static const struct {
	const char *name, *archive, *packing;
} boots[] = {
	{ "rootimg.cpio.gz", "cpio", "gzip" },
	{ "rootimg.cpio.xz", "cpio", "xz" },
	{ "rootimg.tar.gz", "tar", "gzip" },
	{ "rootimg.tar.xz", "tar", "xz" },
	{ "rootimg.gz", "cpio", "gzip" },
	{ "rootimg.sfs", "squashfs", "none" },
	{ "rootimgtree.gz", "cpio", "gzip" },
};

static const char *
base_of(const char *name)
{
	const char *slash = strrchr(name, '/');

	return (slash != NULL ? slash + 1 : name);
}

static const char *
extension(const char *packing)
{
	return (strcmp(packing, "gzip") == 0 ? ".gz" :
	    strcmp(packing, "zstd") == 0 ? ".zst" :
	    strcmp(packing, "xz") == 0 ? ".xz" :
	    strcmp(packing, "bzip2") == 0 ? ".bz2" :
	    strcmp(packing, "lzma") == 0 ? ".lzma" :
	    strcmp(packing, "lz4") == 0 ? ".lz4" : "");
}

static const char *
form_of(struct look *l, const struct rootimg *r)
{
	struct buf b = BUF_INIT;
	const char *s;

	buf_printf(&b, "%s%s", r->archive, extension(r->packing));
	s = look_keep(l, buf_cstr(&b));
	buf_fini(&b);
	return (s);
}

/* Its name says how the node will unpack it. */
static void
judge_form(struct look *l, const struct inspect_member *m,
    const struct rootimg *r)
{
	const char *name = base_of(m->name);
	size_t i;

	for (i = 0; i < sizeof(boots) / sizeof(boots[0]); i++) {
		if (strcmp(boots[i].name, name) != 0)
			continue;
		if (strcmp(boots[i].archive, r->archive) != 0 ||
		    strcmp(boots[i].packing, r->packing) != 0)
			look_say(l, INSPECT_BAD, m->name, "it is %s%s, which "
			    "a node would not unpack from a file of this "
			    "name", r->archive, extension(r->packing));
		return;
	}
	look_say(l, INSPECT_WARNING, m->name, "xCAT boots no root image of "
	    "this name");
}

/* Programs of a second architecture: a mixture is told. */
static void
judge_mixture(struct look *l, const struct inspect_member *m,
    const struct rootimg *r, enum osarch arch, uint32_t n, uint32_t all)
{
	struct buf b = BUF_INIT;
	unsigned a;
	uint32_t count;
	int place = 0;

	if (n == all)
		return;
	while (place < ROOTIMG_PLACES - 1 && r->programs[place][arch] != n)
		place++;
	for (a = OSARCH_UNKNOWN + 1; a <= OSARCH_OTHER; a++)
		if ((count = r->programs[place][a]) > 0 &&
		    a != (unsigned)arch)
			buf_printf(&b, "%s%u of %s", b.len > 0 ? ", " : "",
			    count, osarch_name((enum osarch)a));
	look_say(l, n < all - all / 10 ? INSPECT_WARNING : INSPECT_NOTE,
	    m->name, "a mixture: of %u programs, %u are of %s; %s", all, n,
	    osarch_name(arch), buf_cstr(&b));
	buf_fini(&b);
}

static void
judge_image(struct look *l, const struct look_image *image)
{
	const struct inspect_member *m = &l->in->members[image->member];
	const struct rootimg *r = &image->root;
	struct inspect *in = l->in;
	enum osarch arch;
	uint32_t n, all;
	int is_root = m->role == INSPECT_ROOTIMG ||
	    m->role == INSPECT_ROOTIMGTREE;

	if (m->size > 0 && r->damage.kind != ERR_NONE)
		look_say(l, INSPECT_BAD, m->name, "%s", r->damage.msg);
	else if (r->remark != NULL)
		look_say(l, INSPECT_WARNING, m->name, "%s", r->remark);
	if (r->archive == NULL)
		return;
	arch = rootimg_arch(r, &n, &all);
	judge_mixture(l, m, r, arch, n, all);
	if (n <= all / 2)
		arch = OSARCH_UNKNOWN;	/* no majority */
	if (m->role == INSPECT_RAMDISK)
		in->ramdisk_arch = arch;
	if (!is_root)
		return;
	if (r->damage.kind == ERR_NONE && r->entries == 0)
		look_say(l, INSPECT_BAD, m->name, "it is an archive without "
		    "entries");
	judge_form(l, m, r);
	in->rootimg_arch = arch;
	in->rootimg_form = form_of(l, r);
	in->rootimg_entries = r->entries;
	in->rootimg_bytes = r->bytes;
	in->programs = all;
}

static void
judge_kernel(struct look *l)
{
	const struct look_head *heads = (const void *)l->heads.data;
	const struct inspect_member *m;
	size_t i;

	for (i = 0; i < l->in->nmembers; i++) {
		m = &l->in->members[i];
		if (m->role != INSPECT_KERNEL)
			continue;
		l->in->kernel_arch = heads[i].arch;
		l->in->kernel_form = heads[i].form;
		if (heads[i].cut != NULL)
			look_say(l, INSPECT_BAD, m->name, "%s",
			    heads[i].cut);
		else if (heads[i].form == NULL && m->size > 0)
			look_say(l, INSPECT_WARNING, m->name, "it is no "
			    "kernel of any form that is known here");
	}
}

/* One that runs the other's programs. */
static int
is_kin(enum osarch a, enum osarch b)
{
	return ((a == OSARCH_X86 && b == OSARCH_X86_64) ||
	    (a == OSARCH_ARM && b == OSARCH_AARCH64));
}

/* 1: agrees, 0: says nothing, -1: differs. */
static int
judge_one(struct look *l, const char *what, enum osarch found,
    enum osarch claimed)
{
	if (found == OSARCH_UNKNOWN)
		return (0);
	if (found == claimed)
		return (1);
	if (is_kin(found, claimed) || is_kin(claimed, found)) {
		look_say(l, INSPECT_WARNING, "<osarch>", "%s, but the %s is "
		    "of %s", l->in->arch_claimed, what, osarch_name(found));
		return (0);
	}
	look_say(l, INSPECT_BAD, "<osarch>", "%s, but the %s is of %s",
	    l->in->arch_claimed, what, osarch_name(found));
	return (-1);
}

static void
judge_arch(struct look *l)
{
	struct inspect *in = l->in;
	const char *method = imgmanifest_value(&in->manifest, "osimage",
	    "provmethod");
	enum osarch claimed;
	int k, r, d;

	if (in->arch_claimed[0] == '\0')
		return;		/* that has been said */
	claimed = osarch_named(in->arch_claimed, strlen(in->arch_claimed));
	if (claimed == OSARCH_OTHER)
		look_say(l, INSPECT_WARNING, "<osarch>", "%s is no "
		    "architecture that is known here", in->arch_claimed);
	k = judge_one(l, "kernel", in->kernel_arch, claimed);
	r = judge_one(l, "root image", in->rootimg_arch, claimed);
	d = judge_one(l, "initrd", in->ramdisk_arch, claimed);
	if (k < 0 || r < 0 || d < 0)
		in->arch = INSPECT_ARCH_MISMATCH;
	else if (k > 0 || r > 0 || d > 0)
		in->arch = INSPECT_ARCH_PROVED;
	else if (method != NULL && strcmp(method, "install") == 0)
		in->arch = INSPECT_ARCH_NONE;
	else
		look_say(l, INSPECT_UNPROVED, "<osarch>", "%s is not proved: "
		    "neither kernel, root image nor initrd tells",
		    in->arch_claimed);
}

/* Whether what the manifest calls an image was opened as such. */
static void
judge_opened(struct look *l, size_t member)
{
	const struct inspect_member *m = &l->in->members[member];
	enum rootimg_kind kind;
	size_t i;

	switch (m->role) {
	case INSPECT_ROOTIMG:
		kind = ROOTIMG_ROOT;
		break;
	case INSPECT_ROOTIMGTREE:
		kind = ROOTIMG_TREE;
		break;
	case INSPECT_RAMDISK:
		kind = ROOTIMG_INITRD;
		break;
	default:
		return;
	}
	for (i = 0; i < l->nimages; i++)
		if (l->images[i].member == member)
			break;
	if (i == l->nimages)
		look_say(l, INSPECT_BAD, m->name, "it was not looked into: "
		    "the images of xCAT are called rootimg.*, rootimgtree.gz "
		    "and initrd*");
	else if (l->images[i].kind != kind)
		look_say(l, INSPECT_BAD, m->name, "it has the name of an "
		    "image of another kind");
}

void
judge_images(struct look *l)
{
	size_t i;

	judge_kernel(l);
	if (l->missed > 0)
		look_say(l, INSPECT_BAD, "", "there are %zu files called "
		    "rootimg.*, rootimgtree.gz or initrd*: an image has two",
		    l->nimages + l->missed);
	if (l->opt == NULL || !l->opt->quick)
		for (i = 0; i < l->in->nmembers; i++)
			judge_opened(l, i);
	for (i = 0; i < l->nimages; i++)
		if (l->images[i].member < l->in->nmembers)
			judge_image(l, &l->images[i]);
	if (l->in->has_manifest)
		judge_arch(l);
}
