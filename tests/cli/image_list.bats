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
	exits 3 xv image list more
	exits 3 xv image list --site a more
	exits 3 xv image list --site nosuch
	on mn_fault a tabdump=hang perl=missing
	exits 2 xv image list --site a
	complains 'tables of xCAT.s database cannot be read'
	on mn_fault a clear
}

# --------------------------------------------------------------------- ready

ROCKY=rocky9.4-x86_64-netboot-compute
POWER=rhels8.6.0-ppc64le-netboot-compute

# lacks AREA WHAT COMMAND: an item of the last --json run (regexes)
lacks()
{
	jq -e --arg a "$1" --arg w "$2" --arg c "$3" 'any(.items[];
	    .level != "note" and .area == $a and (.what | test($w)) and
	    (.command // "" | test($c)))' "$T/out" >/dev/null || {
		echo "no item $1: $2: $3"
		cat "$T/out"
		return 1
	}
}

# lacking: areas of what the last --json run found lacking
lacking()
{
	jq -r '[.items[] | select(.level != "note") | .area] | unique |
	    join(" ")' "$T/out"
}

# booting NODE: all that a node needs to boot the image ROCKY on it
booting()
{
	on mn_sh "$1" sh -c 'cd /tftpboot
	    mkdir -p xcat/osimage/'$ROCKY' boot/grub2 /etc/dhcp
	    for f in xcat/genesis.kernel.x86_64 xcat/genesis.fs.x86_64.gz \
		xcat/xnba.kpxe xcat/xnba.efi; do echo x >$f; done
	    cp /install/netboot/rocky9.4/x86_64/compute/kernel \
		/install/netboot/rocky9.4/x86_64/compute/initrd-stateless.gz \
		xcat/osimage/'$ROCKY'
	    {
		echo "option client-architecture code 93 = unsigned integer 16;"
		echo "if option client-architecture = 00:07 { filename x; }"
		tabdump nodelist | sed -n "s/^\"\(cn[0-9]*\)\".*/#definition for host \1 aka host \1 can be found/p"
	    } >/etc/dhcp/dhcpd.conf'
}

@test "image ready: an image with all that it needs is" {
	booting a
	exits 0 xv image ready $ROCKY --site a
	equal "$(head -n 1 "$T/out" | sed "s/ on root@[0-9.:]*: /: /")" \
	    "$ROCKY (netboot, rocky9.4, x86_64): ready; 24 nodes are set to boot it"
	exits 0 xv --json image ready $ROCKY --site a
	equal "$(jq -r '[.verdict, (.nodes | length), .osarch] | join(" ")' \
	    "$T/out")" 'ready 24 x86_64'
	nothing_left a
}

# leases NAME..., gone NAME...: as the DHCP server notes what makedhcp told it
leases()
{
	sed -i '/host.cn00[37]/d' /etc/dhcp/dhcpd.conf
	mkdir -p /var/lib/dhcpd
	for n; do
		printf 'host %s {\n  dynamic;\n  fixed-address 10.0.0.1;\n}\n' "$n"
	done >>/var/lib/dhcpd/dhcpd.leases
}

gone()
{
	for n; do
		printf 'host %s {\n  dynamic;\n  deleted;\n}\n' "$n"
	done >>/var/lib/dhcpd/dhcpd.leases
}

