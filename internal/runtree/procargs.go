package runtree

import (
	"bytes"
	"encoding/binary"
	"path"
)

// isRunArgs reads what KERN_PROCARGS2 answers on macOS, where a process cannot
// rename itself: argc, the path of the executable, padding, then the arguments,
// each ended by NUL. A run is told by its command line.
func isRunArgs(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	argc := int(binary.NativeEndian.Uint32(b))
	exe, rest, _ := bytes.Cut(b[4:], []byte{0})
	if path.Base(string(exe)) != "agentsecrets" {
		return false
	}
	rest = bytes.TrimLeft(rest, "\x00")
	words := bytes.Split(rest, []byte{0})
	return isRunCommand(words[:min(max(argc, 0), len(words))])
}

func isRunCommand(args [][]byte) bool {
	run := false
	for _, a := range args {
		switch string(a) {
		case "run":
			run = true
		case "--intercept", "--intercept=true":
			return run
		case "--":
			return false
		}
	}
	return false
}
