# populate.pl small|facts|NODES: run in a node by "mn.sh populate".  Fills the
# database, from /run/mn/load when that is there, and makes what the osimages
# need below /install; the same bytes each time.
use strict;
use warnings;
use lib '/opt/xcat/lib/perl';
use Mn;
use File::Path qw(make_path);

my $what = $ARGV[0];
my $nodes = $what =~ /^\d+$/ ? $what : 24;
my $host = Mn::hostname();
my $address = '10.99.0.' . ($host =~ /(\d+)$/ ? $1 % 250 || 1 : 1);

my $age = 1767225600;
srand(4711);
umask 022;
unlink glob("$Mn::ETC/*.sqlite");
if (-d '/run/mn/load') {
	load($_) for glob('/run/mn/load/*.csv');
} else {
	own_tables();
}
make_install();
make_logs();
make_secrets();
make_system();

# --------------------------------------------------------------- the database

# The values exactly as the file has them, where a restore would change some.
sub load {
	my ($file) = @_;
	my ($table) = $file =~ m{([^/.]*)\.csv$};
	my (@rows, @row);

	return unless Mn::is_table($table);
	open(my $f, '<', $file) or die "$file: $!\n";
	local $/;
	my $text = <$f>;
	$text =~ s/^#(.*)\n// or die "$file: no header\n";
	my @c = split /,/, $1;
	while ($text =~ /\G(?:"([^"]*(?:""[^"]*)*)"|([^,\n]*))([,\n])/g) {
		my ($v, $end) = (defined $1 ? $1 : $2, $3);
		$v =~ s/""/"/g;
		push @row, $v eq '' ? undef : $v;
		next if $end eq ',';
		push @rows, {map { $c[$_] => $row[$_] } 0 .. $#c};
		@row = ();
	}
	fill($table, @rows);
}

sub fill {
	my ($table, @rows) = @_;

	return unless @rows;
	Mn::replace($table, \@rows) == 0 or die "$table: $Mn::reason\n";
}

# "key=value" pairs make a row
sub row {
	return {map { split /=/, $_, 2 } @_};
}

sub own_tables {
	my (@node, @hosts, @mac, @hm, @res, @type, @ipmi);

	for my $i (1 .. $nodes) {
		my $n = sprintf('cn%03d', $i);
		my $ip = sprintf('10.99.%d.%d', 1 + int($i / 250), 1 + $i % 250);
		push @node, row("node=$n", 'groups=compute,all,x86');
		push @hosts, row("node=$n", "ip=$ip");
		push @mac, row("node=$n", 'interface=eth0',
		    sprintf('mac=42:01:0a:63:%02x:%02x', $i >> 8, $i & 255));
		push @hm, row("node=$n", 'mgt=ipmi', 'cons=ipmi',
		    'serialport=0', 'serialspeed=115200');
		push @res, row("node=$n", 'netboot=xnba', 'installnic=mac',
		    'primarynic=eth0', "xcatmaster=$address");
		push @type, row("node=$n", 'os=rocky9.4', 'arch=x86_64',
		    'profile=compute',
		    'provmethod=rocky9.4-x86_64-netboot-compute',
		    'nodetype=osi');
		push @ipmi, row("node=$n", sprintf('bmc=10.97.%d.%d', $i >> 8, $i & 255),
		    'username=ADMIN', 'password=bmc-secret');
	}
	fill('nodelist', @node);
	fill('hosts', @hosts);
	fill('mac', @mac);
	fill('nodehm', @hm);
	fill('noderes', @res);
	fill('nodetype', @type);
	fill('ipmi', @ipmi);
	own_site();
	own_images();
}

sub own_site {
	fill('site', map({ row("key=$_->[0]", "value=$_->[1]") }
	    ['blademaxp', 64], ['domain', 'cluster.test'],
	    ['installdir', '/install'], ['tftpdir', '/tftpboot'],
	    ['master', $address], ['nameservers', $address],
	    ['xcatdport', 3001], ['timezone', 'UTC'],
	    ['test_comma', 'a,b,c'], ['test_quote', 'he said "hi"'],
	    ['test_utf8', "Gr\303\274\303\237e \342\202\254"],
	    ['test_lines', "one\ntwo\nthree"], ['test_tab', "a\tb"],
	    ['#test_hash', '#no comment'], ['test_blanks', '  both  '],
	    ['test_xml', '<a>&amp;</a>'], ['test_backslash', 'c:\new']),
	    row('key=test_disabled', 'value=x', 'disable=1'),
	    row('key=test_comment', 'value=x', 'comments=why, "so"'));
	fill('policy', map { row("priority=$_->[0]", @$_[1 .. $#$_]) }
	    ['1', 'name=root', 'rule=allow'],
	    ['1.2', "name=$host", 'rule=trusted'],
	    ['2', 'commands=getbmcconfig', 'rule=allow'],
	    ['3', 'commands=nextdestiny', 'rule=allow'],
	    ['4.5', 'commands=getcredentials', 'rule=allow']);
	fill('networks', row('netname=mgt', 'net=10.99.0.0',
	    'mask=255.255.0.0', 'mgtifname=eth0', 'gateway=<xcatmaster>',
	    'tftpserver=<xcatmaster>', 'mtu=1500'));
	fill('passwd', row('key=system', 'username=root',
	    'password=$6$salt$abc,def"ghi'),
	    row('key=ipmi', 'username=ADMIN', 'password=ipmi-secret'));
	fill('postscripts', row('node=xcatdefaults',
	    'postscripts=syslog,remoteshell,syncfiles',
	    'postbootscripts=otherpkgs'),
	    row('node=compute', 'postscripts=setupfoo'));
	fill('servicenode', row("node=$host", 'tftpserver=1'));
	fill('notification', row('filename=montbhandler.pm',
	    'tables=monsetting', 'tableops=a,u,d'));
}

sub own_images {
	my @common = ('imagetype=linux', 'osname=Linux', 'profile=compute');
	my $custom = '/install/custom/netboot';
	my $image = 'rocky9.4-x86_64-netboot-compute';

	fill('osimage', row("imagename=$image", @common,
	    'provmethod=netboot', 'osvers=rocky9.4', 'osarch=x86_64',
	    "synclists=$custom/rocky/compute.synclist",
	    'postscripts=setupfoo', 'environvar=A=1,B=x y'),
	    row('imagename=rhels8.6.0-ppc64le-netboot-compute', @common,
	    'provmethod=netboot', 'osvers=rhels8.6.0', 'osarch=ppc64le'),
	    row('imagename=rocky9.4-x86_64-install-compute', @common,
	    'provmethod=install', 'osvers=rocky9.4', 'osarch=x86_64'),
	    row('imagename=norootimg', @common, 'provmethod=netboot',
	    'osvers=rocky9.4', 'osarch=x86_64'),
	    row('imagename=disabledimg', 'provmethod=netboot', 'disable=1'));
	fill('linuximage', row("imagename=$image",
	    'addkcmdline=console=ttyS0,115200',
	    "pkglist=$custom/rocky/compute.rocky9.x86_64.pkglist",
	    "otherpkglist=$custom/rocky/compute.otherpkgs.pkglist",
	    "exlist=$custom/rocky/compute.rocky9.exlist",
	    "postinstall=$custom/rocky/compute.postinstall",
	    'pkgdir=/install/rocky9.4/x86_64',
	    'otherpkgdir=/install/post/otherpkgs/rocky9.4/x86_64',
	    'rootimgdir=/install/netboot/rocky9.4/x86_64/compute',
	    'permission=755', "comments=q\"uote & <tag>, \303\274"),
	    row('imagename=rhels8.6.0-ppc64le-netboot-compute',
	    "pkglist=$custom/rh/compute.rhels8.ppc64le.pkglist",
	    "exlist=$custom/rh/compute.rhels8.exlist",
	    'pkgdir=/install/rhels8.6.0/ppc64le',
	    'rootimgdir=/install/netboot/rhels8.6.0/ppc64le/compute'),
	    row('imagename=rocky9.4-x86_64-install-compute',
	    'template=/install/custom/install/rocky/compute.rocky9.tmpl',
	    'pkglist=/install/custom/install/rocky/compute.rocky9.pkglist',
	    'pkgdir=/install/rocky9.4/x86_64'),
	    row('imagename=norootimg',
	    "pkglist=$custom/rocky/compute.rocky9.x86_64.pkglist",
	    'rootimgdir=/install/netboot/rocky9.4/x86_64/broken'));
	fill('litefile', row('image=ALL', 'file=/etc/ntp.conf',
	    'options=persistent'));
}

# ------------------------------------------------------------------ /install

sub put {
	my ($path, $text, $mode) = @_;

	(my $dir = $path) =~ s{/[^/]*$}{};
	make_path($dir);
	open(my $f, '>', $path) or die "$path: $!\n";
	binmode($f);
	print $f $text;
	close($f) or die "$path: $!\n";
	chmod($mode || 0644, $path);
	aged($path);
}

sub aged {
	$age += 61;
	utime($age, $age, $_[0]);
}

sub noise {
	my ($n) = @_;

	return pack('V*', map { rand(4294967296) } 1 .. $n / 4);
}

sub text {
	my ($name, $lines) = @_;

	return join('', map { "$name: line $_ of it, " . $_ * 7919 % 10007 .
	    "\n" } 1 .. $lines);
}

# A cpio archive in "newc" form of [name, mode, data]...
sub cpio {
	my $out = '';
	my $ino = 1;

	for my $e (@_, ['TRAILER!!!', 0, '']) {
		my ($name, $mode, $data) = @$e;
		$out .= '070701' . sprintf('%08x' x 13, $ino++, $mode, 0, 0, 1,
		    1767225600, length($data), 0, 0, 0, 0, length($name) + 1,
		    0) . "$name\0";
		$out .= "\0" x (-length($out) % 4) . $data;
		$out .= "\0" x (-length($out) % 4);
	}
	return $out;
}

sub gzip {
	my ($path, $data) = @_;

	put($path, '');
	open(my $f, '|-', "gzip -n >'$path'") or die "gzip: $!\n";
	binmode($f);
	print $f $data;
	close($f) or die "gzip: $!\n";
	aged($path);
}

sub make_install {
	my $rocky = '/install/netboot/rocky9.4/x86_64';
	my $custom = '/install/custom/netboot/rocky';
	my $root = "$rocky/compute/rootimg";

	for my $dir ("$rocky/compute", "$rocky/broken",
	    '/install/netboot/rhels8.6.0/ppc64le/compute') {
		put("$dir/kernel", noise(30000), 0755);
		gzip("$dir/initrd-stateless.gz",
		    cpio(['init', 0100755, text('init', 200)]));
	}
	gzip("$rocky/compute/initrd-statelite.gz",
	    cpio(['init', 0100755, text('statelite', 200)]));
	gzip("$rocky/compute/rootimg.cpio.gz",
	    cpio(['etc/hostname', 0100644, "localhost\n"],
	    ['usr/bin/tool', 0100755, noise(200000)]));
	gzip('/install/netboot/rhels8.6.0/ppc64le/compute/rootimg.tar.gz',
	    noise(100000));
	make_tree($root);
	put("$custom/compute.rocky9.x86_64.pkglist",
	    "bash\nopenssh-server\n#INCLUDE:common.pkglist#\n");
	put("$custom/common.pkglist", "kernel\nchrony\n");
	put("$custom/compute.otherpkgs.pkglist", "slurm/slurmd\n");
	put("$custom/compute.rocky9.exlist", "./usr/share/doc*\n");
	put("$custom/compute.postinstall", "#!/bin/sh\nexit 0\n", 0755);
	put("$custom/compute.synclist", "$custom/sync/hosts -> /etc/hosts\n");
	put("$custom/extra.synclist", "$custom/sync/slurm.conf -> /etc/slurm/\n");
	put("$custom/sync/hosts", "127.0.0.1 localhost\n");
	put("$custom/sync/slurm.conf", text('slurm', 20));
	put('/install/custom/netboot/rh/compute.rhels8.ppc64le.pkglist', "bash\n");
	put('/install/custom/netboot/rh/compute.rhels8.exlist', "./boot*\n");
	put('/install/custom/install/rocky/compute.rocky9.tmpl', text('ks', 30));
	put('/install/custom/install/rocky/compute.rocky9.pkglist', "\@core\n");
	put('/install/custom/install/rocky/part.rocky9', "autopart\n");
	put('/install/custom/a/list', "a\n");
	put('/install/custom/b/list', "b\n");
	put('/install/custom/sp ace/list', "sp\n");
	put("/install/postscripts/$_", "#!/bin/sh\n" . text($_, 10), 0755)
	    for qw(syslog remoteshell syncfiles otherpkgs setupfoo bootfoo
	    custom/mypost);
	put("/install/rocky9.4/x86_64/Packages/p$_-1.0.x86_64.rpm",
	    noise(8000)) for 1 .. 5;
	put('/install/rocky9.4/x86_64/.discinfo', "1714000000\n9.4\nx86_64\n");
	put('/install/post/otherpkgs/rocky9.4/x86_64/slurm/slurmd-1.rpm',
	    noise(8000));
	put("/tftpboot/xcat/osimage/rocky9.4-x86_64-netboot-compute/kernel",
	    'kernel');
}

sub make_tree {
	my ($root) = @_;

	for my $i (1 .. 60) {
		put(sprintf('%s/usr/share/pkg%d/file%d', $root, $i % 6, $i),
		    text("file$i", 5 + $i % 40));
	}
	put("$root/usr/bin/passwd", noise(20000), 04755);
	put("$root/usr/bin/tool", noise(20000), 0755);
	unlink "$root/usr/bin/tool-too";
	link "$root/usr/bin/tool", "$root/usr/bin/tool-too";
	symlink 'usr/bin', "$root/bin";
	put("$root/etc/shadow", "root:*:19700::::::\n", 0);
	put("$root/etc/hostname", "localhost\n");
	make_path("$root/var/empty", "$root/proc", "$root/dev");
	chmod 0711, "$root/var/empty";
	system('mkfifo', '-m', '600', "$root/var/initctl")
	    unless -p "$root/var/initctl";
	aged("$root/var/initctl");
	put("$root/var/log/lastlog", '');
	truncate "$root/var/log/lastlog", 1 << 20;
	aged("$root/var/log/lastlog");
	chown 33, 33, "$root/var/empty";
}

sub make_logs {
	put('/var/log/xcat/commands.log', text('command', 80), 0600);
	put('/var/log/xcat/cluster.log', text('cluster', 300), 0640);
	put('/var/log/xcat/computes.log', text('compute', 300), 0640);
	put('/var/log/xcat/dump/.keep', '');
}

# The names and modes of the real ones; what is in them is made up.
sub make_secrets {
	my $pem = "-----BEGIN TEST-----\n" . text('pem', 20) . "-----END TEST-----\n";

	chmod 0755, '/etc/xcat';
	put('/etc/xcat/ca/private/ca-key.pem', $pem, 0600);
	chmod 0700, '/etc/xcat/ca/private';
	put('/etc/xcat/ca/ca-cert.pem', $pem);
	put('/etc/xcat/ca/serial', "05\n", 0600);
	put("/etc/xcat/cert/$_.pem", $pem, 0600) for qw(server-cred server-key
	    server-cert ca);
	chmod 0700, '/etc/xcat/cert';
	put('/etc/xcat/hostkeys/ssh_host_ed25519_key', $pem, 0640);
	put('/etc/xcat/hostkeys/ssh_host_ed25519_key.pub', "ssh-ed25519 AAAA\n");
	put('/root/.xcat/client-key.pem', $pem, 0600);
	put('/root/.xcat/client-cred.pem', $pem, 0600);
	put('/install/postscripts/_ssh/authorized_keys', "ssh-rsa AAAA\n");
	put('/install/postscripts/_xcat/ca.pem', $pem);
	put('/install/postscripts/hostkeys/ssh_host_ed25519_key.pub',
	    "ssh-ed25519 AAAA\n");
}

# What else a management node needs to come back.
sub make_system {
	put('/etc/dhcp/dhcpd.conf', text('dhcpd', 20));
	put('/var/lib/dhcpd/dhcpd.leases', text('lease', 40));
	put('/etc/bind/named.conf', text('named', 10));
	put('/etc/bind/rndc.key', text('key', 3), 0640);
	put('/var/named/db.cluster.test', text('zone', 40));
	put('/etc/conserver.cf', text('console', 20), 0600);
	put('/etc/goconserver/server.conf', text('goconserver', 20));
	put('/etc/apache2/conf-enabled/xcat.conf', text('apache', 10));
	put('/etc/exports', "/install *(rw,no_root_squash,sync)\n");
	put('/etc/ntp.conf', "server 127.127.1.0\n");
	put('/etc/resolv.conf', "search cluster.test\nnameserver $address\n");
	put('/etc/apt/sources.list', "deb http://127.0.0.1/debian bookworm main\n");
	put('/etc/logrotate.d/xcat', text('logrotate', 5));
	put('/etc/rsyslog.d/xcat-cluster.conf', text('rsyslog', 5));
	put('/etc/default/xcat', "ENABLED=1\n");
	put('/etc/xCATMN', '');
	put('/var/spool/cron/crontabs/root', "0 3 * * * /root/nightly\n", 0600);
	put('/home/admin/.xcat/client-cred.pem', text('cred', 5), 0600);
	put('/opt/xcat/share/xcat/netboot/rocky/service.rocky9.pkglist',
	    "bash\n");
}
