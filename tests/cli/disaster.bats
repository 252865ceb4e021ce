#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# A node is lost, and its vault brings it back: files and database as one, what
# goes wrong on the way, and the way back.  (Files alone: onto.bats; the
# database alone: dbput.bats; proofs without a node: drill.bats.)

load common
load ../mn/mn
load night

# The node "a" is backed up once, with all that belongs to it.
setup_file()
{
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/good T V

	shared_node
	mkdir "$BATS_TEST_TMPDIR"
	night_scratch
	site m a 'profile = "full";'
	xv -q backup m || [ $? -eq 1 ]
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	# nothing but the vault: no cache of what was backed up
	rm -rf "$V" "$T/cache"
	cp -a "$BATS_FILE_TMPDIR/good/vault" "$V"
}

teardown()
{
	night_clean
}

# fresh [OPTION...]: the node "b", just installed; site "n".  One key opens both,
# as it does where one host backs up several.
fresh()
{
	mkdir -p "$T/mn/b/ssh"
	cp "$BATS_FILE_TMPDIR"/mn/a/ssh/id_ed25519* "$T/mn/b/ssh/"
	mn_start b "$@"
	site n b
}

# agreed: to b's host key, which came with /etc/ssh
agreed()
{
	local port

	port=$(cat "$(mn_folder b)/port")
	sed -i "/:$port\]/d" "$T/ssh/known_hosts"
	echo "[127.0.0.1]:$port $(cat "$(mn_path b \
	    /etc/ssh/ssh_host_ed25519_key.pub)")" >>"$T/ssh/known_hosts"
}

# comes STATUS ARG...: the restore of m onto b
comes()
{
	exits "$1" xv restore m --site n "${@:2}"
}

# same_volumes PATH...: on b as on a, for rsync
same_volumes()
{
	local v

	for v; do
		same_tree "$(mn_folder a)/root$v" "$(mn_folder b)/root$v" \
		    --exclude='.xcatvault-old-*'
	done
}

# undo_of SITE: the ids of those that are kept
undo_of()
{
	xv list --site "$1.undo" | awk '{ print $1 }'
}

# in_place NAME <SCRIPT: a command of b's, in which REAL is its own
in_place()
{
	local at

	at=$(mn_path b "/opt/xcat/sbin/$1")
	mv "$at" "$at.real"
	sed "s,REAL,/opt/xcat/sbin/$1.real," >"$at"
	chmod 755 "$at"
}

# cut_when CONDITION...: the connections, once it holds in b's root
cut_when()
{
	local tries=0

	(
		cd "$(mn_path b /)" || exit
		until "$@"; do
			tries=$((tries + 1))
			[ $tries -lt 400 ] || exit
			sleep 0.05
		done
		mn_cut b
	) 3>&- &
}

some_tables()
{
	[ "$(find etc/xcat -name '*.sqlite' | wc -l)" -ge 5 ]
}

# edited: some tables, since the mark
edited()
{
	[ "$(find etc/xcat -name '*.sqlite' -newer "$T/mark" | wc -l)" -ge 4 ]
}

# --- all of it --------------------------------------------------------------------

