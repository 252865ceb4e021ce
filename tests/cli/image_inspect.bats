#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2034
# image inspect: bundles of osimages judged, and nothing of them written

load common
load bundle

setup()
{
	scratch
	need cpio
}

teardown() { clean; }

@test "what real management nodes exported is sound, and unproved where it is" {
	verdict "$BUNDLES/bundle_rocky9.4-x86_64-netboot-compute.tgz" 1 \
	    'x86_64, not proved' 'cpio.gz, 6 entries' 'unproved: <osarch>' \
	    'rootimg +rootimg.cpio.gz +/install/netboot/rocky9.4/x86_64/'
	not grep -q 'BAD' "$T/out"
	verdict "$BUNDLES/bundle_rhels8.6.0-ppc64le-netboot-compute.tgz" 1 \
	    'ppc64le, not proved' 'tar.gz, 3 entries'
	not grep -q 'BAD' "$T/out"
	verdict "$BUNDLES/bundle_rocky9.4-x86_64-statelite-compute.tgz" 1 \
	    'rootimgtree' 'cpio.gz, 6 entries' 'litefile.csv'
	not grep -q 'BAD' "$T/out"
	verdict "$BUNDLES/bundle_rocky9.4-x86_64-install-compute.tgz" 0 \
	    ': sound$' 'nothing in it is of one' 'partitionfile.*not in a bundle'
}

@test "digests are those of the files, and of the archive" {
	local b=$BUNDLES/bundle_rocky9.4-x86_64-netboot-compute.tgz want got name

	exits 1 xv image inspect --json "$b"
	cp "$T/out" "$T/json"
	want=$(sha256sum <"$b")
	equal "$(jq -r .bundle.sha256 "$T/json")" "${want%% *}"
	equal "$(jq -r .bundle.bytes "$T/json")" "$(stat -c %s "$b")"
	want=$(zcat "$b" | sha256sum)
	equal "$(jq -r .archive.sha256 "$T/json")" "${want%% *}"
	mkdir x
	tar -C x -xzf "$b"
	got=0
	while read -r name want; do
		echo "$want  x/$name"
		got=$((got + 1))
	done < <(jq -r '.members[]|select(.type=="0")|"\(.name) \(.sha256)"' \
	    "$T/json") >sums
	sha256sum --quiet -c sums
	equal "$(wc -l <sums)" "$(find x -type f | wc -l)"
	equal "$(jq -r '.verdict + " " + .arch.proof' "$T/json")" \
	    "reservations unproved"
	# from a pipe, the same
	xv image inspect --json - <"$b" >"$T/piped" || :
	equal "$(jq -S 'del(.file)' "$T/piped")" "$(jq -S 'del(.file)' "$T/json")"
}

@test "the architecture is proved by kernel, programs and initrd" {
	local a

	for a in x86_64 ppc64le aarch64 ppc64; do
		unset CLAIM
		rm -rf root
		bundle_tree "$a" "$a"
		bundle_pack "$a"
		verdict "$a.tgz" 0 ': sound$' "architecture +$a, proved" \
		    "initrd $a"
	done
	# firmware of another one is not looked at
	not grep -q mixture "$T/out"
}

@test "an image of another architecture than it claims is refused" {
	CLAIM=x86_64
	bundle_tree all ppc64le
	bundle_pack all
	verdict all.tgz 5 'x86_64, WRONG' 'kernel is of ppc64le' \
	    'root image is of ppc64le' 'initrd is of ppc64le'
	exits 5 xv image inspect -q all.tgz
	complains 'osarch.*ppc64le'
	exits 5 xv image inspect --json all.tgz
	equal "$(jq -r .arch.proof "$T/out")" mismatch
	# only one of them
	bundle_tree kernel x86_64
	kernel_of ppc64le >"$B/kernel"
	rm -rf root
	root_tree root x86_64
	cpio_of root | gzip >"$B/rootimg.cpio.gz"
	cpio_of root | gzip >"$B/initrd-stateless.gz"
	bundle_pack kernel
	verdict kernel.tgz 5 'the kernel is of ppc64le'
	kernel_of x86_64 >"$B/kernel"
	rm -rf root
	root_tree root ppc64le
	cpio_of root | gzip >"$B/rootimg.cpio.gz"
	bundle_pack kernel
	verdict kernel.tgz 5 'the root image is of ppc64le'
}

@test "what proves nothing is called unproved, what is mixed is told" {
	bundle_tree b none
	rm -rf "${T:?}/b"
	CLAIM=x86_64
	bundle_tree b none
	bundle_pack b
	verdict b.tgz 1 'x86_64 is not proved' 'no kernel of any form'
	# three of one, two of another
	CLAIM=x86_64
	elf x86_64 >root/usr/bin/a
	elf x86_64 >root/usr/bin/b
	elf x86_64 >root/usr/bin/c
	elf ppc64le >root/usr/bin/d
	elf ppc64le >root/usr/bin/e
	cpio_of root | gzip >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 1 'a mixture: of 5 programs, 3 are of x86_64; 2 of ppc64le' \
	    'x86_64, proved'
	# the name says another thing
	sed -i 's,>rocky9.4-x86_64-,>rocky9.4-aarch64-,' "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 1 "the image's name has aarch64 in it"
}

