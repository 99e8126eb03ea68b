// Package rehearsal is an in-memory Kubernetes API on which a run is rehearsed to
// learn which rights it needs.
//
// A [Stage] is an http.RoundTripper that records the right each request needs:
//
//	stage, err := rehearsal.NewStage(scheme, deployment, pod)
//	c, err := client.NewWithWatch(stage.Config(), client.Options{Scheme: scheme})
//	// run the experiment with c
//	rules := rights.Merge(stage.Asked())
//
// # Why in memory
//
// Rights come from the requests that experiments make, because a list kept by hand
// goes stale with the next change. No real cluster is asked, because those who need
// the rights do not have them yet: the author of a file sends the Roles to someone
// who may grant them, and preflight with too few rights still names every one that
// is missing. The file names the workloads, the autoscaler and the namespaces. What
// it does not say, such as the labels of the pods, changes no right.
//
// The alternative, a rehearsal on the real cluster with dry-run writes, needs an
// account that has all rights, stops at the first missing one, and never gets past
// an injection: Chaos Mesh does not inject an object of a dry run, so the requests
// after an injection and those that free a stuck object are never made.
//
// # What the stage plays
//
// It stores objects and answers discovery, reads, writes and watches. It also plays
// what runs wait for: Chaos Mesh injects at once and removes its finalizers only
// when the last remedy is tried; rollouts proceed, except with a bad image; Jobs get
// pods; evicted pods go. It also records the rights that Chaos Mesh's admission
// webhook demands: create and update of the fault's kind in each namespace of its
// pods. [Stage.Still] plays a cluster in which nothing happens, to reach the
// requests that follow a failure; [Stage.Refuse] refuses rights, to see whether a
// run can do without them.
//
// # Limits
//
// It proves nothing: an answer that only a real cluster gives may lead to a request
// that is not made here. The proof is a run under exactly these rights ("make
// rights").
package rehearsal
