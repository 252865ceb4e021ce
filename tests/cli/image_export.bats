# shellcheck shell=bash
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2119,SC2120
# image export: bundles of xCAT's imgexport, none of whose words is believed.
load common
load ../mn/mn
load night
load image

setup_file()
{
	shared_node
	boots a
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
	[ -z "${CHANGED-}" ] || restored
	night_clean
}

export_image()
{
	xv image export "$IMAGE" --site a -o "$OUT" "$@"
}

files_here()
{
	find "$T" -maxdepth 1 -name 'out.tgz*'
}

# refuses STATUS REGEX [ARG...]: says so in one line, publishes nothing, and
# leaves nothing on the node
refuses()
{
	exits "$1" export_image "${@:3}" || return 1
	complains "$2" || return 1
	equal "$(files_here)" '' "files here" || return 1
	nothing_held a
}

column()
{
	CHANGED=1
	on mn_sh a chtab "imagename=$IMAGE" "$@"
}

# the rows as they were
restored()
{
	local custom=/install/custom/netboot/rocky

	on mn_sh a chtab imagename=rocky9.4-x86_64-netboot-compute \
	    osimage.provmethod=netboot osimage.profile=compute
	on mn_sh a chtab imagename=rocky9.4-x86_64-netboot-compute \
	    linuximage.exlist=$custom/compute.rocky9.exlist \
	    linuximage.otherpkglist=$custom/compute.otherpkgs.pkglist \
	    linuximage.partitionfile=
}

@test "an image is exported and proved, with a sidecar that is true" {
	exits 0 export_image
	equal "$(cat "$T/err")" ''
	says "8 files proved, x86_64 proved"
	equal "$(stat -c %a "$OUT" "$OUT.json" | sort -u)" 644
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	equal "$(jq -r .bundle.bytes "$OUT.json")" "$(stat -c %s "$OUT")"
	equal "$(jq -r .bundle.tar_sha256 "$OUT.json")" \
	    "$(gzip -dc "$OUT" | sha256sum | cut -d' ' -f1)"
	mkdir "$T/x"
	tar -C "$T/x" -xzf "$OUT"
	jq -r '.members[] | select(.sha256) | "\(.sha256)  \(.name)"' \
	    "$OUT.json" >"$T/sums"
	(cd "$T/x" && sha256sum --quiet -c "$T/sums")
	equal "$(wc -l <"$T/sums")" "$(find "$T/x" -type f | wc -l)"
	cmp "$T/x/$IMAGE/rootimg.cpio.gz" \
	    "$BATS_FILE_TMPDIR/mn/a/root$IMAGE_DIR/rootimg.cpio.gz"
	equal "$(jq -r '.arch.proof, .arch.kernel_form, .provenance.xcat,
	    .provenance.site, .osimage.provmethod' "$OUT.json" | tr '\n' ' ')" \
	    "proved ELF 2.19.0 a netboot "
	nothing_held a
}

@test "what imgexport leaves out is told, and brought along with --complete" {
	column linuximage.partitionfile="s:/install/custom/install/rocky/part.rocky9"
	exits 0 export_image --complete
	jq -r '.left_out[] | "\(.what) \(.path) \(.carried)"' "$OUT.json" \
	    >"$T/left"
	cat "$T/left"
	grep -qx "pkglist /install/custom/netboot/rocky/common.pkglist true" \
	    "$T/left"
	grep -qx "partitionfile /install/custom/install/rocky/part.rocky9 true" \
	    "$T/left"
	grep -q "^postscript /install/postscripts/setupfoo true" "$T/left"
	grep -q "^synclist source /install/custom/netboot/rocky/sync/hosts true" \
	    "$T/left"
	grep -q "^otherpkgdir .*/slurm/slurmd-1.rpm true" "$T/left"
	grep -qx "pkgdir /install/rocky9.4/x86_64 false" "$T/left"
	mkdir "$T/x"
	zstd -dcq "$OUT.extra.tar.zst" | tar -C "$T/x" -xf -
	jq -r '.left_out[] | select(.carried and .sha256) |
	    "\(.sha256)  .\(.path)"' "$OUT.json" >"$T/sums"
	(cd "$T/x" && sha256sum --quiet -c "$T/sums")
	equal "$(find "$T/x" -type f | wc -l)" "$(wc -l <"$T/sums")"
	equal "$(jq -r .extra.sha256 "$OUT.json")" \
	    "$(sum "$OUT.extra.tar.zst")"
	nothing_held a
}

