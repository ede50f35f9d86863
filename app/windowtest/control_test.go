//go:build linux

package windowtest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// control asks the sandbox inside the running window, through its control port: the one of the program's ports that
// answers such a question. The window tells nobody which it is, so the system is asked.
func (w *window) control(method, path, body string) []byte {
	w.desk.t.Helper()
	client := http.Client{Timeout: time.Minute}
	var refused []string
	for _, port := range listening(w.cmd.Process.Pid) {
		request, err := http.NewRequestWithContext(w.desk.t.Context(), method, fmt.Sprintf("http://127.0.0.1:%d%s", port, path), strings.NewReader(body))
		if err != nil {
			w.desk.t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			refused = append(refused, err.Error())
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return text
		}
		refused = append(refused, fmt.Sprintf("port %d: %s: %.200s", port, answer.Status, text))
	}
	w.desk.t.Fatalf("no port of the program took %s %s: %q", method, path, refused)
	return nil
}

// listening returns the TCP ports on which the process listens on loopback.
func listening(pid int) []int {
	own := map[string]bool{}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, link := range links {
		target, _ := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	table, _ := os.ReadFile("/proc/net/tcp")
	var ports []int
	for line := range strings.Lines(string(table)) {
		field := strings.Fields(line)
		const listen = "0A"
		if len(field) < 10 || field[3] != listen || !own[field[9]] {
			continue
		}
		_, hex, _ := strings.Cut(field[1], ":")
		if port, err := strconv.ParseInt(hex, 16, 32); err == nil {
			ports = append(ports, int(port))
		}
	}
	return ports
}
