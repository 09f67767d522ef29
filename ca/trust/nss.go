package trust

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

// database is one of NSS, of a Firefox profile or shared by Chromium and its kin.
type database struct {
	certutil tool
	dir      string
	kind     string // sql or, of old, dbm
}

// profileDirs hold one directory for each profile, databaseDirs are one. All are in the home.
func profileDirs() []string {
	if runtime.GOOS == "darwin" {
		return []string{"Library/Application Support/Firefox/Profiles"}
	}
	return []string{
		".mozilla/firefox",
		".config/mozilla/firefox",
		"snap/firefox/common/.mozilla/firefox",
		".var/app/org.mozilla.firefox/.mozilla/firefox",
		".var/app/org.mozilla.firefox/config/mozilla/firefox",
	}
}

func databaseDirs() []string {
	return []string{".pki/nssdb", ".local/share/pki/nssdb", "snap/chromium/current/.pki/nssdb"}
}

func (c Config) nssPlaces() ([]place, error) {
	if runtime.GOOS == "windows" { // its certutil is another program
		return nil, &problem{reason: "not on this system", unavailable: true}
	}
	home, err := c.home()
	if err != nil {
		return nil, err
	}
	var places []place
	var seen []os.FileInfo
	for _, dir := range nssDirs(home) {
		info, err := os.Stat(dir)
		if err != nil || !info.IsDir() || contains(seen, info) {
			continue
		}
		if kind := databaseKind(dir); kind != "" {
			seen = append(seen, info)
			places = append(places, database{dir: dir, kind: kind})
		}
	}
	if places == nil {
		return nil, &problem{reason: "no Firefox profile and no NSS database in " + home, unavailable: true}
	}
	path, err := find("certutil")
	if err != nil {
		return nil, &problem{
			reason:      fmt.Sprintf("there are %d NSS databases in %s, and no certutil to change them", len(places), home),
			hint:        "sudo apt-get install libnss3-tools",
			unavailable: true,
		}
	}
	for i, p := range places {
		db := p.(database)
		db.certutil = tool{path: path, as: db.dir}
		places[i] = db
	}
	return places, nil
}

func nssDirs(home string) []string {
	var dirs []string
	for _, d := range databaseDirs() {
		dirs = append(dirs, filepath.Join(home, d))
	}
	for _, parent := range profileDirs() {
		parent = filepath.Join(home, parent)
		entries, _ := os.ReadDir(parent) // there is none for most
		for _, e := range entries {
			dirs = append(dirs, filepath.Join(parent, e.Name()))
		}
	}
	return dirs
}

func contains(seen []os.FileInfo, info os.FileInfo) bool {
	for _, s := range seen {
		if os.SameFile(s, info) {
			return true
		}
	}
	return false
}

// databaseKind is "" where there is no database. Beside a new one an old one may be left.
func databaseKind(dir string) string {
	for _, of := range []struct{ file, kind string }{{"cert9.db", "sql"}, {"cert8.db", "dbm"}} {
		if _, err := os.Stat(filepath.Join(dir, of.file)); err == nil {
			return of.kind
		}
	}
	return ""
}

func (d database) name() string { return d.dir }

// run never lets certutil ask for the database's password: it reads one from a file that has none.
func (d database) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return d.certutil.run(ctx, stdin, append(args, "-d", d.kind+":"+d.dir, "-f", os.DevNull)...)
}

func (d database) look(ctx context.Context, r *root) (bool, error) {
	nickname, err := d.nickname(ctx, r)
	if nickname == "" || err != nil {
		return false, err
	}
	if _, err := d.run(ctx, nil, "-V", "-u", "L", "-n", nickname); err != nil { // as a CA of TLS servers
		return false, fmt.Errorf("it has the root, and does not trust it: %w", err)
	}
	return true, nil
}

// line is one of the list that certutil -L prints: a nickname and what it is trusted for.
var line = regexp.MustCompile(`^(.+?) +[A-Za-z]*,[A-Za-z]*,[A-Za-z]* *$`)

// nickname is what the database calls the root, which it does by one name only, or "". It may be one that somebody
// else has given it.
func (d database) nickname(ctx context.Context, r *root) (string, error) {
	list, err := d.run(ctx, nil, "-L")
	if err != nil {
		return "", err
	}
	for text := range strings.Lines(string(list)) {
		m := line.FindStringSubmatch(strings.TrimRight(text, "\r\n"))
		if m == nil {
			continue
		}
		der, err := d.run(ctx, nil, "-L", "-n", m[1], "-r")
		if err == nil && bytes.Contains(der, r.cert.Raw) { // certificates of one subject share a name
			return m[1], nil
		}
		if err != nil && !refused(err) {
			return "", err
		}
	}
	return "", nil
}

const trustedForServers = "C,,"

func (d database) add(ctx context.Context, r *root) error {
	nickname, err := d.nickname(ctx, r)
	if err != nil {
		return err
	}
	if nickname != "" {
		_, err := d.run(ctx, nil, "-M", "-n", nickname, "-t", trustedForServers)
		return locked(err)
	}
	if _, err = d.run(ctx, r.pem, "-A", "-n", r.name, "-t", trustedForServers); err != nil {
		// It may have been put in and not been trusted, which for NSS is a root that must not be trusted.
		_ = d.remove(context.WithoutCancel(ctx), r)
	}
	return locked(err)
}

func (d database) remove(ctx context.Context, r *root) error {
	nickname, err := d.nickname(ctx, r)
	if nickname == "" || err != nil {
		return err
	}
	_, err = d.run(ctx, nil, "-D", "-n", nickname)
	return locked(err)
}

// locked tells a database that wants a password from one that does not work.
func locked(err error) error {
	if err == nil || !strings.Contains(strings.ToLower(err.Error()), "password") {
		return err
	}
	return &problem{
		reason: "the database is protected by a password, which we do not ask for",
		hint:   "import the file ca.pem in the program itself: its settings, certificates, authorities",
	}
}
