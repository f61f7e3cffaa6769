// bench/gc/java/Service.java -- a service that holds many objects.
// SPDX-License-Identifier: MIT
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

final class Service {
    private static final int TABLES = 64, TOKENS = 240, CELLS = 32, LOOKUPS = 16, RENEWALS = 4;
    private static final int WARM_REQUESTS = 20000;

    /** Twelve words in fields, as the C struct has them: an array would be an object of its own. */
    private static final class Item {
        Item before;
        int[] name;
        final int w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11;

        Item(int value) {
            w0 = value;
            w1 = value + 1;
            w2 = value + 2;
            w3 = value + 3;
            w4 = value + 4;
            w5 = value + 5;
            w6 = value + 6;
            w7 = value + 7;
            w8 = value + 8;
            w9 = value + 9;
            w10 = value + 10;
            w11 = value + 11;
        }

        int word(int i) {
            switch (i) {
                case 0: return w0;
                case 1: return w1;
                case 2: return w2;
                case 3: return w3;
                case 4: return w4;
                case 5: return w5;
                case 6: return w6;
                case 7: return w7;
                case 8: return w8;
                case 9: return w9;
                case 10: return w10;
                default: return w11;
            }
        }
    }

    private static final class Entry {
        Entry chain;
        Item item;
        final long key;
        long renewed;

        Entry(Entry chain, Item item, long key) {
            this.chain = chain;
            this.item = item;
            this.key = key;
        }
    }

    private static final class Token {
        final Token next;
        final long value;

        Token(Token next, long value) {
            this.next = next;
            this.value = value;
        }
    }

    private static final class Cell {
        Cell left, right;
        final long value;

        Cell(long value) {
            this.value = value;
        }
    }

    private final Entry[][] tables = new Entry[TABLES][];
    private final int entries, mask;

    Service(int objects) {
        entries = objects / 2;
        int buckets = 1;
        while (buckets < entries / TABLES) buckets *= 2;
        mask = buckets - 1;
        for (int i = 0; i < TABLES; i++) tables[i] = new Entry[buckets];
        for (int key = 0; key < entries; key++) insert(key, key);
    }

    private Entry[] table(int key) {
        return tables[key * 0x9E3779B9 >>> 26];
    }

    private int bucket(int key) {
        return key * 0x9E3779B9 >>> 6 & mask;
    }

    private void insert(int key, int value) {
        Item item = new Item(value);
        Entry[] table = table(key);
        table[bucket(key)] = new Entry(table[bucket(key)], item, key);
    }

    private Entry find(int key) {
        Entry entry = table(key)[bucket(key)];
        while (entry.key != key) entry = entry.chain;
        return entry;
    }

    private void remove(int key) {
        Entry[] table = table(key);
        Entry before = null, entry = table[bucket(key)];
        for (; entry.key != key; entry = entry.chain) before = entry;
        if (before == null) table[bucket(key)] = entry.chain;
        else before.chain = entry.chain;
    }

    private void renew(int key, int value) {
        if (value % 2 == 0) {
            remove(key);
            insert(key, value);
            return;
        }
        Item item = new Item(value);
        Entry entry = find(key);
        entry.item = item;
        entry.renewed++;
    }

    private static Token tokens(Bench.Random random) {
        Token list = null;
        for (int i = 0; i < TOKENS; i++) list = new Token(list, random.next() >>> 8);
        return list;
    }

    private static void hang(Cell top, Cell cell) {
        for (Cell at = top, below; ; at = below) {
            boolean right = cell.value >= at.value;
            below = right ? at.right : at.left;
            if (below != null) continue;
            if (right) at.right = cell;
            else at.left = cell;
            return;
        }
    }

    private static Cell cells(Token list) {
        Cell top = new Cell(list.value);
        for (int i = 1; i < CELLS; i++) {
            list = list.next;
            hang(top, new Cell(list.value));
        }
        return top;
    }

    private static int sum(Cell cell, int depth) {
        if (cell == null) return 0;
        return (int) cell.value * depth + sum(cell.left, depth + 1) + sum(cell.right, depth + 1);
    }

    private int request(int number) {
        Bench.Random random = new Bench.Random(number * 0x9E3779B9 | 1);
        Token list = tokens(random);
        int sum = sum(cells(list), 1), tokenSum = 0;
        for (; list != null; list = list.next) tokenSum = Bench.mix(tokenSum, (int) list.value);
        sum = Bench.mix(sum, tokenSum);
        for (int i = 0; i < LOOKUPS; i++)
            sum = Bench.mix(sum, find(random.below(entries)).item.word(i % 12));
        for (int i = 0; i < RENEWALS; i++) renew(random.below(entries), sum + i);
        return sum;
    }

    int run(int rate, int seconds) {
        long[] latencies = new long[rate * seconds];
        int sum = 0, served = 0;
        Bench.checkpoint();
        for (int i = 0; i < WARM_REQUESTS; i++) sum = Bench.mix(sum, request(i + 1));
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long start = System.nanoTime(), spun = 0;
        for (int i = 0; i < latencies.length; i++) {
            long due = start + i * 1000000000L / rate, before = threads.getCurrentThreadCpuTime();
            while (System.nanoTime() < due) continue;
            spun += threads.getCurrentThreadCpuTime() - before;
            served = Bench.mix(served, request(i + 1));
            latencies[i] = System.nanoTime() - due;
        }
        Bench.checkpoint();
        Bench.print("spun ns=" + spun);
        Bench.printFigures("latency", latencies);
        return Bench.mix(sum, served);
    }
}
