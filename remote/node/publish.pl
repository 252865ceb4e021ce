# Runs on the management node: puts a proved dump where xCAT's container looks
# for one when it starts.  Arguments: that directory, and the new one; standard
# input: the names that have been proved, then ".".
#
# Where the directory can be renamed the two change places in one step.  A
# mount point cannot: there the new files are renamed over the old ones, each
# in one step, only those that differ, all of them on disk before.
use strict;
use warnings;
use Fcntl;
use File::Compare;
use File::Copy;
use File::Path;
use IO::Handle;
use POSIX;

my ($target, $new) = @ARGV;

# From here on it is all or nothing: a lost connection must not stop it.
$SIG{$_} = 'IGNORE' for qw(HUP INT PIPE TERM);

my %proved;
my $whole;
while (my $name = <STDIN>) {
	chomp $name;
	$whole = $name eq '.' and last;
	$name =~ /^[A-Za-z0-9_]+\.csv$/ or die "publish: a bad name\n";
	$proved{$name} = 1;
}
$whole && %proved or die "publish: the list of names is not whole\n";

sub entries {
	my ($dir) = @_;
	opendir(my $d, $dir) or die "publish: $dir: $!\n";
	return grep { $_ ne '.' && $_ ne '..' } readdir($d);
}

sub sync_dir {
	my ($dir) = @_;
	sysopen(my $d, $dir, O_RDONLY) or die "publish: $dir: $!\n";
	# not every file system knows how to; those that do not need not
	eval { $d->sync };
}

sub sync_file {
	my ($file) = @_;
	open(my $f, '+<', $file) or die "publish: $file: $!\n";
	chmod(0600, $f) or die "publish: $file: $!\n";
	$f->sync or die "publish: $file: $!\n";
	close($f) or die "publish: $file: $!\n";
}

sub drop {
	my ($path) = @_;
	-d $path && !-l $path ? File::Path::remove_tree($path) : unlink($path);
}

# renameat2(2) with RENAME_EXCHANGE, which perl has no name for.
sub exchange {
	my ($from, $to) = @_;
	my %number = (x86_64 => 316, aarch64 => 276, ppc64le => 357,
	    ppc64 => 357, s390x => 347, i686 => 353);
	my $nr = $number{(POSIX::uname())[4]};
	return defined $nr && syscall($nr, -100, $from, -100, $to, 2) == 0;
}

# Files of a directory within the target over those of the target.
sub replace {
	my ($from) = @_;
	for my $name (sort keys %proved) {
		my ($is, $was) = ("$from/$name", "$target/$name");
		if (-f $was && !-l $was && compare($is, $was) == 0) {
			((stat($was))[2] & 07777) == 0600 || chmod(0600, $was)
			    or die "publish: $was: $!\n";
			unlink($is);
			next;
		}
		File::Path::remove_tree($was) if -d $was && !-l $was;
		rename($is, $was) or die "publish: $was: $!\n";
	}
	for my $name (entries($target)) {
		drop("$target/$name")
		    unless $proved{$name} || "$target/$name" eq $from;
	}
	rmdir($from);
	sync_dir($target);
}

for my $name (entries($new)) {
	drop("$new/$name") unless $proved{$name};
}
sync_file("$new/$_") for sort keys %proved;
chmod(0700, $new) or die "publish: $new: $!\n";
sync_dir($new);

(my $parent = $target) =~ s{/[^/]*$}{};
if (index($new, "$target/") == 0) {
	replace($new);
} elsif (!-e $target) {
	rename($new, $target) or die "publish: $target: $!\n";
	sync_dir($parent eq '' ? '/' : $parent);
} elsif (exchange($new, $target)) {
	sync_dir($parent eq '' ? '/' : $parent);
} else {
	my $copy = "$target/.xcatvault-dump.$$";
	mkdir($copy, 0700) or die "publish: $copy: $!\n";
	for my $name (sort keys %proved) {
		copy("$new/$name", "$copy/$name") or do {
			my $why = $!;
			File::Path::remove_tree($copy);
			die "publish: $copy/$name: $why\n";
		};
		sync_file("$copy/$name");
	}
	sync_dir($copy);
	replace($copy);
}
print "published\n";
