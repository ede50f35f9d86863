package transaction

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/btcutil/psbt"
	"github.com/btcsuite/btcd/chaincfg"
	"github.com/btcsuite/btcd/txscript"
	"github.com/btcsuite/btcd/wire"

	"latchkey/internal/sandbox/hd"
	"latchkey/internal/sandbox/policy"
)

// inputsMax bounds the inputs of a transaction, for the older kinds are hashed as often as there are inputs.
const inputsMax = 500

// bitcoin is a partially signed transaction, version 0 (BIP-174), with Taproot's fields (BIP-371).
type bitcoin struct {
	*psbt.Packet
	by     Signer
	spent  []*wire.TxOut // by the inputs, in their order
	mine   []int         // the inputs that belong to the signer
	params *chaincfg.Params
	told   *policy.BitcoinTransaction
}

// readBitcoin reads and checks every input, not the signer's alone. An input of a kind that is not signed here, or
// with fields that its kind must not have, spoils the whole transaction.
func readBitcoin(raw []byte, by Signer) (Transaction, error) {
	r := bytes.NewReader(raw)
	p, err := psbt.NewFromRawBytes(r, false)
	if err != nil {
		return nil, bad("bitcoin transaction: not a PSBT: %v", err)
	}
	var again bytes.Buffer
	if err := p.Serialize(&again); err != nil || r.Len() > 0 || again.Len() != len(raw) {
		return nil, bad("bitcoin transaction: a PSBT with bytes that do not belong to it")
	}
	for _, u := range p.Unknowns {
		if u.Key[0] == 0xfb && !bytes.Equal(u.Value, make([]byte, 4)) {
			return nil, bad("bitcoin transaction: a PSBT of another version than 0")
		}
	}
	t := &bitcoin{Packet: p, by: by, params: network(by.Formats)}
	if err := t.readInputs(); err != nil {
		return nil, err
	}
	if len(t.mine) == 0 {
		return nil, bad("bitcoin transaction: no input belongs to the signer")
	}
	return t, t.tell()
}

// network is that of the first address that is a Bitcoin address, and the main one without any.
func network(formats []string) *chaincfg.Params {
	for _, f := range formats {
		rest, _ := strings.CutPrefix(f, "ADDRESS_FORMAT_BITCOIN_")
		switch name, _, _ := strings.Cut(rest, "_"); name {
		case "MAINNET":
			return &chaincfg.MainNetParams
		case "TESTNET":
			return &chaincfg.TestNet3Params
		case "SIGNET":
			return &chaincfg.SigNetParams
		case "REGTEST":
			return &chaincfg.RegressionNetParams
		}
	}
	return &chaincfg.MainNetParams
}

func (t *bitcoin) readInputs() error {
	if len(t.Inputs) > inputsMax {
		return bad("bitcoin transaction: over %d inputs", inputsMax)
	}
	scripts, err := t.ownScripts()
	if err != nil {
		return err
	}
	seen := map[wire.OutPoint]bool{}
	for i := range t.Inputs {
		from := t.UnsignedTx.TxIn[i].PreviousOutPoint
		if seen[from] {
			return bad("bitcoin transaction: two inputs spend the same output")
		}
		seen[from] = true
		in := &t.Inputs[i]
		out, err := spentBy(in, from)
		if err != nil {
			return err
		}
		t.spent = append(t.spent, out)
		if in.FinalScriptSig != nil || in.FinalScriptWitness != nil {
			continue // another signer's, and ready
		}
		if err := checkInput(in, out); err != nil {
			return err
		}
		if t.belongs(in, out, scripts) {
			t.mine = append(t.mine, i)
		}
	}
	return nil
}

