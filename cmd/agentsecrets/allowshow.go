package main

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/agentsecrets/agentsecrets/allowlist"
)

// Showing rules.

type ruleJSON struct {
	Rule     string            `json:"rule"`
	Host     string            `json:"host"`
	Port     int               `json:"port"`
	Wildcard bool              `json:"wildcard"`
	Method   string            `json:"method,omitempty"`
	Path     string            `json:"path,omitempty"`
	Places   []string          `json:"places,omitempty"`
	Private  bool              `json:"private,omitempty"`
	Plain    bool              `json:"plaintext,omitempty"`
	Range    bool              `json:"range,omitempty"`
	CA       []certificateJSON `json:"ca,omitempty"`
	AddedBy  string            `json:"added_by"`
	AddedAt  time.Time         `json:"added_at"`
}

type certificateJSON struct {
	Subject  string    `json:"subject"`
	SHA256   string    `json:"sha256"`
	NotAfter time.Time `json:"not_after"`
}

func (a *app) listRules() error {
	w, err := a.where()
	if err != nil {
		return err
	}
	policy, err := w.policy()
	if err != nil {
		return err
	}
	rules := showRules(policy.Rules)
	rows := make([][]string, 0, len(policy.Rules))
	for _, r := range policy.Rules {
		rows = append(rows, []string{hostText(r), r.AddedBy, r.AddedAt.Local().Format("2006-01-02 15:04"), r.Method, r.Path, strings.Join(r.Places, " "), r.Options.Text()})
	}
	header := []string{"Domain", "Added By", "Added At", "Method", "Path", "Places", "Options"}
	columns := columnsFor(policy.Rules)
	for i := range rows {
		rows[i] = rows[i][:columns]
	}
	if len(rules) == 0 {
		a.say("Nothing is allowed in workspace %s yet: agentsecrets workspace allowlist add HOST", w.WorkspaceName)
	}
	return a.print(map[string]any{"rules": rules}, func(out io.Writer) {
		io.WriteString(out, grid(a.columns(), header[:columns], rows))
	})
}

// columnsFor is how many of the columns are needed: scripts split the table of
// three.
func columnsFor(rules []allowlist.Rule) int {
	switch {
	case slices.ContainsFunc(rules, func(r allowlist.Rule) bool { return r.Options != allowlist.Options{} }):
		return 7
	case slices.ContainsFunc(rules, func(r allowlist.Rule) bool { return r.Text() != hostText(r) }):
		return 6
	}
	return 3
}

// hostText is the part of a rule that names hosts.
func hostText(r allowlist.Rule) string {
	return allowlist.Rule{Host: r.Host, Port: r.Port, Wildcard: r.Wildcard}.String()
}

func showRules(list []allowlist.Rule) []ruleJSON {
	rules := make([]ruleJSON, 0, len(list))
	for _, r := range list {
		rules = append(rules, ruleJSON{
			r.String(), r.Host, cmp.Or(r.Port, 443), r.Wildcard, r.Method, r.Path, r.Places,
			r.Private, r.Plaintext, r.Range, showCertificates(r.Certificates()), r.AddedBy, r.AddedAt,
		})
	}
	return rules
}

func showCertificates(list []*x509.Certificate) []certificateJSON {
	var all []certificateJSON
	for _, c := range list {
		sum := sha256.Sum256(c.Raw)
		all = append(all, certificateJSON{c.Subject.String(), hex.EncodeToString(sum[:]), c.NotAfter})
	}
	return all
}
