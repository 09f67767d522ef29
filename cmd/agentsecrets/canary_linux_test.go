package main

import (
	"syscall"
	"testing"
	"time"
)

// used is the processor time of this process.
func used(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// The proof is a part of every start, which is to be quick.
func TestCanaryIsCheap(t *testing.T) {
	least := time.Hour
	for range 10 {
		from := used(t)
		if err := proveRedaction(); err != nil {
			t.Fatal(err)
		}
		least = min(least, used(t)-from)
	}
	if least > canaryTime {
		t.Errorf("%v of processor time", least)
	}
	t.Logf("%v of processor time", least)
}

func BenchmarkCanary(b *testing.B) {
	from := used(b)
	for b.Loop() {
		if err := proveRedaction(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((used(b)-from).Microseconds())/1e3/float64(b.N), "cpu-ms")
}
