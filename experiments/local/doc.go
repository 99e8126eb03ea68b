// Package local contains faults on processes of this machine, for tests without a
// cluster: [Kill], [Restart] and [Pause].
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
// A process is identified by its PID and the time of its start, because the kernel
// reuses PIDs: a process that is not certainly the one that was found is not touched.
// This program, its ancestors, and process 1 are refused.
//
// # Nothing is left behind
//
// A killed service is back once its supervisor or [Service.Start] has started another
// process; Recover waits for it. Recover continues a paused process. If this program dies
// before that, in whatever way, a small shell that waits for its end continues the process
// at once.
//
// Processes are found on Linux and macOS.
package local
