# Runs on the management node: answers questions about its files until its
# input ends.  Reads and tells; changes nothing.
#
# A question is "WORD LENGTH LIMIT", a newline and a path of so many bytes:
#	stat	what there is, symbolic links followed
#	read	a file's contents, at most LIMIT bytes
#	list	names in a directory, each ended by a NUL, at most LIMIT bytes
#	hash	SHA-256 of a file
#	room	free space where the path is or would be
# An answer is one line and the bytes whose lengths stand at its end:
#	stat WHAT LINK SIZE BLOCKS DEV INO MODE UID GID NLINK MTIME CTIME P W
#		WHAT: f(ile) d(irectory) o(ther) m(issing) l(oop) x: cannot
#		tell; then P bytes of path and W bytes of why
#	data N
#	hash SIZE DIGEST
#	room DEV FREE TOTAL READONLY
#	none N		not to be had: why
#	long 0		more than LIMIT
#	wait 0		not yet; the answer is to follow
use strict;
use warnings;
use Errno qw(ENOENT ENOTDIR ENAMETOOLONG EROFS);
use Fcntl qw(:mode O_RDONLY O_NOFOLLOW O_NONBLOCK);
use POSIX ();

my $links_most = 40;
my $wait_s = 5;

sub put {
	my ($line, @bytes) = @_;
	print join('', "$line\n", @bytes) or exit 1;
}

sub none {
	put('none ' . length $_[0], $_[0]);
}

# How the kernel would go: (what, path, its lstat or the reason).
sub look {
	my ($path) = @_;
	my @rest = grep { $_ ne '' && $_ ne '.' } split m{/}, $path;
	my ($done, $links, @st) = ('', 0, lstat('/'));

	while (@rest) {
		my $name = shift @rest;
		if ($name eq '..') {
			$done =~ s{/[^/]*\z}{};
			@st = lstat($done eq '' ? '/' : $done);
			next;
		}
		@st = lstat("$done/$name");
		if (!@st) {
			return ('m', "$done/$name") if $! == ENOENT ||
			    $! == ENOTDIR || $! == ENAMETOOLONG;
			return ('x', "$done/$name", "$!");
		}
		if (S_ISLNK($st[2])) {
			return ('l', "$done/$name") if ++$links > $links_most;
			my $to = readlink("$done/$name");
			return ('x', "$done/$name", "$!") unless defined $to;
			$done = '' if $to =~ m{^/};
			unshift @rest, grep { $_ ne '' && $_ ne '.' }
			    split m{/}, $to;
			@st = lstat($done eq '' ? '/' : $done) unless @rest;
			return ('l', $done) if @rest > 10000;
			next;
		}
		$done .= "/$name";
		return ('m', "$done/$rest[0]") if @rest && !S_ISDIR($st[2]);
	}
	return (S_ISREG($st[2]) ? 'f' : S_ISDIR($st[2]) ? 'd' : 'o',
	    $done eq '' ? '/' : $done, @st);
}

sub tell_stat {
	my ($path) = @_;
	my ($what, $is, @st) = look($path);
	my $why = $what eq 'x' ? $st[0] : '';
	(my $last = $path) =~ s{(?<=.)/+\z}{};
	my $link = -l $last ? 1 : 0;

	@st = (0) x 13 if $what !~ /^[fdo]$/;
	$st[12] = ($st[12] || 0) * 512;
	put(join(' ', 'stat', $what, $link, @st[7, 12, 0, 1], $st[2] & 07777,
	    @st[4, 5, 3, 9, 10], length $is, length $why), $is, $why);
}

# A regular file, opened: its handle, path and stat; what it is else is told.
sub open_file {
	my ($path) = @_;
	my ($what, $is, @st) = look($path);

	if ($what ne 'f') {
		none($what eq 'm' ? 'not there' : $what eq 'l' ?
		    'its symbolic links have no end' : $what eq 'x' ?
		    $st[0] : 'not a regular file');
		return;
	}
	if (!sysopen(my $f, $is, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)) {
		none("$!");
	} elsif (@st = stat($f), !@st || !S_ISREG($st[2])) {
		none('not a regular file');
	} else {
		return ($f, $is, @st);
	}
	return;
}

