package resolve

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/agentsecrets/agentsecrets/internal/atomicfile"
)

// changeVersion is the only format known here, see indexVersion.
const changeVersion = 1

// change is what the file beside the index holds while an Apply is under way. Without steps nothing is: the file is
// not removed, for a removal could be undone by a power cut, and the steps be taken again much later.
type change struct {
	Version int    `json:"version"`
	Project string `json:"project"`
	Steps   []Step `json:"steps"`
}

func (c change) ref(environment, name string) Ref { return Ref{c.Project, environment, name} }

// check wants every step to lead to a secret of its own.
func (c change) check() error {
	var seen []Ref
	for _, step := range c.Steps {
		ref := c.ref(step.Environment, step.Name)
		if err := ref.Check(); err != nil {
			return err
		}
		if slices.Contains(seen, ref) {
			return fmt.Errorf("%s is changed twice", ref)
		}
		seen = append(seen, ref)
		if step.From == "" {
			continue
		}
		if err := c.ref(step.From, step.Name).Check(); err != nil {
			return err
		}
		if step.From == step.Environment {
			return fmt.Errorf("%s is copied to itself", ref)
		}
	}
	return nil
}

func encodeChange(c change) ([]byte, error) {
	data, err := json.MarshalIndent(c, "", "  ")
	return append(data, '\n'), err
}

func (x *Index) loadChange() (change, error) {
	data, err := atomicfile.ReadPrivate(x.changePath())
	if errors.Is(err, fs.ErrNotExist) {
		return change{}, nil
	}
	if err != nil {
		return change{}, err
	}
	c, err := parseChange(data)
	if err != nil {
		return change{}, &CorruptError{Path: x.changePath(), err: err}
	}
	if c.Version > changeVersion {
		return change{}, &VersionError{Path: x.changePath(), Version: c.Version, Known: changeVersion}
	}
	return c, nil
}

func parseChange(data []byte) (change, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return change{}, err
	}
	if head.Version > changeVersion {
		return change{Version: head.Version}, nil
	}
	var c change
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return change{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return change{}, errors.New("something follows the end")
	}
	if c.Version != changeVersion {
		return change{}, fmt.Errorf("there is no format version %d", c.Version)
	}
	return c, c.check()
}
