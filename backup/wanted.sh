#!/bin/sh
# wanted.sh WHAT ARG...: which paths a management node has.  Runs on the node.
#   patterns TEXT   of these patterns, one a line
#   homes NAME...   of these names in the home directories of its users
#   unowned DIR     of what lies in DIR and belongs to no package
#   paths PATH...   of these
# Prints pairs of a letter and a path without symbolic links in it, each ended
# by a NUL: d a directory, l a symbolic link, o anything else, n nothing there
# (of "paths", as given).
what=$1
shift

say() {
	printf '%s\000%s\000' "$1" "$2"
}

there() {
	[ -e "$1" ] || [ -L "$1" ]
}

# found PATH: it, or the links there and what they lead to
found() {
	at=$1
	hops=0
	while [ -L "$at" ] && [ "$hops" -lt 8 ]; do
		up=$(readlink -f -- "${at%/*}/") || return
		say l "${up%/}/${at##*/}"
		to=$(readlink -- "$at") || return
		case $to in
		/*) at=$to ;;
		*) at=${up%/}/$to ;;
		esac
		hops=$((hops + 1))
	done
	at=$(readlink -f -- "$at") || return
	if [ -d "$at" ]; then
		say d "$at"
	elif [ -e "$at" ]; then
		say o "$at"
	fi
}

# Paths in $1 of what packages have brought
owned() {
	dpkg-query -S "$1/*" 2>/dev/null | sed -n 's,^[^/]*: /,/,p'
	rpm -qal 2>/dev/null | awk -v top="$1/" 'index($0, top) == 1'
}

case $what in
patterns)
	IFS='
'
	# shellcheck disable=SC2086 # to be split, and expanded
	set -- $1
	for path; do
		! there "$path" || found "$path"
	done
	;;
homes)
	getent passwd | cut -d: -f6 | sort -u | while read -r home; do
		case $home in
		/) home= ;;
		/*) ;;
		*) continue ;;
		esac
		for name; do
			! there "$home/$name" || found "$home/$name"
		done
	done
	;;
unowned)
	# A directory stands for all that is in it.
	{
		owned "$1"
		echo "="
		find "$1" -mindepth 1 -printf '%y %p\n' 2>/dev/null
	} | awk -v top="$1/" '
	!listed { if ($0 == "=") listed = 1; else owned[$0]; next }
	{
		path = up = substr($0, 3)
		sub(/\/[^\/]*$/, "", up)
		if (index(path, top) != 1 || path in owned)
			next
		strange[path]
		if (!(up in strange))
			print
	}' | while IFS= read -r line; do
		case $line in
		"d "* | "l "*) say "${line%% *}" "${line#* }" ;;
		*) say o "${line#* }" ;;
		esac
	done
	;;
paths)
	for path; do
		if there "$path"; then
			found "$path"
		else
			say n "$path"
		fi
	done
	;;
esac
exit 0