@test "kernels packed by gzip, and initrds behind microcode, are looked into" {
	CLAIM=ppc64le
	bundle_tree b none
	(kernel_of ppc64le; noise 1 300000) | gzip >"$B/kernel"
	bundle_pack b
	verdict b.tgz 0 'ppc64le, proved' 'kernel ppc64le \(ELF\)'
	echo signature >>"$B/kernel"
	bundle_pack b
	verdict b.tgz 0 'kernel ppc64le'
	truncate -s 200000 "$B/kernel"
	bundle_pack b
	verdict b.tgz 5 '/kernel: gzip stream: it is cut off'
	kernel_of none >"$B/kernel"
	mkdir -p micro/kernel/x86
	noise 2 3000 >micro/kernel/x86/microcode
	rm -rf root
	root_tree root ppc64le
	(cpio_of micro; head -c 1000 /dev/zero; cpio_of root | xz --check=crc32) \
	    >"$B/initrd-stateless.gz"
	bundle_pack b
	verdict b.tgz 1 'ppc64le, proved' 'initrd ppc64le'
}

@test "root images of each kind, made by the real tools" {
	local f

	need xz zstd mksquashfs
	bundle_tree b
	rm "$B/rootimg.cpio.gz"
	for f in cpio.xz tar.gz tar.xz gz sfs; do
		ROOTIMG=rootimg.$f
		case $f in
		cpio.xz) cpio_of root | xz --check=crc32 ;;
		gz) cpio_of root | gzip ;;
		tar.gz) tar -C root -czf - . ;;
		tar.xz) tar -C root --format=posix --xattrs -cJf - . ;;
		sfs) mksquashfs root sfs -quiet -no-progress >/dev/null
		    cat sfs ;;
		esac >"$B/$ROOTIMG"
		manifest >"$B/manifest.xml"
		bundle_pack b
		verdict b.tgz 0 ': sound$' 'root image x86_64 \([12] programs'
		rm "$B/$ROOTIMG"
	done
	# zstd is read, though xCAT boots none
	ROOTIMG=rootimg.cpio.zst
	cpio_of root | zstd -q >"$B/$ROOTIMG"
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 1 'cpio.zst, 13 entries' 'boots no root image of this name'
	for f in xz zstd lz4; do
		rm -f sfs "$B"/rootimg.*
		mksquashfs root sfs -comp "$f" -quiet -no-progress >/dev/null
		ROOTIMG=rootimg.sfs
		cp sfs "$B/$ROOTIMG"
		manifest >"$B/manifest.xml"
		bundle_pack b
		verdict b.tgz 0 'squashfs, 12 entries' 'root image x86_64'
	done
}

@test "a large squashfs is walked, and programs found though not all is kept" {
	need mksquashfs
	bundle_tree b
	mkdir root/usr/sbin root/data
	noise 8 24000000 >root/data/a
	for i in $(seq 300); do
		(elf x86_64; noise "$i" 120000) >"root/usr/sbin/p$i"
	done
	rm -f "$B"/rootimg.*
	ROOTIMG=rootimg.sfs
	mksquashfs root "$B/$ROOTIMG" -quiet -no-progress >/dev/null
	[ "$(stat -c %s "$B/$ROOTIMG")" -gt 50000000 ]
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 0 'squashfs, 31[0-9] entries' 'root image x86_64 \([0-9]+ '
	truncate -s -3000000 "$B/$ROOTIMG"
	bundle_pack b
	verdict b.tgz 5 'rootimg.sfs: squashfs: it is cut off: [0-9]+ of [0-9]+'
}

@test "a root image that is cut off within a sound bundle is found" {
	local f

	need xz mksquashfs
	bundle_tree b
	for f in cpio.gz cpio.xz tar.gz sfs; do
		rm -f "$B"/rootimg.* sfs
		ROOTIMG=rootimg.$f
		case $f in
		cpio.gz) cpio_of root | gzip ;;
		cpio.xz) cpio_of root | xz --check=crc32 ;;
		tar.gz) tar -C root -czf - . ;;
		sfs) mksquashfs root sfs -quiet -no-progress >/dev/null
		    cat sfs ;;
		esac >"$B/$ROOTIMG"
		truncate -s $(($(stat -c %s "$B/$ROOTIMG") * 52 / 100)) \
		    "$B/$ROOTIMG"
		manifest >"$B/manifest.xml"
		bundle_pack b
		verdict b.tgz 5 "BAD: .*/rootimg.$f: .*(cut off|garbled)"
	done
	# with lists of 0 bytes, as imgexport leaves them on a full disk
	: >"$B/compute.pkglist"
	: >"$B/$ROOTIMG"
	bundle_pack b
	verdict b.tgz 5 'rootimg.sfs: it is empty' 'compute.pkglist: it is empty'
}

