// bench/gc/go/trees.go -- binary trees.
// SPDX-License-Identifier: MIT
package main

const leastDepth = 4

type node struct{ left, right *node }

func treeBuild(depth uint32) *node {
	if depth == 0 {
		return &node{}
	}
	left := treeBuild(depth - 1)
	return &node{left, treeBuild(depth - 1)}
}

func treeCount(n *node) uint32 {
	if n.left == nil {
		return 1
	}
	return 1 + treeCount(n.left) + treeCount(n.right)
}

func treesOnce(depth uint32, look bool) uint32 {
	tree := treeBuild(depth)
	if look {
		checkpoint()
	}
	return treeCount(tree)
}

func trees(numbers []uint32) uint32 {
	most := numbers[0]
	sum := treesOnce(most+1, true)
	long := treeBuild(most)
	for depth := uint32(leastDepth); depth <= most; depth += 2 {
		for left := 1 << (most - depth + leastDepth); left > 0; left-- {
			sum = mix(sum, treesOnce(depth, false))
		}
	}
	return mix(sum, treeCount(long))
}
