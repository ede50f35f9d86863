package sandbox

// endpoints is the table of what is done: every path of the API that this sandbox serves, and for submissions every
// version of the activity. What stands in paths.txt and not here is answered 501, and so is a version that is here
// without a reader.
func endpoints() map[string]endpoint {
	const query, submit = "/public/v1/query/", "/public/v1/submit/"
	return map[string]endpoint{
		query + "whoami":                   queryOf[nothing]{whoami},
		query + "get_user":                 queryOf[userFilter]{getUser},
		query + "list_users":               queryOf[nothing]{listUsers},
		query + "get_api_keys":             queryOf[anyUserFilter]{getAPIKeys},
		query + "get_api_key":              queryOf[apiKeyFilter]{getAPIKey},
		query + "get_authenticators":       queryOf[userFilter]{getAuthenticators},
		query + "get_authenticator":        queryOf[authenticatorFilter]{getAuthenticator},
		query + "list_suborgs":             queryOf[subOrgsFilter]{listSubOrgs},
		query + "list_verified_suborgs":    queryOf[subOrgsFilter]{listVerifiedSubOrgs},
		query + "list_wallets":             queryOf[nothing]{listWallets},
		query + "get_wallet":               queryOf[walletFilter]{getWallet},
		query + "list_wallet_accounts":     queryOf[accountsFilter]{listWalletAccounts},
		query + "get_wallet_account":       queryOf[accountFilter]{getWalletAccount},
		query + "list_private_keys":        queryOf[nothing]{listPrivateKeys},
		query + "get_private_key":          queryOf[privateKeyFilter]{getPrivateKey},
		query + "get_activity":             queryOf[activityFilter]{getActivity},
		query + "list_activities":          queryOf[activitiesFilter]{listActivities},
		query + "get_oauth2_credential":    queryOf[oauth2CredentialFilter]{getOAuth2Credential},
		query + "list_oauth2_credentials":  queryOf[nothing]{listOAuth2Credentials},
		query + "get_oauth_providers":      queryOf[anyUserFilter]{getOAuthProviders},
		query + "get_organization_configs": queryOf[nothing]{getOrganizationConfigs},
		query + "list_private_key_tags":    queryOf[nothing]{listPrivateKeyTags},
		query + "list_user_tags":           queryOf[nothing]{listUserTags},

		query + "list_policies":          queryOf[nothing]{listPolicies},
		query + "get_policy":             queryOf[policyFilter]{getPolicy},
		query + "get_policy_evaluations": queryOf[activityFilter]{getPolicyEvaluations},
		query + "get_mfa_policies":       queryOf[userFilter]{getMFAPolicies},
		query + "get_mfa_policy":         queryOf[mfaPolicyFilter]{getMFAPolicy},
		query + "get_mfa_status":         queryOf[mfaStatusFilter]{getMFAStatus},

		query + "list_smart_contract_interfaces": queryOf[nothing]{listInterfaces},
		query + "get_smart_contract_interface":   queryOf[interfaceFilter]{getInterface},
		submit + "create_smart_contract_interface": submitOf{
			"ACTIVITY_TYPE_CREATE_SMART_CONTRACT_INTERFACE": {"createSmartContractInterfaceIntent", "createSmartContractInterfaceResult", byPolicy, parametersOf[createInterface]()},
		},
		submit + "delete_smart_contract_interface": submitOf{
			"ACTIVITY_TYPE_DELETE_SMART_CONTRACT_INTERFACE": {"deleteSmartContractInterfaceIntent", "deleteSmartContractInterfaceResult", byPolicy, parametersOf[deleteInterface]()},
		},
		submit + "create_mfa_policy": submitOf{
			"ACTIVITY_TYPE_CREATE_MFA_POLICY": {"createMfaPolicyIntent", "createMfaPolicyResult", byPolicy, parametersOf[createMFAPolicy]()},
		},
		submit + "update_mfa_policy": submitOf{
			"ACTIVITY_TYPE_UPDATE_MFA_POLICY": {"updateMfaPolicyIntent", "updateMfaPolicyResult", byPolicy, parametersOf[updateMFAPolicy]()},
		},
		submit + "delete_mfa_policy": submitOf{
			"ACTIVITY_TYPE_DELETE_MFA_POLICY": {"deleteMfaPolicyIntent", "deleteMfaPolicyResult", byPolicy, parametersOf[deleteMFAPolicy]()},
		},
		submit + "create_policy": submitOf{
			"ACTIVITY_TYPE_CREATE_POLICY":    {}, // has selectors, which came before expressions
			"ACTIVITY_TYPE_CREATE_POLICY_V2": {}, // too
			"ACTIVITY_TYPE_CREATE_POLICY_V3": {"createPolicyIntentV3", "createPolicyResult", byPolicy, parametersOf[createPolicy]()},
		},
		submit + "create_policies": submitOf{
			"ACTIVITY_TYPE_CREATE_POLICIES": {"createPoliciesIntent", "createPoliciesResult", byPolicy, parametersOf[createPolicies]()},
		},
		submit + "update_policy": submitOf{
			"ACTIVITY_TYPE_UPDATE_POLICY":    {"updatePolicyIntent", "updatePolicyResult", byPolicy, parametersOf[updatePolicy]()},
			"ACTIVITY_TYPE_UPDATE_POLICY_V2": {"updatePolicyIntentV2", "updatePolicyResultV2", byPolicy, parametersOf[updatePolicyV2]()},
		},
		submit + "delete_policy": submitOf{
			"ACTIVITY_TYPE_DELETE_POLICY": {"deletePolicyIntent", "deletePolicyResult", byPolicy, parametersOf[deletePolicy]()},
		},
		submit + "delete_policies": submitOf{
			"ACTIVITY_TYPE_DELETE_POLICIES": {"deletePoliciesIntent", "deletePoliciesResult", byPolicy, parametersOf[deletePolicies]()},
		},

		submit + "approve_activity": submitOf{
			"ACTIVITY_TYPE_APPROVE_ACTIVITY": {"approveActivityIntent", "", byToken, parametersOf[approveActivity]()},
		},
		submit + "reject_activity": submitOf{
			"ACTIVITY_TYPE_REJECT_ACTIVITY": {"rejectActivityIntent", "", byToken, parametersOf[rejectActivity]()},
		},

		submit + "init_otp": submitOf{
			"ACTIVITY_TYPE_INIT_OTP":    {"initOtpIntent", "initOtpResult", byParent, parametersOf[initOTP]()},
			"ACTIVITY_TYPE_INIT_OTP_V2": {"initOtpIntentV2", "initOtpResult", byParent, parametersOf[initOTPNamed]()},
			"ACTIVITY_TYPE_INIT_OTP_V3": {"initOtpIntentV3", "initOtpResultV2", byParent, parametersOf[initOTPEncrypted]()},
		},
		submit + "verify_otp": submitOf{
			"ACTIVITY_TYPE_VERIFY_OTP":    {"verifyOtpIntent", "verifyOtpResult", byParent, parametersOf[verifyOTP]()},
			"ACTIVITY_TYPE_VERIFY_OTP_V2": {"verifyOtpIntentV2", "verifyOtpResult", byParent, parametersOf[verifyOTPEncrypted]()},
		},
		submit + "otp_login": submitOf{
			"ACTIVITY_TYPE_OTP_LOGIN":    {"otpLoginIntent", "otpLoginResult", byParent | ofOneself, parametersOf[otpLogin]()},
			"ACTIVITY_TYPE_OTP_LOGIN_V2": {"otpLoginIntentV2", "otpLoginResult", byParent | ofOneself, parametersOf[otpLoginEncrypted]()},
		},
		submit + "stamp_login": submitOf{
			"ACTIVITY_TYPE_STAMP_LOGIN": {"stampLoginIntent", "stampLoginResult", ofOneself | byToken, parametersOf[stampLogin]()},
		},
		submit + "oauth_login": submitOf{
			"ACTIVITY_TYPE_OAUTH_LOGIN": {"oauthLoginIntent", "oauthLoginResult", byParent | ofOneself, parametersOf[oauthLogin]()},
		},
		submit + "oauth": submitOf{
			"ACTIVITY_TYPE_OAUTH": {"oauthIntent", "oauthResult", byParent | ofOneself, parametersOf[oauthBundle]()},
		},
		submit + "oauth2_authenticate": submitOf{
			"ACTIVITY_TYPE_OAUTH2_AUTHENTICATE": {"oauth2AuthenticateIntent", "oauth2AuthenticateResult", byPolicy, parametersOf[oauth2Authenticate]()},
		},
		submit + "create_oauth2_credential": submitOf{
			"ACTIVITY_TYPE_CREATE_OAUTH2_CREDENTIAL": {"createOauth2CredentialIntent", "createOauth2CredentialResult", byPolicy, parametersOf[createOAuth2Credential]()},
		},
		submit + "update_oauth2_credential": submitOf{
			"ACTIVITY_TYPE_UPDATE_OAUTH2_CREDENTIAL": {"updateOauth2CredentialIntent", "updateOauth2CredentialResult", byPolicy, parametersOf[updateOAuth2Credential]()},
		},
		submit + "delete_oauth2_credential": submitOf{
			"ACTIVITY_TYPE_DELETE_OAUTH2_CREDENTIAL": {"deleteOauth2CredentialIntent", "deleteOauth2CredentialResult", byPolicy, parametersOf[deleteOAuth2Credential]()},
		},
		submit + "create_oauth_providers": submitOf{
			"ACTIVITY_TYPE_CREATE_OAUTH_PROVIDERS":    {"createOauthProvidersIntent", "createOauthProvidersResult", ofOneself, parametersOf[createOAuthProvidersV1]()},
			"ACTIVITY_TYPE_CREATE_OAUTH_PROVIDERS_V2": {"createOauthProvidersIntentV2", "createOauthProvidersResultV2", ofOneself, parametersOf[createOAuthProviders]()},
		},
		submit + "delete_oauth_providers": submitOf{
			"ACTIVITY_TYPE_DELETE_OAUTH_PROVIDERS": {"deleteOauthProvidersIntent", "deleteOauthProvidersResult", ofOneself, parametersOf[deleteOAuthProviders]()},
		},
		submit + "create_sub_organization": submitOf{
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION":    {"createSubOrganizationIntent", "createSubOrganizationResult", inParent, parametersOf[createSubOrganizationV1]()},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V2": {"createSubOrganizationIntentV2", "createSubOrganizationResult", inParent, createSubOrganizationOf(2)},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V3": {"createSubOrganizationIntentV3", "createSubOrganizationResultV3", inParent, readCreateSubOrganizationV3},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V4": {"createSubOrganizationIntentV4", "createSubOrganizationResultV4", inParent, createSubOrganizationOf(4)},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V5": {"createSubOrganizationIntentV5", "createSubOrganizationResultV5", inParent, createSubOrganizationOf(5)},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V6": {"createSubOrganizationIntentV6", "createSubOrganizationResultV6", inParent, createSubOrganizationOf(6)},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V7": {"createSubOrganizationIntentV7", "createSubOrganizationResultV7", inParent, createSubOrganizationOf(7)},
			"ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V8": {"createSubOrganizationIntentV8", "createSubOrganizationResultV8", inParent, createSubOrganizationOf(8)},
		},
		query + "get_session_profile":  queryOf[sessionProfileFilter]{getSessionProfile},
		query + "get_session_profiles": queryOf[nothing]{getSessionProfiles},
		query + "list_email_events":    queryOf[emailEventsFilter]{listEmailEvents},

		submit + "email_auth": submitOf{
			"ACTIVITY_TYPE_EMAIL_AUTH":    {"emailAuthIntent", "emailAuthResult", byParent, parametersOf[emailAuth]()},
			"ACTIVITY_TYPE_EMAIL_AUTH_V2": {"emailAuthIntentV2", "emailAuthResult", byParent, parametersOf[emailAuth]()},
			"ACTIVITY_TYPE_EMAIL_AUTH_V3": {"emailAuthIntentV3", "emailAuthResult", byParent, parametersOf[emailAuthV3]()},
		},
		submit + "create_read_write_session": submitOf{
			"ACTIVITY_TYPE_CREATE_READ_WRITE_SESSION":    {"createReadWriteSessionIntent", "createReadWriteSessionResult", ofOneself, parametersOf[createReadWriteSessionV1]()},
			"ACTIVITY_TYPE_CREATE_READ_WRITE_SESSION_V2": {"createReadWriteSessionIntentV2", "createReadWriteSessionResultV2", ofOneself, parametersOf[createReadWriteSession]()},
		},
		submit + "create_read_only_session": submitOf{
			"ACTIVITY_TYPE_CREATE_READ_ONLY_SESSION": {"createReadOnlySessionIntent", "createReadOnlySessionResult", ofOneself, parametersOf[createReadOnlySession]()},
		},
		submit + "create_session_profile": submitOf{
			"ACTIVITY_TYPE_CREATE_SESSION_PROFILE": {"createSessionProfileIntent", "createSessionProfileResult", inParent, parametersOf[createSessionProfile]()},
		},
		submit + "init_otp_auth": submitOf{
			"ACTIVITY_TYPE_INIT_OTP_AUTH":    {"initOtpAuthIntent", "initOtpAuthResult", byParent, parametersOf[initOTPAuthV1]()},
			"ACTIVITY_TYPE_INIT_OTP_AUTH_V2": {"initOtpAuthIntentV2", "initOtpAuthResultV2", byParent, parametersOf[initOTPAuth]()},
			"ACTIVITY_TYPE_INIT_OTP_AUTH_V3": {"initOtpAuthIntentV3", "initOtpAuthResultV2", byParent, parametersOf[initOTPAuthV3]()},
		},
		submit + "otp_auth": submitOf{
			"ACTIVITY_TYPE_OTP_AUTH": {"otpAuthIntent", "otpAuthResult", byParent, parametersOf[otpAuth]()},
		},
		submit + "init_user_email_recovery": submitOf{
			"ACTIVITY_TYPE_INIT_USER_EMAIL_RECOVERY":    {"initUserEmailRecoveryIntent", "initUserEmailRecoveryResult", byParent, parametersOf[initUserEmailRecovery]()},
			"ACTIVITY_TYPE_INIT_USER_EMAIL_RECOVERY_V2": {"initUserEmailRecoveryIntentV2", "initUserEmailRecoveryResult", byParent, parametersOf[initUserEmailRecoveryV2]()},
		},
		submit + "recover_user": submitOf{
			"ACTIVITY_TYPE_RECOVER_USER": {"recoverUserIntent", "recoverUserResult", ofOneself | byRecovery, parametersOf[recoverUser]()},
		},

		submit + "create_wallet": submitOf{
			"ACTIVITY_TYPE_CREATE_WALLET": {"createWalletIntent", "createWalletResult", byPolicy, parametersOf[createWallet]()},
		},
		submit + "create_wallet_accounts": submitOf{
			"ACTIVITY_TYPE_CREATE_WALLET_ACCOUNTS": {"createWalletAccountsIntent", "createWalletAccountsResult", byPolicy, parametersOf[createWalletAccounts]()},
		},
		submit + "update_wallet": submitOf{
			"ACTIVITY_TYPE_UPDATE_WALLET": {"updateWalletIntent", "updateWalletResult", byPolicy, parametersOf[updateWallet]()},
		},
		submit + "delete_wallets": submitOf{
			"ACTIVITY_TYPE_DELETE_WALLETS": {"deleteWalletsIntent", "deleteWalletsResult", byPolicy, parametersOf[deleteWallets]()},
		},
		submit + "delete_wallet_accounts": submitOf{
			"ACTIVITY_TYPE_DELETE_WALLET_ACCOUNTS": {"deleteWalletAccountsIntent", "deleteWalletAccountsResult", byPolicy, parametersOf[deleteWalletAccounts]()},
		},
		submit + "export_wallet": submitOf{
			"ACTIVITY_TYPE_EXPORT_WALLET": {"exportWalletIntent", "exportWalletResult", byPolicy, parametersOf[exportWallet]()},
		},
		submit + "export_wallet_account": submitOf{
			"ACTIVITY_TYPE_EXPORT_WALLET_ACCOUNT": {"exportWalletAccountIntent", "exportWalletAccountResult", byPolicy, parametersOf[exportWalletAccount]()},
		},
		submit + "init_import_wallet": submitOf{
			"ACTIVITY_TYPE_INIT_IMPORT_WALLET": {"initImportWalletIntent", "initImportWalletResult", byPolicy, parametersOf[initImportWallet]()},
		},
		submit + "import_wallet": submitOf{
			"ACTIVITY_TYPE_IMPORT_WALLET": {"importWalletIntent", "importWalletResult", byPolicy, parametersOf[importWallet]()},
		},
		submit + "create_private_keys": submitOf{
			"ACTIVITY_TYPE_CREATE_PRIVATE_KEYS":    {"createPrivateKeysIntent", "createPrivateKeysResult", byPolicy, parametersOf[createPrivateKeys]()},
			"ACTIVITY_TYPE_CREATE_PRIVATE_KEYS_V2": {"createPrivateKeysIntentV2", "createPrivateKeysResultV2", byPolicy, parametersOf[createPrivateKeysV2]()},
		},
		submit + "delete_private_keys": submitOf{
			"ACTIVITY_TYPE_DELETE_PRIVATE_KEYS": {"deletePrivateKeysIntent", "deletePrivateKeysResult", byPolicy, parametersOf[deletePrivateKeys]()},
		},
		submit + "create_private_key_tag": submitOf{
			"ACTIVITY_TYPE_CREATE_PRIVATE_KEY_TAG": {"createPrivateKeyTagIntent", "createPrivateKeyTagResult", byPolicy, parametersOf[createPrivateKeyTag]()},
		},
		submit + "update_private_key_tag": submitOf{
			"ACTIVITY_TYPE_UPDATE_PRIVATE_KEY_TAG": {"updatePrivateKeyTagIntent", "updatePrivateKeyTagResult", byPolicy, parametersOf[updatePrivateKeyTag]()},
		},
		submit + "delete_private_key_tags": submitOf{
			"ACTIVITY_TYPE_DELETE_PRIVATE_KEY_TAGS": {"deletePrivateKeyTagsIntent", "deletePrivateKeyTagsResult", byPolicy, parametersOf[deletePrivateKeyTags]()},
		},
		submit + "export_private_key": submitOf{
			"ACTIVITY_TYPE_EXPORT_PRIVATE_KEY": {"exportPrivateKeyIntent", "exportPrivateKeyResult", byPolicy, parametersOf[exportPrivateKey]()},
		},
		submit + "init_import_private_key": submitOf{
			"ACTIVITY_TYPE_INIT_IMPORT_PRIVATE_KEY": {"initImportPrivateKeyIntent", "initImportPrivateKeyResult", byPolicy, parametersOf[initImportPrivateKey]()},
		},
		submit + "import_private_key": submitOf{
			"ACTIVITY_TYPE_IMPORT_PRIVATE_KEY": {"importPrivateKeyIntent", "importPrivateKeyResult", byPolicy, parametersOf[importPrivateKey]()},
		},

		submit + "create_api_keys": submitOf{
			"ACTIVITY_TYPE_CREATE_API_KEYS":    {"createApiKeysIntent", "createApiKeysResult", ofOneself, parametersOf[createAPIKeys]()},
			"ACTIVITY_TYPE_CREATE_API_KEYS_V2": {"createApiKeysIntentV2", "createApiKeysResult", ofOneself, parametersOf[createAPIKeysV2]()},
		},
		submit + "delete_api_keys": submitOf{
			"ACTIVITY_TYPE_DELETE_API_KEYS": {"deleteApiKeysIntent", "deleteApiKeysResult", ofOneself, parametersOf[deleteAPIKeys]()},
		},
		submit + "create_authenticators": submitOf{
			"ACTIVITY_TYPE_CREATE_AUTHENTICATORS":    {"createAuthenticatorsIntent", "createAuthenticatorsResult", ofOneself, parametersOf[createAuthenticatorsV1]()},
			"ACTIVITY_TYPE_CREATE_AUTHENTICATORS_V2": {"createAuthenticatorsIntentV2", "createAuthenticatorsResult", ofOneself, parametersOf[createAuthenticators]()},
		},
		submit + "delete_authenticators": submitOf{
			"ACTIVITY_TYPE_DELETE_AUTHENTICATORS": {"deleteAuthenticatorsIntent", "deleteAuthenticatorsResult", ofOneself, parametersOf[deleteAuthenticators]()},
		},
		submit + "sign_raw_payload": submitOf{
			"ACTIVITY_TYPE_SIGN_RAW_PAYLOAD":    {"signRawPayloadIntent", "signRawPayloadResult", byPolicy, parametersOf[signRawPayloadByKey]()},
			"ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2": {"signRawPayloadIntentV2", "signRawPayloadResult", byPolicy, parametersOf[signRawPayload]()},
		},
		submit + "sign_raw_payloads": submitOf{
			"ACTIVITY_TYPE_SIGN_RAW_PAYLOADS": {"signRawPayloadsIntent", "signRawPayloadsResult", byPolicy, parametersOf[signRawPayloads]()},
		},
		submit + "sign_transaction": submitOf{
			"ACTIVITY_TYPE_SIGN_TRANSACTION":    {"signTransactionIntent", "signTransactionResult", byPolicy, parametersOf[signTransactionByKey]()},
			"ACTIVITY_TYPE_SIGN_TRANSACTION_V2": {"signTransactionIntentV2", "signTransactionResult", byPolicy, parametersOf[signTransaction]()},
		},

		submit + "create_user_tag": submitOf{
			"ACTIVITY_TYPE_CREATE_USER_TAG": {"createUserTagIntent", "createUserTagResult", byPolicy, parametersOf[createUserTag]()},
		},
		submit + "update_user_tag": submitOf{
			"ACTIVITY_TYPE_UPDATE_USER_TAG": {"updateUserTagIntent", "updateUserTagResult", byPolicy, parametersOf[updateUserTag]()},
		},
		submit + "delete_user_tags": submitOf{
			"ACTIVITY_TYPE_DELETE_USER_TAGS": {"deleteUserTagsIntent", "deleteUserTagsResult", byPolicy, parametersOf[deleteUserTags]()},
		},

		submit + "create_users": submitOf{
			"ACTIVITY_TYPE_CREATE_USERS":    {"createUsersIntent", "createUsersResult", byPolicy, parametersOf[createUsersV1]()},
			"ACTIVITY_TYPE_CREATE_USERS_V2": {"createUsersIntentV2", "createUsersResult", byPolicy, createUsersOf(2)},
			"ACTIVITY_TYPE_CREATE_USERS_V3": {"createUsersIntentV3", "createUsersResult", byPolicy, createUsersOf(3)},
			"ACTIVITY_TYPE_CREATE_USERS_V4": {"createUsersIntentV4", "createUsersResult", byPolicy, createUsersOf(4)},
		},
		submit + "delete_users": submitOf{
			"ACTIVITY_TYPE_DELETE_USERS": {"deleteUsersIntent", "deleteUsersResult", byPolicy, parametersOf[deleteUsers]()},
		},
		submit + "update_user": submitOf{
			"ACTIVITY_TYPE_UPDATE_USER": {"updateUserIntent", "updateUserResult", byPolicy, parametersOf[updateUser]()},
		},
		submit + "update_user_name": submitOf{
			"ACTIVITY_TYPE_UPDATE_USER_NAME": {"updateUserNameIntent", "updateUserNameResult", byPolicy, parametersOf[updateUserName]()},
		},
		submit + "update_user_email": submitOf{
			"ACTIVITY_TYPE_UPDATE_USER_EMAIL": {"updateUserEmailIntent", "updateUserEmailResult", byPolicy, parametersOf[updateUserEmail]()},
		},
		submit + "update_user_phone_number": submitOf{
			"ACTIVITY_TYPE_UPDATE_USER_PHONE_NUMBER": {"updateUserPhoneNumberIntent", "updateUserPhoneNumberResult", byPolicy, parametersOf[updateUserPhoneNumber]()},
		},
		submit + "update_root_quorum": submitOf{
			"ACTIVITY_TYPE_UPDATE_ROOT_QUORUM": {"updateRootQuorumIntent", "updateRootQuorumResult", quorumOnly, parametersOf[updateRootQuorum]()},
		},
		submit + "set_organization_feature": submitOf{
			"ACTIVITY_TYPE_SET_ORGANIZATION_FEATURE": {"setOrganizationFeatureIntent", "setOrganizationFeatureResult", quorumOnly, parametersOf[setOrganizationFeature]()},
		},
		submit + "remove_organization_feature": submitOf{
			"ACTIVITY_TYPE_REMOVE_ORGANIZATION_FEATURE": {"removeOrganizationFeatureIntent", "removeOrganizationFeatureResult", quorumOnly, parametersOf[removeOrganizationFeature]()},
		},
		submit + "update_organization_name": submitOf{
			"ACTIVITY_TYPE_UPDATE_ORGANIZATION_NAME": {"updateOrganizationNameIntent", "updateOrganizationNameResult", quorumOnly, parametersOf[updateOrganizationName]()},
		},
		submit + "delete_sub_organization": submitOf{
			"ACTIVITY_TYPE_DELETE_SUB_ORGANIZATION": {"deleteSubOrganizationIntent", "deleteSubOrganizationResult", byPolicy, parametersOf[deleteSubOrganization]()},
		},

		query + "get_auth_proxy_config": queryOf[nothing]{getAuthProxyConfig},
		submit + "enable_auth_proxy": submitOf{
			"ACTIVITY_TYPE_ENABLE_AUTH_PROXY": {"enableAuthProxyIntent", "enableAuthProxyResult", inParent, parametersOf[enableAuthProxy]()},
		},
		submit + "disable_auth_proxy": submitOf{
			"ACTIVITY_TYPE_DISABLE_AUTH_PROXY": {"disableAuthProxyIntent", "disableAuthProxyResult", inParent, parametersOf[disableAuthProxy]()},
		},
		submit + "update_auth_proxy_config": submitOf{
			"ACTIVITY_TYPE_UPDATE_AUTH_PROXY_CONFIG": {"updateAuthProxyConfigIntent", "updateAuthProxyConfigResult", inParent, parametersOf[updateAuthProxyConfig]()},
		},
	}
}

// unlisted are the paths of this table that the service's description has not: activities that it knows but whose paths
// it keeps for its own dashboard, and the query for what they settle. The names are this sandbox's guess.
var unlisted = []string{
	"/public/v1/query/get_auth_proxy_config", "/public/v1/submit/enable_auth_proxy", "/public/v1/submit/disable_auth_proxy",
	"/public/v1/submit/update_auth_proxy_config",
}
