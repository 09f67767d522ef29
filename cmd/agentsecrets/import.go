package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
	"github.com/agentsecrets/agentsecrets/internal/envfile"
	"github.com/agentsecrets/agentsecrets/placeholder"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// maxImport is far more than anybody's secrets, and keeps a wrong path (a disk
// image, /dev/zero) from being read whole.
const maxImport = 16 << 20

// importOptions are the flags of secrets import.
type importOptions struct {
	format                    string
	dryRun, overwrite, rename bool
}

func (a *app) importCommand() *cobra.Command {
	o := importOptions{format: string(envfile.Auto)}
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Keep the secrets of a .env file, or of what another tool exports",
		Long: `Keep all secrets of a file, or of standard input: all of them or, if anything is
wrong with one, none. Values are kept byte for byte; a $ stays a $. Only names are
ever shown. A secret that is kept already is refused, unless --overwrite is given.

Formats: dotenv (.env, also of op inject and doppler --format env); json, a flat
object; 1password, from op item get ITEM --format json: its concealed fields, and
those whose label is a valid name; doppler, from doppler secrets [download]
--format json. auto takes the one that the file looks like.

Names have A to Z, 0 to 9 and _. Others are refused, unless --rename is given, which
takes the spelling that the refusal proposes. For some names of a file only:
agentsecrets secrets set --env-file FILE NAME…`,
		Args:              takes(cobra.ExactArgs(1)),
		ValidArgsFunction: files,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.importSecrets(cmd.Context(), args[0], o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.format, "format", o.format, strings.Join(envfile.Formats(), ", "))
	f.BoolVar(&o.dryRun, "dry-run", false, "show the names, keep nothing")
	f.BoolVar(&o.overwrite, "overwrite", false, "replace the values of secrets that are kept already")
	f.BoolVar(&o.rename, "rename", false, "spell names that are not valid so that they are")
	a.completeFlag(cmd, "format", func() ([]string, error) { return envfile.Formats(), nil })
	return cmd
}

// importJSON is what import says, of names only.
type importJSON struct {
	Format      envfile.Format `json:"format"`
	Imported    []string       `json:"imported"`
	Overwritten []string       `json:"overwritten"`
	Renamed     []renamedJSON  `json:"renamed"`
	Empty       []string       `json:"empty"`
	Skipped     []string       `json:"skipped"`
	guessableJSON
	DryRun      bool   `json:"dry_run"`
	Project     string `json:"project"`
	Environment string `json:"environment"`
}

type renamedJSON struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func (a *app) importSecrets(ctx context.Context, path string, o importOptions) error {
	if !slices.Contains(envfile.Formats(), o.format) {
		return usage("--format is %s, not %q", strings.Join(envfile.Formats(), ", "), o.format)
	}
	if err := outsideRun(changingSecrets); err != nil {
		return err
	}
	w, err := a.where()
	if err != nil {
		return err
	}
	f, err := a.readImport(path, envfile.Format(o.format))
	if err != nil {
		return err
	}
	r := importJSON{
		Format: f.Format, DryRun: o.dryRun, Project: w.ProjectName, Environment: w.Environment,
		Empty: shownAll(f, f.Empty), Skipped: shownAll(f, f.Skipped), Imported: []string{}, Overwritten: []string{}, Renamed: []renamedJSON{},
	}
	all, err := a.named(f, path, o, &r)
	if err != nil {
		return err
	}
	if err := w.replaces(all, path, o, &r); err != nil {
		return err
	}
	if err := a.checkAll(f, all); err != nil {
		return err
	}
	r.guessableJSON = guessable(all)
	if !o.dryRun {
		if err := a.keepImport(ctx, w, all); err != nil {
			return err
		}
	}
	a.sayImport(path, r)
	return a.print(r, func(out io.Writer) {
		if o.dryRun {
			for _, name := range r.Imported {
				fmt.Fprintln(out, name)
			}
		}
	})
}

func (a *app) keepImport(ctx context.Context, w where, all []given) error {
	if len(all) == 0 {
		return nil
	}
	s, err := w.secrets(ctx)
	if err != nil {
		return err
	}
	defer a.during("keeping " + count(len(all), "secret"))()
	return a.keep(ctx, w, s, all, wanted{})
}

func (a *app) readImport(path string, format envfile.Format) (*envfile.File, error) {
	in := a.stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxImport+1))
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", path, err)
	}
	if len(data) > maxImport {
		return nil, fmt.Errorf("import %s: it has more than %d MiB: nothing was kept", path, maxImport>>20)
	}
	f, err := envfile.Read(format, data)
	if err != nil {
		return nil, fmt.Errorf("import %s: %w; nothing was kept", path, err)
	}
	return f, nil
}

// shownName is how a name of a file is told to people. In a .env file what
// stands before a = may be a line of a value that lost its quotes.
func shownName(f *envfile.File, name string, line int) string {
	if f.Format != envfile.Dotenv && f.Format != envfile.Doppler || resolve.ValidName(name) == nil || len(name) <= 24 {
		return cell(fmt.Sprintf("%.128s", name))
	}
	if line == 0 {
		return "a long name (not shown: it may be a value)"
	}
	return fmt.Sprintf("the name in line %d", line)
}

func shownAll(f *envfile.File, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = shownName(f, name, 0)
	}
	return all
}