@test "an archive cut off without its compression, and a kernel" {
	bundle_tree b
	ROOTIMG=rootimg.cpio.gz
	cpio_of root >cpio
	for n in 100 20000 "$(grep -abo TRAILER cpio | cut -d: -f1)"; do
		head -c "$n" cpio | gzip >"$B/$ROOTIMG"
		bundle_pack b
		verdict b.tgz 5 'rootimg.cpio.gz: cpio: it is cut off at byte'
	done
	gzip <cpio >"$B/$ROOTIMG"
	truncate -s 6000 "$B/kernel"
	bundle_pack b
	verdict b.tgz 5 '/kernel: it is cut off'
	: >"$B/kernel"
	bundle_pack b
	verdict b.tgz 5 '/kernel: it is empty'
}

@test "a root image of another kind than its name says is refused" {
	bundle_tree b
	tar -C root -czf "$B/rootimg.cpio.gz" .
	bundle_pack b
	verdict b.tgz 5 'it is tar.gz, which a node would not unpack'
	cpio_of root | bzip2 >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 5 'it is cpio.bz2'
	echo hello | gzip >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 5 'neither cpio'
}

@test "bundles cut off anywhere, garbled anywhere, or with more behind them" {
	local size n i

	bundle_tree b
	bundle_pack b
	size=$(stat -c %s b.tgz)
	verdict b.tgz 0
	for i in $(seq 0 24); do
		n=$((size * i / 25))
		head -c "$n" b.tgz >cut.tgz
		verdict cut.tgz 5 'BAD'
	done
	head -c $((size - 1)) b.tgz >cut.tgz
	verdict cut.tgz 5 'cut off'
	for i in $(seq 1 25); do
		cp b.tgz bad.tgz
		flip bad.tgz $((20 + (size - 30) * i / 26))
		verdict bad.tgz 5 'BAD'
	done
	cp b.tgz bad.tgz
	flip bad.tgz $((size - 6))
	verdict bad.tgz 5 'checksum'
	(cat b.tgz; echo more) >bad.tgz
	verdict bad.tgz 5 'bytes behind the end of the gzip'
	(cat b.tgz; head -c 512 /dev/zero) >bad.tgz
	verdict bad.tgz 1 '512 zeros behind'
	# what two exports to one name leave
	(cat b.tgz; tail -c +1000 b.tgz) >bad.tgz
	verdict bad.tgz 5 'bytes behind'
	# two streams, each whole: the first archive ends before the second
	(cat b.tgz b.tgz) >bad.tgz
	verdict bad.tgz 5 'behind the end of the archive'
	# one archive in two streams
	zcat b.tgz >b.tar
	(head -c 5000 b.tar | gzip; tail -c +5001 b.tar | gzip) >two.tgz
	verdict two.tgz 1 '2 gzip streams'
	head -c $(($(stat -c %s b.tar) / 2)) b.tar | gzip >bad.tgz
	verdict bad.tgz 5 'the archive is cut off'
}

@test "other compressions of the bundle, and none" {
	local c

	need xz zstd bzip2
	bundle_tree b
	bundle_pack b
	zcat b.tgz >b.tar
	verdict b.tar 0 '\(none\)'
	for c in xz zstd bzip2; do
		$c -c <b.tar >"b.$c"
		verdict "b.$c" 0 "\\($c\\)"
		head -c $(($(stat -c %s "b.$c") * 2 / 3)) "b.$c" >part
		verdict part 5 "BAD: .*$c stream|cut off"
	done
	# cut at the end of a member, or before its own end
	head -c $(($(stat -c %s b.tar) - 10240)) b.tar >part
	verdict part 5 'cut off'
}

@test "garbage, an empty file, an empty archive" {
	: >empty
	verdict empty 5 'the archive is cut off'
	noise 4 100000 >garbage
	verdict garbage 5 'this is no tar archive'
	(gzip <garbage) >g.tgz
	verdict g.tgz 5 'this is no tar archive'
	tar -czf none.tgz -T /dev/null
	verdict none.tgz 5 'the archive is empty' 'manifest.xml: it is missing'
	exits 2 xv image inspect "$T/nothing"
	complains 'nothing: No such file'
	exits 2 xv image inspect "$T"
	complains 'directory'
	exits 3 xv image inspect
	exits 3 xv image inspect a b
	exits 3 xv image inspect --root relative a
}

@test "members that the manifest wants and the bundle has not, or the reverse" {
	bundle_tree b
	rm "$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 5 'rootimg.cpio.gz: it is missing'
	# as imgexport writes it when there is no root image at all
	sed -i "s,<rootimg>.*<,<rootimg>$DIR/<," "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'names no file: the image was exported without'
	sed -i '/<rootimg>/d' "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 '<rootimg>: it is missing: an image of this kind'
	bundle_tree b
	rm "$B/compute.pkglist"
	bundle_pack b
	verdict b.tgz 5 'compute.pkglist: it is missing .<pkglist> wants it'
	bundle_tree b
	echo x >"$B/surplus"
	bundle_pack b
	verdict b.tgz 1 'surplus: nothing in the manifest wants it'
	rm "$B/surplus" "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'manifest.xml: it is missing'
}

