// bench/gc/go/service.go -- a service that holds many objects.
// SPDX-License-Identifier: MIT
package main

import (
	"fmt"
	"runtime"
	"syscall"
)

const tables, tokens, cells, lookups, renewals, itemWords = 64, 240, 32, 16, 4, 12
const warmRequests = 20000

type item struct {
	before *item
	name   *uint32
	words  [itemWords]uint32
}

type entry struct {
	chain        *entry
	item         *item
	key, renewed uint64
}

type token struct {
	next  *token
	value uint64
}

type searchCell struct {
	left, right *searchCell
	value       uint64
}

type store struct {
	tables  [tables][]*entry
	entries uint32
}

func (s *store) bucket(key uint32) **entry {
	hash := key * 2654435769
	table := s.tables[hash>>26]
	return &table[hash>>6&uint32(len(table)-1)]
}

func itemMake(value uint32) *item {
	made := &item{}
	for i := range made.words {
		made.words[i] = value + uint32(i)
	}
	return made
}

func (s *store) insert(key, value uint32) {
	made := itemMake(value)
	bucket := s.bucket(key)
	*bucket = &entry{chain: *bucket, item: made, key: uint64(key)}
}

func (s *store) find(key uint32) *entry {
	e := *s.bucket(key)
	for e.key != uint64(key) {
		e = e.chain
	}
	return e
}

func (s *store) remove(key uint32) {
	at := s.bucket(key)
	for (*at).key != uint64(key) {
		at = &(*at).chain
	}
	*at = (*at).chain
}

func (s *store) renew(key, value uint32) {
	if value%2 == 0 {
		s.remove(key)
		s.insert(key, value)
		return
	}
	made := itemMake(value)
	e := s.find(key)
	e.item = made
	e.renewed++
}

func tokensMake(seed *uint32) *token {
	var list *token
	for i := 0; i < tokens; i++ {
		list = &token{list, uint64(random(seed) >> 8)}
	}
	return list
}

func cellsMake(list *token) *searchCell {
	var top *searchCell
	for i := 0; i < cells; i, list = i+1, list.next {
		made := &searchCell{value: list.value}
		at := &top
		for *at != nil {
			if made.value >= (*at).value {
				at = &(*at).right
			} else {
				at = &(*at).left
			}
		}
		*at = made
	}
	return top
}

func cellsSum(c *searchCell, depth uint32) uint32 {
	if c == nil {
		return 0
	}
	return uint32(c.value)*depth + cellsSum(c.left, depth+1) + cellsSum(c.right, depth+1)
}

func (s *store) request(number uint32) uint32 {
	seed := number*2654435769 | 1
	list := tokensMake(&seed)
	sum := cellsSum(cellsMake(list), 1)
	tokenSum := uint32(0)
	for ; list != nil; list = list.next {
		tokenSum = mix(tokenSum, uint32(list.value))
	}
	sum = mix(sum, tokenSum)
	for i := 0; i < lookups; i++ {
		sum = mix(sum, s.find(random(&seed) % s.entries).item.words[i%itemWords])
	}
	for i := uint32(0); i < renewals; i++ {
		s.renew(random(&seed)%s.entries, sum+i)
	}
	return sum
}

func (s *store) fill(objects uint32) {
	s.entries = objects / 2
	buckets := uint32(1)
	for buckets < s.entries/tables {
		buckets *= 2
	}
	for i := range s.tables {
		s.tables[i] = make([]*entry, buckets)
	}
	for key := uint32(0); key < s.entries; key++ {
		s.insert(key, key)
	}
}

// User and system time of the calling thread.
func threadNs() int64 {
	var usage syscall.Rusage
	const thread = 1 // RUSAGE_THREAD
	if syscall.Getrusage(thread, &usage) != nil {
		return 0
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func wait(due int64) (spun int64) {
	before := threadNs()
	for now() < due {
	}
	return threadNs() - before
}

func service(numbers []uint32) uint32 {
	objects, rate, seconds := numbers[0], numbers[1], numbers[2]
	s, sum, spun := &store{}, uint32(0), int64(0)
	latencies := make([]int64, 0, rate*seconds)
	runtime.LockOSThread()
	s.fill(objects)
	checkpoint()
	for i := uint32(0); i < warmRequests; i++ {
		sum = mix(sum, s.request(i+1))
	}
	start, served := now(), uint32(0)
	for i := uint32(0); i < rate*seconds; i++ {
		due := start + int64(i)*1000000000/int64(rate)
		spun += wait(due)
		served = mix(served, s.request(i+1))
		latencies = append(latencies, now()-due)
	}
	checkpoint()
	fmt.Printf("spun ns=%d\n", spun)
	printFigures("latency", latencies)
	return mix(sum, served)
}
