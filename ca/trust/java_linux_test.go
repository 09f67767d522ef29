package trust

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// javaHome is a Java of the machine with a cacerts of its own.
func javaHome(t *testing.T) (home, cacerts string) {
	t.Helper()
	var real string
	for _, h := range javaHomes() {
		if _, ok := keystoreOf(h); ok {
			real = h
			break
		}
	}
	if real == "" {
		t.Fatal("no Java on this machine: install default-jre-headless")
	}
	home = t.TempDir()
	cacerts = filepath.Join(home, "lib", "security", "cacerts")
	for _, dir := range []string{filepath.Join(home, "bin"), filepath.Dir(cacerts)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(real, "bin", "keytool"), filepath.Join(home, "bin", "keytool")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(real, "lib", "security", "cacerts"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cacerts, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return home, cacerts
}

func javaList(t *testing.T, cacerts string) string {
	t.Helper()
	return output(t, "keytool", "-list", "-keystore", cacerts, "-storepass", "changeit", "-J-Duser.language=en")
}

func TestJava(t *testing.T) {
	home, cacerts := javaHome(t)
	before := javaList(t, cacerts)
	a, r := authority(t)
	c := Config{PEM: a.PEM(), Stores: []string{Java}, JavaHome: home}
	for range 2 {
		report, err := Install(t.Context(), c)
		want(t, report, err, Installed)
	}
	if list := javaList(t, cacerts); !strings.Contains(list, "\n"+r.name+", ") {
		t.Fatalf("Java does not list it: %s", list)
	}
	// As Debian's hook does, by a name of its own.
	file := filepath.Join(home, "ca.pem")
	if err := os.WriteFile(file, r.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, "keytool", "-importcert", "-noprompt", "-alias", "debian:our root.pem", "-file", file, "-keystore", cacerts, "-storepass", "changeit")
	for range 2 {
		report, err := Uninstall(t.Context(), c)
		want(t, report, err, Absent)
	}
	if after := javaList(t, cacerts); after != before {
		t.Errorf("not as before: %s", after)
	}
}

func TestJavaHomeFromEnvironment(t *testing.T) {
	home, cacerts := javaHome(t)
	t.Setenv("JAVA_HOME", home)
	t.Setenv("JAVA_TOOL_OPTIONS", "-Dhello=1") // of which every Java tells on stderr
	a, _ := authority(t)
	report, err := Status(t.Context(), Config{PEM: a.PEM(), Stores: []string{Java}})
	want(t, report, err, Absent)
	if report[0].Place != cacerts {
		t.Errorf("%+v", report)
	}
}

func TestJavaFails(t *testing.T) {
	home, cacerts := javaHome(t)
	a, _ := authority(t)
	c := Config{PEM: a.PEM(), Stores: []string{Java}, JavaHome: home}
	output(t, "keytool", "-storepasswd", "-new", "another", "-keystore", cacerts, "-storepass", "changeit")
	report, err := Install(t.Context(), c)
	want(t, report, err, Failed)
	if !strings.Contains(report[0].Hint, cacerts) {
		t.Errorf("%+v", report)
	}
	if err := os.WriteFile(cacerts, []byte("no keystore"), 0o644); err != nil {
		t.Fatal(err)
	}
	report, err = Install(t.Context(), c)
	want(t, report, err, Failed)
	if data, err := os.ReadFile(cacerts); string(data) != "no keystore" {
		t.Errorf("%q, %v", data, err)
	}

	report, err = Install(t.Context(), Config{PEM: a.PEM(), Stores: []string{Java}, JavaHome: t.TempDir()})
	want(t, report, err, NotAvailable)
}

// A keystore of root's, for somebody else.
func TestJavaWithoutRights(t *testing.T) {
	a, _ := authority(t)
	answer := asNobody(t, helper(Java, a))
	seen := map[string]bool{}
	for _, r := range answer.Report {
		if seen[r.Place] { // several names lead to one Java
			t.Errorf("%s twice", r.Place)
		}
		seen[r.Place] = true
		if r.State != Failed || r.Hint != "sudo agentsecrets ca install" {
			t.Errorf("%+v", r)
		}
	}
	if len(answer.Report) == 0 {
		t.Error("no Java found")
	}
}
