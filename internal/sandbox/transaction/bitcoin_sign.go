package transaction

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/btcsuite/btcd/btcutil/psbt"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"
	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"latchkey/internal/sandbox/hd"
)

func payToWitnessScriptHash(script []byte) []byte {
	sum := sha256.Sum256(script)
	return append([]byte{txscript.OP_0, 32}, sum[:]...)
}

// Sign puts a signature into every input that belongs to the signer, and finalises none: ECDSA over all inputs and
// outputs (SIGHASH_ALL) under the compressed key, or with Taproot the key's one signature (SIGHASH_DEFAULT).
// Sources: BIP-143, BIP-341, BIP-371.
func (t *bitcoin) Sign() (string, error) {
	spent := map[wire.OutPoint]*wire.TxOut{}
	for i, in := range t.UnsignedTx.TxIn {
		spent[in.PreviousOutPoint] = t.spent[i]
	}
	all := txscript.NewMultiPrevOutFetcher(spent)
	hashes := txscript.NewTxSigHashes(t.UnsignedTx, all)
	for _, i := range t.mine {
		if txscript.IsPayToTaproot(t.spent[i].PkScript) {
			digest, err := txscript.CalcTaprootSignatureHash(hashes, txscript.SigHashDefault, t.UnsignedTx, i, all)
			if err != nil {
				return "", bad("bitcoin transaction: %v", err)
			}
			r, s, err := hd.SignTaproot(t.by.Key, digest)
			if err != nil {
				return "", err
			}
			t.Inputs[i].TaprootKeySpendSig = append(r, s...)
			continue
		}
		digest, err := t.digest(i, hashes)
		if err != nil {
			return "", bad("bitcoin transaction: %v", err)
		}
		r, s, _, err := signECDSA(t.by.Key, digest)
		if err != nil {
			return "", err
		}
		t.Inputs[i].PartialSigs = withSignature(t.Inputs[i].PartialSigs, t.by.Key.Public, append(der(r, s), byte(txscript.SigHashAll)))
	}
	var out bytes.Buffer
	if err := t.Serialize(&out); err != nil {
		return "", err
	}
	return hex.EncodeToString(out.Bytes()), nil
}

// digest is what ECDSA signs for an input.
func (t *bitcoin) digest(i int, hashes *txscript.TxSigHashes) ([]byte, error) {
	in, out := t.Inputs[i], t.spent[i]
	switch {
	case in.WitnessScript != nil:
		return txscript.CalcWitnessSigHash(in.WitnessScript, hashes, txscript.SigHashAll, t.UnsignedTx, i, out.Value)
	case in.WitnessUtxo != nil:
		return txscript.CalcWitnessSigHash(out.PkScript, hashes, txscript.SigHashAll, t.UnsignedTx, i, out.Value)
	case in.RedeemScript != nil:
		return txscript.CalcSignatureHash(in.RedeemScript, txscript.SigHashAll, t.UnsignedTx, i)
	}
	return txscript.CalcSignatureHash(out.PkScript, txscript.SigHashAll, t.UnsignedTx, i)
}

// withSignature replaces the key's signature, or adds it.
func withSignature(all []*psbt.PartialSig, key, signature []byte) []*psbt.PartialSig {
	all = slices.DeleteFunc(all, func(s *psbt.PartialSig) bool { return bytes.Equal(s.PubKey, key) })
	return append(all, &psbt.PartialSig{PubKey: key, Signature: signature})
}

// der spells a signature as Bitcoin does.
func der(r, s []byte) []byte {
	var left, right secp256k1.ModNScalar
	left.SetByteSlice(r)
	right.SetByteSlice(s)
	return ecdsa.NewSignature(&left, &right).Serialize()
}
