#!/usr/bin/perl
# Runs on the management node (import.sh starts it): holds the import of one
# bundle as a transaction.  What it is about to do is in a journal first; when
# its input ends before "commit", or the next one finds the journal of one
# that was killed, all is put back.  One at a time on a node.
#
# Arguments: the work directory; the one for journals, which must outlive a
# restart of the node; seconds to wait for another one to end; seconds without
# a word after which the other side is gone, once something has been begun.
# Prints "busy", or "recovered IMAGE WHAT" for each one that was killed, then
# "dir PATH".  Commands come as lines, paths are clean and have no blanks;
# each is answered by lines, the last of which is its own name, or "failed
# WHY".  "alive" is not answered.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock :mode);
use POSIX qw(:sys_wait_h);

my ($base, $home, $wait, $lease) = @ARGV;
my ($dir, $log, $token, $in, $ended) = ('', '', '', '', 0);
my $image = '-';
my (@journal, @standing, %workers_before, %leftover_before);
my ($begun, $number, $imports, $heard) = (0, 0, 0, time());

$| = 1;
$SIG{PIPE} = 'IGNORE';
$SIG{HUP} = $SIG{INT} = $SIG{TERM} = sub { $ended = 1 };
binmode(STDIN);
binmode(STDOUT);
umask 077;

# ------------------------------------------------------------------ speaking

sub tell_back {
	print join(' ', @_), "\n";
}

# Whether there is input, in so many seconds.
sub readable {
	my $bits = '';

	vec($bits, fileno(STDIN), 1) = 1;
	return select($bits, undef, undef, $_[0]) > 0;
}

# A connection may be gone without an end of it.
sub gone_quiet {
	return $begun && $lease && time() - $heard > $lease;
}

sub more {
	until ($ended || readable(1)) {
		$ended = 1 if gone_quiet();
	}
	return 0 if $ended;
	my $n = sysread(STDIN, $in, 1 << 18, length $in);
	$heard = time();
	return 1 if $n;
	return 1 if !defined $n && $!{EINTR} && !$ended;
	$ended = 1;
	return 0;
}

# The next line, undef at the end.
sub hear {
	my $at;

	while (($at = index($in, "\n")) < 0) {
		return undef unless more();
	}
	my $line = substr($in, 0, $at);
	$in = substr($in, $at + 1);
	return $line;
}

# Hands $n bytes of input to $fn in pieces; whether all of them came.
sub take_bytes {
	my ($n, $fn) = @_;

	while ($n > 0) {
		return 0 if $in eq '' && !more();
		next if $in eq '';
		my $piece = length($in) > $n ? substr($in, 0, $n) : $in;
		$in = length($in) > $n ? substr($in, $n) : '';
		$n -= length $piece;
		$fn->($piece);
	}
	return 1;
}

sub write_all {
	my ($to, $bytes) = @_;
	my $at = 0;

	while ($at < length $bytes) {
		my $n = syswrite($to, $bytes, length($bytes) - $at, $at);
		next if !defined $n && $!{EINTR};
		return 0 unless $n;
		$at += $n;
	}
	return 1;
}

# ------------------------------------------------------------------ commands

