package sandbox

import "slices"

// feature is a switch of an organization. Value is "" for most.
type feature struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// The features that this sandbox looks at.
const (
	featureEmailRecovery   = "FEATURE_NAME_EMAIL_RECOVERY"
	featureEmailAuth       = "FEATURE_NAME_EMAIL_AUTH"
	featureSMSAuth         = "FEATURE_NAME_SMS_AUTH"
	featureOTPEmailAuth    = "FEATURE_NAME_OTP_EMAIL_AUTH"
	featureWebAuthnOrigins = "FEATURE_NAME_WEBAUTHN_ORIGINS"
)

// featuresAtFirst are those of a new organization. All organizations that never changed any share the list.
var featuresAtFirst = []feature{{Name: featureEmailRecovery}, {Name: featureEmailAuth}, {Name: featureSMSAuth}, {Name: featureOTPEmailAuth}}

// feature returns the value of a feature, if it is on. The caller holds the state's lock.
func (s *settings) feature(name string) (value string, on bool) {
	at := slices.IndexFunc(s.features, func(f feature) bool { return f.Name == name })
	if at < 0 {
		return "", false
	}
	return s.features[at].Value, true
}

// without returns the features but for some.
func without(features []feature, off ...string) []feature {
	if len(off) == 0 {
		return features
	}
	return slices.DeleteFunc(slices.Clone(features), func(f feature) bool { return slices.Contains(off, f.Name) })
}
