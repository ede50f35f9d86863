package backend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// stampedMost is how many bytes a request may have that a page shows: it travels in the page's address.
const stampedMost = 8 << 10

// describeRequest says what a request does that is to be stamped, from its bytes alone: in words where it is a log-in, else
// by its type and what it holds, all of it. Errors: fault.RequestInvalid for what is no request to Turnkey.
func describeRequest(body string) (title string, facts []ceremonyFact, err error) {
	if err := checkJSON([]byte(body)); err != nil {
		return "", nil, err
	}
	var in struct {
		Type           string          `json:"type"`
		OrganizationID string          `json:"organizationId"`
		Parameters     json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return "", nil, bad("body: no request to the service")
	}
	if in.OrganizationID == "" {
		return "", nil, bad("body: names no organization")
	}
	switch in.Type {
	case "ACTIVITY_TYPE_STAMP_LOGIN":
		var p struct {
			PublicKey  string `json:"publicKey"`
			Seconds    string `json:"expirationSeconds"`
			Invalidate bool   `json:"invalidateExisting"`
		}
		if err := json.Unmarshal(in.Parameters, &p); err != nil || len(p.PublicKey) != 66 || strings.Trim(p.PublicKey, "0123456789abcdefABCDEF") != "" {
			return "", nil, bad("body: a log-in without a key")
		}
		facts = []ceremonyFact{{"Key of the session", p.PublicKey[:6] + "…" + p.PublicKey[62:]}}
		if n, err := strconv.Atoi(p.Seconds); err == nil {
			facts = append(facts, ceremonyFact{"Lasts", lasting(time.Duration(n) * time.Second)})
		}
		if p.Invalidate {
			facts = append(facts, ceremonyFact{"Besides", "ends every other session of yours"})
		}
		return "Log in", facts, nil
	case "":
		facts = []ceremonyFact{{"Organization", in.OrganizationID}}
		return "Answer a question about your account", append(facts, whole([]byte(body))), nil
	}
	facts = []ceremonyFact{{"Organization", in.OrganizationID}}
	return plainType(in.Type), append(facts, whole(in.Parameters)), nil
}

// whole shows a value as it stands, all of it.
func whole(raw json.RawMessage) ceremonyFact {
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		out.Reset()
		out.Write(raw)
	}
	text := strings.Map(func(r rune) rune {
		if r != '\n' && (!unicode.IsPrint(r) || unicode.Is(unicode.Cf, r)) {
			return unicode.ReplacementChar
		}
		return r
	}, out.String())
	return ceremonyFact{"In its own words", text}
}

// plainType turns ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2 into "Sign raw payload".
func plainType(text string) string {
	text = strings.TrimPrefix(text, "ACTIVITY_TYPE_")
	if i := strings.LastIndex(text, "_V"); i > 0 && strings.Trim(text[i+2:], "0123456789") == "" {
		text = text[:i]
	}
	words := []rune(strings.ToLower(strings.ReplaceAll(text, "_", " ")))
	if len(words) > 0 {
		words[0] = unicode.ToUpper(words[0])
	}
	if len(words) > 80 {
		words = words[:80]
	}
	return string(words)
}

// lasting says a length of time.
func lasting(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}
