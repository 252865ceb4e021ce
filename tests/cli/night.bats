#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# A site's night: what becomes of the database, whatever xCAT does.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
	good_night
	slow_faults
}

teardown_file()
{
	shared_stop
}

setup()
{
	night_scratch
}

teardown()
{
	night_clean
}

good_night()
{
	local BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR/good T V

	mkdir "$BATS_TEST_TMPDIR"
	night_scratch
	site m a
	xv -q backup m
}

# Commands of xCAT's that hang cost the time that they are given; meanwhile
# other tests run.
slow_faults()
{
	local T=$BATS_FILE_TMPDIR switch

	for switch in tabdump lsxcatd; do
		mn_start "$switch"
		mn_populate "$switch"
		mn_sh "$switch" dumpxCATdb -p /.dbbackup
		mn_sh "$switch" sh -c 'chmod 600 /.dbbackup/*'
		mn_fault "$switch" "$switch=hang"
		(
			T=$T/slow-$switch
			BATS_TEST_TMPDIR=$T
			mkdir "$T"
			night_scratch
			site m "$switch"
			dbbackup "$switch" >"$T/before"
			night m
			dbbackup "$switch" >"$T/after"
			echo "$STATUS $SNAP" >"$T/ended.new"
			mv "$T/ended.new" "$T/ended"
		) >"$T/slow-$switch.log" 2>&1 3>&- 4>&- &
	done
}

