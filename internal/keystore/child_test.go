package keystore_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"latchkey/internal/fault"
	"latchkey/internal/keystore"
	"latchkey/internal/store"
)

// The test binary runs itself as other processes of the same profile.
const (
	roleVariable = "LATCHKEY_KEYSTORE_ROLE"
	dirVariable  = "LATCHKEY_KEYSTORE_DIR"
)

var roles = map[string]func(s *keystore.PassphraseFile, path string){
	// Makes keys, deletes every third, and says so line by line, until it is killed.
	"make and delete": func(s *keystore.PassphraseFile, _ string) {
		for i := 0; ; i++ {
			key, err := s.Create(context.Background())
			if err != nil {
				fmt.Println("failed", err)
				return
			}
			fmt.Println("made", key.PublicKey())
			if i%3 != 2 {
				continue
			}
			fmt.Println("deleting", key.PublicKey())
			if err := s.Delete(context.Background(), key.PublicKey()); err != nil {
				fmt.Println("failed", err)
				return
			}
			fmt.Println("deleted", key.PublicKey())
		}
	},
}

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	path := os.Getenv(dirVariable)
	dir, err := store.Open(path)
	if err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	role(keystore.WeakScrypt(keystore.NewPassphraseFile(dir, "test", says(words))), path)
}

// child starts another process in role on the folder at path.
func child(t *testing.T, role, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// R1: several processes at once, each killed without warning in the middle of its work. A key that was reported stored
// opens afterwards, one that was reported deleted does not, and nothing is lost between processes.
func TestR1_KilledProcessesLoseNoKeyOfAPassphraseFile(t *testing.T) {
	path := place(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	made, deleted, unsure := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for range 4 {
		type line struct {
			from int
			text string
			ok   bool
		}
		lines := make(chan line)
		var children []*exec.Cmd
		for i := range 3 {
			cmd, out := child(t, "make and delete", path)
			children = append(children, cmd)
			go func() {
				for out.Scan() {
					lines <- line{i, out.Text(), true}
				}
				lines <- line{from: i}
			}()
		}
		kill := []int{random.IntN(12), random.IntN(12), random.IntN(12)}
		for living := len(children); living > 0; {
			l := <-lines
			if !l.ok {
				living--
				continue
			}
			what, key, _ := strings.Cut(l.text, " ")
			switch what {
			case "made":
				made[key] = true
			case "deleting":
				unsure[key] = true
			case "deleted":
				deleted[key] = true
			default:
				t.Errorf("child %d: %s", l.from, l.text)
			}
			if kill[l.from]--; kill[l.from] == -1 {
				_ = children[l.from].Process.Kill()
			}
		}
		for _, cmd := range children {
			_ = cmd.Wait()
		}
	}
	s := passphraseFile(t, path, says(words))
	for key := range made {
		_, err := s.Open(t.Context(), key)
		switch {
		case deleted[key]:
			wantCode(t, "open a deleted key", err, fault.KeyMissing)
		case err != nil && !unsure[key]:
			t.Errorf("lost %s: %v", key, err)
		}
	}
	if len(made) < 12 {
		t.Errorf("only %d keys", len(made))
	}
	t.Logf("%d keys made by 12 processes that were killed, %d deleted", len(made), len(deleted))
}
