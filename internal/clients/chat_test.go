package clients_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// chats are the programs that ask for one completion and then for a streamed one.
var chats = []struct{ client, script string }{
	{"OpenAI SDK", "openai_chat.py"},
	{"LangChain", "langchain_chat.py"},
}

func TestChat(t *testing.T) {
	for _, c := range chats {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, `q"7\&+/=%`)
			r := w.run(w.intercepted(python(t), script(t, c.script), w.origin.url(openAIHost), placeholder), "")
			w.asked()
			covered := "You sent Bearer " + marker + strings.Repeat("*", w.inJSON()-len(marker)) + " to me\n"
			for _, want := range []string{"plain: " + covered, "chunk: " + covered} {
				if !strings.Contains(r.stdout, want) {
					t.Errorf("stdout does not hold %q:\n%s", want, r.stdout)
				}
			}
			w.clean(r)
			w.audited("header:authorization")
		})
	}
}

// The control of TestChat.
func TestChatWithoutUs(t *testing.T) {
	for _, c := range chats {
		t.Run(c.client, func(t *testing.T) {
			t.Parallel()
			w := newOutside(t, "")
			r := w.run(w.direct(python(t), script(t, c.script), w.origin.url("localhost"), w.value), "")
			w.asked()
			for _, want := range []string{"plain: You sent Bearer " + w.value, "chunk: You sent Bearer " + w.value, "chunk: !"} {
				if !strings.Contains(r.stdout, want) {
					t.Errorf("stdout does not hold %q:\n%s", want, r.stdout)
				}
			}
		})
	}
}

// inJSON is the length of the value as the origin writes it into JSON: what is
// put in its place has as many bytes.
func (w *world) inJSON() int {
	b, err := json.Marshal(w.value)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(b) - len(`""`)
}

// asked holds that both completions carried the value.
func (w *world) asked() {
	w.t.Helper()
	w.origin.mu.Lock()
	defer w.origin.mu.Unlock()
	got := w.origin.seen["/v1/chat/completions"]
	if len(got) != 2 {
		w.t.Fatalf("the origin got %d requests, want 2", len(got))
	}
	for _, r := range got {
		if a := r.Header.Get("Authorization"); a != "Bearer "+w.value {
			w.t.Errorf("the origin got %q, want the value", a)
		}
	}
}
