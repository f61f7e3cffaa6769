// bench/gc/go/arrays.go -- large arrays.
// SPDX-License-Identifier: MIT
package main

const leastWords, doublings, pageWords, itemEvery = 16 << 10, 5, 1024, 512

type arrayItem struct{ value, more uint32 }

type array struct {
	words []uint32
	items []*arrayItem
}

func wordsFill(words []uint32, value uint32) uint32 {
	sum := uint32(0)
	for i := 0; i < len(words); i += pageWords {
		words[i] = value + uint32(i)
	}
	for i := 0; i < len(words); i += pageWords {
		sum += words[i]
	}
	return sum
}

func itemsFill(items []*arrayItem, value uint32) uint32 {
	sum := uint32(0)
	for i := 0; i < len(items); i += itemEvery {
		items[i] = &arrayItem{value: value + uint32(i)}
	}
	for i := 0; i < len(items); i += itemEvery {
		sum += items[i].value
	}
	return sum
}

func arrayMake(seed *uint32) (*array, uint32) {
	words := uint32(leastWords) << (random(seed) % doublings)
	words += random(seed) % words
	made := &array{}
	if random(seed)%4 == 0 {
		made.items = make([]*arrayItem, words/2)
		return made, itemsFill(made.items, words)
	}
	made.words = make([]uint32, words)
	return made, wordsFill(made.words, words)
}

func arrays(numbers []uint32) uint32 {
	live, steps := numbers[0], numbers[1]
	ring := make([]*array, live)
	seed, sum := uint32(1), uint32(0)
	for step := uint32(0); step < steps; step++ {
		made, value := arrayMake(&seed)
		sum = mix(sum, value)
		ring[step%live] = made
		if step%live == live-1 {
			checkpoint()
		}
	}
	return sum
}
