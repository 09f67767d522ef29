// Command agentsecrets lets programs call APIs with secrets that they never hold.
//
//	agentsecrets init
//	agentsecrets secrets set STRIPE_KEY
//	agentsecrets workspace allowlist add api.stripe.com
//	agentsecrets run --intercept -- curl https://api.stripe.com/v1/balance -H 'Authorization: Bearer AS_SECRET_STRIPE_KEY'
//
// This package is words and wiring: what a command is called, what it asks and
// says, and (in wiring.go) how the parts are put together. No command prints a
// value.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/agentsecrets/agentsecrets/internal/harden"
)

// The main thread is the one whose name says that a process is a run, and which
// the kernel watches for the programs that it starts.
func init() { runtime.LockOSThread() }

func main() {
	log.SetOutput(io.Discard) // libraries print there what they carry; what we say goes through app
	a := &app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: harden.CallerEnviron(os.Environ()), progress: &progress{out: os.Stderr}}
	if err := harden.OwnRuntime(); err != nil {
		a.report(err)
		os.Exit(exitFailure)
	}
	// From here on neighbours cannot look at what we hold, nor does a crash show it.
	endWithoutStacks()
	if err := harden.Hide(); err != nil {
		a.report(err)
		os.Exit(exitFailure)
	}
	// Go's verifier takes its roots from these. Which roots verify an origin is
	// policy, and who starts us must not decide it; programs that we start get
	// the environment as it was.
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		os.Unsetenv(name)
	}
	ctx, stop := untilSignal()
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// endWithoutStacks has signals of a crash end us as others do: by themselves they
// show the stack of every goroutine (os/signal), whatever the program says to
// that but for a variable that is read before it begins.
func endWithoutStacks() {
	crashed := make(chan os.Signal, 1)
	signal.Notify(crashed, syscall.SIGABRT, syscall.SIGBUS, syscall.SIGFPE, syscall.SIGILL, syscall.SIGSEGV, syscall.SIGTRAP)
	go func() {
		if s, ok := (<-crashed).(syscall.Signal); ok {
			os.Exit(128 + int(s))
		}
	}()
}

// untilSignal leaves signals alone that were ignored when we were started, such
// as SIGINT of a shell's background jobs.
func untilSignal() (context.Context, context.CancelFunc) {
	var heard []os.Signal
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if !signal.Ignored(s) {
			heard = append(heard, s)
		}
	}
	if len(heard) == 0 { // none would mean all
		return context.WithCancel(context.Background())
	}
	ctx, stop := signal.NotifyContext(context.Background(), heard...)
	context.AfterFunc(ctx, stop) // a second signal does what it would without us: it does not wait
	return ctx, stop
}