@test "a lost node comes back from the vault alone, is proved, and can be undone" {
	fresh --hostname mn2
	database b >"$T/before"
	comes '0|1' --dry-run
	says '^step 1 +keep the database that is there, for undo'
	# another host: each row with the old name is shown, and what to do
	says '^noderes: cn010: xcatmaster 10\.99\.0\.1$'
	says '^noderes: and 14 more \(-v shows them\)$'
	unsaid '^noderes: cn011'
	says '^servicenode: mn1'
	says '^ *[0-9]+\. .*makedns'
	equal "$(xv list --site n.undo)" ''
	comes '0|1' --keep-old
	said '^database: 71 tables, [0-9]+ rows: restored, dumped again, and as'
	said '^the way back: xcatvault undo n \(snapshot [0-9a-f]{16}\)$'
	same_database a b
	equal "$(find "$(mn_path b /)" -maxdepth 1 -name '.xcatvault*')" ''
	same_volumes /install /var/log/xcat /tftpboot
	# xcatd works in it
	equal "$(rsync -aHAXOn --checksum --delete -i --exclude='*.sqlite' \
	    "$(mn_folder a)/root/etc/xcat/" "$(mn_path b /etc/xcat/)")" ''
	judged_by_tar "$(mn_folder a)/root/install" "$(mn_path b /install)"
	said '/etc/ssh: note: the node has the host key of the snapshot now'
	exits 2 xv undo n
	complains 'host key has CHANGED'
	agreed
	# once more: nothing to do
	comes '0|1' --keep-old
	said 'restored /install: 0 created, 0 replaced'
	said '^database: 71 tables, all as in the snapshot already'
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "the database's files are left to xcatd, in a volume of this host, too" {
	local at way inodes

	fresh
	at=$(mn_path b /etc/xcat)
	site w a 'volumes = ( { path = "/etc/xcat"; } );'
	site v b 'volumes = ( { path = "/etc/xcat"; local = "'"$at"'"; } );'
	night w
	ended 0
	exits 0 xv restore w --site n --database-only
	exits 0 xv undo n
	# a table that only this xCAT has, and what xcatd is writing
	echo x | tee "$at/own.sqlite" "$at/own.sqlite-journal" >/dev/null
	echo x >"$at/too-much"
	inodes=$(stat -c "%i %n" "$at"/*.sqlite*)
	for way in n v; do
		echo newer >"$at/cfgloc"
		exits 2 xv restore w --site "$way" --exact
		complains "2 files .* /etc/xcat/(cfgloc|too-much) among them: use"
		exits '0|1' xv restore w --site "$way" --exact --force
		said "^note      1[0-9] files of xCAT's database .* are left alone"
		said "^delete /etc/xcat/too-much$"
		said "^database: 71 tables, [0-9]+ rows: restored"
		equal "$(stat -c "%i %n" "$at"/*.sqlite*)" "$inodes"
		[ ! -e "$at/cfgloc" ]
		echo x >"$at/too-much"
		exits 0 xv undo "$way"
	done
	# files only: as they are, which is said
	exits '0|1' xv restore w --site v --without-database --force --dry-run
	said "^note      1[0-9] files of xCAT's database .* will be put there"
}

@test "the plan and what came of it as JSON" {
	fresh
	comes '0|1' --json --force
	equal "$(jq -r '.steps[0]' "$T/out")" \
	    'keep the database that is there, for undo'
	equal "$(jq -r '.result.database | "\(.agrees) \(.undo_anew) \(.differ)"' \
	    "$T/out")" 'true true 0'
	[ "$(jq '.result.database | .xcat_seconds > .own_seconds' "$T/out")" = true ]
	equal "$(undo_of n)" \
	    "$(jq -r .result.database.undo "$T/out")"
}

@test "a host key that comes is told, also alone; none that does not" {
	fresh
	exits 0 xv restore m --site n /etc/ssh/sshd_config
	unsaid 'host key'
	site e a 'volumes = ( "/etc" );'
	night e
	exits '0|1' xv restore e --site n '/etc/ssh/ssh_host_*' --force
	said '/etc/ssh: note: the node has the host key of the snapshot now'
	agreed
	exits 0 xv restore e --site n '/etc/ssh/ssh_host_*'
	unsaid 'host key'
}

@test "a host key that the vault has lost is none that the node has" {
	local file
	fresh
	rm -rf "$V"
	new_vault small
	site k a 'volumes = ( "/etc/ssh" );'
	night k
	exits 0 xv restore k --site n /etc/ssh/sshd_config --force
	unsaid 'host key'
	for file in $(packs_of data); do
		flip "$file" $(($(stat -c %s "$file") / 2))
	done
	exits 5 xv restore k --site n /etc/ssh --force
	unsaid 'host key'
}

# --- the undo comes first -------------------------------------------------------------

@test "cut while the volumes come: the undo is there, and kept once" {
	local undo
	fresh
	on mn_sh b chtab node=mine nodelist.groups=all
	database b >"$T/before"
	# one that unpacks never comes to its end
	cat >"$(mn_path b /../usr-local/bin/tar)" <<-'END'
	#!/bin/sh
	case $* in
	*--extract*) : >/tmp/cut-me; exec sleep 60 ;;
	esac
	exec /usr/bin/tar "$@"
	END
	chmod 755 "$(mn_path b /../usr-local/bin/tar)"
	xv restore m --site n --force >"$T/out" 2>"$T/err" 3>&- &
	until [ -e "$(mn_path b /tmp/cut-me)" ]; do
		sleep 0.05
	done
	pkill -KILL -P $!
	mn_cut b
	not wait $!
	database b >"$T/after"
	diff "$T/before" "$T/after"
	undo=$(undo_of n)
	[[ $undo =~ ^[0-9a-f]{16}$ ]]
	exits 0 xv undo n
	said 'all as in the snapshot already'
	database b >"$T/after"
	diff "$T/before" "$T/after"
	rm "$(mn_path b /../usr-local/bin/tar)"
	comes '0|1' --force
	said 'they are not stored twice'
	said "^the way back: xcatvault undo n \(snapshot $undo, kept before\)"
	same_database a b
	agreed
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "cut during restorexCATdb: a rerun completes, and undo leads to the first state" {
	local undo
	fresh
	on mn_sh b chtab key=master site.value=10.8.0.1
	database b >"$T/before"
	mn_fault b restore=hang:9
	cut_when some_tables
	exits 2 xv restore m --site n --database-only
	complains 'the database may be restored in part \(run it again, or "xcatvault undo n"\)'
	wait
	mn_fault b clear
	nothing_left b
	not same_database a b >/dev/null
	undo=$(undo_of n)
	# it has nodes now, but none that would be lost
	exits 0 xv restore m --site n --database-only
	said "they are not stored twice"
	said "^the way back: xcatvault undo n \(snapshot $undo, kept before\)"
	same_database a b
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "an undo that is cut short is completed by a plain one; the next takes it back" {
	local first back

	fresh
	on mn_sh b chtab key=master site.value=10.8.0.1
	database b >"$T/before"
	exits 0 xv restore m --site n --database-only
	first=$(undo_of n)
	on mn_sh b chtab node=cn001 nodelist.groups=mine
	database b >"$T/restored"
	: >"$T/mark"
	mn_fault b restore=hang:5
	cut_when edited
	exits 2 xv undo n
	complains "run \"xcatvault undo n $first\" again"
	wait
	mn_fault b clear
	database b >"$T/after"
	not diff "$T/restored" "$T/after" >/dev/null
	back=$(undo_of n | grep -v "$first")
	exits 0 xv undo n --dry-run
	said "the undo to snapshot $first was cut short: it is completed"
	exits 0 xv undo n
	said "the undo to snapshot $first was cut short: it is completed"
	said "^the way back: xcatvault undo n \(snapshot $back, kept before\)"
	database b >"$T/after"
	diff "$T/before" "$T/after"
	# it is whole: that it is to be taken back is what a second one means
	exits 0 xv undo n
	unsaid 'was cut short'
	database b >"$T/after"
	diff "$T/restored" "$T/after"
	equal "$(undo_of n | wc -l)" 3
	# before anything was restored
	in_place restorexCATdb <<-'END'
	#!/bin/sh
	: >/run/begun
	sleep 60
	END
	cut_when test -e run/begun
	exits 2 xv undo n "$first"
	wait
	mv "$(mn_path b /opt/xcat/sbin/restorexCATdb.real)" \
	    "$(mn_path b /opt/xcat/sbin/restorexCATdb)"
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "a database that changes while the volumes come: said, and undone to the first" {
	fresh
	database b >"$T/before"
	cat >"$(mn_path b /../usr-local/bin/tar)" <<-'END'
	#!/bin/sh
	case $* in
	*--extract*)
		(. /etc/profile.d/xcat.sh; chtab key=new site.value=x) </dev/null
		;;
	esac
	exec /usr/bin/tar "$@"
	END
	chmod 755 "$(mn_path b /../usr-local/bin/tar)"
	exits '0|1' xv restore m --site n /install --table site,nodelist
	said "target's tables have changed since the undo was kept"
	said '^database: 2 tables, .* as in the snapshot$'
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

# midway <SCRIPT: what happens on b when the first files come
midway()
{
	{
		printf '%s\n' '#!/bin/sh' 'case $* in' \
		    '*--extract*) (. /etc/profile.d/xcat.sh'
		cat
		printf '%s\n' ') </dev/null ;;' 'esac' \
		    'exec /usr/bin/tar "$@"'
	} >"$(mn_path b /../usr-local/bin/tar)"
	chmod 755 "$(mn_path b /../usr-local/bin/tar)"
}

@test "a database that is in use when its turn comes: said, and as it was" {
	fresh
	midway <<-'END'
	chtab node=n1 nodelist.groups=all
	chtab node=n2 nodelist.groups=all
	END
	exits 2 xv restore m --site n /install --table nodelist
	complains 'has nodes, and rows that would be lost.*the files are restored, the database is as it was\): nodelist: 2 rows'
	same_volumes /install
	equal "$(database b nodelist | cut -d'|' -f2 | tr '\n' ' ')" 'n1 n2 '
}

@test "a database that cannot be dumped when its turn comes: there is the undo" {
	fresh
	database b >"$T/before"
	midway <<-'END'
	echo dump=missing-table:hosts >/run/mn/faults
	END
	exits 1 xv restore m --site n /install --table site,nodelist
	said 'tables are still those of the undo is not known'
	said 'second dump is not whole: hosts'
	said '^database: 2 tables, .* dumped again, and as in the snapshot$'
	said '^the way back: xcatvault undo n'
	mn_fault b clear
	same_database a b site nodelist
	exits 0 xv undo n
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "cut during the second dump: it is restored, a rerun proves it" {
	fresh
	in_place dumpxCATdb <<-'END'
	#!/bin/sh
	echo >>/tmp/dumps
	[ $(wc -l </tmp/dumps) -ne 2 ] || { : >/tmp/cut-me; exec sleep 60; }
	exec REAL "$@"
	END
	cut_when test -e tmp/cut-me
	exits 2 xv restore m --site n --database-only
	complains 'the database is restored, but not compared: .*(connection|lost)'
	wait
	same_database a b
	nothing_left b
	exits 0 xv restore m --site n --database-only
	said '^database: 71 tables, all as in the snapshot already'
	exits 0 xv undo n
}

# --- xcatd ------------------------------------------------------------------------

@test "xcatd that is stopped is started when it can be, and that is told" {
	fresh
	on mn_sh b xcatd-service stop
	exits 0 xv restore m --site n --database-only
	said 'xcatd does not answer: restored with XCATBYPASS=1'
	said 'xcatd did not answer; it has been started and does'
	on mn_sh b xcatd-service status
	same_database a b
	# with nothing to restore, too
	on mn_sh b xcatd-service stop
	exits 0 xv restore m --site n --database-only
	said 'it has been started'
	on mn_sh b xcatd-service status
}

@test "xcatd that cannot be started: all is restored, and status 1" {
	fresh
	mn_fault b xcatd=down
	comes 1 --keep-old
	said 'xcatd cannot be started and does not answer'
	said '^database: 71 tables, .*restored, dumped again, and as in'
	same_database a b
}

@test "xcatd that answers, but cannot be restarted: said, and status 1" {
	fresh
	in_place xcatd-service <<-'END'
	#!/bin/sh
	[ "$1" != restart ] || exit 1
	exec REAL "$@"
	END
	exits 1 xv restore m --site n --database-only
	said 'xcatd answers, but could not be restarted'
	unsaid 'xcatd restarted'
	said '^database: 71 tables, .*restored, dumped again, and as in'
	same_database a b
}

@test "a wedged xcatd is restarted before the plan is made" {
	fresh
	on mn_sh b chtab node=mine nodelist.groups=all
	on mn_sh b sh -c ': >/tmp/nodelist.csv; tabrestore /tmp/nodelist.csv || :
	    [ -e /run/mn/wedge/nodelist ]'
	exits 1 xv restore m --site n --dry-run --keep-old
	said 'xcatd is stuck'
	on mn_sh b test -e /run/mn/wedge/nodelist
	comes 2 --keep-old
	said 'xcatd restarted'
	said 'the database there is in use and differs: [0-9]+ of its rows'
	comes '0|1' --keep-old --force
	same_database a b
	agreed
	exits 0 xv undo n
	equal "$(database b nodelist | cut -d'|' -f2)" mine
}

# --- one osimage ------------------------------------------------------------------

@test "--image brings its rows, too, and leaves all others alone" {
	local image=rocky9.4-x86_64-netboot-compute undo
	fresh
	touch -r "$(mn_folder a)/root/install" "$T/stamp"
	# its lists lie behind a link on a
	on mn_sh a sh -c 'mv /install/custom /install/own && ln -s own /install/custom
	    chtab image=$1 litefile.file=/etc/x litefile.options=rw' sh "$image"
	site c a
	night c
	on mn_sh a sh -c 'rm /install/custom && mv /install/own /install/custom
	    chtab -d image=$1 litefile' sh "$image"
	touch -r "$T/stamp" "$(mn_folder a)/root/install"
	on mn_sh b sh -c 'chtab imagename=mine osimage.profile=p
	    chtab imagename=$1 linuximage.nodebootif=eth9
	    chtab node=n1 nodelist.groups=all' sh "$image"
	exits '0|1' xv restore "$SNAP" --site n --image "$image" --dry-run -v
	says '^  osimage +1 row of it among 1$'
	says '^  litefile +1 row of it among 0$'
	# its own row would change there
	exits 2 xv restore "$SNAP" --site n --image "$image"
	complains 'in use and differs: 1 of its rows'
	exits '0|1' xv restore "$SNAP" --site n --image "$image" --force
	said '^undo: '
	said '^database: 3 tables, 3 rows: restored, dumped again, and as'
	unsaid '^left to be done'
	undo=$(undo_of n)
	equal "$(database b osimage | cut -d'|' -f2 | tr '\n' ' ')" "mine $image "
	equal "$(database b osimage | grep "$image")" \
	    "$(database a osimage | grep "$image")"
	equal "$(database b linuximage)" "$(database a linuximage | grep "$image")"
	equal "$(database b litefile | cut -d'|' -f2-4)" "$image|/etc/x|rw"
	equal "$(database b nodelist | cut -d'|' -f2)" n1
	equal "$(database b site)" ''
	equal "$(readlink "$(mn_path b /install/custom)")" own
	[ -e "$(mn_path b /install/custom/netboot/rocky/common.pkglist)" ]
	exits '0|1' xv restore "$SNAP" --site n --image "$image"
	said '^database: 3 tables, all as in the snapshot already'
	# what was done since is no part of a restore that was cut short
	on mn_sh b sh -c 'chtab imagename=later osimage.profile=p
	    chtab -d image=$1 litefile' sh "$image"
	exits '0|1' xv restore "$SNAP" --site n --image "$image"
	said "^undo: the target's [0-9]+ tables are kept"
	exits 0 xv undo n
	equal "$(database b osimage | cut -d'|' -f2 | tr '\n' ' ')" \
	    "later mine $image "
	equal "$(database b litefile)" ''
	exits 0 xv undo n "$undo"
	equal "$(database b osimage | cut -d'|' -f2)" mine
	exits '0|1' xv restore "$SNAP" --site n --image "$image" \
	    --without-database --force
	equal "$(database b osimage | cut -d'|' -f2)" mine
	exits 3 xv restore "$SNAP" --site n --image "$image" --table hosts
}

# --- another name -----------------------------------------------------------------

@test "under another name: files and database as one" {
	fresh --hostname mn2
	comes '0|1' --keep-old --rehome mn1=mn2 --rehome 10.99.0.1=10.98.0.1
	said '^servicenode: mn1: node mn1 -> mn2$'
	said '^site: master: value 10\.99\.0\.1 -> 10\.98\.0\.1$'
	said 'as in the snapshot; [0-9]+ values with another name'
	said '^ *[0-9]+\. .*xcatconfig -c'
	equal "$(database b servicenode | cut -d'|' -f2)" mn2
	equal "$(on mn_sh b sqlite3 /etc/xcat/noderes.sqlite \
	    'select distinct xcatmaster from noderes')" 10.98.0.1
	same_volumes /install
}

# --- a bad snapshot ----------------------------------------------------------------

@test "a partial snapshot: refused, its files all the same, and said" {
	on mn_fault a dump=diskfull
	site p a
	night p
	ended 1
	on mn_fault a clear
	fresh
	exits 2 xv restore p --site n
	complains 'the snapshot is partial; .*use --force, or --without-database'
	exits 3 xv restore p --site n --database-only
	complains 'has no dump of the database: '
	equal "$(xv list --site n.undo)" ''
	exits '0|1' xv restore p --site n --without-database
	same_volumes /install
	exits 5 xv drill p
}

@test "damage in the middle: the rest comes back, the loss is listed" {
	local file lost
	rm -rf "$V"
	new_vault small
	site s a
	night s
	fresh
	# two packs with contents, the tables' own among them
	for file in $(packs_of data); do
		flip "$file" $(($(stat -c %s "$file") / 2))
	done
	exits 5 xv restore s --site n --keep-old
	said 'damaged'
	lost=$(grep -c 'damaged' "$T/err")
	[ "$lost" -gt 0 ]
	said '^restored /install: [1-9][0-9]* created'
	said '^database: '
	[ "$(find "$(mn_path b /install)" -type f | wc -l)" -gt 5 ]
	# what is there is right
	(cd "$(mn_path b /install)" && find . -type f -print0) |
	    (cd "$(mn_folder a)/root/install" && xargs -0 sha256sum) >"$T/sums"
	(cd "$(mn_path b /install)" && sha256sum --quiet -c "$T/sums")
}

# --- the drill ---------------------------------------------------------------------

@test "a drill of a node's snapshot: a pass, and a fail after one flipped byte" {
	local pack
	exits 5 xv drill m
	said '^drill .* FAIL: norootimg: rootimg /install/netboot/rocky9.4/x86_64/broken'
	on mn_sh a sh -c 'for t in osimage linuximage; do
	    chtab -d imagename=norootimg $t; done'
	site m a
	night m
	exits '0|1' xv drill m
	said '^drill .* PASS: '
	pack=$(packs_of data | head -n 1)
	flip "$pack" $(($(stat -c %s "$pack") / 2))
	exits 5 xv drill m
	said '^drill .*FAIL'
}
