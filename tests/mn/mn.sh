#!/bin/bash
# mn.sh: test management nodes on loopback.  "mn.sh --help" tells all.
#
# A node is a mount, host name, IPC and process namespace over a root of its
# own below DIR, with the host's /usr read-only in it, a real sshd on
# 127.0.0.1, and stand-ins of xCAT's commands (opt/).
set -u

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL

help() {
	cat <<'END'
usage: mn.sh start DIR [OPTION]...
       mn.sh stop DIR
       mn.sh shell DIR COMMAND...
       mn.sh populate DIR [small|facts|NODES]
       mn.sh fault DIR [NAME=VALUE... | clear]
       mn.sh cut DIR
       mn.sh proxy DIR BYTES[,BYTES...]
       mn.sh can

start makes a node with all its state below DIR and leaves
  DIR/port      of its sshd on 127.0.0.1
  DIR/pid       of its first process, on this host
  DIR/ssh       id_ed25519, known_hosts and config: XCATVAULT_SSH_DIR
  DIR/root      its root directory; /install, /etc/xcat ... are to be looked
                at there, but not what is mounted in the node only
  DIR/log       of its sshd
  Exit status 77, and why on stderr, where this host does not allow it; "can"
  only looks whether it does.
  --layout old|xcatdata|bare
                old: a container with /install, /var/log/xcat and /.dbbackup;
                xcatdata: one with /xcatdata, which /install, /tftpboot and
                /etc/xcat are links into; bare: no container, no /.dbbackup
  --volume PATH=HOSTDIR   HOSTDIR of this host mounted there
  --mount-dbbackup        /.dbbackup is a mount of its own (DIR/dbbackup)
  --small PATH=SIZE       a small file system of its own there, as "64k"
  --small-dbbackup SIZE   --small /.dbbackup=SIZE
  --hostname NAME         default: mn1
  --password PW           root may log in with it
  --port PORT             default: a free one
stop ends the node, with every process in it; DIR stays.  A node may then be
  started again on the same DIR.
shell runs a command in the node as a judge: with xCAT's commands, and with
  the tools that switches hide from others.
populate fills the database and makes a realistic /install and /var/log/xcat.
  small: own data of 24 nodes (NODES: so many); facts: the recorded dump of a
  real node in ../shared/xcat-samples/dump when it is there, else as small.
cut ends the ssh connections there are; the node goes on.
proxy leaves a second port in DIR/proxy-port: the N-th connection to it is cut
  when the N-th number of BYTES has come from the node, "-" is not, nor are
  those after the list.  DIR/proxy.log tells of each.  A new proxy ends the old.
fault sets switches, or clears them all.  Several may be set at once.
  xcatd=down              as after "systemctl stop xcatd"
  dump=midway[:N]         xcatd stops for good after N (22) tables; status 0
  dump=diskfull[:BYTES]   room for so much (8192); status 0, nothing on stderr
  dump=stderr             perl's warnings of the locale; else all is well
  dump=hang[:N]           after N (5) tables
  dump=slow[:MS]          so long for each table (100)
  dump=lie-rows[:TABLE]   a quarter of its rows (nodelist), well formed
  dump=missing-table[:TABLE]   is left out (hosts)
  dump=truncated-line[:TABLE]  half of its lines (nodelist)
  dump=truncated[:TABLE]  two thirds of its bytes (nodelist)
  dump=badbytes[:TABLE]   rows with a 0x01 and a lone 0xE9 more (site)
  dump=extra              nodelist.csv.bak (a header only) and README.txt too
  dump=stale[:TABLE]      a file that is a day old (nodelist)
  dump=empty              no file at all; status 0
  tabdump=hang            also before dumpxCATdb has a list of the tables
  tabdump=stderr          a warning of the locale
  lsxcatd=hang
  bypass=noisy            XCATBYPASS=1 tells of a plugin that cannot be loaded,
                          which dumpxCATdb takes for a table
  restore=lose[:T,T...]   these tables are not restored (hosts, nodehm)
  restore=midway[:N]      xcatd stops for good after N (22) entries
  restore=hang[:N]        after N (5) entries
  imgexport=hang
  imgexport=slow[:S]      so long before it packs (3)
  imgexport=error         says "Error:"; status 0
  imgexport=status        says nothing; status 1
  imgexport=full          tar has no room; no bundle
  imgexport=nobundle      status 0, and there is none
  imgexport=short, imgexport=garbage   the bundle is cut off, or goes on
  imgexport=norootimg     as where there is none; status 0
  imgexport=lose[:PART]   files with PART in their names are not in the bundle
                          (rootimg); status 0, nothing said
  imgexport=skip[:PART]   likewise (pkglist), with what xCAT says; status 1
  imgexport=cut[:PART]    half of them (rootimg); status 0
  imgexport=flip[:PART]   other bytes (kernel)
  imgexport=change[:PART] the files change when they have been copied (rootimg)
  imgexport=touch[:PART]  only their times do
  imgexport=column[:NAME] the manifest has no such column (exlist)
  line=endless            what an export hears from the node never ends a line
  digest=lie              SHA-256 as the node tells it is wrong
  digest=wrong:REGEX      only of names that end so
  digest=slow             and takes a minute
  imgimport=hang          at once; stuck[:N]: after N (2) files
  imgimport=lose[:NAME]   NAME.* (rootimg) is not put in its place; status 0
  imgimport=spoil[:NAME]  NAME* (rootimg) ends in other bytes; status 0
  imgimport=stale[:COLUMN]    of linuximage (nodebootif) has a value of old
  imgimport=fill[:DIR]    DIR (/install) is full when the files are moved
  imgimport=extra         an extra cannot be copied; status 1
  imgimport=error         an error at the end; status 0
  imgimport=status        status 1 at the end, and nothing said
  imgimport=midway[:N]    xcatd stops for good after N (2) files; status 0
  imgimport=open[:NAME]   NAME* (rootimg) may be written to by everyone
  imgimport=detach[:MS]   its client fails after two files, and the import goes
                          on by itself after so long (500)
  imgimport=slow[:MS]     so long before each file (200)
  chtab=fail, tabrestore=fail     they say so, and do nothing
  find=missing, tar=missing, NAME=missing    no such command on the node
  find=notgnu, tar=notgnu     as BusyBox has them
  tools=NAME,NAME...      these commands are missing
  dbbackup=readonly       /.dbbackup is read-only; install=readonly likewise
Statuses: 0; 1 failed; 2 usage; 77 this host does not allow such nodes.
END
}

