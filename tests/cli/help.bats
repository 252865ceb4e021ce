# Each command's options: those that it takes, those that --help shows, and
# those on its manual page are the same.

load common

setup()
{
	scratch
	unset XCATVAULT_VAULT
	export XCATVAULT_CONFIG=$T/none
	MAN=$TESTS/../man
}

teardown()
{
	clean
}

# Long options in what is read, without those that every command has.
options()
{
	grep -oE -- '--[a-z][a-z-]+' | sort -u |
	    grep -vxE -- '--(config|help|json|quiet|vault|verbose|version)'
}

# takes WORD...: the options of a command, as getopt itself tells them: by
# what it says of their first letters.  One whose value may be left out (there
# is verify's --read-data) is not told of.
takes()
{
	local letter said

	for letter in {a..z}; do
		said=$(xv "$@" --"$letter" 2>&1 </dev/null) || :
		case $said in
		*"unrecognized option"*) continue ;;
		*"is ambiguous"* | *"requires an argument"*) ;;
		*) said=$(xv "$@" --"$letter=x" 2>&1 </dev/null) || : ;;
		esac
		head -n 1 <<<"$said" | grep '^xcatvault: option ' | options
	done | sort -u
}

# page NAME COMMAND...: those of the commands that are explained on it.  Behind
# "+" stand words with which the command takes other options; of $OTHERS are
# those on the page that belong to another page's command.
page()
{
	local page=$MAN/xcatvault-$1.1 command form

	: >"$T/taken"
	for command in "${@:2}"; do
		for form in "${command%+*}" "${command/+/ }"; do
			# shellcheck disable=SC2086
			takes $form || :
		done | sort -u >"$T/takes"
		# shellcheck disable=SC2086
		xv ${command%+*} --help | options >"$T/helps" || :
		if grep -qx -- --read-data "$T/helps"; then
			exits 3 xv "$command" --read-data=x
			says 'a percentage is wanted'
			echo --read-data >>"$T/takes"
			sort -o "$T/takes" "$T/takes"
		fi
		equal "$(cat "$T/helps")" "$(cat "$T/takes")" \
		    "options in the help of $command"
		cat "$T/takes" >>"$T/taken"
	done
	sort -u -o "$T/taken" "$T/taken"
	grep -E '^\..*\<Fl ' "$page" | sed 's/\\-/--/g' | options |
	    grep -vx -e "${OTHERS-none}" >"$T/told" || :
	equal "$(cat "$T/told")" "$(cat "$T/taken")" "options in $page"
}

@test "backup, dump, site, serve: options are the same everywhere" {
	page backup init backup
	page dump "dump check"
	page site site
	page serve serve
}

@test "list, ls, find, cat, diff, export, verify, drill: options are the same" {
	page list list ls find cat diff export
	page verify verify
	page drill drill
}

@test "restore, undo: options are the same" {
	page restore "restore+x --database-only" undo
}

@test "image: options are the same" {
	page image "image list" "image ready"
	page image-export "image export" "image copy"
	page image-import "image import"
	page image-inspect "image inspect"
	OTHERS=--from-vault page image-keep "image keep"
}

@test "every command has a page, and help for each of its forms" {
	local command form n=0

	while read -r command; do
		[ "$command" = help ] ||
		    grep -q "^\.Cm $command\>" "$MAN"/xcatvault-*.1
		exits 0 xv "$command" --help
		says "^usage: xcatvault $command"
		while read -r form; do
			# shellcheck disable=SC2086
			xv $form --help >"$T/one"
			grep -q "^usage: xcatvault $form" "$T/one"
			equal "$(grep -c ' xcatvault [a-z]' "$T/one")" \
			    "$(grep -cE " xcatvault $form( |\$)" "$T/out")"
		done < <(grep -oE ' xcatvault (image|site|dump) [a-z]+' "$T/out" |
		    sed 's/ xcatvault //')
		n=$((n + 1))
	done < <(xv help | sed -n 's/^  \([a-z]*\) .*/\1/p')
	[ "$n" -gt 15 ]
}
