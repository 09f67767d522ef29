package main

import (
	"bytes"
	"context"
	_ "embed" // of the encoders
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
)

// The encoders are other people's: nothing of ours makes what is planted.
var (
	//go:embed encoders/encode.py
	inPython string
	//go:embed encoders/encode.mjs
	inNode string
	//go:embed encoders/encode.jq
	inJQ string
	//go:embed encoders/encode.pl
	inPerl string
)

// programs are the batches, in the order in which equal texts count.
func programs() [][]string {
	return [][]string{
		{"python3", "-c", inPython},
		{"node", "--input-type=module", "-e", inNode},
		{"jq", "-c", inJQ},
		{"perl", "-e", inPerl},
	}
}

// encoded is one value as one encoder writes it.
type encoded struct {
	kind     kind
	name     string
	family   string // "json" and "html" stand in such texts, "text" and "any" in all
	residual bool   // nobody promises to find it
	text     []byte
	secret   span // the part of text that says something of the secret
}

// span is text[from:to].
type span struct{ from, to int }

// order is what the encoders are given.
type order struct {
	Values []string `json:"values"`
	Users  []string `json:"users"`
	Before string   `json:"before"`
	After  string   `json:"after"`
}

// made is what they give back: a value's number, the encoder, the family, the text.
type made struct {
	value        int
	name, family string
	text         []byte
}

func (m *made) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&m.value, &m.name, &m.family, &m.text})
}

// encodings has every value written by every encoder.
func encodings(ctx context.Context, r *rand.Rand, kinds []kind) ([]encoded, error) {
	o := order{Before: prose(r, 48+r.IntN(6)), After: " " + prose(r, 20)}
	for _, n := range []int{1, 2, 3, 9} {
		o.Users = append(o.Users, text(r, lowers, n))
	}
	variants := 0
	for _, k := range kinds {
		o.Values = append(append(o.Values, k.value), k.twins...)
		variants = 1 + len(k.twins)
	}
	in, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	var all []encoded
	for _, args := range programs() {
		list, err := ask(ctx, in, args)
		if err != nil {
			return nil, err
		}
		all = append(all, gather(list, kinds, variants)...)
	}
	return all, nil
}

func ask(ctx context.Context, in []byte, args []string) ([]made, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("encode with %s: %w: %s", args[0], err, stderr.String())
	}
	var list []made
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, fmt.Errorf("encode with %s: %w", args[0], err)
	}
	return list, nil
}

// gather brings together what was made of a value and of its twins.
func gather(list []made, kinds []kind, variants int) (all []encoded) {
	twins := map[string][][]byte{}
	for _, m := range list {
		key := fmt.Sprint(m.value/variants, m.name)
		twins[key] = append(twins[key], m.text)
	}
	for _, m := range list {
		if m.value%variants != 0 {
			continue
		}
		same := twins[fmt.Sprint(m.value/variants, m.name)]
		all = append(all, encoded{
			kind: kinds[m.value/variants], name: m.name, family: m.family, residual: m.family == "residual",
			text: m.text, secret: secretIn(m.text, same[1:]),
		})
	}
	return all
}

// piece is the least that tells something: as much of an encoded value, in a row.
const piece = 12

// secretIn is the part of text that is not the same in what was made of the twins:
// from the first byte that differs to the last. Where the lengths differ too, it is
// what stands between a beginning and an end that all have.
func secretIn(text []byte, twins [][]byte) span {
	s := span{len(text), 0}
	for _, t := range twins {
		from, most := 0, min(len(text), len(t))
		for from < most && text[from] == t[from] {
			from++
		}
		end := 0
		for end < most-from && text[len(text)-1-end] == t[len(t)-1-end] {
			end++
		}
		s.from, s.to = min(s.from, from), max(s.to, len(text)-end)
	}
	s.to = max(s.from, s.to)
	return s
}

// overLines reports whether the secret is broken over lines that the value does
// not have itself.
func (e *encoded) overLines() bool { return breaks(e.text, e.secret) > e.kind.breaks() }

// breaks counts those that a value has in its secret part.
func (k kind) breaks() int { return breaks([]byte(k.value), k.secretPart()) }

func breaks(text []byte, s span) int { return bytes.Count(text[s.from:s.to], []byte("\n")) }

// secretPart is the value without what anybody knows, such as armour.
func (k kind) secretPart() span {
	var twins [][]byte
	for _, t := range k.twins {
		twins = append(twins, []byte(t))
	}
	return secretIn([]byte(k.value), twins)
}
