// Package local contains faults on processes of this machine, for those without
// a cluster: [Kill], [Restart] and [Pause].
//
//	backend := local.Service{Name: "shop-2", Find: local.PIDFile("/run/shop-2.pid")}
//
//	experiments.Experiment{
//		Name:   "kill one of two",
//		Load:   load.HTTP{URL: front, Shape: load.Constant(100)}, // its answers say X-Pod: shop-2
//		Faults: []experiments.Scheduled{{Fault: local.Kill(backend)}},
//		// ...
//	}
//
// A process is told apart by its number and the time of its start, since the
// kernel reuses numbers: one that is not certainly the process that was found is
// not touched. This program, those that it descends from, and process 1 are
// refused.
//
// # Nothing is left behind
//
// A killed service is back when it has another process, which its supervisor or
// [Service.Start] starts; Recover waits for it. A paused process is continued by
// Recover. If this program dies before that, however it dies, a small shell that
// waits for its end continues the process at once.
//
// Processes are found on Linux and macOS.
package local
