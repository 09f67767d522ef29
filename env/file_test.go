package env

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFileKeepsWhatItDoesNotKnow(t *testing.T) {
	path := filepath.Join(project(t, `{
 "comment": "<first> & é", "project_name":"pay", "nested": {"b": [1.50, 12345678901234567890], "a": null},
 "environment": "development", "last_pull": null, "storage_mode": 1, "project_id": "prj_x"
}`), ".agentsecrets", "project.json")
	if err := Switch(path, "qa-2"); err != nil {
		t.Fatal(err)
	}
	want := `{
  "comment": "<first> & é",
  "project_name": "pay",
  "nested": {
    "b": [
      1.50,
      12345678901234567890
    ],
    "a": null
  },
  "environment": "qa-2",
  "last_pull": null,
  "storage_mode": 1,
  "project_id": "prj_x"
}
`
	if got := read(t, path); got != want {
		t.Errorf("file is now\n%s\nwant\n%s", got, want)
	}
	f, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f.ServerURL, f.StorageMode, f.ProjectName = "https://x.test/?a&b", "file", ""
	if err := WriteFile(path, f); err != nil {
		t.Fatal(err)
	}
	got := read(t, path)
	for _, want := range []string{`"storage_mode": "file"`, `"project_name": ""`, "\"prj_x\",\n  \"server_url\": \"https://x.test/?a&b\"\n}\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestNewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", ".agentsecrets", "project.json")
	f := File{ProjectID: "prj_x", ProjectName: "pay", Environment: "development", WorkspaceID: "wsp_x", WorkspaceName: "acme"}
	if err := WriteFile(path, f); err != nil {
		t.Fatal(err)
	}
	want := "{\n  \"project_id\": \"prj_x\",\n  \"project_name\": \"pay\",\n  \"environment\": \"development\",\n  \"workspace_id\": \"wsp_x\",\n  \"workspace_name\": \"acme\"\n}\n"
	if got := read(t, path); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	got, err := ReadFile(path)
	if got.all = nil; err != nil || !reflect.DeepEqual(got, f) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "cut": `{"project_id":"prj`, "a list": "[]", "null": "null", "two": "{}{}", "text after": "{} x",
		"number for a name": `{"project_name":1}`, "an ID that is a path": `{"workspace_id":"../../x"}`,
		"an ID with a colon": `{"project_id":"a:b"}`, "an ID with a dash first": `{"project_id":"-a"}`,
		"escape in a name": `{"project_name":"\u001b[2J"}`, "bidi in a name": `{"workspace_name":"a\u202eb"}`,
		"environment": `{"environment":"../prod"}`, "space around": `{"project_name":" a"}`, "large": `{"x":"` + strings.Repeat("x", maxFile) + `"}`,
	} {
		path := filepath.Join(project(t, content), ".agentsecrets", "project.json")
		for _, err := range []error{second(ReadFile(path)), Switch(path, "staging")} {
			var corrupt *CorruptError
			if name == "large" {
				if err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
					t.Errorf("%s: %v", name, err)
				}
			} else if !errors.As(err, &corrupt) || corrupt.Path != path || corrupt.Hint() == "" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if read(t, path) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestWriteFileRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "project.json")
	for _, f := range []File{{ProjectID: "a/b"}, {ProjectName: "a\nb"}, {Environment: "No"}} {
		if err := WriteFile(path, f); err == nil {
			t.Errorf("wrote %+v", f)
		}
	}
	theirs := put(t, "theirs", "{}")
	if err := os.Symlink(theirs, path); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, File{ProjectID: "prj_x"}); err == nil || read(t, theirs) != "{}" {
		t.Errorf("wrote through a link: %v", err)
	}
}

func TestSwitchRefuses(t *testing.T) {
	path := filepath.Join(project(t, `{"environment":"staging"}`), ".agentsecrets", "project.json")
	if err := Switch(path, "Bad Name"); err == nil {
		t.Error("switched to no name")
	}
	if err := Switch(filepath.Join(t.TempDir(), "none"), "staging"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if read(t, path) != `{"environment":"staging"}` {
		t.Error("the file was changed")
	}
}

// What can be read is written so that it reads the same, unknown fields and all.
func FuzzFile(f *testing.F) {
	f.Add(`{"project_id":"prj_x","x":{"y":[1,2]},"environment":"staging","last_pull":null}`)
	f.Add(`{"a":1,"a":2,"\u00e9":"\ud800"}`)
	f.Add(`{"storage_mode":{"a":""},"project_name":null}`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		first, err := parseFile([]byte(text))
		if err != nil {
			return
		}
		path := filepath.Join(dir, "project.json")
		if err := WriteFile(path, first); err != nil {
			t.Fatal(err)
		}
		written := read(t, path)
		again, err := ReadFile(path)
		if err != nil || len(again.all) != len(first.all) {
			t.Fatalf("%v\n%s", err, written)
		}
		for i, field := range first.all {
			if again.all[i].name != field.name {
				t.Errorf("field %d is %q, was %q", i, again.all[i].name, field.name)
			}
		}
		again.all, first.all = nil, nil
		if !reflect.DeepEqual(again, first) {
			t.Errorf("%+v became %+v", first, again)
		}
	})
}

func second[T any](_ T, err error) error { return err }
