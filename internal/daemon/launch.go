package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// Launch says how to start a daemon.
type Launch struct {
	Home    string
	Path    string   // of the program
	Args    []string // with the name first
	Environ []string
	Extra   *os.File                            // the daemon's fourth open file; nil: it has three
	Ready   func(context.Context, Status) error // asked until it returns nil
}

// ExitError is a daemon that ended before it was ready.
type ExitError struct {
	Code int
	Said string // its messages
}

func (e *ExitError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("the proxy ended at once, with code %d", e.Code)
	}
	return strings.TrimPrefix(e.Said, "agentsecrets: ")
}

// Start starts the daemon, cut loose from our session, terminal and open files,
// and waits until it answers or ctx ends; then it is ended.
func (l Launch) Start(ctx context.Context) (Status, error) {
	log, err := openLog(l.Home)
	if err != nil {
		return Status{}, err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return Status{}, fmt.Errorf("open the proxy's log: %w", err)
	}
	proc, err := l.detach(log)
	if err != nil {
		return Status{}, fmt.Errorf("start the proxy: %w", err)
	}
	ended := make(chan *os.ProcessState, 1)
	go func() {
		state, _ := proc.Wait()
		ended <- state
	}()
	st, err := l.wait(ctx, proc.Pid, ended)
	var exit *ExitError
	if errors.As(err, &exit) {
		said, _ := io.ReadAll(io.NewSectionReader(log, from, 4<<10))
		exit.Said = strings.TrimSpace(string(said))
	} else if err != nil {
		_ = proc.Kill()
	}
	return st, err
}

func (l Launch) wait(ctx context.Context, pid int, ended <-chan *os.ProcessState) (Status, error) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if st, err := Ask(ctx, l.Home); err == nil && st.PID == pid && l.Ready(ctx, st) == nil {
			return st, nil
		}
		select {
		case state := <-ended:
			return Status{}, &ExitError{Code: state.ExitCode()}
		case <-tick.C:
		case <-ctx.Done():
			return Status{}, fmt.Errorf("wait for the proxy to answer: %w", context.Cause(ctx))
		}
	}
}

func (l Launch) detach(log *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	if err := keepDescriptors(); err != nil {
		return nil, err
	}
	files := []*os.File{null, null, log}
	if l.Extra != nil {
		files = append(files, l.Extra)
	}
	return os.StartProcess(l.Path, l.Args, &os.ProcAttr{Env: l.Environ, Files: files, Sys: ownSession()})
}

// maxLog is where a log becomes the old log.
const maxLog = 4 << 20

func openLog(home string) (*os.File, error) {
	path := filepath.Join(home, logFile)
	if info, err := os.Lstat(path); err == nil && info.Size() > maxLog {
		_ = os.Rename(path, path+".old")
	}
	f, err := atomicfile.OpenPrivate(path, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	if err != nil {
		return nil, fmt.Errorf("open the proxy's log: %w", err)
	}
	return f, nil
}
