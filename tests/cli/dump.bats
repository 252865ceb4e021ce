#!/usr/bin/env bats
# dump check: the proof of a dump, offline; diff --db: its history

load common
load night

setup()
{
	scratch
	D=$T/dump
}

teardown() { clean; }

# make_dump: a whole dump in $D
make_dump()
{
	small_tables "$D"
	printf '%s\n' '#key,username,password,comments,disable' \
	    '"system","root","cluster",,' '"ipmi","ADMIN","geheim1",,' \
	    >"$D/passwd.csv"
}

# samples: sets SAMPLES to what real management nodes wrote, or skips
samples()
{
	local dir

	for dir in "${XCATVAULT_SAMPLES-}" "$TESTS/../../shared/xcat-samples" \
	    "$TESTS/../../../shared/xcat-samples"; do
		if [ -n "$dir" ] && [ -d "$dir/dump" ]; then
			SAMPLES=$dir
			return 0
		fi
	done
	skip "needs the dumps of real nodes (\$XCATVAULT_SAMPLES)"
}

# first_line TEXT, line TEXT: standard output has it
first_line()
{
	[ "$(head -n 1 "$T/out")" = "$1" ] || {
		echo "the first line is not: $1"
		cat "$T/out"
		return 1
	}
}

line()
{
	grep -qxF -- "$1" "$T/out" || {
		echo "no line: $1"
		cat "$T/out"
		return 1
	}
}

lines()
{
	equal "$1" "$(wc -l <"$T/out")"
}

@test "a whole dump is accepted" {
	make_dump
	exits 0 xv dump check "$D"
	first_line "$D: whole: 66 tables, 8 rows, $(cat "$D"/* | wc -c) bytes"
	lines 1
	exits 0 xv -q dump check "$D"
	lines 0
	exits 0 xv dump check "$D/../dump/"
}

@test "files that a failed dump leaves are told" {
	make_dump
	: >"$D/hosts.csv"
	exits 5 xv dump check "$D"
	says "$D: not whole: 66 tables"
	line "broken: hosts: empty: not even a header"
	lines 2
	make_dump
	truncate -s -3 "$D/passwd.csv"
	exits 5 xv dump check "$D"
	line "broken: passwd: row 2 (line 3), column password: no newline at the end"
	make_dump
	truncate -s -8 "$D/passwd.csv"
	exits 5 xv dump check "$D"
	line "broken: passwd: row 2 (line 3), column password: ends within a value"
	make_dump
	sed -i 1d "$D/passwd.csv"
	exits 5 xv dump check "$D"
	line "broken: passwd: line 1: does not begin with a header (#column,...)"
	make_dump
	sed -i '2s/,,$/,/' "$D/nodelist.csv"
	exits 5 xv dump check "$D"
	line "broken: nodelist: row 1 (line 2): 4 values for 5 columns"
	make_dump
	sed -i '2s/booted/bo"oted/' "$D/nodelist.csv"
	exits 5 xv dump check "$D"
	line 'broken: nodelist: row 1 (line 2), column status: a quote that is not doubled within a value'
	make_dump
	echo >>"$D/nodelist.csv"
	exits 5 xv dump check "$D"
	line "broken: nodelist: line 6: blank line between rows"
}

