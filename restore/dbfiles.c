#include <fnmatch.h>
#include <string.h>

#include "base/buf.h"
#include "restore/dbfiles.h"

#define MARK ".sqlite"

int
dbfiles_match(const char *volume, const struct span *path)
{
	static const char *const globs[] = {
		"/etc/xcat/*" MARK "*", "/xcatdata/etc/xcat/*" MARK "*",
	};
	struct buf full = BUF_INIT;
	size_t i, skip = path->len > 1 && memcmp(path->p, "./", 2) == 0 ?
	    2 : 0;
	int is = 0;

	/* Asked of every entry. */
	if (memmem(path->p, path->len, MARK, sizeof(MARK) - 1) == NULL)
		return (0);
	if (strcmp(volume, "/") != 0)
		buf_puts(&full, volume);
	buf_putc(&full, '/');
	buf_append(&full, path->p + skip, path->len - skip);
	for (i = 0; i < sizeof(globs) / sizeof(globs[0]); i++)
		is = is || fnmatch(globs[i], buf_cstr(&full),
		    FNM_PATHNAME) == 0;
	buf_fini(&full);
	return (is);
}
