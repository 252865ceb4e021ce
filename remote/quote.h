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
 * Append a command that runs a script of ours, with arguments $1, $2, ...
 * (no NULL among them):
 * "exec env -u LANG ... LC_ALL=C /bin/sh -c 'SCRIPT' xcatvault 'ARG' ...".
 * It works whatever POSIX-like login shell the far side has.  Variables that
 * would change what find, tar and the like print are taken away.  All of it
 * must stay below 128 KiB (the limit of Linux for one argument): longer lists
 * go to standard input.  Whether memory sufficed, buf_ok() tells.
 */
void remote_command(struct buf *out, const char *script,
    const char *const *args, size_t nargs);

/*
 * The same for scripts that call xCAT's commands: behind
 * ". /etc/profile.d/xcat.sh", with PERL_BADLANG=0, and with XCATBYPASS=1 when
 * bypass is set (xcatd is down) and without it when not.  Where there is no
 * xCAT: status 127 and a line on standard error.
 */
void remote_xcat_command(struct buf *out, const char *script, int bypass,
    const char *const *args, size_t nargs);

#endif
