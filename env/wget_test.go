package env

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWgetGoesThroughTheProxy(t *testing.T) {
	world := newWorld(t)
	vars := world.vars(t)
	home := ""
	for _, entry := range vars {
		if h, ok := strings.CutPrefix(entry, "HOME="); ok {
			home = h
		}
	}
	for _, wgetrc := range []string{"", "# mine\nuse_proxy = off\nhttps_proxy = http://corp.example:1\nproxy-user = a\nproxyPassword = b\nno_proxy = .test\nca_certificate = /none\nuser_agent = mine"} {
		if err := os.WriteFile(filepath.Join(home, ".wgetrc"), []byte(wgetrc), 0o600); err != nil {
			t.Fatal(err)
		}
		c := Child{
			Environ: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}, ProxyURL: "http://run:token@" + world.proxy.Listener.Addr().String(),
			CA: world.ca, Bundle: func(string) ([]byte, error) { return world.ca, nil }, Dir: filepath.Join(t.TempDir(), `a "quoted" place's name`),
		}
		environ, _, err := c.Vars()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("wget", "-qO-", "--tries=1", "https://api.example.test/")
		cmd.Env = environ
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "hello HTTP/1.1" {
			t.Errorf("%q: %q, %v", wgetrc, out, err)
		}
		if to := world.seen(); !slices.Equal(to, []string{"api.example.test:443"}) {
			t.Errorf("connections to %q", to)
		}
	}
}

func TestVarsKeepWgetrc(t *testing.T) {
	corp, home := put(t, "corp.pem", "corp"), t.TempDir()
	own := filepath.Join(home, ".wgetrc")
	if err := os.WriteFile(own, []byte("# mine\nlogin = me\nCA-Certificate = \""+corp+"\"\nNo_Proxy=x\nheader = A=B"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		environ []string
		begins  string
		roots   string
		notice  string
	}{
		{"by HOME", []string{"HOME=" + home}, "# mine\nlogin = me\nheader = A=B\nuse_proxy = on\n", "system+corp+ours", ""},
		{"by WGETRC", []string{"HOME=" + home, "WGETRC=" + put(t, "rc", "quiet = on\n")}, "quiet = on\nuse_proxy = on\n", "system+ours", ""},
		{"roots of all", []string{"HOME=/no", "SSL_CERT_FILE=" + corp}, "use_proxy = on\n", "system+corp+ours", ""},
		{"a home that cannot be looked into", []string{"HOME=/dev/null"}, "use_proxy = on\n", "system+ours", ""},
		{"missing at home", []string{"HOME=" + t.TempDir()}, "use_proxy = on\n", "system+ours", ""},
		{"missing", []string{"HOME=" + home, "WGETRC=/no/rc"}, "use_proxy = on\n", "system+ours", `WGETRC leads to "/no/rc", which cannot be used (no such file`},
		{"no text", []string{"WGETRC=" + put(t, "rc", "a = b\x00")}, "use_proxy = on\n", "system+ours", "it is no text"},
		{"a directory", []string{"WGETRC=" + t.TempDir()}, "use_proxy = on\n", "system+ours", "it is not a file"},
		{"without end", []string{"WGETRC=" + put(t, "rc", strings.Repeat("#", maxWgetrc+1))}, "use_proxy = on\n", "system+ours", "larger than"},
		{"no home", nil, "use_proxy = on\n", "system+ours", ""},
	} {
		c := child(t, test.environ...)
		got, notices := vars(t, c)
		text := read(t, got["WGETRC"])
		rest, ok := strings.CutPrefix(text, test.begins+"ca_certificate = ")
		if !ok {
			t.Errorf("%s: it holds\n%s", test.name, text)
			continue
		}
		if roots := read(t, strings.TrimSuffix(rest, "\n")); roots != test.roots {
			t.Errorf("%s: roots %q, want %q", test.name, roots, test.roots)
		}
		if said := strings.Join(notices, "\n"); !strings.Contains(said, test.notice) || (said == "") != (test.notice == "") {
			t.Errorf("%s: notices %q", test.name, notices)
		}
	}
}
