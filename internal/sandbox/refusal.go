package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// refusal is an answer of the service that is no success: the HTTP status, the gRPC number, the message, and the
// service's own code, which clients branch on. All of them are made in this file, so that one table holds every text.
type refusal struct {
	http    int
	grpc    int
	message string
	code    string // turnkeyErrorCode

	// For the list of recent requests: which check refused, and on what grounds. Neither is sent to the client.
	check, expected, seen string

	policies []evaluation // of a denial: what each policy said; not nil for a denial alone
}

func (r *refusal) Error() string { return r.message }

// gRPC numbers.
const (
	grpcInvalid         = 3
	grpcNotFound        = 5
	grpcExists          = 6
	grpcDenied          = 7
	grpcExhausted       = 8
	grpcAborted         = 10
	grpcUnimplemented   = 12
	grpcInternal        = 13
	grpcUnauthenticated = 16
)

// because says what a check wanted and what it saw.
func (r *refusal) because(check, expected, seen string) *refusal {
	r.check, r.expected, r.seen = check, expected, seen
	return r
}

// invalid is a request that can never succeed as it is.
func invalid(format string, args ...any) *refusal {
	return &refusal{http: http.StatusBadRequest, grpc: grpcInvalid, code: "REQUEST_INVALID", message: fmt.Sprintf(format, args...), check: "parameters"}
}

// badBody is a body that cannot be read. why never repeats a value.
func badBody(why string) *refusal {
	return invalid("bad request body: %s", why).because("body", "", why)
}

func missingField(name string) *refusal {
	return invalid("invalid request body: missing field `%s`", name).because("body", name, "")
}

func notFound(what, key, value string) *refusal {
	return &refusal{http: http.StatusNotFound, grpc: grpcNotFound, code: "REQUEST_INVALID", message: fmt.Sprintf("%s %s=%s", what, key, clip(value)), check: "parameters"}
}

func unauthenticated(code, format string, args ...any) *refusal {
	return &refusal{http: http.StatusUnauthorized, grpc: grpcUnauthenticated, code: code, message: fmt.Sprintf(format, args...)}
}

func noStamp(submit bool) *refusal {
	message := "no valid authentication signature found for request"
	if submit {
		message = "cannot authenticate public API activity request without a stamp (X-Stamp/X-Stamp-Webauthn header)"
	}
	return unauthenticated("SIGNATURE_MISSING", "%s", message).because("stamp present", "one stamp header", "none")
}

func badStamp(kind, why string) *refusal {
	return unauthenticated("SIGNATURE_INVALID", "could not extract %s stamp", kind).because("stamp decodes", "", why)
}

func twoStamps(seen []string) *refusal {
	return unauthenticated("SIGNATURE_INVALID", "malformed activity stamp").because("stamp decodes", "one stamp header", strings.Join(seen, ", "))
}

func badSignature(key string) *refusal {
	return unauthenticated("SIGNATURE_INVALID", "could not verify api key signature").because("signature", "over the exact body by "+key, "another signature")
}

func unknownKey(organizationID, publicKey string) *refusal {
	return unauthenticated("PUBLIC_KEY_NOT_FOUND", "could not find public key in organization or its parent organization organizationId=%s publicKey=%s",
		organizationID, publicKey).because("key known", "a key of the organization or its parent", publicKey)
}

func sharedKey(organizationID, publicKey string) *refusal {
	return unauthenticated("CREDENTIAL_CONFLICT", "more than one suborg associated with a public key organizationId=%s publicKey=%s",
		organizationID, publicKey).because("key known", "a key of one sub-organization", publicKey)
}

func unknownCredential(organizationID, credentialID string) *refusal {
	return unauthenticated("CREDENTIAL_NOT_FOUND", "credential ID could not be found in organization or its parent organization organizationId=%s credentialId=%s",
		organizationID, clip(credentialID)).because("key known", "an authenticator of the organization", clip(credentialID))
}

func sharedCredential(organizationID, credentialID string) *refusal {
	return unauthenticated("CREDENTIAL_CONFLICT", "more than one suborg associated with a credential ID organizationId=%s credentialId=%s",
		organizationID, clip(credentialID)).because("key known", "an authenticator of one sub-organization", clip(credentialID))
}

// badAttestedKey is a token that does not vouch for the key of an attested stamp. No source has the service's words.
func badAttestedKey(why string) *refusal {
	return unauthenticated("UNAUTHENTICATED", "could not verify public key attestation: %s", why).because("attestation", "", why)
}

func badAttestedSignature(key string) *refusal {
	return unauthenticated("SIGNATURE_INVALID", "could not verify attested signature").because("signature", "over the exact body by "+key, "another signature")
}

func unknownContact(organizationID string) *refusal {
	return unauthenticated("CREDENTIAL_NOT_FOUND", "verified contact could not be found in organization or its parent organization organizationId=%s",
		organizationID).because("key known", "one user with the verified contact", "")
}

