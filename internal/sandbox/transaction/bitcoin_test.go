package transaction

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/btcutil/psbt"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"

	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
)

// spend is an input of a PSBT under construction: the output that it spends, and what the PSBT says of it.
type spend struct {
	script        []byte
	value         int64
	whole, output bool // non_witness_utxo, witness_utxo
	change        func(*psbt.PInput)
}

// partial builds a PSBT that spends those, and pays 1000 to each script of to.
func partial(t testing.TB, spends []spend, to ...[]byte) *psbt.Packet {
	t.Helper()
	tx := wire.NewMsgTx(2)
	var before []*wire.MsgTx
	for i, s := range spends {
		last := wire.NewMsgTx(1)
		last.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.HashH([]byte{byte(i)})}, nil, nil))
		last.AddTxOut(wire.NewTxOut(7, []byte{txscript.OP_TRUE}))
		last.AddTxOut(wire.NewTxOut(s.value, s.script))
		before = append(before, last)
		tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: last.TxHash(), Index: 1}, nil, nil))
	}
	for _, script := range to {
		tx.AddTxOut(wire.NewTxOut(1000, script))
	}
	p, err := psbt.NewFromUnsignedTx(tx)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range spends {
		if s.whole {
			p.Inputs[i].NonWitnessUtxo = before[i]
		}
		if s.output {
			p.Inputs[i].WitnessUtxo = before[i].TxOut[1]
		}
		if s.change != nil {
			s.change(&p.Inputs[i])
		}
	}
	return p
}

func spell(t testing.TB, p *psbt.Packet) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b.Bytes())
}

func own(t testing.TB, kind string) (script []byte, pub []byte) {
	t.Helper()
	by := signer(t, "BITCOIN_MAINNET_P2PKH", "m/44'/0'/0'/0/0")
	scripts, err := (&bitcoin{by: Signer{Key: by.Key}}).ownScripts()
	if err != nil {
		t.Fatal(err)
	}
	return scripts[kind], by.Key.Public
}

// by is the key of own, under one address or under none.
func by(t testing.TB, formats ...string) Signer {
	s := signer(t, "BITCOIN_MAINNET_P2PKH", "m/44'/0'/0'/0/0")
	s.Formats = nil
	for _, f := range formats {
		s.Formats = append(s.Formats, "ADDRESS_FORMAT_"+f)
	}
	return s
}

