#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031
# drill, and verify --osimages: proofs that need no management node

load common
load night

setup()
{
	scratch
	new_vault small
	D=$T/src/.dbbackup
	I=$T/src/install
	C=$I/custom/netboot
	OLD_TMPDIR=${TMPDIR:-/tmp}
	export TMPDIR=$T/tmp
	mkdir -p "$T/tmp"
	make_node
}

teardown() { clean; }

OSIMAGE='#imagename,profile,imagetype,provmethod,rootfstype,osvers,osarch,synclists,postscripts,postbootscripts,environvar,comments,disable'
LINUXIMAGE='#imagename,template,pkglist,pkgdir,otherpkglist,otherpkgdir,exlist,postinstall,rootimgdir,partitionfile,driverupdatesrc,comments,disable'

# make_node: a tree like a management node's with a dump and one osimage "net",
# of which nothing is missing
make_node()
{
	local t

	mkdir -p "$C/sync" "$I/postscripts/custom" "$I/netboot/r9/rootimg"
	small_tables "$D"
	printf '%s\n' '#key,username,password,comments,disable' \
	    '"system","root","geheim1",,' >"$D/passwd.csv"
	printf '%s\n' '#node,postscripts,postbootscripts,comments,disable' \
	    '"xcatdefaults","syslog -x","otherpkgs",,' \
	    '"n1","of-a-node-only",,,' >"$D/postscripts.csv"
	echo '#imagename,comments,disable' >"$D/winimage.csv"
	echo '#imagename,comments,disable' >"$D/nimimage.csv"
	echo "$OSIMAGE" >"$D/osimage.csv"
	echo "$LINUXIMAGE" >"$D/linuximage.csv"
	os net '"compute","linux","netboot",,"r9","x86_64","/install/custom/netboot/a.synclist","custom/mine arg",,"DIR=sync"'
	linux net ',"/install/custom/netboot/a.pkglist",,,,"/install/custom/netboot/a.exlist","/install/custom/netboot/a.post x","/install/netboot/r9",,'
	echo kernel >"$I/netboot/r9/kernel"
	noise 5 300000 >"$I/netboot/r9/initrd-stateless.gz"
	noise 6 2500000 >"$I/netboot/r9/rootimg.cpio.gz"
	printf 'bash\n#INCLUDE:b.pkglist#\n' >"$C/a.pkglist"
	echo vim >"$C/b.pkglist"
	echo './usr/share/doc*' >"$C/a.exlist"
	echo 'exit 0' >"$C/a.post"
	printf '%s\n' '# comment' \
	    '/install/custom/netboot/$DIR/hosts -> /etc/hosts' \
	    '/install/custom/netboot/sync/*.conf -> /etc/' 'EXECUTEALWAYS:' \
	    '/install/postscripts/syslog' >"$C/a.synclist"
	echo '127.0.0.1 localhost' >"$C/sync/hosts"
	echo conf >"$C/sync/x.conf"
	for t in syslog otherpkgs custom/mine; do
		echo 'exit 0' >"$I/postscripts/$t"
	done
}

# os NAME VALUES, linux NAME VALUES: a row of the tables
os()
{
	echo "\"$1\",$2,," >>"$D/osimage.csv"
}

linux()
{
	echo "\"$1\",$2,," >>"$D/linuximage.csv"
}

# backed_up [VOLUME...]: of all that there is; sets SNAP
backed_up()
{
	take --volume "$I=/install" --volume "$D=/.dbbackup" "$@"
}

# images STATUS: what verify --osimages says of the tree as it is
images()
{
	backed_up
	exits "$1" xv verify --osimages "$SNAP"
}

# line TEXT: standard output has it
line()
{
	grep -qxF -- "$1" "$T/out" || {
		echo "no line: $1"
		cat "$T/out" "$T/err"
		return 1
	}
}

# first REGEX: the first line of standard output
first()
{
	head -n 1 "$T/out" | grep -Eq -- "$1" || {
		echo "the first line is not /$1/"
		cat "$T/out" "$T/err"
		return 1
	}
}

# tidy: no scratch directory is left
tidy()
{
	equal "" "$(find "$T/tmp" -name 'xcatvault-drill.*')" "left over"
}

