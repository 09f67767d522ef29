package keychain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// ask has a helper of its own do r. An error is ours: what the keychain thinks of r is in the answer.
func (s *Store) ask(ctx context.Context, r request) (answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, ErrTimeout)
	defer cancel()
	tell := time.AfterFunc(notice, s.waiting)
	defer tell.Stop()
	var lock *os.File
	if r.changes() { // before its turn: whoever reads does not wait for a change
		var err error
		if lock, err = claim(ctx, s.busy); err != nil {
			return answer{}, err
		}
		defer lock.Close()
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	}
	said, err := s.run(ctx, r, lock)
	var a answer
	// An answer counts whatever became of the process: where we are the reaper of a whole tree, somebody else in this
	// process may have taken its exit status.
	if json.Unmarshal(said, &a) == nil && a.Outcome != "" {
		return a, nil
	}
	if ctx.Err() != nil {
		return answer{}, context.Cause(ctx)
	}
	if err == nil {
		err = errors.New("it ended without an answer")
	}
	return answer{}, fmt.Errorf("%w: the keychain helper: %w", ErrUnavailable, err)
}

// run returns what a helper says to r. The helper has ended then.
func (s *Store) run(ctx context.Context, r request, lock *os.File) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.helper[0], s.helper[1:]...)
	var said capped
	// No Stderr: a crash's report might show a value.
	cmd.Stdout = &said
	cmd.WaitDelay = time.Second // should a program that the library started hold on to our pipe
	alone(cmd)
	if lock != nil {
		inherit(cmd, lock)
	}
	in, err := input(cmd) // stays open until the end: its end is how the helper learns of ours
	if err != nil {
		return nil, err
	}
	defer in.Close()
	err = cmd.Start()
	if theirs, ok := cmd.Stdin.(*os.File); ok {
		_ = theirs.Close() // the helper has its own
	}
	if err != nil {
		return nil, err
	}
	// A failure shows in the answer.
	_ = json.NewEncoder(in).Encode(r)
	if err = cmd.Wait(); err != nil {
		endGroup(cmd) // a program that the library started may have outlived the helper
	}
	return said.Bytes(), err
}

// capped is what one helper may say.
type capped struct{ buf bytes.Buffer }

func (c *capped) Write(b []byte) (int, error) {
	if c.buf.Len()+len(b) > maxMessage {
		return 0, io.ErrShortWrite
	}
	return c.buf.Write(b)
}

func (c *capped) Bytes() []byte { return c.buf.Bytes() }
