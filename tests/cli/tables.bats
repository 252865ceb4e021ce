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
