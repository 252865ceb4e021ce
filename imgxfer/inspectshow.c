#include <string.h>

#include "base/human.h"
#include "imgxfer/inspect.h"

static const char *const levels[] = { "note", "warning", "unproved", "BAD" };
static const char *const level_keys[] = { "note", "warning", "unproved",
	"bad" };
static const char *const proofs[] = { "unproved", "proved", "mismatch",
	"none" };
static const char *const roles[] = { "surplus", "directory", "manifest",
	"kernel", "initrd", "rootimg", "rootimgtree", "litefile", "list",
	"extra", "kit", "raw" };

static const char *
value(const struct inspect *in, const char *column)
{
	const char *v = imgmanifest_value(&in->manifest, "osimage", column);

	return (v != NULL ? v : "");
}

void
inspect_worst(const struct inspect *in, struct buf *out)
{
	const struct inspect_finding *f = in->findings;

	if (in->nfindings == 0 || f->level != INSPECT_BAD)
		return;
	if (f->member[0] != '\0')
		buf_printf(out, "%s: ", f->member);
	buf_puts(out, f->reason);
}

static void
print_arch(const struct inspect *in, FILE *f)
{
	const char *claimed = in->arch_claimed;

	fprintf(f, "  architecture  %s, %s", claimed[0] != '\0' ? claimed :
	    "not given", in->arch == INSPECT_ARCH_PROVED ? "proved" :
	    in->arch == INSPECT_ARCH_MISMATCH ? "WRONG" :
	    in->arch == INSPECT_ARCH_NONE ? "and nothing in it is of one" :
	    "not proved");
	if (in->arch != INSPECT_ARCH_NONE) {
		fprintf(f, ": kernel %s", osarch_name(in->kernel_arch));
		if (in->kernel_form != NULL)
			fprintf(f, " (%s)", in->kernel_form);
		fprintf(f, ", root image %s (%zu programs)",
		    osarch_name(in->rootimg_arch), in->programs);
		if (in->ramdisk_arch != OSARCH_UNKNOWN)
			fprintf(f, ", initrd %s",
			    osarch_name(in->ramdisk_arch));
	}
	fputc('\n', f);
}

static void
put_name(FILE *f, const char *s)
{
	struct buf b = BUF_INIT;

	buf_put_printable(&b, s, strlen(s));
	fputs(buf_cstr(&b), f);
	buf_fini(&b);
}

/* Those of trees (extra, kits) only when asked for. */
static int
is_shown(const struct inspect_member *m, int verbose)
{
	if (verbose)
		return (1);
	return (m->role != INSPECT_DIR && m->role != INSPECT_KIT &&
	    m->role != INSPECT_MANIFEST);
}

static const char *
short_name(const struct inspect *in, const char *name)
{
	size_t n = in->image != NULL ? strlen(in->image) : 0;

	return (n > 0 && strncmp(name, in->image, n) == 0 &&
	    name[n] == '/' ? name + n + 1 : name);
}

static void
print_members(const struct inspect *in, int verbose, FILE *f)
{
	const struct inspect_member *m;
	char size[HUMAN_LEN], hex[DIGEST_HEX + 1];
	size_t i, len, width = 0;

	for (i = 0; i < in->nmembers; i++) {
		len = strlen(short_name(in, in->members[i].name));
		if (is_shown(&in->members[i], verbose) && len > width)
			width = len < 48 ? len : 48;
	}
	for (i = 0; i < in->nmembers; i++) {
		m = &in->members[i];
		if (!is_shown(m, verbose))
			continue;
		size[0] = '\0';
		if (m->type == '0')
			human_bytes(m->size, size);
		fprintf(f, "  %9s  %-11s ", size, roles[m->role]);
		put_name(f, short_name(in, m->name));
		if (m->target != NULL) {
			len = strlen(short_name(in, m->name));
			fprintf(f, "%*s  ", (int)(len < width ?
			    width - len : 0), "");
			put_name(f, m->target);
		}
		fputc('\n', f);
		if (verbose && m->type == '0') {
			digest_hexz(m->digest, hex);
			fprintf(f, "  %9s  sha256 %s\n", "", hex);
		}
	}
}

static void
print_findings(const struct inspect *in, FILE *f)
{
	const struct inspect_finding *x;
	size_t i;

	for (i = 0; i < in->nfindings; i++) {
		x = &in->findings[i];
		fprintf(f, "  %s: %s%s%s\n", levels[x->level], x->member,
		    x->member[0] != '\0' ? ": " : "", x->reason);
	}
	if (in->lost > 0)
		fprintf(f, "  and %zu more of such\n", in->lost);
}

