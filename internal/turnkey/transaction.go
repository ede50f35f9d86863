package turnkey

import "context"

// SignTransactionParams say which unsigned transaction is signed by whom. Source: swagger, SignTransactionIntentV2.
type SignTransactionParams struct {
	SignWith            string `json:"signWith"`            // an address, or a private key's id
	UnsignedTransaction string `json:"unsignedTransaction"` // hex, in the form that belongs to the type
	Type                string `json:"type"`                // "TRANSACTION_TYPE_ETHEREUM"
}

// SignTransaction signs (SIGN_TRANSACTION_V2), and returns the signed transaction as hex without 0x.
func (c *Client) SignTransaction(ctx context.Context, organizationID string, p SignTransactionParams) (signed string, err error) {
	var out struct {
		SignedTransaction string `json:"signedTransaction"`
	}
	_, err = c.Submit(ctx, Activity{"/public/v1/submit/sign_transaction", "ACTIVITY_TYPE_SIGN_TRANSACTION_V2", organizationID, p, "signTransactionResult"}, &out)
	return out.SignedTransaction, err
}