# fails REGEX: a drill of the tree as it is does, in one line that says why
fails()
{
	backed_up
	exits 5 xv drill "$SNAP"
	first "^drill $SNAP \(s\): FAIL: .*$1"
	tidy
}

# ------------------------------------------------------------------- osimages

@test "verify --osimages: one osimage of which nothing is missing" {
	images 0
	first '^net: complete \(netboot, r9, x86_64; [0-9]+ files found; boots rootimg.cpio.gz\)$'
	line '1 osimage: 1 complete, 0 incomplete, 0 not checked'
	exits 0 xv -q verify --osimages "$SNAP"
	[ ! -s "$T/out" ]
	exits 0 xv --json verify --osimages "$SNAP"
	equal '["net","complete","rootimg.cpio.gz",0]' "$(jq -c \
	    '.osimages[0] | [.osimage, .state, .boots, (.findings | length)]' \
	    "$T/out")"
}

@test "verify --osimages: a stale rootimg is named, the one that wins, too" {
	noise 7 1000 >"$I/netboot/r9/rootimg.tar.xz"
	noise 8 1000 >"$I/netboot/r9/rootimg.sfs"
	images 1
	line '  warning: stale rootimg /install/netboot/r9/rootimg.tar.xz: xCAT does not boot it: it prefers rootimg.cpio.gz, which is there, too'
	says 'stale rootimg /install/netboot/r9/rootimg.sfs'
	rm "$I/netboot/r9/rootimg.cpio.gz"
	images 1
	says 'boots rootimg.tar.xz'
	line '  warning: stale rootimg /install/netboot/r9/rootimg.sfs: xCAT does not boot it: it prefers rootimg.tar.xz, which is there, too'
	# a directory of that name is not what xCAT takes
	mkdir "$I/netboot/r9/rootimg.cpio.gz"
	images 1
	says 'boots rootimg.tar.xz'
}

@test "verify --osimages: each file that netboot needs is missed" {
	local f

	for f in netboot/r9/kernel netboot/r9/initrd-stateless.gz \
	    custom/netboot/a.pkglist custom/netboot/b.pkglist \
	    custom/netboot/a.exlist custom/netboot/a.post \
	    custom/netboot/a.synclist custom/netboot/sync/hosts \
	    postscripts/syslog postscripts/otherpkgs postscripts/custom/mine; do
		mv "$I/$f" "$T/aside"
		images 5
		first '^net: INCOMPLETE'
		says "/install/$f: not in the snapshot"
		mv "$T/aside" "$I/$f"
	done
	mv "$I/netboot/r9/rootimg.cpio.gz" "$T/aside"
	images 5
	line '  rootimg /install/netboot/r9/rootimg.*: none of the forms that xCAT boots is in the snapshot'
	: >"$I/netboot/r9/rootimg.gz"
	images 5
	line '  rootimg /install/netboot/r9/rootimg.gz: an empty file'
	rm "$C/sync/x.conf"
	images 5
	line '  synclist source "/install/custom/netboot/sync/*.conf": nothing in the snapshot matches (named by /install/custom/netboot/a.synclist, line 3)' ||
	    line '  synclist source /install/custom/netboot/sync/*.conf: nothing in the snapshot matches (named by /install/custom/netboot/a.synclist, line 3)'
	rm -r "$I/netboot/r9"
	images 5
	line '  rootimgdir /install/netboot/r9: not in the snapshot'
}

@test "verify --osimages: initrd.gz does where the other one is not" {
	mv "$I/netboot/r9/initrd-stateless.gz" "$I/netboot/r9/initrd.gz"
	images 0
}

