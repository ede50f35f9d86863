package sandbox

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/internal/need"
)

// The page loads only files that are there, in kinds that browsers take, and has no script, style or handler inline,
// which its policy would not run.
func TestThePageConsistsOfItsFiles(t *testing.T) {
	b := newBox(t, Options{})
	files, err := fs.ReadDir(pageFiles, "page")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{"/inbox": true}
	used := map[string]bool{"/index.html": true}
	ids, named := map[string]bool{}, map[string]string{}
	inline := regexp.MustCompile(`(?i)<style|<script(?:\s[^>]*)?>[^<]|\sstyle\s*=|\son[a-z]+\s*=\s*["']|javascript:|\.innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b|setAttribute\("(?:style|on)`)
	reference := regexp.MustCompile(`(?:src=|href=|from )"([^"]*)"`)
	for _, f := range files {
		at := "/" + f.Name()
		there[at] = true
		text, err := pageFiles.ReadFile("page" + at)
		if err != nil {
			t.Fatal(err)
		}
		if kindsOfFiles[path.Ext(at)] == "" {
			t.Errorf("%s is of no kind", at)
		}
		if found := inline.Find(text); found != nil && path.Ext(at) != ".css" {
			t.Errorf("%s has %q", at, found)
		}
		if bytes.Contains(text, []byte("http://")) && at != "/mark.svg" && !bytes.Contains(text, []byte(`"http://www.w3.org/2000/svg"`)) || bytes.Contains(text, []byte("https://")) {
			t.Errorf("%s names a place elsewhere", at)
		}
		for _, m := range reference.FindAllSubmatch(text, -1) {
			switch to := string(m[1]); {
			case strings.HasPrefix(to, "#"):
				named[to[1:]] = at
			case strings.HasPrefix(to, "./"):
				used[to[1:]] = true
			case to != "":
				used[to] = true
			}
		}
		for _, m := range regexp.MustCompile(`\bid="([^"]+)"`).FindAllSubmatch(text, -1) {
			if ids[string(m[1])] {
				t.Errorf("%s: id %s stands twice", at, m[1])
			}
			ids[string(m[1])] = true
		}
		for _, m := range regexp.MustCompile(`\b(?:at|icon)\("([^"]+)"`).FindAllSubmatch(text, -1) {
			id := string(m[1])
			if bytes.HasPrefix(m[0], []byte("icon")) {
				id = "i-" + id
			}
			named[id] = at
		}
	}
	for to := range used {
		if !there[to] {
			t.Errorf("the page wants %s, which is not there", to)
		}
	}
	for at := range there {
		if !used[at] {
			t.Errorf("nothing uses %s", at)
		}
	}
	for id, by := range named {
		if !ids[id] && id != "i-" {
			t.Errorf("%s names %s, which nothing is", by, id)
		}
	}
	for at := range there {
		if a := b.controlled("GET", at, nil); at != "/index.html" && (a.status != 200 || a.header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: %d", at, a.status)
		}
	}
	colours := regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b|rgb\(`)
	css, _ := pageFiles.ReadFile("page/page.css")
	if found := colours.Find(css); found != nil {
		t.Errorf("page.css has a colour of its own, %s", found)
	}
	for _, name := range regexp.MustCompile(`var\((--[a-z0-9-]+)`).FindAllSubmatch(css, -1) {
		tokens, _ := pageFiles.ReadFile("page/tokens.css")
		if !bytes.Contains(tokens, append(bytes.Clone(name[1]), ':')) {
			t.Errorf("page.css wants %s, which is no token", name[1])
		}
	}
}

// The page and the window are siblings: one set of tokens.
func TestThePageHasTheWindowsTokens(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(need.Root(t), "frontend", "src", "ui", "tokens.css"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := pageFiles.ReadFile("page/tokens.css"); err != nil || !bytes.Equal(got, want) {
		t.Error("internal/sandbox/page/tokens.css is not frontend/src/ui/tokens.css: copy it")
	}
}
