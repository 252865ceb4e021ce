#!/usr/bin/env bats
# shellcheck disable=SC2016
# The test management nodes themselves: what stands in for xCAT's commands
# behaves as XCAT-FACTS measured.  The texts are those of the recorded sessions.

load common
load ../mn/mn

setup()
{
	scratch
}

teardown()
{
	mn_stop_all
	clean
}

VERSION_LINE='Version 2.19.0 (git commit 7733d16f8de0fc36b80638c04a7033931fa13304)'

# node COMMAND: of a shell in the node a, with xCAT's commands (by ssh it would
# take ten times as long)
node()
{
	mn_sh a bash -c "$1"
}

# csv_count DIR: csv files there
csv_count()
{
	mn_sh a sh -c "ls $1 | grep -c '[.]csv$'"
}

# stored TABLE [WHAT]: what SQLite says, past all of xCAT
stored()
{
	mn_sh a sqlite3 "/etc/xcat/$1.sqlite" "select ${2:-count(*)} from \"$1\""
}

# sums FILE: each table's content as SQLite has it
sums()
{
	mn_sh a sh -c 'for f in /etc/xcat/*.sqlite; do
		t=$(basename $f .sqlite)
		sqlite3 $f ".nullvalue <NULL>" ".header on" "select * from \"$t\""
	done' >"$1"
}

# restores WANTED: restorexCATdb -V of /tmp/r says it is done with status 0,
# and on stderr what the extended regex matches (empty: nothing)
restores()
{
	exits 0 node 'restorexCATdb -V -p /tmp/r'
	grep -qx 'Restore of Database Complete.' "$T/out"
	if [ -z "$1" ]; then
		equal "$(cat "$T/err")" ''
	else
		grep -Eq -- "$1" "$T/err" || {
			cat "$T/err"
			return 1
		}
	fi
}

# --- the node ----------------------------------------------------------------

@test "a node starts in a moment, answers by ssh, and ends without a trace" {
	mn_start a --hostname mnx
	equal "$(mn_ssh a hostname)" mnx
	exits 127 mn_ssh a dumpxCATdb -p /tmp/d
	exits 0 mn_xcat a 'lsxcatd -v'
	grep -qxF "$VERSION_LINE" "$T/out"
	# the file is named as the tool's own ssh folder would be
	exits 0 ssh -F "$MN_SSH/config" node true
	local pid
	pid=$(cat "$MN_DIR/pid")
	kill -0 "$pid"
	mn_stop a
	not kill -0 "$pid"
	not grep -q "$T/mn" /proc/mounts
	# what it had is there when it starts again
	mn_start a
	equal "$(mn_ssh a hostname)" mnx
}

@test "the host's files are out of the node's reach" {
	mn_start a
	exits 1 mn_ssh a 'touch /usr/bin/xcatvault-was-here'
	exits 2 mn_ssh a "ls $T"
	exits 0 mn_ssh a 'echo hello >/tmp/x; echo hello >/root/x; ls /proc/1/ns >/dev/null'
	[ ! -e /root/x ]
	[ -e "$(mn_path a /root/x)" ]
}

@test "layouts: the two containers and bare metal; volumes, small file systems" {
	mkdir "$T/volume"
	mn_start a --layout old --mount-dbbackup --volume "/install=$T/volume" \
	    --small /var/log/xcat=64k
	exits 0 mn_ssh a 'mountpoint -q /.dbbackup && mountpoint -q /install &&
	    test -e /.dockerenv && ! dd if=/dev/zero of=/var/log/xcat/x bs=1k count=80 2>/dev/null &&
	    echo seen >/install/file && echo dump >/.dbbackup/x.csv'
	equal "$(cat "$T/volume/file" "$MN_DIR/dbbackup/x.csv")" "seen
dump"
	mn_start b --layout xcatdata
	exits 0 mn_ssh b 'test "$(readlink /install) $(readlink /etc/xcat)" = "/xcatdata/install /xcatdata/etc/xcat" &&
	    test ! -e /.dbbackup && test -e /.dockerenv'
	mn_start c --layout bare
	exits 0 mn_ssh c 'test -d /install && test ! -L /install && test ! -e /.dbbackup && test ! -e /.dockerenv'
}

