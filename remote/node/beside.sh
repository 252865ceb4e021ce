#!/bin/sh
# What scripts that run on the management node have in common: it is given to
# them as text, which they evaluate.

# find_base: follows $target if it is a link, and sets $base: a directory in
# which something can be made that a rename puts in the place of $target
find_base() {
	[ ! -L "$target" ] || target=$(readlink -f -- "$target") || exit 91
	base=${target%/*}
	base=${base:-/}
	# A rename does not reach out of a mount: then it is done within it.
	while read -r _ _ _ _ point _; do
		[ "$point" != "$target" ] || base=$target
	done </proc/self/mountinfo
}

# private_dir NAME: sets $dir to a new directory in $base, and says so; it is
# removed whatever happens, also to the connection
private_dir() {
	# What a run left that was killed together with the node.
	find "$base" -maxdepth 1 -type d -name "$1.*" -mmin +1440 \
	    -exec rm -rf -- {} + 2>/dev/null
	dir=$(mktemp -d "${base%/}/$1.XXXXXX") || exit 91
	trap 'rm -rf -- "$dir"' EXIT
	trap 'exit 92' HUP INT PIPE TERM
	echo "dir $dir"
}