fail() {
	echo "mn: $*" >&2
	exit 1
}

unable() {
	echo "mn: skipped: $*" >&2
	exit 77
}

usage() {
	help >&2
	exit 2
}

# ------------------------------------------------------------------- whether

UNSHARE=(unshare --mount --uts --ipc --pid --fork --propagation private)

can() {
	local tool

	[ "$(id -u)" -eq 0 ] || unable "needs root"
	for tool in unshare nsenter sshd ssh-keygen sqlite3 perl; do
		command -v "$tool" >/dev/null || unable "needs $tool"
	done
	"${UNSHARE[@]}" true 2>/dev/null ||
	    unable "may not make namespaces here (unshare)"
	"${UNSHARE[@]}" mount --bind / /mnt 2>/dev/null ||
	    unable "may not mount in a namespace here"
}

# starttime PID: when it was started, in the kernel's ticks
starttime() {
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	# shellcheck disable=SC2086
	set -- ${stat##*) }
	echo "${20}"
}

# running: sets PID when the node of $DIR is there
running() {
	local began

	[ -s "$DIR/pid" ] && read -r PID <"$DIR/pid" &&
	    read -r began <"$DIR/began" &&
	    [ "$(starttime "$PID")" = "$began" ]
}

need_running() {
	running || fail "$DIR: no node is running there"
}

# --------------------------------------------------------------------- start

start() {
	local layout=old hostname=mn1 password='' port='' mounts=()

	while [ $# -gt 0 ]; do
		case $1 in
		--mount-dbbackup) mounts+=("bind /.dbbackup $DIR/dbbackup") ;;
		--*) [ $# -ge 2 ] || usage ;;&
		--layout) layout=$2; shift ;;
		--volume) mounts+=("bind ${2%%=*} ${2#*=}"); shift ;;
		--small) mounts+=("small ${2%%=*} ${2#*=}"); shift ;;
		--small-dbbackup) mounts+=("small /.dbbackup $2"); shift ;;
		--hostname) hostname=$2; shift ;;
		--password) password=$2; shift ;;
		--port) port=$2; shift ;;
		*) usage ;;
		esac
		shift
	done
	case $layout in
	old | xcatdata | bare) ;;
	*) usage ;;
	esac
	can
	mkdir -p "$DIR" || exit 1
	DIR=$(cd "$DIR" && pwd)
	! running || fail "$DIR: a node is running there"
	printf '%s\n' ${mounts[@]+"${mounts[@]}"} >"$DIR/mounts"
	make_keys
	make_root "$layout" "$hostname" "$password"
	local tries=0
	while [ $tries -lt 5 ]; do
		launch "${port:-$(free_port)}" && return 0
		[ -z "$port" ] || break
		tries=$((tries + 1))
	done
	fail "$DIR: no sshd: $(tail -n 3 "$DIR/log")"
}

