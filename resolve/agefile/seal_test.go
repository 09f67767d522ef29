package agefile

import (
	"bytes"
	"testing"

	"filippo.io/age"

	"github.com/agentsecrets/agentsecrets/resolve"
)

// Whatever is accepted as a vault can be sealed, and is then the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "null", "{}", `{"version":1}`, `{"version":1,"values":{}}`, `{"version":2,"values":7}`,
		`{"version":1,"values":{"p1:production:KEY":"dmFsdWU=","p1:production:EMPTY":""}}`, `{"version":1,"values":{"k":null}}`,
		`{"version":1,"values":{"k":"dmFsdWU="}}x`, `{"version":1,"values":{"k":"x"}}`} {
		f.Add([]byte(seed))
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		p, err := parse(plain)
		if err != nil || p.Version > version {
			return
		}
		all := make(values)
		for key, b := range p.Values {
			all[key] = resolve.New(b)
		}
		sealed, err := seal(all, identity.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		again, err := unseal("vault", sealed, identity)
		if err != nil || len(again) != len(all) {
			t.Fatalf("%d values of %d, %v", len(again), len(all), err)
		}
		for key, v := range all {
			if got, found := again[key]; !found || !bytes.Equal(got.Reveal(), v.Reveal()) {
				t.Fatalf("%q became %q", v.Reveal(), got.Reveal())
			}
		}
	})
}
