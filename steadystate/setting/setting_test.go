package setting_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/aftershockhq/aftershock/steadystate/setting"
)

func TestErrorsAreThoseThatWereJoined(t *testing.T) {
	url, rate := setting.Errorf("url", "%q: want http", "shop"), setting.Errorf("rate", "is missing")
	whole := errors.New("no settings")
	for _, row := range []struct {
		sentence string
		err      error
		want     []setting.Error
	}{
		{"none", nil, nil},
		{"one of a field", url, []setting.Error{url}},
		{"one that was wrapped", fmt.Errorf("load: %w", url), []setting.Error{url}},
		{"one of no field", whole, []setting.Error{{Message: "no settings"}}},
		{"several, some of them wrapped", fmt.Errorf("load: %w", errors.Join(fmt.Errorf("load: %w", url), whole, errors.Join(rate))), []setting.Error{url, {Message: "no settings"}, rate}},
		{"one with two causes", fmt.Errorf("%w and %w", whole, whole), []setting.Error{{Message: "no settings and no settings"}}},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			if got := setting.Errors(row.err); !reflect.DeepEqual(got, row.want) {
				t.Errorf("%v, want %v", got, row.want)
			}
		})
	}
}

func TestAnErrorNamesItsPlace(t *testing.T) {
	for want, err := range map[string]setting.Error{
		"is empty":              {Message: "is empty"},
		"tls.ca: is empty":      {Path: "tls.ca", Message: "is empty"},
		"line 4: tls: is empty": {Line: 4, Path: "tls", Message: "is empty"},
		"line 4: is empty":      {Line: 4, Message: "is empty"},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
