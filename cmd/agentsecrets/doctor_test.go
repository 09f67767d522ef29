package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/audit"
)

// Where nothing is between clients and origins, as if the proxy changed nothing, the
// doctor finds an echo in nearly every cell.
func TestDoctorWithoutProxy(t *testing.T) {
	p, err := newDoctorPath()
	defer p.close()
	if err != nil {
		t.Fatal(err)
	}
	p.at = nil
	cells, covered := 0, 0
	for _, c := range p.checks(t.Context()) {
		switch {
		case strings.Contains(c.What, "the origin gets"):
			if !c.OK {
				t.Errorf("%+v", c)
			}
		case strings.Contains(c.What, "nothing comes back"):
			if cells, covered = cells+c.Cells, covered+c.Covered; c.OK || c.Detail != "" && !strings.Contains(c.What, "the body, ") {
				t.Errorf("%+v", c)
			}
		case c.OK:
			t.Errorf("%+v", c)
		}
	}
	if cells < 800 || covered*20 > cells {
		t.Errorf("of %d cells %d are as if there were a proxy", cells, covered)
	}
}

// A proxy that sends something else than the value, or writes the value down, is found.
func TestDoctorNoticesWhatIsSentAndWritten(t *testing.T) {
	p, err := newDoctorPath()
	defer p.close()
	if err != nil {
		t.Fatal(err)
	}
	if c := p.ask(t.Context(), doctorProbes()[0], 1); !c.OK {
		t.Errorf("%+v", c)
	}
	if c := p.sent(1); !c.OK || c.Covered != 3 {
		t.Errorf("%+v", c)
	}
	if c := p.sent(2); c.OK || len(c.Missed) != 3 {
		t.Errorf("nothing was sent: %+v", c)
	}
	if c := p.checkWritten(); !c.OK {
		t.Errorf("%+v", c)
	}
	if err := p.record(audit.Event{TargetURL: "https://x.test/?q=" + p.value}); err != nil {
		t.Fatal(err)
	}
	if c := p.checkWritten(); c.OK || len(c.Missed) == 0 {
		t.Errorf("the value is in an event: %+v", c)
	}
}

// A faulted binary fails, where the redactor by itself is sound.
func TestDoctorNotices(t *testing.T) {
	for _, fault := range []struct{ name, file, old, new, says string }{
		{"trailers pass", "mitm/respond.go", "	x.echoes.Add(x.released.Header(t))\n", "", "HTTP/1: nothing comes back in a trailer"},
	} {
		t.Run(fault.name, func(t *testing.T) {
			cmd := exec.Command(patched(t, fault.file, fault.old, fault.new), "doctor", "--output", "json")
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "AGENTSECRETS_HOME="+filepath.Join(cmd.Dir, "home"))
			out, err := cmd.Output()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("it ends with %v", err)
			}
			var r doctorReport
			if err := json.Unmarshal(out, &r); err != nil || r.OK {
				t.Fatalf("%v, %s", err, out)
			}
			found := false
			for _, c := range r.Checks {
				found = found || c.What == fault.says && !c.OK && c.Hint != ""
			}
			if !found {
				t.Errorf("nothing says %q: %s", fault.says, out)
			}
		})
	}
}
