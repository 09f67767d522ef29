package keychain

import (
	"errors"
	"testing"

	"github.com/godbus/dbus/v5"
	secrets "github.com/zalando/go-keyring/secret_service"

	"github.com/agentsecrets/agentsecrets/internal/secretservice"
	"github.com/agentsecrets/agentsecrets/resolve"
)

// What others wrote under our account is neither taken for a value nor shown.
func TestForeignEntry(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper")})
	for _, secret := range []string{"typed-in-by-hand", "as2:dmFsdWU", "\xff\xfe"} {
		a, err := s.ask(t.Context(), request{Do: doSet, Account: ref("KEY").String(), Secret: secret})
		if err != nil {
			t.Fatal(a, err)
		}
		var format *FormatError
		if _, err := s.Resolve(t.Context(), ref("KEY")); !errors.As(err, &format) {
			t.Errorf("%q: %v", secret, err)
		}
	}
	set(t, s, ref("KEY"), "value")
	expect(t, s, ref("KEY"), "value")
}

func TestUnknownRequest(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Unlocked), "helper")})
	a, err := s.ask(t.Context(), request{Do: "something newer"})
	if err != nil || !errors.Is(a.err(ref("KEY")), errFailed) {
		t.Error(a, err)
	}
}

// A second entry under our account, of another program that uses one more attribute, outlives the deletion of ours.
// That must not pass for success.
func TestEntryThatIsThereTwice(t *testing.T) {
	t.Parallel()
	session := newSession(t, secretservice.Unlocked)
	s := open(t, Config{Helper: helper(session, "helper")})
	set(t, s, ref("KEY"), "value")
	planter := helper(session, "planter", ref("KEY").String())
	if out, err := commandOf(planter).CombinedOutput(); err != nil {
		t.Fatalf("%s %v", out, err)
	}
	if err := s.Delete(t.Context(), ref("KEY")); !errors.Is(err, errFailed) {
		t.Errorf("the first time: %v", err)
	}
	if err := s.Delete(t.Context(), ref("KEY")); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := s.Delete(t.Context(), ref("KEY")); !errors.Is(err, resolve.ErrNotFound) {
		t.Errorf("the third time: %v", err)
	}
}

// What a keychain only says that it did is not taken for done.
func TestA7StubbornKeychain(t *testing.T) {
	t.Parallel()
	s := open(t, Config{Helper: helper(newSession(t, secretservice.Stubborn), "helper")})
	set(t, s, ref("KEY"), "first")
	for what, err := range map[string]error{
		"set":       s.Set(t.Context(), ref("KEY"), resolve.New([]byte("second"))),
		"delete":    s.Delete(t.Context(), ref("KEY")),
		"available": s.Available(t.Context()),
	} {
		if !errors.Is(err, errFailed) || hintOf(err) == "" {
			t.Errorf("%s: %v, hint %q", what, err, hintOf(err))
		}
	}
	expect(t, s, ref("KEY"), "first")
}

func playPlanter(account string) error {
	svc, err := secrets.NewSecretService()
	if err != nil {
		return err
	}
	session, err := svc.OpenSession()
	if err != nil {
		return err
	}
	attributes := map[string]string{"username": account, "service": service, "application": "another"}
	return svc.CreateItem(svc.GetLoginCollection(), "theirs", attributes, secrets.NewSecret(session.Path(), "theirs"))
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		err     error
		outcome string
	}{
		{nil, done},
		{errNoSession, unavailable},
		{dbus.ErrClosed, unavailable},
		{dbus.Error{Name: "org.freedesktop.DBus.Error.ServiceUnknown", Body: []any{"a value"}}, unavailable},
		{dbus.Error{Name: "org.freedesktop.Secret.Error.IsLocked"}, locked},
		{dbus.Error{Name: "org.example.Other", Body: []any{"a value"}}, failed},
		{errors.New("a value"), failed},
	} {
		outcome, detail := classify(c.err)
		if outcome != c.outcome || detail == "a value" {
			t.Errorf("%v: %s, %q", c.err, outcome, detail)
		}
	}
}

func TestIsGone(t *testing.T) {
	for name, want := range map[string]bool{
		"org.freedesktop.Secret.Error.NoSuchObject": true,
		"org.freedesktop.DBus.Error.UnknownMethod":  true, // what gnome-keyring says, see TestStoresAtOnce
		"org.freedesktop.DBus.Error.ServiceUnknown": false,
	} {
		if got := isGone(dbus.Error{Name: name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if isGone(nil) {
		t.Error("no error")
	}
}
