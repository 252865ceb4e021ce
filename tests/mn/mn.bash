# shellcheck shell=bash
# shellcheck disable=SC2034
# Test management nodes in bats files, beside common.bash:
#
#	load common
#	load ../mn/mn
#	setup() { scratch; mn_start a; }
#	teardown() { mn_stop_all; clean; }
#
# mn_start NAME [OPTION...]   a node (options of mn.sh start); skips the test,
#                             saying why, where that is not allowed.  Sets
#                             MN_DIR, MN_PORT, MN_ADDRESS, MN_SSH of it.
# mn_use NAME                 sets those of one started before
# mn_populate NAME [WHAT]     small, facts, or a number of nodes
# mn_ssh NAME COMMAND...      as ssh does it, without a login shell
# mn_xcat NAME COMMAND        by ssh, behind /etc/profile.d/xcat.sh
# mn_sh NAME COMMAND...       in the node, as a judge
# mn_fault NAME SWITCH...     mn.sh fault
# mn_cut NAME                 ends the ssh connections there are
# mn_proxy NAME BYTES,...     sets MN_PORT and MN_ADDRESS to a port where the
#                             N-th connection is cut after so many bytes
# mn_reborn NAME              its database as a container made anew has it: empty
#                             but for what restorexCATdb finds in /.dbbackup
# mn_path NAME PATH           that path of the node, on this host
# mn_stop NAME, mn_stop_all
MN_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
MN_SH=$MN_HOME/mn.sh

mn_start()
{
	local name=$1 status=0 said

	shift
	said=$("$MN_SH" start "$T/mn/$name" "$@" 2>&1) || status=$?
	[ "$status" -ne 77 ] || skip "${said#mn: skipped: }"
	[ "$status" -eq 0 ] || {
		echo "$said"
		return 1
	}
	mn_use "$name"
}

mn_use()
{
	MN_DIR=$T/mn/$1
	MN_PORT=$(cat "$MN_DIR/port")
	MN_ADDRESS=root@127.0.0.1:$MN_PORT
	MN_SSH=$MN_DIR/ssh
}

mn_populate()
{
	"$MN_SH" populate "$T/mn/$1" "${2:-small}"
}

mn_ssh()
{
	local dir=$T/mn/$1

	shift
	ssh -F none -i "$dir/ssh/id_ed25519" -o BatchMode=yes \
	    -o UserKnownHostsFile="$dir/ssh/known_hosts" \
	    -o GlobalKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes \
	    -p "$(cat "$dir/port")" root@127.0.0.1 "$@"
}

mn_xcat()
{
	mn_ssh "$1" ". /etc/profile.d/xcat.sh; $2"
}

mn_sh()
{
	"$MN_SH" shell "$T/mn/$1" "${@:2}"
}

mn_fault()
{
	"$MN_SH" fault "$T/mn/$1" "${@:2}"
}

mn_cut()
{
	"$MN_SH" cut "$T/mn/$1"
}

mn_proxy()
{
	"$MN_SH" proxy "$T/mn/$1" "$2"
	mn_use "$1"
	MN_PORT=$(cat "$MN_DIR/proxy-port")
	MN_ADDRESS=root@127.0.0.1:$MN_PORT
}

mn_reborn()
{
	mn_sh "$1" sh -c 'rm -f /etc/xcat/*.sqlite
	    [ ! -d /.dbbackup ] || restorexCATdb -p /.dbbackup/'
}

mn_path()
{
	echo "$T/mn/$1/root$2"
}

mn_stop()
{
	"$MN_SH" stop "$T/mn/$1"
}

mn_stop_all()
{
	local dir

	for dir in "$T"/mn/*; do
		[ ! -d "$dir/root" ] || "$MN_SH" stop "$dir"
	done
}
