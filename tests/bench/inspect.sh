# shellcheck shell=bash
# inspect.sh: bundles of osimages, inspected.  Sourced by run.sh, not run.
#
# Cases:
#	image-inspect	a bundle of about 600 MB (small: 60), made as
#			imgexport makes them, beside "tar -tzf" of it
#	rss-image-inspect	the memory of xcatvault alone, with one of 2 GB
# The root image is a cpio.gz of a root tree of this architecture, its files
# again and again until there is enough.

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.image-inspect]='"$XCATVAULT" image inspect -q "$FILE" || [ $? -eq 1 ]'
	[tar.image-inspect]='tar -tzf "$FILE" >/dev/null'
)

# inspect_manifest NAME ARCH
inspect_manifest() {
	local dir=/install/netboot/debian12/$2/compute

	cat <<-END
	<?xml version="1.0"?>
	<xcatimage>
	  <kernel>$dir/kernel</kernel>
	  <linuximage>
	    <imagename>$1</imagename>
	    <rootimgdir>$dir</rootimgdir>
	  </linuximage>
	  <osimage>
	    <imagename>$1</imagename>
	    <imagetype>linux</imagetype>
	    <osarch>$2</osarch>
	    <osvers>debian12</osvers>
	    <profile>compute</profile>
	    <provmethod>netboot</provmethod>
	  </osimage>
	  <ramdisk>$dir/initrd-stateless.gz</ramdisk>
	  <rootimg>$dir/rootimg.cpio.gz</rootimg>
	</xcatimage>
	END
}

# inspect_bundle MB LEVEL: $FILE, from the root corpus; MB is what the root
# image holds, unpacked
inspect_bundle() {
	local corpus tree arch name dir

	corpus=$("$BENCH_SRC/corpus.sh" --dir "$BENCH_DIR" --size "$SIZE" root)
	tree=$(find "$corpus/netboot" -maxdepth 4 -type d -name rootimg \
	    -path "*/$(dpkg --print-architecture)/*" | LC_ALL=C sort |
	    tail -n 1)
	arch=$(uname -m)
	name=debian12-$arch-netboot-compute
	dir=$WORK/bundle/$name
	mkdir -p "$dir" "$WORK/image"
	inspect_manifest "$name" "$arch" >"$dir/manifest.xml"
	(cd "$tree" && find . ! -type d -printf '%s %P\n' | LC_ALL=C sort -k 2 |
	    awk -v want="$1" '{ size += $1; sub(/^[0-9]+ /, ""); name[NR] = $0 }
	    END {
		for (n = 0; NR > 0 && size > 0 && n < want * 1e6; n += size)
			for (i = 1; i <= NR; i++)
				print name[i]
	    }' | cpio --quiet -o -H newc | gzip "-$2") >"$dir/rootimg.cpio.gz"
	find "$tree/boot/" -name 'vmlinu[xz]-*' -exec cp {} "$dir/kernel" \;
	(cd "$tree" && find ./etc | cpio --quiet -o -H newc | gzip) \
	    >"$dir/initrd-stateless.gz"
	[ -e "$dir/kernel" ] || cp /bin/true "$dir/kernel"
	(cd "$WORK/bundle" && tar -cf - . | gzip "-$2") >"$WORK/image/bundle.tgz"
	rm -r "$WORK/bundle"
}

# inspect_samples CASE TOOL...
inspect_samples() {
	local case=$1 run tool

	shift
	open_corpus "$case" image-inspect "$WORK/image"
	FILE=$WORK/image/bundle.tgz
	for ((run = 1; run <= SHORT_RUNS; run++)); do
		for tool; do
			wanted "$TOOLS" "$tool" || continue
			cat "$FILE" >/dev/null
			sample "$case" "$tool" image-inspect "$run"
			record "$case" "$tool" "$run" -
		done
	done
	rm -rf "${WORK:?}"/*
}

measure_inspect() {
	if [ "$SIZE" = small ]; then
		inspect_bundle 160 6
	else
		inspect_bundle 1600 6
	fi
	inspect_samples image-inspect xcatvault tar
}

measure_inspect_rss() {
	inspect_bundle 5500 1
	inspect_samples rss-image-inspect xcatvault
}
