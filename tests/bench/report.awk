# report.awk: the table of a benchmark run.  Input: what run.sh wrote to .tsv:
#
#	#fact	TEXT
#	#corpus	NAME KIND FILES ENTRIES BYTES
#	CORPUS KIND CASE TOOL RUN WALL USER SYS RSS_KIB READ OTHER STATUS BYTES
#
# separated by tabs.  All figures are medians over the runs that ended well.

BEGIN {
	FS = "\t"
	ncases = split("first cold unchanged change verify restore cat", cases,
	    " ")
	title["first"] = "first backup, warm"
	title["cold"] = "first backup, cold"
	title["unchanged"] = "unchanged"
	title["change"] = "small change"
	title["verify"] = "verify all data"
	title["restore"] = "full restore"
	title["cat"] = "one 4 KB file"
	ntools = split("xcatvault tar restic borg", tools, " ")
	# Over ssh, beside a bare command.
	nssh = split("ssh-first ssh-unchanged ssh-change ssh-bulk " \
	    "ssh-restore ssh-restore-noop drill ssh-fixed", ssh_cases, " ")
	ssh_title["ssh-first"] = "first: tar | zstd"
	ssh_title["ssh-unchanged"] = "unchanged: find"
	ssh_title["ssh-change"] = "small change: find"
	ssh_title["ssh-bulk"] = "one large file: cat"
	ssh_title["ssh-restore"] = "restore: zstd | tar"
	ssh_title["ssh-restore-noop"] = "all there: find"
	ssh_title["drill"] = "drill: verify, restore"
	ssh_title["ssh-fixed"] = "nothing: connection"
	nssh_tools = split("xcatvault bare restic borg", ssh_tools, " ")

	# What is asked of xcatvault: at most so many times the peer.
	bar["first", "restic"] = 0.35;		bar["first", "tar"] = 0.85
	bar["unchanged", "restic"] = 0.08;	bar["unchanged", "tar"] = 0.8
	bar["change", "restic"] = 0.12
	bar["restore", "restic"] = 0.30;	bar["restore", "tar"] = 0.6
	bar["verify", "restic"] = 0.30
	bar["cat", "restic"] = 0.10
	bar["stored", "restic"] = 0.97
	bar["added", "restic"] = 0.6
	# With many small files, instead of or beside these:
	many["cold", "restic"] = 0.35;		many["cold", "tar"] = 0.45
	many["verify", "restic"] = 0.15
	many["stored", "restic"] = 0.74
	# Peak RSS in MiB.
	rss_bar["root"] = rss_bar["many"] = rss_bar["large"] = 128
	rss_bar["million"] = 256
	# Beside the smaller of the two large files.
	growth_bar = 1.1
	# Over ssh: the night beside the bare command, and beside the faster
	# of restic and borg.
	ssh_bar["root", "ssh-first"] = 1.25
	ssh_bar["many", "ssh-unchanged"] = 3
	ssh_bar["root", "ssh-restore"] = ssh_bar["many", "ssh-restore"] = 1.2
	ssh_bar["many", "ssh-restore-noop"] = 3
	ssh_bar["root", "drill"] = 1.3
	ssh_peer_bar["root", "ssh-first"] = 0.7
	# The rate of the transfer alone: without what either costs with
	# nothing to transfer.
	ssh_net_rate_bar = 0.9
	ssh_rss_bar = 160
	# Seconds for 71 tables with 100,000 rows.
	compare_bar = 0.5
	# A bundle inspected, beside tar -tzf; and the peak RSS in MiB.
	inspect_bar = 1.2
	inspect_rss_bar = 64
	# A bundle from node to node, beside two of ssh and two of cat.
	imgcopy_bar = 1.3
	imgcopy_rss_bar = 64
	# Ten versions of an image stored, beside the sum of their bundles.
	image_stored_bar = 0.5
	# A bundle made here: so many times as fast as tar czf on the node.
	native_bar = 5
}

$1 == "#fact" { facts[++nfacts] = $2; next }
$1 == "#corpus" {
	corpora[++ncorpora] = $2
	kind[$2] = $3
	bytes[$2] = $6
	size[$2] = sprintf("%d files, %d entries, %.2f GB", $4, $5, $6 / 1e9)
	next
}
{
	if ($12 != 0) {
		failed[$1, $3, $4]++
		nfailed++
		next
	}
	add($1, $3, $4, "wall", $6)
	add($1, $3, $4, "cpu", $7 + $8)
	add($1, $3, $4, "rss", $9 / 1024)
	add($1, $3, $4, "read", $10 / 1e6)
	if ($13 != "-")
		add($1, $3, $4, "bytes", $13 / 1e6)
	nsamples++
	# Over ssh the other processes are the node's own.
	if ($3 !~ /^ssh-|^drill/ && $11 > 0.25 * $6 && $11 > 0.1)
		ndisturbed++
	if ($3 != "cold" && $10 > bytes[$1] / 50 + 1e6)
		nchilled++
}

