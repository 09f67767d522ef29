package clients_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
)

// spoken is an MCP server that a test talks to without a library.
type spoken struct {
	w      *world
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	stderr bytes.Buffer
	id     int
}

// speak starts args and shakes hands with it.
func (w *world) speak(args []string) *spoken {
	w.t.Helper()
	p := &spoken{w: w, cmd: w.command(args[0], args[1:]...)}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	p.in, p.out, p.cmd.Stderr = in, bufio.NewScanner(out), &p.stderr
	p.out.Buffer(nil, 4<<20)
	if err := p.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p.send("initialize", step{"protocolVersion": "2025-06-18", "capabilities": step{}, "clientInfo": step{"name": "by hand", "version": "1"}})
	p.heard(nil)
	return p
}

func (p *spoken) send(method string, params step) {
	p.w.t.Helper()
	p.id++
	line, err := json.Marshal(step{"jsonrpc": "2.0", "id": p.id, "method": method, "params": params})
	if err != nil {
		p.w.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.w.t.Fatal(err)
	}
}

// tell sends the step s, and waits for nothing.
func (p *spoken) tell(s step) {
	p.w.t.Helper()
	if s["arguments"].(step) == nil {
		s["arguments"] = step{}
	}
	p.send("tools/call", step{"name": s["tool"], "arguments": s["arguments"]})
}

// heard reads the next message.
func (p *spoken) heard(result any) {
	p.w.t.Helper()
	var m struct {
		ID     int
		Error  any
		Result json.RawMessage
	}
	if !p.out.Scan() {
		p.w.t.Fatalf("it said no more: %v\n%s", p.out.Err(), p.stderr.String())
	}
	if err := json.Unmarshal(p.out.Bytes(), &m); err != nil || m.Error != nil || m.ID != p.id {
		p.w.t.Fatalf("%v: %s", err, p.out.Bytes())
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		p.w.t.Fatal(err)
	}
}

// ask takes the step s.
func (p *spoken) ask(s step) answer {
	p.w.t.Helper()
	p.tell(s)
	var r struct {
		IsError           bool
		StructuredContent json.RawMessage
		Content           []struct{ Text string }
	}
	p.heard(&r)
	return answer{Failed: r.IsError, Text: r.Content[0].Text, Structured: r.StructuredContent}
}

// end closes its input: it must end well.
func (p *spoken) end() {
	p.w.t.Helper()
	p.in.Close()
	for p.out.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		p.w.t.Errorf("%v\n%s", err, p.stderr.String())
	}
}

// spoken starts args, takes steps and ends it.
func (w *world) spoken(args []string, steps ...step) []answer {
	w.t.Helper()
	p := w.speak(args)
	var all []answer
	for _, s := range steps {
		all = append(all, p.ask(s))
	}
	p.end()
	return all
}
