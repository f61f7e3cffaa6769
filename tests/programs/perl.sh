#!/bin/sh
# tests/programs/perl.sh -- hashes, strings, regular expressions, closures, fork and threads.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >work.pl <<'END'
use strict; use warnings; use threads; use Digest::MD5 'md5_hex';

sub words {
  my ($seed, $count) = @_;
  my (%seen, @list);
  for my $i (1 .. $count) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    my $word = join '', map { chr(97 + ($seed >> $_) % 26) } 3 .. 3 + $seed % 17;
    $seen{$word}{count}++;
    push @{$seen{$word}{at}}, $i;
    push @list, $word x (1 + $i % 9);
  }
  s/([aeiou])([^aeiou]+)/uc($1) . reverse($2)/ge for @list;
  my @keys = sort { $seen{$b}{count} <=> $seen{$a}{count} || $a cmp $b } keys %seen;
  return md5_hex(join ',', map({ "$_=@{$seen{$_}{at}}" } @keys), sort @list);
}

print words(1, 100_000), "\n";
my @threads = map { my $seed = $_; threads->create(sub { words($seed, 20_000) }) } 2 .. 5;
print $_->join, "\n" for @threads;
for my $seed (6 .. 8) {
  my $child = open(my $from, '-|') // die "fork: $!";
  if ($child == 0) { print words($seed, 20_000); exit 0 }
  print scalar(<$from>), "\n";
  close $from or die "a child failed: $?";
}
my $text = '';
$text .= "line $_\n" for 1 .. 200_000;
print length($text), ' ', scalar(() = $text =~ /7\n/g), "\n";
END

uses_midden perl -e 1
same_answer perl work.pl
