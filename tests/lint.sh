#!/bin/sh
# lint.sh: style and static analysis of everything here.  One line for each
# check, behind what it has found; status 1 when any has found something.
# CFLAGS and CC are the Makefile's ("make lint").
# shellcheck disable=SC2016 # programs of other languages in single quotes
set -u
cd "$(dirname "$0")/.." || exit 1
LC_ALL=C
export LC_ALL
: "${CFLAGS:=-std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -O2 -Wall -Wextra}"
export CFLAGS

FUNCTION_MAX=100
FILE_MAX=1000
COLUMNS_MAX=80

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
jobs=$(getconf _NPROCESSORS_ONLN)

# Files of this tree whose names match the patterns, built ones apart.
files() {
	for pattern; do
		find . -name .git -prune -o -path ./build -prune -o \
		    -path "./${BUILD:-build}" -prune -o \
		    -type f -name "$pattern" -print
	done | sed 's,^\./,,' | sort
}

files '*.c' >"$tmp/c"
files '*.h' >"$tmp/h"
sort "$tmp/c" "$tmp/h" >"$tmp/ch"
{
	files '*.sh' '*.bash' '*.bats'
	ls .ci/run
} >"$tmp/shell"

# check NAME FUNCTION: quiet, or what was found and a line that says so.
total=0
failed=0
check() {
	total=$((total + 1))
	if "$2" >"$tmp/out" 2>&1 && [ ! -s "$tmp/out" ]; then
		echo "lint: $1: ok"
	else
		cat "$tmp/out"
		echo "lint: $1: FAILED"
		failed=$((failed + 1))
	fi
}

# each LIST COMMAND: sh -c COMMAND for each file, which is $1; $0 is a name to
# begin those of scratch files with.
each() {
	xargs -P "$jobs" -n 1 sh -c "$2" "$tmp/one" <"$1"
}

# ------------------------------------------------------------------- format

