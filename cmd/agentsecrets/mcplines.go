package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcpLines is what a client says, less the lines that are no message: at the first of
// them the SDK would end the server, and with it what its model can do until somebody
// starts it again. A line is a message by itself, so that the next one can be one. Whoever
// sent it is told, as JSON-RPC 2.0, 5.1, has it.
type mcpLines struct {
	src  *bufio.Scanner
	out  io.Writer // to the client
	rest []byte    // of a line that passes
	io.Closer
}

func newMCPLines(in io.ReadCloser, out io.Writer) *mcpLines {
	src := bufio.NewScanner(in)
	src.Buffer(nil, mcp.DefaultMaxLineLength)
	return &mcpLines{src: src, out: out, Closer: in}
}

func (l *mcpLines) Read(b []byte) (int, error) {
	for len(l.rest) == 0 {
		if !l.src.Scan() {
			if err := l.src.Err(); err != nil {
				return 0, fmt.Errorf("read a message: %w", err)
			}
			return 0, io.EOF
		}
		line := bytes.TrimSpace(l.src.Bytes())
		if len(line) == 0 {
			continue
		}
		if code := lineFault(line); code != 0 {
			if err := l.refuse(code); err != nil {
				return 0, err
			}
			continue
		}
		l.rest = append(bytes.Clone(line), '\n')
	}
	n := copy(b, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// lineFault is the code of why a line is no message, 0 if it is one, or several.
func lineFault(line []byte) int {
	if !json.Valid(line) {
		return jsonrpc.CodeParseError
	}
	var messages []json.RawMessage
	if line[0] != '[' {
		messages = append(messages, line)
	} else if json.Unmarshal(line, &messages) != nil || len(messages) == 0 {
		return jsonrpc.CodeInvalidRequest
	}
	for _, m := range messages {
		if _, err := jsonrpc.DecodeMessage(m); err != nil {
			return jsonrpc.CodeInvalidRequest
		}
	}
	return 0
}

// refuse repeats nothing of the line: it may be anything.
func (l *mcpLines) refuse(code int) error {
	text := map[int]string{
		jsonrpc.CodeParseError:     "Parse error: the line is no JSON",
		jsonrpc.CodeInvalidRequest: "Invalid Request: the line is no message of JSON-RPC 2.0",
	}[code]
	if _, err := fmt.Fprintf(l.out, `{"jsonrpc":"2.0","id":null,"error":{"code":%d,"message":"%s"}}`+"\n", code, text); err != nil {
		return fmt.Errorf("answer a line: %w", err)
	}
	return nil
}

// oneByOne is a writer for several: each write is a line.
type oneByOne struct {
	mu sync.Mutex
	io.WriteCloser
}

func (w *oneByOne) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.WriteCloser.Write(b)
}
