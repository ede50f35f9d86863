package keystore

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// noHeap is WER_FAULT_REPORTING_FLAG_NOHEAP. Source: werapi.h.
const noHeap = 1

// noCoreDumps compiles, and was never run.
func noCoreDumps() error {
	set := windows.NewLazySystemDLL("kernel32.dll").NewProc("WerSetFlags")
	if err := set.Find(); err != nil {
		return fmt.Errorf("keep the heap out of error reports: %w", err)
	}
	if result, _, _ := set.Call(noHeap); int32(result) < 0 { // an HRESULT
		return fmt.Errorf("keep the heap out of error reports: 0x%08x", uint32(result))
	}
	return nil
}
