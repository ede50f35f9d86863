package approve

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"latchkey/internal/chain"
)

// payload describes a signature over one payload. by is the member that names what signs.
func (s *Summary) payload(parameters object, by string) error {
	if err := only(parameters, by, "payload", "encoding", "hashFunction"); err != nil {
		return err
	}
	f := fields{from: parameters}
	account, text, encoding, hash := f.needed(by), f.needed("payload"), f.needed("encoding"), f.needed("hashFunction")
	if f.err != nil {
		return f.err
	}
	p, err := readPayload(text, encoding, hash)
	if err != nil {
		return err
	}
	s.take(p, account)
	return nil
}

// take makes what is known of a payload that of the request.
func (s *Summary) take(p payload, account string) {
	s.Title, s.Lines, s.Blind, s.limits = p.Title, p.Lines, p.blind, p.limits
	s.Payload = hex.EncodeToString(p.digest)
	s.with(account)
}

// payloads describes signatures over several payloads of one encoding. No rule covers them.
func (s *Summary) payloads(parameters object) error {
	if err := only(parameters, "signWith", "payloads", "encoding", "hashFunction"); err != nil {
		return err
	}
	f := fields{from: parameters}
	account, list, encoding, hash := f.needed("signWith"), f.list("payloads"), f.needed("encoding"), f.needed("hashFunction")
	if f.err != nil {
		return f.err
	}
	if len(list) == 0 {
		return unclear("no payload")
	}
	s.Title = fmt.Sprintf("Sign %d payloads", len(list))
	for i, item := range list {
		text, ok := item.(string)
		if !ok {
			return unclear("payload %d is no text", i+1)
		}
		p, err := readPayload(text, encoding, hash)
		if err != nil {
			return err
		}
		s.Blind = s.Blind || p.blind
		s.say("payload "+strconv.Itoa(i+1), "%s", inOneLine(p.Description))
	}
	s.with(account)
	return nil
}

// inOneLine is a description among others.
func inOneLine(d chain.Description) string {
	whole := d.Title
	for _, l := range d.Lines {
		whole += "; " + l.Label + " " + l.Text
	}
	return whole
}

// with says by which account is signed.
func (s *Summary) with(account string) {
	s.limits.account = account
	s.Lines = append([]chain.Line{{Label: "with", Text: chain.Visible(account, 100)}}, s.Lines...)
}

// payload is one thing to be signed.
type payload struct {
	chain.Description
	digest []byte // what is signed; an ed25519 key signs the whole
	blind  bool
	limits limits
}

func (p *payload) say(label, format string, args ...any) {
	p.Lines = append(p.Lines, chain.Line{Label: label, Text: fmt.Sprintf(format, args...)})
}

// readPayload tells what a raw payload is. Source of encodings and hashes: Turnkey's API description.
func readPayload(text, encoding, hash string) (payload, error) {
	switch encoding {
	case "PAYLOAD_ENCODING_EIP712":
		typed, err := chain.ParseTypedData([]byte(text))
		if err != nil {
			return payload{}, unclear("the payload: %w", err)
		}
		p := payload{}
		if p.digest, err = typed.Digest(); err == nil {
			p.Description, err = typed.Describe()
		}
		if err != nil {
			return payload{}, unclear("the payload: %w", err)
		}
		return p, hashed(hash, "HASH_FUNCTION_NO_OP")
	case "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION":
		a, err := chain.ParseAuthorization([]byte(text))
		if err != nil {
			return payload{}, unclear("the payload: %w", err)
		}
		return payload{Description: a.Describe(), digest: a.Digest()}, hashed(hash, "HASH_FUNCTION_NO_OP")
	case "PAYLOAD_ENCODING_TEXT_UTF8":
		return readBytes([]byte(text), hash)
	case "PAYLOAD_ENCODING_HEXADECIMAL":
		raw, err := readHex(text)
		if err != nil {
			return payload{}, err
		}
		return readBytes(raw, hash)
	}
	return payload{}, unclear("the payload's encoding is %q", chain.Visible(encoding, 60))
}

func readHex(text string) ([]byte, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil || len(raw) == 0 {
		return nil, unclear("what is to be signed is no hex")
	}
	return raw, nil
}

// hashed refuses another hash than the one that belongs to an encoding: what would then be signed, nobody says.
func hashed(hash, want string) error {
	if hash != want {
		return unclear("the payload's hash function is %q, want %q", chain.Visible(hash, 60), want)
	}
	return nil
}

