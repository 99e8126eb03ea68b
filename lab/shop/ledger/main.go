// Ledger is a small store with a volume: it keeps entries, PUT and GET /entries/KEY, in memory and in a journal on its volume,
// and replays the journal when it starts. As "ledger client" the same program is the store's load: it writes entries at a
// constant rate and reads back what a store has acknowledged. Its environment configures it.
//
//	LISTEN       where it serves, ":8080"
//	POD_NAME     its name, shown in the answer's header X-Pod; the host name
//	DATA         folder of the journal, "/data"
//	STORE        name of the store, shown in the answer's header X-Store; none
//	DRAIN_DELAY  how long it goes on serving, not ready, after it was asked to end, 1s
//
// Of the client only:
//
//	STORES  base URLs of the pods of the store, separated by commas
//	RATE    operations a second, on all of them together, 20
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := exec(ctx, os.Args[1:], os.Getenv); err != nil {
		log.Fatalln("ledger:", err)
	}
}

// exec is the program: the store, or with the argument "client" its load.
func exec(ctx context.Context, args []string, env func(string) string) error {
	c, err := configure(env)
	if err != nil {
		return err
	}
	switch {
	case len(args) == 0:
		return serve(ctx, c)
	case len(args) == 1 && args[0] == "client":
		return load(ctx, c)
	}
	return fmt.Errorf("unknown arguments %q: want none, or client", args)
}
