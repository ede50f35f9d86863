// Package sandbox imitates Turnkey's public API: organizations, users, keys, sessions, one-time codes and wallets, in
// memory or in a folder, with real stamps, tokens, bundles, addresses and signatures. A client of the service cannot
// tell it apart, save where this comment says so.
//
// It owns the imitated vendor: its state, its enclave keys, its answers and its mistakes. It does not listen
// (Sandbox.API and Sandbox.Control are handlers), and it never shares a struct with the client in turnkey, for a
// misspelt name would then agree with itself. It depends on stamp, token, bundle, fault and p256, and on bbolt for the
// state folder. Its parts stand below it and depend on nothing of it: hd (wallets), policy (the language and the
// decision), contract (what policies read of calls), transaction, passkey, and oidc (identity providers).
//
// # How a request goes
//
// routes.go is the table of what is done. Every query passes queryOf.serve and every submission submitOf.serve, which
// read, authenticate, choose the organization, and wait for the disk; a handler runs inside one organization and
// cannot leave any of it out. Records are replaced and never changed, by install methods that alone know the indexes.
// An activity that waits for approvals runs later, from its intent alone: parameters hold what the intent says and what
// prepare finds, and prepare finds it anew.
//
// # What differs from the service
//
//   - The paths of the service that routes.go has not answer 501 by their name, and these are all of them:
//     sending and balances, which need a chain: eth_send_transaction, sol_send_transaction, eth_undelegate_7702,
//     get_send_transaction_status, get_nonces, get_gas_usage, get_wallet_address_balances, list_supported_assets,
//     list_eth_transaction_history, list_sol_transaction_history; swaps and earning: create_swap_quote, execute_swap,
//     upsert_swap_config, claim_swap_fees, get_swap_status, earn_deploy_wrapper, earn_deposit, earn_set_wrapper_state,
//     earn_withdraw, claim_earn_fees, get_claim_earn_fees_status, get_earn_deploy_status, get_earn_deposit_status,
//     get_earn_withdraw_status, list_earn_enabled_vaults, list_earn_positions, list_earn_vaults; buying with money:
//     init_fiat_on_ramp, create_fiat_on_ramp_credential, update_fiat_on_ramp_credential,
//     delete_fiat_on_ramp_credential, list_fiat_on_ramp_credentials, get_onramp_transaction_status; Spark:
//     spark_sign_frost, spark_prepare_transfer, spark_claim_transfer, spark_prepare_lightning_receive; verifiable apps
//     and proofs: create_tvc_app, create_tvc_deployment, create_tvc_manifest_approvals,
//     delete_tvc_app_and_deployments, delete_tvc_deployment, restore_tvc_deployment, set_tvc_app_live_deployment,
//     validate_tvc_image, get_tvc_app, get_tvc_deployment, get_tvc_deployment_debug_logs, get_tvc_qos_versions,
//     list_tvc_apps, list_tvc_app_deployments, get_app_status, get_boot_proof, get_latest_boot_proof, list_app_proofs;
//     secrets, invitations, webhooks, address lists: import_secrets, export_secrets, list_secrets, create_invitations,
//     delete_invitation, create_webhook_endpoint, update_webhook_endpoint, delete_webhook_endpoint,
//     list_webhook_endpoints, set_ip_allowlist, remove_ip_allowlist, get_ip_allowlist; and noop-codegen-anchor, which
//     is the description's own.
//   - OAuth's providers are Google, Apple, Facebook, X and Discord, played below /oidc/ and /oauth2/ on the API's own port
//     (the comment of package oidc says how), and every other issuer that discovery reaches over https, or over http on
//     this machine.
//   - The Auth Proxy's settings are kept and told, and the proxy itself is not here. ENABLE_AUTH_PROXY, DISABLE_AUTH_PROXY
//     and UPDATE_AUTH_PROXY_CONFIG are the service's activities, but the paths submit/enable_auth_proxy,
//     submit/disable_auth_proxy, submit/update_auth_proxy_config and query/get_auth_proxy_config are this sandbox's: the
//     service shows its own dashboard alone how to ask. The private half of the proxy user's first key is thrown away.
//   - Policies: the comment of package policy says what the language does where no source does. The two oldest versions of
//     create_policy, which have selectors, are not done. A policy's time needs no feature flag. A call that does not fit
//     the uploaded ABI or IDL exactly counts as one without any, so that reading its parts is an error; secret is never
//     there. Whoever votes on an activity without weight in it is denied. When approvals cannot come together any more
//     after a rejection, the activity is rejected, and so is what a policy that waited for them says.
//   - MFA policies: a condition that cannot be evaluated does not apply; what is wanted of somebody who votes stands in the
//     vote; policies and factors are weighed anew at every vote. The names in the refusal of a policy that the user cannot
//     satisfy are the service's for passkeys alone. Nobody else votes while the one who asked has factors to show.
//   - A session profile's scope is asked about every submission, and about votes as to what they are on; an error denies.
//   - What goes wrong on purpose: the faults of the control port (faults.go). An activity that a fault keeps pending is not
//     done; it goes on when another user approves it, when the list of faults changes so that none is for its path any
//     more, and at the next start, as whoever asked for it. One with a status that waits for people waits for them.
//   - Options.PendingRate: the first answer about an activity says pending although it is done, and every later look says
//     completed. Options.Shuffle: lists that nobody promises an order have one of the seed; activities are newest first.
//   - The control port is for this machine's owner and cannot tell its users apart. A dump is at most 64 MiB.
//   - No rate is limited but that of one-time codes. OTP features are on in the parent too, SMS among them.
//   - Verification tokens may be used until they end, as often as their owner likes: no source says otherwise.
//   - Without a state folder only the newest activities are kept, about 48 MB of them; an older one is not found, and
//     the same bytes would be done again (within the hour in which their timestamp is accepted).
//   - A vote by a user of another organization (the parent's, in a sub-organization) shows that user by id and name alone.
//   - A key of exactly one sub-organization may name the parent's id in every request, not in log-ins and whoami alone.
//   - Passkeys: what is checked and what is not stands in the comment of package passkey. The vote of a passkey shows its
//     key and signature and names no scheme. An organization's own FEATURE_NAME_WEBAUTHN_ORIGINS goes before its parent's.
//   - Attested stamps by a verification token want a contact that was verified before, of one user. They start sessions,
//     read, and are a factor of whoever has MFA policies; they do nothing else.
//   - A high S is accepted on every curve that has one. The user of create_sub_organization's first version is named after
//     its authenticator.
//   - OAuth: accounts of X and Discord are those of the sandbox's own, and nothing is asked of the real ones. Turnkey's
//     own id tokens for them are issued by /oidc/turnkey of the Host by which the API was called, last an hour, and bind a
//     key only if their nonce is not empty. A token for several audiences logs in as any of them and registers none. One
//     identity may be in several sub-organizations, and in one of them is one user's. oidcClaims want a token beside them
//     in the same request. Google's word for a user's own address verifies it in create_oauth_providers alone. No feature
//     switches OAuth off. An organization has at most 100 OAuth 2.0 credentials, whose secrets must be sealed to this
//     sandbox's key when they come.
//   - E-mails go to the inbox of the control port and nowhere else. A template's id, a logo, the name of a sender and an
//     address for replies are taken and not shown; every e-mail is sent and delivered at once, as list_email_events says.
//   - A recovery key reads nothing but activities and votes on nothing, and no other credential recovers.
//   - A session profile's name and scope have at most 2,048 bytes together, for they stand in the token of every session,
//     and an organization has at most 100 profiles. A key that lasts cannot log itself in with a profile.
//   - Keys in bundles are named after the time in RFC 3339; a mail without a magicLinkTemplate links to a page of
//     http://localhost:3000; a code of init_otp_auth is sent to a user's contact alone, and is good for otp_auth alone.
//   - What is not read of transactions stands in the comment of package transaction. A legacy Ethereum transaction without
//     a chain id, and a Solana transaction or PSBT in which nothing is the signer's to sign, are INVALID_TRANSACTION. An
//     input before SegWit needs non_witness_utxo; a later one may have it or not, for the service wanted it absent once.
//     A script's input (P2SH, P2WSH) is the signer's when the script names its key. sign_raw_payloads tells policies no
//     typed data.
//   - appProofs are never sent.
//   - Of users, what no source says: update_user leaves as it is what is absent, empty, or an empty list, so tags are taken
//     away by update_user_tag; a contact that is set again stays verified; several users may have one name or contact; a
//     user may lose every credential; tag names are unique among tags of their kind; a feature's value has at most 4,096
//     bytes, WEBAUTHN_ORIGINS is a list of origins with commas between, WEBHOOK is a URL that is kept and never called,
//     and no value of other features is looked at.
//   - A sub-organization is deleted by one of its root users, whatever policies say. Its activities stay in the state
//     folder, where nobody can ask for them.
//   - What no source says and this sandbox chose: a stale timestampMs is REQUEST_INVALID; alphanumeric codes use
//     Crockford's alphabet; the test contacts' code is as many zeros as the code is long; organization and user names,
//     API key names and wallet labels have no length limit of their own, but names of apps and templates of text
//     messages have one of 4,096 bytes; requests above 1 MiB are answered 413; one request makes at most 1,000
//     accounts, with 10,000 steps in their paths, or signatures; wallet and account names are unique in their
//     organization.
package sandbox
