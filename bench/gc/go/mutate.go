// bench/gc/go/mutate.go -- old objects that are written to all the time.
// SPDX-License-Identifier: MIT
package main

import "runtime"

type leaf struct{ value, more uint32 }

type object struct {
	others         [2]*object
	own            [2]*leaf
	value, changes uint32
}

func objectGiveLeaf(o *object, at, which uint32) uint32 {
	value := uint32(0)
	if before := o.own[which]; before != nil {
		value = before.value
	}
	o.own[which] = &leaf{value: value + at}
	return value
}

func objectsChange(table []*object, seed *uint32) uint32 {
	objects := uint32(len(table))
	at := random(seed) % objects
	to := random(seed) % objects
	choice := random(seed) >> 16
	which := choice / 4 % 2
	o := table[at]
	if choice%4 == 0 {
		return objectGiveLeaf(o, at, which)
	}
	before := o.others[which]
	o.others[which] = table[to]
	o.changes++
	return before.value + o.changes
}

func mutate(numbers []uint32) uint32 {
	objects, steps := numbers[0], numbers[1]
	table := make([]*object, objects)
	for i := range table {
		o := &object{value: uint32(i)}
		o.others[0], o.others[1] = o, o
		table[i] = o
	}
	seed, sum := uint32(1), uint32(0)
	for step := uint32(0); step < steps; step++ {
		sum = mix(sum, objectsChange(table, &seed))
	}
	checkpoint()
	runtime.KeepAlive(table)
	return sum
}
