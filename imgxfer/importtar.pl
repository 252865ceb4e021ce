# The end of import.pl: what it has to know of archives.

# "rewrite COMPRESSION FROM TO MEMBER BYTES", then a new manifest: the archive
# as it was, but for that member.  What tar takes out of it must be that.
sub rewrite {
	my ($compression, $from, $name, $member, $bytes) = @_;
	my $xml = '';

	take_bytes($bytes, sub { $xml .= $_[0] }) or return;
	my $with = $unpack{$compression} or
	    return tell_back("failed compression $compression");
	open(my $tar, '-|', @$with, $from) or
	    return tell_back("failed $with->[0]: $!");
	binmode($tar);
	sysopen(my $to, "$dir/$name", O_WRONLY | O_CREAT | O_TRUNC, 0600) or
	    return tell_back("failed $dir/$name: $!");
	my $why = rewrite_members($tar, $to, $member, $xml);
	close($tar) or $why ||= "$with->[0] failed";
	close($to) or $why ||= "$!";
	$why ||= taken_out("$dir/$name", $member) eq $xml ? '' :
	    "tar takes another $member out of it";
	return tell_back("failed $why") if $why ne '';
	tell_back('rewrite');
}

sub rewrite_members {
	my ($tar, $to, $member, $xml) = @_;
	my ($done, $why, %says, %all) = (0, '');

	while ($why eq '' && read($tar, my $head, 512) == 512) {
		my ($path, $size, $type) = header($head);
		my $padded = ($size + 511) & ~511;
		if ($type =~ /[xgLK]/) {
			my $text = '';
			return "a header of $size bytes" if $size > 1 << 20;
			read($tar, $text, $padded) == $padded or
			    return 'the archive is cut';
			$why = $type eq 'x' ? pax($text, $size, \%says) :
			    $type eq 'g' ? pax($text, $size, \%all) ||
			    (%all ? 'a global header renames' : '') :
			    ($says{name} = '');
			write_all($to, $head . $text) or $why ||= "$!";
			next;
		}
		return "$path has two sizes"
		    if defined $says{size} && $says{size} ne $size;
		return "$path has two names" if $path eq $member &&
		    grep { $_ ne 'size' } keys %says;
		if ($path eq $member && $type eq '0') {
			skip($tar, $padded) or $why = 'the archive is cut';
			write_all($to, new_header($head, length $xml) . $xml .
			    "\0" x (-length($xml) % 512)) or $why = "$!";
			return "$path has two sizes" if defined $says{size};
			$done++;
		} else {
			write_all($to, $head) or $why = "$!";
			$why = copy_over($tar, $to, $padded) if $why eq '';
		}
		%says = ();
	}
	return $why || ($done == 1 ? '' : "$member is in it $done times");
}

# What an extended header says besides times and owners.
sub pax {
	my ($text, $size, $says) = @_;

	$text = substr($text, 0, $size);
	while ($text ne '') {
		my ($n) = $text =~ /^(\d{1,7}) / or return 'a broken header';
		return 'a broken header' if $n > length $text;
		my ($key, $value) = substr($text, 0, $n) =~
		    /^\d+ ([^=]+)=(.*)\n\z/s or return 'a broken header';
		$text = substr($text, $n);
		$says->{$key} = $value unless
		    $key =~ /^(?:[amc]time|[ug]id|[ug]name|comment)$/;
	}
	return '';
}

# As imgimport has it taken out, of either name.
sub taken_out {
	my ($archive, $member) = @_;
	my $to = "$dir/taken";

	remove_tree($to);
	mkdir($to) or return '';
	run(600, '/dev/null', \&tick, 'tar', '-xf', $archive, '-C', $to, '--',
	    $_) for $member, "./$member";
	my $xml = -l "$to/$member" ? '' : slurp("$to/$member", 1 << 26);
	remove_tree($to);
	return $xml;
}

