package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// roles are what this test binary does when it is started again as another process: [child] starts it.
var roles = map[string]func(d *Dir){
	"hold a lock": func(d *Dir) {
		if _, err := d.Lock(context.Background(), "state"); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("locked")
		select {}
	},
	"write without end": func(d *Dir) {
		for n := 1; ; n++ {
			if err := d.Write("state.json", stateOf(n)); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println(n)
		}
	},
}

// stateOf is a state of many disk blocks that names its number in each.
func stateOf(n int) []byte {
	var all []byte
	for range 4000 {
		all = strconv.AppendInt(all, int64(n), 10)
		all = append(all, ' ')
	}
	return all
}

const roleVariable, dirVariable = "LATCHKEY_TEST_ROLE", "LATCHKEY_TEST_DIR"

func TestMain(m *testing.M) {
	role, ok := roles[os.Getenv(roleVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	d, err := Open(os.Getenv(dirVariable))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	role(d)
}

// child starts this binary in role on the folder at path, kills it at the end of the test, and returns its output
// line by line.
func child(t *testing.T, role, path string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role, dirVariable+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd, bufio.NewScanner(out)
}
