#!/bin/sh
# recover.sh: bring everything in this vault back without xcatvault.
#
#	sh VAULT/recover.sh list
#	sh VAULT/recover.sh SNAPSHOT DIR [PATH...]
#
# SNAPSHOT is an id or its beginning, a site (its newest snapshot), or
# "latest".  Entries land below DIR: volume /install becomes DIR/install,
# which must not be there yet.  PATH, such as /install/custom, asks for that
# part alone.  The format is described in xcatvault-vault(5).
#
# Needs awk, tar, zstd and the GNU coreutils.  Uses bsdtar where it is
# found, which is many times faster, and setfattr for extended attributes,
# ACLs and capabilities.
#
# Exit status: 0 done; 1 done, but something could not be set here (without
# root: devices); 2 failed; 3 usage; 5 damage was found in the vault, and
# what is whole was restored.
#
# How it goes: the INDEX of every pack is read into one sorted table.  The
# tree of each volume is followed down to its catalog, which awk turns into
# a plan.  Then the packs that are needed are unpacked one at a time into a
# scratch directory below DIR and proved with sha256sum -c, and their blobs
# are put where they belong; a blob that is bad in one pack is looked for in
# the others.  Links, owners, modes, attributes and times follow at the end.

# shellcheck disable=SC2016 # awk programs stand in single quotes
set -u
LC_ALL=C
export LC_ALL
umask 077
unset CDPATH

status=0
scratch=

say() {
	printf 'recover: %s\n' "$*" >&2
}

die() {
	say "$*"
	exit "${code:-2}"
}

damage() {
	say "DAMAGED: $*"
	[ "$status" -eq 2 ] || status=5
}

# Something could not be set here; something could not be written here.
flaw() {
	[ "$status" -ne 0 ] || status=1
}

failed() {
	status=2
}

# A tool that fails must not pass for one that had nothing to say, which a
# pipeline would let happen: settle finds out.
sure() {
	"$@" || rm -f "$scratch/sound"
}

settle() {
	[ -f "$scratch/sound" ] ||
	    die "stopped: a tool failed (see above; is there space in $dir?)"
}

usage() {
	cat >&2 <<-'EOF'
	usage: sh recover.sh list
	       sh recover.sh SNAPSHOT DIR [PATH...]
	EOF
	exit 3
}

# Shared by the awk programs.  Names stay catalog text, without a byte that
# awk, sort or the shell could trip over, until they go into a command.
lib='
BEGIN {
	for (i = 1; i < 256; i++) {
		ch = sprintf("%c", i)
		if (i <= 32 || i >= 127 || index("\\#*?[", ch))
			byte[sprintf("%03o", i)] = ch
	}
}
function sound(s,    a, i, n) {
	if (s ~ /[^!-~]/)
		return 0
	n = split(s, a, /\\/)
	for (i = 2; i <= n; i++)
		if (!(substr(a[i], 1, 3) in byte))
			return 0
	return 1
}
function decode(s,    a, i, n, r) {
	n = split(s, a, /\\/)
	r = a[1]
	for (i = 2; i <= n; i++)
		r = r byte[substr(a[i], 1, 3)] substr(a[i], 4)
	return r
}
function quote(s,    a, i, n, r) {
	n = split(decode(s), a, /\047/)
	r = a[1]
	for (i = 2; i <= n; i++)
		r = r "\047\\\047\047" a[i]
	return "\047" r "\047"
}
# No command takes a path of more than 4095 bytes: the steps on the way to the
# directory of one that may be longer, and in "rest" its end.
function way(path,    a, i, n, r) {
	rest = path
	if (length(path) < 3900)
		return ""
	n = split(path, a, "/")
	rest = ""
	for (i = 1; i < n; i++) {
		rest = rest a[i] "/"
		if (length(rest) > 2500) {
			r = r "cd -P -- " quote(rest) " && "
			rest = ""
		}
	}
	rest = rest a[n]
	return r
}
# A command for a path.
function command(cmd, path, after,    w) {
	w = way(path)
	cmd = cmd " " quote(rest) after
	return w == "" ? cmd : "(" w cmd ")"
}
function isid(s) {
	return length(s) == 64 && s !~ /[^0-9a-f]/
}
function isnum(s) {
	return s ~ /^[0-9]+$/ && length(s) < 16
}
'

# ---------------------------------------------------------------- snapshots

# Lines "TIME ID SITE", oldest first.
snapshots() {
	for f in "$vault"/snapshots/*/*-*.json; do
		[ -f "$f" ] || continue
		name=${f##*/}
		name=${name%.json}
		site=${f%/*}
		printf '%s %s %s\n' "${name%-*}" "${name##*-}" "${site##*/}"
	done | sort
}

