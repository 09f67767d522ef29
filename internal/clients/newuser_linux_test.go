package clients_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A new user has a machine, the README and a key. They clone, watch the demo, set up,
// and run a program with the OpenAI SDK as it stands. That program makes its call, lives
// on, and has the key nowhere: the same search finds it in TestMemoryWithoutUs.
func TestReadmeNewUser(t *testing.T) {
	w := newOutside(t, "")
	w.write("pw", "correct horse battery staple\n")
	w.write("project/ask.py", blocksOf(t, "With an SDK", "python")[0]+`
import os
print("key", os.environ["OPENAI_API_KEY"], client.api_key)
print("pid", os.getpid(), flush=True)
input()
`)
	quick := blocksOf(t, "Quick start", "sh")
	pw := " --password-file " + w.path("pw")
	sdk := strings.NewReplacer(
		"--allow", "--allow"+pw,
		"run --intercept", fmt.Sprintf("run --intercept%s --origin-ca %s --resolve api.openai.com:443:127.0.0.1:%d", pw, w.origin.caFile, w.origin.port),
		"python ask.py", python(t)+" ask.py",
	).Replace(blocksOf(t, "With an SDK", "sh")[0])
	// Who types has the key on their clipboard, and not in a variable that programs inherit.
	cmd := w.cloning("IFS= read -r VALUE <&3; exec 3<&-\n" + blocksOf(t, "", "sh")[0] + quick[0] + quick[1] + sdk)
	cmd.Env = append(cmd.Env, "T="+w.dir)
	typed, keyboard, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typed.Close()
	cmd.ExtraFiles = []*os.File{typed}
	fmt.Fprintln(keyboard, w.value)
	keyboard.Close()
	h := w.hold(cmd)
	if got := w.origin.last("/v1/chat/completions").Header.Get("Authorization"); got != "Bearer "+w.value {
		t.Errorf("the API got %q, want the value", got)
	}
	for what, forms := range map[string][]string{
		"environment": w.trace.Forms([]byte(h.file("environ"))), "arguments": w.trace.Forms([]byte(h.file("cmdline"))), "memory": h.memory(w.trace),
	} {
		if forms != nil {
			t.Errorf("the program's %s holds the key: %s", what, forms)
		}
	}
	r := h.end()
	for _, want := range []string{"checks hold", "You sent Bearer " + marker, "key AS_SECRET_OPENAI_API_KEY AS_SECRET_OPENAI_API_KEY\n"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("a new user does not see %q:\n%s", want, r.stdout)
		}
	}
	w.clean(r)
}
