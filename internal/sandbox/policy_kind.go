package sandbox

import (
	"strings"
)

// described says what an activity type is to policies: its kind, which all versions share, and what it does to which
// resource. A type that the service's own list leaves out has a kind alone.
func described(activityType string) (kind, resource, action string) {
	kind = strings.TrimPrefix(activityType, "ACTIVITY_TYPE_")
	if at := strings.LastIndex(kind, "_V"); at > 0 && strings.Trim(kind[at+2:], "0123456789") == "" {
		kind = kind[:at]
	}
	does := deeds[kind]
	return kind, does.resource, does.action
}

// deed is what an activity does to which resource.
type deed struct{ resource, action string }

// deeds are the kinds of activity by what they do. Source: Turnkey's documentation of the policy language, activity
// resources and actions; those of MFA policies and session profiles are not in its rows and follow the others.
var deeds = map[string]deed{
	"CREATE_SUB_ORGANIZATION": {"ORGANIZATION", "CREATE"},
	"DELETE_ORGANIZATION":     {"ORGANIZATION", "DELETE"},
	"DELETE_SUB_ORGANIZATION": {"ORGANIZATION", "DELETE"},

	"CREATE_INVITATIONS": {"INVITATION", "CREATE"},
	"DELETE_INVITATION":  {"INVITATION", "DELETE"},

	"CREATE_POLICY":   {"POLICY", "CREATE"},
	"CREATE_POLICIES": {"POLICY", "CREATE"},
	"UPDATE_POLICY":   {"POLICY", "UPDATE"},
	"DELETE_POLICY":   {"POLICY", "DELETE"},
	"DELETE_POLICIES": {"POLICY", "DELETE"},

	"CREATE_SMART_CONTRACT_INTERFACE": {"SMART_CONTRACT_INTERFACE", "CREATE"},
	"DELETE_SMART_CONTRACT_INTERFACE": {"SMART_CONTRACT_INTERFACE", "DELETE"},

	"CREATE_WALLET":          {"WALLET", "CREATE"},
	"CREATE_WALLET_ACCOUNTS": {"WALLET", "CREATE"},
	"UPDATE_WALLET":          {"WALLET", "UPDATE"},
	"DELETE_WALLETS":         {"WALLET", "DELETE"},
	"DELETE_WALLET_ACCOUNTS": {"WALLET", "DELETE"},
	"EXPORT_WALLET":          {"WALLET", "EXPORT"},
	"EXPORT_WALLET_ACCOUNT":  {"WALLET", "EXPORT"},
	"INIT_IMPORT_WALLET":     {"WALLET", "IMPORT"},
	"IMPORT_WALLET":          {"WALLET", "IMPORT"},

	"CREATE_PRIVATE_KEYS":     {"PRIVATE_KEY", "CREATE"},
	"CREATE_PRIVATE_KEY_TAG":  {"PRIVATE_KEY", "CREATE"},
	"UPDATE_PRIVATE_KEY_TAG":  {"PRIVATE_KEY", "UPDATE"},
	"DISABLE_PRIVATE_KEY":     {"PRIVATE_KEY", "DELETE"},
	"DELETE_PRIVATE_KEYS":     {"PRIVATE_KEY", "DELETE"},
	"DELETE_PRIVATE_KEY_TAGS": {"PRIVATE_KEY", "DELETE"},
	"EXPORT_PRIVATE_KEY":      {"PRIVATE_KEY", "EXPORT"},
	"INIT_IMPORT_PRIVATE_KEY": {"PRIVATE_KEY", "IMPORT"},
	"IMPORT_PRIVATE_KEY":      {"PRIVATE_KEY", "IMPORT"},
	"SIGN_RAW_PAYLOAD":        {"PRIVATE_KEY", "SIGN"},
	"SIGN_RAW_PAYLOADS":       {"PRIVATE_KEY", "SIGN"},
	"SIGN_TRANSACTION":        {"PRIVATE_KEY", "SIGN"},
	"ETH_SEND_TRANSACTION":    {"PRIVATE_KEY", "SIGN"},
	"SOL_SEND_TRANSACTION":    {"PRIVATE_KEY", "SIGN"},

	"CREATE_USERS":             {"USER", "CREATE"},
	"CREATE_API_ONLY_USERS":    {"USER", "CREATE"},
	"CREATE_USER_TAG":          {"USER", "CREATE"},
	"UPDATE_USER":              {"USER", "UPDATE"},
	"UPDATE_USER_NAME":         {"USER", "UPDATE"},
	"UPDATE_USER_EMAIL":        {"USER", "UPDATE"},
	"UPDATE_USER_PHONE_NUMBER": {"USER", "UPDATE"},
	"UPDATE_USER_TAG":          {"USER", "UPDATE"},
	"DELETE_USERS":             {"USER", "DELETE"},
	"DELETE_USER_TAGS":         {"USER", "DELETE"},

	"CREATE_API_KEYS":        {"CREDENTIAL", "CREATE"},
	"CREATE_AUTHENTICATORS":  {"CREDENTIAL", "CREATE"},
	"CREATE_OAUTH_PROVIDERS": {"CREDENTIAL", "CREATE"},
	"DELETE_API_KEYS":        {"CREDENTIAL", "DELETE"},
	"DELETE_AUTHENTICATORS":  {"CREDENTIAL", "DELETE"},
	"DELETE_OAUTH_PROVIDERS": {"CREDENTIAL", "DELETE"},

	"EMAIL_AUTH":                {"AUTH", "CREATE"},
	"INIT_OTP_AUTH":             {"AUTH", "CREATE"},
	"OTP_AUTH":                  {"AUTH", "CREATE"},
	"OAUTH":                     {"AUTH", "CREATE"},
	"OAUTH_LOGIN":               {"AUTH", "CREATE"},
	"OTP_LOGIN":                 {"AUTH", "CREATE"},
	"STAMP_LOGIN":               {"AUTH", "CREATE"},
	"CREATE_READ_WRITE_SESSION": {"AUTH", "CREATE"},
	"CREATE_OAUTH2_CREDENTIAL":  {"AUTH", "CREATE"},
	"OAUTH2_AUTHENTICATE":       {"AUTH", "CREATE"},
	"UPDATE_OAUTH2_CREDENTIAL":  {"AUTH", "UPDATE"},
	"DELETE_OAUTH2_CREDENTIAL":  {"AUTH", "DELETE"},

	"INIT_OTP":                 {"OTP", "CREATE"},
	"VERIFY_OTP":               {"OTP", "VERIFY"},
	"INIT_USER_EMAIL_RECOVERY": {"RECOVERY", "CREATE"},

	"ENABLE_AUTH_PROXY":        {"AUTH_PROXY", "CREATE"},
	"UPDATE_AUTH_PROXY_CONFIG": {"AUTH_PROXY", "UPDATE"},
	"DISABLE_AUTH_PROXY":       {"AUTH_PROXY", "DELETE"},

	"CREATE_MFA_POLICY":      {"MFA_POLICY", "CREATE"},
	"UPDATE_MFA_POLICY":      {"MFA_POLICY", "UPDATE"},
	"DELETE_MFA_POLICY":      {"MFA_POLICY", "DELETE"},
	"CREATE_SESSION_PROFILE": {"SESSION_PROFILE", "CREATE"},
	"UPDATE_SESSION_PROFILE": {"SESSION_PROFILE", "UPDATE"},
	"DELETE_SESSION_PROFILE": {"SESSION_PROFILE", "DELETE"},

	"UPDATE_ALLOWED_ORIGINS":  {"CONFIG", "UPDATE"},
	"SET_PAYMENT_METHOD":      {"PAYMENT_METHOD", "UPDATE"},
	"DELETE_PAYMENT_METHOD":   {"PAYMENT_METHOD", "DELETE"},
	"ACTIVATE_BILLING_TIER":   {"SUBSCRIPTION", "CREATE"},
	"CREATE_WEBHOOK_ENDPOINT": {"WEBHOOK_ENDPOINT", "CREATE"},
	"UPDATE_WEBHOOK_ENDPOINT": {"WEBHOOK_ENDPOINT", "UPDATE"},
	"DELETE_WEBHOOK_ENDPOINT": {"WEBHOOK_ENDPOINT", "DELETE"},
}