free_port() {
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
		    Listen => 1) or die "port: $!";
		print $s->sockport, "\n"'
}

make_keys() {
	local name=$DIR/ssh/id_ed25519

	mkdir -p "$DIR/ssh"
	chmod 700 "$DIR/ssh"
	[ -e "$name" ] || ssh-keygen -q -t ed25519 -N '' -C judge -f "$name"
}

# know PORT: the node's key belongs to that port too
know() {
	local key

	read -r key <"$DIR/root/etc/ssh/ssh_host_ed25519_key.pub"
	echo "[127.0.0.1]:$1 ${key% *}" >>"$DIR/ssh/known_hosts"
}

# launch PORT: the node's first process, and its sshd listening
launch() {
	local tries=0

	rm -f "$DIR"/{pid,began,port}
	: >"$DIR/ssh/known_hosts"
	know "$1"
	{
		echo "Host node"
		echo "	HostName 127.0.0.1"
		echo "	Port $1"
		echo "	User root"
		echo "	IdentityFile $DIR/ssh/id_ed25519"
		echo "	UserKnownHostsFile $DIR/ssh/known_hosts"
	} >"$DIR/ssh/config"
	: >"$DIR/log"
	# Nothing of the caller's stays open: bats waits for its descriptors.
	(
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		cd / && exec setsid "${UNSHARE[@]}" bash "$HERE/init.sh" \
		    "$DIR" "$1"
	) </dev/null >>"$DIR/log" 2>&1 &
	while [ $tries -lt 6000 ]; do
		if grep -q "^Server listening on" "$DIR/log"; then
			echo "$1" >"$DIR/port"
			return 0
		fi
		kill -0 $! 2>/dev/null || break
		sleep 0.01
		tries=$((tries + 1))
	done
	stop
	return 1
}

# make_root LAYOUT HOSTNAME PASSWORD: what of the root is plain files; made
# once, so that a node that is started again finds what it had
make_root() {
	local r=$DIR/root d

	[ ! -e "$r/etc/hostname" ] || return 0
	mkdir -p "$r"/{dev,proc,sys,tmp,mnt,home,srv,root/.ssh,root/.xcat,opt/xcat} \
	    "$r"/etc/{ssh,profile.d,xcat,default,cron.d} \
	    "$r"/run/{sshd,mn,lock} "$r"/usr \
	    "$r"/var/{log/xcat,lib,cache,tmp,spool/cron/crontabs}
	for d in /bin /sbin /lib /lib32 /lib64 /libx32; do
		if [ -L "$d" ]; then
			ln -s "$(readlink "$d")" "$r$d"
		elif [ -d "$d" ]; then
			mkdir "$r$d"
		fi
	done
	ln -s ../run "$r/var/run"
	chmod 1777 "$r/tmp" "$r/var/tmp"
	chmod 700 "$r/root" "$r/root/.ssh"
	make_etc "$2" "$3"
	make_layout "$1"
	cp -R "$HERE/opt/." "$r/opt/xcat"
	mkdir -p "$r/opt/xcat/share/xcat/mn" "$DIR"/usr-local/{bin,sbin}
	cp "$HERE"/{schema.txt,populate.pl,switch.sh} \
	    "$r/opt/xcat/share/xcat/mn"
	echo "Version 2.19.0 (git commit 7733d16f8de0fc36b80638c04a7033931fa13304)" \
	    >"$r/opt/xcat/version"
	make_packages
	: >"$r/run/mn/xcatd"
}