// Every kind of input, signed and finalised, is accepted by btcd's script engine under the rules of the network.
func TestSignedInputsSpendTheirOutputs(t *testing.T) {
	plain, pub := own(t, "P2PKH")
	hash, _ := own(t, "P2WPKH")
	output, _ := own(t, "P2TR")
	other := signer(t, "BITCOIN_MAINNET_P2WPKH", "m/84'/0'/0'/0/0").Key.Public
	multi, err := txscript.NewScriptBuilder().AddOp(txscript.OP_1).AddData(other).AddData(pub).AddOp(txscript.OP_2).AddOp(txscript.OP_CHECKMULTISIG).Script()
	if err != nil {
		t.Fatal(err)
	}
	redeem := func(script []byte) func(*psbt.PInput) { return func(in *psbt.PInput) { in.RedeemScript = script } }
	witness := func(script []byte) func(*psbt.PInput) { return func(in *psbt.PInput) { in.WitnessScript = script } }
	for name, c := range map[string]struct {
		spends []spend
		by     Signer
	}{
		"P2PKH":                    {[]spend{{plain, 5000, true, false, nil}}, by(t, "BITCOIN_MAINNET_P2PKH")},
		"P2SH of the address":      {[]spend{{payToScriptHash(plain), 5000, true, false, redeem(plain)}}, by(t, "BITCOIN_TESTNET_P2SH")},
		"P2SH of several keys":     {[]spend{{payToScriptHash(multi), 5000, true, false, redeem(multi)}}, by(t, "BITCOIN_MAINNET_P2PKH")},
		"P2WPKH":                   {[]spend{{hash, 5000, false, true, nil}}, by(t, "BITCOIN_REGTEST_P2WPKH")},
		"P2WPKH, told twice":       {[]spend{{hash, 5000, true, true, nil}}, by(t, "BITCOIN_SIGNET_P2WPKH")},
		"P2WSH":                    {[]spend{{payToWitnessScriptHash(multi), 5000, false, true, witness(multi)}}, by(t, "BITCOIN_MAINNET_P2WPKH")},
		"P2TR":                     {[]spend{{output, 5000, false, true, nil}}, by(t, "BITCOIN_MAINNET_P2TR")},
		"all, by a key of no kind": {[]spend{{plain, 1, true, false, nil}, {hash, 2, false, true, nil}, {output, 3000, true, true, nil}, {payToWitnessScriptHash(plain), 4, false, true, witness(plain)}}, by(t)},
	} {
		p := partial(t, c.spends, hash)
		tx, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, p), c.by)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := tx.Sign()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		raw, _ := hex.DecodeString(text)
		signed, err := psbt.NewFromRawBytes(bytes.NewReader(raw), false)
		if err != nil {
			t.Fatal(err)
		}
		fetcher := txscript.NewMultiPrevOutFetcher(nil)
		for i, s := range c.spends {
			fetcher.AddPrevOut(signed.UnsignedTx.TxIn[i].PreviousOutPoint, wire.NewTxOut(s.value, s.script))
			finalise(t, &signed.Inputs[i], s.script, pub)
		}
		final, err := psbt.Extract(signed)
		if err != nil {
			t.Fatal(name, err)
		}
		for i, s := range c.spends {
			engine, err := txscript.NewEngine(s.script, final, i, txscript.StandardVerifyFlags, nil, txscript.NewTxSigHashes(final, fetcher), s.value, fetcher)
			if err != nil {
				t.Fatal(err)
			}
			if err := engine.Execute(); err != nil {
				t.Errorf("%s: input %d: %v", name, i, err)
			}
		}
	}
}

// finalise puts together what unlocks script from the one signature of an input.
func finalise(t *testing.T, in *psbt.PInput, script, pub []byte) {
	t.Helper()
	var stack [][]byte
	inner := in.RedeemScript
	if in.WitnessScript != nil {
		inner = in.WitnessScript
	}
	switch {
	case in.TaprootKeySpendSig != nil:
		stack = [][]byte{in.TaprootKeySpendSig}
	case len(in.PartialSigs) != 1 || !bytes.Equal(in.PartialSigs[0].PubKey, pub):
		t.Fatalf("%d signatures of %x", len(in.PartialSigs), script)
	case txscript.GetScriptClass(inner) == txscript.MultiSigTy:
		stack = [][]byte{nil, in.PartialSigs[0].Signature}
	default:
		stack = [][]byte{in.PartialSigs[0].Signature, pub}
	}
	if inner != nil {
		stack = append(stack, inner)
	}
	var b bytes.Buffer
	if in.WitnessUtxo != nil {
		if err := psbt.WriteTxWitness(&b, stack); err != nil {
			t.Fatal(err)
		}
		in.FinalScriptWitness = b.Bytes()
	} else {
		push := txscript.NewScriptBuilder()
		for _, item := range stack {
			push.AddData(item)
		}
		in.FinalScriptSig, _ = push.Script()
	}
}

func TestOnlyInputsOfTheSignerAreSigned(t *testing.T) {
	plain, pub := own(t, "P2PKH")
	hash, _ := own(t, "P2WPKH")
	foreign := append([]byte{txscript.OP_0, 20}, btcutil.Hash160([]byte("x"))...)
	p := partial(t, []spend{{foreign, 5000, false, true, nil}, {hash, 6000, false, true, nil}, {plain, 7000, true, false, nil}}, plain)
	tx, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, p), by(t, "BITCOIN_MAINNET_P2WPKH"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := tx.Sign()
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := hex.DecodeString(text)
	signed, err := psbt.NewFromRawBytes(bytes.NewReader(raw), false)
	if err != nil {
		t.Fatal(err)
	}
	if len(signed.Inputs[0].PartialSigs) != 0 || len(signed.Inputs[1].PartialSigs) != 1 || len(signed.Inputs[2].PartialSigs) != 0 || !bytes.Equal(signed.Inputs[1].PartialSigs[0].PubKey, pub) {
		t.Errorf("%+v", signed.Inputs)
	}
	again, err := Parse("TRANSACTION_TYPE_BITCOIN", text, by(t, "BITCOIN_MAINNET_P2WPKH"))
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := again.Sign(); err != nil || twice != text {
		t.Errorf("signed twice: %s, %v", twice, err)
	}
}

