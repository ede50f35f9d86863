package hd

import (
	"strconv"
	"strings"
)

// hardened is the bit of a step that is written with an apostrophe.
const hardened = 1 << 31

// maxSteps is what an extended key can count: its depth is one byte (BIP-32).
const maxSteps = 255

// parsePath reads "m", then steps like /44' or /0: decimal below 2^31 without leading zeros, an apostrophe for
// hardened. Other spellings of hardened (h, H) are refused.
func parsePath(path string) ([]uint32, error) {
	rest, ok := strings.CutPrefix(path, "m")
	if !ok || rest != "" && rest[0] != '/' || len(path) > 2+maxSteps*12 {
		return nil, errPath()
	}
	if rest == "" {
		return nil, nil
	}
	parts := strings.Split(rest[1:], "/")
	if len(parts) > maxSteps {
		return nil, errPath()
	}
	steps := make([]uint32, len(parts))
	for i, part := range parts {
		digits, isHardened := strings.CutSuffix(part, "'")
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || strconv.FormatUint(n, 10) != digits {
			return nil, errPath()
		}
		steps[i] = uint32(n)
		if isHardened {
			steps[i] |= hardened
		}
	}
	return steps, nil
}

func allHardened(steps []uint32) bool {
	for _, s := range steps {
		if s < hardened {
			return false
		}
	}
	return true
}

func errPath() error { return invalid("invalid path") }
