// Package stop keeps runs from beginning, and ends those that are under way: when a
// person says so, and while a freeze is in force.
//
// A person's stop is an entry of the ConfigMap [Name] in the namespace of the
// program's own. It works on every run that uses that namespace, and while no
// harness is at hand: kubectl can write it too.
//
//	err := stop.Set(ctx, c, "aftershock", stop.Stop{Scope: stop.Scope{All: true}, Reason: "checkout is down"})
//	removed, err := stop.Resume(ctx, c, "aftershock", stop.Scope{All: true})
//
// A freeze is a time window, or an incident that Prometheus knows of. Both are
// safeguards of a run:
//
//	e.Safeguards = append(e.Safeguards,
//		&stop.Switch{Client: c, Namespace: "aftershock", Services: map[string]kube.Workload{"checkout": checkout}},
//		&stop.Freeze{Windows: []stop.Window{{Schedule: "0 18 * * FRI", For: 62 * time.Hour, Timezone: "Europe/Berlin"}}},
//	)
//
// # What is not known stops
//
// Only the answer that there is no such ConfigMap, or one without an entry for this
// run, lets a run begin and a fault be injected. An entry that cannot be understood
// counts as a stop of all runs, and one with an unreadable end as one without an
// end. A request that fails keeps the fault from being injected; a run that cannot
// see for 10 s whether it is stopped is blind, and ends.
//
// # Rights
//
// A run needs get and watch on the ConfigMap aftershock-stop. Without watch it sees
// a stop up to a second later. A person who stops and resumes needs get, create,
// update and delete.
package stop
