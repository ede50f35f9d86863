package chain

import (
	"fmt"
	"math/big"
)

// network is a chain that speaks Ethereum's language: its name, and the coin that pays there, of 18 places.
type network struct{ name, coin string }

// networks are the chains that are called by name, by chain id. Source: the list at chainid.network. The number is
// always shown with the name, so a chain that is missing here costs a name and nothing else.
var networks = map[uint64]network{
	1: {"Ethereum", "ETH"}, 11155111: {"Sepolia", "test ETH"}, 17000: {"Holesky", "test ETH"}, 560048: {"Hoodi", "test ETH"},
	10: {"OP Mainnet", "ETH"}, 11155420: {"OP Sepolia", "test ETH"}, 8453: {"Base", "ETH"}, 84532: {"Base Sepolia", "test ETH"},
	42161: {"Arbitrum One", "ETH"}, 421614: {"Arbitrum Sepolia", "test ETH"}, 137: {"Polygon", "POL"}, 80002: {"Polygon Amoy", "test POL"},
	56: {"BNB Smart Chain", "BNB"}, 97: {"BNB Smart Chain testnet", "test BNB"}, 43114: {"Avalanche C-Chain", "AVAX"}, 43113: {"Avalanche Fuji", "test AVAX"},
	100: {"Gnosis", "xDAI"}, 324: {"ZKsync Era", "ETH"}, 59144: {"Linea", "ETH"}, 534352: {"Scroll", "ETH"}, 81457: {"Blast", "ETH"},
	42220: {"Celo", "CELO"}, 5000: {"Mantle", "MNT"}, 130: {"Unichain", "ETH"}, 480: {"World Chain", "ETH"}, 7777777: {"Zora", "ETH"},
}

// Network names a chain that speaks Ethereum's language, with its number.
func Network(chainID *big.Int) string {
	if n, ok := networks[chainID.Uint64()]; ok && chainID.IsUint64() {
		return fmt.Sprintf("%s (chain id %s)", n.name, chainID)
	}
	return fmt.Sprintf("unknown network (chain id %s)", chainID)
}

// Coins spells an amount of wei in the coin of its chain.
func Coins(wei, chainID *big.Int) string {
	if n, ok := networks[chainID.Uint64()]; ok && chainID.IsUint64() {
		return Units(wei, 18) + " " + n.coin
	}
	return Units(wei, 18) + " of the network's coin"
}