@test "a dry run tells of all there is to tell, and does nothing" {
	exits 0 xv image export "$IMAGE" --site a --dry-run
	says "can be exported"
	says "rootimg .*$IMAGE_DIR/rootimg.cpio.gz"
	exits 0 xv image export "$IMAGE" --site a --dry-run --json
	equal "$(jq -r '.files | length' "$T/out")" 8
	equal "$(jq -r '.problems | length' "$T/out")" 0
	exits 2 xv image export norootimg --site a --dry-run
	says "problem: rootimg: there is none in .*broken"
	nothing_held a
}

@test "--json and -q" {
	exits 0 export_image --json
	equal "$(jq -r '.path, .status, .image' "$T/out" | tr '\n' ' ')" \
	    "$OUT 0 $IMAGE "
	exits 0 export_image -q
	equal "$(cat "$T/out" "$T/err")" ''
}

@test "usage: no site, no image, no file, a bad name" {
	exits 3 xv image export "$IMAGE" -o "$OUT"
	exits 3 xv image export --site a -o "$OUT"
	exits 3 xv image export "$IMAGE" --site nowhere -o "$OUT"
	exits 3 export_image --limit 0
	IMAGE='x;touch $HOME.X;true' refuses 3 'image "x;touch'
	exits 3 xv image export "$IMAGE" --site a -o -
	exits 2 xv image export "$IMAGE" --site a -o "$T/no/such/x.tgz"
}

@test "what an export does not heed is not let pass" {
	local words

	for words in '--as x' '--profile p' --replace --force \
	    --allow-unproved-arch '--import-limit 5' '--to a'; do
		# shellcheck disable=SC2086
		exits 3 export_image $words
		grep -q "usage" "$T/err"
	done
	for words in --dry-run --complete '--engine native' '--work /tmp' \
	    '--limit 5' '--grace 5' '--root /data'; do
		# shellcheck disable=SC2086
		exits 3 xv image export "$IMAGE" -o "$OUT" $words
		grep -q "usage" "$T/err"
	done
	equal "$(files_here)" '' "files here"
}

@test "an image that is not there, is disabled, or has no files" {
	IMAGE=nosuch refuses 3 "there is no osimage nosuch"
	IMAGE=disabledimg refuses 2 "disabled"
	IMAGE=norootimg refuses 2 "rootimg: there is none in"
	column osimage.provmethod=sysclone
	refuses 2 "provmethod sysclone"
	column osimage.provmethod=netboot osimage.profile=
	refuses 2 "osimage.profile: is not set"
	column osimage.profile=compute
	on mn_sh a mv "$IMAGE_DIR/kernel" "$IMAGE_DIR/k"
	refuses 2 "kernel $IMAGE_DIR/kernel: is not there"
	on mn_sh a sh -c ": >$IMAGE_DIR/kernel"
	refuses 2 "kernel $IMAGE_DIR/kernel: is empty"
	on mn_sh a mv "$IMAGE_DIR/k" "$IMAGE_DIR/kernel"
	on mn_sh a mv "$IMAGE_DIR/initrd-stateless.gz" "$IMAGE_DIR/i"
	refuses 2 "ramdisk .*initrd-stateless.gz: is not there"
	on mn_sh a mv "$IMAGE_DIR/i" "$IMAGE_DIR/initrd-stateless.gz"
}

@test "names that imgexport loses: blanks, other characters, two of one name" {
	local list=/install/custom/netboot/rocky/compute.rocky9.exlist

	column linuximage.exlist="/install/custom/sp ace/list"
	refuses 2 'exlist "/install/custom/sp ace/list": it has a blank'
	column linuximage.exlist='/install/custom/a;touch${IFS}x'
	refuses 2 'exlist "/install/custom/a;touch'
	column linuximage.exlist=/install/custom/a/list \
	    linuximage.otherpkglist=/install/custom/b/list
	refuses 2 "list: has the same name as .*/list"
	column linuximage.exlist=/install/custom/none \
	    linuximage.otherpkglist=
	refuses 2 "exlist /install/custom/none: is not there"
	column linuximage.exlist=$list \
	    linuximage.otherpkglist=/install/custom/netboot/rocky/compute.otherpkgs.pkglist
	exits 0 export_image
}

