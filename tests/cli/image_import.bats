#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2154
# Bundles onto a management node, whatever imgimport does.

load common
load ../mn/mn
load night
load import

setup_file()
{
	import_images
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	import_bundles
}

teardown()
{
	night_clean
}

# --- without trouble ------------------------------------------------------------

@test "an image arrives, row by row and byte by byte" {
	fresh
	state >"$T/before"
	imp $NETBOOT.tgz --dry-run
	ended 0
	said "^would import $NETBOOT \(x86_64\)"
	said "^new        $BOOT/compute/rootimg.cpio.gz \(rootimg, "
	said '^directory  /install/postscripts/custom$'
	said '^room '
	never_ran
	as_before
	imp $NETBOOT.tgz
	ended 0
	said "^$NETBOOT \(x86_64\): imported, 11 files of .* proved$"
	said "image ready $NETBOOT --site n"
	same_row osimage $NETBOOT
	same_row linuximage $NETBOOT
	same_files $BOOT/compute/{kernel,initrd-stateless.gz,rootimg.cpio.gz} \
	    /install/custom/netboot/rocky/compute.{postinstall,synclist} \
	    /install/custom/netboot/rocky/sync/{hosts,slurm.conf} \
	    /install/postscripts/custom/mypost
	clean_node
	not grep -q . "$T/err"
}

@test "an image of another architecture arrives" {
	fresh
	imp $PPC.tgz
	ended 0
	said "^$PPC \(ppc64le\): imported"
	same_row osimage $PPC
	same_row linuximage $PPC
	same_files /install/netboot/rhels8.6.0/ppc64le/compute/{kernel,rootimg.tar.gz}
	clean_node
}

@test "an install image wants its media first" {
	fresh
	state >"$T/before"
	imp $INSTALL.tgz
	ended 2 'media at /install/rocky9.4/x86_64 first'
	never_ran
	as_before
	on mn_sh b mkdir -p /install/rocky9.4/x86_64
	imp $INSTALL.tgz
	ended 0
	same_row linuximage $INSTALL
}

@test "a statelite image arrives with its tree and its litefile rows" {
	fresh
	imp $STATELITE.tgz
	ended 0
	equal "$(on mn_sh b sqlite3 /etc/xcat/litefile.sqlite \
	    'select image, file, options from litefile order by file')" \
	    "$STATELITE|/etc/ntp.conf|persistent
$STATELITE|/var/log/|tmpfs"
	same_files $BOOT/compute/rootimg/usr/bin/tool
	equal "$(on mn_sh b sh -c "cd $BOOT/compute/rootimg && find . | wc -l")" \
	    "$(on mn_sh a sh -c "cd $BOOT/compute/rootimg && find . | wc -l")"
	not test -e "$(mn_folder b)/root$BOOT/compute/rootimgtree.gz"
	# over it: the old tree goes to the vault
	on mn_sh b sh -c "echo mine >$BOOT/compute/rootimg/etc/mine"
	imp $STATELITE.tgz
	ended 2 'it is in the table osimage'
	imp $STATELITE.tgz --replace
	ended 0
	not test -e "$(mn_folder b)/root$BOOT/compute/rootimg/etc/mine"
	xv cat n.image.undo $BOOT/compute/rootimg.tar >"$T/tree.tar"
	tar -xOf "$T/tree.tar" ./etc/mine | grep -qx mine
	clean_node
}

@test "a tree that is not as in the bundle is found" {
	fresh
	state >"$T/before"
	on mn_fault b imgimport=lose:rootimgtree
	imp $STATELITE.tgz
	put_back 5
	on mn_fault b imgimport=lose:litefile
	imp $STATELITE.tgz
	put_back 2
}