void
inspect_print(const struct inspect *in, const char *name, int verbose,
    FILE *f)
{
	char size[HUMAN_LEN], hex[DIGEST_HEX + 1];

	put_name(f, in->image != NULL ? in->image : name);
	fprintf(f, ": %s\n", in->status == STATUS_DONE ? "sound" :
	    in->status == STATUS_REPORTED ? "sound, with reservations" :
	    "NOT TO BE IMPORTED");
	if (in->has_manifest) {
		fputs("  image         ", f);
		put_name(f, value(in, "provmethod"));
		fputs(", ", f);
		put_name(f, value(in, "osvers"));
		fputs(", profile ", f);
		put_name(f, value(in, "profile"));
		fputc('\n', f);
		print_arch(in, f);
	}
	if (in->rootimg_form != NULL) {
		human_bytes(in->rootimg_bytes, size);
		fprintf(f, "  root image    %s, %llu entries, %s unpacked\n",
		    in->rootimg_form,
		    (unsigned long long)in->rootimg_entries, size);
	}
	human_bytes(in->bundle_bytes, size);
	digest_hexz(in->bundle_digest, hex);
	fprintf(f, "  bundle        %s (%s), sha256 %s\n", size,
	    in->compression, hex);
	if (verbose && strcmp(in->compression, "none") != 0) {
		human_bytes(in->tar_bytes, size);
		digest_hexz(in->tar_digest, hex);
		fprintf(f, "  archive       %s, sha256 %s\n", size, hex);
	}
	print_members(in, verbose, f);
	print_findings(in, f);
}

static json_t *
text(const char *s)
{
	struct buf b = BUF_INIT;
	json_t *j = json_string(s);

	if (j == NULL) {	/* a member's name may be of any bytes */
		buf_put_printable(&b, s, strlen(s));
		j = json_string(buf_cstr(&b));
		buf_fini(&b);
	}
	return (j);
}

static json_t *
hexdigest(const uint8_t d[DIGEST_LEN])
{
	char hex[DIGEST_HEX + 1];

	digest_hexz(d, hex);
	return (json_string(hex));
}

static json_t *
json_members(const struct inspect *in)
{
	const struct inspect_member *m;
	json_t *all = json_array(), *j;
	char type[2] = "", mode[8];
	size_t i;

	for (i = 0; all != NULL && i < in->nmembers; i++) {
		m = &in->members[i];
		type[0] = m->type;
		snprintf(mode, sizeof(mode), "%04o", m->mode & 07777);
		j = json_pack("{s:o, s:s, s:s, s:I, s:s}", "name",
		    text(m->name), "type", type, "mode", mode, "size",
		    (json_int_t)m->size, "role", roles[m->role]);
		if (j != NULL && m->type == '0')
			json_object_set_new(j, "sha256",
			    hexdigest(m->digest));
		if (j != NULL && m->target != NULL)
			json_object_set_new(j, "target", text(m->target));
		json_array_append_new(all, j);
	}
	return (all);
}

static json_t *
json_findings(const struct inspect *in)
{
	const struct inspect_finding *x;
	json_t *all = json_array();
	size_t i;

	for (i = 0; all != NULL && i < in->nfindings; i++) {
		x = &in->findings[i];
		json_array_append_new(all, json_pack("{s:s, s:o, s:o}",
		    "level", level_keys[x->level], "member",
		    text(x->member), "reason", text(x->reason)));
	}
	return (all);
}

static json_t *
json_arch(const struct inspect *in)
{
	return (json_pack("{s:o, s:s, s:s, s:s, s:s, s:s?, s:I}", "claimed",
	    text(in->arch_claimed), "proof", proofs[in->arch], "kernel",
	    osarch_name(in->kernel_arch), "rootimg",
	    osarch_name(in->rootimg_arch), "initrd",
	    osarch_name(in->ramdisk_arch), "kernel_form", in->kernel_form,
	    "programs", (json_int_t)in->programs));
}

json_t *
inspect_json(const struct inspect *in, const char *name)
{
	json_t *j = json_pack("{s:o, s:o?, s:s, s:o, s:o, s:o, s:o, s:o, "
	    "s:o, s:I}",
	    "file", text(name), "image", in->image != NULL ?
	    text(in->image) : NULL, "verdict",
	    in->status == STATUS_DONE ? "sound" :
	    in->status == STATUS_REPORTED ? "reservations" : "bad",
	    "provmethod", text(value(in, "provmethod")),
	    "osvers", text(value(in, "osvers")),
	    "profile", text(value(in, "profile")),
	    "arch", json_arch(in), "members", json_members(in),
	    "findings", json_findings(in), "findings_lost",
	    (json_int_t)in->lost);

	if (j == NULL)
		return (NULL);
	if (in->rootimg_form != NULL)
		json_object_set_new(j, "rootimg", json_pack(
		    "{s:s, s:I, s:I}", "form", in->rootimg_form, "entries",
		    (json_int_t)in->rootimg_entries, "bytes",
		    (json_int_t)in->rootimg_bytes));
	json_object_set_new(j, "bundle", json_pack("{s:s, s:I, s:o}",
	    "compression", in->compression, "bytes",
	    (json_int_t)in->bundle_bytes, "sha256",
	    hexdigest(in->bundle_digest)));
	json_object_set_new(j, "archive", json_pack("{s:I, s:o}",
	    "bytes", (json_int_t)in->tar_bytes, "sha256",
	    hexdigest(in->tar_digest)));
	return (j);
}