@test "commas at the end of a list are nothing, and between two lists too many" {
	local list=/install/custom/netboot/rocky/compute.rocky9.exlist

	column "linuximage.exlist=$list,,"
	exits 0 export_image
	says "8 files proved"
	exits 0 export_image --engine native
	says "8 files proved"
	rm "$OUT" "$OUT.json"
	column "linuximage.exlist=$list,,$list"
	refuses 2 "exlist.*between two commas"
	column "linuximage.exlist=$list"
}

@test "a row that is said not to be disabled is not" {
	column osimage.disable=NO linuximage.disable=No
	STATUS=0
	export_image >"$T/out" 2>"$T/err" || STATUS=$?
	column osimage.disable= linuximage.disable=
	cat "$T/err"
	equal "$STATUS" 0
}

@test "room: where imgexport copies, and where its bundle grows" {
	node small --small /var/tmp=6m --small /small=1m
	boots small
	site small small
	exits 2 xv image export "$IMAGE" --site small -o "$OUT" --work /small
	complains "/small: imgexport wants .* are free"
	on mn_sh small chtab key=tmpdir site.value=/small
	exits 2 xv image export "$IMAGE" --site small -o "$OUT"
	complains "/small .site.tmpdir.: imgexport copies the image there"
	on mn_sh small chtab key=tmpdir site.value=/nowhere
	exits 2 xv image export "$IMAGE" --site small -o "$OUT"
	complains "/nowhere .site.tmpdir.: is no directory"
	on mn_sh small chtab key=tmpdir site.value=/var/tmp
	exits 0 xv image export "$IMAGE" --site small -o "$OUT"
	nothing_held small
}

@test "xcatd is down, or a tool is missing" {
	on mn_fault a xcatd=down
	refuses 2 "xcatd does not answer, and imgexport runs inside it"
	on mn_fault a clear
	on mn_fault a tar=missing
	refuses 2 "tar"
}

@test "imgexport fails: with words, with a status, without either" {
	on mn_fault a imgexport=error
	refuses 2 "imgexport: Error: .*Something went wrong"
	on mn_fault a imgexport=status
	refuses 2 "imgexport ended with status 1 and a bundle"
	on mn_fault a imgexport=full
	refuses 2 "Failed to compress archive"
	on mn_fault a imgexport=nobundle
	refuses 2 "imgexport ended with status 0 and no bundle"
	on mn_fault a imgexport=skip
	refuses 2 "Couldn't find file .*Skip"
}

@test "imgexport ends well, and the bundle is not what it should be" {
	on mn_fault a imgexport=cut
	refuses 5 "rootimg.cpio.gz: has .* bytes in the bundle.*cut off"
	on mn_fault a imgexport=lose
	refuses 5 "rootimg.cpio.gz.*is not in the bundle"
	on mn_fault a imgexport=lose:exlist
	refuses 5 "exlist.*is not in the bundle"
	on mn_fault a imgexport=norootimg
	refuses 5 "rootimg"
	on mn_fault a imgexport=flip
	refuses 5 "kernel: is not what kernel $IMAGE_DIR/kernel is"
	on mn_fault a imgexport=column
	refuses 5 "manifest.xml: linuximage.exlist is not there, and in the data"
	on mn_fault a imgexport=short
	refuses 5 "cut|truncated|ends|damaged|not in the bundle"
	on mn_fault a imgexport=garbage
	refuses 5 "gzip|behind|garbage|trailing"
}

@test "a file that changes while it is exported is told" {
	cp "$BATS_FILE_TMPDIR/mn/a/root$IMAGE_DIR/rootimg.cpio.gz" "$T/keep"
	on mn_fault a imgexport=touch
	exits 1 export_image
	says "was touched while it was exported"
	rm "$OUT"*
	on mn_fault a imgexport=change
	exits 5 export_image
	cp "$T/keep" "$BATS_FILE_TMPDIR/mn/a/root$IMAGE_DIR/rootimg.cpio.gz"
	complains "rootimg.cpio.gz.*changed while it was exported"
	[ ! -e "$OUT" ]
}