make_etc() {
	local e=$DIR/root/etc hash='*'

	for d in /etc/alternatives /etc/ld.so.cache /etc/perl; do
		[ ! -e "$d" ] || cp -a "$d" "$e"
	done
	[ -z "$2" ] || hash=$(PW=$2 perl -e '
		my $h = crypt($ENV{PW}, "\$6\$xcatvault\$");
		$h = crypt($ENV{PW}, "xv") unless defined $h && $h =~ /^\$6/;
		print $h')
	ln -s ../usr/lib/os-release "$e/os-release"
	echo "$1" >"$e/hostname"
	printf '127.0.0.1\tlocalhost\n10.99.0.1\t%s %s.cluster.test\n' \
	    "$1" "$1" >"$e/hosts"
	printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' \
	    'daemon:x:1:1::/usr/sbin:/usr/sbin/nologin' \
	    'www-data:x:33:33::/var/www:/usr/sbin/nologin' \
	    'sshd:x:104:65534::/run/sshd:/usr/sbin/nologin' \
	    'nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin' \
	    'admin:x:1000:1000::/home/admin:/bin/bash' >"$e/passwd"
	printf '%s\n' 'root:x:0:' 'daemon:x:1:' 'tty:x:5:' 'shadow:x:42:' \
	    'www-data:x:33:' 'nogroup:x:65534:' 'admin:x:1000:' >"$e/group"
	printf '%s\n' "root:$hash:19700:0:99999:7:::" \
	    'sshd:!:19700::::::' 'admin:*:19700:0:99999:7:::' >"$e/shadow"
	chmod 600 "$e/shadow"
	printf '%s files\n' passwd: group: shadow: >"$e/nsswitch.conf"
	echo 'hosts: files dns' >>"$e/nsswitch.conf"
	: >"$e/fstab"
	# shellcheck disable=SC2016
	{
		echo '# xCAT'
		echo 'XCATROOT=/opt/xcat'
		echo 'PATH=$XCATROOT/bin:$XCATROOT/sbin:$XCATROOT/share/xcat/tools:$PATH'
		echo 'MANPATH=$XCATROOT/share/man:${MANPATH-}'
		echo 'PERL_BADLANG=0'
		echo 'export XCATROOT PATH MANPATH PERL_BADLANG'
	} >"$e/profile.d/xcat.sh"
	# shellcheck disable=SC2016
	printf '%s\n' \
	    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
	    'for i in /etc/profile.d/*.sh; do . "$i"; done' >"$e/profile"
	ssh-keygen -q -t ed25519 -N '' -C "root@$1" \
	    -f "$e/ssh/ssh_host_ed25519_key"
	cp "$DIR/ssh/id_ed25519.pub" "$DIR/root/root/.ssh/authorized_keys"
	chmod 600 "$DIR/root/root/.ssh/authorized_keys"
	{
		echo 'HostKey /etc/ssh/ssh_host_ed25519_key'
		echo 'ListenAddress 127.0.0.1'
		echo 'UsePAM no'
		echo 'PermitRootLogin yes'
		echo 'StrictModes no'
		echo "PasswordAuthentication $([ -n "$2" ] && echo yes || echo no)"
		echo 'KbdInteractiveAuthentication no'
		echo 'UseDNS no'
		echo 'MaxSessions 20'
		echo 'MaxStartups 50'
		echo 'PidFile none'
		echo 'PrintMotd no'
		echo 'PrintLastLog no'
	} >"$e/ssh/sshd_config"
}

# What dpkg knows of: xCAT's packages, with the sums of their commands.
make_packages() {
	local d=$DIR/root/var/lib/dpkg name

	mkdir -p "$d"/{info,updates,triggers}
	for name in xcat xcat-client xcat-server; do
		printf '%s\n' "Package: $name" 'Status: install ok installed' \
		    'Priority: optional' 'Section: admin' \
		    'Maintainer: nobody <nobody@example.com>' \
		    'Architecture: all' 'Version: 2.19.0-snap202511220921' \
		    'Description: stands in for it' ''
		: >"$d/info/$name.list"
	done >"$d/status"
	printf '%s\n' /. /opt /opt/xcat /opt/xcat/sbin \
	    /opt/xcat/sbin/tabdump /opt/xcat/sbin/tabrestore \
	    >"$d/info/xcat-server.list"
	(cd "$DIR/root" && md5sum opt/xcat/sbin/tabdump \
	    opt/xcat/sbin/tabrestore) >"$d/info/xcat-server.md5sums"
}

make_layout() {
	local r=$DIR/root d

	case $1 in
	old)
		mkdir -p "$r/install" "$r/tftpboot" "$r/.dbbackup"
		: >"$r/.dockerenv"
		;;
	xcatdata)
		mkdir -p "$r/xcatdata"/{install,tftpboot,etc/dhcp,.xcat}
		rmdir "$r/root/.xcat"
		mv "$r/etc/xcat" "$r/xcatdata/etc/xcat"
		for d in install tftpboot; do
			ln -s "/xcatdata/$d" "$r/$d"
		done
		for d in xcat dhcp; do
			ln -s "/xcatdata/etc/$d" "$r/etc/$d"
		done
		ln -s /xcatdata/.xcat "$r/root/.xcat"
		: >"$r/.dockerenv"
		;;
	bare) mkdir -p "$r/install" "$r/tftpboot" "$r/run/systemd/system" ;;
	esac
}

