package Mn::Image;

# What imgexport and imgimport share: the manifest's XML, cpio archives, and
# how they talk.

use strict;
use warnings;
use Mn;

our $exit = 0;

sub say {
	print "$_[0]\n";
}

sub error {
	print STDERR Mn::complaint($_[0]);
	$exit = 1;
}

sub installdir {
	return Mn::site('installdir') || '/install';
}

# A work directory in site.tmpdir or the current directory; or the end.
sub workdir {
	my ($kind, $cwd) = @_;
	my $base = Mn::site('tmpdir') || $cwd;
	my $dir = "$base/$kind.$$.KMCaJR";

	return $dir if mkdir $dir, 0700;
	my $why = -d $base ? "Could not create directory $dir: $!" :
	    "Parent directory ($base) does not exist";
	error("imgport: Error creating temp directory from template " .
	    "$base/$kind.$$.XXXXXX: $why at " .
	    "/opt/xcat/lib/perl/xCAT_plugin/imgport.pm line 828.");
	exit $exit;
}

# ---------------------------------------------------------------------- XML

my %entity = ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot');
my %char = map { $entity{$_} => $_ } keys %entity;

# A hash of texts, hashes and lists of hashes, in the form of XML::Simple.
sub xml_out {
	my ($name, $value, $indent) = @_;

	return join('', map { xml_out($name, $_, $indent) } @$value)
	    if ref $value eq 'ARRAY';
	if (ref $value eq 'HASH') {
		return "$indent<$name>\n" . join('', map {
		    xml_out($_, $value->{$_}, "$indent  ")
		} sort keys %$value) . "$indent</$name>\n";
	}
	$value =~ s/([&<>"])/&$entity{$1};/g;
	return "$indent<$name>$value</$name>\n";
}

# The other way; dies when it is not well formed.
sub xml_in {
	my ($text) = @_;
	my @stack = ({});
	my (@names, $chars);

	$text =~ s/^\s*<\?xml[^>]*\?>//;
	$text =~ s/<!--.*?-->//gs;
	while ($text =~ /\G([^<]*)<([^>]*)>/gc) {
		my ($before, $tag) = ($1, $2);
		$chars = '' unless defined $chars;
		$chars .= $before;
		if ($tag =~ m{^/([\w.:-]+)\s*$}) {
			die "unexpected </$1>\n" unless @names &&
			    pop(@names) eq $1;
			my $node = pop @stack;
			my $value = %$node ? $node : unescape($chars);
			add($stack[-1], $1, $value);
			$chars = '';
		} elsif ($tag =~ m{^([\w.:-]+)[^/]*(/?)$}) {
			push @names, $1;
			push @stack, {};
			$chars = '';
			if ($2) {
				pop @stack;
				add($stack[-1], pop @names, '');
			}
		} else {
			die "bad tag <$tag>\n";
		}
	}
	die "not well formed\n" if @names || !%{$stack[0]} ||
	    substr($text, pos($text) || 0) =~ /\S/;
	my ($root) = values %{$stack[0]};
	return ref $root ? $root : {};
}

sub add {
	my ($to, $name, $value) = @_;

	if (!exists $to->{$name}) {
		$to->{$name} = $value;
	} elsif (ref $to->{$name} eq 'ARRAY') {
		push @{$to->{$name}}, $value;
	} else {
		$to->{$name} = [$to->{$name}, $value];
	}
}

sub unescape {
	my ($v) = @_;

	$v =~ s/&#x([0-9a-f]+);/chr(hex($1))/gei;
	$v =~ s/&#(\d+);/chr($1)/ge;
	$v =~ s/&(\w+);/defined $char{$1} ? $char{$1} : $1 eq 'apos' ? "'" :
	    die "undefined entity\n"/ge;
	return $v;
}

# --------------------------------------------------------------------- cpio

# A tree, named from DIR on, as a gzipped newc archive.
sub cpio_pack {
	my ($dir, $name, $to) = @_;
	my @todo = ($name);
	my $out = '';
	my $ino = 1;

	while (@todo) {
		my $path = shift @todo;
		my @st = lstat("$dir/$path") or next;
		my $data = '';
		if (-l _) {
			$data = readlink("$dir/$path");
		} elsif (-d _) {
			opendir(my $d, "$dir/$path") or next;
			push @todo, map { "$path/$_" }
			    grep { !/^\.\.?$/ } sort(readdir($d));
		} elsif (-f _) {
			open(my $f, '<', "$dir/$path") or next;
			local $/;
			$data = <$f>;
		}
		$out .= cpio_member($path, $ino++, $st[2], $st[9], $data);
	}
	$out .= cpio_member('TRAILER!!!', 0, 0, 0, '');
	open(my $f, '|-', "gzip -c - >$to") or return;
	binmode($f);
	print $f $out;
	close($f);
}

sub cpio_member {
	my ($name, $ino, $mode, $mtime, $data) = @_;
	my $out = '070701' . sprintf('%08x' x 13, $ino, $mode, 0, 0, 1,
	    $mtime, length($data), 0, 0, 0, 0, length($name) + 1, 0) .
	    "$name\0";

	$out .= "\0" x (-length($out) % 4) . $data;
	return $out . "\0" x (-length($out) % 4);
}

# Unpacks such an archive in the current directory.
sub cpio_unpack {
	my ($from) = @_;

	open(my $f, '-|', 'gzip', '-dc', $from) or return;
	local $/;
	my $text = <$f>;
	my $at = 0;
	while (substr($text, $at, 6) eq '070701') {
		my @h = map { hex } unpack('A8' x 13, substr($text, $at + 6));
		my $name = substr($text, $at + 110, $h[11] - 1);
		$at = ($at + 110 + $h[11] + 3) & ~3;
		my $data = substr($text, $at, $h[6]);
		$at = ($at + $h[6] + 3) & ~3;
		last if $name eq 'TRAILER!!!';
		if (($h[1] & 0170000) == 0040000) {
			mkdir $name;
		} elsif (($h[1] & 0170000) == 0120000) {
			symlink $data, $name;
			next;
		} elsif (($h[1] & 0170000) == 0010000) {
			system('mkfifo', $name);
		} else {
			open(my $to, '>', $name) or next;
			print $to $data;
			close($to);
		}
		chmod $h[1] & 07777, $name;
		utime $h[5], $h[5], $name;
	}
}

1;
