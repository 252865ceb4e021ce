#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/human.h"
#include "formats/pathtext.h"
#include "restore/show.h"
#include "restore/view.h"

#define WHEN_LEN 40

void
show_init(struct show *s, const struct cli *cli, int long_form)
{
	memset(s, 0, sizeof(*s));
	s->json = cli->json;
	s->long_form = long_form;
}

void
show_fini(struct show *s)
{
	buf_fini(&s->line);
}

/* Checked at once, while errno still tells why. */
static int
put(const void *p, size_t len, struct err *e)
{
	if (fwrite(p, 1, len, stdout) != len)
		return (err_sys(e, "standard output"));
	return (0);
}

int
show_line(struct show *s, const void *p, size_t len, struct err *e)
{
	s->begun = 1;
	if (put(p, len, e) == -1)
		return (-1);
	return (put("\n", 1, e));
}

int
show_json(struct show *s, json_t *j, struct err *e)
{
	char *text;
	int rc;

	text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	if (text == NULL)
		return (err_nomem(e));
	rc = put(s->begun ? ",\n" : "[\n", 2, e);
	s->begun = 1;
	if (rc == 0)
		rc = put(text, strlen(text), e);
	free(text);
	return (rc);
}

int
show_end(struct show *s, struct err *e)
{
	if (s->json) {
		if (!s->begun && put("[", 1, e) == -1)
			return (-1);
		if (put(s->begun ? "\n]\n" : "]\n", s->begun ? 3 : 2,
		    e) == -1)
			return (-1);
	}
	return (cli_flush(e));
}

/* "drwxr-sr-x" as ls(1) has it. */
static void
mode_text(const struct entry *ent, char out[11])
{
	static const char types[] = {
		[ENTRY_DIR] = 'd', [ENTRY_FILE] = '-', [ENTRY_LINK] = 'l',
		[ENTRY_CHAR] = 'c', [ENTRY_BLOCK] = 'b', [ENTRY_FIFO] = 'p',
	};
	uint32_t m = ent->mode;
	int i;

	out[0] = types[ent->type];
	for (i = 0; i < 9; i++)
		out[1 + i] = m & 0400u >> i ? "rwx"[i % 3] : '-';
	if (m & 04000)
		out[3] = m & 0100 ? 's' : 'S';
	if (m & 02000)
		out[6] = m & 0010 ? 's' : 'S';
	if (m & 01000)
		out[9] = m & 0001 ? 't' : 'T';
	out[10] = '\0';
}

static void
when_text(int64_t sec, char out[WHEN_LEN])
{
	time_t t = (time_t)sec;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, WHEN_LEN, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, WHEN_LEN, "%lld", (long long)sec);
}

static int
has_acl(const struct entry *ent)
{
	static const char acl[] = "#x system.posix_acl_";

	return (ent->xattrs.len > 0 && memmem(ent->xattrs.p, ent->xattrs.len,
	    acl, sizeof(acl) - 1) != NULL);
}

static void
long_columns(struct buf *out, const struct entry *ent)
{
	char mode[11], when[WHEN_LEN], size[32] = "-", nlink[24] = "-";

	mode_text(ent, mode);
	when_text(ent->mtime, when);
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK)
		snprintf(size, sizeof(size), "%u,%u", ent->major, ent->minor);
	if (ent->type == ENTRY_FILE) {
		snprintf(nlink, sizeof(nlink), "%llu",
		    (unsigned long long)ent->nlink);
		snprintf(size, sizeof(size), "%llu",
		    (unsigned long long)ent->size);
	}
	buf_printf(out, "%s%c %3s %5u %5u %12s %s ", mode,
	    has_acl(ent) ? '+' : ' ', nlink, ent->uid, ent->gid, size, when);
}

int
show_entry(struct show *s, const struct snapshot_volume *vol,
    const struct entry *ent, struct err *e)
{
	struct buf *b = &s->line;

	if (s->json)
		return (show_json(s, show_entry_json(vol, ent), e));
	buf_clear(b);
	if (s->long_form)
		long_columns(b, ent);
	view_full_path(b, vol, &ent->path);
	if (s->long_form && ent->type == ENTRY_LINK) {
		buf_puts(b, " -> ");
		buf_append(b, ent->link.p, ent->link.len);
	}
	if (buf_ok(b, e) == -1)
		return (-1);
	return (show_line(s, b->data, b->len, e));
}

