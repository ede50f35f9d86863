package turnkey

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/need"
)

// Every request that a typed call makes is one that Turnkey's own API description allows: known path, known fields,
// known values, nothing required left out.
func TestRequestsFollowTheAPIDescription(t *testing.T) {
	spec := readSpec(t, need.Shared(t, "turnkey", "public_api.swagger.json"))
	no := false
	sig := &ClientSignature{"02", "CLIENT_SIGNATURE_SCHEME_API_P256", "{}", "00"}
	sub := SubOrganizationParams{Name: "n", RootQuorumThreshold: 1, VerificationToken: "v", ClientSignature: sig, RootUsers: []RootUserParams{{
		UserName: "u", UserEmail: "a@b.c", APIKeys: []APIKeyParams{{"k", "02", CurveAPIKeyP256, 60}},
		Authenticators: []AuthenticatorParams{{"a", "c", Attestation{"i", "j", "o", []string{"AUTHENTICATOR_TRANSPORT_USB"}}}},
		OAuthProviders: []OAuthProviderParams{{"google", "jwt", nil}},
	}}, Wallet: &SubOrgWallet{"w", []WalletAccountParams{{"CURVE_SECP256K1", "PATH_FORMAT_BIP32", "m/0", "ADDRESS_FORMAT_ETHEREUM", ""}}, 12}}
	account := WalletAccountParams{"CURVE_SECP256K1", "PATH_FORMAT_BIP32", "m/0", "ADDRESS_FORMAT_ETHEREUM", "one"}
	init := InitOTPParams{OTPEmail, "a@b.c", "App", 6, &no, "id", 300, &EmailCustomization{"l", "m", "{}", "t"}, &SMSCustomization{"{{.OtpCode}}"}}
	login := OTPLoginParams{"v", LoginParams{"02", 900, true, "p"}, sig}
	for name, call := range map[string]func(context.Context, *Client) error{
		"whoami":      func(ctx context.Context, c *Client) error { _, err := c.Whoami(ctx, "o"); return err },
		"get user":    func(ctx context.Context, c *Client) error { _, err := c.GetUser(ctx, "o", "u"); return err },
		"users":       func(ctx context.Context, c *Client) error { _, err := c.ListUsers(ctx, "o"); return err },
		"keys":        func(ctx context.Context, c *Client) error { _, err := c.GetAPIKeys(ctx, "o", "u"); return err },
		"keys of all": func(ctx context.Context, c *Client) error { _, err := c.GetAPIKeys(ctx, "o", ""); return err },
		"delete keys": func(ctx context.Context, c *Client) error { _, err := c.DeleteAPIKeys(ctx, "o", "u", "k"); return err },
		"wallets":     func(ctx context.Context, c *Client) error { _, err := c.ListWallets(ctx, "o"); return err },
		"accounts":    func(ctx context.Context, c *Client) error { _, err := c.ListWalletAccounts(ctx, "o", "w"); return err },
		"new accounts": func(ctx context.Context, c *Client) error {
			_, err := c.CreateWalletAccounts(ctx, "o", "w", account)
			return err
		},
		"new wallet": func(ctx context.Context, c *Client) error {
			_, err := c.CreateWallet(ctx, "o", CreateWalletParams{"w", []WalletAccountParams{account}, 24})
			return err
		},
		"stamp login": func(ctx context.Context, c *Client) error {
			_, err := c.StampLogin(ctx, "o", login.LoginParams)
			return err
		},
		"init":       func(ctx context.Context, c *Client) error { _, err := c.InitOTP(ctx, "o", init); return err },
		"init plain": func(ctx context.Context, c *Client) error { _, err := c.InitOTPPlain(ctx, "o", init); return err },
		"verify": func(ctx context.Context, c *Client) error {
			_, err := c.VerifyOTP(ctx, "o", VerifyOTPParams{"i", "{}", 3600})
			return err
		},
		"verify plain": func(ctx context.Context, c *Client) error {
			_, err := c.VerifyOTPPlain(ctx, "o", VerifyOTPPlainParams{"i", "1", "02", 60})
			return err
		},
		"oauth login": func(ctx context.Context, c *Client) error {
			_, err := c.OAuthLogin(ctx, "o", OAuthLoginParams{"t", login.LoginParams})
			return err
		},
		"oauth2": func(ctx context.Context, c *Client) error {
			_, err := c.OAuth2Authenticate(ctx, "o", OAuth2AuthenticateParams{"c", "a", "r", "v", "n"})
			return err
		},
		"oauth2 credentials": func(ctx context.Context, c *Client) error { _, err := c.ListOAuth2Credentials(ctx, "o"); return err },
		"e-mail auth": func(ctx context.Context, c *Client) error {
			p := EmailAuthParams{Email: "a@b.c", TargetPublicKey: "04", ExpirationSeconds: 900}
			p.Customization.AppName, p.Customization.LogoURL = "App", "l"
			return c.EmailAuth(ctx, "o", p)
		},
		"otp login":       func(ctx context.Context, c *Client) error { _, err := c.OTPLogin(ctx, "o", login); return err },
		"otp login plain": func(ctx context.Context, c *Client) error { _, err := c.OTPLoginPlain(ctx, "o", login); return err },
		"sub-org": func(ctx context.Context, c *Client) error {
			_, err := c.CreateSubOrganization(ctx, "o", sub)
			return err
		},
		"sub-org v7": func(ctx context.Context, c *Client) error {
			_, err := c.CreateSubOrganizationV7(ctx, "o", sub)
			return err
		},
		"sub-org of nobody": func(ctx context.Context, c *Client) error {
			_, err := c.CreateSubOrganization(ctx, "o", SubOrganizationParams{Name: "n", RootQuorumThreshold: 1, RootUsers: []RootUserParams{{UserName: "u"}}})
			return err
		},
		"sub-orgs": func(ctx context.Context, c *Client) error {
			_, err := c.ListSubOrgs(ctx, "o", SubOrgFilter{"PUBLIC_KEY", "02", 100, "x"})
			return err
		},
		"verified": func(ctx context.Context, c *Client) error {
			_, err := c.ListVerifiedSubOrgs(ctx, "o", SubOrgFilter{Type: "EMAIL", Value: "a@b.c"})
			return err
		},
		"activity": func(ctx context.Context, c *Client) error { _, err := c.GetActivity(ctx, "o", "a"); return err },
		"sign": func(ctx context.Context, c *Client) error {
			_, err := c.SignRawPayload(ctx, "o", SignRawPayloadParams{"0x", "00", "PAYLOAD_ENCODING_HEXADECIMAL", "HASH_FUNCTION_NO_OP"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := newClient(t, activity(Completed, `"result":{}`))
			_ = call(t.Context(), c) // the answer is nobody's; only the request matters
			for _, p := range spec.check(s.sent[0].path, s.sent[0].body) {
				t.Error(p)
			}
		})
	}
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Format     string            `json:"format"`
	Enum       []string          `json:"enum"`
	Required   []string          `json:"required"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
}

type apiSpec struct {
	Paths map[string]map[string]struct {
		Parameters []struct{ Schema schema }
	}
	Definitions map[string]schema
}

func readSpec(t testing.TB, path string) apiSpec {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var s apiSpec
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// check returns what is wrong with a request.
func (s apiSpec) check(path, body string) []string {
	post, ok := s.Paths[path]["post"]
	if !ok {
		return []string{"no path " + path}
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		return []string{err.Error()}
	}
	want := post.Parameters[0].Schema
	// Each path names its newest type alone; the older ones have their parameters in the intent of that name.
	kind, _ := v.(map[string]any)["type"].(string)
	if older := map[string]string{
		"ACTIVITY_TYPE_INIT_OTP_V2": "v1InitOtpIntentV2", "ACTIVITY_TYPE_VERIFY_OTP": "v1VerifyOtpIntent",
		"ACTIVITY_TYPE_OTP_LOGIN": "v1OtpLoginIntent", "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V7": "v1CreateSubOrganizationIntentV7",
	}[kind]; older != "" {
		return s.walk("parameters", schema{Ref: "#/definitions/" + older}, v.(map[string]any)["parameters"])
	}
	return s.walk("", want, v)
}

func (s apiSpec) walk(at string, want schema, v any) (problems []string) {
	if want.Ref != "" {
		name := strings.TrimPrefix(want.Ref, "#/definitions/")
		def, ok := s.Definitions[name]
		if !ok {
			return []string{"no definition " + name}
		}
		want = def
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			p, ok := want.Properties[name]
			if !ok {
				problems = append(problems, at+"."+name+": not in the description")
				continue
			}
			problems = append(problems, s.walk(at+"."+name, p, member)...)
		}
		for _, name := range want.Required {
			if v[name] == nil {
				problems = append(problems, at+"."+name+": missing or null")
			}
		}
	case []any:
		if want.Items == nil {
			return []string{at + ": not a list"}
		}
		for i, member := range v {
			problems = append(problems, s.walk(fmt.Sprintf("%s[%d]", at, i), *want.Items, member)...)
		}
	case string:
		if want.Type != "string" || len(want.Enum) > 0 && !slices.Contains(want.Enum, v) {
			problems = append(problems, fmt.Sprintf("%s: %q is no %s %v", at, v, want.Type, want.Enum))
		}
	case float64:
		if want.Type != "integer" || want.Format == "int64" || want.Format == "uint64" {
			problems = append(problems, fmt.Sprintf("%s: the number %v is no %s %s", at, v, want.Type, want.Format))
		}
	case bool:
		if want.Type != "boolean" {
			problems = append(problems, at+": a boolean is no "+want.Type)
		}
	}
	return problems
}

func TestAccountsAreReadPageByPage(t *testing.T) {
	page := func(from, n int) step {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(`{"walletAccountId":"a%d"}`, from+i))
		}
		return answer(200, `{"accounts":[`+strings.Join(list, ",")+`]}`)
	}
	c, s := newClient(t, page(0, 100), page(100, 100), page(200, 7))
	got, err := c.ListWalletAccounts(t.Context(), "o", "w")
	if err != nil || len(got) != 207 || got[206].WalletAccountID != "a206" {
		t.Fatalf("%d accounts, %v", len(got), err)
	}
	if !strings.Contains(s.sent[2].body, `"after":"a199"`) {
		t.Errorf("the third page was asked for by %s", s.sent[2].body)
	}
	c, s = newClient(t, page(0, 100)) // the same page for ever
	if _, err := c.ListWalletAccounts(t.Context(), "o", "w"); err != nil || len(s.sent) != 2 {
		t.Errorf("%v after %d pages", err, len(s.sent))
	}
}

func TestSecondsAreStringsAndReadAsBoth(t *testing.T) {
	for in, want := range map[string]Seconds{`"900"`: 900, `900`: 900, `null`: 0, `""`: 0} {
		var got Seconds
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{`"x"`, `9.5`, `"1e3"`, `{}`, `true`, `"99999999999999999999"`} {
		var got Seconds
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: %d", in, got)
		}
	}
	if out, err := json.Marshal(Seconds(900)); err != nil || string(out) != `"900"` {
		t.Errorf("%s, %v", out, err)
	}
}

func TestTimestampsAreMoments(t *testing.T) {
	if got := (Timestamp{"1767225600", "5000000"}).Time().UnixMilli(); got != 1767225600005 {
		t.Error(got)
	}
	if got := (Timestamp{}).Time(); !got.IsZero() {
		t.Error(got)
	}
}
