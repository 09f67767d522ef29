package placeholder

import (
	"reflect"
	"strings"
	"testing"
)

func TestValid(t *testing.T) {
	for name, want := range map[string]bool{
		"A": true, "STRIPE_KEY": true, "KEY_2": true, "A__": true, strings.Repeat("A", MaxName): true,
		"": false, "_A": false, "2A": false, "a": false, "Ab": false, "A-B": false, "A B": false, "É": false,
		"A\n": false, strings.Repeat("A", MaxName+1): false,
	} {
		if got := Valid(name); got != want {
			t.Errorf("Valid(%q) = %v", name, got)
		}
	}
}

func TestFind(t *testing.T) {
	long := strings.Repeat("N", MaxName)
	for in, want := range map[string][]Found{
		"":                                nil,
		"no such text: AS_SECRE_":         nil,
		"AS_SECRET_":                      nil,
		"AS_SECRET_KEY":                   {{"KEY", 0, 13}},
		"key=AS_SECRET_KEY&x=AS_SECRET_B": {{"KEY", 4, 17}, {"B", 20, 31}},
		"AS_SECRET_KEY_2":                 {{"KEY_2", 0, 15}},
		"AS_SECRET_KEYring":               nil,
		"AS_SECRET_key":                   nil,
		"AS_SECRET__K":                    nil,
		"AS_SECRET_AS_SECRET_A":           {{"AS_SECRET_A", 0, 21}},
		"AS_SECRET_a_AS_SECRET_A":         nil, // one word
		"AS_AS_SECRET_A":                  {{"A", 3, 14}},
		"%20AS_SECRET_A%20":               {{"A", 3, 14}},
		"AS_SECRET_A-AS_SECRET_A":         {{"A", 0, 11}, {"A", 12, 23}},
		"AS_SECRET_É":                     nil,
		"AS_SECRET_AÉ":                    {{"A", 0, 11}},
		Prefix + long:                     {{long, 0, len(Prefix) + MaxName}},
		Prefix + long + "N":               nil,
	} {
		if got := Find([]byte(in)); !reflect.DeepEqual(got, want) {
			t.Errorf("Find(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestForIsFound(t *testing.T) {
	if got := Find([]byte(For("KEY"))); len(got) != 1 || got[0].Name != "KEY" {
		t.Error(got)
	}
}

func TestEscape(t *testing.T) {
	const v = "a b+c/d%&=?#\r\n\x00\xff"
	for _, c := range []struct{ got, want string }{
		{string(EscapeQuery([]byte(v))), "a+b%2Bc%2Fd%25%26%3D%3F%23%0D%0A%00%FF"},
		{string(EscapePath([]byte(v))), "a%20b+c%2Fd%25&=%3F%23%0D%0A%00%FF"},
	} {
		if c.got != c.want {
			t.Errorf("escaped as %q, want %q", c.got, c.want)
		}
	}
}
