package backend

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"latchkey/internal/fault"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// This file is what the ceremonies of passkeys ask of a browser, and how its answers are checked: challenge, origin, RP id
// and presence for both; the attestation of a new one; the signature and the counter of one that stamps. Turnkey checks
// signature and challenge again, but no origin, RP id or counter.

// passkeyTime is how long the browser's own dialog may stand.
const passkeyTime = 2 * time.Minute

// counterLife is how long the counter of a passkey is remembered.
const counterLife = 30 * 24 * time.Hour

// passkeyMost is how many accounts that list a passkey are looked at.
const passkeyMost = 4

// b64 is the base64 of WebAuthn and of Turnkey's stamps.
var b64 = base64.RawURLEncoding

func beginPasskey(r *ceremonyRound) error {
	switch {
	case r.Name == "" || len(r.Name) > 64 || !utf8.ValidString(r.Name):
		return bad("name: want what the passkey is called, 64 bytes at most")
	case r.Body != "":
		return bad("body: nothing is stamped when a passkey is made")
	}
	challenge := make([]byte, 32)
	if _, err := rand.Read(challenge); err != nil {
		return err
	}
	r.Nonce = b64.EncodeToString(challenge)
	return nil
}

// creationOptions are PublicKeyCredentialCreationOptions, as far as they are set.
type creationOptions struct {
	RP               entity              `json:"rp"`
	User             userEntity          `json:"user"`
	Challenge        string              `json:"challenge"`
	PubKeyCredParams []credentialParam   `json:"pubKeyCredParams"`
	Selection        authenticatorChoice `json:"authenticatorSelection"`
	Attestation      string              `json:"attestation"`
	Timeout          int64               `json:"timeout"`
}

type entity struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type userEntity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
}

type credentialParam struct {
	Type string `json:"type"`
	Alg  int    `json:"alg"`
}

type authenticatorChoice struct {
	ResidentKey      string `json:"residentKey"`
	RequireResident  bool   `json:"requireResidentKey"`
	UserVerification string `json:"userVerification"`
}

// requestOptions are PublicKeyCredentialRequestOptions, as far as they are set: any passkey of the RP may answer.
type requestOptions struct {
	Challenge        string `json:"challenge"`
	RPID             string `json:"rpId"`
	UserVerification string `json:"userVerification"`
	Timeout          int64  `json:"timeout"`
}

// The algorithms that Turnkey takes, as COSE numbers them.
var passkeyParams = []credentialParam{{"public-key", -7}, {"public-key", -257}}

func askPasskey(b *Backend, r ceremonyRound, at site) (ceremonyPage, error) {
	user := make([]byte, 16)
	if _, err := rand.Read(user); err != nil {
		return ceremonyPage{}, err
	}
	return ceremonyPage{
		Title: "Create a passkey",
		Facts: []ceremonyFact{{"For", r.Name}, {"Kept for", at.rpID}},
		Options: creationOptions{
			RP: entity{at.rpID, b.c.AppName}, User: userEntity{b64.EncodeToString(user), r.Name, r.Name}, Challenge: r.Nonce,
			PubKeyCredParams: passkeyParams, Selection: authenticatorChoice{"required", true, "preferred"}, Attestation: "none",
			Timeout: passkeyTime.Milliseconds(),
		},
	}, nil
}

// passkeyMade is the result of passkey-create: what Turnkey registers.
type passkeyMade struct {
	Name        string              `json:"authenticatorName"`
	Challenge   string              `json:"challenge"`
	Attestation turnkey.Attestation `json:"attestation"`
}

func checkPasskey(_ context.Context, _ *Backend, r ceremonyRound, at site, answer json.RawMessage) (any, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, unlikePasskey(err)
	}
	var params []protocol.CredentialParameter
	for _, p := range passkeyParams {
		params = append(params, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(p.Alg)})
	}
	if _, err := parsed.Verify(r.Nonce, at.rpID, []string{at.origin}, nil, nil, protocol.TopOriginDefaultVerificationMode, false, false, true, nil, params,
		protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return nil, unlikePasskey(err)
	}
	made := passkeyMade{Name: r.Name, Challenge: r.Nonce, Attestation: turnkey.Attestation{
		CredentialID:      b64.EncodeToString(parsed.RawID),
		ClientDataJSON:    b64.EncodeToString(parsed.Raw.AttestationResponse.ClientDataJSON),
		AttestationObject: b64.EncodeToString(parsed.Raw.AttestationResponse.AttestationObject),
		Transports:        []string{},
	}}
	for _, t := range parsed.Response.Transports {
		if name, ok := transportNames[t]; ok {
			made.Attestation.Transports = append(made.Attestation.Transports, name)
		}
	}
	return made, nil
}

