// bench/gc/java/Bench.java -- the workloads in Java: java Bench WORKLOAD NUMBERS...
//
// Each file beside this one is the C file of the same name in Java; the lines that are printed are
// the same, and so are the checksums.  The heap's limit is -Xmx, its pauses are in the JVM's log.
// SPDX-License-Identifier: MIT
import java.util.Arrays;

final class Bench {
    private static long mostLive;

    /** xorshift32 (Marsaglia 2003); the seed is an unsigned number. */
    static final class Random {
        int x;

        Random(int seed) {
            x = seed;
        }

        int next() {
            x ^= x << 13;
            x ^= x >>> 17;
            x ^= x << 5;
            return x;
        }

        int below(int limit) {
            return (int) ((next() & 0xFFFFFFFFL) % limit);
        }
    }

    static int mix(int sum, int value) {
        return sum * 31 + value;
    }

    static void checkpoint() {
        if (System.getenv("BENCH_PROBE") == null) return;
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        mostLive = Math.max(mostLive, runtime.totalMemory() - runtime.freeMemory());
    }

    static void printFigures(String name, long[] ns) {
        Arrays.sort(ns);
        print(String.format("%s count=%d p50_ns=%d p99_ns=%d p999_ns=%d max_ns=%d", name, ns.length,
            rank(ns, 500), rank(ns, 990), rank(ns, 999), rank(ns, 1000)));
    }

    /** In one piece: the JVM's log goes to the same place. */
    static void print(String line) {
        byte[] bytes = (line + "\n").getBytes();
        System.out.write(bytes, 0, bytes.length);
        System.out.flush();
    }

    private static long rank(long[] ns, long thousandths) {
        return ns.length == 0 ? 0 : ns[(int) ((ns.length * thousandths + 999) / 1000) - 1];
    }

    public static void main(String[] words) throws InterruptedException {
        int[] numbers = new int[words.length - 1];
        for (int i = 0; i < numbers.length; i++) numbers[i] = Integer.parseInt(words[i + 1]);
        int sum;
        switch (words[0]) {
            case "trees": sum = Trees.run(numbers[0]); break;
            case "gcbench": sum = GcBench.run(numbers[0]); break;
            case "lru": sum = new Lru(numbers[0]).run(numbers[1]); break;
            case "arrays": sum = LargeArrays.run(numbers[0], numbers[1]); break;
            case "mutate": sum = Mutate.run(numbers[0], numbers[1]); break;
            case "threads": sum = Threads.run(numbers[0], numbers[1], numbers[2]); break;
            case "service": sum = new Service(numbers[0]).run(numbers[1], numbers[2]); break;
            default: throw new IllegalArgumentException("no workload " + words[0]);
        }
        print("checksum value=" + Integer.toUnsignedString(sum));
        if (mostLive > 0) print("live bytes=" + mostLive);
    }
}
