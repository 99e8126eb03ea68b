package main

import "sync"

// leak keeps so much memory for each request and never lets go of it.
type leak struct {
	kilobytes int
	mu        sync.Mutex
	kept      [][]byte
}

func (l *leak) add() {
	if l.kilobytes == 0 {
		return
	}
	block := make([]byte, l.kilobytes<<10)
	for i := 0; i < len(block); i += 1 << 10 {
		block[i] = 1 // a page that was never written takes no memory
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, block)
}
