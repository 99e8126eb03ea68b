// Package workers drives one load from several machines: an Indexed Job in the
// cluster, each of whose pods drives its share, so that a rate beyond one
// machine needs nothing but Kubernetes.
//
//	experiment.Load = workers.Job{
//		Load: load.HTTP{Shape: load.Constant(20_000), URL: "http://checkout.shop.svc/"},
//		Pods: workers.Pods{
//			Count:     4,
//			Image:     "registry.example/aftershock:1.0", // its entry point is the program
//			Namespace: "load-gen",
//		},
//		Client: c,
//		Reach:  reach, // by workers.Proxy: through the API server
//	}
//
//	left, err := workers.Find(ctx, c, faults.Scope{Namespaces: []string{"load-gen"}})
//	removed, err := workers.Sweep(ctx, c, faults.Scope{Namespaces: []string{"load-gen"}})
//
// # One load
//
// Worker i of n drives the requests i, i + n, i + 2n and so on of the whole
// load, each with the number and at the time that it has in the whole (see
// [load.HTTP.Share]). All start at one instant and end at one (see
// [load.Window]), so together they are the load, and no number is missing or
// duplicated. Their requests come back as they are answered and are merged into
// one stream, in which the judge's proofs are the same as for one machine.
// Percentiles are exact: requests are merged, not percentiles.
//
// # The clocks
//
// A worker stamps with its own clock. When the coordinator asks for its time,
// the worker reads its clock between the departure of the question and the
// arrival of the answer, so its clock is ahead of ours by something between its
// reading less the latter and its reading less the former (Cristian,
// Probabilistic clock synchronization, 1989; the whole round trip is the bound,
// since its division is unknown). The coordinator asks twice a second
// throughout, and merges a request only once it lies between two readings. The
// worker's clock was then ahead, while the request was in flight, by something
// between the least and the greatest that these say, which follows a clock that
// drifts or is slewed. Each is widened by 500 parts per million of the time
// from the reading, the most by which NTP slews a clock: it may swing out and
// back between two readings. The middle of that interval moves the request to
// the record's clock, and half of it is its [record.Request] Skew: it widens
// the span in which the request was in flight. The request's duration was
// measured by one clock and stays exact.
//
// # What may go wrong
//
// A worker that dies, is evicted, falls silent, or whose stream of requests
// breaks off is the harness's failure: an error from Drive, which ends the run
// and cannot end in held. So is a worker that does not start in time, with the
// reasons that the cluster gives.
//
// The Job is labelled like the faults ([faults.RunLabel]), so that [Find] and
// [Sweep] find it even after a crash of the program that made it, and is
// written down before it is created. On its own the cluster ends it at its
// deadline, and removes it five minutes later; a worker whose requests are no
// longer read stops sending at once.
//
// # What is secret
//
// The run reads all inputs of a load, secrets included, on its own side. They
// go to the workers as the body of a request, by way of the API server, and
// nowhere else: headers are in no pod's specification, and neither in the
// record nor in a log. A worker accepts only one load, from the client that
// sends its run ID, a number of forty random bits.
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
// The API server must reach pods by their addresses, as kubectl proxy also
// requires. The workers' own pods have no service account token, and run under
// the restricted Pod Security Standard.
package workers