@test "the node's digest is another one" {
	on mn_fault a digest=lie
	refuses 5 "SHA-256 of the bundle is another one here"
}

@test "the node says a line without an end" {
	on mn_fault a line=endless
	refuses 2 "it said a line that has no end"
}

@test "imgexport hangs: it is ended, and nothing stays" {
	on mn_fault a imgexport=hang
	refuses 2 "imgexport did not end within 2 seconds" --limit 2
}

@test "a good bundle is replaced by a proved one only" {
	exits 0 export_image
	cp "$OUT" "$T/kept"
	cp "$OUT.json" "$T/kept.json"
	on mn_fault a imgexport=cut
	exits 5 export_image
	cmp "$OUT" "$T/kept"
	cmp "$OUT.json" "$T/kept.json"
	on mn_fault a clear
	exits 0 export_image
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	equal "$(files_here | wc -l)" 2
}

@test "killed between two names: no sidecar tells of another bundle" {
	need_strace
	local n status calls=0

	exits 0 export_image --complete
	for n in 1 2 3 4 5 6; do
		# another bundle each time
		grow a $((n * 1000))
		status=0
		strace -f -qq -o /dev/null -e trace=rename \
		    -e "inject=rename:signal=KILL:when=$n" \
		    "$XCATVAULT" image export "$IMAGE" --site a -o "$OUT" \
		    --complete >"$T/log" 2>&1 || status=$?
		gzip -t "$OUT"
		[ ! -e "$OUT.json" ] || {
			equal "$(jq -r .bundle.sha256 "$OUT.json")" \
			    "$(sum "$OUT")" "killed at name $n" || return 1
			equal "$(jq -r .extra.sha256 "$OUT.json")" \
			    "$(sum "$OUT.extra.tar.zst")" || return 1
		}
		[ "$status" -ne 0 ] || break
		calls=$n
	done
	equal "$status" 0
	[ "$calls" -ge 3 ]
	[ -e "$OUT.json" ]
}

@test "names of no locale are brought along, too" {
	local dir=/install/post/otherpkgs/rocky9.4/x86_64 name

	for name in "$(printf 'caf\303\251 %0120d' 1)" "$(printf 'l\377')"; do
		on mn_sh a sh -c 'echo "$1" >"$2"' sh x "$dir/slurm/$name"
	done
	STATUS=0
	export_image --complete >"$T/out" 2>"$T/err" || STATUS=$?
	on mn_sh a sh -c "rm $dir/slurm/caf* $dir/slurm/l*"
	cat "$T/err"
	equal "$STATUS" 0
	mkdir "$T/x"
	zstd -dcq "$OUT.extra.tar.zst" | tar -C "$T/x" -xf -
	[ -f "$T/x$dir/slurm/$name" ]
	[ -f "$T/x$dir/slurm/$(printf 'caf\303\251 %0120d' 1)" ]
}

# a site whose connections are cut: PROXY sets it
through()
{
	local dir=$BATS_FILE_TMPDIR/mn/a

	(T=$BATS_FILE_TMPDIR && mn_proxy a "$1")
	SITES=''
	cat "$dir/ssh/known_hosts" >>"$T/ssh/known_hosts"
	SITES="	a = { address = \"root@127.0.0.1:$(cat "$dir/proxy-port")\";
		identity = \"$dir/ssh/id_ed25519\"; };
"
	write_config
}

@test "the connection is cut: the transfer goes on where it was" {
	grow a 6000000
	# the first one asks, the second one carries
	through -,2000000,300000,4100,1500000
	exits 0 export_image --json
	equal "$(jq -r .reconnected "$T/out")" 4
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	equal "$(grep -c ^cut "$BATS_FILE_TMPDIR/mn/a/proxy.log")" 4
	nothing_held a
}

@test "the connection is cut at any point: proved, or nothing is there" {
	local at n

	grow a 400000
	for n in 1 2 3 4 5 6; do
		at=$((RANDOM * RANDOM % 460000 + 2500))
		rm -f "$OUT"*
		through "-,$at"
		exits '0|2' export_image || { echo "cut at $at"; return 1; }
		[ ! -e "$OUT" ] ||
		    equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
		[ "$at" -lt 20000 ] || [ -e "$OUT" ]
		nothing_held a
	done
}

