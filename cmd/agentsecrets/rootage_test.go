package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
	"github.com/agentsecrets/agentsecrets/metrics"
)

// agedRoot DIR DAYS… is somebody who looked at the root CA in DIR so many days
// ago, and then: its files are as old as that made them.
func agedRoot() {
	for _, text := range os.Args[2:] {
		days, err := strconv.Atoi(text)
		if err == nil {
			_, err = ca.Open(os.Args[1], ca.Config{Now: daysAgo(days)})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func daysAgo(days int) func() time.Time {
	return func() time.Time { return time.Now().Add(-time.Duration(days) * 24 * time.Hour) }
}

// The daemon takes the next root when it is its time, and says so.
func TestL8DaemonFollows(t *testing.T) {
	for _, c := range []struct {
		says string
		days []int // ago: when somebody looked, the daemon the last time
	}{
		{"", []int{100}},
		{"a new root certificate was made", []int{680}},
		{"another root certificate signs now", []int{706, 34}},
	} {
		home := t.TempDir()
		var said bytes.Buffer
		h := &house{where: where{home: home}, metrics: metrics.New(metrics.Config{}), messages: slog.New(slog.NewTextHandler(&said, nil))}
		var now func() time.Time
		for _, days := range c.days {
			now = daysAgo(days)
			a, err := ca.Open(caDir(home), ca.Config{Now: func() time.Time { return now() }})
			if err != nil {
				t.Fatal(err)
			}
			h.authority.Store(a)
		}
		now = time.Now
		for range 2 { // the second time there is nothing to do
			h.followRoot()
		}
		if got := said.String(); c.says == "" && got != "" || strings.Count(got, c.says) != 1 && c.says != "" {
			t.Errorf("%v days: says %q", c.days, got)
		}
		if !h.authority.Load().Current() {
			t.Errorf("%v days: the root is out of date still", c.days)
		}
	}
}
