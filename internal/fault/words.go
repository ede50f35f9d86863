package fault

// Words is what a person is told: a title, what happened, what it means, and the one next step. Action is the label
// of the button that does the step, or "" where the step is not a button's.
type Words struct {
	Title, Happened, Means, Next, Action string
}

// entry joins a code's kind with its words.
type entry struct {
	kind Kind
	Words
}

// Kind returns the kind that belongs to the code, or "" for [Internal] and unknown codes.
func (c Code) Kind() Kind { return catalogue[c].kind }

// Tell returns the words for err. A failure without a code gets those of [Internal].
func Tell(err error) Words { return catalogue[CodeOf(err)].Words }

// Codes returns every code of the catalogue, in no order.
func Codes() []Code {
	codes := make([]Code, 0, len(catalogue))
	for c := range catalogue {
		codes = append(codes, c)
	}
	return codes
}

var catalogue = map[Code]entry{
	Internal: {"", Words{"Something went wrong in Latchkey", "A fault in the program stopped this step.", "Nothing was lost. Sessions and keys are as they were.", "Try once more. If it comes back, report it with the details below.", "Try again"}},

	KeychainNoBus:     {Unavailable, Words{"No keychain can be reached", "This system has no session bus, the line on which keychains are asked.", "Latchkey has nowhere safe to keep a key.", "Start Latchkey from a desktop session, keep keys in a file under a passphrase (LATCHKEY_KEYSTORE=passphrase), or in memory until you quit.", "Try again"}},
	KeychainAbsent:    {Unavailable, Words{"No keychain is running", "The session bus answers, but no program keeps secrets on it.", "Latchkey has nowhere safe to keep a key.", "Start GNOME Keyring or KeePassXC, keep keys in a file under a passphrase (LATCHKEY_KEYSTORE=passphrase), or in memory until you quit.", "Try again"}},
	KeychainEmpty:     {Unavailable, Words{"The keychain was never set up", "A keychain is running, but it has no collection to keep secrets in.", "Latchkey has nowhere safe to keep a key.", "Create a keyring in your system's passwords program, then come back.", "Try again"}},
	KeychainLocked:    {Locked, Words{"The keychain stayed locked", "The keychain is locked, and it was not unlocked.", "Nothing was signed and nothing was sent.", "Ask again and enter your keychain password.", "Ask the keychain again"}},
	KeychainDismissed: {Locked, Words{"The keychain stayed locked", "The system asked for your keychain password, and the window was closed before an answer came.", "Nothing was signed and nothing was sent.", "Ask again and enter your keychain password.", "Ask the keychain again"}},
	KeychainTimeout:   {Locked, Words{"The keychain did not answer", "The keychain was asked and is still silent. It may be showing a question behind another window.", "Nothing was signed and nothing was sent.", "Look for a password window, answer it, then ask again.", "Ask the keychain again"}},
	KeychainMismatch:  {Unavailable, Words{"The keychain did not keep the key", "The keychain said it saved the key, but gave back something else.", "The key was not used. No session depends on it.", "Ask again. If it comes back, restart the keychain.", "Try again"}},
	KeychainTooLarge:  {Invalid, Words{"Too large for a keychain", "What was to be saved is larger than every keychain can hold.", "Nothing was saved.", "Report it with the details below.", ""}},
	KeychainDenied:    {Denied, Words{"The keychain refused", "The keychain does not let this program read or write.", "Nothing was signed and nothing was sent.", "Allow Latchkey in your keychain's settings, then ask again.", "Ask the keychain again"}},
	KeychainFailed:    {Unavailable, Words{"The keychain failed", "The keychain answered with an error.", "Nothing was signed and nothing was sent.", "Ask again. If it comes back, restart the keychain.", "Ask the keychain again"}},
	KeychainUnlisted:  {Unavailable, Words{"This keychain cannot be searched", "The keychain of this system gives each key when it is named, and no list of them.", "The keys of your sessions work. Others, if any were left behind, cannot be found from here.", "Look for entries named dev.latchkey in your system's passwords program.", ""}},
	KeyMissing:        {NotFound, Words{"The key is gone", "The key is no longer in its key store.", "This session cannot sign. Others are not touched.", "Log in again.", "Log in again"}},
	KeyCorrupt:        {Corrupt, Words{"The key cannot be read", "The key store holds something under this key's name that is not this key.", "This session cannot sign. Others are not touched.", "Log in again.", "Log in again"}},

	KeyInUse:         {Conflict, Words{"The key is in use", "A session or a log-in of this profile needs this key.", "Nothing was deleted.", "Log out of its session: that revokes and deletes the key.", ""}},
	KeyUnknown:       {NotFound, Words{"There is no such key", "No key store that can be looked through holds the key that was named.", "Nothing was deleted.", "Copy the public key from the list of keys.", ""}},
	TPMAbsent:        {Unavailable, Words{"No TPM can be reached", "This computer has no TPM 2.0, or it is switched off in the firmware.", "Keys that live in it cannot sign, and new ones cannot be made.", "Switch it on, or choose another key store.", "Try again"}},
	TPMDenied:        {Denied, Words{"The TPM may not be used", "This user may not open the TPM, or its owner has set a password.", "Nothing was signed and nothing was sent.", "Give this user the right to use it (on Linux the group tss), then try again.", "Try again"}},
	TPMForeign:       {Denied, Words{"The key belongs to another machine", "This key was made by another TPM, or before this one was cleared. Its file was copied or restored here.", "No program can use it on this machine. Others are not touched.", "Log in again here, or go back to the machine that made it.", "Log in again"}},
	TPMFailed:        {Unavailable, Words{"The TPM failed", "The TPM answered with an error.", "Nothing was signed and nothing was sent.", "Try again; the details name the error. If it comes back, restart the computer.", "Try again"}},
	PassphraseNeeded: {Locked, Words{"The key file waits for its passphrase", "Keys are in a file under a passphrase, and there is no terminal on which to ask for it.", "Nothing was signed and nothing was sent.", "Start Latchkey with LATCHKEY_PASSPHRASE_FILE naming a file that holds the passphrase, or use a terminal.", "Try again"}},
	PassphraseWrong:  {Locked, Words{"The passphrase is wrong", "The passphrase does not open the file with your keys.", "Nothing was signed and nothing was sent. The keys are as they were.", "Try again with the passphrase that you chose for this profile.", "Try again"}},
	PassphraseShort:  {Invalid, Words{"The passphrase is too short", "A new passphrase needs at least eight characters.", "Nothing was saved.", "Choose a longer one; several words are best.", "Try again"}},
	PassphraseFile:   {Invalid, Words{"The passphrase cannot be read", "The file named by LATCHKEY_PASSPHRASE_FILE cannot be read, or holds no passphrase.", "Nothing was signed and nothing was sent.", "Correct the setting or the file; the details name what is wrong.", "Try again"}},
	KeysCorrupt:      {Corrupt, Words{"The file with your keys is damaged", "The passphrase file opens no more: it is not in its form, or was changed by something else.", "It is left as it is. Sessions whose keys are in it cannot sign.", "Put a backup of the file back, or move it away and log in again; the details name it.", "Try again"}},

	StateCorrupt:   {Corrupt, Words{"The state file cannot be read", "The file with your sessions is damaged, and so is its older copy.", "Keys are still in their store, but Latchkey does not know which session they belong to.", "Log in again. The damaged file was set aside.", "Log in again"}},
	StateRecovered: {Corrupt, Words{"An older copy of the state is in use", "The newest state file was damaged or replaced by an older one.", "The copy kept beside it was used. The last change may be missing.", "Look whether your sessions are complete.", ""}},
	StateBusy:      {Unavailable, Words{"Another Latchkey is busy", "Another Latchkey process is changing the same profile.", "Nothing was changed here.", "Wait a moment, then try again.", "Try again"}},
	DiskFull:       {Unavailable, Words{"The disk is full", "There is no space left to save the change.", "The last good state is kept.", "Free some space, then try again.", "Try again"}},
	DiskReadOnly:   {Denied, Words{"The folder cannot be written", "Latchkey may not write in its own data folder.", "The last good state is kept.", "Give yourself the right to write there, then try again.", "Try again"}},
	DiskFailed:     {Unavailable, Words{"The disk failed", "Reading or writing Latchkey's data folder failed.", "The last good state is kept.", "Check the disk, then try again.", "Try again"}},
	StateReadable:  {Denied, Words{"The data folder is open to others", "Other users of this computer can read Latchkey's data folder.", "Latchkey does not use it like that.", "Make the folder private (mode 0700), then try again.", "Try again"}},
	StateTooNew:    {Conflict, Words{"A newer Latchkey was here", "The state file was written by a newer version.", "This version leaves it alone, so that nothing is lost.", "Start the newer version.", ""}},
	ProfileBad:     {Invalid, Words{"A setting is wrong", "The profile has a setting that cannot be used.", "Nothing was contacted.", "Correct the setting named in the details.", ""}},

	StampMalformed: {Invalid, Words{"The stamp cannot be read", "The stamp is not in the form that Turnkey uses.", "Nothing was accepted.", "Make the stamp again.", ""}},
	StampInvalid:   {Denied, Words{"The stamp does not match", "The signature in the stamp is not by that key over that body.", "Nothing was accepted.", "Stamp the exact bytes that are sent.", ""}},
	TokenMalformed: {Invalid, Words{"The session token cannot be read", "The service sent something that is not a session token.", "It was not believed. Nothing was stored.", "Log in again. If it comes back, check the service's address.", "Try again"}},
	TokenInvalid:   {Denied, Words{"The session token is not genuine", "The token is not signed by the key that this profile trusts.", "It was not believed. Nothing was stored.", "Check that the backend belongs to this profile.", "Try again"}},
	TokenForeign:   {Denied, Words{"The session token is for somebody else", "The token is genuine, but it names another key or organization.", "It was not believed. Nothing was stored.", "Log in again. If it comes back, check the backend.", "Try again"}},
	TokenExpired:   {Expired, Words{"The session token is over", "The token's time had passed when it arrived.", "It was not stored.", "Check this computer's clock, then log in again.", "Try again"}},
	BundleInvalid:  {Denied, Words{"The sealed message is not genuine", "The bundle is not signed by the key that this profile trusts, or it was changed on its way.", "Your code was not sent to anyone.", "Check that the backend belongs to this profile.", "Try again"}},

	ContactInvalid: {Invalid, Words{"That is not an e-mail address", "The address has no name, no @, or no domain.", "Nothing was sent.", "Correct the address.", ""}},
	PhoneInvalid:   {Invalid, Words{"That is not a phone number", "A number begins with a plus and the country's code, as +44 20 7946 0018.", "Nothing was sent.", "Correct the number and try again.", ""}},
	OTPWrong:       {Denied, Words{"The code did not match", "The code did not match.", "The newest message holds the right one.", "Use the newest message.", ""}},
	OTPExpired:     {Expired, Words{"The code is no longer valid", "The code's time is over, or a newer one was sent.", "It cannot log anyone in.", "Send a new code.", "Send a new code"}},
	OTPLocked:      {Denied, Words{"Too many wrong codes", "This code was guessed wrong too often and is now dead.", "It cannot log anyone in. Your address is not blocked.", "Send a new code.", "Send a new code"}},
	OTPLimited:     {Limited, Words{"Too many codes were asked for", "Too many codes were asked for in a short time.", "The address is not blocked.", "Wait, then ask again.", ""}},
	AttemptOver:    {NotFound, Words{"This log-in is over", "This log-in was finished, cancelled or replaced.", "Nothing changed.", "Start again.", "Start again"}},
	AccountUnknown: {NotFound, Words{"No wallet for this address", "Nobody has signed up with this address yet.", "Nothing was created.", "Sign up.", "Start again"}},
	WalletShared:   {Denied, Words{"Others may open this account", "Your wallet's key is in an account that something else opens too, or whose wallets are known outside: a session on another machine, another key, a contact, an export.", "Nothing was stored. Whoever made that account may hold its wallets too.", "If the other ways in are yours, log in again with --shared. Else use another wallet.", ""}},
	WalletFile:     {Invalid, Words{"The wallet's key file cannot be used", "It is not a key of Ethereum or Solana in a form that is known here, or others may read it.", "Nothing was sent.", "Correct what the details name, and try again.", ""}},
	MailWrong:      {Invalid, Words{"That is not the key of the message", "What was pasted is no key, or not whole, or it belongs to an earlier message.", "Nobody was logged in. The newest message still counts.", "Copy the whole key, or the link, from the newest message.", ""}},
	MailExpired:    {Expired, Words{"This link has expired", "The key in the message counts for 15 minutes, and once. This one counts no more.", "Nobody was logged in.", "Ask for another message.", "Send another message"}},
	WayClosed:      {Denied, Words{"This way in is not offered", "The backend of this profile does not allow log-ins this way.", "Nothing was sent.", "Log in another way.", ""}},
	LinkInvalid:    {Invalid, Words{"That is no link of Latchkey", "Latchkey follows links that read latchkey://mail?bundle= and then the key of a message. This one reads otherwise.", "Nothing was opened or sent.", "Open the link in the newest message, or copy it whole.", ""}},
	LinkUnasked:    {NotFound, Words{"Nobody waits for this link", "No log-in by e-mail that was begun on this computer belongs to the link: it ended, or a newer message was sent, or somebody else made the link.", "Nothing was taken from it. Nobody was logged in.", "Begin the log-in again, and open the link of the new message.", "Start again"}},
	LoginRefused:   {Denied, Words{"The log-in was refused", "The service checked the log-in and refused it.", "Nothing was stored.", "Send a new code and try again.", "Send a new code"}},
	SignUpRefused:  {Denied, Words{"The sign-up was refused", "The service checked the sign-up and refused it.", "Nothing was created.", "Send a new code and try again.", "Send a new code"}},
	GenerationMix:  {Invalid, Words{"Two kinds of log-in were mixed", "An encrypted and a plain step were used in one log-in.", "The service cannot join them.", "Start again.", "Start again"}},
	InboxEmpty:     {NotFound, Words{"No code in the inbox", "The sandbox's inbox holds no code for this address.", "The log-in goes on.", "Wait a moment and look again, or send a new code.", "Look again"}},

	CredentialUnknown: {NotFound, Words{"No such credential", "The account has no credential with this id.", "Nothing changed.", "Look at the list, and name one by its id.", "Show the list"}},
	CredentialLast:    {Denied, Words{"This is the last way in", "Without it nothing would log in to this account, and its wallets would be out of reach.", "Nothing changed.", "Add another way in first, then remove this one.", "Add a way in"}},
	CredentialHere:    {Denied, Words{"That is this device", "The session is one of this device's own.", "Nothing changed.", "Log out of it instead.", ""}},
	CredentialTaken:   {Conflict, Words{"It logs in to another account", "Whoever logs in by this arrives at another account, which has wallets of its own.", "Nothing changed in either.", "Remove it there first, or use another one.", ""}},
	CredentialHave:    {Conflict, Words{"It logs in already", "This account has this credential.", "Nothing changed.", "Use it to log in.", ""}},
	CredentialReplace: {Conflict, Words{"Another one is there", "An account has one e-mail address and one phone number. Another takes the place of the one before, which then logs in no more.", "Nothing changed.", "Say that it is to be replaced, or keep the one that is there (the details name it).", ""}},

	BrowserUnopened: {Unavailable, Words{"No browser was opened", "No program that opens web pages could be started here.", "The log-in waits. Nothing was lost.", "Copy the link and open it in a browser on this computer.", "Copy the link"}},
	BrowserLate:     {Expired, Words{"The log-in page is too old", "A round through the browser may take five minutes and counts once. This one is over.", "Nobody was logged in.", "Open a new page and go on from there.", "Open a new page"}},
	PortsTaken:      {Unavailable, Words{"The browser could not come back", "Latchkey listens on this computer for the browser to return. Every port that it may use there is taken by other programs.", "The browser was not opened.", "End the program that uses one of the ports (the details name them), or log in another way.", "Try again"}},
	PasteWrong:      {Invalid, Words{"That is not the address", "What was pasted is not where this log-in ended in the browser.", "Nothing was sent. The log-in still waits.", "Log in on the provider's page to the end, then copy the whole address of the page that could not be shown.", ""}},
	ProviderUnset:   {Invalid, Words{"This provider is not set up", "This profile has no client id for the provider.", "Nothing was opened.", "Add the provider's settings to the profile, or log in another way.", ""}},
	ProviderDown:    {Unavailable, Words{"The provider cannot be reached", "The provider of the log-in did not answer.", "Nobody was logged in, and nothing was lost.", "Check the network, then go on.", "Try again"}},
	WalletDenied:    {Denied, Words{"The wallet signed nothing", "The page was left without a signature.", "Nothing was stored.", "Open the page again if you want to go on, or log in another way.", "Open a new page"}},
	PasskeyDenied:   {Denied, Words{"No passkey was used", "The page was left without one.", "Nothing was stored.", "Open the page again if you want to go on, or log in another way.", "Open a new page"}},
	ProviderDenied:  {Denied, Words{"Nobody was logged in", "The provider's page was left without a log-in, or the provider refused it.", "Nothing was stored.", "Open the page again if you want to log in.", "Open a new page"}},
	ProviderRefused: {Denied, Words{"The provider refused this app", "The provider does not accept the client id, its secret or the address that the browser comes back to.", "Nobody was logged in.", "Compare the profile's settings with the provider's; the details say what it answered.", ""}},
	IdentityForeign: {Denied, Words{"The answer is not for this log-in", "What came back names another issuer, app or key, or is not signed by the provider.", "It was dropped, and sent to nobody.", "Start again. If it comes back, look whether the provider's settings are right.", "Open a new page"}},

	ProfileUnknown:  {NotFound, Words{"There is no such profile", "No profile has this name.", "Nothing was opened and nothing was contacted.", "See which there are with latchkey profile list; the details say who named it.", ""}},
	ProfileTaken:    {Conflict, Words{"The name is taken", "There is a profile of this name already.", "It is as it was.", "Choose another name, or remove that profile first.", ""}},
	ProfileInUse:    {Conflict, Words{"The profile has sessions", "Somebody is logged in by this profile, and its keys are in a key store.", "It is as it was.", "Log out of it first: latchkey logout --profile NAME.", ""}},
	SandboxOnly:     {Invalid, Words{"This profile has no sandbox", "Only the sandbox profile has an inbox of its own.", "Nothing changed.", "Read the code where it was sent.", ""}},
	ProfileShut:     {Unavailable, Words{"Latchkey is not open yet", "The profile is still being opened, or was closed.", "Nothing changed.", "Wait a moment, then try again.", "Try again"}},
	SessionNone:     {NotFound, Words{"Nobody is logged in", "There is no session in this profile.", "Requests cannot be stamped.", "Log in.", "Log in"}},
	LabelTaken:      {Conflict, Words{"Another session has this name", "A session of this profile is called so already.", "Nothing was changed.", "Choose another name, or rename the other session first.", ""}},
	SessionUnknown:  {NotFound, Words{"There is no such session", "No session of this profile has this label or id.", "Nothing was changed.", "Look at the list of sessions, then name one of them.", ""}},
	SessionExpired:  {Expired, Words{"The session ended", "The session's time is over.", "Wallets are safe. Requests cannot be stamped until you log in.", "Log in again.", "Log in again"}},
	LogOutUnwritten: {Unavailable, Words{"Logged out, and not written down", "The session's key is deleted here, and Turnkey was told if it could be reached. The disk would not take the note of it.", "Nothing can be stamped with that session any more. It may still be listed.", "Free space, or make the data folder writable again, then log out once more.", ""}},
	SessionRejected: {Expired, Words{"The session was ended elsewhere", "The service no longer knows this session's key.", "Wallets are safe. Requests cannot be stamped until you log in.", "Log in again.", "Log in again"}},

	BackendDown:    {Unavailable, Words{"The backend did not answer", "The backend could not be reached.", "Nothing was sent twice, and sessions stay as they are.", "Check the network, then try again.", "Try again"}},
	BackendRefused: {Denied, Words{"The backend refused", "The backend answered, and would not do this.", "Nothing changed.", "Check the profile's backend.", "Try again"}},
	BackendBusy:    {Limited, Words{"The backend is busy", "The backend asks everyone to wait.", "Nothing changed.", "Wait, then try again.", "Try again"}},
	BackendConfig:  {Invalid, Words{"The backend's settings cannot be used", "A setting of the backend is missing or wrong.", "Nothing was started and nothing was contacted.", "Correct the setting named in the details; latchkey backend check shows each and where it comes from. Without any: latchkey backend --sandbox.", ""}},
	BackendKey:     {Denied, Words{"Turnkey refuses the backend's key", "Turnkey does not know the API key as one of the parent organization.", "The backend has ended. Sessions and sub-organizations are not touched.", "Set the key of a user of that organization; latchkey backend check tries it. See the details for Turnkey's reason.", ""}},
	BackendState:   {Unavailable, Words{"The backend cannot count", "The backend cannot reach the place where it keeps its limits and log-ins.", "It serves nobody until it can. Sessions stay as they are.", "Wait a few seconds, then try again.", "Try again"}},
	APIDown:        {Unavailable, Words{"Turnkey did not answer", "Turnkey's API could not be reached.", "Sessions stay as they are. What is shown may be old.", "Check the network, then try again.", "Try again"}},
	APIRefused:     {Denied, Words{"Turnkey refused the request", "Turnkey answered, and would not do this.", "Nothing changed.", "See the details for its reason.", ""}},
	APILimited:     {Limited, Words{"Too many requests", "Turnkey asks to wait a few seconds.", "Nothing changed.", "Wait, then try again.", "Try again"}},
	RequestInvalid: {Invalid, Words{"The request is not well formed", "The service could not read what was asked.", "Nothing changed.", "Correct the request; the details name the part.", ""}},
	ClockWrong:     {Invalid, Words{"This computer's clock is wrong", "The service refuses the time that the request carries.", "Nothing changed.", "Set the clock, then try again.", "Try again"}},

	APIForeign:          {Denied, Words{"That is not Turnkey's API", "Something answers at the API's address, and not as Turnkey does.", "Nothing was sent to it but a question without a stamp.", "Correct the API's address.", ""}},
	BackendForeign:      {Denied, Words{"That is not a log-in backend", "Something answers at the backend's address, and has no route to log in by.", "No code was asked for.", "Correct the backend's address.", ""}},
	OrganizationUnknown: {NotFound, Words{"The organization is not known", "The API does not know an organization of this id.", "Nothing was changed.", "Copy the id of the parent organization that the backend logs into.", ""}},
	PinsForeign:         {Invalid, Words{"The pinned keys are not the API's", "The profile trusts other keys than those that sign at this address.", "Nothing that comes from there would be believed.", "Give the profile the keys of its API: production's for Turnkey itself, else those that the sandbox's ready line names.", ""}},

	ActivityPending:  {Pending, Words{"Others must approve", "The request was accepted, and waits for approval.", "It will be done when enough people have said yes.", "Ask the other approvers.", ""}},
	ActivityFailed:   {Denied, Words{"Turnkey could not do it", "The request was accepted, but it failed.", "Nothing changed.", "See the details for the reason.", ""}},
	ActivityRejected: {Denied, Words{"The request was rejected", "Somebody whose approval is needed said no.", "Nothing changed.", "Ask the person who rejected it.", ""}},
	ActivityLate:     {Unavailable, Words{"Turnkey is still working on it", "The request was accepted, but was not done in time.", "It may still be done.", "Look again in a moment.", "Look again"}},

	WalletUnknown: {NotFound, Words{"No such wallet", "No wallet of this organization has that name or id.", "Nothing changed.", "Find its name with latchkey wallets.", ""}},

	SignerUnknown:   {NotFound, Words{"There is no such account", "No one account of your wallets has this address or name.", "Nothing was signed and nothing was sent.", "Look at the accounts (latchkey wallets accounts); the details say what was looked for.", ""}},
	ApprovalNeeded:  {Denied, Words{"This needs your consent", "The request must be approved by a person, and nobody could be asked.", "Nothing was signed and nothing was sent.", "Do it from a terminal, where the summary is shown and asked about, or allow it by a rule: latchkey rules add.", ""}},
	ApprovalRefused: {Denied, Words{"You did not approve it", "The request was shown, and the answer was not yes.", "Nothing was signed and nothing was sent.", "Ask again if it was meant.", ""}},
	ApprovalLate:    {Denied, Words{"The answer came too late", "A request is approved within 60 seconds of being shown. After that an answer does not count.", "Nothing was signed and nothing was sent.", "Ask again, and answer in time.", "Try again"}},
	ApprovalUnclear: {Invalid, Words{"The request cannot be shown truthfully", "Its bytes can be understood in more than one way, or are not of the path they are sent to.", "Nothing was signed and nothing was sent.", "Correct the request; the details name the part.", ""}},
	RulesUnread:     {Corrupt, Words{"The approval rules cannot be read", "The file with your rules was changed, or was sealed under another key.", "No rule counts: what a rule allowed is asked for again.", "Unlock the key store that the rules were made with, or remove them (latchkey rules remove --all) and add them again.", ""}},
	RuleUnknown:     {NotFound, Words{"There is no such rule", "No approval rule has this id.", "Nothing changed.", "Look at the rules: latchkey rules.", ""}},
	RuleInvalid:     {Invalid, Words{"This cannot be a rule", "The rule is not complete, or would allow what is asked for each time.", "No rule was added.", "Correct the rule; the details name the part.", ""}},

	JournalFailed:   {Unavailable, Words{"The journal cannot be written", "Requests were stamped and sent, but the journal, which records them, could not be written.", "The requests themselves are not touched. Their records wait in memory and are lost when Latchkey ends first.", "Free some space on the disk and see that its folder can be written; the details say what failed.", ""}},
	JournalDamaged:  {Corrupt, Words{"The journal is not as it was written", "Entries of the journal were changed, removed, put in, or replaced by an older copy.", "Sessions and keys are not touched. What the journal says of those entries cannot be relied on.", "See what was found above, and ask who or what can write in the data folder.", ""}},
	JournalUnproven: {Unavailable, Words{"The journal cannot be proven whole", "Nothing in the journal contradicts itself, but not all of it could be compared with its sealed head.", "It may be as it was written; this cannot be shown now.", "Unlock the keychain and verify again. What was sealed under a lost key stays unproven.", ""}},

	SandboxFailed:  {Unavailable, Words{"A local server did not start", "The sandbox or the backend could not be started on this computer.", "Nothing was lost.", "Try again; the details name the reason.", "Try again"}},
	SandboxDamaged: {Corrupt, Words{"The sandbox's file is damaged", "The file with the sandbox's organizations cannot be read. It was set aside.", "The sandbox's wallets are out of reach. Nothing real was in them.", "Start again with an empty sandbox; the details name the file.", "Start again"}},
	SandboxBusy:    {Unavailable, Words{"Another Latchkey does not answer", "Another Latchkey process serves the sandbox, and is silent. It may be stopped or busy.", "Nothing changed here.", "End or continue the other one; the details name it. Then try again.", "Try again"}},
	Cancel:         {Cancelled, Words{"Cancelled", "You turned away.", "Nothing changed.", "Nothing to do.", ""}},
}
