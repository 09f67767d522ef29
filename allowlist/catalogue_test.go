package allowlist

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/agentsecrets/agentsecrets/internal/place"
)

var namePattern = regexp.MustCompile(`^[A-Z][A-Z0-9_]+(\*[A-Z0-9_]*)?$`)

func TestCatalogue(t *testing.T) {
	all := NewCatalogue().Providers()
	if len(all) < 45 {
		t.Errorf("%d providers", len(all))
	}
	seen := map[string]bool{}
	for _, p := range all {
		if seen[p.Name] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = true
		if len(p.Hosts) == 0 {
			t.Errorf("%s has no hosts", p.Name)
		}
		flagged := p.Model || p.Publishing
		if !flagged && len(p.Names) == 0 {
			t.Errorf("%s is there for nothing", p.Name)
		}
		if flagged != (len(p.Text) > 0) {
			t.Errorf("%s: flags and text hosts must come together: %q", p.Name, p.Text)
		}
		if (len(p.Names) > 0) != (len(p.Places) > 0) {
			t.Errorf("%s: names %q, places %q", p.Name, p.Names, p.Places)
		}
		for _, name := range p.Names {
			if !namePattern.MatchString(name) {
				t.Errorf("%s: the pattern %q", p.Name, name)
			}
		}
		for _, r := range p.Hosts {
			again, err := ParseRule(r.String())
			if err != nil || again.Text() != r.Text() || r.Port != 0 {
				t.Errorf("%s: the rule %s: %v", p.Name, r, err)
			}
		}
		for _, pattern := range p.Places {
			again, err := place.Parse(pattern)
			if err != nil || again != pattern || strings.Contains(pattern, "*") {
				t.Errorf("%s: the place %s: %v", p.Name, pattern, err)
			}
			if kind, field, _ := strings.Cut(pattern, ":"); field == "" && kind != place.Basic && kind != place.Path || pattern == place.Any {
				t.Errorf("%s: %s is wider than an API needs", p.Name, pattern)
			}
		}
		if duplicates(ruleTexts(p.Hosts)) || duplicates(p.Places) || duplicates(p.Names) || duplicates(p.Text) {
			t.Errorf("%s says something twice", p.Name)
		}
		for _, host := range p.Text {
			if _, err := NormalHost(strings.ReplaceAll(host, "*", "a")); err != nil || strings.Count(host, ".") < 1 || strings.HasSuffix(host, "*") {
				t.Errorf("%s: the text host %q: %v", p.Name, host, err)
			}
		}
	}
}

func duplicates(list []string) bool {
	list = slices.Sorted(slices.Values(list))
	return len(slices.Compact(slices.Clone(list))) < len(list)
}

// No name may belong to two providers: which one would it be bound to?
func TestCatalogueUnambiguous(t *testing.T) {
	all := NewCatalogue().Providers()
	for i, p := range all {
		for _, q := range all[i+1:] {
			for _, a := range p.Names {
				for _, b := range q.Names {
					if meet(a, b) {
						t.Errorf("%s of %s and %s of %s have names in common", a, p.Name, b, q.Name)
					}
				}
			}
		}
	}
}

// meet reports whether some text matches both patterns.
func meet(a, b string) bool {
	switch {
	case a == "" && b == "":
		return true
	case strings.HasPrefix(a, "*"):
		return meet(a[1:], b) || b != "" && meet(a, b[1:])
	case strings.HasPrefix(b, "*"):
		return meet(b, a)
	}
	return a != "" && b != "" && a[0] == b[0] && meet(a[1:], b[1:])
}

func TestMeet(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"A", "A", true}, {"A", "B", false}, {"A*", "A", true}, {"A*", "AB*", true}, {"A*X", "AY*", true}, {"A*X", "*Y", false}, {"A*B", "AB", true}, {"A*B", "A", false},
	} {
		if meet(c.a, c.b) != c.want || meet(c.b, c.a) != c.want {
			t.Errorf("%s and %s", c.a, c.b)
		}
	}
}

