# leak.pl - ADDRESS PORT: reads to the end and never closes.
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => $ARGV[1], LocalPort => $ARGV[2], Listen => 100, ReuseAddr => 1) or die $!;
my @kept;
while (my $c = $server->accept) { 1 while sysread($c, my $buffer, 65536); push @kept, $c }
