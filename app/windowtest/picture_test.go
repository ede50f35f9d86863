//go:build linux

package windowtest

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"latchkey/internal/need"
)

const (
	screenWidth, screenHeight = 1120, 760

	paintTime = 5 * time.Second // for a change to reach the screen of a busy machine; the tree is ahead of it
	restTime  = time.Second
	same      = screenWidth * screenHeight / 200 // so few pixels are a caret or a countdown, not another screen
)

// keep takes a picture of the screen, when it has changed since the last one and has come to rest. Pictures lie below
// build/screens/window, or where LATCHKEY_SCREENS says.
func (w *window) keep(name string) {
	w.desk.t.Helper()
	dir := os.Getenv("LATCHKEY_SCREENS")
	if dir == "" {
		dir = filepath.Join(need.Root(w.desk.t), "build", "screens", "window")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.desk.t.Fatal(err)
	}
	picture := w.settled()
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		w.desk.t.Fatal(err)
	}
	path := filepath.Join(dir, name+".png")
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		w.desk.t.Fatal(err)
	}
	w.last = picture
	w.desk.t.Log("picture:", path)
}

// settled returns the screen once it differs from the last picture and rests, or when that never happens in time.
func (w *window) settled() *image.RGBA {
	w.desk.t.Helper()
	begin := time.Now()
	now, moved := w.shot(), time.Now()
	for {
		changed := different(now, w.last) > same || time.Since(begin) > paintTime
		if changed && time.Since(moved) > restTime || time.Since(begin) > 2*paintTime {
			return now
		}
		pause()
		next := w.shot()
		if different(next, now) > same {
			moved = time.Now()
		}
		now = next
	}
}

// shot returns what is on the screen.
func (w *window) shot() *image.RGBA {
	w.desk.t.Helper()
	cmd := exec.Command("import", "-window", "root", "-depth", "8", "rgba:-")
	cmd.Env = w.desk.env
	out, err := cmd.Output()
	if err != nil {
		w.desk.t.Fatal(err)
	}
	if len(out) != 4*screenWidth*screenHeight {
		w.desk.t.Fatalf("a picture of %d bytes", len(out))
	}
	return &image.RGBA{Pix: out, Stride: 4 * screenWidth, Rect: image.Rect(0, 0, screenWidth, screenHeight)}
}

// different counts the pixels that differ.
func different(a, b *image.RGBA) int {
	n := 0
	for i := 0; i < len(a.Pix); i += 4 {
		if !bytes.Equal(a.Pix[i:i+3], b.Pix[i:i+3]) {
			n++
		}
	}
	return n
}
