package backend

import (
	"net/http"
	"testing"
)

func TestTheCallerIsWhomTrustedProxiesSaw(t *testing.T) {
	b := &Backend{}
	for _, text := range []string{"10.0.0.0/8", "192.0.2.7", "2001:db8::/32"} {
		p, err := parseProxy(text)
		if err != nil {
			t.Fatal(err)
		}
		b.proxies = append(b.proxies, p)
	}
	for _, c := range []struct {
		remote  string
		headers []string
		want    string
	}{
		{"198.51.100.1:80", nil, "198.51.100.1"},
		{"198.51.100.1:80", []string{"203.0.113.9"}, "198.51.100.1"}, // a stranger's word
		{"10.0.0.1:80", nil, "10.0.0.1"},
		{"10.0.0.1:80", []string{"203.0.113.9"}, "203.0.113.9"},
		{"192.0.2.7:80", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"}, // the caller wrote the first himself
		{"192.0.2.8:80", []string{"203.0.113.9"}, "192.0.2.8"},
		{"10.0.0.1:80", []string{"1.1.1.1, 203.0.113.9, 10.9.9.9, 192.0.2.7"}, "203.0.113.9"},
		{"10.0.0.1:80", []string{"1.1.1.1", "203.0.113.9", "10.2.2.2"}, "203.0.113.9"}, // one list in three lines
		{"10.0.0.1:80", []string{"10.2.2.2, 10.3.3.3"}, "10.2.2.2"},
		{"10.0.0.1:80", []string{"203.0.113.9:1234"}, "203.0.113.9"},
		{"10.0.0.1:80", []string{"[2001:db9::5]:1234"}, "2001:db9::5"},
		{"10.0.0.1:80", []string{"[2001:db9::5]"}, "2001:db9::5"},
		{"10.0.0.1:80", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"[::ffff:10.0.0.1]:80", []string{"203.0.113.9"}, "203.0.113.9"},
		{"[2001:db8::1]:80", []string{"203.0.113.9"}, "203.0.113.9"},
		{"10.0.0.1:80", []string{"203.0.113.9, unknown"}, "10.0.0.1"}, // nothing is read past what cannot be
		{"10.0.0.1:80", []string{"203.0.113.9, unknown, 10.2.2.2"}, "10.2.2.2"},
		{"10.0.0.1:80", []string{""}, "10.0.0.1"},
		{"@", []string{"203.0.113.9"}, "invalid IP"},
		{"", nil, "invalid IP"},
	} {
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.headers}}
		if got := b.caller(r).String(); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.remote, c.headers, got, c.want)
		}
	}
	for _, text := range []string{"", "x", "10.0.0.0/33", "example.com", "10.0.0.1:80"} {
		if _, err := parseProxy(text); err == nil {
			t.Errorf("%q is taken for a proxy", text)
		}
	}
}

func TestWhoIsCountedTogether(t *testing.T) {
	for remote, want := range map[string][2]string{
		"192.0.2.1:80":            {"192.0.2.1/32", "192.0.2.0/24"},
		"[::ffff:192.0.2.1]:80":   {"192.0.2.1/32", "192.0.2.0/24"},
		"[2001:db8:1:2ff::9]:80":  {"2001:db8:1:2ff::/64", "2001:db8:1::/48"},
		"[fe80::1:2:3:4%eth0]:80": {"fe80::/64", "fe80::/48"},
		"@":                       {"?", "?"},
		"":                        {"?", "?"},
		"192.0.2.1":               {"?", "?"},
	} {
		addr := (&Backend{}).caller(&http.Request{RemoteAddr: remote})
		if got := [2]string{addressOf(addr), networkOf(addr)}; got != want {
			t.Errorf("%q: %q", remote, got)
		}
	}
}
