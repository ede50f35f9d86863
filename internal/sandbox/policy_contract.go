package sandbox

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/mr-tron/base58"

	"latchkey/internal/sandbox/contract"
	"latchkey/internal/sandbox/policy"
)

// contractInterface is how to read what transactions say to one contract.
type contractInterface struct {
	id      uuid.UUID
	number  uint64
	org     *organization
	address string
	kind    string
	text    string // JSON
	label   string
	notes   string
	created int64
	abi     *contract.ABI // of a contract of Ethereum
	idl     *contract.IDL // of a program of Solana
}

// Types of interfaces.
const (
	interfaceEthereum = "SMART_CONTRACT_INTERFACE_TYPE_ETHEREUM"
	interfaceSolana   = "SMART_CONTRACT_INTERFACE_TYPE_SOLANA"
)

const interfacesMax = 100 // of an organization. No source names the service's own limit.

func (i *contractInterface) ident() uuid.UUID { return i.id }
func (i *contractInterface) install(*state)   { i.org.shelf().interfaces.put(i) }
func (i *contractInterface) uninstall(*state) { i.org.shelf().interfaces.drop(i.id) }

// parse reads the interface, which decides whether it can be stored.
func (i *contractInterface) parse() (err error) {
	switch i.kind {
	case interfaceEthereum:
		if raw, err := hex.DecodeString(strings.TrimPrefix(i.address, "0x")); err != nil || len(raw) != 20 || !strings.HasPrefix(i.address, "0x") {
			return invalid("invalid smart contract address")
		}
		i.abi, err = contract.ParseABI(i.text)
	case interfaceSolana:
		if len(i.address) > 44 { // of 32 bytes; decoding takes the square of the length
			return invalid("invalid smart contract address")
		}
		if raw, err := base58.Decode(i.address); err != nil || len(raw) != 32 {
			return invalid("invalid smart contract address")
		}
		i.idl, err = contract.ParseIDL(i.text)
	default:
		return invalid("invalid smart contract interface type")
	}
	if err != nil {
		return invalid("invalid smart contract interface: %v", err)
	}
	return nil
}

type contractInterfaceOnDisk struct {
	ID      uuid.UUID `json:"id"`
	Org     uuid.UUID `json:"org"`
	Address string    `json:"address"`
	Kind    string    `json:"kind"`
	Text    string    `json:"text"`
	Label   string    `json:"label"`
	Notes   string    `json:"notes,omitempty"`
	Created int64     `json:"created"`
}

const bucketInterface = "contractInterface" // by number

func (i *contractInterface) row() row {
	return row{bucketInterface, number(i.number), mustJSON(contractInterfaceOnDisk{i.id, i.org.id, i.address, i.kind, i.text, i.label, i.notes, i.created})}
}

func (s *state) readInterface(key, value []byte) (record, error) {
	var d contractInterfaceOnDisk
	n, org, err := s.owned(key, value, &d, &d.Org)
	if err != nil {
		return nil, err
	}
	i := &contractInterface{id: d.ID, number: n, org: org, address: d.Address, kind: d.Kind, text: d.Text, label: d.Label, notes: d.Notes, created: d.Created}
	return i, i.parse()
}

// createInterface stores the interface of a contract.
type createInterface struct {
	Address   string `json:"smartContractAddress" need:"text"`
	Interface string `json:"smartContractInterface" need:"text"`
	Type      string `json:"type" need:"text"`
	Label     string `json:"label" need:"text"`
	Notes     string `json:"notes,omitempty"`

	drawn *contractInterface
}

// interfaceID is the answer to activities about an interface.
type interfaceID struct {
	InterfaceID uuid.UUID `json:"smartContractInterfaceId"`
}

func (in *createInterface) prepare(*call) error {
	in.drawn = &contractInterface{address: in.Address, kind: in.Type, text: in.Interface, label: in.Label, notes: in.Notes}
	return in.drawn.parse()
}

func (in *createInterface) run(t *tx) (any, error) {
	there := t.org.shelved().interfaces.all
	if len(there) >= interfacesMax {
		return nil, tooMany("organization has exceeded maximum smart contract interfaces")
	}
	if slices.ContainsFunc(there, func(i *contractInterface) bool { return i.label == in.Label }) {
		return nil, invalid("smart contract interface label must be unique")
	}
	i := in.drawn
	i.id, i.number, i.org, i.created = t.id(), t.number(), t.org, t.now
	t.stage(i)
	return interfaceID{i.id}, nil
}