func sharedContact(organizationID string) *refusal {
	return unauthenticated("CREDENTIAL_CONFLICT", "more than one suborg associated with a verified contact organizationId=%s",
		organizationID).because("key known", "a verified contact of one sub-organization", "")
}

// badPasskeySignature is one refusal for whatever is wrong with an assertion; why is for the developer.
func badPasskeySignature(why string) *refusal {
	return unauthenticated("SIGNATURE_INVALID", "could not verify WebAuthN signature").because("signature", "an assertion over the exact body", why)
}

// badAttestation is a registration that passkey refused in the service's words.
func badAttestation(message, why string) *refusal {
	return invalid("%s", message).because("attestation", "", why)
}

// expiredKey holds the words by which Turnkey's kits know that a session is over.
func expiredKey(organizationID, publicKey string, ended string) *refusal {
	return unauthenticated("API_KEY_EXPIRED", "rpc error: code = Unauthenticated desc = expired api key publicKey=%s organizationId=%s",
		publicKey, organizationID).because("key not expired", "now before "+ended, publicKey)
}

func badOrganizationID(id string) *refusal {
	r := invalid("malformed organization ID provided").because("organization", "a UUID", clip(id))
	r.code = "INVALID_ORGANIZATION_ID"
	return r
}

func unknownOrganization(id string) *refusal {
	return &refusal{http: http.StatusNotFound, grpc: grpcNotFound, code: "ORGANIZATION_NOT_FOUND",
		message: "no organization found with the given ID organizationId=" + id, check: "organization", seen: id}
}

func wrongOrganization(target, voters string) *refusal {
	r := invalid("organization mismatch: request is targeting organization (%q), but voters are in organization (%q)", target, voters)
	r.code = "ORGANIZATION_MISMATCH"
	return r.because("rights", "a user of "+target, "a user of "+voters)
}

// notAuthorized is a denial by rights and policies; clients know it by the type of its detail.
func notAuthorized(evaluations []evaluation) *refusal {
	return &refusal{http: http.StatusForbidden, grpc: grpcDenied, code: "REQUEST_NOT_AUTHORIZED",
		message: "You don't have sufficient permissions to take this action. Please add a policy granting this user permissions. Learn more at https://docs.turnkey.com/concepts/policies/quickstart.",
		check:   "rights", policies: append([]evaluation{}, evaluations...)}
}

func badReadOnlySession() *refusal {
	return unauthenticated("UNAUTHENTICATED", "could not verify read only session").because("session", "issued here to a user", "")
}

func endedReadOnlySession(end string) *refusal {
	return unauthenticated("UNAUTHENTICATED", "read only session has expired").because("session", "now before "+end, "")
}

// recoveryOnly keeps recovery keys and recoveries together.
func recoveryOnly() *refusal {
	return &refusal{http: http.StatusForbidden, grpc: grpcDenied, code: "FORBIDDEN", check: "rights",
		message: "recovery credentials can only be used to recover a user, and nothing else can"}
}

func noActivity() *refusal {
	return &refusal{http: http.StatusNotFound, grpc: grpcNotFound, code: "REQUEST_INVALID", check: "parameters",
		message: "No activity found with fingerprint. Consensus activities must target an existing activity by fingerprint"}
}

// asRefusal returns the refusal that err is.
func asRefusal(err error) (*refusal, bool) { return errors.AsType[*refusal](err) }

func parentOnly() *refusal {
	r := invalid("this activity can only be initiated by a parent organization")
	r.code = "INVALID_ACTIVITY_CALLER"
	return r.because("rights", "a parent organization", "a sub-organization")
}

func subOrganizationOnly() *refusal {
	r := invalid("this activity can only be initiated by a sub-organization")
	r.code = "INVALID_ACTIVITY_CALLER"
	return r.because("rights", "a sub-organization", "a parent organization")
}

func badTime(seen, now string) *refusal {
	return invalid("request timestamp is outside of the accepted window timestampMs=%s", clip(seen)).
		because("timestamp", "less than an hour before and at most five minutes after "+now, seen)
}

func tooManyOTPs() *refusal {
	r := invalid("Max number of OTPs have been initiated please wait and try again")
	r.code = "MAX_OTP_INITIATED"
	return r.because("limits", "", "")
}

// wrongOTP begins with the words by which Turnkey's kits know a wrong code; why tells the rest to a person.
func wrongOTP(why string) *refusal {
	message := "Invalid OTP code"
	if why != "" {
		message += ": " + why
	}
	return invalid("%s", message)
}

func badContact() *refusal {
	r := invalid("invalid email address")
	r.code = "INVALID_EMAIL"
	return r
}

func switchedOff() *refusal {
	return &refusal{http: http.StatusForbidden, grpc: grpcDenied, code: "FORBIDDEN", message: "this way of authentication is disabled for the organization", check: "rights"}
}

