// bench/gc/java/Lru.java -- a cache with replacement of what was used least recently.
// SPDX-License-Identifier: MIT
final class Lru {
    private static final class Entry {
        Entry chain, newer, older;
        int[] value;
        int key;
    }

    private final Entry[] buckets;
    private final int most;
    private Entry newest, oldest;
    private int held;

    Lru(int most) {
        int length = 1;
        while (length < most) length *= 2;
        buckets = new Entry[length];
        this.most = most;
    }

    private int bucket(int key) {
        return (key * 0x9E3779B9) >>> 7 & (buckets.length - 1);
    }

    private void unlink(Entry entry) {
        if (entry.newer == null) newest = entry.older;
        else entry.newer.older = entry.older;
        if (entry.older == null) oldest = entry.newer;
        else entry.older.newer = entry.newer;
    }

    private void push(Entry entry) {
        entry.newer = null;
        entry.older = newest;
        if (newest == null) oldest = entry;
        else newest.newer = entry;
        newest = entry;
    }

    private Entry find(int key) {
        Entry entry = buckets[bucket(key)];
        while (entry != null && entry.key != key) entry = entry.chain;
        return entry;
    }

    private void evict() {
        Entry last = oldest, before = null;
        int bucket = bucket(last.key);
        for (Entry at = buckets[bucket]; at != last; at = at.chain) before = at;
        if (before == null) buckets[bucket] = last.chain;
        else before.chain = last.chain;
        unlink(last);
    }

    private void insert(int key) {
        int[] value = new int[8 + key % 32];
        for (int i = 0; i < value.length; i++) value[i] = key + i;
        Entry entry = new Entry();
        entry.key = key;
        entry.value = value;
        entry.chain = buckets[bucket(key)];
        buckets[bucket(key)] = entry;
        push(entry);
    }

    private int step(int key) {
        Entry entry = find(key);
        if (entry != null) {
            unlink(entry);
            push(entry);
            return entry.value[entry.value.length - 1];
        }
        if (held == most) evict();
        else held++;
        insert(key);
        return 1;
    }

    private int nextKey(Bench.Random random) {
        int keys = 2 * most;
        return (random.next() & 1) != 0 ? random.below(keys) : random.below(keys / 8);
    }

    int run(int steps) {
        Bench.Random random = new Bench.Random(1);
        int sum = 0;
        for (int step = 0; step < steps; step++) {
            sum = Bench.mix(sum, step(nextKey(random)));
            if (step == steps / 2) Bench.checkpoint();
        }
        Bench.checkpoint();
        return sum;
    }
}
