#!/usr/bin/env bats
# The test management nodes themselves: what stands in for xCAT's commands
# behaves as XCAT-FACTS measured.

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

@test "a node starts in a moment, answers by ssh, and ends without a trace" {
	mn_start a --hostname mnx --password cluster
	equal "$(mn_ssh a hostname)" mnx
	exits 127 mn_ssh a dumpxCATdb -p /tmp/d
	exits 0 mn_xcat a 'lsxcatd -v'
	grep -qx 'Version 2.19.0 (git commit [0-9a-f]*)' "$T/out"
	local pid
	pid=$(cat "$MN_DIR/pid")
	kill -0 "$pid"
	mn_stop a
	not kill -0 "$pid"
	not grep -q "$T/mn" /proc/mounts
}
