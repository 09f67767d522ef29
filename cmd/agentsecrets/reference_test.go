package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	tables "github.com/agentsecrets/agentsecrets/internal/grid"
)

// The reference of all commands is written from the commands: docs/cli.md, and manual
// pages. What writes them is no part of the program, which need not carry it.

var (
	updateReference = flag.Bool("update", false, "write docs/cli.md anew")
	manDir          = flag.String("man", "", "write manual pages to this directory")
)

const referencePage = "../../docs/cli.md"

func TestReference(t *testing.T) {
	want := reference((&app{}).rootCommand())
	if *updateReference {
		if err := os.WriteFile(referencePage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == want {
		return
	}
	g, w := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("docs/cli.md is stale, make docs writes it anew; line %d is\n%s\nand should be\n%s", i+1, g[i], w[i])
		}
	}
	t.Fatal("docs/cli.md is stale, make docs writes it anew")
}

// reference is docs/cli.md.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# Every command\n\nThis page is written by `make docs` from what `agentsecrets help COMMAND` shows. The objects of `--output json` are in [json.md](json.md),\n" +
		"what every error means in [errors.md](errors.md), and where settings come from in [configuration.md](configuration.md).\n\n")
	list := inOrder(root)
	b.WriteString("| Command | Does |\n|---|---|\n") // not lined up: a new command is one line more
	for _, cmd := range list {
		if !cmd.HasSubCommands() && cmd.Runnable() {
			fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", cmd.CommandPath(), anchor(cmd.CommandPath()), inCell(cmd.Short))
		}
	}
	b.WriteString("\n## Flags of every command\n\n")
	writeFlags(&b, root.PersistentFlags())
	for _, topic := range topics() {
		fmt.Fprintf(&b, "\n## %s\n\n```text\n%s\n```\n", strings.ToUpper(topic.Name()[:1])+strings.ReplaceAll(topic.Name()[1:], "-", " "), topic.Long)
	}
	for _, cmd := range list {
		if cmd.Runnable() && !cmd.HasSubCommands() {
			writeCommand(&b, cmd)
		}
	}
	return b.String()
}

// inOrder are all commands that help shows, those of a group behind it.
func inOrder(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			list = append(append(list, sub), inOrder(sub)...)
		}
	}
	return list
}

func writeCommand(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n```text\n%s\n```\n", cmd.CommandPath(), markdown(cmd.Short), usedAs(cmd))
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(b, "\nAlso `%s`.\n", strings.Join(cmd.Aliases, "`, `"))
	}
	for _, text := range []string{cmd.Long, cmd.Example} {
		if text != "" {
			fmt.Fprintf(b, "\n```text\n%s\n```\n", text)
		}
	}
	if cmd.HasAvailableLocalFlags() {
		b.WriteString("\n")
		writeFlags(b, cmd.LocalNonPersistentFlags())
	}
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	table := [][]string{{"Flag", "Takes", "Default", "Means"}}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		takes, preset := f.Value.Type(), f.DefValue
		if takes == "bool" {
			takes, preset = "", ""
		}
		if preset == "[]" {
			preset = ""
		}
		if preset != "" {
			preset = "`" + preset + "`"
		}
		table = append(table, []string{"`--" + f.Name + "`", strings.NewReplacer("stringArray", "text, repeatable", "stringSlice", "texts", "string", "text", "int", "number", "duration", "time").Replace(takes), preset, inCell(f.Usage)})
	})
	if len(table) > 1 {
		tables.Write(b, table)
	}
}

// markdown has text mean what it says: our texts are plain.
func markdown(text string) string {
	return regexp.MustCompile("[\\\\`*<>\\[\\]]").ReplaceAllString(text, `\$0`)
}

func inCell(text string) string { return strings.ReplaceAll(markdown(text), "|", `\|`) }

func anchor(heading string) string { return strings.ReplaceAll(heading, " ", "-") }

// TestManPages writes a manual page for each command, and reads them as man does.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if *manDir != "" {
		dir = *manDir
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := (&app{}).rootCommand()
	want := 1 + len(inOrder(root))
	forMan(root)
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "agentsecrets", Manual: "AgentSecrets"}, dir); err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "agentsecrets*.1"))
	if err != nil || len(pages) != want {
		t.Fatalf("there are %d pages and %d commands: %v", len(pages), want, err)
	}
	checkTroff(t, pages)
	shown := man(t, filepath.Join(dir, "agentsecrets-workspace-allowlist-add.1"))
	for _, text := range []string{"agentsecrets-workspace-allowlist-add - Allow hosts", "'POST api.stripe.com/v1/*'", "*.example.com", "--password-file", "--plaintext"} {
		if !strings.Contains(shown, text) {
			t.Errorf("the page of allowlist add does not show %q:\n%s", text, shown)
		}
	}
	shown = man(t, filepath.Join(dir, "agentsecrets.1"))
	for _, text := range []string{"EXIT CODES", "AGENTSECRETS_HOME", "-H 'Authorization: Bearer AS_SECRET_STRIPE_KEY'", "  agentsecrets secrets set STRIPE_KEY\n", "agentsecrets-proxy(1)"} {
		if !strings.Contains(shown, text) {
			t.Errorf("the page of agentsecrets does not show %q:\n%s", text, shown)
		}
	}
}

// checkTroff has groff read the pages and warn of all that it knows.
func checkTroff(t *testing.T, pages []string) {
	t.Helper()
	out, err := exec.Command("groff", append([]string{"-man", "-Tutf8", "-ww", "-z", "-Kutf8"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

// man is what a reader gets, without what makes it bold.
func man(t *testing.T, page string) string {
	t.Helper()
	cmd := exec.Command("groff", "-man", "-Tutf8", "-Kutf8", "-P-cbou", "-rLL=100n", page)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("‐", "-", "−", "-", "’", "'").Replace(string(out))
}

// forMan makes Markdown of our plain texts, which is what pages are made from.
func forMan(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	cmd.Long, cmd.Short = blocks(long), markdown(cmd.Short)
	if !cmd.HasParent() {
		for _, topic := range topics() {
			cmd.Long += "\n\n# " + strings.ToUpper(strings.ReplaceAll(topic.Name(), "-", " ")) + "\n" + blocks(topic.Long)
		}
		cmd.InitDefaultVersionFlag()
	}
	escape := func(f *pflag.Flag) { f.Usage = markdown(f.Usage) }
	cmd.LocalNonPersistentFlags().VisitAll(escape)
	if !cmd.HasParent() {
		cmd.PersistentFlags().VisitAll(escape)
	}
	for _, sub := range cmd.Commands() {
		forMan(sub)
	}
}

// blocks are the paragraphs of text, those with indented lines as they stand.
func blocks(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		lines := strings.Split(p, "\n")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "  ") })
		if at < 0 {
			paragraphs[i] = markdown(p)
			continue
		}
		end := at
		for end < len(lines) && strings.HasPrefix(lines[end], "  ") {
			end++
		}
		parts := []string{markdown(strings.Join(lines[:at], "\n")), "```\n" + strings.Join(lines[at:end], "\n") + "\n```", markdown(strings.Join(lines[end:], "\n"))}
		paragraphs[i] = strings.Trim(strings.Join(parts, "\n\n"), "\n")
	}
	return strings.Join(paragraphs, "\n\n")
}
