package audit

import (
	"bytes"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// A chain cannot tell by itself that its end was cut off. So the head, a file
// beside the log, keeps what the last line was when the disk last had it. One
// log is several files once it has been set aside: NAME.1.jsonl, NAME.2.jsonl
// and so on, and last NAME.jsonl, all under the head NAME.jsonl.head.

// headSize is that of a head file, always: it is written in place, in one disk
// sector, so that it can be written on a full disk and is not torn.
const headSize = 512

// head is what is known of a log beside its lines.
type head struct {
	Version int    `json:"version"`
	Start   string `json:"start"` // when the chain was begun
	Begin   link   `json:"begin"` // what the first line of the first file follows
	From    int    `json:"from"`  // number of the first file that ever was in the chain
	First   int    `json:"first"` // number of the first file that is kept
	Next    int    `json:"next"`  // number that the present file will get
	Size    int64  `json:"size"`  // bytes of the present file up to Last
	Last    link   `json:"last"`  // of the last line, or of the last one of the file before
	Pruned  bool   `json:"pruned,omitempty"`
	MAC     link   `json:"mac"`
}

// HeadError says that a head is not to be believed. The file stays as it is.
type HeadError struct{ Path string }

func (e *HeadError) Error() string {
	return e.Path + " is damaged, was edited, or was made under another key"
}

// Hint puts the head aside; the log is then begun anew, and what there is of it is reported.
func (e *HeadError) Hint() string {
	return atomicfile.Aside(e.Path, atomicfile.Damaged)
}

// begin is the head of a new log. Its first link binds the name and the time.
func (k *keys) beginLog(path string, number int, now time.Time) head {
	start := now.UTC().Format(TimeFormat)
	l := sum(k.begin, []byte(start+" "+filepath.Base(path)))
	return head{Version: 1, Start: start, Begin: l, Last: l, From: number, First: number, Next: number}
}

// encode is the file's content; it is bound to the log's name.
func (k *keys) encode(path string, h head) ([]byte, error) {
	h.MAC = link{}
	h.MAC = sum(k.head, h.bytes(), []byte(filepath.Base(path)))
	b := h.bytes()
	if len(b) >= headSize {
		return nil, fmt.Errorf("head of the audit log: %d bytes", len(b))
	}
	return append(append(b, bytes.Repeat([]byte(" "), headSize-1-len(b))...), '\n'), nil
}

func (h head) bytes() []byte {
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // texts and numbers
	}
	return b
}

// readHead reads the head of the log at path; fs.ErrNotExist says that there is none.
func (k *keys) readHead(path string) (head, error) {
	b, err := atomicfile.ReadPrivate(headPath(path))
	if err != nil {
		return head{}, err
	}
	var h head
	if err := json.Unmarshal(b, &h); err != nil || h.Version != 1 {
		return head{}, &HeadError{headPath(path)}
	}
	want, err := k.encode(path, h)
	if err != nil || !hmac.Equal(want, b) {
		return head{}, &HeadError{headPath(path)}
	}
	return h, nil
}

func headPath(path string) string { return path + ".head" }

// openHead opens the head of the log at path to be written to, with h in it.
func (k *keys) openHead(path string, h head) (*os.File, error) {
	f, err := atomicfile.OpenPrivate(headPath(path), os.O_RDWR)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	b, err := k.encode(path, h)
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(headPath(path), b, 0o600); err != nil {
		return nil, err
	}
	return atomicfile.OpenPrivate(headPath(path), os.O_RDWR)
}

// writeHead puts h in place of what f holds.
func (k *keys) writeHead(f *os.File, path string, h head) error {
	b, err := k.encode(path, h)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return err
}
