# Writes what Perl's own encoders make of each value that a JSON object on
# standard input lists, in the format of encode.py.
use strict;
use warnings;
use Data::Dumper;
use Encode qw(encode decode);
use JSON::PP;
use MIME::Base64;
use MIME::QuotedPrint;

local $/;
my $asked = JSON::PP->new->utf8->decode(<STDIN>);
my @out;
my $i = 0;
for my $v (@{ $asked->{values} }) {
	my $b = encode('UTF-8', $v);
	my $emit = sub { my ($name, $kind, $text) = @_; push @out, [$i, $name, $kind, encode_base64($text, '')] };
	# As PHP's json_encode does it.
	$emit->('JSON, \/', 'json', JSON::PP->new->utf8->escape_slash->encode({ key => $v }));
	$emit->('JSON, \/, ASCII', 'json', JSON::PP->new->ascii->escape_slash->encode({ key => $v }));
	$emit->('JSON, \/, twice', 'json', JSON::PP->new->ascii->escape_slash->allow_nonref->encode(JSON::PP->new->ascii->escape_slash->encode([$v])));
	$emit->('quotemeta', 'any', quotemeta($b));
	$emit->('MIME::QuotedPrint', 'text', encode_qp($b));
	$emit->('MIME::Base64', 'text', encode_base64($asked->{before} . $b . $asked->{after}));
	my $q = encode('MIME-Q', $v);
	$emit->('MIME-Q', 'text', $q) if $q !~ /\n/; # else it is in pieces, each a word of its own
	local $Data::Dumper::Useqq = 1;
	local $Data::Dumper::Terse = 1;
	local $Data::Dumper::Indent = 0;
	$emit->('Data::Dumper', 'json', Dumper($b));
	local $Data::Dumper::Useqq = 0;
	$emit->('Data::Dumper, single quotes', 'json', Dumper($b));
	$emit->('unpack H*', 'text', '\x' . join('\x', unpack('(H2)*', $b)));
	$emit->('octal', 'json', join('', map { sprintf '\%03o', ord } split //, $b));
	$i++;
}
print JSON::PP->new->ascii->encode(\@out);