func TestBitcoinIsTold(t *testing.T) {
	hash, _ := own(t, "P2WPKH")
	plain, _ := own(t, "P2PKH")
	output, _ := own(t, "P2TR")
	p := partial(t, []spend{{hash, 6000, false, true, nil}}, plain, payToScriptHash(plain), hash, payToWitnessScriptHash(plain), output)
	p.UnsignedTx.LockTime = 500
	tell := func(s Signer) *policy.BitcoinTransaction {
		tx, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, p), s)
		if err != nil {
			t.Fatal(err)
		}
		var c policy.Context
		tx.Tell(&c)
		return c.Bitcoin.Tx
	}
	got := tell(by(t, "BITCOIN_MAINNET_P2WPKH"))
	if got.Version != "2" || got.Fee.Int64() != 1000 || got.Locktime.Type != "Blocks" || got.Locktime.Amount.Int64() != 500 ||
		got.Inputs[0].TxID != p.UnsignedTx.TxIn[0].PreviousOutPoint.Hash.String() || got.Inputs[0].Vout.Int64() != 1 || got.Inputs[0].Sequence.Int64() != 0xffffffff {
		t.Errorf("%+v", got)
	}
	var kinds []string
	for _, o := range got.Outputs {
		kinds = append(kinds, o.AddressType)
		if o.Value.Int64() != 1000 || o.Address == "" {
			t.Errorf("%+v", o)
		}
	}
	if !slices.Equal(kinds, []string{"P2PKH", "P2SH", "P2WPKH", "P2WSH", "P2TR"}) || got.Outputs[0].Address != "1LqBGSKuX5yYUonjxT5qGfpUsXKYYWeabA" ||
		got.Outputs[1].Address != "3Hggo5JYqytA5k5As5XuADi6TYGQmMZrND" || got.Outputs[2].ScriptPubkey != hex.EncodeToString(hash) {
		t.Errorf("%+v", got.Outputs)
	}
	p.UnsignedTx.LockTime = 1_700_000_000
	if got := tell(by(t, "BITCOIN_TESTNET_P2WPKH")); got.Locktime.Type != "Seconds" || !strings.HasPrefix(got.Outputs[2].Address, "tb1q") || got.Outputs[0].Address[0] != 'n' {
		t.Errorf("%+v", got)
	}
	if got := tell(by(t, "BITCOIN_REGTEST_P2WPKH")); !strings.HasPrefix(got.Outputs[4].Address, "bcrt1p") {
		t.Errorf("%+v", got.Outputs)
	}
}

