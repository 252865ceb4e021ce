#include <stdlib.h>
#include <string.h>

#include "formats/scan.h"
#include "remote/quote.h"
#include "restore/ontofacts.h"
#include "restore/pump.h"

#define OUTPUT_MAX ((size_t)1 << 20)

/* Who answers for the nodes from the volumes, or writes into them. */
static const char *const known[] = {
	"xcatd", "dhcpd", "kea-dhcp4", "kea-dhcp6", "named", "httpd",
	"apache2", "in.tftpd", "goconserver", "conserver", "nfsd",
};

static const char script[] =
    "for p; do\n"
    "	while [ ! -d \"$p\" ]; do p=$(dirname -- \"$p\"); done\n"
    "	stat -L -c %d -- \"$p\" || exit\n"
    "	stat -f -c '%a %S %c %d' -- \"$p\" || exit\n"
    "done\n"
    "cat /proc/[0-9]*/comm 2>/dev/null | sort -u\n"
    "exit 0\n";

void
ontofacts_fini(struct ontofacts *f)
{
	free(f->places);
	memset(f, 0, sizeof(*f));
}

/* "DEV\nFREE BLOCK INODES FREE_INODES\n" */
static int
take_place(struct scan *s, struct ontofacts_place *p)
{
	uint64_t blocks, size, inodes, left;

	if (!scan_u64(s, &p->fs) || !scan_char(s, '\n') ||
	    !scan_u64(s, &blocks) || !scan_char(s, ' ') ||
	    !scan_u64(s, &size) || !scan_char(s, ' ') ||
	    !scan_u64(s, &inodes) || !scan_char(s, ' ') ||
	    !scan_u64(s, &left) || !scan_char(s, '\n'))
		return (0);
	if (__builtin_mul_overflow(blocks, size, &p->room))
		p->room = UINT64_MAX;
	p->inodes = inodes == 0 ? UINT64_MAX : left;
	return (1);
}

static void
take_services(struct scan *s, struct ontofacts *f)
{
	size_t i, n = 0;
	struct span w;

	f->services[0] = "";
	while (s->p < s->end && n < ONTOFACTS_SERVICES) {
		if (!scan_word(s, '\n', '\n', &w)) {
			s->p++;
			continue;
		}
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strlen(known[i]) == w.len &&
			    memcmp(known[i], w.p, w.len) == 0)
				f->services[n++] = known[i];
		f->services[n] = "";
	}
}

int
ontofacts_ask(struct node *n, const char *const *paths, size_t npaths,
    struct ontofacts *f, struct err *e)
{
	struct buf command = BUF_INIT, out = BUF_INIT, said = BUF_INIT;
	struct buf line = BUF_INIT;
	struct remote_io io = {
		.max = OUTPUT_MAX, .out = &out, .errors = &said,
	};
	struct scan s;
	size_t i;
	int rc = -1;

	memset(f, 0, sizeof(*f));
	f->places = calloc(npaths + 1, sizeof(*f->places));
	remote_command(&command, script, paths, npaths);
	if (f->places == NULL)
		err_nomem(e);
	else if (buf_ok(&command, e) == 0 && node_wake(n, e) == 0)
		rc = remote_run(n->control, buf_cstr(&command), &io, e);
	if (rc == 0 && io.status != 0)
		rc = err_set(e, ERR_FAILED, "%s: a look at the file systems "
		    "ended with status %d: %.300s", remote_name(n->control),
		    io.status, pump_first_line(&line, &said));
	s.p = buf_cstr(&out);
	s.end = s.p + out.len;
	for (i = 0; rc == 0 && i < npaths; i++)
		if (!take_place(&s, &f->places[i]))
			rc = err_set(e, ERR_FAILED, "%s: stat on the node "
			    "printed something else than it was asked for",
			    remote_name(n->control));
	if (rc == 0)
		take_services(&s, f);
	buf_fini(&command);
	buf_fini(&out);
	buf_fini(&said);
	buf_fini(&line);
	return (rc);
}
