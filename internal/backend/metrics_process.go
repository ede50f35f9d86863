package backend

import (
	"os"
	runtimemetrics "runtime/metrics"
	"strconv"
	"strings"
)

// gauge is one figure of the process.
type gauge struct {
	name, kind, help string
	value            float64
}

// processGauges are the figures of this process that dashboards look for. Those of the system are Linux' alone.
func processGauges() []gauge {
	samples := []runtimemetrics.Sample{{Name: "/sched/goroutines:goroutines"}, {Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	runtimemetrics.Read(samples)
	all := []gauge{
		{"go_goroutines", "gauge", "Goroutines that exist.", float64(samples[0].Value.Uint64())},
		{"go_gc_heap_live_bytes", "gauge", "Bytes of the heap that the last collection left.", float64(samples[2].Value.Uint64())},
		{"go_memstats_heap_alloc_bytes", "gauge", "Bytes of the heap in objects.", float64(samples[1].Value.Uint64())},
	}
	const ticks = 100 // a second, as Linux shows times to programs, whatever the machine
	if stat, err := os.ReadFile("/proc/self/stat"); err == nil {
		// The second field is the program's name in parentheses, in which anything may stand.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		at := func(i int) float64 { // counted from 1, as proc(5) does
			if i-3 >= len(fields) {
				return 0
			}
			n, _ := strconv.ParseFloat(fields[i-3], 64)
			return n
		}
		all = append(all,
			gauge{"process_cpu_seconds_total", "counter", "Time on the processor, in user and system mode.", (at(14) + at(15)) / ticks},
			gauge{"process_resident_memory_bytes", "gauge", "Memory that is resident.", at(24) * float64(os.Getpagesize())},
		)
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		all = append(all, gauge{"process_open_fds", "gauge", "File handles that are open.", float64(len(open))})
	}
	return all
}