@test "image ready: each thing that is missing, and how to have it" {
	while IFS='|' read -r spoil area what command; do
		booting a
		on mn_sh a bash -c "$(declare -f leases gone); cd /tftpboot; $spoil"
		exits 1 xv --json image ready $ROCKY --site a
		equal "$(jq -r .verdict "$T/out")" 'not ready'
		lacks "$area" "$what" "$command"
		equal "$(lacking)" "$area" "$spoil"
	done <<-END
	rm xcat/genesis.kernel.x86_64|genesis|genesis.*x86_64|install xcat-genesis-base-amd64 xcat-genesis-scripts-amd64 && mknb x86_64\$
	rm xcat/genesis.fs.x86_64.gz|genesis|genesis.*x86_64|mknb x86_64\$
	rm xcat/xnba.kpxe|boot loader|/tftpboot/xcat/xnba.kpxe is not there|install xnba-undi\$
	: >xcat/xnba.efi|boot loader|/tftpboot/xcat/xnba.efi is not there|install xnba-undi\$
	rm -r xcat/osimage/$ROCKY|tftp|osimage/$ROCKY: kernel is not there, initrd-stateless.gz is not there|^nodeset cn001-cn024 osimage=$ROCKY\$
	echo 1 >>xcat/osimage/$ROCKY/initrd-stateless.gz|tftp|initrd-stateless.gz is another one|^nodeset cn001-cn024
	sed -i 1s/^./X/ xcat/osimage/$ROCKY/kernel|tftp|kernel is another one|^nodeset cn001-cn024
	rm /etc/dhcp/dhcpd.conf|dhcp|no configuration of a DHCP server|^makedhcp -n
	sed -i /00:07/d /etc/dhcp/dhcpd.conf|dhcp|dhcpd.conf does not know clients that are x86_64|^makedhcp -n
	sed -i /host.cn00[37]/d /etc/dhcp/dhcpd.conf|dhcp|2 nodes .cn003, cn007. that the DHCP server does not know|^makedhcp cn003,cn007\$
	leases cn003 cn007; gone cn007 cn003; leases cn007|dhcp|1 node .cn003. that the DHCP server does not know|^makedhcp cn003\$
	END
}

@test "image ready: an installed genesis only wants mknb; Kea is known too" {
	booting a
	on mn_sh a sh -c 'mkdir -p /opt/xcat/share/xcat/netboot/genesis/x86_64
	    : >/opt/xcat/share/xcat/netboot/genesis/x86_64/kernel
	    rm /tftpboot/xcat/genesis.kernel.x86_64 /etc/dhcp/dhcpd.conf
	    mkdir -p /etc/kea; { echo "option[93].hex == 0x0007"
	    tabdump nodelist | cut -d, -f1; } >/etc/kea/kea-dhcp4.conf'
	exits 1 xv --json image ready $ROCKY --site a
	equal "$(lacking)" genesis
	lacks genesis x86_64 '^mknb x86_64$'
	on mn_sh a sh -c 'rm -r /etc/kea /opt/xcat/share/xcat/netboot/genesis'
}

@test "image ready: an image of another architecture wants parts of its own" {
	booting a
	# nobody is of that architecture yet
	exits 1 xv --json image ready $POWER --site a
	equal "$(lacking)" 'boot loader dhcp genesis tftp'
	lacks genesis 'genesis.*ppc64' 'mknb ppc64$'
	lacks 'boot loader' '/boot/grub2/grub2.ppc is not there' 'install grub2-xcat$'
	lacks tftp "$POWER: kernel is not there" "^nodeset NODERANGE osimage=$POWER\$"
	lacks dhcp 'ppc64le .*00:0e' '^makedhcp -n'
	# two are, one of them a guest, and one of another is set to boot it
	on mn_sh a sh -c '
	    chtab node=cn001 nodetype.arch=ppc64le
	    chtab node=cn001 noderes.netboot=xnba
	    chtab node=cn002 nodetype.arch=ppc64el nodetype.provmethod='$POWER'
	    chtab node=cn002 nodehm.mgt=kvm
	    chtab node=cn002 noderes.netboot=pxe
	    chtab node=cn003 nodetype.provmethod='$POWER'
	    chtab -d node=cn003 mac'
	exits 1 xv --json image ready $POWER --site a
	equal "$(lacking)" 'boot loader dhcp genesis nodes tftp'
	lacks nodes '2 nodes .cn001, cn003. whose noderes.netboot' '^chdef -t node -o cn001,cn003 netboot=petitboot$'
	lacks nodes '1 node .cn003. set to boot it, whose nodetype.arch is x86_64' '^chdef -t node -o cn003 arch=ppc64le$'
	lacks nodes 'netboot does not boot ppc64le' '^chdef -t node -o cn002 netboot=grub2$'
	lacks nodes '1 node .cn003. without a MAC' '^getmacs cn003$'
	lacks tftp "$POWER: kernel is not there" "^nodeset cn002 osimage=$POWER\$"
	# as text: what, why, what to do
	exits 1 xv image ready $POWER --site a
	says '^boot loader: /tftpboot/boot/grub2/grub2.ppc is not there$'
	says '^    why: ppc64le nodes with netboot=grub2 load it first$'
	says '^    do:  .*mknb ppc64$'
	on mn_populate a >/dev/null
}

