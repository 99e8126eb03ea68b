package autoscaling

import (
	"encoding/json"
	"math"
	"testing"
)

func TestQuantities(t *testing.T) {
	for _, row := range []struct {
		sentence, json string
		want           float64
		bad            bool
	}{
		{"a whole number", `"30"`, 30, false},
		{"a bare number", `30`, 30, false},
		{"thousandths", `"250m"`, 0.25, false},
		{"less", `"100n"`, 1e-7, false},
		{"thousands", `"2k"`, 2000, false},
		{"powers of two", `"1.5Gi"`, 1.5 * (1 << 30), false},
		{"mebi are not milli", `"1Mi"`, 1 << 20, false},
		{"an exponent", `"3e6"`, 3e6, false},
		{"exa is no exponent", `"3E"`, 3e18, false},
		{"below zero", `"-1"`, -1, false},
		{"no number", `"much"`, 0, true},
		{"nothing", `""`, 0, true},
		{"hexadecimal is none", `"0x10"`, 0, true},
		{"what is no number", `"NaN"`, 0, true},
		{"an object is none", `{}`, 0, true},
	} {
		var q quantity
		err := json.Unmarshal([]byte(row.json), &q)
		if (err != nil) != row.bad || math.Abs(q.value-row.want) > 1e-9*math.Abs(row.want) {
			t.Errorf("%s: %s is %g, %v; want %g", row.sentence, row.json, q.value, err, row.want)
		}
	}
}