@test "a password logs in, and only the right one" {
	mn_start a --password cluster
	printf '#!/bin/sh\necho "$WORD"\n' >"$T/ask"
	chmod 755 "$T/ask"
	export SSH_ASKPASS=$T/ask SSH_ASKPASS_REQUIRE=force
	WORD=cluster exits 0 ssh -F none -o PubkeyAuthentication=no \
	    -o UserKnownHostsFile="$MN_SSH/known_hosts" -p "$MN_PORT" \
	    root@127.0.0.1 true
	WORD=wrong exits 255 ssh -F none -o PubkeyAuthentication=no \
	    -o NumberOfPasswordPrompts=1 -p "$MN_PORT" \
	    -o UserKnownHostsFile="$MN_SSH/known_hosts" root@127.0.0.1 true
}

@test "77 and the reason where a host does not allow such nodes" {
	need_root
	need setpriv
	exits 77 setpriv --bounding-set=-sys_admin "$MN_SH" start "$T/mn/a"
	equal "$(cat "$T/err")" 'mn: skipped: may not make namespaces here (unshare)'
	exits 77 setpriv --reuid=65534 --clear-groups bash "$MN_SH" can
	equal "$(cat "$T/err")" 'mn: skipped: needs root'
	exits 2 "$MN_SH" start
	exits 2 "$MN_SH" start "$T/mn/a" --layout none
	exits 1 "$MN_SH" shell "$T/mn/a" true
	exits 0 "$MN_SH" stop "$T/mn/a"
}

# --- dumpxCATdb ----------------------------------------------------------------

@test "dump: 71 tables; what it says, its modes; -a, -V, relative, skipped" {
	mn_start a
	mn_populate a 3
	exits 0 node 'dumpxCATdb -v; umask 077; dumpxCATdb -p /tmp/d; stat -c "%a %n" /tmp/d /tmp/d/passwd.csv'
	equal "$(cat "$T/out")" "$VERSION_LINE
 Creating /tmp/d for database dump
Backup Complete.
700 /tmp/d
644 /tmp/d/passwd.csv"
	equal "$(cat "$T/err")" ''
	equal "$(csv_count /tmp/d)" 71
	exits 0 node 'mkdir w && cd w && dumpxCATdb -a -V -p sub/dir && ls sub/dir | wc -l; tabdump | wc -l'
	equal "$(tail -n 2 "$T/out")" "73
73"
	grep -qx 'Dumping auditlog' "$T/out"
	exits 0 node 'chdef -t site skiptables=nodelist,hosts && dumpxCATdb -V -p /tmp/s'
	equal "$(grep Skip "$T/out" | tr '\n' ' ')" \
	    'Skipping auditlog Skipping eventlog Skipping hosts Skipping nodelist '
	equal "$(csv_count /tmp/s)" 69
}

@test "dump: 1 only for what fails before the first table" {
	mn_start a
	exits 1 node 'dumpxCATdb'
	grep -qx ' Requires -p with path to directory to hold db files.' "$T/err"
	exits 1 node 'dumpxCATdb -p /proc/nodir'
	grep -q '^Command failed: mkdir -p /proc/nodir 2>&1. Error message: mkdir: ' "$T/err"
	grep -qx 'Error running mkdir -p /proc/nodir' "$T/err"
	exits 1 node 'dumpxCATdb -b -p /tmp/b'
	grep -qx 'Binary dump (-b) is not supported for SQLITE' "$T/err"
	# an absolute path, without the profile
	exits 1 mn_ssh a '/opt/xcat/sbin/dumpxCATdb -p /tmp/x'
	equal "$(cat "$T/err")" "Command failed: tabdump 2>&1. Error message: .

Error running tabdump to get list of tables"
	node 'systemctl stop xcatd'
	exits 1 node 'dumpxCATdb -p /tmp/y'
	equal "$(cat "$T/err")" "Command failed: tabdump 2>&1. Error message: Connection failure: IO::Socket::INET: connect: Connection refused at /opt/xcat/lib/perl/xCAT/Client.pm line 248.
Unable to open socket connection to xcatd daemon on localhost:3001.
Verify that the xcatd daemon is running and that your SSL setup is correct..

Error running tabdump to get list of tables"
	exits 0 node 'test -d /tmp/y'
	exits 111 node 'lsxcatd -v'
	grep -q '^Unable to open socket connection' "$T/out"
	exits 0 node 'XCATBYPASS=1 dumpxCATdb -p /tmp/z'
	equal "$(csv_count /tmp/z)" 71
	mn_fault a bypass=noisy
	exits 0 node 'XCATBYPASS=1 dumpxCATdb -p /tmp/n'
	equal "$(csv_count /tmp/n)" 71
	grep -q '^Command failed: tabdump -f /tmp/n/Error loading module /opt/xcat/lib/perl/xCAT_plugin/kvm.pm  ...skipping.csv' "$T/err"
}

