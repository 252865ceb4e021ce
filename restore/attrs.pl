# Runs on the management node, in a volume's directory: extended attributes,
# ACLs and capabilities among them, which perl has no words for.
#
# tell: standard input names files, with a NUL behind each; standard output has
#   "NAME NUL ATTRIBUTES NUL" for each that can be asked.
# set: standard input has "NAME NUL TIME NUL ATTRIBUTES NUL", with "-" where
#   they are to stay as they are.  What cannot be done is told on standard
#   error: "attrs: NAME: attribute ...".
#
# ATTRIBUTES are "NAME=VALUE " in hexadecimal, by name; a label of SELinux is
# the last.  TIME is "SECONDS NANOSECONDS".  The second argument is what
# "uname -m" prints.  No modules are used that a node may lack.
use strict;
use warnings;

# llistxattr, lgetxattr, lsetxattr, lremovexattr, utimensat
my %numbers = (
	x86_64 => [195, 192, 189, 198, 280],
	aarch64 => [12, 9, 6, 15, 88],
	ppc64le => [216, 213, 210, 219, 304],
	ppc64 => [216, 213, 210, 219, 304],
	s390x => [231, 228, 225, 234, 315],
);
my $numbers = $numbers{$ARGV[1]} or exit 91;
my $ENOTSUP = 95;
my ($LIST, $GET, $SET, $REMOVE, $TIMES) = @$numbers;
my $LABEL = 'security.selinux';
my $room = "\0" x 65536;

# The attributes of a file by name; undef: it cannot be asked.
sub attributes {
	my ($file) = @_;
	my %has;

	my $n = syscall($LIST, $file, $room, length($room));
	return $! == $ENOTSUP ? \%has : undef if $n < 0;
	for my $name (split /\0/, substr($room, 0, $n)) {
		my $len = syscall($GET, $file, $name, $room, length($room));
		$has{$name} = substr($room, 0, $len) if $len >= 0;
	}
	return \%has;
}

sub text {
	my ($has) = @_;
	my @names = sort grep { $_ ne $LABEL } keys %$has;

	push @names, $LABEL if exists $has->{$LABEL};
	return join('', map { unpack('H*', $_) . '=' .
	    unpack('H*', $has->{$_}) . ' ' } @names);
}

sub say_why {
	my ($file, $what) = @_;
	my $why = "$!";

	$file =~ s/([\\\x00-\x20\x7f-\xff])/sprintf('\\%03o', ord($1))/ge;
	print STDERR "attrs: $file: $what: $why\n";
}

sub set_attributes {
	my ($file, $text) = @_;
	my $has = attributes($file);
	my %want;

	for (split / /, $text) {
		my ($name, $value) = map { pack('H*', $_) } split /=/, $_, 2;
		$want{$name} = $value;
	}
	return say_why($file, 'attributes') unless $has;
	for my $name (sort keys %$has) {
		next if exists $want{$name} || $name eq $LABEL;
		syscall($REMOVE, $file, $name) == 0 or
		    say_why($file, "attribute $name cannot be removed");
	}
	for my $name (sort keys %want) {
		my $value = $want{$name};

		next if exists $has->{$name} && $has->{$name} eq $value;
		syscall($SET, $file, $name, $value, length($value), 0) == 0 or
		    say_why($file, "attribute $name cannot be set");
	}
}

sub set_time {
	my ($file, $time) = @_;
	my ($s, $ns) = split / /, $time;
	my $times = pack('q4', 0, 0x3ffffffe, $s, $ns);

	syscall($TIMES, -100, $file, $times, 0x100) == 0 or
	    say_why($file, 'time');
}

sub tell_of {
	my ($file) = @_;
	my $has = attributes($file) or return '';
	my $text = text($has);

	# nothing that was ever stored is as long
	return length($text) > 900000 ? '' : "$file\0$text\0";
}

sub put {
	my ($text) = @_;
	my $at = 0;

	while ($at < length($text)) {
		my $n = syswrite(STDOUT, $text, length($text) - $at, $at);
		exit 1 unless defined $n;
		$at += $n;
	}
}

my $set = $ARGV[0] eq 'set';
my $in = '';

binmode(STDIN);
binmode(STDOUT);
while (sysread(STDIN, $in, 65536, length($in))) {
	my $out = '';
	my $used = 0;

	while ($set ? $in =~ /\G([^\0]*)\0([^\0]*)\0([^\0]*)\0/gc :
	    $in =~ /\G([^\0]*)\0/gc) {
		$used = pos($in);
		my ($file, $time, $text) = ($1, $2, $3);
		if (!$set) {
			$out .= tell_of($file);
			next;
		}
		set_attributes($file, $text) if $text ne '-';
		set_time($file, $time) if $time ne '-';
	}
	$in = substr($in, $used);
	put($out);
}