// What people call their secrets, and where the provider's own documentation puts
// them.
func TestCatalogueFor(t *testing.T) {
	c := NewCatalogue()
	for _, w := range []struct{ name, provider, host, place string }{
		{"OPENAI_API_KEY", "OpenAI", "api.openai.com", "header:authorization"},
		{"OPENAI_KEY", "OpenAI", "eu.api.openai.com", "header:authorization"},
		{"ANTHROPIC_API_KEY", "Anthropic", "api.anthropic.com", "header:x-api-key"},
		{"GEMINI_API_KEY", "Google Gemini", "generativelanguage.googleapis.com", "header:x-goog-api-key"},
		{"GEMINI_API_KEY", "Google Gemini", "generativelanguage.googleapis.com", "query:key"},
		{"AZURE_OPENAI_API_KEY", "Azure OpenAI", "acme.openai.azure.com", "header:api-key"},
		{"AWS_BEARER_TOKEN_BEDROCK", "Amazon Bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "header:authorization"},
		{"MISTRAL_API_KEY", "Mistral", "api.mistral.ai", "header:authorization"},
		{"GROQ_API_KEY", "Groq", "api.groq.com", "header:authorization"},
		{"HF_TOKEN", "Hugging Face", "huggingface.co", "header:authorization"},
		{"REPLICATE_API_TOKEN", "Replicate", "api.replicate.com", "header:authorization"},
		{"ELEVENLABS_API_KEY", "ElevenLabs", "api.elevenlabs.io", "header:xi-api-key"},
		{"DEEPL_API_KEY", "DeepL", "api-free.deepl.com", "header:authorization"},
		{"BRAVE_API_KEY", "Brave Search", "api.search.brave.com", "header:x-subscription-token"},
		{"SERPAPI_KEY", "SerpApi", "serpapi.com", "query:api_key"},
		{"STRIPE_KEY", "Stripe", "api.stripe.com", "header:authorization"},
		{"STRIPE_SECRET_KEY", "Stripe", "api.stripe.com", "basic"},
		{"PAYPAL_CLIENT_SECRET", "PayPal", "api-m.paypal.com", "basic"},
		{"PLAID_SECRET", "Plaid", "production.plaid.com", "body:secret"},
		{"GITHUB_TOKEN", "GitHub", "api.github.com", "header:authorization"},
		{"GH_TOKEN", "GitHub", "github.com", "basic"},
		{"GITHUB_CLIENT_SECRET", "GitHub OAuth app", "github.com", "form:client_secret"},
		{"GITLAB_TOKEN", "GitLab", "gitlab.com", "header:private-token"},
		{"CIRCLECI_TOKEN", "CircleCI", "circleci.com", "header:circle-token"},
		{"SENTRY_AUTH_TOKEN", "Sentry", "sentry.io", "header:authorization"},
		{"CLOUDFLARE_API_TOKEN", "Cloudflare", "api.cloudflare.com", "header:authorization"},
		{"CLOUDFLARE_API_KEY", "Cloudflare", "api.cloudflare.com", "header:x-auth-key"},
		{"DIGITALOCEAN_TOKEN", "DigitalOcean", "api.digitalocean.com", "header:authorization"},
		{"VERCEL_TOKEN", "Vercel", "api.vercel.com", "header:authorization"},
		{"RAILWAY_TOKEN", "Railway", "backboard.railway.com", "header:project-access-token"},
		{"DD_API_KEY", "Datadog", "api.datadoghq.eu", "header:dd-api-key"},
		{"DD_APP_KEY", "Datadog", "api.us5.datadoghq.com", "header:dd-application-key"},
		{"NEW_RELIC_LICENSE_KEY", "New Relic", "log-api.newrelic.com", "header:api-key"},
		{"HONEYCOMB_API_KEY", "Honeycomb", "api.honeycomb.io", "header:x-honeycomb-team"},
		{"PAGERDUTY_ROUTING_KEY", "PagerDuty events", "events.pagerduty.com", "body:routing_key"},
		{"SLACK_BOT_TOKEN", "Slack", "slack.com", "header:authorization"},
		{"DISCORD_BOT_TOKEN", "Discord", "discord.com", "header:authorization"},
		{"TELEGRAM_BOT_TOKEN", "Telegram", "api.telegram.org", "path"},
		{"TWILIO_AUTH_TOKEN", "Twilio", "api.twilio.com", "basic"},
		{"SENDGRID_API_KEY", "SendGrid", "api.sendgrid.com", "header:authorization"},
		{"MAILGUN_API_KEY", "Mailgun", "api.eu.mailgun.net", "basic"},
		{"POSTMARK_SERVER_TOKEN", "Postmark", "api.postmarkapp.com", "header:x-postmark-server-token"},
		{"MANDRILL_API_KEY", "Mailchimp Transactional", "mandrillapp.com", "body:key"},
		{"MAILCHIMP_API_KEY", "Mailchimp", "us21.api.mailchimp.com", "basic"},
		{"BREVO_API_KEY", "Brevo", "api.brevo.com", "header:api-key"},
		{"NOTION_API_KEY", "Notion", "api.notion.com", "header:authorization"},
		{"LINEAR_API_KEY", "Linear", "api.linear.app", "header:authorization"},
		{"JIRA_API_TOKEN", "Atlassian", "acme.atlassian.net", "basic"},
		{"TRELLO_TOKEN", "Trello", "api.trello.com", "query:token"},
		{"FIGMA_TOKEN", "Figma", "api.figma.com", "header:x-figma-token"},
		{"ALGOLIA_ADMIN_KEY", "Algolia", "abc123-dsn.algolia.net", "header:x-algolia-api-key"},
		{"GOOGLE_MAPS_API_KEY", "Google Maps", "maps.googleapis.com", "query:key"},
		{"OPENWEATHER_API_KEY", "OpenWeather", "api.openweathermap.org", "query:appid"},
		{"COINMARKETCAP_API_KEY", "CoinMarketCap", "pro-api.coinmarketcap.com", "header:x-cmc_pro_api_key"},
		{"INFURA_API_KEY", "Infura", "mainnet.infura.io", "path"},
	} {
		p, ok := c.For(w.name)
		if !ok || p.Name != w.provider {
			t.Errorf("%s is of %q, want %s", w.name, p.Name, w.provider)
			continue
		}
		list := &List{Rules: p.Hosts, Bindings: map[string]Binding{w.name: p.Binding()}}
		use := Use{Name: w.name, Host: w.host, Port: 443, Method: "POST", Path: "/x", Place: w.place}
		if err := list.Check(use); err != nil {
			t.Errorf("%+v: %v", use, err)
		}
		use.Place = place.Text
		if err := list.Check(use); err == nil {
			t.Errorf("%+v is allowed", use)
		}
	}
	for _, name := range []string{
		"", "KEY", "API_KEY", "SECRET", "TOKEN", "PASSWORD", "DATABASE_URL", "STRIPE_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET", "GH_ENTERPRISE_TOKEN",
		"AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEYRING", "MY_OPENAI_API_KEY", "ACME_KEY", "JWT_SECRET", "SUPABASE_SERVICE_ROLE_KEY", "stripe_key",
	} {
		if p, ok := c.For(name); ok {
			t.Errorf("%s is of %s", name, p.Name)
		}
	}
}

// What a caller changes in a binding must not change the catalogue.
func TestCatalogueIsNotShared(t *testing.T) {
	c := NewCatalogue()
	p, _ := c.For("STRIPE_KEY")
	b := p.Binding()
	b.Hosts[0].Host, b.Places[0] = "evil.test", "body:any"
	if again, _ := c.For("STRIPE_KEY"); again.Hosts[0].Host != "api.stripe.com" || again.Places[0] == "body:any" {
		t.Errorf("%+v", again)
	}
}

func TestCatalogueModels(t *testing.T) {
	c := NewCatalogue()
	for name, want := range map[string][2]bool{ // model, publishing
		"OPENAI_API_KEY": {true, false}, "ANTHROPIC_API_KEY": {true, false}, "GEMINI_API_KEY": {true, false}, "AZURE_OPENAI_API_KEY": {true, false},
		"MISTRAL_API_KEY": {true, false}, "COHERE_API_KEY": {true, false}, "GROQ_API_KEY": {true, false}, "TOGETHER_API_KEY": {true, false},
		"DEEPSEEK_API_KEY": {true, false}, "PERPLEXITY_API_KEY": {true, false}, "XAI_API_KEY": {true, false}, "OPENROUTER_API_KEY": {true, false},
		"REPLICATE_API_TOKEN": {true, false}, "HF_TOKEN": {true, false}, "FIREWORKS_API_KEY": {true, false}, "CEREBRAS_API_KEY": {true, false},
		"GITHUB_TOKEN": {false, true}, "GITLAB_TOKEN": {false, true}, "SLACK_BOT_TOKEN": {false, true}, "DISCORD_TOKEN": {false, true},
		"TELEGRAM_BOT_TOKEN": {false, true}, "SENDGRID_API_KEY": {false, true}, "NOTION_TOKEN": {false, true}, "TWILIO_AUTH_TOKEN": {false, true},
		"STRIPE_KEY": {false, false}, "DD_API_KEY": {false, false}, "CLOUDFLARE_API_TOKEN": {false, false}, "GITHUB_CLIENT_SECRET": {false, false},
	} {
		p, ok := c.For(name)
		if got := [2]bool{p.Model, p.Publishing}; !ok || got != want {
			t.Errorf("%s: model, publishing %v, want %v", name, got, want)
		}
	}
}

// Hosts that were text before there was a catalogue stay text.
func TestCatalogueTextHosts(t *testing.T) {
	c := NewCatalogue()
	for host := range strings.FieldsSeq(`
		api.openai.com acme.openai.azure.com acme.services.ai.azure.com api.anthropic.com generativelanguage.googleapis.com aiplatform.googleapis.com
		eu.aiplatform.googleapis.com us-central1-aiplatform.googleapis.com bedrock-runtime.us-east-1.amazonaws.com api.mistral.ai codestral.mistral.ai
		api.cohere.com api.cohere.ai api.groq.com api.together.xyz api.together.ai api.fireworks.ai api.deepseek.com api.perplexity.ai api.x.ai
		openrouter.ai api.replicate.com api-inference.huggingface.co router.huggingface.co api.cerebras.ai api.sambanova.ai api.ai21.com api.moonshot.ai
		dashscope.aliyuncs.com dashscope-intl.aliyuncs.com integrate.api.nvidia.com api.voyageai.com api.elevenlabs.io models.github.ai
		models.inference.ai.azure.com api.github.com gist.github.com uploads.github.com gitlab.com api.bitbucket.org codeberg.org pastebin.com paste.rs
		dpaste.com api.notion.com slack.com hooks.slack.com discord.com discordapp.com api.telegram.org graph.facebook.com graph.microsoft.com
		gmail.googleapis.com www.googleapis.com api.sendgrid.com api.mailgun.net api.eu.mailgun.net api.postmarkapp.com api.resend.com api.twilio.com
		api.x.com api.twitter.com bsky.social mastodon.social acme.atlassian.net api.linear.app webhook.site httpbin.org`) {
		if !c.TextHost(host) {
			t.Errorf("%s is not a text host", host)
		}
	}
	for host := range strings.FieldsSeq(`
		api.stripe.com github.com huggingface.co ghcr.io api.datadoghq.com maps.googleapis.com oauth2.googleapis.com s3.us-east-1.amazonaws.com
		api.openai.com.evil.test xapi.openai.com openai.azure.com evilopenai.azure.com evil.test`) {
		if c.TextHost(host) {
			t.Errorf("%s is a text host", host)
		}
	}
}

func TestReadCatalogueErrors(t *testing.T) {
	for _, text := range []string{
		"names A_KEY", "[]", "[A", "[A] sometimes", "[A]\nhost a.test", "[A]\nhosts *.github.io", "[A]\nhosts https://a.test", "[A]\nplaces headers", "[A]\nplaces body:",
	} {
		if c, err := readCatalogue(text); err == nil {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

func BenchmarkCatalogueFor(b *testing.B) {
	c := NewCatalogue()
	for b.Loop() {
		c.For("NO_SUCH_NAME")
	}
}
