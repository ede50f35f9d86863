package approve

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Class says whether an activity needs a person's consent.
type Class string

// The classes.
const (
	Free   Class = "free"   // is done without asking: it gives nothing away and takes no right
	Ask    Class = "ask"    // is asked, unless a rule allows it
	Always Class = "always" // is asked each time, whatever rules there are
)

// activity is what is known of an activity, by its name without version.
type activity struct {
	class Class
	title string
	rule  bool // a rule may allow it by its type alone: nothing in it needs a limit
}

// activities are all of Turnkey's, by name: the type without ACTIVITY_TYPE_ and version, in lower case, which is also
// the end of the path. What is not here is asked always, and so is everything that gives somebody rights or takes the
// means of taking them back: credentials, users, policies and what policies speak of (tags, contract interfaces), who
// may log in and from where, and every secret that leaves. Source: Turnkey's API description, ActivityType.
var activities = map[string]activity{
	"create_wallet":          {Free, "Create a wallet", false},
	"create_wallet_accounts": {Free, "Create accounts of a wallet", false},

	"sign_raw_payload":     {Ask, "Sign", false},
	"sign_raw_payloads":    {Ask, "Sign several", false},
	"sign_transaction":     {Ask, "Sign a transaction", false},
	"eth_send_transaction": {Ask, "Send a transaction", false},
	"sol_send_transaction": {Ask, "Send a transaction", false},
	// A transaction that was signed before: sending it takes no key.
	"eth_send_raw_transaction":        {Ask, "Send a signed transaction", false},
	"eth_undelegate_7702":             {Ask, "Take back that code acts for an account", false},
	"spark_sign_frost":                {Ask, "Sign a part of a Spark transfer", false},
	"spark_prepare_transfer":          {Ask, "Prepare a Spark transfer", false},
	"spark_claim_transfer":            {Ask, "Claim a Spark transfer", false},
	"spark_prepare_lightning_receive": {Ask, "Prepare to receive by Lightning", false},
	"execute_swap":                    {Ask, "Swap tokens", false},
	"earn_deposit":                    {Ask, "Deposit tokens to earn", false},
	"earn_withdraw":                   {Ask, "Withdraw tokens that earn", false},
	"earn_deploy_wrapper":             {Ask, "Deploy a contract to earn", false},
	"init_fiat_on_ramp":               {Ask, "Buy coins", false},
	"claim_swap_fees":                 {Ask, "Claim fees of swaps", false},
	"claim_earn_fees":                 {Ask, "Claim fees of deposits", false},
	"create_swap_quote":               {Ask, "Ask for the price of a swap", true},
	"create_private_keys":             {Ask, "Create private keys", true},
	"update_wallet":                   {Ask, "Rename a wallet", true},
	"update_wallet_account_name":      {Ask, "Rename an account of a wallet", true},
	"update_organization_name":        {Ask, "Rename the organization", true},
	"create_read_only_session":        {Ask, "Begin a session that can read", true},
	"reject_activity":                 {Ask, "Vote against an activity", false},
	"delete_invitation":               {Ask, "Take back an invitation", false},
	"delete_webhook_endpoint":         {Ask, "Delete a webhook", false},

	"export_wallet":         {Always, "EXPORT A WALLET: its phrase leaves Turnkey", false},
	"export_wallet_account": {Always, "EXPORT AN ACCOUNT: its private key leaves Turnkey", false},
	"export_private_key":    {Always, "EXPORT A PRIVATE KEY: it leaves Turnkey", false},
	"export_secrets":        {Always, "EXPORT SECRETS: they leave Turnkey", false},

	"delete_wallets":          {Always, "DELETE WALLETS", false},
	"delete_wallet_accounts":  {Always, "DELETE ACCOUNTS of wallets", false},
	"delete_private_keys":     {Always, "DELETE PRIVATE KEYS", false},
	"disable_private_key":     {Always, "Disable a private key", false},
	"delete_sub_organization": {Always, "DELETE THE ORGANIZATION, with all its wallets", false},
	"delete_organization":     {Always, "DELETE THE ORGANIZATION, with all its wallets", false},

	"init_import_wallet":      {Always, "Begin to import a wallet", false},
	"import_wallet":           {Always, "Import a wallet", false},
	"init_import_private_key": {Always, "Begin to import a private key", false},
	"import_private_key":      {Always, "Import a private key", false},
	"init_import_secrets":     {Always, "Begin to import secrets", false},
	"import_secrets":          {Always, "Import secrets", false},

	"create_api_keys":           {Always, "ADD API KEYS: whoever has them can stamp requests", false},
	"delete_api_keys":           {Always, "Delete API keys", false},
	"create_authenticators":     {Always, "ADD PASSKEYS: whoever has them can log in", false},
	"delete_authenticators":     {Always, "Delete passkeys", false},
	"create_oauth_providers":    {Always, "ADD A WAY TO LOG IN by another provider", false},
	"delete_oauth_providers":    {Always, "Delete ways to log in", false},
	"stamp_login":               {Always, "BEGIN A SESSION of another key", false},
	"otp_login":                 {Always, "BEGIN A SESSION of another key", false},
	"oauth_login":               {Always, "BEGIN A SESSION of another key", false},
	"create_read_write_session": {Always, "BEGIN A SESSION of another key", false},
	"email_auth":                {Always, "Send a credential by e-mail", false},
	"otp_auth":                  {Always, "Trade a code for a credential", false},
	"oauth":                     {Always, "Trade a token for a credential", false},
	"init_otp":                  {Always, "Send a code", false},
	"init_otp_auth":             {Always, "Send a code", false},
	"verify_otp":                {Always, "Trade a code for the proof of a contact", false},
	"init_user_email_recovery":  {Always, "Send a recovery by e-mail", false},
	"recover_user":              {Always, "Recover a user by a new passkey", false},
	"oauth2_authenticate":       {Always, "Trade a provider's code for a token", false},
	"create_oauth2_credential":  {Always, "Add a provider's client secret", false},
	"update_oauth2_credential":  {Always, "Change a provider's client secret", false},
	"delete_oauth2_credential":  {Always, "Delete a provider's client secret", false},

	"create_users":             {Always, "ADD USERS", false},
	"create_api_only_users":    {Always, "ADD USERS", false},
	"delete_users":             {Always, "Delete users", false},
	"update_user":              {Always, "Change a user", false},
	"update_user_name":         {Always, "Rename a user", false},
	"update_user_email":        {Always, "CHANGE AN E-MAIL ADDRESS that logs in", false},
	"update_user_phone_number": {Always, "CHANGE A PHONE NUMBER that logs in", false},
	"create_invitations":       {Always, "Invite users", false},
	"accept_invitation":        {Always, "Accept an invitation", false},
	"create_sub_organization":  {Always, "Create a sub-organization", false},
	"create_organization":      {Always, "Create an organization", false},

	"approve_activity":                {Always, "VOTE FOR AN ACTIVITY of which only the fingerprint is known", false},
	"update_root_quorum":              {Always, "CHANGE WHO DECIDES over the organization", false},
	"create_policy":                   {Always, "ADD A POLICY", false},
	"create_policies":                 {Always, "ADD POLICIES", false},
	"update_policy":                   {Always, "CHANGE A POLICY", false},
	"delete_policy":                   {Always, "DELETE A POLICY", false},
	"delete_policies":                 {Always, "DELETE POLICIES", false},
	"create_mfa_policy":               {Always, "Ask a user for more factors", false},
	"update_mfa_policy":               {Always, "Change which factors a user is asked for", false},
	"delete_mfa_policy":               {Always, "Ask a user for fewer factors", false},
	"create_user_tag":                 {Always, "Tag users", false},
	"update_user_tag":                 {Always, "Change which users have a tag", false},
	"delete_user_tags":                {Always, "Delete tags of users", false},
	"create_private_key_tag":          {Always, "Tag private keys", false},
	"update_private_key_tag":          {Always, "Change which private keys have a tag", false},
	"delete_private_key_tags":         {Always, "Delete tags of private keys", false},
	"create_smart_contract_interface": {Always, "Add a contract interface that policies read", false},
	"delete_smart_contract_interface": {Always, "Delete a contract interface that policies read", false},
	"create_session_profile":          {Always, "Add a session profile", false},
	"set_organization_feature":        {Always, "Switch a feature of the organization", false},
	"remove_organization_feature":     {Always, "Switch a feature of the organization off", false},
	"update_allowed_origins":          {Always, "Change which pages may use the organization", false},
	"set_ip_allowlist":                {Always, "Change from where the organization is reached", false},
	"remove_ip_allowlist":             {Always, "Let the organization be reached from everywhere", false},
	"enable_auth_proxy":               {Always, "Switch the auth proxy on", false},
	"disable_auth_proxy":              {Always, "Switch the auth proxy off", false},
	"update_auth_proxy_config":        {Always, "Change the auth proxy", false},
	"create_webhook_endpoint":         {Always, "Tell another server of what happens", false},
	"update_webhook_endpoint":         {Always, "Change which server is told of what happens", false},

	"set_payment_method":             {Always, "Change how the organization pays", false},
	"delete_payment_method":          {Always, "Change how the organization pays", false},
	"activate_billing_tier":          {Always, "Change what the organization pays", false},
	"upsert_gas_usage_config":        {Always, "Change what is paid for transactions of others", false},
	"upsert_swap_config":             {Always, "Change who earns by swaps", false},
	"earn_set_wrapper_state":         {Always, "Change a contract that earns", false},
	"create_fiat_on_ramp_credential": {Always, "Add a seller's credential", false},
	"update_fiat_on_ramp_credential": {Always, "Change a seller's credential", false},
	"delete_fiat_on_ramp_credential": {Always, "Delete a seller's credential", false},

	"create_tvc_app":                  {Always, "Create an enclave app", false},
	"create_tvc_deployment":           {Always, "Deploy an enclave app", false},
	"create_tvc_manifest_approvals":   {Always, "Approve what an enclave app runs", false},
	"set_tvc_app_live_deployment":     {Always, "Change what an enclave app runs", false},
	"delete_tvc_deployment":           {Always, "Delete a deployment of an enclave app", false},
	"delete_tvc_app_and_deployments":  {Always, "Delete an enclave app", false},
	"restore_tvc_deployment":          {Always, "Restore a deployment of an enclave app", false},
	"create_tvc_operator":             {Always, "Add an operator of enclave apps", false},
	"create_tvc_quorum_key":           {Always, "Create a key of an enclave app", false},
	"post_tvc_quorum_key_share":       {Always, "Give away a part of an enclave app's key", false},
	"re_encrypt_tvc_quorum_key_share": {Always, "Give away a part of an enclave app's key", false},
}