@test "an image gets another profile, or another name" {
	fresh
	imp $NETBOOT.tgz
	ended 0
	imp $NETBOOT.tgz --profile prod
	ended 0
	said '^rocky9.4-x86_64-netboot-prod \(x86_64\): imported'
	cmp "$(mn_folder a)/root$BOOT/compute/kernel" \
	    "$(mn_folder b)/root$BOOT/prod/kernel"
	equal "$(on mn_sh b sqlite3 /etc/xcat/linuximage.sqlite "select
	    pkglist, rootimgdir from linuximage where imagename =
	    'rocky9.4-x86_64-netboot-prod'")" \
	    "/install/custom/netboot/rocky/prod.rocky9.x86_64.pkglist|$BOOT/prod"
	imp $NETBOOT.tgz --as golden
	ended 0
	said '^golden \(x86_64\): imported'
	equal "$(on mn_sh b sqlite3 /etc/xcat/linuximage.sqlite "select
	    pkglist, rootimgdir from linuximage where imagename =
	    'golden'")" \
	    "/install/custom/netboot/rocky/compute.rocky9.x86_64.pkglist|$BOOT/golden"
	imp $NETBOOT.tgz --as silver --profile blank
	ended 0
	equal "$(on mn_sh b sqlite3 /etc/xcat/osimage.sqlite "select profile
	    from osimage where imagename = 'silver'")" blank
	cmp "$(mn_folder a)/root$BOOT/compute/kernel" \
	    "$(mn_folder b)/root$BOOT/blank/kernel"
	# the first one is as it was
	same_row linuximage $NETBOOT
	same_files $BOOT/compute/{kernel,rootimg.cpio.gz}
	for name in '../x' 'a b' 'a;b' '' 'a,b' 'k=v' '-x'; do
		imp $NETBOOT.tgz --as "$name"
		ended 3
		imp $NETBOOT.tgz --profile "$name"
		ended 3
	done
	clean_node
}

@test "a bundle of another compression is imported" {
	fresh
	gzip -dc "$T/$NETBOOT.tgz" >"$T/plain.tar"
	imp plain.tar
	ended 0
	imp plain.tar --as other
	ended 0
	same_row osimage $NETBOOT
}

@test "json and quiet" {
	fresh
	imp $NETBOOT.tgz --json --dry-run
	ended 0
	equal "$(jq -r '.fate + " " + (.files | length | tostring) + " " +
	    (.files[0].was)' "$T/out")" "untouched 11 absent"
	imp $NETBOOT.tgz --json
	ended 0
	equal "$(jq -r '.fate + " " + (.files | map(select(.proved)) | length |
	    tostring) + " " + .bundle_sha256' "$T/out")" \
	    "imported 11 $(sha256sum <"$T/$NETBOOT.tgz" | cut -d' ' -f1)"
	imp $NETBOOT.tgz --json
	ended 2
	equal "$(jq -r '.fate + " " + (.conflicts | length | tostring)' \
	    "$T/out")" "untouched 2"
	imp $PPC.tgz -q
	ended 0
	not grep -q . "$T/out" "$T/err"
}

@test "usage" {
	imp
	ended 3
	exits 3 xv image import $NETBOOT.tgz
	fresh
	imp nosuch.tgz
	ended 2 'nosuch.tgz: No such file'
	imp -
	ended 3
	imp $NETBOOT.tgz --limit 0
	ended 3
}

# --- what is there already --------------------------------------------------------

@test "nothing is replaced unasked, and what is replaced can be had back" {
	fresh
	old_image
	imp $NETBOOT.tgz
	ended 2 'it is in the table osimage, and more; nothing was changed'
	never_ran
	as_before
	imp $NETBOOT.tgz --replace --dry-run
	ended 1
	said "^replaced   $BOOT/compute/kernel "
	said "^same       $BOOT/compute/rootimg.cpio.gz "
	as_before
	imp $NETBOOT.tgz --replace
	ended 0
	said '^what was replaced is kept: snapshot [0-9a-f]{16}$'
	same_row osimage $NETBOOT
	# also the columns that the manifest has not
	same_row linuximage $NETBOOT
	same_files $BOOT/compute/{kernel,rootimg.cpio.gz}
	# whose .ORIG that is, nobody knows
	equal "$(cat "$(mn_folder b)/root$BOOT/compute/kernel.ORIG")" older
	not test -e "$(mn_folder b)/root$BOOT/compute/rootimg.cpio.gz.ORIG"
	equal "$(xv cat n.image.undo $BOOT/compute/kernel)" old
	xv cat n.image.undo /root/xcatvault.$NETBOOT/linuximage.csv |
	    grep -q '"eth7"'
	xv verify --read-data >/dev/null
	clean_node
}

