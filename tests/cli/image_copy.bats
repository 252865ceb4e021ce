# shellcheck shell=bash
# shellcheck disable=SC2001,SC2016,SC2030,SC2031,SC2034,SC2119,SC2120,SC2153
# image copy: osimages from one management node to another, through this host
# and not onto it.
load common
load ../mn/mn
load night
load image

SECOND=second-x86_64-netboot-compute

setup_file()
{
	shared_node
	boots a
	boots a /install/netboot/rhels8.6.0/ppc64le/compute
	second_image
	(
		T=$BATS_FILE_TMPDIR
		mn_start b --hostname mn2
		mn_populate b
	)
}

# another one of the same node, with files of its own
second_image()
{
	local dir=/install/netboot/second

	on mn_sh a cp -R "$IMAGE_DIR" "$dir"
	on mn_sh a chtab "imagename=$SECOND" osimage.provmethod=netboot \
	    osimage.imagetype=linux osimage.osname=Linux \
	    osimage.osvers=rocky9.4 osimage.osarch=x86_64 \
	    osimage.profile=second
	on mn_sh a chtab "imagename=$SECOND" "linuximage.rootimgdir=$dir" \
	    linuximage.pkglist=/install/custom/a/list
}

# without any image
empty()
{
	on mn_sh "$1" sh -c 'rm -rf /install/netboot /install/custom
	    for i in $(tabdump osimage | sed -n "s/^\"\([^\"]*\)\".*/\1/p"); do
		chtab -d "imagename=$i" osimage
		chtab -d "imagename=$i" linuximage
	    done'
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	site a a
	site b b
	empty b
}

teardown()
{
	[ ! -s "$BATS_FILE_TMPDIR/mn/b/root/run/mn/faults" ] ||
	    on mn_fault b clear
	night_clean
}

copy_image()
{
	xv image copy "$IMAGE" --from a --to b "$@"
}

root()
{
	echo "$BATS_FILE_TMPDIR/mn/$1/root"
}

# arrived [IMAGE [DIR]]: its rows and boot files are on b as they are on a
arrived()
{
	local image=${1:-$IMAGE} dir=${2:-$IMAGE_DIR} t f

	for t in osimage linuximage; do
		equal "$(on mn_sh b tabdump $t | grep "^\"$image\"")" \
		    "$(on mn_sh a tabdump $t | grep "^\"$image\"")" "$t" ||
		    return 1
	done
	for f in kernel initrd-stateless.gz rootimg.cpio.gz; do
		cmp "$(root a)$dir/$f" "$(root b)$dir/$f" || return 1
	done
}

# untouched: b has nothing of it, and neither node anything of ours
untouched()
{
	equal "$(on mn_sh b tabdump osimage | grep -c '^"' || :)" 0 "rows" ||
	    return 1
	[ ! -e "$(root b)/install/netboot" ] || {
		find "$(root b)/install/netboot"
		return 1
	}
	nothing_held a && nothing_held b
}

