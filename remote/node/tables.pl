# Runs on the management node, behind xCAT's profile: prints tables of its
# database, asking for a few of them at once.
#
# Arguments: seconds that all of it may take; bytes that a table may have;
# names of tables.  For each of them, as it comes: "table STATUS BYTES WORDS
# NAME" and a newline, so many bytes of CSV, so many of what tabdump said on
# standard error; at last "end" and a newline.  A status of 124: not in time,
# 125: too long, 126: could not be started, 128 and more: a signal.
use strict;
use warnings;

my ($limit, $most, @names) = @ARGV;
my $words_most = 65536;
my $at_once = 4;
my $deadline = time + $limit;
my %runs;	# by process id

sub kill_all {
	kill 'KILL', map { -$_ } keys %runs;
}
$SIG{$_} = sub { kill_all(); exit 1 } for qw(HUP INT TERM PIPE);

sub start {
	my ($name) = @_;
	pipe(my $out, my $out_in) && pipe(my $err, my $err_in)
	    or die "pipe: $!\n";
	defined(my $pid = fork) or die "fork: $!\n";
	if ($pid == 0) {
		$SIG{$_} = 'DEFAULT' for qw(HUP INT TERM PIPE);
		setpgrp(0, 0);
		open(STDIN, '<', '/dev/null') && open(STDOUT, '>&', $out_in) &&
		    open(STDERR, '>&', $err_in) or exit 126;
		exec { 'tabdump' } 'tabdump', $name;
		exit 126;
	}
	setpgrp($pid, $pid);
	$runs{$pid} = { name => $name, out => $out, err => $err, text => '',
	    words => '' };
}

sub ended {
	my ($pid, $status) = @_;
	my $r = delete $runs{$pid};
	kill 'KILL', -$pid if $status == 124 || $status == 125;
	waitpid($pid, 0);
	$status = $? & 127 ? 128 + ($? & 127) : $? >> 8 if $status == -1;
	print 'table ', join(' ', $status, length $r->{text},
	    length $r->{words}, $r->{name}), "\n", $r->{text}, $r->{words}
	    or exit 1;
}

# What has come of one of its two streams.
sub take {
	my ($pid, $which) = @_;
	my $r = $runs{$pid};
	my $n = sysread($r->{$which}, my $piece, 65536);
	if (!$n) {
		delete $r->{$which};
		ended($pid, -1) unless $r->{out} || $r->{err};
	} elsif ($which eq 'out') {
		$r->{text} .= $piece;
		return if length $r->{text} <= $most;
		$r->{text} = '';
		ended($pid, 125);
	} else {
		my $room = $words_most - length $r->{words};
		$r->{words} .= substr($piece, 0, $room);
	}
}

binmode(STDOUT);
$| = 1;
while (@names || %runs) {
	start(shift @names) while @names && keys %runs < $at_once;
	my $set = '';
	for my $r (values %runs) {
		vec($set, fileno($r->{$_}), 1) = 1
		    for grep { $r->{$_} } qw(out err);
	}
	my $left = $deadline - time;
	my $n = select(my $ready = $set, undef, undef, $left > 0 ? $left : 0);
	if ($n <= 0 && time >= $deadline) {
		ended($_, 124) for keys %runs;
		next;
	}
	for my $pid (keys %runs) {
		for my $which (qw(out err)) {
			my $f = $runs{$pid} && $runs{$pid}{$which};
			take($pid, $which)
			    if $f && $n > 0 && vec($ready, fileno($f), 1);
		}
	}
}
print "end\n";
