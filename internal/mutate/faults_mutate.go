package main

var (
	inJudging   = []string{"./internal/mutate", "-run", "^TestJudge$"}
	inTrying    = []string{"./internal/mutate", "-run", "^TestTry$"}
	inSwitching = []string{"./internal/mutate", "-run", "^TestSwitches$"}
	inChoosing  = []string{"./internal/mutate", "-run", "^TestChosen$"}
)

// mutateFaults are of what seeds faults.
var mutateFaults = []fault{
	{"mutate: no test is as good as one", "internal/mutate/outcome.go", "[]byte(\"\\ntesting: warning: no tests to run\")):", "[]byte(\"\\ntesting: none\")):", inJudging},
	{"mutate: what does not compile is noticed", "internal/mutate/outcome.go", "	case bytes.Contains(out, []byte(compilation)):", "	case bytes.HasPrefix(out, []byte(compilation+\"!\")):", inJudging},
	{"mutate: whatever ends the tests is a test", "internal/mutate/outcome.go", "	o.end, o.why = untried, \"ended", "	o.end, o.why = crashed, \"ended", inTrying},
	{"mutate: time that is over is a test", "internal/mutate/worker.go", "o.end == hung && !w.hangs[f.name]", "o.end == hung && w.hangs == nil", inTrying},
	{"mutate: a test that always fails notices", "internal/mutate/worker.go", "	if clean.end != passed {\n", "	if clean.end == untried {\n", inTrying},
	{"mutate: once is enough", "internal/mutate/worker.go", "again.end == passed || again.end == hung", "again.end == hung", inTrying},
	{"mutate: a fault stays where it was seeded", "internal/mutate/tree.go", "	defer os.WriteFile(path, before, 0o644)\n", "", inTrying},
	{"mutate: a fault that is not turned on", "internal/mutate/switches.go", "marker[:len(marker)-len(number)]+number", "marker", inSwitching},
	{"mutate: nothing is seen of who recovers", "internal/mutate/weave.go", " && !strings.Contains(text, \"recover()\")", "", inSwitching},
	{"mutate: one that does not compile spoils them all", "internal/mutate/switches.go", "return refused[n.number] })", "return refused[n.name] })", inSwitching},
	{"mutate: a copy is given other arguments", "internal/mutate/weave.go", "			call += \"...\"\n", "			call += \"[:0]...\"\n", inSwitching},
	{"mutate: parts leave some out", "internal/mutate/order.go", "i%parts == part-1 &&", "i%(parts+1) == part-1 &&", inChoosing},
	{"mutate: what was missed is done", "internal/mutate/order.go", "strings.CutPrefix(line, caught.String()+\"  \")", "strings.CutPrefix(line[min(6, len(line)):], \"  \")", inChoosing},
}
