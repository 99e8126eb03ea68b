package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
)

// A queryAPI answers instant queries as Prometheus does at /api/v1/query.
// Prometheus' own package for it imports a hundred others: remote write, OTLP,
// rules, alerts.
type queryAPI struct {
	engine  *promql.Engine
	storage storage.Queryable
}

// A response is the body of an answer of Prometheus' API.
type response struct {
	Status    string   `json:"status"` // success or error
	Data      *data    `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

type data struct {
	ResultType parser.ValueType `json:"resultType"`
	Result     parser.Value     `json:"result"`
}

// ServeHTTP takes the parameters query, time (now, if there is none) and limit
// (of series).
func (a queryAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := r.FormValue("query")
	at, err := moment(r.FormValue("time"))
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_data", fmt.Errorf("time: %w", err))
		return
	}
	query, err := a.engine.NewInstantQuery(r.Context(), a.storage, nil, text, at)
	if err != nil {
		refuse(w, http.StatusBadRequest, "bad_data", fmt.Errorf("query: %w", err))
		return
	}
	// What it returns is the engine's again from then on.
	defer query.Close()
	result := query.Exec(r.Context())
	if result.Err != nil {
		code, kind := classify(result.Err)
		refuse(w, code, kind, result.Err)
		return
	}
	const most = 10 // annotations of a kind, as in Prometheus
	warnings, infos := result.Warnings.AsStrings(text, most, most)
	if limit, err := strconv.Atoi(r.FormValue("limit")); err == nil && limit > 0 {
		if vector, ok := result.Value.(promql.Vector); ok && len(vector) > limit {
			result.Value = vector[:limit]
			warnings = append(warnings, "results truncated due to limit")
		}
	}
	write(w, http.StatusOK, response{
		Status: "success", Data: &data{result.Value.Type(), result.Value}, Warnings: warnings, Infos: infos,
	})
}

// moment reads a time in seconds since 1970, or as RFC 3339.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Now(), nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < math.MaxInt64/1e3 {
		return time.UnixMilli(int64(math.Round(seconds * 1e3))), nil
	}
	return time.Parse(time.RFC3339Nano, text)
}

// classify gives the status code and Prometheus' own name of an error of the
// engine.
func classify(err error) (code int, kind string) {
	var (
		canceled promql.ErrQueryCanceled
		timeout  promql.ErrQueryTimeout
		stored   promql.ErrStorage
	)
	switch {
	case errors.As(err, &canceled), errors.As(err, &timeout):
		return http.StatusServiceUnavailable, "timeout"
	case errors.As(err, &stored):
		return http.StatusInternalServerError, "internal"
	}
	return http.StatusUnprocessableEntity, "execution"
}

func refuse(w http.ResponseWriter, code int, kind string, err error) {
	write(w, code, response{Status: "error", ErrorType: kind, Error: err.Error()})
}

func write(w http.ResponseWriter, code int, r response) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(r) // the client has gone
}
