#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# Tables and files of a node that lives, by way of remote_tool.c.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
}

setup()
{
	TOOL=$(dirname "$XCATVAULT")/tests/cli/remote_tool
	night_scratch
}

teardown()
{
	night_clean
}

teardown_file()
{
	shared_stop
}

# tool ARG...: on node a
tool()
{
	local dir

	dir=$(mn_folder a)
	XCATVAULT_SSH_DIR=$dir/ssh timeout -k 5 60 "$TOOL" \
	    -a "root@127.0.0.1:$(cat "$dir/port")" \
	    -i "$dir/ssh/id_ed25519" "$@"
}

# fault SWITCH...: of node a
fault()
{
	on mn_fault a "$@"
}

@test "tables: as tabdump prints them, in one command" {
	exits 0 tool tables osimage nosuchtable nodelist site linuximage noderes
	equal "$(wc -c <"$T/err")" 0
	{
		for name in osimage nosuchtable nodelist site linuximage noderes; do
			[ $name = nosuchtable ] || {
				echo "$name is"
				on mn_sh a tabdump $name
				continue
			}
			echo "$name is not"
		done
	} >"$T/want"
	cmp "$T/out" "$T/want"
}

@test "tables: what looks like an answer in a value is a value" {
	on mn_sh a chtab key=odd $'site.comments=a\ntable 0 3 0 osimage\n#a\nend\n'
	exits 0 tool tables site osimage
	on mn_sh a sh -c 'echo site is; tabdump site; echo osimage is
	    tabdump osimage' >"$T/want"
	grep -q "^table 0 3" "$T/want"
	cmp "$T/out" "$T/want"
	on mn_sh a chtab -d key=odd site
}

@test "tables: noise on stderr is no error; errors are" {
	fault tabdump=stderr
	exits 0 tool tables site
	fault clear
	fault xcatd=down
	exits 2 tool tables site osimage
	complains 'root@127\.0\.0\.1:[0-9]+: tabdump (site|osimage) ended with status 111: .*refused'
	BYPASS=1 exits 0 tool tables site osimage
	fault bypass=noisy
	BYPASS=1 exits 0 tool tables site osimage
}

@test "tables: a table that came short is refused" {
	cat >"$(mn_folder a)/usr-local/bin/tabdump" <<-'END'
	#!/bin/sh
	/opt/xcat/sbin/tabdump "$@" | head -c "$(cat /tmp/cut)"
	END
	chmod 755 "$(mn_folder a)/usr-local/bin/tabdump"
	on mn_sh a mv /opt/xcat/sbin/tabdump /opt/xcat/sbin/tabdump.real
	sed -i 's,sbin/tabdump,&.real,' "$(mn_folder a)/usr-local/bin/tabdump"
	for cut in 0 10 30 60; do
		on mn_sh a sh -c "echo $cut >/tmp/cut"
		exits 2 tool tables site
		complains 'table site is not whole'
	done
	on mn_sh a mv /opt/xcat/sbin/tabdump.real /opt/xcat/sbin/tabdump
	rm "$(mn_folder a)/usr-local/bin/tabdump"
}

@test "tables: no xCAT there" {
	mv "$(mn_folder a)/root/etc/profile.d/xcat.sh" "$T/xcat.sh"
	exits 2 tool tables site
	complains 'cannot be read \(status 127\): no xCAT here'
	mv "$T/xcat.sh" "$(mn_folder a)/root/etc/profile.d/xcat.sh"
}

# --- files

# tangle: what a node's files can be like, in its /tmp/f
tangle()
{
	on mn_sh a sh -c 'rm -rf /tmp/f; mkdir -p /tmp/f/dir/sub /tmp/f/empty
	    cd /tmp/f
	    printf "one\ntwo" >file; chown 7:8 file; chmod 4751 file
	    : >nothing; mkfifo fifo; head -c 3000000 /dev/urandom >large
	    ln -s file link; ln -s ../link dir/up; ln -s /tmp/f/dir abs
	    ln -s loop2 loop1; ln -s loop1 loop2; ln -s gone broken
	    : >"dir/ a
b"; : >dir/.hidden; : >dir/x.rpm'
}

