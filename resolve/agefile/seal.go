package agefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// version is the only format known here. Any change of the format, an added field too, makes a new version: whoever
// does not know it would lose what it means when writing the vault again.
const version = 1

// values is a vault in memory, by the String of each Ref.
type values map[string]resolve.Value

// payload is what is sealed. The bytes of values are in it for as long as it takes to encode or decode them.
type payload struct {
	Version int               `json:"version"`
	Values  map[string][]byte `json:"values"`
}

func seal(all values, to ...age.Recipient) ([]byte, error) {
	p := payload{Version: version, Values: make(map[string][]byte, len(all))}
	for key, v := range all {
		p.Values[key] = v.Reveal()
	}
	plain, err := json.Marshal(p)
	if err != nil {
		return nil, errors.New("encode the vault") // without err: what is being encoded are values
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return sealed.Bytes(), nil
}

var errOtherKey = errors.New("it was not encrypted to the key in " + identityName)

func unseal(path string, sealed []byte, with ...age.Identity) (values, error) {
	plain, err := decrypt(sealed, with...)
	if noMatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &noMatch) {
		return nil, &CorruptError{Path: path, reason: errOtherKey.Error(), cause: errOtherKey}
	}
	if err != nil {
		return nil, &CorruptError{Path: path, reason: "it cannot be decrypted"}
	}
	p, err := parse(plain)
	if err != nil {
		return nil, &CorruptError{Path: path, reason: "what is encrypted in it is no vault"}
	}
	if p.Version > version {
		return nil, &resolve.VersionError{Path: path, Version: p.Version, Known: version}
	}
	all := make(values, len(p.Values))
	for key, b := range p.Values {
		all[key] = resolve.New(b)
	}
	return all, nil
}

// decrypt gives all or nothing: age authenticates chunk by chunk, and what precedes a bad chunk is no vault.
func decrypt(sealed []byte, with ...age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), with...)
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return plain, nil
}

// parse reads no more than the version of a format that it does not know. Its errors stay here: they may quote.
func parse(plain []byte) (payload, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(plain, &head); err != nil {
		return payload{}, err
	}
	if head.Version > version {
		return payload{Version: head.Version}, nil
	}
	var p payload
	d := json.NewDecoder(bytes.NewReader(plain))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return payload{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return payload{}, errors.New("something follows the end")
	}
	if p.Version != version || p.Values == nil {
		return payload{}, errors.New("no version or no values")
	}
	return p, nil
}
