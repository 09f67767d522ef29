package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) envCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "env [flags] [-- CMD…]",
		Short: "Show the project and environment used here; with a command, the same as run",
		Long: `Show the project and environment that are used here. With a command it is the same
as agentsecrets run, and so are its exit codes.

` + runCodes,
		Example: `  agentsecrets env
  agentsecrets env -- python app.py`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: a.programs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && cmd.ArgsLenAtDash() < 0 {
				return a.showContext()
			}
			var err error
			if o.token, err = a.agentToken(cmd); err != nil {
				return &failure{code: exitOurs, err: err}
			}
			return a.runProgram(cmd.Context(), args, o)
		},
	}
	o.define(a, cmd)
	return cmd
}

func (a *app) showContext() error {
	w, err := a.where()
	if err != nil {
		return err
	}
	v := struct {
		WorkspaceID   string `json:"workspace_id"`
		WorkspaceName string `json:"workspace_name"`
		ProjectID     string `json:"project_id"`
		ProjectName   string `json:"project_name"`
		Environment   string `json:"environment"`
		File          string `json:"file"`
		Home          string `json:"home"`
	}{w.WorkspaceID, w.WorkspaceName, w.ProjectID, w.ProjectName, w.Environment, w.File, w.home}
	return a.print(v, func(out io.Writer) {
		fmt.Fprintf(out, "Workspace:   %s\nProject:     %s\nEnvironment: %s\nFile:        %s\nHome:        %s\n",
			v.WorkspaceName, v.ProjectName, v.Environment, cell(v.File), v.Home)
	})
}