@test "files: what there is, as the node itself would find it" {
	tangle
	exits 0 tool files stat /tmp/f/file stat /tmp/f/dir/up \
	    stat /tmp/f/abs/../abs/sub/. stat /tmp/f//fifo stat /tmp/f/broken \
	    stat /tmp/f/loop1 stat /tmp/f/file/x stat /tmp/f/abs/none/.. \
	    stat / stat "/tmp/f/dir/ a
b" stat /tmp/f/abs/
	cat >"$T/want" <<-'END'
	file 0 /tmp/f/file 7 4751 7:8
	file 1 /tmp/f/file 7 4751 7:8
	dir 0 /tmp/f/dir/sub SIZE 755 0:0
	other 0 /tmp/f/fifo 0 644 0:0
	missing 1 /tmp/f/gone 0 0 0:0
	loop 1 /tmp/f/loop1 0 0 0:0
	missing 0 /tmp/f/file/x 0 0 0:0
	missing 0 /tmp/f/dir/none 0 0 0:0
	dir 0 / SIZE 755 0:0
	file 0 /tmp/f/dir/ a
	b 0 644 0:0
	dir 1 /tmp/f/dir SIZE 755 0:0
	END
	sed -E 's/^(dir .*) [0-9]+ 755/\1 SIZE 755/' "$T/out" | diff - "$T/want"
	nothing_left a
}

@test "files: contents, names, digests, patterns, room" {
	tangle
	exits 0 tool files read /tmp/f/abs/up list /tmp/f/abs list /tmp/f/file \
	    list /tmp/f/none read /tmp/f/nothing glob '/tmp/f/d*/*.rpm' \
	    glob '/tmp/f/dir/*.deb' glob '/tmp/f/abs/?hidden' \
	    glob '/tmp/f/*/.hid*' glob '/tmp/[f]/link'
	printf 'one\ntwo' >"$T/want"
	printf ' a\nb\n.hidden\nsub\nup\nx.rpm\n1\n0\n0\n1\n1\n' >>"$T/want"
	cmp "$T/out" "$T/want"
	exits 0 tool files hash /tmp/f/large hash /tmp/f/link hash /tmp/f/nothing
	equal "$(cat "$T/out")" "$(on mn_sh a sh -c 'cd /tmp/f
	    for f in large link nothing; do
		echo "$(stat -L -c %s $f) $(sha256sum <$f | cut -c1-64)"; done')"
	exits 0 tool files room /tmp/f/none/at/all room /tmp/f/file room /usr/x
	equal "$(paste -sd' ' "$T/out")" '1 1 0 1 1 0 1 1 1'
}

@test "files: without openssl the digests are the same" {
	tangle
	exits 0 tool files hash /tmp/f/large
	cp "$T/out" "$T/want"
	fault openssl=missing
	exits 0 tool files hash /tmp/f/large
	cmp "$T/out" "$T/want"
	fault openssl=missing sha256sum=missing
	exits 0 tool files hash /tmp/f/large
	says '^refused 5: .*/tmp/f/large: it could not be read to its end'
}

@test "files: what cannot be had is said, and the rest still answered" {
	tangle
	exits 0 tool files read /tmp/f/large read /tmp/f/fifo hash /tmp/f/dir \
	    read /tmp/f/none room /tmp/f/loop1/x hash /tmp/f/loop1 \
	    read /proc/self/mem stat /tmp/f/nothing
	equal "$(sed -n '$=' "$T/out")" 8
	says '^refused 2: .*/tmp/f/large: longer than 100000 bytes'
	says '^refused 5: .*/tmp/f/fifo: not a regular file'
	says '^refused 5: .*/tmp/f/dir: not a regular file'
	says '^refused 5: .*/tmp/f/none: not there'
	says '^refused 5: .*/tmp/f/loop1/x: its symbolic links have no end'
	says '^refused 5: .*/proc/self/mem: Input/output error'
	says '^file 0 /tmp/f/nothing 0 '
}

@test "files: remembered until forgotten" {
	tangle
	exits 0 tool files stat /tmp/f/file run "rm /tmp/f/file" \
	    stat /tmp/f/file forget x stat /tmp/f/file
	equal "$(cut -d" " -f1 "$T/out" | paste -sd" ")" "file file missing"
}

@test "files: no perl there" {
	fault perl=missing
	exits 2 tool files stat /
	complains 'the command that looks at files ended: .*perl'
}
