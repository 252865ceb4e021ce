# Runs on the management node, by way of perl -e, behind xCAT's profile: a
# private directory in which imgexport makes a bundle, or into which one is
# written, and which outlives a lost connection.  A process of its own, the
# guard, keeps it: a connection may end and another one come back to it.  It
# removes everything when it is told to, or when nobody has asked for it for
# GRACE seconds.
#
# start BASE GRACE IMAGE LIMIT TMPDIR: IMAGE "" is no export, only the
# directory; TMPDIR is site.tmpdir, or "".  Standard input begins with
# "BYTES\n" and so many bytes of paths, each with a NUL behind it: the files
# that the bundle is made of.
# rejoin DIR: come back to one.
#
# Then standard input is a line as soon as the caller has heard of DIR (one
# that leaves before that cannot come back: all is removed) and each time that
# it is still there, "digest" when what was written is whole, and "end" when
# all is done.  Prints "dir PATH", and what the guard has to say, from the
# beginning:
#	said TEXT (several), exported STATUS (124: too late),
#	bundle BYTES or nobundle, digest SHA256 or nodigest,
#	sum INDEX SHA256 BYTES, nosum INDEX REASON, changed INDEX, sums,
#	left PATH (could not be removed), gone
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock);
use POSIX ();

my $NAME = '.xcatvault-image.';
my ($mode, @arg) = @ARGV;
my ($dir, $log, $lease, %old, $openssl);

umask 077;
$SIG{PIPE} = 'IGNORE';
$| = 1;
if ($mode eq 'rejoin') {
	$dir = $arg[0];
	my @st = lstat($dir);
	die "$dir: gone\n" unless $dir =~ m{/\Q$NAME\E\w+\z} && @st &&
	    -d _ && $st[4] == $> && -e "$dir/.lease";
} else {
	start();
}
attend() or touch("$dir/.end");
exit 0;

sub start {
	my ($base, $grace, $image, $limit, $tmpdir) = @arg;
	my ($bytes, $files) = ('', '');

	while ($bytes !~ /\n/) {
		sysread(STDIN, $bytes, 1, length($bytes)) or exit 1;
	}
	while (length($files) < $bytes) {
		sysread(STDIN, $files, $bytes - length($files),
		    length($files)) or exit 1;
	}
	$base =~ s{/+\z}{};
	# What a run left that was killed together with the node.
	for (begun_with($base eq '' ? '/' : $base, $NAME)) {
		remove($_) if abandoned($_);
	}
	while (1) {
		$dir = "$base/$NAME" . sprintf('%08x%08x', int(rand(2 ** 32)),
		    $$);
		last if mkdir($dir, 0700);
		die "$dir: $!\n" unless $!{EEXIST};
	}
	if (!touch("$dir/.lease") || !open($lease, '+<', "$dir/.lease") ||
	    !open($log, '>>', "$dir/.log")) {
		my $why = $!;
		remove($dir);
		die "$dir: $why\n";
	}
	$log->autoflush(1);
	flock($lease, LOCK_EX);
	my $pid = fork();
	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		guard($grace, $image, $limit, $tmpdir, split(/\0/, $files));
		POSIX::_exit(0);
	}
	close($log);
	close($lease);
}

# The guard holds its lease locked; one that has just begun may not yet, and
# one of another host, that shares the directory, may not seem to.
sub abandoned {
	my ($path) = @_;
	my @dir = lstat($path);

	return 0 unless @dir && -d _ && $dir[4] == $>;
	my $since = (lstat("$path/.lease"))[9] // $dir[9];
	return $since < time() - 86400
	    unless $since < time() - 600 && -f "$path/.lease" &&
	    open(my $f, '+<', "$path/.lease");
	my $free = flock($f, LOCK_EX | LOCK_NB);
	close($f);
	return $free;
}

# ------------------------------------------------------- the caller's side

