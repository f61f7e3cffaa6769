// bench/gc/java/LargeArrays.java -- large arrays.
// SPDX-License-Identifier: MIT
final class LargeArrays {
    private static final int LEAST_WORDS = 16 << 10, DOUBLINGS = 5, PAGE_WORDS = 1024;
    private static final int ITEM_EVERY = 512;

    private static final class Item {
        final int value, more = 0;

        Item(int value) {
            this.value = value;
        }
    }

    private static final class Holder {
        int[] words;
        Item[] items;
    }

    private static int fill(int[] words, int value) {
        int sum = 0;
        for (int i = 0; i < words.length; i += PAGE_WORDS) words[i] = value + i;
        for (int i = 0; i < words.length; i += PAGE_WORDS) sum += words[i];
        return sum;
    }

    private static int fill(Item[] items, int value) {
        int sum = 0;
        for (int i = 0; i < items.length; i += ITEM_EVERY) items[i] = new Item(value + i);
        for (int i = 0; i < items.length; i += ITEM_EVERY) sum += items[i].value;
        return sum;
    }

    private static int make(Holder holder, Bench.Random random) {
        int words = LEAST_WORDS << random.below(DOUBLINGS);
        words += random.below(words);
        if (random.below(4) == 0) {
            holder.items = new Item[words / 2];
            return fill(holder.items, words);
        }
        holder.words = new int[words];
        return fill(holder.words, words);
    }

    static int run(int live, int steps) {
        Holder[] ring = new Holder[live];
        Bench.Random random = new Bench.Random(1);
        int sum = 0;
        for (int step = 0; step < steps; step++) {
            Holder holder = new Holder();
            sum = Bench.mix(sum, make(holder, random));
            ring[step % live] = holder;
            if (step % live == live - 1) Bench.checkpoint();
        }
        return sum;
    }
}