# What recovery needs of a snapshot, one "key": value a line, as lines
# "KEY VALUE" and "volume PATH ROOT DEPTH"; paths are catalog text.
snapshot_awk='
function unquote(s,    a, i, n, r) {
	if (s !~ /^"/)
		return s
	n = split(substr(s, 2, length(s) - 2), a, /\\\\/)
	for (i = 1; i <= n; i++) {
		gsub(/\\/, "", a[i])
		r = r (i > 1 ? "\\" : "") a[i]
	}
	return r
}
/^ "volumes": \[/ { volumes = 1; next }
/^ \]/ { volumes = 0; next }
!match($0, /^ *"[a-z_]+": /) {
	if (volumes && /^ *\}/)
		print "volume", v["path"], v["root"], v["depth"]
	next
}
{
	key = substr($0, 1, RLENGTH)
	gsub(/[ ":]/, "", key)
	value = substr($0, RLENGTH + 1)
	sub(/,$/, "", value)
	value = unquote(value)
	if (volumes)
		v[key] = value
	else if (/^ "/)
		print key, value
}
'

# Whether the bytes of snapshot file $1 are those its id $2 promises.
snapshot_true() {
	[ ${#2} -eq 16 ] && sum=$(sha256sum <"$1") || return 1
	[ "${sum%"${sum#????????????????}"}" = "$2" ]
}

list() {
	snapshots | {
		bad=0
		while read -r time id site; do
			file=$vault/snapshots/$site/$time-$id.json
			mark=
			if ! snapshot_true "$file" "$id"; then
				mark=' DAMAGED'
				bad=5
			fi
			awk "$snapshot_awk" "$file" |
			    awk -v id="$id" -v site="$site" -v mark="$mark" '
				{ v[$1] = $2 }
				$1 == "volume" { vols = vols " " $2 }
				END {
					print id, v["time"], site, v["status"] mark vols
				}'
		done
		exit "$bad"
	}
}

# The line of the snapshot called $1.
find_snapshot() {
	newest=
	aside=
	ofsite=
	byid=
	snapshots | {
		while read -r line; do
			# what is kept for an undo, or of an osimage, is no
			# backup of a node
			case $line in
			*.undo | *.osimage) aside=$line ;;
			*) newest=$line ;;
			esac
			id=${line#* }
			[ "${id#* }" != "$1" ] || ofsite=$line
			case $id in
			"$1"*) byid=${byid:+several}${byid:-$line} ;;
			esac
		done
		case $1:$byid in
		latest:*) echo "${newest:-$aside}" ;;
		*:several*) echo "${ofsite:-several}" ;;
		*) echo "${ofsite:-$byid}" ;;
		esac
	}
}

# Sets $id, $site, $time, and $volumes: lines "volume PATH ROOT DEPTH", with
# PATH relative to DIR.
read_snapshot() {
	found=$(find_snapshot "$1")
	code=3
	case $found in
	'') die "$1: no such snapshot (see: sh recover.sh list)" ;;
	several) die "$1: more than one snapshot begins so" ;;
	esac
	code=2
	read -r time id site <<-EOF
	$found
	EOF
	file=$vault/snapshots/$site/$time-$id.json
	snapshot_true "$file" "$id" || damage "snapshot $id: not the bytes" \
	    "its name promises; going on with what it says"
	facts=$(awk "$snapshot_awk" "$file")
	case $facts in
	'format 1
'*) ;;
	*) die "snapshot $id: not of format 1" ;;
	esac
	case $facts in
	*'status partial'*) say "snapshot $id is partial" ;;
	esac
	volumes=$(awk "$lib"'
	$1 == "volume" {
		path = $2 == "/" ? "." : "." $2
		if (NF != 4 || !sound($2) || $2 !~ /^\// || !isid($3) ||
		    (path "/") ~ /\/(\.?|\.\.)\// || $4 !~ /^[0-8]$/)
			path = "?"
		print "volume", path, $3, $4
	}' <<-EOF
	$facts
	EOF
	)
	case $volumes in
	'' | *' ? '*) die "snapshot $id: its list of volumes is unsound" ;;
	esac
}

# -------------------------------------------------------------------- packs

# Offset (from 1) and stored length of the INDEX frame of pack file $1 and
# the length of its text, from the trailer; nothing if that is unsound.
trailer() {
	tail -c 40 -- "$1" | od -An -v -tu1 | awk '
	function le(o, k,    v) {
		while (--k >= 0)
			v = v * 256 + b[o + k]
		return v
	}
	{
		for (i = 1; i <= NF; i++)
			b[n++] = $i
	}
	END {
		for (i = 0; i < 16; i++)
			magic = magic " " b[i]
		if (n == 40 && magic == " 94 42 77 24 32 0 0 0" \
		    " 120 99 118 112 97 99 107 49" && le(16, 8) < 1e15 &&
		    le(24, 8) < 1e9 && le(32, 8) < 1e9)
			printf "%.0f %.0f %.0f\n", le(16, 8) + 1,
			    le(24, 8), le(32, 8)
	}'
}

# The file of pack number $1.
pack_file() {
	read -r pack <"$scratch/i/$1.id"
	packfile=$vault/packs/${pack%"${pack#??}"}/$pack.pack
}