@test "two lists of one name, and one list twice" {
	LINUXCOLS='<pkglist>/install/custom/a/list,/install/custom/b/list</pkglist>'
	bundle_tree b
	echo b >"$B/list"
	rm "$B/compute.pkglist"
	bundle_pack b
	verdict b.tgz 5 '/install/custom/b/list has the same name as /install/custom/a/list'
	LINUXCOLS='<pkglist>/install/a/list</pkglist><otherpkglist>/install/a/list</otherpkglist>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'move it away again, to list.ORIG'
	LINUXCOLS='<pkglist>/install/a/li st</pkglist>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'li st: it has a blank in it'
}

@test "several images in one bundle, and files outside of it" {
	bundle_tree b
	cp -r "$B" "$T/b/second"
	bundle_pack b
	verdict b.tgz 5 "a second image's directory"
	rm -r "$T/b/second"
	echo x >"$T/b/stray"
	bundle_pack b
	verdict b.tgz 5 'stray: it lies outside'
	rm "$T/b/stray"
	mv "$B" "$T/b/other-name"
	bundle_pack b
	verdict b.tgz 1 'but the directory is other-name'
	mv "$T/b/other-name" "$T/b/other name"
	bundle_pack b
	verdict b.tgz 5 'name of the image.s directory'
}

@test "paths that imgimport must not be given" {
	local p

	for p in /etc/passwd /install/../etc/kernel '/install/a;touch X' \
	    install/kernel /install//kernel /install/./kernel '/install/$(id)' \
	    '/install/a`id`' '/installer/kernel' '/install/a b' \
	    "/install/a'b" '/install' '/install/kernel/' '/install/a|b' \
	    '/install/ä' /opt/xcat/sbin/kernel '/install/a*' \
	    "/install/$(printf 'x%.0s' {1..1024})"; do
		KERNEL=$p
		rm -rf b
		bundle_tree b
		bundle_pack b
		verdict b.tgz 5 'BAD: <kernel>: '
	done
	# a comma is where xCAT cuts: two kernels
	KERNEL=/install/a/kernel,/etc/kernel
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'BAD: <kernel>: /etc/kernel'
	# other roots, when they are asked for
	KERNEL=/data/images/kernel
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'lies outside of the directories'
	exits 1 xv image inspect --root /data/ --root /install b.tgz
	says 'rootimgdir'
	exits 5 xv image inspect --root /data b.tgz
}

@test "extras: files, directories, and what would reach a shell" {
	MORE='<extra><dest>/install/postscripts</dest><src>/install/postscripts/s</src></extra>
	<extra><dest>/install/custom/sync</dest><src>/install/custom/sync</src></extra>'
	bundle_tree b
	mkdir -p "$B/extra/install/custom/sync"
	echo a >"$B/extra/s"
	echo b >"$B/extra/install/custom/sync/hosts"
	bundle_pack b
	verdict b.tgz 0 'extra +extra/s +/install/postscripts/s' \
	    'sync/hosts +/install/custom/sync/hosts'
	long=$(printf 'n%.0s' {1..180})
	echo d >"$B/extra/install/custom/sync/$long"
	bundle_pack b
	verdict b.tgz 0 "sync/$long +/install"
	(cd b && tar --owner=root:0 --group=root:0 --format=posix \
	    --pax-option=delete=mtime,delete=atime,delete=ctime \
	    -czf ../b.tgz .)
	verdict b.tgz 0 "sync/$long +/install"
	echo c >"$B/extra/unknown"
	bundle_pack b
	verdict b.tgz 5 'extra/unknown: no <extra> wants it'
	rm "$B/extra/s" "$B/extra/unknown"
	bundle_pack b
	verdict b.tgz 5 'extra/s: it is missing'
	echo a >"$B/extra/s"
	# links, to wherever: cp -a would follow what another extra has made
	for to in ../../etc/shadow /etc/shadow hosts; do
		ln -sfn "$to" "$B/extra/install/custom/sync/out"
		bundle_pack b
		verdict b.tgz 5 "sync/out: it is a symbolic link to $to: an"
	done
	# members below a link
	mkdir t
	echo x >t/file
	zcat b.tgz >b.tar
	tar -rPf b.tar --transform "s,^t/,./$IMAGE/extra/install/custom/sync/out/," t/file
	gzip -f b.tar
	verdict b.tar.gz 5 "out/file: it lies below .*sync/out, which is no directory"
	rm "$B/extra/install/custom/sync/out"
	MORE='<extra><dest>/tmp;touch X</dest><src>/install/s</src></extra>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'dest /tmp;touch X: it has'
	MORE='<extra><dest>/install/x</dest><src>/install/$(id)</src></extra>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'src /install/..id.: it has characters'
	MORE='<extra><dest>/root/.ssh</dest><src>/install/s</src></extra>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'dest /root/.ssh: it lies outside'
	[ ! -e X ]
}

