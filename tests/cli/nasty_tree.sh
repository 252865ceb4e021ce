#!/bin/bash
# nasty_tree.sh [--deep | --big] DIR
#
# Makes in DIR (which must not exist) a tree with everything that backup
# programs get wrong.  Content, names and times are the same on every run.
# What needs root or a missing tool is left out, and said on stderr.
#
#	(none)	all kinds of entries, names, owners, times, holes, attributes
#	--deep	a directory chain whose paths exceed 4 KiB (rsync, mtree and
#		bsdtar cannot follow there, so it is a tree of its own)
#	--big	one sparse file of more than 8 GiB
# shellcheck disable=SC1003
set -eu
export LC_ALL=C TZ=UTC
umask 022

mode=all
case ${1-} in
--deep) mode=deep; shift ;;
--big) mode=big; shift ;;
esac
if [ $# -ne 1 ]; then
	echo "usage: nasty_tree.sh [--deep | --big] DIR" >&2
	exit 3
fi
mkdir -- "$1"
cd -- "$1"

is_root=0
[ "$(id -u)" -ne 0 ] || is_root=1

left_out()
{
	echo "nasty_tree: left out: $*" >&2
}

# noise SEED BYTES: the same pseudo-random bytes on every machine
noise()
{
	head -c "$2" /dev/zero | openssl enc -aes-128-ctr -nosalt \
	    -K "$(printf '%032x' "$1")" -iv 00000000000000000000000000000000
}

# data FILE OFFSET BYTES SEED: put noise into FILE, leaving holes as they are
data()
{
	noise "$4" "$3" | dd of="$1" bs=64K seek="$2" oflag=seek_bytes \
	    iflag=fullblock conv=notrunc status=none
}

modes()
{
	local m

	mkdir modes
	cd modes
	for m in 0400 0444 0600 0644 0755 0711 4755 2755 1644 6755 7777; do
		echo "mode $m" >"f$m"
		chmod "$m" "f$m"
	done
	for m in 0500 0555 0700 1777 2775 3777; do
		mkdir "d$m"
		echo "in d$m" >"d$m/inner"
		mkdir "d$m/innerdir"
		chmod "$m" "d$m"
	done
	if [ $is_root = 1 ]; then
		echo none >f0000
		chmod 0000 f0000
		mkdir d0000
		echo "in d0000" >d0000/inner
		chmod 0000 d0000
	else
		left_out "files and directories of mode 0000 (needs root)"
	fi
	cd ..
}

owners()
{
	if [ $is_root = 0 ]; then
		left_out "foreign owners (needs root)"
		return
	fi
	mkdir owners
	cd owners
	echo a >numbers
	chown 12345:54321 numbers
	echo b >above31bits
	chown 3000000001:3000000002 above31bits
	echo c >setuid-of-other
	chown 12345:54321 setuid-of-other
	chmod 6755 setuid-of-other
	mkdir dir
	chown 12345:54321 dir
	ln -s nowhere link
	chown -h 12345:54321 link
	mkfifo fifo
	chown 12345:54321 fifo
	cd ..
}

links()
{
	local long

	mkdir links links/sub links/zz
	cd links
	ln -s no/such/file dangling
	ln -s /etc/passwd absolute
	ln -s .. parent
	ln -s self self
	ln -s 'a b' space-in-target
	ln -s $'new\nline \\012 #*?[ \377' nasty-target
	long=$(printf '%0200d/' 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)
	ln -s "${long:0:1000}" long1000
	ln -s "${long:0:3800}" long3800

	echo "one content" >first
	ln first second
	ln first sub/third
	ln first zz/fourth
	noise 3 300000 >sub/big-a
	ln sub/big-a big-b
	: >empty-a
	ln empty-a zz/empty-b
	ln -P dangling sub/dangling-too
	mkfifo fifo-a
	ln fifo-a sub/fifo-b
	cd ..
}

# The cutter's edges: 64 KiB is the largest file of one blob, 1 MiB the
# largest cut, and beyond 32 blobs a list tree holds the ids.
sizes()
{
	local n

	mkdir sizes
	cd sizes
	: >empty
	for n in 1 511 512 513 4095 4096 4097 65535 65536 65537 131072 \
	    1048575 1048576 1048577 3145729; do
		noise "$n" "$n" >"n$n"
	done
	# compressible, and cut only at the maximum
	head -c 5000001 /dev/zero >zeros-written
	yes 'the same line again' | head -c 2500000 >lines
	noise 7 20971520 >n20971520
	# the same content elsewhere
	cp n1048577 again
	cd ..
}

holes()
{
	local i

	mkdir holes
	cd holes
	truncate -s 3M all
	# shorter ones are not sparse to GNU tar
	truncate -s 512 one-block
	truncate -s 4M at-start
	data at-start 4063232 131072 11
	truncate -s 4M at-end
	data at-end 0 131072 12
	truncate -s 8M in-middle
	data in-middle 0 65536 13
	data in-middle 4194304 65536 14
	data in-middle 8323072 65536 15
	truncate -s 2000003 odd-end
	data odd-end 131072 4096 16
	truncate -s 1M many
	i=0
	while [ $i -lt 64 ]; do
		data many $((i * 16384)) 4096 $((100 + i))
		i=$((i + 1))
	done
	truncate -s 64M wide
	data wide 50331648 8192 17
	cd ..
}

specials()
{
	mkdir specials
	cd specials
	mkfifo -m 0640 fifo
	if command -v perl >/dev/null; then
		perl -MIO::Socket::UNIX -e \
		    'IO::Socket::UNIX->new(Local => "a.socket", Listen => 1) or die'
	elif command -v python3 >/dev/null; then
		python3 -c 'import socket
socket.socket(socket.AF_UNIX).bind("a.socket")'
	else
		left_out "a socket (needs perl or python3)"
	fi
	if [ $is_root = 1 ] && mknod char c 1 3 2>/dev/null; then
		chmod 0666 char
		mknod char-large c 259 70000
		mknod block b 7 99
		chown 0:6 block
	else
		left_out "device nodes (needs root)"
	fi
	cd ..
}

attributes()
{
	local v

	mkdir attributes
	cd attributes
	echo plain >user
	if ! setfattr -n user.plain -v value user 2>/dev/null; then
		left_out "extended attributes (no setfattr, or no room for them here)"
		cd ..
		return
	fi
	setfattr -n user.empty user
	setfattr -n user.binary -v 0x00010a0d20ff5c23 user
	setfattr -n 'user.a b=c#\' -v 'name of note' user
	setfattr -n $'user.n\nl\377' -v 'name of worse' user
	v=$(printf '%01900d' 7)
	echo long >long
	setfattr -n user.long -v "$v" long
	mkdir dir
	setfattr -n user.dir -v 'of a directory' dir
	: >empty
	setfattr -n user.of-empty -v 1 empty
	ln user user-too

	echo acl >acl
	if setfacl -m u:12345:rwx,g:54321:r,m::rx acl 2>/dev/null; then
		mkdir acl-dir
		setfacl -m u:12345:rwx acl-dir
		setfacl -d -m u:12345:rwx,g:54321:rx acl-dir
		echo inherits >acl-dir/inherits
		mkdir acl-dir/sub
		mkdir acl-default-only
		setfacl -d -m g:54321:rwx acl-default-only
		echo inherits >acl-default-only/inherits
	else
		left_out "ACLs (no setfacl, or no room for them here)"
	fi
	if [ $is_root = 1 ]; then
		cp /bin/true capable
		setcap cap_net_raw,cap_net_admin+ep capable ||
		    left_out "a file capability"
		cp capable capable-owned
		chown 12345:54321 capable-owned
		setcap cap_chown+p capable-owned || :
		echo t >trusted
		setfattr -n trusted.test -v t trusted ||
		    left_out "trusted attributes"
	else
		left_out "file capabilities and trusted attributes (needs root)"
	fi
	cd ..
}

names()
{
	local n255

	mkdir names
	cd names
	# each byte that a name can hold, alone and in the middle
	mkdir bytes
	perl -e 'for my $b (1 .. 255) {
		my $c = chr $b;
		next if $c eq "/";
		for my $n ($b == 46 ? ("x${c}y") : ($c, "x${c}y")) {
			open(my $f, ">", "bytes/$n") or die "$b: $!";
			print $f "$b\n";
		}
	}'
	n255=$(printf '%0255d' 5)
	echo 255 >"$n255"
	mkdir "${n255//0/d}"
	echo 255 >"${n255//0/d}/$n255"
	ln -s "$n255" "${n255//0/l}"
	perl -e 'open(my $f, ">", "\xff" x 255) or die $!; print $f "255\n"'
	mkdir -- '-rf' $'dir\nwith\nnewlines ' '#dir' '\' '...' ' '
	echo dash >-n
	echo in >-rf/--help
	echo in >$'dir\nwith\nnewlines /in\n'
	echo in >'#dir/#in'
	echo in >'\/\012'
	echo in >' / '
	# what mtree(5), JSON, tar and the shell give a meaning to
	echo x >'type=file'
	echo x >.set
	echo x >'a=b c=d'
	echo x >'{"json": "\u0000"}'
	# shellcheck disable=SC2016
	echo x >'$(echo no) `echo no` ${HOME}'
	echo x >"'single' \"double\""
	echo x >'*' && echo x >'?' && echo x >'[a-z]' && echo x >'!'
	echo x >'~' && echo x >'%s%n' && echo x >'&;|<>()'
	echo x >'\040' && echo x >'\\' && echo x >'trailing '
	echo x >$'caf\303\251' && echo x >$'caf\351' && echo x >$'cafe\314\201'
	echo x >$'\355\240\200' && echo x >$'\360\237\230\200'
	echo x >$'\033[31mred' && echo x >$'return\r'
	# order: depth first, bytewise within each directory
	mkdir a a-b a.b a0 'a b'
	echo 1 >a/z && echo 2 >a-b/z && echo 3 >a.b/z
	echo 4 >a0/z && echo 5 >'a b/z' && echo 6 >a1 && echo 7 >a- && echo 8 >A
	# a catalog of many leaves
	mkdir many
	perl -e 'for (1 .. 700) {
		open(my $f, ">", sprintf("many/file-%04d", $_ * 7919 % 10000)) or die;
		print $f "$_\n" x ($_ % 50);
	}'
	cd ..
}

