package sandbox

import (
	"errors"

	"latchkey/internal/sandbox/policy"
	"latchkey/internal/sandbox/transaction"
)

// unsigned is a transaction to be signed.
type unsigned struct {
	UnsignedTransaction string `json:"unsignedTransaction" need:"text"`
	Type                string `json:"type" need:"text"`

	by     signer
	values map[string]any // what policies see of it
	signed string
}

// signTransaction signs a transaction with an account or a private key.
type signTransaction struct {
	SignWith string `json:"signWith" need:"text"`
	unsigned
}

// signTransactionByKey is the first version, which knows private keys alone.
type signTransactionByKey struct {
	PrivateKeyID string `json:"privateKeyId" need:"text"`
	unsigned
}

func (in *signTransaction) prepare(c *call) error { return in.sign(c, named{signWith: in.SignWith}) }

func (in *signTransactionByKey) prepare(c *call) error {
	return in.sign(c, named{privateKeyID: in.PrivateKeyID})
}

// sign reads the transaction, notes what it does, and signs it.
func (in *unsigned) sign(c *call, name named) (err error) {
	if in.by, err = c.look(name); err != nil {
		return err
	}
	key, err := in.by.key()
	if err != nil {
		return err
	}
	tx, err := transaction.Parse(in.Type, in.UnsignedTransaction, transaction.Signer{Key: key, Formats: in.by.formats()})
	if err != nil {
		return refusedTransaction(err)
	}
	var told policy.Context
	tx.Tell(&told)
	in.values = keywords(&told)
	in.signed, err = tx.Sign()
	return refusedTransaction(err)
}

// refusedTransaction passes on why a transaction is not signed.
func refusedTransaction(err error) error {
	e, ok := errors.AsType[*transaction.Error](err)
	if !ok {
		return err
	}
	return badTransaction(string(e.Code), e.Text)
}

func (in *unsigned) run(t *tx) (any, error) {
	return struct {
		SignedTransaction string `json:"signedTransaction"`
	}{in.signed}, in.by.still(t)
}

func (in *unsigned) matter(*call) matter {
	m := in.by.matter()
	m.values = in.values
	return m
}

// matter tells the type too, which the first version does not tell.
func (in *signTransaction) matter(c *call) matter {
	m := in.unsigned.matter(c)
	m.params = map[string]any{"type": in.Type}
	return m
}