@test "dump: 0 and \"Backup Complete.\" whatever is lost" {
	mn_start a --small /mnt=40k
	mn_populate a 100
	exits 0 node 'touch /tmp/file; dumpxCATdb -p /tmp/file'
	equal "$(cat "$T/out")" 'Backup Complete.'
	equal "$(grep -c '^Error running tabdump -f /tmp/file/.*Unable to open the file for write. $' "$T/err")" 71
	exits 0 node 'dumpxCATdb -p "/tmp/with space"'
	equal "$(grep -c '^Error running tabdump -f /tmp/with space/.*Usage: tabdump' "$T/err")" 71
	grep -qx 'Backup Complete.' "$T/out"
	# a disk that is full for real: not a word
	exits 0 node 'dumpxCATdb -p /mnt; find /mnt -name "*.csv" -size 0 | wc -l; ls /mnt | wc -l'
	equal "$(cat "$T/err")" ''
	equal "$(tail -n 1 "$T/out")" 71
	[ "$(tail -n 2 "$T/out" | head -n 1)" -gt 20 ]
	mn_fault a dbbackup=readonly
	exits 0 node 'dumpxCATdb -p /.dbbackup'
	equal "$(csv_count /.dbbackup || :)" 0
}

@test "dump: xcatd stops midway, says nothing, or does worse" {
	mn_start a
	mn_populate a 40
	node 'dumpxCATdb -p /tmp/good'
	mn_fault a dump=midway
	exits 0 node 'dumpxCATdb -p /tmp/1'
	grep -qx 'Backup Complete.' "$T/out"
	equal "$(csv_count /tmp/1)" 22
	grep -q '^Command failed: tabdump -f /tmp/1/mic.csv mic 2>&1. Error message: Connection failure' "$T/err"
	mn_fault a clear
	local what
	for what in diskfull:2000 missing-table empty extra lie-rows \
	    truncated-line truncated badbytes; do
		mn_fault a dump=$what
		exits 0 node "rm -rf /tmp/d; dumpxCATdb -p /tmp/d"
		equal "$(tail -n 1 "$T/out") $(cat "$T/err")" 'Backup Complete. '
		exits 1 mn_sh a diff -rq /tmp/good /tmp/d
		cp "$T/out" "$T/diff.$what"
	done
	grep -q 'Only in /tmp/d: nodelist.csv.bak' "$T/diff.extra"
	equal "$(cat "$T/diff.missing-table")" 'Only in /tmp/good: hosts.csv'
	equal "$(grep -c 'Only in /tmp/good' "$T/diff.empty")" 71
	for what in lie-rows truncated-line truncated; do
		equal "$(cat "$T/diff.$what")" \
		    'Files /tmp/good/nodelist.csv and /tmp/d/nodelist.csv differ' $what
	done
	grep -q 'site.csv' "$T/diff.badbytes"
	mn_fault a clear
	mn_fault a dump=stderr
	exits 0 node 'rm -rf /tmp/d; dumpxCATdb -p /tmp/d'
	grep -q '^perl: warning: Setting locale failed' "$T/err"
	exits 0 mn_sh a diff -r /tmp/good /tmp/d
	mn_fault a dump=hang:2
	timeout 300 "$MN_SH" shell "$T/mn/a" dumpxCATdb -p /tmp/h 3>&- &
	while kill -0 $! && [ "$(csv_count /tmp/h)" -lt 2 ]; do
		sleep 0.05
	done
	sleep 1
	kill $!
	not wait $!
	equal "$(csv_count /tmp/h)" 2
}

