// Package rehearsal is a Kubernetes API in memory on which a run is rehearsed,
// to see which rights it needs.
//
// The rights of a file are read from the requests that its experiments make: a
// list kept by hand would be wrong with the next change. They must be known to
// those who have none yet, so no cluster is asked: the person who writes the file
// sends the Roles to the one who may grant them, and preflight, with too few
// rights, still knows all that are missing. The file says what there is: the
// workloads, the autoscaler, the namespaces. What it does not say, as the labels of
// the pods, changes no right.
//
// The alternative was to rehearse on the real cluster, with writes as dry runs.
// It needs an account with all rights, ends where the first one is missing, and
// waits in vain: an object that a dry run creates is never injected, so that
// neither what follows an injection nor what removes one that is stuck is ever
// asked.
//
// A [Stage] is an http.RoundTripper. It keeps objects, answers discovery, reads,
// writes and watches, and notes the right that each request needs. It also plays
// those parts of the cluster that runs wait for: Chaos Mesh injects at once, and
// lets go of an object only when the last remedy is tried; rollouts proceed, and
// a bad image does not; Jobs have pods, evicted pods are gone. And it asks for
// what Chaos Mesh's admission asks: to create and to update the kind of a fault in
// each namespace of its pods. In a second rehearsal it does nothing, for what is
// asked about a failure, and in a third it refuses what is outside the namespaces
// of the file, to see whether all goes on without.
//
// It is no proof: an answer that only a real cluster gives may lead to a request
// that is not made here. The proof is a run under exactly these rights ("make
// rights").
package rehearsal
