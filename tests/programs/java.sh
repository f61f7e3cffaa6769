#!/bin/sh
# tests/programs/java.sh -- OpenJDK 17: its version, a class compiled and run with threads, direct
# buffers and zlib, all of which call malloc.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

for home in /usr/lib/jvm/java-17-openjdk-*; do [ ! -x "$home/bin/javac" ] || jdk=$home/bin; done

cat >Small.java <<'END'
import java.nio.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.zip.*;

public class Small {
  static long work(int seed) throws Exception {
    Random random = new Random(seed);
    CRC32 crc = new CRC32();
    for (int round = 0; round < 40; round++) {
      ByteBuffer direct = ByteBuffer.allocateDirect(1000 + random.nextInt(100000));
      while (direct.remaining() >= 8) direct.putLong(random.nextInt(1000));
      direct.flip();
      byte[] packed = new byte[200000], back = new byte[direct.remaining()];
      Deflater deflater = new Deflater();
      deflater.setInput(direct.duplicate());
      deflater.finish();
      int n = deflater.deflate(packed);
      deflater.end();
      Inflater inflater = new Inflater();
      inflater.setInput(packed, 0, n);
      inflater.inflate(back);
      inflater.end();
      if (!ByteBuffer.wrap(back).equals(direct)) throw new Exception("lost in zlib");
      crc.update(back);
    }
    return crc.getValue();
  }

  public static void main(String[] args) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    List<Future<Long>> answers = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      int seed = i;
      answers.add(pool.submit(() -> work(seed)));
    }
    for (Future<Long> answer : answers) System.out.println(answer.get());
    pool.shutdown();
    TreeMap<String, Integer> words = new TreeMap<>();
    for (int i = 0; i < 300000; i++) words.merge("w" + i * 31L % 9973, i, Integer::sum);
    System.out.println(words.hashCode());
  }
}
END

uses_midden "$jdk/java" -Xmx64m -version
on_midden "$jdk/java" -version 2>&1 | grep -q '^openjdk version "17' || fail "java -version is wrong"
on_midden "$jdk/javac" -J-Xmx256m Small.java || fail "javac failed, with status $?"
same_answer "$jdk/java" -Xmx128m -cp . Small
