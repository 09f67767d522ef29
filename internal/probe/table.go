package probe

import "strings"

// All are the probes, in the order of the documentation.
func All() []Probe {
	var all []Probe
	for _, group := range [][]Probe{tools(), python(), javascript(), compiled(), scripted()} {
		all = append(all, group...)
	}
	return all
}

// header is what a person types to send the placeholder.
const header = "Authorization: Bearer {token}"

func tools() []Probe {
	curl := []string{"{program}", "-sSf", "-H", header, "{url}"}
	return []Probe{
		{Name: "curl", Client: "curl", Programs: []string{"curl"}, argv: curl},
		{Name: "curl-http1", Client: "curl --http1.1", Programs: []string{"curl"}, argv: append(curl[:2:2], "--http1.1", "-H", header, "{url}")},
		{Name: "wget", Client: "wget", Programs: []string{"wget"}, argv: []string{"{program}", "-q", "-O", "-", "--tries=1", "--header", header, "{url}"}},
		tool("aria2", "aria2c"),
		tool("git", "git"),
		tool("npm", "npm"),
		tool("cargo", "cargo"),
		tool("maven", "mvn"),
		tool("gh", "gh"),
		tool("kubectl", "kubectl"),
		tool("terraform", "terraform"),
		tool("aws", "aws"),
		tool("gcloud", "gcloud"),
		tool("chromium", "chromium", "google-chrome"),
	}
}

// tool is a program that needs files of its own to be asked: a script makes them,
// and removes them again.
func tool(name string, programs ...string) Probe {
	return Probe{Name: name, Client: name, Programs: programs, file: name + ".sh", argv: []string{"sh", "{file}", "{url}", "{token}", "{program}"}}
}

func python() []Probe {
	return each("Python", []string{"python3", "python"}, []string{"{program}", "{file}", "{url}", "{token}"}, [][2]string{
		{"urllib", "py_urllib.py"}, {"http.client", "py_http_client.py"}, {"requests", "py_requests.py"}, {"httpx", "py_httpx_sync.py"},
		{"httpx async, HTTP/2", "py_httpx_async.py"}, {"aiohttp", "py_aiohttp.py"}, {"urllib3", "py_urllib3.py"}, {"httplib2", "py_httplib2.py"},
		{"tornado", "py_tornado.py"}, {"websockets", "py_websockets.py"}, {"websocket-client", "py_websocket_client.py"}, {"openai", "py_openai.py"},
		{"anthropic", "py_anthropic.py"}, {"langchain-openai", "py_langchain.py"}, {"stripe", "py_stripe.py"}, {"boto3", "py_boto3.py"},
		{"google-auth", "py_google_auth.py"}, {"grpcio", "py_grpcio.py"}, {"pip", "py_pip.py"},
	})
}

// javascript has what needs a library read from the command line: so Node looks for
// it from the working directory on, as it does for a file there.
func javascript() []Probe {
	node := []string{"{program}", "--input-type=module", "-e", "{source}", "--", "{url}", "{token}"}
	all := each("Node", []string{"node"}, node, [][2]string{
		{"fetch", "fetch.mjs"}, {"node:https", "https.mjs"}, {"node:http2", "http2.mjs"}, {"undici", "undici.mjs"}, {"axios", "axios.mjs"},
		{"got", "got.mjs"}, {"node-fetch", "node-fetch.mjs"}, {"superagent", "superagent.mjs"}, {"gaxios", "gaxios.mjs"}, {"ws", "ws.mjs"},
		{"openai", "openai.mjs"}, {"anthropic", "anthropic.mjs"}, {"stripe", "stripe.mjs"}, {"octokit", "octokit.mjs"}, {"AWS SDK v3", "aws-sdk.mjs"},
	})
	builtin := [][2]string{{"fetch", "fetch.mjs"}, {"node:https", "https.mjs"}}
	all = append(all, each("Deno", []string{"deno"}, []string{"{program}", "run", "--quiet", "--no-config", "--allow-all", "{file}", "{url}", "{token}"}, builtin)...)
	return append(all, each("Bun", []string{"bun"}, []string{"{program}", "run", "{file}", "{url}", "{token}"}, builtin)...)
}

func compiled() []Probe {
	all := each("Go", []string{"go"}, []string{"{program}", "run", "{file}", "{url}", "{token}"}, [][2]string{{"net/http", "net_http.go.txt"}})
	all = append(all, each("Java", []string{"java"}, []string{"{program}", "{file}", "{url}", "{token}"}, [][2]string{
		{"HttpClient", "HttpClientProbe.java"}, {"HttpURLConnection", "UrlConnectionProbe.java"},
	})...)
	return append(all, csharp()...)
}

// csharp has programs in C# for .NET and for Mono. A script compiles them with what there
// is, and ends with Absent where nothing is that could.
func csharp() []Probe {
	start := func(script string) []string {
		return []string{"sh", "{dir}/" + script, "{file}", "{url}", "{token}", "{program}"}
	}
	clients := [][2]string{{"HttpClient", "HttpClientProbe.cs"}, {"WebRequest", "WebRequestProbe.cs"}}
	mono := each("Mono", []string{"mono"}, start("mono.sh"), clients)
	clients = append(clients, [2]string{"HttpClient, HTTP/2", "HttpClient2Probe.cs"}, [2]string{"ClientWebSocket", "WebSocketProbe.cs"})
	return append(each(".NET", []string{"dotnet"}, start("dotnet.sh"), clients), mono...)
}

func scripted() []Probe {
	script := []string{"{program}", "{file}", "{url}", "{token}"}
	all := each("Ruby", []string{"ruby"}, script, [][2]string{
		{"net/http", "net_http.rb"}, {"Faraday", "faraday.rb"}, {"Excon", "excon.rb"}, {"http.rb", "http_rb.rb"}, {"typhoeus", "typhoeus.rb"},
	})
	all = append(all, each("PHP", []string{"php"}, script, [][2]string{{"curl", "curl.php"}, {"streams", "streams.php"}, {"Guzzle", "guzzle.php"}})...)
	all = append(all, each("Perl", []string{"perl"}, script, [][2]string{{"LWP", "lwp.pl"}, {"HTTP::Tiny", "http_tiny.pl"}, {"Mojo", "mojo.pl"}})...)
	all = append(all, each("R", []string{"Rscript"}, script, [][2]string{{"url()", "url.R"}, {"httr", "httr.R"}})...)
	return append(all, each("Erlang", []string{"escript"}, script, [][2]string{{"httpc", "httpc.escript"}})...)
}

// each are probes that are started alike: pairs of a client and its file.
func each(language string, programs, argv []string, clients [][2]string) []Probe {
	var all []Probe
	for _, c := range clients {
		all = append(all, Probe{Name: nameOf(language, c[1]), Client: c[0], Language: language, Programs: programs, argv: argv, file: c[1]})
	}
	return all
}

// nameOf is python-http_client for py_http_client.py: a program of the name of a
// module would be taken for it.
func nameOf(language, file string) string {
	base, _, _ := strings.Cut(file, ".")
	base = strings.TrimPrefix(strings.TrimSuffix(base, "Probe"), "py_")
	return strings.ToLower(strings.Replace(language, ".", "dot", 1) + "-" + base)
}
