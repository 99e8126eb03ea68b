package trial

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const resultsFile = "results.jsonl"

// Directory makes the directory of a trial, which others may not read: it may have
// tokens. Its path is absolute. Empty: a new one.
func Directory(path, trial string) (string, error) {
	if path == "" {
		return os.MkdirTemp("", "aftershock-"+trial+"-")
	}
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(path, 0o700)
	}
	return path, err
}

// ReadResults are those that were kept in a directory.
func ReadResults[R any](dir string) (list []R, err error) {
	text, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	for line := range strings.Lines(string(text)) {
		var r R
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", resultsFile, err)
		}
		list = append(list, r)
	}
	return list, err
}

// Keep appends a result to those of a directory, so that interrupted trials go on.
func Keep(dir string, r any) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, resultsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(append(line, '\n'))
	return errors.Join(err, file.Close())
}
