#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# A snapshot's database onto a management node, whatever xCAT does.

load common
load ../mn/mn
load night

# The node "a" is backed up once; each test restores onto a node of its own.
setup_file()
{
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/good T V

	shared_node
	mkdir "$BATS_TEST_TMPDIR"
	night_scratch
	site m a
	xv -q backup m
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
	[ -d "$V" ] && rm -rf "$V"
	cp -a "$BATS_FILE_TMPDIR/good/vault" "$V"
}

teardown()
{
	night_clean
}

# fresh [OPTION...]: the node "b", with an xCAT that knows of no nodes
fresh()
{
	mn_start b "$@"
	site n b
}

# put ARG...: the database onto b; sets STATUS, $T/out, $T/err
put()
{
	put_of m "$@"
}

# put_of SNAP ARG...: that of another snapshot
put_of()
{
	STATUS=0
	xv restore "$1" --site n --database-only "${@:2}" >"$T/out" \
	    2>"$T/err" || STATUS=$?
}

undo()
{
	STATUS=0
	xv undo n >"$T/out" 2>"$T/err" || STATUS=$?
}

# no_undo: nothing was kept, as nothing was touched
no_undo()
{
	equal "$(xv list --site n.undo)" '' "kept for an undo"
}

# no_trace: nothing of ours is left on b
no_trace()
{
	nothing_left b
	equal "$(on mn_sh b sh -c 'ls -d /.xcatvault* 2>/dev/null')" ''
}

# --- without trouble ------------------------------------------------------------

@test "a database comes back on another node, is proved, and can be undone" {
	fresh
	database b >"$T/before"
	put
	ended 0
	said '^database: 71 tables, [0-9]+ rows: restored, dumped again, and as in the snapshot'
	said '^the way back: xcatvault undo n \(snapshot [0-9a-f]{16}\)$'
	same_database a b
	no_trace
	xv verify --read-data >/dev/null
	xv list --site n.undo | grep -q n.undo
	# what a restore keeps is nobody's latest backup
	xv ls latest /install >/dev/null
	# once more: nothing to do
	put
	ended 0
	said 'all as in the snapshot already'
	undo
	ended 0
	said 'restored, dumped again, and as in the snapshot'
	database b >"$T/after"
	diff "$T/before" "$T/after"
	no_trace
	# an undo can be undone
	undo
	ended 0
	same_database a b
}

@test "a dry run changes nothing, and tells of each table" {
	fresh
	database b >"$T/before"
	put --dry-run
	ended 0
	said '^database: 71 tables with [0-9]+ rows to restore'
	said '^  nodelist +[0-9]+ rows in place of 0'
	put --dry-run --json
	ended 0
	equal "$(jq -r '.tables[] | select(.table == "nodelist") | .restore' "$T/out")" true
	database b >"$T/after"
	diff "$T/before" "$T/after"
	no_undo
	no_trace
}

@test "single tables" {
	fresh
	put --table nodelist,hosts
	ended 0
	said '^database: 2 tables'
	same_database a b nodelist hosts
	equal "$(database b mac)" '' mac
	put --table nodelist --table nosuch
	ended 3 'nosuch: no such table'
	put --table 'no such'
	ended 3 'names of tables'
}

@test "JSON" {
	fresh
	put --json
	ended 0
	equal "$(jq -r '"\(.agrees) \(.compared) \(.differ) \(.restore) \(.left_out)"' "$T/out")" \
	    'true true 0 71 0'
	[[ $(jq -r .undo "$T/out") =~ ^[0-9a-f]{16}$ ]]
}

@test "values that xCAT itself changes are counted, and no difference" {
	node c
	site c c
	on mn_sh c sh -c 'printf "#key,value,comments,disable\n\"long\",\"a  \n\n\nb\",,\n\"master\",\"10.0.0.1\",,\n" >/tmp/site.csv
	    XCATBYPASS=1 tabrestore /tmp/site.csv
	    sqlite3 /etc/xcat/site.sqlite "update site set value = \"x  \" || char(10) || char(10) || \"y\" where key = \"long\""'
	xv -q backup c || :
	fresh
	put_of c
	ended 0
	said 'but for blanks, blank lines or CR in 1 value, which xCAT drops'
	put_of c
	ended 0
	said 'all as in the snapshot already'
}

# --- what must not be -------------------------------------------------------------

@test "a node in use is refused without --force, with what would be lost" {
	node b
	on mn_sh b chtab node=mine nodelist.groups=all
	site n b
	database b >"$T/before"
	put
	ended 2 'has nodes, and rows that would be lost.*nodelist: 1 row'
	database b >"$T/after"
	diff "$T/before" "$T/after"
	no_undo
	put --force
	ended 0
	same_database a b
	undo
	ended 0
	database b >"$T/after"
	diff "$T/before" "$T/after"
}