# The INDEX of pack $1, proved by the name of the pack.
read_index() {
	pack_file "$1"
	# shellcheck disable=SC2046
	set -- "$1" $(trailer "$packfile")
	if [ $# -eq 4 ]; then
		tail -c "+$2" -- "$packfile" | head -c "$3" |
		    zstd -dcq 2>/dev/null | tail -c +513 |
		    head -c "$4" >"$scratch/i/$1"
		[ "$(sha256sum <"$scratch/i/$1")" != "$pack  -" ] || return 0
	fi
	damage "pack $pack: INDEX unreadable; looking at what can be unpacked"
	salvage_index "$1"
}

# An index of what comes out of pack $1, whatever the pack says of itself.
salvage_index() {
	rm -rf "$scratch/p"
	mkdir "$scratch/p"
	zstd -dcq -- "$packfile" 2>/dev/null |
	    tar -xmof - -C "$scratch/p" 2>/dev/null
	(
		cd "$scratch/p" || exit
		if [ -f INDEX ] && [ "$(sha256sum <INDEX)" = "$pack  -" ]; then
			cat INDEX
		else
			wc -c -- [0-9]* >len 2>/dev/null
			sha256sum -- [0-9]* >sum 2>/dev/null
			awk 'FILENAME == "len" { len[$2] = $1; next }
				{ print "# frame 0 0 0", len[$2]; print }
				' len sum
		fi
	) >"$scratch/i/$1"
	rm -rf "$scratch/p"
}

# Table of all blobs, sorted: lines "ID PACK NUMBER LENGTH".
index_packs() {
	mkdir "$scratch/i"
	packs=0
	for f in "$vault"/packs/??/*.pack; do
		[ -f "$f" ] || continue
		packs=$((packs + 1))
		f=${f##*/}
		echo "${f%.pack}" >"$scratch/i/$packs.id"
		read_index "$packs"
	done
	say "$packs packs"
	k=0
	while [ $((k += 1)) -le "$packs" ]; do
		echo "#k $k"
		cat "$scratch/i/$k"
	done | sure awk "$lib"'
		$1 == "#k" { k = $2; j = n = 0 }
		$1 == "#" && $2 == "frame" { n = split($0, len, " "); j = 5 }
		isid($1) && isnum($2) && ++j <= n && isnum(len[j]) {
			print $1, k, $2, len[j]
		}' | sure sort >"$scratch/where"
	settle
}

# Pack $1 unpacked into directory $2, each blob proved; the numbers of the
# bad and missing ones in $2.bad.
unpack() {
	pack_file "$1"
	rm -rf "$2"
	mkdir "$2" || die "cannot write in $dir"
	{
		zstd -dcq -- "$packfile" || echo failed >&2
	} 2>"$2.err" | tar -xmof - -C "$2" 2>"$2.err2" || echo failed >>"$2.err"
	prove "$1" "$2"
	if [ -s "$2.bad" ]; then
		# A frame that fails takes the rest of the stream with it:
		# ask for the frames with missing blobs one by one.
		awk 'FILENAME ~ /bad$/ { bad[$1]; next }
			$1 == "#" { off = $3; len = $4; next }
			($2 in bad) && len > 0 { print off + 1, len; len = 0 }
			' "$2.bad" "$scratch/i/$1" >"$2.frames"
		while read -r off len; do
			tail -c "+$off" -- "$packfile" | head -c "$len" |
			    zstd -dcq 2>/dev/null |
			    tar -xmof - -C "$2" 2>>"$2.err2"
		done <"$2.frames"
		prove "$1" "$2"
	fi
	case $(cat "$2.err2") in
	*'No space left'* | *'quota exceeded'*) die "no space left in $dir" ;;
	esac
	if [ -s "$2.bad" ]; then
		damage "pack $pack: $(wc -l <"$2.bad") of its blobs are lost"
	elif [ -s "$2.err" ]; then
		damage "pack $pack: unsound, but its blobs came out whole"
	fi
}

prove() {
	: >"$2.bad"
	[ -s "$scratch/i/$1" ] || return 0
	(cd "$2" && sha256sum -c --quiet "../i/$1") >"$2.sum" 2>/dev/null &&
	    return
	cut -d : -f 1 "$2.sum" >"$2.bad"
	[ -s "$2.bad" ] ||
	    die "cannot prove pack $pack (is there space in $dir?)"
}

# ----------------------------------------------------------------- catalogs

# Makes the blobs whose ids are in file $1 (sorted, each once) readable:
# file "have" gets lines "ID FILE" for those that can be had.
fetch() {
	while :; do
		sure join -v 1 "$1" "$scratch/good" >"$scratch/need"
		sure join "$scratch/where" "$scratch/need" |
		    sure awk -v opened="$scratch/opened" '
			BEGIN {
				while ((getline k <opened) > 0)
					done[k]
			}
			!($2 in done) && !($1 in seen) { seen[$1]; print $2 }
			' | sure sort -un >"$scratch/ask"
		settle
		[ -s "$scratch/ask" ] || break
		while read -r k; do
			echo "$k" >>"$scratch/opened"
			unpack "$k" "$scratch/c$k"
			sure awk -v pack="$scratch/c$k/" '
				FILENAME ~ /bad$/ { bad[$1]; next }
				$1 != "#" && !($2 in bad) { print $1, pack $2 }
				' "$scratch/c$k.bad" "$scratch/i/$k"
		done <"$scratch/ask" >"$scratch/more"
		sure sort -u -k 1,1 -o "$scratch/good" \
		    "$scratch/good" "$scratch/more"
	done
	sure join "$scratch/good" "$1" >"$scratch/have"
	settle
}

# Follows trees down.  File $1 has lines "ID DEPTH TAG LABEL"; those above
# depth 0 are replaced by their children until none is left.  Nodes that are
# lost leave lines in $1.lost.
expand() {
	: >"$1.lost"
	while [ -n "$(awk '$2 > 0 { print; exit }' "$1")" ]; do
		sure awk '$2 > 0 { print $1 }' "$1" |
		    sure sort -u >"$scratch/ids"
		fetch "$scratch/ids"
		sure awk "$lib"'
			FILENAME ~ /have$/ { path[$1] = $2; next }
			$2 == 0 { print; next }
			!($1 in path) { print >>lost; next }
			{
				while ((getline line <path[$1]) > 0) {
					n = split(line, f, " ")
					if (n == 2 && isid(f[1]) && sound(f[2]))
						print f[1], $2 - 1, $3, f[2]
					else
						print >>lost
				}
				close(path[$1])
			}' lost="$1.lost" "$scratch/have" "$1" >"$scratch/next"
		mv "$scratch/next" "$1"
		settle
	done
}

