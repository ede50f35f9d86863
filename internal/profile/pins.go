package profile

// Pins are the public keys that a profile trusts, in hex. What is not signed by them is not believed.
type Pins struct {
	Notarizer            string // signs session tokens; uncompressed
	TLSFetcher           string // signs OTP target bundles and verification tokens; uncompressed
	TLSFetcherEncryption string // takes OAuth 2.0 client secrets; uncompressed
	Signer               string // signs export and import bundles; uncompressed
	LegacyToken          string // signs verification tokens of the older kind; compressed
}

// The keys of production, as Turnkey's own clients pin them. Spellings are those of the service: a bundle names its
// key as text, and the text is compared.
const (
	productionNotarizer            = "04d498aa87ac3bf982ac2b5dd9604d0074905cfbda5d62727c5a237b895e6749205e9f7cd566909c4387f6ca25c308445c60884b788560b785f4a96ac33702a469"
	productionTLSFetcher           = "046b4f88421f76b6ba418afc2ea1d8ced671337d7db6b80478a60d8531bf8f17fa9a512f0fef96fc0c9b4cd9dff70b34992e520ce04c79d931f6ff6296b547d201"
	productionTLSFetcherEncryption = "045e899f1fcf7d12b3c8fd997a7a43bb853dd4e8d63419a8f867c70aacc1c4cf9d04848baca41f0c85ffbbd23cbf78967501cd8eca9e4a6369370a9a38f70d13c0"
	productionSigner               = "04cf288fe433cc4e1aa0ce1632feac4ea26bf2f5a09dcfe5a42c398e06898710330f0572882f4dbdf0f5304b8fc8703acd69adca9a4bbf7f5d00d20a5e364b2569"
	productionLegacyToken          = "037e1d0aecd22e33bf831bcb905d31971013b83d2b3ebb718fba4e58fa5a93019d"
)

// ProductionPins returns the keys that a live profile trusts. A sandbox cannot sign with them, so a live profile
// refuses everything that a sandbox made.
func ProductionPins() Pins {
	return Pins{
		Notarizer:            productionNotarizer,
		TLSFetcher:           productionTLSFetcher,
		TLSFetcherEncryption: productionTLSFetcherEncryption,
		Signer:               productionSigner,
		LegacyToken:          productionLegacyToken,
	}
}

// byName lists the pins with the names that errors and settings use.
func (p Pins) byName() map[string]string {
	pins := map[string]string{}
	for name, at := range p.places() {
		pins[name] = *at
	}
	return pins
}

// places lists where each pin stands, by the same names.
func (p *Pins) places() map[string]*string {
	return map[string]*string{
		"notarizer": &p.Notarizer, "TLS fetcher": &p.TLSFetcher, "TLS fetcher encryption": &p.TLSFetcherEncryption,
		"signer": &p.Signer, "legacy token": &p.LegacyToken,
	}
}