# --- restorexCATdb ---------------------------------------------------------------

@test "restore: A to A is the same but for what xCAT is known to lose" {
	mn_start a
	mn_populate a facts
	exits 0 node "chtab key=test_cr \"site.value=\$(printf 'a\\r\\nb')\""
	exits 0 node "chtab key=test_ends \"site.value=\$(printf 'one  \\n\\nthree')\""
	exits 0 node "chtab key=test_last \"site.value=\$(printf 'a\\tb \\303\\274 \\042q\\042 ')\""
	sqlite3 "$(mn_path a /etc/xcat/site.sqlite)" \
	    "insert into site (key, value) values ('test_empty', '')"
	sums "$T/before"
	exits 0 node 'dumpxCATdb -p /tmp/r; restorexCATdb -p /tmp/r; dumpxCATdb -p /tmp/after'
	sums "$T/after"
	# of the values that the recorded dump came with, its own kind
	diff "$T/before" "$T/after" | grep '^[<>]' | grep -v 'odd_\|para' >"$T/lost" || :
	equal "$(tr '\r' '^' <"$T/lost" | grep test_)" '< test_cr|a^
> test_cr|a
< test_ends|one  
> test_ends|one
< test_empty||<NULL>|<NULL>
> test_empty|<NULL>|<NULL>|<NULL>' || {
		cat -A "$T/lost"
		return 1
	}
	equal "$(node 'tabdump site' | sed -n '/test_ends/,/three/p')" \
	    '"test_ends","one
three",,'
	node 'tabdump site' | grep -q "^\"test_last\",\"a	b ü \"\"q\"\" \",,$"
	# once more changes nothing
	exits 0 node 'restorexCATdb -p /tmp/after; rm -rf /tmp/r; dumpxCATdb -p /tmp/r; diff -r /tmp/after /tmp/r'
}

@test "restore: what only costs the table in question" {
	mn_start a
	mn_populate a 20
	node 'mkdir /tmp/r'
	local n
	node "cat >/tmp/r/nodelist.csv" <<<'#node,groups
"x1","g"
"x1","dup"
"x2","g","extra","fields"'
	restores 'Error: \[mn1\]: DB error UNIQUE constraint failed: nodelist.node with line 1: "x1","dup"'
	grep -qx 'Error: \[mn1\]: Too many fields on line 2: "x2","g","extra","fields" | "extra","fields".' "$T/err"
	equal "$(stored nodelist)" 20
	node "cat >/tmp/r/nodelist.csv" <<<'#node,groups
"x1","g"
"x1","dup"
x3,noquotes
"x4"

'
	restores 'Error: \[mn1\]: DB error  with line 4: '
	equal "$(stored nodelist)" 20
	node "cat >/tmp/r/nodelist.csv" <<<'#node,groups
"cn1","unterminated
"x1","g",,,,'
	restores 'Error: \[mn1\]: CSV unescaped " in record on line 1, character -1: "cn1","unterminated'
	node "cat >/tmp/r/nodelist.csv" <<<'#node,groups
"cn1","unmatch'
	restores 'Error: \[mn1\]: CSV unmatched " in record on line 1, character 6: "cn1","unmatch'
	equal "$(stored nodelist)" 20
	# bytes that its XML cannot carry
	for n in '\001' '\351'; do
		node "printf '#node,groups\n\"x\",\"g$n\"\n' >/tmp/r/nodelist.csv"
		restores 'communication with the xCAT server seems to have been ended prematurely'
		equal "$(stored nodelist)" 20
	done
	# what goes through without a word
	node "cat >/tmp/r/nodelist.csv" <<<'#node,groups
"x1","g"
x3,noquotes'
	restores ''
	equal "$(stored nodelist "group_concat(node||'='||groups)")" 'x1=g,x3=noquotes'
	node "echo '#node,groups' >/tmp/r/nodelist.csv"
	restores ''
	equal "$(stored nodelist)" 0
}

