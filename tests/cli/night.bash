# shellcheck shell=bash
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# Nightly backups of test nodes, beside common.bash and ../mn/mn.bash:
#
#	setup_file() { shared_node [OPTION...]; }
#	setup() { night_scratch; }
#	teardown() { night_clean; }
#	teardown_file() { shared_stop; }
#
# shared_node [OPTION...]  the node "a" of all of a file's tests, populated
# node NAME [OPTION...]    one of this test's own
# site NAME NODE [LINE...] a site of the configuration, with further settings
# config_line LINE         a setting outside of the sites
# night [ARG...] SITE      a backup; sets STATUS, $T/out, $T/err; never fails
# ended STATUS [REGEX]     how it did, and its first line on stderr

shared_node()
{
	local T=$BATS_FILE_TMPDIR

	mn_start a "$@"
	mn_populate a
}

shared_stop()
{
	local T=$BATS_FILE_TMPDIR

	mn_stop_all
}

# A node's folder: the test's own, or the file's
mn_folder()
{
	local dir=$T/mn/$1

	[ -d "$dir" ] || dir=$BATS_FILE_TMPDIR/mn/$1
	echo "$dir"
}

# on NODE COMMAND...: with mn.bash's functions, whosever node it is
on()
{
	local dir

	dir=$(mn_folder "$2")
	local T=${dir%/mn/*}
	"$@"
}

night_scratch()
{
	local known=${XCATVAULT_SSH_DIR-}

	scratch
	mkdir -m 0700 "$T/ssh"
	! over_ssh || cp "$known"/* "$T/ssh/"
	export XCATVAULT_SSH_DIR=$T/ssh
	SITES='' LINES_ABOVE=''
	new_vault
}

night_clean()
{
	[ ! -d "$BATS_FILE_TMPDIR/mn/a" ] || (
		T=$BATS_FILE_TMPDIR
		[ ! -s "$T/mn/a/root/run/mn/faults" ] || mn_fault a clear
	)
	mn_stop_all
	clean
}

node()
{
	mn_start "$@"
	mn_populate "$1" >/dev/null
}

config_line()
{
	LINES_ABOVE+="$*"$'\n'
	write_config
}

site()
{
	local dir name=$1

	dir=$(mn_folder "$2")
	cat "$dir/ssh/known_hosts" >>"$T/ssh/known_hosts"
	SITES+="	$name = {
		address = \"root@127.0.0.1:$(cat "$dir/port")\";
		identity = \"$dir/ssh/id_ed25519\";
		dump_timeout = 3; idle_timeout = 20;
$(printf '\t\t%s\n' "${@:3}")
	};
"
	write_config
}

write_config()
{
	printf 'vault = "%s";\n%ssites = {\n%s};\n' "$XCATVAULT_VAULT" \
	    "$LINES_ABOVE" "$SITES" >"$XCATVAULT_CONFIG"
	chmod 0600 "$XCATVAULT_CONFIG"
}

night()
{
	STATUS=0
	xv backup "$@" >"$T/out" 2>"$T/err" || STATUS=$?
	SNAP=$(snapshot_id "$(cat "$T/out")")
}

ended()
{
	local first

	[ "$STATUS" -eq "$1" ] || {
		echo "status $STATUS, not $1"
		cat "$T/out" "$T/err"
		return 1
	}
	[ $# -gt 1 ] || return 0
	first=$(head -n 1 "$T/err")
	[[ $first =~ ^xcatvault:\ .*$2 ]] || {
		echo "not /$2/ but:"
		cat "$T/err"
		return 1
	}
}

# json SNAP FILTER: from the snapshot's file
json()
{
	jq -r "$2" "$V"/snapshots/*/*"$1"*.json
}

# dbbackup NODE >FILE: all that can be seen of /.dbbackup, to compare
dbbackup()
{
	on mn_sh "$1" sh -c 'cd /.dbbackup/ && stat -c "%n %i %a %U %Y" . &&
	    find . -mindepth 1 -printf "%P %y %m %s %T@ %i\n" | sort &&
	    find . -type f -print0 | sort -z | xargs -0 -r sha256sum'
}

# proper_dbbackup NODE [TABLES]: nothing but csv files, private and whole
proper_dbbackup()
{
	equal "$(on mn_sh "$1" find /.dbbackup/ -mindepth 1 ! \( -type f \
	    -name '*.csv' -perm 0600 -user root \))" '' "other than csv 0600"
	equal "$(on mn_sh "$1" sh -c 'ls /.dbbackup/ | wc -l')" "${2:-71}" \
	    "tables in /.dbbackup"
	equal "$(on mn_sh "$1" sh -c 'find /.dbbackup/ -size -2c')" '' \
	    "files without a header"
}

# nothing_left NODE: of ours, and no process
nothing_left()
{
	local tries=0 left

	while :; do
		left=$(on mn_sh "$1" sh -c 'find / /tmp /root /.dbbackup/ \
			-maxdepth 1 -name ".xcatvault*"
			cat /proc/[0-9]*/cmdline | tr "\0" " " |
			grep -ao "[x]catvault-dump" | head -n 1')
		[ -n "$left" ] || return 0
		tries=$((tries + 1))
		[ $tries -lt 600 ] || break
		sleep 0.1
	done
	echo "left on the node: $left"
	return 1
}

# volumes SNAP: their paths, on one line
volumes()
{
	json "$1" '[.volumes[].path] | sort | join(" ")'
}

# database NODE [TABLE...]: its rows, as sqlite3 sees them, without those that
# xcatd makes and unmakes itself
database()
{
	on mn_sh "$1" sh -c 'cd /etc/xcat && tables=$* &&
	    for f in ${tables:-*.sqlite}; do
		t=${f%.sqlite}
		case $t in notification | passwd.sqlite) continue ;; esac
		[ -e "$t.sqlite" ] || continue
		sqlite3 "$t.sqlite" "select * from $t" | sort |
		    sed "s/^/$t|/"
	    done' sh "${@:2}"
}

# same_database A B [TABLE...]: node B has what A has
same_database()
{
	database "$1" "${3}" >"$T/$1.db"
	database "$2" "${3}" >"$T/$2.db"
	diff "$T/$1.db" "$T/$2.db" && [ -s "$T/$1.db" ]
}

# said REGEX: in $T/out or $T/err
said()
{
	grep -Eq -- "$1" "$T/out" "$T/err" || {
		echo "nothing of /$1/ in:"
		cat "$T/out" "$T/err"
		return 1
	}
}

unsaid()
{
	not grep -Eq -- "$1" "$T/out" "$T/err"
}

# The tables that every xCAT has.
CORE="bootparams boottarget cfgmgt chain deps discoverydata domain firmware
hosts hwinv hypervisor ipmi iscsi kit kitcomponent kitrepo kvm_masterdata
kvm_nodedata linuximage litefile litetree mac mic monitoring monsetting mp mpa
networks nics nimimage nodegroup nodehm nodelist nodepos noderes nodetype
notification osdistro osdistroupdate osimage passwd performance policy
postscripts ppc ppcdirect ppchcp prescripts prodkey rack routes servicenode
site statelite storage switch switches token virtsd vm vmmaster vpd websrv
winimage zone zvm"

# small_tables DIR: a whole dump there, of a site with three nodes
small_tables()
{
	local t

	mkdir -p "$1"
	for t in $CORE; do
		echo '#node,value,comments,disable' >"$1/$t.csv"
	done
	printf '%s\n' '#key,value,comments,disable' \
	    '"master","10.0.0.1",,' '"installdir","/install",,' \
	    '"odd","he said ""hi"", twice",,' >"$1/site.csv"
	printf '%s\n' '#node,groups,status,comments,disable' \
	    '"n1","all,compute","booted",,' '"n2","all",,,"1"' \
	    '"n3","all,compute","booted","two' 'lines",' >"$1/nodelist.csv"
}