@test "image ready: aarch64 has a grub2 that xCAT does not bring" {
	booting a
	on mn_sh a sh -c 'chtab imagename=arm osimage.provmethod=netboot \
	    osimage.osvers=rocky9.4 osimage.osarch=aarch64 osimage.profile=c \
	    osimage.imagetype=linux osimage.osdistroname=rocky9.4-aarch64
	    chtab imagename=arm linuximage.rootimgdir=/install/netboot/rocky9.4/x86_64/compute
	    chtab node=cn004 nodetype.arch=aarch64
	    chtab node=cn004 noderes.netboot=grub2'
	exits 1 xv --json image ready arm --site a
	lacks 'boot loader' grub2.aarch64 '^curl .*MIRROR/BaseOS/aarch64/os/EFI/BOOT/grubaa64.efi$'
	lacks osdistro 'no row rocky9.4-aarch64' '^mkdef -t osdistro -o rocky9.4-aarch64 basename=rocky majorversion=9 minorversion=4 arch=aarch64 type=Linux$'
	lacks dhcp '00:0b' '^makedhcp -n'
	on mn_sh a sh -c 'mkdir -p /install/rocky9.4/aarch64/EFI/BOOT
	    echo x >/install/rocky9.4/aarch64/EFI/BOOT/grubaa64.efi'
	exits 1 xv --json image ready arm --site a
	lacks 'boot loader' grub2.aarch64 '^install -D -m 644 /install/rocky9.4/aarch64/EFI/BOOT/grubaa64.efi /tftpboot/boot/grub2/grub2.aarch64$'
	on mn_sh a sh -c 'mkdir -p /srv/install/rocky9.4
	    mv /install/rocky9.4/aarch64 /srv/install/rocky9.4/
	    chtab key=installdir site.value=/srv/install'
	exits '1|5' xv --json image ready arm --site a
	lacks 'boot loader' grub2.aarch64 '^install -D -m 644 /srv/install/rocky9.4/aarch64/EFI/BOOT/grubaa64.efi '
	on mn_sh a sh -c 'chtab key=installdir site.value=/install
	    mv /srv/install/rocky9.4/aarch64 /install/rocky9.4/'
	on mn_sh a sh -c 'chtab -d imagename=arm osimage
	    chtab -d imagename=arm linuximage; rm -r /install/rocky9.4/aarch64'
	on mn_populate a >/dev/null
}

@test "image ready: attributes come from groups, too" {
	booting a
	on mn_sh a sh -c '
	    chtab node=grouped nodelist.groups=nothing,compute
	    chtab -d node=cn005 noderes
	    chtab node=compute noderes.netboot=yaboot
	    chtab node=cn006 noderes.netboot="|\D+(\d+)|x(\$1)|"'
	exits 1 xv --json image ready $ROCKY --site a
	lacks nodes '1 node .cn005. whose noderes.netboot' '^chdef -t node -o cn005 netboot=xnba$'
	jq -e 'any(.items[]; .level == "note" and (.what |
	    test("1 node .cn006. have attributes that are patterns")))' "$T/out"
	on mn_sh a sh -c 'chtab -d node=compute noderes; chtab -d node=grouped nodelist'
	on mn_populate a >/dev/null
}

@test "image ready: an image that is not whole is status 5" {
	booting a
	exits 5 xv --json image ready norootimg --site a
	equal "$(jq -r .verdict "$T/out")" incomplete
	lacks image 'rootimg .*/broken/rootimg' '^packimage norootimg$'
	exits 5 xv image ready norootimg --site a
	says '^norootimg .* INCOMPLETE'
	on mn_sh a mv /install/postscripts/setupfoo /tmp
	exits 5 xv --json image ready $ROCKY --site a
	lacks image 'postscript /install/postscripts/setupfoo' "^xcatvault restore latest --site a --image $ROCKY\$"
	on mn_sh a mv /tmp/setupfoo /install/postscripts
}

