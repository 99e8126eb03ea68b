package autoscaling

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A quantity is a number as Kubernetes writes it: "250m", "1500", "2Gi", "3e6".
type quantity struct {
	text  string
	value float64
}

// suffixes are the powers that a quantity's suffix stands for, as
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
// defines them. Longest first, so that "Mi" is found before "m" would be.
var suffixes = []struct {
	name   string
	factor float64
}{
	{"Ki", 1 << 10},
	{"Mi", 1 << 20},
	{"Gi", 1 << 30},
	{"Ti", 1 << 40},
	{"Pi", 1 << 50},
	{"Ei", 1 << 60},
	{"n", 1e-9},
	{"u", 1e-6},
	{"m", 1e-3},
	{"k", 1e3},
	{"M", 1e6},
	{"G", 1e9},
	{"T", 1e12},
	{"P", 1e15},
	{"E", 1e18},
}

func parseQuantity(text string) (quantity, error) {
	digits, factor := text, 1.0
	for _, s := range suffixes {
		if rest, ok := strings.CutSuffix(text, s.name); ok {
			digits, factor = rest, s.factor
			break
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || strings.ContainsAny(digits, "_xXpP") {
		return quantity{}, fmt.Errorf("%q is not a quantity, as in \"250m\"", text)
	}
	return quantity{text: text, value: v * factor}, nil
}

// UnmarshalJSON reads a string or a number, as Kubernetes does.
func (q *quantity) UnmarshalJSON(data []byte) error {
	text := string(bytes.TrimSpace(data))
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal(data, &text); err != nil {
			return err
		}
	}
	parsed, err := parseQuantity(text)
	if err != nil {
		return err
	}
	*q = parsed
	return nil
}