// spentBy returns the output that an input spends, from what the PSBT says of it. If it is told twice, both must
// agree: SegWit inputs used to be refused with the whole former transaction, and are now refused without, so both are
// taken.
func spentBy(in *psbt.PInput, from wire.OutPoint) (*wire.TxOut, error) {
	out := in.WitnessUtxo
	if in.NonWitnessUtxo != nil {
		if in.NonWitnessUtxo.TxHash() != from.Hash || int64(from.Index) >= int64(len(in.NonWitnessUtxo.TxOut)) {
			return nil, bad("bitcoin transaction: non_witness_utxo is not what the input spends")
		}
		whole := in.NonWitnessUtxo.TxOut[from.Index]
		if out != nil && (out.Value != whole.Value || !bytes.Equal(out.PkScript, whole.PkScript)) {
			return nil, bad("bitcoin transaction: witness_utxo is not the output of non_witness_utxo")
		}
		out = whole
	}
	if out == nil {
		return nil, bad("bitcoin transaction: an input without witness_utxo and non_witness_utxo")
	}
	if out.Value < 0 || out.Value > btcutil.MaxSatoshi {
		return nil, bad("bitcoin transaction: an amount that cannot be")
	}
	return out, nil
}

// checkInput makes sure that an input of each kind has what it needs and nothing that makes it another kind.
func checkInput(in *psbt.PInput, out *wire.TxOut) error {
	class := txscript.GetScriptClass(out.PkScript)
	wanted := txscript.SigHashAll
	witness := true
	switch class {
	case txscript.PubKeyHashTy, txscript.ScriptHashTy:
		witness = false
	case txscript.WitnessV0PubKeyHashTy, txscript.WitnessV0ScriptHashTy:
	case txscript.WitnessV1TaprootTy:
		wanted = txscript.SigHashDefault
		if len(in.TaprootLeafScript) > 0 || len(in.TaprootScriptSpendSig) > 0 || in.TaprootMerkleRoot != nil {
			return bad("bitcoin transaction: spending a taproot output by a script is not supported")
		}
	default:
		return bad("bitcoin transaction: an input of a kind that is not supported")
	}
	if in.SighashType != 0 && in.SighashType != wanted {
		return bad("bitcoin transaction: a sighash type that is not the usual one")
	}
	if !witness && (in.NonWitnessUtxo == nil || in.WitnessUtxo != nil) {
		return bad("bitcoin transaction: an input before SegWit needs non_witness_utxo and must not have witness_utxo")
	}
	if witness && in.WitnessUtxo == nil {
		return bad("bitcoin transaction: a SegWit input needs witness_utxo")
	}
	if class == txscript.ScriptHashTy {
		if !bytes.Equal(out.PkScript, payToScriptHash(in.RedeemScript)) {
			return bad("bitcoin transaction: a P2SH input needs its redeem_script")
		}
		if txscript.IsWitnessProgram(in.RedeemScript) {
			return bad("bitcoin transaction: SegWit wrapped in P2SH is not supported")
		}
	} else if in.RedeemScript != nil {
		return bad("bitcoin transaction: a redeem_script where none belongs")
	}
	if class == txscript.WitnessV0ScriptHashTy {
		if !bytes.Equal(out.PkScript, payToWitnessScriptHash(in.WitnessScript)) {
			return bad("bitcoin transaction: a P2WSH input needs its witness_script")
		}
	} else if in.WitnessScript != nil {
		return bad("bitcoin transaction: a witness_script where none belongs")
	}
	return nil
}

// ownScripts are the locking scripts of the signer's addresses, by kind: of one address when the signer is an account,
// of every kind when it is a key that stands for none.
func (t *bitcoin) ownScripts() (map[string][]byte, error) {
	pub := t.by.Key.Public
	hash := btcutil.Hash160(pub)
	output, err := hd.TaprootOutput(pub)
	if err != nil {
		return nil, bad("%s", reason(err))
	}
	plain := slices.Concat([]byte{txscript.OP_DUP, txscript.OP_HASH160, 20}, hash, []byte{txscript.OP_EQUALVERIFY, txscript.OP_CHECKSIG})
	all := map[string][]byte{
		"P2PKH":  plain,
		"P2SH":   payToScriptHash(plain), // as hd spells the address
		"P2WPKH": append([]byte{txscript.OP_0, 20}, hash...),
		"P2TR":   append([]byte{txscript.OP_1, 32}, output...),
	}
	if len(t.by.Formats) != 1 {
		return all, nil
	}
	format := t.by.Formats[0]
	if format == "ADDRESS_FORMAT_COMPRESSED" || format == "ADDRESS_FORMAT_UNCOMPRESSED" {
		return all, nil
	}
	kind := format[strings.LastIndexByte(format, '_')+1:]
	script, known := all[kind]
	if !known || !strings.HasPrefix(format, "ADDRESS_FORMAT_BITCOIN_") {
		return nil, bad("bitcoin transaction: the signer's address is not a bitcoin address")
	}
	return map[string][]byte{kind: script}, nil
}

