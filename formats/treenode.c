#include "formats/treenode.h"

void
treenode_encode(struct buf *out, const uint8_t id[DIGEST_LEN],
    const char *label, size_t len)
{
	digest_put(out, id);
	buf_puts(out, "  ");
	buf_append(out, label, len);
	buf_putc(out, '\n');
}

int
treenode_decode(struct scan *s, struct treenode_line *line, struct err *e)
{
	if (s->p == s->end)
		return (0);
	if (!scan_digest(s, line->id) || !scan_text(s, "  ") ||
	    !scan_word(s, '\n', '\n', &line->label) || !scan_char(s, '\n'))
		return (err_set(e, ERR_DAMAGED, "malformed tree node"));
	return (1);
}