// readBytes tells what bytes are, by the hash under which they are signed.
func readBytes(raw []byte, hash string) (payload, error) {
	switch hash {
	case "HASH_FUNCTION_NO_OP":
		p := payload{digest: raw}
		p.blindly("a bare digest of %d bytes", len(raw))
		return p, nil
	case "HASH_FUNCTION_KECCAK256":
		p := readEthereum(raw)
		p.digest = chain.Keccak256(raw)
		return p, nil
	case "HASH_FUNCTION_SHA256":
		p := readText(raw)
		p.limits = limits{} // transactions of some chains are JSON under this hash
		sum := sha256.Sum256(raw)
		p.digest = sum[:]
		return p, nil
	case "HASH_FUNCTION_NOT_APPLICABLE": // ed25519, which signs the whole
		p := readText(raw)
		if tx, err := chain.ParseSolanaMessage(raw); err == nil {
			p = payload{Description: tx.Describe(), limits: solanaLimits(tx)}
		}
		p.digest = raw
		if len(raw) > 64 {
			sum := sha256.Sum256(raw) // which names it, and is not signed
			p.digest = sum[:]
			p.say("signed", "as it is, %d bytes; their SHA-256 stands below", len(raw))
		}
		return p, nil
	}
	return payload{}, unclear("the hash function is %q", chain.Visible(hash, 60))
}

// blindly makes p what cannot be read.
func (p *payload) blindly(format string, args ...any) {
	p.blind, p.limits = true, limits{}
	p.Title = "Sign what nobody can read"
	p.say(chain.Warning, "%s", blindly)
	p.say("what", format, args...)
}

// readText takes bytes as a text, if they are one.
func readText(raw []byte) payload {
	p := payload{}
	if !chain.Readable(raw) {
		p.blindly("%d bytes that are no text: %s", len(raw), chain.Visible(hex.EncodeToString(raw), 80))
		return p
	}
	p.Title = "Sign a message"
	p.say("text", "“%s”", chain.Visible(string(raw), 400))
	p.say("length", "%d bytes", len(raw))
	p.limits.message = true
	return p
}

// readEthereum tells what Keccak-256 is taken of: a personal message, a transaction, or nothing that can be read.
func readEthereum(raw []byte) payload {
	if text, ok := chain.PersonalText(raw); ok {
		p := readText(text)
		if !p.blind {
			p.Title = "Sign a personal message (Ethereum)"
		}
		return p
	}
	if tx, err := chain.ParseEthereumTransaction(raw); err == nil {
		return payload{Description: tx.Describe(), limits: ethereumLimits(tx)}
	}
	if tx, err := chain.ParseTempoTransaction(raw); err == nil {
		return payload{Description: tx.Describe()}
	}
	p := readText(raw)
	p.limits = limits{} // whoever signs bare text under Ethereum's hash signs for a reader of their own
	return p
}

// transaction describes what sign_transaction signs. by is the member that names what signs.
func (s *Summary) transaction(parameters object, by string) error {
	if err := only(parameters, by, "unsignedTransaction", "type"); err != nil {
		return err
	}
	f := fields{from: parameters}
	account, kind, text := f.needed(by), f.needed("type"), f.needed("unsignedTransaction")
	if f.err != nil {
		return f.err
	}
	raw, err := readHex(text)
	if err != nil {
		return err
	}
	var p payload
	switch kind {
	case "TRANSACTION_TYPE_ETHEREUM":
		tx, err := chain.ParseEthereumTransaction(raw)
		if err != nil {
			return unclear("the transaction: %w", err)
		}
		p = payload{Description: tx.Describe(), digest: tx.Digest(), limits: ethereumLimits(tx)}
	case "TRANSACTION_TYPE_SOLANA":
		tx, err := chain.ParseSolanaTransaction(raw)
		if err != nil {
			return unclear("the transaction: %w", err)
		}
		sum := sha256.Sum256(tx.Message)
		p = payload{Description: tx.Describe(), digest: sum[:], limits: solanaLimits(tx)}
	case "TRANSACTION_TYPE_TEMPO":
		tx, err := chain.ParseTempoTransaction(raw)
		if err != nil {
			return unclear("the transaction: %w", err)
		}
		p = payload{Description: tx.Describe(), digest: tx.Digest()}
	default: // Tron and Bitcoin among them, which package chain cannot read
		sum := sha256.Sum256(raw)
		p.digest = sum[:]
		p.blindly("a transaction of %d bytes, of type %s", len(raw), chain.Visible(kind, 60))
	}
	s.take(p, account)
	return nil
}

func ethereumLimits(tx *chain.EthereumTransaction) limits {
	if !tx.Plain() {
		return limits{}
	}
	return limits{chain: "eip155:" + tx.ChainID.String(), to: chain.Checksum(*tx.To), spends: new(big.Int).Add(tx.Value, tx.Fee()).String()}
}

// solanaLimits knows transfers to one account alone.
func solanaLimits(tx *chain.SolanaTransaction) limits {
	transfers, ok := tx.Transfers()
	if !ok {
		return limits{}
	}
	sum := tx.Fee()
	for _, x := range transfers {
		if x.To.FromTable || x.To != transfers[0].To {
			return limits{}
		}
		sum.Add(sum, new(big.Int).SetUint64(x.Lamports))
	}
	return limits{chain: "solana", to: transfers[0].To.String(), spends: sum.String()}
}

