package sandbox

import "latchkey/internal/sandbox/hd"

// signRawPayload signs one payload with an account.
type signRawPayload struct {
	SignWith     string  `json:"signWith" need:"text"`
	Payload      *string `json:"payload" need:"yes"`
	Encoding     string  `json:"encoding" need:"text"`
	HashFunction string  `json:"hashFunction" need:"text"`

	made []signature
}

// signRawPayloads signs several with the same account.
type signRawPayloads struct {
	SignWith     string   `json:"signWith" need:"text"`
	Payloads     []string `json:"payloads" need:"yes"`
	Encoding     string   `json:"encoding" need:"text"`
	HashFunction string   `json:"hashFunction" need:"text"`

	made []signature
}

// signature is a raw signature: r and s of 64 hex characters, v of two.
type signature struct {
	R string `json:"r"`
	S string `json:"s"`
	V string `json:"v"`
}

const payloadsMax = 1000 // of one request, so that one request cannot keep a processor for long

func (in *signRawPayload) prepare(c *call) (err error) {
	in.made, err = c.sign(in.SignWith, []string{*in.Payload}, in.Encoding, in.HashFunction)
	return err
}

func (in *signRawPayload) run(t *tx) (any, error) {
	_, err := t.signer(in.SignWith)
	return in.made[0], err
}

func (in *signRawPayloads) prepare(c *call) (err error) {
	in.made, err = c.sign(in.SignWith, in.Payloads, in.Encoding, in.HashFunction)
	return err
}

func (in *signRawPayloads) run(t *tx) (any, error) {
	_, err := t.signer(in.SignWith)
	return struct {
		Signatures []signature `json:"signatures"`
	}{in.made}, err
}

// sign makes the signatures, which are not given out before run has found that nothing changed meanwhile.
func (c *call) sign(signWith string, payloads []string, encoding, hashFunction string) ([]signature, error) {
	if len(payloads) == 0 || len(payloads) > payloadsMax {
		return nil, invalid("invalid number of payloads: want 1 to %d", payloadsMax)
	}
	var a *account
	var err error
	c.state.reading(func() { a, err = c.signer(signWith) })
	if err != nil {
		return nil, err
	}
	key, err := hd.Derive(a.wallet.seed, a.curve, a.path)
	if err != nil {
		return nil, err // it was derived before, so this is no fault of the request
	}
	made := make([]signature, len(payloads))
	for i, payload := range payloads {
		if made[i].R, made[i].S, made[i].V, err = hd.SignRawPayload(key, a.format, payload, encoding, hashFunction); err != nil {
			return nil, refusedByEngine(err)
		}
	}
	return made, nil
}

// signer returns the organization's account of that address. The caller holds the lock.
func (c *call) signer(address string) (*account, error) {
	if a := c.state.account(c.org, address); a != nil {
		return a, nil
	}
	return nil, notFound("could not find any resource to sign with", "signWith", address)
}
