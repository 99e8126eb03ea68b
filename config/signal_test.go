package config

import (
	"reflect"
	"slices"
	"testing"
)

// A section of a service that is no row of probes would be read, and never probe.
func TestEachProbeOfAServiceMakesASignal(t *testing.T) {
	var sections, rows []string
	for _, f := range fieldsOf(reflect.TypeFor[Service]()) {
		if reflect.TypeFor[Service]().FieldByIndex(f.index).Type.Implements(reflect.TypeFor[Probe]()) {
			sections = append(sections, f.name)
		}
	}
	for _, row := range probes {
		rows = append(rows, row.signal)
	}
	if !slices.Equal(sections, rows) {
		t.Errorf("a service has the probes %v, want %v", rows, sections)
	}
}