@test "without a vault --replace wants --force, and keeps FILE.ORIG" {
	fresh
	sed -i '/^vault/d' "$XCATVAULT_CONFIG"
	unset XCATVAULT_VAULT
	old_image
	imp $NETBOOT.tgz --replace
	ended 3 'kept in a vault first'
	as_before
	# there is a kernel.ORIG
	imp $NETBOOT.tgz --replace --force
	ended 2 'kernel.ORIG: it is there already'
	as_before
	on mn_sh b rm $BOOT/compute/kernel.ORIG
	imp $NETBOOT.tgz --replace --force
	ended 0
	equal "$(cat "$(mn_folder b)/root$BOOT/compute/kernel.ORIG")" old
	not test -e "$(mn_folder b)/root$BOOT/compute/rootimg.cpio.gz.ORIG"
	same_files $BOOT/compute/kernel
	clean_node
}

@test "a root image that xCAT would prefer does not stay" {
	fresh
	on mn_sh b sh -c 'd=/install/netboot/rhels8.6.0/ppc64le/compute
	    mkdir -p $d && echo stale >$d/rootimg.cpio.xz &&
	    echo lesser >$d/rootimg.sfs'
	state >"$T/before"
	imp $PPC.tgz
	ended 2 'rootimg.cpio.xz: an older root image, which xCAT would prefer'
	as_before
	never_ran
	on mn_fault b imgimport=spoil
	imp $PPC.tgz --replace
	put_back 5
	on mn_fault b clear
	imp $PPC.tgz --replace
	ended 0
	equal "$(cd "$(mn_folder b)/root/install/netboot/rhels8.6.0/ppc64le/compute" &&
	    echo rootimg.*)" "rootimg.sfs rootimg.tar.gz"
	equal "$(xv cat n.image.undo \
	    /install/netboot/rhels8.6.0/ppc64le/compute/rootimg.cpio.xz)" stale
}

@test "lists that other images share are left when they are the same" {
	fresh
	on mn_sh b mkdir -p /install/custom/netboot/rocky
	cp -p "$(mn_folder a)/root/install/custom/netboot/rocky/compute.synclist" \
	    "$(mn_folder b)/root/install/custom/netboot/rocky/"
	on mn_sh b chmod 0600 /install/custom/netboot/rocky/compute.synclist
	before=$(on mn_sh b stat -c '%i %Y %a' \
	    /install/custom/netboot/rocky/compute.synclist)
	imp $NETBOOT.tgz
	ended 0
	equal "$(on mn_sh b stat -c '%i %Y %a' \
	    /install/custom/netboot/rocky/compute.synclist)" "$before"
}

@test "a file of another osimage is not replaced without a word" {
	fresh
	imp $NETBOOT.tgz
	on mn_sh b sh -c "echo other >$BOOT/compute/kernel"
	imp $STATELITE.tgz --replace
	ended 1
	said "kernel: .*osimage $NETBOOT"
}

@test "what is no file, or no directory, stands in the way for good" {
	fresh
	on mn_sh b sh -c 'mkdir -p /install/postscripts &&
	    echo script >/install/postscripts/custom'
	state >"$T/before"
	imp $NETBOOT.tgz --replace
	ended 2 'custom: a file is there where a directory has to be'
	on mn_sh b sh -c "rm /install/postscripts/custom
	    mkdir -p $BOOT/compute && ln -s /etc/passwd $BOOT/compute/kernel"
	imp $NETBOOT.tgz --replace
	ended 2 'kernel: there is no regular file there, but a symbolic link'
	never_ran
	clean_node
}

# --- what imgimport does ------------------------------------------------------------

@test "each failure of imgimport is found, and all is put back" {
	fresh
	state >"$T/before"
	for fault in lose:5 lose:kernel:5 lose:compute:5 spoil:5 stale:5 \
	    extra:2 error:2 status:2 midway:2 midway-0:2; do
		name=${fault%:*}
		on mn_fault b "imgimport=${name/-/:}"
		imp $NETBOOT.tgz
		on mn_fault b clear
		put_back "${fault##*:}"
	done
}

@test "each failure over an older image is found, and that is put back" {
	fresh
	old_image
	for fault in lose:5 lose:kernel:5 spoil:5 stale:5 stale-exlist:5 \
	    extra:2 error:2 status:2 midway:2; do
		name=${fault%:*}
		on mn_fault b "imgimport=${name/-/:}"
		imp $NETBOOT.tgz --replace
		on mn_fault b clear
		put_back "${fault##*:}"
	done
}

