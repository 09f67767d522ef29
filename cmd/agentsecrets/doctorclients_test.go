package main

import (
	"encoding/base64"
	"errors"
	"os/exec"
	"testing"
)

// What became of a client is judged by what was seen of it, not by what it says.
func TestJudgeClients(t *testing.T) {
	l := &clientLab{value: "c4n4ry-of-the-judge-0123456789"}
	bad := &exec.ExitError{}
	for what, c := range map[string]struct {
		client labClient
		out    string
		err    error
		state  string
	}{
		"through":                       {labClient{connected: []string{labHost}, credential: l.value}, "ok", nil, clientProxied},
		"through, and unhappy":          {labClient{connected: []string{labHost}, credential: l.value}, "", bad, clientFailed},
		"as it was":                     {labClient{connected: []string{labHost}, credential: "AS_SECRET_DOCTOR"}, "", nil, clientFailed},
		"the value came back":           {labClient{connected: []string{labHost}, credential: l.value}, "x" + l.value, nil, clientLeaked},
		"it came back in base64":        {labClient{credential: l.value}, base64.StdEncoding.EncodeToString([]byte(l.value)), nil, clientLeaked},
		"nothing came, it failed":       {labClient{}, "no such host", bad, clientDirect},
		"nothing came, it did not fail": {labClient{}, "200 OK", nil, clientDirect},
		"left at the certificate":       {labClient{connected: []string{labHost}}, "", bad, clientRefused},
		"refused by the proxy":          {labClient{connected: []string{labHost}, answered: map[string]string{labHost: "bad_request"}}, "", bad, clientFailed},
		"too slow at the certificate":   {labClient{connected: []string{labHost}}, "", errSlow, clientFailed},
		"too slow for anything":         {labClient{}, "", errSlow, clientFailed},
		"it has its answer and goes on": {labClient{connected: []string{labHost}, credential: l.value}, "", errSlow, clientProxied},
		"it cannot be started":          {labClient{}, "", errors.New("exec format error"), clientFailed},
	} {
		row := clientRow{}
		if l.judge(&row, &c.client, []byte(c.out), c.err); row.State != c.state {
			t.Errorf("%s: %+v", what, row)
		}
	}
}
