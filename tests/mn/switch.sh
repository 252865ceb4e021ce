#!/bin/bash
# switch.sh: run in a node when its switches have changed; mounts what they
# ask for over what is there.  Every tool comes from /run/mn/usr, where the
# host's /usr is mounted a second time: /usr/bin is what changes.
set -eu
PATH=/run/mn/usr/bin:/run/mn/usr/sbin
RUN=/run/mn

# What the last run has mounted, newest first.
if [ -e $RUN/over ]; then
	while read -r d; do
		umount -l "$d"
	done <$RUN/over
fi
rm -rf $RUN/over $RUN/fakebin

over() {
	mount "$@"
	{
		echo "${!#}"
		[ ! -e $RUN/over ] || cat $RUN/over
	} >$RUN/over.new
	mv $RUN/over.new $RUN/over
}

hide() {
	rm -f "$RUN/fakebin/$1"
}

# A command that knows no long options, nor what $2 (a pattern) matches.
simple() {
	hide "$1"
	cat >"$RUN/fakebin/$1" <<-END
	#!/run/mn/usr/bin/bash
	for word; do
		case \$word in
		$2)
			echo "$1: unrecognized option '\$word'" >&2
			echo "BusyBox v1.35.0 multi-call binary." >&2
			exit 1
			;;
		esac
	done
	exec /run/mn/usr/bin/$1 "\$@"
	END
	chmod 755 "$RUN/fakebin/$1"
}

# A guard of an export that never comes to a line's end.
endless() {
	hide perl
	printf '%s\n' '#!/run/mn/usr/bin/bash' \
	    'case "$*" in' \
	    '*bundle.tgz*) exec tr "\000" x </dev/zero ;;' \
	    'esac' \
	    'exec /run/mn/usr/bin/perl "$@"' >$RUN/fakebin/perl
	chmod 755 $RUN/fakebin/perl
}

# Digests of nothing that was asked for.
lie() {
	local name

	for name in openssl sha256sum; do
		hide "$name"
		printf '%s\n' '#!/run/mn/usr/bin/bash' \
		    'cat >/dev/null' \
		    "echo $(printf %064d 7) '*stdin'" >$RUN/fakebin/$name
		chmod 755 "$RUN/fakebin/$name"
	done
}

# Digests of what takes a minute to read.
slow() {
	local name

	for name in openssl sha256sum; do
		hide "$name"
		printf '%s\n' '#!/run/mn/usr/bin/bash' \
		    '/run/mn/usr/bin/sleep 60' \
		    "exec /run/mn/usr/bin/$name \"\$@\"" >$RUN/fakebin/$name
		chmod 755 "$RUN/fakebin/$name"
	done
}

# Other digests of names that end as $1 (a regular expression) says, and right
# ones of the others.
wrong() {
	local name

	for name in openssl sha256sum; do
		hide "$name"
		printf '%s\n' '#!/run/mn/usr/bin/bash' \
		    "/run/mn/usr/bin/$name \"\$@\" |" \
		    "/run/mn/usr/bin/sed -E '/${1//\//\\/}\$/s/^......../00000000/'" \
		    >"$RUN/fakebin/$name"
		chmod 755 "$RUN/fakebin/$name"
	done
}

fake_bin() {
	[ ! -d $RUN/fakebin ] || return 0
	mkdir $RUN/fakebin
	perl -e 'chdir "/run/mn/usr/bin" or die; opendir(my $d, ".") or die;
		for (readdir $d) {
			symlink "/run/mn/usr/bin/$_", "/run/mn/fakebin/$_"
			    unless /^\.\.?$/;
		}'
}

[ -e $RUN/faults ] || exit 0
while IFS='=' read -r name value; do
	case $name=$value in
	dbbackup=readonly | install=readonly)
		[ "$name" = install ] || name=.dbbackup
		d=$(readlink -f "/$name")
		over -o bind,ro "$d" "$d"
		;;
	tools=*)
		fake_bin
		for tool in ${value//,/ }; do
			hide "$tool"
		done
		;;
	*=missing)
		fake_bin
		hide "$name"
		;;
	digest=lie)
		fake_bin
		lie
		;;
	digest=wrong:*)
		fake_bin
		wrong "${value#wrong:}"
		;;
	digest=slow)
		fake_bin
		slow
		;;
	line=endless)
		fake_bin
		endless
		;;
	find=notgnu)
		fake_bin
		simple find '-printf | -fprintf | --*'
		;;
	tar=notgnu)
		fake_bin
		simple tar '--?*'
		;;
	esac
done <$RUN/faults
if [ -d $RUN/fakebin ]; then
	over --bind $RUN/fakebin /usr/bin
	[ -L /bin ] || over --bind $RUN/fakebin /bin
fi
