// Package workers drives one load from several machines: an Indexed Job in the
// cluster, each of whose pods drives its share, so that a rate beyond one
// machine needs nothing but Kubernetes.
//
//	experiment.Load = workers.Job{
//		Load:      load.HTTP{Shape: load.Constant(20_000), URL: "http://checkout.shop.svc/"},
//		Count:     4,
//		Image:     "registry.example/aftershock:1.0", // its entry point is the program
//		Namespace: "load-gen",
//		Client:    c,
//		Reach:     reach, // by workers.Proxy: through the API server
//	}
//
//	left, err := workers.Find(ctx, c, faults.Scope{Namespaces: []string{"load-gen"}})
//	removed, err := workers.Sweep(ctx, c, faults.Scope{Namespaces: []string{"load-gen"}})
//
// # One load
//
// Worker i of n drives the requests i, i + n, i + 2n and so on of the whole
// load, each with the number and at the time that it has in the whole (see
// [load.HTTP.Share]). All begin at one instant and end at one (see
// [load.Window]), so together they are the load, and no number is missing or
// there twice. Their requests come back as they are answered and are merged
// into one stream, in which the judge's proofs are what they are for one
// machine. Percentiles are exact: requests are merged, not percentiles.
//
// # The clocks
//
// A worker stamps with its own clock. Asked for its time, it reads its clock
// between our question's leaving and the answer's coming, so it is ahead of ours
// by something between its reading less the latter and its reading less the
// former (Cristian, Probabilistic clock synchronization, 1989; the whole round
// trip is the bound, since nothing is known of how it divides). This is asked
// throughout, twice a second, and a request is merged only once it lies between
// two readings. By how much the worker's clock was ahead while the request was
// under way is then between the least and the greatest that these say, which
// follows a clock that drifts or is slewed. Each is widened by 500 parts per
// million of the time from the reading, by which NTP slews a clock at most: it
// may swing out and back between two. The middle of that moves the request to
// the record's clock, and the half of it is its [record.Request] Skew: it
// widens the span in which the request was under way. What the request took was
// measured by one clock and is as exact as ever.
//
// # What may go wrong
//
// A worker that dies, is evicted, falls silent, or whose requests break off is
// the harness's failure: an error from Drive, which ends the run and cannot end
// in held. So is a worker that is not up in time, with the reasons that the
// cluster gives.
//
// The Job is labelled as the faults are ([faults.RunLabel]), so that [Find]
// and [Sweep] find it whatever became of the program that made it, and is
// written down before it is created. Without us the cluster ends it at its
// deadline, and removes it five minutes later; a worker whose requests are no
// longer taken stops sending at once.
//
// # What is secret
//
// What a load reads when it begins, secrets too, is read where the run is. It
// goes to the workers as the body of a request, by way of the API server, and
// nowhere else: headers are in no pod's specification, and neither in the record
// nor in a log. A worker takes one load only, from the client that
// names its run, a number of forty random bits.
//
// # What it needs
//
// In the workers' namespace: to create, get, list and delete jobs, to list pods,
// to get and create pods/proxy, and to list events, for the reasons. As a role:
//
//	rules:
//	- {apiGroups: [batch], resources: [jobs], verbs: [create, get, list, delete]}
//	- {apiGroups: [""], resources: [pods, events], verbs: [list]}
//	- {apiGroups: [""], resources: [pods/proxy], verbs: [get, create]}
//
// The API server must reach pods by their addresses, as kubectl proxy wants too.
// The workers' own pods have no account's token, and run under the restricted
// Pod Security Standard.
package workers