@test "restore: every entry of the directory, its table up to the first dot" {
	mn_start a
	mn_populate a 10
	exits 0 node 'mkdir -p /tmp/r/subdir; cd /tmp/r; echo junk >README.txt; echo hi >.hidden
	    printf "#a,b\n\"1\",\"2\"\n" >nosuchtable.csv
	    tabdump nodelist | head -4 >nodelist.old.csv
	    printf "#recid,audittime,userid\n\"77\",\"2026\",\"u\"\n" >auditlog.csv'
	restores '^Error running tabrestore /tmp/r/.hidden, Error: \[mn1\]: Unable to open $'
	local name
	for name in README nosuchtable subdir; do
		grep -qx "Command failed: tabrestore /tmp/r/[^ ]* 2>&1. Error message: Error: \[mn1\]: Unable to open $name." "$T/err"
	done
	equal "$(grep -c '^Restoring' "$T/out")" 1
	grep -qx 'Restoring nodelist.old.csv.' "$T/out"
	grep -qx 'Skipping auditlog.csv' "$T/out"
	equal "$(stored nodelist)" 3
	exits 0 node 'restorexCATdb -a -p /tmp/r; tabdump auditlog'
	grep -qx '"1","2026","u",,,,,,,,' "$T/out"
	exits 0 node 'restorexCATdb -p /etc/hosts'
	exits 1 node 'restorexCATdb -p /nonexist'
	exits 1 node 'restorexCATdb'
}

@test "restore: an empty file, no header or a foreign column leave xcatd stuck" {
	mn_start a
	mn_populate a 20
	export MN_LOCK_MS=200
	local bad
	node 'mkdir /tmp/r /tmp/good; tabdump nodelist >/tmp/good/nodelist.csv'
	for bad in '' '"x1","g"\n' '#node,groups,bogus\n"x","g","z"\n'; do
		node "printf '$bad' >/tmp/r/nodelist.csv"
		restores '^Error running tabrestore /tmp/r/nodelist.csv, Error: \[mn1\]: (Data missing header line starting with #|The header line indicates that column .bogus. should exist)'
		# its readers see nothing, others all of it, and nobody may write
		equal "$(node 'nodels | wc -l; tabdump nodelist | wc -l')" "0
1"
		equal "$(stored nodelist)" 20
		exits 1 mn_sh a env MN_LOCK_MS=200 chtab node=cn001 nodelist.comments=x
		grep -q 'database is locked' "$T/err"
		exits 5 sqlite3 "$(mn_path a /etc/xcat/nodelist.sqlite)" \
		    "delete from nodelist"
		if [ -z "$bad" ]; then
			# that table restored properly
			exits 0 node 'restorexCATdb -V -p /tmp/good'
		else
			node 'service xcatd restart'
		fi
		equal "$(node 'nodels all | wc -l')" 20
		exits 0 node 'chtab node=cn001 nodelist.comments=x'
	done
}

@test "restore: 0 whatever is lost, and XCATBYPASS=1 when xcatd is down" {
	mn_start a
	mn_populate a 20
	node 'dumpxCATdb -p /tmp/r'
	sums "$T/before"
	mn_fault a restore=lose:nodelist xcatd=down
	restores '^Error running tabrestore /tmp/r/hosts.csv, Connection failure'
	equal "$(grep -c '^Error running' "$T/err")" 70
	exits 0 node 'XCATBYPASS=1 chtab -d node=cn001 hosts; XCATBYPASS=1 chtab -d node=cn001 nodelist
	    XCATBYPASS=1 restorexCATdb -V -p /tmp/r'
	equal "$(stored hosts) $(stored nodelist)" '20 19'
	mn_fault a clear
	restores ''
	sums "$T/after"
	diff <(sort "$T/before") <(sort "$T/after")
	mn_fault a restore=midway:30
	restores '^Error running tabrestore /tmp/r/'
	equal "$(grep -c '^Error running' "$T/err")" 41
}

