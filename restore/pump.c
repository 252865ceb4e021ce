#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "remote/exec.h"
#include "remote/quote.h"
#include "restore/pump.h"

#define READ_BYTES ((size_t)128 << 10)
#define NAMES_BYTES ((size_t)64 << 10)	/* given at once */

void
pump_fini(struct pump *p)
{
	buf_fini(&p->said);
}

/* A command that has something still to read, and its input. */
struct flow {
	struct remote_exec *exec;
	struct buf pending;
	size_t used;
	int more;		/* of in(): 1, 2 or 0 */
	int ended;		/* the command's input has been */
	uint8_t *bytes;
};

/* Send what can be sent.  1 when there is something left. */
static int
send_some(struct flow *f, struct pump *p, struct err *e)
{
	ssize_t n;

	for (;;) {
		if (f->used == f->pending.len) {
			buf_clear(&f->pending);
			f->used = 0;
			if (f->more != 0 && (f->more = p->in(p->arg,
			    &f->pending, e)) == -1)
				return (-1);
			if (buf_ok(&f->pending, e) == -1)
				return (-1);
		}
		if (f->pending.len == 0) {
			if (f->more == 1)
				continue;
			if (f->more == 0 && !f->ended) {
				f->ended = 1;
				return (remote_exec_end_input(f->exec, e));
			}
			return (0);
		}
		n = remote_exec_write_some(f->exec, f->pending.data +
		    f->used, f->pending.len - f->used, e);
		if (n == -1)
			return (-1);
		f->used += (size_t)n;
		if (f->used < f->pending.len)
			return (1);
	}
}

static int
run(struct flow *f, struct pump *p, struct err *e)
{
	ssize_t n;

	while (!remote_exec_ended(f->exec)) {
		if (cancel_check(e) == -1 ||
		    send_some(f, p, e) == -1)
			return (-1);
		n = remote_exec_read(f->exec, f->bytes, READ_BYTES, -1, e);
		if (n == -1 || (n > 0 && p->out != NULL &&
		    p->out(p->arg, f->bytes, (size_t)n, e) == -1))
			return (-1);
	}
	return (remote_exec_wait(f->exec, &p->status, e));
}

static int
start(struct flow *f, struct node *n, const struct pump *p, struct err *e)
{
	struct buf script = BUF_INIT, command = BUF_INIT;
	const char **args;
	size_t i;
	int rc = -1;

	if ((args = calloc(p->nargs + 1, sizeof(*args))) == NULL)
		return (err_nomem(e));
	args[0] = p->root;
	for (i = 0; i < p->nargs; i++)
		args[i + 1] = p->args[i];
	buf_puts(&script, "cd -- \"$1\" || exit 90\nshift\n");
	buf_puts(&script, p->script);
	remote_command(&command, buf_cstr(&script), args, p->nargs + 1);
	if (buf_ok(&script, e) == 0 && buf_ok(&command, e) == 0 &&
	    node_wake(n, e) == 0 &&
	    (f->exec = remote_exec_new(n->control, buf_cstr(&command),
	    e)) != NULL)
		rc = 0;
	free(args);
	buf_fini(&script);
	buf_fini(&command);
	return (rc);
}

int
pump_run(struct node *n, struct pump *p, struct err *e)
{
	struct flow f = { .more = p->in != NULL };
	struct buf *said;
	int rc;

	buf_clear(&p->said);
	if ((f.bytes = malloc(READ_BYTES)) == NULL)
		return (err_nomem(e));
	rc = start(&f, n, p, e);
	if (rc == 0) {
		rc = run(&f, p, e);
		said = remote_exec_stderr(f.exec);
		buf_append(&p->said, said->data, said->len);
	}
	remote_exec_free(f.exec);
	buf_fini(&f.pending);
	free(f.bytes);
	return (rc);
}

const char *
pump_first_line(struct buf *out, const struct buf *said)
{
	const char *p = (const char *)said->data, *nl;

	buf_clear(out);
	if (said->len > 0) {
		nl = memchr(p, '\n', said->len);
		buf_put_printable(out, p, nl != NULL ? (size_t)(nl - p) :
		    said->len);
	}
	return (buf_cstr(out));
}

struct names {
	const struct buf *all;
	size_t given;
};

/* By pieces: what waits to be sent is a copy. */
static int
give_names(void *arg, struct buf *to, struct err *e)
{
	struct names *n = arg;
	size_t len = n->all->len - n->given;

	(void)e;
	if (len > NAMES_BYTES)
		len = NAMES_BYTES;
	buf_append(to, n->all->data + n->given, len);
	n->given += len;
	return (n->given < n->all->len);
}

int
pump_names(struct node *n, const char *root, const char *script,
    const char *const *args, size_t nargs, const struct buf *names,
    const char *what, struct err *e)
{
	struct names all = { names, 0 };
	struct pump p = {
		.root = root, .script = script, .args = args, .nargs = nargs,
		.in = give_names, .arg = &all,
	};
	struct buf line = BUF_INIT;
	int rc;

	if (names->len == 0)
		return (0);
	rc = pump_run(n, &p, e);
	if (rc == 0 && p.status != 0 && (p.status != 123 || what != NULL))
		rc = err_set(e, ERR_FAILED, "%s: %s: %s: status %d: %.300s",
		    remote_name(n->control), root, what != NULL ? what :
		    "changing what is there", p.status,
		    pump_first_line(&line, &p.said));
	buf_fini(&line);
	pump_fini(&p);
	return (rc);
}