// named gives every entry a valid name, or says which have none.
func (a *app) named(f *envfile.File, path string, o importOptions, r *importJSON) ([]given, error) {
	var all []given
	var bad []string
	from := map[string]string{}
	for _, e := range f.Entries {
		shown, name := shownName(f, e.Name, e.Line), e.Name
		var invalid *resolve.NameError
		if err := resolve.ValidName(name); errors.As(err, &invalid) {
			spelled := resolve.Spelling(name)
			if !o.rename || spelled == "" {
				bad = append(bad, fmt.Sprintf("%s: %s%s", shown, invalid.Reason, proposed(shown, name, spelled)))
				continue
			}
			name = spelled
			r.Renamed = append(r.Renamed, renamedJSON{shown, name})
		}
		if before, twice := from[name]; twice {
			bad = append(bad, fmt.Sprintf("%s and %s would both be %s", before, shown, name))
			continue
		}
		from[name] = shown
		all = append(all, given{name, e.Value})
		r.Imported = append(r.Imported, name)
	}
	if len(bad) > 0 {
		fail := usage("%s cannot be imported under their names; nothing was kept\n  %s", count(len(bad), "secret"), strings.Join(bad, "\n  "))
		fail.hint = importHint(path, "--rename")
		if o.rename {
			fail.hint = "change the names in the file, or: agentsecrets secrets set NAME"
		}
		return nil, fail
	}
	return all, nil
}

// proposed is what --rename would make of a name that is shown.
func proposed(shown, name, spelled string) string {
	if spelled == "" || shown != name {
		return ""
	}
	return "; --rename makes it " + spelled
}

func importHint(path, flag string) string {
	return "agentsecrets secrets import " + atomicfile.ShellWord(path) + " " + flag
}

// replaces refuses to replace what is kept, unless that was asked for.
func (w where) replaces(all []given, path string, o importOptions, r *importJSON) error {
	kept, err := w.names()
	if err != nil {
		return err
	}
	for _, g := range all {
		if slices.Contains(kept, g.name) {
			r.Overwritten = append(r.Overwritten, g.name)
		}
	}
	if len(r.Overwritten) == 0 || o.overwrite {
		return nil
	}
	flag := "--overwrite"
	if o.rename {
		flag = "--rename " + flag
	}
	return &failure{
		code: exitFailure, hint: importHint(path, flag),
		err: fmt.Errorf("%s kept in %s already; nothing was changed: %s", areOrIs(len(r.Overwritten)), w, strings.Join(r.Overwritten, ", ")),
	}
}

// checkAll looks at values, and says where another reader might see another one.
func (a *app) checkAll(f *envfile.File, all []given) error {
	for i, g := range all {
		if err := a.checkExact(g.name, g.value); err != nil {
			return err
		}
		if note := f.Entries[i].Note; note != "" {
			a.say("note: %s %s", g.name, note)
		}
	}
	return nil
}

// sayImport tells what was left out, and what is left to do.
func (a *app) sayImport(path string, r importJSON) {
	for _, n := range r.Renamed {
		a.say("note: %s is %s here; programs write %s", n.From, n.To, placeholder.For(n.To))
	}
	if len(r.Empty) > 0 {
		a.say("note: without a value, so not kept: %s", strings.Join(r.Empty, ", "))
	}
	if len(r.Skipped) > 0 {
		a.say("note: no secrets, so not kept: %s", strings.Join(r.Skipped, ", "))
	}
	where := r.Project + ":" + r.Environment
	if r.DryRun {
		a.say("%s would be kept in %s.", count(len(r.Imported), "secret"), where)
		return
	}
	a.say("Imported %s into %s.", count(len(r.Imported), "secret"), where)
	if len(r.Imported) > 0 {
		a.warnClear(path)
	}
}

// warnClear reminds of the values that are in clear as before.
func (a *app) warnClear(path string) {
	if info, err := os.Stat(path); path != "-" && err == nil && info.Mode().IsRegular() {
		a.warn("%s still holds the values, for every program to read: delete it, and what copies there are: rm %s", path, atomicfile.ShellWord(path))
	}
}

// readEnvFile is the part of import that set has: the names that args ask for,
// all without them, under the names that they have.
func (a *app) readEnvFile(args []string, o setOptions) ([]given, error) {
	if o.stdin || slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, "=") }) {
		return nil, usage("--env-file has the values: leave --stdin and =VALUE away")
	}
	if _, err := checkNames(args); err != nil {
		return nil, err
	}
	f, err := a.readImport(o.envFile, envfile.Dotenv)
	if err != nil {
		return nil, err
	}
	if len(args) > 0 {
		if err := only(f, args); err != nil {
			return nil, fmt.Errorf("import %s: %w", o.envFile, err)
		}
	}
	r := importJSON{Empty: shownAll(f, f.Empty)}
	all, err := a.named(f, o.envFile, importOptions{}, &r)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, usage("%s holds no secret", o.envFile)
	}
	if len(r.Empty) > 0 {
		a.say("note: without a value, so not kept: %s", strings.Join(r.Empty, ", "))
	}
	return all, a.checkAll(f, all)
}

// only keeps the entries that names ask for; each must have a value.
func only(f *envfile.File, names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(f.Entries, func(e envfile.Entry) bool { return e.Name == name }) {
			return usage("it holds no value for %s", name)
		}
	}
	f.Entries = slices.DeleteFunc(f.Entries, func(e envfile.Entry) bool { return !slices.Contains(names, e.Name) })
	f.Empty = nil
	return nil
}
