#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backup/docker.h"
#include "backup/facts.h"
#include "backup/full.h"
#include "base/io.h"

#define DIR_PREFIX "xcatvault-facts."
#define XCAT_SHARE "/opt/xcat/share/xcat"
#define STALE_S 86400

struct full {
	const struct full_options *opt;
	struct buf dir;		/* empty: never made */
	struct buf changed;	/* paths, each ended by a NUL */
	int stored;		/* something is in the directory */
};

static const char *
full_path(const struct full *f)
{
	return ((const char *)f->dir.data);
}

/* Patterns of paths that a node may have; what does not exist is no matter. */
static const char patterns[] =
    /* xCAT: certificates, keys, way to the database */
    "/etc/xcat\n/etc/xCATMN\n/etc/xCATSN\n/etc/sysconfig/xcat\n"
    "/etc/default/xcat\n/etc/profile.d/xcat.*\n/opt/xcat/version\n"
    /* ssh: host keys; those of users are asked for by user */
    "/etc/ssh\n"
    /* boot */
    "/tftpboot\n/srv/tftp\n/var/lib/tftpboot\n/etc/xinetd.d\n"
    "/etc/default/tftpd-hpa\n/etc/sysconfig/tftp\n"
    /* DHCP: ISC and Kea */
    "/etc/dhcp\n/etc/dhcp3\n/etc/dhcpd*.conf\n/etc/sysconfig/dhcpd*\n"
    "/etc/default/isc-dhcp-server\n/var/lib/dhcp\n/var/lib/dhcpd\n"
    "/etc/kea\n/etc/sysconfig/kea*\n/etc/default/kea*\n/var/lib/kea\n"
    /* DNS */
    "/etc/named*\n/etc/rndc.*\n/etc/bind\n/var/named\n/var/lib/named\n"
    "/var/lib/bind\n/var/cache/bind\n/etc/sysconfig/named\n"
    "/etc/default/named\n/etc/default/bind9\n/etc/dnsmasq.conf\n"
    "/etc/dnsmasq.d\n/etc/resolv.conf\n"
    /* consoles */
    "/etc/conserver*\n/etc/goconserver\n/etc/sysconfig/conserver\n"
    "/etc/default/conserver*\n/var/lib/goconserver\n"
    /* http */
    "/etc/httpd\n/etc/apache2\n/etc/nginx\n/etc/sysconfig/apache2\n"
    "/etc/sysconfig/httpd\n/var/www\n/srv/www\n/etc/pki/tls/private\n"
    "/etc/pki/tls/certs\n/etc/ssl/private\n"
    /* NFS; /var/lib/nfs/rpc_pipefs is no storage */
    "/etc/exports\n/etc/exports.d\n/etc/nfs.conf*\n/etc/nfsmount.conf*\n"
    "/etc/idmapd.conf\n/etc/sysconfig/nfs\n/etc/default/nfs-*\n"
    "/etc/auto.*\n/etc/autofs*\n/var/lib/nfs/etab\n/var/lib/nfs/rmtab\n"
    "/var/lib/nfs/xtab\n/var/lib/nfs/state\n/var/lib/nfs/sm*\n"
    "/var/lib/nfs/nfsdcltrack\n/var/lib/nfs/v4recovery\n"
    /* hosts, users */
    "/etc/host*\n/etc/passwd\n/etc/group\n/etc/shadow\n/etc/gshadow\n"
    "/etc/subuid\n/etc/subgid\n/etc/sudoers*\n/etc/nsswitch.conf\n"
    "/etc/pam.d\n/etc/security\n/etc/ldap*\n/etc/openldap\n/etc/sssd\n"
    "/etc/nslcd.conf\n/etc/krb5*\n/etc/machine-id\n"
    /* repositories */
    "/etc/yum*\n/etc/dnf\n/etc/zypp\n/etc/apt\n/etc/pki/rpm-gpg\n"
    /* time */
    "/etc/ntp*\n/etc/chrony*\n/etc/localtime\n/etc/timezone\n"
    "/etc/adjtime\n"
    /* network */
    "/etc/sysconfig/network*\n/etc/NetworkManager\n/etc/network\n"
    "/etc/netplan\n/etc/systemd/network\n/etc/firewalld\n"
    "/etc/sysconfig/ip*tables*\n/etc/iptables\n/etc/nftables*\n"
    "/etc/sysctl.conf\n/etc/sysctl.d\n/etc/udev/rules.d\n"
    /* the system itself */
    "/etc/fstab\n/etc/crypttab\n/etc/mdadm*\n/etc/multipath*\n"
    "/etc/lvm\n/etc/modprobe.d\n/etc/modules*\n/etc/default/grub\n"
    "/etc/selinux\n/etc/systemd\n/etc/rc.local\n/etc/rc.d/rc.local\n"
    "/etc/environment\n/etc/locale*\n/etc/profile.d\n"
    /* logs */
    "/etc/rsyslog*\n/etc/logrotate*\n"
    /* cron */
    "/etc/cron*\n/etc/anacrontab\n/var/spool/cron\n"
    /* databases: how they are reached, not what is in them */
    "/etc/postgresql\n/var/lib/pgsql/data/*.conf\n/etc/my.cnf*\n"
    "/etc/mysql\n"
    /* two nodes as one */
    "/etc/drbd*\n/etc/corosync\n/etc/pacemaker\n/var/lib/pacemaker/cib\n";

