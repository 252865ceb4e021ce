#!/bin/sh
# Runs on the node, in a volume's directory: gives second names below $1 to
# what standard input names (each with a NUL behind it).  What is there already
# by an earlier run stays; another thing of the same name gets a number, and so
# does the whole directory when something else is where one would be needed.
# What can have no second name is copied.
if [ -L "$1" ] || [ ! -d "$1" ]; then
	mkdir -m 0700 -- "$1" || exit 1
fi
# shellcheck disable=SC2016 # for the inner shell
exec xargs -0 -r -n 500 sh -c '
	old=$1
	shift

	# fits DIR NAME: all directories above the name can be in there
	fits()
	{
		if [ -L "$1" ] || [ ! -d "$1" ]; then
			return 1
		fi
		rest=${2%/*}
		at=$1
		rest=${rest#.}
		rest=${rest#/}
		while [ -n "$rest" ]; do
			at=$at/${rest%%/*}
			case $rest in
			*/*) rest=${rest#*/} ;;
			*) rest= ;;
			esac
			if [ -L "$at" ]; then
				return 1
			elif [ ! -e "$at" ]; then
				return 0
			elif [ ! -d "$at" ]; then
				return 1
			fi
		done
		return 0
	}

	# place NAME: sets "in", the directory that it is kept in
	place()
	{
		in=$old
		m=0
		until fits "$in" "$1"; do
			m=$((m + 1))
			in=$old.~$m~
			if [ ! -L "$in" ] && [ ! -e "$in" ]; then
				mkdir -m 0700 -- "$in" || exit 1
			fi
		done
	}

	# keep DIR NAME: there is nothing of that name in it
	keep()
	{
		if cp -a -l -x --parents -t "$1" -- "$2" 2>/dev/null; then
			return 0
		fi
		rm -rf --one-file-system -- "$1/$2"
		cp -a -x --parents -t "$1" -- "$2"
	}

	for name do
		shift
		place "$name"
		to=$in/$name
		if [ ! -e "$to" ] && [ ! -L "$to" ]; then
			if [ "$in" = "$old" ]; then
				set -- "$@" "$name"
			else
				keep "$in" "$name" || exit 1
			fi
			continue
		fi
		if [ ! -L "$name" ] && [ "$name" -ef "$to" ]; then
			continue
		fi
		n=1
		while [ -e "$to.~$n~" ] || [ -L "$to.~$n~" ]; do
			n=$((n + 1))
		done
		cp -a -l -x -T -- "$name" "$to.~$n~" 2>/dev/null && continue
		rm -rf --one-file-system -- "$to.~$n~"
		cp -a -x -T -- "$name" "$to.~$n~" || exit 1
	done
	[ $# -eq 0 ] || cp -a -l -x --parents -t "$old" -- "$@" 2>/dev/null ||
	for name do
		to=$old/$name
		if [ ! -L "$name" ] && [ ! -d "$name" ] &&
		    [ "$name" -ef "$to" ]; then
			continue
		fi
		rm -rf --one-file-system -- "$to"
		keep "$old" "$name" || exit 1
	done
' sh "$1"
