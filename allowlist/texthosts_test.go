package allowlist_test

import (
	"testing"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

func TestTextHosts(t *testing.T) {
	hosts := allowlist.NewTextHosts()
	for host, want := range map[string]bool{
		"api.openai.com": true, "acme.openai.azure.com": true, "bedrock-runtime.us-east-1.amazonaws.com": true,
		"api.github.com": true, "hooks.slack.com": true,
		"api.stripe.com": false, "openai.com": false, "api.openai.com.evil.test": false, "xapi.openai.com": false,
		"openai.azure.com": false, "evilopenai.azure.com": false,
	} {
		if got := hosts.Has(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}
