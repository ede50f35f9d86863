package backend

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"strings"

	"latchkey/internal/fault"
	"latchkey/internal/stamp"
	"latchkey/internal/turnkey"
)

// This file is the ceremony of wallets that stand in a browser: the page finds them, one of them signs the request as it
// is, and here its signature is checked and becomes a stamp.

// askWallet gives the page what is to be signed: the request itself, to the byte, which the wallet shows too.
func askWallet(_ *Backend, r ceremonyRound, _ site) (ceremonyPage, error) {
	title, facts, err := describeRequest(r.Body)
	return ceremonyPage{Title: title, Facts: facts, Options: struct {
		Message string `json:"message"`
	}{r.Body}}, err
}

// walletAnswer is what the page says that a wallet has signed with.
type walletAnswer struct {
	Chain     string `json:"chain"`     // ethereum or solana
	Address   string `json:"address"`   // of Ethereum: that was asked to sign
	PublicKey string `json:"publicKey"` // of Solana, in hex
	Signature string `json:"signature"` // in hex
}

// walletStamped is the result of wallet-stamp.
type walletStamped struct {
	Stamp           string   `json:"stamp"`     // the value of X-Stamp
	PublicKey       string   `json:"publicKey"` // as API keys spell it
	Address         string   `json:"address"`   // of Ethereum, in lower case; "" for Solana
	OrganizationIDs []string `json:"organizationIds"`
}

func checkWallet(ctx context.Context, b *Backend, r ceremonyRound, _ site, answer json.RawMessage) (any, error) {
	var in walletAnswer
	if err := json.Unmarshal(answer, &in); err != nil {
		return nil, bad("answer: not of a wallet")
	}
	signature, err := hex.DecodeString(strings.TrimPrefix(in.Signature, "0x"))
	if err != nil {
		return nil, unlikeWallet("the signature is not in hex")
	}
	out := walletStamped{}
	var signed stamp.Signed
	switch in.Chain {
	case "ethereum":
		if signed, err = stamp.OfEthereum([]byte(r.Body), signature); err != nil {
			return nil, unlikeWallet(err.Error())
		}
		out.Address = "0x" + hex.EncodeToString(signed.Address[:])
		if !strings.EqualFold(out.Address, in.Address) {
			return nil, unlikeWallet("another account signed than the one that was asked")
		}
	case "solana":
		public, err := hex.DecodeString(in.PublicKey)
		if err != nil {
			return nil, unlikeWallet("the public key is not in hex")
		}
		if signed, err = stamp.OfSolana([]byte(r.Body), public, signature); err != nil {
			return nil, unlikeWallet(err.Error())
		}
	default:
		return nil, bad("answer: of no chain that is known here")
	}
	found, err := b.api.ListSubOrgs(ctx, b.c.OrganizationID, turnkey.SubOrgFilter{Type: "PUBLIC_KEY", Value: signed.PublicKey, Limit: pageOf})
	if err != nil {
		return nil, upstream(err)
	}
	out.Stamp, out.PublicKey, out.OrganizationIDs = signed.Stamp.HeaderValue, signed.PublicKey, append([]string{}, found[:min(len(found), 4)]...)
	return out, nil
}

// unlikeWallet is for an answer that is not what was asked for.
func unlikeWallet(what string) error {
	return fault.New(fault.LoginRefused, show("the wallet's answer is not to this page's question: "+what))
}