@test "members that leave the directory, or are no files" {
	bundle_tree b
	bundle_pack b
	zcat b.tgz >b.tar
	for name in ../../etc/cron.d/x /etc/cron.d/x "$IMAGE/../../x"; do
		cp b.tar s.tar
		echo evil >evil
		tar -rPf s.tar --transform "s,^evil\$,$name," evil
		gzip -f s.tar
		verdict s.tar.gz 5 'BAD: .*(absolute|"\.\." part)'
	done
	ln -s /etc/shadow "$B/link"
	bundle_pack b
	verdict b.tgz 5 'link: it is a symbolic link to /etc/shadow'
	rm "$B/link"
	ln "$B/kernel" "$B/hard"
	bundle_pack b
	verdict b.tgz 5 'it is a hard link'
	rm "$B/hard"
	mkfifo "$B/fifo"
	bundle_pack b
	verdict b.tgz 5 'fifo: it is a fifo'
	rm "$B/fifo"
	chmod 4755 "$B/compute.pkglist"
	bundle_pack b
	verdict b.tgz 5 'setuid: mode 4755'
	chmod 644 "$B/compute.pkglist"
	bundle_pack b
	zcat b.tgz >b.tar
	tar -rf b.tar -C b "./$IMAGE/kernel"
	gzip -f b.tar
	verdict b.tar.gz 5 'kernel: it is in the archive twice'
}

# repack [TAR-OPTION]... -- [MEMBER]...: b.tgz of the root's files, with more
# options, and only these members
repack()
{
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	(cd b && tar --owner=root:0 --group=root:0 "${options[@]}" \
	    -czf ../b.tgz "$@")
}

@test "extras whose directories are not in the archive" {
	MORE='<extra><dest>/install/custom</dest><src>/install/a</src></extra>
	<extra><dest>/install/custom</dest><src>/install/b</src></extra>'
	bundle_tree b
	mkdir -p "$B/extra/install/a" "$B/extra/install/b"
	# seen as files of these names, while imgimport finds directories
	echo a >"$B/extra/a"
	echo b >"$B/extra/b"
	ln -s /etc/cron.d/x "$B/extra/install/a/name"
	echo evil >"$B/extra/install/b/name"
	repack --no-recursion -- ./ "$IMAGE" \
	    "$IMAGE"/{kernel,{initrd-stateless,rootimg.cpio}.gz} \
	    "$IMAGE"/{compute.pkglist,manifest.xml,extra,extra/a,extra/b} \
	    "$IMAGE"/extra/install/{a,b}/name
	verdict b.tgz 5 'a/name: it is a symbolic link to /etc/cron.d/x' \
	    'a/name: its directory is not in the archive' \
	    'b/name: its directory is not in the archive' \
	    'extra/a: no <extra> wants it'
	rm "$B/extra/a" "$B/extra/b" "$B/extra/install/a/name"
	echo a >"$B/extra/install/a/other"
	bundle_pack b
	verdict b.tgz 0 'a/other +/install/custom/other' \
	    'b/name +/install/custom/name'
}

@test "modes and owners that tar and cp -a would bring along" {
	local mode

	MORE='<extra><dest>/install</dest><src>/install/x</src></extra>'
	bundle_tree b
	mkdir -p "$B/extra/install/x/postscripts"
	echo x >"$B/extra/install/x/postscripts/s"
	bundle_pack b
	verdict b.tgz 0 'postscripts/s +/install/postscripts/s'
	chmod 0777 "$B/extra/install/x/postscripts"
	bundle_pack b
	verdict b.tgz 5 'x/postscripts: anybody may write to it: mode 0777'
	chmod 00755 "$B/extra/install/x/postscripts"
	for mode in 2755 4755 1777; do
		chmod "0$mode" "$B/extra/install/x/postscripts"
		bundle_pack b
		verdict b.tgz 5 "x/postscripts: .*mode $mode"
	done
	chmod 00755 "$B/extra/install/x/postscripts"
	chmod 0666 "$B/compute.pkglist"
	bundle_pack b
	verdict b.tgz 5 'compute.pkglist: anybody may write to it'
	chmod 0644 "$B/compute.pkglist"
	chmod 0777 b
	bundle_pack b
	verdict b.tgz 5 './: anybody may write to it'
	chmod 0755 b
	# what counts for tar is the name, then the number
	for owner in --owner=nobody:0 --owner=root:1000 --group=users:0 \
	    --group=root:100; do
		repack "$owner" -- .
		verdict b.tgz 5 'x/postscripts: it belongs to .*not to root'
		repack "$owner" --format=posix \
		    --pax-option=delete=mtime,delete=atime,delete=ctime -- .
		verdict b.tgz 5 'x/postscripts: it belongs to .*not to root'
	done
	rm -r "$B/extra"
	MORE=
	manifest >"$B/manifest.xml"
	repack --owner=alice:1000 -- .
	verdict b.tgz 1 'it belongs to alice.1000.:root.0., not to root, and it is not the only one'
}

