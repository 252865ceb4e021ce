#!/bin/sh
# facts.sh SECONDS: what to know about a management node when it is to be built
# anew, as texts.  Runs on the node; checking packages takes at most so long.
# Prints "file NAME", the text's lines behind a "|", and "end STATUS", with
# " cut" behind it where there was too much.  formats/nodefacts.c reads it.
# shellcheck disable=SC1091,SC2016 # what is on the node; formats in quotes
seconds=$1
most=16000000
umask 077
if [ -r /etc/profile.d/xcat.sh ]; then
	. /etc/profile.d/xcat.sh >/dev/null 2>&1
fi
PERL_BADLANG=0
export PERL_BADLANG

have() {
	command -v "$1" >/dev/null 2>&1
}

# gently SECONDS COMMAND...: in the background of all else
gently() {
	limit=$1
	shift
	! have ionice || set -- ionice -c 3 "$@"
	! have nice || set -- nice -n 19 "$@"
	! have timeout || set -- timeout -k 5 "$limit" "$@"
	"$@"
}

# fact NAME sort|cat COMMAND...: no empty lines, so that they are like the
# last night's
fact() {
	echo "file $1"
	order=$2
	shift 2
	{
		"$@" 2>/dev/null </dev/null
		status=$?
		echo
		echo "=$status"
	} | "$order" | awk -v most="$most" '
	/^=[0-9]+$/ { status = substr($0, 2); next }
	$0 == "" { next }
	{
		n += length($0) + 1
		if (n > most)
			cut = 1
		else
			print "|" $0
	}
	END { print "end " (status + 0) (cut ? " cut" : "") }'
}

packages=
if have rpm && [ -n "$(rpm -qa 2>/dev/null | head -n 1)" ]; then
	packages=rpm
elif have dpkg-query; then
	packages=dpkg
fi

all_packages() {
	case $packages in
	rpm) rpm -qa --qf \
	    '%{NAME}-%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE}.%{ARCH}\n' ;;
	dpkg) dpkg-query -W -f \
	    '${binary:Package} ${Version} ${Architecture} ${db:Status-Abbrev}\n' ;;
	*) return 127 ;;
	esac
}

xcat_packages() {
	all_packages | grep -i -e xcat -e conserver -e '^xnba' -e genesis
}

verify() {
	case $packages in
	rpm) gently "$seconds" rpm -Va ;;
	dpkg) gently "$seconds" dpkg -V ;;
	*) return 127 ;;
	esac
}

# What counts down is left out.
addresses() {
	ip -o addr | sed 's/\\ *valid_lft .*//; s/ *$//'
}

routes() {
	ip route | sed 's/ expires [0-9]*sec//; s/ *$//'
}

mounts() {
	awk '$2 !~ /^\/(proc|sys|dev|run)(\/|$)/' /proc/mounts
}

# Those beside volumes too, which no selection can hold.
top_links() {
	find / /opt /srv /var /var/lib /var/log -maxdepth 1 -type l -printf '%p -> %l\n'
}

fact uname.txt cat uname -a
fact os-release.txt cat cat /etc/os-release
fact hostname.txt cat uname -n
fact lsxcatd.txt cat gently 30 lsxcatd -a
fact packages.txt sort all_packages
fact packages-xcat.txt sort xcat_packages
fact addresses.txt cat addresses
fact routes.txt cat routes
fact mounts.txt cat mounts
fact links.txt sort top_links
fact units-enabled.txt sort gently 30 systemctl list-unit-files \
    --state=enabled --no-legend --no-pager
fact crontab.txt cat crontab -l
fact packages-changed.txt sort verify
echo end
