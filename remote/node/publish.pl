# Runs on the management node: puts a proved dump where xCAT's container looks
# for one when it starts.  Arguments: that directory, and the new one; standard
# input: the names that have been proved, then ".".
#
# Where the directory can be renamed the two change places in one step.  A
# mount point cannot: there the names of all files that differ are first made
# links that lead through one link, NAME -> SWITCH/NAME, SWITCH -> OLD, where
# the old files are; then SWITCH is led to NEW, in one step; and then files
# take the places of their links.  Whoever reads the names at any moment has
# all of the old dump, or all of the new one.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock);
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

# Names of ours within the target; xCAT takes none of them for a table's.
my ($NEW, $OLD) = ('.xcatvault-new', '.xcatvault-old');
my ($SWITCH, $LINK) = ('.xcatvault-switch', '.xcatvault-link');

sub link_to {
	my ($where, $name) = @_;
	drop("$target/$LINK");
	symlink($where, "$target/$LINK") &&
	    rename("$target/$LINK", "$target/$name") or
	    die "publish: $target/$name: $!\n";
}

# Files take the places of their links, be they the old ones or the new ones;
# also where one who did this was killed.
sub settle {
	my $side = readlink("$target/$SWITCH");
	for my $name (defined $side ? entries($target) : ()) {
		my ($is, $link) = ("$target/$side/$name", "$target/$name");
		next if (readlink($link) // '') ne "$SWITCH/$name";
		(-e $is ? rename($is, $link) : unlink($link)) or
		    die "publish: $link: $!\n";
	}
	sync_dir($target);
	drop("$target/$_") for $LINK, $SWITCH, $OLD, $NEW;
}

# Nothing changes for who reads; 0 where there are no links.
sub lead {
	my @names = @_;
	mkdir("$target/$OLD", 0700) or die "publish: $target/$OLD: $!\n";
	for my $name (@names) {
		next unless -e "$target/$name";
		link("$target/$name", "$target/$OLD/$name") or return 0;
	}
	symlink($OLD, "$target/$SWITCH") or return 0;
	sync_dir("$target/$OLD");
	sync_dir($target);
	link_to("$SWITCH/$_", $_) for @names;
	sync_dir($target);
	return 1;
}

sub is_plain {
	my ($path) = @_;
	return -f $path && !-l $path;
}

# Whether it is there as it is to be.
sub is_same {
	my ($is, $was) = @_;
	return 0 unless is_plain($was) && compare($is, $was) == 0;
	((stat($was))[2] & 07777) == 0600 || chmod(0600, $was) or
	    die "publish: $was: $!\n";
	return 1;
}

# What is no file, and what cannot be led through a link
sub place {
	for my $name (@_) {
		my ($is, $was) = ("$target/$NEW/$name", "$target/$name");
		drop($was) unless $proved{$name} && is_plain($was);
		next unless $proved{$name};
		rename($is, $was) or die "publish: partly: $was: $!\n";
	}
	sync_dir($target);
}

# The new files, in $NEW of the target, over those of the target.
sub replace {
	my @differ = grep { !is_same("$target/$NEW/$_", "$target/$_") }
	    sort keys %proved;
	my @stray = grep { !$proved{$_} && $_ ne $NEW &&
	    !(/^\.xcatvault-/ && -M "$target/$_" < 1) } entries($target);
	my @odd = grep { (-e "$target/$_" || -l "$target/$_") &&
	    !is_plain("$target/$_") } @differ, @stray;
	my %odd = map { $_ => 1 } @odd;

	eval {
		if (@differ + @stray > 1 &&
		    lead(grep { !$odd{$_} } @differ, @stray)) {
			link_to($NEW, $SWITCH);
		} else {
			@odd = (@differ, @stray);
		}
		1;
	} or do {
		my $why = $@;
		eval { settle() };
		die $why;
	};
	eval { place(@odd) };
	my $why = $@;
	eval { settle() };
	die $why if $why;
}

# One at a time: a lock goes with its process.
sub alone {
	sysopen(my $d, $target, O_RDONLY) or die "publish: $target: $!\n";
	flock($d, LOCK_EX | LOCK_NB) || !$!{EWOULDBLOCK} or
	    die "publish: $target: another one is at it\n";
	return $d;
}
for my $name (entries($new)) {
	drop("$new/$name") unless $proved{$name};
}
sync_file("$new/$_") for sort keys %proved;
chmod(0700, $new) or die "publish: $new: $!\n";
sync_dir($new);

(my $parent = $target) =~ s{/[^/]*$}{};
if (index($new, "$target/") == 0) {
	my $lock = alone();
	settle();
	rename($new, "$target/$NEW") or die "publish: $new: $!\n";
	replace();
} elsif (!-e $target) {
	rename($new, $target) or die "publish: $target: $!\n";
	sync_dir($parent eq '' ? '/' : $parent);
} elsif (exchange($new, $target)) {
	sync_dir($parent eq '' ? '/' : $parent);
} else {
	my $lock = alone();
	settle();
	mkdir("$target/$NEW", 0700) or die "publish: $target/$NEW: $!\n";
	for my $name (sort keys %proved) {
		copy("$new/$name", "$target/$NEW/$name") or do {
			my $why = $!;
			drop("$target/$NEW");
			die "publish: $target/$NEW/$name: $why\n";
		};
		sync_file("$target/$NEW/$name");
	}
	sync_dir("$target/$NEW");
	replace();
}
print "published\n";
