package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// readVitest counts the tests of Vitest's JSON report. It prints nothing: Vitest's own reporter has spoken already.
func readVitest(in io.Reader) (report, error) {
	var doc struct {
		TestResults []struct {
			Name             string
			Status           string
			Message          string
			AssertionResults []struct{ FullName, Status string }
		}
	}
	if err := json.NewDecoder(in).Decode(&doc); err != nil {
		return report{}, fmt.Errorf("vitest's report: %w", err)
	}
	var r report
	for _, file := range doc.TestResults {
		failed := r.failed
		for _, test := range file.AssertionResults {
			switch test.Status {
			case "passed":
				r.passed++
			case "failed":
				r.failed++
			default: // skipped, pending, todo, disabled
				r.skipped++
				r.forbidden = append(r.forbidden, strings.TrimSpace(test.FullName)+": "+test.Status)
			}
		}
		if file.Status == "failed" && r.failed == failed {
			r.failed++ // the file itself: it could not be loaded, or a hook failed
			r.broken = append(r.broken, file.Name)
		}
	}
	return r, nil
}