# --- the rest ----------------------------------------------------------------------

@test "tools that are missing or not GNU's, and back again" {
	mn_start a
	mn_fault a find=missing tar=notgnu tools=zstd,sha256sum
	exits 127 mn_ssh a 'find /install'
	exits 127 mn_ssh a '/usr/bin/env sha256sum /etc/hosts'
	exits 1 mn_ssh a 'tar --null --no-recursion -T - -c </dev/null'
	grep -q 'unrecognized option' "$T/err"
	exits 0 mn_ssh a 'tar cf /dev/null /etc/hosts; ls /; awk "BEGIN { exit 0 }"'
	exits 0 mn_sh a find /install
	mn_fault a find=notgnu
	exits 1 mn_ssh a 'find / -maxdepth 0 -printf "%p\n"'
	exits 0 mn_ssh a 'find / -maxdepth 0'
	mn_fault a clear
	exits 0 mn_ssh a 'find / -maxdepth 0 -printf "%p\n"; tar --version; sha256sum /etc/hosts'
}

@test "nodels lists too few without a range; lsdef, chdef and chtab" {
	mn_start a
	mn_populate a 200
	exits 0 node 'for i in 1 2 3 4; do nodels | wc -l; nodels all | wc -l; done'
	equal "$(sort -nu "$T/out" | wc -l) $(grep -cx 200 "$T/out")" '2 6'
	exits 0 node 'lsdef -t osimage; lsdef -t osimage rocky9.4-x86_64-netboot-compute; lsxcatd -d'
	grep -qx 'norootimg  (osimage)' "$T/out"
	not grep -q '^disabledimg' "$T/out"
	grep -qx '    usercomment=q"uote & <tag>, ??' "$T/out"
	grep -qx 'dbengine=SQLite' "$T/out"
	exits 1 node 'nodels cn999'
	exits 1 mn_sh a setpriv --reuid=1000 --regid=1000 --clear-groups tabdump
	equal "$(cat "$T/err")" 'Error: Permission denied for request'
}

@test "a connection is cut where one wants it" {
	mn_start a
	mn_proxy a 2000,-,50000
	equal "$MN_PORT" "$(cat "$MN_DIR/proxy-port")"
	exits 255 ssh -F "$MN_SSH/config" -p "$MN_PORT" node true
	exits 0 ssh -F "$MN_SSH/config" -p "$MN_PORT" node true
	exits 255 ssh -F "$MN_SSH/config" -p "$MN_PORT" node 'head -c 200000 /dev/zero'
	exits 0 ssh -F "$MN_SSH/config" -p "$MN_PORT" node 'head -c 200000 /dev/zero'
	equal "$(stat -c %s "$T/out")" 200000
	equal "$(cut -d' ' -f1 "$MN_DIR/proxy.log" | tr '\n' ' ')" 'cut ended cut ended '
	mn_ssh a 'echo there; sleep 60' >"$T/there" 2>/dev/null 3>&- &
	until [ -s "$T/there" ]; do
		sleep 0.02
	done
	mn_cut a
	local status=0
	wait $! || status=$?
	equal "$status" 255
	exits 0 mn_ssh a true
}

@test "a container made anew has what /.dbbackup gives it" {
	mn_start a
	mn_populate a 12
	node 'dumpxCATdb -p /.dbbackup'
	sums "$T/before"
	exits 0 mn_reborn a
	sums "$T/after"
	sort "$T/before" >"$T/1"
	sort "$T/after" | comm -23 "$T/1" - >"$T/lost"
	equal "$(cat "$T/lost")" ''
	# a dump that a full disk had spoilt
	mn_fault a dump=diskfull:4000
	node 'dumpxCATdb -p /.dbbackup'
	mn_fault a clear
	exits 0 mn_reborn a
	equal "$(node 'nodels all | wc -l')" 0
}

# --- imgexport and imgimport -----------------------------------------------------------

IMAGE=rocky9.4-x86_64-netboot-compute

