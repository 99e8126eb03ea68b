package build

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aftershockhq/aftershock/lab/internal/lock"
	"github.com/aftershockhq/aftershock/lab/internal/place"
)

// Builder builds products into a cache.
type Builder struct {
	Module string        // folder of the lab's module; others lie below it
	Cache  place.Cache   //
	Out    io.Writer     // told what is being built, at least every Every
	Every  time.Duration // zero is ten seconds
}

// Built is a product in the cache.
type Built struct{ Key, Path string }

// Build makes what the cache does not hold, one after the other, and returns where everything is. Two builders never
// build at once.
func (b Builder) Build(ctx context.Context, products []Product) (map[string]Built, error) {
	found, missing, err := b.look(ctx, products)
	if err != nil || len(missing) == 0 {
		return found, err
	}
	held, err := lock.Take(ctx, b.Cache.BuildLock(), func(pid int) {
		fmt.Fprintf(b.Out, "waiting for another build (process %d)\n", pid)
	})
	if err != nil {
		return nil, err
	}
	defer held.Release()
	found, missing, err = b.look(ctx, products) // the other may have built them
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for i, p := range missing {
		title := fmt.Sprintf("%s (%d of %d)", p.Name, i+1, len(missing))
		if err := b.make(ctx, p, found[p.Name].Path, title, begin); err != nil {
			return nil, fmt.Errorf("build %s: %w", p.Name, err)
		}
		b.prune(p.Name)
	}
	return found, nil
}

func (b Builder) look(ctx context.Context, products []Product) (found map[string]Built, missing []Product, err error) {
	found = map[string]Built{}
	for _, p := range products {
		key, err := p.Key(ctx, filepath.Join(b.Module, p.Module), b.Cache.Keys())
		if err != nil {
			return nil, nil, err
		}
		path := filepath.Join(b.Cache.Built(), p.Name+"-"+key)
		found[p.Name] = Built{key, path}
		if _, err := os.Stat(path); err != nil {
			missing = append(missing, p)
		}
	}
	return found, missing, nil
}

// make builds at a temporary path and then renames: what is in the cache is whole.
func (b Builder) make(ctx context.Context, p Product, path, title string, begin time.Time) error {
	temporary := filepath.Join(b.Cache.Built(), ".new-"+p.Name)
	if err := os.RemoveAll(temporary); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	if err := os.MkdirAll(b.Cache.Built(), 0o755); err != nil {
		return err
	}
	var steps atomic.Int64
	started := time.Now()
	stop := b.tell(func() string {
		return fmt.Sprintf("building %s: %d packages compiled, %s; %s in all", title, steps.Load(), since(started), since(begin))
	})
	err := p.Make(ctx, filepath.Join(b.Module, p.Module), temporary, func() { steps.Add(1) })
	stop()
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	fmt.Fprintf(b.Out, "built %s in %s\n", title, since(started))
	return nil
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Second) }

// tell says a line now and then until it is stopped.
func (b Builder) tell(line func() string) (stop func()) {
	fmt.Fprintln(b.Out, line())
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(cmp.Or(b.Every, 10*time.Second))
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				fmt.Fprintln(b.Out, line())
			}
		}
	}()
	return func() { close(done); <-ended }
}

// prune keeps the two newest of a product: two checkouts may share a cache.
func (b Builder) prune(name string) {
	found, _ := filepath.Glob(filepath.Join(b.Cache.Built(), name+"-*"))
	found = slices.DeleteFunc(found, func(path string) bool { // chaos- is no prefix of chaos-controller-manager's key
		return len(strings.TrimPrefix(filepath.Base(path), name+"-")) != 12
	})
	age := func(path string) time.Time {
		info, err := os.Stat(path)
		if err != nil {
			return time.Time{}
		}
		return info.ModTime()
	}
	slices.SortFunc(found, func(x, y string) int { return age(y).Compare(age(x)) })
	for _, old := range found[min(2, len(found)):] {
		_ = os.RemoveAll(old)
	}
}