@test "an imgimport that hangs is ended" {
	fresh
	state >"$T/before"
	for fault in hang stuck stuck:0 stuck:7; do
		on mn_fault b imgimport=$fault
		imp $NETBOOT.tgz --limit 1
		on mn_fault b clear
		said 'imgimport did not end within 1 s'
		put_back 2
		not on mn_sh b sh -c 'cat /proc/[0-9]*/cmdline |
		    tr "\0" "\n" | grep -q "[b]in/imgimport"'
	done
}

@test "a disk that is full while files are moved, which imgimport does not see" {
	fresh --small /install=6m
	on mn_sh b sh -c 'mkdir /scratch && chtab key=tmpdir site.value=/scratch'
	state >"$T/before"
	on mn_fault b imgimport=fill
	imp $PPC.tgz
	on mn_fault b clear
	equal "$STATUS" 5 "$(cat "$T/err")"
	said 'what stands there is not the image'
	on mn_sh b rm /install/filler
	put_back 5
	imp $PPC.tgz
	ended 0
	same_files_in_node b
	clean_node
}

# what is in a mount of the node only
same_files_in_node()
{
	local file=/install/netboot/rhels8.6.0/ppc64le/compute/rootimg.tar.gz

	equal "$(on mn_sh "$1" sha256sum $file)" \
	    "$(on mn_sh a sha256sum $file)"
}

@test "too little room is found before anything is sent" {
	fresh --small /install=100k
	imp $NETBOOT.tgz
	ended 2 'too little room: wanted .* at /install'
	never_ran
	clean_node
	mn_stop b
	rm -rf "$T/mn/b"
	fresh --small /scratch=100k
	on mn_sh b chtab key=tmpdir site.value=/scratch
	imp $NETBOOT.tgz
	ended 2 'too little room: wanted .* at /scratch'
	never_ran
}

@test "xcatd is down: it is said, and nothing is tried" {
	fresh
	state >"$T/before"
	on mn_fault b xcatd=down
	imp $NETBOOT.tgz
	ended 2 'nothing was tried, as xcatd does not answer'
	on mn_fault b clear
	never_ran
	as_before
	clean_node
}

@test "columns that the xCAT there does not know" {
	fresh
	manifest new.tgz 's/(<linuximage>)/$1\n<newcolumn>x<\/newcolumn>/'
	imp new.tgz
	ended 2 'does not know columns .*linuximage.newcolumn'
	never_ran
}

@test "what could not be put back is told, and mended by the next import" {
	fresh
	old_image
	on mn_fault b imgimport=lose tabrestore=fail
	imp $NETBOOT.tgz --replace
	ended 5 'it could not all be put back'
	said 'the table osimage: its rows'
	said 'the table linuximage: its rows'
	said 'kept as snapshot'
	on mn_fault b clear
	# another one's import finds it
	imp $PPC.tgz
	ended 1
	said "an import that was killed there before: $NETBOOT put back"
	on mn_sh b chtab -d imagename=$PPC osimage linuximage 2>/dev/null
	on mn_sh b sh -c "chtab -d imagename=$PPC osimage
	    chtab -d imagename=$PPC linuximage
	    rm -r /install/netboot/rhels8.6.0 /install/custom/netboot/rh"
	as_before
	clean_node
}

# --- hostile and broken bundles -------------------------------------------------------

# refused FILE [STATUS]: before imgimport runs
refused()
{
	imp "$1" --allow-unproved-arch
	equal "$STATUS" "${2:-5}" "$1: $(cat "$T/out" "$T/err")"
	never_ran
}

