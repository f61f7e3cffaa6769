// bench/gc/go/lru.go -- a cache with replacement of what was used least recently.
// SPDX-License-Identifier: MIT
package main

import "runtime"

type lruEntry struct {
	chain, newer, older *lruEntry
	value               []uint32
	key                 uint32
}

type lruCache struct {
	buckets        []*lruEntry
	newest, oldest *lruEntry
	held, most     uint32
}

func (c *lruCache) bucket(key uint32) **lruEntry {
	return &c.buckets[key*2654435769>>7&uint32(len(c.buckets)-1)]
}

func (c *lruCache) unlink(e *lruEntry) {
	if e.newer == nil {
		c.newest = e.older
	} else {
		e.newer.older = e.older
	}
	if e.older == nil {
		c.oldest = e.newer
	} else {
		e.older.newer = e.newer
	}
}

func (c *lruCache) push(e *lruEntry) {
	e.newer, e.older = nil, c.newest
	if c.newest == nil {
		c.oldest = e
	} else {
		c.newest.newer = e
	}
	c.newest = e
}

func (c *lruCache) find(key uint32) *lruEntry {
	e := *c.bucket(key)
	for e != nil && e.key != key {
		e = e.chain
	}
	return e
}

func (c *lruCache) evict() {
	last := c.oldest
	at := c.bucket(last.key)
	for *at != last {
		at = &(*at).chain
	}
	*at = last.chain
	c.unlink(last)
}

func (c *lruCache) insert(key uint32) {
	value := make([]uint32, 8+key%32)
	for i := range value {
		value[i] = key + uint32(i)
	}
	bucket := c.bucket(key)
	e := &lruEntry{chain: *bucket, value: value, key: key}
	*bucket = e
	c.push(e)
}

func (c *lruCache) step(key uint32) uint32 {
	if e := c.find(key); e != nil {
		c.unlink(e)
		c.push(e)
		return e.value[len(e.value)-1]
	}
	if c.held == c.most {
		c.evict()
	} else {
		c.held++
	}
	c.insert(key)
	return 1
}

func (c *lruCache) nextKey(seed *uint32) uint32 {
	keys, which := 2*c.most, random(seed)
	if which&1 != 0 {
		return random(seed) % keys
	}
	return random(seed) % (keys / 8)
}

func lru(numbers []uint32) uint32 {
	most, steps := numbers[0], numbers[1]
	buckets := uint32(1)
	for buckets < most {
		buckets *= 2
	}
	cache := &lruCache{buckets: make([]*lruEntry, buckets), most: most}
	seed, sum := uint32(1), uint32(0)
	for step := uint32(0); step < steps; step++ {
		sum = mix(sum, cache.step(cache.nextKey(&seed)))
		if step == steps/2 {
			checkpoint()
		}
	}
	checkpoint()
	runtime.KeepAlive(cache)
	return sum
}
