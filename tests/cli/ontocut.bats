#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2034
# Restores onto a management node that are cut off.

load common
load ../mn/mn
load night

setup()
{
	night_scratch
}

teardown()
{
	night_clean
}

# many DIR: 900 small files, some larger ones, links and empty directories
many()
{
	noise 78 3000000 >"$T/noise"
	mkdir "$1"
	perl -e 'my ($dir, $noise) = @ARGV;
		open(my $n, "<", $noise) or die;
		read($n, my $all, 3000000) or die;
		for my $i (1 .. 900) {
			my $sub = sprintf("%s/d%02d", $dir, $i % 30);
			mkdir $sub;
			mkdir "$sub/empty" if $i % 60 == 0;
			open(my $f, ">", "$sub/f$i") or die;
			my $len = $i % 100 == 0 ? 200000 : 400 + $i * 7 % 3000;
			print $f "$i\n", substr($all, $i * 3001 % 2700000, $len);
			close($f);
			chmod($i % 7 == 0 ? 0640 : 0644, "$sub/f$i");
			chown($i % 5, 3, "$sub/f$i");
			utime(1, 1600000000 + $i, "$sub/f$i");
			link("$sub/f$i", "$sub/second$i") if $i % 50 == 0;
			symlink("f$i", "$sub/link$i") if $i % 40 == 0;
		}' "$1" "$T/noise"
}

# slow_tar BYTES: tar on b takes so much a second
slow_tar()
{
	cat >"$T/mn/b/usr-local/bin/tar" <<-END
	#!/bin/bash
	set -o pipefail
	case " \$* " in
	*" --extract "*) ;;
	*) exec /usr/bin/tar "\$@" ;;
	esac
	perl -e '
		\$| = 1;
		while (sysread(STDIN, my \$b, 16384)) {
			syswrite(STDOUT, \$b) or exit 1;
			select(undef, undef, undef, length(\$b) / $1);
		}' | /usr/bin/tar "\$@"
	END
	chmod 755 "$T/mn/b/usr-local/bin/tar"
}

# cut all|one: as a network that goes away does: what they ran is not killed,
# but hears no more
cut()
{
	local listener child pid children

	listener=$(sshd_children "$(cat "$T/mn/b/pid")" | head -n 1)
	mapfile -t children < <(sshd_children "$listener")
	[ "${#children[@]}" -gt 0 ] || return 0
	[ "$1" = all ] || children=("${children[RANDOM % ${#children[@]}]}")
	for child in "${children[@]}"; do
		mapfile -t pids < <(sshd_tree "$child")
		for pid in "${pids[@]}"; do
			[[ $(cat "/proc/$pid/comm" 2>/dev/null) != sshd* ]] ||
			    kill -KILL "$pid" 2>/dev/null || :
		done
	done
}

# killed: the restore in the background, all of it at once
killed()
{
	local pids

	mapfile -t pids < <(sshd_tree "$RUN")
	kill -KILL "${pids[@]}" 2>/dev/null || :
}

# whole DIR FORMAT: its files of one name that are as in the tree, each as FORMAT
whole()
{
	(cd "$1" && find . -type f -printf "%P|%s %m %U %G %T@|$2\n" |
	    sort -t '|' -k 1,1) |
	    join -t '|' "$T/want" - | awk -F '|' '$2 == $3 { print $1 "|" $4 }'
}

restore()
{
	xv restore "$SNAP" --site new --without-database "$@"
}

# until_there FILES: as many are there, or the restore has ended
until_there()
{
	while [ "$(find "$at" -type f | wc -l)" -lt "$1" ] &&
	    kill -0 "$RUN" 2>/dev/null; do
		sleep 0.02
	done
}

# begin: a restore in the background; ended: how it did
begin()
{
	restore --json >"$T/out" 2>"$T/err" 3>&- 4>&- &
	RUN=$!
}

ended()
{
	STATUS=0
	wait "$RUN" || STATUS=$?
}

@test "cut at 20 random points: completed, and nothing is sent twice that was whole" {
	local at i seed how when before=0 went_on=0 again=0
	many "$T/tree"
	(cd "$T/tree" && find . -type f -links 1 -printf '%P|%s %m %U %G %T@\n' |
	    sort -t '|' -k 1,1) >"$T/want"
	take --volume "$T/tree=/install"
	mn_start b --hostname mn2
	site new b
	at=$(mn_path b /install)
	slow_tar 2500000
	for i in {1..20}; do
		seed=$((${XCATVAULT_TEST_SEED:-$$} + i))
		RANDOM=$seed
		find "$at" -mindepth 1 -delete
		case $((RANDOM % 3)) in
		0)	how=all ;;
		1)	how=one ;;
		2)	how=killed ;;
		esac
		when=$((RANDOM % 850))
		begin
		until_there $when
		whole "$at" '' >"$T/before"
		NOW=$(date +%s.%N)
		if [ "$how" = killed ]; then
			killed
		else
			cut "$how"
		fi
		ended
		echo "seed $seed: $how after $when files, of which" \
		    "$(wc -l <"$T/before") are whole;" \
		    "status $STATUS $(tail -n 1 "$T/err")"
		if [ "$STATUS" -eq 0 ]; then
			went_on=$((went_on + 1))
		else
			again=$((again + 1))
			exits 0 restore --json
		fi
		before=$((before + $(wc -l <"$T/before")))
		equal "$(rsync -aHAXn --checksum --delete -i \
		    --modify-window=-1 "$T/tree/" "$at/")" '' 'rsync differs'
		# what is replaced has another change time
		whole "$at" '%C@' | join -t '|' "$T/before" - |
		    awk -F '|' -v now="$NOW" '$NF > now' >"$T/twice"
		equal "$(wc -l <"$T/twice")" 0 'sent once more'
	done
	echo "whole before the cut: $before; went on: $went_on; run again: $again"
	[ "$before" -gt 900 ]
	[ "$went_on" -gt 0 ]
	[ "$again" -gt 0 ]
	nothing_left b
}

@test "a run that follows a killed one sends what is missing, and no more" {
	local at have
	many "$T/tree"
	(cd "$T/tree" && find . -type f -links 1 -printf '%P|%s %m %U %G %T@\n' |
	    sort -t '|' -k 1,1) >"$T/want"
	take --volume "$T/tree=/install"
	mn_start b --hostname mn2
	site new b
	at=$(mn_path b /install)
	slow_tar 1500000
	begin
	until [ "$(whole "$at" '' | wc -l)" -gt 100 ]; do
		sleep 0.05
	done
	killed
	ended
	[ "$STATUS" -ne 0 ]
	# tar gets to the end of what it has
	while mn_sh b pgrep -x tar >/dev/null; do
		sleep 0.05
	done
	have=$(whole "$at" '' | wc -l)
	[ "$have" -lt 900 ]
	rm "$T/mn/b/usr-local/bin/tar"
	exits 0 restore --json
	jq -r '.volumes[0], .result.volumes[0]' "$T/out"
	[ "$(jq '.volumes[0] | .created + .replaced' "$T/out")" -le \
	    $(($(find "$T/tree" | wc -l) - have)) ]
	[ "$(jq '.result.volumes[0].proved' "$T/out")" -le $((900 - have + 9)) ]
	equal "$(rsync -aHAXn --checksum --delete -i --modify-window=-1 \
	    "$T/tree/" "$at/")" '' 'rsync differs'
}