@test "hostile and broken bundles never reach imgimport" {
	fresh
	state >"$T/before"
	manifest m1.tgz 's/<kernel>.*?</<kernel>\/etc\/passwd</'
	manifest m2.tgz 's/<dest>.*?</<dest>\/tmp;touch \/tmp\/INJECTED</'
	manifest m3.tgz 's/<dest>.*?</<dest>\/install\/..\/etc</'
	manifest m4.tgz 's/<imagename>.*?</<imagename>x\$(touch \/tmp\/INJECTED)</g'
	manifest m5.tgz 's/^/<!DOCTYPE x [<!ENTITY a "b">]>\n/'
	manifest m6.tgz 's/<osarch>.*?</<osarch>ppc64le</'
	manifest m7.tgz 's/<rootimg>.*?</<rootimg>\/install\/netboot\/</'
	remade b1.tgz "rm $NETBOOT/rootimg.cpio.gz"
	remade b2.tgz "rm $NETBOOT/compute.rocky9.exlist"
	remade b3.tgz "rm $NETBOOT/manifest.xml"
	remade b4.tgz "cp -r $NETBOOT second"
	remade b5.tgz "ln -sf /etc/passwd $NETBOOT/kernel"
	remade b6.tgz "head -c 30000 $NETBOOT/rootimg.cpio.gz >x &&
	    mv x $NETBOOT/rootimg.cpio.gz"
	head -c 3000 "$T/$NETBOOT.tgz" >c1.tgz
	: >c2.tgz
	noise 5 5000 >c3.tgz
	tar -czf c4.tgz -T /dev/null
	cp "$T/$NETBOOT.tgz" c5.tgz
	flip c5.tgz 2000
	for f in [mbc][0-9].tgz; do
		refused "$f"
	done
	as_before
	clean_node
	not test -e "$(mn_folder b)/root/tmp/INJECTED"
	not test -e /tmp/INJECTED
}

