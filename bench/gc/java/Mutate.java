// bench/gc/java/Mutate.java -- old objects that are written to all the time.
// SPDX-License-Identifier: MIT
final class Mutate {
    private static final class Leaf {
        final int value, more = 0;

        Leaf(int value) {
            this.value = value;
        }
    }

    private static final class Node {
        Node other0 = this, other1 = this;
        Leaf own0, own1;
        final int value;
        int changes;

        Node(int value) {
            this.value = value;
        }
    }

    private static int giveLeaf(Node node, int at, int which) {
        Leaf before = which == 0 ? node.own0 : node.own1;
        int value = before == null ? 0 : before.value;
        Leaf leaf = new Leaf(value + at);
        if (which == 0) node.own0 = leaf;
        else node.own1 = leaf;
        return value;
    }

    private static int change(Node[] table, Bench.Random random) {
        int at = random.below(table.length), to = random.below(table.length);
        int choice = random.next() >>> 16, which = choice / 4 % 2;
        Node node = table[at];
        if (choice % 4 == 0) return giveLeaf(node, at, which);
        Node before = which == 0 ? node.other0 : node.other1;
        if (which == 0) node.other0 = table[to];
        else node.other1 = table[to];
        node.changes++;
        return before.value + node.changes;
    }

    static int run(int objects, int steps) {
        Node[] table = new Node[objects];
        for (int i = 0; i < objects; i++) table[i] = new Node(i);
        Bench.Random random = new Bench.Random(1);
        int sum = 0;
        for (int step = 0; step < steps; step++) sum = Bench.mix(sum, change(table, random));
        Bench.checkpoint();
        java.lang.ref.Reference.reachabilityFence(table);
        return sum;
    }
}
