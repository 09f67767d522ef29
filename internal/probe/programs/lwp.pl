eval { require LWP::UserAgent; require LWP::Protocol::https; 1 } or exit 77;
my ($url, $token) = @ARGV;
my $response = LWP::UserAgent->new->get($url, Authorization => "Bearer $token");
die $response->status_line . "\n" unless $response->is_success;
print $response->content;
