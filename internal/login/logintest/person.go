// Package logintest is the person at a provider's page, for tests of every face of the program: what a human does in a
// browser, by plain HTTP. It is imported by tests alone.
package logintest

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Person logs in at the pages of the sandbox's providers by an e-mail address, which is all that they ask for.
type Person struct {
	Email  string
	Client *http.Client // nil is http.DefaultClient; it follows redirects, as browsers do
}

// Page is where a browser ended.
type Page struct {
	URL    *url.URL
	Status int
	Text   string
}

// LogIn opens a link and logs in, to the page at the very end.
func (p Person) LogIn(link string) (Page, error) {
	return p.answer(link, url.Values{"email": {p.Email}})
}

// TurnAway opens a link and presses Cancel there.
func (p Person) TurnAway(link string) (Page, error) {
	return p.answer(link, url.Values{"email": {p.Email}, "cancel": {"1"}})
}

// Stop logs in but goes nowhere afterwards, and returns the address to which the provider sent the browser: what a
// person copies who sits at another computer. Providers that answer by a form have none.
func (p Person) Stop(link string) (string, error) {
	still := *p.client()
	still.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	page, fields, err := p.form(link)
	if err != nil {
		return "", err
	}
	fields.Set("email", p.Email)
	reply, err := still.PostForm(page.String(), fields)
	if err != nil {
		return "", err
	}
	reply.Body.Close()
	if reply.Header.Get("Location") == "" {
		return "", fmt.Errorf("the provider sent the browser nowhere: %s", reply.Status)
	}
	return reply.Header.Get("Location"), nil
}

var (
	action  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]*)"`)
)

func (p Person) answer(link string, typed url.Values) (Page, error) {
	to, fields, err := p.form(link)
	if err != nil {
		return Page{}, err
	}
	for name, v := range typed {
		fields[name] = v
	}
	page, err := p.read(p.client().PostForm(to.String(), fields))
	for range 3 { // a page that posts its answer, and one that leads on
		if err != nil {
			return page, err
		}
		if m := refresh.FindStringSubmatch(page.Text); m != nil {
			page, err = p.read(p.client().Get(html.UnescapeString(m[1])))
			continue
		}
		m := action.FindStringSubmatch(page.Text)
		if m == nil || !strings.Contains(page.Text, "document.forms[0].submit()") {
			break
		}
		page, err = p.read(p.client().PostForm(html.UnescapeString(m[1]), inputs(page.Text)))
	}
	return page, err
}

// form opens a link and reads the form there.
func (p Person) form(link string) (*url.URL, url.Values, error) {
	page, err := p.read(p.client().Get(link))
	if err != nil {
		return nil, nil, err
	}
	m := action.FindStringSubmatch(page.Text)
	if page.Status != http.StatusOK || m == nil {
		return nil, nil, fmt.Errorf("no log-in page: status %d: %s", page.Status, page.Text)
	}
	to, err := page.URL.Parse(html.UnescapeString(m[1]))
	return to, inputs(page.Text), err
}

func inputs(text string) url.Values {
	fields := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(text, -1) {
		fields.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return fields
}

func (p Person) client() *http.Client {
	if p.Client != nil {
		return p.Client
	}
	return http.DefaultClient
}

func (p Person) read(reply *http.Response, err error) (Page, error) {
	if err != nil {
		return Page{}, err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	if err == nil && reply.StatusCode >= 500 {
		err = errors.New(reply.Status)
	}
	return Page{reply.Request.URL, reply.StatusCode, string(text)}, err
}
