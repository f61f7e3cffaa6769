// bench/gc/java/Trees.java -- binary trees.
// SPDX-License-Identifier: MIT
final class Trees {
    static final int LEAST_DEPTH = 4;

    static final class Node {
        final Node left, right;

        Node(Node left, Node right) {
            this.left = left;
            this.right = right;
        }
    }

    static Node build(int depth) {
        if (depth == 0) return new Node(null, null);
        Node left = build(depth - 1);
        return new Node(left, build(depth - 1));
    }

    static int count(Node node) {
        return node.left == null ? 1 : 1 + count(node.left) + count(node.right);
    }

    private static int once(int depth, boolean look) {
        Node tree = build(depth);
        if (look) Bench.checkpoint();
        return count(tree);
    }

    static int run(int most) {
        int sum = once(most + 1, true);
        Node live = build(most);
        for (int depth = LEAST_DEPTH; depth <= most; depth += 2)
            for (int left = 1 << (most - depth + LEAST_DEPTH); left > 0; left--)
                sum = Bench.mix(sum, once(depth, false));
        return Bench.mix(sum, count(live));
    }
}
