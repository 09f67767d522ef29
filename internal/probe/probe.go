// Package probe asks for one URL with other people's HTTP clients, each as its user
// would: code that knows nothing of us but a URL and a placeholder.
//
//	err := probe.Unpack(dir)
//	for _, p := range probe.All() {
//		if program := p.Find(os.Getenv("PATH")); program != "" {
//			run(p.Argv(program, dir, url+"/"+p.Name, placeholder))
//		}
//	}
//
// A probe prints the body of the answer and ends with 0. It ends with Absent where
// its library is not there. URL leads to an Origin, which answers each client in
// the shape that it waits for, with the credential that came: in what a probe
// prints through the proxy the value has to be redacted.
package probe

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed programs
var programs embed.FS

// Absent is the exit code of a probe whose library is not installed.
const Absent = 77

// Probe is one client.
type Probe struct {
	Name     string   // python-requests: the first element of its URL's path
	Client   string   // as people call it
	Language string   // what it runs on: Python, Node, or "" for a program by itself
	Programs []string // that start it; the first that is there does
	argv     []string // {program}, {url} and {token}; {dir} is where Unpack wrote, {file} what it wrote of file, {source} the text of that
	file     string   // of the folder programs; "" for clients that need none
}

// Find is the path of the program that starts the probe, or "".
func (p Probe) Find(path string) string {
	for _, program := range p.Programs {
		for _, dir := range filepath.SplitList(path) {
			if found, err := exec.LookPath(filepath.Join(dir, program)); err == nil && filepath.IsAbs(found) {
				return found
			}
		}
	}
	return ""
}

// Unpack writes the programs of all probes into dir, which exists.
func Unpack(dir string) error {
	return fs.WalkDir(programs, "programs", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := programs.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimSuffix(e.Name(), ".txt"))
		if err := os.WriteFile(to, text, 0o600); err != nil {
			return fmt.Errorf("write a probe: %w", err)
		}
		return nil
	})
}

// Argv is the command line of the probe, started by program, which Find has found.
// dir is where Unpack wrote.
func (p Probe) Argv(program, dir, url, token string) []string {
	source, _ := programs.ReadFile("programs/" + p.file) // those without a file name no source
	fill := strings.NewReplacer("{program}", program, "{url}", url, "{token}", token, "{source}", string(source),
		"{dir}", dir, "{file}", filepath.Join(dir, strings.TrimSuffix(p.file, ".txt")))
	var argv []string
	for _, word := range p.argv {
		argv = append(argv, fill.Replace(word))
	}
	return argv
}
