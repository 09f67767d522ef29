package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/audit"
)

// auditFlags say where exchanges are recorded, and how surely.
type auditFlags struct {
	file string
	sync bool
}

func (o *auditFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.file, "audit", "", "record in this file, and not under AGENTSECRETS_HOME; others of yours may share it")
	f.BoolVar(&o.sync, "audit-sync", false, "wait for the disk with each record")
}

func (o *auditFlags) any() bool { return o.file != "" || o.sync }

// args are the flags for a process that works elsewhere.
func (o *auditFlags) args() (args []string, err error) {
	if o.file != "" {
		file, err := filepath.Abs(o.file)
		if err != nil {
			return nil, err
		}
		args = append(args, "--audit", file)
	}
	if o.sync {
		args = append(args, "--audit-sync")
	}
	return args, nil
}

// explain is the command that explains an event.
func (o *auditFlags) explain(id string) string {
	if o.file == "" {
		return "agentsecrets explain " + id
	}
	return "agentsecrets explain " + id + " --audit " + o.file
}

// see says where the events are, "" for where they are looked for anyhow.
func (o *auditFlags) see() string {
	if o.file == "" {
		return ""
	}
	return "see " + o.file
}

// open opens the log that the flags name, else that of all calls, else one of
// this process.
func (o *auditFlags) open(home string, shared bool) (*audit.Log, error) {
	c := audit.Config{Dir: auditDir(home), Key: auditKey(home).Make, Sync: o.sync}
	switch {
	case o.file != "":
		return audit.OpenFile(o.file, c)
	case shared:
		return audit.OpenShared(c)
	}
	return audit.Open(c)
}

// auditKey lies beside the store, not in it: what is refused while the store is
// locked is recorded too.
func auditKey(home string) audit.KeyFile { return audit.KeyFile(filepath.Join(home, "audit.key")) }
