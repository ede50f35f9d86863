package store

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Names returns the names that have a generation in the folder, sorted: what was written and not removed. Whether a
// generation is good only [Dir.Read] tells. Errors: fault.DiskFailed.
func (d *Dir) Names() ([]string, error) {
	entries, err := os.ReadDir(d.Path)
	if err != nil {
		return nil, fmt.Errorf("names: %w", readFault(err))
	}
	names := []string{}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), older)
		if entry.Type().IsRegular() && checkName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
