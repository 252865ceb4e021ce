#ifndef REMOTE_SESSION_H_
#define REMOTE_SESSION_H_

#include "base/err.h"

/*
 * A connection to a host over ssh: reached, its key known, logged in.  A
 * session belongs to one thread at a time; whoever wants more at once makes
 * siblings.
 *
 * Only a host key that is known is accepted: one listed in known_hosts of
 * the ssh folder or in /etc/ssh/ssh_known_hosts.  Nothing is ever added but
 * by remote_trust().
 */
struct remote;

struct remote_target {
	const char *host;	/* name, address, or a Host of ssh_config */
	const char *user;	/* NULL: as ssh_config says, else root */
	unsigned port;		/* 0: as ssh_config says, else 22 */
	const char *identity;	/* private key file, or NULL */
	const char *password_file;	/* mode 0600, first line; or NULL */
	int ask;		/* may ask for a password on the terminal */
	unsigned connect_s;	/* time-outs in seconds; 0: the default */
	unsigned idle_s;	/* nothing at all arrives for so long */
};

#define REMOTE_CONNECT_S 15
#define REMOTE_IDLE_S 300

/*
 * Connect, check the host's key, log in: identity, agent, the keys that
 * ssh_config or the ssh folder names, password file, password asked for.
 * The strings of t are copied.  NULL with ERR_FAILED and one line that names
 * host and port and says which it was (no such host, refused, timed out,
 * unknown key, changed key, login refused) and what to do next; ERR_USAGE
 * for a password file that others may read or an identity that is not there.
 */
struct remote *remote_open(const struct remote_target *t, struct err *e);

/*
 * Another session to the same place with what worked the first time,
 * password included; never asks.  Any thread may call, while r is open.
 */
struct remote *remote_sibling(const struct remote *r, struct err *e);

/* Ends the session, quietly also when the connection is lost. */
void remote_close(struct remote *r);

/* "user@host:port" as connected; for messages. */
const char *remote_name(const struct remote *r);

/* "SHA256:..." of the host's key. */
const char *remote_fingerprint(const struct remote *r);

/*
 * Whether the login used xCAT's well-known container password, "cluster",
 * which everybody knows: to be warned about.
 */
int remote_weak_password(const struct remote *r);

/*
 * Fetch the host's key without logging in.  fingerprint: "SHA256:...",
 * type: "ssh-ed25519"; *state as below.  When record is set and the key is
 * unknown, it is added to known_hosts of the ssh folder (0600, made when it
 * is not there).  A changed key is never recorded: ERR_FAILED.
 * Where key->fingerprint is not empty then, only that key is recorded.
 */
enum remote_key { REMOTE_KEY_KNOWN, REMOTE_KEY_UNKNOWN, REMOTE_KEY_CHANGED };

struct remote_host_key {
	enum remote_key state;
	char type[64];
	char fingerprint[128];
};

int remote_trust(const struct remote_target *t, int record,
    struct remote_host_key *key, struct err *e);

/*
 * The ssh folder: $XCATVAULT_SSH_DIR, else ~/.ssh: config, known_hosts,
 * id_*.  ssh_config of it is read for Host, HostName, Port, User,
 * IdentityFile, ProxyCommand and ProxyJump, as far as libssh has them.
 */

/*
 * Take "[ssh://][user@]host[:port][/path]" apart (host may be "[IPv6]").
 * Strings are the caller's to free; *path NULL when there is none.  ERR_USAGE
 * for what is no address: empty host, one with a leading "-", control bytes,
 * a bad port.
 */
int remote_parse(const char *text, char **user, char **host, unsigned *port,
    char **path, struct err *e);

#endif
