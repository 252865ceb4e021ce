#ifndef REMOTE_QUOTE_H_
#define REMOTE_QUOTE_H_

#include <stddef.h>

#include "base/buf.h"

/*
 * Shell commands without a word of anybody else's in them: text from outside
 * is only ever a quoted argument.
 */

/* Append raw bytes (no NUL) as one word of a POSIX shell. */
void remote_quote(struct buf *out, const void *raw, size_t len);

/*
 * Append a command that runs a script of ours, with arguments $1, $2, ...:
 * "exec env LC_ALL=C ... /bin/sh -c 'SCRIPT' xcatvault 'ARG' ...".  It works
 * whatever POSIX-like login shell the far side has.
 */
void remote_command(struct buf *out, const char *script,
    const char *const *args, size_t nargs);

/*
 * The same for scripts that call xCAT's commands: behind
 * ". /etc/profile.d/xcat.sh", with PERL_BADLANG=0, and with XCATBYPASS=1 when
 * bypass is set (xcatd is down).
 */
void remote_xcat_command(struct buf *out, const char *script, int bypass,
    const char *const *args, size_t nargs);

#endif