// sendEthereum describes what eth_send_transaction does, whose first version has one call among its parameters. No
// rule covers it, for the service fills in the fee that is left out.
func (s *Summary) sendEthereum(parameters object) error {
	numbers := []string{"nonce", "gasLimit", "maxFeePerGas", "maxPriorityFeePerGas", "deadline", "gasStationNonce"}
	first := s.Type == "ACTIVITY_TYPE_ETH_SEND_TRANSACTION"
	own := []string{"calls"}
	if first {
		own = []string{"to", "value", "data"}
	}
	if err := only(parameters, slices.Concat(numbers, own, []string{"from", "caip2", "sponsor"})...); err != nil {
		return err
	}
	f := fields{from: parameters}
	from, caip2, sponsored := f.needed("from"), f.needed("caip2"), parameters["sponsor"] == true
	calls := f.list("calls")
	if first {
		calls = []any{object{"to": parameters["to"], "value": parameters["value"], "data": parameters["data"]}}
	}
	switch {
	case f.err != nil:
		return f.err
	case len(calls) == 0:
		return unclear("no call")
	}
	id, known := strings.CutPrefix(caip2, "eip155:")
	chainID, err := chain.Integer(id)
	if !known || err != nil || strings.HasPrefix(id, "0x") || chainID.Sign() < 0 {
		return unclear("the network is %q", chain.Visible(caip2, 60))
	}
	s.Title = fmt.Sprintf("Send a transaction of %d calls", len(calls))
	for i, item := range calls {
		members, _ := item.(object)
		if err := only(members, "to", "value", "data"); err != nil {
			return err
		}
		c := fields{from: members}
		to, value, data := c.needed("to"), c.text("value"), c.text("data")
		if c.err != nil {
			return c.err
		}
		d, err := describeCall(to, value, data, chainID)
		if err != nil {
			return err
		}
		if len(calls) == 1 {
			s.Title, s.Lines = d.Title, d.Lines
			break
		}
		s.say(fmt.Sprintf("call %d", i+1), "%s", inOneLine(d))
	}
	s.say("network", "%s", chain.Network(chainID))
	if sponsored {
		s.say("fee", "somebody else pays")
	}
	for _, name := range numbers {
		if v := f.text(name); v != "" {
			s.say(name, "%s", chain.Visible(v, 80))
		}
	}
	s.with(from)
	return f.err
}

func describeCall(to, value, data string, chainID *big.Int) (chain.Description, error) {
	address, err := chain.ParseEthereumAddress(to)
	if err != nil {
		return chain.Description{}, unclear("a call: %w", err)
	}
	wei := new(big.Int)
	if value != "" {
		if wei, err = chain.Integer(value); err != nil || wei.Sign() < 0 {
			return chain.Description{}, unclear("a call's value is %q", chain.Visible(value, 80))
		}
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(data, "0x"))
	if err != nil {
		return chain.Description{}, unclear("a call's data are no hex")
	}
	return chain.DescribeCall(&address, wei, raw, chainID), nil
}

// sendSolana describes what sol_send_transaction does. Its first version spells the transaction in base64 and has one
// signer, the second spells it in hex and has several.
func (s *Summary) sendSolana(parameters object) error {
	by, decode := "signWiths", hex.DecodeString
	if s.Type == "ACTIVITY_TYPE_SOL_SEND_TRANSACTION" {
		by, decode = "signWith", base64.StdEncoding.DecodeString
	}
	if err := only(parameters, by, "unsignedTransaction", "sponsor", "caip2", "recentBlockhash"); err != nil {
		return err
	}
	f := fields{from: parameters}
	text, caip2, blockhash := f.needed("unsignedTransaction"), f.needed("caip2"), f.text("recentBlockhash")
	signers := []any{parameters[by]}
	if by == "signWiths" {
		signers = f.list(by)
	}
	if f.err != nil {
		return f.err
	}
	var names []string
	for _, item := range signers {
		name, ok := item.(string)
		if !ok {
			return unclear("a signer is no text")
		}
		names = append(names, name)
	}
	raw, err := decode(text)
	if err != nil {
		return unclear("the transaction is not encoded as its version has it")
	}
	tx, err := chain.ParseSolanaTransaction(raw)
	if err != nil {
		return unclear("the transaction: %w", err)
	}
	d := tx.Describe()
	sum := sha256.Sum256(tx.Message)
	s.Title, s.Lines, s.Payload = d.Title, d.Lines, hex.EncodeToString(sum[:])
	s.say("sent to", "%s", chain.Visible(caip2, 80))
	if parameters["sponsor"] == true {
		s.say("fee", "somebody else pays")
	}
	if blockhash != "" {
		s.say("blockhash", "%s", chain.Visible(blockhash, 80))
	}
	s.with(strings.Join(names, ", "))
	return nil
}