@test "a column that the target's schema lacks" {
	fresh
	on mn_sh b sed -i 's/^\(mac .*\),comments,disable/\1,disable/' /opt/xcat/share/xcat/mn/schema.txt
	put
	ended 1 'mac.csv: .*no column comments, and would be left locked'
	said '1 table left out'
	same_database a b nodelist hosts
	equal "$(on mn_sh b sh -c 'ls /run/mn/wedge 2>/dev/null')" '' wedged
	put --force
	ended 1 'mac.csv: .*without column comments'
	said '^database: 71 tables'
	[ "$(on mn_sh b sqlite3 /etc/xcat/mac.sqlite 'select count(*) from mac')" -gt 0 ]
	equal "$(on mn_sh b sh -c 'ls /run/mn/wedge 2>/dev/null')" '' wedged
}

@test "a table that the target has not" {
	fresh
	on mn_sh b sed -i '/^hosts /d' /opt/xcat/share/xcat/mn/schema.txt
	put
	ended 1 "hosts.csv: .*the target's xCAT has no such table"
	same_database a b nodelist
}

@test "tables that xCAT could not restore are left out, and said" {
	node c
	site c c
	mn_fault c dump=badbytes
	night c
	ended 1
	fresh
	put_of c
	ended 1 '/site.csv: left out: '
	said '1 table left out'
	said '70 tables, .* as in the snapshot'
	database c nodelist >"$T/c.db"
	database b nodelist >"$T/b.db"
	diff "$T/c.db" "$T/b.db"
}

@test "no dump, no undo, no site: one line each" {
	fresh
	mkdir "$T/d"
	xv -q backup --site plain --volume "$T/d=/install"
	exits 3 xv restore plain --site n --database-only
	undo
	ended 3 'no undo of n is kept'
	exits 3 xv restore m --database-only
	exits 3 xv restore m --site nobody --database-only
	exits 3 xv restore m /install --site n --database-only
	exits 3 xv undo
	exits 3 xv restore m --site n --database-only --rehome x
	exits 3 xv restore m --site n --database-only --on-start --table site
}

# --- what xCAT does ------------------------------------------------------------

@test "tables that restorexCATdb loses with status 0 are found" {
	fresh
	mn_fault b restore=lose
	put
	ended 5
	said 'hosts.csv.*is missing'
	said '^database: NOT as in the snapshot: [0-9]+ rows differ'
	said '^the way back: xcatvault undo n'
	no_trace
	mn_fault b clear
	put
	ended 0
	same_database a b
}

@test "xcatd that stops midway" {
	fresh
	mn_fault b restore=midway:3
	put
	ended 5
	said 'restorexCATdb: .*Error'
	said 'NOT as in the snapshot'
	no_trace
	mn_fault b clear
	put
	ended 0
	same_database a b
}

@test "restorexCATdb that hangs is ended" {
	fresh
	mn_fault b restore=hang
	put
	ended 5
	said 'restorexCATdb did not end within 3 seconds'
	said 'NOT as in the snapshot'
	no_trace
	mn_fault b clear
	undo
	ended 0
}

@test "xcatd that is down: XCATBYPASS=1, and said" {
	fresh
	mn_fault b xcatd=down
	put
	ended 1 'XCATBYPASS=1'
	said 'restored, dumped again, and as in the snapshot'
	same_database a b
	no_trace
}

@test "a wedged xcatd is seen and restarted" {
	node b
	site n b
	on mn_sh b chtab node=mine nodelist.groups=all
	# a file without its header is what leaves it so
	on mn_sh b sh -c ': >/tmp/nodelist.csv; tabrestore /tmp/nodelist.csv || :
	    [ -e /run/mn/wedge/nodelist ]'
	put
	ended 2 'has nodes, and rows that would be lost.*nodelist: 1 row'
	said 'xcatd is stuck'
	said 'xcatd restarted'
	equal "$(on mn_sh b sh -c 'ls /run/mn/wedge 2>/dev/null')" '' wedged
	put --force
	ended 0
	same_database a b
}

@test "a target that cannot be dumped: no way back, so only with --force" {
	fresh
	mn_fault b dump=diskfull:100
	put
	ended 2 'no way back'
	no_trace
}

