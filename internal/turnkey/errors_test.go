package turnkey

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/internal/fault"
)

// The rows of the error table, turnkey-protocol.md 1.6, with the place of the code and the wording varied as there.
func TestVendorErrorsBecomeCodes(t *testing.T) {
	rows := []struct {
		status  int
		body    string
		want    fault.Code
		turnkey string
	}{
		{401, `{"code":16,"message":"cannot authenticate public API activity request without a stamp (X-Stamp/X-Stamp-Webauthn header)"}`, fault.StampMalformed, ""},
		{401, `{"code":16,"message":"no valid authentication signature found for request","turnkeyErrorCode":"SIGNATURE_MISSING"}`, fault.StampMalformed, "SIGNATURE_MISSING"},
		{401, `{"code":16,"message":"malformed activity stamp","turnkeyErrorCode":"SIGNATURE_INVALID"}`, fault.StampMalformed, "SIGNATURE_INVALID"},
		{401, `{"code":16,"message":"could not extract api key stamp","details":[]}`, fault.StampMalformed, ""},
		{401, `{"code":16,"message":"could not extract webauthn stamp"}`, fault.StampMalformed, ""},
		{401, `{"code":16,"message":"could not verify api key signature","details":[{"@type":"type.googleapis.com/errors.v1.TurnkeyErrorDetail","turnkeyErrorCode":"SIGNATURE_INVALID"}]}`, fault.StampInvalid, "SIGNATURE_INVALID"},
		{401, `{"code":16,"message":"could not verify WebAuthN signature"}`, fault.StampInvalid, ""},
		{401, `{"code":16,"message":"could not verify WebAuthn signature"}`, fault.StampInvalid, ""},
		{401, `{"code":16,"message":"could not find public key in organization or its parent organization"}`, fault.SessionRejected, ""},
		{401, `{"code":16,"message":"could not find public key in organization organizationId=a publicKey=02"}`, fault.SessionRejected, ""},
		{401, `{"code":16,"message":"failed while looking up public key in parent organization"}`, fault.SessionRejected, ""},
		{401, `{"code":16,"message":"public key could not be found in organization or its parent organization"}`, fault.SessionRejected, ""},
		{401, `{"code":16,"message":"x","turnkeyErrorCode":"PUBLIC_KEY_NOT_FOUND","details":[]}`, fault.SessionRejected, "PUBLIC_KEY_NOT_FOUND"},
		{403, `{"code":7,"message":"authentication failed: rpc error: code = Unauthenticated desc = could not find public key in organization organizationId=a publicKey=02"}`, fault.SessionRejected, ""},
		{401, `{"code":16,"message":"credential ID could not be found in organization or its parent organization","turnkeyErrorCode":"CREDENTIAL_NOT_FOUND"}`, fault.APIRefused, "CREDENTIAL_NOT_FOUND"},
		{404, `{"code":5,"message":"webauthn authenticator not found in organization"}`, fault.APIRefused, ""},
		{401, `{"code":16,"message":"more than one suborg associated with a public key","turnkeyErrorCode":"CREDENTIAL_CONFLICT"}`, fault.APIRefused, "CREDENTIAL_CONFLICT"},
		{401, `{"code":16,"message":"rpc error: code = Unauthenticated desc = expired api key publicKey=\"02\" organizationId=\"a\"","turnkeyErrorCode":"API_KEY_EXPIRED"}`, fault.SessionExpired, "API_KEY_EXPIRED"},
		{401, `{"code":16,"message":"expired api key","details":null}`, fault.SessionExpired, ""},
		{401, `{"code":16,"message":"x","details":[{"other":1},{"turnkeyErrorCode":"API_KEY_EXPIRED"}]}`, fault.SessionExpired, "API_KEY_EXPIRED"},
		{400, `{"code":3,"message":"organization mismatch: request is targeting organization (\"a\"), but voters are in organization (\"b\")","turnkeyErrorCode":"ORGANIZATION_MISMATCH"}`, fault.RequestInvalid, "ORGANIZATION_MISMATCH"},
		{400, `{"code":3,"message":"malformed organization ID provided"}`, fault.RequestInvalid, ""},
		{404, `{"code":5,"message":"no organization found with the given ID"}`, fault.APIRefused, ""},
		{400, `{"code":3,"message":"bad request body"}`, fault.RequestInvalid, ""},
		{400, `{"code":3,"message":"timestamp is too old","turnkeyErrorCode":"REQUEST_INVALID"}`, fault.ClockWrong, "REQUEST_INVALID"},
		{403, `{"code":7,"message":"request not authorized","turnkeyErrorCode":"REQUEST_NOT_AUTHORIZED"}`, fault.APIRefused, "REQUEST_NOT_AUTHORIZED"},
		{403, `{"code":7,"message":"You don't have sufficient permissions to take this action.","details":[{"@type":"x","policyEvaluations":[]}]}`, fault.APIRefused, ""},
		{400, `{"code":3,"message":"invalid policy condition"}`, fault.RequestInvalid, ""},
		{409, `{"code":6,"message":"path already exists in wallet account w"}`, fault.APIRefused, ""},
		{400, `{"code":3,"message":"Max number of OTPs have been initiated please wait and try again"}`, fault.OTPLimited, ""},
		{400, `{"code":3,"message":"x","turnkeyErrorCode":"MAX_OTP_INITIATED"}`, fault.OTPLimited, "MAX_OTP_INITIATED"},
		{400, `{"code":3,"message":"Invalid OTP code"}`, fault.OTPWrong, ""},
		{400, `{"code":3,"message":"rpc error: code = InvalidArgument desc = Invalid OTP code","turnkeyErrorCode":"REQUEST_INVALID"}`, fault.OTPWrong, "REQUEST_INVALID"},
		{400, `{"code":3,"message":"Invalid OTP code: it has expired"}`, fault.OTPExpired, ""},
		{400, `{"code":3,"message":"Invalid OTP code: it was used already"}`, fault.OTPExpired, ""},
		{400, `{"code":3,"message":"Invalid OTP code: too many wrong attempts"}`, fault.OTPLocked, ""},
		{403, `{"code":7,"message":"authentication failed"}`, fault.APIRefused, ""},
		{400, `{"code":3,"message":"invalid OIDC token","turnkeyErrorCode":"INVALID_OIDC_TOKEN"}`, fault.LoginRefused, "INVALID_OIDC_TOKEN"},
		{400, `{"code":3,"message":"invalid api key expiration","turnkeyErrorCode":"REQUEST_INVALID"}`, fault.RequestInvalid, "REQUEST_INVALID"},
		{400, `{"code":3,"message":"invalid email address","turnkeyErrorCode":"INVALID_EMAIL"}`, fault.ContactInvalid, "INVALID_EMAIL"},
		{400, `{"code":3,"message":"could not reach email"}`, fault.ContactInvalid, ""},
		{429, `{"message":"Too many requests. Please wait and try again in a few seconds"}`, fault.APILimited, ""},
		{429, `{"code":8,"message":"this organization cannot execute activities because it has been rate limited"}`, fault.APILimited, ""},
		{429, `{"code":8,"message":"Resource exhausted: Signing is disabled because your organization is over its allotted quota.","turnkeyErrorCode":"SIGNING_QUOTA_EXCEEDED"}`, fault.APILimited, "SIGNING_QUOTA_EXCEEDED"},
		{429, `{"code":8,"message":"user has exceeded maximum long-lived api keys"}`, fault.APILimited, ""},
		{500, `{"code":13,"message":"internal server error","turnkeyErrorCode":"INTERNAL"}`, fault.APIDown, "INTERNAL"},
		// what stands in between answers as well, and must not end a session
		{401, `<html>expired api key</html>`, fault.APIRefused, ""},
		{401, `{"message":"could not find public key in organization"}`, fault.APIRefused, ""},
		{403, ``, fault.APIRefused, ""},
		{407, ``, fault.APIDown, ""},
		{501, `{"code":12,"message":"this sandbox does not do /x","turnkeyErrorCode":"UNSPECIFIED"}`, fault.APIRefused, "UNSPECIFIED"},
		{502, `bad gateway`, fault.APIDown, ""},
		{204, ``, fault.APIDown, ""},
		{302, ``, fault.APIDown, ""},
		{400, `{"code":"3","message":7}`, fault.RequestInvalid, ""},
	}
	for _, r := range rows {
		synctest.Test(t, func(t *testing.T) {
			c, _ := newClient(t, answer(r.status, r.body))
			_, err := c.Post(t.Context(), "/p", []byte(`{}`))
			if fault.CodeOf(err) != r.want {
				t.Errorf("%d %s: %v, want %s", r.status, r.body, err, r.want)
			}
			e, ok := errors.AsType[*VendorError](err)
			if !ok || e.HTTPStatus != r.status || e.TurnkeyCode != r.turnkey {
				t.Errorf("%d %s: vendor error %+v", r.status, r.body, e)
			}
		})
	}
}

func TestVendorMessagesAreCut(t *testing.T) {
	c, _ := newClient(t, answer(400, `{"code":3,"message":"`+strings.Repeat("ä", 5000)+`"}`))
	_, err := c.Post(t.Context(), "/p", []byte(`{}`))
	if e, ok := errors.AsType[*VendorError](err); !ok || len(e.Message) > 1000 || len(err.Error()) > 5000 {
		t.Errorf("%d characters", len(err.Error()))
	}
}
