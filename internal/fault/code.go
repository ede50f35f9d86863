package fault

// Code names one failure for good: logs, the terminal's --json and the window's words hang on it. Codes are listed
// here alone, and each has a kind and words in the catalogue.
type Code string

// The codes, by the place where they arise.
const (
	Internal Code = "internal"

	KeychainNoBus     Code = "keychain.no_bus"           // Linux: no session bus, so no keychain can be asked
	KeychainAbsent    Code = "keychain.absent"           // a bus, but nobody keeps secrets on it
	KeychainEmpty     Code = "keychain.no_collection"    // a keychain that was never set up
	KeychainLocked    Code = "keychain.locked"           // locked, and nobody unlocked it
	KeychainDismissed Code = "keychain.prompt_dismissed" // it asked, and the question was closed
	KeychainTimeout   Code = "keychain.timeout"          // no answer within the caller's time
	KeychainMismatch  Code = "keychain.mismatch"         // it said "saved", and gave back something else
	KeychainTooLarge  Code = "keychain.too_large"        // over what every keychain holds
	KeychainDenied    Code = "keychain.denied"           // it refused this program
	KeychainFailed    Code = "keychain.failed"           // it failed in a way nobody named
	KeychainUnlisted  Code = "keychain.unlisted"         // this system's keychain cannot be searched for keys
	KeyMissing        Code = "key.missing"               // no such key in the store that should hold it
	KeyCorrupt        Code = "key.corrupt"               // stored, but not a key
	KeyInUse          Code = "key.in_use"                // a session needs it
	KeyUnknown        Code = "key.unknown"               // nobody holds the key that was named

	TPMAbsent        Code = "tpm.absent"            // the computer has no TPM 2.0, or it is switched off
	TPMDenied        Code = "tpm.denied"            // it may not be used by this user, or its owner set a password
	TPMForeign       Code = "tpm.foreign"           // the key was made by another TPM, or before this one was cleared
	TPMFailed        Code = "tpm.failed"            // it answered with an error
	PassphraseNeeded Code = "passphrase.needed"     // nobody can be asked, and no file says it
	PassphraseWrong  Code = "passphrase.wrong"      // it does not open the key file
	PassphraseShort  Code = "passphrase.short"      // too short to protect keys
	PassphraseFile   Code = "passphrase.unreadable" // the file that should hold it cannot be read
	KeysCorrupt      Code = "keys.corrupt"          // the key file is not in its form, or was changed

	StateCorrupt   Code = "state.corrupt"   // the state file cannot be read, nor its older generation
	StateRecovered Code = "state.recovered" // the newest file could not be used; the one before it was
	StateBusy      Code = "state.busy"      // another process holds the lock
	DiskFull       Code = "disk.full"       // no space left
	DiskReadOnly   Code = "disk.read_only"  // may not be written
	DiskFailed     Code = "disk.failed"     // any other trouble of the disk
	StateReadable  Code = "state.too_open"  // other users may read it
	StateTooNew    Code = "state.too_new"   // written by a newer Latchkey
	ProfileBad     Code = "profile.invalid" // a setting is wrong

	StampMalformed Code = "stamp.malformed" // cannot be decoded
	StampInvalid   Code = "stamp.invalid"   // decoded, but the signature is not by that key over that body
	TokenMalformed Code = "token.malformed" // not a token of this kind
	TokenInvalid   Code = "token.invalid"   // not signed by the pinned key
	TokenForeign   Code = "token.foreign"   // genuine, but for another key or organization
	TokenExpired   Code = "token.expired"   // genuine, but over
	BundleInvalid  Code = "bundle.invalid"  // cannot be opened, or not signed by the pinned key

	ContactInvalid Code = "contact.invalid"  // not an e-mail address
	PhoneInvalid   Code = "phone.invalid"    // not a number with its country
	OTPWrong       Code = "otp.wrong"        // the code does not match
	OTPExpired     Code = "otp.expired"      // the code is over, or replaced by a newer one
	OTPLocked      Code = "otp.locked"       // too many wrong tries
	OTPLimited     Code = "otp.limited"      // too many codes were asked for
	AttemptOver    Code = "login.over"       // no such log-in attempt, or it ended
	AccountUnknown Code = "account.unknown"  // no sub-organization for this contact
	WalletShared   Code = "wallet.shared"    // others may open the account that a wallet's key is in
	WalletFile     Code = "wallet.file"      // a wallet's key file cannot be used
	MailWrong      Code = "mail.wrong"       // not the key of the newest message, or not whole
	MailExpired    Code = "mail.expired"     // the key of the message counts no more
	WayClosed      Code = "login.closed"     // the backend does not allow log-ins this way
	LinkInvalid    Code = "link.invalid"     // not of the one form of this program's links
	LinkUnasked    Code = "link.unasked"     // no log-in here waits for it
	LoginRefused   Code = "login.refused"    // the backend or vendor refused the log-in
	SignUpRefused  Code = "signup.refused"   // the backend or vendor refused the sign-up
	GenerationMix  Code = "login.generation" // an encrypted and a plain step in one attempt
	InboxEmpty     Code = "inbox.empty"      // the sandbox's inbox holds no code for this contact

	CredentialUnknown Code = "credential.unknown"     // the account has none with this id
	CredentialLast    Code = "credential.last"        // without it nothing logs in to the account
	CredentialHere    Code = "credential.this_device" // it is a session of this device
	CredentialTaken   Code = "credential.taken"       // it logs in to another account
	CredentialHave    Code = "credential.exists"      // the account has it
	CredentialReplace Code = "credential.replace"     // the account has another, and has one alone

	BrowserUnopened Code = "browser.unopened"  // no browser could be opened here
	BrowserLate     Code = "browser.late"      // the round through the browser is over
	PortsTaken      Code = "browser.ports"     // nothing can listen for the browser to come back
	PasteWrong      Code = "browser.pasted"    // what was pasted is not the answer to this round
	ProviderUnset   Code = "oauth.unset"       // the profile has no settings for this provider
	ProviderDown    Code = "oauth.unreachable" // the provider does not answer
	WalletDenied    Code = "wallet.denied"     // the person turned away from the page, or the wallet did
	PasskeyDenied   Code = "passkey.denied"    // the person turned away from the page
	ProviderDenied  Code = "oauth.denied"      // the person or the provider said no
	ProviderRefused Code = "oauth.refused"     // the provider does not take these settings
	IdentityForeign Code = "oauth.foreign"     // the answer is not genuine, or not for this log-in

	ProfileUnknown  Code = "profile.unknown"  // no profile has this name
	ProfileTaken    Code = "profile.taken"    // one has it already
	ProfileInUse    Code = "profile.in_use"   // it holds sessions, and cannot be removed
	SandboxOnly     Code = "sandbox.only"     // asked of a profile that has no sandbox
	ProfileShut     Code = "profile.shut"     // nothing can be asked before the profile is open
	SessionNone     Code = "session.none"     // nobody is logged in
	SessionUnknown  Code = "session.unknown"  // none is called so
	SessionExpired  Code = "session.expired"  // over by time
	LabelTaken      Code = "session.label"    // another session has this label
	SessionRejected Code = "session.rejected" // the vendor no longer knows the key
	LogOutUnwritten Code = "logout.unwritten" // the keys are gone, but the disk took no note of it

	BackendDown    Code = "backend.unreachable"
	BackendRefused Code = "backend.refused" // it answered, and would not
	BackendBusy    Code = "backend.limited"
	BackendState   Code = "backend.state" // it cannot look up what it counts, and goes no further without
	APIDown        Code = "api.unreachable"
	APIRefused     Code = "api.refused"
	APILimited     Code = "api.limited"
	RequestInvalid Code = "request.invalid" // what was asked is not well formed
	ClockWrong     Code = "clock.wrong"     // the vendor refuses the time of the request

	APIForeign          Code = "api.foreign"          // what answers is not Turnkey's API
	BackendConfig       Code = "backend.config"       // a setting of a backend that is started here is missing or wrong
	BackendKey          Code = "backend.key"          // Turnkey does not take the API key of a backend that is started here
	BackendForeign      Code = "backend.foreign"      // what answers is no log-in backend
	OrganizationUnknown Code = "organization.unknown" // the API does not know it
	PinsForeign         Code = "pins.foreign"         // the pinned keys and the API do not belong together

	ActivityPending  Code = "activity.pending"  // others must approve
	ActivityFailed   Code = "activity.failed"   // the vendor tried, and failed
	ActivityRejected Code = "activity.rejected" // somebody voted no
	ActivityLate     Code = "activity.late"     // accepted, but not done within the caller's time

	WalletUnknown Code = "wallet.unknown" // no wallet of that name or id

	SignerUnknown   Code = "signer.unknown"   // no account of that address or name, or several
	ApprovalNeeded  Code = "approval.needed"  // a person must be asked, and nobody can be
	ApprovalRefused Code = "approval.refused" // the person said no
	ApprovalLate    Code = "approval.late"    // the answer came when it counted no more
	ApprovalUnclear Code = "approval.unclear" // the request could be understood in two ways, so it is not shown
	RulesUnread     Code = "approval.rules"   // the rules cannot be read, so none counts
	RuleUnknown     Code = "approval.no_rule" // no rule of that id
	RuleInvalid     Code = "approval.rule"    // what no rule may allow, or not a rule

	JournalFailed   Code = "journal.unwritten" // a request could not be recorded
	JournalDamaged  Code = "journal.damaged"   // not as it was written
	JournalUnproven Code = "journal.unproven"  // nothing contradicts it, but not all of it can be proven

	SandboxFailed  Code = "sandbox.failed"  // the built-in sandbox or backend did not start
	SandboxDamaged Code = "sandbox.damaged" // its file cannot be read, and was set aside
	SandboxBusy    Code = "sandbox.busy"    // another process serves it, and does not answer
	Cancel         Code = "cancelled"
)