func TestBadBitcoinTransactions(t *testing.T) {
	plain, pub := own(t, "P2PKH")
	hash, _ := own(t, "P2WPKH")
	output, _ := own(t, "P2TR")
	x, err := hd.TaprootOutput(pub)
	if err != nil {
		t.Fatal(err)
	}
	set := func(f func(*psbt.PInput)) func(*psbt.PInput) { return f }
	for name, c := range map[string]struct {
		s    spend
		to   []byte
		text string
	}{
		"P2PKH with witness_utxo":          {s: spend{plain, 5000, true, true, nil}},
		"P2PKH without non_witness_utxo":   {s: spend{plain, 5000, false, true, nil}},
		"no utxo":                          {s: spend{hash, 5000, false, false, nil}},
		"P2WPKH without witness_utxo":      {s: spend{hash, 5000, true, false, nil}},
		"utxo of another transaction":      {s: spend{plain, 5000, true, false, set(func(in *psbt.PInput) { in.NonWitnessUtxo.LockTime++ })}},
		"another amount":                   {s: spend{hash, 5000, true, true, set(func(in *psbt.PInput) { in.WitnessUtxo = wire.NewTxOut(6000, hash) })}},
		"another script":                   {s: spend{hash, 5000, true, true, set(func(in *psbt.PInput) { in.WitnessUtxo = wire.NewTxOut(5000, output) })}},
		"P2SH without redeem_script":       {s: spend{payToScriptHash(plain), 5000, true, false, nil}},
		"P2SH with another redeem_script":  {s: spend{payToScriptHash(plain), 5000, true, false, set(func(in *psbt.PInput) { in.RedeemScript = hash })}},
		"wrapped SegWit":                   {s: spend{payToScriptHash(hash), 5000, true, false, set(func(in *psbt.PInput) { in.RedeemScript = hash })}, text: "wrapped"},
		"P2WSH without witness_script":     {s: spend{payToWitnessScriptHash(plain), 5000, false, true, nil}},
		"witness_script where none may be": {s: spend{hash, 5000, false, true, set(func(in *psbt.PInput) { in.WitnessScript = plain })}},
		"redeem_script where none may be":  {s: spend{hash, 5000, false, true, set(func(in *psbt.PInput) { in.RedeemScript = plain })}},
		"taproot with a merkle root":       {s: spend{output, 5000, false, true, set(func(in *psbt.PInput) { in.TaprootMerkleRoot = x })}, text: "script"},
		"taproot with SIGHASH_ALL":         {s: spend{output, 5000, false, true, set(func(in *psbt.PInput) { in.SighashType = txscript.SigHashAll })}, text: "sighash"},
		"SIGHASH_SINGLE":                   {s: spend{hash, 5000, false, true, set(func(in *psbt.PInput) { in.SighashType = txscript.SigHashSingle })}, text: "sighash"},
		"a bare key":                       {s: spend{append(append([]byte{33}, pub...), txscript.OP_CHECKSIG), 5000, true, false, nil}, text: "not supported"},
		"somebody else's":                  {s: spend{append([]byte{txscript.OP_0, 20}, btcutil.Hash160(x)...), 5000, false, true, nil}, text: "no input belongs"},
		"more out than in":                 {s: spend{hash, 999, false, true, nil}, text: "more than it has"},
		"money that cannot be":             {s: spend{hash, btcutil.MaxSatoshi + 1, false, true, nil}, text: "amount"},
		"negative money":                   {s: spend{hash, -1, false, true, nil}, text: "amount"},
		"OP_RETURN":                        {s: spend{hash, 5000, false, true, nil}, to: []byte{txscript.OP_RETURN, 1, 7}, text: "failed to extract bitcoin address from script with error: UnrecognizedScript"},
		"an output to a bare key":          {s: spend{hash, 5000, false, true, nil}, to: append(append([]byte{33}, pub...), txscript.OP_CHECKSIG), text: "UnrecognizedScript"},
	} {
		if c.to == nil {
			c.to = hash
		}
		_, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, partial(t, []spend{c.s}, c.to)), by(t))
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != Invalid || !strings.Contains(e.Text, c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := spend{hash, 5000, false, true, nil}
	p := partial(t, []spend{good}, hash)
	p.Unknowns = []*psbt.Unknown{{Key: []byte{0xfb}, Value: []byte{2, 0, 0, 0}}}
	if _, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, p), by(t)); err == nil {
		t.Error("version 2 is taken")
	}
	p = partial(t, []spend{good}, hash)
	p.UnsignedTx.AddTxIn(p.UnsignedTx.TxIn[0])
	p.Inputs = append(p.Inputs, p.Inputs[0])
	if _, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, p), by(t)); err == nil {
		t.Error("the same output is spent twice")
	}
	if _, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, partial(t, []spend{good}, hash)), by(t, "ETHEREUM")); err == nil {
		t.Error("an Ethereum address signs for Bitcoin")
	}
	many := make([]spend, inputsMax+1)
	for i := range many {
		many[i] = good
	}
	if _, err := Parse("TRANSACTION_TYPE_BITCOIN", spell(t, partial(t, many, hash)), by(t)); err == nil {
		t.Error("too many inputs are taken")
	}
}
