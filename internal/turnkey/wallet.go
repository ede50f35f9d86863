package turnkey

import (
	"context"
	"strconv"
)

// Wallet is a seed phrase kept by the service.
type Wallet struct {
	WalletID   string    `json:"walletId"`
	WalletName string    `json:"walletName"`
	CreatedAt  Timestamp `json:"createdAt"`
	UpdatedAt  Timestamp `json:"updatedAt"`
	Exported   bool      `json:"exported"`
	Imported   bool      `json:"imported"`
}

// WalletAccount is one address of a wallet.
type WalletAccount struct {
	WalletAccountID string    `json:"walletAccountId"`
	OrganizationID  string    `json:"organizationId"`
	WalletID        string    `json:"walletId"`
	Curve           string    `json:"curve"`
	PathFormat      string    `json:"pathFormat"`
	Path            string    `json:"path"`
	AddressFormat   string    `json:"addressFormat"`
	Address         string    `json:"address"`
	PublicKey       string    `json:"publicKey,omitempty"`
	Name            string    `json:"name,omitempty"`
	CreatedAt       Timestamp `json:"createdAt"`
	UpdatedAt       Timestamp `json:"updatedAt"`
}

// WalletAccountParams describe an address to derive.
type WalletAccountParams struct {
	Curve         string `json:"curve"`
	PathFormat    string `json:"pathFormat"` // "PATH_FORMAT_BIP32"
	Path          string `json:"path"`
	AddressFormat string `json:"addressFormat"`
	Name          string `json:"name,omitempty"`
}

// ListWallets returns all wallets of an organization.
func (c *Client) ListWallets(ctx context.Context, organizationID string) ([]Wallet, error) {
	var out struct {
		Wallets []Wallet `json:"wallets"`
	}
	err := c.Query(ctx, "/public/v1/query/list_wallets", inOrganization{organizationID}, &out)
	return out.Wallets, err
}

// accountPage is how many accounts are asked for at once, the most the service gives.
const accountPage = 100

// ListWalletAccounts returns the accounts of a wallet, or of all wallets when walletID is empty, page by page to the
// end.
func (c *Client) ListWalletAccounts(ctx context.Context, organizationID, walletID string) ([]WalletAccount, error) {
	var all []WalletAccount
	page := pagination{Limit: strconv.Itoa(accountPage)}
	for {
		var out struct {
			Accounts []WalletAccount `json:"accounts"`
		}
		err := c.Query(ctx, "/public/v1/query/list_wallet_accounts", struct {
			OrganizationID string     `json:"organizationId"`
			WalletID       string     `json:"walletId,omitempty"`
			Pagination     pagination `json:"paginationOptions"`
		}{organizationID, walletID, page}, &out)
		if err != nil {
			return nil, err
		}
		all = append(all, out.Accounts...)
		if len(out.Accounts) < accountPage {
			return all, nil
		}
		last := out.Accounts[len(out.Accounts)-1].WalletAccountID
		if last == page.After { // a service that ignores the page would be asked for ever
			return all, nil
		}
		page.After = last
	}
}

// CreateWalletParams describe a wallet. MnemonicLength is 12 (also for 0), 15, 18, 21 or 24 words.
type CreateWalletParams struct {
	WalletName     string                `json:"walletName"`
	Accounts       []WalletAccountParams `json:"accounts"`
	MnemonicLength int                   `json:"mnemonicLength,omitempty"`
}

// CreatedWallet is what was made, addresses in the order of the accounts asked for.
type CreatedWallet struct {
	WalletID  string   `json:"walletId"`
	Addresses []string `json:"addresses"`
}

// CreateWallet makes a wallet with its accounts.
func (c *Client) CreateWallet(ctx context.Context, organizationID string, p CreateWalletParams) (CreatedWallet, error) {
	var out CreatedWallet
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/create_wallet", "ACTIVITY_TYPE_CREATE_WALLET", organizationID, p, "createWalletResult"}, &out)
	return out, err
}

// CreateWalletAccounts derives further addresses, and returns them in the order asked for.
func (c *Client) CreateWalletAccounts(ctx context.Context, organizationID, walletID string, accounts ...WalletAccountParams) ([]string, error) {
	var out struct {
		Addresses []string `json:"addresses"`
	}
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/create_wallet_accounts", "ACTIVITY_TYPE_CREATE_WALLET_ACCOUNTS", organizationID, struct {
		WalletID string                `json:"walletId"`
		Accounts []WalletAccountParams `json:"accounts"`
	}{walletID, accounts}, "createWalletAccountsResult"}, &out)
	return out.Addresses, err
}

// SignRawPayloadParams say what is signed by whom. Source: swagger, PayloadEncoding and HashFunction.
type SignRawPayloadParams struct {
	SignWith     string `json:"signWith"` // an address, or a private key's id
	Payload      string `json:"payload"`
	Encoding     string `json:"encoding"`     // "PAYLOAD_ENCODING_HEXADECIMAL"
	HashFunction string `json:"hashFunction"` // "HASH_FUNCTION_KECCAK256"
}

// RawSignature is r and s in 64 hex characters each, and v in two.
type RawSignature struct {
	R string `json:"r"`
	S string `json:"s"`
	V string `json:"v"`
}

// SignRawPayload signs (SIGN_RAW_PAYLOAD_V2).
func (c *Client) SignRawPayload(ctx context.Context, organizationID string, p SignRawPayloadParams) (RawSignature, error) {
	var out RawSignature
	_, err := c.Submit(ctx, Activity{"/public/v1/submit/sign_raw_payload", "ACTIVITY_TYPE_SIGN_RAW_PAYLOAD_V2", organizationID, p, "signRawPayloadResult"}, &out)
	return out, err
}
