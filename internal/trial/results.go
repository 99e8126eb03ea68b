package trial

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	resultsFile = "results.jsonl"
	// programFile has the SHA-256 of the program that they are of.
	programFile = "program.sha256"
)

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

// Sum is the SHA-256 of a program, by which results are of that build and no other.
func Sum(program string) (string, error) {
	file, err := os.Open(program)
	if err != nil {
		return "", fmt.Errorf("%w: is it built? see make build", err)
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// ReadResults are those of a program that were kept in a directory. It refuses a
// directory with results of another build, or of one that is not known: they say nothing
// of this one.
func ReadResults[R any](dir, program string) (list []R, err error) {
	sum, err := Sum(program)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if os.IsNotExist(err) {
		return nil, os.WriteFile(filepath.Join(dir, programFile), []byte(sum+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	of, err := os.ReadFile(filepath.Join(dir, programFile))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	if strings.TrimSpace(string(of)) != sum {
		return nil, fmt.Errorf("the results in %s are of another build than %s: give another directory", dir, program)
	}
	for line := range strings.Lines(string(text)) {
		var r R
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", resultsFile, err)
		}
		list = append(list, r)
	}
	return list, nil
}

// Keep appends a result to those of a program in a directory, so that interrupted trials go
// on. It refuses one if the program was built anew since: it may be of either build.
func Keep(dir, program string, r any) error {
	sum, err := Sum(program)
	if err != nil {
		return err
	}
	if of, err := os.ReadFile(filepath.Join(dir, programFile)); err != nil || strings.TrimSpace(string(of)) != sum {
		return errors.Join(fmt.Errorf("%s was built anew meanwhile: begin with another directory", program), err)
	}
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