# exported FILE: members of the bundle
exported()
{
	tar tzf "$(mn_path a "$1")" | sort | tr '\n' ' '
}

@test "imgexport: the bundle, its manifest, and what is lost with status 0" {
	mn_start a --small /mnt=100k
	mn_populate a small
	exits 0 node "mkdir e && cd e && imgexport $IMAGE /some/where/b.tgz"
	equal "$(tail -n 1 "$T/out")" 'Done!'
	equal "$(exported /root/e/b.tgz)" "./ ./$IMAGE/ ./$IMAGE/compute.otherpkgs.pkglist ./$IMAGE/compute.postinstall ./$IMAGE/compute.rocky9.exlist ./$IMAGE/compute.rocky9.x86_64.pkglist ./$IMAGE/compute.synclist ./$IMAGE/initrd-stateless.gz ./$IMAGE/kernel ./$IMAGE/manifest.xml ./$IMAGE/rootimg.cpio.gz "
	tar xzOf "$(mn_path a /root/e/b.tgz)" "./$IMAGE/manifest.xml" >"$T/xml"
	equal "$(head -n 8 "$T/xml")" "<?xml version=\"1.0\"?>
<xcatimage>
  <kernel>/install/netboot/rocky9.4/x86_64/compute/kernel</kernel>
  <linuximage>
    <addkcmdline>console=ttyS0,115200</addkcmdline>
    <comments>q&quot;uote &amp; &lt;tag&gt;, ü</comments>
    <exlist>/install/custom/netboot/rocky/compute.rocky9.exlist</exlist>
    <imagename>$IMAGE</imagename>"
	local image
	for image in disabledimg nosuch; do
		exits 1 node "cd e && imgexport $image"
		grep -qx "Error: \[mn1\]: Cannot find image '$image' from the osimage table." "$T/err"
	done
	# the root image is missing: not a word
	exits 0 node 'cd e && imgexport norootimg'
	equal "$(exported /root/e/norootimg.tgz)" './ ./norootimg/ ./norootimg/compute.rocky9.x86_64.pkglist ./norootimg/initrd-stateless.gz ./norootimg/kernel ./norootimg/manifest.xml '
	# a path with a space, and two lists of one name
	node "chdef -t osimage $IMAGE pkglist='/install/custom/sp ace/list' exlist=/install/custom/a/list otherpkglist=/install/custom/b/list"
	exits 0 node "cd e && imgexport $IMAGE s.tgz"
	equal "$(tar xzOf "$(mn_path a /root/e/s.tgz)" "./$IMAGE/list")" a
	# a list that is not there: 1, and a bundle all the same
	node "chdef -t osimage $IMAGE pkglist=/nonexistent"
	exits 1 node "cd e && imgexport $IMAGE m.tgz"
	grep -qx "Error: \[mn1\]: Couldn't find file /nonexistent for $IMAGE. Skip." "$T/err"
	exits 0 node "gzip -t e/m.tgz"
}

@test "imgexport: disks that are full" {
	mn_start a --small /mnt=300k
	mn_populate a small
	# the work directory has no room: a root image cut short, status 0
	node 'chtab key=tmpdir site.value=/mnt; head -c 200000 /dev/zero >/mnt/fill'
	exits 0 node "cd /root && imgexport $IMAGE && gzip -t $IMAGE.tgz"
	equal "$(cat "$T/err")" ''
	[ "$(tar xzOf "$(mn_path a "/root/$IMAGE.tgz")" "./$IMAGE/rootimg.cpio.gz" | wc -c)" -lt 100000 ]
	# where the bundle goes there is none: the old one is gone, too
	node 'chtab -d key=tmpdir site; rm /mnt/fill'
	exits 1 node "cd /mnt && echo old >$IMAGE.tgz && imgexport $IMAGE"
	grep -qx 'Error: \[mn1\]: Failed to compress archive!  (Maybe there was no space left?)' "$T/err"
	equal "$(node 'ls /mnt')" ''
	exits 1 node 'chtab key=tmpdir site.value=/no/such/dir; imgexport norootimg'
	grep -q 'Error creating temp directory from template /no/such/dir/imgexport' "$T/err"
}

