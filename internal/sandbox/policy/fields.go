package policy

import (
	"math/big"
	"time"
)

// Value is what an expression may find in a map or in the parameters of an activity, whose types no expression can
// know beforehand: a bool, a string, a *big.Int (int), a Uint, a []Value (list), a map[string]Value or Params. Anything
// else in its place makes the evaluation an error.
type Value any

// Uint is an unsigned number of up to 256 bits. A nil Int counts as zero.
type Uint struct{ Int *big.Int }

// Params are fields that are known only when a request is there (activity.params). Reading one that is absent is an error.
type Params map[string]Value

// Context is everything an expression may name. The tags of it and of all structs below are the language's names, and
// both the check of an expression and its evaluation read them: a field stands here or it does not exist. A name after
// a bar is another name of the same field.
//
// A plain field is always there, and its zero value is the language's (a nil *big.Int is 0, a nil list is empty). A
// pointer to a struct, and every field with the option "optional", is absent while it is nil, and reading what is absent
// is an error. The package never changes a Context.
type Context struct {
	Approvers     []User         `policy:"approvers"`
	Credentials   []Credential   `policy:"credentials"`
	Activity      Activity       `policy:"activity"`
	Wallet        *Wallet        `policy:"wallet"`
	WalletAccount *WalletAccount `policy:"wallet_account"`
	Wallets       []Wallet       `policy:"wallets,optional"`
	PrivateKey    *PrivateKey    `policy:"private_key"`
	Eth           Eth            `policy:"eth"`
	Solana        Solana         `policy:"solana"`
	Tron          Tron           `policy:"tron"`
	Bitcoin       Bitcoin        `policy:"bitcoin"`
	Tempo         Tempo          `policy:"tempo"`
	Secret        *Secret        `policy:"secret"`
	Time          Time           `policy:"time"`
}

// Eth, Solana, Tron, Bitcoin and Tempo hold what a chain's requests carry, such as eth.tx.
type (
	Eth struct {
		Tx            *EthereumTransaction  `policy:"tx"`
		EIP712        *Eip712TypedData      `policy:"eip_712"`
		Authorization *Eip7702Authorization `policy:"eip_7702_authorization"`
	}
	Solana struct {
		Tx *SolanaTransaction `policy:"tx"`
	}
	Tron struct {
		Tx *TronTransaction `policy:"tx"`
	}
	Bitcoin struct {
		Tx *BitcoinTransaction `policy:"tx"`
	}
	Tempo struct {
		Tx *TempoTransaction `policy:"tx"`
	}
)

// Time holds the instant of the request, the server's.
type Time struct {
	Now time.Time `policy:"now"`
}

// User is someone whose approval is valid. Tags are tag ids.
type User struct {
	ID    string   `policy:"id"`
	Tags  []string `policy:"tags"`
	Email string   `policy:"email"`
	Alias string   `policy:"alias"`
}

// Credential is what stamped an approval. CredentialID is set for passkeys alone.
type Credential struct {
	ID           string `policy:"id"`
	UserID       string `policy:"user_id"`
	Type         string `policy:"type"`
	CredentialID string `policy:"credential_id"`
	PublicKey    string `policy:"public_key"`
}

// Activity is the request itself.
type Activity struct {
	Type     string `policy:"type"`
	Kind     string `policy:"kind"`
	Resource string `policy:"resource"`
	Action   string `policy:"action"`
	Params   Params `policy:"params"`
}

// Wallet is the wallet a request is about.
type Wallet struct {
	ID       string `policy:"id"`
	Imported bool   `policy:"imported"`
	Exported bool   `policy:"exported"`
	Label    string `policy:"label"`
}

// WalletAccount is the account a request signs with or exports. The path, in numbers and in whether each of them is
// hardened, is there for exports of one account alone.
type WalletAccount struct {
	Address      string     `policy:"address"`
	PathIndexes  []*big.Int `policy:"path_indexes,optional"`
	PathHardened []bool     `policy:"path_hardened,optional"`
}

// PrivateKey is the lone key a request signs with or exports.
type PrivateKey struct {
	ID       string   `policy:"id"`
	Tags     []string `policy:"tags"`
	Imported bool     `policy:"imported"`
	Exported bool     `policy:"exported"`
	Label    string   `policy:"label"`
}

// Secret is what an export of secrets is about.
type Secret struct {
	StaticProperties map[string]string `policy:"static_properties"`
}

