// Package gate answers the controllers of a progressive delivery whether a build
// holds, by experiments that it runs for each build, once.
//
//	server := &gate.Server{Dir: "gate", Runner: runner, Token: token, Namespaces: []string{"shop"}}
//	return server.Serve(ctx, listener)
//
// Flagger asks at /flagger/confirm-promotion and /flagger/rollback, the web metric of
// Argo Rollouts at /argo, and people at /gates. A build is known by its namespace,
// its name and a checksum: asking again begins nothing. One build is tested at a
// time, since two faults at once would each be seen by the other's checks.
//
// # What is answered
//
// A build is waiting, running, and then held, broken or unknown. Only [Decide] makes
// it held or broken, each time it is asked, from the records on disk. Unknown
// neither promotes nor rolls back.
//
// # Restarts
//
// A [Book] changes only by events, and each is in the journal, on disk, before the
// gate acts on it. A gate that was killed finds in its journal which build was being
// tested. It sweeps what that run left behind, and tests the build once more; one
// that was interrupted twice is unknown.
package gate