# Whether the caller knows of the directory.
sub attend {
	my ($in, $text, $known) = ('', '', $mode eq 'rejoin');

	sysopen(my $f, "$dir/.log", O_RDONLY) or die "$dir: gone\n";
	print "dir $dir\n";
	while (1) {
		my $ready = '';
		vec($ready, 0, 1) = 1;
		if (select($ready, undef, undef, 0.02) > 0) {
			sysread(STDIN, $in, 4096, length($in)) or
			    return $known;
			$known = 1;
			utime(undef, undef, "$dir/.lease");
			touch("$dir/.digest") if $in =~ /^digest$/m;
			touch("$dir/.end") if $in =~ /^end$/m;
			$in =~ s/^.*\n//s;
		}
		my $there = -e $dir;
		1 while sysread($f, $text, 65536, length($text));
		if ($text =~ s/^(.*\n)//s) {
			print $1 or return $known;
			return 1 if $1 =~ /^gone$/m;
		}
		# Somebody else has removed it.
		return 1 unless $there;
	}
}

# ---------------------------------------------------------------- the guard

sub note {
	print $log "$_[0]\n";
}

sub touch {
	sysopen(my $f, $_[0], O_WRONLY | O_CREAT) or return 0;
	close($f);
	return utime(undef, undef, $_[0]);
}

# Seconds of a clock that only goes forward.
sub now {
	return (POSIX::times())[0] / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

sub nap {
	select(undef, undef, undef, 0.05);
}

sub begun_with {
	my ($where, $begin) = @_;

	opendir(my $d, $where) or return ();
	return map { $where eq '/' ? "/$_" : "$where/$_" }
	    grep { /^\Q$begin\E/ } readdir($d);
}

sub remove {
	system('rm', '-rf', '--', @_);
	return !grep { -e $_ } @_;
}

# In a process group of its own, to be ended with all that came of it.
sub child {
	my ($what) = @_;
	my $pid = fork();

	return 0 unless defined $pid;
	if (!$pid) {
		setpgrp(0, 0);
		$SIG{$_} = 'DEFAULT' for qw(TERM HUP INT PIPE);
		$what->();
		POSIX::_exit(127);
	}
	setpgrp($pid, $pid);
	return $pid;
}

sub guard {
	my ($grace, $image, $limit, $tmpdir, @files) = @_;
	my (%kid, $over, $digest);
	my ($beaten, $seen) = (0, now());
	my $until = $seen + $limit;
	my $late = 0;

	POSIX::setsid();
	open(STDIN, '<', '/dev/null');
	open(STDOUT, '>', '/dev/null');
	open(STDERR, '>', '/dev/null');
	$SIG{$_} = sub { $over = 1; } for qw(TERM HUP INT);
	chdir($dir) or return;
	$openssl = system('openssl version') == 0;
	%old = map { $_ => 1 } begun_with($tmpdir, 'imgexport.')
	    if $tmpdir ne '';
	my %before = map { $_ => facts($_) } @files;
	my ($export, $sums) = (0, 0);
	if ($image ne '') {
		$export = child(sub { run_imgexport($image); });
		$sums = child(sub { sum_files(@files); });
		exported(71) unless $export;
	}
	$kid{$_} = 1 for grep { $_ } $export, $sums;
	while (!$over && !-e '.end' && now() - $seen <= $grace) {
		while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) {
			delete $kid{$pid};
			next if $pid != $export;
			exported($late ? 124 : $? & 127 ? 128 + ($? & 127) :
			    $? >> 8);
			$export = 0;
			touch('.digest') if -f 'bundle.tgz';
		}
		if (!$digest && -e '.digest') {
			$digest = child(\&digest) or last;
			$kid{$digest} = 1;
		}
		# A file counts as changed until imgexport has read it.
		if ($sums && !$export && !$kid{$sums}) {
			for my $i (0 .. $#files) {
				note("changed $i")
				    if $before{$files[$i]} ne facts($files[$i]);
			}
			note('sums');
			$sums = 0;
		}
		if ($export && now() > $until) {
			kill $late ? 'KILL' : 'TERM', -$export;
			$late = 1;
			$until = now() + 10;
		}
		my $mtime = (stat('.lease'))[9] || 0;
		($beaten, $seen) = ($mtime, now()) if $mtime != $beaten;
		nap();
	}
	clean($image, $tmpdir, $late || $export, keys %kid);
}

