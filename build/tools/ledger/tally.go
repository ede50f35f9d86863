package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// addTally appends a named count to the file.
func addTally(path, name string, c count) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, name, c.passed, c.failed, c.skipped); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// printSum prints the counts of the file, one line for each name, and their sum as the last line.
func printSum(path string, out io.Writer) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var sum count
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var name string
		var c count
		if _, err := fmt.Sscan(lines.Text(), &name, &c.passed, &c.failed, &c.skipped); err != nil {
			return fmt.Errorf("%s: %q: %w", path, lines.Text(), err)
		}
		fmt.Fprintf(out, "  %-12s %5d passed, %d failed, %d skipped\n", name, c.passed, c.failed, c.skipped)
		sum = sum.plus(c)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", sum.passed, sum.failed, sum.skipped)
	return nil
}
