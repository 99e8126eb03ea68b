// Package readers shows the JUnit XML of package reports to readers that others
// wrote. It is a module of its own, so that who uses aftershock does not get them.
package readers