# Where lines break within a statement is the author's choice, which
# clang-format does not leave to him; all else is held against .clang-format.
# So both texts are compared one statement a line.
flatten() {
	perl -0777 -pe 's/\\\n/ /g; s/\s+/ /g; s/([(\[{]) /$1/g;
	    s/ ([)\]}])/$1/g; s/(\w) \(\*/$1(*/g;
	    s/ ?(\/\*|#)/\n$1/g; s/([;{},]|\*\/) ?/$1\n/g' "$@"
}

format() {
	while read -r f; do
		flatten "$f" >"$tmp/is"
		clang-format --style=file "$f" | flatten >"$tmp/should"
		diff "$tmp/is" "$tmp/should" >"$tmp/diff" && continue
		echo "$f: spacing differs from .clang-format (< is, > should be)"
		sed -n '/^[<>]/p' "$tmp/diff" | head -n 6
	done <"$tmp/ch"
}

# What flatten() does not see: tabs, line ends, width, return types.
lines() {
	xargs awk -v max="$COLUMNS_MAX" '
	function say(what) {
		print FILENAME ":" FNR ": " what
	}
	/[ \t]$/ { say("space at the end of the line") }
	/^ +\t/ || /^\t*     +[^ *]/ {
		say("indented with spaces")
	}
	{
		n = 0
		for (i = 1; i <= length($0); i++) {
			c = substr($0, i, 1)
			if (c == "\t")
				n += 8 - n % 8
			else if (c < "\200" || c > "\277")
				n++
		}
		if (n > max)
			say("longer than " max " columns")
	}
	/^static .*\)$/ && !/;/ { say("return type not on its own line") }
	/^\/\/|[^:"]\/\/ / { say("comment with //") }
	' <"$tmp/ch"
}

# ----------------------------------------------------------------- compilers

gcc_build() {
	each "$tmp/c" 'gcc $CFLAGS -Werror -c -o /dev/null "$1"'
}

clang_build() {
	each "$tmp/c" 'clang $CFLAGS -Werror -fsyntax-only "$1"'
}

headers() {
	each "$tmp/h" 'gcc $CFLAGS -Werror -fsyntax-only -x c "$1"'
}

# ----------------------------------------------------------------- structure

# main.c -> commands -> vault -> remote, formats -> base; commands do not know
# one another, nor do remote and formats.  Tests may look at anything.
layers() {
	xargs awk '
	BEGIN {
		below["base"] = " base "
		below["formats"] = " formats base "
		below["remote"] = " remote base "
		below["remote/node"] = " remote/node remote formats base "
		below["vault"] = " vault remote formats base "
		n = split("backup restore imgxfer", commands, " ")
		for (i = 1; i <= n; i++) {
			below[commands[i]] = " " commands[i] " remote/node" below["vault"]
			all = all " " commands[i]
		}
		below["main.c"] = all below["vault"]
		# Foreign headers, and the files they are confined to.
		home["openssl"] = " base/digest.c formats/seal.c "
		home["zstd.h"] = " formats/frame.c restore/zout.c "
		home["archive.h"] = " restore/pax.c imgxfer/ "
		home["archive_entry.h"] = " restore/pax.c imgxfer/ "
		home["zlib.h"] = " imgxfer/ "
		home["libxml"] = " formats/imgmanifest.c "
		home["sqfs"] = " imgxfer/squash.c "
		home["isa-l"] = " imgxfer/gzout.c imgxfer/unpack.c "
		home["libconfig.h"] = " base/config.c "
		home["libssh"] = " remote/ "
		home["sqlite3.h"] = " restore/scratchdb.c "
	}
	FNR == 1 {
		split(FILENAME, part, "/")
		room = part[1]
		if (FILENAME ~ /^remote\/node\//)
			room = "remote/node"
	}
	!/^#[ \t]*include/ || room == "tests" { next }
	{
		target = $0
		gsub(/^[^<"]*[<"]|[>"].*$/, "", target)
		split(target, t, "/")
		if (target ~ /^remote\/node\//)
			t[1] = "remote/node"
	}
	/"/ {
		if (!index(below[room], " " t[1] " "))
			print FILENAME ":" FNR ": may not include " target
		next
	}
	(t[1] in home) && !index(home[t[1]], " " FILENAME " ") &&
	    !index(home[t[1]], " " room "/ ") {
		print FILENAME ":" FNR ": <" target "> belongs in" home[t[1]]
	}
	' <"$tmp/ch"
}

sizes() {
	# recover.sh is one file because it lies in every vault.
	grep -hvx vault/recover.sh "$tmp/ch" "$tmp/shell" |
	    xargs wc -l | awk -v max="$FILE_MAX" '
	    $2 != "total" && $1 > max { print $2 ": " $1 " lines, limit " max }'
	# A single run, so that functions of all files are in one list.
	xargs ctags -x --kinds-C=f --_xformat='%F %n %{end} %N' <"$tmp/ch" |
	    awk -v max="$FUNCTION_MAX" '
	    $3 - $2 + 1 > max {
		print $1 ":" $2 ": " $4 ": " $3 - $2 + 1 " lines, limit " max
	    }'
}

# ------------------------------------------------------------------ analysis

# One file a run: clang-tidy 14 sees ghosts when it is given several.  How it
# came to a finding is left out; "clang-tidy FILE -- -I. -D_GNU_SOURCE" says.
tidy() {
	each "$tmp/c" '
	clang-tidy --quiet "$1" -- $CFLAGS >"$0.$$" 2>&1 && exit
	grep -E ": (warning|error): " "$0.$$" || cat "$0.$$"'
}

# Left out: readdir_r, which is deprecated; and what cppcheck 2.10 has wrong,
# a pointer that the loop above it has shown to be set.
cpp_check() {
	xargs cppcheck --quiet --std=c11 --language=c -j "$jobs" \
	    --enable=warning,performance,portability --inline-suppr \
	    -D_GNU_SOURCE -I. --suppress=readdirCalled \
	    --suppress=nullPointerRedundantCheck:restore/scrub.c \
	    --include="$(find /usr/include -path '*/sys/queue.h' | head -n 1)" \
	    --template='{file}:{line}: {id}: {message}' <"$tmp/c"
}

shells() {
	grep -v '\.bats$' "$tmp/shell" | xargs shellcheck -f gcc
	grep '\.bats$' "$tmp/shell" | xargs -r shellcheck -s bash -f gcc
}

pages() {
	files '*.[158]' | grep '^man/' | xargs -r mandoc -Tlint -W warning
}

check 'format (clang-format)' format
check 'lines' lines
check 'layers' layers
check 'sizes' sizes
check 'gcc' gcc_build
check 'clang' clang_build
check 'headers alone' headers
check 'shellcheck' shells
check 'man pages (mandoc)' pages
check 'cppcheck' cpp_check
check 'clang-tidy' tidy

[ "$failed" -eq 0 ] || echo "lint: $failed of $total checks failed"
[ "$failed" -eq 0 ]
