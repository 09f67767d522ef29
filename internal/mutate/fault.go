package main

import (
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/threats"
)

// fault is one seeded fault: old, which must stand exactly once in file, is
// replaced by new, and tests (arguments of go test) must then fail.
type fault struct {
	name, file, old, new string
	tests                []string
}

// rowFault is a fault for one row of docs/threats.md. Only the tests in pkg
// that are named by the row are run, so that no other can notice it.
type rowFault struct{ row, name, file, old, new, pkg string }

func (r rowFault) fault() fault {
	return fault{r.row + ": " + r.name, r.file, r.old, r.new, []string{r.pkg, "-run", threats.Pattern(r.row)}}
}

// all returns the faults in the order of an exchange, then those of the rows.
func all() []fault {
	fs := slices.Concat(faults, parentFaults, httpFaults, interopFaults, protocolFaults, flagFaults, soakFaults, matrixFaults, cliFaults, runFaults, doctorFaults)
	fs = slices.Concat(fs, clientFaults, agentFaults)
	fs = append(fs, sdkFaults...)
	fs = append(fs, probeFaults...)
	fs = append(fs, mutateFaults...)
	for _, rows := range [][]rowFault{dFaults, lFaults, aFaults, sFaults, eFaults, vFaults, agentRowFaults} {
		for _, r := range rows {
			fs = append(fs, r.fault())
		}
	}
	return fs
}

// hangs are the faults that no test can fail for before its time is over.
var hangs = map[string]bool{}
