//go:build unix

package trust

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// detach puts cmd into a session without a terminal: certutil asks for passwords on /dev/tty whatever its input is. A
// signal to our process group leaves it alone as well.
func detach(cmd *exec.Cmd, as string) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if as == "" || os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Lstat(as)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("tell who owns %s", as)
	}
	if st.Uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: st.Uid, Gid: st.Gid}
	}
	return nil
}

// mayChangeSystem is true for root.
func mayChangeSystem() bool { return os.Geteuid() == 0 }
