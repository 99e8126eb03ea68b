// Package trial is what the trials of the harness on the lab share: their main function, a
// configuration for their runs, runs of a program as processes of their own and their
// priority, the records that these write, a proxy in front of a server, and the results
// that are kept.
package trial