@test "nobody comes back: the node removes all of it by itself" {
	local pid

	grow a 6000000
	on mn_fault a imgexport=slow:5
	"$XCATVAULT" image export "$IMAGE" --site a -o "$OUT" --grace 2 \
	    >"$T/log" 2>&1 3>&- 4>&- &
	pid=$!
	for _ in {1..100}; do
		[ -z "$(on mn_sh a sh -c 'ls -d /var/tmp/.xcatvault*' \
		    2>/dev/null)" ] || break
		sleep 0.1
	done
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || :
	on mn_cut a
	nothing_held a
	[ ! -e "$OUT" ]
}

@test "^C: nothing here, nothing there" {
	local status=0

	on mn_fault a imgexport=slow:20
	timeout -s INT 4 "$XCATVAULT" image export "$IMAGE" --site a -o "$OUT" \
	    >"$T/out" 2>"$T/err" || status=$?
	equal "$status" 124
	equal "$(files_here)" ''
	nothing_held a
}

@test "^C at any time, also before the node has answered" {
	local ms status

	on mn_fault a imgexport=slow:20
	for ms in 100 300 500 700 900 $((RANDOM % 2000)) $((RANDOM % 2000)); do
		status=0
		timeout -s INT "$(printf '%d.%03d' $((ms / 1000)) \
		    $((ms % 1000)))" "$XCATVAULT" image export "$IMAGE" \
		    --site a -o "$OUT" >"$T/out" 2>"$T/err" || status=$?
		equal "$status" 124
		nothing_held a || {
			echo "after $ms ms"
			return 1
		}
	done
	equal "$(files_here)" ''
}

@test "a caller that never heard of its directory leaves none there" {
	cp "$TESTS/../imgxfer/held.pl" "$BATS_FILE_TMPDIR/mn/a/root/root/held.pl"
	printf '0\n' | on mn_sh a perl /root/held.pl start /var/tmp 90 '' 60 '' \
	    >"$T/out"
	grep '^dir /var/tmp/[.]xcatvault-image[.]' "$T/out"
	nothing_held a
	# but one that did may come back
	printf '0\n\n' | on mn_sh a perl /root/held.pl start /var/tmp 90 '' 60 '' \
	    >"$T/out"
	sleep 0.5
	on mn_sh a test -d "$(sed -n 's/^dir //p' "$T/out")"
	printf 'end\n' | on mn_sh a perl /root/held.pl rejoin \
	    "$(sed -n 's/^dir //p' "$T/out")" >/dev/null
	rm "$BATS_FILE_TMPDIR/mn/a/root/root/held.pl"
	nothing_held a
}

@test "xcatd is restarted meanwhile" {
	on mn_fault a imgexport=slow:2
	export_image >"$T/log" 2>&1 3>&- 4>&- &
	until on mn_sh a sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " " |
	    grep -aq "[i]mgexport "' || ! kill -0 $!; do
		sleep 0.05
	done
	on mn_sh a restartxcatd
	wait $!
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
}

@test "two at once" {
	xv image export "$IMAGE" --site a -o "$T/one.tgz" >"$T/log" 2>&1 3>&- 4>&- &
	exits 0 export_image
	wait $!
	equal "$(jq -r .bundle.sha256 "$OUT.json")" "$(sum "$OUT")"
	equal "$(jq -r .bundle.sha256 "$T/one.tgz.json")" "$(sum "$T/one.tgz")"
	nothing_held a
}

@test "statelite and install images, and one of another architecture" {
	boots a /install/netboot/rhels8.6.0/ppc64le/compute
	IMAGE=rhels8.6.0-ppc64le-netboot-compute
	exits 5 export_image
	complains "ppc64le"
	[ ! -e "$OUT" ]
	IMAGE=rocky9.4-x86_64-install-compute
	exits '0|1' export_image
	equal "$(jq -r .osimage.provmethod "$OUT.json")" install
	tar -tzf "$OUT" | grep -q compute.rocky9.tmpl
	IMAGE=rocky9.4-x86_64-netboot-compute
	column osimage.provmethod=statelite
	exits '0|1' export_image
	tar -tzf "$OUT" | grep -q litefile.csv
	column osimage.provmethod=netboot
}
