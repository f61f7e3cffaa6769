#!/bin/sh
# tests/programs/php.sh -- Debian's php opens its extensions with RTLD_DEEPBIND, which binds them to
# libc's malloc: blocks cross between the two heaps in both directions.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >work.php <<'END'
<?php
function words($seed, $count) {
  $seen = []; $text = '';
  for ($i = 0; $i < $count; $i++) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    $word = base_convert((string)($seed >> 8), 10, 36);
    $seen[$word][] = ['at' => $i, 'text' => str_repeat($word, $seed % 20)];
    $text .= preg_replace_callback('/[aeiou]/', fn($m) => strtoupper($m[0]), $word) . "\n";
  }
  ksort($seen, SORT_STRING);
  return md5(serialize($seen) . json_encode($seen) . $text);
}
for ($i = 0; $i < 5; $i++) echo words($i, 30000), "\n";
echo md5(gzuncompress(gzcompress(str_repeat('midden', 500000)))), "\n";
echo md5(iconv('UTF-8', 'UTF-16LE', str_repeat("m\u{ef}dden", 10000))), "\n";
$file = new SplFileObject('php://memory', 'w+');
for ($i = 0; $i < 20000; $i++) $file->fputcsv([$i, str_repeat('v', $i % 50)]);
echo $file->ftell(), "\n";
foreach (token_get_all(file_get_contents(__FILE__)) as $t) $names[] = is_array($t) ? $t[1] : $t;
echo count($names), ' ', strlen(implode($names)), "\n";
$pool = new ArrayObject();
for ($i = 0; $i < 100000; $i++) { $o = new stdClass; $o->self = $o; $o->n = $i; $pool[$i % 100] = $o; }
unset($o, $pool);
echo gc_collect_cycles() > 0 ? "collected\n" : "nothing collected\n";
END

uses_midden php -r 0\;
same_answer php work.php
export USE_ZEND_ALLOC=0  # each of PHP's objects is a malloc block
same_answer php work.php
