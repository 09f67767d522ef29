package mitm_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/agentsecrets/agentsecrets/audit"
	"github.com/agentsecrets/agentsecrets/internal/lab"
)

// Half a megabyte that wants to become five hundred costs no memory, and ends
// when it has grown out of all proportion.
func TestV4BombMemory(t *testing.T) {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	z.Write(make([]byte, 16<<20))
	z.Close()
	bomb := bytes.Repeat(member.Bytes(), 32)
	l := lab.New(t, lab.Config{Secrets: secrets, Allow: []string{host}, Origin: answer(200, http.Header{"Content-Encoding": {"gzip"}}, bomb)})
	do(t, l, "HEAD", l.URL(host, "/"), "", nil)
	before := peak(t, true)
	req, _ := http.NewRequest("GET", l.URL(host, "/"), nil)
	req.Header = bearer("KEY")
	resp, err := l.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err == nil || n > 200*int64(len(bomb)) {
		t.Errorf("%d bytes of %d came, %v", n, len(bomb), err)
	}
	grown := peak(t, false) - before
	if grown > 64<<10 {
		t.Errorf("the process grew by %d KiB", grown)
	}
	t.Logf("%d bytes of %d came, the process grew by %d KiB", n, len(bomb), grown)
	if e := waitEvent(t, l); e.Reason != "undecodable_response" || e.Status != audit.Error {
		t.Errorf("audit %+v", e)
	}
}

var highWater = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that the process has had, in KiB: since the last reset.
func peak(t *testing.T, reset bool) int {
	t.Helper()
	if reset {
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
			t.Fatal(err)
		}
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := highWater.FindSubmatch(status)
	if m == nil {
		t.Fatalf("no peak in %s", status)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