// deleteInterface takes one away.
type deleteInterface struct {
	InterfaceID string `json:"smartContractInterfaceId" need:"text"`
	nobody
}

func (in *deleteInterface) run(t *tx) (any, error) {
	i, err := t.findInterface(in.InterfaceID)
	if err != nil {
		return nil, err
	}
	t.stage(gone{i})
	return interfaceID{i.id}, nil
}

// findInterface returns the organization's interface of that id. The caller holds the lock.
func (c *call) findInterface(id string) (*contractInterface, error) {
	parsed, ok := parseID(id)
	if !ok {
		return nil, invalid("malformed smart contract interface ID provided")
	}
	if i, ok := c.org.shelved().interfaces.find(parsed); ok {
		return i, nil
	}
	return nil, notFound("no smart contract interface found with the given ID", "smartContractInterfaceId", id)
}

type interfaceView struct {
	OrganizationID uuid.UUID `json:"organizationId"`
	InterfaceID    uuid.UUID `json:"smartContractInterfaceId"`
	Address        string    `json:"smartContractAddress"`
	Interface      string    `json:"smartContractInterface"`
	Type           string    `json:"type"`
	Label          string    `json:"label"`
	Notes          string    `json:"notes"`
	CreatedAt      timestamp `json:"createdAt"`
	UpdatedAt      timestamp `json:"updatedAt"`
}

func (i *contractInterface) view() interfaceView {
	return interfaceView{i.org.id, i.id, i.address, i.text, i.kind, i.label, i.notes, stampTime(i.created), stampTime(i.created)}
}

func listInterfaces(c *call, _ *nothing) (any, error) {
	views := []interfaceView{}
	for _, i := range c.org.shelved().interfaces.all {
		views = append(views, i.view())
	}
	return struct {
		Interfaces []interfaceView `json:"smartContractInterfaces"`
	}{views}, nil
}

type interfaceFilter struct {
	InterfaceID string `json:"smartContractInterfaceId" need:"text"`
}

func getInterface(c *call, in *interfaceFilter) (any, error) {
	i, err := c.findInterface(in.InterfaceID)
	if err != nil {
		return nil, err
	}
	return struct {
		Interface interfaceView `json:"smartContractInterface"`
	}{i.view()}, nil
}

// readCalls adds to a transaction what it says to contracts of which the organization has an interface that can read it.
// What was told stays as it is. The caller holds the lock.
func (o *organization) readCalls(told *policy.Context) {
	if len(o.shelved().interfaces.all) == 0 {
		return
	}
	if told.Eth.Tx != nil {
		told.Eth.Tx = o.readCall(told.Eth.Tx)
	}
	if told.Solana.Tx != nil {
		read := *told.Solana.Tx
		read.Instructions = slices.Clone(read.Instructions)
		for n := range read.Instructions {
			o.readInstruction(&read.Instructions[n])
		}
		told.Solana.Tx = &read
	}
}

func (o *organization) readCall(tx *policy.EthereumTransaction) *policy.EthereumTransaction {
	data, err := hex.DecodeString(strings.TrimPrefix(tx.Data, "0x"))
	if err != nil {
		return tx
	}
	for _, i := range o.shelved().interfaces.all {
		if i.abi == nil || !strings.EqualFold(i.address, tx.To) {
			continue
		}
		if said, ok := i.abi.Read(data); ok {
			read, selector := *tx, "0x"+hex.EncodeToString(said.Selector)
			read.FunctionName, read.FunctionSignature, read.ContractCallArgs = &said.Name, &selector, said.Args
			return &read
		}
	}
	return tx
}

func (o *organization) readInstruction(in *policy.Instruction) {
	data, err := hex.DecodeString(in.InstructionDataHex)
	if err != nil {
		return
	}
	accounts := make([]string, len(in.Accounts))
	for n, a := range in.Accounts {
		accounts[n] = a.AccountKey
	}
	for _, i := range o.shelved().interfaces.all {
		if i.idl != nil && i.address == in.ProgramKey {
			if said, ok := i.idl.Read(data, accounts); ok {
				in.ParsedInstructionData = said
				return
			}
		}
	}
}
