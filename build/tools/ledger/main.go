// Command ledger keeps the project's accounts: it reads what the tests printed and says what counts, and it holds the
// list of promised numbers against the tests that carry them.
//
//	go test -json ./... | ledger tests -tally FILE   go test's own text without the noise; fails on a skipped test
//	ledger vitest -tally FILE < report.json          the same count for the front end's tests
//	ledger sum -tally FILE                           one line: N passed, N failed, N skipped
//	go test -bench … | ledger bench                  one line for each row, and the figures kept
//	ledger rows                                      row, tests, last figure; fails on a claimed row without a test
//
// It knows the project only by its folder (-root) and by the names of its tests. It depends on the standard library.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ledger:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("want one of: tests, vitest, sum, bench, rows")
	}
	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	root := set.String("root", ".", "the project's folder")
	tally := set.String("tally", "", "the file that counts are added to, or read from")
	name := set.String("name", "go", "what the counts are called in the tally")
	verbose := set.Bool("v", false, "print the output of tests that pass as well")
	row := set.String("row", "", "the row whose figure is kept, for a campaign")
	if err := set.Parse(args[1:]); err != nil {
		return err
	}
	figures := figureFile(filepath.Join(*root, "build", "figures.txt"))
	switch args[0] {
	case "tests":
		_, err := os.Stat(filepath.Join(*root, "..", "shared"))
		report := readTests(in, out, *verbose, os.IsNotExist(err))
		if *tally != "" {
			if err := addTally(*tally, *name, report.count); err != nil {
				return err
			}
		}
		if *row != "" {
			if err := figures.keep(report.figures(*row)); err != nil {
				return err
			}
		}
		return report.err()
	case "vitest":
		report, err := readVitest(in)
		if err != nil {
			return err
		}
		if *tally != "" {
			if err := addTally(*tally, *name, report.count); err != nil {
				return err
			}
		}
		return report.err()
	case "sum":
		return printSum(*tally, out)
	case "bench":
		return readBench(in, out, figures)
	case "rows":
		return printRows(*root, out, figures)
	}
	return fmt.Errorf("no such account: %q", args[0])
}
