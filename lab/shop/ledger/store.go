package main

import (
	"context"
	"sync"
)

// store is all entries, in memory and in the journal.
type store struct {
	mu      sync.Mutex
	entries map[string]string
	journal *journal
}

func openStore(ctx context.Context, folder string) (*store, error) {
	s := &store{entries: map[string]string{}}
	j, err := openJournal(ctx, folder, func(e entry) { s.entries[e.key] = e.value })
	if err != nil {
		return nil, err
	}
	s.journal = j
	return s, nil
}

func (s *store) put(key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.journal.append(entry{key, value}); err != nil {
		return err
	}
	s.entries[key] = value
	return nil
}

func (s *store) get(key string) (value string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok = s.entries[key]
	return value, ok
}

func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}