// EthereumTransaction is an unsigned Ethereum transaction. Addresses and bytes are 0x and lower-case hex; To is empty
// when a contract is created, Data is "0x" when empty. The last three are nil without an uploaded ABI for To.
type EthereumTransaction struct {
	From                 string           `policy:"from"`
	To                   string           `policy:"to"`
	Data                 string           `policy:"data"`
	Value                *big.Int         `policy:"value"`
	Gas                  *big.Int         `policy:"gas"`
	GasPrice             *big.Int         `policy:"gas_price"` // of type 2 the same number as MaxFeePerGas
	ChainID              *big.Int         `policy:"chain_id"`
	Nonce                *big.Int         `policy:"nonce"`
	MaxFeePerGas         *big.Int         `policy:"max_fee_per_gas"`
	MaxPriorityFeePerGas *big.Int         `policy:"max_priority_fee_per_gas"`
	MaxFeePerBlobGas     *big.Int         `policy:"max_fee_per_blob_gas"`
	Type                 string           `policy:"type"` // LEGACY, TYPE_1 to TYPE_4
	FunctionName         *string          `policy:"function_name,optional"`
	FunctionSignature    *string          `policy:"function_signature,optional"` // 0x and 8 hex digits
	ContractCallArgs     map[string]Value `policy:"contract_call_args,optional"`
}

// Eip712TypedData is typed data to be signed. Addresses and bytes in Message are 0x and lower-case hex, numbers are Uint
// or *big.Int by their declared type.
type Eip712TypedData struct {
	PrimaryType string           `policy:"primary_type"`
	Domain      Eip712Domain     `policy:"domain"`
	Message     map[string]Value `policy:"message"`
}

// Eip712Domain is the domain of typed data.
type Eip712Domain struct {
	Name              string `policy:"name"`
	Version           string `policy:"version"`
	ChainID           Uint   `policy:"chain_id"`
	VerifyingContract string `policy:"verifying_contract"`
}

// Eip7702Authorization lets an account run a contract's code.
type Eip7702Authorization struct {
	Address string   `policy:"address"`
	ChainID *big.Int `policy:"chain_id"`
	Nonce   *big.Int `policy:"nonce"`
}

// SolanaTransaction is an unsigned Solana transaction. An account from a look-up table is spelled ADDRESS_TABLE_LOOKUP.
// AccountKeys are those the message itself spells. AddressTableLookupReferences are all uses of look-up tables, in the
// runtime's order.
type SolanaTransaction struct {
	AccountKeys                  []string                      `policy:"account_keys|static_account_keys"`
	ProgramKeys                  []string                      `policy:"program_keys|top_level_program_keys"`
	Instructions                 []Instruction                 `policy:"instructions|top_level_instructions"`
	Transfers                    []Transfer                    `policy:"transfers"` // top-level System Program transfers alone
	RecentBlockhash              string                        `policy:"recent_blockhash"`
	SPLTransfers                 []SPLTransfer                 `policy:"spl_transfers"` // top-level token transfers alone
	AddressTableLookups          []AddressTableLookup          `policy:"address_table_lookups"`
	AddressTableLookupReferences []AddressTableLookupReference `policy:"address_table_lookup_references"`
}

// Instruction is one call of a Solana program. ParsedInstructionData is nil without an uploaded IDL.
type Instruction struct {
	ProgramKey            string                        `policy:"program_key"`
	Accounts              []Account                     `policy:"accounts"`
	InstructionDataHex    string                        `policy:"instruction_data_hex"`
	AddressTableLookups   []AddressTableLookupReference `policy:"address_table_lookups"`
	ParsedInstructionData *SolanaParsedInstructionData  `policy:"parsed_instruction_data"`
}

// AddressTableLookupReference is one account taken from a look-up table.
type AddressTableLookupReference struct {
	AddressTableKey string   `policy:"address_table_key"`
	Index           *big.Int `policy:"index"`
	Writable        bool     `policy:"writable"`
}

// Account is an account as an instruction names it.
type Account struct {
	AccountKey string `policy:"account_key"`
	Signer     bool   `policy:"signer"`
	Writable   bool   `policy:"writable"`
}

// Transfer is a transfer of lamports.
type Transfer struct {
	From   string   `policy:"from"`
	To     string   `policy:"to"`
	Amount *big.Int `policy:"amount"`
}

// SPLTransfer is a transfer of tokens between token accounts, in raw units. TokenMint is empty where the instruction
// does not name it.
type SPLTransfer struct {
	From      string   `policy:"from"`
	To        string   `policy:"to"`
	Amount    *big.Int `policy:"amount"`
	Owner     string   `policy:"owner"`
	Signers   []string `policy:"signers"`
	TokenMint string   `policy:"token_mint"`
}

// AddressTableLookup names accounts of a look-up table.
type AddressTableLookup struct {
	AddressTableKey string     `policy:"address_table_key"`
	WritableIndexes []*big.Int `policy:"writable_indexes"`
	ReadonlyIndexes []*big.Int `policy:"readonly_indexes"`
}

// SolanaParsedInstructionData is an instruction read by an uploaded IDL.
type SolanaParsedInstructionData struct {
	InstructionName string            `policy:"instruction_name"`
	Discriminator   string            `policy:"discriminator"`
	NamedAccounts   map[string]string `policy:"named_accounts|named_account"`
	ProgramCallArgs map[string]Value  `policy:"program_call_args"`
}