# All catalogs as one text, each behind a line "#V VOLUME".
catalogs() {
	roots=$scratch/roots
	awk '{ print $3, $4, $2, "." }' "$scratch/volumes" >"$roots"
	expand "$roots"
	sure awk '{ print $1 }' "$roots" | sure sort -u >"$scratch/ids"
	fetch "$scratch/ids"
	sure awk 'FILENAME ~ /have$/ { path[$1] = $2; next }
		$3 != vol { vol = $3; print "#V", vol }
		!($1 in path) { print >>lost; next }
		{
			while ((getline line <path[$1]) > 0)
				print line
			close(path[$1])
		}' lost="$roots.lost" "$scratch/have" "$roots" \
	    >"$scratch/catalog"
	settle
	while read -r _ _ vol label; do
		damage "catalog of /${vol#./}: the part that begins with" \
		    "$label is lost"
	done <"$roots.lost"
}

# --------------------------------------------------------------------- plan

# The catalog as a plan: every entry to restore gets a number E and a line
#	E TYPE PATH MODE UID GID TIME ...
# with TYPE d directory, s small file for bsdtar, f file written from parts
# (SIZE HOLES), z empty file, l symbolic link (TARGET), c and b device (MAJOR
# MINOR), p fifo; or E h PATH FIRST-E FIRST-PATH for a hard link.  Besides:
#	small	ID s E PATH MODE UID GID TIME
#	parts	ID E SEQUENCE LENGTH SIZE PATH
#	trees	ID DEPTH E .
#	holes	E OFFSET LENGTH ...
#	xattrs	E PATH NAME VALUE
#	refused	PATH REASON
#
# A path is taken only when it comes after the one before and its parent is
# a directory of the same volume: so none is made twice, and none leads
# through a symbolic link.
plan_awk=$lib'
BEGIN {
	while ((getline line <(dir "/volumes")) > 0) {
		split(line, f, " ")
		vols[f[2]]
	}
	while ((getline line <(dir "/select")) > 0) {
		pick[line]
		picking = 1
	}
}
function below(p, q) {
	return p == q || q == "." || index(p, q "/") == 1
}
# An entry belongs to the innermost volume that has its path.
function selected(p,    q) {
	for (q in inner)
		if (below(p, q))
			return 0
	if (!picking)
		return 1
	for (q in pick) {
		if (below(p, q)) {
			hit[q]
			return 1
		}
		if (below(q, p))
			return 1
	}
	return 0
}
function refuse(why) {
	print full, why >(dir "/refused")
}
# Directories whose own entries are lost, from component i to n.
function supply(i, n,    j, p) {
	p = vol
	for (j = 1; j <= n; j++) {
		if (j > 1)
			p = p "/" c[j]
		if (j >= i && selected(p))
			print ++e, "d", p, "0755 - - -"
	}
}
# Whether this path may follow the last one.
function inorder(path, isdir,    i, j, n) {
	n = split(path, c, "/")
	if (c[1] != ".")
		return 0
	for (i = 2; i <= n; i++)
		if (c[i] == "" || c[i] == "." || c[i] == "..")
			return 0
	for (i = 1; i <= n && i <= pn && c[i] "" == pc[i] ""; i++)
		;
	if (i > n || (i > pn && pn > 0 && !pdir) ||
	    (i <= pn && decode(c[i]) "" <= decode(pc[i]) ""))
		return 0
	supply(i, n - 1)
	for (j = i; j <= n; j++)
		pc[j] = c[j]
	pn = n
	pdir = isdir
	return 1
}
function valid(t,    a, i, n) {
	if (kw["mode"] !~ /^[0-7]+$/ || length(kw["mode"]) > 5 ||
	    !isnum(kw["uid"]) || !isnum(kw["gid"]) ||
	    kw["time"] !~ /^-?[0-9]+\.[0-9]+$/ || length(kw["time"]) > 24)
		return 0
	if (t == "file") {
		n = split(note["b"], a, " ")
		for (i = 1; i <= n; i++)
			if (!isid(a[i]))
				return 0
		if (note["t"] != "" && (split(note["t"], a, " ") != 2 ||
		    a[1] !~ /^[1-8]$/ || !isid(a[2])))
			return 0
		return isnum(kw["size"]) && isid(kw["sha256digest"]) &&
		    note["h"] !~ /[^0-9 ]/
	}
	if (t == "link")
		return sound(kw["link"]) && kw["link"] != ""
	if (t == "char" || t == "block")
		return kw["device"] ~ /^[a-z]+,[0-9]+,[0-9]+$/
	return t == "dir" || t == "fifo"
}
# The mode; without root no set-id bit that would change its meaning.
function mode_here(m,    s) {
	m = substr("0000" m, length(m) + 1)
	s = substr(m, 1, 1) + 0
	if (!root && s >= 4 && kw["uid"] != uid "")
		s -= 4
	if (!root && s % 4 >= 2 && kw["gid"] != gid "")
		s -= 2
	return s substr(m, 2)
}
function content(    a, i, n, digest) {
	digest = kw["sha256digest"]
	if (kw["size"] + 0 == 0)
		return "z"
	if (note["t"] != "") {
		split(note["t"], a, " ")
		print a[2], a[1], e, "." >(dir "/trees")
	} else if (note["b"] != "") {
		n = split(note["b"], a, " ")
		for (i = 1; i <= n; i++)
			print a[i], e, i, "-", kw["size"], full >(dir "/parts")
	} else if (!bsdtar || note["h"] != "" || (nx && !root) ||
	    length(full) >= 3900) {
		print digest, e, 1, "-", kw["size"], full >(dir "/parts")
	} else {
		print digest, "s", e, full, common >(dir "/small")
		return "s"
	}
	if (note["h"] != "")
		print e, note["h"] >(dir "/holes")
	return "f"
}
function entry(    a, i, t, target) {
	full = $1
	if (!sound($1)) {
		refuse("not a sound path")
		return
	}
	split("", kw)
	for (i = 2; i <= NF; i++)
		if ((t = index($i, "=")) > 1)
			kw[substr($i, 1, t - 1)] = substr($i, t + 1)
	t = kw["type"]
	full = vol substr($1, 2)
	if (!inorder($1, (t == "dir"))) {
		refuse("out of order")
		return
	}
	if (!selected(full))
		return
	if (!valid(t)) {
		refuse("unsound entry")
		return
	}
	e++
	target = full
	if (note["l"] != "") {
		target = vol substr(note["l"], 2)
		if (target in first) {
			print e, "h", full, first[target], at[target]
			return
		}
	}
	# Where the first name is not restored, the next one carries the data.
	if (t != "dir" && (t != "file" || kw["nlink"] + 0 > 1)) {
		first[target] = e
		at[target] = full
	}
	common = mode_here(kw["mode"]) " " kw["uid"] " " kw["gid"] " " \
	    kw["time"]
	if (t == "file") {
		t = content()
		print e, t, full, common, kw["size"], (note["h"] != "")
	} else if (t == "link") {
		print e, "l", full, common, kw["link"]
	} else if (t == "char" || t == "block") {
		split(kw["device"], a, ",")
		print e, substr(t, 1, 1), full, common, a[2], a[3]
	} else
		print e, (t == "dir" ? "d" : "p"), full, common
	for (i = 1; i <= nx; i++)
		print e, full, x[i] >(dir "/xattrs")
}
/^#V / {
	vol = $2
	pn = 0
	split("", inner)
	for (i in vols)
		if (i != vol && below(i, vol))
			inner[i]
	next
}
/^#x / { x[++nx] = $2 " " $3; next }
/^#/ { note[substr($1, 2)] = substr($0, length($1) + 2); next }
{ entry(); nx = 0; split("", note) }
END {
	for (i in pick)
		if (!(i in hit))
			print i >(dir "/nohit")
}
'