function add(corpus, step, tool, what, value,	key) {
	key = corpus SUBSEP step SUBSEP tool SUBSEP what
	value_of[key, ++count[key]] = value + 0
}

# The median, or "" when there is no sample.
function median(corpus, step, tool, what,	key, n, i, j, t, v) {
	key = corpus SUBSEP step SUBSEP tool SUBSEP what
	n = count[key]
	if (n == 0)
		return ""
	for (i = 1; i <= n; i++) {
		t = value_of[key, i]
		for (j = i - 1; j >= 1 && v[j] > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	if (n % 2 == 1)
		return v[(n + 1) / 2]
	return (v[n / 2] + v[n / 2 + 1]) / 2
}

function number(x) {
	if (x == "")
		return "-"
	if (x >= 100)
		return sprintf("%.0f", x)
	if (x >= 10)
		return sprintf("%.1f", x)
	if (x >= 1)
		return sprintf("%.2f", x)
	return sprintf("%.3f", x)
}

# "12.3" or "failed"
function cell(corpus, step, tool, what) {
	if ((corpus, step, tool) in failed)
		return "failed"
	return number(median(corpus, step, tool, what))
}

function verdict(good) {
	if (good) {
		nok++
		return "ok"
	}
	nmissed++
	return "MISS"
}

# Ratio, bar and verdict, for the columns beside one peer.  What is BROKEN
# misses its bar.
function beside(corpus, what, ours, theirs, peer, broken,	b) {
	b = bar[what, peer]
	if (kind[corpus] == "many" && (what, peer) in many)
		b = many[what, peer]
	if (b != "" && ours == "" && broken)
		return sprintf("  %7s %5s %-4s", "-", b, verdict(0))
	if (ours == "" || theirs == "" || theirs == 0)
		return sprintf("  %7s %5s %-4s", "-", b == "" ? "" : b, "")
	return sprintf("  %7.3f %5s %-4s", ours / theirs, b,
	    b == "" ? "" : verdict(ours / theirs <= b))
}

# One line: NAME, what each tool took, ratios.  BAR names the row of bars.
function row(corpus, name, step, what, bar_name,	i, ours, broken, line) {
	broken = (corpus, step, "xcatvault") in failed
	ours = broken ? "" : median(corpus, step, "xcatvault", what)
	line = sprintf("%-22s", name)
	for (i = 1; i <= ntools; i++)
		line = line sprintf(" %9s", cell(corpus, step, tools[i], what))
	if (what != "read") {
		line = line beside(corpus, bar_name, ours,
		    median(corpus, step, "restic", what), "restic", broken)
		line = line beside(corpus, bar_name, ours,
		    median(corpus, step, "tar", what), "tar", broken)
	}
	sub(/ +$/, "", line)
	print line
}

function head(name,	i, line) {
	line = sprintf("%-22s", name)
	for (i = 1; i <= ntools; i++)
		line = line sprintf(" %9s",
		    tools[i] == "tar" ? "tar|zstd" : tools[i])
	printf("\n%s  %7s %5s %-4s  %7s %5s\n", line, "/restic", "bar", "",
	    "/tar", "bar")
}

function has(corpus, step,	i) {
	for (i = 1; i <= ntools; i++)
		if (median(corpus, step, tools[i], "wall") != "" ||
		    (corpus, step, tools[i]) in failed)
			return 1
	return 0
}

function rows(corpus, name, what,	i, asked) {
	head(name)
	for (i = 1; i <= ncases; i++) {
		# Only wall time has bars of its own.
		asked = what == "wall" ? cases[i] : ""
		if (has(corpus, cases[i]))
			row(corpus, title[cases[i]], cases[i], what, asked)
	}
}

function stored(corpus) {
	head("MB")
	row(corpus, "stored", has(corpus, "first") ? "first" : "cold",
	    "bytes", "stored")
	if (has(corpus, "unchanged"))
		row(corpus, "added, unchanged", "unchanged", "bytes", "")
	if (has(corpus, "change"))
		row(corpus, "added, small change", "change", "bytes", "added")
}

# The largest peak of any step of xcatvault.
function peak(corpus,	i, m, most) {
	most = 0
	for (i = 1; i <= ncases; i++) {
		m = median(corpus, cases[i], "xcatvault", "rss")
		if (m > most)
			most = m
	}
	return most
}

function memory(corpus,	most) {
	most = peak(corpus)
	if (most == 0)
		return
	printf("\npeak RSS of xcatvault, any step: %.0f MiB, at most %d: %s\n",
	    most, rss_bar[kind[corpus]],
	    verdict(most <= rss_bar[kind[corpus]]))
}

# Where xcatvault ran by itself.
function alone(corpus,	i) {
	printf("\n%-22s %9s %13s %14s\n", "xcatvault alone", "wall, s",
	    "user + sys, s", "peak RSS, MiB")
	for (i = 1; i <= ncases; i++) {
		if (has(corpus, cases[i]))
			printf("%-22s %9s %13s %14s\n", title[cases[i]],
			    cell(corpus, cases[i], "xcatvault", "wall"),
			    cell(corpus, cases[i], "xcatvault", "cpu"),
			    cell(corpus, cases[i], "xcatvault", "rss"))
	}
	printf("%-22s %9s MB\n", "stored",
	    cell(corpus, "first", "xcatvault", "bytes"))
}

# "12.3 3 ok" below "ratio bar", or blanks: at most BAR.
function held(ours, theirs, bar, broken) {
	if (bar != "" && broken)
		return sprintf("  %7s %5s %-4s", "-", bar, verdict(0))
	if (ours == "" || theirs == "" || theirs <= 0)
		return sprintf("  %7s %5s %-4s", "-", bar, "")
	return sprintf("  %7.3f %5s %-4s", ours / theirs, bar,
	    bar == "" ? "" : verdict(ours / theirs <= bar))
}

# What is left of a median without the fixed costs, or "".
function net(corpus, step, tool,	all, fixed) {
	# No restore dumps and publishes.
	if (step ~ /restore|drill/)
		return ""
	all = median(corpus, step, tool, "wall")
	fixed = median(corpus, "ssh-fixed", tool, "wall")
	if (all == "" || fixed == "" || all <= fixed)
		return ""
	return all - fixed
}

function ssh_row(corpus, step,	i, ours, broken, peer, t, line) {
	broken = (corpus, step, "xcatvault") in failed
	ours = broken ? "" : median(corpus, step, "xcatvault", "wall")
	line = sprintf("%-22s", ssh_title[step])
	for (i = 1; i <= nssh_tools; i++) {
		t = median(corpus, step, ssh_tools[i], "wall")
		line = line sprintf(" %9s",
		    cell(corpus, step, ssh_tools[i], "wall"))
		if (i > 2 && t != "" && (peer == "" || t < peer))
			peer = t
	}
	line = line held(ours, median(corpus, step, "bare", "wall"),
	    ssh_bar[kind[corpus], step], broken)
	line = line held(broken ? "" : net(corpus, step, "xcatvault"),
	    net(corpus, step, "bare"), "", 0)
	line = line held(ours, peer, ssh_peer_bar[kind[corpus], step], broken)
	sub(/ +$/, "", line)
	print line
}

function ssh_rate(corpus,	ours, bare) {
	ours = net(corpus, "ssh-bulk", "xcatvault")
	bare = net(corpus, "ssh-bulk", "bare")
	if ((corpus, "ssh-bulk", "xcatvault") in failed || ours == "")
		printf("rate of the one large file: - (%s)\n", verdict(0))
	else if (bare != "")
		printf("%s: %.0f MB/s, cat %.0f MB/s: %.2f, %s %s: %s\n",
		    "rate of the one large file, without the fixed costs",
		    bytes[corpus] / 1e6 / ours, bytes[corpus] / 1e6 / bare,
		    bare / ours, "at least", ssh_net_rate_bar,
		    verdict(bare / ours >= ssh_net_rate_bar))
}

function ssh_has(corpus, step) {
	return has(corpus, step) || median(corpus, step, "bare", "wall") != ""
}

function over_ssh(corpus,	i, n, m, most, wrong) {
	for (i = 1; i <= nssh; i++)
		n += ssh_has(corpus, ssh_cases[i])
	if (n == 0)
		return
	printf("\n%-22s %9s %9s %9s %9s  %7s %5s %-4s  %7s %5s %-4s  %7s %5s\n",
	    "over ssh: wall, s", "xcatvault", "bare", "restic", "borg",
	    "/bare", "bar", "", "/bare*", "", "", "/faster", "bar")
	for (i = 1; i <= nssh; i++) {
		if (!ssh_has(corpus, ssh_cases[i]))
			continue
		ssh_row(corpus, ssh_cases[i])
		wrong += (corpus, ssh_cases[i], "xcatvault") in failed
		m = median(corpus, ssh_cases[i], "xcatvault", "rss")
		if (m > most)
			most = m
	}
	print "bare: the command named; drill: of xcatvault's own; faster: the" \
	    " faster of restic and borg."
	print "nothing: the night of an empty volume, with probe, dump, proof" \
	    " and publication;"
	print "/bare*: each without what it takes with nothing."
	if (ssh_has(corpus, "ssh-bulk"))
		ssh_rate(corpus)
	if (median(corpus, "ssh-first", "xcatvault", "bytes") != "")
		printf("stored, MB: xcatvault %s, tar | zstd %s, %s %s, %s %s\n",
		    cell(corpus, "ssh-first", "xcatvault", "bytes"),
		    cell(corpus, "ssh-first", "bare", "bytes"), "restic",
		    cell(corpus, "ssh-first", "restic", "bytes"), "borg",
		    cell(corpus, "ssh-first", "borg", "bytes"))
	if (most > 0)
		printf("peak RSS of xcatvault over ssh: %.0f MiB, %s %d: %s\n",
		    most, "at most", ssh_rss_bar,
		    verdict(most <= ssh_rss_bar))
	if (most > 0 || wrong > 0)
		printf("left behind on the node, or failed: %s\n",
		    wrong > 0 ? "see the log" : "nothing")
}

function compared(corpus,	i, n) {
	for (i = 1; i <= ncases; i++)
		n += has(corpus, cases[i])
	if (n == 0)
		return
	rows(corpus, "wall, s", "wall")
	if (has(corpus, "first") || has(corpus, "cold"))
		stored(corpus)
	rows(corpus, "user + sys, s", "cpu")
	rows(corpus, "peak RSS, MiB", "rss")
	rows(corpus, "read from disk, MB", "read")
}

# The database by itself: what a restore of it takes, and its comparison.
function database(corpus,	c) {
	if ((corpus, "ssh-database", "xcatvault") in failed)
		printf("\nonto a fresh node: failed\n")
	else if (median(corpus, "ssh-database", "own", "wall") != "")
		printf("\nonto a fresh node: %s s; of it %s %s s, %s %s s\n",
		    cell(corpus, "ssh-database", "xcatvault", "wall"),
		    "in xCAT's two commands",
		    cell(corpus, "ssh-database", "xcat", "wall"),
		    "in checks and comparisons",
		    cell(corpus, "ssh-database", "own", "wall"))
	c = median(corpus, "compare", "xcatvault", "wall")
	if (c != "" || (corpus, "compare", "xcatvault") in failed)
		printf("\n71 tables, 100,000 rows: %s s, at most %s: %s\n",
		    cell(corpus, "compare", "xcatvault", "wall"), compare_bar,
		    verdict(c != "" && c <= compare_bar &&
		    !((corpus, "compare", "xcatvault") in failed)))
}

# Bundles of osimages, inspected.
function inspected(corpus,	ours, theirs, rss, bad) {
	bad = (corpus, corpus, "xcatvault") in failed
	ours = median(corpus, corpus, "xcatvault", "wall")
	theirs = median(corpus, corpus, "tar", "wall")
	rss = median(corpus, corpus, "xcatvault", "rss")
	printf("\nimage inspect: %s s, %s s of processor, %s MiB at its peak",
	    cell(corpus, corpus, "xcatvault", "wall"),
	    cell(corpus, corpus, "xcatvault", "cpu"),
	    cell(corpus, corpus, "xcatvault", "rss"))
	printf(", at most %d: %s\n", inspect_rss_bar,
	    verdict(!bad && rss != "" && rss <= inspect_rss_bar))
	if (theirs != "" && theirs > 0)
		printf("tar -tzf: %s s; ratio %.3f, at most %s: %s\n",
		    number(theirs), ours / theirs, inspect_bar,
		    verdict(!bad && ours / theirs <= inspect_bar))
}

# Osimages from node to node: what is around imgexport and imgimport.
function copied(corpus,	ours, theirs, rss, bad) {
	bad = (corpus, corpus, "xcatvault") in failed
	ours = median(corpus, corpus, "carried", "wall")
	theirs = median(corpus, corpus, "bare", "wall")
	rss = median(corpus, corpus, "xcatvault", "rss")
	printf("\nimage copy: %s s, of which the bundle was carried, " \
	    "inspected and proved in %s s;\n%s MiB at its peak, " \
	    "at most %d: %s\n", cell(corpus, corpus, "xcatvault", "wall"),
	    number(ours), cell(corpus, corpus, "xcatvault", "rss"),
	    imgcopy_rss_bar, verdict(!bad && rss != "" &&
	    rss <= imgcopy_rss_bar))
	if (theirs != "" && theirs > 0)
		printf("ssh cat | ssh cat: %s s; ratio %.3f, at most %s: %s\n",
		    number(theirs), ours / theirs, imgcopy_bar,
		    verdict(!bad && ours / theirs <= imgcopy_bar))
}

# Ten versions of an osimage in the vault, and the last one out of it.
function kept(corpus,	sum, grown, i, key, bad) {
	bad = (corpus, "image-keep", "xcatvault") in failed ||
	    (corpus, "image-out", "xcatvault") in failed
	sum = median(corpus, "image-keep", "bundles", "bytes")
	key = corpus SUBSEP "image-keep" SUBSEP "xcatvault" SUBSEP "bytes"
	for (i = 1; i <= count[key]; i++)
		grown += value_of[key, i]
	printf("\nten versions of an image: %s MB of bundles, %s MB stored",
	    number(sum), number(grown))
	if (sum > 0)
		printf("; ratio %.3f, at most %s: %s", grown / sum,
		    image_stored_bar,
		    verdict(!bad && grown / sum <= image_stored_bar))
	printf("\none in, inspected: %s s; out: %s s, %s MiB at its peak; " \
	    "tar -cz: %s s\n",
	    cell(corpus, "image-keep", "xcatvault", "wall"),
	    cell(corpus, "image-out", "xcatvault", "wall"),
	    cell(corpus, "image-out", "xcatvault", "rss"),
	    cell(corpus, "image-out", "tar", "wall"))
}

# A bundle without imgexport, beside what imgexport waits for longest.
function native(corpus,	ours, theirs, bad) {
	bad = (corpus, corpus, "xcatvault") in failed
	ours = median(corpus, corpus, "xcatvault", "wall")
	theirs = median(corpus, corpus, "tar", "wall")
	printf("\nimage export --engine native: %s s, %s MB/s, %s MiB at " \
	    "its peak", cell(corpus, corpus, "xcatvault", "wall"),
	    ours > 0 ? number(bytes[corpus] / 1e6 / ours) : "-",
	    cell(corpus, corpus, "xcatvault", "rss"))
	if (theirs > 0 && ours > 0)
		printf("; tar czf on the node: %s s, %s MB/s; %.1f times as " \
		    "fast, at least %s: %s", number(theirs),
		    number(bytes[corpus] / 1e6 / theirs), theirs / ours,
		    native_bar, verdict(!bad && theirs / ours >= native_bar))
	printf("\n")
}

function growth(	small, large) {
	small = peak("large-256")
	large = peak("large-4096")
	if (small == 0 || large == 0)
		return
	printf("\npeak RSS, file of 4 GiB / of 256 MiB: %.2f, at most %s: %s\n",
	    large / small, growth_bar, verdict(large / small <= growth_bar))
}

END {
	for (i = 1; i <= nfacts; i++)
		print facts[i]
	for (i = 1; i <= ncorpora; i++) {
		c = corpora[i]
		printf("\n== %s: %s\n", c, size[c])
		if (kind[c] == "database") {
			database(c)
			continue
		}
		if (kind[c] == "image-copy") {
			copied(c)
			continue
		}
		if (kind[c] == "image-inspect") {
			inspected(c)
			continue
		}
		if (kind[c] == "image-vault") {
			kept(c)
			continue
		}
		if (kind[c] == "image-native") {
			native(c)
			continue
		}
		if (kind[c] == "million" || kind[c] == "large")
			alone(c)
		else
			compared(c)
		memory(c)
		over_ssh(c)
	}
	growth()
	printf("\nbars: %d ok, %d missed; samples: %d, failed: %d\n", nok,
	    nmissed, nsamples, nfailed)
	if (nchilled > 0)
		printf("%d samples were not warm: %s\n", nchilled,
		    "they read over a 50th of the corpus from disk")
	if (ndisturbed > 0)
		printf("%d samples ran while other processes used over %s\n",
		    ndisturbed, "a quarter of a core")
}
