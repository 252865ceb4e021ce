package Mn;

# What the stand-ins of xCAT's commands share: switches, messages, and the
# tables, one SQLite file each in /etc/xcat, reached through sqlite3(1).
# Nothing here is xCAT's code; it behaves as XCAT-FACTS measured.

use strict;
use warnings;
no warnings 'once';

our $ROOT = $ENV{XCATROOT} || '/opt/xcat';
our $ETC = '/etc/xcat';
our $RUN = '/run/mn';
our $COMMIT = '7733d16f8de0fc36b80638c04a7033931fa13304';
our $VERSION_LINE = "Version 2.19.0 (git commit $COMMIT)";
our $LOCK_MS = $ENV{MN_LOCK_MS} || 2000;
our $SQLITE = -x "$RUN/usr/bin/sqlite3" ? "$RUN/usr/bin/sqlite3" : 'sqlite3';

# ------------------------------------------------------------------ switches

my %faults;
my $faults_read;

# The value of a switch (mn.sh fault), or ''.
sub fault {
	my ($name) = @_;
	local $_;

	if (!$faults_read && open(my $f, '<', "$RUN/faults")) {
		while (<$f>) {
			chomp;
			$faults{$1} = $2 if /^([\w-]+)=(.*)$/;
		}
	}
	$faults_read = 1;
	return defined $faults{$name} ? $faults{$name} : '';
}

# Whether a switch has this value, "VALUE" or "VALUE:ARGUMENT"; the argument,
# or its default.
sub faulty {
	my ($name, $value, $default) = @_;

	return undef unless fault($name) =~ /^\Q$value\E(?::(.*))?$/;
	return defined $1 && length $1 ? $1 :
	    defined $default ? $default : 1;
}

sub hang {
	sleep 3600 while 1;
}

# ------------------------------------------------------------------- xcatd

sub bypass {
	return $ENV{XCATBYPASS} ? 1 : 0;
}

sub xcatd_up {
	return -e "$RUN/xcatd" && fault('xcatd') ne 'down';
}

sub xcatd_stop {
	unwedge($_) for wedged_tables();
	unlink "$RUN/xcatd";
}

sub xcatd_start {
	open(my $f, '>', "$RUN/xcatd") or die "$RUN/xcatd: $!\n";
	close($f);
}

# [on stdout, on stderr] of a client that finds no xcatd.
sub refused {
	my ($at) = @_;

	$at = '' unless defined $at;
	return ("Unable to open socket connection to xcatd daemon on " .
	    "localhost:3001.\nVerify that the xcatd daemon is running and " .
	    "that your SSL setup is correct.\n",
	    "Connection failure: IO::Socket::INET: connect: Connection " .
	    "refused at /opt/xcat/lib/perl/xCAT/Client.pm line 248$at.\n");
}

# A client's first step: leaves with 111, or 1 for one who may not.
sub connect_xcatd {
	return if bypass();
	if (!xcatd_up()) {
		my ($out, $err) = refused();
		print STDERR $err;
		print $out;
		exit 111;
	}
	if ($> != 0) {
		print STDERR "Error: Permission denied for request\n";
		exit 1;
	}
}

sub hostname {
	open(my $f, '<', '/etc/hostname') or return 'localhost';
	my $name = <$f>;
	chomp $name;
	return $name;
}

sub complaint {
	return "Error: [" . hostname() . "]: $_[0]\n";
}

# Runs a shell command as xCAT does: what it says on both channels, in lines.
# A failure is told on stderr.  Sets $Mn::status.
our $status;

sub runcmd {
	my ($command) = @_;

	my @out = `$command 2>&1`;
	$status = $? >> 8;
	failed_command($command, join('', @out)) if $?;
	$status = 1 if $? && !$status;
	chomp @out;
	return @out;
}

sub failed_command {
	my ($command, $said) = @_;

	chomp $said;
	print STDERR "Command failed: $command 2>&1. " .
	    "Error message: $said.\n\n";
}

# ------------------------------------------------------------------- tables

my (%columns, %keys);

sub schema {
	local $_;
	return if %columns;
	open(my $f, '<', "$ROOT/share/xcat/mn/schema.txt") or
	    die "schema.txt: $!\n";
	while (<$f>) {
		next if /^#/;
		my ($table, $key, $cols) = split;
		$columns{$table} = [split /,/, $cols];
		$keys{$table} = [split /,/, $key];
	}
}

sub tables {
	schema();
	return sort keys %columns;
}

sub is_table {
	schema();
	return exists $columns{$_[0]};
}

