package lock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOnlyOneHoldsIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "a.lock")
	if _, held := Holder(path); held {
		t.Error("a lock that was never taken is held")
	}
	first, err := Try(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Try(path); !errors.Is(err, ErrHeld) {
		t.Errorf("taken twice: %v", err)
	}
	if pid, held := Holder(path); !held || pid != os.Getpid() {
		t.Errorf("holder %d, %v; want %d", pid, held, os.Getpid())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	told := 0
	if _, err := Take(ctx, path, func(int) { told++ }); !errors.Is(err, context.DeadlineExceeded) || told != 1 {
		t.Errorf("waited with %v, told %d times", err, told)
	}
	first.Release()
	second, err := Take(t.Context(), path, func(int) { t.Error("waited for a free lock") })
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
	if _, held := Holder(path); held {
		t.Error("a released lock is held")
	}
}