@test "xcatd gone midway: tables are missing" {
	make_dump
	rm "$D"/[n-z]*.csv
	exits 5 xv dump check "$D"
	says "$D: not whole: 27 tables"
	grep -q '^broken: 39 of the tables that every xCAT has are missing: networks, ' "$T/out"
	lines 2
	rm "$D"/*
	exits 5 xv dump check "$D"
	says "broken: 66 of the tables"
}

@test "bytes that xCAT cannot restore" {
	make_dump
	printf '"n4","a\001b",,,\n"n5",,"x\xe9",,\n' >>"$D/nodelist.csv"
	exits 5 xv dump check "$D"
	says "$D: cannot be restored whole: 66 tables, 10 rows"
	line "unrestorable: nodelist: row 4 (line 6), column groups: control byte 0x01; xCAT cannot restore this table"
	line "unrestorable: nodelist: row 5 (line 7), column status: byte 0xe9 is not UTF-8; xCAT cannot restore this table"
	lines 3
}

@test "two rows of one key" {
	make_dump
	echo '"n1",,,,' >>"$D/nodelist.csv"
	exits 5 xv dump check "$D"
	line "unrestorable: nodelist: row 4, column node: same key as in row 1; xCAT cannot restore this table"
}

@test "stray entries: those that xCAT would load, and others" {
	make_dump
	cp "$D/nodelist.csv" "$D/nodelist.csv.bak"
	exits 5 xv dump check "$D"
	line "broken: nodelist.csv.bak: stray: restorexCATdb would load it into table nodelist"
	lines 2
	rm "$D/nodelist.csv.bak"
	mkdir "$D/hosts"
	exits 5 xv dump check "$D"
	line "broken: hosts: stray: restorexCATdb would load it into table hosts"
	rmdir "$D/hosts"
	echo hello >"$D/README.txt"
	: >"$D/.hidden"
	ln -s nowhere "$D/link.csv"
	mkfifo "$D/fifo.csv"
	exits 1 xv dump check "$D"
	says "$D: whole, with warnings: 66 tables"
	for f in README.txt .hidden link.csv fifo.csv; do
		line "warning: $f: stray: not TABLE.csv, restorexCATdb would try to load it"
	done
	lines 5
	exits 1 xv -q dump check "$D"
	lines 5
}

@test "a link to a file is that file" {
	make_dump
	mv "$D/vpd.csv" "$T/elsewhere"
	ln -s ../elsewhere "$D/vpd.csv"
	exits 0 xv dump check "$D"
}

@test "skiptables is a warning, and excuses" {
	make_dump
	echo '"skiptables","vpd,zvm",,' >>"$D/site.csv"
	rm "$D/vpd.csv" "$D/zvm.csv"
	exits 1 xv dump check "$D"
	line "warning: site: skiptables = vpd,zvm: xCAT neither dumps nor restores these tables"
	lines 2
}

@test "what a restore changes silently is a note" {
	make_dump
	printf '"n4","a  \n\nb\r\nc",,,\n' >>"$D/nodelist.csv"
	exits 0 xv dump check "$D"
	lines 4
	equal 3 "$(grep -c '^note: nodelist: row 4 ' "$T/out")"
	exits 0 xv -q dump check "$D"
	lines 0
}

@test "--json of the proof" {
	need jq
	make_dump
	printf '"n4","a\001b",,,\n' >>"$D/nodelist.csv"
	exits 5 xv dump check "$D" --json
	equal "cannot be restored whole" "$(jq -r .verdict "$T/out")"
	equal 66 "$(jq '.tables | length' "$T/out")"
	equal "$(sha256sum <"$D/site.csv" | cut -d' ' -f1)" \
	    "$(jq -r '.tables[] | select(.name == "site").sha256' "$T/out")"
	equal "nodelist 4 6 groups" "$(jq -r \
	    '.findings[0] | "\(.table) \(.row) \(.line) \(.column)"' "$T/out")"
}

@test "no dump, no command" {
	exits 3 xv dump check "$T/nowhere"
	complains "No such file or directory"
	: >"$T/file"
	exits 3 xv dump check "$T/file"
	complains "Not a directory"
	exits 3 xv dump check
	exits 3 xv dump verify "$T"
	exits 3 xv dump
	exits 3 xv dump check "$T" "$T"
	exits 0 xv help dump
}

@test "a file that cannot be read" {
	make_dump
	open_dir
	cp -r "$D" "$OPEN_DIR/dump"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$OPEN_DIR/dump"
	chmod 000 "$OPEN_DIR/dump/site.csv"
	exits 2 unprivileged "$OPEN_DIR/xcatvault" dump check "$OPEN_DIR/dump"
	complains "site.csv: Permission denied"
}

@test "the dump of a real node" {
	samples
	exits 0 xv dump check "$SAMPLES/dump"
	first_line "$SAMPLES/dump: whole: 71 tables, 1375 rows, 69428 bytes"
	not grep -v '^note: site: ' <(tail -n +2 "$T/out")
}

@test "the dump of a real node with bad bytes" {
	samples
	local where
	where=$(grep -naP '[\x00-\x08\x0b\x0c\x0e-\x1f]' \
	    "$SAMPLES/dump_with_badbytes/site.csv" | cut -d: -f1)
	equal 61 "$where"
	exits 5 xv dump check "$SAMPLES/dump_with_badbytes"
	line "unrestorable: site: row 54 (line 61), column value: control byte 0x01; xCAT cannot restore this table"
	line "unrestorable: site: row 56 (line 64), column value: byte 0xe9 is not UTF-8; xCAT cannot restore this table"
	equal 2 "$(grep -c ^unrestorable "$T/out")"
}

# --- diff --db -----------------------------------------------------------------

# take_dump: a snapshot of $D; sets SNAP
take_dump()
{
	take --volume "$D=/.dbbackup"
}

@test "diff --db: rows, columns and tables, by key" {
	make_dump
	new_vault
	take_dump
	local first=$SNAP
	printf '%s\n' '#node,groups,status,zone,comments,disable' \
	    '"n4","new",,,,' '"n3","all,compute","off","a b","two' \
	    'lines",' '"n2","all",,,,' >"$D/nodelist.csv"
	rm "$D/zvm.csv"
	printf '#a,b\n"1",\n' >"$D/own.csv"
	take_dump
	exits 5 xv diff "$first" "$SNAP" --db
	cat >"$T/want" <<-'END'
	nodelist: + column zone
	nodelist: - n1 (groups=all,compute status=booted)
	nodelist: ~ n2 disable: 1 -> ""
	nodelist: ~ n3 status: booted -> off; zone: "" -> "a b"
	nodelist: + n4 (groups=new)
	own: + table (1 row)
	zvm: - table (0 rows)
	END
	diff -u "$T/want" "$T/out"
	exits 5 xv diff --db "$first" "$SNAP" own
	equal "own: + table (1 row)" "$(cat "$T/out")"
	exits 0 xv diff "$first" "$SNAP" --db site
	lines 0
	exits 3 xv diff "$first" "$SNAP" --db nosuch
	complains "nosuch: no such table in either snapshot"
}

@test "diff --db: the order of rows is no difference" {
	make_dump
	new_vault
	take_dump
	local first=$SNAP
	{
		head -n 1 "$D/passwd.csv"
		tail -n +2 "$D/passwd.csv" | tac
	} >"$T/new"
	mv "$T/new" "$D/passwd.csv"
	take_dump
	exits 0 xv diff "$first" "$SNAP" --db
	lines 0
	exits 0 xv diff "$first" "$SNAP" --db --json
	equal "[]" "$(tr -d '\n' <"$T/out")"
}

@test "diff --db: secrets are never shown, that they changed is" {
	need jq
	make_dump
	printf '#tokenid,username\n"geheim5","u"\n' >"$D/token.csv"
	new_vault
	take_dump
	local first=$SNAP
	sed -i 's/geheim1/geheim2/; s/cluster/geheim3/' "$D/passwd.csv"
	echo '"snmpc","geheim4",,' >>"$D/site.csv"
	printf '#tokenid,username\n"geheim6","u"\n' >"$D/token.csv"
	printf '#node,bmc,password\n"n1","b1","geheim7"\n' >"$D/ipmi.csv"
	printf '#node,admin_passwd\n"n1","geheim8"\n' >"$D/own.csv"
	take_dump
	printf '#node,admin_passwd\n"n1","geheim9"\n' >"$D/own.csv"
	take_dump
	exits 5 xv diff "$first" "$SNAP" --db
	line "passwd: ~ ipmi,ADMIN password: ******** -> ********"
	line "passwd: ~ system,root password: ******** -> ********"
	line "site: + snmpc (value=********)"
	line "token: - ******** (username=u)"
	line "token: + ******** (username=u)"
	line "ipmi: + n1 (bmc=b1 password=********)"
	not grep -qE 'geheim|cluster' "$T/out" "$T/err"
	exits 5 xv diff "$first" "$SNAP" --db --json
	not grep -qE 'geheim|cluster' "$T/out" "$T/err"
	equal 2 "$(jq '[.[] | select(.table == "passwd").columns.password |
	    select(.old == "********" and .new == "********")] | length' \
	    "$T/out")"
	equal "changed ADMIN ipmi" "$(jq -r '[.[] | select(.table ==
	    "passwd")][0] | "\(.change) \(.key.username) \(.key.key)"' \
	    "$T/out")"
	exits 5 xv diff "$(xv list --json | jq -r '.[1].id')" "$SNAP" --db
	line "own: ~ n1 admin_passwd: ******** -> ********"
	not grep -q geheim "$T/out"
}

@test "diff --db: values stay on their line" {
	make_dump
	new_vault
	take_dump
	local first=$SNAP
	printf '"n9","a\nb\t\033[1m","""q""\\",,\n' >>"$D/nodelist.csv"
	take_dump
	exits 5 xv diff "$first" latest --db
	equal 'nodelist: + n9 (groups="a\nb\t\x1b[1m" status="\"q\"\\")' \
	    "$(cat "$T/out")"
}

@test "diff --db: a table that is not whole is told" {
	make_dump
	new_vault
	take_dump
	local first=$SNAP
	printf '#node,groups,status,comments,disable\n"n1","x' \
	    >"$D/nodelist.csv"
	take_dump
	exits 5 xv diff "$first" latest --db
	complains "nodelist.csv of snapshot $SNAP is not whole"
	not grep -q '^nodelist: - ' "$T/out"
}

@test "diff --db: a snapshot without a dump" {
	new_vault
	plain_tree "$T/src"
	take --volume "$T/src=/v"
	exits 3 xv diff latest latest --db
	complains "snapshot $SNAP has no dump of the database"
}