sub columns {
	schema();
	return @{$columns{$_[0]}};
}

sub keys_of {
	schema();
	return @{$keys{$_[0]}};
}

sub path {
	return "$ETC/$_[0].sqlite";
}

# SQL text of a value: bytes, or undef.
sub quote {
	my ($v) = @_;

	return 'NULL' unless defined $v;
	return "'$v'" if $v =~ /^[\w .,:\/-]*$/;
	return "CAST(X'" . unpack('H*', $v) . "' AS TEXT)";
}

# Runs SQL on a table's file; 0, or -1 with the reason in $Mn::reason.
our $reason;

sub run_sql {
	my ($table, $sql) = @_;

	my $said = "$RUN/said.$$";
	my $pid = open(my $to, '|-');
	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		open(STDERR, '>', $said);
		open(STDOUT, '>&', \*STDERR);
		exec $SQLITE, '-batch', '-bail', path($table);
		exit 127;
	}
	local $SIG{PIPE} = 'IGNORE';
	print $to ".timeout $LOCK_MS\n", $sql;
	my $ok = close($to);
	$reason = '';
	if (!$ok && open(my $f, '<', $said)) {
		local $/;
		$reason = <$f>;
		chomp $reason;
		$reason =~ s/^.*?: //;
		$reason =~ s/ \(\d+\)$//;
	}
	unlink $said;
	return $ok ? 0 : -1;
}

sub create_sql {
	my ($table) = @_;
	my %key = map { $_ => 1 } keys_of($table);
	my (@cols, $auto);

	for my $c (columns($table)) {
		if ($c eq 'recid') {
			push @cols, '"recid" INTEGER PRIMARY KEY AUTOINCREMENT';
			$auto = 1;
		} else {
			push @cols, "\"$c\" " . ($key{$c} ? 'VARCHAR(128)' : 'TEXT');
		}
	}
	push @cols, 'PRIMARY KEY (' .
	    join(',', map { "\"$_\"" } keys_of($table)) . ')' unless $auto;
	return "CREATE TABLE IF NOT EXISTS \"$table\" (\n  " .
	    join(",\n  ", @cols) . ");\n";
}

# The rows of a table in their physical order, each a list of columns; '' for
# NULL.  Through xcatd, a table whose transaction is stuck has none.
sub rows {
	my ($table) = @_;
	my @rows;
	local $_;

	return () unless -e path($table);
	return () if !bypass() && wedged($table);
	my $sql = 'SELECT ' . join("||','||",
	    map { "ifnull(hex(CAST(\"$_\" AS BLOB)),'')" } columns($table)) .
	    " FROM \"$table\"";
	open(my $f, '-|', $SQLITE, '-batch', '-readonly', '-cmd',
	    ".timeout $LOCK_MS", path($table), $sql) or die "sqlite3: $!\n";
	while (<$f>) {
		chomp;
		push @rows, [map { pack('H*', $_) } split /,/, $_, -1];
	}
	close($f);
	return @rows;
}

