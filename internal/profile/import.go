package profile

import "strings"

// Import takes address, organization and pinned keys from the text of an environment file, as `latchkey sandbox
// --env-file` writes it, where the draft has none. Other lines say nothing about a profile and are passed over; the
// parent's private key, which such a file may hold too, is not even looked at.
func (d Draft) Import(text string) Draft {
	places := map[string]*string{
		"TURNKEY_API_URL": &d.APIURL, "TURNKEY_ORGANIZATION_ID": &d.OrganizationID,
		"LATCHKEY_NOTARIZER_PUBLIC_KEY": &d.Pins.Notarizer, "LATCHKEY_TLS_FETCHER_PUBLIC_KEY": &d.Pins.TLSFetcher,
		"LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY": &d.Pins.TLSFetcherEncryption,
		"LATCHKEY_SIGNER_PUBLIC_KEY":                 &d.Pins.Signer, "LATCHKEY_LEGACY_TOKEN_PUBLIC_KEY": &d.Pins.LegacyToken,
	}
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if to := places[strings.TrimSpace(name)]; ok && to != nil && *to == "" {
			*to = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return d
}

// HoldsPrivateKey reports whether the text of an environment file names a private key with a value.
func HoldsPrivateKey(text string) bool {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(line, "=")
		if ok && strings.Contains(strings.ToUpper(name), "PRIVATE") && strings.TrimSpace(value) != "" {
			return true
		}
	}
	return false
}
