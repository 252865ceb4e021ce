# shellcheck shell=bash
# keep.sh: osimages in the vault, and bundles made without imgexport.  Sourced
# by run.sh, behind inspect.sh, ssh.sh and database.sh, not run.
#
# Cases:
#	image-vault	ten versions of one image, of about 600 MB each (small:
#			60), kept: the root image is the same in all, what lies
#			beside it differs; then the last one out again, beside
#			"tar -cz" of its members with pigz where that is there
#	image-native	an osimage of a node, by --engine native, beside the
#			"tar czf" that imgexport runs on the node (its copies of
#			all files before that not counted)
#
# More is in the steps' environment:
#	IMAGE		the osimage's name

export IMAGE=''

# shellcheck disable=SC2016,SC2034
STEP+=(
	[xcatvault.image-keep]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" image keep -q "$FILE" || [ $? -eq 1 ]'
	[xcatvault.image-out]='XCATVAULT_CACHE="$STATE/cache" "$XCATVAULT" -V "$STATE/repo" image export -q "$IMAGE" -o "$OUT/out.tgz"'
	[tar.image-out]='tar -C "$TREE" -czf "$OUT/out.tgz" .'
	[xcatvault.image-native]='XCATVAULT_CACHE="$STATE/cache" XCATVAULT_SSH_DIR="$NODE/ssh" "$XCATVAULT" -C "$NODE/bench.conf" image export -q "$IMAGE" --site bench --engine native -o "$OUT/out.tgz" || [ $? -eq 1 ]'
	[tar.image-native]='ssh -F "$NODE/ssh/config" -c "$CIPHER" node "cd /install/image && tar czf /var/tmp/out.tgz . ; rc=\$?; rm -f /var/tmp/out.tgz; exit \$rc"'
)

# image_unpacked: sets TREE to the members of a bundle, and IMAGE
image_unpacked() {
	if [ "$SIZE" = small ]; then
		inspect_bundle 160 1
	else
		inspect_bundle 1600 1
	fi
	TREE=$WORK/members OUT=$WORK/out
	mkdir "$TREE" "$OUT"
	tar -C "$TREE" -xzf "$WORK/image/bundle.tgz"
	rm -r "$WORK/image"
	IMAGE=$(cd "$TREE" && echo *)
}

# What is stored of ten versions, beside the sum of their bundles; the last
# comes out with the archive that went in.
measure_image_vault() {
	local run before sum=0

	image_unpacked
	open_corpus image-vault image-vault "$TREE"
	new_state xcatvault
	FILE=$WORK/version.tgz
	for ((run = 1; run <= 10; run++)); do
		echo "package$run" >>"$TREE/$IMAGE/compute.pkglist"
		tar -C "$TREE" -cf - . | gzip -1 >"$FILE"
		sum=$((sum + $(stat -c %s "$FILE")))
		before=$(repo_bytes)
		sample image-keep xcatvault image-keep "$run"
		record image-keep xcatvault "$run" $(($(repo_bytes) - before))
	done
	# shellcheck disable=SC2034
	MEASURED="0	0	0	0	0	0	0"
	record image-keep bundles 1 "$sum"
	for ((run = 1; run <= RUNS; run++)); do
		sample image-out xcatvault image-out "$run"
		cmp -s <(gzip -dc "$FILE") <(gzip -dc "$OUT/out.tgz") ||
		    fault "the archive that came out is another one"
		record image-out xcatvault "$run" -
		wanted "$TOOLS" tar || continue
		sample image-out tar image-out "$run"
		record image-out tar "$run" -
	done
	rm -rf "${WORK:?}"/*
}

measure_image_native() {
	local run dir=/install/netboot/rocky9.4/x86_64/compute

	image_unpacked
	open_corpus image-native image-native "$TREE"
	ssh_stop
	rm -rf "$NODE"
	"$MN" start "$NODE"
	"$MN" populate "$NODE" small >>"$LOG"
	cp "$TREE/$IMAGE"/kernel "$TREE/$IMAGE"/initrd-stateless.gz \
	    "$TREE/$IMAGE"/rootimg.cpio.gz "$NODE/root$dir/"
	mv "$TREE/$IMAGE" "$NODE/root/install/image"
	IMAGE=rocky9.4-x86_64-netboot-compute
	NODE_PORT=$(cat "$NODE/port")
	printf '%s = { address = "%s"; identity = "%s"; };\n' \
	    bench "root@127.0.0.1:$NODE_PORT" "$NODE/ssh/id_ed25519" |
	    sed '1s/^/sites = { /; $s/$/ };/' >"$NODE/bench.conf"
	chmod 600 "$NODE/bench.conf"
	new_state xcatvault
	for ((run = 1; run <= RUNS; run++)); do
		sample image-native xcatvault image-native "$run"
		record image-native xcatvault "$run" -
		wanted "$TOOLS" tar || continue
		sample image-native tar image-native "$run"
		record image-native tar "$run" -
	done
	ssh_stop
	rm -rf "$NODE" "${WORK:?}"/*
}
