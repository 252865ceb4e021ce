# shellcheck shell=bash
# Osimages kept in the vault: in, listed, out again, and onto a node.
load common
load ../mn/mn
load night
load image

setup()
{
	night_scratch
}

teardown()
{
	night_clean
}

# bundle NAME [SEED]: $T/NAME.tgz, an image of that name as imgexport packs it,
# with a kernel and a root image that tell their architecture
bundle()
{
	local name=$1 dir=$T/made/$1 at=/install/netboot/rocky9.4/x86_64/$1

	mkdir -p "$dir"
	elf >"$dir/kernel"
	[ -e "$dir/initrd-stateless.gz" ] || {
		mkdir -p "$T/init" && elf >"$T/init/init"
		tar -C "$T/init" -cf - init | gzip -n >"$dir/initrd-stateless.gz"
	}
	[ -e "$dir/rootimg.tar.gz" ] || {
		mkdir -p "$T/root/bin"
		elf >"$T/root/bin/sh"
		noise "${2:-7}" 3000000 >"$T/root/bin/large"
		tar -C "$T/root" -cf - . | gzip -n >"$dir/rootimg.tar.gz"
	}
	echo vim >>"$dir/list.pkglist"
	cat >"$dir/manifest.xml" <<END
<?xml version="1.0"?>
<xcatimage>
  <kernel>$at/kernel</kernel>
  <linuximage>
    <imagename>$name</imagename>
    <pkglist>/install/custom/netboot/rocky/list.pkglist</pkglist>
    <rootimgdir>$at</rootimgdir>
  </linuximage>
  <osimage>
    <imagename>$name</imagename>
    <imagetype>linux</imagetype>
    <osarch>x86_64</osarch>
    <osname>Linux</osname>
    <osvers>rocky9.4</osvers>
    <profile>compute</profile>
    <provmethod>netboot</provmethod>
  </osimage>
  <ramdisk>$at/initrd-stateless.gz</ramdisk>
  <rootimg>$at/rootimg.tar.gz</rootimg>
</xcatimage>
END
	tar -C "$T/made" -czf "$T/$name.tgz" --transform 's,^,./,' "$name"
}

elf()
{
	perl -e 'print "\x7fELF\2\1\1", "\0" x 9, pack("vv", 2, 62), "\0" x 44,
	    "program" x 5000'
}

keep()
{
	exits 0 xv image keep "$@" || return 1
	SNAP=$(sed -nE 's/.* snapshot ([0-9a-f]{16}):.*/\1/p' "$T/out")
	[ -n "$SNAP" ]
}

# nothing_else PATTERN...: no other files here whose names begin with "out"
nothing_else()
{
	equal "$(find "$T" -maxdepth 1 -name 'out*' ! -name out \
	    -printf '%f\n' | sort | tr '\n' ' ')" "$*"
}

same_members()
{
	mkdir "$T/x" "$T/y"
	tar -xzpf "$1" -C "$T/x" && tar -xzpf "$2" -C "$T/y"
	touch -r "$T/x" "$T/y"
	same_tree "$T/x" "$T/y"
	cmp <(gzip -dc "$1") <(gzip -dc "$2")
}

@test "image vault: what comes out is the same archive, byte for byte" {
	bundle cn
	keep --site mn1 cn.tgz
	equal "$(jq -r .site "$V"/snapshots/*/*"$SNAP".json)" cn.osimage
	exits 0 xv image export cn -o out.tgz
	says 'there is no sidecar'
	nothing_else out.tgz ''
	gzip -t out.tgz
	same_members cn.tgz out.tgz
	exits 0 xv image inspect out.tgz
	# to standard output, too, and by the id of its snapshot
	xv image export "$SNAP" -o - | cmp - out.tgz
	xv verify --read-data
}

@test "image vault: killed between two names: no sidecar tells of another" {
	need_strace
	local n status calls=0

	bundle cn
	keep cn.tgz
	for n in 1 2 3 4 5 6 7 8; do
		# of a bundle that was there before
		cp made/cn/kernel out.tgz
		cp made/cn/manifest.xml out.tgz.json
		status=0
		strace -f -qq -o /dev/null -e trace=rename \
		    -e "inject=rename:signal=KILL:when=$n" \
		    "$XCATVAULT" image export cn -o out.tgz >"$T/log" 2>&1 ||
		    status=$?
		[ ! -e out.tgz.json ] || cmp made/cn/kernel out.tgz
		[ "$status" -ne 0 ] || break
		calls=$n
	done
	equal "$status" 0
	[ "$calls" -ge 1 ]
	# it has no sidecar, and has none of another bundle's
	[ ! -e out.tgz.json ]
	exits 0 xv image inspect out.tgz
}

