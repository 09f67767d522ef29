package agents

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// A rate counts over all processes: each call is one. Of an agent that has a rate
// the times of its last exchanges are in a file, as many as the rate says, which
// is a ring: the oldest of them says whether there is room for one more.

const (
	slot       = 8 // bytes of a time, and of the place of the oldest
	rateWindow = time.Minute
)

// Meter is the directory of those files.
type Meter struct{ Dir string }

// Spend counts an exchange of the agent of that name at rate. Where there were too
// many it returns how long to wait, and counts nothing.
func (m Meter) Spend(name string, rate int, now time.Time) (wait time.Duration, err error) {
	if rate <= 0 {
		return 0, nil
	}
	if err := atomicfile.MkdirPrivate(m.Dir); err != nil {
		return 0, err
	}
	path := filepath.Join(m.Dir, fmt.Sprintf("%s.rate-%d", name, rate)) // another rate begins anew
	unlock, err := atomicfile.Lock(path + ".lock")
	if err != nil {
		return 0, err
	}
	defer unlock()
	f, err := atomicfile.OpenPrivate(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	oldest, err := readSlot(f, 0)
	if err != nil {
		return 0, err
	}
	if oldest >= uint64(rate) {
		oldest = 0
	}
	at, err := readSlot(f, 1+int64(oldest))
	if err != nil {
		return 0, err
	}
	since := now.Sub(time.UnixMilli(int64(at)))
	if at != 0 && since >= 0 && since < rateWindow { // a clock that went back lets pass, once round
		return rateWindow - since, nil
	}
	if err := writeSlot(f, 1+int64(oldest), uint64(now.UnixMilli())); err != nil {
		return 0, err
	}
	return 0, writeSlot(f, 0, (oldest+1)%uint64(rate))
}

func readSlot(f *os.File, i int64) (uint64, error) {
	var b [slot]byte
	if n, err := f.ReadAt(b[:], i*slot); n < slot && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("read the rate of an agent: %w", err)
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

func writeSlot(f *os.File, i int64, v uint64) error {
	var b [slot]byte
	binary.BigEndian.PutUint64(b[:], v)
	if _, err := f.WriteAt(b[:], i*slot); err != nil {
		return fmt.Errorf("count an exchange of an agent: %w", err)
	}
	return nil
}