// newest are the highest versions of the activities that have more than one. A version beyond may mean something else
// than what is known of the activity.
var newest = map[string]int{
	"accept_invitation": 2, "create_api_keys": 2, "create_authenticators": 2, "create_oauth_providers": 2,
	"create_organization": 2, "create_policy": 3, "create_private_keys": 2, "create_read_write_session": 2,
	"create_sub_organization": 8, "create_users": 4, "email_auth": 3, "eth_send_transaction": 2, "execute_swap": 2,
	"init_otp": 3, "init_otp_auth": 3, "init_user_email_recovery": 2, "otp_login": 2, "set_payment_method": 2,
	"sign_raw_payload": 2, "sign_transaction": 2, "sol_send_transaction": 2, "update_policy": 2, "verify_otp": 2,
}

var (
	typeForm    = regexp.MustCompile(`^ACTIVITY_TYPE_([A-Z0-9_]{1,100}?)(?:_V([2-9]|[1-9][0-9]{1,2}))?$`) // _V1 and _V02 are no versions: nobody knows what they would mean
	submitForm  = regexp.MustCompile(`^/public/v1/submit/([a-z0-9_]{1,100})$`)
	queryForm   = regexp.MustCompile(`^/public/v1/query/[a-z0-9_]{1,100}$`)
	renamedPath = map[string]string{"update_tvc_app_live_deployment": "set_tvc_app_live_deployment"} // the one that is not its type's
)

// nameOf returns the name of an activity by its type, which every version of it shares with its path, and the version;
// "" for what is no type.
func nameOf(kind string) (name string, version int) {
	m := typeForm.FindStringSubmatch(kind)
	if m == nil {
		return "", 0
	}
	name, version = strings.ToLower(m[1]), 1
	if m[2] != "" {
		version, _ = strconv.Atoi(m[2]) // up to three digits
	}
	if path, ok := renamedPath[name]; ok {
		name = path
	}
	return name, version
}

// known returns what is known of an activity. One that nobody knows is asked always, under its own name, and so is a
// version that nobody knows.
func known(name string, version int) activity {
	a, ok := activities[name]
	switch {
	case !ok:
		return activity{Always, "Unknown to Latchkey: " + strings.ReplaceAll(name, "_", " "), false}
	case version > max(1, newest[name]):
		return activity{Always, fmt.Sprintf("Version %d, unknown to Latchkey: %s", version, a.title), false}
	}
	return a
}
