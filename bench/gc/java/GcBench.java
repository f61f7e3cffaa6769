// bench/gc/java/GcBench.java -- GCBench.
// SPDX-License-Identifier: MIT
final class GcBench {
    static final class Cell {
        Cell left, right;
        int i, j;

        Cell(Cell left, Cell right) {
            this.left = left;
            this.right = right;
        }
    }

    private static void populate(Cell cell, int depth) {
        if (depth == 0) return;
        cell.left = new Cell(null, null);
        cell.right = new Cell(null, null);
        populate(cell.left, depth - 1);
        populate(cell.right, depth - 1);
    }

    private static Cell make(int depth) {
        if (depth == 0) return new Cell(null, null);
        Cell left = make(depth - 1);
        return new Cell(left, make(depth - 1));
    }

    private static int count(Cell cell) {
        return cell == null ? 0 : 1 + count(cell.left) + count(cell.right);
    }

    private static int once(int depth, boolean down, boolean look) {
        Cell tree = down ? new Cell(null, null) : make(depth);
        if (down) populate(tree, depth);
        if (look) Bench.checkpoint();
        int nodes = 0;
        for (Cell at = tree; at != null; at = at.left) nodes++;
        return nodes;
    }

    private static int allOf(int depth, int stretch) {
        int sum = 0;
        for (int left = 1 << (stretch + 1 - depth); left > 0; left--) {
            sum = Bench.mix(sum, once(depth, true, false));
            sum = Bench.mix(sum, once(depth, false, false));
        }
        return sum;
    }

    static int run(int most) {
        int stretch = most + 2;
        int sum = once(stretch, false, true);
        Cell live = new Cell(null, null);
        populate(live, most);
        int[] array = new int[8 << most];
        for (int i = 0; i < array.length / 2; i++) array[i] = 7 * i;
        for (int depth = Trees.LEAST_DEPTH; depth <= most; depth += 2)
            sum = Bench.mix(sum, allOf(depth, stretch));
        sum = Bench.mix(sum, count(live));
        return Bench.mix(sum, array[1000]);
    }
}
