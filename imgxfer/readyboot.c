#include <string.h>

#include "imgxfer/bootparts.h"
#include "imgxfer/ready.h"

#define GENESIS "/opt/xcat/share/xcat/netboot/genesis"

/* What is served by TFTP and HTTP: genesis, boot loaders, kernels. */

/* 1 when either is there. */
static int
either(struct ready *r, const char *a, const char *b, struct err *e)
{
	int rc = ready_there(r, a, e);

	return (rc != 0 ? rc : ready_there(r, b, e));
}

static int
check_genesis(struct ready *r, struct err *e)
{
	const char *arch = bootparts_genesis(r->arch);
	const char *install, *kernel, *mknb, *name, *what;
	int debian, rc;

	kernel = ready_text(r, "%s/xcat/genesis.kernel.%s", r->tftpdir, arch);
	if ((rc = ready_there(r, kernel, e)) == 1)
		rc = either(r, ready_text(r, "%s/xcat/genesis.fs.%s.lzma",
		    r->tftpdir, arch), ready_text(r, "%s/xcat/genesis.fs.%s"
		    ".gz", r->tftpdir, arch), e);
	if (rc != 0)
		return (rc == -1 ? -1 : 0);
	what = ready_text(r, "%s/xcat/genesis.{kernel,fs}.%s* are not there",
	    r->tftpdir, arch);
	mknb = ready_text(r, "mknb %s", ready_word(r, arch));
	if ((rc = ready_there(r, ready_text(r, GENESIS "/%s", arch), e)) ==
	    -1 || ready_installer(r, &install, &debian, e) == -1)
		return (-1);
	name = debian && strcmp(arch, "x86_64") == 0 ? "amd64" : arch;
	if (rc == 0)
		mknb = ready_text(r, "%s %s %s && %s", install,
		    ready_word(r, ready_text(r, debian ?
		    "xcat-genesis-base-%s" : "xCAT-genesis-base-%s", name)),
		    ready_word(r, ready_text(r, debian ?
		    "xcat-genesis-scripts-%s" : "xCAT-genesis-scripts-%s",
		    name)), mknb);
	ready_add(r, READY_LACKS, "genesis", what, ready_text(r, "nodes that "
	    "are %s are discovered and set up with it%s", r->arch,
	    rc == 0 ? "; its package is not installed either" : ""), mknb);
	return (0);
}

/* How to have a boot loader's file that is not there. */
static int
fetch_part(struct ready *r, const struct bootpart *p, const char *path,
    const char **command, struct err *e)
{
	const char *install, *media;
	int debian, rc;

	if (p->package != NULL) {
		if (ready_installer(r, &install, &debian, e) == -1)
			return (-1);
		*command = strcmp(p->package, "syslinux-xcat") != 0 ?
		    ready_text(r, "%s %s", install, p->package) :
		    ready_text(r, "%s %s && cp /opt/xcat/share/xcat/netboot/"
		    "syslinux/pxelinux.0 %s", install, p->package,
		    ready_word(r, path));
		return (0);
	}
	/* Where copycds has put the media of an EL. */
	media = ready_text(r, "%s/%s/%s/EFI/BOOT/%s", r->installdir,
	    r->osvers, r->arch, p->efi);
	if ((rc = ready_there(r, media, e)) == -1)
		return (-1);
	*command = rc == 1 ? ready_text(r, "install -D -m 644 %s %s",
	    ready_word(r, media), ready_word(r, path)) :
	    ready_text(r, "curl -fL --create-dirs -o %s MIRROR/BaseOS/%s/os/"
	    "EFI/BOOT/%s", ready_word(r, path), r->arch, p->efi);
	return (0);
}

