package audit

import (
	"syscall"
	"testing"
)

// BenchmarkWriteCPU tells the processor time of an event, also on a machine that does much else.
func BenchmarkWriteCPU(b *testing.B) {
	l := benchLog(b)
	defer l.Close()
	e := benchEvent()
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	for b.Loop() {
		if err := l.Write(e); err != nil {
			b.Fatal(err)
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	used := after.Utime.Nano() + after.Stime.Nano() - before.Utime.Nano() - before.Stime.Nano()
	b.ReportMetric(float64(used)/float64(b.N), "cpu-ns/op")
}

func benchEvent() Event {
	return Event{
		ID: NewID(), Event: Decided, SecretKeys: []string{"STRIPE_KEY"}, Places: []string{"header:authorization"},
		Method: "POST", TargetURL: "https://api.stripe.com/v1/balance", Domain: "api.stripe.com", Status: OK,
	}
}

func benchLog(b *testing.B) *Log {
	b.Helper()
	l, err := Open(config(b.TempDir(), nil))
	if err != nil {
		b.Fatal(err)
	}
	return l
}
