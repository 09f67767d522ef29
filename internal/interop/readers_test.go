package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the suites leave behind, as they write it.

func TestReadSlow(t *testing.T) {
	const status = "\x1b[1;32mconnected:   \x1b[0;32m%d\x1b[1;32m \nclosed:   %d\nservice available:\x1b[1;32m   %s\n"
	const end = "Test ended on 12th second\nExit status:\x1b[1;36m %s\n\x1b[0m"
	for text, want := range map[string]string{
		fmt.Sprintf(status, 100, 0, "YES") + fmt.Sprintf(end, "No open connections left"):                                   passed,
		fmt.Sprintf(status, 100, 0, "YES") + fmt.Sprintf(end, "Hit test time limit"):                                        "held",
		fmt.Sprintf(status, 100, 0, "NO") + fmt.Sprintf(status, 0, 9, "YES") + fmt.Sprintf(end, "No open connections left"): "others were not served",
		fmt.Sprintf(status, 0, 0, "YES") + fmt.Sprintf(end, "Connection refused"):                                           "no connection was made",
		fmt.Sprintf(status, 100, 0, "YES"):                                                                                  "no connection was made",
		"":                                                                                                                  "no connection was made",
	} {
		if got, note := readSlow(text); got != want {
			t.Errorf("%q: %q, %s", text, got, note)
		}
	}
}

func TestReadTestssl(t *testing.T) {
	got, err := readTestssl([]byte(`[{"id":"TLS1_2","severity":"OK","finding":"offered"},{"id":"LUCKY13","severity":"LOW","finding":"CBC |  ciphers"},
		{"id":"engine_problem","severity":"WARN","finding":"x"},{"id":"new","severity":"HIGH","finding":"bad"}]`))
	want := map[string]string{"TLS1_2": passed, "LUCKY13": "LOW: CBC / ciphers", otherFindings: "new HIGH: bad"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readTestssl([]byte("[")); err == nil {
		t.Error("a report that was cut off is read")
	}
}

func TestReadAutobahn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "index.json")
	if err := os.WriteFile(file, []byte(`{"direct":{"1.1":{"behavior":"OK","behaviorClose":"OK"},"1.2":{"behavior":"OK","behaviorClose":"UNCLEAN"}},
		"through":{"1.1":{"behavior":"NON-STRICT","behaviorClose":"OK"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readAutobahn(file)
	want := results{
		direct:  map[string]string{"1.1": passed, "1.2": "OK, closed UNCLEAN"},
		through: map[string]string{"1.1": "NON-STRICT, closed OK"},
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(got.differing()) != "[1.1 1.2]" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := readAutobahn(file + "x"); err == nil {
		t.Error("a report that is not there is read")
	}
}

func TestReadPytest(t *testing.T) {
	got, err := readPytest([]byte(`<testsuites><testsuite>
		<testcase classname="a.B" name="c"/><testcase classname="a" name="d[x|y]"><failure>why</failure></testcase>
		<testcase classname="a" name="e"><skipped/></testcase><testcase classname="a" name="f"><error/></testcase></testsuite></testsuites>`))
	want := map[string]string{"a.B.c": passed, "a.d[x/y]": failed, "a.e": skipped, "a.f": failed}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestReadLoad(t *testing.T) {
	const line = "\nrequests: %d total, 9 started, 9 done, %d succeeded, 0 failed, 0 errored, 0 timeout\n"
	for text, ok := range map[string]bool{
		fmt.Sprintf(line, 9, 9): true, fmt.Sprintf(line, 9, 8): false, fmt.Sprintf(line, 8, 8): false, "": false,
	} {
		if got := readH2load(text, "9"); (got == passed) != ok {
			t.Errorf("%q: %s", text, got)
		}
	}
	for text, ok := range map[string]bool{
		`{"requests":9,"success":1,"status_codes":{"200":9}}`:                  true,
		`{"requests":8,"success":1,"status_codes":{"200":8}}`:                  false,
		`{"requests":9,"success":0.9,"status_codes":{"200":8,"502":1}}`:        false,
		`{"requests":9,"success":1,"status_codes":{"201":9}}`:                  false,
		`{"requests":9,"success":1,"status_codes":{"200":9},"errors":["EOF"]}`: false,
	} {
		if got, err := readVegeta(text, 9); err != nil || (got == passed) != ok {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	if _, err := readVegeta("{", 9); err == nil {
		t.Error("a report that was cut off is read")
	}
}

// The suite's server gets the Host that it expects, and all else as it was.
func TestNamesServer(t *testing.T) {
	const before, after = "GET / HTTP/1.1\r\nA: b\r\n", "\r\nHost: stays\r\n\x00"
	n := &namesServer{src: bufio.NewReader(strings.NewReader(before + "host: localhost:1\r\n" + after)), port: "22"}
	got, err := io.ReadAll(n)
	if want := before + "Host: localhost:22\r\n" + after; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
}

// A relay passes both ways, and the end of each by itself.
func TestRelay(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c) // to the end of what the client says
		_, _ = c.Write(append([]byte("heard "), all...))
	}()
	r, err := localRelay(func() (half, error) {
		c, err := net.Dial("tcp", server.Addr().String())
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	c, err := net.Dial("tcp", "127.0.0.1:"+r.port())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "all of it")
	_ = c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); err != nil || string(got) != "heard all of it" {
		t.Errorf("%q, %v", got, err)
	}
}
