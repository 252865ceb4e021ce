#!/bin/sh
# probe.sh DU_SECONDS: what this management node is, as pairs of key and value,
# each ended by a NUL; remote/node/probetext.c reads them.  Runs on the node.  What
# goes wrong here is a value, never a failure.
# shellcheck disable=SC1091,SC2016 # what is on the node; formats in quotes
du_seconds=${1:-0}

if [ -r /etc/profile.d/xcat.sh ]; then
	. /etc/profile.d/xcat.sh >/dev/null
fi
PERL_BADLANG=0
export PERL_BADLANG
unset XCATBYPASS

say() {
	printf '%s\000%s\000' "$1" "$2"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

if timeout -k 1 5 true >/dev/null 2>&1; then
	timeout=1
else
	timeout=
fi

# limit SECONDS COMMAND...
limit() {
	if [ -n "$timeout" ]; then
		timeout -k 5 "$@"
	else
		shift
		"$@"
	fi
}

say xcatvault-probe 1
say arch "$(uname -m 2>/dev/null)"
say hostname "$(uname -n 2>/dev/null)"
say os "$(sed -n 's/^PRETTY_NAME=//p' /etc/os-release 2>/dev/null |
    head -n 1)"

# --- xCAT

xcatd=absent
said=
if have lsxcatd; then
	said=$(limit 20 lsxcatd -v </dev/null 2>&1)
	case $?:$said in
	0:*Version*) xcatd=up ;;
	124:* | 137:*) xcatd=hung ;;
	*) xcatd=down ;;
	esac
fi
say xcatd "$xcatd"
say xcatd_said "$said"
if [ "$xcatd" != up ]; then
	XCATBYPASS=1
	export XCATBYPASS
	say package "$(rpm -q --qf '%{VERSION}' xCAT-server 2>/dev/null ||
	    dpkg-query -W -f '${Version}' xcat-server 2>/dev/null)"
fi

# Behind the first colon is the way to the database, password included.
if [ -e /etc/xcat/cfgloc ]; then
	say db "$(sed -n '1s/^\([A-Za-z0-9_]*\):.*/\1/p' /etc/xcat/cfgloc \
	    2>/dev/null)"
elif [ "$xcatd" != absent ]; then
	say db SQLite
fi

site=
if have tabdump; then
	site=$(limit 30 tabdump site </dev/null)
	status=$?
	say site_status "$status"
	say site "$site"
	if [ "$status" -eq 124 ]; then
		tables=
	else
		tables=$(limit 30 tabdump </dev/null)
		status=$?
	fi
	say tables_status "$status"
	say tables "$tables"
fi
# A plain path of it, or what it is by default.
installdir=$(printf '%s\n' "$site" |
    sed -n 's/^"installdir","\([^"]*\)",.*,$/\1/p' | head -n 1 |
    sed 's,//*,/,g; s,\(.\)/$,\1,')
case $installdir/ in
/ | // | */../* | */./*) installdir=/install ;;
/*) ;;
*) installdir=/install ;;
esac

# --- directories

free() {
	stat -f -c '%a %S' -- "$1" 2>/dev/null
}

# volume PATH
volume() {
	real=$(readlink -f -- "$1" 2>/dev/null)
	say volume "$1"
	say source "${real:-$1}"
	if [ -d "$1" ]; then
		say there 1
		say free "$(free "$real")"
		[ "$du_seconds" -eq 0 ] || say kilobytes "$(limit \
		    "$du_seconds" du -sk -- "$real" 2>/dev/null |
		    sed -n 's/^\([0-9]*\)[^0-9].*/\1/p' | head -n 1)"
	else
		say there 0
		say free "$(free /)"
	fi
}

mounted=0
while read -r _ _ _ _ where _; do
	[ "$where" != /.dbbackup ] || mounted=1
done 2>/dev/null </proc/self/mountinfo
say dbbackup_mounted "$mounted"

layout=bare
case $(readlink -f -- "$installdir" 2>/dev/null)/ in
/xcatdata/*) layout=xcatdata ;;
*)
	if [ -d /.dbbackup ] && { [ "$mounted" -eq 1 ] ||
	    [ -e /.dockerenv ] || [ -e /run/.containerenv ]; }; then
		layout=container
	fi
	;;
esac
say layout "$layout"
if [ "$layout" = xcatdata ]; then
	volume /xcatdata
	[ ! -d /customer_data ] || volume /customer_data
else
	volume "$installdir"
fi
volume /var/log/xcat
volume /.dbbackup

# --- tools

# tool NAME VERSION TROUBLE
tool() {
	say tool "$1"
	say version "$2"
	say trouble "$3"
}

# first COMMAND...: the first line it prints
first() {
	"$@" 2>&1 </dev/null | head -n 1
}

trouble=
version=
if have find; then
	version=$(first find --version)
	case $(find / -maxdepth 0 -printf '%y%T@' 2>&1) in
	d[0-9]*.[0-9]*) ;;
	*) trouble='not GNU find: it has no -printf' ;;
	esac
else
	trouble='not there'
fi
tool find "$version" "$trouble"

# tries OPTION...: whether tar takes them, without a word
tries() {
	said=$(printf 'etc\000' | tar -C / -cf /dev/null --null \
	    --no-recursion "$@" -T - 2>&1)
	status=$?
	if [ "$status" -ne 0 ] || [ -n "$said" ]; then
		trouble=$(printf '%s\n' "$said" | head -n 1)
		: "${trouble:=exit status $status}"
	else
		trouble=
	fi
}

version=
if have tar; then
	version=$(first tar --version)
	case $version in
	*'GNU tar'*) tries --format=pax ;;
	*) trouble='not GNU tar' ;;
	esac
else
	trouble='not there'
fi
tool tar "$version" "$trouble"
tar=$trouble
for option in --xattrs --acls --sparse; do
	[ -n "$tar" ] || tries "$option"
	tool "tar $option" '' "$trouble"
done
for name in mktemp sha256sum perl zstd timeout tabdump dumpxCATdb; do
	if have "$name"; then
		tool "$name" '' ''
	else
		tool "$name" '' 'not there'
	fi
done
say end 1
