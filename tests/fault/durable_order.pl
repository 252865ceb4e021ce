#!/usr/bin/perl
# durable_order.pl VAULT TRACE: reads what strace -f -y saw of a backup (fsync,
# fdatasync, renames, links, mkdirs) and checks invariant 1 of the vault: before
# a snapshot gets its name, each pack has been fsynced, has got its name, and the
# directory of the name has been fsynced, and so has the snapshot file; and at
# the end the snapshot's directory.  New directories are durable in theirs.
use strict;
use warnings;

my ($vault, $trace) = @ARGV;
my (%begun, @events, $bad);

sub wrong { print "not durable: @_\n"; $bad = 1 }

# "DIRFD</path>, "name"" or "AT_FDCWD</path>, "name"" or "name" -> path
sub place {
	my ($dir, $name) = @_;
	return $name if $name =~ m{^/} || !defined $dir;
	return "$dir/$name";
}

open(my $in, '<', $trace) or die "$trace: $!";
my $at = 0;
while (my $line = <$in>) {
	$at++;
	my ($pid, $text) = $line =~ /^(\d+)\s+(.*)$/ or next;
	my $from = $at;
	if ($text =~ s/\s*<unfinished \.\.\.>$//) {
		$begun{$pid} = [$text, $at];
		next;
	}
	if ($text =~ s/^<\.\.\. \w+ resumed>\s*//) {
		my $b = delete $begun{$pid} or next;
		($text, $from) = ($b->[0] . $text, $b->[1]);
	}
	next unless $text =~ /=\s+0(\s|$)/;
	my $str = qr/"((?:[^"\\]|\\.)*)"/;
	my $dir = qr/(?:\w+<([^>]*)>,\s*)?/;
	if ($text =~ /^f(?:data)?sync\(\d+<([^>]*)>/) {
		push @events, { what => 'sync', path => $1, from => $from,
		    to => $at };
	} elsif ($text =~ /^syncfs\(/) {
		push @events, { what => 'syncfs', from => $from, to => $at };
	} elsif ($text =~ /^(?:rename|link)(?:at2?)?\($dir$str,\s*$dir$str/) {
		push @events, { what => 'name', old => place($1, $2),
		    path => place($3, $4), from => $from, to => $at };
	} elsif ($text =~ /^mkdir(?:at)?\($dir$str/) {
		push @events, { what => 'mkdir', path => place($1, $2),
		    from => $from, to => $at };
	}
}

# a sync of PATH (or of all) within the lines between FROM and TO
sub synced {
	my ($path, $from, $to) = @_;
	return grep { $_->{from} > $from && $_->{to} < $to &&
	    ($_->{what} eq 'syncfs' ||
	    ($_->{what} eq 'sync' && $_->{path} eq $path)) } @events;
}

sub dirname { $_[0] =~ m{^(.*)/} ? $1 : '.' }

my @names = grep { $_->{what} eq 'name' } @events;
my @snapshots = grep { $_->{path} =~ m{^\Q$vault\E/snapshots/.*\.json$} } @names;
my @packs = grep { $_->{path} =~ m{^\Q$vault\E/packs/.*\.pack$} } @names;
@snapshots == 1 or wrong(scalar(@snapshots) . " snapshots got a name");
@packs or wrong("no pack got a name");
my $commit = @snapshots ? $snapshots[0]{from} : $at + 1;

for my $pack (@packs) {
	my $name = $pack->{path};
	$pack->{to} < $commit or wrong("$name is named after the snapshot");
	synced($pack->{old}, 0, $pack->{from}) ||
	    synced($name, $pack->{to}, $commit) or wrong("$name: not fsynced");
	synced(dirname($name), $pack->{to}, $commit) or
	    wrong("$name: its directory is not fsynced before the snapshot");
}
for my $dir (grep { $_->{what} eq 'mkdir' &&
    $_->{path} =~ m{^\Q$vault\E/(packs|snapshots)/} } @events) {
	my $before = $dir->{path} =~ m{/packs/} ? $commit : $at + 1;
	synced(dirname($dir->{path}), $dir->{to}, $before) or
	    wrong("$dir->{path}: new, and " . dirname($dir->{path}) .
	    " is not fsynced");
}
for my $snapshot (@snapshots) {
	synced($snapshot->{old}, 0, $snapshot->{from}) or
	    wrong("$snapshot->{path}: not fsynced before it is named");
	synced(dirname($snapshot->{path}), $snapshot->{to}, $at + 1) or
	    wrong("$snapshot->{path}: its directory is not fsynced at the end");
}
exit($bad ? 1 : 0);
