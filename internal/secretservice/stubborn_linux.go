package secretservice

import (
	"sync"

	"github.com/godbus/dbus/v5"
	secrets "github.com/zalando/go-keyring/secret_service"
)

// stubbornService is as much of a Secret Service as go-keyring needs, with one item. It says yes to everything and
// keeps the first value that it was given.
type stubbornService struct {
	mu     sync.Mutex
	secret *secrets.Secret
}

func startStubborn(conn *dbus.Conn) error {
	s := &stubbornService{}
	for path, face := range map[dbus.ObjectPath]string{
		"/org/freedesktop/secrets":                 "org.freedesktop.Secret.Service",
		"/org/freedesktop/secrets/aliases/default": "org.freedesktop.Secret.Collection",
		"/item": "org.freedesktop.Secret.Item",
	} {
		if err := conn.Export(s, path, face); err != nil {
			return err
		}
	}
	_, err := conn.RequestName("org.freedesktop.secrets", dbus.NameFlagDoNotQueue)
	return err
}

func (s *stubbornService) OpenSession(string, dbus.Variant) (dbus.Variant, dbus.ObjectPath, *dbus.Error) {
	return dbus.MakeVariant(""), "/session", nil
}

func (s *stubbornService) Unlock(paths []dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return paths, "/", nil
}

func (s *stubbornService) SearchItems(map[string]string) ([]dbus.ObjectPath, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil {
		return []dbus.ObjectPath{}, nil
	}
	return []dbus.ObjectPath{"/item"}, nil
}

func (s *stubbornService) CreateItem(_ map[string]dbus.Variant, secret secrets.Secret, _ bool) (item, prompt dbus.ObjectPath, _ *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == nil {
		s.secret = &secret
	}
	return "/item", "/", nil
}

func (s *stubbornService) GetSecret(dbus.ObjectPath) (secrets.Secret, *dbus.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.secret, nil
}

func (s *stubbornService) Delete() (prompt dbus.ObjectPath, _ *dbus.Error) { return "/", nil }
