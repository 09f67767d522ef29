//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// What an agent does to files before it asks.

// policyFile is the one policy of the workspace that the world began with.
func (w *world) policyFile() (string, error) {
	b, err := os.ReadFile(w.path("project", ".agentsecrets", "project.json"))
	if err != nil {
		return "", err
	}
	var project struct {
		Workspace string `json:"workspace_id"`
	}
	if err := json.Unmarshal(b, &project); err != nil {
		return "", err
	}
	return w.path("home", "policy", project.Workspace+".json"), nil
}

// editPolicy allows evil by hand, and keeps the policy as it was.
func editPolicy(w *world) error {
	path, err := w.policyFile()
	if err != nil {
		return err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	edited := bytes.ReplaceAll(b, []byte(`"`+two+`"`), []byte(`"`+evil+`"`))
	if bytes.Equal(b, edited) {
		return errors.New("the policy does not name " + two)
	}
	return errors.Join(os.WriteFile(path+".kept", b, 0o600), os.WriteFile(path, edited, 0o600))
}

func restorePolicy(w *world, _ answer) string {
	path, err := w.policyFile()
	if err == nil {
		err = os.Rename(path+".kept", path)
	}
	if err != nil {
		return "the policy could not be put back: " + err.Error()
	}
	return ""
}

// fakeProject makes a workspace of the agent's own, in which evil is allowed, and
// puts the person's project into it by a file.
func fakeProject(w *world) error {
	dir := w.path("loot", "fake")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	guess := w.path("loot", "guess")
	for _, args := range [][]string{
		{"init", "--workspace", "mine", "--project", "mine", "--password-file", guess, "--store", "file", "--no-input"},
		{"workspace", "allowlist", "add", evil, "--password-file", guess},
	} {
		r := carryOut(context.Background(), order{Args: append([]string{w.binary}, args...), Dir: dir}, w.environ)
		if r.Code != 0 {
			return fmt.Errorf("%s: %s", args[0], r.Stderr)
		}
	}
	var mine, theirs map[string]any
	file := filepath.Join(dir, ".agentsecrets", "project.json")
	if err := errors.Join(readJSON(file, &mine), readJSON(w.path("project", ".agentsecrets", "project.json"), &theirs)); err != nil {
		return err
	}
	for _, field := range []string{"project_id", "project_name", "environment"} {
		mine[field] = theirs[field]
	}
	b, err := json.Marshal(mine)
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// helpers are programs of the attacker's that ours might start: each keeps what it
// was given.
func helpers(w *world) error {
	dir := w.path("loot", "bin")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	script := "#!/bin/sh\n{ /usr/bin/env; echo \"$@\"; /usr/bin/timeout 1 /bin/cat; } >>" + w.path("loot", "helped") + " 2>&1\n"
	for _, name := range []string{"dbus-launch", "gnome-keyring-daemon", "secret-tool", "security", "git", "vi", "editor", "xdg-open", "sudo", "update-ca-certificates", "certutil", "keytool", "pinentry", "getent", "hostname", "id", "stty"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// preload makes a library that says where it was loaded.
func preload(w *world) error {
	source := w.path("loot", "p.c")
	code := `#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void loaded(void) {
	char exe[4096]; ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
	FILE *f = fopen("` + w.path("loot", "preloaded") + `", "a");
	if (n > 0 && f) { exe[n] = 0; fprintf(f, "%s\n", exe); fclose(f); }
}
unsigned int la_version(unsigned int v) { return v; }
`
	if err := os.WriteFile(source, []byte(code), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"gcc", "-shared", "-fPIC", "-o", w.path("loot", "p.so"), source},
		{"env", "LD_PRELOAD=" + w.path("loot", "p.so"), "true"}, // that it works at all
	} {
		if r := carryOut(context.Background(), order{Args: args, Dir: w.dir}, os.Environ()); r.Code != 0 {
			return fmt.Errorf("%s: %s", args[0], r.Stderr)
		}
	}
	if _, err := os.Stat(w.path("loot", "preloaded")); err != nil {
		return errors.New("the library is not loaded by any program, so it shows nothing")
	}
	return nil
}

func notPreloaded(w *world, _ answer) string {
	b, err := os.ReadFile(w.path("loot", "preloaded"))
	if err != nil {
		return err.Error()
	}
	if bytes.Contains(b, []byte(w.binary)) {
		return "the library was loaded"
	}
	return ""
}

// aliases is a file for HOSTALIASES.
func aliases(w *world) error {
	return os.WriteFile(w.path("loot", "aliases"), []byte("api.example.com localhost\n"), 0o600)
}
