// bench/gc/go/gcbench.go -- GCBench.
// SPDX-License-Identifier: MIT
package main

type cell struct {
	left, right *cell
	i, j        int32
}

func cellPopulate(c *cell, depth uint32) {
	if depth == 0 {
		return
	}
	c.left = &cell{}
	c.right = &cell{}
	cellPopulate(c.left, depth-1)
	cellPopulate(c.right, depth-1)
}

func cellMake(depth uint32) *cell {
	if depth == 0 {
		return &cell{}
	}
	left := cellMake(depth - 1)
	return &cell{left: left, right: cellMake(depth - 1)}
}

func cellCount(c *cell) uint32 {
	if c == nil {
		return 0
	}
	return 1 + cellCount(c.left) + cellCount(c.right)
}

func cellOnce(depth uint32, down, look bool) uint32 {
	var tree *cell
	if down {
		tree = &cell{}
		cellPopulate(tree, depth)
	} else {
		tree = cellMake(depth)
	}
	if look {
		checkpoint()
	}
	nodes := uint32(0)
	for at := tree; at != nil; at = at.left {
		nodes++
	}
	return nodes
}

func gcbenchDepth(depth, stretch uint32) uint32 {
	sum := uint32(0)
	for left := 1 << (stretch + 1 - depth); left > 0; left-- {
		sum = mix(sum, cellOnce(depth, true, false))
		sum = mix(sum, cellOnce(depth, false, false))
	}
	return sum
}

func gcbench(numbers []uint32) uint32 {
	most := numbers[0]
	stretch := most + 2
	sum := cellOnce(stretch, false, true)
	long := &cell{}
	cellPopulate(long, most)
	array := make([]uint32, 8<<most)
	for i := range array[:len(array)/2] {
		array[i] = 7 * uint32(i)
	}
	for depth := uint32(leastDepth); depth <= most; depth += 2 {
		sum = mix(sum, gcbenchDepth(depth, stretch))
	}
	sum = mix(sum, cellCount(long))
	return mix(sum, array[1000])
}
