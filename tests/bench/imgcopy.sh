# shellcheck shell=bash
# imgcopy.sh: osimages from node to node.  Sourced by run.sh, behind ssh.sh,
# database.sh and inspect.sh, not run.
#
# Cases:
#	image-copy	an image whose bundle has about 600 MB (small: 60) from
#			one test node to another: what the program tells of the
#			time between imgexport and imgimport, in which the
#			bundle is carried, inspected and digested at both ends,
#			beside "ssh A cat | ssh B 'cat >'" of such a bundle
#	rss-image-copy	the memory of xcatvault alone, with one of 2 GB
#
# More is in the steps' environment:
#	SOURCE, TARGET	folders of the two nodes
#	IMAGE		the osimage

export SOURCE='' TARGET='' IMAGE=''

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.image-copy]='XCATVAULT_SSH_DIR="$SOURCE/ssh" "$XCATVAULT" -C "$SOURCE/bench.conf" image copy "$IMAGE" --from source --to target --replace --force --json || [ $? -eq 1 ]'
	[bare.image-copy]='set -o pipefail; ssh -F "$SOURCE/ssh/config" -c "$CIPHER" node cat /install/bundle.tgz | ssh -F "$TARGET/ssh/config" -c "$CIPHER" node "umask 077; cat >/var/tmp/bundle.tgz && rm /var/tmp/bundle.tgz"'
)

# A node with nothing of its own but what is in DIR, its /install.
# shellcheck disable=SC2016
imgcopy_node() {
	"$MN" start "$1" --volume "/install=$2"
	"$MN" shell "$1" sh -c 'cd /etc/xcat || exit
	    for t in osimage linuximage; do
		[ ! -e $t.sqlite ] || sqlite3 $t.sqlite "delete from $t"
	    done'
}

# The bundle of inspect_bundle, and its members where an osimage has them.
imgcopy_install() {
	local arch dir

	arch=$(uname -m)
	IMAGE=debian12-$arch-netboot-compute
	dir=$WORK/source/netboot/debian12/$arch/compute
	mkdir -p "$dir" "$WORK/target"
	mv "$WORK/image/bundle.tgz" "$WORK/source/bundle.tgz"
	tar -C "$dir" --strip-components=2 -xzf "$WORK/source/bundle.tgz"
	rm "$dir/manifest.xml"
	mkdir "$WORK/source/lists"
	echo bash >"$WORK/source/lists/compute.pkglist"
	imgcopy_node "$SOURCE" "$WORK/source"
	imgcopy_node "$TARGET" "$WORK/target"
	"$MN" shell "$SOURCE" chtab "imagename=$IMAGE" \
	    osimage.imagetype=linux osimage.osname=Linux \
	    "osimage.osarch=$arch" osimage.osvers=debian12 \
	    osimage.profile=compute osimage.provmethod=netboot
	"$MN" shell "$SOURCE" chtab "imagename=$IMAGE" \
	    "linuximage.rootimgdir=/install/netboot/debian12/$arch/compute" \
	    linuximage.pkglist=/install/lists/compute.pkglist
}

imgcopy_config() {
	local name dir

	cat "$TARGET/ssh/known_hosts" >>"$SOURCE/ssh/known_hosts"
	{
		echo 'sites = {'
		for name in source target; do
			dir=$SOURCE
			[ "$name" = source ] || dir=$TARGET
			echo "$name = { address =" \
			    "\"root@127.0.0.1:$(cat "$dir/port")\";" \
			    "identity = \"$dir/ssh/id_ed25519\"; };"
		done
		echo '};'
	} >"$SOURCE/bench.conf"
	chmod 600 "$SOURCE/bench.conf"
}

# imgcopy_samples CASE TOOL...
imgcopy_samples() {
	local case=$1 run tool

	shift
	SOURCE=$BENCH_DIR/nodes/source TARGET=$BENCH_DIR/nodes/target
	rm -rf "$SOURCE" "$TARGET"
	imgcopy_install
	imgcopy_config
	open_corpus "$case" image-copy "$WORK/source"
	for ((run = 1; run <= SHORT_RUNS; run++)); do
		for tool; do
			cat "$WORK/source/bundle.tgz" >/dev/null
			sample "$case" "$tool" image-copy "$run"
			record "$case" "$tool" "$run" -
			[ "$tool" = xcatvault ] || continue
			part "$case" carried \
			    "$(number_of transfer_seconds)" "$run"
		done
	done
	ssh_stop
	rm -rf "$SOURCE" "$TARGET" "${WORK:?}"/*
}

measure_image_copy() {
	if [ "$SIZE" = small ]; then
		inspect_bundle 160 6
	else
		inspect_bundle 1600 6
	fi
	imgcopy_samples image-copy xcatvault bare
}

measure_image_copy_rss() {
	inspect_bundle 5500 1
	imgcopy_samples rss-image-copy xcatvault
}
