// bench/gc/go/bench.go -- the workloads in Go: program WORKLOAD NUMBERS...
//
// Each file beside this one is the C file of the same name in Go; the lines that are printed are
// the same, and so are the checksums.  The heap's limit is GOMEMLIMIT.
// SPDX-License-Identifier: MIT
package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"sort"
	"strconv"
	"time"
)

// Of the heap; and what the runtime holds beside it, which GOMEMLIMIT counts as well.
var mostLive, beside uint64

func random(seed *uint32) uint32 {
	x := *seed
	x ^= x << 13
	x ^= x >> 17
	x ^= x << 5
	*seed = x
	return x
}

func mix(sum, value uint32) uint32 { return sum*31 + value }

func checkpoint() {
	if os.Getenv("BENCH_PROBE") == "" {
		return
	}
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	if stats.HeapAlloc > mostLive {
		mostLive, beside = stats.HeapAlloc, stats.Sys-stats.HeapSys
	}
}

func printFigures(name string, ns []int64) {
	sort.Slice(ns, func(i, k int) bool { return ns[i] < ns[k] })
	rank := func(thousandths int) int64 {
		if len(ns) == 0 {
			return 0
		}
		return ns[(len(ns)*thousandths+999)/1000-1]
	}
	fmt.Printf("%s count=%d p50_ns=%d p99_ns=%d p999_ns=%d max_ns=%d\n", name, len(ns), rank(500),
		rank(990), rank(999), rank(1000))
}

// The runtime counts its pauses in buckets of some 6 %: a pause is taken for the end of its bucket.
func pauses() []int64 {
	sample := []metrics.Sample{{Name: "/gc/pauses:seconds"}}
	metrics.Read(sample)
	histogram := sample[0].Value.Float64Histogram()
	found := []int64{}
	for i, count := range histogram.Counts {
		end := histogram.Buckets[i+1]
		if math.IsInf(end, 1) {
			end = histogram.Buckets[i]
		}
		for ; count > 0; count-- {
			found = append(found, int64(end*1e9))
		}
	}
	return found
}

func main() {
	workloads := map[string]func([]uint32) uint32{"trees": trees, "gcbench": gcbench, "lru": lru,
		"arrays": arrays, "mutate": mutate, "threads": threads, "service": service}
	numbers := []uint32{}
	for _, word := range os.Args[2:] {
		number, _ := strconv.ParseUint(word, 10, 32)
		numbers = append(numbers, uint32(number))
	}
	sum := workloads[os.Args[1]](numbers)
	fmt.Printf("checksum value=%d\n", sum)
	if mostLive > 0 {
		fmt.Printf("live bytes=%d beside=%d\n", mostLive, beside)
	}
	printFigures("pauses", pauses())
}

func now() int64 { return int64(time.Since(started)) }

var started = time.Now()
