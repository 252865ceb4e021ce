#include <string.h>

#include "formats/mtree.h"
#include "restore/attrs.h"

#define LABEL "security.selinux"
#define LABEL_HEX "73656375726974792e73656c696e7578="

const char *
attrs_trouble(const struct probe *p)
{
	/* Of these attrs.pl knows the numbers of the system calls. */
	static const char *const known[] = {
		"x86_64", "aarch64", "ppc64le", "ppc64", "s390x",
	};
	size_t i;

	if (p->tools[PROBE_PERL].trouble != NULL)
		return ("there is no perl on the node");
	for (i = 0; p->arch != NULL &&
	    i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(p->arch, known[i]) == 0)
			return (NULL);
	return ("not known how to ask on the node's architecture");
}

static void
put_hex(struct buf *out, const struct buf *b)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < b->len; i++) {
		buf_putc(out, digits[b->data[i] >> 4]);
		buf_putc(out, digits[b->data[i] & 15]);
	}
}

/* The lines are in the order of names; a label has to be the last. */
int
attrs_text(struct buf *out, const struct span *lines, struct err *e)
{
	struct buf name = BUF_INIT, value = BUF_INIT, label = BUF_INIT;
	struct scan s = mtree_scan(lines);
	struct buf *to;
	int rc = 0;

	while (lines->len > 0 &&
	    (rc = mtree_next_xattr(&s, &name, &value, e)) == 1) {
		to = strcmp((const char *)name.data, LABEL) == 0 ? &label :
		    out;
		put_hex(to, &name);
		buf_putc(to, '=');
		put_hex(to, &value);
		buf_putc(to, ' ');
	}
	buf_append(out, label.data, label.len);
	if (rc == 0 && (buf_ok(&label, e) == -1 || buf_ok(out, e) == -1))
		rc = -1;
	buf_fini(&name);
	buf_fini(&value);
	buf_fini(&label);
	return (rc);
}

int
attrs_same(const char *want, const char *answer)
{
	size_t n = strlen(want);
	const char *end;

	if (strncmp(want, answer, n) != 0)
		return (0);
	answer += n;
	if (*answer == '\0')
		return (1);
	end = strchr(answer, ' ');
	return (strncmp(answer, LABEL_HEX, sizeof(LABEL_HEX) - 1) == 0 &&
	    end != NULL && end[1] == '\0');
}