# slow SWITCH: what became of it
slow()
{
	local tries=0

	T=$BATS_FILE_TMPDIR/slow-$1
	V=$T/vault
	XCATVAULT_VAULT=$(vault_name "$V")
	export XCATVAULT_CACHE=$T/cache
	while [ ! -e "$T/ended" ] && [ $tries -lt 900 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	read -r STATUS SNAP <"$T/ended" || {
		cat "$T.log"
		return 1
	}
}

# --- a night without trouble ---------------------------------------------------

@test "a night is stored, described and published, and leaves nothing behind" {
	site m a
	night m
	ended 0
	equal "$(cat "$T/err")" ''
	grep -Eq "^snapshot [0-9a-f]{16} m complete: 3 volumes, .*; database of 71 tables, [0-9]+ rows$" "$T/out"
	equal "$(wc -l <"$T/out")" 1
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
	equal "$(json "$SNAP" '"\(.status) \(.database.dump) \(.database.bypass) \(.database.tables | length) \(.reports | length)"')" \
	    'complete whole false 71 0'
	equal "$(json "$SNAP" '"\(.node.hostname) \(.node.xcat | split(" ")[0]) \(.node.arch) \(.node.database)"')" \
	    "mn1 2.19.0 $(uname -m) SQLite"
	[[ $(json "$SNAP" .node.fingerprint) == SHA256:* ]]
	proper_dbbackup a
	nothing_left a
	sound
	# the proof describes what is stored, and that is what the node has
	local to=$T/to table
	exits 0 xv restore m --to "$to"
	on mn_sh a tar -C /.dbbackup --format=posix -c . | tar -C "$T" --transform 's,^\.,db,' -x
	same_tree "$T/db" "$to/.dbbackup"
	json "$SNAP" '.database.tables[] | "\(.sha256)  \(.table).csv"' >"$T/sums"
	(cd "$to/.dbbackup" && sha256sum --quiet -c "$T/sums")
	for table in nodelist site; do
		equal "$(json "$SNAP" ".database.tables[] | select(.table == \"$table\").rows")" \
		    "$(on mn_sh a sqlite3 "/etc/xcat/$table.sqlite" "select count(*) from $table")" \
		    "rows of $table"
	done
	same_tree "$(mn_folder a)/root/install" "$to/install"
	# the next night has nothing new but the dump's files, and goes by this
	night m
	ended 0
	equal "$(json "$SNAP" '[.volumes[] | select(.path != "/.dbbackup") | .new_files + .changed_files + .read_bytes] | add')" 0
	equal "$(json "$SNAP" '[.volumes[] | select(.path == "/.dbbackup") | .new_files] | add')" 0
	not grep -q collapsed "$T/err"
	proper_dbbackup a
	nothing_left a
	exits 0 xv list --json
	equal "$(jq -r '[.[] | .status] | join(" ")' "$T/out")" 'complete complete'
	sound
}

@test "a night says nothing with -q, and JSON with --json" {
	site m a
	exits 0 xv -q backup m
	equal "$(cat "$T/out" "$T/err")" ''
	exits 0 xv --json backup m
	equal "$(cat "$T/err")" ''
	equal "$(jq -r '"\(.site) \(.status) \(.database.dump) \(.id | length)"' "$T/out")" \
	    'm complete whole 16'
	equal "$(snapshot_count)" 2
}

# --- a database that cannot be had ---------------------------------------------

# good_vault: $V is one with a good night of the shared node
good_vault()
{
	rm -rf "$V"
	cp -a "$BATS_FILE_TMPDIR/good/vault" "$V"
}

# after_good SWITCH...: a night with the switches on behind a good one; sets
# what ended() and others look at
after_good()
{
	site m a
	good_vault
	echo "a line more" >>"$(mn_folder a)/root/install/custom/grows"
	on mn_fault a "$@"
	dbbackup a >"$T/before"
	night m
	dbbackup a >"$T/after"
}

# no_database REGEX: the night behind was without one, and nothing else is amiss
no_database()
{
	ended 1 "m: NO DATABASE in this snapshot.*$1"
	equal "$(json "$SNAP" '"\(.status) \(.database.dump) \(.database.tables | length)"')" \
	    'partial failed 0'
	[[ $(json "$SNAP" .database.reason) =~ $1 ]]
	diff "$T/before" "$T/after"
	equal "$(volumes "$SNAP")" '/install /var/log/xcat'
	exits 0 xv cat "$SNAP" /install/custom/grows
	[[ $(tail -n 1 "$T/out") == "a line more" ]]
	grep -q 'partial: 2 volumes.*; no database' "$T/out.night"
	nothing_left "${1:+a}"
	sound
}

# refused SWITCH REGEX
refused()
{
	after_good "$1"
	cp "$T/out" "$T/out.night"
	no_database "$2"
}

@test "xcatd stops midway" {
	refused dump=midway 'dumpxCATdb complained: .*tabdump'
}

@test "the disk is full, and xCAT does not say so" {
	refused dump=diskfull 'nodelist: .*no newline at the end|empty|no room'
}

@test "dumpxCATdb has something to say on standard error" {
	refused dump=stderr 'dumpxCATdb complained: perl: warning'
}

@test "dumpxCATdb hangs" {
	refused dump=hang 'did not end within 3 seconds'
	equal "$(on mn_sh a sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " " | grep -c "[d]umpxCATdb"')" 0
}

@test "a quarter of nodelist's rows, well formed" {
	refused dump=lie-rows 'nodelist: collapsed from [0-9]+ rows to|nodelist has [0-9]+ rows'
}

@test "half of nodelist's lines" {
	refused dump=truncated-line 'nodelist: collapsed from|nodelist has [0-9]+ rows'
}

@test "a table is left out" {
	refused dump=missing-table 'hosts: xCAT has this table, the dump has not'
}

@test "a table is cut within a line" {
	refused dump=truncated 'nodelist: row [0-9]+ .*no newline at the end'
}

@test "the dump holds files that xCAT would load into tables" {
	refused dump=extra 'nodelist.csv.bak: stray'
}

@test "no file at all, and status 0" {
	refused dump=empty 'xCAT has this table, the dump has not'
}

@test "tabdump warns, so that the list of tables is none" {
	refused tabdump=stderr 'tabdump'
}

@test "/.dbbackup is read-only" {
	refused dbbackup=readonly 'no private directory could be made.*Read-only'
}

@test "xCAT's commands do not run" {
	refused tools=perl 'dumpxCATdb|xCAT'
}

# --- a database with a word to say ------------------------------------------------

@test "a dump that is of no use is gone from the node before the volumes come" {
	local bin

	bin=$(mn_folder a)/usr-local/bin
	cat >"$bin/tar" <<-'END'
	#!/bin/sh
	case $PWD in
	/install*) find / -maxdepth 1 -name '.xcatvault-*' >>/usr/local/bin/seen ;;
	esac
	exec /usr/bin/tar "$@"
	END
	chmod 755 "$bin/tar"
	site m a 'volumes = ( "/install" );'
	on mn_fault a dump=missing-table
	night m
	on mn_fault a clear
	rm "$bin/tar"
	cp "$bin/seen" "$T/seen"
	rm "$bin/seen"
	ended 1 "m: NO DATABASE"
	equal "$(cat "$T/seen")" ''
}

@test "xcatd is down: dumped without it, published, said with status 1" {
	after_good xcatd=down
	ended 1 '/.dbbackup: database: xcatd does not answer .*XCATBYPASS=1'
	grep -q 'complete: 3 volumes.*(xcatd was down)' "$T/out"
	equal "$(json "$SNAP" '"\(.status) \(.database.dump) \(.database.bypass)"')" \
	    'complete whole true'
	proper_dbbackup a
	nothing_left a
	sound
}

