package redact

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

// BenchmarkLife adds one value to a set that has some, removes it, and makes all
// tables anew as one. heap-B/value is what the set holds when all is settled.
func BenchmarkLife(b *testing.B) {
	for _, n := range []int{1, 10, 100, 10000} {
		b.Run(fmt.Sprintf("values=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(5, uint64(n)))
			values := make([][]byte, n)
			for i := range values {
				values[i] = []byte(secret(r, i))
			}
			before := heap()
			s := NewSet()
			if err := s.add(values...); err != nil {
				b.Fatal(err)
			}
			settled(s)
			each := float64(heap()-before) / float64(n)
			var add, remove, merge time.Duration
			steps := 0
			for b.Loop() {
				old := values[steps%n] // all tables are made anew without it
				t := time.Now()
				s.Remove(s.id(old))
				remove += time.Since(t)
				settled(s)
				merge += time.Since(t)
				values[steps%n] = []byte(secret(r, steps))
				t = time.Now()
				if err := s.add(values[steps%n]); err != nil {
					b.Fatal(err)
				}
				add += time.Since(t)
				settled(s)
				steps++
			}
			b.ReportMetric(each, "heap-B/value")
			b.ReportMetric(float64(add.Nanoseconds())/float64(steps)/1e3, "add-µs")
			b.ReportMetric(float64(remove.Nanoseconds())/float64(steps)/1e3, "remove-µs")
			b.ReportMetric(float64(merge.Nanoseconds())/float64(steps)/1e6, "merge-ms")
			runtime.KeepAlive(values)
		})
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
