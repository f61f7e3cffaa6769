# bench/heap/inputs/words.pl -- a Perl program of everyday: words.pl STEPS
#
# Text is made, cut into words by regular expressions, counted in hashes of arrays, sorted and joined.
# SPDX-License-Identifier: MIT
use strict;
use warnings;

sub text_of {
  my ($seed, $words) = @_;
  my @made;
  for (1 .. $words) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    push @made, "word" . (($seed >> 16) % 3000);
  }
  return join " ", @made;
}

my ($total, %kept) = (0);
for my $step (1 .. $ARGV[0]) {
  my (%found, $at);
  my $text = text_of($step, 8000);
  while ($text =~ /([a-z]+)(\d+)/g) {
    push @{$found{"$1 of $2"}{seen}}, ++$at;
    $found{"$1 of $2"}{last} = $at;
  }
  my @order = sort { @{$found{$b}{seen}} <=> @{$found{$a}{seen}} || $a cmp $b } keys %found;
  my @lines = map { "$_=" . join(",", @{$found{$_}{seen}}) } @order;
  $kept{$step % 7} = [map { [split /[=,]/] } @lines];
  $total += @{$kept{$step % 7}} + length join "\n", @lines;
}
print "$total\n";
