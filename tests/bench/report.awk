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
	if ($11 > 0.25 * $6 && $11 > 0.1)
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

function compared(corpus) {
	rows(corpus, "wall, s", "wall")
	if (has(corpus, "first") || has(corpus, "cold"))
		stored(corpus)
	rows(corpus, "user + sys, s", "cpu")
	rows(corpus, "peak RSS, MiB", "rss")
	rows(corpus, "read from disk, MB", "read")
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
		if (kind[c] == "million" || kind[c] == "large")
			alone(c)
		else
			compared(c)
		memory(c)
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