// TronTransaction is an unsigned Tron transaction. Data is the memo, Expiration and Timestamp are in milliseconds.
type TronTransaction struct {
	RefBlockBytes string         `policy:"ref_block_bytes"`
	RefBlockHash  string         `policy:"ref_block_hash"`
	Expiration    *big.Int       `policy:"expiration"`
	Timestamp     *big.Int       `policy:"timestamp"`
	Data          string         `policy:"data"`
	FeeLimit      *big.Int       `policy:"fee_limit"`
	Contract      []TronContract `policy:"contract"`
}

// TronContract is one contract of a Tron transaction. The fields of its own kind are set, those of the other kinds nil:
// reading one of those is an error. A field of its own kind is never nil, not even when it is zero or empty.
type TronContract struct {
	Type         string   `policy:"type"`
	PermissionID *big.Int `policy:"permission_id"`
	OwnerAddress string   `policy:"owner_address"`

	// TransferContract
	ToAddress *string  `policy:"to_address,optional"`
	Amount    *big.Int `policy:"amount,optional"` // in sun

	// TriggerSmartContract
	ContractAddress *string  `policy:"contract_address,optional"`
	CallValue       *big.Int `policy:"call_value,optional"`
	Data            *string  `policy:"data,optional"` // hex without 0x
	CallTokenValue  *big.Int `policy:"call_token_value,optional"`
	TokenID         *big.Int `policy:"token_id,optional"`

	// DelegateResourceContract and UnDelegateResourceContract, Resource also in the two of freezing
	Resource        *string  `policy:"resource,optional"` // ENERGY or BANDWIDTH
	Balance         *big.Int `policy:"balance,optional"`
	ReceiverAddress *string  `policy:"receiver_address,optional"`
	Lock            *bool    `policy:"lock,optional"`        // Delegate alone
	LockPeriod      *big.Int `policy:"lock_period,optional"` // Delegate alone

	// FreezeBalanceV2Contract, UnfreezeBalanceV2Contract
	FrozenBalance   *big.Int `policy:"frozen_balance,optional"`
	UnfreezeBalance *big.Int `policy:"unfreeze_balance,optional"`

	// AccountPermissionUpdateContract
	Owner   *TronPermission  `policy:"owner"`
	Witness *TronPermission  `policy:"witness"`
	Actives []TronPermission `policy:"actives,optional"`
}

// TronPermission says which keys may act for a Tron account. Operations is hex.
type TronPermission struct {
	Type           string    `policy:"type"` // Owner, Witness or Active
	ID             *big.Int  `policy:"id"`
	PermissionName string    `policy:"permission_name"`
	Threshold      *big.Int  `policy:"threshold"`
	ParentID       *big.Int  `policy:"parent_id"`
	Operations     string    `policy:"operations"`
	Keys           []TronKey `policy:"keys"`
}

// TronKey is one key of a permission.
type TronKey struct {
	Address string   `policy:"address"`
	Weight  *big.Int `policy:"weight"`
}

// BitcoinTransaction is an unsigned Bitcoin transaction. Fee is the sum of its inputs minus its outputs, in satoshi.
type BitcoinTransaction struct {
	Version  string            `policy:"version"`
	Inputs   []BitcoinTxInput  `policy:"inputs"`
	Outputs  []BitcoinTxOutput `policy:"outputs"`
	Locktime BitcoinLocktime   `policy:"locktime"`
	Fee      *big.Int          `policy:"fee"`
}

// BitcoinLocktime is a lock time; Type is Seconds or Blocks.
type BitcoinLocktime struct {
	Amount *big.Int `policy:"amount"`
	Type   string   `policy:"type"`
}

// BitcoinTxInput is an input.
type BitcoinTxInput struct {
	TxID     string   `policy:"tx_id"`
	Vout     *big.Int `policy:"vout"`
	Sequence *big.Int `policy:"sequence"`
}

// BitcoinTxOutput is an output; Value is in satoshi.
type BitcoinTxOutput struct {
	Value        *big.Int `policy:"value"`
	ScriptPubkey string   `policy:"script_pubkey"`
	Address      string   `policy:"address"`
	AddressType  string   `policy:"address_type"`
}

// TempoTransaction is an unsigned Tempo transaction. ValidBefore and ValidAfter are 0 when unset.
type TempoTransaction struct {
	ChainID              *big.Int    `policy:"chain_id"`
	From                 string      `policy:"from"`
	Nonce                *big.Int    `policy:"nonce"`
	GasLimit             *big.Int    `policy:"gas_limit"`
	MaxFeePerGas         *big.Int    `policy:"max_fee_per_gas"`
	MaxPriorityFeePerGas *big.Int    `policy:"max_priority_fee_per_gas"`
	FeeToken             string      `policy:"fee_token"`
	ValidBefore          *big.Int    `policy:"valid_before"`
	ValidAfter           *big.Int    `policy:"valid_after"`
	Calls                []TempoCall `policy:"calls"`
}

// TempoCall is one call of a Tempo transaction. To is empty when a contract is created.
type TempoCall struct {
	To                string `policy:"to"`
	Input             string `policy:"input"`
	FunctionSignature string `policy:"function_signature"` // 0x and 8 hex digits, empty if Input is shorter
}