plan() {
	for f in small parts trees holes xattrs refused nohit; do
		: >"$scratch/$f"
	done
	sure awk -v dir="$scratch" -v root="$root" -v bsdtar="$bsdtar" \
	    -v uid="$uid" -v gid="$gid" "$plan_awk" \
	    "$scratch/catalog" >"$scratch/plan"
	settle
	while read -r path why; do
		damage "catalog entry $path: $why"
	done <"$scratch/refused"
	while read -r path; do
		say "/${path#./}: not in this snapshot"
		flaw
	done <"$scratch/nohit"
}

# Gives each part (E SEQUENCE ID LENGTH SIZE PATH) its place in the file,
# less the holes:
#	ID p E OFFSET SKIP COUNT WHOLE PATH
# Files that do not add up go to "lost".
place_awk='
BEGIN {
	while ((getline line <(dir "/holes")) > 0) {
		i = index(line, " ")
		holes[substr(line, 1, i - 1)] = substr(line, i + 1)
	}
}
function ended() {
	if (e != "" && off != size)
		print e >>(dir "/lost")
}
function segment(s, t) {
	if (t > s)
		printf "%s p %s %.0f %.0f %.0f %d %s\n", $3, e, s, s - off,
		    t - s, (t - s == len), $6
}
{
	if ($1 "" != e) {
		ended()
		e = $1 ""
		off = 0
		size = $5 + 0
		h = 1
		n = split(holes[e], hole, " ")
	}
	len = $4 + 0
	s = off
	while (h < n && hole[h] + hole[h + 1] <= s)
		h += 2
	for (j = h; j < n && hole[j] + 0 < off + len; j += 2) {
		segment(s, hole[j] + 0)
		s = hole[j] + hole[j + 1]
	}
	segment(s, off + len)
	off += len
}
END { ended() }
'

# All uses of blobs in one sorted file, "uses": small files and placed parts.
place() {
	expand "$scratch/trees"
	awk '{ print $3 }' "$scratch/trees.lost" >"$scratch/lost"
	sure awk 'FILENAME ~ /plan$/ && $2 == "f" {
			path[$1] = $3
			size[$1] = $8
		}
		FILENAME ~ /trees$/ {
			print $1, $3, ++seq[$3], $4, size[$3], path[$3]
		}' "$scratch/plan" "$scratch/trees" >>"$scratch/parts"
	sure sort -o "$scratch/parts" "$scratch/parts"
	sure sort -u -k 1,1 "$scratch/where" >"$scratch/once"
	sure join -v 1 "$scratch/parts" "$scratch/once" |
	    sure awk '{ print $2 }' >>"$scratch/lost"
	sure join "$scratch/parts" "$scratch/once" |
	    sure awk '{ print $2, $3, $1, $9, $5, $6 }' |
	    sure sort -k 1,1n -k 2,2n |
	    sure awk -v dir="$scratch" "$place_awk" |
	    sure sort - "$scratch/small" >"$scratch/uses"
	settle
	rm -rf "$scratch/parts" "$scratch/once" "$scratch"/c[0-9]*
}

