package env

import (
	"bytes"
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"software.sslmate.com/src/go-pkcs12"
)

// javas are the one on PATH, and more that this lists as PATH lists directories.
const javasEnv = "AGENTSECRETS_TEST_JAVAS"

func javas(t *testing.T) []string {
	t.Helper()
	java, err := exec.LookPath("java")
	if err != nil {
		t.Fatal("these tests run a JDK, of any version from 11: ", err)
	}
	return append(filepath.SplitList(os.Getenv(javasEnv)), java)
}

// The JDK's own clients send no credential, so this proxy asks for none.
func TestJavaGoesThroughTheProxy(t *testing.T) {
	world := newWorld(t)
	world.open = true
	_, port, _ := strings.Cut(world.origin.Listener.Addr().String(), ":")
	for _, java := range javas(t) {
		cmd := exec.Command(java, "-XX:TieredStopAtLevel=1", "testdata/Clients.java", "https://api.example.test/", "https://127.0.0.1:"+port+"/")
		cmd.Env = world.vars(t)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		want := strings.Repeat("HttpClient hello HTTP/2.0\nHttpURLConnection hello HTTP/1.1\n", 2)
		if err != nil || string(out) != want {
			t.Errorf("%s: %v\n%s%s", java, err, out, errs.Bytes())
		}
		if to := world.seen(); !slices.Equal(to, []string{"api.example.test:443", "api.example.test:443"}) {
			t.Errorf("%s: connections to %q", java, to)
		}
		if said := errs.String(); !strings.Contains(said, "Picked up JAVA_TOOL_OPTIONS") || strings.Contains(said, "token") {
			t.Errorf("%s says %s", java, said)
		}
	}
}

// rootsIn are the subjects in the trust store that options name.
func rootsIn(t *testing.T, options string) []string {
	t.Helper()
	path := ""
	for _, word := range javaWords(options) {
		if store, ok := strings.CutPrefix(word, "-Djavax.net.ssl.trustStore="); ok {
			path = store
		}
	}
	certs, err := pkcs12.DecodeTrustStore([]byte(read(t, path)), "")
	if err != nil {
		t.Fatalf("%q: %v", path, err)
	}
	var names []string
	for _, c := range certs {
		names = append(names, c.Subject.CommonName)
	}
	return names
}

// storeOf writes a trust store with a root of that name.
func storeOf(t *testing.T, name, password string) string {
	t.Helper()
	root, err := x509.ParseCertificate(ders(rootNamed(t, name))[0])
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{root}, password)
	if err != nil {
		t.Fatal(err)
	}
	return put(t, name+" store.p12", string(store))
}