@test "kits are refused, and it is said how they travel" {
	local k1='<kit><name>k1</name><kitdir>\/install\/kits\/k1</kitdir></kit>'
	local k2='<kit><name>k2</name><kitdir>\/install\/kits\/k2</kitdir></kit>'

	fresh
	state >"$T/before"
	k1=${k1//<\//<\\\/} k2=${k2//<\//<\\\/}
	remade kits.tgz "perl -0pi -e 's/(<osimage>)/$k1$k2\$1<kitcomponents>c1,c2<\/kitcomponents>/' \
	    $NETBOOT/manifest.xml
	    mkdir -p $NETBOOT/k1/plugins $NETBOOT/k2
	    echo 'die' >$NETBOOT/k1/plugins/x.pm; echo conf >$NETBOOT/k2/kit.conf"
	imp kits.tgz
	ended 2 'with kits are not imported.*kitcomponents=, and back again'
	said 'with addkit .*kitcomponents=c1,c2\)'
	never_ran
	as_before
	clean_node
}

@test "an architecture that nothing proves is to be allowed" {
	fresh
	remade unproved.tgz "noise 3 9000 >$NETBOOT/kernel
	    echo $NETBOOT/compute.rocky9.exlist | cpio -o -H newc 2>/dev/null |
	    gzip -n >$NETBOOT/rootimg.cpio.gz"
	imp unproved.tgz
	ended 3 '--allow-unproved-arch'
	never_ran
	imp unproved.tgz --allow-unproved-arch
	ended 1
	said 'is not proved'
	same_row osimage $NETBOOT
}

# --- cuts ----------------------------------------------------------------------------

@test "the sending is cut: what was lost is sent again" {
	local n=0

	fresh
	larger big.tgz 60000000
	xv image import big.tgz --site n >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	for n in 1 10000000 30000000; do
		sending $n
		on mn_cut b
	done
	STATUS=0
	wait $pid || STATUS=$?
	ended 0
	whole big.tgz
	clean_node
}

@test "the sending of an image from the vault is cut" {
	fresh
	larger big.tgz 60000000
	exits 0 xv image keep big.tgz
	xv image import --from-vault $NETBOOT --site n >"$T/out" \
	    2>"$T/err" 3>&- &
	pid=$!
	for n in 1 10000000; do
		sending $n
		on mn_cut b
	done
	STATUS=0
	wait $pid || STATUS=$?
	ended 0
	whole big.tgz
	clean_node
}

@test "the sending is cut at any point: proved there, or nothing" {
	local at cuts=0

	fresh
	state >"$T/before"
	larger big.tgz 3000000
	for at in 2400 2900 3300 4000 6000; do
		proxied "-,$at,3000"
		imp big.tgz --grace 20
		echo "cut at $at: $STATUS $(cat "$T/err")"
		settled
		if [ "$STATUS" -gt 1 ]; then
			as_before
			clean_node
			continue
		fi
		whole big.tgz
		clean_node
		cuts=$((cuts + $(grep -c '^cut' "$T/mn/b/proxy.log" || :)))
		on mn_sh b sh -c 'rm -rf /install/*
		    chtab -d imagename=$1 osimage
		    chtab -d imagename=$1 linuximage' sh $NETBOOT
		state >"$T/before"
	done
	# some of them went on behind it
	[ "$cuts" -gt 0 ]
}

@test "a bundle that changes while it is sent is not imported" {
	fresh
	state >"$T/before"
	larger big.tgz 60000000
	xv image import big.tgz --site n >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	sending 1
	truncate -s 20000000 big.tgz
	STATUS=0
	wait $pid || STATUS=$?
	ended 2 'shorter than it was'
	never_ran
	as_before
	clean_node
}

@test "what a node that went down had been sent is removed" {
	local dir=/install/.xcatvault-image

	fresh
	on mn_sh b sh -c 'for d in dead live new; do
		mkdir -m 0700 $1.$d && echo bundle >$1.$d/bundle.tgz
	    done
	    for d in dead live; do touch -d "20 minutes ago" $1.$d/.lease; done
	    touch $1.new/.lease
	    flock -o $1.live/.lease sleep 60 >/dev/null 2>&1 &' sh $dir
	imp $NETBOOT.tgz
	ended 0
	equal "$(on mn_sh b sh -c 'echo $1.*' sh $dir)" "$dir.live $dir.new"
}

@test "cuts at any time: imported, or put back" {
	local i at

	fresh
	old_image
	on mn_fault b imgimport=slow:40
	for i in 1 2 3 4 5 6 7 8; do
		at=$(perl -e "printf '%.2f', 0.05 + $i * 0.17")
		xv image import $NETBOOT.tgz --site n --replace \
		    >"$T/out" 2>"$T/err" &
		pid=$!
		sleep "$at"
		on mn_cut b
		STATUS=0
		wait $pid || STATUS=$?
		settled
		echo "cut after $at s: $STATUS $(cat "$T/err")"
		if [ "$STATUS" -le 1 ]; then
			same_row linuximage $NETBOOT
			same_files $BOOT/compute/{kernel,rootimg.cpio.gz}
			break
		fi
		as_before
		clean_node
	done
}

@test "a cut while imgimport is at it: put back, looked at, and told" {
	local pid

	fresh
	old_image
	on mn_fault b imgimport=slow:300
	xv image import $NETBOOT.tgz --site n --replace >"$T/out" \
	    2>"$T/err" 3>&- &
	pid=$!
	placing
	on mn_cut b
	STATUS=0
	wait $pid || STATUS=$?
	put_back 2
	said 'connection lost'
}

@test "a signal: all is put back" {
	local pid at

	fresh
	old_image
	on mn_fault b imgimport=slow:100
	for at in 0.2 0.5 placing; do
		timeout 60 "$XCATVAULT" image import $NETBOOT.tgz --site n \
		    --replace >"$T/out" 2>"$T/err" &
		pid=$!
		if [ $at = placing ]; then placing; else sleep $at; fi
		kill -TERM $pid
		STATUS=0
		wait $pid || STATUS=$?
		# one that came before they are caught ends it at once
		[ "$at:$STATUS" = 0.2:143 ] || [ "$at:$STATUS" = 0.5:143 ] ||
		    equal "$STATUS" 2 "$(cat "$T/err")"
		[ $at != placing ] || said 'all was put back, and is proved'
		settled
		as_before
		clean_node
	done
}

@test "killed here, and killed there" {
	local pid

	fresh
	old_image
	on mn_fault b imgimport=slow:300
	"$XCATVAULT" image import $NETBOOT.tgz --site n --replace \
	    --grace 2 >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	placing
	kill -KILL $pid
	wait $pid || :
	settled
	as_before
	clean_node
	# the script on the node as well: the next import puts it back
	"$XCATVAULT" image import $NETBOOT.tgz --site n --replace \
	    --grace 2 >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	placing
	kill -KILL $pid
	on mn_sh b sh -c 'for p in /proc/[0-9]*; do
		tr "\0" " " <$p/cmdline 2>/dev/null |
		    grep -aq "[p]erl -e #!/usr/bin/perl\|[b]in/imgimport" &&
		    kill -KILL ${p#/proc/}
	    done; :'
	wait $pid || :
	settled
	on mn_fault b clear
	state >"$T/after"
	not cmp -s "$T/before" "$T/after"
	imp $NETBOOT.tgz
	ended 2 'it is in the table osimage'
	as_before
	clean_node
}

@test "a node that goes down meanwhile, and its work directory is empty then" {
	local pid

	fresh
	old_image
	on mn_sh b sh -c 'mkdir /scratch && chtab key=tmpdir site.value=/scratch'
	on mn_fault b imgimport=slow:300
	"$XCATVAULT" image import $NETBOOT.tgz --site n --replace \
	    >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	placing
	mn_stop b
	kill -KILL $pid
	wait $pid || :
	rm -rf "$(mn_folder b)"/root/scratch/{.x,}*
	fresh
	state >"$T/after"
	not cmp -s "$T/before" "$T/after"
	imp $PPC.tgz --dry-run
	ended 1
	said "an import that was killed there before: $NETBOOT put back"
	as_before
	clean_node
}

@test "one import at a time on a node" {
	local pid

	fresh
	on mn_fault b imgimport=slow:50
	xv image import $NETBOOT.tgz --site n >"$T/first" 2>&1 3>&- &
	pid=$!
	sleep 0.3
	imp $PPC.tgz
	ended 0
	wait $pid
	same_row osimage $NETBOOT
	same_row osimage $PPC
	clean_node
}

# --- what lies beside a bundle -----------------------------------------------------------

# sidecar [EXTRA]: FILE.json of the netboot bundle, with that archive beside it
sidecar()
{
	local extra=null

	rm "$T/$NETBOOT.tgz"
	cp "$BATS_FILE_TMPDIR/$NETBOOT.tgz" "$T/"
	[ -z "${1-}" ] || extra=$(describe "$1" zstd)
	jq -n --argjson bundle "$(describe $NETBOOT.tgz gzip)" \
	    --argjson extra "$extra" '{format: "xcatvault-image", version: 1,
	    image: "'$NETBOOT'", bundle: $bundle, members: [], left_out: [],
	    provenance: {}, osimage: {}, arch: {}, warnings: []} +
	    if $extra then {extra: $extra} else {} end' \
	    >"$T/$NETBOOT.tgz.json"
}

# describe FILE COMPRESSION
describe()
{
	jq -n '{file: "'"$1"'", compression: "'"$2"'", tar_bytes: 0,
	    bytes: '"$(stat -c %s "$T/$1")"',
	    sha256: "'"$(sha256sum <"$T/$1" | cut -d' ' -f1)"'",
	    tar_sha256: "'"$(sha256sum </dev/null | cut -d' ' -f1)"'"}'
}

