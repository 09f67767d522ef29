// Command soak shows how much the proxy carries, and that it gives all of it
// back: large bodies, connections that are idle, and event streams, many at a
// time, through bin/agentsecrets as a user would start it.
//
//	make soak                                    # builds bin/agentsecrets first
//	go run ./internal/soak -only idle -idle 9000
//
// Client and origin are this process, so that memory, descriptors and goroutines
// are those of the proxy alone. Each part has a proxy of its own, to which a value
// was released: all that passes is looked through. The exit code is 1 if a bound
// was broken. It needs Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"
)

// sizes are how much of each there is, and what it may cost. The flags are those
// of a whole run; tests have smaller ones.
type sizes struct {
	binary   string
	only     string
	body     int64 // bytes, each way
	idle     int   // connections
	streams  int
	events   int // of each stream
	gap      time.Duration
	late     time.Duration // that an event may be
	slower   time.Duration // that an exchange may be beside what is idle, beyond twice as slow
	idleCost int64         // bytes of memory for each connection
	flowCost int64         // and for each stream
	spare    int64         // bytes that a process may grow by whatever it carries
	renews   bool          // idle connections to origins are closed, not waited for: they last for a minute and a half
}

const usualBinary = "bin/agentsecrets"

func usual() sizes {
	return sizes{
		binary: usualBinary, body: 1 << 30, idle: 5000, streams: 1000, events: 20, gap: time.Second, late: 2 * time.Second, slower: 50 * time.Millisecond,
		idleCost: 60 << 10, flowCost: 256 << 10,
	}
}

func main() {
	// What is to die with us is bound to the thread that started it.
	runtime.LockOSThread()
	s, err := parse(os.Args[1:])
	if err != nil {
		os.Exit(2) // flag has said why
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, s, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func parse(args []string) (sizes, error) {
	s := usual()
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	fs.StringVar(&s.binary, "binary", s.binary, "the program that carries it")
	fs.StringVar(&s.only, "only", "", "one of "+strings.Join(partNames(), ", "))
	fs.Int64Var(&s.body, "body", s.body, "`bytes` of a body")
	fs.IntVar(&s.idle, "idle", s.idle, "connections that are idle")
	fs.IntVar(&s.streams, "streams", s.streams, "event streams")
	fs.IntVar(&s.events, "events", s.events, "events of each stream")
	fs.DurationVar(&s.gap, "gap", s.gap, "time between two events of a stream")
	fs.BoolVar(&s.renews, "renew", false, "have idle connections to origins closed, instead of waiting a minute and a half for it")
	if err := fs.Parse(args); err != nil {
		return s, err
	}
	err := s.check()
	if err == nil && fs.NArg() > 0 {
		err = errors.New("there are no arguments")
	}
	if err != nil {
		fmt.Fprintln(fs.Output(), "soak:", err)
		fs.Usage()
	}
	return s, err
}

func (s sizes) check() error {
	switch {
	case s.only != "" && !slices.Contains(partNames(), s.only):
		return fmt.Errorf("-only knows no %q", s.only)
	case s.body < 1<<20 || s.body%lineLen != 0:
		return fmt.Errorf("-body is at least %d, and a multiple of %d", 1<<20, lineLen)
	case min(s.idle, s.streams, s.events) < 1 || s.gap <= 0:
		return errors.New("-idle, -streams, -events and -gap are more than nothing")
	}
	return nil
}

// part is one thing that a proxy of its own carries.
type part struct {
	name string
	run  func(context.Context, *soak) error
}

func parts() []part {
	return []part{{"bodies", bodies}, {"idle", idle}, {"streams", streams}}
}

func partNames() (all []string) {
	for _, p := range parts() {
		all = append(all, p.name)
	}
	return all
}

// soak is one run.
type soak struct {
	sizes
	dir    string // holds all files, and goes at the end
	home   *home
	origin *origin
	proxy  *proxy // of the part under way
	rows   []row
}

func run(ctx context.Context, s sizes, stdout io.Writer) (err error) {
	if runtime.GOOS != "linux" {
		return errors.New("memory is read from /proc: this needs Linux")
	}
	k := &soak{sizes: s}
	if k.binary, err = filepath.Abs(s.binary); err != nil {
		return err
	}
	if _, err := os.Stat(k.binary); err != nil {
		return fmt.Errorf("find the program: %w (make build makes it)", err)
	}
	if k.dir, err = os.MkdirTemp("", "agentsecrets-soak-"); err != nil {
		return err
	}
	defer os.RemoveAll(k.dir)
	if k.origin, err = newOrigin(); err != nil {
		return err
	}
	defer k.origin.close()
	if k.home, err = newHome(ctx, k); err != nil {
		return err
	}
	err = k.carry(ctx)
	_, errWrite := io.WriteString(stdout, table(s, k.rows)) // what was measured until then
	return errors.Join(err, errWrite, broken(k.rows))
}

// carry does the parts, one after another.
func (k *soak) carry(ctx context.Context) error {
	for _, p := range parts() {
		if k.only != "" && k.only != p.name {
			continue
		}
		fmt.Fprintf(os.Stderr, "soak: %s\n", p.name)
		if err := k.carryPart(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	return nil
}

func (k *soak) carryPart(ctx context.Context, p part) (err error) {
	if k.proxy, err = k.home.start(ctx); err != nil {
		return err
	}
	defer k.proxy.stop()
	if err := k.release(ctx); err != nil {
		return fmt.Errorf("release a value: %w", err)
	}
	return p.run(ctx, k)
}