@test "verify --osimages: includes have variables, depth and circles" {
	printf '%s\n' '#INCLUDE:$DIR/c#' '#INCLUDE:$NONE/d#' \
	    '# not this one: #INCLUDE:gone#' '#NEW_INSTALL_LIST#' >"$C/b.pkglist"
	# relative to the first list, not to the one that includes
	echo '#INCLUDE:e#' >"$C/sync/c"
	echo '#INCLUDE:a.pkglist#' >"$C/e"
	images 1
	says 'warning: pkglist .*NONE/d.*: not checked: a variable'
	line '  warning: pkglist /install/custom/netboot/a.pkglist: includes itself: xCAT would not come to an end (named by /install/custom/netboot/e)'
	echo '#INCLUDE:/install/custom/gone#' >"$C/e"
	images 5
	line '  pkglist /install/custom/gone: not in the snapshot (named by /install/custom/netboot/e)'
	local i
	for i in $(seq 1 60); do
		echo "#INCLUDE:d$((i + 1))#" >"$C/d$i"
	done
	echo '#INCLUDE:d1#' >"$C/e"
	images 1
	says 'too many includes, or too deep'
}

@test "verify --osimages: links are followed within the snapshot" {
	mkdir "$T/src/data"
	mv "$C/a.pkglist" "$T/src/data/real"
	ln -s ../../../data/real "$C/a.pkglist"
	mv "$I/netboot/r9" "$T/src/data/r9"
	ln -s /data/r9 "$I/netboot/r9"
	backed_up --volume "$T/src/data=/data"
	exits 0 xv verify --osimages "$SNAP"
	# without that volume they lead outside
	images 5
	line '  rootimgdir /install/netboot/r9: outside the snapshot: no volume holds it'
	rm "$C/a.exlist"
	ln -s a.exlist "$C/a.exlist"
	images 5
	line '  exlist /install/custom/netboot/a.exlist: its symbolic links have no end'
}

@test "verify --osimages: an install osimage" {
	os inst '"compute","linux","install",,"r9","x86_64",,,,"A=1"'
	linux inst '"/install/custom/i.tmpl","/install/custom/netboot/a.pkglist","/install/r9/x86_64,http://mirror/x","/install/custom/o.pkglist","/install/post/o",,,,"s:/install/custom/part,s:d:/install/custom/disk","dud:/install/custom/dd.img"'
	images 5
	says 'template /install/custom/i.tmpl: not in the snapshot'
	says 'pkgdir /install/r9/x86_64: not in the snapshot'
	says 'otherpkglist /install/custom/o.pkglist: not in'
	says 'otherpkgdir /install/post/o: not in'
	says 'partitionfile /install/custom/part: not in'
	says 'partitionfile /install/custom/disk: not in'
	says 'driverupdatesrc /install/custom/dd.img: not in'
	not grep -q mirror "$T/out"
	mkdir -p "$I/r9/x86_64" "$I/post/o/p"
	printf '%s\n' '#INCLUDE_DEFAULT_PKGLIST#' '# #INCLUDE_PTRNLIST:snippet#' \
	    >"$I/custom/i.tmpl"
	touch "$I/custom/o.pkglist" "$I/custom/part" "$I/custom/disk" \
	    "$I/custom/dd.img" "$I/custom/snippet"
	images 5
	line '  pkgdir /install/r9/x86_64: an empty directory'
	: >"$I/r9/x86_64/.discinfo"
	images 0
	rm "$I/custom/snippet"
	images 5
	line '  template /install/custom/snippet: not in the snapshot (named by /install/custom/i.tmpl)'
}

@test "verify --osimages: statelite needs its tree" {
	os lite '"compute","linux","statelite",,"r9","x86_64",,,,'
	linux lite ',,,,,,,"/install/netboot/r9",,'
	images 5
	line '  initrd /install/netboot/r9/initrd-statelite.gz: not in the snapshot'
	line '  rootimg tree /install/netboot/r9/rootimg: an empty directory'
	noise 9 1000 >"$I/netboot/r9/initrd-statelite.gz"
	mkdir "$I/netboot/r9/rootimg/usr"
	images 0
}

@test "verify --osimages: what is not looked into is said" {
	os off '"compute","linux","netboot",,"r9","x86_64",,,,' &&
	    sed -i 's/^\("off",.*\),,$/\1,,"1"/' "$D/osimage.csv"
	os clone '"compute","linux","sysclone",,"r9","x86_64",,,,'
	os win '"compute","windows","install",,"win11","x86_64",,,,'
	echo '"nim",,' >>"$D/nimimage.csv"
	images 0
	line 'off: not checked (netboot, r9, x86_64; disabled)'
	line 'clone: not checked (sysclone, r9, x86_64; this provmethod is not looked into)'
	line 'win: not checked (install, win11, x86_64; images of Windows are not looked into)'
	line 'nim: not checked (images of AIX are not looked into)'
	line '5 osimages: 1 complete, 0 incomplete, 4 not checked'
}

