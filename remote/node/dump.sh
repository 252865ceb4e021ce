#!/bin/sh
# Runs on the management node, by way of /bin/sh -c, behind xCAT's profile.
# Has xCAT dump its database into a new private directory, then waits for
# the verdict on standard input: "publish" and the names that have been proved,
# or the end of it.  Whatever happens, also to the connection, nothing of ours
# is left there.
#
# $1: where a proved dump goes; $2: seconds that the dump may take; $3: the
# text of publish.pl; $4: that of beside.sh.  Prints "dir PATH", "status N",
# "room ok|full" and, in the end, what publish.pl prints.
target=$1 limit=$2 publisher=$3
dir=''
umask 077
eval "$4"
find_base
private_dir .xcatvault-dump

if command -v timeout >/dev/null; then
	timeout -k 10 "$limit" dumpxCATdb -p "$dir" </dev/null >/dev/null
else
	dumpxCATdb -p "$dir" </dev/null >/dev/null
fi
echo "status $?"

# xCAT says nothing when the disk is full.
room=ok
head -c 1048576 /dev/zero >"$dir/.room" 2>/dev/null || room=full
rm -f -- "$dir/.room"
echo "room $room"

read -r answer || exit 0
[ "$answer" = publish ] || exit 0
perl -e "$publisher" "$target" "$dir"