static int
check_method(struct ready *r, const char *method, void *arg, struct err *e)
{
	struct bootpart parts[BOOTPARTS_MAX];
	const char *path, *command;
	size_t i, n;
	int rc;

	(void)arg;
	n = bootparts_files(method, r->arch, r->osvers, parts);
	for (i = 0; i < n; i++) {
		path = ready_text(r, "%s/%s", r->tftpdir, parts[i].file);
		if ((rc = ready_there(r, path, e)) == -1)
			return (-1);
		if (rc == 1)
			continue;
		if (fetch_part(r, &parts[i], path, &command, e) == -1)
			return (-1);
		ready_add(r, READY_LACKS, "boot loader", ready_text(r,
		    "%s is not there", path), ready_text(r, "%s nodes with "
		    "netboot=%s load it first%s", r->arch, method,
		    parts[i].package == NULL ? "; xCAT brings none, that of "
		    "a distribution will do" : ""), command);
	}
	return (0);
}

/* *why: the copy is not what the osimage has; NULL: it is. */
static int
compare(struct ready *r, const char *from, const char *to, const char **why,
    struct err *e)
{
	uint8_t a[DIGEST_LEN], b[DIGEST_LEN];
	struct nodefs_stat was, is;

	*why = NULL;
	if (nodefs_stat(r->site->fs, from, &was, e) == -1 ||
	    nodefs_stat(r->site->fs, to, &is, e) == -1)
		return (-1);
	if (was.what != OSFS_FILE)
		return (0);
	if (is.what != OSFS_FILE)
		*why = "is not there";
	else if (was.size != is.size)
		*why = "is another one than the osimage has";
	else if (nodefs_digest(r->site->fs, from, a, NULL, e) == -1 ||
	    nodefs_digest(r->site->fs, to, b, NULL, e) == -1)
		return (-1);
	else if (memcmp(a, b, DIGEST_LEN) != 0)
		*why = "is another one than the osimage has";
	return (0);
}

static int
check_copy(struct ready *r, const char *dir, const char *from,
    const char *name, struct buf *what, struct err *e)
{
	const char *why;

	if (from == NULL)
		return (0);
	if (compare(r, from, ready_text(r, "%s/%s", dir, name), &why, e) ==
	    -1)
		return (-1);
	if (why != NULL)
		buf_printf(what, "%s%s %s", what->len > 0 ? ", " : "", name,
		    why);
	return (0);
}

static void
want_nodeset(struct ready *r, const char *what, const char *why)
{
	ready_add(r, READY_LACKS, "tftp", what, why, ready_text(r,
	    "nodeset %s osimage=%s", ready_range(r),
	    ready_word(r, r->image)));
}

static int
is_install(const struct osimage *img)
{
	return (img->provmethod.len == 7 &&
	    memcmp(img->provmethod.p, "install", 7) == 0);
}

static int
check_copies(struct ready *r, struct err *e)
{
	const struct osimage *img = r->img;
	struct buf what = BUF_INIT;
	const char *dir, *name = "";
	int rc;

	dir = ready_text(r, "%s/xcat/osimage/%s", r->tftpdir, r->image);
	if (is_install(img)) {
		if ((rc = ready_there(r, dir, e)) == 0)
			want_nodeset(r, ready_text(r, "%s is not there, or "
			    "empty", dir), "nodeset copies kernel and initrd "
			    "of the distribution there");
		return (rc == -1 ? -1 : 0);
	}
	if (img->initrd != NULL)
		name = strrchr(img->initrd, '/') + 1;
	rc = check_copy(r, dir, img->kernel, "kernel", &what, e);
	/* "initrd.gz" is copied under another name. */
	if (rc == 0 && strcmp(name, "initrd.gz") != 0)
		rc = check_copy(r, dir, img->initrd, name, &what, e);
	if (rc == 0 && what.len > 0)
		want_nodeset(r, ready_text(r, "%s: %s", dir,
		    buf_cstr(&what)), "nodeset copies them there; nodes boot "
		    "what is there");
	r->nomem |= what.nomem;
	buf_fini(&what);
	return (rc);
}

int
readyboot_check(struct ready *r, struct err *e)
{
	if (check_genesis(r, e) == -1 ||
	    ready_methods(r, check_method, NULL, e) == -1)
		return (-1);
	return (check_copies(r, e));
}
