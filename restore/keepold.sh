#!/bin/sh
# Runs on the node, in a volume's directory: gives second names below $1 to
# what standard input names (each with a NUL behind it).  What is there already
# by an earlier run stays; another thing of the same name gets a number.
if [ -L "$1" ] || [ ! -d "$1" ]; then
	mkdir -m 0700 -- "$1" || exit 1
fi
# shellcheck disable=SC2016 # for the inner shell
exec xargs -0 -r -n 500 sh -c '
	old=$1
	shift
	for name do
		shift
		to=$old/$name
		if [ ! -e "$to" ] && [ ! -L "$to" ]; then
			set -- "$@" "$name"
			continue
		fi
		if [ ! -L "$name" ] && [ "$name" -ef "$to" ]; then
			continue
		fi
		n=1
		while [ -e "$to.~$n~" ] || [ -L "$to.~$n~" ]; do
			n=$((n + 1))
		done
		cp -a -l -T -- "$name" "$to.~$n~" || exit 1
	done
	[ $# -eq 0 ] || exec cp -a -l --parents -t "$old" -- "$@"
' sh "$1"
