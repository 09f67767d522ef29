//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// strangerID is another user, whom no account need be made for.
const strangerID = 65534

// wish is what a program of another user is to try.
type wish struct {
	Do   string `json:"do"`
	At   string `json:"at"`   // a path, an address, a process
	Send string `json:"send"` // to an address
}

// loot is what it got.
type loot struct {
	Outcome string `json:"outcome"` // refused, or done
	Said    string `json:"said"`
	Text    []byte `json:"text"`
}

// strangerMain is that program.
func strangerMain(_ []string, stdin io.Reader, stdout io.Writer) error {
	var w wish
	if err := json.NewDecoder(stdin).Decode(&w); err != nil {
		return err
	}
	deeds := map[string]func(wish) ([]byte, error){
		"read": read, "list": list, "write": write, "link": link, "talk": address, "socket": socket,
		"trace": attach, "memory": memory, "kill": kill,
		"squat": func(w wish) ([]byte, error) { return squat(w, stdin, stdout) },
	}
	text, err := deeds[w.Do](w)
	l := loot{Outcome: "done", Text: text}
	if err != nil {
		l.Outcome, l.Said = "refused", err.Error()
	}
	return json.NewEncoder(stdout).Encode(l)
}

func read(w wish) ([]byte, error) { return os.ReadFile(w.At) }

func list(w wish) ([]byte, error) {
	all, err := os.ReadDir(w.At)
	return fmt.Append(nil, all), err
}

func write(w wish) ([]byte, error) {
	return nil, os.WriteFile(w.At, []byte(w.Send), 0o600)
}

func link(w wish) ([]byte, error) { return nil, os.Link(w.At, w.Send) }

// address sends bytes to one and reads until nothing more comes.
func address(w wish) ([]byte, error) {
	conn, err := net.Dial("tcp", w.At)
	if err != nil {
		return nil, err
	}
	return converse(conn, w.Send)
}

func socket(w wish) ([]byte, error) {
	conn, err := net.Dial("unix", w.At)
	if err != nil {
		return nil, err
	}
	return converse(conn, w.Send)
}

func converse(conn net.Conn, send string) ([]byte, error) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(stillness))
	if _, err := io.WriteString(conn, send); err != nil {
		return nil, err
	}
	return io.ReadAll(conn)
}

func process(w wish) int {
	pid, err := strconv.Atoi(w.At)
	if err != nil || pid <= 0 {
		return 1 << 30 // none
	}
	return pid
}

func attach(w wish) ([]byte, error) { return nil, unix.PtraceSeize(process(w)) }

func memory(w wish) ([]byte, error) {
	b := make([]byte, 4096)
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(process(w), local, []unix.RemoteIovec{{Base: 0x400000, Len: len(b)}}, 0)
	return b[:max(0, n)], err
}

func kill(w wish) ([]byte, error) { return nil, syscall.Kill(process(w), syscall.SIGTERM) }

// squat listens where another listened, says so, and keeps what it is sent until
// its input ends.
func squat(w wish, stdin io.Reader, stdout io.Writer) ([]byte, error) {
	l, err := net.Listen("tcp", w.At)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(stdout).Encode(loot{Outcome: "listening"}); err != nil {
		return nil, err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		l.Close()
	}()
	var all []byte
	for {
		conn, err := l.Accept()
		if err != nil {
			return all, nil
		}
		got, _ := converse(conn, "HTTP/1.1 200 OK\r\n\r\n")
		all = append(all, got...)
	}
}

// stranger starts that program as another user. meanwhile runs once it listens.
func (w *world) stranger(ctx context.Context, wish wish, meanwhile func()) (answer, error) {
	if os.Getuid() != 0 || w.alone() {
		return answer{}, errors.New("not run: needs root")
	}
	in, err := json.Marshal(wish)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, w.self, "stranger")
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: strangerID, Gid: strangerID}}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return answer{}, err
	}
	defer stdin.Close()
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err == nil {
		_, err = stdin.Write(in)
	}
	if err != nil {
		return answer{}, fmt.Errorf("be another user: %w", err)
	}
	defer cmd.Wait() // by then its input has ended, or it was killed
	said := json.NewDecoder(out)
	var l loot
	if err = said.Decode(&l); err == nil && l.Outcome == "listening" {
		meanwhile()
		stdin.Close()
		err = said.Decode(&l)
	}
	if err != nil {
		return answer{}, fmt.Errorf("hear from the other user: %w", err)
	}
	a := answer{outcome: l.Outcome, said: shorten(l.Said), text: l.Text}
	if first, _, _ := strings.Cut(string(l.Text), "\r\n"); strings.HasPrefix(first, "HTTP/1.1 ") && l.Outcome == "done" && wish.Do != "squat" {
		a.outcome, a.said = first[9:12], shorten(first[12:])
	}
	return a, nil
}

// alone reports whether this process has no other user to be: root of a user
// namespace has nobody else in it.
func (w *world) alone() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	f := strings.Fields(string(b))
	return err != nil || len(f) < 3 || f[2] == "1"
}
