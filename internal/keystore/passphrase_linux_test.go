package keystore_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
)

func init() {
	// A limit on file size is what a full disk is to one process.
	roles["meet a full disk"] = func(s *keystore.PassphraseFile, _ string) {
		first, err := s.Create(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		signal.Ignore(syscall.SIGXFSZ)
		var before syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			fmt.Println(err)
			return
		}
		full := before
		full.Cur = 100
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
			fmt.Println(err)
			return
		}
		_, err = s.Create(context.Background())
		fmt.Println(fault.CodeOf(err), fault.CodeOf(s.PutSecret(context.Background(), "a", nil)))
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			fmt.Println(err)
			return
		}
		s.Forget()
		_, err = s.Open(context.Background(), first.PublicKey())
		_, again := s.Create(context.Background())
		fmt.Println(err, again)
	}
	roles["meet a read-only folder"] = func(s *keystore.PassphraseFile, path string) {
		first, err := s.Create(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		const nobody = 65534
		if syscall.Geteuid() == 0 { // to whom everything is permitted
			for _, file := range []string{path, path + "/keys.sealed", path + "/keys.sealed.lock"} {
				if err := syscall.Chown(file, nobody, nobody); err != nil {
					fmt.Println(err)
					return
				}
			}
			if err := syscall.Setresuid(nobody, nobody, nobody); err != nil {
				fmt.Println(err)
				return
			}
		}
		if err := syscall.Chmod(path, 0o500); err != nil {
			fmt.Println(err)
			return
		}
		_, err = s.Create(context.Background())
		s.Forget()
		_, open := s.Open(context.Background(), first.PublicKey())
		fmt.Println(fault.CodeOf(err), fault.CodeOf(s.Delete(context.Background(), first.PublicKey())), open)
	}
}

func TestAFullDiskLeavesTheKeysAsTheyWere(t *testing.T) {
	wantSaid(t, "meet a full disk", "disk.full disk.full", "<nil> <nil>")
}

func TestAReadOnlyFolderIsToldAndRead(t *testing.T) {
	wantSaid(t, "meet a read-only folder", "disk.read_only disk.read_only <nil>")
}

func wantSaid(t *testing.T, role string, want ...string) {
	t.Helper()
	path := place(t)
	if err := os.Chmod(filepath.Dir(filepath.Dir(path)), 0o755); err != nil { // another user is to find the folder
		t.Fatal(err)
	}
	cmd, out := child(t, role, path)
	var said []string
	for out.Scan() {
		said = append(said, out.Text())
	}
	if err := cmd.Wait(); err != nil || strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: %q, %v, want %q", role, said, err, want)
	}
}