# ----------------------------------------------------------------- contents

# From the bad numbers of a pack and the uses of its blobs
#	ID PACK NUMBER LENGTH s E PATH MODE UID GID TIME
#	ID PACK NUMBER LENGTH p E OFFSET SKIP COUNT WHOLE PATH
# an mtree for bsdtar, commands that write parts, and what to try elsewhere.
pack_awk=$lib'
function flush(    w) {
	if (run == "")
		return
	w = way(path)
	if (w == "" && start == 0)
		run = run " 1<>" quote(rest)
	else
		run = run " | (" w "dd bs=1048576 iflag=fullblock" \
		    sprintf(" oflag=seek_bytes seek=%.0f", start) \
		    " conv=notrunc status=none of=" quote(rest) ")"
	print run " || unwritten " e >>(dir "/parts.sh")
	run = ""
}
FILENAME ~ /bad$/ { bad[$1]; next }
$3 in bad {
	print $1, $2 >>(dir "/redo.copies")
	sub(/ [0-9]+ [0-9]+ [0-9]+/, "")
	print >>(dir "/redo")
	next
}
$5 == "s" {
	print $7, "type=file mode=" $8, "uid=" $9, "gid=" $10, "time=" $11,
	    "contents=" dir "/p/" $3 >>(dir "/small.mtree")
	next
}
run == "" || $6 "" != e || $7 + 0 != end || !whole || !$10 || ++n > 256 {
	flush()
	e = $6 ""
	path = $11
	start = $7 + 0
	whole = $10 + 0
	n = 1
	run = whole ? "cat" : "tail -c +" ($8 + 1) " " dir "/p/" $3 \
	    " | head -c " $9
}
{
	if (whole)
		run = run " " dir "/p/" $3
	end = $7 + $9
}
END { flush() }
'

unwritten() {
	echo "$1" >>"$scratch/unwritten"
	failed
}

# Whether bsdtar, with this option or without, gives files the contents an
# mtree names: version 3.6 without it writes zeros and says nothing.
try_bsdtar() {
	bsdtar=
	command -v bsdtar >/dev/null || return 0
	echo probe >"$scratch/probe"
	printf '#mtree\n./%s type=file mode=0600 uid=%s gid=%s %s\n' \
	    "$scratch/copy" "$uid" "$gid" \
	    "time=5.000000000 contents=$scratch/probe" >"$scratch/mtree"
	for options in mtree:checkfs ''; do
		bsdtar -xp ${options:+--options "$options"} \
		    -f "$scratch/mtree" 2>/dev/null &&
		    [ "$(cat "$scratch/copy")" = probe ] && bsdtar=1 && break
	done
}

# bsdtar makes what the mtree $1 says, if that has any entries.
extract() {
	[ "$(head -n 2 "$1" | wc -l)" -gt 1 ] || return 0
	bsdtar -xp ${options:+--options "$options"} -f "$1" || failed
}

# Runs a list of commands that was written for this.
run() {
	# shellcheck disable=SC1090
	. "$scratch/$1"
}

# Everything pack $1 is needed for, as listed in file r/$1.
use_pack() {
	unpack "$1" "$scratch/p"
	echo '#mtree' >"$scratch/small.mtree"
	: >"$scratch/parts.sh"
	sure awk -v dir="$scratch" "$pack_awk" "$scratch/p.bad" "$scratch/r/$1"
	settle
	extract "$scratch/small.mtree"
	run parts.sh
}

# All contents, pack by pack.  Uses whose copy of a blob was bad go another
# round with the next copy, until there is none.
contents() {
	: >"$scratch/unwritten"
	while [ -s "$scratch/uses" ]; do
		sure join -v 1 "$scratch/uses" "$scratch/where" |
		    sure awk '{ print $3 }' >>"$scratch/lost"
		sure join "$scratch/where" "$scratch/uses" | sure awk '
			$1 "" != id { id = $1 ""; pack = $2 }
			$2 == pack
			' | sure sort -k 2,2n -k 5,5 -k 6,6n -k 7,7n \
		    >"$scratch/todo"
		rm -rf "$scratch/r"
		mkdir "$scratch/r"
		: >"$scratch/redo"
		: >"$scratch/redo.copies"
		sure awk -v dir="$scratch/r/" '
			$2 != k { close(dir k); k = $2; print k }
			{ print >(dir k) }
			' "$scratch/todo" >"$scratch/ask"
		settle
		while read -r k <&3; do
			use_pack "$k"
		done 3<"$scratch/ask"
		sure awk 'FILENAME ~ /copies$/ { bad[$1, $2]; next }
			!(($1, $2) in bad)
			' "$scratch/redo.copies" "$scratch/where" \
		    >"$scratch/next"
		mv "$scratch/next" "$scratch/where"
		sure sort -o "$scratch/uses" "$scratch/redo"
		settle
	done
	rm -rf "$scratch/p"
}

# ----------------------------------------------------------------- finishing