/* -------------------------------------------------------- the directory */

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	(void)st;
	(void)where;
	(void)(type == FTW_DP ? rmdir(path) : unlink(path));
	return (0);
}

static void
remove_dir(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Times that no night changes. */
static int
settle_one(const char *path, const struct stat *st, int type,
    struct FTW *where)
{
	static const struct timespec times[2];

	(void)st;
	(void)type;
	(void)where;
	return (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
}

/* What a run of ours left that was killed. */
static void
remove_stale(const char *tmp)
{
	struct buf pattern = BUF_INIT;
	struct stat st;
	glob_t found;
	size_t i;

	buf_printf(&pattern, "%s/" DIR_PREFIX "??????", tmp);
	if (!pattern.nomem &&
	    glob(buf_cstr(&pattern), GLOB_NOSORT, NULL, &found) == 0) {
		/* Not its time of modification, which is set. */
		for (i = 0; i < found.gl_pathc; i++)
			if (lstat(found.gl_pathv[i], &st) == 0 &&
			    S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
			    time(NULL) - st.st_ctime > STALE_S)
				remove_dir(found.gl_pathv[i]);
		globfree(&found);
	}
	buf_fini(&pattern);
}

static int
make_dir(struct full *f, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	char *path;

	if (tmp == NULL || *tmp != '/')
		tmp = "/tmp";
	remove_stale(tmp);
	buf_printf(&f->dir, "%s/" DIR_PREFIX "XXXXXX", tmp);
	(void)buf_cstr(&f->dir);
	if (buf_ok(&f->dir, e) == -1)
		return (-1);
	path = (char *)f->dir.data;
	if (mkdtemp(path) == NULL) {
		err_sys(e, "%s", path);
		buf_fini(&f->dir);
		return (-1);
	}
	return (0);
}

/* ---------------------------------------------------------- what is in it */

static int
gather_docker(struct full *f, int dirfd, struct err *e)
{
	const struct full_options *opt = f->opt;
	const char *address = NULL;
	int fd, rc;

	if (opt->control != NULL)
		address = remote_name(opt->control);
	if (io_mkdir(dirfd, "docker", e) == -1)
		return (-1);
	fd = openat(dirfd, "docker", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return (err_sys(e, "docker"));
	rc = docker_gather(opt->site->container, address, fd, opt->report, e);
	close(fd);
	if (rc == 1)
		f->stored = 1;
	/* Of no use where nothing was put into it. */
	(void)unlinkat(dirfd, "docker", AT_REMOVEDIR);
	return (rc == -1 ? -1 : 0);
}

static int
gather(struct full *f, struct err *e)
{
	const struct full_options *opt = f->opt;
	int dirfd, rc = 0;

	if (make_dir(f, e) == -1)
		return (-1);
	dirfd = open(full_path(f), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd == -1)
		return (err_sys(e, "%s", full_path(f)));
	if (opt->control != NULL) {
		rc = facts_gather(opt->control, dirfd, &f->changed,
		    opt->report, e);
		f->stored = 1;
	}
	if (rc == 0)
		rc = gather_docker(f, dirfd, e);
	close(dirfd);
	if (rc == 0 && nftw(full_path(f), settle_one, 16,
	    FTW_DEPTH | FTW_PHYS) != 0)
		rc = err_sys(e, "%s", full_path(f));
	return (rc);
}

struct full *
full_new(const struct full_options *opt, struct err *e)
{
	struct full *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_nomem(e);
		return (NULL);
	}
	f->opt = opt;
	if (gather(f, e) == 0)
		return (f);
	full_free(f);
	return (NULL);
}

void
full_free(struct full *f)
{
	if (f == NULL)
		return;
	if (f->dir.len > 0)
		remove_dir(full_path(f));
	buf_fini(&f->dir);
	buf_fini(&f->changed);
	free(f);
}

const char *
full_dir(const struct full *f)
{
	return (f->stored ? full_path(f) : NULL);
}

/* ------------------------------------------------------------------- paths */

static int
ask_fixed(struct full *f, struct wanted *out, struct err *e)
{
	static const char *const text[] = { patterns };
	static const char *const homes[] = { ".ssh", ".xcat" };
	static const char *const share[] = { XCAT_SHARE };
	static const struct wanted_question all[] = {
		{ WANTED_PATTERNS, text, 1, 0 },
		{ WANTED_HOMES, homes, 2, 0 },
		{ WANTED_UNOWNED, share, 1, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (wanted_ask(out, f->opt->control, &all[i], f->opt->report,
		    e) == -1)
			return (-1);
	return (0);
}

/* What the tables name, and changed files; outside the volumes. */
static int
ask_named(struct full *f, const struct places *places, struct wanted *out,
    struct err *e)
{
	const struct xcatdump *proof = f->opt->proof;
	struct wanted_question q = { WANTED_PATHS, NULL, 0, 0 };
	size_t npaths = proof != NULL ? xcatdump_paths(proof) : 0, i, n = 0;
	const char **paths, *p = buf_cstr(&f->changed), *end, *tftpdir;
	int rc;

	end = p + f->changed.len;
	if (buf_ok(&f->changed, e) == -1)
		return (-1);
	/* No path is shorter than two bytes and its NUL. */
	paths = calloc(npaths + f->changed.len / 2 + 2, sizeof(*paths));
	if (paths == NULL)
		return (err_nomem(e));
	for (i = 0; i < npaths; i++)
		paths[n++] = xcatdump_path(proof, i);
	tftpdir = proof != NULL ? xcatdump_fact(proof, XCATDUMP_TFTPDIR) :
	    NULL;
	if (tftpdir != NULL && tftpdir[0] == '/')
		paths[n++] = tftpdir;
	for (; p < end; p += strlen(p) + 1)
		paths[n++] = p;
	for (i = 0; i < n; i++)
		if (places_holding(places, paths[i]) == NULL)
			paths[q.nargs++] = paths[i];
	q.args = paths;
	rc = wanted_ask(out, f->opt->control, &q, f->opt->report, e);
	free(paths);
	return (rc);
}

int
full_paths(struct full *f, const struct places *places, struct wanted *out,
    struct err *e)
{
	if (f->opt->control == NULL)
		return (0);
	if (ask_fixed(f, out, e) == -1)
		return (-1);
	return (ask_named(f, places, out, e));
}
