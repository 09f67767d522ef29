package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// Help that belongs to no command: agentsecrets help TOPIC.

const exitCodesHelp = `Exit codes of every command but run and env -- CMD:

  0    done
  1    failed; of call --output json any failure
  2    wrong use: an unknown command or flag, a missing or malformed argument
  3    refused: policy, a password, a run
  4    no such secret
  5    the proxy is not running, or cannot be reached
  130  interrupted by Ctrl-C

run and env -- CMD end as env(1) does:

  125  agentsecrets failed, the program was not started
  126  the program could not be executed
  127  the program was not found
  else the program's own code, or 128 and the number of the signal that ended it

Messages go to standard error and end, where a command would help, with a line "hint:".
With --output json a failure is one line on standard output too: docs/json.md.`

const variablesHelp = `Variables that agentsecrets reads. A flag counts before its variable, a variable before
the project file, that before the default.

  AGENTSECRETS_HOME       directory of all state (default ~/.agentsecrets)
  AGENTSECRETS_OUTPUT     as --output: text or json
  AGENTSECRETS_WORKSPACE  as --workspace
  AGENTSECRETS_PROJECT    as --project
  AGENTSECRETS_ENV        as --environment
  AGENTSECRETS_PORT       as --port of proxy start; other commands find the proxy that runs
  AS_AGENT_TOKEN          the agent whose limits hold (else AGENTSECRETS_TOKEN)
  AGENTSECRETS_SERVER_URL a server, which this version cannot talk to yet
  HTTPS_PROXY, NO_PROXY   a proxy that run goes through, as --parent env
  SSL_CERT_FILE and its like
                          what a program's bundle of certificates begins with; what verifies
                          origins is never read from a variable
  PATH                    where run looks for programs

Variables that run --intercept and proxy env set, beside HTTPS_PROXY and what programs
read certificates from: docs/clients.md.

  AGENTSECRETS_CA         file with the certificate of the proxy
  NAME                    AS_SECRET_NAME, for each secret of the project (run alone)

What run --clear-env leaves a program of the variables that are here: PATH, HOME, USER,
LOGNAME, SHELL, PWD, TERM, COLORTERM, LANG, LANGUAGE, LC_*, TZ, TMPDIR, XDG_*, and
AGENTSECRETS_HOME, _WORKSPACE, _PROJECT, _ENV, _OUTPUT and _PORT; --pass NAME adds to it.

No variable changes what is allowed. There are no colours, so NO_COLOR changes nothing;
progress is shown on a terminal alone, and not where TERM is dumb.`

// topics are shown by help, and are no commands.
func topics() []*cobra.Command {
	return []*cobra.Command{
		{Use: "environment-variables", Short: "Variables that are read, and those that programs get", Long: variablesHelp},
		{Use: "exit-codes", Short: "What exit codes mean", Long: exitCodesHelp},
	}
}

// helpCommand is cobra's, but for a name that there is not: cobra shows another page in
// its place and says that all went well. It completes the topics too.
func helpCommand(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		panic(err) // it was made above
	}
	show, complete := help.Run, help.ValidArgsFunction
	help.Run = nil
	help.RunE = func(cmd *cobra.Command, args []string) error {
		named, rest, err := root.Find(args)
		if err == nil && len(rest) > 0 && named.HasSubCommands() {
			return unknownCommand(named, rest[0])
		}
		show(cmd, args)
		return err
	}
	help.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		found, directive := complete(cmd, args, typed)
		for _, topic := range topics() {
			if len(args) == 0 && strings.HasPrefix(topic.Name(), typed) {
				found = append(found, cobra.CompletionWithDesc(topic.Name(), topic.Short))
			}
		}
		return found, directive
	}
}
