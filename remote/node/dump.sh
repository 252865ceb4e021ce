#!/bin/sh
# Runs on the management node, by way of /bin/sh -c, behind xCAT's profile.
# Has xCAT dump its database into a new private directory, then waits for
# the verdict on standard input: "publish" and the names that have been proved,
# or the end of it.  Whatever happens, also to the connection, nothing of ours
# is left there.
#
# $1: where a proved dump goes; $2: seconds that the dump may take; $3: the
# text of publish.pl.  Prints "dir PATH", "status N", "room ok|full" and, in
# the end, what publish.pl prints.
target=$1 limit=$2 publisher=$3
umask 077
[ ! -L "$target" ] || target=$(readlink -f -- "$target") || exit 91
base=${target%/*}
base=${base:-/}

# A rename does not reach out of a mount: then the new dump is made within it.
while read -r _ _ _ _ point _; do
	[ "$point" != "$target" ] || base=$target
done </proc/self/mountinfo

# What a run left that was killed together with the node.
find "$base" -maxdepth 1 -type d -name '.xcatvault-dump.*' -mmin +1440 \
    -exec rm -rf -- {} + 2>/dev/null

dir=$(mktemp -d "${base%/}/.xcatvault-dump.XXXXXX") || exit 91
trap 'rm -rf -- "$dir"' EXIT
trap 'exit 92' HUP INT PIPE TERM
echo "dir $dir"

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
