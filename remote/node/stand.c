#include "remote/node/stand.h"
#include "remote/exec.h"
#include "remote/quote.h"

int
stand_ask(struct remote *r, const char *const *paths, enum stand *is,
    size_t n, struct err *e)
{
	static const char script[] =
	    "for p; do\n"
	    "	if [ -d \"$p\" ]; then printf d\n"
	    "	elif [ -e \"$p\" ]; then printf o\n"
	    "	else printf n\n"
	    "	fi\n"
	    "done\n";
	struct buf command = BUF_INIT, out = BUF_INIT;
	struct remote_io io = { .max = n, .out = &out };
	size_t i;
	int rc = -1;

	if (n == 0)
		return (0);
	remote_command(&command, script, paths, n);
	if (buf_ok(&command, e) == 0)
		rc = remote_run(r, buf_cstr(&command), &io, e);
	if (rc == 0 && (io.status != 0 || out.len != n))
		rc = err_set(e, ERR_FAILED, "%s: a test of paths ended with "
		    "status %d", remote_name(r), io.status);
	for (i = 0; rc == 0 && i < n; i++)
		is[i] = out.data[i] == 'd' ? STAND_DIR :
		    out.data[i] == 'o' ? STAND_OTHER : STAND_NOTHING;
	buf_fini(&command);
	buf_fini(&out);
	return (rc);
}