// transportNames are the transports that the service knows.
var transportNames = map[protocol.AuthenticatorTransport]string{
	protocol.BLE: "AUTHENTICATOR_TRANSPORT_BLE", protocol.Internal: "AUTHENTICATOR_TRANSPORT_INTERNAL", protocol.NFC: "AUTHENTICATOR_TRANSPORT_NFC",
	protocol.USB: "AUTHENTICATOR_TRANSPORT_USB", protocol.Hybrid: "AUTHENTICATOR_TRANSPORT_HYBRID",
}

func beginStamp(r *ceremonyRound) error {
	switch {
	case r.Name != "":
		return bad("name: only a passkey that is made has one")
	case len(r.Body) > stampedMost:
		return bad("body: over %d bytes, more than a page shows", stampedMost)
	}
	_, _, err := describeRequest(r.Body)
	return err
}

func askStamp(_ *Backend, r ceremonyRound, at site) (ceremonyPage, error) {
	title, facts, err := describeRequest(r.Body)
	return ceremonyPage{Title: title, Facts: facts, Options: requestOptions{
		Challenge: b64.EncodeToString(stamp.Challenge([]byte(r.Body))), RPID: at.rpID, UserVerification: "preferred", Timeout: passkeyTime.Milliseconds(),
	}}, err
}

// passkeyStamp is the result of passkey-stamp.
type passkeyStamp struct {
	Stamp           string   `json:"stamp"`           // the value of X-Stamp-WebAuthn
	OrganizationIDs []string `json:"organizationIds"` // that list the passkey
}

func checkStamp(ctx context.Context, b *Backend, r ceremonyRound, at site, answer json.RawMessage) (any, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, unlikePasskey(err)
	}
	id := b64.EncodeToString(parsed.RawID)
	found, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{Type: "CREDENTIAL_ID", Value: id, Limit: pageOf})
	if err != nil {
		return nil, upstream(err)
	}
	if len(found) == 0 {
		return nil, fault.New(fault.AccountUnknown, show("no account has this passkey"))
	}
	// Anybody can make an account that lists somebody's passkey with a key of his own: the right one is what verifies.
	var own []string
	var refused error
	for _, organization := range found[:min(len(found), passkeyMost)] {
		key, err := b.keyOfPasskey(ctx, organization, id)
		if err != nil {
			return nil, err
		}
		if err := checkAssertion(parsed, stamp.Challenge([]byte(r.Body)), at, key); err != nil {
			refused = cmp.Or(refused, err)
			continue
		}
		own = append(own, organization)
	}
	if len(own) == 0 {
		return nil, refused
	}
	rises, err := b.kept.counters.rise(ctx, b.hash("passkey", id), parsed.Response.AuthenticatorData.Counter, counterLife)
	switch {
	case err != nil:
		return nil, err
	case !rises:
		return nil, fault.New(fault.LoginRefused, show("the counter of this passkey went backwards: there may be a copy of it"))
	}
	raw := parsed.Raw.AssertionResponse
	s := stamp.WebAuthnStamp{CredentialID: id, AuthenticatorData: raw.AuthenticatorData, ClientData: raw.ClientDataJSON, Signature: raw.Signature}
	return passkeyStamp{s.Header().HeaderValue, own}, nil
}

// checkAssertion refuses an answer that key did not give to this challenge on a page of at, with a person present.
func checkAssertion(parsed *protocol.ParsedCredentialAssertionData, challenge []byte, at site, key []byte) error {
	if err := parsed.Verify(b64.EncodeToString(challenge), at.rpID, "", []string{at.origin}, nil, nil,
		protocol.TopOriginDefaultVerificationMode, false, false, true, key, protocol.SignaturePolicy{}); err != nil {
		return unlikePasskey(err)
	}
	return nil
}

// keyOfPasskey returns the COSE key that the service lists for a passkey.
func (b *Backend) keyOfPasskey(ctx context.Context, organizationID, credentialID string) ([]byte, error) {
	users, err := b.api.ListUsers(ctx, organizationID)
	if err != nil {
		return nil, upstream(err)
	}
	for _, u := range users {
		for _, a := range u.Authenticators {
			if a.CredentialID == credentialID {
				return b64.DecodeString(strings.TrimRight(a.Credential.PublicKey, "="))
			}
		}
	}
	return nil, fault.New(fault.AccountUnknown, show("no account has this passkey"))
}

// unlikePasskey is for an answer that is not what was asked for.
func unlikePasskey(err error) error {
	what := "it cannot be read"
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		what = e.Details
	}
	return fault.New(fault.LoginRefused, show("the passkey's answer is not to this page's question: "+what))
}
