// Package bench is a small service on this machine with known ground truth: the
// program starts itself again as several service processes behind a balancer,
// scrapes them with the Prometheus engine behind Prometheus' HTTP API, and
// kills them for real. It needs no root, no cluster and no download, and
// imitates no part of Kubernetes.
//
// The first lines of the program's main make it a service when it is started
// as one; a test binary says the same in TestMain:
//
//	if bench.IsService() {
//		os.Exit(bench.Serve())
//	}
//
// Then a bench is started, tested and stopped:
//
//	b, err := bench.Start(ctx, bench.Options{})
//	if err != nil {
//		return err
//	}
//	defer b.Stop()
//	err = experiments.Experiment{
//		Name:        "kill one of three",
//		Environment: b.Environment(),
//		Faults:      []experiments.Scheduled{{Fault: b.Kill("service-2")}},
//		// a load on b.URL(), signals from b.PrometheusURL()
//	}.Run(ctx, recorder)
//	truth := b.Truth() // when the process really went and came back
//
// Everything listens on 127.0.0.1 and ends with [Bench.Stop]. When the program
// itself is killed, each service reads the end of a pipe that only the program
// held open, and exits.
package bench
