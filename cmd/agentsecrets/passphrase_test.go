package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/agentsecrets/agentsecrets/internal/password"
)

// cheapen PASSPHRASE-FILE KEY-FILE wraps the identity of the store in
// AGENTSECRETS_HOME again, under the same passphrase at a cost that tests can
// bear, and writes the key itself to KEY-FILE, to look for it elsewhere.
func cheapen() {
	if err := rewrapCheaply(filepath.Join(os.Getenv("AGENTSECRETS_HOME"), "identity.txt"), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rewrapCheaply(path, passphraseFile, keyFile string) error {
	pp, err := password.ReadFile(passphraseFile)
	if err != nil {
		return err
	}
	wrapped, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	identity, err := age.NewScryptIdentity(string(pp))
	if err != nil {
		return err
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(wrapped)), identity)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	recipient, err := age.NewScryptRecipient(string(pp))
	if err != nil {
		return err
	}
	recipient.SetWorkFactor(6)
	var b bytes.Buffer
	a := armor.NewWriter(&b)
	w, err := age.Encrypt(a, recipient)
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return err
	}
	key := text[bytes.LastIndex(text, []byte("AGE-SECRET-KEY-")):]
	return errors.Join(os.WriteFile(path, b.Bytes(), 0o600), os.WriteFile(keyFile, key, 0o600))
}