json_t *
show_text_json(const struct span *text)
{
	return (json_stringn(text->p, text->len));
}

static json_t *
full_path_json(const struct snapshot_volume *vol, const struct span *path)
{
	struct buf b = BUF_INIT;
	struct span sp;
	json_t *j = NULL;

	view_full_path(&b, vol, path);
	sp.p = (const char *)b.data;
	sp.len = b.len;
	if (!b.nomem)
		j = show_text_json(&sp);
	buf_fini(&b);
	return (j);
}

/* Names of extended attributes, in catalog text as they stand. */
static json_t *
xattr_names(const struct entry *ent)
{
	struct scan s = mtree_scan(&ent->xattrs);
	struct span name;
	json_t *list = json_array();

	while (scan_text(&s, "#x ") && scan_word(&s, ' ', '\n', &name)) {
		if (json_array_append_new(list, show_text_json(&name)) == -1) {
			json_decref(list);
			return (NULL);
		}
		if (!scan_line(&s))
			break;
	}
	return (list);
}

/* What only some types have. */
static int
add_own(json_t *j, const struct snapshot_volume *vol, const struct entry *ent)
{
	char hex[DIGEST_HEX + 1], device[32];
	int bad = 0;

	if (ent->type == ENTRY_FILE) {
		digest_hexz(ent->digest, hex);
		bad |= json_object_set_new(j, "nlink",
		    json_integer((json_int_t)ent->nlink));
		bad |= json_object_set_new(j, "size",
		    json_integer((json_int_t)ent->size));
		bad |= json_object_set_new(j, "sha256", json_string(hex));
	}
	if (ent->type == ENTRY_LINK)
		bad |= json_object_set_new(j, "link",
		    show_text_json(&ent->link));
	if (ent->type == ENTRY_CHAR || ent->type == ENTRY_BLOCK) {
		snprintf(device, sizeof(device), "%u,%u", ent->major,
		    ent->minor);
		bad |= json_object_set_new(j, "device", json_string(device));
	}
	if (ent->hardlink.len > 0)
		bad |= json_object_set_new(j, "hardlink",
		    full_path_json(vol, &ent->hardlink));
	if (ent->holes.len > 0)
		bad |= json_object_set_new(j, "sparse", json_true());
	if (ent->xattrs.len > 0)
		bad |= json_object_set_new(j, "xattrs", xattr_names(ent));
	return (bad);
}

json_t *
show_entry_json(const struct snapshot_volume *vol, const struct entry *ent)
{
	char mode[8], mtime[48];
	json_t *j;

	snprintf(mode, sizeof(mode), "%04o", ent->mode & 07777);
	snprintf(mtime, sizeof(mtime), "%lld.%09u", (long long)ent->mtime,
	    ent->mtime_ns);
	j = json_pack("{s:o, s:s, s:s, s:I, s:I, s:s}",
	    "path", full_path_json(vol, &ent->path),
	    "type", mtree_type_name(ent->type), "mode", mode,
	    "uid", (json_int_t)ent->uid, "gid", (json_int_t)ent->gid,
	    "mtime", mtime);
	if (j != NULL && add_own(j, vol, ent) != 0) {
		json_decref(j);
		j = NULL;
	}
	return (j);
}

json_t *
show_volume_json(const struct snapshot_volume *vol)
{
	static const struct span top = { ".", 1 };
	const struct snapshot_totals *t = &vol->totals;

	return (json_pack("{s:o, s:s, s:I, s:I, s:I, s:I}",
	    "path", full_path_json(vol, &top), "type", "volume",
	    "entries", (json_int_t)t->entries, "files", (json_int_t)t->files,
	    "directories", (json_int_t)t->directories,
	    "bytes", (json_int_t)t->bytes));
}

int
show_volume(struct show *s, const struct snapshot_volume *vol, struct err *e)
{
	static const struct span top = { ".", 1 };
	struct buf *b = &s->line;
	char bytes[HUMAN_LEN];

	if (s->json)
		return (show_json(s, show_volume_json(vol), e));
	buf_clear(b);
	if (s->long_form) {
		human_bytes(vol->totals.bytes, bytes);
		buf_printf(b, "%9llu entries %9s ",
		    (unsigned long long)vol->totals.entries, bytes);
	}
	view_full_path(b, vol, &top);
	if (buf_ok(b, e) == -1)
		return (-1);
	return (show_line(s, b->data, b->len, e));
}
