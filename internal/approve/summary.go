package approve

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/chain"
)

// Summary is what a request would do, from its exact bytes.
type Summary struct {
	Path         string
	Type         string // of an activity; empty for a query
	Organization string
	Class        Class
	Title        string
	Lines        []chain.Line // all that is known, the most important first; may be shown as they are
	Digest       string       // SHA-256 of the body, hex, by which Turnkey knows the request
	Payload      string       // the digest that would be signed, hex; "" when nothing is signed, or several are
	Blind        bool         // something would be signed that cannot be read

	limits limits
}

// limits is what a rule may hold a request against. The zero value fits no rule.
type limits struct {
	name    string // of an activity that a rule may allow as it is
	account string // that signs
	chain   string // of a transfer: "eip155:1", "solana"
	to      string // of a transfer
	spends  string // of a transfer: value and the highest fee, in the smallest units, decimal
	message bool   // a readable text is signed, and nothing else
}

// MaxLines is the most that a person is shown of one request, title and digests included.
const MaxLines = 15

// maxLine is the most characters of one line.
const maxLine = 360

// Describe says what a request to path with body would do.
//
// Errors: fault.ApprovalUnclear when body could be understood in two ways, or is not of path.
func Describe(path string, body []byte) (Summary, error) {
	sum := sha256.Sum256(body)
	s := Summary{Path: path, Digest: hex.EncodeToString(sum[:])}
	top, err := readBody(body)
	if err != nil {
		return s, err
	}
	if err := exact(top, "type", "organizationId", "parameters", "timestampMs", "generateAppProofs"); err != nil {
		return s, err
	}
	f := fields{from: top}
	s.Organization, s.Type = chain.Visible(f.text("organizationId"), 60), f.text("type")
	if f.err != nil {
		return s, f.err
	}
	if queryForm.MatchString(path) {
		for _, name := range []string{"type", "parameters", "timestampMs"} {
			if _, there := top[name]; there {
				return s, unclear("a query has no member %q: its stamp would be good for an activity", name)
			}
		}
		s.Class, s.Title = Free, "Ask for "+strings.ReplaceAll(path[strings.LastIndex(path, "/")+1:], "_", " ")
		return s, nil
	}
	m := submitForm.FindStringSubmatch(path)
	if m == nil {
		return s, unclear("%q is no path of a query or an activity", chain.Visible(path, 80))
	}
	name, version := nameOf(s.Type)
	if name == "" || name != m[1] {
		return s, unclear("the path is of %q, and the body's type is %q", m[1], chain.Visible(s.Type, 80))
	}
	for member := range top {
		if !slices.Contains([]string{"type", "organizationId", "parameters", "timestampMs", "generateAppProofs"}, member) {
			return s, unclear("the body: unknown member %q", chain.Visible(member, 40))
		}
	}
	parameters, ok := top["parameters"].(object)
	if !ok {
		return s, unclear("the body has no parameters")
	}
	a := known(name, version)
	s.Class, s.Title = a.class, a.title
	if a.rule {
		s.limits.name = name
	}
	return s, s.describe(parameters)
}

// describe fills in what the parameters say, each version by the members that it has.
func (s *Summary) describe(parameters object) error {
	switch s.Type {
	case "ACTIVITY_TYPE_SIGN_RAW_PAYLOAD":
		return s.payload(parameters, "privateKeyId")
	case "ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2":
		return s.payload(parameters, "signWith")
	case "ACTIVITY_TYPE_SIGN_RAW_PAYLOADS":
		return s.payloads(parameters)
	case "ACTIVITY_TYPE_SIGN_TRANSACTION":
		return s.transaction(parameters, "privateKeyId")
	case "ACTIVITY_TYPE_SIGN_TRANSACTION_V2":
		return s.transaction(parameters, "signWith")
	case "ACTIVITY_TYPE_ETH_SEND_TRANSACTION", "ACTIVITY_TYPE_ETH_SEND_TRANSACTION_V2":
		return s.sendEthereum(parameters)
	case "ACTIVITY_TYPE_SOL_SEND_TRANSACTION", "ACTIVITY_TYPE_SOL_SEND_TRANSACTION_V2":
		return s.sendSolana(parameters)
	case "ACTIVITY_TYPE_SPARK_SIGN_FROST", "ACTIVITY_TYPE_APPROVE_ACTIVITY", "ACTIVITY_TYPE_ETH_SEND_RAW_TRANSACTION":
		s.Blind = true
		s.say(chain.Warning, "%s", blindly)
	}
	s.members("", parameters)
	return nil
}

// blindly is said of what is signed unread.
const blindly = "cannot be read: blind signature"

func (s *Summary) say(label, format string, args ...any) {
	s.Lines = append(s.Lines, chain.Line{Label: label, Text: fmt.Sprintf(format, args...)})
}

// members shows parameters as they stand, one a line, in the order of their names.
func (s *Summary) members(at string, v any) {
	switch v := v.(type) {
	case object:
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			s.members(strings.TrimPrefix(at+"."+name, "."), v[name])
		}
	case []any:
		for i, item := range v {
			s.members(fmt.Sprintf("%s[%d]", at, i), item)
		}
	case string:
		s.say(chain.Visible(at, 80), "“%s”", chain.Visible(v, 200))
	default: // null, a number or a boolean, which are JSON's own letters
		s.say(chain.Visible(at, 80), "%s", chain.Visible(fmt.Sprint(v), 100))
	}
}

// Shown returns what a person is shown, at most [MaxLines] lines without line ends. When something had to be left out,
// the lines say how much.
func (s Summary) Shown() []string {
	last := []string{"organization: " + s.Organization, "request: sha256 " + s.Digest}
	if s.Payload != "" {
		last = append(last, "signed: "+s.Payload)
	}
	out := []string{clip(s.Title)}
	room := MaxLines - len(out) - len(last)
	for i, l := range s.Lines {
		if i == room-1 && len(s.Lines) > room {
			out = append(out, fmt.Sprintf("%s: %d more facts do not fit here", chain.Warning, len(s.Lines)-i))
			break
		}
		out = append(out, clip(l.Label+": "+l.Text))
	}
	return append(out, last...)
}

// clip cuts a line that is too long, and says by how much.
func clip(line string) string {
	if r := []rune(line); len(r) > maxLine {
		return fmt.Sprintf("%s… (%d more characters)", string(r[:maxLine]), len(r)-maxLine)
	}
	return line
}