@test "images beyond those that are looked into, and under other names" {
	local i

	bundle_tree b
	for i in $(seq 8); do
		cp "$B/initrd-stateless.gz" "$B/initrd.decoy$i"
	done
	noise 5 40000 >"$B/rootimg.cpio.gz"
	repack --no-recursion -- ./ "$IMAGE" "$IMAGE"/initrd.decoy{1..8} "$IMAGE/rootimg.cpio.gz" \
	    "$IMAGE/initrd-stateless.gz" "$IMAGE/kernel" \
	    "$IMAGE/compute.pkglist" "$IMAGE/manifest.xml"
	verdict b.tgz 5 'there are 10 files called'
	rm "$B"/initrd.decoy?
	cpio_of root | gzip >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 0 ': sound'
	for ROOTIMG in image.cpio.gz initrd-root.gz rootimgtree.gz; do
		rm -f "$B"/*.gz
		cpio_of root | gzip >"$B/initrd-stateless.gz"
		noise 5 40000 >"$B/$ROOTIMG"
		manifest >"$B/manifest.xml"
		bundle_pack b
		verdict b.tgz 5 \
		    "$ROOTIMG: it (was not looked into|has the name of an)"
	done
	# a tree under a name that is looked into otherwise
	ROOTIMG=rootimg.cpio.gz
	rm -f "$B"/*.gz
	cpio_of root | gzip | tee "$B/rootimg.cpio.gz" >"$B/initrd-stateless.gz"
	manifest | sed 's,rootimg>,rootimgtree>,g' >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 'rootimg.cpio.gz: it has the name of an image of another'
}

# pax NAME RECORD: a tar archive of a file NAME of two bytes, with a pax header
pax()
{
	perl -e '
		sub head {
			my ($name, $size, $type) = @_;
			my $h = pack("a100 a8 a8 a8 a12 a12 A8 a1 a100 a6 a2" .
			    " a32 a32 x183", $name, "0000644", "0000000",
			    "0000000", sprintf("%011o", $size), "00000000000",
			    "", $type, "", "ustar", "00", "root", "root");
			substr($h, 148, 8) = sprintf("%06o\0 ",
			    unpack("%32C*", $h));
			return $h;
		}
		my ($name, $record) = @ARGV;
		my $n = length($record) + 4;
		$n++ if $n >= 100;
		$record = ($n < 100 ? sprintf("%02d", $n) : $n) . " $record\n";
		print head("pax", length($record), "x"),
		    pack("a512", $record), head($name, 2, "0"),
		    pack("a512", "x\n"), "\0" x 10240;
	' "$1" "$2"
}

@test "a manifest that other readers of tar would take from elsewhere" {
	local long

	bundle_tree b
	repack --format=posix -- .
	verdict b.tgz 5 'manifest.xml is named by an extended header'
	repack --format=posix \
	    --pax-option=delete=mtime,delete=atime,delete=ctime -- .
	verdict b.tgz 0 ': sound'
	# the header names the manifest, pax another file; or the reverse; or
	# one size in the header, another in front of it
	while read -r name record why; do
		pax "$name" "$record" | gzip >b.tgz
		verdict b.tgz 5 "$why"
	done <<-END
	$IMAGE/manifest.xml path=$IMAGE/decoy manifest.xml is named by an ext
	$IMAGE/decoy path=$IMAGE/manifest.xml manifest.xml is named by an ext
	./$IMAGE/manifest.xml comment=x manifest.xml is named by an ext
	$IMAGE/kernel size=0 a member has two sizes
	END
	# extras may be called so, however long their paths
	MORE='<extra><dest>/install/k</dest><src>/install/k</src></extra>'
	bundle_tree b
	mkdir -p "$B/extra/install/k/$(printf 'n%.0s' {1..110})"
	echo x >"$B/extra/install/k/$(printf 'n%.0s' {1..110})/manifest.xml"
	bundle_pack b
	verdict b.tgz 0 'n/manifest.xml +/install/k/n'
	long=$(printf 'n%.0s' {1..110})
	mv "$B" "b/$long"
	bundle_pack b
	verdict b.tgz 5 'manifest.xml is named by an extended header'
}

@test "a device" {
	need_root mknod
	bundle_tree b
	mknod "$B/null" c 1 3 || skip "no mknod here"
	bundle_pack b
	verdict b.tgz 5 'null: it is a device'
}

# with_manifest TEXT: the bundle b with that for its manifest
with_manifest()
{
	cat >"$B/manifest.xml"
	bundle_pack b
}

@test "hostile manifests" {
	bundle_tree b
	with_manifest <<-'END'
	<?xml version="1.0"?>
	<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
	<xcatimage><kernel>&b;</kernel></xcatimage>
	END
	verdict b.tgz 5 'manifest.xml: line 2: a document type'
	echo secret >"$T/secret"
	with_manifest <<-END
	<?xml version="1.0"?>
	<!DOCTYPE x [<!ENTITY a SYSTEM "file://$T/secret">]>
	<xcatimage><kernel>&a;</kernel></xcatimage>
	END
	verdict b.tgz 5 'a document type'
	not grep -q secret "$T/out"
	echo '<xcatimage kernel="/etc/passwd"/>' | with_manifest
	verdict b.tgz 5 'an element with attributes'
	echo '<xcatimage><kernel>/a</xcatimage>' | with_manifest
	verdict b.tgz 5 'line 1: not well-formed'
	hurry
	perl -e 'print "<xcatimage"; print " a$_=\"\"" for 1 .. 9000000; print "/>"' |
	    with_manifest
	[ "$(stat -c %s "$B/manifest.xml")" -gt 100000000 ]
	verdict b.tgz 5 'larger than 4194304'
	(echo '<xcatimage'; perl -e 'print " a$_=\"\"" for 1 .. 300000'
	    echo '/>') | with_manifest
	verdict b.tgz 5 'with attributes'
	sed '/osimage/d' < <(manifest) | with_manifest
	verdict b.tgz 5 '<osarch>: it is missing in <osimage>'
	sed 's,>netboot<,>network<,' < <(manifest) | with_manifest
	verdict b.tgz 5 'network: imgimport knows'
	sed 's,<imagetype>.*,<environvar></environvar>,' < <(manifest) |
	    with_manifest
	verdict b.tgz 1 'environvar>: it is empty'
	sed 's,<profile>compute,<profile>a;b,' < <(manifest) | with_manifest
	verdict b.tgz 5 '<profile>: a;b: '
	sed 's,<imagename>,<imagename>../,' < <(manifest) | with_manifest
	verdict b.tgz 5 '<imagename>: '
}

@test "bombs: in the bundle, in the root image, and of members" {
	hurry
	head -c 400M /dev/zero | gzip >bomb.tgz
	verdict bomb.tgz 5 'BAD'
	bundle_tree b
	mkdir big
	truncate -s 400M big/zeros
	(cpio_of root | head -c 2000; cpio_of big) | gzip >"$B/rootimg.cpio.gz"
	cpio_of big | gzip >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 5 'rootimg.cpio.gz: .*a bomb'
	truncate -s 400M "$B/extra.img"
	cpio_of root | gzip >"$B/rootimg.cpio.gz"
	bundle_pack b
	verdict b.tgz 5 'BAD: .*extra.img: a bomb'
	rm "$B/extra.img"
	mkdir "$B/many"
	(cd "$B/many" && seq 100100 | xargs touch)
	bundle_pack b
	verdict b.tgz 5 'too many members'
}

@test "memory stays bounded, and nothing is written" {
	need_strace
	bundle_tree b
	rm "$B/rootimg.cpio.gz"
	(mkdir big; noise 9 120000000 >big/noise; cpio_of big) |
	    gzip -1 >"$B/rootimg.cpio.gz"
	bundle_pack b
	strace -f -qq -e trace=openat,open,creat,mkdir,mkdirat -o trace \
	    "$XCATVAULT" image inspect b.tgz >out || :
	grep -q 'rootimg.cpio.gz' out
	not grep -E 'O_(WRONLY|RDWR|CREAT)|mkdir' trace
	(ulimit -v 400000; exits 0 xv image inspect b.tgz)
}

# tree_cpio: what is in tree/rootimg, as imgexport packs it
tree_cpio()
{
	(cd tree && find rootimg | LC_ALL=C sort | cpio --quiet -o -H newc)
}

# statelite: the bundle b made one of a statelite image
statelite()
{
	rm "$B/rootimg.cpio.gz"
	mv "$B/initrd-stateless.gz" "$B/initrd-statelite.gz"
	echo "\"$IMAGE\",\"/etc/ntp.conf\",\"tmpfs\",," >"$B/litefile.csv"
	manifest | sed -e "s,<rootimg>.*,<rootimgtree>$DIR/rootimgtree.gz</rootimgtree>," \
	    -e 's,initrd-stateless,initrd-statelite,' -e 's,>netboot<,>statelite<,' \
	    -e "s,<linuximage>,<litefile>$DIR/litefile.csv</litefile><linuximage>," \
	    >"$B/manifest.xml"
}

@test "statelite: the tree is walked below rootimg, and litefile.csv wanted" {
	bundle_tree b
	mkdir tree
	cp -a root tree/rootimg
	tree_cpio >tree.cpio
	statelite
	gzip <tree.cpio >"$B/rootimgtree.gz"
	bundle_pack b
	verdict b.tgz 0 'statelite' 'root image x86_64 \(2 programs' \
	    'rootimgtree +rootimgtree.gz' 'litefile +litefile.csv'
	elf ppc64le >tree/rootimg/usr/bin/true
	elf ppc64le >tree/rootimg/usr/bin/false
	tree_cpio | gzip >"$B/rootimgtree.gz"
	bundle_pack b
	verdict b.tgz 5 'the root image is of ppc64le'
	head -c 20000 tree.cpio | gzip >"$B/rootimgtree.gz"
	bundle_pack b
	verdict b.tgz 5 'rootimgtree.gz: cpio: it is cut off'
	gzip <tree.cpio >"$B/rootimgtree.gz"
	rm "$B/litefile.csv"
	bundle_pack b
	verdict b.tgz 5 'litefile.csv: it is missing'
}

@test "statelite: entries of the tree that cpio would put elsewhere" {
	local from to

	bundle_tree b
	statelite
	mkdir -p tree/rootimg/bin
	elf x86_64 >tree/rootimg/bin/sh
	ln -s /etc tree/rootimg/link
	tree_cpio >tree.cpio
	gzip <tree.cpio >"$B/rootimgtree.gz"
	bundle_pack b
	verdict b.tgz 0 'x86_64, proved'
	for to in rootimg/link/x rootimg/../../xx rootimg/./abcdef \
	    /etc/cron.d/abcde rootimgx/abcdefg ../../../abcdefgh; do
		printf '%s\n' x >tree/rootimg/zzzzzzzzz
		from=rootimg/zzzzzzzzz
		to=$(printf '%-17.17s' "$to" | tr ' ' x)
		tree_cpio | FROM=$from TO=$to perl -0777 -pe \
		    's/\Q$ENV{FROM}\E/$ENV{TO}/' >x.cpio
		rm "tree/$from"
		cpio --quiet -t <x.cpio | grep -Fqx -e "$to"
		gzip <x.cpio >"$B/rootimgtree.gz"
		bundle_pack b
		verdict b.tgz 5 "BAD: .*rootimgtree.gz: cpio: $to: it"
	done
	# an entry that is no file, with contents which cpio takes for entries
	perl -e 'my $h = sub { my ($n, $m, $s) = @_; my $x = sprintf("070701" .
		"%08x" x 13, 1, $m, 0, 0, 1, 0, $s, 0, 0, 0, 0, length($n) + 1,
		0) . "$n\0"; $x . "\0" x (-length($x) % 4) };
	    my $in = $h->("/etc/evil", 0100644, 0);
	    print $h->("rootimg", 040755, length $in), $in,
		$h->("TRAILER!!!", 0, 0);' | gzip >"$B/rootimgtree.gz"
	bundle_pack b
	verdict b.tgz 5 'cpio: rootimg: it has contents, and is no file'
}

@test "kits: their directories, and what imgimport can read" {
	local one two

	one='<kit><name>k1</name><kitdir>/install/kits/Kit/k1</kitdir></kit>'
	two='<kit><name>k2</name><kitdir>/install/kits/Kit/k2</kitdir></kit>'
	MORE=$one$two
	bundle_tree b
	mkdir -p "$B/k1/other_files" "$B/k2"
	echo a >"$B/k1/other_files/x"
	echo b >"$B/k2/kit.conf"
	bundle_pack b
	exits 0 xv image inspect -v b.tgz
	says 'kit +k1/other_files/x +/install/kits/Kit/k1/other_files/x'
	mkdir "$B/k2/plugins"
	bundle_pack b
	verdict b.tgz 1 'k2 has plugins: code that xcatd itself will run'
	rm -r "$B/k2"
	bundle_pack b
	verdict b.tgz 5 "k2: the kit's directory is missing"
	MORE=$one
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 1 'there is one: imgimport can read two or more'
	MORE='<kit><name>k1</name><kitdir>/etc/k1</kitdir></kit>'
	manifest >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 '<kit>: /etc/k1: it lies outside'
}

@test "install images want their media, raw ones of s390x their files" {
	IMAGE=rocky9.4-x86_64-install-compute DIR=/install/x CLAIM=x86_64 ROOTIMG=x
	B=$T/b/$IMAGE
	mkdir -p "$B"
	echo t >"$B/compute.tmpl"
	LINUXCOLS='<template>/install/custom/compute.tmpl</template>'
	manifest | sed -e '/<kernel>/d;/<ramdisk>/d;/<rootimg>/d;/<rootimgdir>/d' \
	    -e 's,>netboot<,>install<,' >"$T/m"
	cp "$T/m" "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 1 '<media>: an install image without'
	sed 's,<linuximage>,<media>required</media><linuximage>,' "$T/m" \
	    >"$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 0 'media of rocky9.4 x86_64 to be there'
	sed -i '/<template>/d' "$B/manifest.xml"
	bundle_pack b
	verdict b.tgz 5 '<template>: it is missing' 'compute.tmpl: nothing in'
	CLAIM=s390x
	LINUXCOLS=
	MORE='<rawimagefiles><files>/install/netboot/a.img</files><files>/install/netboot/b.img</files></rawimagefiles>'
	manifest | sed -e '/<kernel>/d;/<ramdisk>/d;/<rootimg>/d' >"$B/manifest.xml"
	rm "$B/compute.tmpl"
	echo a >"$B/a.img"
	bundle_pack b
	verdict b.tgz 5 'b.img: it is missing' 'raw +a.img'
}