# ---------------------------------------------------------------------- stop

stop() {
	local tries=0

	stop_proxy
	running || return 0
	kill -KILL "$PID" 2>/dev/null
	while running && [ $tries -lt 6000 ]; do
		sleep 0.01
		tries=$((tries + 1))
	done
	! running || fail "$DIR: process $PID does not end"
	rm -f "$DIR"/{pid,began,port}
	rm -rf "$DIR/root/run/mn/wedge"
}

# --------------------------------------------------------------------- shell

# enter COMMAND...: in the node's namespaces and root
enter() {
	nsenter --target "$PID" --mount --uts --ipc --pid --root -- \
	    /run/mn/usr/bin/env --chdir=/ "$@"
}

shell() {
	local local=/usr/local/sbin:/usr/local/bin

	need_running
	# shellcheck disable=SC2016
	exec nsenter --target "$PID" --mount --uts --ipc --pid --root -- \
	    /run/mn/usr/bin/env -i --chdir=/ HOME=/root LC_ALL=C TERM=dumb \
	    PATH="$local:/run/mn/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
	    /run/mn/usr/bin/bash -c \
	    '. /etc/profile.d/xcat.sh; cd /root; exec "$@"' judge "$@"
}

# ------------------------------------------------------------- connections

# sessions: pids, as this host knows them, of the node's sshds but the first
sessions() {
	local listener

	listener=$(cat "/proc/$PID/task/$PID/children" 2>/dev/null) ||
	    listener=$(pgrep -P "$PID")
	# shellcheck disable=SC2086
	cat /proc/${listener%% *}/task/*/children 2>/dev/null ||
	    pgrep -P ${listener%% *}
}

cut() {
	local pid

	need_running
	for pid in $(sessions); do
		kill -KILL "$pid" 2>/dev/null
	done
	return 0
}

proxy() {
	local tries=0

	need_running
	[ $# -eq 1 ] || usage
	stop_proxy
	perl "$HERE/proxy.pl" "$DIR" "$1" </dev/null >/dev/null 2>&1 3>&- 4>&- &
	while [ ! -s "$DIR/proxy-port" ]; do
		[ $tries -lt 6000 ] || fail "$DIR: no proxy"
		sleep 0.01
		tries=$((tries + 1))
	done
	know "$(cat "$DIR/proxy-port")"
}

stop_proxy() {
	local pid

	[ ! -s "$DIR/proxy.pid" ] || {
		read -r pid <"$DIR/proxy.pid"
		! grep -qs proxy.pl "/proc/$pid/cmdline" || kill "$pid"
	}
	rm -f "$DIR"/proxy{.pid,-port,.log}
}

# -------------------------------------------------------------------- faults

fault() {
	local at=$DIR/root/run/mn arg

	need_running
	[ $# -gt 0 ] || usage
	if [ "$1" = clear ]; then
		rm -f "$at/faults"
		: >"$at/xcatd"
	else
		for arg; do
			[[ $arg =~ ^[a-z0-9_-]+=[^[:cntrl:]]+$ ]] || usage
			touch "$at/faults"
			sed -i "/^${arg%%=*}=/d" "$at/faults"
			echo "$arg" >>"$at/faults"
		done
	fi
	enter /run/mn/usr/bin/bash /opt/xcat/share/xcat/mn/switch.sh ||
	    fail "$DIR: switches: failed"
}

# ------------------------------------------------------------------ populate

populate() {
	local what=${1:-small} samples=$HERE/../../../shared/xcat-samples/dump

	need_running
	case $what in
	small | facts) ;;
	*[!0-9]* | '') usage ;;
	esac
	[ ! -d "${XCAT_SAMPLES-}/dump" ] || samples=$XCAT_SAMPLES/dump
	rm -rf "$DIR/root/run/mn/load"
	if [ "$what" = facts ] && [ -d "$samples" ]; then
		cp -RL "$samples" "$DIR/root/run/mn/load"
		chmod -R u+w "$DIR/root/run/mn/load"
	fi
	shell perl /opt/xcat/share/xcat/mn/populate.pl "$what"
}

# ---------------------------------------------------------------------- main

[ $# -gt 0 ] || usage
case $1 in
-h | --help | help)
	help
	exit 0
	;;
can)
	can
	exit 0
	;;
start | stop | shell | fault | populate | cut | proxy) ;;
*) usage ;;
esac
[ $# -ge 2 ] || usage
COMMAND=$1
DIR=$(realpath -m -- "$2")
shift 2
"$COMMAND" "$@"