sub tell_contents {
	my ($path, $limit) = @_;
	my ($f) = open_file($path) or return;
	my $text = '';

	for (;;) {
		my $n = sysread($f, $text, 1 << 16, length $text);
		return none("$!") unless defined $n;
		return put('long 0') if length $text > $limit;
		last if $n == 0;
	}
	put('data ' . length $text, $text);
}

sub tell_names {
	my ($path, $limit) = @_;
	my ($what, $is, @st) = look($path);
	my ($text, @names) = ('');

	return put('data 0') if $what =~ /^[mfol]$/;
	opendir(my $d, $is) or return none("$!");
	while (defined(my $name = readdir($d))) {
		next if $name eq '.' || $name eq '..';
		push @names, $name;
		$limit -= 1 + length $name;
		return put('long 0') if $limit < 0;
	}
	$text = join('', map { "$_\0" } sort @names);
	put('data ' . length $text, $text);
}

# openssl's is some times as fast as that of sha256sum, but not always there.
sub start_hash {
	my ($f) = @_;
	pipe(my $from, my $to) or return;
	my $pid = fork;
	return unless defined $pid;
	if ($pid == 0) {
		open(STDIN, '<&', $f) && open(STDOUT, '>&', $to) or
		    POSIX::_exit(126);
		no warnings 'exec';
		exec { 'openssl' } qw(openssl dgst -sha256 -r);
		exec { 'sha256sum' } 'sha256sum';
		POSIX::_exit(127);
	}
	return ($pid, $from);
}

sub tell_hash {
	my ($path) = @_;
	my ($f, $is, @was) = open_file($path) or return;
	my ($pid, $from) = start_hash($f) or return none("$!");
	my $text = '';

	for (;;) {
		my $ready = '';
		vec($ready, fileno($from), 1) = 1;
		if (select($ready, undef, undef, $wait_s) <= 0) {
			put('wait 0');
			next;
		}
		last unless sysread($from, $text, 4096, length $text);
	}
	waitpid($pid, 0);
	my @is = stat($f);
	if ($? || $text !~ /^([0-9a-f]{64})\b/) {
		none('it could not be read to its end');
	} elsif (!@is || "@was[7, 9, 10]" ne "@is[7, 9, 10]") {
		none('it changed while it was read');
	} else {
		put("hash $is[7] $1");
	}
}

sub tell_room {
	my ($path) = @_;
	my ($what, $is, @st) = look($path);

	return none($st[0]) if $what eq 'x';
	return none('its symbolic links have no end') if $what eq 'l';
	for (;;) {
		@st = stat($is);
		last if @st && -d _;
		$is =~ s{/[^/]*\z}{};
		$is = '/' if $is eq '';
	}
	open(my $p, '-|', 'stat', '-f', '-c', '%a %b %S', '--', $is) or
	    return none("$!");
	my $line = <$p>;
	return none('stat -f does not tell') unless defined $line &&
	    $line =~ /^(\d+) (\d+) (\d+)$/;
	my $readonly = !POSIX::access($is, POSIX::W_OK()) && $! == EROFS;
	put(join(' ', 'room', $st[0], $1 * $3, $2 * $3, $readonly ? 1 : 0));
}

# Past perl's buffers, which would follow a child to what it reads.
my $input = '';
sub more {
	return sysread(STDIN, $input, 65536, length $input);
}

my %known = (stat => \&tell_stat, read => \&tell_contents,
    list => \&tell_names, hash => \&tell_hash, room => \&tell_room);

binmode(STDOUT);
$| = 1;
put('xcatvault-files 1');
for (;;) {
	my $got = 1;
	$got = more() while $got && $input !~ /\n/;
	last if $input eq '';
	$input =~ s/^(\w+) (\d+) (\d+)\n// && $known{$1} or
	    die "nodefs: not a question\n";
	my ($word, $length, $limit) = ($1, $2, $3);
	$got = more() while $got && length $input < $length;
	die "nodefs: not a question\n" if length $input < $length;
	$known{$word}->(substr($input, 0, $length, ''), $limit);
}