@test "verify --osimages: odd names, defaults, what comes with xCAT" {
	os 'od "" d,' '"compute","linux","netboot",,"r9","x86_64",,,,'
	linux 'od "" d,' ',"/install/custom/sp ace/l'$'\t'$'\xc3\xbc''*,relative,/opt/xcat/share/x.pkglist,/install/../install/custom/netboot/b.pkglist,/",,,,,,"",,'
	mkdir -p "$I/netboot/r9/x86_64/compute" "$I/custom/sp ace"
	cp "$I"/netboot/r9/[kir]*[lz] "$I/netboot/r9/x86_64/compute"
	images 5
	says '"od \\" d,": INCOMPLETE'
	says 'pkglist "/install/custom/sp ace/l\\tü\*": not in the snapshot'
	says 'warning: pkglist relative: not checked: a relative path'
	says 'warning: pkglist /opt/xcat/share/x.pkglist: outside the snapshot; comes with'
	says 'pkglist /: a directory, not a file'
	not grep -q 'b.pkglist' "$T/out"
	touch "$I/custom/sp ace/l"$'\t'$'\xc3\xbc''*'
	images 5
	not grep -q 'ace' "$T/out"
	exits 5 xv --json verify --osimages "$SNAP"
	jq -e '.osimages[1].osimage == "od \" d,"' "$T/out"
}

@test "verify --osimages: no dump, a dump without osimages, wrong usage" {
	exits 3 xv verify --osimages
	exits 3 xv verify --osimages --read-data latest
	take --volume "$I=/install"
	exits 3 xv verify --osimages "$SNAP"
	complains 'has no dump of the database'
	rm "$D/linuximage.csv"
	images 5
	complains 'linuximage.csv: not in the dump'
	printf '"cut' >"$D/osimage.csv"
	touch "$D/linuximage.csv"
	images 5
	complains 'osimage.csv: the table is not whole'
}

# ---------------------------------------------------------------------- drill

@test "drill: a pass, in one line, and nothing is left" {
	backed_up
	exits 0 xv drill "$SNAP"
	first "^drill $SNAP \(s\): PASS: [0-9]+ entries, .*; [0-9]+ of [0-9]+ tables, .* rows; 1 osimage: 1 complete"
	tidy
	exits 0 xv -q drill "$SNAP"
	[ ! -s "$T/out" ] && [ ! -s "$T/err" ]
	exits 0 xv --json drill latest
	equal '["pass",0,0,0]' "$(jq -c '[.result, .failures, .warnings,
	    .files.damaged_blobs]' "$T/out")"
	equal "$(jq .database.tables "$T/out")" \
	    "$(jq .database.restored "$T/out")"
	tidy
}

@test "drill: --keep leaves the files and a database that sqlite3 reads" {
	need sqlite3
	backed_up
	exits 0 xv drill "$SNAP" --keep --to "$T/here/there"
	says "^kept: $T/here/there/xcatvault-drill\.[A-Za-z0-9]{6}$"
	local kept
	kept=$(sed -n 's/^kept: //p' "$T/out")
	equal 700 "$(stat -c %a "$kept")"
	same_tree "$I" "$kept/files/install"
	same_tree "$D" "$kept/files/.dbbackup"
	equal $'n1|all,compute|booted||\nn2|all|||1\nn3|all,compute|booted|two\nlines|' \
	    "$(sqlite3 "$kept/xcatdb.sqlite" 'select * from nodelist')"
	equal 3 "$(sqlite3 "$kept/xcatdb.sqlite" \
	    'select count(*) from site where comments is null')"
}