times()
{
	mkdir times
	cd times
	stamp '1969-12-31 23:59:59.999999999' before-epoch
	stamp '1970-01-01 00:00:00.000000000' epoch
	stamp '1970-01-01 00:00:00.000000001' epoch-and-1ns
	stamp '1960-02-29 01:02:03.000000001' pre1970
	stamp '1901-12-14 00:00:00.500000000' far-past
	stamp '2038-01-19 03:14:08.123456789' after2038
	stamp '2106-02-07 06:28:16.999999999' after2106
	stamp '2399-12-31 23:59:59.999999999' far-future
	stamp '2024-02-29 12:00:00.100000000' tenth
	ln -s nowhere link
	touch -h -d '1965-05-05 05:05:05.555555555' link
	mkfifo fifo
	touch -d '1966-06-06 06:06:06.666666666' fifo
	mkdir dir dir-future
	echo x >dir/inner
	touch -d '1967-07-07 07:07:07.777777777' dir
	touch -d '2399-08-08 08:08:08.888888888' dir-future
	cd ..
}

# stamp TIME FILE
stamp()
{
	echo "$1" >"$2"
	touch -d "$1" "$2"
}

empties()
{
	mkdir -p empty/a/b/c empty/d
	: >empty/file
}

deep()
{
	local i name

	name=$(printf '%0250d' 9)
	i=0
	while [ $i -lt 20 ]; do
		echo "level $i" >"file-$i"
		mkdir "$name"
		cd "$name"
		i=$((i + 1))
	done
	echo bottom >"bottom"
	ln bottom bottom-too
	ln -s "$name/$name" link
	noise 21 200000 >big
	truncate -s 1M hole
	mkfifo fifo
	mkdir emptydir
	touch -d '1968-08-08 08:08:08.888888888' bottom emptydir
}

big()
{
	truncate -s 8800000123 big
	data big 0 70000 31
	data big 4294967296 100000 32
	data big 8799999000 1123 33
}

case $mode in
deep) deep ;;
big) big ;;
all)
	modes
	owners
	links
	sizes
	holes
	specials
	attributes
	names
	times
	empties
	;;
esac
