#!/usr/bin/env bash
# Build the corpora of the benchmark, once; they stay in the cache directory.
#
#	corpus.sh [--dir DIR] [--size small|default|full] NAME...
#
# NAME is one of
#	root	a netboot area: root trees of two profiles and architectures
#		made by debootstrap, each packed as cpio.gz and squashfs too,
#		and the .deb files they were made from
#	many	small files of 1 to 20 KB, cut out of the root trees; 300,000
#		of them, with --size small 20,000
#	million	1,000,000 files of 1 to 2 KB (small: 50,000)
# The directory of each is printed on standard output.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR source=common.sh disable=SC1091
. "$(dirname "$0")/common.sh"

SIZE=default

usage() {
	say "usage: corpus.sh [--dir DIR] [--size small|default|full] NAME..."
	exit 3
}

# The suite of this host and the mirror its apt uses, into SUITE and MIRROR.
# An empty mirror is debootstrap's own default.
find_mirror() {
	local uri codename

	# shellcheck disable=SC1091
	SUITE=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
	MIRROR=
	# shellcheck disable=SC2016
	while read -r uri codename; do
		if [ "$codename" = "$SUITE" ]; then
			MIRROR=$uri
			break
		fi
	done < <(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' \
	    'Created-By: Packages' 'Component: main' 'Origin: Debian' || true)
}

kernel_package() {
	case $1 in
	ppc64el)	echo linux-image-powerpc64le ;;
	*)		echo "linux-image-$1" ;;
	esac
}

# packages ARCH PROFILE: what the profile adds to debootstrap's minbase.
packages() {
	local common=openssh-server,rsync,nfs-common,rsyslog,chrony,python3

	case $2 in
	base)
		echo openssh-server,rsync,python3-minimal
		;;
	compute)
		echo "$common,$(kernel_package "$1"),ethtool,gawk,less,pciutils"
		;;
	service)
		echo "$common,$(kernel_package "$1"),bind9,gcc,git,nginx-light,vim"
		;;
	esac
}

# bootstrap ARCH PROFILE TREE: a root tree.  That of another architecture is
# taken to debootstrap's first stage, and the packages it would configure in
# the second are unpacked over it: nothing foreign has to run.
bootstrap() {
	local arch=$1 profile=$2 tree=$3 foreign=() mirror=() deb

	if [ "$arch" != "$NATIVE" ]; then
		foreign=(--foreign)
	fi
	if [ -n "$MIRROR" ]; then
		mirror=("$MIRROR")
	fi
	mkdir -p "$BENCH_DIR/debs/$arch"
	debootstrap --variant=minbase --arch="$arch" "${foreign[@]}" \
	    --include="$(packages "$arch" "$profile")" \
	    --cache-dir="$BENCH_DIR/debs/$arch" \
	    "$SUITE" "$tree" "${mirror[@]}" >"$BENCH_DIR/debootstrap.log" 2>&1 ||
	    die "debootstrap failed: see $BENCH_DIR/debootstrap.log"
	unmount_below "$tree"
	if [ "$arch" != "$NATIVE" ]; then
		for deb in "$tree"/var/cache/apt/archives/*.deb; do
			dpkg-deb -x "$deb" "$tree"
		done
	fi
}

# keep_debs TREE POOL: move the .deb files out of the tree.
keep_debs() {
	mkdir -p "$2"
	find "$1/var/cache/apt/archives" -name '*.deb' -exec mv -t "$2" {} +
}

# pack TREE: TREE.cpio.gz and TREE.sfs, as packimage makes them.
pack() {
	if need cpio cpio; then
		(cd "$1" && find . -print0 | LC_ALL=C sort -z |
		    cpio --quiet --null -o -H newc | gzip -n) >"$1.cpio.gz"
	fi
	if need mksquashfs squashfs-tools; then
		mksquashfs "$1" "$1.sfs" -noappend -no-progress -quiet >/dev/null
	fi
}

# pool ARCH POOL PACKAGES: the .deb files of more packages, not unpacked.
pool() {
	local tmp=$BENCH_DIR/corpora/pool.new mirror=()

	if [ -n "$MIRROR" ]; then
		mirror=("$MIRROR")
	fi
	debootstrap --download-only --variant=minbase --arch="$1" \
	    --include="$3" --cache-dir="$BENCH_DIR/debs/$1" "$SUITE" "$tmp" \
	    "${mirror[@]}" >"$BENCH_DIR/debootstrap.log" 2>&1 ||
	    die "debootstrap failed: see $BENCH_DIR/debootstrap.log"
	keep_debs "$tmp" "$2"
	rm -rf "$tmp"
}

# make_root DIR
make_root() {
	local profiles profile arch tree other=ppc64el

	is_root || die "debootstrap must run as root"
	need debootstrap debootstrap || die "no debootstrap: see --corpus"
	NATIVE=$(dpkg --print-architecture)
	if [ "$NATIVE" = ppc64el ]; then
		other=amd64
	fi
	find_mirror
	case $SIZE in
	small)		profiles="$NATIVE/base" ;;
	default)	profiles="$NATIVE/compute $NATIVE/service $other/compute" ;;
	full)		profiles="$NATIVE/compute $NATIVE/service
			    $other/compute $other/service" ;;
	esac
	for profile in $profiles; do
		arch=${profile%/*}
		tree=$1/netboot/$SUITE/$profile/rootimg
		say "  $profile: debootstrap"
		mkdir -p "${tree%/*}"
		bootstrap "$arch" "${profile#*/}" "$tree"
		keep_debs "$tree" "$1/otherpkgs/$SUITE/$arch"
		say "  $profile: packing"
		pack "$tree"
	done
	if [ "$SIZE" = full ]; then
		for arch in "$NATIVE" "$other"; do
			say "  $arch: more packages"
			pool "$arch" "$1/otherpkgs/$SUITE/$arch" \
			    llvm-14-dev,openjdk-17-jdk-headless,libreoffice-core
		done
	fi
}