sub header {
	my ($h) = @_;
	my ($name, $size, $type, $prefix) = (unpack('Z100', $h),
	    substr($h, 124, 12), substr($h, 156, 1),
	    unpack('Z155', substr($h, 345, 155)));

	$name = "$prefix/$name" if $prefix ne '' &&
	    substr($h, 257, 6) eq "ustar\0";
	$name =~ s{^(?:\./)+}{};
	$type = '0' if $type eq "\0";
	if (ord($size) & 0x80) {
		my $n = 0;
		$n = $n * 256 + ord for split //, substr($size, 4);
		return ($name, $n, $type);
	}
	return ($name, $size =~ /([0-7]+)/ ? oct($1) : 0, $type);
}

sub new_header {
	my ($h, $size) = @_;

	substr($h, 124, 12) = sprintf("%011o\0", $size);
	substr($h, 148, 8) = ' ' x 8;
	my $sum = unpack('%32C512', $h);
	substr($h, 148, 8) = sprintf("%06o\0 ", $sum);
	return $h;
}

sub skip {
	my ($from, $n) = @_;

	while ($n > 0) {
		my $got = read($from, my $piece, $n < 1 << 18 ? $n : 1 << 18);
		return 0 unless $got;
		$n -= $got;
	}
	return 1;
}

sub copy_over {
	my ($from, $to, $n) = @_;

	while ($n > 0) {
		my $got = read($from, my $piece, $n < 1 << 18 ? $n : 1 << 18);
		return 'the archive is cut' unless $got;
		return "$!" unless write_all($to, $piece);
		$n -= $got;
	}
	return '';
}

# "tree FILE MEMBER DIR": the cpio archive in the bundle, against the tree that
# came out of it.
sub tree {
	my ($bundle, $member, $to) = @_;
	my ($entries, $wrong, $status) = (0, '', 0);

	open(my $f, '-|', 'sh', '-c', '{ tar -xOf "$1" "./$2" 2>/dev/null ||
	    tar -xOf "$1" "$2" 2>/dev/null; } | gzip -dc 2>/dev/null', 'sh',
	    $bundle, $member) or return tell_back("failed sh: $!");
	binmode($f);
	while ((read($f, my $head, 110) || 0) == 110) {
		last unless $head =~ /^07070[12]/;
		my @h = map { hex } unpack('A8' x 13, substr($head, 6));
		my $rest = ($h[11] + 110 + 3 & ~3) - 110;
		read($f, my $name, $rest) == $rest or last;
		$name = unpack('Z*', $name);
		if ($name eq 'TRAILER!!!') {
			$status = 1;
			skip($f, 1 << 18) || last while 1;
			last;
		}
		my $why = compare_entry($f, "$to/$name", @h[1, 4, 6]);
		$wrong ||= "$to/$name: $why" if $why ne '';
		$entries++;
	}
	close($f);
	return tell_back('failed the tree in the bundle cannot be read')
	    unless $status;
	$wrong =~ s/[^ -~]/?/g;
	return tell_back("failed $wrong") if $wrong ne '';
	tell_back('entries', $entries);
	tell_back('tree');
}

sub compare_entry {
	my ($f, $path, $mode, $links, $size) = @_;
	my @st = lstat($path);
	my $padded = ($size + 3) & ~3;
	my ($why, $is) = ('', undef);

	$why = 'is not there' unless @st;
	$why ||= 'is of another type' if @st &&
	    S_IFMT($st[2]) != S_IFMT($mode);
	$why ||= 'has another mode' if @st && !S_ISLNK($mode) &&
	    ($st[2] & 07777) != ($mode & 07777);
	# of several names the last has the data
	$why ||= 'has another size' if @st && S_ISREG($mode) &&
	    $st[7] != $size && !($links > 1 && $size == 0);
	open($is, '<', $path) or $why ||= "$!"
	    if $why eq '' && S_ISREG($mode) && $size;
	while ($padded > 0) {
		my $n = read($f, my $piece, $padded < 65536 ? $padded : 65536);
		return 'the archive is cut' unless $n;
		$padded -= $n;
		$piece = substr($piece, 0, $size) if length $piece > $size;
		$size -= length $piece;
		if ($why eq '' && S_ISREG($mode)) {
			read($is, my $same, length $piece);
			$why = 'has other contents' if $same ne $piece;
		} elsif ($why eq '' && S_ISLNK($mode)) {
			$why = 'leads elsewhere'
			    if (readlink($path) // '') ne $piece;
		}
	}
	return $why;
}
