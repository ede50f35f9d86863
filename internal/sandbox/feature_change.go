package sandbox

import (
	"net/url"
	"slices"
	"strings"
)

// featureNames are all that the service knows. This sandbox keeps every one of them and looks at those of feature.go.
var featureNames = []string{
	"FEATURE_NAME_ROOT_USER_EMAIL_RECOVERY", featureWebAuthnOrigins, featureEmailAuth, featureEmailRecovery, featureWebhook, featureSMSAuth,
	featureOTPEmailAuth, featureAuthProxy, "FEATURE_NAME_SOLANA_RENT_PREFUND_ENABLED", "FEATURE_NAME_SWAP_CONFIG", "FEATURE_NAME_EARN_CONFIG",
}

const (
	featureWebhook   = "FEATURE_NAME_WEBHOOK"
	featureAuthProxy = "FEATURE_NAME_AUTH_PROXY"
)

// featureValueMax bounds a feature's value. No source names a limit.
const featureValueMax = 4096

// setOrganizationFeature switches a feature on, or gives it another value.
type setOrganizationFeature struct {
	Name  string  `json:"name" need:"text"`
	Value *string `json:"value" need:"yes"`
	nobody
}

func (in *setOrganizationFeature) run(t *tx) (any, error) {
	set := feature{in.Name, *in.Value}
	if err := set.check(); err != nil {
		return nil, err
	}
	return t.setFeatures(with(t.org.features, set)), nil
}

// with returns the features and one more, in the place of an older one of the name.
func with(features []feature, f feature) []feature {
	next := slices.Clone(features)
	if at := slices.IndexFunc(next, func(old feature) bool { return old.Name == f.Name }); at >= 0 {
		next[at] = f
		return next
	}
	return append(next, f)
}

// check refuses names that the service does not know, and values that cannot be meant.
func (f feature) check() error {
	if !slices.Contains(featureNames, f.Name) {
		return invalid("invalid feature name")
	}
	if len(f.Value) > featureValueMax {
		return invalid("feature value is too long: at most %d bytes", featureValueMax)
	}
	switch f.Name {
	case featureWebAuthnOrigins:
		for origin := range strings.SplitSeq(f.Value, ",") {
			if !isOrigin(strings.TrimSpace(origin)) {
				return invalid("invalid webauthn origins: want URLs such as https://www.example.com, separated by commas")
			}
		}
	case featureWebhook:
		if u, ok := webURL(f.Value); !ok || u.Host == "" {
			return invalid("invalid webhook: want a URL")
		}
	}
	return nil
}

// webURL parses an http or https URL that carries no password.
func webURL(text string) (*url.URL, bool) {
	u, err := url.Parse(text)
	return u, err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}

// isOrigin reports whether text is an origin as browsers send it: scheme, host and perhaps a port, and nothing after it.
func isOrigin(text string) bool {
	u, ok := webURL(text)
	return ok && text == u.Scheme+"://"+u.Host && !strings.Contains(u.Host, "*")
}

// removeOrganizationFeature switches a feature off. One that is off stays so.
type removeOrganizationFeature struct {
	Name string `json:"name" need:"text"`
	nobody
}

func (in *removeOrganizationFeature) run(t *tx) (any, error) {
	if !slices.Contains(featureNames, in.Name) {
		return nil, invalid("invalid feature name")
	}
	return t.setFeatures(without(t.org.features, in.Name)), nil
}

// setFeatures stages the organization with these features, and answers with them.
func (t *tx) setFeatures(features []feature) any {
	if slices.Equal(features, featuresAtFirst) {
		features = featuresAtFirst // one list for all
	}
	next := *t.org.settings
	next.features = features
	t.stage(resettled{t.org, &next})
	return struct {
		Features []feature `json:"features"`
	}{append([]feature{}, features...)}
}
