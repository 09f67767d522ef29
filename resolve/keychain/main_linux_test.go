package keychain

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agentsecrets/agentsecrets/internal/harden"
	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// roleEnv says which of the other processes the test binary is that the tests need.
const roleEnv = "KEYCHAIN_TEST_ROLE"

func TestMain(m *testing.M) {
	secretservice.Main()
	if role := os.Getenv(roleEnv); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	remove, err := secretservice.Copy()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = flag.Set("test.parallel", "6") // most of the time the tests wait
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		remove()
		os.Exit(code)
	}))
}

func play(role string) error {
	if os.Args[1] == "keychain-helper" && len(os.Args) > 2 && strings.HasPrefix(os.Args[2], "/") {
		if err := sayPID(os.Args[2]); err != nil {
			return err
		}
	}
	switch role {
	case "helper":
		if err := harden.Hide(); err != nil { // as agentsecrets does
			return err
		}
		return ServeHelper(os.Stdin, os.Stdout, nil)
	case "helper in a run":
		return ServeHelper(os.Stdin, os.Stdout, func(int) error { return errors.New("inside a run") })
	case "slow helper":
		time.Sleep(2 * time.Second)
		return ServeHelper(os.Stdin, os.Stdout, nil)
	case "planter":
		return playPlanter(os.Args[2])
	case "setter":
		return playSetter(os.Args[1], os.Args[2], os.Args[3:])
	case "counter":
		return playCounter(os.Args[1], os.Args[2], os.Args[3:])
	case "writer":
		return playWriter(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	case "asker":
		return playAsker(os.Args[1], os.Args[2:])
	case "reaper":
		return playReaper(os.Args[1], os.Args[2:])
	}
	return playFaulty(role)
}

// playFaulty is a helper that fails in some way.
func playFaulty(role string) error {
	switch role {
	case "crash":
		panic("as if the library had one")
	case "exit":
		return nil
	case "garbage":
		_, err := fmt.Println("{\"outcome\":")
		return err
	case "endless":
		for {
			if _, err := os.Stdout.WriteString("xxxxxxxxxxxxxxxx"); err != nil {
				return err
			}
		}
	case "deaf": // does not even read the question
		time.Sleep(time.Minute)
		return nil
	case "stays": // after its parent, until it is told to end
		for _, err := os.Stat(os.Args[2] + ".end"); err != nil; _, err = os.Stat(os.Args[2] + ".end") {
			time.Sleep(10 * time.Millisecond)
		}
		return nil
	case "clingy": // leaves a process behind that holds its pipes
		cmd := exec.Command(os.Args[0], os.Args[1:]...)
		cmd.Env = append(os.Environ(), roleEnv+"=deaf")
		cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
		return cmd.Start()
	}
	return fmt.Errorf("there is no role %q", role)
}

// playSetter sets a secret with an index, and ends where a crash is wanted: before the store is asked or after.
func playSetter(dir, where string, helper []string) error {
	s, err := Open(Config{Helper: helper, Dir: dir})
	if err != nil {
		return err
	}
	crash := &crashing{Store: s, where: where}
	return indexIn(dir).Set(context.Background(), crash, ref("KEY"), resolve.New([]byte("new")))
}

func indexIn(dir string) *resolve.Index { return resolve.OpenIndex(filepath.Join(dir, "names.json")) }

// crashing is a Store whose process dies.
type crashing struct {
	*Store
	where string
}

func (c *crashing) Set(ctx context.Context, r resolve.Ref, v resolve.Value) error {
	if c.where == "before" {
		die()
	}
	err := c.Store.Set(ctx, r, v)
	if c.where == "after" {
		die()
	}
	return err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// playAsker asks until it is killed.
func playAsker(dir string, helper []string) error {
	s, err := Open(Config{Helper: helper, Dir: dir, Patient: true})
	if err != nil {
		return err
	}
	_, err = s.Resolve(context.Background(), ref("KEY"))
	return err
}

// playReaper is a process that takes the exit status of every child it has, as a run does.
func playReaper(dir string, helper []string) error {
	go func() {
		for {
			if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.ECHILD {
				time.Sleep(time.Millisecond)
			}
		}
	}()
	s, err := Open(Config{Helper: helper, Dir: dir, Patient: true})
	if err != nil {
		return err
	}
	for range 10 {
		v, err := s.Resolve(context.Background(), ref("KEY"))
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(v.Reveal()); err != nil {
			return err
		}
	}
	return nil
}
