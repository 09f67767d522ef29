// Package clients runs real, unmodified programs through the real binary:
// curl, Python's requests, httpx and aiohttp, the OpenAI, Anthropic and Stripe SDKs, LangChain, Node and git,
// each under `agentsecrets run --intercept` against a TLS origin in the test.
//
//	make test                                   # installs the clients, runs everything
//	go test ./internal/clients -run 'Calls/curl'
//
// docs/recipes is run here as it stands, the pages of big programs by `make recipes`.
//
// It has tests only. For every client they hold that the origin got the value
// where the placeholder stood, that the client saw the marker where the origin
// echoed it, and that no form of the value is left on the client's side:
// output, environment, memory, files. Each of these checks has a control that
// runs the same program without us and must find the value.
package clients
