#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# image list, and image ready: a node's osimages, looked at where they are.

load common
load ../mn/mn
load night

setup_file()
{
	shared_node
}

setup()
{
	night_scratch
	site a a
}

teardown()
{
	night_clean
}

teardown_file()
{
	shared_stop
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

# ---------------------------------------------------------------------- list

@test "image list: what there is, and whether it is complete" {
	exits 5 xv image list --site a
	says '^OSIMAGE +PROVMETHOD +ARCH +OS +SIZE +BOOTS +STATE$'
	says '^rocky9.4-x86_64-netboot-compute +netboot +x86_64 +rocky9.4 +[0-9.]+ [kM]?B +rootimg.cpio.gz +complete'
	says '^rhels8.6.0-ppc64le-netboot-compute +netboot +ppc64le +rhels8.6.0 +[0-9.]+ [kM]?B +rootimg.tar.gz +complete'
	says '^norootimg .* INCOMPLETE'
	says '^  rootimg .*: none of the forms that xCAT boots is on the node$'
	says '^disabledimg .* not checked \(disabled\)$'
	equal "$(wc -c <"$T/err")" 0
	nothing_left a
}

@test "image list: finds what verify --osimages finds in a backup" {
	night a
	ended 0
	exits 5 xv --json verify --osimages "$SNAP"
	jq '.osimages' "$T/out" | sed 's/in the snapshot/on the node/' >"$T/want"
	exits 5 xv --json image list --site a
	jq '.osimages' "$T/out" | diff "$T/want" - >"$T/diff" || {
		cat "$T/diff"
		return 1
	}
	jq -e '.node | startswith("root@127.0.0.1:")' "$T/out"
}

@test "image list: sizes are those of kernel, initrd and root image" {
	exits 5 xv --json image list --site a
	dir=/install/netboot/rocky9.4/x86_64/compute
	equal "$(jq '.osimages[] | select(.osimage ==
	    "rocky9.4-x86_64-netboot-compute") | .boot_bytes' "$T/out")" \
	    "$(on mn_sh a sh -c "cat $dir/kernel $dir/initrd-stateless.gz \
	    $dir/rootimg.cpio.gz | wc -c")"
}

@test "image list: links, includes and an older root image that wins" {
	on mn_sh a sh -c 'cd /install/netboot/rocky9.4/x86_64/compute
	    mv kernel kernel.real; ln -s kernel.real kernel
	    : >rootimg.tar.xz
	    rm -f /tmp/inc; cp /install/custom/netboot/rocky/compute.rocky9.exlist /tmp/inc
	    echo "#INCLUDE:/install/gone.exlist#" >> \
	    /install/custom/netboot/rocky/compute.rocky9.exlist'
	exits 5 xv -v image list --site a
	says '^  exlist /install/gone.exlist: not on the node \(named by /install/custom/netboot/rocky/compute.rocky9.exlist'
	says '^  warning: stale rootimg .*/rootimg.tar.xz: xCAT does not boot it'
	exits 5 xv image list --site a
	not says 'stale rootimg'
	on mn_sh a sh -c 'cd /install/netboot/rocky9.4/x86_64/compute
	    rm kernel rootimg.tar.xz; mv kernel.real kernel
	    cat /tmp/inc >/install/custom/netboot/rocky/compute.rocky9.exlist'
}

@test "image list: past xcatd when it does not answer" {
	exits 5 xv image list --site a
	cp "$T/out" "$T/want"
	on mn_fault a xcatd=down
	exits 5 xv image list --site a
	cmp "$T/out" "$T/want"
	says 'xcatd does not answer'
	on mn_fault a clear
}

@test "image list: usage, and nodes that cannot be looked at" {
	exits 3 xv image list
	exits 3 xv image list --site a more
	exits 3 xv image list --site nosuch
	on mn_fault a tabdump=hang perl=missing
	exits 2 xv image list --site a
	complains 'tables of xCAT.s database cannot be read'
	on mn_fault a clear
}