@test "imgimport: onto another node, again, and under another profile" {
	mn_start a
	mn_populate a small
	node "cd /root && imgexport $IMAGE b.tgz -e /install/postscripts/setupfoo -p cn001"
	mn_start b --hostname mn2
	cp "$(mn_path a /root/b.tgz)" "$(mn_path b /root)"
	exits 0 mn_sh b imgimport b.tgz
	equal "$(tail -n 1 "$T/out")" "Successfully imported the image $IMAGE."
	diff <(node "lsdef -t osimage $IMAGE") <(mn_sh b lsdef -t osimage "$IMAGE")
	cmp "$(mn_path a /install/netboot/rocky9.4/x86_64/compute/rootimg.cpio.gz)" \
	    "$(mn_path b /install/netboot/rocky9.4/x86_64/compute/rootimg.cpio.gz)"
	# columns that the manifest has not stay; files go to .ORIG
	mn_sh b chdef -t osimage "$IMAGE" nodebootif=eth9 profile=other
	exits 0 mn_sh b imgimport b.tgz
	mn_sh b lsdef -t osimage "$IMAGE" | grep -x '    nodebootif=eth9'
	mn_sh b lsdef -t osimage "$IMAGE" | grep -x '    profile=compute'
	[ -e "$(mn_path b /install/netboot/rocky9.4/x86_64/compute/kernel.ORIG)" ]
	exits 0 mn_sh b imgimport b.tgz -f prod
	mn_sh b lsdef -t osimage rocky9.4-x86_64-netboot-prod |
	    grep -x '    pkglist=/install/custom/netboot/rocky/prod.rocky9.x86_64.pkglist'
	# nodes: those that are there get the scripts, less the defaults
	exits 1 node 'imgimport b.tgz -p cn002,nosuch'
	node 'tabdump postscripts' | grep -x '"cn002","setupfoo",,,'
}

@test "imgimport: what it refuses, and what it swallows" {
	mn_start a
	mn_populate a small
	node "cd /root && imgexport $IMAGE b.tgz && imgexport rocky9.4-x86_64-install-compute i.tgz"
	local bad
	node "head -c 9000 b.tgz >cut.tgz; : >none.tgz; head -c 500 /dev/urandom >noise.tgz
	    gzip -dc b.tgz >plain.tgz"
	sums "$T/before"
	for bad in cut none noise plain; do
		exits 1 node "imgimport $bad.tgz"
		grep -qx "Error: \[mn1\]: Failed to extract bundle /root/$bad.tgz" "$T/err"
	done
	exits 1 node 'imgimport nosuch.tgz'
	sums "$T/after"
	cmp "$T/before" "$T/after"
	exits 0 node 'imgimport -n plain.tgz'
	exits 0 node 'tar czf empty.tgz -T /dev/null; imgimport empty.tgz'
	equal "$(cat "$T/out")" 'Unbundling image...'
	exits 1 node 'rm -rf /install/rocky9.4; imgimport i.tgz'
	grep -qx 'Error: \[mn1\]: This image requires that you first copy media for rocky9.4-x86_64' "$T/err"
	# a member is missing: the old root image is away, status 0
	exits 0 node "mkdir w && tar xzf b.tgz -C w && rm w/*/rootimg* && tar czf nr.tgz -C w . && imgimport nr.tgz"
	grep -qx "Successfully imported the image $IMAGE." "$T/out"
	[ ! -e "$(mn_path a /install/netboot/rocky9.4/x86_64/compute/rootimg.cpio.gz)" ]
	# a shell reads what the manifest says
	exits 0 node "sed -i 's,</xcatimage>,<extra><src>/x/list</src><dest>/tmp;touch /tmp/INJECTED</dest></extra></xcatimage>,' w/*/manifest.xml
	    mkdir w/$IMAGE/extra; echo x >w/$IMAGE/extra/list; tar czf inj.tgz -C w .; imgimport inj.tgz"
	[ -e "$(mn_path a /tmp/INJECTED)" ]
}
