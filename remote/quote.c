#include <string.h>

#include "remote/quote.h"

/*
 * What the far side's environment could change in the output of the tools
 * we call.  Each is taken away before the script starts.
 */
#define CLEAN_ENV \
	"exec env -u LANG -u LANGUAGE -u POSIXLY_CORRECT -u TAR_OPTIONS " \
	"-u GZIP -u GREP_OPTIONS -u CDPATH -u ENV -u BASH_ENV LC_ALL=C "

#define XCAT_PROFILE "/etc/profile.d/xcat.sh"

/* xcat.sh says nothing of use, but a word of it would spoil the output. */
#define XCAT_BEGIN \
	"[ -r " XCAT_PROFILE " ] || {\n" \
	"echo 'no xCAT here: " XCAT_PROFILE " is missing' >&2\n" \
	"exit 127\n" \
	"}\n" \
	". " XCAT_PROFILE " >/dev/null\n"

void
remote_quote(struct buf *out, const void *raw, size_t len)
{
	const char *p = raw, *q;

	buf_putc(out, '\'');
	while (len > 0 && (q = memchr(p, '\'', len)) != NULL) {
		buf_append(out, p, (size_t)(q - p));
		buf_puts(out, "'\\''");
		len -= (size_t)(q + 1 - p);
		p = q + 1;
	}
	buf_append(out, p, len);
	buf_putc(out, '\'');
}

static void
add_shell(struct buf *out, const char *begin, const char *script,
    const char *const *args, size_t nargs)
{
	struct buf whole = BUF_INIT;
	size_t i;

	buf_puts(&whole, begin);
	buf_puts(&whole, script);
	buf_puts(out, "/bin/sh -c ");
	remote_quote(out, whole.data, whole.len);
	out->nomem |= whole.nomem;
	buf_fini(&whole);
	buf_puts(out, " xcatvault");
	for (i = 0; i < nargs; i++) {
		buf_putc(out, ' ');
		remote_quote(out, args[i], strlen(args[i]));
	}
}

void
remote_command(struct buf *out, const char *script, const char *const *args,
    size_t nargs)
{
	buf_puts(out, CLEAN_ENV);
	add_shell(out, "", script, args, nargs);
}

void
remote_xcat_command(struct buf *out, const char *script, int bypass,
    const char *const *args, size_t nargs)
{
	/* env takes its options before its assignments. */
	buf_puts(out, bypass ? "" : "unset XCATBYPASS; ");
	buf_puts(out, CLEAN_ENV "PERL_BADLANG=0 ");
	buf_puts(out, bypass ? "XCATBYPASS=1 " : "");
	add_shell(out, XCAT_BEGIN, script, args, nargs);
}