# The plan, less what is lost, as commands and lists:
#	undo.sh    removes files that are not whole
#	make.*     empty files, links, devices, fifos; holes at the end of files
#	link.sh    hard links
#	own.sh mode.sh time.sh dirs.*, attrs for setfattr
# bsdtar sets owner, mode and time of what it makes; for all else there are
# commands, which take many paths at a time.
finish_awk=$lib'
function out(file, s) {
	print s >>(dir "/" file)
}
function flush(key,    a) {
	if (key in args) {
		split(key, a, SUBSEP)
		out(a[1], a[2] " --" args[key] " || flaw")
	}
	delete args[key]
	delete count[key]
}
# With "keep", the order of the paths matters.
function add(file, cmd, path, keep,    key) {
	if (length(path) >= 3900) {
		out(file, command(cmd " --", path) " || flaw")
		return
	}
	key = file SUBSEP cmd
	if (keep && key != last[file]) {
		flush(last[file])
		last[file] = key
	}
	args[key] = args[key] " " quote(path)
	if (++count[key] >= 64)
		flush(key)
}
# Seconds since 1970 as touch has them: the sign is for the whole.
function stamp(t,    a) {
	split(t, a, ".")
	a[2] = substr(a[2] "000000000", 1, 9)
	if (a[1] !~ /^-/ || a[2] + 0 == 0)
		return "@" a[1] "." a[2]
	return sprintf("@-%.0f.%09d", -a[1] - 1, 1000000000 - a[2])
}
function mtree(file, keys) {
	out(file, $3 " mode=" $4 " uid=" $5 " gid=" $6 " time=" $7 " " keys)
}
function make(cmd, after) {
	out("make.sh", command(cmd, $3, after) " || failed")
}
# By bsdtar, where it can: empty files, symbolic links.
function special() {
	if ($2 == "f" && $9)
		make("truncate -s " $8 " --")
	else if (native && $2 == "z")
		mtree("make.mtree", "type=file contents=" dir "/empty")
	else if (native && $2 == "l")
		mtree("make.mtree", "type=link link=" $8)
	else if ($2 == "z")
		make("true >")
	else if ($2 == "l")
		make("ln -sT -- " quote($8))
	else if ($2 == "p")
		make("mkfifo --")
	else if ($2 ~ /^[cb]$/)
		make("mknod --", " " $2 " " $8 " " $9)
}
# A hard link; a long way to the first name is gone before.
function hardlink(    first, w) {
	w = way($5)
	first = quote(rest)
	if (length($3) >= 3900 || w != "") {
		w = "(" w "exec 9<. && cd -P -- \"$dir\" && " way($3)
		out("link.sh", w "ln -PT -- /proc/self/fd/9/" first " " \
		    quote(rest) ") || failed")
	} else
		out("link.sh", "ln -PT -- " first " " quote($3) " || failed")
}
function manner() {
	if (root)
		add("own.sh", "chown -h " $5 ":" $6, $3)
	if ($2 != "l")
		add("mode.sh", "chmod " $4, $3)
	add("time.sh", "touch -chd " stamp($7), $3, 1)
}
# Children first: a mode may close a directory.
function directories(    i) {
	for (i = nd; i > 0; i--) {
		$0 = dirs[i]
		if (bsdtar && $7 != "-" && length($3) < 3900) {
			mtree("dirs.mtree", "type=dir")
			continue
		}
		if (root && $5 != "-")
			add("own.sh", "chown -h " $5 ":" $6, $3)
		if ($7 != "-")
			add("dirs.time", "touch -chd " stamp($7), $3, 1)
		add("dirs.mode", "chmod " $4, $3, 1)
	}
}
# One attribute as setfattr has it, where a name ends at the first "=".
function attribute(path, name, value,    a, i, n, raw) {
	raw = name
	n = split(name, a, /=/)
	name = a[1]
	for (i = 2; i <= n; i++)
		name = name "\\075" a[i]
	value = value == "=" ? "\"\"" : "0s" value
	if (length(path) < 3900)
		out("attrs", "# file: " path "\n" name "=" value "\n")
	else
		out("attrs.sh", command("setfattr -h -n " quote(raw) \
		    " -v " value " --", path) " || flaw")
}
FILENAME ~ /unwritten$/ { gone[$1]; next }
FILENAME ~ /lost$/ { gone[$1]; lost[$1]; next }
FILENAME ~ /xattrs$/ {
	if (!($1 in gone))
		attribute($2, $3, $4)
	next
}
$2 == "h" && ($4 in gone) {
	gone[$1]
	if ($4 in lost)
		lost[$1]
}
$1 in lost { out("damaged", "/" substr($3, 3)) }
$2 ~ /^[cb]$/ && !root {
	gone[$1]
	out("devices", $3)
}
$1 in gone {
	if ($2 == "f")
		out("undo.sh", command("rm -f --", $3))
	next
}
{ total++ }
$2 == "d" { dirs[++nd] = $0; next }
$2 == "h" { hardlink(); next }
{ native = bsdtar && length($3) < 3900; special() }
!native || $2 !~ /^[slz]$/ { manner() }
END {
	directories()
	for (key in args)
		flush(key)
	print total + 0
}
'