// belongs reports whether the signer is to sign an input: it spends an output of the signer's own address, or one
// whose script names the signer's key or its hash. An account that signs with Schnorr takes no part in scripts.
func (t *bitcoin) belongs(in *psbt.PInput, out *wire.TxOut, scripts map[string][]byte) bool {
	for _, own := range scripts {
		if bytes.Equal(own, out.PkScript) {
			return true
		}
	}
	if _, taproot := scripts["P2TR"]; taproot && len(scripts) == 1 {
		return false
	}
	script := in.RedeemScript
	if in.WitnessScript != nil {
		script = in.WitnessScript
	}
	hash := btcutil.Hash160(t.by.Key.Public)
	for pushes := txscript.MakeScriptTokenizer(0, script); pushes.Next(); {
		if bytes.Equal(pushes.Data(), t.by.Key.Public) || bytes.Equal(pushes.Data(), hash) {
			return true
		}
	}
	return false
}

func payToScriptHash(script []byte) []byte {
	return slices.Concat([]byte{txscript.OP_HASH160, 20}, btcutil.Hash160(script), []byte{txscript.OP_EQUAL})
}

// tell fills what policies see. Every output must have an address.
func (t *bitcoin) tell() error {
	tx := t.UnsignedTx
	told := &policy.BitcoinTransaction{Version: strconv.Itoa(int(tx.Version))}
	told.Locktime.Amount, told.Locktime.Type = number(uint64(tx.LockTime)), "Blocks"
	if tx.LockTime >= txscript.LockTimeThreshold {
		told.Locktime.Type = "Seconds"
	}
	var fee int64 // at most inputsMax times all the money there is
	for i, in := range tx.TxIn {
		fee += t.spent[i].Value
		told.Inputs = append(told.Inputs, policy.BitcoinTxInput{
			TxID: in.PreviousOutPoint.Hash.String(), Vout: number(uint64(in.PreviousOutPoint.Index)), Sequence: number(uint64(in.Sequence)),
		})
	}
	for _, out := range tx.TxOut {
		if out.Value < 0 || out.Value > btcutil.MaxSatoshi {
			return bad("bitcoin transaction: an amount that cannot be")
		}
		if fee -= out.Value; fee < 0 {
			return bad("bitcoin transaction: it spends more than it has")
		}
		kind, address := t.addressOf(out.PkScript)
		if address == "" {
			return bad("failed to extract bitcoin address from script with error: UnrecognizedScript")
		}
		told.Outputs = append(told.Outputs, policy.BitcoinTxOutput{
			Value: number(uint64(out.Value)), ScriptPubkey: hex.EncodeToString(out.PkScript), Address: address, AddressType: kind,
		})
	}
	told.Fee = number(uint64(fee))
	t.told = told
	return nil
}

// addressOf spells the address that a script pays to, if it is of a kind that has one. Witness versions above 1 have
// addresses too, but nobody knows yet what they mean.
func (t *bitcoin) addressOf(script []byte) (kind, address string) {
	class, addresses, _, err := txscript.ExtractPkScriptAddrs(script, t.params)
	if err != nil || len(addresses) != 1 {
		return "", ""
	}
	switch class {
	case txscript.PubKeyHashTy:
		kind = "P2PKH"
	case txscript.ScriptHashTy:
		kind = "P2SH"
	case txscript.WitnessV0PubKeyHashTy:
		kind = "P2WPKH"
	case txscript.WitnessV0ScriptHashTy:
		kind = "P2WSH"
	case txscript.WitnessV1TaprootTy:
		kind = "P2TR"
	default:
		return "", ""
	}
	return kind, addresses[0].EncodeAddress()
}

func (t *bitcoin) Tell(c *policy.Context) { c.Bitcoin.Tx = t.told }
