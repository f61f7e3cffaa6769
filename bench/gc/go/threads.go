// bench/gc/go/threads.go -- many threads that build and hand on.
// SPDX-License-Identifier: MIT
package main

import "sync"

const boxes, kept = 64, 256

var box [boxes]struct {
	lock sync.Mutex
	tree *node
}

func treeDrop(tree *node) uint32 {
	if tree == nil {
		return 0
	}
	return treeCount(tree)
}

func threadRun(number, depth, steps uint32, ring []*node) uint32 {
	seed, sum := number+1, uint32(0)
	for step := uint32(0); step < steps; step++ {
		choice := random(&seed) >> 8
		tree := treeBuild(depth)
		if choice%4 == 0 {
			b := &box[choice/4%boxes]
			b.lock.Lock()
			b.tree, tree = tree, b.tree
			b.lock.Unlock()
		} else {
			ring[step%kept], tree = tree, ring[step%kept]
		}
		sum += treeDrop(tree)
	}
	return sum
}

func threads(numbers []uint32) uint32 {
	count, depth, steps := numbers[0], numbers[1], numbers[2]
	rings, sums := make([][]*node, count), make([]uint32, count)
	var all sync.WaitGroup
	all.Add(int(count))
	for i := range rings {
		rings[i] = make([]*node, kept)
		go func(i int) {
			sums[i] = threadRun(uint32(i), depth, steps, rings[i])
			all.Done()
		}(i)
	}
	all.Wait()
	checkpoint()
	sum := uint32(0)
	for i := range rings {
		sum += sums[i]
		for _, tree := range rings[i] {
			sum += treeDrop(tree)
		}
	}
	for i := range box {
		sum += treeDrop(box[i].tree)
	}
	return sum
}
