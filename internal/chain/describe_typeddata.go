package chain

import (
	"fmt"
	"math/big"
	"strings"
)

// maxMembers is how many members of a message are put into words.
const maxMembers = 64

// Describe says what the typed data holds: its primary type, its domain, and its members one a line. A message that
// gives somebody the right to take tokens is called that. Errors: those of [TypedData.Digest].
func (t *TypedData) Describe() (Description, error) {
	if _, err := t.Digest(); err != nil {
		return Description{}, err
	}
	d := Description{Title: "Sign typed data: " + t.PrimaryType}
	w := memberWriter{types: t.Types}
	if t.PrimaryType != domainType {
		w.structLines(t.PrimaryType, t.Message, "")
	}
	if t.permits() {
		d.Title = "Let somebody take tokens: " + t.PrimaryType
		d.say(Warning, "whoever has this signature may take tokens without asking again")
		if w.unlimited {
			d.say(Warning, "UNLIMITED: it names no amount at which that ends")
		}
	} else if w.unlimited {
		d.say(Warning, "it has a number as large as can be, which often means without limit")
	}
	d.domain(t)
	d.Lines = append(d.Lines, w.lines...)
	if w.left > 0 {
		d.say(Warning, "%s more are not shown", plural(w.left, "member"))
	}
	return d, nil
}

// domain says whom the message is for.
func (d *Description) domain(t *TypedData) {
	text := func(name string) string {
		s, _ := t.Domain[name].(string)
		return Visible(s, 60)
	}
	if name, version := text("name"), text("version"); name != "" || version != "" {
		d.say("domain", "“%s” version “%s”, as it calls itself", name, version)
	}
	if n, err := parseInteger(t.Domain["chainId"]); err == nil {
		d.say("network", "%s", Network(n))
	} else {
		d.say("network", "none named: it counts wherever it is accepted")
	}
	if address, err := readAddress(text("verifyingContract")); err == nil {
		d.say("contract", "%s", Checksum(address))
	}
	standard := map[string]string{"name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address"}
	w := memberWriter{types: t.Types}
	for _, f := range t.Types[domainType] {
		if standard[f.Name] != f.Type { // what is not said above, or is read there as what it is not
			w.value(f.Type, t.Domain[f.Name], "domain."+f.Name)
		}
	}
	d.Lines = append(d.Lines, w.lines...)
}

// permits reports whether the message gives a right to take tokens: it is called a permit, or names a spender. Source:
// ERC-2612, Uniswap's Permit2, and the token Dai.
func (t *TypedData) permits() bool {
	if strings.HasPrefix(t.PrimaryType, "Permit") {
		return true
	}
	for _, f := range t.Types[t.PrimaryType] {
		if f.Name == "spender" && f.Type == "address" {
			return true
		}
	}
	return false
}

// memberWriter puts members into words, in the order of their types.
type memberWriter struct {
	types     map[string][]Field
	lines     []Line
	left      int  // beyond maxMembers
	unlimited bool // a number was as large as its type allows, and such types count amounts
}

func (w *memberWriter) add(name, text string) {
	if len(w.lines) == maxMembers {
		w.left++
		return
	}
	w.lines = append(w.lines, Line{Visible(name, 80), text})
}

func (w *memberWriter) structLines(kind string, v any, at string) {
	members, _ := v.(object)
	for _, f := range w.types[kind] {
		w.value(f.Type, members[f.Name], strings.TrimPrefix(at+"."+f.Name, "."))
	}
}

func (w *memberWriter) value(kind string, v any, at string) {
	if strings.HasSuffix(kind, "]") {
		element, _, err := splitArray(kind)
		list, _ := v.([]any)
		if err != nil || len(list) == 0 {
			w.add(at, "empty list")
			return
		}
		for i, item := range list {
			w.value(element, item, fmt.Sprintf("%s[%d]", at, i))
		}
		return
	}
	if _, isStruct := w.types[kind]; isStruct {
		w.structLines(kind, v, at)
		return
	}
	w.add(at, w.atomic(kind, v))
}

// atomic spells a value that has a digest, and so is of its type.
func (w *memberWriter) atomic(kind string, v any) string {
	text, _ := v.(string)
	switch kind {
	case "string":
		return "“" + Visible(text, maxShown) + "”"
	case "bool":
		return fmt.Sprint(v)
	case "address":
		if address, err := readAddress(text); err == nil {
			return Checksum(address)
		}
	}
	if bits, signed, ok := integerSize(kind); ok {
		if n, err := parseInteger(v); err == nil {
			most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(bits)), big.NewInt(1))
			if !signed && bits >= 96 && (n.Cmp(most) == 0 || n.Cmp(mostUint160) == 0) {
				w.unlimited = true
				return n.String() + " (UNLIMITED: as large as can be)"
			}
			return n.String()
		}
	}
	if raw, err := parseHex(text); err == nil {
		return shown(raw)
	}
	return Visible(fmt.Sprint(v), maxShown)
}