@test "image vault: ten versions cost little more than one" {
	local i sum=0 stored

	for ((i = 0; i < 10; i++)); do
		bundle cn
		sum=$((sum + $(stat -c %s cn.tgz)))
		keep cn.tgz
	done
	stored=$(find "$V/packs" -type f -printf '%s\n' |
	    awk '{ n += $1 } END { print n }')
	echo "stored $stored of $sum"
	[ "$stored" -le $((sum / 5)) ]
	exits 0 xv image list --json
	equal "$(jq length "$T/out")" 10
	exits 0 xv image export cn -o out.tgz
	same_members cn.tgz out.tgz
}

@test "image vault: other images with the same files share them, and backups do" {
	bundle cn
	mkdir -p made/login && cp -p made/cn/rootimg.tar.gz made/login
	bundle login
	take --volume "$T/made=/install"
	keep cn.tgz
	[ "$(jq .stored_bytes "$V"/snapshots/cn.osimage/*.json)" -lt 40000 ]
	keep login.tgz
	[ "$(jq .stored_bytes "$V"/snapshots/login.osimage/*.json)" -lt 40000 ]
}

@test "image vault: the list, as text and as JSON" {
	exits 0 xv image list
	equal "$(cat out)" ''
	exits 0 xv image list --json
	equal "$(jq -c . out)" '[]'
	bundle cn
	keep --site mn1 cn.tgz
	bundle login
	keep login.tgz
	exits 0 xv image list
	equal "$(wc -l <out)" 2
	grep -Eq ' cn +x86_64 +rocky9.4 .* stored  mn1$' out
	grep -Eq ' login +x86_64 +rocky9.4 .* stored  -$' out
	exits 0 xv image list --json
	equal "$(jq -r '.[0] | "\(.image) \(.osarch) \(.osvers) \(.site)"' out)" \
	    'cn x86_64 rocky9.4 mn1'
	equal "$(jq -r '.[0].tar_bytes' out)" "$(gzip -dc cn.tgz | wc -c)"
}

@test "image vault: --json of one bundle is an object, of several an array" {
	bundle cn
	bundle login
	exits 0 xv image keep --json cn.tgz
	equal "$(jq -r .image "$T/out")" cn
	exits 0 xv image keep --json cn.tgz login.tgz
	equal "$(jq length "$T/out")" 2
	head -c 500 cn.tgz >cut.tgz
	exits 5 xv image keep --json cut.tgz login.tgz
	equal "$(jq length "$T/out")" 1
}

