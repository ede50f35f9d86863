package sandbox

import (
	"github.com/google/uuid"

	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
	"latchkey/internal/sandbox/transaction"
)

// rawPayload is one payload to be signed.
type rawPayload struct {
	Payload      *string `json:"payload" need:"yes"`
	Encoding     string  `json:"encoding" need:"text"`
	HashFunction string  `json:"hashFunction" need:"text"`

	by   signer
	made []signature
}

// signRawPayload signs one payload with an account or a private key.
type signRawPayload struct {
	SignWith string `json:"signWith" need:"text"`
	rawPayload
}

// signRawPayloadByKey is the first version, which knows private keys alone.
type signRawPayloadByKey struct {
	PrivateKeyID string `json:"privateKeyId" need:"text"`
	rawPayload
}

// signRawPayloads signs several with the same account or private key.
type signRawPayloads struct {
	SignWith     string   `json:"signWith" need:"text"`
	Payloads     []string `json:"payloads" need:"yes"`
	Encoding     string   `json:"encoding" need:"text"`
	HashFunction string   `json:"hashFunction" need:"text"`

	by   signer
	made []signature
}

// signature is a raw signature: r and s of 64 hex characters, v of two.
type signature struct {
	R string `json:"r"`
	S string `json:"s"`
	V string `json:"v"`
}

const payloadsMax = 1000 // of one request, so that one request cannot keep a processor for long

func (in *signRawPayload) prepare(c *call) error { return in.sign(c, named{signWith: in.SignWith}) }

func (in *signRawPayloadByKey) prepare(c *call) error {
	return in.sign(c, named{privateKeyID: in.PrivateKeyID})
}

func (in *rawPayload) sign(c *call, name named) (err error) {
	if in.by, err = c.look(name); err != nil {
		return err
	}
	in.made, err = in.by.signAll([]string{*in.Payload}, in.Encoding, in.HashFunction)
	return err
}

func (in *rawPayload) run(t *tx) (any, error) { return in.made[0], in.by.still(t) }

func (in *rawPayload) matter(*call) matter {
	m := in.by.matter()
	m.params = map[string]any{"encoding": in.Encoding, "hash_function": in.HashFunction}
	var told policy.Context
	if err := transaction.TellPayload(&told, *in.Payload, in.Encoding); err == nil {
		m.values = keywords(&told)
	}
	return m
}

func (in *signRawPayloads) prepare(c *call) (err error) {
	if len(in.Payloads) == 0 || len(in.Payloads) > payloadsMax {
		return invalid("invalid number of payloads: want 1 to %d", payloadsMax)
	}
	if in.by, err = c.look(named{signWith: in.SignWith}); err != nil {
		return err
	}
	in.made, err = in.by.signAll(in.Payloads, in.Encoding, in.HashFunction)
	return err
}

func (in *signRawPayloads) run(t *tx) (any, error) {
	return struct {
		Signatures []signature `json:"signatures"`
	}{in.made}, in.by.still(t)
}

// matter tells no typed data: a policy that saw one of several messages would miss the others.
func (in *signRawPayloads) matter(*call) matter {
	m := in.by.matter()
	m.params = map[string]any{"encoding": in.Encoding, "hash_function": in.HashFunction}
	return m
}

// named is how a request names what signs: by an address or a private key's id, or, in first versions, by the id alone.
type named struct{ signWith, privateKeyID string }

// signer is what signs: an account, or a private key that goes by an id or an address.
type signer struct {
	named
	account *account
	private *privateKey
	format  string // of the private key's address; "" when it goes by its id
}

// look finds the organization's signer of that name.
func (c *call) look(n named) (by signer, err error) {
	c.state.reading(func() { by, err = c.signer(n) })
	return by, err
}

// signer is look for callers that hold the lock.
func (c *call) signer(n named) (signer, error) {
	by := signer{named: n}
	if n.privateKeyID != "" {
		var err error
		by.private, err = c.findPrivateKey(n.privateKeyID)
		return by, err
	}
	if by.account = c.state.account(c.org, n.signWith); by.account != nil {
		return by, nil
	}
	if by.private, by.format = c.org.privateKeyFor(n.signWith); by.private != nil {
		return by, nil
	}
	return by, notFound("could not find any resource to sign with", "signWith", n.signWith)
}

// still makes sure that nothing changed since the signer was found: what was signed meanwhile is given out only then.
func (s signer) still(t *tx) error {
	now, err := t.signer(s.named)
	if err == nil && now.id() != s.id() {
		err = notFound("could not find any resource to sign with", "signWith", s.signWith)
	}
	return err
}

func (s signer) id() uuid.UUID {
	if s.account != nil {
		return s.account.id
	}
	return s.private.id
}

func (s signer) key() (hd.Key, error) {
	if s.account != nil {
		return hd.Derive(s.account.wallet.seed, s.account.curve, s.account.path)
	}
	return s.private.signing()
}

// formats are those of the addresses that the signer stands for.
func (s signer) formats() []string {
	switch {
	case s.account != nil:
		return []string{s.account.format}
	case s.format != "":
		return []string{s.format}
	}
	all := make([]string, len(s.private.addresses))
	for i, a := range s.private.addresses {
		all[i] = a.Format
	}
	return all
}

// signAll signs every payload as the signer's address has it; a key that goes by its id signs as one without address.
func (s signer) signAll(payloads []string, encoding, hashFunction string) ([]signature, error) {
	key, err := s.key()
	if err != nil {
		return nil, err // it was derived before, so this is no fault of the request
	}
	format := s.format
	if s.account != nil {
		format = s.account.format
	}
	made := make([]signature, len(payloads))
	for i, payload := range payloads {
		if made[i].R, made[i].S, made[i].V, err = hd.SignRawPayload(key, format, payload, encoding, hashFunction); err != nil {
			return nil, refusedByEngine(err)
		}
	}
	return made, nil
}

// matter is what policies see of a signer.
func (s signer) matter() matter {
	if s.account != nil {
		return matter{wallet: s.account.wallet, account: s.account}
	}
	return matter{key: s.private}
}

// keywords are the names by which policies find what was told.
func keywords(told *policy.Context) map[string]any {
	values := map[string]any{}
	if told.Eth.Tx != nil {
		values["eth.tx"] = told.Eth.Tx
	}
	if told.Eth.EIP712 != nil {
		values["eth.eip_712"] = told.Eth.EIP712
	}
	if told.Eth.Authorization != nil {
		values["eth.eip_7702_authorization"] = told.Eth.Authorization
	}
	if told.Solana.Tx != nil {
		values["solana.tx"] = told.Solana.Tx
	}
	if told.Tron.Tx != nil {
		values["tron.tx"] = told.Tron.Tx
	}
	if told.Bitcoin.Tx != nil {
		values["bitcoin.tx"] = told.Bitcoin.Tx
	}
	if told.Tempo.Tx != nil {
		values["tempo.tx"] = told.Tempo.Tx
	}
	return values
}