# Runs a command with its output in a file; its status, -1 when it took more
# than $limit seconds.  $idle is called now and then; true: end it.
sub run {
	my ($limit, $out, $idle, @command) = @_;
	my $until = time() + $limit;
	my ($pid, $late) = (fork(), 0);

	return 127 unless defined $pid;
	if (!$pid) {
		setpgrp(0, 0);
		$SIG{$_} = 'DEFAULT' for qw(PIPE HUP INT TERM);
		umask 022;
		note_workers('ours', process($$)) if $command[0] eq 'imgimport';
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>>', $out);
		open(STDERR, '>&', \*STDOUT);
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	while (waitpid($pid, WNOHANG) == 0) {
		select(undef, undef, undef, 0.05);
		$late = 1 if time() > $until || $idle && $idle->();
		last if $late;
	}
	return $? >> 8 || ($? ? 128 + ($? & 127) : 0) unless $late;
	end_group($pid);
	return -1;
}

sub end_group {
	my ($pid) = @_;

	kill 'TERM', -$pid;
	for (1 .. 40) {
		last if waitpid($pid, WNOHANG) != 0;
		select(undef, undef, undef, 0.05);
	}
	kill 'KILL', -$pid;
	waitpid($pid, 0);
}

sub slurp {
	my ($file, $max) = @_;

	open(my $f, '<', $file) or return '';
	binmode($f);
	read($f, my $text, $max);
	close($f);
	return defined $text ? $text : '';
}

# Digests of files, by path.
sub digests {
	my @paths = @_;
	my %hex;

	while (my @some = splice(@paths, 0, 200)) {
		open(my $f, '-|', 'sha256sum', '--', @some) or return ();
		while (<$f>) {
			$hex{$2} = $1 if /^([0-9a-f]{64})  (.*)$/;
		}
		close($f);
	}
	return %hex;
}

sub remove_tree {
	system('rm', '-rf', '--', $_) for grep { lstat($_) } @_;
}

# Files and directories, on the disk before what comes next.
sub flush {
	my @paths = @_;

	while (my @some = splice(@paths, 0, 200)) {
		run(1800, '/dev/null', \&tick, 'sync', '--', @some) == 0 or
		    return run(1800, '/dev/null', \&tick, 'sync') == 0;
	}
	return 1;
}

# All of the file systems that the paths are in.
sub flush_all {
	my %one;

	$one{(stat($_))[0] // ''} = $_ for grep { -e $_ } @_;
	for (values %one) {
		run(1800, '/dev/null', \&tick, 'sync', '-f', '--', $_) == 0 or
		    return run(1800, '/dev/null', \&tick, 'sync') == 0;
	}
	return 1;
}

my $ticked = time();

sub tick {
	return 0 if time() - $ticked < 5;
	$ticked = time();
	tell_back('tick');
	return 0;
}

# ----------------------------------------------------------- what stands there

sub kind_of {
	my @st = lstat($_[0]) or return ('none', 0, 0, 0, 0);
	my $kind = -l _ ? 'link' : -f _ ? 'file' : -d _ ? 'dir' : 'other';

	# a directory by way of a link is one
	if ($kind eq 'link' && -d $_[0]) {
		@st = stat($_[0]);
		return ('linkdir', 0, $st[2] & 07777, @st[4, 5]);
	}
	return ($kind, $st[7], $st[2] & 07777, @st[4, 5]);
}

# "look N", then N lines "SIZE PATH": the digest of what has that size is told;
# "*": of any file, "-": of none.
sub look {
	my ($n) = @_;
	my (@ask, @hash);

	for (1 .. $n) {
		my $line = hear();
		return unless defined $line;
		my ($size, $path) = split / /, $line, 2;
		my @is = kind_of($path);
		push @ask, [$path, @is, (lstat($path))[9] || 0];
		push @hash, $path if $is[0] eq 'file' &&
		    ($size eq '*' || $size eq $is[1]);
	}
	my %hex = digests(@hash);
	for (@ask) {
		my ($path, $kind, $size, $mode, $uid, $gid, $mtime) = @$_;
		tell_back('at', $kind, $size, sprintf('%o', $mode), $uid, $gid,
		    $mtime, $hex{$path} || '-', $path);
	}
	tell_back('look');
}

# "room PATH": of the file system that it is or will be in.
sub room {
	my ($path) = @_;

	$path =~ s{/[^/]*$}{} while $path ne '' && !-d $path;
	$path = '/' if $path eq '';
	my $dev = (stat($path))[0];
	open(my $f, '-|', 'stat', '-f', '-c', '%a %S', '--', $path) or
	    return tell_back('failed stat');
	my ($blocks, $size) = (<$f> // '') =~ /^(\d+) (\d+)$/;
	close($f);
	return tell_back('failed no answer of stat -f') unless defined $size;
	tell_back('free', $dev, $blocks * $size);
	tell_back('room');
}

# ------------------------------------------------------------------ the bundle

my %unpack = (gzip => ['gzip', '-dc'], xz => ['xz', '-dc'],
    zstd => ['zstd', '-dc'], none => ['cat']);

# --------------------------------------------------------------- the journal

# aside WHAT PATH ASIDE   PATH is renamed; WHAT becomes of it in the end: gone,
#                         back, or orig (PATH.ORIG)
# new PATH                nothing is there; what comes is removed again
# made DIR                is made
# mode DIR MODE UID GID   is as it was
# rows TABLE KEY VALUE FILE   the rows there were, FILE "-": none
sub note {
	push @journal, [@_];
}

sub save_journal {
	my ($name) = @_;

	sysopen(my $f, "$log/journal.new", O_WRONLY | O_CREAT | O_TRUNC,
	    0600) or return 0;
	my $text = "image $image\n" . join('', map { "@$_\n" } @journal) .
	    "end\n";
	write_all($f, $text) or return 0;
	close($f) or return 0;
	flush("$log/journal.new") or return 0;
	rename("$log/journal.new", "$log/$name") or return 0;
	return flush($log, $home);
}

sub load_journal {
	my ($name) = @_;
	my @lines = split /\n/, slurp("$log/$name", 1 << 26);

	return 0 unless @lines && pop(@lines) eq 'end';
	(undef, $image) = split / /, shift @lines;
	@journal = map { [split / /] } @lines;
	return 1;
}

# "aside WHAT PATH", "new PATH", "mode DIR", "rows TABLE KEY VALUE BYTES" and
# the CSV: what "begin" will do.
sub plan_aside {
	my ($what, $path) = @_;
	my ($parent) = $path =~ m{^(.*)/};

	$number++;
	note('aside', $what, $path,
	    "$parent/.xcatvault-import.$token.$number");
}

sub plan_rows {
	my ($table, $key, $value, $bytes) = @_;
	my $csv = '';

	take_bytes($bytes, sub { $csv .= $_[0] }) or return 0;
	if ($bytes) {
		mkdir "$log/rows";
		sysopen(my $f, "$log/rows/$table.csv",
		    O_WRONLY | O_CREAT | O_TRUNC, 0600) or return 0;
		return 0 unless write_all($f, $csv) && close($f) &&
		    flush("$log/rows/$table.csv", "$log/rows");
	}
	note('rows', $table, $key, $value,
	    $bytes ? "$log/rows/$table.csv" : '-');
	return 1;
}

sub make_dir {
	my ($path) = @_;

	return 1 if -d $path;
	mkdir($path, 0755) or return 0;
	return chmod(0755, $path);
}

# "begin IMAGE"
sub begin {
	($image) = @_;
	my $why = '';

	return tell_back("failed the journal: $!")
	    unless save_journal('journal');
	$begun = 1;
	for my $j (@journal) {
		my ($what, @a) = @$j;
		if ($what eq 'made') {
			make_dir($a[0]) or $why = "$a[0]: $!";
		} elsif ($what eq 'aside') {
			rename($a[1], $a[2]) or $why = "$a[1]: $!";
		} elsif ($what eq 'rows' && $a[3] ne '-') {
			$why = delete_rows(@a[0 .. 2]);
		}
		last if $why ne '';
	}
	return tell_back("failed $why") if $why ne '';
	tell_back('begin');
}

# xCAT's own commands; what they say on failure, or ''.  Once more past xcatd
# when it does not answer.
sub xcat {
	my @command = @_;
	my $out = "$dir/xcat";
	my $said = '';

	for my $bypass (0, 1) {
		unlink $out;
		local $ENV{XCATBYPASS} = 1 if $bypass;
		my $status = run(120, $out, undef, @command);
		my ($error) = slurp($out, 65536) =~ /^(.*(?:rror|ERROR).*)$/m;
		return '' if $status == 0 && !defined $error;
		$said ||= "$command[0]: " . ($error ||
		    ($status == -1 ? 'no end of it' : "status $status"));
	}
	return $said;
}

sub delete_rows {
	my ($table, $key, $value) = @_;

	return xcat('chtab', '-d', "$key=$value", $table);
}

# ----------------------------------------------------------------- imgimport

# A process as no other one is called, '' when it has ended.
sub process {
	my ($pid) = @_;
	my ($state, $start) = slurp("/proc/$pid/stat", 4096) =~
	    /^\d+ \(.*\) (\S)(?: \S+){18} (\d+)/s;

	return defined $start && $state ne 'Z' ? "$pid-$start" : '';
}

# Processes of xcatd, or of ours, that import: pids by process.
sub workers {
	my %found;

	opendir(my $proc, '/proc') or return ();
	for my $pid (grep { /^\d+$/ } readdir($proc)) {
		next if $pid == $$;
		my $words = slurp("/proc/$pid/cmdline", 4096);
		next unless $words =~ /^xcatd SSL: imgimport/ ||
		    $words =~ m{\A(?:[^\0]*/)?perl\0(?:[^\0]*/)?imgimport\0};
		my $name = process($pid);
		$found{$name} = $pid if $name ne '';
	}
	return %found;
}

# Those that were not there before ours: pids by process.
sub new_workers {
	my %now = workers();

	delete @now{keys %workers_before};
	return %now;
}

# What a killed one leaves to the next: "boot ID", "before PROCESS" and
# "leftover PATH" from before imgimport was started, "ours PROCESS".
sub note_workers {
	my ($kind, @which) = @_;

	sysopen(my $f, "$log/workers", O_WRONLY | O_CREAT | O_APPEND, 0600) or
	    return 0;
	return write_all($f, join('', map { "$kind $_\n" } @which)) &&
	    close($f);
}

sub boot_id {
	my ($id) = slurp('/proc/sys/kernel/random/boot_id', 64) =~ /^(\S+)/;

	return $id // '-';
}

sub children_of {
	my %of;

	for my $stat (glob('/proc/[0-9]*/stat')) {
		my ($pid, $parent) = slurp($stat, 4096) =~
		    /^(\d+) \(.*\) \S (\d+)/s or next;
		push @{$of{$parent}}, $pid;
	}
	my @all;
	my @todo = @_;
	while (@todo) {
		my $pid = shift @todo;
		push @all, $pid;
		push @todo, @{$of{$pid} || []};
	}
	return @all;
}

# Ends processes, and what $more tells of now; whether nothing is left.
sub end_all {
	my ($more, @processes) = @_;
	my %doomed = map { $_ => 1 } @processes;
	my @live;

	for my $n (1 .. 40) {
		my %now = $more->();
		@live = grep { /^(\d+)/ && process($1) eq $_ }
		    keys %now, keys %doomed;
		return 1 unless @live;
		my @pids = children_of(map { /^(\d+)/ } @live);
		$doomed{$_} = 1 for map { process($_) } @pids;
		kill $n <= 20 ? 'TERM' : 'KILL', @pids;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# What imports since ours began.
sub end_workers {
	return !$imports || end_all(\&new_workers);
}

# A client that has its answer is a little ahead of xcatd.
sub await_workers {
	for (1 .. 100) {
		my %now = new_workers();
		return 1 unless %now;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

# Ends what a killed one began; whether nothing of it is at it any more.  Who
# else imports is waited for: it may be what began unseen.
sub end_killed {
	my (%is, $boot);

	for (split /\n/, slurp("$log/workers", 1 << 20)) {
		my ($kind, $what) = split / /, $_, 2;
		$is{$kind}{$what} = 1 if defined $what;
	}
	return 1 unless %is && $is{boot}{boot_id()};
	%workers_before = %{$is{before} || {}};
	%leftover_before = %{$is{leftover} || {}};
	my @ours = grep { /^(\d+)/ && process($1) eq $_ } keys %{$is{ours}};
	end_all(sub { () }, @ours) or return 0;
	await_workers() or return 0;
	remove_leftovers();
	return 1;
}

sub leftovers {
	return grep { -d $_ && !-l $_ && m{/imgimport\.\d+\.\w{6}$} }
	    glob("$base/imgimport.*");
}

# What goes on beside imgimport: true when it is to be ended.
sub attend {
	my ($calls) = @_;

	tick();
	# xcatd's part in it begins soon, or never
	if ($calls % ($calls < 200 ? 4 : 40) == 0) {
		my %now = new_workers();
		my @new = grep { !$imports->{$_}++ } keys %now;
		note_workers('ours', @new) if @new;
	}
	more() if readable(0);
	$in =~ s/^(?:alive\n)+//;
	$ended = 1 if gone_quiet();
	return $ended;
}

# "import LIMIT FILE [OPTION...]": in the private directory
sub import_bundle {
	my ($limit, $file, @options) = @_;
	my ($calls, $cut) = (0, 0);
	my $out = "$dir/said";

	%workers_before = workers();
	%leftover_before = map { $_ => 1 } leftovers();
	note_workers('boot', boot_id()) &&
	    note_workers('before', keys %workers_before) &&
	    note_workers('leftover', keys %leftover_before) or
	    return tell_back("failed $log: $!");
	$imports = {};
	chdir($dir) or return tell_back("failed $dir: $!");
	my $status = run($limit, $out, sub { $cut = attend($calls++) },
	    'imgimport', $file, @options);
	chdir('/');
	# when its client is gone, xcatd may go on all the same
	my $over = $status == 0 ? await_workers() : end_workers();
	remove_leftovers();
	return if $cut;
	tell_back('said Error: what xcatd does for imgimport does not end')
	    unless $over;
	my $lines = 0;
	for (split /\n/, slurp($out, 1 << 20)) {
		s/[^ -~]/?/g;
		tell_back('said', substr($_, 0, 500)) if $lines++ < 2000;
	}
	tell_back('status', $status);
	tell_back('import');
}

# Not those of somebody else's import.
sub remove_leftovers {
	my %now = new_workers();

	return if %now;
	remove_tree(grep { !$leftover_before{$_} } leftovers());
}

# "modes": of the directories that were there, which cp -a may have changed
sub modes {
	my $why = mode_back(grep { $_->[0] eq 'mode' } @journal);

	return tell_back("failed $why") if $why ne '';
	tell_back('modes');
}

sub mode_back {
	my $why = '';

	for (@_) {
		my ($what, $path, $mode, $uid, $gid) = @$_;
		chown($uid, $gid, $path) && chmod(oct($mode), $path) or
		    $why = "$path: $!";
	}
	return $why;
}

# "put MODE BYTES PATH": a file more, before "commit"
sub put {
	my ($mode, $bytes, $path) = @_;
	my $new = "$path.xcatvault-$token";
	my $why = '';

	my $to;
	sysopen($to, $new, O_WRONLY | O_CREAT | O_EXCL, 0600) or $why = "$!";
	my $all = take_bytes($bytes, sub {
		return if $why ne '';
		$why = "$!" unless write_all($to, $_[0]);
	});
	if (defined $to) {
		close($to) or $why ||= "$!";
	}
	$why ||= "$!" unless chmod(oct($mode), $new) && $all &&
	    $why eq '' && rename($new, $path);
	unlink $new;
	return unless $all;
	return tell_back("failed $path: $why") if $why ne '';
	tell_back('put');
}

# ---------------------------------------------------------------- either end

# Whatever was done is undone; what stands otherwise is told.
sub put_back {
	my @stands;

	for my $j (reverse @journal) {
		my ($what, @a) = @$j;
		if ($what eq 'aside') {
			remove_tree("$a[1].xcatvault-$token");
			next unless lstat($a[2]);
			remove_tree($a[1]) if -d $a[1] && !-l $a[1];
			rename($a[2], $a[1]) or
			    push @stands, "$a[2] is what was at $a[1] ($!)";
		} elsif ($what eq 'new') {
			for my $path ($a[0], "$a[0].xcatvault-$token") {
				next unless lstat($path);
				remove_tree($path);
				push @stands, "$path is new" if lstat($path);
			}
		} elsif ($what eq 'made') {
			next unless -d $a[0];
			rmdir($a[0]) or
			    push @stands, "$a[0] is a new directory ($!)";
		} elsif ($what eq 'mode') {
			my $why = mode_back($j);
			push @stands, "$why, mode and owner are others"
			    if $why ne '';
		} elsif ($what eq 'rows') {
			my $why = rows_back(@a);
			push @stands, "rows of $a[0] with $a[1]=$a[2]: $why"
			    if $why ne '';
		}
	}
	return @stands;
}

sub rows_back {
	my ($table, $key, $value, $file) = @_;
	my $why = delete_rows($table, $key, $value);

	return $why if $why ne '' || $file eq '-';
	return xcat('tabrestore', '-a', $file);
}

# "commit"; "left WHAT" for what could not be brought to its end.
sub commit {
	# the old goes only when the new is on the disk
	return tell_back("failed sync: status $?")
	    unless $begun && flush_all($log, new_paths());
	return tell_back("failed the journal: $!")
	    unless rename("$log/journal", "$log/done") && flush($log);
	$begun = 0;
	my @left = finish();
	if (@left) {
		tell_back('left', $_) for @left;
		remove_tree(grep { !m{/done$} } glob("$dir/*"));
		rmdir($dir);
	} else {
		remove_tree($dir, $log);
	}
	tell_back('commit');
	exit 0;
}

sub new_paths {
	return map { $_->[0] eq 'aside' ? $_->[2] : $_->[1] }
	    grep { $_->[0] =~ /^(?:aside|new|made|mode)$/ } @journal;
}

# Nothing is renamed over something: what is in the way is told.
sub finish {
	my @left;

	for my $j (@journal) {
		my ($what, $then, $path, $aside) = @$j;
		next unless $what eq 'aside' && lstat($aside);
		my $to = $then eq 'orig' ? "$path.ORIG" : $path;
		my $is = "$aside is what was at $path";
		if ($then eq 'gone') {
			remove_tree($aside);
			push @left, "$is, and is not removed"
			    if lstat($aside);
		} elsif ($then eq 'orig' && lstat($to)) {
			push @left, "$is, as there is a $to";
		} else {
			rename($aside, $to) or push @left, "$is ($to: $!)";
		}
	}
	return @left;
}

# "forget": somebody has seen that all is as it was
sub forget {
	remove_tree(@standing);
	tell_back('forget');
}

# Those that were killed, as we hold the lock.
sub recover {
	my %seen;

	for (glob("$home/.xcatvault-import.*"),
	    glob("$base/.xcatvault-import.*")) {
		next unless -d $_ && !-l $_ && (lstat(_))[4] == $> &&
		    m{/(\.xcatvault-import\.(\w+))$} && !$seen{$2}++;
		($dir, $log, $token) = ("$base/$1", "$home/$1", $2);
		@journal = ();
		if (-e "$log/done" && load_journal('done')) {
			my @left = finish();
			tell_back('recovered', $image, join('; ', @left))
			    if @left;
			next if @left;
		} elsif (-e "$log/journal" && load_journal('journal')) {
			mkdir($dir, 0700);
			return 0 unless end_killed();
			my @stands = put_back();
			s/[^ -~]/?/g for @stands;
			tell_back('recovered', $image, @stands ?
			    join('; ', @stands) : 'put back');
			if (@stands) {
				push @standing, $dir, $log;
				next;
			}
		}
		remove_tree($dir, $log);
	}
	@journal = ();
	%workers_before = %leftover_before = ();
	$dir = $log = '';
	$image = '-';
	return 1;
}

sub lock_node {
	my $root = $ENV{XCATROOT} || '/opt/xcat';
	my $until = time() + $wait;

	sysopen(my $lock, $root, O_RDONLY) or return undef;
	until (flock($lock, LOCK_EX | LOCK_NB)) {
		more() if readable(0);
		return undef if time() >= $until || $ended;
		select(undef, undef, undef, 0.1);
	}
	return $lock;
}

my $lock = lock_node();
if (!$lock || !recover()) {
	tell_back('busy');
	exit 0;
}
for (1 .. 100) {
	$token = join('', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 8);
	$dir = "$base/.xcatvault-import.$token";
	$log = "$home/.xcatvault-import.$token";
	last if mkdir($dir, 0700) && ($log eq $dir || mkdir($log, 0700));
	if (!$!{EEXIST}) {
		tell_back("failed $dir, $log: $!");
		rmdir $dir;
		exit 0;
	}
}
tell_back('dir', $dir);
my %verbs = (look => \&look, room => \&room, rewrite => \&rewrite,
    begin => \&begin, import => \&import_bundle,
    tree => \&tree, modes => \&modes,
    put => \&put, forget => \&forget, commit => \&commit);
while (defined(my $line = hear())) {
	my ($verb, @words) = split / /, $line;
	if ($verb eq 'alive') {
		next;
	} elsif ($verb eq 'aside') {
		plan_aside(@words);
	} elsif ($verb eq 'rows') {
		plan_rows(@words) or last;
	} elsif ($verb =~ /^(new|made|mode)$/) {
		note($verb, @words);
	} elsif ($verbs{$verb}) {
		$verbs{$verb}->(@words);
	} else {
		tell_back("failed what is $verb?");
	}
}
exit 1 if $begun && (!end_workers() || put_back());
remove_tree($dir, $log);
