#!/bin/sh
# Runs on the management node, by way of /bin/sh -c, behind xCAT's profile.
# Takes tables that have been proved, as a tar archive, into a new private
# directory, and has xCAT restore them, or puts them where xCAT's container
# looks for them when it starts.  Whatever happens, also to the connection,
# nothing of ours is left there.
#
# $1: restore, publish or restart; $2: where a dump is published; $3: seconds
# that restorexCATdb may take; $4: the text of publish.pl; $5: that of
# beside.sh.  Prints "dir PATH"; reads the length of the archive, and it;
# prints its files' digests, then "staged"; reads "go"; prints what xCAT says,
# "status N", and for restart "xcatd up|up, not restarted|down"; or what publish.pl prints.
what=$1 target=$2 limit=$3 publisher=$4
dir=''
eval "$5"

limited() {
	if command -v timeout >/dev/null; then
		timeout -k 10 "$@" </dev/null
	else
		shift
		"$@" </dev/null
	fi
}

# Whoever starts services here, and at last xCAT's own command.
restart_xcatd() {
	if [ -d /run/systemd/system ] &&
	    limited 120 systemctl restart xcatd; then
		return 0
	fi
	if command -v service >/dev/null &&
	    limited 120 service xcatd restart; then
		return 0
	fi
	limited 120 restartxcatd
}

answers() {
	(
		unset XCATBYPASS
		limited 20 lsxcatd -v
	) >/dev/null 2>&1
}

if [ "$what" = restart ]; then
	for_s=3 but=", not restarted"
	if restart_xcatd >/dev/null 2>&1; then
		for_s=60 but=""
	fi
	until=$(($(date +%s) + for_s))
	until answers; do
		if [ "$(date +%s)" -ge "$until" ]; then
			echo "xcatd down"
			exit 0
		fi
		sleep 1
	done
	echo "xcatd up$but"
	exit 0
fi

umask 077
find_base
# But what is to be restored is not left where a starting container looks.
[ "$what" = publish ] || base=/
: "$base"
private_dir .xcatvault-db

read -r bytes || exit 0
head -c "$bytes" | tar -C "$dir" --no-same-owner -xf - || exit 93
(cd "$dir" && exec sha256sum -- *.csv) || exit 93
echo staged

read -r answer || exit 0
[ "$answer" = go ] || exit 0
if [ "$what" = publish ]; then
	perl -e "$publisher" "$target" "$dir"
	exit 0
fi
limited "$limit" restorexCATdb -V -p "$dir"
echo "status $?"