sub facts {
	my @st = stat($_[0]);

	return @st ? "@st[0, 1, 2, 7, 9, 10]" : '';
}

sub run_imgexport {
	my ($image) = @_;

	open(STDOUT, '>', '.out');
	open(STDERR, '>', '.err');
	exec('imgexport', $image, 'bundle.tgz') or
	    print STDERR "imgexport: $!\n";
}

sub exported {
	my ($status) = @_;
	my $lines = 0;

	for my $name ('.err', '.out') {
		open(my $f, '<', $name) or next;
		while (defined(my $line = <$f>)) {
			chomp $line;
			# What xcatd says may come either way.
			next if $line eq '' || ($name eq '.out' &&
			    $line !~ /^(?:\S+: )?(?:Error|Warning)\b/);
			last if $lines++ >= 100;
			note('said ' . substr($line, 0, 1000));
		}
	}
	note("exported $status");
	note(-f 'bundle.tgz' ? 'bundle ' . -s _ : 'nobundle');
}

sub digest {
	my $sum = sha256('bundle.tgz');

	note(defined $sum ? "digest $sum" : 'nodigest');
	POSIX::_exit(0);
}

# openssl's is several times as fast, where it is there.
sub sha256 {
	my ($file) = @_;

	open(my $in, '<', $file) or return undef;
	pipe(my $r, my $w) or return undef;
	my $pid = fork();
	return undef unless defined $pid;
	if (!$pid) {
		open(STDIN, '<&', $in);
		open(STDOUT, '>&', $w);
		exec($openssl ? qw(openssl dgst -sha256 -r) : 'sha256sum') or
		    POSIX::_exit(127);
	}
	close($w);
	my $line = <$r>;
	waitpid($pid, 0);
	return undef if $? || !defined $line;
	return $line =~ /^([0-9a-f]{64})\b/ ? $1 : undef;
}

sub sum_files {
	my $i = 0;

	for my $file (@_) {
		my $sum = -f $file ? sha256($file) : undef;
		note(defined $sum ? "sum $i $sum " . -s $file :
		    "nosum $i " . ($! || 'it is no file'));
		$i++;
	}
	POSIX::_exit(0);
}

# imgexport runs in xcatd: what it has begun may go on for a while.
sub clean {
	my ($image, $tmpdir, $broken, @kids) = @_;
	my @left;

	kill 'TERM', map { -$_ } @kids if @kids;
	for (1 .. 40) {
		1 while waitpid(-1, POSIX::WNOHANG()) > 0;
		last unless grep { kill 0, -$_ } @kids;
		nap();
	}
	kill 'KILL', map { -$_ } @kids if @kids;
	(my $name = $image) =~ s/\s+/_/g;
	for my $work ($tmpdir eq '' ? () : begun_with($tmpdir, 'imgexport.')) {
		next if $old{$work} || -l $work ||
		    $work !~ /imgexport\.(\d+)\.\w+\z/;
		my $pid = $1;
		next unless -d "$work/$name";
		# One that lives may be somebody else's, of the same image.
		for (1 .. $broken ? 600 : 1) {
			last unless kill 0, $pid;
			nap();
		}
		next if kill 0, $pid;
		push @left, $work unless remove($work);
	}
	chdir('/');
	for (1 .. 200) {
		last if remove($dir);
		nap();
	}
	note("left $_") for @left, -e $dir ? $dir : ();
	note('gone');
}
