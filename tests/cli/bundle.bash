# shellcheck shell=bash
# Helpers of the tests of osimage bundles: bundles as imgexport makes them,
# sound ones and others, without a node.  Loaded after common.
#
#	bundle_tree B [ARCH]	a bundle's directory in $T/B: kernel, initrd
#				and root image (cpio.gz) of ARCH, a pkglist,
#				a manifest that claims $CLAIM, or ARCH
#	bundle_pack B		$T/B.tgz from it, as imgexport does
# shellcheck disable=SC2034

BUNDLES=$TESTS/data/images

# elf ARCH: a program's head, on standard output
elf()
{
	perl -e '
		my %m = (x86 => [3, 1, 1], x86_64 => [62, 2, 1],
		    ppc64 => [21, 2, 2], ppc64le => [21, 2, 1],
		    aarch64 => [183, 2, 1]);
		my $m = $m{$ARGV[0]} or die "elf: $ARGV[0]";
		print "\177ELF", chr($m->[1]), chr($m->[2]), "\1", "\0" x 9,
		    pack($m->[2] == 1 ? "v2" : "n2", 2, $m->[0]), "\0" x 200;
	' "$1"
}

# bzimage: a kernel of x86_64 of 8 KiB, on standard output
bzimage()
{
	perl -e '
		my $k = "\0" x 8192;
		substr($k, 0x1f1, 1) = chr(1);
		substr($k, 0x1f4, 4) = pack("V", 448);
		substr($k, 0x1fe, 2) = "\x55\xaa";
		substr($k, 0x202, 6) = "HdrS\x0f\x02";
		substr($k, 0x236, 1) = chr(0x7f);
		print $k;
	'
}

# kernel_of ARCH
kernel_of()
{
	case $1 in
	x86_64)	bzimage ;;
	none)	noise 7 8192 ;;
	*)	elf "$1" ;;
	esac
}

# root_tree DIR ARCH: what is in a root image, a little of it
root_tree()
{
	mkdir -p "$1/usr/bin" "$1/usr/lib/firmware" "$1/etc"
	ln -sfn usr/bin "$1/bin"
	[ "$2" = none ] || {
		elf "$2" >"$1/usr/bin/true"
		elf "$2" >"$1/usr/bin/false"
		elf "$2" >"$1/usr/lib/libc.so"
	}
	elf aarch64 >"$1/usr/lib/firmware/device.elf"
	noise 3 30000 >"$1/etc/noise"
	echo "Rocky 9.4" >"$1/etc/issue"
}

# cpio_of DIR: newc, as packimage makes it
cpio_of()
{
	(cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc)
}

# manifest: that of $IMAGE, with the root image $ROOTIMG; more elements in
# $MORE, more columns in $OSCOLS and $LINUXCOLS
manifest()
{
	cat <<-END
	<?xml version="1.0"?>
	<xcatimage>
	  ${MORE-}
	  <kernel>${KERNEL-$DIR/kernel}</kernel>
	  <linuximage>
	    <imagename>$IMAGE</imagename>
	    ${LINUXCOLS-<pkglist>/install/custom/compute.pkglist</pkglist>}
	    <rootimgdir>$DIR</rootimgdir>
	  </linuximage>
	  <osimage>
	    <imagename>$IMAGE</imagename>
	    <imagetype>linux</imagetype>
	    <osarch>$CLAIM</osarch>
	    <osvers>rocky9.4</osvers>
	    <profile>compute</profile>
	    <provmethod>netboot</provmethod>
	    ${OSCOLS-}
	  </osimage>
	  <ramdisk>$DIR/initrd-stateless.gz</ramdisk>
	  <rootimg>$DIR/$ROOTIMG</rootimg>
	</xcatimage>
	END
}

bundle_tree()
{
	local arch=${2-x86_64}

	CLAIM=${CLAIM-$arch}
	ROOTIMG=${ROOTIMG-rootimg.cpio.gz}
	IMAGE=rocky9.4-$CLAIM-netboot-compute
	DIR=/install/netboot/rocky9.4/$CLAIM/compute
	B=$T/$1/$IMAGE
	mkdir -p "$B"
	[ -d "$T/root" ] || root_tree "$T/root" "$arch"
	kernel_of "$arch" >"$B/kernel"
	cpio_of "$T/root" | gzip -9 >"$B/initrd-stateless.gz"
	cpio_of "$T/root" | gzip -9 >"$B/rootimg.cpio.gz"
	echo bash >"$B/compute.pkglist"
	manifest >"$B/manifest.xml"
}

bundle_pack()
{
	(cd "$T/$1" && tar --owner=root:0 --group=root:0 -czf "$T/$1.tgz" .)
}

# verdict FILE STATUS REGEX...: what inspecting it must end with and say
verdict()
{
	local file=$1 status=$2 regex

	shift 2
	exits "$status" xv image inspect "$file" || return 1
	for regex; do
		says "$regex" || return 1
	done
}
