package main

import (
	"os"
	"strings"
	"testing"
)

func TestAShellCompletes(t *testing.T) {
	t.Chdir(shopDirectory(t, ofShop))
	for name, text := range map[string]string{
		"other.yaml": strings.ReplaceAll(ofShop, "cart", "basket"),
		"unset.yaml": strings.Replace(ofShop, "http://127.0.0.1:9/cart", "${CART_URL_OF_TEST}", 1),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const noFiles, filesByExtension, directories = ":4", ":8", ":16"
	for _, row := range []struct {
		sentence string
		args     []string
		want     []string // lines
		never    []string // beginnings of lines
	}{
		{
			"ids, and the beginnings that stand for several",
			[]string{"run", ""},
			[]string{"checkout\tevery experiment of it", "checkout/pods\tevery experiment of the suite", "checkout/pods/kill-one\tkill one pod of checkout", "checkout/storm", "cart\tevery experiment of it", noFiles},
			[]string{"checkout/pods/evict", "payments"}, // skipped, and none of this file
		},
		{"those that begin so", []string{"preflight", "cart/"}, []string{"cart/pods\tevery experiment of the suite", noFiles}, []string{"checkout", "cart\t"}},
		{"not what is named already", []string{"run", "checkout/pods", "checkout"}, []string{"checkout/storm"}, []string{"checkout/pods"}},
		{"of the file that is named", []string{"run", "-f", "other.yaml", ""}, []string{"basket/pods/kill-one\tkill one pod of basket"}, []string{"cart"}},
		{"why a file cannot be read", []string{"run", "-f", "unset.yaml", ""}, []string{`_activeHelp_ unset.yaml:14: services[cart].load.url: environment variable CART_URL_OF_TEST is not set`}, []string{"checkout"}},
		{"services", []string{"stop", "--service", "ca"}, []string{"cart", noFiles}, []string{"checkout"}},
		{"of a file with mistakes too", []string{"resume", "-f", "unset.yaml", "--service", ""}, []string{"checkout", "cart", noFiles}, nil},
		{"labels", []string{"run", "--label-filter", "ki"}, []string{"kill-one", noFiles}, []string{"checkout"}},
		{"a configuration by its extension", []string{"sweep", "--file", ""}, []string{"yaml", "yml", filesByExtension}, nil},
		{"records by theirs", []string{"judge", ""}, []string{"jsonl", filesByExtension}, nil},
		{"of a report too", []string{"report", ""}, []string{"jsonl", filesByExtension}, nil},
		{"of the sides of a diff too", []string{"diff", "before", ""}, []string{"jsonl", "json", filesByExtension}, nil},
		{"of a trend", []string{"trend", ""}, []string{"jsonl", "json", filesByExtension}, nil},
		{"directories", []string{"run", "--out", ""}, []string{directories}, nil},
		{"formats of reports", []string{"report", "--output", ""}, []string{"junit", "html", noFiles}, nil},
		{"of what else is printed", []string{"version", "-o", ""}, []string{"text", "json", noFiles}, nil},
		{"no files where none is taken", []string{"sweep", ""}, []string{noFiles}, nil},
		{"nor for the value of a flag that is none", []string{"judge", "--limit", ""}, []string{noFiles}, nil},
		{"any file for one that is written", []string{"report", "--file", ""}, []string{":0"}, nil},
		{"plots by their extension", []string{"calibrate", "--plot", ""}, []string{"svg", filesByExtension}, nil},
		{"kinds of outage", []string{"calibrate", "--kinds", ""}, []string{"refused", "kill", noFiles}, nil},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			_, stdout, stderr := call(t, append([]string{"__complete"}, row.args...)...)
			lines := "\n" + stdout + "\n"
			for _, want := range row.want {
				if !strings.Contains(lines, "\n"+want+"\n") {
					t.Errorf("no line %q in\n%s%s", want, stdout, stderr)
				}
			}
			for _, never := range row.never {
				if strings.Contains(lines, "\n"+never) {
					t.Errorf("a line %q in\n%s", never, stdout)
				}
			}
		})
	}
}