# The rows as one hash each, by column.
sub records {
	my ($table) = @_;
	my @c = columns($table);

	return map { my $r = $_; +{map { $c[$_] => $r->[$_] } 0 .. $#c} }
	    rows($table);
}

# A value of the site table.
sub site {
	my ($key) = @_;

	for my $r (records('site')) {
		return $r->{value} if $r->{key} eq $key && !$r->{disable};
	}
	return '';
}

# ([nodes of a range], [names in it that are none]); Mn::groups(NODE).
sub noderange {
	my ($range) = @_;
	my (%in, @missed, %group);

	for my $r (grep { !$_->{disable} } records('nodelist')) {
		push @{$group{$_}}, $r->{node} for $r->{node}, 'all',
		    split /,/, $r->{groups};
	}
	for my $name (split /,/, $range) {
		push @missed, $name unless $group{$name};
		$in{$_} = 1 for @{$group{$name} || []};
	}
	return ([sort keys %in], \@missed);
}

sub groups {
	my ($node) = @_;

	for my $r (records('nodelist')) {
		return split /,/, $r->{groups} if $r->{node} eq $node;
	}
	return ();
}

# Makes a table hold just these rows (lists of columns, undef for NULL).
sub replace {
	my ($table, $rows, $add) = @_;
	my @c = grep { $_ ne 'recid' } columns($table);
	my $into = "INSERT INTO \"$table\" (" .
	    join(',', map { "\"$_\"" } @c) . ') VALUES (';
	my $sql = create_sql($table) . "BEGIN IMMEDIATE;\n";

	$sql .= "DELETE FROM \"$table\";\n" unless $add;
	for my $r (@$rows) {
		$sql .= $into . join(',', map { quote($r->{$_}) } @c) . ");\n";
	}
	my $old = umask 077;
	my $rc = run_sql($table, $sql . "COMMIT;\n");
	umask $old;
	return $rc;
}

# ---------------------------------------------------------------------- CSV

sub csv_field {
	my ($v) = @_;

	return '' if $v eq '' || $v eq "\n";
	$v =~ s/"/""/g;
	return "\"$v\"";
}

sub csv_header {
	return '#' . join(',', columns($_[0])) . "\n";
}

sub csv_line {
	my $line = join(',', map { csv_field($_) } @{$_[0]});

	return "$line\n";
}

sub csv {
	my ($table) = @_;

	return csv_header($table), map { csv_line($_) } rows($table);
}

# ------------------------------------------------- a transaction that is stuck

# xcatd's database process has deleted all rows and neither commits nor rolls
# back: a process holds SQLite's own lock, until xcatd is restarted.
sub wedge {
	my ($table) = @_;

	return if bypass() || wedged($table);
	run_sql($table, create_sql($table)) unless -e path($table);
	mkdir "$RUN/wedge";
	pipe(my $r, my $w) or die "pipe: $!\n";
	my $pid = fork();
	die "fork: $!\n" unless defined $pid;
	if (!$pid) {
		close($r);
		require POSIX;
		POSIX::setsid();
		open(STDIN, '<', '/dev/null');
		open(STDOUT, '>', '/dev/null');
		open(STDERR, '>', '/dev/null');
		open(my $to, '|-', $SQLITE, '-batch', path($table));
		$to->autoflush(1);
		print $to "BEGIN IMMEDIATE;\nDELETE FROM \"$table\";\n",
		    ".shell :\n.output $RUN/wedge/$table.held\nSELECT 1;\n",
		    ".output\n";
		for (1 .. 500) {
			last if -s "$RUN/wedge/$table.held";
			select(undef, undef, undef, 0.01);
		}
		close($w);
		hang();
	}
	close($w);
	open(my $f, '>', "$RUN/wedge/$table") or die "wedge: $!\n";
	print $f "$pid\n";
	close($f);
	readline($r);
}

sub wedged {
	return -e "$RUN/wedge/$_[0]";
}

sub wedged_tables {
	opendir(my $d, "$RUN/wedge") or return ();
	return grep { !/\./ } readdir($d);
}

sub unwedge {
	my ($table) = @_;

	open(my $f, '<', "$RUN/wedge/$table") or return;
	my $pid = <$f>;
	chomp $pid;
	kill 'KILL', -$pid;
	# its lock goes with it
	for (1 .. 500) {
		last unless kill 0, -$pid;
		select(undef, undef, undef, 0.01);
	}
	unlink "$RUN/wedge/$table", "$RUN/wedge/$table.held";
}

# ----------------------------------------------------------- tabdump -f FILE

# Writes one table; what a client would say on failure, or ''.
sub dump_table {
	my ($table, $file, @lines) = @_;

	my $old = umask 022;
	my $ok = open(my $f, '>', $file);
	umask $old;
	return complaint("Error on tabdump of $table to $file. " .
	    "Unable to open the file for write. ") unless $ok;
	# A full disk goes unnoticed, as in xCAT.
	print $f @lines ? @lines : csv($table);
	close($f);
	return '';
}

# ---------------------------------------------------------------- tabrestore

# What XML 1.0 cannot carry kills xcatd's parser, and the request with it.
sub unfit_for_xml {
	my ($text) = @_;

	return 1 if $text =~ /[\x00-\x08\x0b\x0c\x0e-\x1f]/;
	return 0 if $text !~ /[\x80-\xff]/;
	return 1 if !utf8::decode($text);
	return $text =~ /[\x{d800}-\x{dfff}\x{fffe}\x{ffff}]/ ? 1 : 0;
}

# Loads a file into the table its name names.  (messages, status) as the
# client gives them.
sub restore_table {
	my ($file, $add) = @_;

	my ($table) = $file =~ m{([^/]*)/*$};
	$table =~ s/\..*//s;
	open(my $f, '<', $file) or
	    return ("Error: Unable to open $file for reading.\n", 3);
	my @lines = <$f>;
	close($f);
	if (!bypass()) {
		if (!xcatd_up()) {
			my $n = @lines;
			my ($out, $err) = refused($n ? ", <\$fh> line $n" : '');
			return ($err . $out, 111);
		}
		return ("Error: Permission denied for request\n", 1) if $> != 0;
		return ("ERROR/WARNING: communication with the xCAT server " .
		    "seems to have been ended prematurely\n", 1)
		    if unfit_for_xml(join('', @lines));
		s/\r\n?/\n/g for @lines;
	}
	return (complaint("Unable to open $table"), 4) unless is_table($table);
	return restore_lines($table, \@lines, $add);
}

sub restore_lines {
	my ($table, $lines, $add) = @_;
	my $header = shift @$lines;

	unwedge($table) unless bypass();
	if (!defined $header || $header !~ /^#/) {
		wedge($table);
		return (complaint('Data missing header line starting with #'), 1);
	}
	$header =~ s/"//g;
	$header =~ s/^#//;
	$header =~ s/\s+$//;
	my @cols = split /,/, $header;
	for my $c (@cols) {
		next if grep { $_ eq $c } columns($table);
		wedge($table);
		return (complaint("The header line indicates that column " .
		    "'$c' should exist, which is not defined in the schema " .
		    "for '$table'"), 1);
	}
	my ($rows, @errors) = parse_rows($table, \@cols, $lines);
	return (join('', map { complaint($_) } @errors), 4) if @errors;
	if (replace($table, $rows, $add)) {
		return ("DBD::SQLite::st execute failed: $reason at " .
		    "/opt/xcat/lib/perl/xCAT/Table.pm line 1770.\n", 1);
	}
	return ('', 0);
}

# Records are lines, joined while a quote is open; blanks at the end of each
# line are lost, and blank lines with them.
sub parse_rows {
	my ($table, $cols, $lines) = @_;
	my (@rows, @errors, %seen);
	my @key = keys_of($table);
	my $at = 0;

	for (; $at < @$lines; $at++) {
		my ($record, $error) = parse_record($cols, $lines, \$at);
		if (defined $error) {
			push @errors, $error;
			next;
		}
		my $text = delete $record->{' text'};
		delete $record->{recid};
		if (!grep { defined $_ && $_ ne '' } values %$record) {
			push @errors, "DB error  with line $at: $text";
			next;
		}
		if ($key[0] ne 'recid') {
			for (@key) {
				$record->{$_} = '' unless defined $record->{$_};
			}
			next if same_row(\@rows, $record, $table);
			if ($seen{join("\0", @$record{@key})}++) {
				push @errors, 'DB error UNIQUE constraint ' .
				    'failed: ' . join(', ',
				    map { "$table.$_" } @key) .
				    " with line $at: $text";
				next;
			}
		}
		push @rows, $record;
	}
	return (\@rows, @errors);
}

# A row whose columns all have values is looked up first, and found.
sub same_row {
	my ($rows, $record, $table) = @_;
	my @c = columns($table);

	return 0 if grep { !defined $record->{$_} } @c;
	for my $r (@$rows) {
		return 1 unless grep { !defined $r->{$_} ||
		    $r->{$_} ne $record->{$_} } @c;
	}
	return 0;
}

sub parse_record {
	my ($cols, $lines, $at) = @_;
	my $line = $lines->[$$at];
	my %record;

	$line =~ s/\s+$//;
	my $whole = $line;
	for my $c (@$cols) {
		if ($line eq '' || $line =~ s/^,//) {
			$record{$c} = undef;
			next;
		}
		if ($line =~ /^[^",]+/ && $line !~ /^[^,]*"/) {
			$line =~ s/^([^,]+),?//;
			$record{$c} = $1;
			next;
		}
		if ($line !~ /^"/) {
			return (undef, 'CSV missing opening " for record with ' .
			    "\" characters on line $$at, character " .
			    index($whole, $line) . ": $whole");
		}
		while ($line !~ /^"[^"]*(?:""[^"]*)*"(?!")/) {
			if (++$$at >= @$lines) {
				return (undef, "CSV unmatched \" in record on " .
				    "line $$at, character " .
				    index($whole, $line) . ": $whole");
			}
			$line .= "\n" . $lines->[$$at];
			$line =~ s/\s+$//;
		}
		if ($line !~ s/^"([^"]*(?:""[^"]*)*)"(?:,|$)//) {
			return (undef, "CSV unescaped \" in record on line " .
			    "$$at, character " . index($whole, $line) .
			    ": $whole");
		}
		$record{$c} = $1;
		$record{$c} =~ s/""/"/g;
	}
	return (undef, "Too many fields on line $$at: $whole | $line")
	    if $line ne '';
	$record{' text'} = $whole;
	return (\%record, undef);
}

use IO::Handle;
1;
