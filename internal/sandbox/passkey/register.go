package passkey

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// Attestation is what a client sends of a new credential, in base64url without padding.
type Attestation struct {
	CredentialID      string   `json:"credentialId"`
	ClientDataJSON    string   `json:"clientDataJson"`
	AttestationObject string   `json:"attestationObject"`
	Transports        []string `json:"transports"`
}

// PublicKeyCredential is the older form of the same, after the Web API's own object.
type PublicKeyCredential struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	RawID    string `json:"rawId"`
	Response struct {
		ClientDataJSON    string   `json:"clientDataJson"`
		AttestationObject string   `json:"attestationObject"`
		Transports        []string `json:"transports,omitempty"`
	} `json:"response"`
}

// Attestation returns the newer form. ok is false if the object is not one public key's: its type is another, or its two
// ids differ.
func (c PublicKeyCredential) Attestation() (a Attestation, ok bool) {
	return Attestation{c.RawID, c.Response.ClientDataJSON, c.Response.AttestationObject, c.Response.Transports},
		c.Type == "public-key" && c.ID == c.RawID
}

// Credential is what is kept of a registration.
type Credential struct {
	ID              string // base64url without padding
	Key             Key
	AAGUID          string // base64url of the 16 bytes, as the service shows it
	AttestationType string // the format of the statement, which nobody verified; "none" as a rule
	Transports      []string
}

// Error is a refused registration: the service's words, and for the developer what was wrong.
type Error struct{ Message, Why string }

func (e *Error) Error() string { return e.Message + ": " + e.Why }

// The service's words for refused registrations.
const (
	missing     = "missing parameter: user authenticator attestation"
	missingData = "missing parameter: user authenticator attestation auth data"
	malformed   = "invalid authenticator attestation"
)

// transports that a client may name.
var transports = []string{
	"AUTHENTICATOR_TRANSPORT_BLE", "AUTHENTICATOR_TRANSPORT_INTERNAL", "AUTHENTICATOR_TRANSPORT_NFC",
	"AUTHENTICATOR_TRANSPORT_USB", "AUTHENTICATOR_TRANSPORT_HYBRID",
}

const (
	attestationMax = 64 << 10
	transportsMax  = 16
)

// Register reads the attestation of a credential that was made for challenge, which is in base64url as well. Every
// error is an *Error.
func Register(challenge string, a Attestation) (Credential, error) {
	switch {
	case a.CredentialID == "" || a.ClientDataJSON == "" || a.AttestationObject == "":
		return Credential{}, &Error{missing, "credentialId, clientDataJson and attestationObject are all needed"}
	case len(a.CredentialID)+len(a.ClientDataJSON)+len(a.AttestationObject) > attestationMax:
		return Credential{}, &Error{malformed, "too long"}
	case len(a.Transports) > transportsMax || slices.ContainsFunc(a.Transports, func(t string) bool { return !slices.Contains(transports, t) }):
		return Credential{}, &Error{malformed, "transports: unknown"}
	}
	clientData, ok := decode(a.ClientDataJSON)
	if !ok {
		return Credential{}, &Error{malformed, "clientDataJson: not base64url without padding"}
	}
	if err := checkCreation(clientData, challenge); err != nil {
		return Credential{}, err
	}
	object, ok := decode(a.AttestationObject)
	if !ok {
		return Credential{}, &Error{malformed, "attestationObject: not base64url without padding"}
	}
	return readObject(object, a)
}

// checkCreation checks the client data of a registration.
func checkCreation(clientData []byte, challenge string) error {
	client, err := readClientData(clientData)
	switch {
	case err != nil:
		return &Error{malformed, err.Error()}
	case client.Type != protocol.CreateCeremony:
		return &Error{malformed, "client data: not of a creation"}
	case challenge == "" || client.Challenge != strings.TrimRight(challenge, "="):
		return &Error{malformed, "client data: another challenge than the one named"}
	}
	return nil
}

// readObject reads what the authenticator said.
func readObject(object []byte, a Attestation) (Credential, error) {
	var att protocol.AttestationObject
	if err := webauthncbor.Unmarshal(object, &att); err != nil {
		return Credential{}, &Error{malformed, "attestationObject: not the CBOR of one"}
	}
	if len(att.RawAuthData) == 0 {
		return Credential{}, &Error{missingData, "attestationObject: no authData"}
	}
	if att.Format == "" || len(att.Format) > 32 {
		return Credential{}, &Error{malformed, "attestationObject: no fmt"}
	}
	if err := att.AuthData.Unmarshal(att.RawAuthData); err != nil {
		return Credential{}, &Error{malformed, "authData: malformed"}
	}
	if !att.AuthData.Flags.HasAttestedCredentialData() {
		return Credential{}, &Error{missingData, "authData: no attested credential"}
	}
	data := att.AuthData.AttData
	id := base64.RawURLEncoding.EncodeToString(data.CredentialID)
	if len(data.CredentialID) == 0 || id != a.CredentialID {
		return Credential{}, &Error{malformed, "credentialId: not the one in authData"}
	}
	key, err := ParseKey(data.CredentialPublicKey)
	if err != nil {
		return Credential{}, &Error{malformed, err.Error()}
	}
	return Credential{
		ID: id, Key: key, AttestationType: att.Format, AAGUID: base64.RawURLEncoding.EncodeToString(data.AAGUID),
		Transports: slices.Clone(a.Transports),
	}, nil
}
