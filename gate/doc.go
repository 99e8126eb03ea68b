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
// A build is waiting, running, and then held, broken or unknown. Only its records
// on disk make it held or broken, read again at each answer. Unknown neither promotes
// nor rolls back.
//
// A checksum says nothing about pods. What the pods of the build run, the label of
// their template, is read when the build is asked about, when its turn comes, and at
// each answer of held or broken; and its records have it of every pod. If these are not
// all the same, the build is not held or broken by them.
//
// # Waiting
//
// A build waits for the end of a stop, a freeze or another run for as long as that
// takes, and for all else that may pass for a while: for pods that are not ready, a right
// that is refused, a disk that cannot be read or written to. Then it is unknown, and at
// once if waiting changes nothing. Until then its records decide nothing. What is broken is
// not tested again.
//
// # Builds that come back
//
// Another build of the same name, with other pods, ends the test of the one before. One
// that was held or broken is so when it comes back; one that was unknown is tested anew.
//
// # Restarts
//
// What is known of the builds changes only by an [Event], and each is in the journal, on
// disk, before the gate acts on it. A gate that was killed finds in its journal which
// build was being tested. It sweeps what that run left behind, and tests the build once
// more, unless a limit is broken by its records already; one that was interrupted twice
// is unknown.
package gate
