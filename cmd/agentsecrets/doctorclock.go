package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/agentsecrets/agentsecrets/ca"
)

// clockSlack is what machines that share a disk may differ by.
const clockSlack = 5 * time.Minute

// setClock has the system set its clock by the network.
func setClock() string {
	switch runtime.GOOS {
	case "darwin":
		return "sudo sntp -sS time.apple.com"
	case "windows":
		return "w32tm /resync"
	}
	return "sudo timedatectl set-ntp true"
}

// clock compares the time with what was there before. It asks nobody on the network.
func (x *checkup) clock() doctorCheck {
	c := doctorCheck{What: "clock", OK: true}
	now := time.Now()
	for _, before := range x.landmarks() {
		if now.Before(before.at.Add(-clockSlack)) {
			c.OK, c.Hint = false, setClock()
			c.Detail = fmt.Sprintf("it says %s, and %s at %s: certificates of origins, and ours, are not valid then",
				now.UTC().Format(time.DateTime), before.what, before.at.UTC().Format(time.DateTime))
			return c
		}
	}
	c.Detail = now.UTC().Format(time.DateTime) + " UTC"
	return c
}

// landmark is something that has happened.
type landmark struct {
	what string
	at   time.Time
}

// landmarks are what the clock cannot be before.
func (x *checkup) landmarks() []landmark {
	var list []landmark
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				list = append(list, landmark{"this program was written", at})
			}
		}
	}
	if self, err := os.Executable(); err == nil {
		if info, err := os.Stat(self); err == nil {
			list = append(list, landmark{"this program was installed", info.ModTime()})
		}
	}
	if roots, err := ca.Roots(caDir(x.home)); err == nil {
		for _, r := range roots {
			list = append(list, landmark{"the root certificate was made", r.From})
			break // the next one's begins when it is its turn
		}
	}
	if files, err := filepath.Glob(filepath.Join(x.home, "*.json")); err == nil {
		for _, path := range files {
			if info, err := os.Stat(path); err == nil {
				list = append(list, landmark{filepath.Base(path) + " was written", info.ModTime()})
			}
		}
	}
	return list
}
