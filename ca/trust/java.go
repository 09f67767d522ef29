package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// storePassword is that of every cacerts, unless somebody has changed it. It protects nothing.
const storePassword = "changeit"

// keystore is the cacerts of one Java, or of several that share it.
type keystore struct {
	keytool tool
	path    string
}

func (c Config) javaPlaces() ([]place, error) {
	homes := javaHomes()
	if home := c.javaHome(); home != "" {
		homes = []string{home}
	}
	var places []place
	seen := map[string]bool{}
	for _, home := range homes {
		k, ok := keystoreOf(home)
		if ok && !seen[k.path] {
			seen[k.path] = true
			places = append(places, k)
		}
	}
	if places == nil {
		reason := "no Java found"
		if c.javaHome() != "" {
			reason = "no Java in " + c.javaHome()
		}
		return nil, &problem{reason: reason, unavailable: true}
	}
	return places, nil
}

func keystoreOf(home string) (keystore, bool) {
	exe := "keytool"
	if runtime.GOOS == "windows" {
		exe += ".exe"
	}
	program, err := filepath.Abs(filepath.Join(home, "bin", exe))
	if err != nil {
		return keystore{}, false
	}
	if _, err := os.Stat(program); err != nil {
		return keystore{}, false
	}
	for _, lib := range []string{"lib", "jre/lib"} {
		path, err := filepath.EvalSymlinks(filepath.Join(home, lib, "security", "cacerts"))
		if err == nil {
			return keystore{keytool: tool{path: program, as: path}, path: path}, true
		}
	}
	return keystore{}, false
}

// javaHomes are where systems install Java, and where the keytool on PATH comes from.
func javaHomes() []string {
	var homes []string
	if path, err := find("keytool"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			homes = append(homes, filepath.Dir(filepath.Dir(path)))
		}
	}
	for _, pattern := range []string{"/usr/lib/jvm/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home"} {
		found, _ := filepath.Glob(pattern) // the patterns are good
		homes = append(homes, found...)
	}
	return homes
}

func (k keystore) name() string { return k.path }

// run gives keytool the password, or it would ask for it.
func (k keystore) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	args = append(args, "-keystore", k.path, "-storepass", storePassword, "-J-Duser.language=en")
	out, err := k.keytool.run(ctx, stdin, args...)
	if err != nil && strings.Contains(err.Error(), "password was incorrect") {
		return nil, &problem{
			reason: "the keystore has a password other than Java's default",
			hint:   fmt.Sprintf("keytool -importcert -keystore %s -file ca.pem", k.path),
		}
	}
	return out, err
}

func (k keystore) look(ctx context.Context, r *root) (bool, error) {
	aliases, err := k.aliases(ctx, r)
	return len(aliases) > 0, err
}

// aliases are the names that the store has the root by. Debian's hook may have put it there before us.
func (k keystore) aliases(ctx context.Context, r *root) ([]string, error) {
	list, err := k.run(ctx, nil, "-list", "-rfc")
	if err != nil {
		return nil, err
	}
	var aliases []string
	const head = "Alias name: "
	for _, entry := range strings.Split("\n"+string(list), "\n"+head)[1:] {
		alias, rest, _ := strings.Cut(entry, "\n")
		// Of a certificate that belongs to a key there is a chain, which is not trusted.
		if found, _ := r.in([]byte(rest)); found && strings.Contains(rest, "Entry type: trustedCertEntry") {
			aliases = append(aliases, strings.TrimRight(alias, "\r"))
		}
	}
	return aliases, nil
}

func (k keystore) add(ctx context.Context, r *root) error {
	if err := k.writable(); err != nil {
		return err
	}
	_, err := k.run(ctx, r.pem, "-importcert", "-noprompt", "-alias", r.name)
	return err
}

func (k keystore) remove(ctx context.Context, r *root) error {
	aliases, err := k.aliases(ctx, r)
	if len(aliases) == 0 || err != nil {
		return err
	}
	if err := k.writable(); err != nil {
		return err
	}
	for _, alias := range aliases {
		if _, err := k.run(ctx, nil, "-delete", "-alias", alias); err != nil {
			return err
		}
	}
	return nil
}

// writable: keytool would say no more than that a file was not found.
func (k keystore) writable() error {
	err := writable(k.path)
	if errors.Is(err, os.ErrPermission) {
		return &rightsError{k.path}
	}
	return err
}
