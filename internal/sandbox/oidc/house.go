package oidc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/mail"
	"slices"
	"strings"

	"unicode"
)

// The names of the houses.
const (
	Google   = "google"
	Apple    = "apple"
	Facebook = "facebook"
	Plain    = "sandbox"
	Turnkey  = "turnkey" // issues id tokens for accounts of X and Discord; nobody logs in there
	X        = "x"
	Discord  = "discord"
)

// house is one provider that is played: what it insists on, and how it spells things.
type house struct {
	name, title string
	alg         string   // of id tokens; "" for OAuth 2.0 alone
	front       bool     // has an authorize page
	types       []string // response types, words in alphabetical order
	pkce        bool     // code flows need PKCE
	state       bool     // state is needed
	secret      bool     // the token endpoint needs a client secret
	nonce       bool     // an id token from the front channel needs a nonce
	namesIssuer bool     // the answer carries iss (RFC 9207)
	post        bool     // any scope needs form_post
	getToken    bool     // the token endpoint takes GET
	always      string   // a scope that everybody has
	me          string   // where the account is told, "" for userinfo
	life        int64    // of access tokens, seconds
	denied      string   // the error of a log-in that the user broke off
	subject     func(sum []byte) string
}

// houses returns all that are played.
func houses() []*house {
	code, both := []string{"code"}, []string{"code", "id_token", "code id_token"}
	return []*house{
		{
			name: Google, title: "Google",
			alg: "RS256", front: true, types: both, nonce: true, namesIssuer: true, life: 3599, denied: "access_denied", subject: digits(21, "1"),
		},
		{
			name: Apple, title: "Apple",
			alg: "RS256", front: true, types: both, post: true, always: "openid", life: 3600, denied: "user_cancelled_authorize", subject: appleSubject,
		},
		{
			name: Facebook, title: "Facebook",
			alg: "RS256", front: true, types: code, pkce: true, getToken: true, always: "profile", life: 5183944, denied: "access_denied", subject: digits(17, "1"),
		},
		{
			name: Plain, title: "the sandbox",
			alg: "ES256", front: true, types: both, nonce: true, namesIssuer: true, life: 3600, denied: "access_denied", subject: hexSubject,
		},
		{
			name: Turnkey, title: "Turnkey",
			alg: "ES256",
		},
		{
			name: X, title: "X",
			front: true, types: code, pkce: true, state: true, secret: true, me: "users/me", life: 7200, denied: "access_denied", subject: digits(19, "1"),
		},
		{
			name: Discord, title: "Discord",
			front: true, types: code, secret: true, me: "users/@me", life: 604800, denied: "access_denied", subject: digits(18, "9"),
		},
	}
}

// path is where the house stands below the base.
func (h *house) path() string {
	if h.alg == "" {
		return "/oauth2/" + h.name
	}
	return "/oidc/" + h.name
}

// account is somebody who logged in.
type account struct {
	subject  string
	email    string
	verified bool
	name     string
}

// accountOf returns whose address email is. Addresses that differ in upper and lower case are one person's.
func (h *house) accountOf(seed []byte, email string, verified bool) account {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte(h.name + "\x00" + strings.ToLower(email)))
	return account{subject: h.subject(mac.Sum(nil)), email: email, verified: verified, name: nameOf(email)}
}

// handle is the account's short name, as X and Discord have them.
func (a account) handle() string {
	var b strings.Builder
	for _, r := range strings.ToLower(a.email[:strings.LastIndexByte(a.email, '@')]) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			b.WriteRune(r)
		}
	}
	return (b.String() + "_" + a.subject)[:15]
}

// nameOf makes Jane Doe of jane.doe@example.com.
func nameOf(email string) string {
	words := strings.FieldsFunc(email[:strings.LastIndexByte(email, '@')], func(r rune) bool { return !unicode.IsLetter(r) })
	for i, w := range words {
		r := []rune(w)
		words[i] = string(unicode.ToUpper(r[0])) + string(r[1:])
	}
	if len(words) == 0 {
		return "Nobody"
	}
	return strings.Join(words, " ")
}

// validEmail reports whether text is one bare address.
func validEmail(text string) bool {
	if len(text) > 254 || strings.ContainsFunc(text, unicode.IsControl) {
		return false
	}
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && a.Name == ""
}

// digits spells subjects as decimal numbers of that many digits with that first one.
func digits(n int, first string) func([]byte) string {
	return func(sum []byte) string {
		most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n-1)), nil)
		return first + fmt.Sprintf("%0*s", n-1, new(big.Int).Mod(new(big.Int).SetBytes(sum), most).String())
	}
}

func appleSubject(sum []byte) string {
	return fmt.Sprintf("%06d.%s.%04d", binary.BigEndian.Uint32(sum)%2000, hex.EncodeToString(sum[4:20]), binary.BigEndian.Uint16(sum[20:])%2400)
}

func hexSubject(sum []byte) string { return hex.EncodeToString(sum[:16]) }

// has reports whether a list of scopes holds one of the words, or the house grants one to everybody.
func (h *house) has(scope []string, words ...string) bool {
	for _, w := range words {
		if slices.Contains(scope, w) || h.always == w {
			return true
		}
	}
	return false
}
