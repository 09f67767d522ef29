package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// put writes a log file as some process would have left it: one event a word,
// "minute:id:event:status:secret:environment".
func put(t *testing.T, dir, name, words, rest string) {
	t.Helper()
	var b strings.Builder
	for _, w := range strings.Fields(words) {
		f := strings.Split(w, ":")
		at, err := time.Parse("4", f[0])
		if err != nil {
			t.Fatal(err)
		}
		b.Write(mustMarshal(t, Event{
			Timestamp: at.AddDate(2026, 0, 0), ID: f[1], Event: f[2], Status: f[3], SecretKeys: strings.Split(f[4], "+"), Environment: f[5],
		}))
		b.WriteByte('\n')
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()+rest), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "2.jsonl", "1:a:decided:OK:A:dev 2:b:decided:OK:A+B:dev 3:a:done:OK:A:dev 9:e:done:OK:B:prod", "")
	put(t, dir, "1.jsonl", "4:c:done:ERROR:B:prod 5:d:decided:OK:C:dev 6:b:done:BLOCKED:A+B:dev", `{"id":"being writ`)
	put(t, dir, "1.txt", "7:x:done:OK:A:dev", "")
	if err := os.Mkdir(filepath.Join(dir, "sub.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		filter Filter
		want   string
	}{
		{"all", Filter{}, "a c d b e"},
		{"last", Filter{Last: 2}, "b e"},
		{"more than there are", Filter{Last: 20}, "a c d b e"},
		{"secret", Filter{Secret: "A"}, "a b"},
		{"status of the exchange, not of its decided event", Filter{Status: "ok"}, "a d e"},
		{"blocked", Filter{Status: Blocked}, "b"},
		{"environment", Filter{Environment: "prod"}, "c e"},
		{"all at once", Filter{Last: 1, Secret: "B", Status: OK, Environment: "prod"}, "e"},
		{"nothing", Filter{Secret: "NONE"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			events, err := Read(dir, test.filter)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			if got := strings.Join(ids, " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestDoneWinsInAnyOrder(t *testing.T) {
	for _, words := range []string{
		"1:a:decided:OK:A:dev 2:a:done:ERROR:A:dev", "2:a:done:ERROR:A:dev 1:a:decided:OK:A:dev",
		"1:a:decided:OK:A:dev 1:a:decided:OK:A:dev 2:a:done:ERROR:A:dev 1:a:decided:OK:A:dev",
	} {
		dir := t.TempDir()
		put(t, dir, "1.jsonl", words, "")
		events, err := Read(dir, Filter{})
		if err != nil || len(events) != 1 || events[0].Event != Done || events[0].Status != Error {
			t.Errorf("%s: %+v, %v", words, events, err)
		}
	}
}

func TestBadLines(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "1.jsonl", "1:a:done:OK:A:dev", "\n{}\nnull\n{\"id\":\"cut\n")
	put(t, dir, "2.jsonl", "2:b:done:OK:A:dev", "\xff\xfe\n")
	events, err := Read(dir, Filter{})
	var bad *BadLinesError
	if !errors.As(err, &bad) || bad.Lines != 5 || bad.Path != filepath.Join(dir, "1.jsonl") {
		t.Errorf("error is %v", err)
	}
	if len(events) != 2 {
		t.Errorf("%d events beside them", len(events))
	}
}

func TestNoLogs(t *testing.T) {
	if events, err := Read(filepath.Join(t.TempDir(), "none"), Filter{}); err != nil || len(events) != 0 {
		t.Errorf("%v, %v", events, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add([]byte("null\n[]\n\n{\"id\":\"x\",\"timestamp\":\"2026-01-02T03:04:05.000006+00:00\"}\ntorn"))
	f.Add([]byte(`{"timestamp":"9999-99-99`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, "1.jsonl"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		events, err := Read(dir, Filter{})
		lines := len(events)
		if bad := (*BadLinesError)(nil); errors.As(err, &bad) {
			lines += bad.Lines
		} else if err != nil {
			t.Fatal(err)
		}
		if most := strings.Count(string(b), "\n"); lines > most {
			t.Errorf("%d of %d lines", lines, most)
		}
		for _, e := range events {
			checkLine(t, mustMarshal(t, e))
		}
	})
}
