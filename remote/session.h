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
	unsigned idle_s;	/* a command says nothing for so long */
};

#define REMOTE_CONNECT_S 15
#define REMOTE_IDLE_S 300

/*
 * Connect, check the host's key, log in: identity; the agent's keys; those
 * that ssh_config or the ssh folder names; the password of the file; one
 * asked for, three times.  A server may want several of these.  A passphrase
 * of a key is asked for as a password is.  The strings of t are copied.
 *
 * NULL with ERR_FAILED and one line that names user, host and port, says
 * which it was (no such host, refused, timed out, unknown key, changed key,
 * login refused) and what to do next; ERR_USAGE for a password file that
 * others may read, an identity that is not there, and what is no host.
 *
 * Signals (base/cancel.h) end every wait here within a fraction of a second,
 * save the look-up of a name.
 */
struct remote *remote_open(const struct remote_target *t, struct err *e);

/*
 * Another session to the same place with what worked the first time,
 * password included; never asks.  Any thread may call, while r is open.
 */
struct remote *remote_sibling(const struct remote *r, struct err *e);

/*
 * The host's key may become this one ("SHA256:...") as long as this process
 * runs, because what is written there brings it along: siblings made from now
 * on, and theirs, take either.  Before other threads have r.
 */
void remote_expect_key(struct remote *r, const char *fingerprint);

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
 * Fetch the host's key without logging in, into *key.  Without record,
 * that is all, whatever its state.  With it, an unknown key is added to
 * known_hosts of the ssh folder (0600, made when it is not there) and state
 * tells what it was before; a changed key, or one of another type than is
 * known, is never recorded: ERR_FAILED.
 *
 * key: zeroed, or as a call without record left it: then only that same key
 * is recorded, and another one is ERR_FAILED.
 */
enum remote_key { REMOTE_KEY_KNOWN, REMOTE_KEY_UNKNOWN, REMOTE_KEY_CHANGED };

struct remote_host_key {
	enum remote_key state;
	char type[64];		/* "ssh-ed25519" */
	char fingerprint[128];	/* "SHA256:..." */
};

int remote_trust(const struct remote_target *t, int record,
    struct remote_host_key *key, struct err *e);

/*
 * The ssh folder: $XCATVAULT_SSH_DIR, else .ssh of the user's home (that of
 * passwd(5), as ssh does it): config, known_hosts, id_*; /etc/ssh/ssh_config
 * and /etc/ssh/ssh_known_hosts are read as well.
 *
 * Of ssh_config, libssh 0.10 knows Host, Match (all, host, originalhost,
 * user, localuser, exec), Include, HostName, Port, User, IdentityFile,
 * IdentityAgent, ProxyCommand, ProxyJump, UserKnownHostsFile and
 * GlobalKnownHostsFile (one file each), Ciphers, MACs, KexAlgorithms,
 * HostKeyAlgorithms, PubkeyAcceptedAlgorithms, PubkeyAuthentication and
 * RekeyLimit.  StrictHostKeyChecking, Compression, ConnectTimeout, BindAddress
 * and LogLevel are without effect here.  It passes over all else, so these
 * differ from ssh: HostKeyAlias, IdentitiesOnly (the agent's keys are always
 * tried), CertificateFile, AddressFamily, ServerAlive*, Control*; and the
 * "@cert-authority" and "@revoked" of known_hosts.  ProxyJump runs the program
 * ssh, which has its own idea of the ssh folder.  Beside a private key that
 * has no .pub, libssh writes that file.
 */

/*
 * Take "[ssh://][user@]host[:port][/path]" apart (host may be "[IPv6]").
 * Strings are the caller's to free; *path NULL when there is none.  ERR_USAGE
 * for what is no address: empty host, one with a leading "-", control bytes,
 * a bad port.
 * A password in it ("user:password@") is refused too, and not repeated.
 * Nothing is decoded: a "%" is a "%".
 */
int remote_parse(const char *text, char **user, char **host, unsigned *port,
    char **path, struct err *e);

#endif