finish() {
	for f in undo.sh make.sh own.sh link.sh mode.sh time.sh dirs.time \
	    dirs.mode attrs attrs.sh damaged devices empty; do
		: >"$scratch/$f"
	done
	echo '#mtree' >"$scratch/make.mtree"
	echo '#mtree' >"$scratch/dirs.mtree"
	sure awk -v dir="$scratch" -v root="$root" -v bsdtar="$bsdtar" \
	    "$finish_awk" "$scratch/unwritten" "$scratch/lost" \
	    "$scratch/plan" "$scratch/xattrs" >"$scratch/total"
	settle
	run undo.sh
	extract "$scratch/make.mtree"
	run make.sh
	run own.sh
	run link.sh
	attributes
	run mode.sh
	run time.sh
	run dirs.time
	extract "$scratch/dirs.mtree"
	run dirs.mode
}

attributes() {
	[ -s "$scratch/attrs" ] || [ -s "$scratch/attrs.sh" ] || return 0
	if ! command -v setfattr >/dev/null; then
		say "setfattr is not installed: extended attributes, ACLs and" \
		    "capabilities are not restored"
		flaw
		return
	fi
	if ! setfattr -h --restore=- <"$scratch/attrs"; then
		say "some extended attributes could not be set (see above)"
		flaw
	fi
	run attrs.sh
}

report() {
	while read -r path; do
		damage "$path: not restored, content is lost"
	done <"$scratch/damaged"
	if [ -s "$scratch/devices" ]; then
		say "not root: $(wc -l <"$scratch/devices") devices not made"
		flaw
	fi
	say "$(cat "$scratch/total") entries of snapshot $id restored" \
	    "below $dir"
	case $status in
	5) say "there was damage: what is named above is missing" ;;
	2) say "not everything could be written (see above)" ;;
	esac
}

# --------------------------------------------------------------------- main

# The place of a volume must be new, so that nothing there is changed.
vacant() {
	if [ -L "$1" ] || { [ -e "$1" ] && [ ! -d "$1" ]; } ||
	    { [ -d "$1" ] && [ -n "$(ls -A -- "$1")" ]; }; then
		die "$dir/${1#./}: is there already; choose a new place"
	fi
}

# Makes the directory of a volume, no part of which may be a link.
make_volume() {
	(umask 022 && mkdir -p -- "$1") || die "cannot make $dir/${1#./}"
	# The dot keeps newlines at the end of a name.
	real=$(cd -- "$1" && pwd -P && echo .)
	[ "$1" = . ] || [ "$real" = "$dir/${1#./}
." ] || die "$dir/${1#./}: a part of this path is a symbolic link"
}

# Runs function $1 for the path of every volume.
each_volume() {
	eval "$(awk -v cmd="$1" "$lib"'NF { print cmd, quote($2) }' <<-EOF
	$volumes
	EOF
	)"
}

# All directories come before all else: so no file is written through a link.
directories() {
	volumes=$(awk 'FILENAME ~ /plan$/ { if ($2 == "d") dirs[$3]; next }
		$2 in dirs' "$scratch/plan" "$scratch/volumes")
	each_volume make_volume
	sure awk "$lib"'
	function flush() {
		if (args != "")
			print "mkdir -p --" args " || failed"
		args = ""
	}
	$2 == "d" && length($3) >= 3900 {
		flush()
		print command("mkdir --", $3) " || failed"
		next
	}
	$2 == "d" {
		args = args " " quote($3)
		if (++n % 64 == 0)
			flush()
	}
	END { flush() }' "$scratch/plan" >"$scratch/mkdir.sh"
	settle
	run mkdir.sh
}

# Argument $1 as the plan has paths.
catalog_path() {
	printf %s "/$1" | od -An -v -tu1 | awk "$lib"'
	{
		for (i = 1; i <= NF; i++) {
			o = sprintf("%03o", $i)
			s = s ((o in byte) ? "\\" o : sprintf("%c", $i + 0))
		}
	}
	END {
		gsub(/\/+/, "/", s)
		sub(/\/$/, "", s)
		print "." s
	}'
}

# DIR itself may be a volume, whose time stays as restored.
cleanup() {
	when=$(stat -c %y .)
	rm -rf "${scratch:?}"
	touch -cd "$when" .
}

restore() {
	read_snapshot "$1"
	mkdir -p -- "$2" && cd -- "$2" || exit
	dir=$(pwd -P)
	shift 2
	each_volume vacant
	scratch=.xcatvault-recover.$$
	mkdir "$scratch" || exit
	trap cleanup EXIT
	trap 'exit 2' HUP INT TERM
	TMPDIR=$dir/$scratch
	export TMPDIR
	printf '%s\n' "$volumes" >"$scratch/volumes"
	for f in good opened select sound; do
		: >"$scratch/$f"
	done
	for path; do
		catalog_path "$path" >>"$scratch/select"
	done
	try_bsdtar
	say "snapshot $id of $site, taken $time"
	index_packs
	catalogs
	plan
	directories
	place
	contents
	finish
	report
	exit "$status"
}

[ $# -ge 1 ] || usage
vault=$(cd -- "$(dirname -- "$0")" && pwd -P) || exit 2
[ -d "$vault/snapshots" ] || die "$vault: no vault; this script lies in one"
for tool in awk join od sha256sum sort tar zstd; do
	command -v "$tool" >/dev/null || die "$tool is needed, but not found"
done
uid=$(id -u)
gid=$(id -g)
root=
[ "$uid" -ne 0 ] || root=1
case $#:$1 in
*:-*) usage ;;
1:list) list ;;
1:* | *:list) usage ;;
*) restore "$@" ;;
esac