@test "drill: one flipped byte fails, and names file and pack" {
	backed_up
	local pack id
	for pack in $(packs_of data); do
		# the largest file is in all but the last of them
		flip "$pack" $(($(stat -c %s "$pack") / 2))
		break
	done
	id=$(basename "$pack" .pack)
	exits 5 xv drill "$SNAP"
	first "^drill $SNAP \(s\): FAIL: /(install|\.dbbackup)/.*: damaged: "
	says "failure: files: /[^ ]*: damaged: .*${id:0:16}"
	tidy
	exits 5 xv --json drill "$SNAP"
	jq -e '.result == "fail" and .failures > 0 and
	    .files.damaged_blobs > 0' "$T/out"
	tidy
}

@test "drill: each pack that is damaged is found" {
	backed_up
	local pack
	for pack in $(packs); do
		cp "$pack" "$T/good"
		flip "$pack" $(($(stat -c %s "$pack") / 3))
		exits 5 xv drill "$SNAP"
		first 'FAIL: '
		cp "$T/good" "$pack"
		rm -rf "$V/damaged"/* "$T/cache"
	done
	tidy
	exits 0 xv drill "$SNAP"
}

@test "drill: an osimage that is incomplete fails, a stale rootimg warns" {
	noise 7 1000 >"$I/netboot/r9/rootimg.gz"
	backed_up
	exits 1 xv drill "$SNAP"
	first "^drill $SNAP \(s\): PASS with 1 warning: "
	says 'warning: osimages: net: stale rootimg /install/netboot/r9/rootimg.gz: '
	rm "$I/netboot/r9/kernel"
	fails 'net: kernel /install/netboot/r9/kernel: not in the snapshot'
}

@test "drill: no dump, no whole dump" {
	take --volume "$I=/install"
	exits 5 xv drill "$SNAP"
	first 'FAIL: no dump of the database in the snapshot'
	exits 0 xv drill --without-database "$SNAP"
	tidy
	rm "$D/hosts.csv"
	fails '1 of the tables that every xCAT has are missing: hosts'
	echo '#node,comments,disable' >"$D/hosts.csv"
	printf '"n1","cut' >>"$D/hosts.csv"
	fails 'hosts: '
	echo '#node,comments,disable' >"$D/hosts.csv"
	cp "$D/site.csv" "$D/site.csv.bak"
	fails 'site.csv.bak: stray: restorexCATdb would load it'
}

@test "drill: a dump that xCAT would not restore" {
	cp "$D/nodelist.csv" "$T/good"
	# bytes that xCAT writes and cannot read
	printf '"n4","\001",,,\n' >>"$D/nodelist.csv"
	fails 'nodelist: row 4: column groups: .*cannot restore'
	cp "$T/good" "$D/nodelist.csv"
	printf '"n4","\377",,,\n' >>"$D/nodelist.csv"
	fails 'nodelist: row 4: column groups: .*cannot restore'
	# rows that the database refuses
	cp "$T/good" "$D/nodelist.csv"
	echo '"n1","other",,,' >>"$D/nodelist.csv"
	fails "nodelist: row 4: column node: same key as in row 1; xCAT cannot restore"
	# and rows that become alike on the way
	cp "$T/good" "$D/nodelist.csv"
	printf "\"k\\nx\",,,,\\n\"k \\nx\",,,,\\n" >>"$D/nodelist.csv"
	fails "nodelist: row 5: the database does not take it .UNIQUE.*nodelist.node.*could not restore"
	cp "$T/good" "$D/nodelist.csv"
	equal 5 "$(grep -c '' "$D/nodelist.csv")"
	backed_up
	exits 0 xv drill "$SNAP"
}

@test "drill: what a restore is known to change is told, and no failure" {
	printf '"lossy","one  \r\n\ntwo \t\nthree",,\n' >>"$D/site.csv"
	printf '"n4  \nx","all",,,\n' >>"$D/nodelist.csv"
	backed_up
	exits 0 xv drill "$SNAP" --keep
	line '  note: database: site: 1 value comes back without carriage returns, blanks at line ends, blank lines'
	line '  note: database: nodelist: 1 value comes back without blanks at line ends'
	not grep -qi 'geheim' "$T/out" "$T/err"
	local kept
	kept=$(sed -n 's/^kept: //p' "$T/out")
	equal $'one\ntwo\nthree' "$(sqlite3 "$kept/xcatdb.sqlite" \
	    "select value from site where key = 'lossy'")"
	# shellcheck disable=SC2115
	rm -rf "$kept"
}

@test "drill: the same bytes that were proved, or a failure" {
	# the proof of a night, put into a snapshot whose dump is another one
	local file sum rows
	backed_up
	file=$(find "$V/snapshots" -name '*.json')
	for t in $CORE; do
		rows=$(grep -c '^"' "$D/$t.csv") || :
		sum=$(sha256sum "$D/$t.csv")
		jq -n --arg n "$t" --argjson r "$rows" --arg s "${sum%% *}" \
		    --argjson b "$(stat -c %s "$D/$t.csv")" \
		    '{table: $n, rows: $r, columns: 4, bytes: $b, sha256: $s}'
	done | jq -s '{dump: "whole", tables: .}' >"$T/proof"
	resealed "$file" '.database = $p[0]'
	exits 0 xv drill "$SNAP"
	not grep -q 'no proof' "$T/out"
	resealed "$(find "$V/snapshots" -name '*.json')" \
	    '.database = $p[0] | .database.tables |= map(if .table == "site"
	    then .sha256 = "00" + .sha256[2:] elif .table == "nodelist"
	    then .rows = 4 else . end)'
	exits 5 xv drill "$SNAP"
	says 'failure: database: nodelist: 3 rows; 4 were proved when'
	says 'failure: database: site: not the bytes that were proved when'
	resealed "$(find "$V/snapshots" -name '*.json')" \
	    '.database.tables += [{table: "zzz", rows: 0, columns: 1, bytes: 1,
	    sha256: .database.tables[0].sha256}]'
	exits 5 xv drill "$SNAP"
	says 'failure: database: zzz: .*the dump has not'
	# a night without a database
	resealed "$(find "$V/snapshots" -name '*.json')" \
	    '.database = {dump: "failed", reason: "disk full",
	    tables: []} |
	    .status = "partial"'
	exits 5 xv drill "$SNAP"
	first 'FAIL: the snapshot is partial, without a database: disk full'
	exits 1 xv drill "$SNAP" --without-database
}

# resealed FILE FILTER: a snapshot's file edited, under its new name; sets SNAP
resealed()
{
	local id

	jq --slurpfile p "$T/proof" "$2" "$1" >"$T/edited"
	rm "$1"
	id=$(sha256sum "$T/edited")
	SNAP=${id:0:16}
	mv "$T/edited" "${1%-*}-$SNAP.json"
}

@test "drill: no room, no directory, no such snapshot" {
	backed_up
	exits 3 xv drill
	exits 3 xv drill "$SNAP" --to ''
	exits 3 xv drill nosuch
	: >"$T/file"
	exits 2 xv drill "$SNAP" --to "$T/file/x"
	export SNAP
	private_mounts no_room
	tidy
}

no_room()
{
	small_fs "$T/tiny" 1m
	exits 2 xv drill "$SNAP" --to "$T/tiny"
	complains 'not enough space'
	equal '' "$(ls -A "$T/tiny")"
}

@test "drill: without privileges, over directories closed to their owner" {
	chmod 0500 "$I/netboot/r9"
	backed_up
	TMPDIR=$OLD_TMPDIR open_dir
	cp -r "$V" "$OPEN_DIR/vault"
	mkdir "$OPEN_DIR/tmp"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR"
	directory_only "copies the vault"
	exits 0 unprivileged env TMPDIR="$OPEN_DIR/tmp" "$OPEN_DIR/xcatvault" \
	    drill "$SNAP"
	first 'PASS'
	equal '' "$(ls -A "$OPEN_DIR/tmp")"
}

@test "drill: interrupted, it leaves nothing" {
	need_strace
	backed_up
	held_start mkdirat "$XCATVAULT" drill "$SNAP"
	held_next '"(sync|rootimg)"'
	[ -n "$(find "$T/tmp" -path "*/files/*")" ]
	kill -TERM "$HELD_PID"
	held_end
	equal 2 "$HELD_STATUS"
	tidy
}