@test "image ready: other hosts that serve, and xcatd down" {
	booting a
	on mn_sh a sh -c 'rm /etc/dhcp/dhcpd.conf
	    chtab key=externaldhcpservers site.value=10.0.0.9
	    chtab node=cn001 noderes.servicenode=sn1'
	exits 0 xv --json image ready $ROCKY --site a
	equal "$(jq -r '[.items[].what] | join("; ")' "$T/out")" \
	    '1 node (cn001) have service nodes; other hosts serve DHCP (10.0.0.9)'
	on mn_fault a xcatd=down
	exits 1 xv --json image ready $ROCKY --site a
	equal "$(lacking)" xcatd
	on mn_fault a clear
	on mn_sh a chtab -d key=externaldhcpservers site
	on mn_populate a >/dev/null
}

@test "image ready: usage, and images that there are not" {
	exits 3 xv image ready
	exits 3 xv image ready $ROCKY
	exits 3 xv image ready --site a
	exits 3 xv image ready nosuch --site a
	complains 'nosuch: no such osimage on root@'
	exits 3 xv image ready disabledimg --site a
	complains 'osimage disabledimg: disabled'
}

@test "image list: without a site, what the vault keeps" {
	exits 0 xv image list
	equal "$(wc -c <"$T/err")" 0
	XCATVAULT_VAULT=$T/none exits '2|3' xv image list
}

# through BYTES: site a by way of a port that is cut then
through()
{
	local dir=$BATS_FILE_TMPDIR/mn/a

	(T=$BATS_FILE_TMPDIR && mn_proxy a "$1")
	SITES="	a = { address = \"root@127.0.0.1:$(cat "$dir/proxy-port")\";
		identity = \"$dir/ssh/id_ed25519\"; };
"
	cat "$dir/ssh/known_hosts" >>"$T/ssh/known_hosts"
	write_config
}

@test "image list: a connection that is cut gives no shorter list" {
	local at cut=0

	exits 5 xv image list --site a
	cp "$T/out" "$T/want"
	for at in 2000 4000 6000 9000 11000 13000 16000 20000; do
		through "$at"
		exits '2|5' xv image list --site a
		if [ -s "$T/out" ]; then
			cmp "$T/out" "$T/want"
		else
			cut=$((cut + 1))
			complains 'connection|ssh'
		fi
	done
	[ "$cut" -ge 4 ]
	nothing_left a
	tries=0
	while on mn_sh a sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "' |
	    grep -aq 'xcatvault-[f]iles'; do
		tries=$((tries + 1))
		[ $tries -lt 600 ]
		sleep 0.1
	done
}

@test "image ready: names of the database are never words of a shell" {
	on mn_sh a sh -c 'chtab imagename=evil osimage.provmethod=netboot \
	    "osimage.osvers=r;id9.4" "osimage.osarch=\$(id)" osimage.profile=c \
	    osimage.imagetype=linux "osimage.osdistroname=a;id"
	    chtab imagename=evil linuximage.rootimgdir=/install/netboot/rocky9.4/x86_64/compute'
	exits 1 xv --json image ready evil --site a
	lacks osdistro 'no row a;id' "^mkdef -t osdistro -o 'a;id' 'basename=r;id' majorversion=9 minorversion=4 'arch=\\\$\\(id\\)' type=Linux\$"
	lacks genesis . "mknb '\\\$\\(id\\)'\$"
	# each command, taken apart by a shell that runs nothing of it
	jq -r '.items[].command // empty' "$T/out" | while read -r command; do
		equal "$(bash -c "mkdef() { :; }; mknb() { :; }; apt-get() { :; }
		    nodeset() { :; }; makedhcp() { :; }; id() { echo RAN; }
		    $command" | grep -c RAN)" 0
	done
	on mn_sh a sh -c 'chtab -d imagename=evil osimage
	    chtab -d imagename=evil linuximage'
}
