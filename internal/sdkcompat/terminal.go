package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/creack/pty"
)

// typing is a program of a person who sits at a terminal, where the SDK takes all that
// agentsecrets says, and leaves it the terminal.
const typing = `from agentsecrets import AgentSecrets
allowlist = AgentSecrets().allowlist
allowlist.add("typed.acme.test", "also.acme.test")
allowlist.remove("also.acme.test")
print("now", [r.domain for r in allowlist.list()][2:])
`

// atTerminal is the row of what asks for the password.
func (w *world) atTerminal(ctx context.Context) row {
	r := row{Name: "allowlist.add(), allowlist.remove() at a terminal", Kind: works, Note: "the password is asked for on the terminal itself, and waited for 25 s"}
	start := time.Now()
	shown, err := w.typePassword(ctx)
	r.Seconds = time.Since(start).Seconds()
	if r.OK = err == nil && strings.Contains(shown, "now ['typed.acme.test']") && !strings.Contains(shown, password); !r.OK {
		r.Evidence = fmt.Sprintf("the terminal showed %q: %v", shown, err)
		return r
	}
	r.Evidence = "Password of workspace acme, for allowing typed.acme.test, also.acme.test: "
	if !strings.Contains(shown, r.Evidence) {
		r.OK, r.Evidence = false, "it was asked in other words: "+shown
	}
	return r
}

const password = "correct horse battery staple"

// typePassword answers each question for it, and returns what the terminal showed.
func (w *world) typePassword(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := w.command(ctx, w.python, "-c", typing)
	tty, err := pty.Start(cmd)
	if err != nil {
		return "", fmt.Errorf("start on a terminal: %w", err)
	}
	defer tty.Close()
	var shown bytes.Buffer
	buf := make([]byte, 4096)
	for answered := 0; err == nil; { // ends with EIO, when the program has closed it
		var n int
		n, err = tty.Read(buf)
		shown.Write(buf[:n])
		if asked := strings.Count(shown.String(), "Password of workspace"); asked > answered && bytes.HasSuffix(shown.Bytes(), []byte(": ")) {
			answered = asked
			_, err = tty.WriteString(password + "\n")
		}
	}
	return shown.String(), cmd.Wait()
}