func TestVarsKeepTheTrustStoreOfBefore(t *testing.T) {
	changed, other := storeOf(t, "corp", "changeit"), storeOf(t, "other", "its own")
	empty := func(existing string) ([]byte, error) { return nil, nil }
	for _, test := range []struct {
		name    string
		environ []string
		want    []string
		notices int
	}{
		{"none", nil, []string{"ours"}, 0},
		{"the usual password", []string{`JAVA_TOOL_OPTIONS=-Xmx1g "-Djavax.net.ssl.trustStore=` + changed + `"`}, []string{"corp", "ours"}, 0},
		{"a password", []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore='" + other + `' -Djavax.net.ssl.trustStorePassword="its own"`}, []string{"other", "ours"}, 0},
		{"the one that counts", []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/nowhere", "MAVEN_OPTS=-Djavax.net.ssl.trustStore='" + changed + "'"}, []string{"corp", "ours"}, 0},
		{"another password", []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore='" + other + "'"}, []string{"ours"}, 1},
		{"missing", []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=/no/where"}, []string{"ours"}, 1},
		{"JKS", []string{"JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=" + put(t, "a.jks", "\xfe\xed\xfe\xed\x00\x00\x00\x02")}, []string{"ours"}, 1},
	} {
		c := child(t, test.environ...)
		c.Bundle = empty
		got, notices := vars(t, c)
		if names := rootsIn(t, got[javaOptions]); !slices.Equal(names, test.want) || len(notices) != test.notices {
			t.Errorf("%s: %q, want %q; notices %q", test.name, names, test.want, notices)
		}
		if strings.Contains(strings.Join(notices, " "), "its own") {
			t.Errorf("%s: a notice has the password: %q", test.name, notices)
		}
	}
}

// Each root of the bundle is there once.
func TestTrustStoreIsTheBundle(t *testing.T) {
	c := child(t)
	bundle := slices.Concat(rootNamed(t, "one"), rootNamed(t, "two"), ours())
	c.Bundle = func(string) ([]byte, error) { return append(bundle, bundle...), nil }
	got, _ := vars(t, c)
	if names := rootsIn(t, got[javaOptions]); !slices.Equal(names, []string{"one", "two", "ours"}) {
		t.Errorf("it holds %q", names)
	}
}

// What would beat our options is beaten by them.
func TestJavaOptionsWin(t *testing.T) {
	for _, test := range []struct {
		environ string
		last    bool
	}{
		{"MAVEN_OPTS=-Xmx1g -Dhttps.proxyHost=corp.example", true},
		{"_JAVA_OPTIONS=-Dhttp.nonProxyHosts=*", true},
		{"JDK_JAVA_OPTIONS='-Djavax.net.ssl.trustStore=/x y'", true},
		{"MAVEN_OPTS=-Xmx1g -Dhttps.proxyHosts", false},
		{"_JAVA_OPTIONS=-Xmx1g", false},
	} {
		got, _ := vars(t, child(t, test.environ))
		words := javaWords(got[javaLast])
		if has := slices.Contains(words, "-Dhttps.proxyHost=127.0.0.1") && words[len(words)-1] == javaDirect; has != test.last {
			t.Errorf("%s: _JAVA_OPTIONS is %q", test.environ, got[javaLast])
		}
		if name, value, _ := strings.Cut(test.environ, "="); !strings.HasPrefix(got[name], value) {
			t.Errorf("%s became %q", test.environ, got[name])
		}
	}
}

// A shell is not led to a proxy that would refuse its JVMs.
func TestJavaInShells(t *testing.T) {
	for _, told := range []bool{false, true} {
		c := child(t)
		c.Shell, c.PeersTold = true, told
		got, _ := vars(t, c)
		if strings.Contains(got[javaOptions], "proxyHost") != told || !strings.Contains(got[javaOptions], "trustStore") {
			t.Errorf("%v: %q", told, got[javaOptions])
		}
		if flags, has := got[chromiumFlags]; has {
			t.Errorf("a shell's browser believes %q", flags)
		}
	}
}

func FuzzJavaQuote(f *testing.F) {
	f.Add(`/tmp/a "b" \ 'c' $x`)
	f.Add(`"`)
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") || strings.ToValidUTF8(path, "") != path {
			return
		}
		got := javaWords("-Xmx1g  -D=" + javaQuote(path) + " last")
		if !slices.Equal(got, []string{"-Xmx1g", "-D=" + path, "last"}) {
			t.Errorf("%q is read as %q", path, got)
		}
	})
}

func TestChromiumBelievesOneKey(t *testing.T) {
	got, _ := vars(t, child(t, "CHROMIUM_FLAGS=--incognito "+chromiumTrust+"AAAA= --mute-audio"))
	flags := strings.Fields(got[chromiumFlags])
	list, ok := strings.CutPrefix(flags[len(flags)-1], chromiumTrust+"AAAA=,")
	if !ok || !slices.Equal(flags[:len(flags)-1], []string{"--incognito", "--mute-audio"}) {
		t.Fatalf("%q", flags)
	}
	key := exec.Command("sh", "-c", "openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | openssl base64")
	key.Stdin = bytes.NewReader(ours())
	if want, err := key.Output(); err != nil || list != strings.TrimSpace(string(want)) {
		t.Errorf("%q, want %q; %v", list, want, err)
	}
}

func TestProxyURLIsNotShown(t *testing.T) {
	c := child(t)
	c.ProxyURL = "http://run:token@127.0.0.1:x"
	if _, _, err := c.Vars(); err == nil || strings.Contains(err.Error(), "token") {
		t.Errorf("%v", err)
	}
}
