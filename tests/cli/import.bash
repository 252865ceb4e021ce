# shellcheck shell=bash
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# Imports of bundles, beside common.bash, ../mn/mn.bash and night.bash.

NETBOOT=rocky9.4-x86_64-netboot-compute
PPC=rhels8.6.0-ppc64le-netboot-compute
STATELITE=rocky9.4-x86_64-statelite-compute
INSTALL=rocky9.4-x86_64-install-compute
BOOT=/install/netboot/rocky9.4/x86_64

# import_images: the node "a" exports its images once; each test imports on a
# node of its own
import_images()
{
	local T=$BATS_FILE_TMPDIR name

	shared_node
	mn_sh a perl -e '
		sub elf {
			my ($path, $machine) = @_;
			open(my $f, ">", $path) or die "$path: $!";
			print $f "\177ELF\2\1\1", "\0" x 9, pack("vvVQQQ", 2,
			    $machine, 1, 0x400000, 64, 0), pack("Vv6", 0, 64,
			    56, 0, 64, 0, 0), "program" x 3000;
			close($f);
			chmod 0755, $path;
		}
		my $x = "/install/netboot/rocky9.4/x86_64/compute";
		my $p = "/install/netboot/rhels8.6.0/ppc64le/compute";
		elf("$x/kernel", 62);
		elf("$p/kernel", 21);
		mkdir "/tmp/x";
		mkdir "/tmp/x/usr";
		mkdir "/tmp/x/usr/bin";
		elf("/tmp/x/usr/bin/tool", 62);
		system("head -c 300000 /dev/urandom >/tmp/x/usr/noise");
		elf("$x/rootimg/usr/bin/tool", 62);
		chdir "/tmp/x";
		system("find . | cpio -o -H newc 2>/dev/null | gzip -n " .
		    ">$x/rootimg.cpio.gz");
		elf("/tmp/x/usr/bin/tool", 21);
		system("tar -czf $p/rootimg.tar.gz usr");'
	mn_sh a chtab "imagename=$STATELITE" osimage.imagetype=linux \
	    osimage.osname=Linux osimage.profile=compute \
	    osimage.provmethod=statelite osimage.osvers=rocky9.4 \
	    osimage.osarch=x86_64
	mn_sh a chtab "imagename=$STATELITE" linuximage.permission=755 \
	    "linuximage.rootimgdir=$BOOT/compute"
	mn_sh a chtab "image=$STATELITE,file=/var/log/" litefile.options=tmpfs
	for name in $PPC $STATELITE $INSTALL; do
		mn_sh a imgexport "$name" "$name.tgz" >/dev/null
		cp "$T/mn/a/root/root/$name.tgz" "$T/$name.tgz"
	done
	mn_sh a imgexport $NETBOOT $NETBOOT.tgz \
	    -e /install/postscripts/custom/mypost \
	    -e /install/custom/netboot/rocky/sync >/dev/null
	cp "$T/mn/a/root/root/$NETBOOT.tgz" "$T/$NETBOOT.tgz"
}

# import_bundles: what the node "a" exported, in $T
import_bundles()
{
	local name

	for name in $NETBOOT $PPC $STATELITE $INSTALL; do
		ln -s "$BATS_FILE_TMPDIR/$name.tgz" "$T/$name.tgz"
	done
}

# fresh [OPTION...]: the node "b", with an xCAT that knows of no images
fresh()
{
	mn_start b "$@"
	SITES=''
	site n b
}

# imp ARG...: sets STATUS, $T/out, $T/err
imp()
{
	STATUS=0
	xv image import "$@" --site n >"$T/out" 2>"$T/err" || STATUS=$?
}

said()
{
	grep -Eq -- "$1" "$T/out" "$T/err" || {
		echo "nothing of /$1/ in:"
		cat "$T/out" "$T/err"
		return 1
	}
}

# state: of b, rows, files, modes, times, digests
state()
{
	on mn_sh b sh -c 'cd /etc/xcat
		for t in osimage linuximage litefile; do
			[ ! -e $t.sqlite ] ||
			    sqlite3 $t.sqlite "select * from $t" | sort
		done
		find /install /root /tmp ! -type d \
		    -printf "%p %y %m %U %s %T@\n" | sort
		find /install -type d -printf "%p %m %U\n" | sort
		find /install -type f -exec sha256sum -- {} + | sort -k 2'
}

# as_before: what $T/before tells of
as_before()
{
	state >"$T/after"
	diff "$T/before" "$T/after"
}

# clean_node: nothing of ours, nor of imgimport
clean_node()
{
	equal "$(on mn_sh b find / /tmp /root /install /scratch -maxdepth 4 \( \
	    -path /proc -o -path /usr -o -path /sys \) -prune -o \
	    \( -name '.xcatvault*' -o -name 'imgimport.[0-9]*' -o \
	    -name '*.xcatvault-*' \) -print 2>/dev/null)" '' "left there"
}