# make_sliced DIR COUNT MIN MAX: cut out of the root trees, or out of /usr
# where those cannot be made.
make_sliced() {
	local source=/usr

	helper files
	if is_root && need debootstrap debootstrap; then
		source=$(corpus root)/netboot
	fi
	"$BENCH_DIR/bin/files" slice "$source" "$1" "$2" "$3" "$4"
}

# Build corpus NAME unless it is there; print its directory.
corpus() {
	local name=$1 dir=$BENCH_DIR/corpora/$1-$SIZE
	local many=300000 million=1000000

	if [ "$SIZE" = small ]; then
		many=20000 million=50000
	elif [ "$SIZE" = full ] && [ "$name" != root ]; then
		dir=$BENCH_DIR/corpora/$name-default
	fi
	if [ ! -d "$dir" ]; then
		say "building $dir"
		unmount_below "$dir.new"
		rm -rf "$dir.new"
		mkdir -p "$dir.new"
		case $name in
		root)		make_root "$dir.new" ;;
		many)		make_sliced "$dir.new" $many 1024 20480 ;;
		million)	make_sliced "$dir.new" $million 1024 2048 ;;
		esac
		mv "$dir.new" "$dir"
	fi
	printf '%s\n' "$dir"
}

while [ $# -gt 0 ]; do
	case $1 in
	--dir)	BENCH_DIR=${2:?}; shift 2 ;;
	--size)	SIZE=${2:?}; shift 2 ;;
	-*)	usage ;;
	*)	break ;;
	esac
done
case $SIZE in
small | default | full) ;;
*) usage ;;
esac
for name; do
	case $name in
	root | many | million) ;;
	*) usage ;;
	esac
done
[ $# -gt 0 ] || usage
mkdir -p "$BENCH_DIR/corpora"
BENCH_DIR=$(cd "$BENCH_DIR" && pwd)
trap 'unmount_below "$BENCH_DIR/corpora"' EXIT
trap 'exit 130' INT TERM HUP
for name; do
	corpus "$name"
done
