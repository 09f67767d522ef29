package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// versions are those of a pair's client, and of what it runs on where that is the
// only one to be had: of a language's own client, or of a package of Debian's.
func versions(ctx context.Context, p pair) (client, runtime string) {
	library, _, _ := strings.Cut(p.client, " ")
	library = strings.TrimSuffix(library, ",")
	switch {
	case strings.HasPrefix(p.runtime, "Python"):
		if v := firstNumber(ctx, p.program, "-c", "import sys; from importlib.metadata import version; print(version(sys.argv[1]))", library); v != "" {
			return v, p.runtime
		}
	case p.place.dir != "":
		if v := moduleVersion(p.place.dir, library); v != "" {
			return v, p.runtime
		}
	}
	language, _, _ := strings.Cut(p.runtime, " ")
	switch v := ofProgram(ctx, p.program); {
	case language == "":
		return v, ""
	case v == "":
		return "", p.runtime
	default:
		return "", language + " " + v
	}
}

func ofProgram(ctx context.Context, program string) string {
	for _, args := range [][]string{{"--version"}, {"version"}, {"version", "--client"}, {"--list-runtimes"}} {
		if v := firstNumber(ctx, program, args...); v != "" {
			return v
		}
	}
	return ""
}

var number = regexp.MustCompile(`\d+(\.\d+)+`)

// firstNumber is the first number of a version that a command prints.
func firstNumber(ctx context.Context, program string, args ...string) string {
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if err != nil {
		return ""
	}
	return number.FindString(string(out))
}

// moduleVersion is that of a package of npm's; some have another name than people use.
func moduleVersion(dir, library string) string {
	if name := map[string]string{"anthropic": "@anthropic-ai/sdk", "octokit": "@octokit/rest", "AWS": "@aws-sdk/client-bedrock"}[library]; name != "" {
		library = name
	}
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", library, "package.json"))
	if err != nil {
		return ""
	}
	var about struct{ Version string }
	_ = json.Unmarshal(b, &about) // "" is right for what cannot be read
	return about.Version
}