@test "bytes that xCAT cannot restore: published, named, status 1" {
	after_good dump=badbytes
	ended 1 '/.dbbackup/site.csv: database: site: row [0-9]+ .line [0-9]+., column value: control byte 0x01'
	grep -q 'column value: byte 0xe9 is not UTF-8' "$T/err"
	equal "$(json "$SNAP" '"\(.status) \(.database.dump)"')" 'complete warned'
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
	proper_dbbackup a
	on mn_sh a cat /.dbbackup/site.csv >"$T/site.csv"
	grep -aq $'\001' "$T/site.csv"
	exits 0 xv cat "$SNAP" /.dbbackup/site.csv
	cmp "$T/out" "$T/site.csv"
	sound
}

@test "rows that are really gone: refused, accepted with --accept-row-loss" {
	node b
	site m b
	exits 0 xv -q backup m
	on mn_sh b sqlite3 /etc/xcat/nodelist.sqlite \
	    "delete from nodelist where rowid % 4 != 0"
	dbbackup b >"$T/before"
	night m
	ended 1 'm: NO DATABASE.*nodelist: collapsed'
	dbbackup b >"$T/after"
	diff "$T/before" "$T/after"
	night --accept-row-loss m
	ended 0
	equal "$(json "$SNAP" .database.dump)" whole
	# what was accepted is what the next is held against
	night m
	ended 0
}

@test "a nodelist that was refused is not what the next is held against" {
	after_good dump=lie-rows
	ended 1 'm: NO DATABASE'
	night m
	ended 1 'm: NO DATABASE'
	on mn_fault a clear
	night m
	ended 0
}

@test "stray files of /.dbbackup are gone when a dump is published" {
	node b
	on mn_sh b sh -c 'cd /.dbbackup && mkdir d && echo x >d/x.csv &&
		echo "#x" >nodelist.csv.bak && ln -s /etc/shadow zone.csv &&
		mkdir site.csv && echo >"new
line" && mkfifo hosts.csv && : >old.csv && chmod 644 old.csv'
	site m b
	night m
	ended 0
	proper_dbbackup b
	on mn_sh b test -s /etc/shadow
}

# --- /.dbbackup of other kinds --------------------------------------------------------

@test "/.dbbackup is a mount of its own: old or new as a whole" {
	node b --mount-dbbackup
	on mn_sh b sh -c 'cd /.dbbackup && mkdir d && : >d/x && : >nodelist.csv.bak'
	site m b
	night m
	ended 0
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
	proper_dbbackup b
	nothing_left b
	# what is the same stays the same file, of the same time
	dbbackup b >"$T/before"
	night m
	ended 0
	dbbackup b | grep -v '^\. ' >"$T/after"
	grep -v '^\. ' "$T/before" | diff - "$T/after"
	equal "$(json "$SNAP" '[.volumes[] | .changed_files] | add')" 0
	sound
}

@test "a small file system of /.dbbackup is full: the old dump stays" {
	node b --small-dbbackup 4m
	site m b
	night m
	ended 0
	on mn_sh b sh -c 'head -c 9000000 /dev/zero >/.dbbackup/filler 2>/dev/null || :'
	dbbackup b | grep -v "^\. " >"$T/before"
	night m
	ended 1 "m: NO DATABASE"
	dbbackup b | grep -v "^\. " >"$T/after"
	diff "$T/before" "$T/after"
	equal "$(volumes "$SNAP")" '/install /var/log/xcat'
	nothing_left b
	sound
}

@test "/.dbbackup of a bare node is made" {
	node b --layout bare
	site m b
	night m
	ended 0
	proper_dbbackup b
	equal "$(on mn_sh b stat -c '%a %U' /.dbbackup)" '700 root'
	equal "$(volumes "$SNAP")" '/.dbbackup /install /var/log/xcat'
	nothing_left b
}

@test "the later container's layout: /xcatdata" {
	node b --layout xcatdata
	site m b
	night m
	ended 0
	proper_dbbackup b
	[[ $(volumes "$SNAP") == *xcatdata* ]]
	local path
	path=$(json "$SNAP" '.volumes[] | select(.path | test("xcatdata|install")).path')
	exits 0 xv restore "$SNAP" --to "$T/to"
	same_tree "$(mn_folder b)/root$path" "$T/to$path"
	nothing_left b
}