@test "image vault: recorded bundles of a real xCAT, of an install image, too" {
	local file name

	for file in "$TESTS"/data/images/bundle_*.tgz; do
		name=${file##*/bundle_}
		name=${name%.tgz}
		exits '0|1' xv image keep "$file"
		exits 0 xv image export "$name" -o out.tgz
		cmp <(gzip -dc "$file") <(gzip -dc out.tgz)
	done
	xv cat rocky9.4-x86_64-install-compute.osimage /osimage/image.json >about
	equal "$(jq -r .inspection.proof about)" none
}

@test "image vault: versions by time" {
	local first

	bundle cn
	cp cn.tgz first.tgz
	keep cn.tgz
	first=$(jq -r .time "$V"/snapshots/cn.osimage/*.json)
	sleep 0.1
	bundle cn
	keep cn.tgz
	exits 0 xv image export "cn@$first" -o out.tgz
	cmp <(gzip -dc first.tgz) <(gzip -dc out.tgz)
	exits 0 xv image export cn -o out.tgz
	cmp <(gzip -dc cn.tgz) <(gzip -dc out.tgz)
	exits 3 xv image export cn@2001-01-01 -o none.tgz
	complains 'no snapshot that old'
	exits 3 xv image export other -o none.tgz
	complains 'keeps no such image'
	[ ! -e none.tgz ]
}

@test "image vault: an image is nobody's latest backup" {
	mkdir tree && echo 1 >tree/file
	take --volume "$T/tree=/install"
	bundle cn
	keep cn.tgz
	exits 0 xv cat latest /install/file
	equal "$(cat out)" 1
	exits 0 xv list --site cn.osimage
	says cn.osimage
	exits 0 xv ls cn.osimage /osimage
	says bundle.tar
	xv cat cn.osimage /osimage/bundle.tar | cmp - <(gzip -dc cn.tgz)
	# also without the program
	sh "$V/recover.sh" latest "$T/back" >/dev/null
	equal "$(cat back/install/file)" 1
	exits 0 xv drill --without-database latest
	says '/install|[1-9] entries'
	exits 0 xv drill --without-database cn.osimage
}

@test "image vault: a flipped byte in a pack is found, and nothing is published" {
	local pack

	rm -rf "${V:?}"
	new_vault small
	bundle cn
	keep cn.tgz
	pack=$(find "$V/packs" -type f -printf '%s %p\n' | sort -n |
	    tail -n 1 | cut -d ' ' -f 2)
	printf '\377' | dd of="$pack" bs=1 seek=50000 conv=notrunc status=none
	printf '\377' | dd of="$pack" bs=1 seek=50001 conv=notrunc status=none
	printf '\1' | dd of="$pack" bs=1 seek=50002 conv=notrunc status=none
	exits 5 xv image export cn -o out.tgz
	nothing_else ''
	echo old >out.tgz
	exits 5 xv image export cn -o out.tgz
	equal "$(cat out.tgz)" old
	exits 5 xv verify --read-data
	# kept once more, it is whole again
	keep cn.tgz
	exits 0 xv image export cn -o out.tgz
	cmp <(gzip -dc cn.tgz) <(gzip -dc out.tgz)
}

@test "image vault: what is cut, garbled or no bundle is not kept" {
	bundle cn
	head -c 1000000 cn.tgz >cut.tgz
	exits 5 xv image keep cut.tgz
	complains 'cut'
	cp cn.tgz flipped.tgz
	printf '\252\125\252' |
	    dd of=flipped.tgz bs=1 seek=900000 conv=notrunc status=none
	exits 5 xv image keep flipped.tgz
	complains '.'
	echo hello >text.tgz
	exits 5 xv image keep text.tgz
	: >empty.tgz
	exits 5 xv image keep empty.tgz
	exits 2 xv image keep not-there.tgz
	sed -i 's,<kernel>.*</kernel>,<kernel>/etc/passwd</kernel>,' \
	    made/cn/manifest.xml
	tar -C made -czf hostile.tgz ./cn
	exits 5 xv image keep hostile.tgz
	complains '/etc/passwd'
	exits 0 xv image list
	equal "$(cat out)" ''
	equal "$(find "$V/snapshots" -name '*.json')" ''
}

@test "image vault: a store that is killed leaves no snapshot" {
	directory_only 'the program that is killed'
	need_strace
	bundle cn
	exits '137|2' strace -f -qq -o /dev/null -e trace=fsync,fdatasync \
	    -e inject=fsync,fdatasync:signal=SIGKILL:when=1 \
	    "$XCATVAULT" image keep cn.tgz
	equal "$(find "$V/snapshots" -name '*.json')" ''
	exits 2 strace -f -qq -o /dev/null -e trace=fsync,fdatasync \
	    -e inject=fsync,fdatasync:error=EIO:when=1+ \
	    "$XCATVAULT" image keep cn.tgz
	equal "$(find "$V/snapshots" -name '*.json')" ''
	keep cn.tgz
	exits 0 xv verify --read-data
}

@test "image vault: a file that cannot be written is told, and left alone" {
	bundle cn
	keep cn.tgz
	exits 2 xv image export cn -o no/such/dir/out.tgz
	complains 'no/such/dir'
	need_root 'a full file system'
	private_mounts full_disk
}

full_disk()
{
	small_fs "$T/small" 1m
	exits 2 xv image export cn -o "$T/small/out.tgz"
	complains 'space'
	[ -z "$(ls -A "$T/small")" ]
}

@test "image vault: from a node, with all that belongs to it, onto another one" {
	mn_start a && mn_populate a >/dev/null && boots a
	mn_start b
	site a a
	site b b
	exits 0 xv image export "$IMAGE" --site a --complete
	says 'is kept as snapshot'
	nothing_held a
	exits 0 xv image list --json
	equal "$(jq -r '.[0] | "\(.image) \(.site)"' out)" "$IMAGE a"
	exits 0 xv image export "$IMAGE" -o out.tgz
	equal "$(jq -r .bundle.file out.tgz.json)" out.tgz
	equal "$(jq -r .bundle.sha256 out.tgz.json)" "$(sum out.tgz)"
	equal "$(jq -r .extra.file out.tgz.json)" out.tgz.extra.tar.zst
	equal "$(jq -r .extra.sha256 out.tgz.json)" \
	    "$(sum out.tgz.extra.tar.zst)"
	exits '0|1' xv image import --from-vault "$IMAGE" --site b
	cmp "$(mn_path b "$IMAGE_DIR/rootimg.cpio.gz")" \
	    "$(mn_path a "$IMAGE_DIR/rootimg.cpio.gz")"
	equal "$(mn_xcat b "lsdef -t osimage $IMAGE -i rootimgdir -c")" \
	    "$(mn_xcat a "lsdef -t osimage $IMAGE -i rootimgdir -c")"
	nothing_held b
	# the files that lay beside it may be kept again as well
	exits 0 xv image keep out.tgz
	[ "$(jq .stored_bytes "$V/snapshots/$IMAGE.osimage"/*.json |
	    tail -n 1)" -lt 40000 ]
}
