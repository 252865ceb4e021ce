# proxy.pl DIR BYTES,BYTES...: forwards connections to the sshd of the node in
# DIR.  The N-th is cut, both ways and at once, when the N-th number of bytes
# has gone to the client; "-" and those after the list are left alone.  Leaves
# DIR/proxy-port; DIR/proxy.log tells of each connection.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($dir, $list) = @ARGV;
my @limits = split /,/, $list;
my $to = slurp("$dir/port");
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 50)
    or die "listen: $!\n";

spit("$dir/proxy.pid", "$$\n");
open(my $log, '>', "$dir/proxy.log") or die "log: $!\n";
$log->autoflush(1);
$SIG{CHLD} = 'IGNORE';
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { kill 'TERM', -$$; exit 0; };
setpgrp(0, 0);
spit("$dir/proxy-port", $server->sockport . "\n");
while (1) {
	my $client = $server->accept or next;
	my $limit = @limits ? shift @limits : '-';
	next if fork();
	$SIG{TERM} = 'DEFAULT';
	close($server);
	forward($client, $limit);
	exit 0;
}

sub slurp {
	open(my $f, '<', $_[0]) or die "$_[0]: $!\n";
	my $line = <$f>;
	chomp $line;
	return $line;
}

sub spit {
	open(my $f, '>', "$_[0].new") or die "$_[0]: $!\n";
	print $f $_[1];
	close($f);
	rename "$_[0].new", $_[0];
}

sub forward {
	my ($client, $limit) = @_;
	my $node = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $to) or return;
	my $select = IO::Select->new($client, $node);
	my $passed = 0;

	while ($select->count == 2) {
		for my $from ($select->can_read) {
			my $other = $from == $client ? $node : $client;
			my $n = sysread($from, my $text, 65536);
			return told('ended', $passed) unless $n;
			if ($from == $node) {
				if ($limit ne '-' && $passed + $n > $limit) {
					put($client, substr($text, 0,
					    $limit - $passed));
					return told('cut', $limit);
				}
				$passed += $n;
			}
			put($other, $text) or return told('ended', $passed);
		}
	}
}

sub put {
	my ($to, $text) = @_;
	my $at = 0;

	while ($at < length($text)) {
		my $n = syswrite($to, $text, length($text) - $at, $at);
		return 0 unless $n;
		$at += $n;
	}
	return 1;
}

sub told {
	print $log "$_[0] after $_[1] bytes\n";
}
