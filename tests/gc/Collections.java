// tests/gc/Collections.java -- makes trees as collections.c beside it does.
// SPDX-License-Identifier: MIT
class Collections {
  static final int DEPTH = 12, TREES = 1500, KEPT = 64;

  static class Node {
    Node left, right;
  }

  static Node tree(int depth) {
    Node node = new Node();
    if (depth == 0) return node;
    node.left = tree(depth - 1);
    node.right = tree(depth - 1);
    return node;
  }

  public static void main(String[] arguments) {
    Node[] kept = new Node[KEPT];
    int apart = TREES / KEPT + 1;
    for (int i = 0; i < TREES; i++) {
      Node one = tree(DEPTH);
      if (i % apart == 0) kept[i / apart] = one;
    }
    System.gc();
    System.out.println("kept");
  }
}
