package components

import "github.com/aftershockhq/aftershock/lab/internal/supervise"

func etcd() supervise.Component {
	return supervise.Component{
		Name: "etcd",
		Args: []string{
			run.Bin("etcd"),
			"--data-dir=" + run.Data("etcd"),
			"--listen-client-urls=http://127.0.0.1:2379",
			"--advertise-client-urls=http://127.0.0.1:2379",
			"--listen-peer-urls=http://127.0.0.1:2380",
			"--unsafe-no-fsync", // a process that dies loses nothing; the data need not outlive the machine
			"--snapshot-count=10000",
		},
		Ready: supervise.Answers("http://127.0.0.1:2379/health"),
	}
}