# extra_archive: of files that the bundle leaves out
extra_archive()
{
	mkdir -p x/install/postscripts/sub x/etc x/install/custom
	echo '#!/bin/sh' >x/install/postscripts/bootfoo
	chmod 0755 x/install/postscripts/bootfoo
	echo two >x/install/postscripts/sub/two
	echo theirs >x/install/postscripts/syslog
	echo evil >x/etc/passwd
	echo blank >'x/install/custom/a b'
	ln -s /etc/passwd x/install/custom/link
	tar -C x -cf - . | zstd -q -o $NETBOOT.tgz.extra.tar.zst
}

@test "what lies beside a bundle must agree, and is put back" {
	need zstd
	fresh
	extra_archive
	sidecar $NETBOOT.tgz.extra.tar.zst
	on mn_sh b sh -c 'mkdir -p /install/postscripts
	    echo mine >/install/postscripts/syslog'
	state >"$T/before"
	on mn_fault b imgimport=lose
	imp $NETBOOT.tgz
	on mn_fault b clear
	put_back 5
	imp $NETBOOT.tgz
	ended 1
	said '^xcatvault: 3 members of the archive beside the bundle were passed over'
	said '/install/postscripts/syslog: another file is there, and was left'
	b=$(mn_folder b)/root
	cmp x/install/postscripts/bootfoo "$b/install/postscripts/bootfoo"
	cmp x/install/postscripts/sub/two "$b/install/postscripts/sub/two"
	equal "$(stat -c %a "$b/install/postscripts/bootfoo")" 755
	equal "$(cat "$b/install/postscripts/syslog")" mine
	not grep -q evil "$b/etc/passwd"
	imp $NETBOOT.tgz --replace
	ended 1
	equal "$(cat "$b/install/postscripts/syslog")" theirs
	equal "$(xv cat n.image.undo /install/postscripts/syslog)" mine
	clean_node
}