@test "/.dbbackup is a symbolic link: what it points at is replaced" {
	node b
	on mn_sh b sh -c 'rmdir /.dbbackup && mkdir /srv/db && ln -s /srv/db /.dbbackup'
	site m b
	night m
	ended 0
	on mn_sh b test -L /.dbbackup
	proper_dbbackup b
	equal "$(json "$SNAP" '.volumes[] | select(.path == "/.dbbackup") | .files')" 71
	nothing_left b
}

@test "SIGTERM while xCAT dumps: status 2 at once, nothing left" {
	after_good dump=slow:500
	sed -i 's/dump_timeout = 3;/dump_timeout = 60;/' "$XCATVAULT_CONFIG"
	"$XCATVAULT" backup m >"$T/out" 2>"$T/err" 3>&- 4>&- &
	local pid=$! tries=0
	until [ -n "$(on mn_sh a find / -maxdepth 1 -name '.xcatvault-dump.*')" ] ||
	    [ $tries -gt 600 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	kill -TERM $pid
	SECONDS=0
	STATUS=0
	wait $pid || STATUS=$?
	ended 2 'm: interrupted'
	# the dump would take longer
	[ $SECONDS -lt 25 ]
	nothing_left a
	dbbackup a >"$T/after"
	diff "$T/before" "$T/after"
	equal "$(snapshot_count)" 2
}

@test "words of the node that are no text" {
	node b
	local release
	release=$(mn_folder b)/root/etc/os-release
	rm "$release"
	printf 'PRETTY_NAME="D\351bian \033[31m x"\nID=x\n' >"$release"
	site m b
	night m
	ended 0
	json "$SNAP" .node.os | not grep '[^ -~]'
}

# --- tools that the node lacks --------------------------------------------------------

# unusable SWITCH REGEX: status 2 in one line, no snapshot, nothing touched
unusable()
{
	site m a
	on mn_fault a "$1"
	dbbackup a >"$T/before"
	exits 2 xv backup m
	complains "m: .*$2"
	dbbackup a >"$T/after"
	diff "$T/before" "$T/after"
	equal "$(snapshot_count)" 0
	nothing_left a
}

@test "no find on the node" {
	unusable find=missing 'find.*not there'
}

@test "a find that is not GNU's" {
	unusable find=notgnu 'not GNU find'
}

@test "no tar on the node" {
	unusable tar=missing 'tar.*not there'
}

@test "a tar that is not GNU's" {
	unusable tar=notgnu 'not GNU tar'
}

@test "no timeout and no sha256sum on the node: done without" {
	after_good tools=timeout,sha256sum
	ended 0
	proper_dbbackup a
	nothing_left a
}

# --- the recorded dump of a real node --------------------------------------------------

@test "a node with the recorded database: all rows, and the dump is its own" {
	local samples=$TESTS/../../shared/xcat-samples/dump

	[ -d "$samples" ] || samples=${XCAT_SAMPLES:-/nonexistent}/dump
	[ -d "$samples" ] || skip "needs the recorded dump (XCAT_SAMPLES)"
	mn_start b
	XCAT_SAMPLES=${samples%/dump} mn_populate b facts >/dev/null
	site m b
	night m
	ended 0
	equal "$(json "$SNAP" '.database.tables[] | select(.table == "nodelist").rows')" \
	    "$(($(wc -l <"$samples/nodelist.csv") - 1))"
	proper_dbbackup b
	exits 0 xv cat "$SNAP" /.dbbackup/osimage.csv
	diff <(sort "$T/out") <(sort "$samples/osimage.csv")
	night m
	ended 0
	equal "$(json "$SNAP" '[.volumes[].new_files] | add')" 0
	nothing_left b
	sound
}

# --- what has taken long meanwhile: see slow_faults -----------------------------------

@test "tabdump hangs" {
	slow tabdump
	ended 1 'm: NO DATABASE'
	equal "$(json "$SNAP" '"\(.status) \(.database.dump)"')" 'partial failed'
	equal "$(volumes "$SNAP")" '/install /var/log/xcat'
	diff "$T/before" "$T/after"
	nothing_left tabdump
	sound
}

@test "xcatd does not answer in time: its database is dumped without it" {
	slow lsxcatd
	ended 1 '/.dbbackup: database: xcatd does not answer .*XCATBYPASS=1'
	equal "$(json "$SNAP" '"\(.status) \(.database.dump) \(.database.bypass)"')" \
	    'complete whole true'
	proper_dbbackup lsxcatd
	nothing_left lsxcatd
	sound
}