# through NODE BYTES,...: the site's connections are cut there
through()
{
	local dir=$BATS_FILE_TMPDIR/mn/$1

	(T=$BATS_FILE_TMPDIR && mn_proxy "$1" "$2")
	cat "$dir/ssh/known_hosts" >>"$T/ssh/known_hosts"
	SITES=$(sed "s/^	$1 = {/	$1-direct = {/" <<<"$SITES")
	SITES+="
	$1 = { address = \"root@127.0.0.1:$(cat "$dir/proxy-port")\";
		identity = \"$dir/ssh/id_ed25519\"; };
"
	write_config
}

@test "an image is copied: the same rows, the same files, nothing left" {
	exits 0 copy_image
	says "the same at both ends"
	says "imported, 8 files .* proved"
	arrived
	nothing_held a
	nothing_held b
	# only what a test has of its own is here
	equal "$(find "$T" -newer "$XCATVAULT_CONFIG" -size +20k)" ''
	exits 2 copy_image
	complains "it is in the table osimage"
}

@test "--complete brings along what imgexport leaves out" {
	local f custom=/install/custom/netboot/rocky

	exits 0 copy_image --complete
	arrived
	for f in $custom/common.pkglist $custom/sync/hosts \
	    /install/postscripts/setupfoo; do
		cmp "$(root a)$f" "$(root b)$f"
	done
	nothing_held a
	nothing_held b
}

@test "several in one call; one that fails does not keep the others" {
	exits 3 xv image copy "$IMAGE" nosuch "$SECOND" --from a --to b --json
	equal "$(jq -r '.[].status' "$T/out" | tr '\n' ' ')" "0 3 0 "
	equal "$(jq -r '.[1].error' "$T/out")" \
	    "nosuch: $(jq -r '.[1].error' "$T/out" | sed 's/^nosuch: //')"
	arrived
	arrived "$SECOND" /install/netboot/second
}

@test "a dry run, and words that make no sense" {
	exits 0 copy_image --dry-run
	says "can be exported"
	untouched
	exits 3 xv image copy --from a --to b
	exits 3 xv image copy "$IMAGE" --from a
	exits 3 xv image copy "$IMAGE" "$SECOND" --from a --to b --as x
	exits 2 xv image copy norootimg --from a --to b
	complains "rootimg: there is none"
	untouched
}

@test "a bad bundle is found before imgimport runs" {
	local fault

	for fault in cut lose flip column garbage; do
		on mn_fault a "imgexport=$fault"
		exits 5 copy_image
		complains "$IMAGE"
		untouched
	done
	on mn_fault a clear
	exits 5 xv image copy rhels8.6.0-ppc64le-netboot-compute --from a --to b
	complains "ppc64le"
	untouched
}

@test "the other node's digest is another one" {
	on mn_fault b digest=lie
	exits 5 copy_image
	complains "another one there than here"
	untouched
}

@test "the other node cannot take it" {
	on mn_fault b xcatd=down
	exits 2 copy_image
	untouched_files
	on mn_fault b clear
	on mn_fault b install=readonly
	exits 2 copy_image
	untouched
}

untouched_files()
{
	[ ! -e "$(root b)/install/netboot" ] && nothing_held a &&
	    nothing_held b
}

@test "imgimport fails there: all is as it was" {
	on mn_fault b imgimport=hang
	exits 2 copy_image --import-limit 2
	on mn_fault b clear
	untouched
	on mn_fault b imgimport=lose
	exits 5 copy_image
	on mn_fault b clear
	untouched
}

@test "the first connection is cut: it goes on where it was" {
	grow a 6000000
	through a -,3000000,4000,1000000
	exits 0 copy_image
	arrived
	equal "$(grep -c ^cut "$BATS_FILE_TMPDIR/mn/a/proxy.log")" 3
	says "made anew"
	nothing_held a
	nothing_held b
}

@test "the second connection is cut: what was lost is sent again" {
	grow a 6000000
	"$XCATVAULT" image copy "$IMAGE" --from a --to b >"$T/log" 2>&1 3>&- 4>&- &
	for _ in {1..200}; do
		[ -z "$(find "$(root b)/var/tmp" -name bundle.tgz -size +0 \
		    2>/dev/null)" ] || break
		sleep 0.02
	done
	on mn_cut b
	wait $! || {
		cat "$T/log"
		return 1
	}
	arrived
	nothing_held a
	nothing_held b
}

@test "either is cut at any point: proved there, or nothing" {
	local n at node

	grow a 400000
	for n in 1 2 3 4; do
		node=a at=$((RANDOM * RANDOM % 460000 + 2500))
		[ $((n % 2)) -eq 0 ] || {
			node=b
			at=$((RANDOM % 9000 + 2500))
		}
		SITES=''
		empty b
		site a a
		site b b
		through $node "-,$at"
		exits '0|1|2' copy_image --grace 20 || {
			echo "$node cut at $at"
			return 1
		}
		if grep -q "same at both ends" "$T/out"; then
			arrived
		else
			untouched
		fi
	done
}

@test "^C: nothing on either node" {
	local status=0

	on mn_fault a imgexport=slow:20
	timeout -s INT 6 "$XCATVAULT" image copy "$IMAGE" --from a --to b \
	    >"$T/out" 2>"$T/err" || status=$?
	equal "$status" 124
	untouched
}

@test "two at once" {
	xv image copy "$SECOND" --from a --to b >"$T/log" 2>&1 3>&- 4>&- &
	exits '0|4' copy_image
	wait $! || {
		cat "$T/log"
		return 1
	}
	arrived "$SECOND" /install/netboot/second
	nothing_held a
	nothing_held b
}

@test "native: without imgexport, and proved the same way" {
	on mn_fault a imgexport=hang
	exits 0 copy_image --engine native --dry-run
	untouched
	exits 0 copy_image --engine native --complete
	on mn_fault a clear
	says "the same at both ends"
	says "imported, 10 files .* proved"
	arrived
	cmp "$(root a)/install/postscripts/setupfoo" \
	    "$(root b)/install/postscripts/setupfoo"
	nothing_held a
	nothing_held b
	equal "$(find "$T" -newer "$XCATVAULT_CONFIG" -size +20k)" ''
	exits 2 copy_image --engine native
	complains "it is in the table osimage"
}

@test "native: the other node's digest is another one" {
	on mn_fault b digest=lie
	exits 5 copy_image --engine native
	complains "another one there than here"
	untouched
}

@test "native: the second connection is cut: what was lost is sent again" {
	# what sshd says of its window is all that comes back meanwhile
	grow a 12000000
	through b -,6000
	exits 0 copy_image --engine native
	cat "$BATS_FILE_TMPDIR/mn/b/proxy.log"
	grep ^cut "$BATS_FILE_TMPDIR/mn/b/proxy.log"
	says "made anew"
	arrived
	nothing_held a
	nothing_held b
}

@test "kits are refused before anything is made" {
	local engine

	on mn_sh a chtab "imagename=$IMAGE" osimage.kitcomponents=k1
	for engine in imgexport native; do
		STATUS=0
		copy_image --engine $engine >"$T/out" 2>"$T/err" || STATUS=$?
		equal "$STATUS" 2 "$engine" || break
		complains "osimage.kitcomponents" || break
	done
	on mn_sh a chtab "imagename=$IMAGE" osimage.kitcomponents=
	equal "$STATUS" 2
	complains "osimage.kitcomponents"
	untouched
}

# elsewhere NODE DIR: it has its install directory there, and no other
elsewhere()
{
	on mn_sh "$1" chtab key=installdir "site.value=$2"
}

moves_third()
{
	local n

	for n in imgexport native; do
		rm -f "$T/third.tgz"
		empty b
		on mn_sh b sh -c 'rm -rf /data && mkdir -p /data/install'
		exits 0 xv image export third --site a -o "$T/third.tgz" \
		    --engine $n &&
		    exits 0 xv image copy third --from a --to b --engine $n &&
		    arrived third /data/install/netboot/third || return 1
	done
}

@test "other install directories than /install" {
	local dir=/data/install/netboot/third

	on mn_sh a sh -c "mkdir -p $dir /data/install/lists &&
	    cp $IMAGE_DIR/[kir]*[lz] $dir/ &&
	    ln -s /install/postscripts /data/install/ &&
	    echo bash >/data/install/lists/l"
	on mn_sh a chtab imagename=third osimage.provmethod=netboot \
	    osimage.imagetype=linux osimage.osname=Linux \
	    osimage.osvers=rocky9.4 osimage.osarch=x86_64 osimage.profile=third
	on mn_sh a chtab imagename=third "linuximage.rootimgdir=$dir" \
	    linuximage.pkglist=/data/install/lists/l
	exits 2 xv image export third --site a -o "$T/third.tgz"
	complains "netboot/third\": it lies outside.*see --root"
	exits 0 xv image export third --site a -o "$T/third.tgz" --root /data \
	    --engine native
	exits 3 xv image export third --site a -o "$T/third.tgz" --root data
	elsewhere a /data/install/
	elsewhere b /data/install
	STATUS=0
	moves_third || STATUS=$?
	elsewhere b /install
	empty b
	on mn_sh b rm -rf /data
	equal "$STATUS" 0
	# there it has no place, unless that is allowed
	STATUS=0
	xv image copy third --from a --to b >"$T/out" 2>"$T/err" || STATUS=$?
	elsewhere a /install
	equal "$STATUS" 3
	complains "third/kernel: it lies outside.*--root"
	untouched
	exits 0 xv image copy third --from a --to b --root /data
	arrived third $dir
	on mn_sh b rm -rf /data
}

# the node does not say a word for so many seconds, and nothing is cut
asleep()
{
	local at pids

	at=$(cat "$BATS_FILE_TMPDIR/mn/$1/proxy.pid")
	pids=$(pgrep -g "$at")
	# shellcheck disable=SC2086
	kill -STOP $pids
	sleep "$2"
	# shellcheck disable=SC2086
	kill -CONT $pids
}

# laid NODE: waits until a bundle grows there
laid()
{
	for _ in {1..500}; do
		[ -z "$(find "$(root "$1")/var/tmp" -name bundle.tgz \
		    -size +100k 2>/dev/null)" ] || break
		sleep 0.02
	done
}

@test "one node waits for the other, longer than it would for us" {
	grow a 40000000
	through a -
	xv image copy "$IMAGE" --from a --to b --grace 12 --engine native \
	    >"$T/log" 2>&1 3>&- 4>&- &
	laid b
	asleep a 18
	wait $! || {
		cat "$T/log"
		return 1
	}
	arrived
	nothing_held a
	nothing_held b
}
