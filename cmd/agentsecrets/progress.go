package main

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// noticeable is when somebody begins to wonder whether anything still happens.
const noticeable = time.Second

// progress is the line of what takes a while. It is for people alone: on the terminal
// that standard error is, after a second, gone when there is something to say. It is
// written with carriage returns and blanks: no terminal has to understand a sequence.
type progress struct {
	out *os.File

	mu    sync.Mutex
	what  string // is under way; "" for nothing, or while somebody is asked
	shown int    // columns that are
}

// during shows what is under way, until done is called or somebody is asked something.
func (a *app) during(what string) (done func()) {
	p := a.progress
	if p == nil || !term.IsTerminal(int(p.out.Fd())) || a.variable("TERM") == "dumb" || !p.begin(what) {
		return func() {}
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go p.run(stop, ended)
	return func() {
		close(stop)
		<-ended
		p.end()
	}
}

// begin is false where a larger thing is under way already.
func (p *progress) begin(what string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.what == ""
	if free {
		p.what = what
	}
	return free
}

func (p *progress) run(stop <-chan struct{}, ended chan<- struct{}) {
	defer close(ended)
	begun := time.Now()
	tick := time.NewTicker(noticeable)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			p.show(int(time.Since(begun).Seconds()))
		}
	}
}

func (p *progress) show(seconds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.what == "" {
		return
	}
	p.clearLocked()
	line := []rune(fmt.Sprintf("%s… %d s", p.what, seconds))
	if width, _, err := term.GetSize(int(p.out.Fd())); err == nil && width > 0 {
		line = line[:min(len(line), width-1)]
	}
	fmt.Fprint(p.out, string(line))
	p.shown = len(line)
}

// clear makes room for a message; the next second shows the line again below it.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
}

func (p *progress) clearLocked() {
	if p.shown > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.shown))
		p.shown = 0
	}
}

func (p *progress) end() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clearLocked()
	p.what = ""
}
