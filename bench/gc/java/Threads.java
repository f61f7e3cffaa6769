// bench/gc/java/Threads.java -- many threads that build and hand on.
// SPDX-License-Identifier: MIT
final class Threads extends Thread {
    private static final int BOXES = 64, KEPT = 256;

    private static final class Box {
        private Trees.Node tree;

        synchronized Trees.Node exchange(Trees.Node next) {
            Trees.Node there = tree;
            tree = next;
            return there;
        }
    }

    private static final Box[] BOX = new Box[BOXES];

    private final Trees.Node[] ring = new Trees.Node[KEPT];
    private final Bench.Random random;
    private final int depth, steps;
    private int sum;

    private Threads(int number, int depth, int steps) {
        random = new Bench.Random(number + 1);
        this.depth = depth;
        this.steps = steps;
    }

    private static int drop(Trees.Node tree) {
        return tree == null ? 0 : Trees.count(tree);
    }

    @Override
    public void run() {
        for (int step = 0; step < steps; step++) {
            int choice = random.next() >>> 8;
            Trees.Node tree = Trees.build(depth), there;
            if (choice % 4 == 0) {
                there = BOX[choice / 4 % BOXES].exchange(tree);
            } else {
                there = ring[step % KEPT];
                ring[step % KEPT] = tree;
            }
            sum += drop(there);
        }
    }

    static int run(int count, int depth, int steps) throws InterruptedException {
        Threads[] threads = new Threads[count];
        for (int i = 0; i < BOXES; i++) BOX[i] = new Box();
        for (int i = 0; i < count; i++) threads[i] = new Threads(i, depth, steps);
        for (Threads thread : threads) thread.start();
        for (Threads thread : threads) thread.join();
        Bench.checkpoint();
        int sum = 0;
        for (Threads thread : threads) {
            sum += thread.sum;
            for (Trees.Node tree : thread.ring) sum += drop(tree);
        }
        for (Box box : BOX) sum += drop(box.tree);
        return sum;
    }
}