// notForYou keeps strangers from the control port.
func notForYou(why string) *refusal {
	return &refusal{http: http.StatusForbidden, grpc: grpcDenied, code: "FORBIDDEN", message: why, check: "control"}
}

func wrongMedia() *refusal {
	return &refusal{http: http.StatusUnsupportedMediaType, grpc: grpcInvalid, code: "REQUEST_INVALID", message: "want Content-Type: application/json", check: "control"}
}

func badToken(why string) *refusal {
	return invalid("invalid verification token: %s", why).because("verification token", "", why)
}

func badClientSignature(why string) *refusal {
	return invalid("invalid client signature: %s", why).because("client signature", "", why)
}

// badTransaction is a transaction that is not signed.
func badTransaction(code, why string) *refusal {
	r := invalid("%s", why).because("transaction", "", why)
	r.code = code
	return r
}

func exists(format string, args ...any) *refusal {
	return &refusal{http: http.StatusConflict, grpc: grpcExists, code: "REQUEST_INVALID", message: fmt.Sprintf(format, args...), check: "parameters"}
}

func tooMany(what string) *refusal {
	return &refusal{http: http.StatusTooManyRequests, grpc: grpcExhausted, code: "UNSPECIFIED", message: what, check: "limits"}
}

// unimplemented names what the vendor does and this sandbox does not.
func unimplemented(what string) *refusal {
	return &refusal{http: http.StatusNotImplemented, grpc: grpcUnimplemented, code: "UNSPECIFIED", message: "this sandbox does not do " + what, check: "sandbox"}
}

func noSuchPath(path string) *refusal {
	return &refusal{http: http.StatusNotFound, grpc: grpcNotFound, code: "UNSPECIFIED", message: "Not Found", check: "path", seen: clip(path)}
}

func wrongMethod() *refusal {
	return &refusal{http: http.StatusMethodNotAllowed, grpc: grpcUnimplemented, code: "UNSPECIFIED", message: "Method Not Allowed", check: "path", expected: http.MethodPost}
}

func tooLarge() *refusal {
	return &refusal{http: http.StatusRequestEntityTooLarge, grpc: grpcInvalid, code: "REQUEST_INVALID", message: "request body is too large", check: "body",
		expected: fmt.Sprintf("at most %d bytes", bodyMax)}
}

// internal hides what went wrong; it is in the log.
func internal() *refusal {
	return &refusal{http: http.StatusInternalServerError, grpc: grpcInternal, code: "INTERNAL", message: "internal server error", check: "sandbox"}
}

// startedOver is for requests that a reset overtook.
func startedOver() *refusal {
	return &refusal{http: http.StatusConflict, grpc: grpcAborted, code: "UNSPECIFIED", message: "the sandbox was reset meanwhile", check: "sandbox"}
}

// rpcStatus is the body of every refusal. The service's code stands in two places, because old and new clients look
// in different ones.
type rpcStatus struct {
	Code             int    `json:"code"`
	Message          string `json:"message"`
	Details          []any  `json:"details"`
	TurnkeyErrorCode string `json:"turnkeyErrorCode,omitempty"`
}

type codeDetail struct {
	Type             string `json:"@type"`
	TurnkeyErrorCode string `json:"turnkeyErrorCode"`
}

type policyDetail struct {
	Type              string       `json:"@type"`
	Message           string       `json:"message"`
	PolicyEvaluations []evaluation `json:"policyEvaluations"`
}

func (r *refusal) body() rpcStatus {
	const types = "type.googleapis.com/errors.v1."
	status := rpcStatus{Code: r.grpc, Message: r.message, TurnkeyErrorCode: r.code, Details: []any{codeDetail{types + "TurnkeyErrorDetail", r.code}}}
	if r.policies != nil {
		why := "No policies evaluated to outcome: Allow"
		if ids := denying(r.policies); len(ids) > 0 {
			why = "The following policies denied this action: " + strings.Join(ids, ", ")
		}
		status.Details = []any{policyDetail{types + "PolicyEnginePermissionError", why, r.policies}}
	}
	return status
}

// failure is the refusal as the activity that it ended shows it: there the code stands in the details alone.
func (r *refusal) failure() []byte {
	status := r.body()
	status.TurnkeyErrorCode = ""
	return mustJSON(status)
}

// clip bounds what a message repeats of a request.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// badIDToken is for tokens of OAuth providers. why holds nothing secret.
func badIDToken(why string) *refusal {
	r := invalid("invalid OIDC token: %s", clip(why)).because("OIDC token", "", why)
	r.code = "INVALID_OIDC_TOKEN"
	return r
}

func providerExists(who identity) *refusal {
	r := invalid("oauth provider already exists in organization issuer=%s audience=%s", clip(who.Issuer), clip(who.Audience))
	r.code = "OAUTH_PROVIDER_ALREADY_EXISTS"
	return r
}
