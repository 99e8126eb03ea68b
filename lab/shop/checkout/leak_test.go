package main

import "testing"

func TestLeak(t *testing.T) {
	for _, c := range []struct {
		says      string
		kilobytes int
		blocks    int
	}{
		{"nothing is kept", 0, 0},
		{"each request keeps so much", 3, 5},
	} {
		t.Run(c.says, func(t *testing.T) {
			l := leak{kilobytes: c.kilobytes}
			for range 5 {
				l.add()
			}
			if len(l.kept) != c.blocks {
				t.Fatalf("%d blocks, want %d", len(l.kept), c.blocks)
			}
			for _, block := range l.kept {
				if len(block) != c.kilobytes<<10 || block[0] == 0 || block[1024] == 0 {
					t.Errorf("a block of %d bytes that takes no memory", len(block))
				}
			}
		})
	}
}