@test "what lies beside a bundle is zstd, without holes, and starts nothing" {
	local f=$NETBOOT.tgz.extra.tar.zst

	need zstd
	fresh
	mkdir -p bin x/install/postscripts
	printf '#!/bin/sh\ntouch %s/started\n' "$T" >bin/lrzip
	chmod 0755 bin/lrzip
	(printf 'LRZI\0\6'; noise 4 2000) >"$f"
	sidecar "$f"
	PATH=$T/bin:$PATH imp $NETBOOT.tgz
	ended 5 'extra.tar.zst: it is not packed by zstd'
	[ ! -e started ]
	truncate -s 1G x/install/postscripts/zeros
	tar -C x -S -cf - . | zstd -q -f -o "$f"
	sidecar "$f"
	imp $NETBOOT.tgz
	ended 5 'extra.tar.zst: a member has holes'
	tar -C x -cf - . | zstd -q -f -o "$f"
	sidecar "$f"
	imp $NETBOOT.tgz
	ended 5 'a bomb'
	never_ran
	clean_node
}

@test "what lies beside a bundle, below other directories than /install" {
	local f=$NETBOOT.tgz.extra.tar.zst roots

	need zstd
	fresh
	mkdir -p x/data/postscripts x/etc
	echo foo >x/data/postscripts/foo
	chmod 04755 x/data/postscripts/foo
	echo evil >x/etc/evil
	tar -C x -cf - . | zstd -q -f -o "$f"
	sidecar "$f"
	imp $NETBOOT.tgz --dry-run
	said '^xcatvault: 2 members of the archive beside the bundle were passed over'
	roots='--root /install --root /opt/xcat/share --root /data'
	# shellcheck disable=SC2086
	imp $NETBOOT.tgz $roots
	said '^xcatvault: 1 members of the archive beside the bundle were passed over'
	ended 1
	b=$(mn_folder b)/root
	cmp x/data/postscripts/foo "$b/data/postscripts/foo"
	equal "$(stat -c %a "$b/data/postscripts/foo")" 755
	[ ! -e "$b/etc/evil" ]
	exits 3 xv image import $NETBOOT.tgz --site b --root data
	clean_node
}

@test "a sidecar of something else is found" {
	need zstd
	fresh
	extra_archive
	sidecar $NETBOOT.tgz.extra.tar.zst
	cp $NETBOOT.tgz.extra.tar.zst keep
	flip $NETBOOT.tgz.extra.tar.zst 50
	imp $NETBOOT.tgz
	ended 5
	head -c 100 keep >$NETBOOT.tgz.extra.tar.zst
	imp $NETBOOT.tgz
	ended 5
	rm $NETBOOT.tgz.extra.tar.zst
	imp $NETBOOT.tgz
	ended 2 'No such file'
	sidecar
	gzip -dc $NETBOOT.tgz | gzip -1 >x.tgz
	mv x.tgz $NETBOOT.tgz
	imp $NETBOOT.tgz
	ended 5 'not the bundle that .*json tells of'
	never_ran
}

@test "recorded bundles of a real xCAT" {
	local samples=${XCAT_SAMPLES:-$TESTS/../../shared/xcat-samples} f

	[ -e "$samples/bundle_$NETBOOT.tgz" ] || skip "no recorded bundles"
	fresh
	on mn_sh b mkdir -p /install/rocky9.4/x86_64
	for f in $NETBOOT $PPC $INSTALL; do
		imp "$samples/bundle_$f.tgz"
		[ "$f" = $INSTALL ] || ended 3 'unproved'
		imp "$samples/bundle_$f.tgz" --allow-unproved-arch --replace
		[ "$STATUS" -le 1 ]
		said "^$f .*: imported"
	done
	imp "$samples/bundle_$STATELITE.tgz" --allow-unproved-arch --replace
	ended 1
	clean_node
}
