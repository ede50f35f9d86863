package store

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/internal/fault"
)

// The disks in trouble below are real: a file system of 256 KB that fills up, one that is remounted read-only, and,
// where a process may not mount, a limit on file size and a folder without write permission. Each runs in a process
// of its own, which prints what it met.

func init() {
	roles["fill a small disk"] = func(d *Dir) {
		if err := syscall.Mount("none", d.Path, "tmpfs", 0, "size=256k,mode=0700"); err != nil {
			fmt.Println("cannot mount:", err)
			return
		}
		fill(d)
	}
	roles["meet a limit of file size"] = func(d *Dir) {
		signal.Ignore(syscall.SIGXFSZ)
		limit := syscall.Rlimit{Cur: 100_000, Max: 100_000}
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return
		}
		fill(d)
	}
	roles["write on a read-only disk"] = func(d *Dir) {
		if err := syscall.Mount("none", d.Path, "tmpfs", 0, "mode=0700"); err != nil {
			fmt.Println("cannot mount:", err)
			return
		}
		readOnly(d, func() error { return syscall.Mount("none", d.Path, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "") })
	}
	roles["write in a folder without permission"] = func(d *Dir) {
		if os.Geteuid() == 0 { // to whom everything is permitted
			const nobody = 65534
			if err := os.Chown(d.Path, nobody, nobody); err != nil {
				fmt.Println(err)
				return
			}
			if err := syscall.Setresuid(nobody, nobody, nobody); err != nil {
				fmt.Println(err)
				return
			}
		}
		readOnly(d, func() error { return os.Chmod(d.Path, 0o500) })
	}
}

// fill writes ever larger states until that fails, then reads, then writes a small one.
func fill(d *Dir) {
	last := 0
	for size := 20_000; ; size += 20_000 {
		err := d.Write("state.json", bytes.Repeat([]byte{'x'}, size))
		if err != nil {
			got, readErr := d.Read("state.json")
			fmt.Println(fault.CodeOf(err), len(got) == last && last > 0, readErr)
			break
		}
		last = size
	}
	err := d.Write("state.json", []byte("small"))
	fmt.Println(err, names(d))
}

func readOnly(d *Dir, turn func() error) {
	for _, s := range []string{"1", "2"} {
		if err := d.Write("state.json", []byte(s)); err != nil {
			fmt.Println(err)
			return
		}
	}
	if err := turn(); err != nil {
		fmt.Println(err)
		return
	}
	write, remove := d.Write("state.json", []byte("3")), d.Remove("state.json")
	_, lock := d.Lock(context.Background(), "never-seen")
	_, below := Open(filepath.Join(d.Path, "below"))
	got, err := d.Read("state.json")
	fmt.Println(fault.CodeOf(write), fault.CodeOf(remove), fault.CodeOf(lock), fault.CodeOf(below), string(got), err, names(d))
}

func names(d *Dir) string {
	all, _ := os.ReadDir(d.Path)
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return strings.Join(names, ",")
}

func TestR20_AFullDiskKeepsTheLastState(t *testing.T) {
	want := "disk.full true <nil>\n<nil> state.json,state.json.1\n"
	t.Run("small disk", func(t *testing.T) { wantOutput(t, "fill a small disk", mounts, want) })
	t.Run("limit of file size", func(t *testing.T) { wantOutput(t, "meet a limit of file size", asIs, want) })
}

func TestR20_AReadOnlyDiskKeepsTheLastState(t *testing.T) {
	want := "disk.read_only disk.read_only disk.read_only disk.read_only 2 <nil> state.json,state.json.1\n"
	t.Run("read-only mount", func(t *testing.T) { wantOutput(t, "write on a read-only disk", mounts, want) })
	t.Run("no permission", func(t *testing.T) { wantOutput(t, "write in a folder without permission", asIs, want) })
}

const asIs, mounts = false, true

// wantOutput runs role in a process of its own, and in its own name spaces if it mounts. Where the system lets a test
// mount nothing, it says so: the other half of the same test stands for it.
func wantOutput(t *testing.T, role string, mounts bool, want string) {
	t.Helper()
	// Not t.TempDir: nobody, whom one role becomes, may not enter it when root runs the tests.
	path, err := os.MkdirTemp("", "latchkey-trouble")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+path)
	if mounts {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.CombinedOutput()
	if mounts && (err != nil && len(out) == 0 || strings.HasPrefix(string(out), "cannot mount")) {
		t.Logf("no right to mount here: %v %s", err, out)
		return
	}
	if string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}
