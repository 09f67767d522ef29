package main

import (
	"os/exec"
	"strings"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
)

// shellStart are shells without anybody's settings, and what sets each up: the
// completion that users are told to load.
func shellStart(shell string) (argv []string, setUp string) {
	switch shell {
	case "bash":
		return []string{"bash", "--noprofile", "--norc", "-i"},
			"bind 'set enable-bracketed-paste off'; source /usr/share/bash-completion/bash_completion; source <(agentsecrets completion bash)"
	case "zsh":
		return []string{"zsh", "-f", "-i"}, "bindkey -e; autoload -Uz compinit; compinit -u -D; source <(agentsecrets completion zsh)"
	case "fish":
		return []string{"fish", "--private", "--no-config"}, "set -g fish_greeting; agentsecrets completion fish | source"
	}
	return nil, ""
}

// tab SHELL FILE has a real shell on a terminal complete each line of FILE, "typed => word": the
// Tab key is pressed behind what is typed, and then the shell shows the last of the
// words that it would run.
func pressTab(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tab shell file")
	}
	argv, setUp := shellStart(args[0])
	if argv == nil {
		ts.Fatalf("no shell is called %q", args[0])
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = []string{"TERM=xterm", "LANG=C.UTF-8", "PS1=> "}
	cmd.Env = append(cmd.Env, scriptEnviron(ts)...)
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: 200})
	ts.Check(err)
	defer tty.Close()
	defer cmd.Process.Kill()
	s := &screen{tty: tty}
	enter := func(line string) {
		_, err := tty.WriteString(line + "\r")
		ts.Check(err)
	}
	enter(setUp + "; echo set'-up'")
	ts.Check(s.await("set-up"))
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		typed, want, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if !ok {
			ts.Fatalf("%q is not typed => word", line)
		}
		begin := s.seen.Len()
		enter(typed + "\t\x01printf '<%s>' \x05; echo end'-of-words'")
		if err := s.await("end-of-words"); err != nil {
			ts.Fatalf("%s, %q: %v", args[0], typed, err)
		}
		got := s.seen.String()[begin:]
		if !strings.Contains(got, "<"+want+">end-of-words") {
			ts.Fatalf("%s completes %q otherwise than to %q: %q", args[0], typed, want, got)
		}
	}
}