# put_back [STATUS]: the import failed, and nothing of it is to be seen
put_back()
{
	equal "$STATUS" "${1:-2}" "$(cat "$T/err")"
	said 'all was put back, and is proved to be as it was'
	as_before
	clean_node
}

never_ran()
{
	equal "$(on mn_sh b sh -c 'cat /run/mn/imgimport.ran 2>/dev/null')" '' \
	    "imgimport ran"
}

# same_row TABLE NAME: on both nodes
same_row()
{
	local sql="select * from $1 where imagename = '$2'"

	on mn_sh a sqlite3 "/etc/xcat/$1.sqlite" "$sql" >"$T/row.a"
	on mn_sh b sqlite3 "/etc/xcat/$1.sqlite" "$sql" >"$T/row.b"
	[ -s "$T/row.a" ]
	diff "$T/row.a" "$T/row.b"
}

same_files()
{
	local path

	for path; do
		cmp "$(mn_folder a)/root$path" "$(mn_folder b)/root$path"
	done
}

# old_image: b has the image, as it was before, with traces of other days
old_image()
{
	imp $NETBOOT.tgz
	ended 0
	on mn_sh b sh -c "cd $BOOT/compute && echo old >kernel &&
	    echo older >kernel.ORIG && chmod 0640 kernel &&
	    rm -r /install/postscripts"
	on mn_sh b chtab imagename=$NETBOOT linuximage.exlist=/old/exlist \
	    linuximage.nodebootif=eth7
	on mn_sh b chtab imagename=$NETBOOT 'osimage.comments=of "old", yes'
	on mn_sh b rm -f /run/mn/imgimport.ran
	state >"$T/before"
}

# remade OUT COMMAND: the netboot bundle, changed by a command within it, as
# NAME/...
remade()
{
	local dir

	dir=$(mktemp -d "$T/remade.XXXXXX")
	tar -C "$dir" -xzf "$T/$NETBOOT.tgz"
	(cd "$dir" && eval "$2")
	tar -C "$dir" -czf "$1" .
}

# manifest OUT PERL: with another manifest
manifest()
{
	remade "$1" "perl -0pi -e '$2' $NETBOOT/manifest.xml"
}

# settled: whatever went on on b is over
settled()
{
	local tries=0

	while on mn_sh b sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " " |
	    grep -aq "[p]erl -e #!/usr/bin/perl" ||
	    ls -d /install/.xcatvault-image.* /scratch/.xcatvault-image.* \
	    2>/dev/null | grep -q .'; do
		tries=$((tries + 1))
		[ $tries -lt 600 ] || return 1
		sleep 0.1
	done
}

# placing: imgimport is at it on b
placing()
{
	local tries=0

	until on mn_sh b sh -c 'cat /install/.xcatvault-import.*/said \
	    /scratch/.xcatvault-import.*/said 2>/dev/null |
	    grep -q initrd'; do
		tries=$((tries + 1))
		[ $tries -lt 3000 ] || return 1
		sleep 0.02
	done
}

# larger OUT BYTES: the netboot bundle, with so many bytes more in its root image
larger()
{
	local bytes=$2

	remade "$1" "mkdir y && (cd y &&
	    gzip -dc ../$NETBOOT/rootimg.cpio.gz | cpio -id --quiet &&
	    noise 8 $bytes >usr/big && find . | cpio -o -H newc --quiet |
	    gzip -1n >../$NETBOOT/rootimg.cpio.gz) && rm -r y"
}

# whole FILE: b has the root image of that bundle
whole()
{
	equal "$(sha256sum <"$(mn_folder b)/root$BOOT/compute/rootimg.cpio.gz" |
	    cut -d' ' -f1)" \
	    "$(tar -xOzf "$1" ./$NETBOOT/rootimg.cpio.gz | sha256sum |
	    cut -d' ' -f1)" "the root image"
}

# sending [BYTES]: more than that has arrived of a bundle
sending()
{
	local tries=0

	until [ -n "$(find "$(mn_folder b)/root/install" -maxdepth 2 \
	    -path '*.xcatvault-image.*/bundle.tgz' -size "+${1:-0}c" \
	    2>/dev/null)" ]; do
		tries=$((tries + 1))
		[ $tries -lt 1500 ] || return 1
		sleep 0.02
	done
}

# proxied BYTES,...: the connections of the site n are cut there
proxied()
{
	local dir=$T/mn/b

	mn_proxy b "$1"
	cat "$dir/ssh/known_hosts" >>"$T/ssh/known_hosts"
	SITES="	n = { address = \"root@127.0.0.1:$MN_PORT\";
		identity = \"$dir/ssh/id_ed25519\"; idle_timeout = 20; };
"
	write_config
}
