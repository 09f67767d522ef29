package runtree

import "testing"

func TestParseStat(t *testing.T) {
	for stat, want := range map[string]process{
		"12 (sh) S 7 12 12 0":                  {parent: 7},
		"12 (agentsecrets-rn) S 7 12":          {parent: 7, isRun: true},
		"12 (a) S 1 (agentsecrets-rn) R 7 1 2": {parent: 7},
		"12 ((agentsecrets-rn)) S 7 12":        {parent: 7},
	} {
		if got, err := parseStat([]byte(stat)); got != want || err != nil {
			t.Errorf("%q: %+v, %v", stat, got, err)
		}
	}
	for _, bad := range []string{"", "12 (sh", "12 (sh) S", "12 (sh) S x", ")("} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
