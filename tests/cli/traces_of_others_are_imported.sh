# tests/cli/traces_of_others_are_imported.sh -- Valgrind's text and heaptrack's raw stream, as
# they wrote them; and why others cannot be.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

events() { cut -d, -f2-7 events.csv | sed 1d; }

cat >valgrind.txt <<'END'
==32295== Memcheck, a memory error detector
--32295-- malloc(100) = 0x4A43040
--32295-- realloc(0x4A43040,300) = 0x4A43080
--32295-- calloc(3,7) = 0x4A43300
the program's own words
--32295-- realloc(0x0,16)malloc(16) = 0x4A43400
--32295-- memalign(al 64, size 100) = 0x4A43500
--32295-- _Znwm(24) = 0x4A43600
--32295-- _ZdlPvm(0x4A43600)
--32295-- free(0x4A43080)
--32295-- free(0x0)
--32295-- free(0x4A43500)
END
run 0 "$MIDDEN" trace --import valgrind.txt --csv events.csv v.midden
events >out
cat >want <<'END'
1,1,malloc,1#0,100,16
1,1,resize,1#0,300,
1,1,calloc,1#1,21,16
1,1,malloc,1#2,16,16
1,1,aligned,1#3,100,64
1,1,malloc,1#4,24,16
1,1,free,1#4,,
1,1,free,1#0,,
1,1,free,1#3,,
END
diff want out || fail "not what Valgrind told"

cat >heaptrack.txt <<'END'
v 10400 3
x e /tmp/program
X ./program
I 1000 5e298d
m 1 -
m c /tmp/program 5572ae171000 0 688 1000 1ad 2000 e4
m 9 /lib/c.so 7f1ec5a7c000 0 25388 26000 1550fc
t 5572ae172090 0
t 7f1ec5aa3304 1
+ 11c00 2 5572bc300530
c 14
+ 20 1 5572bc312000
- 5572bc300530
R 1c0
- 5572bc312000
END
for packed in no yes; do
  [ $packed = no ] || zstd -q --rm heaptrack.txt -o heaptrack.zst
  run 0 "$MIDDEN" trace --import heaptrack.* --csv events.csv h.midden
  cat >want <<'END'
seconds,process,thread,event,block,bytes,align,caller
0.0000000,1,1,malloc,1#0,72704,16,c.so+0x27304
0.0200000,1,1,malloc,1#1,32,16,program+0x1090
0.0200001,1,1,free,1#0,,,?
0.0200002,1,1,free,1#1,,,?
END
  diff want events.csv || fail "not what heaptrack told"
done

printf 'v 10400 3\nX ./program\ns 4 main\na 10 1\n+ 0\n- 0\n' >saved.txt
echo '{"dhatFileVersion":2}' >dhat.json
echo hello >other.txt
run 1 "$MIDDEN" trace --import saved.txt x.midden
said err "heaptrack has interpreted this file"
run 1 "$MIDDEN" trace --import dhat.json x.midden
said err "DHAT keeps sums for each call stack"
run 1 "$MIDDEN" trace --import other.txt x.midden
said err "it is neither the text of 'valgrind --trace-malloc=yes' nor heaptrack's raw stream"
run 1 "$MIDDEN" trace --import none.txt x.midden
[ ! -e x.midden ] || fail "a file was left behind"
