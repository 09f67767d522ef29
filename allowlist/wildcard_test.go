package allowlist

import (
	"strings"
	"testing"
)

// Below each of these anybody can have a name, and what answers there is theirs.
const shared = `
	com net org io dev co.uk com.au co.jp tokyo.jp kobe.jp de fr eu test localhost invalid example
	github.io gitlab.io githubusercontent.com githubpreview.dev gitpod.io repl.co replit.dev
	s3.amazonaws.com s3.eu-west-1.amazonaws.com s3-eu-west-1.amazonaws.com s3-website-us-east-1.amazonaws.com
	compute.amazonaws.com eu-west-1.compute.amazonaws.com elb.amazonaws.com us-east-1.elb.amazonaws.com execute-api.us-east-1.amazonaws.com
	lambda-url.us-east-1.on.aws cloudfront.net awsapprunner.com elasticbeanstalk.com
	appspot.com a.run.app run.app cloudfunctions.net web.app firebaseapp.com blogspot.com withgoogle.com
	azurewebsites.net blob.core.windows.net cloudapp.net azurestaticapps.net trafficmanager.net
	herokuapp.com vercel.app netlify.app pages.dev workers.dev r2.dev fly.dev onrender.com railway.app up.railway.app deno.dev surge.sh
	ngrok.io ngrok-free.app ngrok.app ngrok.dev trycloudflare.com loca.lt localtunnel.me serveo.net glitch.me codesandbox.io csb.app stackblitz.io webcontainer.io
	supabase.co myshopify.com wordpress.com readthedocs.io hf.space streamlit.app digitaloceanspaces.com nyc3.digitaloceanspaces.com
	m.pipedream.net webhook.site requestcatcher.com oast.fun oast.pro
	duckdns.org dyndns.org no-ip.org nip.io sslip.io 203.0.113.7.nip.io app.203-0-113-7.sslip.io xn--p1ai xn--fiqs8s рф`

// No rule, no host of a binding and no rule for some requests may take them all.
func TestD5WildcardsOfSharedHosts(t *testing.T) {
	n := 0
	for suffix := range strings.FieldsSeq(shared) {
		n++
		for _, text := range []string{"*." + suffix, "*." + strings.ToUpper(suffix) + ".", "*." + suffix + ":8443"} {
			if r, err := ParseRule(text); err == nil {
				t.Errorf("%s is taken as %v", text, r)
			} else if !strings.Contains(err.Error(), "anybody") {
				t.Errorf("%s: %v does not say why", text, err)
			}
		}
		if r, err := ParseRequestRule("POST *." + suffix + "/v1/*"); err == nil {
			t.Errorf("POST *.%s is taken as %v", suffix, r)
		}
	}
	if n < 80 {
		t.Errorf("%d hosts only", n)
	}
}

// A rule that came to be in another way, such as by a list that was shorter then,
// matches nobody's name there either.
func TestD5WildcardsMatchNoSharedHost(t *testing.T) {
	for suffix := range strings.FieldsSeq(shared) {
		base, err := NormalHost(suffix)
		if looksNumeric(suffix) || err != nil {
			t.Fatalf("%s: %v", suffix, err)
		}
		if r := (Rule{Host: base, Wildcard: true}); r.Match("evil."+base, 443) {
			t.Errorf("*.%s matches evil.%s", base, base)
		}
	}
	for rule, hosts := range map[string]string{ // names that are themselves such suffixes
		"*.amazonaws.com": "s3.amazonaws.com", "*.eu-west-1.amazonaws.com": "s3.eu-west-1.amazonaws.com",
		"*.core.windows.net": "blob.core.windows.net", "*.pipedream.net": "",
	} {
		r, err := ParseRule(rule)
		if err != nil {
			t.Fatal(err)
		}
		for host := range strings.FieldsSeq(hosts) {
			if r.Match(host, 443) {
				t.Errorf("%s matches %s", rule, host)
			}
		}
	}
}

// A wildcard is one label, and stands for what one owner has.
func TestD5WildcardIsOneLabel(t *testing.T) {
	for _, c := range []struct {
		rule, host string
		want       bool
	}{
		{"*.acme.com", "api.acme.com", true},
		{"*.acme.com", "acme.com", false},
		{"*.acme.com", "a.b.acme.com", false},
		{"*.acme.com", "apiacme.com", false},
		{"*.acme.com", "api.acme.com.evil.com", false},
		{"*.acme.com", "evil.com#.acme.com", false},
		{"*.acme.com", "evil.com/.acme.com", false},
		{"*.acme.com", "evil.com\x00.acme.com", false},
		{"*.acme.com", "*.acme.com", false},
		{"*.acme.github.io", "pages.acme.github.io", true},
		{"*.acme.github.io", "acme.github.io", false},
		{"*.acme.github.io", "evil.github.io", false},
		{"*.bucket.s3.amazonaws.com", "x.bucket.s3.amazonaws.com", true},
		{"*.bucket.s3.amazonaws.com", "evil.s3.amazonaws.com", false},
		{"acme.github.io", "acme.github.io", true},
		{"acme.surge.sh", "acme.surge.sh", true},
		{"acme.surge.sh", "evil.surge.sh", false},
	} {
		r, err := ParseRule(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Match(c.host, 443); got != c.want {
			t.Errorf("%s matches %q: %v", c.rule, c.host, got)
		}
	}
}