@test "--force where one table cannot be read: it stays, and the others are proved" {
	fresh
	put
	ended 0
	on mn_sh b chtab node=x1 nodelist.groups=lost
	on mn_sh b chtab node=x1 hosts.ip=10.1.1.1
	mn_fault b dump=truncated:hosts
	put --force
	ended 1
	said 'hosts.csv: left out: the target.s own table cannot be read'
	said 'database: there is no undo for what goes or changes .nodelist: 1 row.: hosts'
	said 'the second dump is not whole: hosts'
	said '^database: 70 tables, [0-9]+ rows: restored, dumped again, and as in the snapshot; 1 table left out$'
	no_trace
	# what was put there is what has to be proved
	mn_fault b clear
	put --force
	on mn_sh b chtab node=x1 nodelist.groups=lost
	mn_fault b dump=truncated:hosts restore=lose:nodelist
	put --force
	ended 5
	said 'nodelist.csv.*x1'
}

# --- at the container's next start ------------------------------------------------

@test "only published, for the container to load" {
	fresh
	database b >"$T/before"
	put --on-start
	ended 0
	said '71 tables published to /.dbbackup, nothing restored'
	database b >"$T/after"
	diff "$T/before" "$T/after"
	proper_dbbackup b
	no_trace
	mn_reborn b
	same_database a b
}

# --- under another name ---------------------------------------------------------

@test "rows with the old name are listed, and edited" {
	local old

	node c --hostname old1
	on mn_sh c sh -c 'chtab key=master site.value=10.9.0.1
	    chtab key=nameservers site.value=10.9.0.1,10.9.0.11
	    chtab node=x1 noderes.xcatmaster=old1 noderes.nfsserver=10.9.0.1
	    chtab node=x1 nodelist.groups=all
	    chtab key=k passwd.username=root passwd.password=old1'
	site c c
	xv -q backup c || :
	fresh --hostname new1
	put_of c --dry-run
	ended 0
	said '^site: master: value 10\.9\.0\.1$'
	said '^site: nameservers: value 10\.9\.0\.1,10\.9\.0\.11$'
	said '^noderes: x1: xcatmaster old1$'
	said '^ *[0-9]+\. .*makedhcp -n; makedhcp -a$'
	unsaid 'passwd.*old1'
	# rows only: the node stays who it is
	put_of c --dry-run --table noderes
	ended 0
	said '^noderes: x1: xcatmaster old1$'
	unsaid '^left to be done'
	put_of c --dry-run --table noderes,site
	ended 0
	said '^left to be done'
	old=$(database c nodelist)
	put_of c --rehome old1=new1 --rehome 10.9.0.1=10.8.0.1
	ended 0
	said '^site: nameservers: value 10\.9\.0\.1,10\.9\.0\.11 -> 10\.8\.0\.1,10\.9\.0\.11$'
	said '^noderes: x1: xcatmaster old1 -> new1$'
	said 'values with another name'
	equal "$(on mn_sh b sqlite3 /etc/xcat/site.sqlite "select value from site where key in ('master','nameservers') order by key")" \
	    $'10.8.0.1\n10.8.0.1,10.9.0.11'
	equal "$(on mn_sh b sqlite3 /etc/xcat/noderes.sqlite "select xcatmaster, nfsserver from noderes where node = 'x1'")" \
	    'new1|10.8.0.1'
	equal "$(on mn_sh b sqlite3 /etc/xcat/passwd.sqlite "select password from passwd where key = 'k'")" old1
	equal "$(database b nodelist)" "$old"
}

# --- the container ----------------------------------------------------------------

@test "a compose file of the container that a snapshot describes" {
	mkdir -p "$T/x/docker" "$T/plain"
	cat >"$T/x/docker/container.json" <<-'END'
	[{"Id": "ab", "Name": "/xcatmn", "Config": {"Hostname": "mn1",
	  "Domainname": "cluster.test", "Image": "xcat:2.19",
	  "Env": ["PW=a $x: \"y\""]},
	  "HostConfig": {"Privileged": true},
	  "NetworkSettings": {"Networks": {"mgtnet": {"IPAMConfig":
	    {"IPv4Address": "10.0.0.2"}}}}}]
	END
	echo '[{"Os": "linux", "Architecture": "amd64"}]' >"$T/x/docker/image.json"
	xv -q backup --site full --volume "$T/x=/.xcatvault"
	exits 0 xv restore full --compose
	grep -qx '    image: "xcat:2.19"' "$T/out"
	grep -qx '    platform: "linux/amd64"' "$T/out"
	grep -qx '      - "PW=a $$x: \\"y\\""' "$T/out"
	grep -qx '        ipv4_address: "10.0.0.2"' "$T/out"
	exits 0 xv restore full --compose -o "$T/docker-compose.yml"
	equal "$(stat -c %a "$T/docker-compose.yml")" 600
	cmp "$T/docker-compose.yml" <(xv restore full --compose)
	xv -q backup --site plain --volume "$T/plain=/install"
	exits 3 xv restore plain --compose
	echo '{}' >"$T/x/docker/container.json"
	xv -q backup --site full --volume "$T/x=/.xcatvault"
	exits 5 xv restore full --compose
}
