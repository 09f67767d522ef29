package clients_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
)

// What the recipes call, as far as their clients look at it. Each API says what it was sent.

// recipeHosts are the names under which the origin is called.
func recipeHosts() (hosts []string) {
	for _, r := range recipes {
		hosts = append(hosts, r.hosts...)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func (o *origin) forRecipes(mux *http.ServeMux, repo http.Handler) {
	mux.HandleFunc("POST /v1/messages", o.claude)
	mux.HandleFunc("POST /v1/responses", o.responses)
	mux.HandleFunc("GET /v1/responses", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no WebSocket here", http.StatusUpgradeRequired)
	})
	mux.HandleFunc("/report.csv", o.signed)
	mux.HandleFunc("/acme-reports/report.csv", o.signed) // where a host stands for no bucket
	mux.HandleFunc("POST /model/{model}/converse", o.converse)
	mux.HandleFunc("/simple/", o.pythonPackages)
	mux.HandleFunc("/@acme%2ftools", o.nodePackage)
	mux.HandleFunc("/tools-1.0.0.tgz", o.nodePackage)
	mux.HandleFunc("/acme/tools.git/", func(w http.ResponseWriter, r *http.Request) {
		o.keep(r, nil)
		http.StripPrefix("/acme", repo).ServeHTTP(w, named(r))
	})
}

// named has the request ask for the origin's repository by the name that it has on disk.
func named(r *http.Request) *http.Request {
	r = r.Clone(r.Context())
	r.URL.Path = strings.Replace(r.URL.Path, "/tools.git/", "/repo.git/", 1)
	return r
}

// pythonPackages is an index of one package, for who shows Basic credentials.
func (o *origin) pythonPackages(w http.ResponseWriter, r *http.Request) {
	o.keep(r, nil)
	if _, _, ok := r.BasicAuth(); !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="packages"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if strings.HasSuffix(r.URL.Path, ".whl") {
		w.Write(o.wheel())
		return
	}
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, `<a href="/simple/acme_tools-1.0-py3-none-any.whl">acme_tools-1.0-py3-none-any.whl</a>`)
}

// wheel is that package.
func (o *origin) wheel() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, file := range [][2]string{
		{"acme_tools.py", "answer = 42\n"},
		{"acme_tools-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: acme-tools\nVersion: 1.0\n"},
		{"acme_tools-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"acme_tools-1.0.dist-info/RECORD", "acme_tools.py,,\nacme_tools-1.0.dist-info/METADATA,,\nacme_tools-1.0.dist-info/WHEEL,,\nacme_tools-1.0.dist-info/RECORD,,\n"},
	} {
		f, err := z.Create(file[0])
		if err == nil {
			_, err = io.WriteString(f, file[1])
		}
		if err != nil {
			o.t.Error(err)
		}
	}
	if err := z.Close(); err != nil {
		o.t.Error(err)
	}
	return b.Bytes()
}

// nodePackage is a registry of one package, for who shows a token.
func (o *origin) nodePackage(w http.ResponseWriter, r *http.Request) {
	o.keep(r, nil)
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	pack := o.tarball()
	if strings.HasSuffix(r.URL.Path, ".tgz") {
		w.Write(pack)
		return
	}
	sum := sha512.Sum512(pack)
	o.writeJSON(w, r, map[string]any{"name": "@acme/tools", "dist-tags": map[string]string{"latest": "1.0.0"}, "versions": map[string]any{
		"1.0.0": map[string]any{"name": "@acme/tools", "version": "1.0.0", "dist": map[string]string{
			"tarball": "https://npm.pkg.github.com/tools-1.0.0.tgz", "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
		}},
	}})
}

func (o *origin) tarball() []byte {
	text := `{"name":"@acme/tools","version":"1.0.0"}`
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	err := t.WriteHeader(&tar.Header{Name: "package/package.json", Mode: 0o644, Size: int64(len(text))})
	if err == nil {
		_, err = io.WriteString(t, text)
	}
	if err := errors.Join(err, t.Close(), z.Close()); err != nil {
		o.t.Error(err)
	}
	return b.Bytes()
}
