# shellcheck shell=bash
# image export --engine native: bundles made without imgexport, and what they
# are beside its own.
load common
load ../mn/mn
load night
load image

setup_file()
{
	local rh=/install/netboot/rhels8.6.0/ppc64le/compute

	shared_node
	boots a
	on mn_sh a sh -c "cd $rh && echo x >x && tar -czf rootimg.tar.gz x"
	on mn_sh a chtab imagename=statelite osimage.imagetype=linux \
	    osimage.osname=Linux osimage.profile=compute \
	    osimage.provmethod=statelite osimage.osvers=rocky9.4 \
	    osimage.osarch=x86_64
	on mn_sh a chtab imagename=statelite \
	    "linuximage.rootimgdir=$IMAGE_DIR" linuximage.pkglist=/install/custom/netboot/rocky/compute.rocky9.x86_64.pkglist
	on mn_sh a ln -s nowhere "$IMAGE_DIR/rootimg/dangling"
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	site a a
	OUT=$T/out.tgz
}

teardown()
{
	night_clean
}

native()
{
	xv image export "$1" --site a -o "$OUT" --engine native "${@:2}"
}

# facts BUNDLE: all that an archive says of its members, times aside, and what
# is in them
facts()
{
	local dir

	dir=$(mktemp -d "$T/x.XXXXXX")
	tar -tvzf "$1" --numeric-owner | awk '{ print $1, $2, $3, $6 }' | sort
	tar -xpzf "$1" -C "$dir" || return 1
	(cd "$dir" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# alike IMAGE: imgexport's bundle and ours are the same but for their order
alike()
{
	native "$1" >/dev/null 2>"$T/err" || [ $? -eq 1 ] || {
		cat "$T/err"
		return 1
	}
	mn_in_root xcat "imgexport $1 theirs.tgz"
	facts "$OUT" >"$T/ours"
	facts "$(on mn_path a /root/theirs.tgz)" >"$T/theirs"
	[ "$(wc -l <"$T/theirs")" -ge 5 ]
	diff "$T/theirs" "$T/ours"
}

listed()
{
	find "$1" -printf '%P %y %m %U %G %l\n' | sort
}

mn_in_root()
{
	on mn_xcat a "cd /root && $2 >/dev/null"
}

@test "native: the bundle of a netboot image is imgexport's, but for the order" {
	alike "$IMAGE"
}

@test "native: those of another architecture and of an install image, too" {
	alike rhels8.6.0-ppc64le-netboot-compute
	alike rocky9.4-x86_64-install-compute
}

@test "native: the tree of a statelite image is what cpio makes of it" {
	need cpio
	local name=statelite tree

	native "$name" >/dev/null 2>"$T/err" || [ $? -eq 1 ]
	mkdir "$T/x" "$T/tree" && tar -xzf "$OUT" -C "$T/x"
	(cd "$T/tree" && gzip -dc "$T/x/$name/rootimgtree.gz" | cpio -idm --quiet)
	equal "$(ls "$T/tree")" rootimg
	tree=$(on mn_path a "$IMAGE_DIR/rootimg")
	diff -r --no-dereference -x initctl "$tree" "$T/tree/rootimg"
	equal "$(listed "$T/tree/rootimg")" "$(listed "$tree")"
	mn_in_root xcat "imgexport $name theirs.tgz"
	tar -xzf "$(on mn_path a /root/theirs.tgz)" -C "$T" "./$name"
	rm "$T/$name/rootimgtree.gz" "$T/x/$name/rootimgtree.gz"
	diff -r "$T/$name" "$T/x/$name"
}

@test "native: the sidecar tells of it, and gzip and inspect read it" {
	native "$IMAGE"
	gzip -t "$OUT"
	equal "$(jq -r .provenance.engine "$OUT.json")" native
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	exits 0 xv image inspect "$OUT"
	nothing_held a
}

@test "native: xCAT's imgimport takes the bundle" {
	mn_start b
	native "$IMAGE"
	cp "$OUT" "$(mn_path b /root/in.tgz)"
	mn_xcat b "cd /root && imgimport in.tgz" | grep -q "Successfully imported"
	cmp "$(mn_path b "$IMAGE_DIR/rootimg.cpio.gz")" \
	    "$(on mn_path a "$IMAGE_DIR/rootimg.cpio.gz")"
	equal "$(mn_xcat b "lsdef -t osimage $IMAGE -i rootimgdir -c")" \
	    "$(on mn_xcat a "lsdef -t osimage $IMAGE -i rootimgdir -c")"
}

@test "native: imgexport has no part in it, and nothing is left on the node" {
	on mn_fault a imgexport=hang
	native "$IMAGE"
	on mn_fault a clear
	nothing_held a
}

@test "native: a failure does not wait for the node's digests" {
	local begun=$SECONDS

	on mn_fault a digest=slow
	ln -s /dev/full "$OUT"
	STATUS=0
	native "$IMAGE" >"$T/out" 2>"$T/err" || STATUS=$?
	on mn_fault a clear
	equal "$STATUS" 2
	complains "No space left"
	[ $((SECONDS - begun)) -lt 30 ]
	nothing_held a
}

@test "native: symbolic links are followed, as cp does" {
	on mn_sh a sh -c "cd $IMAGE_DIR && mv kernel k1 && ln -s k1 kernel"
	STATUS=0
	native "$IMAGE" >"$T/out" 2>&1 || STATUS=$?
	on mn_sh a sh -c "cd $IMAGE_DIR && rm kernel && mv k1 kernel"
	equal "$STATUS" 0
	tar -xzf "$OUT" -C "$T"
	[ ! -L "$T/$IMAGE/kernel" ]
	cmp "$T/$IMAGE/kernel" "$(on mn_path a "$IMAGE_DIR/kernel")"
}

@test "native: what only imgexport can do is refused, and nothing is written" {
	on mn_sh a chtab "imagename=$IMAGE" linuximage.pkglist=
	exits 2 native "$IMAGE"
	complains 'pkglist.*--engine imgexport'
	exits 2 native "$IMAGE" --dry-run
	says 'problem: linuximage.pkglist'
	on mn_sh a chtab "imagename=$IMAGE" \
	    linuximage.pkglist=/install/custom/netboot/rocky/compute.rocky9.x86_64.pkglist
	on mn_sh a chtab "imagename=$IMAGE" osimage.kitcomponents=k1
	exits 2 native "$IMAGE"
	complains 'kitcomponents.*--engine imgexport'
	on mn_sh a chtab "imagename=$IMAGE" osimage.kitcomponents=
	exits 3 native "$IMAGE" --engine best
	complains 'engine'
	equal "$(find "$T" -maxdepth 1 -name 'out.tgz*')" '' "files here"
}

@test "native: a missing rootimg is found before anything is sent" {
	on mn_sh a mv "$IMAGE_DIR/rootimg.cpio.gz" "$IMAGE_DIR/away"
	STATUS=0
	native "$IMAGE" >"$T/out" 2>"$T/err" || STATUS=$?
	on mn_sh a mv "$IMAGE_DIR/away" "$IMAGE_DIR/rootimg.cpio.gz"
	equal "$STATUS" 2
	complains 'rootimg'
	equal "$(find "$T" -maxdepth 1 -name 'out.tgz*')" '' "files here"
}

@test "native: into the vault and out of it again" {
	exits 0 xv image export "$IMAGE" --site a --engine native
	says 'is kept as snapshot'
	exits 0 xv image export "$IMAGE" -o "$OUT"
	gzip -t "$OUT"
	equal "$(jq -r .provenance.engine "$OUT.json")" native
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	exits 0 xv image inspect "$OUT"
}
