#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2086,SC2153,SC2154
# What an import leaves when things end that it does not hold itself.

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
	HELD_PID=
}

teardown()
{
	[ -z "$HELD_PID" ] || kill -KILL "$HELD_PID" 2>/dev/null || :
	night_clean
}

# nobody_imports: on b
nobody_imports()
{
	on mn_sh b sh -c '! cat /proc/[0-9]*/cmdline | tr "\0" " " |
	    grep -aq "[b]in/imgimport\|[x]catd SSL: imgimport"'
}

# end_script: kill -9 of the script on b, and of nothing else
end_script()
{
	on mn_sh b sh -c 'for p in /proc/[0-9]*; do
		tr "\0" " " <$p/cmdline 2>/dev/null |
		    grep -aq "^perl -e #!/usr/bin/perl" &&
		    kill -KILL ${p#/proc/}
	    done; :'
}

# wrapped NAME COMMAND: of b, does that first
wrapped()
{
	local tool

	tool=$(mn_folder b)/root/opt/xcat/bin/$1
	printf '#!/bin/sh\n%s\nexec /usr/bin/%s "$@"\n' "$2" "$1" >"$tool"
	chmod 0755 "$tool"
}

# script_start [LEASE]: import.pl by itself on b, in /install; tell, heard
script_start()
{
	cat "$TESTS"/../imgxfer/import{,tar}.pl >"$(mn_folder b)/root/import.pl"
	mkfifo "$T/to"
	on mn_sh b perl /import.pl /install /install 1 "${1-0}" <"$T/to" \
	    >"$T/heard" 2>&1 3>&- &
	HELD_PID=$!
	exec 7>"$T/to"
	heard '^dir '
	TOKEN=$(sed -n 's/^dir .*import\.//p' "$T/heard")
}

tell()
{
	# shellcheck disable=SC2059
	printf "$@" >&7
}

heard()
{
	local tries=0

	until grep -Eq -- "$1" "$T/heard"; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || {
			cat "$T/heard"
			return 1
		}
		sleep 0.05
	done
}

script_end()
{
	exec 7>&-
	wait "$HELD_PID" || :
	HELD_PID=
}

# --- imgimport goes on by itself --------------------------------------------------

@test "the script is killed, and imgimport goes on: it is ended first" {
	local pid

	fresh
	old_image
	on mn_fault b imgimport=slow:3000
	"$XCATVAULT" image import $NETBOOT.tgz --site n --replace \
	    --grace 2 >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	placing
	kill -STOP $pid
	end_script
	kill -KILL $pid
	wait $pid || :
	not nobody_imports
	imp $NETBOOT.tgz --dry-run
	ended 1
	said "an import that was killed there before: $NETBOOT put back"
	nobody_imports
	settled
	as_before
	clean_node
}

@test "the script is killed, and who imports is not known: all waits for that" {
	local pid other

	fresh
	old_image
	on mn_fault b imgimport=slow:3000
	"$XCATVAULT" image import $NETBOOT.tgz --site n --replace \
	    --grace 2 >"$T/out" 2>"$T/err" 3>&- &
	pid=$!
	placing
	kill -STOP $pid
	end_script
	kill -KILL $pid
	wait $pid || :
	on mn_sh b perl -e '$0 = "xcatd SSL: imgimport for root\@localhost";
	    sleep 60' 3>&- &
	other=$!
	until on mn_sh b sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " " |
	    grep -aq "[x]catd SSL: imgimport"'; do
		sleep 0.05
	done
	imp $NETBOOT.tgz --dry-run
	ended 4 'another import is running'
	on mn_sh b sh -c 'ls -d /install/.xcatvault-import.*/journal'
	on mn_sh b sh -c 'for p in /proc/[0-9]*; do
		tr "\0" " " <$p/cmdline 2>/dev/null |
		    grep -aq "^xcatd SSL: imgimport" && kill ${p#/proc/}
	    done; :'
	wait $other || :
	imp $NETBOOT.tgz --dry-run
	ended 1
	said "$NETBOOT put back"
	settled
	as_before
	clean_node
}

@test "the client of imgimport fails, and xcatd goes on: it is ended" {
	fresh
	old_image
	on mn_fault b imgimport=detach:400
	imp $NETBOOT.tgz --replace
	put_back 2
	nobody_imports
	sleep 0.6
	as_before
	# one that does not heed the first signal
	on mn_sh b touch /run/mn/stubborn
	imp $NETBOOT.tgz --replace
	on mn_sh b rm /run/mn/stubborn
	put_back 2
	nobody_imports
}

# --- .ORIG ------------------------------------------------------------------------

@test "whatever is to be called .ORIG needs the name free" {
	local dir=/install/netboot/rhels8.6.0/ppc64le/compute

	fresh
	sed -i '/^vault/d' "$XCATVAULT_CONFIG"
	unset XCATVAULT_VAULT
	on mn_sh b sh -c "mkdir -p $dir && cd $dir && echo stale >rootimg.cpio.xz &&
	    echo mine >rootimg.cpio.xz.ORIG"
	on mn_sh b sh -c "mkdir -p $BOOT/compute/rootimg/etc \
	    $BOOT/compute/rootimg.ORIG"
	state >"$T/before"
	imp $PPC.tgz --replace --force
	ended 2 'rootimg.cpio.xz.ORIG: it is there already'
	imp $STATELITE.tgz --replace --force
	ended 2 'rootimg.ORIG: it is there already'
	as_before
	never_ran
	on mn_sh b rmdir $BOOT/compute/rootimg.ORIG
	on mn_sh b sh -c "echo mine >$BOOT/compute/rootimg/etc/mine"
	imp $STATELITE.tgz --replace --force
	ended 0
	equal "$(cat "$(mn_folder b)/root$BOOT/compute/rootimg.ORIG/etc/mine")" \
	    mine
	clean_node
}

@test "nothing is renamed over a .ORIG that came meanwhile" {
	local b

	fresh
	b=$(mn_folder b)/root/install
	echo old >"$b/file"
	script_start
	tell 'aside orig /install/file\nnew /install/other\nbegin image\n'
	heard '^begin$'
	echo new >"$b/file"
	echo theirs >"$b/file.ORIG"
	tell 'commit\n'
	heard '^commit$'
	heard '^left .* is what was at /install/file'
	script_end
	equal "$(cat "$b/file.ORIG" "$b/file" "$b"/.xcatvault-import.*.1)" "theirs
new
old"
	imp $NETBOOT.tgz --dry-run
	ended 1
	said 'killed there before: image .* is what was at /install/file'
	rm "$b/file.ORIG"
	imp $NETBOOT.tgz --dry-run
	ended 0
	equal "$(cat "$b/file.ORIG")" old
	clean_node
}

# --- another manifest ---------------------------------------------------------------

# rewritten ARCHIVE: by the script, with the manifest "new"
rewritten()
{
	cp "$1" "$(mn_folder b)/root/install/$1"
	: >"$T/heard"
	tell "rewrite none /install/$1 out.tar X/manifest.xml 3\nnew"
	heard '^(rewrite$|failed )'
}

@test "an archive whose manifest tar sees elsewhere is not rewritten" {
	local b

	fresh
	mkdir X
	echo old >X/manifest.xml
	echo more >X/more
	tar --format=gnu -cf plain.tar X
	tar --format=pax --pax-option=delete=nothing -cf times.tar X
	# the decoy is called so only where extended headers are passed over
	tar --format=pax --pax-option=path:=X/hidden -cf decoy.tar X/manifest.xml
	tar --format=gnu -cf real.tar X/manifest.xml
	cat decoy.tar >both.tar
	tar -A -f both.tar real.tar
	tar --format=pax --pax-option=size:=4096 -cf size.tar X/more
	tar -A -f size.tar real.tar
	tar --format=pax --pax-option=globexthdr.name=g,path=X/manifest.xml \
	    -cf global.tar X/more X/manifest.xml
	mkdir Y
	echo twice >Y/manifest.xml
	tar --format=gnu -cf twice.tar X/manifest.xml
	tar --format=gnu --transform 's,^Y,./X,' -rf twice.tar Y/manifest.xml
	script_start
	for f in plain times; do
		rewritten $f.tar
		heard '^rewrite$'
		b=$(echo "$(mn_folder b)"/root/install/.xcatvault-import.*/out.tar)
		equal "$(tar -xOf "$b" X/manifest.xml)" new
		equal "$(tar -xOf "$b" X/more)" more
	done
	for f in decoy both size global twice; do
		rewritten $f.tar
		heard '^failed ' || echo "$f"
		not grep -q '^rewrite$' "$T/heard"
	done
	script_end
}

# --- changed meanwhile ----------------------------------------------------------------

@test "what changes while the bundle is sent is seen" {
	fresh
	# openssl: of what is sent
	wrapped openssl "[ \$1 != dgst ] || { mkdir -p $BOOT/compute
	    echo newer >$BOOT/compute/kernel; }"
	imp $NETBOOT.tgz
	ended 2 'kernel: another file is there; nothing was changed'
	never_ran
	clean_node
	on mn_sh b rm /opt/xcat/bin/openssl
	on mn_sh b rm -r /install/netboot
	old_image
	wrapped openssl "[ \$1 != dgst ] || echo newer >$BOOT/compute/kernel"
	imp $NETBOOT.tgz --replace
	ended 0
	equal "$(xv cat n.image.undo $BOOT/compute/kernel)" newer
	same_files $BOOT/compute/kernel
	clean_node
}

@test "what changes once it has been looked at is seen" {
	local kernel=$BOOT/twin/kernel

	fresh
	imp $NETBOOT.tgz --as twin
	ended 0
	on mn_sh b sh -c "echo old >$kernel; rm -r /install/postscripts
	    rm /run/mn/imgimport.ran"
	# gzip: of what is given another manifest
	wrapped gzip "[ \$1 != -dc ] || echo newer >$kernel"
	imp $NETBOOT.tgz --as twin --replace
	ended 2 'kernel: it has changed since it was looked at; nothing was changed'
	never_ran
	on mn_sh b grep -qx newer $kernel
	wrapped gzip "[ \$1 != -dc ] ||
	    chtab imagename=twin osimage.comments=newer"
	imp $NETBOOT.tgz --as twin --replace
	ended 2 'osimage: it has changed since it was looked at'
	never_ran
	wrapped gzip "[ \$1 != -dc ] || mkdir -p /install/postscripts"
	imp $NETBOOT.tgz --as twin --replace
	ended 2 'postscripts: it has changed'
	never_ran
	clean_node
}

@test "a work directory that is full while the bundle is sent" {
	fresh --small /scratch=10m
	on mn_sh b sh -c 'mkdir -p /scratch && chtab key=tmpdir site.value=/scratch'
	larger big.tgz 30000000
	state >"$T/before"
	# somebody else takes the room that there was
	wrapped stat '[ "$1" != -f ] || { echo 99999999 4096; exit 0; }'
	imp big.tgz
	ended 2 'writing failed: dd: .*No space left on device'
	never_ran
	as_before
	clean_node
	equal "$(on mn_sh b sh -c 'ls -A /scratch')" ''
}

# --- on the disk, and not left behind ---------------------------------------------------

@test "a file that was being put is not left, also over another one" {
	local b

	fresh
	b=$(mn_folder b)/root/install
	echo old >"$b/file"
	script_start
	tell 'aside gone /install/file\nnew /install/other\nbegin image\n'
	heard '^begin$'
	tell 'put 644 1000 /install/file\nabc'
	until [ -e "$b/file.xcatvault-$TOKEN" ]; do sleep 0.02; done
	on mn_sh b sh -c 'for p in /proc/[0-9]*; do
		tr "\0" " " <$p/cmdline 2>/dev/null |
		    grep -aq "^perl /import.pl" && kill -KILL ${p#/proc/}
	    done; :'
	script_end
	[ -e "$b/file.xcatvault-$TOKEN" ]
	imp $NETBOOT.tgz --dry-run
	ended 1
	equal "$(cat "$b/file")" old
	clean_node
}

@test "the new is on the disk before the journal and before the old goes" {
	local b

	fresh
	b=$(mn_folder b)/root/install
	echo old >"$b/file"
	wrapped sync 'echo "$* : $(cd /install/.xcatvault-import.????????; echo *)
	    : $(cat /install/.xcatvault-import.*.1)" | tr "\n" " " >>/synced
	    echo >>/synced'
	script_start
	tell 'aside gone /install/file\nrows osimage imagename x 5\na,b\n\n'
	tell 'begin image\n'
	heard '^(begin|failed.*)$'
	echo new >"$b/file"
	tell 'commit\n'
	heard '^commit$'
	script_end
	cat "$(mn_folder b)/root/synced"
	# no journal yet, and what was set aside still there
	grep -Eq '^-- \S*/rows/osimage.csv .*: rows\s+:' "$(mn_folder b)/root/synced"
	grep -Eq '^-f -- /\S* : .*journal.* : old' "$(mn_folder b)/root/synced"
	not grep -q '^-f.*: .*done' "$(mn_folder b)/root/synced"
}

# --- modes and owners --------------------------------------------------------------------

@test "modes and owners are proved, also of directories that were there" {
	local dir=/install/custom/netboot/rocky/sync

	fresh
	state >"$T/before"
	on mn_fault b imgimport=open
	imp $NETBOOT.tgz
	put_back 5
	said 'rootimg.cpio.gz: its mode is 0666'
	on mn_fault b clear
	# cp -a gives a directory that is there those of the bundle
	remade deep.tgz "mkdir -p $NETBOOT/extra/$dir/deep &&
	    echo deep >$NETBOOT/extra/$dir/deep/file &&
	    chmod 0700 $NETBOOT/extra/$dir/deep"
	on mn_sh b sh -c "mkdir -p $dir/deep && chmod 0751 $dir/deep &&
	    chown 7:8 $dir/deep && chmod 0711 $dir"
	imp deep.tgz
	[ "$STATUS" -le 1 ]
	said ': imported'
	equal "$(on mn_sh b stat -c '%a %u %g' $dir/deep $dir)" "751 7 8
711 0 0"
}

# --- a connection that is silent ------------------------------------------------------------

@test "when nothing is heard of the other side any more, all is put back" {
	local b

	fresh
	b=$(mn_folder b)/root/install
	echo old >"$b/file"
	script_start 4
	sleep 5
	tell 'aside gone /install/file\nbegin image\n'
	heard '^begin$'
	for i in 1 2 3 4; do
		sleep 1.5
		tell 'alive\n'
	done
	not test -e "$b/file"
	for ((i = 0; i < 600; i++)); do
		[ ! -e "$b/file" ] || break
		sleep 0.1
	done
	equal "$(cat "$b/file")" old
	not kill -0 "$HELD_PID"
	script_end
	clean_node
}

@test "an import that takes longer than that is not put back" {
	fresh
	wrapped perl 'for a; do
	    shift
	    [ "$a" != 600 ] || { a=20; touch /shorter; }
	    set -- "$@" "$a"
	done'
	on mn_fault b imgimport=slow:2500
	imp $NETBOOT.tgz
	ended 0
	test -e "$(mn_folder b)/root/shorter"
}
